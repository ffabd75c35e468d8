"""Statements that are checked."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from aetutorial import display, runtime, validation
from aetutorial.claims.bounds import bound_of, shown
from aetutorial.claims.record import ClaimError, check_name, keep, lenient, scalar
from aetutorial.studies import storage

FAILS_UNDER = (*runtime.SABOTAGES, "math")
CLAIM_LOG_VARIABLE = "AETUTORIAL_CLAIM_LOG"
MARKS = {True: ("✓", "#1a8a4a"), False: ("✗", "#d0433a")}  # seen on a white page as well as on a black one


def claim(
    text: str,
    value: float,
    *,
    above: float | None = None,
    below: float | None = None,
    between: tuple[float, float] | None = None,
    fails_under: str,
    digits: int | None = None,
    study: str | Sequence[str] | None = None,
    name: str | None = None,
) -> None:
    """State something and check it: show the claim with a check mark if the measured value is within its bound.

    Args:
        text: The claim without its number, as a sentence or a clause; a final period is left out.
        value: The measured value, a scalar.
        above: The value must be greater than this.
        below: The value must be less than this.
        between: The value must lie in this closed interval. Exactly one bound is given.
        fails_under: What makes the claim fail, tested by `make test-claims`: "no-training" (the optimizers change
            nothing), "shuffled-pixels" (per image), "shuffled-labels"; or "math": an identity,
            which holds whatever the data and the training.
        digits: Decimals with which the value is shown, 0 to 12; None (the default) shows three significant digits.
            More are shown where fewer would put the value on the other side of its bound.
        study: The study on which the value rests, or several: literals, for `make test-claims` reads them from the
            code to know what a sabotage must run anew.
        name: Also record the value under this name, as `record` does.

    Raises:
        ClaimError: the value is NaN or outside its bound.
        TypeError, ValueError: an argument is of the wrong type, or not exactly one bound is given.

    Example:
        >>> from aetutorial import lesson
        >>> lesson.claim("Ten bits tell over 1,000 codes apart.", 2**10, above=1000, fails_under="math", digits=0)
        ✓ Ten bits tell over 1,000 codes apart (measured 1,024; must exceed 1,000)
    """
    if not isinstance(text, str) or not text.strip(" \n."):
        raise TypeError(validation.message("text", "a sentence", validation.describe(text)))
    validation.choice("fails_under", fails_under, FAILS_UNDER)
    if digits is not None:
        digits = validation.integer("digits", digits, low=0, high=12)
    studies = _study_names(study)
    if name is not None:
        check_name("name", name)
    measured = scalar("value", value)
    bound = bound_of(above, below, between)
    holds = bound.allows(measured)
    said = " ".join(text.split())
    if said.endswith(".") and not said.endswith(".."):
        said = said[:-1]
    detail = f"(measured {shown(measured, digits, bound)}; {bound.words})"
    entry = {"text": said, "value": repr(measured), "expected": bound.words, "fails_under": fails_under}
    _log({**entry, "holds": holds, "study": studies, "name": name})
    if not holds and not lenient():
        raise ClaimError(
            f"{said} {detail}. If you changed something in this notebook, your change did this, and you are free to: "
            "with `strict=False` in `lesson.begin(...)` the notebook goes on. If not, restart the kernel and run all "
            "cells; should it fail again, please report it."
        )
    numbers = {} if name is None else keep({name: measured}, within=0.1)
    mark, color = MARKS[holds]
    rich = (
        f'<div style="margin:.2em 0"><span style="color:{color}">{mark}</span> {display.escape(said)} '
        f'<span style="opacity:.75">{display.escape(detail)}</span></div>'
    )
    display.show(rich, f"{mark} {said} {detail}", {"numbers": numbers} if numbers else None)


def _study_names(study: str | Sequence[str] | None) -> list[str]:
    if study is None:
        return []
    names = [study] if isinstance(study, str) or not isinstance(study, Sequence) else list(study)
    try:
        return [storage.study_path(name).stem for name in names or [""]]
    except ValueError:
        expected = "the name of a study, or several: lower-case letters, digits and underscores"
        raise ValueError(validation.message("study", expected, validation.describe(study))) from None


def _log(entry: dict[str, object]) -> None:
    """Append the outcome to the log that `make test-claims` reads, if one is named."""
    log = os.environ.get(CLAIM_LOG_VARIABLE)
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
