"""Tables of results: HTML for the page, and the same as aligned text for a terminal and for GitHub."""

from __future__ import annotations

import math
import numbers
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aetutorial import display, validation

WIDTH = 100  # columns of the text; more are broken on a page of usual width, and the table torn
BEST = {"min": min, "max": max}
FAINT = "font-size:.85em;opacity:.75"


class Measured(NamedTuple):
    """A mean and its spread, shown as "0.0153 ± 0.0004"; a pair of numbers does as well.

    Example:
        >>> from aetutorial import tables
        >>> tables.Measured.of([1.0, 2.0, 3.0])
        Measured(mean=2.0, spread=1.0)
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, values: ArrayLike) -> Measured:
        """Return mean and standard deviation (n - 1 in the denominator; NaN for one value) of values of shape (n,)."""
        checked = validation.array("values", values, ndim=1)
        return cls(float(checked.mean()), float(checked.std(ddof=1)) if len(checked) > 1 else math.nan)


Cell = str | float | tuple[float, float] | None


def show(
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    caption: str = "",
    best: Mapping[str, str] | None = None,
    digits: Mapping[str, int] | None = None,
    live: Sequence[str] = (),
    note: str = "",
) -> None:
    """Show a table: numbers to the right, texts to the left, the best value of a column bold (in text, with a star).

    Args:
        columns: The headings, with their units, each another one.
        rows: One sequence of cells per row, as long as `columns`. A cell is a text; a number; a pair (mean, spread) or
            `Measured`, whose spread is left out if it is NaN; or None, shown as a dash. Integers are shown as they are.
        caption: What the table shows, above it.
        best: Heading to "min" or "max": which value of that column is best. What is shown alike is equally good.
        digits: Heading to the decimals of that column's other numbers, 0 to 12. Without it they get as many as three
            digits of its greatest number need, or two of its smallest, or one of its smallest spread.
        live: The headings of columns measured in this run, whose numbers another processor prints differently. They are
            masked when outputs are compared; in the text they carry a "~".
        note: A footnote, such as the `note` of a study.

    Raises:
        TypeError, ValueError: an argument is of another form, a heading is unknown, or the text is wider than 100
            columns.

    Example:
        >>> from aetutorial import tables
        >>> rows = [("PCA", 32, 0.0178), ("autoencoder", 32, (0.01532, 0.00041))]
        >>> tables.show(("model", "code", "mse"), rows, best={"mse": "min"}, note="5 seeds")
        model        code               mse
        ───────────────────────────────────
        PCA            32  0.0178
        autoencoder    32  0.0153 ± 0.0004*
        5 seeds
        * best of its column
    """
    headings = _texts("columns", columns)
    for argument, named in (("best", best or {}), ("digits", digits or {}), ("live", _texts("live", live))):
        for heading in named:
            validation.choice(argument, heading, headings)
    for aim in (best or {}).values():
        validation.choice("best", aim, tuple(BEST))
    if not headings or len(set(headings)) < len(headings):
        raise ValueError(validation.message("columns", "headings that differ from each other, at least one", columns))
    _texts("caption and note", (caption, note))
    table = []
    for heading, cells in zip(headings, _turned(rows, len(headings)), strict=True):
        decimals = (digits or {}).get(heading)
        if decimals is not None:
            decimals = validation.integer("digits", decimals, low=0, high=12)
        table.append(_Column.of(heading, cells, (best or {}).get(heading), decimals, heading in live))
    display.show(_html(table, caption, note), _plain(table, caption, note))


def _texts(argument: str, texts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, str) or not isinstance(texts, Sequence) or not all(isinstance(t, str) for t in texts):
        raise TypeError(validation.message(argument, "texts", validation.describe(texts)))
    return tuple(texts)


def _turned(rows: Sequence[Sequence[Cell]], width: int) -> list[list[Cell]]:
    """Return the cells column by column."""
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise TypeError(validation.message("rows", "a list of rows, at least one", validation.describe(rows)))
    for row in rows:
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != width:
            raise ValueError(validation.message("rows", f"sequences of {width} cells each", validation.describe(row)))
    return [list(cells) for cells in zip(*rows, strict=True)]


class _Shown(NamedTuple):
    text: str
    spread: str = ""
    is_number: bool = False
    is_best: bool = False


@dataclass
class _Column:
    heading: str
    cells: list[_Shown]
    live: bool

    @property
    def numeric(self) -> bool:
        return any(cell.is_number for cell in self.cells)

    @classmethod
    def of(cls, heading: str, cells: list[Cell], aim: str | None, decimals: int | None, live: bool) -> _Column:
        """Write the cells of a column, and find the best one."""
        pairs = [_pair(cell) for cell in cells]
        if decimals is None:
            decimals = _decimals([pair for pair in pairs if pair is not None and not _is_whole(pair[0])])
        written = []
        for cell, pair in zip(cells, pairs, strict=True):
            if pair is None:
                written.append(_Shown("–" if cell is None else " ".join(str(cell).split())))
            else:
                mean, spread = (_write(number, decimals) for number in pair)
                written.append(_Shown(mean, "" if math.isnan(pair[1]) else spread, is_number=True))
        if aim is not None:
            finite = {s.text: float(p[0]) for s, p in zip(written, pairs, strict=True) if p and math.isfinite(p[0])}
            if not finite:
                raise ValueError(validation.message("best", "columns of numbers", f"{heading!r}, which has none"))
            winner = BEST[aim](finite, key=finite.__getitem__)
            written = [cell._replace(is_best=cell.is_number and cell.text == winner) for cell in written]
        return cls(heading, written, live)


def _is_whole(number: object) -> bool:
    return isinstance(number, numbers.Integral)


def _pair(cell: Cell) -> tuple[float, float] | None:
    """Return a cell's number and its spread (NaN where it has none); None for a text or an empty cell."""
    if cell is None or isinstance(cell, str):
        return None
    pair = cell if isinstance(cell, tuple) and len(cell) == 2 else (cell, math.nan)
    if all(isinstance(part, numbers.Real) and not isinstance(part, bool | np.bool_) for part in pair):
        return pair
    expected = "rows of texts, numbers, pairs of numbers and None"
    raise TypeError(validation.message("rows", expected, validation.describe(cell)))


