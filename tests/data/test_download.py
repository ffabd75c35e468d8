"""The files behind the named data sets: embedded, local, downloaded, damaged; and their tool."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from aetutorial import data
from aetutorial.data import catalog, download
from aetutorial.data.dataset import contents_digest
from tools import datasets as tool

ROOT = Path(data.__file__).parents[2]
FULL_COPY = os.environ.get("AETUTORIAL_MNIST_FULL")  # read before the fixture hides it


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    for name in ("MNIST_FULL", "FASHION_MNIST", "SABOTAGE"):
        monkeypatch.delenv(f"AETUTORIAL_{name}", raising=False)
    monkeypatch.setenv("AETUTORIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


# --- the embedded file and the tool that makes it -----------------------------------------------


def full_mnist(per_digit=(30, 40, 25, 35, 30, 20, 30, 33, 27, 30)):
    """A small stand-in for MNIST: random images, unequal classes."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, scale in (("train", 4), ("test", 1)):
        y = rng.permutation(np.repeat(np.arange(10, dtype=np.uint8), np.array(per_digit) * scale))
        arrays[f"y_{part}"] = y
        arrays[f"x_{part}"] = rng.integers(0, 256, (len(y), 28, 28), np.uint8)
    return arrays


@pytest.fixture
def fake_mnist(monkeypatch):
    """Let the stand-in pass for the real thing."""
    arrays = full_mnist()
    monkeypatch.setattr(catalog, "MNIST_DIGEST", contents_digest(arrays))
    return arrays


def test_readme_beside_the_file_gives_its_checksums_and_credits():
    readme = (ROOT / "aetutorial/data/embedded/README.md").read_text(encoding="utf-8")
    for path, digest in (
        (catalog.MNIST_SUBSET, catalog.MNIST_SUBSET_DIGEST),
        (catalog.EMOJI, catalog.EMOJI_DIGEST),
        (catalog.HEARTBEATS, catalog.HEARTBEATS_DIGEST),
    ):
        assert digest in readme
        assert hashlib.sha256(path.read_bytes()).hexdigest() in readme
    for credit in (
        *("LeCun", "Cortes", "Burges", "creativecommons.org/licenses/by-sa/3.0"),
        *(
            "Twitter, Inc. and other contributors",
            "creativecommons.org/licenses/by/4.0",
            "Paul van Gent",
            "MIT License",
        ),
    ):
        assert credit in readme


@pytest.mark.parametrize("fault", ["truncated", "altered", "html", "pickle", "npy", "gone"])
def test_a_damaged_subset_is_never_used(fault, tmp_path, monkeypatch):
    path = tmp_path / "mnist_subset.npz"
    whole = catalog.MNIST_SUBSET.read_bytes()
    with np.load(catalog.MNIST_SUBSET) as file:
        arrays = dict(file)
    marker = tmp_path / "executed"
    if fault == "truncated":
        path.write_bytes(whole[:-1000])
    elif fault == "altered":
        arrays["x_test"][17, 3, 4] ^= 1
        np.savez_compressed(path, **arrays)
    elif fault == "html":
        path.write_text("<!DOCTYPE html><html>Not found</html>")
    elif fault == "pickle":
        arrays["x_test"] = np.array([Touch(marker)], dtype=object)
        np.savez_compressed(path, **arrays)
    elif fault == "npy":
        with path.open("wb") as file:
            np.save(file, arrays["y_test"])
    monkeypatch.setattr(catalog, "MNIST_SUBSET", path)
    with pytest.raises((ValueError, FileNotFoundError), match=r"mnist_subset\.npz"):
        data.load("mnist")
    assert not marker.exists()


class Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_tool_gives_the_same_bytes_twice_and_a_stratified_subset(fake_mnist, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "MNIST_TRAIN", 200)
    monkeypatch.setattr(tool, "MNIST_TEST", 50)
    np.savez(tmp_path / "mnist.npz", **fake_mnist)
    for name in ("first.npz", "second.npz"):
        assert tool.main(["mnist", str(tmp_path / "mnist.npz"), "--output", str(tmp_path / name)]) == 0
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"mnist.npz", "first.npz", "second.npz"}
    with np.load(tmp_path / "first.npz") as file:
        subset = dict(file)
    assert contents_digest(subset) in capsys.readouterr().out
    for part, total in (("train", 200), ("test", 50)):
        x, y = subset[f"x_{part}"], subset[f"y_{part}"]
        full = np.bincount(fake_mnist[f"y_{part}"])
        assert len(y) == total
        assert np.abs(np.bincount(y) - full * total / full.sum()).max() < 1
        label_of = {
            image.tobytes(): label
            for image, label in zip(fake_mnist[f"x_{part}"], fake_mnist[f"y_{part}"], strict=True)
        }
        assert [label_of[image.tobytes()] for image in x] == list(y)
        assert len({image.tobytes() for image in x}) == total


def test_proportional_counts_round_by_largest_remainder():
    labels = np.repeat([0, 1, 2], [7, 2, 1])  # of 4: 2.8, 0.8, 0.4
    assert tool.proportional_counts(labels, 4).tolist() == [3, 1, 0]
    assert tool.proportional_counts(labels, 10).tolist() == [7, 2, 1]


def test_tool_refuses_what_is_not_mnist(tmp_path, capsys):
    np.savez(tmp_path / "mnist.npz", **full_mnist())
    output = tmp_path / "out.npz"
    assert tool.main(["mnist", str(tmp_path / "mnist.npz"), "--output", str(output)]) == 1
    assert "mnist.npz was refused" in capsys.readouterr().err
    assert tool.main(["mnist", str(tmp_path / "none.npz"), "--output", str(output)]) == 1
    assert not output.exists()


@pytest.mark.parametrize(("name", "file"), [("emoji", "EMOJI"), ("heartbeats", "HEARTBEATS")])
def test_other_embedded_files_are_checked_as_well(name, file, tmp_path, monkeypatch):
    path = tmp_path / "altered.npz"
    with np.load(getattr(catalog, file)) as stored:
        arrays = dict(stored)
    next(iter(arrays.values())).flat[100] += 1
    np.savez_compressed(path, **arrays)
    monkeypatch.setattr(catalog, file, path)
    with pytest.raises(ValueError, match=r"altered\.npz was refused"):
        data.load(name)


