"""Where each named data set comes from: one small function each, called by `data.load`.

A loader returns the fields of a `Dataset`; images are float32, NHWC, in [0, 1].
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial import validation
from aetutorial.data import download
from aetutorial.data.dataset import contents_sha256

FULL_VARIABLE = "AETUTORIAL_MNIST_FULL"
FASHION_VARIABLE = "AETUTORIAL_FASHION_MNIST"

MNIST_SOURCE = "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits"
MNIST_LICENCE = "CC BY-SA 3.0"
MNIST_SUBSET = Path(__file__).parent / "embedded" / "mnist_subset.npz"
MNIST_SUBSET_SHA256 = "f5747262d702c56769e22b46639e34aa7d55b248ca5a68a2053cae46a60b9f58"

KERAS_FILES = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
# Of the file as Keras stores it (keras/src/datasets/mnist.py).
MNIST_FILE_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
# Of the contents: a local copy may be compressed otherwise. Shape and SHA-256 of the uint8 bytes.
MNIST_CONTENTS: dict[str, tuple[tuple[int, ...], str]] = {
    "x_train": ((60000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
# SHA-256 of the files that Zalando published in 2017 (their README gives the MD5 of the same).
FASHION_FILES = {
    "x_train": ("train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "y_train": ("train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "x_test": ("t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "y_test": ("t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}
FASHION_LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read MNIST's four arrays from `path`; pickled objects are refused, not loaded."""
    try:
        # Opened here: np.load leaves a damaged file open, and Windows cannot replace an open file.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in MNIST_CONTENTS}
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises one of a dozen kinds
        wrong = download.fault(path) or "it is truncated or altered, or holds other data"
        raise ValueError(f"{path} cannot be read as arrays {', '.join(MNIST_CONTENTS)}: {wrong}.") from error


def read_mnist(path: Path) -> dict[str, np.ndarray]:
    """Read a full MNIST in Keras's layout and check that it is MNIST, bit by bit.

    Args:
        path: An npz file with uint8 arrays x_train, y_train, x_test, y_test.

    Returns:
        The four arrays by name, uint8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is truncated or altered, or is something else.
    """
    arrays = read_npz(path)
    for name, (shape, checksum) in MNIST_CONTENTS.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.uint8:
            expected = f"an array of shape {shape} and dtype uint8 in {path}"
            raise ValueError(validation.message(name, expected, array))
        if hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() != checksum:
            raise ValueError(f"{path} is not MNIST: the values of `{name}` differ from the original.")
    return arrays


def as_images(pixels: np.ndarray) -> np.ndarray:
    """Turn grey values 0..255, shape (n, height, width), into float32 NHWC in [0, 1]."""
    return np.divide(pixels[..., None], np.float32(255), dtype=np.float32)


def image_fields(arrays: Mapping[str, np.ndarray], **described: Any) -> dict[str, Any]:
    """Return the fields of a data set of labelled grey images."""
    return {
        "x_train": as_images(arrays["x_train"]),
        "y_train": arrays["y_train"].astype(np.int64),
        "x_test": as_images(arrays["x_test"]),
        "y_test": arrays["y_test"].astype(np.int64),
        **described,
    }


def mnist() -> dict[str, Any]:
    """Return the embedded subset of MNIST: 10,000 train, 2,000 test, 28x28."""
    arrays = read_npz(MNIST_SUBSET)
    if contents_sha256(arrays) != MNIST_SUBSET_SHA256:
        raise ValueError(
            f"{MNIST_SUBSET} is altered: its contents have another checksum. "
            "Restore the file from the repository, or install the package again."
        )
    return image_fields(arrays, source=MNIST_SOURCE, licence=MNIST_LICENCE)


def gaussian() -> dict[str, Any]:
    """Return the course's example: independent standard normals, nothing to compress."""
    rng = np.random.default_rng(100)
    return {
        "x_train": rng.standard_normal((1000, 100)).astype(np.float32),
        "x_test": rng.standard_normal((1000, 100)).astype(np.float32),
        "source": "numpy.random.default_rng(100).standard_normal",
        "licence": "none needed (random numbers)",
    }


