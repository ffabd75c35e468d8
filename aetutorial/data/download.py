"""Files from the network: fetched once, checked, and never used if they are not what they should be."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

CACHE_VARIABLE = "AETUTORIAL_CACHE"


class ProgressBar:
    """One line that rewrites itself, in the form that pooch expects of a progress bar."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.total = 0  # bytes; pooch sets it, and leaves 0 where the server does not say
        self.done = 0
        self.shown = ""

    def update(self, n: int) -> None:
        """Count `n` more bytes."""
        self.done += n
        if self.total:
            percent = min(100, 100 * self.done // self.total)
            text = f"{self.label}: {percent:3d} % of {self.total / 1e6:.1f} MB"
        else:
            text = f"{self.label}: {self.done / 1e6:.1f} MB"
        if text != self.shown:
            print(f"\r{text}", end="", flush=True)
            self.shown = text

    def reset(self) -> None:
        """Count from zero again."""
        self.done = 0

    def close(self) -> None:
        """End the line, once."""
        if self.shown:
            print(flush=True)
            self.shown = ""


def fault(path: str | Path, sha256: str | None = None) -> str | None:
    """Say what is wrong with a file, or return None if nothing is.

    Args:
        path: The file.
        sha256: The checksum that it must have (hex), or None to look for other faults only.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        start = file.read(512)
        file.seek(0)
        while block := file.read(1 << 20):
            digest.update(block)
    if not start:
        return "it is empty"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "it is a web page (HTML), perhaps the error or login page of a network"
    if sha256 is not None and digest.hexdigest() != sha256:
        return f"it is truncated or altered: its SHA-256 is {digest.hexdigest()}, not {sha256}"
    return None


def local_copy(variable: str, path: str | Path, sha256: str | None = None) -> Path:
    """Return the path of a file that an environment variable names, after checking it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is not what it should be.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"The environment variable {variable} must name a local copy of the data. Received: no file at {path}."
        )
    wrong = fault(path, sha256)
    if wrong:
        raise ValueError(f"{path}, named by {variable}, was refused: {wrong}.")
    return path


def cache_folder() -> Path:
    """Return the folder for downloaded files: AETUTORIAL_CACHE, or the user's cache folder."""
    import pooch

    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else Path(pooch.os_cache("aetutorial"))


def fetch(url: str, sha256: str, *, advice: str) -> Path:
    """Return the cached copy of `url`; download it first where there is no sound one.

    Args:
        url: Address of the file; its last part is the name in the cache.
        sha256: Checksum (hex) of the file's bytes.
        advice: What a user can do where the download fails; ends the error message.

    Raises:
        ConnectionError: the file could not be fetched.
        ValueError: what was fetched is not the file; it is not kept.
    """
    import pooch
    import requests

    file = url.rpartition("/")[2]
    path = cache_folder() / file
    discarded = ""
    if path.exists():
        wrong = fault(path, sha256)
        if wrong is None:
            return path
        discarded = f"The copy in the cache, {path}, was discarded: {wrong}. "
        path.unlink()

    def download(url: str, output_file: str, pooch_object: Any) -> None:
        bar = ProgressBar(file)
        # As Keras asks for it: a server that compresses on the way would change the checksum.
        headers = {"Accept-Encoding": "identity"}
        try:
            pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, headers=headers)(url, output_file, pooch_object)
        finally:
            bar.close()
        wrong = fault(output_file, sha256)
        if wrong:
            raise ValueError(wrong)

    pooch.get_logger().setLevel("WARNING")  # its notes would go to stderr, and into notebooks
    try:
        # To a temporary file beside `path`, renamed to it only after the checks.
        pooch.retrieve(url, f"sha256:{sha256}", file, path.parent, downloader=download)
    except requests.RequestException as error:
        raise ConnectionError(
            f"{discarded}{file} could not be downloaded from {url}. {advice} Cause: {error}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{discarded}What arrived from {url} was refused and not kept: {error}. {advice}") from error
    return path
