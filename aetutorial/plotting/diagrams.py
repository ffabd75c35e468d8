"""Explanatory pictures: what an autoencoder is, with real data in it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import ArrayLike

from aetutorial import validation
from aetutorial.plotting.canvas import arrow, canvas, paint, picture, place, write
from aetutorial.plotting.colors import BLUE, MARK, ink, mix
from aetutorial.plotting.curves import bar_look
from aetutorial.plotting.labels import BODY, SMALL, height, width

SIDE = 1.75  # inches; side of an image
CHART = (1.6, 1.05)  # width and height of numbers as bars
BLOCK = 1.2  # width of a network
STEM = 0.36  # length of an arrow without words
AIR = 0.07  # around the ends of an arrow


def flow(stages: Sequence[tuple[str, ArrayLike | None]], *, side: float = SIDE) -> Figure:
    """Draw how data flow: images and lists of numbers in a row, and what turns one into the next.

    Args:
        stages: Pairs (label, content) from left to right. An image of shape (height, width), (height, width, 1) or
            (height, width, 3), clipped to [0, 1], is drawn as one; numbers of shape (n,) as bars, up for positive ones
            and down for negative ones. None stands for what happens between the stages before and after it: a network
            that makes few numbers of many, or many of few, is a block that narrows or widens; anything else is an arrow
            with its label above. Further lines of a label are smaller.
        side: Height of the images, in inches.

    Raises:
        TypeError, ValueError: a content is neither an image nor a list of numbers, the row does not begin and end with
            a content, or two Nones follow each other.

    Example:
        >>> import numpy as np
        >>> from aetutorial import plotting
        >>> x, z = np.eye(8), np.array([0.3, -1.2])
        >>> fig = plotting.flow([("input x", x), ("encoder", None), ("code z", z), ("decoder", None), ("output", x)])
    """
    labels = [label for label, _ in stages]
    contents = [_content(f"stages[{i}]", content) for i, (_, content) in enumerate(stages)]
    steps = [content is None for content in contents]
    if not steps or steps[0] or steps[-1] or (True, True) in itertools.pairwise(steps):
        kinds = ", ".join("None" if step else "content" for step in steps) or "nothing"
        expected = "a row that begins and ends with a content, without two Nones on end"
        raise ValueError(validation.message("stages", expected, kinds))
    widths = [_width(i, label, contents, side) for i, label in enumerate(labels)]
    stems = [0.0 if a or b else STEM for a, b in itertools.pairwise(steps)]
    lefts = 0.1 + np.concatenate([[0], np.cumsum([w + stem for w, stem in zip(widths, stems, strict=False)])])
    below = max(height(label, BODY) for label, step in zip(labels, steps, strict=True) if not step) + 0.2
    fig = canvas((lefts[-1] + widths[-1] + 0.1, below + side + 0.1))
    middle = below + side / 2
    for i, (label, content, left, wide) in enumerate(zip(labels, contents, lefts, widths, strict=True)):
        if content is None:
            _draw_step(fig, label, (left, left + wide), middle, _ends(i, contents, side))
            continue
        _draw_content(fig, content, left, middle, wide, side)
        _draw_label(fig, label, left + wide / 2, below - 0.1)
        if i < len(stems) and stems[i]:
            arrow(fig, (left + wide + AIR, middle), (left + wide + STEM - AIR, middle))
    return fig


def _content(name: str, content: ArrayLike | None) -> np.ndarray | None:
    if content is None:
        return None
    checked = validation.array(name, content, ndim=(1, 2, 3))
    return checked if checked.ndim == 1 else picture(name, checked)


def _ends(i: int, contents: Sequence[np.ndarray | None], side: float) -> tuple[float, float] | None:
    """Return the heights of the two ends of a network's block, in inches; None for what is an arrow."""
    before, after = contents[i - 1], contents[i + 1]
    assert before is not None  # flow has checked the order
    assert after is not None
    if before.size == after.size or min(before.ndim, after.ndim) > 1:
        return None
    large, small = (
        0.92 * side,
        float(np.clip(np.sqrt(min(before.size, after.size) / max(before.size, after.size)), 0.3, 0.7)) * side,
    )
    return (large, small) if before.size > after.size else (small, large)


