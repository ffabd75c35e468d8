"""One color per method through the whole course, chosen so that color-blind readers can tell them apart.

Contrast is that of WCAG 2.1: every color of COLORS has at least 3 : 1 on white, as lines and bars need, and `ink` makes
4.5 : 1 of it for text.
"""

from __future__ import annotations

import re
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.colors import to_hex, to_rgb

BLUE, LIGHT_BLUE, GRAY = "#0072B2", "#4C9BD1", "#7F7F7F"
MARK = "#AA3377"  # what a figure points at: a frame, a bar without a method
NEUTRAL = "#6B7A8F"  # a name that is no method's, beside one that is

# The first word of this list that stands in a name gives the name its color.
COLORS = {
    "untrained": GRAY,
    "random": GRAY,
    "PCA": "#D55E00",
    "VAE": "#009E73",
    "variational": "#009E73",
    "mean image": "#9C8468",
    "the mean": "#9C8468",
    "input": "#404040",
    "data": "#404040",
    "raw pixels": "#404040",
    "autoencoder": BLUE,
    "encoder": BLUE,
    "code": BLUE,
    "reconstruction": BLUE,
    "held out": BLUE,
    "held-out": BLUE,
    "validation": BLUE,
    "training": LIGHT_BLUE,
}

# Ten classes, after Tol (2012), the sand darkened for white paper. Digits that are often confused (4, 7 and 9; 3, 5
# and 8) have colors that differ in lightness as well.
CLASSES = (
    *("#332288", "#CC6677", "#117733", "#AA4499", "#882255"),
    *("#661100", "#44AA99", "#999933", "#D9BE4A", "#88CCEE"),
)


def color(name: str, default: str = NEUTRAL) -> str:
    """Return the color of a method, the same in every figure.

    Args:
        name: What a curve, bar or row is called. It has the color of the first key of COLORS that it contains as a
            word, in the singular or plural, whatever the case: "Autoencoder, 32 numbers" is blue, "PCA, held out" is
            PCA's orange, "untrained encoder" is gray.
        default: The color of a name that contains none.

    Returns:
        A color such as "#0072B2".

    Example:
        >>> from aetutorial import plotting
        >>> plotting.color("PCA, held out") == plotting.color("pca")
        True
    """
    for word, its_color in COLORS.items():
        if re.search(rf"(?<!\w){re.escape(word)}s?(?!\w)", name, flags=re.IGNORECASE):
            return its_color
    return default


def looks(names: list[str], start: int = 0) -> list[dict[str, Any]]:
    """Return color and dash of each curve of a figure.

    A known name has its method's color, or a shade of it where an earlier name has the color itself; an unknown one has
    the next color of the style that no other has. The dashes follow the style's cycle, so that color is never alone.

    Args:
        names: Names of the curves.
        start: How many curves the axes hold already.
    """
    cycle = list(plt.rcParams["axes.prop_cycle"])
    known = [color(name, "") for name in names]
    free = [to_hex(entry["color"]).upper() for entry in cycle]
    free = free[start % len(free) :] + free[: start % len(free)]
    free = [one for one in free if one not in known] or [NEUTRAL]
    taken: list[str] = []
    found: list[dict[str, Any]] = []
    unknown = 0
    for i, its_color in enumerate(known):
        if its_color:
            shown = shade(its_color, taken.count(its_color))
            taken.append(its_color)
        else:
            shown = free[unknown % len(free)]
            unknown += 1
        found.append({"color": shown, "linestyle": cycle[(start + i) % len(cycle)].get("linestyle", "-")})
    return found


def shade(base: str, k: int) -> str:
    """Return the k-th shade of a color: itself, then darker, then lighter, and so on round."""
    return (base, mix(base, "black", 0.45), mix(base, "white", 0.4))[k % 3]


def mix(base: str, other: str, share: float) -> str:
    """Return a color between two, `share` of the way from the first."""
    pairs = zip(to_rgb(base), to_rgb(other), strict=True)
    red, green, blue = ((1 - share) * a + share * b for a, b in pairs)
    return to_hex((red, green, blue)).upper()


def contrast(one: str) -> float:
    """Return the contrast of a color to white, 1 to 21 (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(one)]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def ink(base: str) -> str:
    """Return the color, darkened until text in it can be read on white (4.5 : 1)."""
    dark = base
    for step in range(1, 21):
        if contrast(dark) >= 4.5:
            break
        dark = mix(base, "black", step / 20)
    return dark
