"""Figures whose parts are placed in inches: images, words and arrows on a white page."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from numpy.typing import ArrayLike

from aetutorial import validation
from aetutorial.plotting.labels import SMALL

ARROW: dict[str, Any] = {
    "arrowstyle": "-|>",
    "mutation_scale": 13,
    "color": "0.45",
    "linewidth": 1.3,
    "shrinkA": 0,
    "shrinkB": 0,
}


def picture(name: str, image: ArrayLike) -> np.ndarray:
    """Return an image as matplotlib draws it: shape (height, width) or (height, width, 3), clipped to [0, 1].

    Args:
        name: The argument's name, for the error message.
        image: Shape (height, width), (height, width, 1) or (height, width, 3).

    Raises:
        TypeError, ValueError: it is no image, or has values that are NaN or infinite.
    """
    pixels = validation.array(name, image, ndim=(2, 3))
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3):
        expected = "an image of shape (height, width), (height, width, 1) or (height, width, 3)"
        raise ValueError(validation.message(name, expected, pixels))
    return np.clip(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels, 0, 1)


def paint(ax: Axes, pixels: np.ndarray) -> None:
    """Draw an image without axes; 0 is white and 1 black where it is gray."""
    ax.imshow(pixels, vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def canvas(size: tuple[float, float]) -> Figure:
    """Return a figure whose parts are placed in inches.

    Args:
        size: Width and height, in inches.
    """
    fig = plt.figure(figsize=size)
    fig.set_layout_engine("none")  # `layout="none"` above would keep the style's
    return fig


def place(fig: Figure, left: float, bottom: float, wide: float, high: float) -> Axes:
    """Return new axes in a figure, at a place in inches."""
    across, up = fig.get_size_inches()
    return fig.add_axes((left / across, bottom / up, wide / across, high / up))


def write(fig: Figure, x: float, y: float, text: str, **look: Any) -> None:
    """Write into a figure, at a place in inches."""
    across, up = fig.get_size_inches()
    centered: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": SMALL}
    fig.text(x / across, y / up, text, **(centered | look))


def arrow(fig: Figure, start: tuple[float, float], end: tuple[float, float], **look: Any) -> None:
    """Draw an arrow in a figure, between places in inches."""
    fig.add_artist(FancyArrowPatch(start, end, transform=fig.dpi_scale_trans, **(ARROW | look)))