def _decimals(pairs: list[tuple[float, float]]) -> int | None:
    """Return how many decimals suit all numbers of a column; None if they are too different for one answer."""
    means = [_exponent(mean) for mean, _ in pairs if mean and math.isfinite(mean)]
    spreads = [_exponent(spread) for _, spread in pairs if spread and math.isfinite(spread)]
    if not means:
        return 2
    wanted = max(0, 2 - max(means), 1 - min(means))
    # A spread that is far smaller than all numbers shows as 0: the numbers bear no more digits than that.
    wanted = max([wanted, *(min(-exponent, wanted + 2) for exponent in spreads)])
    return wanted if wanted <= 8 and max(means) - min(means) <= 5 else None


def _exponent(number: float) -> int:
    return math.floor(math.log10(abs(number)))


def _write(number: float, decimals: int | None) -> str:
    if _is_whole(number):
        return f"{number:,d}"
    return display.significant(number) if decimals is None else f"{number:,.{decimals}f}"


def _html(table: list[_Column], caption: str, note: str) -> str:
    heads = "".join(
        f'<th scope="col" {_side(column)};border-bottom:1px solid;opacity:.8">{display.escape(column.heading)}</th>'
        for column in table
    )
    body = "".join(f"<tr>{''.join(map(_html_cell, table, row))}</tr>" for row in _rows(table))
    above = f'<caption style="caption-side:top;text-align:left">{display.escape(caption)}</caption>' if caption else ""
    below = f'<div style="{FAINT}">{display.escape(note)}</div>' if note else ""
    style = "border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4em 0"
    return f'<table style="{style}">{above}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{below}'


def _html_cell(column: _Column, cell: _Shown) -> str:
    text, spread = display.escape(cell.text), f" <small>± {cell.spread}</small>" if cell.spread else ""
    if cell.is_best:
        text = f"<strong>{text}</strong>"
    if column.live and cell.is_number:
        text, spread = f'<span class="live">{text}{spread}</span>', ""
    return f'<td {_side(column)}">{text}{spread}</td>'


def _side(column: _Column) -> str:
    """Return the attributes of a cell, up to the end of its style; `align` is for pages that drop styles, as GitHub."""
    side = "right" if column.numeric else "left"
    return f'align="{side}" style="text-align:{side};padding:.15em .7em'


def _rows(table: list[_Column]) -> list[tuple[_Shown, ...]]:
    return list(zip(*(column.cells for column in table), strict=True))


def _plain(table: list[_Column], caption: str, note: str) -> str:
    columns = [_plain_column(column) for column in table]
    widths = [max(map(_width, lines)) for lines in columns]
    lines = []
    for row in zip(*columns, strict=True):
        padded = [
            gap + text if column.numeric else text + gap
            for column, text, width in zip(table, row, widths, strict=True)
            for gap in [" " * (width - _width(text))]
        ]
        lines.append("  ".join(padded).rstrip())
    widest = max(map(_width, lines))
    if widest > WIDTH:
        raise ValueError(
            f"A table's text is {widest} columns wide; at most {WIDTH} fit a page. Shorten the headings, give fewer "
            "`digits`, or show two tables."
        )
    lines.insert(1, "─" * widest)
    legend = ["* best of its column"] if any(cell.is_best for column in table for cell in column.cells) else []
    legend += ["~ measured in this run"] if any(column.live for column in table) else []
    parts = [*textwrap.wrap(caption, WIDTH), *lines, *textwrap.wrap(note, WIDTH), "   ".join(legend)]
    return "\n".join(part for part in parts if part)


def _plain_column(column: _Column) -> list[str]:
    """Return heading and cells of a column; those of numbers end so that the numbers stand under each other."""
    if not column.numeric:
        return [column.heading, *(cell.text for cell in column.cells)]
    mark = "~" if column.live else ""
    spreads = [f" ± {cell.spread}" if cell.spread else "" for cell in column.cells]
    room = max(map(len, spreads))
    star = any(cell.is_best for cell in column.cells)
    lines = [mark + column.heading]
    for cell, spread in zip(column.cells, spreads, strict=True):
        end = "*" if cell.is_best else ""
        lines.append(f"{mark}{cell.text}{(spread + end).ljust(room + star)}")
    return lines


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: the hat of x̂ takes none, a Chinese letter two."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))
