"""Figures of images, gray or in color: in rows, in a grid, through training, and the error at each pixel."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from aetutorial import validation
from aetutorial.plotting.canvas import arrow, canvas, paint, picture, place, write
from aetutorial.plotting.colors import MARK
from aetutorial.plotting.labels import BODY, height, width, wrap

Images = np.ndarray | Sequence[ArrayLike]
CELL = 0.62  # inches
GAP, MARGIN = 0.05, 0.04


def _board(
    rows: Sequence[Sequence[np.ndarray]],
    *,
    names: Sequence[str],
    titles: Sequence[str] | None,
    frame: Collection[tuple[int, int]],
    cell: float,
    below: float = 0.0,
    apart: int = 0,
) -> tuple[Figure, list[float], float]:
    """Draw rows of images; return the figure, the columns' left edges and the width of one, in inches.

    Args:
        rows: The images, one sequence per row.
        names: What stands at the left of each row.
        titles: What stands over each column.
        frame: Rows and columns of the images to outline.
        cell: Width of an image, in inches; more where a title needs it.
        below: Room under the rows, in inches.
        apart: How many columns at the left stand apart from the others.
    """
    columns = max(map(len, rows))
    if titles is not None:
        validation.array("titles", np.zeros(len(titles)), rows=columns)
        cell = max([cell, *(width(title) + 2 * GAP for title in titles)])
    for at in frame:
        row, column = at
        validation.integer("a row in frame", row, low=0, high=len(rows) - 1)
        validation.integer("a column in frame", column, low=0, high=len(rows[row]) - 1)
    left = MARGIN + max(width(name, BODY) for name in names) + (0.1 if any(names) else 0)
    heights = [cell * line[0].shape[0] / line[0].shape[1] for line in rows]
    top = max(height(title) for title in titles) + 0.06 if titles else MARGIN
    edges = [left + i * (cell + GAP) + (0.22 if apart and i >= apart else 0) for i in range(columns)]
    fig = canvas((edges[-1] + cell + MARGIN, sum(heights) + GAP * (len(rows) - 1) + top + below + MARGIN))
    y = fig.get_figheight() - top
    for edge, title in zip(edges, titles or (), strict=False):
        write(fig, edge + cell / 2, y + 0.05, title, va="bottom")
    for i, (line, name, high) in enumerate(zip(rows, names, heights, strict=True)):
        y -= high
        write(fig, left - 0.1, y + high / 2, name, ha="right", fontsize=BODY, linespacing=1.1)
        for j, (edge, pixels) in enumerate(zip(edges, line, strict=False)):
            ax = place(fig, edge, y, cell, high)
            paint(ax, pixels)
            if (i, j) in frame:
                outline: dict[str, Any] = {
                    "facecolor": "none",
                    "edgecolor": MARK,
                    "linewidth": 2.5,
                    "clip_on": False,
                    "zorder": 5,
                }
                ax.add_patch(Rectangle((0, 0), 1, 1, transform=ax.transAxes, **outline))
                ax.set_zorder(1)
        y -= GAP
    return fig, edges, cell


def image_rows(
    rows: Mapping[str, Images],
    *,
    titles: Sequence[str] | None = None,
    frame: Collection[tuple[int, int]] = (),
    cell: float = CELL,
) -> Figure:
    """Draw rows of images under each other, each row with its name at the left.

    Args:
        rows: Row name to images, as many in each row: shape (columns, height, width) or (columns, height, width, 1) for
            gray ones, (columns, height, width, 3) for red, green and blue. Values are clipped to [0, 1].
        titles: One title per column, or None.
        frame: Pairs (row, column), from 0, of the images to outline.
        cell: Width of one image, in inches.

    Raises:
        TypeError, ValueError: something is no image, rows differ in length, or there is not one title per column.
    """
    if not rows:
        raise ValueError(validation.message("rows", "at least one row of images", rows))
    drawn: list[list[np.ndarray]] = []
    for name, images in rows.items():
        count = len(drawn[0]) if drawn else None
        if len(images) == 0 or len(images) != (count or len(images)):
            expected = f"a row of {count or 'at least one'} images"
            raise ValueError(validation.message(f"rows[{name!r}]", expected, f"{len(images)} images"))
        drawn.append([picture(f"rows[{name!r}][{i}]", image) for i, image in enumerate(images)])
    return _board(drawn, names=[wrap(name, 18) for name in rows], titles=titles, frame=frame, cell=cell)[0]


def image_grid(
    images: Images,
    *,
    columns: int = 10,
    titles: Sequence[str] | None = None,
    frame: Collection[tuple[int, int]] = (),
    cell: float = CELL,
) -> Figure:
    """Draw images in a grid, row by row.

    Args:
        images: Shape (n, height, width), (n, height, width, 1) or (n, height, width, 3). Values are clipped to [0, 1].
        columns: How many stand in a row, at least 1.
        titles: One title per column, or None.
        frame: Pairs (row, column), from 0, of the images to outline.
        cell: Width of one image, in inches.

    Raises:
        TypeError, ValueError: something is no image, or there is not one title per column.
    """
    columns = validation.integer("columns", columns, low=1)
    if len(images) == 0:
        raise ValueError(validation.message("images", "at least one image", "none"))
    drawn = [picture(f"images[{i}]", image) for i, image in enumerate(images)]
    rows = [drawn[i : i + columns] for i in range(0, len(drawn), columns)]
    return _board(rows, names=[""] * len(rows), titles=titles, frame=frame, cell=cell)[0]


def film(
    frames: Images,
    titles: Sequence[str],
    *,
    inputs: Images | None = None,
    inputs_title: str = "input x",
    along: str = "training",
    cell: float = 0.78,
) -> Figure:
    """Draw how images change: an example per row, a moment per column, and an arrow of time beneath.

    Args:
        frames: Shape (examples, moments, height, width), or with a last axis of 1 or 3. Values are clipped to [0, 1].
        titles: One per moment, such as "epoch 1".
        inputs: What the examples are, shape (examples, height, width), or with a last axis of 1 or 3; drawn in a column
            of their own at the left. None for none.
        inputs_title: The title of that column.
        along: What is written at the arrow.
        cell: Width of one image, in inches.

    Raises:
        TypeError, ValueError: something is no image, or the numbers of examples, moments and titles do not match.
    """
    moments = len(validation.array("titles", np.zeros(len(titles))))
    rows = []
    for i, line in enumerate(frames):
        if len(line) != moments:
            expected = f"a row of {moments} images, one per title"
            raise ValueError(validation.message(f"frames[{i}]", expected, f"{len(line)} images"))
        rows.append([picture(f"frames[{i}][{j}]", image) for j, image in enumerate(line)])
    heads = list(titles)
    if inputs is not None:
        if len(inputs) != len(rows):
            expected = f"{len(rows)} images, one per row of frames"
            raise ValueError(validation.message("inputs", expected, f"{len(inputs)} images"))
        rows = [[picture(f"inputs[{i}]", inputs[i]), *line] for i, line in enumerate(rows)]
        heads.insert(0, inputs_title)
    apart = len(heads) - moments
    below = 0.42
    fig, edges, cell = _board(rows, names=[""] * len(rows), titles=heads, frame=(), cell=cell, below=below, apart=apart)
    start, end = edges[apart], edges[-1] + cell
    arrow(fig, (start, below - 0.1), (end, below - 0.1))
    write(fig, (start + end) / 2, below - 0.14, along, va="top", color="0.3", fontsize=BODY)
    return fig


def error_map(
    values: ArrayLike,
    *,
    label: str,
    title: str = "",
    image: ArrayLike | None = None,
    image_title: str = "mean image",
    cell: float = 2.5,
) -> Figure:
    """Draw a value per pixel as a map with a color bar, beside an image if there is one.

    The scale shows the structure: it ends at the value that 0.5 % of the pixels exceed, if the largest is far above it,
    and the color bar then ends in a point. Values of both signs have white at 0.

    Args:
        values: Shape (height, width) or (height, width, 1), such as the mean squared error at each pixel.
        label: What is measured, with its unit.
        title: What stands over the map.
        image: What stands beside it: shape (height, width), or with a last axis of 1 or 3, clipped to [0, 1].
        image_title: What stands over the image.
        cell: Width of the map, in inches.

    Raises:
        TypeError, ValueError: something is no map or no image, or has values that are NaN or infinite.
    """
    heat = validation.array("values", values, ndim=(2, 3), wide=True)
    if heat.ndim == 3 and heat.shape[2] != 1:
        raise ValueError(validation.message("values", "a map of shape (height, width) or (height, width, 1)", heat))
    heat = heat.reshape(len(heat), -1)
    signed = heat.min() < 0
    size = np.abs(heat)
    most = np.percentile(size, 99.5)
    cut = bool(size.max() > 1.5 * most > 0)
    most = float(most if cut else size.max()) or 1.0
    high, beside = cell * heat.shape[0] / heat.shape[1], cell + 0.35 if image is not None else 0.0
    top = height("x", BODY) + 0.08 if title or image is not None else 0.08
    fig = canvas((MARGIN + beside + cell + 1.15, high + top + 0.08))
    if image is not None:
        ax = place(fig, MARGIN, 0.08, cell, high)
        paint(ax, picture("image", image))
        write(fig, MARGIN + cell / 2, high + 0.14, image_title, va="bottom", fontsize=BODY)
    ax = place(fig, MARGIN + beside, 0.08, cell, high)
    paint(ax, np.zeros((1, 1)))
    colors: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -most} if signed else {"cmap": "magma_r", "vmin": 0}
    ax.images[0].remove()
    drawn = ax.imshow(heat, vmax=most, **colors)
    write(fig, MARGIN + beside + cell / 2, high + 0.14, title, va="bottom", fontsize=BODY)
    side = place(fig, MARGIN + beside + cell + 0.12, 0.08, 0.14, high)
    ends = {False: "neither", True: "both" if signed else "max"}[cut]
    bar = fig.colorbar(drawn, cax=side, extend=ends, label=label)
    bar.outline.set_visible(False)
    side.grid(visible=False)
    return fig