def _width(i: int, label: str, contents: Sequence[np.ndarray | None], side: float) -> float:
    """Return how wide a stage is, in inches."""
    content = contents[i]
    if content is None and _ends(i, contents, side):
        return max(BLOCK, width(label, BODY) + 0.4) + 2 * STEM
    if content is None:
        return max(0.8, width(label, BODY) + 0.3)
    return max(CHART[0] if content.ndim == 1 else side * content.shape[1] / content.shape[0], width(label, BODY) + 0.1)


def _draw_content(fig: Figure, content: np.ndarray, left: float, middle: float, wide: float, side: float) -> None:
    if content.ndim > 1:
        across = side * content.shape[1] / content.shape[0]
        ax = place(fig, left + (wide - across) / 2, middle - side / 2, across, side)
        paint(ax, content)
        ax.add_patch(Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, edgecolor="0.8", clip_on=False))
        return
    ax = place(fig, left, middle - CHART[1] / 2, wide, CHART[1])
    ax.bar(np.arange(len(content)), content, 0.72, color=BLUE)
    most = float(np.abs(content).max()) or 1.0
    ax.set(xlim=(-1, len(content)), ylim=(-most, most))
    ax.axhline(0, color="0.6", linestyle="-", linewidth=0.8)
    ax.set_axis_off()


def _draw_step(
    fig: Figure, label: str, span: tuple[float, float], middle: float, ends: tuple[float, float] | None
) -> None:
    """Draw what lies between two contents: a network's block between two arrows, or one arrow with its label."""
    left, right = span
    if ends is None:
        arrow(fig, (left + AIR, middle), (right - AIR, middle))
        write(fig, (left + right) / 2, middle + 0.1, label, va="bottom", fontsize=BODY, linespacing=1.1)
        return
    arrow(fig, (left + AIR, middle), (left + STEM - AIR / 2, middle))
    arrow(fig, (right - STEM + AIR / 2, middle), (right - AIR, middle))
    a, b = left + STEM, right - STEM
    corners = [
        (a, middle - ends[0] / 2),
        (a, middle + ends[0] / 2),
        (b, middle + ends[1] / 2),
        (b, middle - ends[1] / 2),
    ]
    look: dict[str, Any] = {
        "facecolor": mix(BLUE, "white", 0.86),
        "edgecolor": BLUE,
        "linewidth": 1.3,
        "joinstyle": "round",
    }
    fig.add_artist(Polygon(corners, transform=fig.dpi_scale_trans, **look))
    write(fig, (a + b) / 2, middle, label, fontsize=BODY, color=ink(BLUE), zorder=5)


def _draw_label(fig: Figure, label: str, x: float, y: float) -> None:
    """Write a label below a content: its first line, and the others smaller and in gray."""
    first, *others = label.split("\n")
    write(fig, x, y, first, va="top", fontsize=BODY)
    write(fig, x, y - height(first, BODY), "\n".join(others), va="top", color="0.4", fontsize=SMALL)


def architecture(layers: Sequence[tuple[str, int]], *, code: int | None = None) -> Figure:
    """Draw a chain of layers as bars whose heights follow their widths.

    Args:
        layers: (label, number of units) from input to output, at least two; units of at least 1.
        code: Position of the code in `layers`, drawn in a second color and hatched; None for none.
    """
    widths = np.array([units for _, units in layers])
    heights = np.sqrt(widths / max(widths))
    pitch = max(1.15, max(width(label) for label, _ in layers) + 0.2)  # inches from bar to bar
    lines = max(label.count("\n") + 1 for label, _ in layers)
    fig, ax = plt.subplots(figsize=(pitch * len(layers) + 0.6, 2.6 + 0.2 * lines))
    for i, ((label, _), tall) in enumerate(zip(layers, heights, strict=True)):
        ax.bar(i, tall, 0.32, bottom=-tall / 2, **bar_look(i == code, MARK if i == code else BLUE))
        ax.text(i, -0.58, label, ha="center", va="top", fontsize=SMALL)
    for i, pair in enumerate(itertools.pairwise(heights)):
        for sign in (-1, 1):
            ends = sign * np.array(pair) / 2
            ax.plot([i + 0.16, i + 0.84], ends, color="0.6", linestyle="-", linewidth=1)
    ax.set(xlim=(-0.6, len(layers) - 0.4), ylim=(-0.62 - 0.1 * lines, 0.55))
    ax.set_axis_off()
    return fig
