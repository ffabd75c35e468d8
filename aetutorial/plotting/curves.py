"""Measurements: curves against epochs, sweeps, bars."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from numpy.typing import ArrayLike

from aetutorial import validation
from aetutorial.plotting.colors import BLUE, MARK, NEUTRAL, color, looks
from aetutorial.plotting.labels import BODY, SMALL, End, label_ends

TINY = np.finfo(float).tiny  # a logarithmic axis would leave out lower values without a word
FEW = 4  # curves that are named at their ends
MARKERS = "os^Dv*Ph"


def learning_curves(
    curves: Mapping[str, ArrayLike], *, ylabel: str, references: Mapping[str, float] | None = None, log: bool = False
) -> Figure:
    """Draw losses against epochs, with horizontal lines for what they are read against.

    Up to four curves are named at their ends, more in a legend.

    Args:
        curves: Name to loss per epoch, shape (epochs,). Names have the colors of `plotting.color`.
        ylabel: What the loss is, with its unit.
        references: Name to value: baselines and floors, drawn as labeled horizontal lines.
        log: Whether the loss axis is logarithmic, for losses above 0.

    Raises:
        ValueError: a loss is NaN, infinite or not above 0 as `log` asks.
    """
    fig, ax = plt.subplots()
    ends = []
    for (name, curve), look in zip(curves.items(), looks(list(curves)), strict=True):
        losses = validation.array(f"curves[{name!r}]", curve, ndim=1, low=TINY if log else None)
        ax.plot(np.arange(1, len(losses) + 1), losses, label=name, **look)
        ends.append(End(name, len(losses), float(losses[-1]), str(look["color"]), BODY))
    _finish(ax, ("epoch", ylabel), references, "y" if log else "", ends, direct=len(curves) <= FEW)
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
    direct: bool | None = None,
) -> Figure:
    """Draw what was measured against what was varied: one line per method, with the spread over seeds.

    Args:
        curves: Name to a pair (x, y): x of shape (points,); y of shape (points,), or (points, seeds), drawn as the
            mean over the seeds with the standard deviation (n - 1) as error bar. Names have the colors of
            `plotting.color`.
        xlabel, ylabel: What was varied and what was measured, with their units.
        references: Name to value: baselines, drawn as labeled horizontal lines.
        log: The logarithmic axes, for values above 0: "", "x", "y" or "xy".
        xticks, yticks: Where ticks stand on an axis, written as plain numbers; None lets matplotlib choose.
        ax: Matplotlib axes to draw into; None makes a new figure.
        direct: Whether the curves are named at their right ends instead of in a legend; None (the default) does so for
            up to four curves in a figure of their own.

    Raises:
        ValueError: a measured value is NaN, infinite or not above 0 as `log` asks.
    """
    if direct is None:
        direct = ax is None and len(curves) <= FEW
    fig, ax = plt.subplots() if ax is None else (ax.figure, ax)
    start = sum(isinstance(drawn, ErrorbarContainer) for drawn in ax.containers)
    markers = itertools.cycle(MARKERS[start % len(MARKERS) :] + MARKERS[: start % len(MARKERS)])
    ends = []
    for (name, (x, measured)), look in zip(curves.items(), looks(list(curves), start), strict=True):
        y = validation.array(f"y of curves[{name!r}]", measured, ndim=(1, 2), low=TINY if "y" in log else None)
        x = validation.array(f"x of curves[{name!r}]", x, ndim=1, rows=len(y), low=TINY if "x" in log else None)
        deviation = y.std(axis=1, ddof=1) if y.ndim == 2 and y.shape[1] > 1 else None
        mean = y.mean(axis=1) if y.ndim == 2 else y
        ax.errorbar(x, mean, deviation, marker=next(markers), capsize=3, label=name, **look)
        last = int(np.argmax(x))
        ends.append(End(name, float(x[last]), float(mean[last]), str(look["color"]), BODY))
    _finish(ax, (xlabel, ylabel), references, log, ends, direct=direct, ticks=(xticks, yticks))
    return fig  # type: ignore[return-value]  # a subfigure is none of the course's


def _finish(
    ax: Axes, labels: Any, references: Any, log: str, ends: list[End], *, direct: bool, ticks: Any = (None, None)
) -> None:
    """Draw what curves are read with: reference lines, scales, ticks, labels and names."""
    floors = []
    for name, level in (references or {}).items():
        its_color = color(name, "#4D4D4D")
        ax.axhline(level, color=its_color, linestyle=(0, (2, 2)), linewidth=1.2)
        floors.append(End(name, None, level, its_color, SMALL))
    for letter, axis, values in zip("xy", (ax.xaxis, ax.yaxis), ticks, strict=True):
        if letter in log:
            _make_logarithmic(ax, letter)
        if values is not None:
            axis.set_ticks(list(values), [f"{value:g}" for value in values])
            axis.set_ticks([], minor=True)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    named = ends if direct and len(ends) > 1 else []
    if named or floors:
        label_ends(ax, [*named, *floors])
    if len(ends) > 1 and not direct:
        ax.legend()


def _written(value: float, digits: int) -> str:
    """Return the value with its last zeros, 0.00900, and without an exponent if it is large, 20."""
    text = f"{value:#.{digits}g}".rstrip(".")
    return f"{float(text):.0f}" if "e+" in text else text


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
        values: Name to length; above 0 if `log`. Names have the colors of `plotting.color`.
        xlabel: What is measured, with its unit.
        spread: Name to standard deviation, drawn as an error bar.
        highlight: Names drawn hatched; those that are no method's, in a second color as well.
        log: Whether the axis is logarithmic.
        digits: Significant digits of the written values.

    Raises:
        ValueError: `spread` or `highlight` has a name that is not in `values`.
    """
    spread = spread or {}
    for name in (*spread, *highlight):
        validation.choice("spread and highlight", name, list(values))
    fig, ax = plt.subplots(figsize=(7.0, 0.75 + 0.4 * len(values)))
    caps = {"ecolor": "0.2", "capsize": 3}
    unnamed = NEUTRAL if any(color(name, "") for name in values) else BLUE
    for name, value in values.items():
        error = spread.get(name)
        look = bar_look(name in highlight, color(name, MARK if name in highlight else unnamed))
        ax.barh(name, value, xerr=error, height=0.65, error_kw=caps, **look)
        side, ha = (-1, "right") if value < 0 else (1, "left")
        text, end = _written(value, digits), (value + side * (error or 0), name)
        ax.annotate(text, end, (5 * side, 0), textcoords="offset points", ha=ha, va="center", fontsize=SMALL)
    if log:
        _make_logarithmic(ax, "x")
    ax.tick_params(axis="y", labelsize=BODY, length=0)
    ax.margins(x=0.12)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(xlabel)
    return fig


def bar_look(marked: bool, its_color: str) -> dict[str, Any]:
    """Return the look of a bar. A marked one is hatched, for readers who can't tell colors apart."""
    return {"edgecolor": "white", "color": its_color} | ({"hatch": "//"} if marked else {})


def _make_logarithmic(ax: Axes, letter: str) -> None:
    """Make the "x" or "y" axis logarithmic, with ticks written as 0.02, not as a power of ten."""
    ax.set(**{f"{letter}scale": "log"})
    axis = getattr(ax, f"{letter}axis")
    axis.set_major_formatter(_PlainLogFormatter())
    axis.set_minor_formatter(_PlainLogFormatter(minor_thresholds=(2, 0.5)))


class _PlainLogFormatter(LogFormatter):
    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""  # some ticks have no label
