"""The `Dataset` that every loader returns. Public as `data.Dataset`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aetutorial import runtime, validation


def contents_sha256(arrays: Mapping[str, np.ndarray | None]) -> str:
    """SHA-256 (hex) over names, dtypes, shapes and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        if array is None:
            digest.update(f"{name} None;".encode())
        else:
            digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _frozen(name: str, array: Any) -> np.ndarray:
    """Return the array read-only; copied, unless it owns its memory and is read-only already."""
    array = validation.array(name, array)
    if array.flags.writeable or not array.flags.owndata:
        array = array.copy()
        array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A training set and a held-out test set, which nothing can change by accident.

    The arrays are read-only: to change one, work on a copy (`x = dataset.x_train.copy()`).

    Attributes:
        x_train: Examples to train on, shape (n_train, ...); images are float32 NHWC in [0, 1].
        y_train: Their labels, int64, shape (n_train,), or None.
        x_test: Held-out examples, shape (n_test, ...).
        y_test: Their labels, int64, shape (n_test,), or None.
        name: Short name.
        image_shape: (height, width, channels), or None where the examples are no images.
        source: Where the data come from.
        licence: Terms of use.
        feature_names: A name for each column, or None.
        label_names: `label_names[k]` is what label k means, or None.
    """

    x_train: np.ndarray
    y_train: np.ndarray | None
    x_test: np.ndarray
    y_test: np.ndarray | None
    name: str
    image_shape: tuple[int, int, int] | None
    source: str
    licence: str
    feature_names: tuple[str, ...] | None = None
    label_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            x = _frozen(f"x_{part}", getattr(self, f"x_{part}"))
            object.__setattr__(self, f"x_{part}", x)
            y = getattr(self, f"y_{part}")
            if y is not None:
                y = validation.array(f"y_{part}", y, ndim=1, rows=len(x))
                object.__setattr__(self, f"y_{part}", _frozen(f"y_{part}", y))
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            expected = f"an array of examples of shape {self.x_train.shape[1:]}, as in `x_train`"
            raise ValueError(validation.message("x_test", expected, self.x_test))

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) over the four arrays: names, dtypes, shapes, values."""
        names = ("x_train", "y_train", "x_test", "y_test")
        return contents_sha256({name: getattr(self, name) for name in names})

    def __repr__(self) -> str:
        """Describe the data in a few lines that are the same on each machine."""
        low, high = self.x_train.min(), self.x_train.max()
        labels = "no labels"
        if self.y_train is not None:
            labels = f"{len(np.unique(self.y_train))} different labels, {self.y_train.dtype}"
        return (
            f"Dataset {self.name!r}\n"
            f"  x_train {self.x_train.shape}, x_test {self.x_test.shape}, {self.x_train.dtype}, "
            f"x_train from {low:.3g} to {high:.3g}\n"
            f"  {labels}; licence: {self.licence}"
        )


def finish(fields: Mapping[str, Any]) -> Dataset:
    """Make the Dataset that the caller gets; the one place where data are sabotaged, if at all."""
    fields = {"y_train": None, "y_test": None, "image_shape": None, **fields}
    if fields["x_train"].ndim == 4:
        fields["image_shape"] = fields["x_train"].shape[1:]
    _sabotage(fields, runtime.sabotage())
    for value in fields.values():
        if isinstance(value, np.ndarray) and value.flags.owndata:
            value.setflags(write=False)  # ours alone, so Dataset need not copy it
    return Dataset(**fields)


def _sabotage(fields: dict[str, Any], kind: str | None) -> None:
    """Spoil the data in place, so that `make test-claims` sees whether the claims notice."""
    rng = np.random.default_rng(13)
    for part in ("train", "test"):
        if kind == "shuffled-pixels":
            x = fields[f"x_{part}"]
            channels = x.shape[-1] if x.ndim == 4 else 1  # a pixel keeps its colours
            rows = x.reshape(len(x), -1, channels)
            shuffled = [row[rng.permutation(len(row))] for row in rows]
            fields[f"x_{part}"] = np.stack(shuffled).reshape(x.shape)
        elif kind == "shuffled-labels" and fields[f"y_{part}"] is not None:
            fields[f"y_{part}"] = rng.permutation(fields[f"y_{part}"])
