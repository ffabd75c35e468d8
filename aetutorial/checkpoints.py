"""What `fit` writes after each epoch, and reads to go on.

A checkpoint is one file of a folder, `epoch-00012.3f6c….npz`: arrays and a text of JSON in NumPy's format.
The hexadecimal digits in its name are the SHA-256 of its contents, so a damaged file gives itself away. It is
written to the side, forced to disk and renamed. The one before is kept. Nothing in it is executed when it is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

KEPT = 2  # checkpoints of a folder, the newest
PATTERN = re.compile(r"epoch-(\d+)\.([0-9a-f]{64})\.npz")


class CheckpointError(ValueError):
    """A checkpoint does not belong to this run, or none of a folder's can be read."""


@dataclass
class State:
    """All that a run needs to go on as if it had never been interrupted.

    Attributes:
        epoch: Epochs that are done.
        arrays: Values of the variables, in the order that the run gives.
        history: What `History.history` holds so far.
        callbacks: For each callback, its attributes that are numbers, texts, arrays or lists of these.
        stopped: Whether a callback ended the run.
        digests: Hash of the batches of each epoch, for a stream; else empty.
        identity: What run this is, by name: a checkpoint with another value is refused.
    """

    epoch: int
    arrays: list[np.ndarray]
    history: dict[str, list[Any]]
    callbacks: list[dict[str, Any]]
    stopped: bool
    digests: list[str]
    identity: dict[str, Any]


def save(folder: str | os.PathLike[str], state: State) -> Path:
    """Write a checkpoint and delete all but the last two.

    Args:
        folder: Made if it isn't there.
        state: What to write.

    Returns:
        The path of the file.

    Raises:
        OSError: the folder can't be written to.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    arrays: list[np.ndarray] = []
    text = json.dumps(_encode(vars(state), arrays))
    memory = io.BytesIO()
    named: dict[str, Any] = {f"a{i}": array for i, array in enumerate(arrays)}
    np.savez(memory, text=np.frombuffer(text.encode(), "uint8"), **named)
    contents = memory.getvalue()
    path = root / f"epoch-{state.epoch:05d}.{hashlib.sha256(contents).hexdigest()}.npz"
    aside = path.with_suffix(f".{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    _sync(root)
    for _, old in _found(root)[KEPT:]:
        old.unlink(missing_ok=True)
    for left in root.glob("epoch-*.part"):  # of a run that was killed
        left.unlink(missing_ok=True)
    return path


def load(folder: str | os.PathLike[str], identity: Mapping[str, Any]) -> State | None:
    """Read the newest checkpoint that is whole.

    Args:
        folder: Where `save` wrote; it need not exist.
        identity: What the run that wants to go on is, by name.

    Returns:
        The state, or None if the folder holds no checkpoint.

    Raises:
        CheckpointError: the checkpoint is of another run (the message names what differs), or the folder holds
            checkpoints and none is whole.
    """
    found = _found(Path(folder))
    for _, path in found:
        contents = path.read_bytes()
        if hashlib.sha256(contents).hexdigest() != PATTERN.fullmatch(path.name).group(2):  # type: ignore[union-attr]
            warnings.warn(
                f"The checkpoint {path} is damaged; the one before it is used.", stacklevel=3
            )
            continue
        state = _read(contents)
        for name in {**identity, **state.identity}:
            here, there = identity.get(name), state.identity.get(name)
            if here != there:
                raise CheckpointError(
                    f"The checkpoint {path} is of another {name}. "
                    f"It holds {_short(there)}; this run has {_short(here)}. "
                    "Give another folder, or delete this one to start anew."
                )
        return state
    if found:
        raise CheckpointError(
            f"Every checkpoint in {folder} is damaged ({len(found)} found). Delete the folder to start anew."
        )
    return None


def _found(root: Path) -> list[tuple[int, Path]]:
    """Return the checkpoints of a folder, newest first."""
    matches = ((PATTERN.fullmatch(path.name), path) for path in root.glob("epoch-*"))
    found = [(int(match.group(1)), path) for match, path in matches if match]
    return sorted(found, key=lambda entry: (entry[0], entry[1].stat().st_mtime_ns), reverse=True)


def _read(contents: bytes) -> State:
    with np.load(io.BytesIO(contents), allow_pickle=False) as file:
        return State(**_decode(json.loads(file["text"].tobytes().decode()), file))


def storable(value: Any) -> bool:
    """Return whether a checkpoint can hold a value: numbers, texts, arrays, and lists and dicts of these."""
    if isinstance(value, list | tuple):
        return all(storable(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and storable(item) for key, item in value.items())
    if isinstance(value, np.ndarray | np.generic):
        return not value.dtype.hasobject
    return value is None or isinstance(value, bool | int | float | str)


def _encode(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return the value as JSON can hold it; arrays go to the list and leave their place in it."""
    if isinstance(value, tuple):
        return {"tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, list):
        return [_encode(item, arrays) for item in value]
    if isinstance(value, dict):
        return {"dict": {key: _encode(item, arrays) for key, item in value.items()}}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        # NumPy's format knows no bfloat16: its bytes are stored.
        own = array.dtype.kind in "biufcUS"
        arrays.append(array if own else np.frombuffer(array.tobytes(), "uint8"))
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {kind: len(arrays) - 1, "dtype": array.dtype.name, "shape": array.shape, "own": own}
    return value


def _decode(value: Any, file: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(_decode(item, file) for item in value["tuple"])
    if "dict" in value:
        return {key: _decode(item, file) for key, item in value["dict"].items()}
    kind = "array" if "array" in value else "scalar"
    array = file[f"a{value[kind]}"]
    if not value["own"]:
        array = np.frombuffer(array.tobytes(), np.dtype(value["dtype"])).reshape(value["shape"])
    return array if kind == "array" else array[()]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _sync(folder: Path) -> None:
    """Force a folder's list of names to disk, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
