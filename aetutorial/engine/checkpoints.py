"""What `fit` writes after each epoch, and reads to go on.

A checkpoint is one file of a folder, `epoch-00012.3f6c….npz`: arrays and a text of JSON in NumPy's format.
The hexadecimal digits in its name are the SHA-256 of its contents, so a damaged file gives itself away. It is
written whole or not at all. The one before is kept. Nothing in it is executed when it is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial.integrity import write_whole

FORMAT = 4  # of a file: raised when what is in it, or how a digest in it is made, changes. Format 1 did not say so.
KEPT = 2  # checkpoints of a folder, the newest
DIGEST = re.compile("[0-9a-f]{64}")
PATTERN = re.compile(r"epoch-(\d+)\.([0-9a-f]{64})\.npz")
ADVICE = "Give another folder, or delete this one to start anew."


class CheckpointError(ValueError):
    """A checkpoint does not belong to this run, or none of a folder's can be read."""


@dataclass
class State:
    """All that a run needs to go on as if it had never been interrupted."""

    epoch: int  # epochs that are done
    arrays: list[np.ndarray]  # values of the variables, in the order that the run gives
    history: dict[str, list[Any]]  # what `History.history` holds so far
    callbacks: list[dict[str, Any]]  # of each, the attributes that are numbers, texts, arrays or lists of these
    stopped: bool  # whether a callback ended the run
    digests: list[list[str]]  # for each epoch and each stream, the digest of its batches
    identity: dict[str, object]  # what run this is, by name: a checkpoint with another value is refused
    told: dict[str, Any]  # the same for what may be another in a run that goes on, and is reported


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
    text = json.dumps({"format": FORMAT, "state": _encode(vars(state), arrays)})
    memory = io.BytesIO()
    named: dict[str, Any] = {f"a{i}": array for i, array in enumerate(arrays)}
    np.savez(memory, text=np.frombuffer(text.encode(), "uint8"), **named)
    contents = memory.getvalue()
    path = root / f"epoch-{state.epoch:05d}.{hashlib.sha256(contents).hexdigest()}.npz"
    write_whole(path, contents, forced=True)
    kept: set[int] = set()
    for epoch, old in _listed(root):
        if epoch in kept or len(kept) == KEPT:
            old.unlink(missing_ok=True)
        kept.add(epoch)
    for left in root.glob("epoch-*.part"):  # of a run that was killed
        left.unlink(missing_ok=True)
    return path


def load(folder: str | os.PathLike[str], identity: Mapping[str, object]) -> State | None:
    """Read the newest checkpoint that is whole.

    A damaged one is set aside under another name, with a warning, and the one before it is used.

    Args:
        folder: Where `save` wrote; it need not exist.
        identity: What the run that wants to go on is, by name.

    Returns:
        The state, or None if the folder holds no checkpoint.

    Raises:
        CheckpointError: the checkpoint is of another run (the message names what differs) or format, is no
            checkpoint, or the folder holds checkpoints and none is whole.
    """
    listed = _listed(Path(folder))
    for _, path in listed:
        contents = path.read_bytes()
        if path.name.split(".")[1] != hashlib.sha256(contents).hexdigest():
            aside = path.with_suffix(".damaged")
            os.replace(path, aside)
            text = f"The checkpoint {path} is damaged. It is kept as {aside.name} and not used."
            warnings.warn(text, stacklevel=4)
            continue
        state = _read(path, contents)
        for name in {**identity, **state.identity}:
            differing = difference(name, state.identity.get(name), identity.get(name))
            if differing:
                raise CheckpointError(f"The checkpoint {path} is of another {differing}. {ADVICE}")
        return state
    if listed:
        raise CheckpointError(
            f"Every checkpoint in {folder} is damaged ({len(listed)} found). Delete the folder to start anew."
        )
    return None


def storable(value: Any) -> bool:
    """Return whether a checkpoint gives a value back as it is: numbers, texts, arrays, and lists and dicts of these."""
    try:
        if type(value) in (list, tuple):
            return all(storable(item) for item in value)
        if type(value) is dict:
            return all(type(key) is str and storable(item) for key, item in value.items())
    except RecursionError:  # a list that holds itself
        return False
    if type(value) is np.ndarray or isinstance(value, np.generic):
        return not value.dtype.hasobject and value.dtype.fields is None
    return value is None or type(value) in (bool, int, float, str)


def difference(name: str, there: object, here: object) -> str:
    """Say what differs, the innermost part of it; nothing if they are equal."""
    if there == here:
        return ""
    if isinstance(there, dict) and isinstance(here, dict):
        parts = (difference(f"{name}: {key}", there.get(key), here.get(key)) for key in there | here)
        return next(filter(None, parts))
    if any(DIGEST.fullmatch(str(value)) for value in (there, here)):
        return name  # two digests would tell nobody anything
    texts = (text if len(text) <= 60 else text[:57] + "..." for text in map(repr, (there, here)))
    return "{} ({} there, {} here)".format(name, *texts)


def _listed(root: Path) -> list[tuple[int, Path]]:
    """Return the checkpoints of a folder, newest first."""
    matches = ((PATTERN.fullmatch(path.name), path) for path in root.glob("epoch-*"))
    listed = [(int(match.group(1)), path) for match, path in matches if match]
    return sorted(listed, key=lambda entry: (entry[0], entry[1].stat().st_mtime_ns), reverse=True)


def _read(path: Path, contents: bytes) -> State:
    try:
        with np.load(io.BytesIO(contents), allow_pickle=False) as file:
            stored = json.loads(file["text"].tobytes().decode())
            written_in = stored.get("format", 1)
            if written_in == FORMAT:
                return State(**_decode(stored["state"], file))
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"The file {path} is no checkpoint of `fit`: {error}.") from error
    raise CheckpointError(
        f"The checkpoint {path} was written by another version of this package: its format is {written_in}, "
        f"this version reads {FORMAT}. {ADVICE}"
    )


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
        own = array.dtype.kind in "biufcUS"  # NumPy's format knows no bfloat16: its bytes are stored
        arrays.append(array if own else np.frombuffer(array.tobytes(), "uint8"))
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {kind: len(arrays) - 1, "dtype": array.dtype.name, "shape": array.shape, "own": own}
    return value


def _decode(value: Any, file: Mapping[str, np.ndarray]) -> Any:
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
        array = np.frombuffer(array.tobytes(), np.dtype(value["dtype"])).reshape(value["shape"]).copy()
    return array if kind == "array" else array[()]