def emoji_package(folder):
    """Write a package of emoji as npm lays it out: six drawings, the first in two tones more."""
    from PIL import Image

    sheet = np.zeros((34 * 4, 34 * 4, 4), np.uint8)
    rng = np.random.default_rng(0)
    records = []
    for index, (name, group) in enumerate(
        [("MAN COOK", "p"), ("WOMAN COOK", "p"), ("CAT", "a"), ("DOG", "a"), ("COW", "a"), ("SQUARE", "Component")]
    ):
        record = {"name": name, "category": group, "subcategory": "x", "sheet_x": index % 4, "sheet_y": index // 4}
        if index == 0:
            record["skin_variations"] = {
                "1F3FB": {"sheet_x": 0, "sheet_y": 2},
                "1F3FB-1F3FF": {"sheet_x": 1, "sheet_y": 2},
            }
        records.append({"skin_variations": {}, **record})
        for place in (record, *records[-1]["skin_variations"].values()):
            top, left = 1 + 34 * place["sheet_y"], 1 + 34 * place["sheet_x"]
            sheet[top : top + 32, left : left + 32] = rng.integers(0, 256, (32, 32, 4))
            sheet[top, left] = 0  # transparent
    (folder / "img/twitter/sheets-clean").mkdir(parents=True)
    Image.fromarray(sheet).save(folder / "img/twitter/sheets-clean/32.png")
    (folder / "emoji.json").write_text(json.dumps(records), encoding="utf-8")


def test_tool_makes_emoji_with_families_and_tones(tmp_path, monkeypatch):
    emoji_package(tmp_path)
    assert tool.main(["emoji", str(tmp_path), "--output", str(tmp_path / "emoji.npz")]) == 0
    with np.load(tmp_path / "emoji.npz") as file:
        made = dict(file)
    assert made["names"].tolist() == ["Cat", "Cow", "Dog", "Man cook", "Woman cook"]  # no plain squares
    assert made["images"].shape == (7, 32, 32, 3)
    assert made["images"].max() == 31
    assert (made["images"][:, 0, 0] == 31).all()  # transparent is white
    cooks = made["emoji"] >= 3
    assert len(set(made["family"][cooks])) == 1
    assert len(set(made["family"])) == 4
    assert sorted(made["skin_tone"]) == [0, 0, 0, 0, 0, 1, 6]
    monkeypatch.setattr(catalog, "EMOJI", tmp_path / "emoji.npz")
    monkeypatch.setattr(catalog, "EMOJI_DIGEST", contents_digest(made))
    with pytest.raises(ValueError, match="x_test"):
        data.load("emoji")  # too few for a fifth: nothing is held out


def test_images_that_a_chain_of_equals_joins_are_one_family():
    records = [{"name": name, "subcategory": ""} for name in "abcd"]
    images = np.zeros((4, 32, 32, 3), np.uint8)
    images[:, :16] = np.array([0, 11, 22, 200])[:, None, None, None]  # a to b 0.0009, a to c 0.0037
    assert tool.families(records, images).tolist() == [0, 0, 0, 1]


def test_tool_makes_heartbeats(tmp_path):
    (tmp_path / "data3.csv").write_text("datetime,hr\n2016-11-24 13:58:58.081000,326\n2016-11-24 13:58:58.097000,327\n")
    assert tool.main(["heartbeats", str(tmp_path / "data3.csv"), "--output", str(tmp_path / "h.npz")]) == 0
    with np.load(tmp_path / "h.npz") as file:
        assert file["pulse"].tolist() == [326, 327]
        assert file["disturbed"].shape == (26, 2)
        assert (file["disturbed"][1:, 0] > file["disturbed"][:-1, 1]).all()  # stretches in order, none touching


def test_tool_has_help(capsys):
    with pytest.raises(SystemExit) as stopped:
        tool.main(["--help"])
    assert stopped.value.code == 0
    assert "mnist.npz" in capsys.readouterr().out


def test_subset_is_what_the_tool_selects_from_a_full_copy():
    if not FULL_COPY:
        pytest.skip("AETUTORIAL_MNIST_FULL names no full copy of MNIST")
    assert contents_digest(tool.mnist_subset(Path(FULL_COPY))) == catalog.MNIST_SUBSET_DIGEST


# --- local copies of the full sets --------------------------------------------------------------


def test_a_local_mnist_may_be_compressed_otherwise(fake_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("AETUTORIAL_MNIST_FULL", str(tmp_path / "mnist.npz"))
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "mnist.npz", **fake_mnist)
        dataset = data.load("mnist-full")
        assert np.array_equal(np.rint(dataset.x_test[..., 0] * 255), fake_mnist["x_test"])
        assert np.array_equal(dataset.y_train, fake_mnist["y_train"])
        assert dataset.x_train.dtype == np.float32
        assert dataset.y_train.dtype == np.int64
        assert dataset.image_shape == (28, 28, 1)


def test_a_wrong_local_mnist_is_refused(fake_mnist, tmp_path, monkeypatch):
    path = tmp_path / "mnist.npz"
    monkeypatch.setenv("AETUTORIAL_MNIST_FULL", str(path))
    with pytest.raises(FileNotFoundError, match=r"AETUTORIAL_MNIST_FULL .* no file at"):
        data.load("mnist-full")
    np.savez(path, **fake_mnist)
    half = path.read_bytes()[:5000]
    np.savez(path, **{**fake_mnist, "y_test": fake_mnist["y_test"][::-1]})
    reordered = path.read_bytes()
    np.savez(path, **{**fake_mnist, "x_test": fake_mnist["x_test"].astype(np.float32)})
    for content in (reordered, path.read_bytes(), half, b"\n <html>Log in</html>", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"mnist\.npz was refused: it is truncated or altered"):
            data.load("mnist-full")


def register(monkeypatch, contents):
    """Let these files be the ones that the registry knows."""
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    monkeypatch.setattr(download, "REGISTRY", digests)


@pytest.fixture
def fake_fashion(monkeypatch):
    """Four small files in the format of Fashion-MNIST; returns (file contents, arrays)."""
    rng = np.random.default_rng(1)
    files = {
        "x_train": "train-images-idx3-ubyte.gz",
        "y_train": "train-labels-idx1-ubyte.gz",
        "x_test": "t10k-images-idx3-ubyte.gz",
        "y_test": "t10k-labels-idx1-ubyte.gz",
    }
    contents, arrays = {}, {}
    for name, file in files.items():
        n = 12 if "train" in name else 6
        shape = (n, 28, 28) if name.startswith("x") else (n,)
        arrays[name] = rng.integers(0, 10, shape, np.uint8)
        header = bytes([0, 0, 8, len(shape)]) + b"".join(d.to_bytes(4, "big") for d in shape)
        contents[file] = gzip.compress(header + arrays[name].tobytes())
    register(monkeypatch, contents)
    return contents, arrays


def check_fashion(dataset, arrays):
    for name, array in arrays.items():
        loaded = getattr(dataset, name)
        if name.startswith("x"):
            loaded = np.rint(loaded[..., 0] * 255)
        assert np.array_equal(loaded, array)
    assert dataset.label_names[9] == "Ankle boot"
    assert dataset.license == "MIT"


def test_local_fashion_mnist(fake_fashion, tmp_path, monkeypatch):
    contents, arrays = fake_fashion
    monkeypatch.setenv("AETUTORIAL_FASHION_MNIST", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"AETUTORIAL_FASHION_MNIST .*train-images"):
        data.load("fashion-mnist")
    for file, content in contents.items():
        (tmp_path / file).write_bytes(content)
    check_fashion(data.load("fashion-mnist"), arrays)
    bad = tmp_path / "t10k-images-idx3-ubyte.gz"
    bad.write_bytes(bad.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"t10k-images.* refused: it is truncated or altered"):
        data.load("fashion-mnist")


# --- downloads, from a server on this machine ---------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; `fault` says what goes wrong; notes whether a file has its name while half of it is sent."""

    daemon_threads = True
    fault = None
    files: dict[str, bytes] = {}  # noqa: RUF012
    requests = 0
    cache: Path
    final_name_seen = False


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests += 1
        name = self.path.rpartition("/")[2]
        body = server.files.get(name)
        if body is None or server.fault == "404":
            self.send_error(404)
            return
        announced = len(body)
        if server.fault == "html":
            body = b"<!DOCTYPE html><html><body>Please log in</body></html>"
            announced = len(body)
        elif server.fault == "altered":
            body = body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]
        elif server.fault == "truncated":
            body = body[: len(body) // 2]
            announced = len(body)
        elif server.fault == "broken off":
            body = body[: len(body) // 2]
        compressed = server.fault == "compressed" and "gzip" in self.headers.get("Accept-Encoding", "")
        if compressed:
            body = gzip.compress(body)
            announced = len(body)
        self.send_response(200)
        if compressed:
            self.send_header("Content-Encoding", "gzip")
        if server.fault != "unannounced":
            self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        server.final_name_seen |= (server.cache / name).exists()
        self.wfile.write(body[len(body) // 2 :])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    with Server(("127.0.0.1", 0), Handler) as running:
        running.cache = tmp_path / "cache"
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{running.server_port}/"
        monkeypatch.setattr(download, "BASE_URL", address)
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def mnist_server(server, fake_mnist, tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "made.npz", **fake_mnist)
    server.files = {"mnist.npz": (tmp_path / "made.npz").read_bytes()}
    register(monkeypatch, server.files)
    return server


@pytest.fixture
def no_network(monkeypatch):
    """An address where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr(download, "BASE_URL", f"http://127.0.0.1:{port}/")


def test_download_once_and_say_so(mnist_server, fake_mnist, capfd):
    first = data.load("mnist-full")
    assert np.array_equal(np.rint(first.x_test[..., 0] * 255), fake_mnist["x_test"])
    out, err = capfd.readouterr()
    assert out == f"Downloading mnist.npz to {mnist_server.cache} ...\n"
    assert err == ""
    assert data.load("mnist-full").checksum == first.checksum
    assert mnist_server.requests == 1
    assert capfd.readouterr().out == ""
    assert not mnist_server.final_name_seen  # the final name appears only when all is checked
    assert [path.name for path in mnist_server.cache.iterdir()] == ["mnist.npz"]


@pytest.mark.parametrize("habit", ["unannounced", "compressed"])
def test_download_of_unannounced_length_or_compressed_on_the_way(mnist_server, habit):
    mnist_server.fault = habit
    data.load("mnist-full")
    assert (mnist_server.cache / "mnist.npz").read_bytes() == mnist_server.files["mnist.npz"]


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("404", ConnectionError, "404"),
        ("broken off", ConnectionError, "could not be downloaded"),
        ("html", ValueError, "or the login page of a network"),
        ("truncated", ValueError, "it is truncated or altered"),
        ("altered", ValueError, "it is truncated or altered"),
    ],
)
def test_a_bad_download_is_refused_and_not_kept(mnist_server, fault, kind, says):
    mnist_server.fault = fault
    with pytest.raises(kind, match=r"mnist\.npz.*AETUTORIAL_MNIST_FULL.*digits, mnist") as caught:
        data.load("mnist-full")
    assert says in str(caught.value)
    assert list(mnist_server.cache.iterdir()) == []
    mnist_server.fault = None
    assert data.load("mnist-full").name == "mnist-full"


def test_a_bad_file_in_the_cache_is_fetched_again(mnist_server):
    mnist_server.cache.mkdir()
    (mnist_server.cache / "mnist.npz").write_bytes(mnist_server.files["mnist.npz"][:-5])
    data.load("mnist-full")
    assert (mnist_server.cache / "mnist.npz").read_bytes() == mnist_server.files["mnist.npz"]


@pytest.mark.usefixtures("no_network")
def test_offline_says_what_to_do(tmp_path):
    for name, variable in (("mnist-full", "AETUTORIAL_MNIST_FULL"), ("fashion-mnist", "AETUTORIAL_FASHION_MNIST")):
        with pytest.raises(ConnectionError) as caught:
            data.load(name)
        text = str(caught.value)
        assert variable in text
        assert "Connect to the internet once" in text
        assert "digits, mnist, emoji, patches, heartbeats, gaussian, breast-cancer" in text
    (tmp_path / "cache" / "mnist.npz").write_text("<html>")
    with pytest.raises(ConnectionError, match=r"mnist\.npz could not be downloaded"):  # the damaged copy is not used
        data.load("mnist-full")


def test_download_of_fashion_mnist(server, fake_fashion):
    server.files, arrays = fake_fashion
    check_fashion(data.load("fashion-mnist"), arrays)
    data.load("fashion-mnist")
    assert server.requests == 4


def test_the_cache_is_in_the_users_folder_unless_named(mnist_server, monkeypatch, tmp_path):
    monkeypatch.delenv("AETUTORIAL_CACHE")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "home" / project)
    data.load("mnist-full")
    assert [path.name for path in (tmp_path / "home" / "aetutorial").iterdir()] == ["mnist.npz"]
    assert not mnist_server.cache.exists()
