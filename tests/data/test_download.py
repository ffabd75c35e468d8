"""The files behind the named data sets: embedded, local, downloaded, damaged; and their tool."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import importlib.util
import os
import re
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from aetutorial import data
from aetutorial.data import catalog, dataset, download

ROOT = Path(data.__file__).parents[2]
FULL_COPY = os.environ.get("AETUTORIAL_MNIST_FULL")  # read before the fixture hides it


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    for name in ("MNIST_FULL", "FASHION_MNIST", "SABOTAGE"):
        monkeypatch.delenv(f"AETUTORIAL_{name}", raising=False)
    monkeypatch.setenv("AETUTORIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("subset", ROOT / "tools/make_mnist_subset.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    contents = {name: (array.shape, hashlib.sha256(array.tobytes()).hexdigest()) for name, array in arrays.items()}
    monkeypatch.setattr(catalog, "MNIST_CONTENTS", contents)
    return arrays


def test_readme_beside_the_file_gives_its_checksums_and_credits():
    readme = (ROOT / "aetutorial/data/embedded/README.md").read_text(encoding="utf-8")
    assert catalog.MNIST_SUBSET_SHA256 in readme
    assert hashlib.sha256(catalog.MNIST_SUBSET.read_bytes()).hexdigest() in readme
    for credit in ("LeCun", "Cortes", "Burges", "creativecommons.org/licenses/by-sa/3.0"):
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


def test_tool_gives_the_same_bytes_twice_and_a_stratified_subset(tool, fake_mnist, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "N_TRAIN", 200)
    monkeypatch.setattr(tool, "N_TEST", 50)
    np.savez(tmp_path / "mnist.npz", **fake_mnist)
    for name in ("one.npz", "two.npz"):
        assert tool.main([str(tmp_path / "mnist.npz"), "--output", str(tmp_path / name)]) == 0
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"mnist.npz", "one.npz", "two.npz"}
    with np.load(tmp_path / "one.npz") as file:
        subset = dict(file)
    assert dataset.contents_sha256(subset) in capsys.readouterr().out
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


def test_proportional_counts_round_by_largest_remainder(tool):
    labels = np.repeat([0, 1, 2], [7, 2, 1])  # of 4: 2.8, 0.8, 0.4
    assert tool.proportional_counts(labels, 4).tolist() == [3, 1, 0]
    assert tool.proportional_counts(labels, 10).tolist() == [7, 2, 1]


def test_tool_refuses_what_is_not_mnist(tool, tmp_path, capsys):
    np.savez(tmp_path / "mnist.npz", **full_mnist())
    output = tmp_path / "out.npz"
    assert tool.main([str(tmp_path / "mnist.npz"), "--output", str(output)]) == 1
    assert "`x_train` must be an array of shape (60000, 28, 28)" in capsys.readouterr().err
    assert tool.main([str(tmp_path / "none.npz"), "--output", str(output)]) == 1
    assert not output.exists()


def test_tool_has_help(tool, capsys):
    with pytest.raises(SystemExit) as stopped:
        tool.main(["--help"])
    assert stopped.value.code == 0
    assert "mnist.npz" in capsys.readouterr().out


def test_subset_is_what_the_tool_selects_from_a_full_copy(tool):
    if not FULL_COPY:
        pytest.skip("AETUTORIAL_MNIST_FULL names no full copy of MNIST")
    subset = tool.make_subset(catalog.read_mnist(Path(FULL_COPY)))
    assert dataset.contents_sha256(subset) == catalog.MNIST_SUBSET_SHA256


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
    np.savez(path, **{**fake_mnist, "y_test": fake_mnist["y_test"][::-1]})
    with pytest.raises(ValueError, match=r"mnist\.npz is not MNIST: the values of `y_test`"):
        data.load("mnist-full")
    np.savez(path, **{**fake_mnist, "x_test": fake_mnist["x_test"].astype(np.float32)})
    with pytest.raises(ValueError, match=r"`x_test` must be .* uint8 .*float32"):
        data.load("mnist-full")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"mnist\.npz cannot be read .* truncated"):
        data.load("mnist-full")
    path.write_text("\n <html>Log in</html>")
    with pytest.raises(ValueError, match=r"AETUTORIAL_MNIST_FULL, was refused: it is a web page"):
        data.load("mnist-full")
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"it is empty"):
        data.load("mnist-full")


@pytest.fixture
def fake_fashion(monkeypatch):
    """Four small files in the format of Fashion-MNIST; returns (file contents, arrays)."""
    rng = np.random.default_rng(1)
    contents, arrays, files = {}, {}, {}
    for name, (file, _) in catalog.FASHION_FILES.items():
        n = 12 if "train" in name else 6
        shape = (n, 28, 28) if name.startswith("x") else (n,)
        arrays[name] = rng.integers(0, 10, shape, np.uint8)
        header = bytes([0, 0, 8, len(shape)]) + b"".join(d.to_bytes(4, "big") for d in shape)
        contents[file] = gzip.compress(header + arrays[name].tobytes())
        files[name] = (file, hashlib.sha256(contents[file]).hexdigest())
    monkeypatch.setattr(catalog, "FASHION_FILES", files)
    return contents, arrays


def check_fashion(dataset, arrays):
    for name, array in arrays.items():
        loaded = getattr(dataset, name)
        if name.startswith("x"):
            loaded = np.rint(loaded[..., 0] * 255)
        assert np.array_equal(loaded, array)
    assert dataset.label_names[9] == "Ankle boot"
    assert dataset.licence == "MIT"


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
    """Serves `files`; `fault` says what goes wrong; notes what lies in the cache half-way."""

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
        self.send_response(200)
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
        monkeypatch.setattr(catalog, "KERAS_FILES", address)
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def mnist_server(server, fake_mnist, tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "made.npz", **fake_mnist)
    content = (tmp_path / "made.npz").read_bytes()
    server.files = {"mnist.npz": content}
    monkeypatch.setattr(catalog, "MNIST_FILE_SHA256", hashlib.sha256(content).hexdigest())
    return server


@pytest.fixture
def no_network(monkeypatch):
    """An address where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr(catalog, "KERAS_FILES", f"http://127.0.0.1:{port}/")


