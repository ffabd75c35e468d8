"""Checks of arguments, and the one form in which the package words an error.

Every message names the argument, says what was expected, and ends with what arrived:
"`epochs` must be an integer of at least 1. Received: 0 (int)."
"""

from __future__ import annotations

import numbers
from collections.abc import Collection
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def describe(value: object) -> str:
    """Say in a few words what `value` is: shape and dtype of an array, else its repr and type."""
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    if len(text) > 80:
        text = text[:77] + "..."
    return f"{text} ({type(value).__name__})"


def message(name: str, expected: str, received: object) -> str:
    """Word an error: which argument, what was expected, what arrived."""
    arrived = received if isinstance(received, str) else describe(received)
    return f"`{name}` must be {expected}. Received: {arrived}."


def integer(name: str, value: object, *, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int, if it is an integer (Python's or NumPy's; not a bool) from `low` to `high`.

    Args:
        name: The argument's name, for the error message.
        value: What was given for it.
        low: Smallest permitted value, or None.
        high: Largest permitted value, or None.

    Raises:
        TypeError: `value` is not an integer.
        ValueError: `value` is out of range.
    """
    return int(_number(name, value, numbers.Integral, "an integer", low, high))


def real(name: str, value: object, *, low: float | None = None, high: float | None = None) -> float:
    """Return `value` as a finite float within the closed interval [`low`, `high`].

    Raises:
        TypeError: `value` is not a real number.
        ValueError: `value` is NaN, infinite or out of range.
    """
    return float(_number(name, value, numbers.Real, "a finite number", low, high))


def _number(name: str, value: Any, kind: type[Any], expected: str, low: float | None, high: float | None) -> Any:
    bounds = {"at least": low, "at most": high}
    limits = [f"{words} {b if isinstance(b, int) else f'{b:g}'}" for words, b in bounds.items() if b is not None]
    expected += " of " + " and ".join(limits) if limits else ""
    if isinstance(value, bool | np.bool_) or not isinstance(value, kind):
        raise TypeError(message(name, expected, describe(value)))
    outside = (low is not None and value < low) or (high is not None and value > high)
    if outside or value != value or abs(value) == np.inf:
        raise ValueError(message(name, expected, describe(value)))
    return value


def choice(name: str, value: T, options: Collection[object]) -> T:
    """Return `value` if it is one of `options`.

    Raises:
        ValueError: it is not.
    """
    try:
        if value in options:
            return value
    except TypeError:  # an unhashable value, looked up in a dict or set
        pass
    listed = ", ".join(repr(option) for option in options)
    raise ValueError(message(name, f"one of {listed}", describe(value)))


def unmasked(name: str, value: Any) -> None:
    """Refuse a masked array with values missing: NumPy would take whatever stands in their places.

    Raises:
        ValueError: values are masked.
    """
    if np.ma.is_masked(value):
        received = f"{np.ma.count_masked(value)} masked values of {np.size(value)}"
        raise ValueError(message(name, "an array without missing values; remove them, or fill them in", received))


def array(
    name: str,
    value: object,
    *,
    ndim: int | tuple[int, ...] | None = None,
    low: float | None = None,
    high: float | None = None,
    rows: int | None = None,
    min_rows: int = 1,
    wide: bool = False,
) -> np.ndarray:
    """Return `value` as a numeric array after checking its shape and its values.

    Args:
        name: The argument's name, for the error message.
        value: Anything that NumPy turns into a numeric array.
        ndim: Permitted number(s) of dimensions, or None for any of at least 1.
        low: Smallest permitted value, or None.
        high: Largest permitted value, or None.
        rows: Exact length of the first axis, or None.
        min_rows: Smallest length of the first axis.
        wide: Whether integers and truth values become float64, so that differences and sums do not wrap round.

    Returns:
        The array, not copied where it need not be. Its dtype is unchanged, but for what `wide` says.

    Raises:
        TypeError: the values are not numbers.
        ValueError: wrong number of dimensions or rows, empty, NaN, infinite or out of range.
    """
    unmasked(name, value)
    try:
        checked = np.asarray(value)
    except ValueError:
        raise ValueError(message(name, "a rectangular array of numbers", describe(value))) from None
    if checked.dtype.kind not in "buifc":
        raise TypeError(
            message(name, "an array of numbers", describe(checked if checked.dtype.kind in "mM" else value))
        )
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if (allowed is not None and checked.ndim not in allowed) or checked.ndim == 0:
        wanted = " or ".join(str(d) for d in allowed) if allowed else "at least 1"
        raise ValueError(message(name, f"an array with {wanted} dimensions", describe(checked)))
    if rows is not None and len(checked) != rows:
        raise ValueError(message(name, f"an array of {rows} rows", describe(checked)))
    if len(checked) < min_rows or checked.size == 0:
        expected = f"an array of at least {min_rows} row{'s' if min_rows > 1 else ''}, not empty"
        raise ValueError(message(name, expected, describe(checked)))
    if np.issubdtype(checked.dtype, np.inexact):
        bad = int(np.size(checked) - np.count_nonzero(np.isfinite(checked)))
        if bad:
            received = f"{describe(checked)} with {bad} values that are NaN or infinite"
            raise ValueError(message(name, "an array of finite numbers", received))
    if low is not None or high is not None:
        smallest, largest = checked.min(), checked.max()
        if (low is not None and smallest < low) or (high is not None and largest > high):
            lower = "-inf" if low is None else f"{low:g}"
            upper = "inf" if high is None else f"{high:g}"
            received = f"values from {smallest:g} to {largest:g}"
            raise ValueError(message(name, f"an array with values in [{lower}, {upper}]", received))
    return checked.astype(np.float64) if wide and checked.dtype.kind in "bui" else checked
