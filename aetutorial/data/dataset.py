"""The `Dataset` that every loader returns. Public as `data.Dataset`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from aetutorial import runtime, validation
from aetutorial.integrity import arrays_digest

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def contents_digest(arrays: Mapping[str, np.ndarray | None]) -> str:
    """Return the SHA-256 (hex) over names, dtypes, shapes and values, in the order of the names."""
    return arrays_digest(
        (f"{name} None;" if array is None else f"{name} {array.dtype.str} {array.shape};", array)
        for name, array in sorted(arrays.items())
    )


def _frozen(name: str, array: ArrayLike, **expected: Any) -> np.ndarray:
    """Return a copy of an array of numbers that cannot be written to; the caller's array stays as it is."""
    return _locked(validation.array(name, array, **expected))


def _about(of: np.ndarray, rows: int) -> np.ndarray:
    """Return a copy of an array of names or numbers, one for each example, that cannot be written to."""
    if of.shape != (rows,):
        raise ValueError(validation.message("about", f"an array of {rows} entries", of))
    return _locked(of)


def _locked(array: np.ndarray) -> np.ndarray:
    locked = array.copy()
    locked.setflags(write=False)
    return locked


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A training set and a held-out test set, which nothing can change by accident.

    The arrays are read-only: to change one, work on a copy (`x = dataset.x_train.copy()`).

    Attributes:
        x_train: Examples to train on, shape (n_train, ...); images are float32 NHWC in [0, 1].
        y_train: Their labels, int64, or numbers to predict, float64, shape (n_train,); or None.
        x_test: Held-out examples, shape (n_test, ...).
        y_test: The same of these, shape (n_test,), or None.
        name: Short name.
        image_shape: (height, width, channels), or None if the examples are not images.
        source: Where the data come from.
        license: Terms of use.
        feature_names: A name for each column, or None.
        label_names: `label_names[k]` is what label k means, or None.
        units: What was subtracted from each column, and by what it was divided then, float64, shape (columns,) each;
            None if the data have units of their own.
        about_train: What else is known of the training examples: name to an array of n_train entries; or empty.
        about_test: The same of the held-out ones.
    """

    x_train: np.ndarray
    y_train: np.ndarray | None
    x_test: np.ndarray
    y_test: np.ndarray | None
    name: str
    image_shape: tuple[int, int, int] | None
    source: str
    license: str
    feature_names: tuple[str, ...] | None = None
    label_names: tuple[str, ...] | None = None
    units: tuple[np.ndarray, np.ndarray] | None = None
    about_train: Mapping[str, np.ndarray] = field(default_factory=dict)
    about_test: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            x, y = _frozen(f"x_{part}", getattr(self, f"x_{part}")), getattr(self, f"y_{part}")
            object.__setattr__(self, f"x_{part}", x)
            if y is not None:
                object.__setattr__(self, f"y_{part}", _frozen(f"y_{part}", y, ndim=1, rows=len(x)))
            about = {name: _about(of, len(x)) for name, of in getattr(self, f"about_{part}").items()}
            object.__setattr__(self, f"about_{part}", MappingProxyType(about))
        if self.units is not None:
            object.__setattr__(self, "units", tuple(_frozen("units", part) for part in self.units))
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            expected = f"an array of examples of shape {self.x_train.shape[1:]}, as in `x_train`"
            raise ValueError(validation.message("x_test", expected, self.x_test))

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) over the four arrays: names, dtypes, shapes, values."""
        return contents_digest({name: getattr(self, name) for name in ARRAYS})

    def in_units(self, x: ArrayLike) -> np.ndarray:
        """Return examples, such as reconstructions, in the units that the data had before they were scaled.

        Args:
            x: Numbers, shape (n, ...), the features as in `x_train`.

        Returns:
            float64, the shape of `x`.

        Raises:
            TypeError, ValueError: `x` has other features, or holds something else than finite numbers.
        """
        x = validation.array("x", x)
        if x.shape[1:] != self.x_train.shape[1:]:
            expected = f"an array of examples of shape {self.x_train.shape[1:]}, as in `x_train`"
            raise ValueError(validation.message("x", expected, x))
        if self.units is None:
            return x.astype(np.float64)
        center, spread = self.units
        return x * spread + center

    def __repr__(self) -> str:
        """Describe the data in a few lines that are the same on each machine."""
        labels = "no labels"
        if self.y_train is not None:
            labels = f"{len(np.unique(self.y_train))} different labels, {self.y_train.dtype}"
            if self.y_train.dtype.kind == "f":
                labels = f"targets from {self.y_train.min():.3g} to {self.y_train.max():.3g}, {self.y_train.dtype}"
        return (
            f"Dataset {self.name!r}\n"
            f"  x_train {self.x_train.shape}, x_test {self.x_test.shape}, {self.x_train.dtype}, "
            f"x_train from {self.x_train.min():.3g} to {self.x_train.max():.3g}\n"
            f"  {labels}; license: {self.license}"
        )


def split(x: np.ndarray, y: np.ndarray | None, test_size: int | float, seed: int) -> dict[str, Any]:
    """Split examples and their labels at random; stratified by label if each label can be in both parts.

    `test_size` is how many examples are held out (int), or which share (float). Returns the `ARRAYS`.
    """
    from sklearn.model_selection import train_test_split

    n_test = test_size if isinstance(test_size, int) else min(max(round(len(x) * test_size), 1), len(x) - 1)
    strata = y if y is None or y.dtype.kind != "f" else None
    if strata is not None:
        counts = np.unique(strata, return_counts=True)[1]
        if counts.min() < 2 or len(counts) > min(n_test, len(x) - n_test):
            strata = None
    train, test = train_test_split(np.arange(len(x)), test_size=n_test, stratify=strata, random_state=seed)
    y_train, y_test = (None, None) if y is None else (y[train], y[test])
    return {"x_train": x[train], "y_train": y_train, "x_test": x[test], "y_test": y_test}


def units_of(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a scaling subtracted from each column, and by what it divided then.

    Args:
        before, after: The same rows, shape (n, columns), as they were and scaled.
    """
    low, high = before.argmin(axis=0), before.argmax(axis=0)
    columns = np.arange(before.shape[1])
    width = np.float64(after[high, columns]) - after[low, columns]
    spread = np.divide(before[high, columns] - before[low, columns], width, out=np.ones_like(width), where=width > 0)
    return before[low, columns] - after[low, columns] * spread, spread


def finish(fields: Mapping[str, Any]) -> Dataset:
    """Make the Dataset that the caller gets; the one place where data are sabotaged, if at all."""
    shape = fields["x_train"].shape
    fields = {"y_train": None, "y_test": None, "image_shape": shape[1:] if len(shape) == 4 else None, **fields}
    _sabotage(fields, runtime.sabotage())
    return Dataset(**fields)


def _sabotage(fields: dict[str, Any], kind: str | None) -> None:
    """Spoil the data in place, so that `make test-claims` sees whether the claims notice."""
    rng = np.random.default_rng(13)
    for part in ("train", "test"):
        x, y = fields[f"x_{part}"], fields[f"y_{part}"]
        if kind == "shuffled-pixels":
            examples = x.reshape(len(x), -1, x.shape[-1] if x.ndim == 4 else 1)  # a pixel keeps its colors
            shuffled = [example[rng.permutation(len(example))] for example in examples]
            fields[f"x_{part}"] = np.stack(shuffled).reshape(x.shape)
        elif kind == "shuffled-labels" and y is not None:
            fields[f"y_{part}"] = rng.permutation(y)