def test_download_once_with_a_progress_line(mnist_server, fake_mnist, capfd):
    first = data.load("mnist-full")
    assert np.array_equal(np.rint(first.x_test[..., 0] * 255), fake_mnist["x_test"])
    out, err = capfd.readouterr()
    assert re.search(r"\rmnist\.npz: 100 % of \d\.\d MB\n$", out)
    assert err == ""
    assert data.load("mnist-full").checksum == first.checksum
    assert mnist_server.requests == 1
    assert capfd.readouterr().out == ""
    assert not mnist_server.final_name_seen  # the final name appears only when all is checked
    assert [path.name for path in mnist_server.cache.iterdir()] == ["mnist.npz"]


def test_download_of_unannounced_length(mnist_server, capsys):
    mnist_server.fault = "unannounced"
    data.load("mnist-full")
    assert re.search(r"mnist\.npz: \d\.\d MB", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("404", ConnectionError, "404"),
        ("broken off", ConnectionError, "could not be downloaded"),
        ("html", ValueError, "it is a web page"),
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
        assert "digits, mnist, patches, gaussian, breast-cancer" in text
    (tmp_path / "cache" / "mnist.npz").write_text("<html>")
    with pytest.raises(ConnectionError, match=r"cache, .*mnist\.npz, was discarded: .* web page"):
        data.load("mnist-full")


def test_download_of_fashion_mnist(server, fake_fashion):
    server.files, arrays = fake_fashion
    check_fashion(data.load("fashion-mnist"), arrays)
    data.load("fashion-mnist")
    assert server.requests == 4


def test_cache_lies_with_the_user_unless_named(monkeypatch, tmp_path):
    assert download.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("AETUTORIAL_CACHE")
    assert "aetutorial" in str(download.cache_folder())
    assert ROOT not in download.cache_folder().parents
