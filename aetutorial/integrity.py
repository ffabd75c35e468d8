"""Files that are written whole or not at all, and digests that tell whether arrays are what they were."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike


def write_whole(path: str | os.PathLike[str], contents: str | bytes, *, forced: bool = False) -> None:
    """Write a file to the side and rename it, so that an interruption leaves the old one.

    Args:
        path: The file; its folder must exist.
        contents: Text, stored as UTF-8, or bytes.
        forced: Whether the contents are forced to disk before the file gets its name, and the name after it.

    Raises:
        OSError: the folder can't be written to. Nothing is left beside the old file.
    """
    path = Path(path)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(contents.encode() if isinstance(contents, str) else contents)
            if forced:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    if forced and os.name == "posix":  # elsewhere a folder can't be opened
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            # Some network and FUSE mounts can't force a folder. The file itself is on disk by now.
            with contextlib.suppress(OSError):
                os.fsync(handle)
        finally:
            os.close(handle)


def arrays_digest(labeled: Iterable[tuple[str, ArrayLike | None]]) -> str:
    """Return the SHA-256 (hex) of arrays, each after a label, in the order given.

    Args:
        labeled: Pairs of a text, which should tell dtype and shape, and an array; None for a label alone.
    """
    digest = hashlib.sha256()
    for label, array in labeled:
        digest.update(label.encode())
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def array_digest(array: np.ndarray) -> str:
    """Return the SHA-256 (hex) of an array: of its dtype, shape and values."""
    return arrays_digest([(f"{array.dtype.str}{array.shape}", array)])
