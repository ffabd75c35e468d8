"""Figures of the lessons: arrays in, Figure out. Nothing here trains or predicts."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from numpy.typing import ArrayLike

from aetutorial import validation

Images = np.ndarray | Sequence[ArrayLike]
CELL = 0.62  # inches
TINY = np.finfo(float).tiny  # a logarithmic axis would leave out lower values without a word


def show(fig: Figure, alt: str) -> None:
    """Display a figure and close it; store its alternative text as the image's `alt` metadata and as plain text.

    Args:
        fig: The figure.
        alt: A sentence or two that say what the figure shows, for readers who can't see it; at least 20 characters. No
            numbers that another processor would change.

    Raises:
        ValueError: `alt` is too short to say anything.
    """
    from IPython.display import display

    text = " ".join(alt.split())
    if len(text) < 20:
        raise ValueError(validation.message("alt", "a text of at least 20 characters", alt))
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    plt.close(fig)
    bundle = {"image/png": buffer.getvalue(), "text/plain": f"Figure: {text}"}
    display(bundle, raw=True, metadata={"image/png": {"alt": text}})


def image_rows(rows: Mapping[str, Images], *, titles: Sequence[str] | None = None, cell: float = CELL) -> Figure:
    """Draw rows of gray images under each other, each row with its name at the left.

    Args:
        rows: Row name to images, as many in each row: shape (columns, height, width) or (columns, height, width, 1).
            Values are clipped to [0, 1].
        titles: One title per column, or None.
        cell: Width of one image, in inches.
    """
    columns = len(next(iter(rows.values())))
    label_width = 0.09 * max(map(len, rows)) + 0.15
    size = (label_width + columns * cell, len(rows) * cell + (0.3 if titles else 0))
    gaps = {"wspace": 0.05, "hspace": 0.05}
    fig, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False, gridspec_kw=gaps)
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        for ax, image in zip(line, images, strict=True):
            ax.imshow(np.clip(np.asarray(image), 0, 1), vmin=0, vmax=1)
            ax.set_anchor("W")  # beside the row's name, for which the layout left room
            ax.set(xticks=[], yticks=[])
            ax.grid(visible=False)
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    if titles:
        for ax, title in zip(axes[0], titles, strict=True):
            ax.set_title(title, fontsize="small", loc="center")
    return fig


def image_grid(images: Images) -> Figure:
    """Draw gray images in a grid, row by row, ten to a row.

    Args:
        images: Shape (n, height, width) or (n, height, width, 1). Values are clipped to [0, 1].
    """
    lines = -(-len(images) // 10)
    fig, axes = plt.subplots(lines, 10, figsize=(10 * CELL, lines * CELL), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, image in zip(axes.flat, images, strict=False):
        ax.imshow(np.clip(np.asarray(image), 0, 1), vmin=0, vmax=1)
    return fig


def learning_curves(
    curves: Mapping[str, ArrayLike], *, ylabel: str, references: Mapping[str, float] | None = None, log: bool = False
) -> Figure:
    """Draw losses against epochs, with horizontal lines for what they are read against.

    Args:
        curves: Name to loss per epoch, shape (epochs,).
        ylabel: What the loss is, with its unit.
        references: Name to value: baselines and floors, drawn as labeled horizontal lines.
        log: Whether the loss axis is logarithmic, for losses above 0.

    Raises:
        ValueError: a loss is NaN, infinite or not above 0 as `log` asks.
    """
    fig, ax = plt.subplots()
    for name, curve in curves.items():
        losses = validation.array(f"curves[{name!r}]", curve, ndim=1, low=TINY if log else None)
        ax.plot(np.arange(1, len(losses) + 1), losses, label=name)
    _finish(ax, ("epoch", ylabel), references, "y" if log else "", legend=len(curves) > 1)
    return fig


def sweep(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    references: Mapping[str, float] | None = None,
    log: str = "",
    xticks: Sequence[float] | None = None,
    yticks: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw what was measured against what was varied: one line per method, with the spread over seeds.

    Args:
        curves: Name to a pair (x, y): x of shape (points,); y of shape (points,), or (points, seeds), drawn as the
            mean over the seeds with the standard deviation (n - 1) as error bar.
        xlabel, ylabel: What was varied and what was measured, with their units.
        references: Name to value: baselines, drawn as labeled horizontal lines.
        log: The logarithmic axes, for values above 0: "", "x", "y" or "xy".
        xticks, yticks: Where ticks stand on an axis, written as plain numbers; None lets matplotlib choose.
        ax: Matplotlib axes to draw into; None makes a new figure.

    Raises:
        ValueError: a measured value is NaN, infinite or not above 0 as `log` asks.
    """
    fig, ax = plt.subplots() if ax is None else (ax.figure, ax)
    markers = itertools.cycle("os^Dv*Ph")
    for name, (x, measured) in curves.items():
        y = validation.array(f"y of curves[{name!r}]", measured, ndim=(1, 2), low=TINY if "y" in log else None)
        spread = y.std(axis=1, ddof=1) if y.ndim == 2 and y.shape[1] > 1 else None
        mean = y.mean(axis=1) if y.ndim == 2 else y
        ax.errorbar(x, mean, spread, marker=next(markers), capsize=3, label=name)
    _finish(ax, (xlabel, ylabel), references, log, legend=len(curves) > 1, ticks=(xticks, yticks))
    return fig  # type: ignore[return-value]  # a subfigure is none of the course's


