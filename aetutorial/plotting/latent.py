"""The plane of two-dimensional codes: where the examples lie, and what the decoder makes of each place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from aetutorial import validation
from aetutorial.plotting.canvas import canvas, picture, place
from aetutorial.plotting.colors import CLASSES, ink
from aetutorial.plotting.labels import POINTS, apart, height, width

SIDE = 4.8  # inches
LABEL = 15  # points
Extent = tuple[float, float, float, float]

RING = 18  # points: the width of a marked place


def code_map(
    z: ArrayLike,
    labels: ArrayLike,
    *,
    decoder_grid: tuple[ArrayLike, Extent] | None = None,
    points: Mapping[str, tuple[float, float]] | None = None,
    path: tuple[str, str] | None = None,
    steps: int = 0,
    xlabel: str = "$z_1$",
    ylabel: str = "$z_2$",
    side: float = SIDE,
) -> Figure:
    """Draw two-dimensional codes, colored by class, with each class's name at the median of its codes.

    Args:
        z: Codes, shape (n, 2).
        labels: The class of each, shape (n,): numbers or texts, at most 10 different ones. In sorted order they have
            the colors CLASSES.
        decoder_grid: The images and the extent that `decoded_grid` takes, drawn in a panel beside the map over the same
            part of the plane; None for none.
        points: Letter to place (z_1, z_2) of marked points.
        path: Two of these letters, joined by a straight line.
        steps: Number of dots on that line, evenly spaced between its ends.
        xlabel, ylabel: Names of the axes.
        side: Width of the map, in inches.

    Raises:
        TypeError, ValueError: an argument has the wrong shape, too many classes, or values that are not finite; `path`
            names a point that is not in `points`.
    """
    z = validation.array("z", z, ndim=2)
    if z.shape[1] != 2:
        raise ValueError(validation.message("z", "an array of shape (n, 2)", z))
    kinds, members = np.unique(np.asarray(labels), return_inverse=True)
    if np.shape(labels) != (len(z),):
        raise ValueError(validation.message("labels", f"an array of shape ({len(z)},)", np.asarray(labels)))
    if len(kinds) > len(CLASSES):
        raise ValueError(validation.message("labels", "at most 10 different values", f"{len(kinds)} different values"))
    points = {
        letter: tuple(validation.array(f"points[{letter!r}]", at, ndim=1, rows=2))
        for letter, at in (points or {}).items()
    }
    steps = validation.integer("steps", steps, low=0)
    if path is not None and len(path) != 2:
        raise ValueError(validation.message("path", "two of the letters of points", path))
    for letter in path or ():
        validation.choice("path", letter, list(points))
    everything = np.vstack([z, *points.values()])
    low, high = everything.min(axis=0), everything.max(axis=0)
    if decoder_grid is not None:
        mosaic, edges = _mosaic(*decoder_grid)
        low, high = np.minimum(low, edges[::2]), np.maximum(high, edges[1::2])
    room = 0.03 * max(high - low) or 1.0
    low, high = low - room, high + room
    tall = float(np.clip(side * (high - low)[1] / (high - low)[0], 0.5 * side, 1.3 * side))
    fig, (ax, *others) = _plane(side, tall, 2 if decoder_grid is not None else 1, xlabel, ylabel)
    order = np.random.default_rng(0).permutation(len(z))  # no class lies on top of the others
    ax.scatter(z[order, 0], z[order, 1], s=9, c=[CLASSES[k] for k in members[order]], alpha=0.7, linewidths=0)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    ax.set_aspect("equal", adjustable="datalim" if not others else "box")
    ax.apply_aspect()
    if path:
        ends = np.array([points[letter] for letter in path])
        ax.plot(ends[:, 0], ends[:, 1], color="0.1", linestyle="-", linewidth=1.6, path_effects=_halo(4), zorder=4)
        between = ends[0] + np.linspace(0, 1, steps + 2)[1:-1, None] * (ends[1] - ends[0])
        ax.plot(
            between[:, 0],
            between[:, 1],
            color="0.1",
            linestyle="",
            marker="o",
            markersize=5,
            markeredgecolor="white",
            zorder=5,
        )
    medians = np.array([np.median(z[members == k], axis=0) for k in range(len(kinds))])
    _name_classes(ax, [str(kind) for kind in kinds], medians, np.array(list(points.values())).reshape(-1, 2))
    for beside in others:
        _paint_plane(beside, mosaic, edges)
        beside.set(xlim=ax.get_xlim(), ylim=ax.get_ylim(), aspect="equal")
    for panel in (ax, *others):
        _mark(panel, points)
    return fig


def decoded_grid(
    images: ArrayLike, extent: Extent, *, xlabel: str = "$z_1$", ylabel: str = "$z_2$", side: float = SIDE
) -> Figure:
    """Draw what a decoder makes of a grid of codes: one large picture whose axes are the codes.

    Args:
        images: Shape (rows, columns, height, width), or with a last axis of 1 or 3, clipped to [0, 1]. `images[i, j]`
            is decoded from (x[j], y[i]), where x and y ascend, as np.meshgrid(x, y) gives them: row 0 is the lowest.
        extent: (x[0], x[-1], y[0], y[-1]): where the centers of the outermost images lie.
        xlabel, ylabel: Names of the axes.
        side: Width of the picture, in inches.

    Raises:
        TypeError, ValueError: `images` are no images, or `extent` is not four ascending numbers.
    """
    mosaic, edges = _mosaic(images, extent)
    tall = float(np.clip(side * mosaic.shape[0] / mosaic.shape[1], 0.3 * side, 1.5 * side))
    fig, (ax,) = _plane(side, tall, 1, xlabel, ylabel)
    _paint_plane(ax, mosaic, edges)
    return fig


def _mosaic(images: ArrayLike, extent: Extent) -> tuple[np.ndarray, np.ndarray]:
    """Return a grid of images as one, and the left, right, lower and upper edge of it in the plane."""
    tiles = validation.array("images", images, ndim=(4, 5))
    ends = validation.array("extent", extent, ndim=1, rows=4, wide=True)
    if not (ends[0] < ends[1] and ends[2] < ends[3]):
        raise ValueError(validation.message("extent", "(left, right, lower, upper), each pair ascending", extent))
    rows, columns, high, wide = tiles.shape[:4]
    if min(rows, columns) < 2:
        raise ValueError(validation.message("images", "at least two rows and two columns of images", tiles))
    upright = tiles[::-1].swapaxes(1, 2).reshape(rows * high, columns * wide, *tiles.shape[4:])
    half = np.array([(ends[1] - ends[0]) / (columns - 1), (ends[3] - ends[2]) / (rows - 1)]) / 2
    return picture("images", upright), ends + np.array([-half[0], half[0], -half[1], half[1]])


def _plane(side: float, tall: float, panels: int, xlabel: str, ylabel: str) -> tuple[Figure, list[Axes]]:
    """Return a figure with one or two panels for a part of the plane."""
    left, bottom, gap = 0.68, 0.55, 0.75
    fig = canvas((left + panels * side + (panels - 1) * gap + 0.12, bottom + tall + 0.12))
    axes = [place(fig, left + i * (side + gap), bottom, side, tall) for i in range(panels)]
    for ax in axes:
        ax.set_xlabel(xlabel, fontsize=12)
        ax.set_ylabel(ylabel, fontsize=12, rotation=0, va="center", labelpad=8)
        ax.grid(visible=False)
        ax.tick_params(length=3)
    return fig, axes


def _paint_plane(ax: Axes, mosaic: np.ndarray, edges: np.ndarray) -> None:
    ax.imshow(mosaic, vmin=0, vmax=1, extent=tuple(edges), aspect="auto")
    across, up = edges[1] - edges[0], edges[3] - edges[2]
    ax.set_aspect((across / mosaic.shape[1]) / (up / mosaic.shape[0]))  # pixels are squares


def _halo(wide: float) -> list[Any]:
    return [patheffects.Stroke(linewidth=wide, foreground="white"), patheffects.Normal()]


def _mark(ax: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Write letters in rings at their places."""
    ring: dict[str, Any] = {"markersize": RING, "markerfacecolor": "white", "markeredgecolor": "0.1"}
    for letter, at in points.items():
        ax.plot(at[0], at[1], marker="o", zorder=7, clip_on=False, markeredgewidth=1.4, **ring)
        ax.text(at[0], at[1], letter, ha="center", va="center_baseline", fontweight="bold", zorder=8)


def _name_classes(ax: Axes, names: list[str], medians: np.ndarray, points: np.ndarray) -> None:
    """Write each class's name at its median, on a white halo; names are pushed off each other and off the points."""
    per_inch = np.array([ax.get_window_extent().width, ax.get_window_extent().height]) / ax.figure.dpi
    scale = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())]) / per_inch  # data units to the inch
    sizes = np.array([(width(name, LABEL) * 1.15 + 0.06, height(name, LABEL)) for name in names])
    rings = np.full((len(points), 2), 1.1 * RING / 72)
    placed = apart(np.vstack([points, medians]) / scale, np.vstack([rings, sizes]), fixed=len(points)) * scale
    for k, (name, at) in enumerate(zip(names, placed[len(points) :], strict=True)):
        look: dict[str, Any] = {"fontsize": LABEL, "fontweight": "bold", "ha": "center", "va": "center", "zorder": 6}
        ax.text(at[0], at[1], name, color=ink(CLASSES[k]), path_effects=_halo(0.25 * POINTS / 4), **look)
