"""How long and how dense a lesson is, and how long it takes: all follows from its stored notebook.

Minutes follow from words, code, figures and equations, from the stars of the exercises and from the run time.
"""

from __future__ import annotations

import importlib
import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools import cells, markdown

EXERCISE_MINUTES = {1: 3, 2: 8, 3: 15}  # by stars
STARS = 2  # of an exercise that does not tell
CLAIM = re.compile(r"^✓ (?!Correct)", re.MULTILINE)
AIMS = ("aim", "2500", "250", "4-6", "", "400", "3-5", "", "", "45-60", "")


@cache
def stars(exercise: str) -> int:
    """Return the stars of an exercise named as in "lesson05.threshold"; 2 if it is not known or does not tell."""
    module, _, name = exercise.partition(".")
    try:
        home = importlib.import_module(f"aetutorial.exercises.{module}")
    except ModuleNotFoundError:
        return STARS
    return int(getattr(getattr(home, name, None), "stars", STARS))


@dataclass(frozen=True)
class Size:
    """How long and how dense a lesson is.

    Args:
        words: Of its prose, without code, mathematics and references.
        lines: Of its visible code, without exercises.
        sections: Headings of the second level, without those that every lesson has.
        figures: Pictures among its outputs.
        claims: Claims among its outputs.
        numerals: In its prose.
        asides: Parentheses in its prose.
        exercises: The stars of each exercise.
        seconds: Its run time; None if nothing was run.
        equations: Equations on lines of their own.
    """

    words: int
    lines: int
    sections: int
    figures: int
    claims: int
    numerals: int
    asides: int
    exercises: tuple[int, ...]
    seconds: float | None
    equations: int = 0

    @property
    def reading(self) -> int:
        """Minutes to read it, a multiple of 5."""
        return _fives(self._reading)

    @property
    def working(self) -> int:
        """Minutes to read it, run it and do its exercises, a multiple of 5."""
        exercises = sum(EXERCISE_MINUTES[count] for count in self.exercises)
        return _fives(self._reading + (self.seconds or 0) / 60 + exercises)

    @property
    def _reading(self) -> float:
        # As readers of lessons 1 and 2 needed.
        return self.words / 150 + self.lines / 25 + 0.5 * self.figures + 0.75 * self.equations


def _fives(minutes: float) -> int:
    return max(5, 5 * math.floor(minutes / 5 + 0.5))


def duration(seconds: float) -> int:
    """Return a run time in seconds as it is stated: a multiple of 5, and of 10 from 20 on."""
    step = 5 if seconds < 20 else 10
    return max(5, step * math.floor(seconds / step + 0.5))


def measure(notebook: Any, seconds: float | None) -> Size:
    """Measure a stored notebook.

    Args:
        notebook: As nbformat reads it.
        seconds: Its run time; None if nothing was run.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    body, _ = markdown.split_references(sources)
    text = "\n\n".join(map(markdown.readable, body))
    running = "\n\n".join(markdown.HEADING.sub("", markdown.readable(source)) for source in body)
    titles = [text for marks, text in cells.headings(sources) if marks == "##"]
    sections = [title for title in titles if title not in cells.PLAIN_SECTIONS]
    visible = [cell for cell in code if cells.HIDDEN not in cells.tags(cell) and not cells.is_exercise(cell)]
    return Size(
        words=len(re.findall(r"[^\W_][\w'’-]*", text)),
        lines=sum(bool(line.strip()) for cell in visible for line in cell.source.splitlines()),
        sections=len(sections),
        figures=sum(len(cells.images(cell)) for cell in code),
        claims=sum(len(CLAIM.findall(shown)) for cell in code for shown in cells.shown_text(cell)),
        numerals=len(list(markdown.numerals(running))),
        asides=len(re.findall(r"\([^()]*[^\W\d_]{2}[^()]*\)", running)),
        exercises=tuple(map(stars, cells.exercises(notebook))),
        seconds=seconds,
        equations=sum(source.count("$$") for source in map(markdown.without_fences, sources)) // 2,
    )


def mirror(sizes: dict[str, Size]) -> str:
    """Return a table of how long and how dense the lessons are; the last row says what they aim at."""
    head = ("", "", "", "", "", "words/", "", "numerals", "", "", "")
    names = ("lesson", "words", "lines", "sections", "figures", "figure", "claims", "per 100", "asides", "min")
    rows = [head, (*names, "runs in")]
    for name, size in sizes.items():
        per_figure = f"{size.words / size.figures:.0f}" if size.figures else "-"
        share = f"{100 * size.numerals / size.words:.1f}" if size.words else "-"
        timed = size.seconds is not None
        times = (f"{size.working}", f"{size.seconds:.0f} s") if timed else ("-", "-")
        counts = (f"{size.words}", f"{size.lines}", f"{size.sections}", f"{size.figures}")
        rows.append((name[:27], *counts, per_figure, f"{size.claims}", share, f"{size.asides}", *times))
    rows.append(AIMS)
    widths = [max(len(row[i]) for row in rows) for i in range(len(AIMS))]
    aligned = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in aligned)
