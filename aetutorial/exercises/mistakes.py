"""Tables of plausible wrong answers: which mistake does an answer come from?"""

from __future__ import annotations

from collections.abc import Iterable

from numpy.typing import ArrayLike

from aetutorial.exercises.expect import close
from aetutorial.exercises.guard import Wrong


def name_mistake(
    value: object, mistakes: Iterable[tuple[ArrayLike, str]], rtol: float = 1e-3, atol: float = 0.0
) -> None:
    """Refuse an answer that is one of the known wrong ones, with the sentence that belongs to it.

    The first match wins, not the closest. So put the likelier mistake first, and the wrong values far enough apart:
    from one another and from the right one.

    Args:
        value: The answer: a number or an array, already past its guard (`expect_number`, `expect_array`).
        mistakes: Pairs (wrong value, sentence) in order. A wrong value is what that mistake leads to on the data of
            the check: a number, or an array of the shape of `value`. What is NaN or of another shape matches nothing.
        rtol: Tolerance relative to the wrong value. With 0, and `atol` 0, an answer must be equal to it.
        atol: Absolute tolerance, in the unit of the answer.

    Raises:
        Wrong: the answer is within `atol + rtol * |wrong value|` of a wrong value, everywhere.
    """
    for wrong, sentence in mistakes:
        if close(value, wrong, rtol=rtol, atol=atol):
            raise Wrong(sentence)
