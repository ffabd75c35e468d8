"""Exercises: a prompt, a check, hints and a solution; and the guards of which checks are made."""

from __future__ import annotations

import inspect
import itertools
import math
import numbers
import os
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from aetutorial import _validate
from aetutorial.exercises._run import NotAttempted, Wrong, call, describe, error_text, unfilled

KINDS = ("predict", "fill in", "change", "build", "transfer")
STRICT_VARIABLE = "AETUTORIAL_STRICT"  # tests set it: the fault of a check is then raised
WIDTH = 88
POINTER = "Put your answer in place of the `None` or `...`, or ask for a hint with .hint()."

Shape = Sequence[int | None]


def layout(text: str) -> str:
    """Wrap prose at 88 columns; keep blank lines, list items ("- ") and code indented by four."""
    lines: list[str] = []
    prose: list[str] = []

    def flush() -> None:
        indent = "  " if prose and prose[0].startswith("- ") else ""
        wrapper = textwrap.TextWrapper(
            WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        lines.extend(wrapper.wrap(" ".join(prose)))
        prose.clear()

    for line in text.splitlines():
        if not line.strip() or line.startswith("    "):
            flush()
            lines.append(line.rstrip())
        else:
            if line.startswith("- "):
                flush()
            prose.append(line.strip())
    flush()
    return "\n".join(lines)


def _text(argument: str, text: str, code: bool = False) -> str:
    """Return the text of an exercise without its common indentation, if it has the right form."""
    text = textwrap.dedent(text).strip("\n").rstrip()
    if not text:
        raise ValueError(_validate.message(argument, "a text that is not blank", text))
    lines = [] if code else text.splitlines()
    for before, line in itertools.pairwise(lines):
        if line.startswith("    ") and before.strip() and not before.startswith("    "):
            raise ValueError(
                _validate.message(argument, "a text with a blank line before indented code", line)
            )
    return text


class Exercise:
    """One exercise. A lesson's cells call `prompt`, `check`, `hint` and `solution`.

    Args:
        name: The variable that holds it in its module.
        title: A few words.
        kind: One of "predict", "fill in", "change", "build", "transfer".
        prompt: What to do. Indent code by four more than the prose, after a blank line; and begin
            a text in triple quotes on a line of its own. So for hints and `why`.
        check: Takes the answer; raises `Wrong` with one sentence that names the mistake, or
            returns None or a sentence that says what was measured.
        hints: At least one; from a nudge to nearly the answer.
        solution: Source code that binds `answer` when it is executed.
        why: A sentence on why the solution is right.

    Raises:
        ValueError: a text is blank or indented as it must not be, there is no hint, or `kind` is
            unknown.
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        kind: str,
        prompt: str,
        check: Callable[[Any], str | None],
        hints: Sequence[str],
        solution: str,
        why: str,
    ) -> None:
        if isinstance(hints, str) or not hints:
            raise ValueError(_validate.message("hints", "at least one text, in a tuple", hints))
        self.name, self.title = _text("name", name), _text("title", title)
        self.kind = str(_validate.choice("kind", kind, KINDS))
        self.hints = tuple(_text("hints", hint) for hint in hints)
        self.source = _text("solution", solution, code=True) + "\n"
        self._prompt, self._why = _text("prompt", prompt), _text("why", why)
        self._check = check
        self._hints_given = 0
        self._outcome = "not attempted"

    def __repr__(self) -> str:
        return f"Exercise {self.title!r}: .prompt(), .check(answer), .hint(), .solution()"

    @property
    def outcome(self) -> str:
        """What the last check found: "not attempted", "correct" or "not yet"."""
        return self._outcome

    def prompt(self) -> None:
        """Print what to do."""
        print(f"{self.title} ({self.kind})\n\n{layout(self._prompt)}")

    def check(self, answer: Any = None) -> None:
        """Print whether `answer` is right, and if it is not, what is wrong with it."""
        self._outcome, sentence = self.judge(answer)
        heading = {"correct": "Correct.", "not yet": "Not yet.", "not attempted": ""}
        print(layout(f"{heading[self._outcome]} {sentence}"))

    def judge(self, answer: Any) -> tuple[str, str]:
        """Return the outcome of checking `answer`, and the sentence that goes with it.

        Raises:
            Exception: the check itself failed, and AETUTORIAL_STRICT is set.
        """
        try:
            if unfilled(answer):
                raise NotAttempted
            return "correct", self._check(answer) or ""
        except NotAttempted as stub:
            return "not attempted", " ".join(f"Not attempted yet. {stub} {POINTER}".split())
        except Wrong as mistake:
            return "not yet", str(mistake)
        except (Exception, SystemExit) as error:
            if os.environ.get(STRICT_VARIABLE):
                raise
            return "not yet", f"The check could not read your answer ({error_text(error)})."

    def hint(self, number: int | None = None) -> None:
        """Print the next hint, or the hint of that number, counted from 1."""
        total = len(self.hints)
        if number is None:
            last = "That was the last hint. " if self._hints_given == total else ""
            self._hints_given = min(self._hints_given + 1, total)
            number = self._hints_given
        elif type(number) is int and 1 <= number <= total:
            last = ""
        else:
            print(f"The hints are numbered from 1 to {total}.")
            return
        print(layout(f"{last}Hint {number} of {total}. {self.hints[number - 1]}"))

    def solution(self) -> None:
        """Print the reference solution and why it is right."""
        code = textwrap.indent(self.source, "    ")
        print(f"One solution:\n\n{code}\n{layout(self._why)}")

    def reference(self, **names: Any) -> Any:
        """Execute the solution, with `names` defined, and return the `answer` that it binds."""
        exec(compile(self.source, f"<solution of {self.name}>", "exec"), names)
        return names["answer"]


def _array(value: Any, expected: str) -> np.ndarray:
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


def expect_number(value: Any, example: str) -> float:
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
    value: Any,
    shape: Shape | None = None,
    low: float | None = None,
    high: float | None = None,
    what: str = "values",
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
        raise Wrong(
            f"The {what} must be {' and '.join(bounds)}; yours go from {least:.4g} to {most:.4g}."
        )
    return array


def _fits(actual: Shape, expected: Shape) -> bool:
    return len(actual) == len(expected) and all(
        e is None or a == e for a, e in zip(actual, expected, strict=True)
    )


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
    value: Any, input_shape: Shape | None = None, output_shape: Shape | None = None
) -> Any:
    """Return a learner's Keras model, if it is built and its shapes fit.

    Args:
        value: The answer.
        input_shape: Shape of one example, without the batch axis, as in `keras.Input`; None for
            any length of an axis; None for any shape.
        output_shape: Shape of the output for one example, alike.

    Raises:
        Wrong: it is something else.
        NotAttempted: it is None.
    """
    import keras

    if unfilled(value):
        raise NotAttempted
    if inspect.isclass(value) and issubclass(value, keras.Model):
        raise Wrong(f"That is {describe(value)}; pass an instance, `{value.__name__}(...)`.")
    if inspect.isroutine(value):
        raise Wrong(f"That is {describe(value)}; pass the Keras model that it returns.")
    if not isinstance(value, keras.Model):
        layer = "a single layer, " if isinstance(value, keras.layers.Layer) else ""
        raise Wrong(f"That is {layer}{describe(value)}; a Keras model is expected.")
    if not value.built:
        raise Wrong(
            "The model has no weights yet: begin it with keras.Input(shape=...), "
            "or call it once on a batch."
        )
    for side, expected in (("input", input_shape), ("output", output_shape)):
        actual = _model_shape(value, side, input_shape)
        if expected is None or actual is None:
            continue
        if not _fits(actual, expected):
            raise Wrong(
                f"For one example, the model's {side} must have shape {_shown(expected)}; "
                f"{_misfit(actual, expected)}."
            )
    return value


def _model_shape(model: Any, side: str, input_shape: Shape | None) -> Shape | None:
    """Return the shape of one example at that side; None where the model cannot tell."""
    try:
        shape = getattr(model, f"{side}_shape")
    except Exception:  # a subclassed model does not know: try it
        if input_shape is None or None in input_shape:
            return None
        result = call(model, np.zeros((1, *input_shape), "float32"))
        if side == "input":
            return input_shape  # it took it
        shape = getattr(result, "shape", result)
    try:
        dimensions = [None if n is None else int(n) for n in shape]
    except Exception:
        raise Wrong(f"The model has several {side}s; a model with one is expected.") from None
    return dimensions[1:]


def expect_text(value: Any, options: Sequence[str]) -> str:
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


def expect_texts(value: Any, options: Sequence[str], what: str) -> list[str]:
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
    count = ("no", "one", "two", "three", "four", "five")[len(options)]
    if not isinstance(value, list | tuple):
        raise Wrong(f"Give a list of {count} texts, one for each {what}, in their order.")
    if len(value) != len(options):
        raise Wrong(f"There are {count} {what}s; your list has {len(value)} entries.")
    return [expect_text(item, options) for item in value]


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def close(a: Any, b: Any, rtol: float = 1e-3, atol: float = 0.0) -> bool:
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
