"""Files too large for the repository: a local copy that the user names, or a download that pooch checks and keeps."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

BASE_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
# SHA-256 of each file: of mnist.npz as in keras/src/datasets/mnist.py; the others are the files that Zalando published
# in 2017 (their README gives the MD5 of the same).
REGISTRY = {
    "mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def find(file: str, *, variable: str, copy: str, offline: Iterable[str]) -> Path:
    """Return the path of a file: the user's local copy, or else the one in the cache, downloaded if need be.

    Args:
        file: Its name in `REGISTRY`.
        variable: The environment variable that may name the local copy. Its contents are not checked here.
        copy: What the variable must name, in words.
        offline: Names of data sets that need no download, for the error message.

    Raises:
        FileNotFoundError: the variable names no local copy.
        ConnectionError: the file could not be downloaded.
        ValueError: what arrived is not the file; it is not kept.
    """
    local = os.environ.get(variable)
    if not local:
        advice = f"Connect to the internet once, or set the environment variable {variable} to {copy}."
        return _fetch(file, f"{advice} Names that work offline: {', '.join(offline)}.")
    path = Path(local).expanduser()
    if path.is_dir():
        path /= file
    if not path.is_file():
        raise FileNotFoundError(f"The environment variable {variable} must name {copy}. Received: no file at {path}.")
    return path


def _fetch(file: str, advice: str) -> Path:
    """Return the path of a file in the cache; pooch downloads it if none with the SHA-256 of `REGISTRY` is there."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its notes would go to stderr, and so into notebooks
    store = pooch.create(pooch.os_cache("aetutorial"), BASE_URL, env="AETUTORIAL_CACHE", registry=REGISTRY)

    def announced(url: str, path: str, pooch_object: pooch.Pooch) -> None:
        print(f"Downloading {file} to {store.abspath} ...", flush=True)
        pooch.HTTPDownloader()(url, path, pooch_object)

    try:
        return Path(store.fetch(file, downloader=announced))
    except requests.RequestException as error:
        raise ConnectionError(f"{file} could not be downloaded from {BASE_URL}. {advice} Cause: {error}") from error
    except ValueError as error:
        raise ValueError(
            f"What arrived from {BASE_URL} is not {file}: it is truncated or altered, or the login page of a network. "
            f"It was not kept. {advice} Cause: {error}"
        ) from error
