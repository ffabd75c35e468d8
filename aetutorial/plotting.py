"""Figures of the lessons: arrays in, Figure out. Nothing here trains or predicts.

`show(fig, alt)` puts a figure into a notebook together with its alternative text: a sentence or two that say what
the figure shows, for readers who can't see it.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from aetutorial import validation


def show(fig: Figure, alt: str) -> None:
    """Display a figure with its alternative text and close it.

    The text is stored as the image's `alt` metadata and as the output's plain text.

    Args:
        fig: The figure.
        alt: What the figure shows, in words; at least 20 characters. No numbers that another processor would change.

    Raises:
        TypeError: `fig` is not a matplotlib Figure.
        ValueError: `alt` is missing or too short to say anything.
    """
    from IPython.display import display

    if not isinstance(fig, Figure):
        raise TypeError(validation.message("fig", "a matplotlib Figure", fig))
    if not isinstance(alt, str) or len(alt.strip()) < 20:
        raise ValueError(validation.message("alt", "a text of at least 20 characters", alt))
    text = " ".join(alt.split())
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    plt.close(fig)
    bundle = {"image/png": buffer.getvalue(), "text/plain": f"Figure: {text}"}
    display(bundle, raw=True, metadata={"image/png": {"alt": text}})


def image_rows(rows: Mapping[str, Any], *, titles: Sequence[str] | None = None, cell: float = 0.62) -> Figure:
    """Draw rows of grey images under each other, each row with its name at the left.

    Args:
        rows: Row name to images: shape (columns, height, width) or (columns, height, width, 1), values in [0, 1];
            values outside are clipped. All rows have the same number of images.
        titles: One title per column, or None.
        cell: Width of one image, in inches.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: no rows, wrong shapes, or rows of different lengths.
    """
    _named("rows", rows)
    images = {name: _images(f"rows[{name!r}]", row) for name, row in rows.items()}
    columns = len(next(iter(images.values())))
    for name, row in images.items():
        if len(row) != columns:
            expected = f"{columns} images, like the first row"
            raise ValueError(validation.message(f"rows[{name!r}]", expected, f"{len(row)}"))
    if titles is not None and len(titles) != columns:
        raise ValueError(validation.message("titles", f"{columns} titles", f"{len(titles)}"))
    label_width = 0.09 * max(len(name) for name in images) + 0.15
    fig, axes = plt.subplots(
        len(images),
        columns,
        figsize=(label_width + columns * cell, len(images) * cell + (0.3 if titles else 0)),
        squeeze=False,
        gridspec_kw={"wspace": 0.05, "hspace": 0.05},
    )
    for line, (name, row) in zip(axes, images.items(), strict=True):
        for ax, image in zip(line, row, strict=True):
            ax.imshow(image, vmin=0, vmax=1)
            ax.set_anchor("W")  # beside the row's name, for which the layout left room
            _bare(ax)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for ax, title in zip(axes[0], titles or (), strict=False):
        ax.set_title(title, fontsize="small", loc="center")
    return fig


def image_grid(images: Any, *, columns: int = 10, cell: float = 0.62) -> Figure:
    """Draw grey images in a grid, row by row.

    Args:
        images: Shape (n, height, width) or (n, height, width, 1), values in [0, 1]; values outside are clipped.
        columns: Images per row, at least 1.
        cell: Width of one image, in inches.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: wrong shape or range.
    """
    columns = validation.integer("columns", columns, low=1)
    checked = _images("images", images)
    lines = -(-len(checked) // columns)
    fig, axes = plt.subplots(lines, columns, figsize=(columns * cell, lines * cell), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, image in zip(axes.flat, checked, strict=False):
        ax.imshow(image, vmin=0, vmax=1)
    return fig


def learning_curves(
    curves: Mapping[str, Any], *, ylabel: str, references: Mapping[str, float] | None = None, log: bool = False
) -> Figure:
    """Draw losses against epochs, with horizontal lines for what they are read against.

    Args:
        curves: Name to loss per epoch, shape (epochs,).
        ylabel: What the loss is, with its unit.
        references: Name to value: baselines and floors, drawn as labelled horizontal lines.
        log: Whether the loss axis is logarithmic; all values must then be above 0.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: no curves, one that is not a row of finite numbers, or one that `log` can't show.
    """
    low = np.finfo(float).tiny if log else None
    checked = {
        name: validation.array(f"curves[{name!r}]", curve, ndim=1, low=low)
        for name, curve in _named("curves", curves).items()
    }
    levels = {
        name: validation.real(f"references[{name!r}]", level, low=low) for name, level in (references or {}).items()
    }
    fig, ax = plt.subplots()
    for name, values in checked.items():
        ax.plot(np.arange(1, len(values) + 1), values, label=name)
    for level in levels.values():
        ax.axhline(level, color="0.3", linestyle=(0, (2, 2)), linewidth=1)
    if log:
        ax.set_yscale("log")
        _plain_numbers(ax.yaxis)
    ax.set(xlabel="epoch", ylabel=ylabel)
    _label_levels(ax, levels)
    if len(curves) > 1:
        ax.legend()
    return fig


def sweep(
    curves: Mapping[str, tuple[Any, Any]],
    *,
    xlabel: str,
    ylabel: str,
    references: Mapping[str, float] | None = None,
    log: str = "",
    xticks: Sequence[float] | None = None,
    yticks: Sequence[float] | None = None,
    ax: Any = None,
) -> Figure:
    """Draw what was measured against what was varied: one line per method, with the spread over seeds.

    Args:
        curves: Name to a pair (x, y): x of shape (points,); y of shape (points,), or (points, seeds), drawn as the
            mean over the seeds with the standard deviation (n - 1) as error bar.
        xlabel: What was varied, with its unit.
        ylabel: What was measured, with its unit.
        references: Name to value: baselines, drawn as labelled horizontal lines.
        log: The logarithmic axes: "", "x", "y" or "xy".
        xticks: Where ticks stand on the x axis, written as plain numbers; None lets matplotlib choose.
        yticks: The same for the y axis.
        ax: Matplotlib axes to draw into; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: no curves, x and y that do not fit, values that are not finite or that `log` can't show.
    """
    log = str(validation.choice("log", log, ("", "x", "y", "xy")))
    tiny = np.finfo(float).tiny
    fig, ax = plt.subplots() if ax is None else (ax.figure, ax)
    markers = itertools.cycle("os^Dv*Ph")
    for name, pair in _named("curves", curves).items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            expected = "a pair (x, y)"
            raise TypeError(validation.message(f"curves[{name!r}]", expected, validation.describe(pair)))
        x = validation.array(f"x of curves[{name!r}]", pair[0], ndim=1, low=tiny if "x" in log else None)
        y = validation.array(
            f"y of curves[{name!r}]", pair[1], ndim=(1, 2), rows=len(x), low=tiny if "y" in log else None
        )
        spread = y.std(axis=1, ddof=1) if y.ndim == 2 and y.shape[1] > 1 else None
        mean = y.mean(axis=1) if y.ndim == 2 else y
        ax.errorbar(x, mean, spread, marker=next(markers), capsize=3, label=name)
    levels = {
        name: validation.real(f"references[{name!r}]", level, low=tiny if "y" in log else None)
        for name, level in (references or {}).items()
    }
    for level in levels.values():
        ax.axhline(level, color="0.3", linestyle=(0, (2, 2)), linewidth=1)
    for letter, axis, ticks in (("x", ax.xaxis, xticks), ("y", ax.yaxis, yticks)):
        if letter in log:
            ax.set(**{f"{letter}scale": "log"})
            _plain_numbers(axis)
        if ticks is not None:
            axis.set_ticks(list(ticks), [f"{tick:g}" for tick in ticks])
            axis.set_ticks([], minor=True)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if levels:  # their names fix the limits, which axes that share them may still have to widen
        _label_levels(ax, levels)
    if len(curves) > 1:
        ax.legend()
    return fig


def _label_levels(ax: Any, levels: Mapping[str, float]) -> None:
    """Write the name of each horizontal line at its right end, names of near lines above each other."""
    ax.set_ylim(ax.get_ylim())  # what follows relies on these limits
    to_fraction = ax.transData + ax.transAxes.inverted()
    lowest = -np.inf
    for name, level in sorted(levels.items(), key=lambda item: item[1]):
        height = to_fraction.transform((0, level))[1]
        lowest = max(height, lowest + 0.07)
        ax.annotate(
            name,
            (1, height),
            (1.04, lowest),
            xycoords="axes fraction",
            va="center",
            fontsize="small",
            arrowprops={"arrowstyle": "-", "color": "0.3", "relpos": (0, 0.5), "shrinkB": 0},
        )


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
        values: Name to length, finite; above 0 if `log`.
        xlabel: What is measured, with its unit.
        spread: Name to standard deviation, drawn as an error bar.
        highlight: Names drawn hatched and in a second colour.
        log: Whether the axis is logarithmic.
        digits: Significant digits of the written values.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: no values, one that is no finite number or that `log` can't show, or a name in
            `spread` or `highlight` that is not in `values`.
    """
    low = np.finfo(float).tiny if log else None
    for name, value in _named("values", values).items():
        validation.real(f"values[{name!r}]", value, low=low)
    for name, value in (spread or {}).items():
        validation.real(f"spread[{name!r}]", value, low=0)
    for name in (*(spread or {}), *highlight):
        validation.choice("spread and highlight", name, list(values))
    fig, ax = plt.subplots(figsize=(7.0, 0.7 + 0.38 * len(values)))
    for name, value in values.items():
        marked = name in highlight
        error = (spread or {}).get(name)
        side = -1 if value < 0 else 1
        ax.barh(
            name,
            value,
            xerr=error,
            color="#D55E00" if marked else "#0072B2",
            hatch="//" if marked else None,
            edgecolor="white",
            height=0.65,
            error_kw={"ecolor": "0.2", "capsize": 3},
        )
        text = f"{value:.{digits}g}"
        ax.annotate(
            text,
            (value + side * (error or 0), name),
            xytext=(5 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize="small",
        )
    if log:
        ax.set_xscale("log")
        _plain_numbers(ax.xaxis)
    ax.margins(x=0.12)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(xlabel)
    return fig


def architecture(layers: Sequence[tuple[str, int]], *, code: int | None = None) -> Figure:
    """Draw a chain of layers as bars whose heights follow their widths.

    Args:
        layers: (label, number of units) from input to output, at least two; units of at least 1.
        code: Position of the code in `layers`, drawn in a second colour and hatched; None for none.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: too few layers, a width below 1, or a position out of range.
    """
    if len(layers) < 2:
        raise ValueError(validation.message("layers", "at least two layers", layers))
    for layer in layers:
        if not isinstance(layer, tuple | list) or len(layer) != 2 or not isinstance(layer[0], str):
            expected = "pairs of a label and a number of units"
            raise TypeError(validation.message("layers", expected, validation.describe(layer)))
    widths = [validation.integer("layers", units, low=1) for _, units in layers]
    if code is not None:
        code = validation.integer("code", code, low=0, high=len(layers) - 1)
    heights = np.sqrt(np.array(widths) / max(widths))
    lines = [line for label, _ in layers for line in label.split("\n")]
    pitch = max(1.15, 0.06 * max(map(len, lines)) + 0.2)  # inches from bar to bar
    fig, ax = plt.subplots(figsize=(pitch * len(layers) + 0.6, 2.9))
    for i, ((label, _), height) in enumerate(zip(layers, heights, strict=True)):
        colour = "#D55E00" if i == code else "#0072B2"
        hatch = "//" if i == code else None
        ax.bar(i, height, 0.32, bottom=-height / 2, color=colour, hatch=hatch, edgecolor="white")
        ax.text(i, -0.58, label, ha="center", va="top", fontsize="small")
        if i + 1 < len(layers):
            following = heights[i + 1]
            for sign in (-1, 1):
                ends = [sign * height / 2, sign * following / 2]
                ax.plot([i + 0.16, i + 0.84], ends, color="0.6", linestyle="-", linewidth=1)
    depth = 0.62 + 0.1 * max(label.count("\n") + 1 for label, _ in layers)
    ax.set(xlim=(-0.6, len(layers) - 0.4), ylim=(-depth, 0.55))
    ax.set_axis_off()
    return fig


def _named(name: str, values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise TypeError(validation.message(name, "a dict with texts as keys", values))
    if not values:
        raise ValueError(validation.message(name, "a dict that is not empty", values))
    return values


def _plain_numbers(axis: Any) -> None:
    """Write the ticks of a logarithmic axis as 0.02, not as a power of ten."""
    axis.set_major_formatter(_PlainLogFormatter())
    axis.set_minor_formatter(_PlainLogFormatter(minor_thresholds=(2, 0.5)))


class _PlainLogFormatter(LogFormatter):
    def __call__(self, x: float, pos: Any = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""  # empty: a tick without a label


def _images(name: str, images: Any) -> np.ndarray:
    checked = validation.array(name, images, ndim=(3, 4))
    if checked.ndim == 4:
        if checked.shape[-1] != 1:
            raise ValueError(validation.message(name, "grey images, one channel", checked))
        checked = checked[..., 0]
    return np.clip(checked, 0, 1)


def _bare(ax: Any) -> None:
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
