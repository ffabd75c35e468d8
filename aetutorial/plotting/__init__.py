"""Figures of the lessons: arrays in, Figure out. Nothing here trains or predicts.

`show` displays a figure with its alternative text and a caption. `color` gives each method the color it has through the
whole course. The style file is `aetutorial.mplstyle`.
"""

from aetutorial.plotting.colors import CLASSES, COLORS, color
from aetutorial.plotting.curves import bars, learning_curves, sweep
from aetutorial.plotting.diagrams import architecture, flow
from aetutorial.plotting.images import error_map, film, image_grid, image_rows
from aetutorial.plotting.latent import code_map, decoded_grid
from aetutorial.plotting.output import show

__all__ = [
    "CLASSES",
    "COLORS",
    "architecture",
    "bars",
    "code_map",
    "color",
    "decoded_grid",
    "error_map",
    "film",
    "flow",
    "image_grid",
    "image_rows",
    "learning_curves",
    "show",
    "sweep",
]
