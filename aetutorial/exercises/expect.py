"""The guards of which checks are made: is the answer a number, an array, a model, a text of the right form?

How near a number or an array is to another (`close`) and how wide a model is (`layer_widths`) is read here, too.
"""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from aetutorial.exercises.guard import NotAttempted, Wrong, call, unfilled
from aetutorial.exercises.wording import describe

if TYPE_CHECKING:
    import keras

Shape = Sequence[int | None]


def _array(value: object, expected: str) -> np.ndarray:
    """Return `value` as an array of real numbers or truth values, of any shape."""
    if unfilled(value):
        raise NotAttempted
    if isinstance(value, Iterator):
        raise Wrong("That is an iterator: turn it into an array with `np.array(list(...))`.")
    if inspect.isroutine(value):
        raise Wrong(f"That is {describe(value)} itself, not {expected}: call it.")
    if isinstance(value, str | bytes):
        raise Wrong(f"That is text, not {expected}: leave out the quotes.")
    try:
        array = np.asarray(value)
    except Exception as error:
        ragged = isinstance(error, ValueError) and type(value) in (list, tuple)
        reason = ": its rows have different lengths" if ragged else ""
        raise Wrong(f"NumPy cannot turn {describe(value)} into {expected}{reason}.") from None
    if array.dtype.kind == "c":
        raise Wrong(f"That is complex; {expected} is expected, without an imaginary part.")
    if array.dtype.kind not in "biuf":
        raise Wrong(f"That is {describe(value)}, not {expected}.")
    return array


