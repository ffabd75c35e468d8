"""Measured numbers that a lesson records for its prose to quote, and their hold.

Under AETUTORIAL_HOLD=1, which `make test` sets, a recorded number must lie close to the one in the stored notebook: the
prose, held to the stored one, then is true of this run as well.
"""

from __future__ import annotations

import inspect
import json
import keyword
import math
import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NamedTuple, cast

import numpy as np

from aetutorial import display, runtime, validation
from aetutorial.studies.study import MODE_VARIABLE

HOLD_VARIABLE = "AETUTORIAL_HOLD"


class ClaimError(AssertionError):
    """A claim of the lesson did not hold in this run, or a recorded number is another one than the stored one."""


class _Recorded(NamedTuple):
    value: float
    cell: Hashable  # which cell recorded it,
    run: Hashable  # and in which of its runs; None where that can't be told


@dataclass
class _Lesson:
    """The lesson that runs in this process.

    Attributes:
        title: As `begin` prints it.
        notebook: Its notebook's path below notebooks/, without suffix, as a glob pattern; None if there is none.
        recorded: What it has recorded so far.
    """

    title: str = "This notebook"
    notebook: str | None = None
    recorded: dict[str, _Recorded] = field(default_factory=dict)


_lesson = _Lesson()


def open_lesson(title: str, notebook: str | None) -> None:
    """Note which lesson begins, and forget what another one recorded."""
    global _lesson
    _lesson = _Lesson(title, notebook)


def record(*, within: float = 0.1, **numbers: float) -> None:
    """Record measured numbers that the prose quotes; a notebook stores them with the cell and shows nothing.

    Args:
        within: The greatest relative difference from the stored number that AETUTORIAL_HOLD=1 lets pass, 0 or more.
        numbers: Name to value: one real, finite number each. A name belongs to one value of the lesson; running a
            cell again replaces it.

    Raises:
        ClaimError: under AETUTORIAL_HOLD=1, the stored notebook holds no such number, or another one.
        TypeError, ValueError: a value is not one finite number, a name is no identifier, or it names another value.

    Example:
        >>> from aetutorial import lesson
        >>> lesson.record(pca=0.01532871, images=10_000)
        Recorded: pca 0.0153, images 10,000
    """
    within = validation.real("within", within, low=0)
    if not numbers:
        raise ValueError(validation.message("numbers", "at least one number with its name, as in `pca=0.015`", "none"))
    values = {}
    for name, value in numbers.items():
        check_name("numbers", name)
        if isinstance(value, bool | np.bool_):
            raise TypeError(validation.message(name, "one measured number", validation.describe(value)))
        values[name] = scalar(name, value)
    kept = keep(values, within)
    line = ", ".join(f"{name} {display.significant(value)}" for name, value in values.items())
    # The names stand in the HTML, where a comparison of outputs finds them; the numbers in the other form are masked.
    rich = f'<span hidden data-recorded="{" ".join(values)}"></span>'
    display.show(rich, f"Recorded: {line}", {"numbers": kept})


def keep(numbers: Mapping[str, float], within: float) -> dict[str, float]:
    """Hold numbers to the stored ones and note them; return those that JSON can hold."""
    cell, run = _caller()
    for name, value in numbers.items():
        if lenient():
            break
        validation.real(name, value)
        known = _lesson.recorded.get(name)
        again = known is not None and known.cell == cell and (run is None or known.run != run)
        if known is not None and known.value != value and not again:
            expected = f"a name that is new in this lesson; it stands for {known.value:.6g}"
            raise ValueError(validation.message(name, expected, f"{value:.6g} under the same name"))
    if os.environ.get(HOLD_VARIABLE) == "1" and not runtime.sabotage():
        _hold(numbers, within)
    _lesson.recorded.update({name: _Recorded(value, cell, run) for name, value in numbers.items()})
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _caller() -> tuple[Hashable, Hashable]:
    """Return which cell, or line of a program, calls this package, and in which of its runs."""
    frame = cast(FrameType, inspect.currentframe())  # None only where Python is not CPython
    package = __name__.partition(".")[0]
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
    shell = display.shell()
    if shell is None:
        return (frame.f_code.co_filename, frame.f_lineno), None
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    # JupyterLab names the cell; elsewhere its file does, whose name follows from the source.
    cell = request.get("metadata", {}).get("cellId") or frame.f_code.co_filename
    return cell, request.get("header", {}).get("msg_id", shell.execution_count)


def _hold(numbers: Mapping[str, float], within: float) -> None:
    path = _stored_notebook()
    stored: dict[str, float] = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            stored.update(output.get("metadata", {}).get("numbers", {}))
    for name, fresh in numbers.items():
        if name not in stored:
            raise ClaimError(f"{_lesson.title}: {path.name} holds no number {name!r}. `make notebooks` stores it.")
        if not abs(fresh - stored[name]) <= max(within * abs(stored[name]), 1e-9):  # true for NaN
            raise ClaimError(
                f"{_lesson.title}: the number {name!r} is {fresh:.6g} now and was {stored[name]:.6g} when {path.name} "
                f"was stored; the prose quotes it, and a difference of {100 * within:g} % is allowed. "
                "`make notebooks` stores it anew."
            )


def _stored_notebook() -> Path:
    folder = runtime.repository_root() / "notebooks"
    found = sorted(folder.glob(f"{_lesson.notebook}.ipynb")) if _lesson.notebook else []
    if len(found) != 1:
        wanted = f"notebooks/{_lesson.notebook}.ipynb" if _lesson.notebook else "a lesson: `lesson.begin` names none"
        raise ClaimError(f"{_lesson.title}: recorded numbers are held to {wanted}; {len(found)} notebooks are found.")
    return found[0]


def lenient() -> bool:
    """Return whether what fails is shown and the notebook goes on."""
    return bool(runtime.sabotage()) or not runtime.strict or os.environ.get(MODE_VARIABLE) == "run"


def check_name(argument: str, name: object) -> None:
    """Refuse what can't be the name of a recorded number.

    Raises:
        ValueError: it is no identifier.
    """
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        expected = "a name that Python allows for a variable"
        raise ValueError(validation.message(argument, expected, validation.describe(name)))


def scalar(name: str, value: object) -> float:
    """Return one number, whatever holds it: a scalar, or an array or tensor of size 1; NaN and infinity too.

    Raises:
        TypeError: it is not one real number.
    """
    try:
        number = np.asarray(value)
    except (TypeError, ValueError):  # what NumPy can't read is refused below
        number = np.array(None)
    if number.dtype.kind not in "biuf" or number.size != 1:
        raise TypeError(validation.message(name, "one measured number", validation.describe(value)))
    return float(number.reshape(()))
