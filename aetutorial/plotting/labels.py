"""Words in figures: how wide they are, and where those go that must not cover each other."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from aetutorial.plotting.colors import ink

BODY, SMALL = 11.0, 9.5  # points; nothing in a figure is smaller
POINTS = 72  # to the inch
LINE = 1.3  # height of a line of text, in font sizes


@functools.lru_cache(maxsize=1000)
def width(text: str, size: float = SMALL) -> float:
    """Return the width of a text in inches, that of its longest line."""
    lines = [line for line in text.split("\n") if line.strip()]
    paths = (TextPath((0, 0), line, size=size, prop=FontProperties()) for line in lines)
    return 1.05 * max((path.get_extents().width for path in paths), default=0.0) / POINTS  # drawn a little wider


def height(text: str, size: float = SMALL) -> float:
    """Return the height of a text in inches."""
    return LINE * size * (text.count("\n") + 1) / POINTS


def wrap(text: str, letters: int) -> str:
    """Break a text between words into lines of at most so many letters, as few and as equally long as can be."""
    how: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    fewest = len(textwrap.wrap(text, letters, **how))
    balanced = (textwrap.wrap(text, n, **how) for n in range(1, letters + 1))
    return text if "\n" in text else "\n".join(next(lines for lines in balanced if len(lines) <= fewest))


def spread(wanted: Sequence[float], sizes: Sequence[float]) -> np.ndarray:
    """Move intervals apart, as little as possible in the sum of squares (isotonic regression).

    Args:
        wanted: Centers, in any order.
        sizes: Lengths.

    Returns:
        Centers, in the order of `wanted`, at which no two intervals overlap.
    """
    order = np.argsort(wanted, kind="stable")
    lengths = np.asarray(sizes, float)[order]
    steps = np.concatenate([[0], np.cumsum((lengths[1:] + lengths[:-1]) / 2)])
    blocks: list[tuple[float, int]] = []  # mean and number of those that move together
    for value in np.asarray(wanted, float)[order] - steps:
        mean, count = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        blocks.append((mean, count))
    placed = np.empty(len(order))
    placed[order] = np.repeat([mean for mean, _ in blocks], [count for _, count in blocks]) + steps
    return placed


def apart(centers: np.ndarray, sizes: np.ndarray, rounds: int = 200, fixed: int = 0) -> np.ndarray:
    """Push boxes apart in the plane until no two overlap, each pair along the way that is shorter.

    Args:
        centers: Shape (n, 2).
        sizes: Widths and heights, shape (n, 2).
        rounds: After so many it gives up.
        fixed: How many, the first ones, stay where they are.

    Returns:
        Centers, shape (n, 2).
    """
    placed = np.array(centers, float)
    for _ in range(rounds):
        moved = False
        for i in range(len(placed)):
            for j in range(i if i >= fixed else 0):
                way = placed[i] - placed[j]
                overlap = (sizes[i] + sizes[j]) / 2 - np.abs(way)
                if (overlap > 1e-9).all():
                    axis = int(np.argmin(overlap))
                    push = (overlap[axis] / 2 + 1e-6) * (1 if way[axis] >= 0 else -1)
                    placed[i, axis] += push if j >= fixed else 2 * push
                    placed[j, axis] -= push if j >= fixed else 0
                    moved = True
        if not moved:
            break
    return placed


@dataclass(frozen=True)
class End:
    """A name at the right edge, and the point of the data that it belongs to.

    Attributes:
        name: What is written.
        x: Where the curve ends, in data units; None for a line that runs to the edge.
        y: Its height there, in data units.
        color: The curve's color.
        size: Of the letters, in points.
    """

    name: str
    x: float | None
    y: float
    color: str
    size: float


def label_ends(ax: Axes, ends: Sequence[End]) -> None:
    """Write names beside the right edge, each at the height of its curve's end or near, with a thin line between.

    Call it when the scales are set. Where the limits change later, the names follow.
    """
    notes = []
    for end in ends:
        point = (1, 0.5) if end.x is None else (end.x, end.y)
        place: dict[str, Any] = {
            "xycoords": "axes fraction" if end.x is None else "data",
            "textcoords": "axes fraction",
        }
        arrow = {
            "arrowstyle": "-",
            "color": end.color,
            "relpos": (0, 0.5),
            "shrinkA": 1,
            "shrinkB": 2,
            "linewidth": 0.8,
        }
        look: dict[str, Any] = {"color": ink(end.color), "fontsize": end.size, "va": "center", "linespacing": 1.1}
        notes.append(ax.annotate(wrap(end.name, 20), point, (1.035, 0.5), arrowprops=arrow, **place, **look))

    def place_all(ax: Axes) -> None:
        to_fraction = ax.transData + ax.transAxes.inverted()
        inches = (
            0.85 * ax.get_position().height * ax.figure.bbox.height / ax.figure.dpi
        )  # the layout may take some for a title
        levels = [to_fraction.transform((1 if end.x is None else end.x, end.y))[1] for end in ends]
        sizes = [height(note.get_text(), end.size) / inches for note, end in zip(notes, ends, strict=True)]
        for note, end, level, y in zip(notes, ends, levels, spread(levels, sizes), strict=True):
            note.set_y(y)
            if end.x is None:
                note.xy = (1, level)

    ax.autoscale_view()
    place_all(ax)
    ax.callbacks.connect("ylim_changed", place_all)