def digits() -> dict[str, Any]:
    """Return scikit-learn's 8x8 digits: 1,437 train, 360 test, stratified."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images = (bunch.images[..., None] / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=360, stratify=labels, random_state=8)
    return {
        "x_train": x_train,
        "y_train": y_train,
        "x_test": x_test,
        "y_test": y_test,
        "source": "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits "
        "(UCI, 1998), the test part as in sklearn.datasets.load_digits",
        "licence": "CC BY 4.0",
    }


def breast_cancer() -> dict[str, Any]:
    """Return scikit-learn's breast cancer table, unscaled: 455 train, 114 test, stratified."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    bunch = load_breast_cancer()
    x_train, x_test, y_train, y_test = train_test_split(
        bunch.data.astype(np.float32),
        bunch.target.astype(np.int64),
        test_size=114,
        stratify=bunch.target,
        random_state=30,
    )
    return {
        "x_train": x_train,
        "y_train": y_train,
        "x_test": x_test,
        "y_test": y_test,
        "source": "W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast Cancer Wisconsin "
        "(Diagnostic) (UCI, 1993), as in sklearn.datasets.load_breast_cancer",
        "licence": "CC BY 4.0",
        "feature_names": tuple(str(name) for name in bunch.feature_names),
        "label_names": tuple(str(name) for name in bunch.target_names),
    }


def patches() -> dict[str, Any]:
    """Return 12x12 grey patches of two photographs: 10,000 train, 2,000 test.

    Train patches lie in the left three quarters of each photograph, test patches in the right
    quarter, so that no test pixel is ever trained on. Train patches overlap each other.
    """
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(12)
    parts: dict[str, list[np.ndarray]] = {"x_train": [], "x_test": []}
    for photograph in load_sample_images().images:
        # Luma as in ITU-R BT.601 (1982), in integers so that each machine gets the same values.
        grey = (photograph.astype(np.int64) @ np.array([299, 587, 114])) / 255_000
        edge = 3 * grey.shape[1] // 4
        for name, part, count in (("x_train", grey[:, :edge], 5000), ("x_test", grey[:, edge:], 1000)):
            windows = np.lib.stride_tricks.sliding_window_view(part, (12, 12))
            chosen = rng.choice(windows.shape[0] * windows.shape[1], size=count, replace=False)
            row, column = np.divmod(chosen, windows.shape[1])
            parts[name].append(windows[row, column].astype(np.float32))
    return {
        **{name: rng.permutation(np.concatenate(two))[..., None] for name, two in parts.items()},
        "source": "photographs china.jpg (danielbuechele) and flower.jpg (vultilion) of Flickr, "
        "as in sklearn.datasets.load_sample_images",
        "licence": "CC BY 2.0",
    }


def _fetch(file: str, checksum: str, variable: str, wanted: str) -> Path:
    advice = (
        f"Connect to the internet once, or set the environment variable {variable} to {wanted}. "
        f"Names that work offline: {', '.join(OFFLINE)}."
    )
    return download.fetch(KERAS_FILES + file, checksum, advice=advice)


def mnist_full() -> dict[str, Any]:
    """Return the whole of MNIST: 60,000 train, 10,000 test, 28x28. Downloaded once."""
    local = os.environ.get(FULL_VARIABLE)
    if local:
        path = download.local_copy(FULL_VARIABLE, local)
    else:
        path = _fetch("mnist.npz", MNIST_FILE_SHA256, FULL_VARIABLE, "a local mnist.npz")
    return image_fields(read_mnist(path), source=MNIST_SOURCE, licence=MNIST_LICENCE)


def fashion_mnist() -> dict[str, Any]:
    """Return Fashion-MNIST: 60,000 train, 10,000 test, 28x28. Downloaded once."""
    local = os.environ.get(FASHION_VARIABLE)
    arrays = {}
    for name, (file, checksum) in FASHION_FILES.items():
        if local:
            path = download.local_copy(FASHION_VARIABLE, Path(local, file), checksum)
        else:
            wanted = "a folder with its four .gz files"
            path = _fetch(file, checksum, FASHION_VARIABLE, wanted)
        # The checksum vouches for the layout: a header of 16 or 8 bytes, then one byte a value.
        values = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8)
        arrays[name] = values[16:].reshape(-1, 28, 28) if name.startswith("x") else values[8:]
    return image_fields(
        arrays,
        source="H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST (2017), Zalando SE",
        licence="MIT",
        label_names=FASHION_LABELS,
    )


OFFLINE = {"digits": digits, "mnist": mnist, "patches": patches, "gaussian": gaussian, "breast-cancer": breast_cancer}
DOWNLOADED = {"mnist-full": mnist_full, "fashion-mnist": fashion_mnist}
