"""How a figure gets into the notebook: sharp, small, with words, and the same bytes from run to run."""

from __future__ import annotations

import io
import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import Collection, LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image

from aetutorial import display, validation

CSS_DPI = 96  # pixels of a page to the inch: a point of the figure is a point on the page, in PNG and SVG alike
SCALE = 2  # pixels of the PNG to a pixel of the page
FEW_POINTS = 500  # a drawing of more is smaller as PNG
TOLERANCE = 3  # root mean square, of 255, by which a palette may change a picture


def show(fig: Figure, alt: str, *, caption: str | None = None, vector: bool | None = None) -> None:
    """Display a figure with its alternative text, and a caption below it, and close the figure.

    It is stored as PNG at twice the resolution of the page, and a drawing of few lines as SVG besides. JupyterLab
    prefers SVG, but shows none in a notebook that it doesn't trust, such as one just downloaded: then the PNG appears.

    Args:
        fig: The figure.
        alt: A sentence or two that say what the figure shows, for readers who can't see it; at least 20 characters. No
            numbers that another processor would change. Stored as the image's `alt` metadata, and as its plain text.
        caption: A sentence or two, in Markdown, that say what to see, displayed below in small type. None for none.
        vector: Whether there is an SVG; None (the default) decides: where the figure holds no image and fewer than 500
            points.

    Raises:
        ValueError: `alt` is too short to say anything, or `caption` is empty.
    """
    text = " ".join(alt.split())
    if len(text) < 20:
        raise ValueError(validation.message("alt", "a text of at least 20 characters", alt))
    below = None if caption is None else " ".join(caption.split())
    if below == "":
        raise ValueError(validation.message("caption", "a sentence that says what to see, or None", caption))
    with plt.rc_context({"savefig.facecolor": "white", "savefig.transparent": False, "savefig.bbox": "tight"}):
        png, (width, height) = to_png(fig)
        forms: dict[str, Any] = {"image/png": png, "text/plain": f"Figure: {text}"}
        metadata: dict[str, Any] = {"image/png": {"width": width, "height": height, "alt": text}}
        if is_drawing(fig) if vector is None else vector:
            forms["image/svg+xml"] = to_svg(fig, text)
            metadata["image/svg+xml"] = {"alt": text}
    plt.close(fig)
    display.bundle(forms, metadata)
    if below is not None:
        display.bundle({"text/markdown": f"<small>{below}</small>", "text/plain": f"Caption: {below}"})


def is_drawing(fig: Figure) -> bool:
    """Tell whether a figure holds no image and few points."""
    if fig.findobj(AxesImage):
        return False
    lines: list[Any] = fig.findobj(Line2D)
    points = len(fig.findobj(Patch)) + sum(len(line.get_xydata()) for line in lines if line.axes is not None)
    areas: list[Any] = fig.findobj(Collection)
    for item in areas:
        vertices = sum(len(path.vertices) for path in item.get_paths())
        points += vertices if isinstance(item, LineCollection) else max(vertices, len(item.get_offsets()))
    return points < FEW_POINTS


def to_png(fig: Figure) -> tuple[bytes, tuple[int, int]]:
    """Return a figure as a small PNG, and its width and height in pixels of the page."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=SCALE * CSS_DPI, metadata={"Software": None})
    picture = Image.open(buffer).convert("RGB")
    width, height = (-(-length // SCALE) for length in picture.size)
    whole = Image.new("RGB", (SCALE * width, SCALE * height), "white")  # each pixel of the page has all of its own
    whole.paste(picture)
    buffer = io.BytesIO()
    with_few_colors(whole).save(buffer, format="png", optimize=True)
    return buffer.getvalue(), (width, height)


def with_few_colors(picture: Image.Image) -> Image.Image:
    """Return the picture in grays or with a palette, if it looks the same; else as it is.

    Args:
        picture: Mode RGB.
    """
    pixels = np.asarray(picture)
    if (pixels == pixels[..., :1]).all():
        return picture.convert("L")
    if picture.getcolors(256) is not None:
        return picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)  # exact
    drawn = (pixels < 255).any(-1)  # the white ground has no error that could hide others
    for colors, rounds in ((64, 0), (128, 0), (256, 0), (256, 1)):  # the last takes longest
        few = picture.quantize(colors, Image.Quantize.MEDIANCUT, kmeans=rounds, dither=Image.Dither.NONE)
        error = (np.asarray(few.convert("RGB"), "float32") - pixels)[drawn]
        if np.sqrt(np.mean(error**2)) < TOLERANCE:
            return few
    return picture


def to_svg(fig: Figure, alt: str) -> str:
    """Return a figure as SVG: letters as paths, no date, and the same identifiers whenever it is drawn.

    The figure keeps the layout that it has, which drawing the PNG has made.
    """
    fig.set_layout_engine("none")
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with plt.rc_context({"svg.fonttype": "path", "svg.hashsalt": "aetutorial", "svg.image_inline": True}):
        fig.savefig(buffer, format="svg", metadata=nothing)
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'(?<= d=")[^"]*', _rounded, drawing)
    drawing = re.sub(r"\n\s*", "\n", drawing)
    title = f'<svg role="img" aria-label={quoteattr(alt)}\\1>\n<title>{escape(alt)}</title>'
    return re.sub(r"<svg([^>]*)>", lambda found: title.replace("\\1", found[1]), drawing, count=1)


def _rounded(path: re.Match[str]) -> str:
    """Return the coordinates of a path to a hundredth of a point."""
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), path[0]).replace(
        "\n", ""
    )
