"""Where each named data set comes from: one small function each, called by `data.load`.

A loader returns the fields of a `Dataset`; images are float32, NHWC, in [0, 1].
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial.data import download
from aetutorial.data.dataset import ARRAYS, contents_digest, split

# SHA-256 of the contents (names, dtypes, shapes, values): a local copy may be compressed in another way.
MNIST_DIGEST = "76b7fc7e46d6dbf3be32e0dd2132a2e380f3098c6222f76d4c6f45dfb69c2100"
MNIST_SUBSET = Path(__file__).parent / "embedded" / "mnist_subset.npz"
MNIST_SUBSET_DIGEST = "f5747262d702c56769e22b46639e34aa7d55b248ca5a68a2053cae46a60b9f58"
EMOJI = MNIST_SUBSET.with_name("emoji.npz")
EMOJI_DIGEST = "80daa9c0c51a1bff0de110bf44d98a641cd657250ba43bd228e9a10acbbe875d"
HEARTBEATS = MNIST_SUBSET.with_name("heartbeats.npz")
HEARTBEATS_DIGEST = "e777246ebedd483d330dc7a4fd7fab67d08d40f05b4adcb14ec7e7b8910b1c57"
EMOJI_ARRAYS = ("images", "category", "emoji", "skin_tone", "family", "held_out", "names", "categories")
WINDOW, HOP = 128, 32  # samples of the pulse in a window, and from one window to the next: 1.3 s and 0.3 s
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def read_arrays(path: Path, digest: str, names: Sequence[str] = ARRAYS) -> dict[str, np.ndarray]:
    """Read arrays, such as those of MNIST, from a file and check them bit by bit.

    Args:
        path: An npz file, as Keras stores MNIST.
        digest: The SHA-256 (hex) that the contents must have.
        names: The arrays that are read.

    Returns:
        The arrays by name.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is truncated or altered, or is something else. Pickled objects are never loaded.
    """
    refusal = f"{path} was refused: it is truncated or altered, or something else. Replace it with a sound copy."
    try:
        # Opened here: np.load leaves a damaged file open, and Windows can't replace an open file.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in names}
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises one of a dozen kinds
        raise ValueError(refusal) from error
    if contents_digest(arrays) != digest:
        raise ValueError(refusal)
    return arrays


def _images(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of gray values 0..255, shape (n, height, width), and of labels as a `Dataset` holds them."""
    white = np.float32(255)
    images = {name: np.divide(arrays[name][..., None], white, dtype=np.float32) for name in ("x_train", "x_test")}
    return {**images, **{name: arrays[name].astype(np.int64) for name in ("y_train", "y_test")}}


def _mnist(path: Path, digest: str) -> dict[str, Any]:
    return {
        **_images(read_arrays(path, digest)),
        "source": "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits",
        "license": "CC BY-SA 3.0",
    }


def mnist() -> dict[str, Any]:
    """Return the embedded subset of MNIST: 10,000 train, 2,000 test, 28x28."""
    return _mnist(MNIST_SUBSET, MNIST_SUBSET_DIGEST)


def gaussian() -> dict[str, Any]:
    """Return the course's example: independent standard normals, nothing to compress."""
    rng = np.random.default_rng(100)
    return {
        "x_train": rng.standard_normal((1000, 100)).astype(np.float32),
        "x_test": rng.standard_normal((1000, 100)).astype(np.float32),
        "source": "numpy.random.default_rng(100).standard_normal",
        "license": "none needed (random numbers)",
    }


def digits() -> dict[str, Any]:
    """Return scikit-learn's 8x8 digits: 1,437 train, 360 test, stratified."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = (bunch.images[..., None] / 16).astype(np.float32)
    return {
        **split(x, bunch.target.astype(np.int64), test_size=360, seed=8),
        "source": "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits "
        "(UCI, 1998), the test part as in sklearn.datasets.load_digits",
        "license": "CC BY 4.0",
    }


def breast_cancer() -> dict[str, Any]:
    """Return scikit-learn's breast cancer table, unscaled: 455 train, 114 test, stratified."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return {
        **split(bunch.data.astype(np.float32), bunch.target.astype(np.int64), test_size=114, seed=30),
        "source": "W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast Cancer Wisconsin "
        "(Diagnostic) (UCI, 1993), as in sklearn.datasets.load_breast_cancer",
        "license": "CC BY 4.0",
        "feature_names": tuple(map(str, bunch.feature_names)),
        "label_names": tuple(map(str, bunch.target_names)),
    }