def _finish(ax: Axes, labels: Any, references: Any, log: str, *, legend: bool, ticks: Any = (None, None)) -> None:
    """Draw what curves are read with: reference lines, scales, ticks, labels and legend."""
    for level in (references or {}).values():
        ax.axhline(level, color="0.3", linestyle=(0, (2, 2)), linewidth=1)
    for letter, axis, values in zip("xy", (ax.xaxis, ax.yaxis), ticks, strict=True):
        if letter in log:
            _make_logarithmic(ax, letter)
        if values is not None:
            axis.set_ticks(list(values), [f"{value:g}" for value in values])
            axis.set_ticks([], minor=True)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    if references:
        _label_references(ax, references)
    if legend:
        ax.legend()


def _label_references(ax: Axes, references: Mapping[str, float]) -> None:
    """Write the name of each horizontal line at its right end, names of close lines above each other."""
    ax.set_ylim(ax.get_ylim())  # the heights below hold for these limits only
    to_fraction = ax.transData + ax.transAxes.inverted()
    lowest = -np.inf
    for name, level in sorted(references.items(), key=lambda item: item[1]):
        height = to_fraction.transform((0, level))[1]
        lowest = max(height, lowest + 0.07)
        arrow = {"arrowstyle": "-", "color": "0.3", "relpos": (0, 0.5), "shrinkB": 0}
        place: dict[str, Any] = {"xycoords": "axes fraction", "va": "center", "fontsize": "small"}
        ax.annotate(name, (1, height), (1.04, lowest), arrowprops=arrow, **place)


def bars(
    values: Mapping[str, float],
    *,
    xlabel: str,
    spread: Mapping[str, float] | None = None,
    highlight: Sequence[str] = (),
    log: bool = False,
    digits: int = 3,
) -> Figure:
    """Draw horizontal bars, one per name, with the value written at the end of each.

    Args:
        values: Name to length; above 0 if `log`.
        xlabel: What is measured, with its unit.
        spread: Name to standard deviation, drawn as an error bar.
        highlight: Names drawn hatched and in a second color.
        log: Whether the axis is logarithmic.
        digits: Significant digits of the written values.

    Raises:
        ValueError: `spread` or `highlight` has a name that is not in `values`.
    """
    spread = spread or {}
    for name in (*spread, *highlight):
        validation.choice("spread and highlight", name, list(values))
    fig, ax = plt.subplots(figsize=(7.0, 0.7 + 0.38 * len(values)))
    caps = {"ecolor": "0.2", "capsize": 3}
    for name, value in values.items():
        error = spread.get(name)
        ax.barh(name, value, xerr=error, height=0.65, error_kw=caps, **_look(name in highlight))
        side, ha = (-1, "right") if value < 0 else (1, "left")
        text, end = f"{value:.{digits}g}", (value + side * (error or 0), name)
        ax.annotate(text, end, (5 * side, 0), textcoords="offset points", ha=ha, va="center", fontsize="small")
    if log:
        _make_logarithmic(ax, "x")
    ax.margins(x=0.12)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(xlabel)
    return fig


def architecture(layers: Sequence[tuple[str, int]], *, code: int | None = None) -> Figure:
    """Draw a chain of layers as bars whose heights follow their widths.

    Args:
        layers: (label, number of units) from input to output, at least two; units of at least 1.
        code: Position of the code in `layers`, drawn in a second color and hatched; None for none.
    """
    widths = np.array([units for _, units in layers])
    heights = np.sqrt(widths / max(widths))
    texts = [label.split("\n") for label, _ in layers]
    pitch = max(1.15, 0.06 * max(len(line) for lines in texts for line in lines) + 0.2)  # inches from bar to bar
    fig, ax = plt.subplots(figsize=(pitch * len(layers) + 0.6, 2.9))
    for i, ((label, _), height) in enumerate(zip(layers, heights, strict=True)):
        ax.bar(i, height, 0.32, bottom=-height / 2, **_look(i == code))
        ax.text(i, -0.58, label, ha="center", va="top", fontsize="small")
    for i, pair in enumerate(itertools.pairwise(heights)):
        for sign in (-1, 1):
            ends = sign * np.array(pair) / 2
            ax.plot([i + 0.16, i + 0.84], ends, color="0.6", linestyle="-", linewidth=1)
    depth = 0.62 + 0.1 * max(map(len, texts))
    ax.set(xlim=(-0.6, len(layers) - 0.4), ylim=(-depth, 0.55))
    ax.set_axis_off()
    return fig


def _look(marked: bool) -> dict[str, Any]:
    """Return the look of a bar. A marked one is hatched, too, for readers who can't tell the colors apart."""
    marks = {"color": "#D55E00", "hatch": "//"} if marked else {"color": "#0072B2"}
    return {"edgecolor": "white", **marks}


def _make_logarithmic(ax: Axes, letter: str) -> None:
    """Make the "x" or "y" axis logarithmic, with ticks written as 0.02, not as a power of ten."""
    ax.set(**{f"{letter}scale": "log"})
    axis = getattr(ax, f"{letter}axis")
    axis.set_major_formatter(_PlainLogFormatter())
    axis.set_minor_formatter(_PlainLogFormatter(minor_thresholds=(2, 0.5)))


class _PlainLogFormatter(LogFormatter):
    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""  # some ticks have no label