def expect_number(value: object, example: str) -> float:
    """Return a learner's number: real, finite; an array or tensor of one element will do.

    Args:
        value: The answer.
        example: What is expected, such as "a number, such as 12.5".

    Raises:
        Wrong: it is something else.
        NotAttempted: it is None or `...`.
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.generic):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    else:
        array = _array(value, example)
        if array.size != 1:
            raise Wrong(f"That is {array.size} numbers, in shape {array.shape}; give {example}.")
        if array.dtype.kind == "b":
            raise Wrong(f"That is a truth value, {array.item()}; give {example}.")
        number = float(array.item())
    if math.isnan(number):
        raise Wrong(f"That is NaN, the result of an undefined operation; give {example}.")
    if math.isinf(number):
        raise Wrong(f"That is infinite; give {example}.")
    return number


def expect_array(
    value: object, shape: Shape | None = None, low: float | None = None, high: float | None = None, what: str = "values"
) -> np.ndarray:
    """Return a learner's array: numeric, finite, not empty.

    Args:
        value: The answer: an array, a tensor, or lists of numbers.
        shape: The shape expected, None for any length of an axis; None for any shape.
        low: Smallest permitted value, or None.
        high: Largest permitted value, or None.
        what: What the array holds, a plural such as "codes".

    Raises:
        Wrong: it is something else.
        NotAttempted: it is None or `...`.
    """
    array = _array(value, f"an array of {what}")
    if shape is not None and not _fits(array.shape, shape):
        raise Wrong(f"The {what} must have shape {_shown(shape)}; {_misfit(array.shape, shape)}.")
    if array.size == 0:
        raise Wrong(f"The array of {what} is empty: its shape is {array.shape}.")
    if array.dtype.kind == "f":
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            raise Wrong(f"Of the {array.size} {what}, {bad} are NaN or infinite.")
    least, most = float(array.min()), float(array.max())
    if (low is not None and least < low) or (high is not None and most > high):
        bounds = [f"at least {low:g}"] if low is not None else []
        bounds += [f"at most {high:g}"] if high is not None else []
        raise Wrong(f"The {what} must be {' and '.join(bounds)}; yours go from {least:.4g} to {most:.4g}.")
    return array


def _fits(actual: Shape, expected: Shape) -> bool:
    return len(actual) == len(expected) and all(e is None or a == e for a, e in zip(actual, expected, strict=True))


def _shown(shape: Shape) -> str:
    inside = ", ".join("any" if n is None else str(n) for n in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def _misfit(actual: Shape, expected: Shape) -> str:
    """Say how a shape differs from the one expected."""
    yours = f"yours is {_shown(actual)}"
    if len(actual) > 1 and _fits(actual[::-1], expected):
        return f"{yours}: that is the transpose"
    if [n for n in actual if n != 1] == [n for n in expected if n != 1]:
        return f"{yours}: the same but for axes of length 1, so reshape it"
    if len(actual) != len(expected):
        return f"{yours}, which has {len(actual)} axes instead of {len(expected)}"
    return yours


def expect_model(
    value: object, input_shape: Shape | None = None, output_shape: Shape | None = None, who: str = "model"
) -> keras.Model:
    """Return a learner's Keras model, if it is built and its shapes fit.

    Args:
        value: The answer.
        input_shape: Shape of one example, without the batch axis, as in `keras.Input`; None for
            any length of an axis; None for any shape.
        output_shape: Shape of the output for one example, alike.
        who: What the model is called in a sentence, such as "encoder".

    Raises:
        Wrong: it is something else.
        NotAttempted: it is None.
    """
    import keras

    if unfilled(value):
        raise NotAttempted
    role = "" if who == "model" else f" for the {who}"
    if inspect.isclass(value) and issubclass(value, keras.Model):
        raise Wrong(f"That is {describe(value)}; pass an instance, `{value.__name__}(...)`.")
    if inspect.isroutine(value):
        raise Wrong(f"That is {describe(value)}; pass the Keras model that it returns.")
    if not isinstance(value, keras.Model):
        layer = "a single layer, " if isinstance(value, keras.layers.Layer) else ""
        raise Wrong(f"That is {layer}{describe(value)}; a Keras model is expected{role}.")
    if not value.built:
        raise Wrong(f"The {who} has no weights yet: begin it with keras.Input(shape=...), or call it once on a batch.")
    for side, expected in (("input", input_shape), ("output", output_shape)):
        actual = _model_shape(value, side, input_shape, who)
        if expected is None or actual is None:
            continue
        if not _fits(actual, expected):
            raise Wrong(
                f"For one example, the {who}'s {side} must have shape {_shown(expected)}; {_misfit(actual, expected)}."
            )
    return value


def _model_shape(model: keras.Model, side: str, input_shape: Shape | None, who: str) -> Shape | None:
    """Return the shape of one example at that side; None where the model cannot tell."""
    try:
        shape = getattr(model, f"{side}_shape")
    except Exception:  # a subclassed model does not know its shapes, so it is tried out
        if input_shape is None or None in input_shape:
            return None
        result = call(model, np.zeros((1, *input_shape), "float32"))
        if side == "input":
            return input_shape  # the model took rows of this shape
        shape = getattr(result, "shape", result)
    try:
        dimensions = [None if n is None else int(n) for n in shape]
    except Exception:
        raise Wrong(f"The {who} has several {side}s; a model with one is expected.") from None
    return dimensions[1:]


def layer_widths(model: keras.Model) -> list[int]:
    """Return how many numbers each layer gives for one example, inside nested models as well.

    Args:
        model: A Keras model, as `expect_model` lets it through.

    Returns:
        One number of at least 1 for each layer whose output shape can be told; an empty list if there is none.
    """
    widths = []
    for layer in model.layers:
        if hasattr(layer, "layers"):
            widths += layer_widths(layer)
            continue
        shape: Any = getattr(getattr(layer, "output", None), "shape", None)
        if shape is None:  # inside a subclassed model a layer does not know its output
            shape = (None, getattr(layer, "units", None))
        if len(shape) > 1 and None not in shape[1:]:
            widths.append(math.prod(shape[1:]))
    return widths


def expect_text(value: object, options: Sequence[str]) -> str:
    """Return the one of `options` that the learner chose; case and blanks do not matter.

    Args:
        value: The answer: text.
        options: The texts to choose from.

    Raises:
        Wrong: it is none of them.
        NotAttempted: it is None or `...`.
    """
    if unfilled(value):
        raise NotAttempted
    listed = ", ".join(f'"{option}"' for option in options)
    if not isinstance(value, str):
        raise Wrong(f"That is {describe(value)}; answer with a text in quotes, one of {listed}.")
    known = {_plain(option): option for option in options}
    if _plain(value) not in known:
        raise Wrong(f"That is {describe(str(value))}; answer with one of {listed}.")
    return known[_plain(value)]


def expect_texts(value: object, options: Sequence[str], what: str) -> list[str]:
    """Return the texts that the learner matched to a row of cases, one of `options` for each.

    Args:
        value: The answer: a list of as many texts as there are options, in the order of the cases.
        options: The texts to choose from.
        what: What a case is called, as "case" or "map".

    Raises:
        Wrong: it is no list, its length is another, or a text is none of the options.
        NotAttempted: it, or one of its entries, is None or `...`.
    """
    if unfilled(value):
        raise NotAttempted
    count = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"][len(options)]
    if not isinstance(value, list | tuple):
        raise Wrong(f"Give a list of {count} texts, one for each {what}, in their order.")
    if len(value) != len(options):
        raise Wrong(f"There are {count} {what}s; your list has {len(value)} entries.")
    shown = sorted(options)  # because `options` come in the order of the solution
    return [expect_text(item, shown) for item in value]


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def close(a: object, b: ArrayLike, rtol: float = 1e-3, atol: float = 0.0) -> bool:
    """Say whether `a` is within `atol + rtol * |b|` of the reference `b`, everywhere.

    Args:
        a: The answer: a number or an array.
        b: The reference: a number, or an array of the same shape. A shape is never broadcast.
        rtol: Tolerance relative to `b`.
        atol: Absolute tolerance, in the unit of `b`.

    Returns:
        False, too, for another shape, for NaN and for what is no number.
    """
    try:
        left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    except Exception:
        return False
    if right.ndim and left.shape != right.shape:
        return False
    return bool(np.allclose(left, right, rtol=rtol, atol=atol))