def patches() -> dict[str, Any]:
    """Return 12x12 gray patches of two photographs: 10,000 train, 2,000 test.

    Train patches are from the left three quarters of each photograph, test patches from the right quarter, so that no
    test pixel is ever trained on. Train patches overlap each other.
    """
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(12)
    parts: dict[str, list[np.ndarray]] = {"x_train": [], "x_test": []}
    for photograph in load_sample_images().images:
        # Luma as in ITU-R BT.601 (1982), in integers so that each machine gets the same values.
        gray = (photograph.astype(np.int64) @ np.array([299, 587, 114])) / 255_000
        edge = 3 * gray.shape[1] // 4
        for name, area, count in (("x_train", gray[:, :edge], 5000), ("x_test", gray[:, edge:], 1000)):
            windows = np.lib.stride_tricks.sliding_window_view(area, (12, 12))
            chosen = rng.choice(windows.shape[0] * windows.shape[1], size=count, replace=False)
            row, column = np.divmod(chosen, windows.shape[1])
            parts[name].append(windows[row, column].astype(np.float32))
    return {
        **{name: rng.permutation(np.concatenate(pair))[..., None] for name, pair in parts.items()},
        "source": "photographs china.jpg (danielbuechele) and flower.jpg (vultilion) of Flickr, "
        "as in sklearn.datasets.load_sample_images",
        "license": "CC BY 2.0",
    }


def emoji() -> dict[str, Any]:
    """Return the embedded emoji: 32x32 in color, split so that near-duplicates are on one side."""
    stored = read_arrays(EMOJI, EMOJI_DIGEST, EMOJI_ARRAYS)
    fields: dict[str, Any] = {}
    for part, rows in (("train", ~stored["held_out"]), ("test", stored["held_out"])):
        fields[f"x_{part}"] = np.divide(stored["images"][rows], np.float32(31), dtype=np.float32)
        fields[f"y_{part}"] = stored["category"][rows].astype(np.int64)
        numbers = {name: stored[name][rows].astype(np.int64) for name in ("emoji", "skin_tone", "family")}
        fields[f"about_{part}"] = {"name": stored["names"][numbers["emoji"]], **numbers}
    return {
        **fields,
        "source": "Twemoji 16 (Twitter, Inc. and other contributors), from the package emoji-datasource-twitter 16.0.0",
        "license": "CC BY 4.0",
        "label_names": tuple(map(str, stored["categories"])),
    }


def heartbeats() -> dict[str, Any]:
    """Return the embedded pulse of one person over eleven minutes, in windows; held out is the second half."""
    stored = read_arrays(HEARTBEATS, HEARTBEATS_DIGEST, ("pulse", "disturbed"))
    pulse = np.divide(stored["pulse"], np.float32(1023), dtype=np.float32)  # the sensor has 10 bits
    disturbed = np.zeros(len(pulse), bool)
    for first, last in stored["disturbed"]:
        disturbed[first:last] = True
    half = len(pulse) // 2
    fields: dict[str, Any] = {}
    for part, first, last in (("train", 0, half), ("test", half, len(pulse))):
        starts = np.arange(first, last - WINDOW + 1, HOP)
        samples = starts[:, None] + np.arange(WINDOW)
        fields[f"x_{part}"] = pulse[samples][..., None]
        fields[f"y_{part}"] = disturbed[samples].any(axis=1).astype(np.int64)
        fields[f"about_{part}"] = {"start": starts}
    return {
        **fields,
        "source": "P. van Gent, pulse of a wrist-worn sensor, data3.csv of the package heartpy 1.2.7; disturbed "
        "stretches marked by eye for this course",
        "license": "MIT",
        "label_names": ("undisturbed", "disturbed"),
    }


def mnist_full() -> dict[str, Any]:
    """Return the whole of MNIST: 60,000 train, 10,000 test, 28x28. Downloaded once."""
    variable, copy = "AETUTORIAL_MNIST_FULL", "a local mnist.npz"
    return _mnist(download.find("mnist.npz", variable=variable, copy=copy, offline=OFFLINE), MNIST_DIGEST)


def _fashion_values(file: str, header: int) -> np.ndarray:
    """Return the uint8 values of a file of Fashion-MNIST: one byte each, after a header of so many bytes."""
    variable, copy = "AETUTORIAL_FASHION_MNIST", "a folder with its four .gz files"
    path = download.find(file, variable=variable, copy=copy, offline=OFFLINE)
    contents = path.read_bytes()
    if hashlib.sha256(contents).hexdigest() != download.REGISTRY[file]:
        raise ValueError(f"{path} was refused: it is truncated or altered. Replace it with a sound copy.")
    return np.frombuffer(gzip.decompress(contents), np.uint8, offset=header)


def fashion_mnist() -> dict[str, Any]:
    """Return Fashion-MNIST: 60,000 train, 10,000 test, 28x28. Downloaded once."""
    arrays = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        arrays[f"x_{part}"] = _fashion_values(f"{prefix}-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
        arrays[f"y_{part}"] = _fashion_values(f"{prefix}-labels-idx1-ubyte.gz", header=8)
    return {
        **_images(arrays),
        "source": "H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST (2017), Zalando SE",
        "license": "MIT",
        "label_names": CLOTHES,
    }


OFFLINE = {
    "digits": digits,
    "mnist": mnist,
    "emoji": emoji,
    "patches": patches,
    "heartbeats": heartbeats,
    "gaussian": gaussian,
    "breast-cancer": breast_cancer,
}
DOWNLOADED = {"mnist-full": mnist_full, "fashion-mnist": fashion_mnist}
