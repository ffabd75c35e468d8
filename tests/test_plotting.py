"""Figures: what they draw, what they say in words, that no text collides, what they refuse."""

from __future__ import annotations

import base64
import io
import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from sanitizing import compared

from aetutorial import plotting
from aetutorial.plotting import output

rng = np.random.default_rng(0)
IMAGES = rng.uniform(-0.5, 1.5, (6, 8, 8))
COLORED = rng.uniform(-0.5, 1.5, (6, 8, 8, 3))
SHAPES = [(6, 8, 8), (6, 8, 8, 1), (6, 8, 8, 3)]
STYLE = Path(plotting.__file__).parent.with_name("aetutorial.mplstyle")
FALLING = np.exp(-np.arange(30) / 5) + 0.1


@pytest.fixture(autouse=True)
def style():
    with plt.style.context(STYLE):
        yield
    plt.close("all")


def texts(fig: Figure) -> list[Text]:
    """Draw the figure and return the texts that were drawn: not the ticks beyond the axes' limits."""
    drawn = {}
    draw = Text.draw

    def record(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn[id(text)] = text
        return draw(text, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        fig.draw_without_rendering()
    return list(drawn.values())


def words(fig: Figure) -> set[str]:
    return {text.get_text() for text in texts(fig)}


# --- show ----------------------------------------------------------------------------------------


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    """Stand in for a notebook: collect what is displayed."""
    from IPython.core import interactiveshell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config({"HistoryManager": {"enabled": False}})
    shell = interactiveshell.InteractiveShell.instance(config=config)
    published: list[dict] = []
    monkeypatch.setattr(shell.display_pub, "publish", lambda **bundle: published.append(bundle))
    yield published
    interactiveshell.InteractiveShell.clear_instance()


def published_bytes(bundle: dict, kind: str = "image/png") -> bytes:
    picture = bundle["data"][kind]
    return base64.b64decode(picture) if isinstance(picture, str) else picture


def test_show_publishes_picture_and_words_and_closes_the_figure(notebook):
    fig = plotting.image_grid(IMAGES)
    assert plotting.show(fig, "Six images\n   of pure   noise.  ") is None
    (bundle,) = notebook
    assert set(bundle["data"]) == {"image/png", "text/plain"}
    assert bundle["data"]["text/plain"] == "Figure: Six images of pure noise."
    picture = published_bytes(bundle)
    assert picture.startswith(b"\x89PNG")
    assert b"Software" not in picture  # matplotlib's version is no part of it
    across, up = Image.open(io.BytesIO(picture)).size
    words = {"alt": "Six images of pure noise."}
    assert bundle["metadata"] == {"image/png": words | {"width": across // 2, "height": up // 2}}
    assert across % 2 == up % 2 == 0  # every pixel of the page has four of its own
    assert not plt.fignum_exists(fig.number)


def test_a_point_of_a_figure_is_a_point_on_the_page(notebook):
    fig = plt.figure(figsize=(4, 2), layout="none")
    fig.add_axes((0, 0, 1, 1)).set(xticks=[], yticks=[])
    plotting.show(fig, "An empty figure of four by two inches.")
    size = notebook[0]["metadata"]["image/png"]
    padding = 2 * 96 * plt.rcParams["savefig.pad_inches"]
    assert (size["width"], size["height"]) == pytest.approx((4 * 96 + padding, 2 * 96 + padding), abs=2)


@pytest.mark.parametrize("alt", ["", "  A line.             "])
def test_a_figure_without_words_is_not_shown(notebook, alt):
    with pytest.raises(ValueError, match="`alt` must be a text of at least 20 characters"):
        plotting.show(Figure(), alt)
    assert notebook == []


def test_a_caption_follows_the_figure_as_markdown_with_a_plain_twin(notebook):
    plotting.show(plotting.image_grid(IMAGES), "Six images of pure noise.", caption="Look at $z$:\n  nothing.")
    assert [set(bundle["data"]) for bundle in notebook][1] == {"text/markdown", "text/plain"}
    assert notebook[1]["data"]["text/plain"] == "Caption: Look at $z$: nothing."
    assert "Look at $z$: nothing." in notebook[1]["data"]["text/markdown"]


def test_an_empty_caption_is_refused(notebook):
    with pytest.raises(ValueError, match="`caption` must be a sentence"):
        plotting.show(Figure(), "An empty figure of no use.", caption=" ")
    assert notebook == []


DRAWINGS = {
    "curves": (lambda: plotting.learning_curves({"a": FALLING, "b": FALLING}, ylabel="mse"), True),
    "bars": (lambda: plotting.bars({"a": 1.0, "b": 2.0}, xlabel="length", highlight=["a"]), True),
    "architecture": (lambda: plotting.architecture([("a", 2), ("b", 1)]), True),
    "long curve": (lambda: plotting.learning_curves({"a": np.ones(600)}, ylabel="mse"), False),
    "cloud": (lambda: plotting.code_map(rng.normal(size=(600, 2)), np.zeros(600)), False),
    "images": (lambda: plotting.image_grid(IMAGES), False),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_of_few_lines_have_an_svg_and_others_not(name, notebook):
    draw, is_drawing = DRAWINGS[name]
    plotting.show(draw(), "A figure that is not described.")
    plotting.show(draw(), "A figure that is not described.", vector=not is_drawing)
    automatic, other = ("image/svg+xml" in bundle["data"] for bundle in notebook)
    assert (automatic, other) == (is_drawing, not is_drawing)
    assert all("image/png" in bundle["data"] for bundle in notebook)  # what JupyterLab shows where it trusts no SVG


def test_an_svg_says_what_it_shows_and_is_the_same_each_time(notebook):
    alt = 'Two curves that fall, "a" & <b>.'
    for _ in range(2):
        plotting.show(DRAWINGS["curves"][0](), alt)
        plt.figure()  # another figure between them changes no identifier
    first, second = (bundle["data"]["image/svg+xml"] for bundle in notebook)
    assert first == second
    tree = ET.fromstring(first)
    namespace = "{http://www.w3.org/2000/svg}"
    assert (tree.tag, tree.get("role"), tree.get("aria-label")) == (f"{namespace}svg", "img", alt)
    assert tree.find(f"{namespace}title").text == alt
    assert not list(tree.iter(f"{namespace}text"))  # letters are paths: it looks the same everywhere
    assert "date" not in first.lower()
    assert first.startswith("<svg")
    assert notebook[0]["metadata"]["image/svg+xml"] == {"alt": alt}
    assert compared(first).strip() == "SVG"  # measured curves differ between processors


def test_an_svg_keeps_its_coordinates_to_a_hundredth_of_a_point():
    fig = plt.figure(figsize=(2, 2), layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    ax.plot([1 / 3, 2 / 3], [0.5, 0.5], color="#123456")
    svg = output.to_svg(fig, "A level line.")
    (path,) = re.findall(r'd="(M[^"]*)"[^>]*#123456', svg)
    numbers = np.array(re.findall(r"[\d.]+", path), float)
    assert numbers[2] - numbers[0] == pytest.approx(144 / 3, abs=0.02)
    assert numbers[1] == numbers[3]


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [
        (np.repeat(rng.integers(0, 256, (40, 40, 1)), 3, axis=2), "L"),
        (rng.integers(0, 4, (40, 40, 3)) * 80, "P"),
        (np.stack(np.meshgrid(np.arange(256), np.arange(0, 256, 2), [128])[:3], axis=-1)[:, :, 0], "RGB"),
    ],
    ids=["gray", "few colors", "many colors"],
)
def test_a_picture_is_stored_with_few_colors_only_where_it_looks_the_same(pixels, mode):
    picture = Image.fromarray(pixels.astype("uint8"), "RGB")
    stored = output.with_few_colors(picture)
    assert stored.mode == mode
    np.testing.assert_array_equal(np.asarray(stored.convert("RGB")), pixels)


def test_a_palette_does_not_move_the_colors_of_curves():
    fig = plotting.learning_curves({"PCA": FALLING, "autoencoder": FALLING + 1, "VAE": FALLING + 2}, ylabel="mse")
    png, _ = output.to_png(fig)
    stored = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3).astype(int)
    assert len(png) < 30_000
    for name in ("PCA", "autoencoder", "VAE"):
        wanted = np.array(to_rgb(plotting.color(name))) * 255
        assert np.abs(stored - wanted).max(axis=1).min() <= 4


def test_the_ground_is_white_whatever_the_style(notebook):
    with plt.rc_context({"savefig.transparent": True, "savefig.facecolor": "black", "figure.facecolor": "black"}):
        plotting.show(DRAWINGS["bars"][0](), "Two bars of length one and two.")
    picture = Image.open(io.BytesIO(published_bytes(notebook[0]))).convert("RGBA")
    assert picture.getpixel((0, 0)) == (255, 255, 255, 255)
    assert "fill: #ffffff" in notebook[0]["data"]["image/svg+xml"]


# --- colors --------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """WCAG 2.1, https://www.w3.org/TR/WCAG21/#dfn-relative-luminance."""
    c = np.array(to_rgb(color))
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("Autoencoder, 32 numbers", "autoencoder"),
        ("autoencoders", "autoencoder"),
        ("PCA, held out", "PCA"),
        ("pca", "PCA"),
        ("variational autoencoder", "VAE"),
        ("β-VAE", "VAE"),
        ("untrained encoder (32)", "untrained"),
        ("mean image, held out", "the mean"),
        ("input x", "data"),
        ("k-means", "JPEG"),
        ("spca", "JPEG"),
    ],
)
def test_a_method_has_one_color_whatever_is_said_around_it(name, like):
    assert plotting.color(name) == plotting.color(like)


def test_methods_have_colors_of_their_own_that_can_be_seen_on_white():
    kinds = [plotting.color(name) for name in ("autoencoder", "PCA", "VAE", "input", "mean image", "untrained", "JPEG")]
    assert len(set(kinds)) == len(kinds)
    assert plotting.color("JPEG", "#000000") == "#000000"
    for color in plotting.COLORS.values():
        assert 1.05 / (luminance(color) + 0.05) >= 3, color


# Machado, Oliveira and Fernandes (2009): how readers without red, green or blue cones see linear RGB.
BLIND = {
    "nobody": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(color: str, matrix) -> np.ndarray:
    """CIE L*a*b* of a color as somebody sees it."""
    c = np.array(to_rgb(color))
    linear = np.clip(matrix @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("reader", BLIND)
def test_ten_classes_can_be_told_apart_by_everybody(reader):
    seen = [lab(color, np.array(BLIND[reader])) for color in plotting.CLASSES]
    assert len(seen) == 10
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 12  # 2.3 is just noticeable


def test_curves_of_one_method_have_shades_of_its_color():
    names = ["PCA, 8 numbers", "JPEG", "PCA, 32 numbers", "autoencoder", "PNG"]
    (ax,) = plotting.learning_curves({name: FALLING + i for i, name in enumerate(names)}, ylabel="mse").axes
    drawn = {line.get_label(): to_hex(line.get_color()).upper() for line in ax.lines}
    assert drawn["PCA, 8 numbers"] == plotting.color("PCA")
    assert drawn["autoencoder"] == plotting.color("autoencoder")
    assert len(set(drawn.values())) == len(names)
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in ax.lines}) == len(names)


def test_the_same_method_looks_the_same_in_every_kind_of_figure():
    curve = {"JPEG": FALLING, "autoencoder": FALLING, "PCA": FALLING}
    (ax,) = plotting.learning_curves(curve, ylabel="mse", references={"mean image": 1}).axes
    colors = {line.get_label(): line.get_color() for line in ax.lines}
    (ax,) = plotting.sweep({name: (np.arange(30), y) for name, y in curve.items()}, xlabel="x", ylabel="y").axes
    swept = {bar.get_label(): bar[0].get_color() for bar in ax.containers}
    (ax,) = plotting.bars(dict.fromkeys(curve, 1.0), xlabel="x").axes
    bars = {name: to_hex(bar.get_facecolor()).upper() for name, bar in zip(curve, ax.patches, strict=True)}
    for name in ("autoencoder", "PCA"):
        assert colors[name] == swept[name] == bars[name] == plotting.color(name)
    assert {colors["JPEG"], bars["JPEG"]}.isdisjoint({plotting.color("autoencoder"), plotting.color("PCA")})


# --- images --------------------------------------------------------------------------------------


def drawn(fig: Figure) -> list[np.ndarray]:
    return [np.asarray(ax.images[0].get_array()) for ax in fig.axes if ax.images]


def of_shape(shape: tuple[int, ...]) -> np.ndarray:
    return COLORED if shape[3:] == (3,) else IMAGES.reshape(shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_image_rows(shape):
    images = of_shape(shape)
    rows = {"input": images, "PCA": images[::-1].astype("float32")}
    fig = plotting.image_rows(rows, titles=list("abcdef"))
    assert isinstance(fig, Figure)
    assert len(fig.axes) == 12
    clipped = np.clip(COLORED if shape[3:] == (3,) else IMAGES, 0, 1)
    np.testing.assert_allclose(drawn(fig), [*clipped, *clipped[::-1]], rtol=1e-6)
    assert {ax.images[0].get_clim() for ax in fig.axes} == {(0, 1)}  # all on the same scale
    assert words(fig) == {"input", "PCA", *"abcdef"}


def test_image_rows_without_titles():
    assert words(plotting.image_rows({"input": IMAGES})) == {"input"}


def test_images_stand_in_rows_and_columns_at_the_width_asked_for():
    fig = plotting.image_rows({"a": IMAGES, "a much longer name": IMAGES[:, :4]}, cell=0.5)
    boxes = np.array([ax.get_position().bounds for ax in fig.axes]).reshape(2, 6, 4)
    boxes *= np.tile(fig.get_size_inches(), 2)
    np.testing.assert_allclose(boxes[..., 2], 0.5)
    np.testing.assert_allclose(boxes[..., 3], np.array([[0.5], [0.25]]) * np.ones(6))  # half as high as they are wide
    np.testing.assert_allclose(boxes[0, :, 0], boxes[1, :, 0])
    assert (np.diff(boxes[0, :, 0]) > 0.5).all()
    assert boxes[0, 0, 1] > boxes[1, 0, 1] + boxes[1, 0, 3]


@pytest.mark.parametrize("images", [6, 10, 11])
@pytest.mark.parametrize("shape", SHAPES)
def test_image_grid(images, shape):
    shown = np.resize(of_shape(shape), (images, *shape[1:]))
    fig = plotting.image_grid(shown)
    np.testing.assert_array_equal(drawn(fig), np.clip(shown, 0, 1).reshape(np.shape(drawn(fig))))
    heights = [round(ax.get_position().y0, 6) for ax in fig.axes]
    assert len(set(heights)) == (2 if images > 10 else 1)
    assert words(fig) == set()


def test_image_grid_in_columns_with_titles_and_frames():
    fig = plotting.image_grid(IMAGES, columns=4, titles=["a", "b", "epoch 100", "d"], frame={(1, 1), (0, 3)})
    assert words(fig) == {"a", "b", "epoch 100", "d"}
    assert [i for i, ax in enumerate(fig.axes) if ax.patches] == [3, 5]
    assert len({round(ax.get_position().x0, 6) for ax in fig.axes}) == 4


@pytest.mark.parametrize("shape", SHAPES)
def test_film(shape):
    frames = np.stack([of_shape(shape), of_shape(shape)[::-1]])
    fig = plotting.film(frames, ["0", "1", "2", "3", "4", "epoch 5"], inputs=of_shape(shape)[:2], along="time")
    clipped = np.clip(frames, 0, 1).reshape(2, 6, *np.shape(drawn(fig))[1:])
    np.testing.assert_array_equal(np.reshape(drawn(fig), (2, 7, *clipped.shape[2:]))[:, 1:], clipped)
    assert words(fig) == {"0", "1", "2", "3", "4", "epoch 5", "time", "input x"}
    (arrow,) = (p for p in fig.get_children() if isinstance(p, matplotlib.patches.FancyArrowPatch))
    left, right = arrow.get_extents().x0 / fig.dpi, arrow.get_extents().x1 / fig.dpi
    width = fig.get_figwidth()
    assert left == pytest.approx(fig.axes[1].get_position().x0 * width, abs=0.1)  # it begins where training does
    assert right == pytest.approx(fig.axes[6].get_position().x1 * width, abs=0.1)


def test_error_map_shows_the_structure_beside_one_hot_pixel():
    values = np.arange(400.0).reshape(20, 20)
    fig = plotting.error_map(values, label="mse", title="error", image=COLORED[0])
    image, heat, bar = fig.axes
    np.testing.assert_array_equal(image.images[0].get_array(), np.clip(COLORED[0], 0, 1))
    np.testing.assert_array_equal(heat.images[0].get_array(), values)
    assert heat.images[0].get_clim() == (0, 399)
    assert {"mse", "error", "mean image"} <= words(fig)
    hot = values / 399
    hot[0, 0] = 1000
    heat, bar = plotting.error_map(hot[..., None], label="mse").axes
    low, high = heat.images[0].get_clim()
    assert low == 0
    assert 0.9 < high < 1.1
    assert heat.images[0].colorbar.extend == "max"  # it says that something is beyond
    assert bar.get_ylabel() == "mse"


def test_error_map_of_both_signs_has_white_in_the_middle():
    heat, _ = plotting.error_map([[-2.0, 1.0], [0.0, 1.0]], label="bias").axes
    assert heat.images[0].get_clim() == (-2, 2)
    assert min(heat.images[0].to_rgba(0.0)[:3]) > 0.95


def test_error_map_of_zeros():
    heat, _ = plotting.error_map(np.zeros((3, 3)), label="mse").axes
    assert heat.images[0].get_clim() == (0, 1)


# --- the plane of codes --------------------------------------------------------------------------

CODES = rng.normal(size=(60, 2)) + np.repeat([[0, 0], [5, 0], [0, 5]], 20, axis=0)
LABELS = np.repeat([7, 1, 3], 20)


def test_code_map_names_each_class_at_its_median_in_its_color():
    fig = plotting.code_map(CODES, LABELS)
    (ax,) = fig.axes
    fig.draw_without_rendering()
    assert ax.get_legend() is None
    named = {text.get_text(): text for text in ax.texts}
    assert set(named) == {"1", "3", "7"}
    for k, label in enumerate((1, 3, 7)):  # in sorted order
        np.testing.assert_allclose(named[str(label)].get_position(), np.median(CODES[label == LABELS], axis=0))
        hue = np.array(to_rgb(named[str(label)].get_color()))
        wanted = np.array(to_rgb(plotting.CLASSES[k]))
        assert np.corrcoef(hue, wanted)[0, 1] > 0.99  # the same hue, dark enough to read
        assert 1.05 / (luminance(named[str(label)].get_color()) + 0.05) >= 4.5
    (cloud,) = ax.collections
    pairs = zip(cloud.get_offsets(), cloud.get_facecolors(), strict=True)
    found = {tuple(place): to_hex(color).upper() for place, color in pairs}
    kinds = {7: 2, 1: 0, 3: 1}
    wanted = {tuple(z): plotting.CLASSES[kinds[y]].upper() for z, y in zip(CODES, LABELS.tolist(), strict=True)}
    assert found == wanted
    to_pixels = ax.transData.transform([(0, 0), (1, 0), (0, 1)])
    assert to_pixels[1, 0] - to_pixels[0, 0] == pytest.approx(to_pixels[2, 1] - to_pixels[0, 1])  # equal aspect


def test_code_map_marks_points_and_the_way_between_them():
    points = {"A": (-3.0, 1.0), "B": (3.0, 4.0), "C": (0.0, 9.0)}
    (ax,) = plotting.code_map(CODES, LABELS, points=points, path=("A", "B"), steps=2).axes
    assert {"A", "B", "C"} <= {text.get_text() for text in ax.texts}
    way, dots = ax.lines[:2]
    np.testing.assert_array_equal(way.get_xydata(), [points["A"], points["B"]])
    np.testing.assert_allclose(dots.get_xydata(), [(-1, 2), (1, 3)])
    low, high = ax.get_ylim()
    assert low < CODES[:, 1].min()
    assert high > 9  # of C


def test_code_map_beside_what_the_decoder_makes_of_the_same_plane():
    tiles = rng.uniform(size=(3, 3, 4, 4))
    left, right = plotting.code_map(CODES, LABELS, decoder_grid=(tiles, (-8, 8, -8, 8))).axes
    assert left.get_xlim() == right.get_xlim()
    assert left.get_ylim() == right.get_ylim()
    assert right.images[0].get_extent() == [-12, 12, -12, 12]


@pytest.mark.parametrize("depth", [(), (1,), (3,)])
def test_decoded_grid_has_every_image_upright_at_its_code(depth):
    tiles = rng.uniform(size=(3, 4, 5, 6, *depth))
    (ax,) = plotting.decoded_grid(tiles, (-3, 3, 0, 2)).axes
    mosaic = ax.images[0].get_array()
    left, right, lower, upper = ax.images[0].get_extent()
    for i, j in itertools.product(range(3), range(4)):
        x, y = np.linspace(-3, 3, 4)[j], np.linspace(0, 2, 3)[i]
        column = (x - left) / (right - left) * mosaic.shape[
            1
        ] - 3  # of the tile's left edge: its center lies at its code
        row = (upper - y) / (upper - lower) * mosaic.shape[0] - 2.5
        tile = mosaic[round(row) : round(row) + 5, round(column) : round(column) + 6]
        np.testing.assert_array_equal(tile, tiles[i, j].reshape(tile.shape))
        assert (row, column) == pytest.approx((round(row), round(column)))


# --- diagrams ------------------------------------------------------------------------------------

STAGES = [("input x\n64 pixels", IMAGES[0]), ("encoder", None), ("code z", [1.0, -2.0, 0.5]), ("decoder", None)]
STAGES += [("reconstruction", COLORED[0])]


def test_flow_draws_images_numbers_and_networks_from_left_to_right():
    fig = plotting.flow(STAGES)
    first, chart, last = fig.axes
    np.testing.assert_array_equal(first.images[0].get_array(), np.clip(IMAGES[0], 0, 1))
    np.testing.assert_array_equal(last.images[0].get_array(), np.clip(COLORED[0], 0, 1))
    assert [bar.get_height() for bar in chart.patches] == [1, -2, 0.5]
    assert {to_hex(bar.get_facecolor()).upper() for bar in chart.patches} == {plotting.color("autoencoder")}
    assert words(fig) == {"input x", "64 pixels", "encoder", "code z", "decoder", "reconstruction"}
    encoder, decoder = (p for p in fig.get_children() if isinstance(p, matplotlib.patches.Polygon))

    def heights(block):
        corners = block.get_xy()
        return [np.ptp(corners[corners[:, 0] == x, 1]) for x in sorted(set(corners[:, 0]))]

    assert heights(encoder)[0] > heights(encoder)[1]
    assert heights(decoder) == heights(encoder)[::-1]
    edges = [ax.get_position() for ax in fig.axes]
    assert edges[0].x1 < encoder.get_window_extent().x0 / fig.bbox.width
    assert encoder.get_window_extent().x1 / fig.bbox.width < edges[1].x0


def test_flow_between_images_is_an_arrow_with_a_label():
    fig = plotting.flow([("clean", IMAGES[0]), ("add noise", None), ("input", IMAGES[1]), ("output", IMAGES[2])])
    kinds = [type(p).__name__ for p in fig.get_children()]
    assert (kinds.count("FancyArrowPatch"), kinds.count("Polygon")) == (2, 0)
    assert words(fig) == {"clean", "add noise", "input", "output"}


# --- curves and bars -----------------------------------------------------------------------------


def test_learning_curves():
    curves = {"training": FALLING, "held out": FALLING[:20] + 0.1}
    fig = plotting.learning_curves(curves, ylabel="mse", references={"mean": 1.0, "PCA": 0.2}, log=True)
    (ax,) = fig.axes
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["training"].get_xdata(), np.arange(1, 31))
    np.testing.assert_array_equal(lines["held out"].get_ydata(), curves["held out"])
    assert {tuple(line.get_ydata()) for line in ax.lines[2:]} == {(1, 1), (0.2, 0.2)}
    assert (ax.get_yscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "epoch", "mse")
    assert {"training", "held out", "mean", "PCA"} <= words(fig)
    styles = {line.get_linestyle() for line in ax.lines[:2]}
    assert len(styles) == 2  # not told apart by color alone


def test_one_curve_needs_no_legend():
    (ax,) = plotting.learning_curves({"training": FALLING}, ylabel="mse").axes
    assert ax.get_legend() is None
    assert ax.get_yscale() == "linear"


def test_the_name_of_a_floor_points_at_its_line():
    references = {"a": 0.2, "b": 0.5, "c": 0.5, "d": 1.0}
    fig = plotting.learning_curves({"x": FALLING}, ylabel="mse", references=references)
    (ax,) = fig.axes
    fig.draw_without_rendering()
    to_data = ax.transAxes + ax.transData.inverted()
    pointed = {note.get_text(): to_data.transform(note.xy)[1] for note in ax.texts}
    assert pointed == pytest.approx(references)
    ax.set_ylim(-1, 3)  # a lesson may show more: the names follow
    fig.draw_without_rendering()
    to_data = ax.transAxes + ax.transData.inverted()
    assert {note.get_text(): to_data.transform(note.xy)[1] for note in ax.texts} == pytest.approx(references)


def notes(fig: Figure) -> dict[str, Text]:
    return {note.get_text(): note for note in fig.axes[0].texts}


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_few_curves_are_named_at_their_ends_and_many_in_a_legend(count):
    curves = {name: FALLING[: 30 - i] + i for i, name in enumerate("abcde"[:count])}
    swept = {name: (np.arange(len(y))[::-1], y) for name, y in curves.items()}
    for fig in (plotting.learning_curves(curves, ylabel="mse"), plotting.sweep(swept, xlabel="x", ylabel="y")):
        (ax,) = fig.axes
        assert (ax.get_legend() is not None) == (count == 5)
        assert set(notes(fig)) == (set(curves) if count in (2, 4) else set())
        for name, note in notes(fig).items():
            data = next(
                line.get_xydata()
                for line in ax.lines
                if to_hex(line.get_color()) == to_hex(note.arrow_patch.get_edgecolor())
            )
            np.testing.assert_array_equal(note.xy, data[data[:, 0].argmax()], err_msg=name)


def test_names_at_the_ends_stand_in_the_order_of_the_ends_and_can_be_refused():
    curves = {name: ([1, 2], [5, level]) for name, level in {"low": 1, "high": 1.02, "middle": 1.01}.items()}
    fig = plotting.sweep(curves, xlabel="x", ylabel="y")
    heights = {name: note.get_position()[1] for name, note in notes(fig).items()}
    assert sorted(heights, key=heights.get) == ["low", "middle", "high"]
    fig = plotting.sweep(curves, xlabel="x", ylabel="y", direct=False)
    assert fig.axes[0].get_legend() is not None
    assert notes(fig) == {}


def test_sweeps_in_panels_keep_their_legends():
    _, axes = plt.subplots(1, 2)
    plotting.sweep({"a": ([1, 2], [3, 4]), "b": ([1, 2], [5, 4])}, xlabel="x", ylabel="y", ax=axes[0])
    plotting.sweep({"a": ([1, 2], [3, 4]), "b": ([1, 2], [5, 4])}, xlabel="x", ylabel="y", ax=axes[1], direct=True)
    assert axes[0].get_legend() is not None
    assert {note.get_text() for note in axes[1].texts} == {"a", "b"}


def test_sweep_draws_mean_and_spread_over_the_seeds():
    seeds = np.array([[4.0, 6.0], [2.0, 2.0], [1.0, 3.0]])
    sizes = (1, 2, 8)
    fig = plotting.sweep(
        {"network": (sizes, seeds), "PCA": (sizes, [7.0, 3.0, 1.0])},
        xlabel="numbers in the code",
        ylabel="error",
        references={"the mean": 9.0},
        log="xy",
        xticks=sizes,
        yticks=[1, 5, 10],
    )
    (ax,) = fig.axes
    network, pca = ax.containers
    np.testing.assert_array_equal(network[0].get_xdata(), sizes)
    np.testing.assert_array_equal(network[0].get_ydata(), [5, 2, 2])
    (bars,) = network[2]
    heights = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
    np.testing.assert_allclose(heights, [np.sqrt(2), 0, np.sqrt(2)])
    assert pca[2] == ()
    assert network[0].get_marker() != pca[0].get_marker()
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("numbers in the code", "error")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2", "8"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1", "5", "10"]
    assert len(ax.get_xticks(minor=True)) == 0
    assert {"network", "PCA", "the mean"} <= words(fig)
    assert {tuple(line.get_ydata()) for line in ax.lines} >= {(9.0, 9.0)}


def test_sweep_draws_into_given_axes():
    fig, axes = plt.subplots(1, 2)
    assert plotting.sweep({"a": ([1, 2], [3, 4])}, xlabel="x", ylabel="y", ax=axes[1]) is fig
    assert not axes[0].lines
    assert axes[1].lines
    assert axes[1].get_legend() is None
    assert axes[1].get_xscale() == axes[1].get_yscale() == "linear"


def test_sweeps_that_share_an_axis_cut_nothing_off():
    fig, axes = plt.subplots(1, 2, sharey=True)
    for ax, values in zip(axes, ([5, 6], [1, 9]), strict=True):
        plotting.sweep({"a": ([1, 2], values)}, xlabel="x", ylabel="y", ax=ax)
    fig.draw_without_rendering()
    low, high = axes[0].get_ylim()
    assert low < 1
    assert high > 9


def test_bars():
    values = {"PCA": 2.0, "autoencoder": -1.0, "mean": 123.456}
    fig = plotting.bars(values, xlabel="error", spread={"autoencoder": 0.5}, highlight=["autoencoder"])
    (ax,) = fig.axes
    assert [bar.get_width() for bar in ax.patches] == list(values.values())
    assert [bar.get_hatch() for bar in ax.patches] == [None, "//", None]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [plotting.color(name) for name in values]
    assert {"PCA", "autoencoder", "mean", "2.00", "-1.00", "123", "error"} <= words(fig)
    (error_bar,) = ax.collections
    assert error_bar.get_segments()[0][:, 0].tolist() == [-1.5, -0.5]
    top_down = [label.get_text() for label in ax.get_yticklabels()]
    assert top_down == list(values)
    assert ax.yaxis_inverted()


def test_bars_without_a_method_have_one_color_and_highlighted_ones_another():
    (ax,) = plotting.bars({"a": 1, "b": 2, "c": 3}, xlabel="x", highlight=["c"]).axes
    colors = [bar.get_facecolor() for bar in ax.patches]
    assert colors[0] == colors[1] != colors[2]


def test_bars_on_a_logarithmic_axis():
    fig = plotting.bars({"a": 0.5, "b": 20.0}, xlabel="ratio", log=True, digits=1)
    assert fig.axes[0].get_xscale() == "log"
    assert {"0.5", "20"} <= words(fig)


def test_architecture():
    layers = [("input", 784), ("code", 32), ("output", 784)]
    fig = plotting.architecture(layers, code=1)
    (ax,) = fig.axes
    heights = [bar.get_height() for bar in ax.patches]
    assert heights[0] == heights[2] > heights[1] > 0
    assert (heights[1] / heights[0]) ** 2 == pytest.approx(32 / 784)
    assert [bar.get_hatch() for bar in ax.patches] == [None, "//", None]
    assert words(fig) == {"input", "code", "output"}
    assert not any(bar.get_hatch() for bar in plotting.architecture(layers).axes[0].patches)


# --- nothing collides ----------------------------------------------------------------------------

CROWDED = {
    "rows": lambda: plotting.image_rows(
        {"input": IMAGES, "autoencoder, 32 numbers": IMAGES, "PCA": IMAGES},
        titles=["0", "10 %", "epoch 2", "last", "a", "b"],
    ),
    "one column": lambda: plotting.image_rows({"a name that is long": IMAGES[:1]}),
    "grid": lambda: plotting.image_grid(IMAGES),
    "curves": lambda: plotting.learning_curves(
        {"training loss": FALLING, "held-out loss": FALLING + 0.1},
        ylabel="L, squared pixel units per image",
        references={"mean image": 1.2, "PCA, held out": 0.22, "PCA, training": 0.2, "floor": 0.201},
    ),
    "curves, log": lambda: plotting.learning_curves(
        {"training loss": FALLING}, ylabel="mse", references={"a": 0.1, "b": 0.1, "c": 0.11, "d": 1.3}, log=True
    ),
    "bars": lambda: plotting.bars(
        {"mean image": 52.7, "PCA, 32 numbers": 13.9, "autoencoder": -9.1, "none": 0},
        xlabel="L, squared pixel units per image",
        spread={"autoencoder": 3.0, "mean image": 9.0},
    ),
    "one bar": lambda: plotting.bars({"a": 1e-5}, xlabel="error"),
    "bars, log": lambda: plotting.bars(
        {"fit": 1, "GradientTape loop": 0.21, "compiled": 35.2}, xlabel="speed", log=True
    ),
    "architecture": lambda: plotting.architecture(
        [("input 100", 100), ("dense 64, relu", 64), ("code 32", 32), ("output 100, sigmoid", 100)], code=2
    ),
    "architecture, two lines": lambda: plotting.architecture([("784\nreconstructed pixels", 784)] * 6),
    "wide titles": lambda: plotting.image_rows({"a": IMAGES}, titles=["before training"] * 6),
    "grid with titles": lambda: plotting.image_grid(COLORED, columns=3, titles=["untrained", "1", "epoch 2"]),
    "film": lambda: plotting.film([IMAGES] * 2, ["untrained", "epoch 1", "2", "3", "4", "5"], inputs=IMAGES[:2]),
    "error map": lambda: plotting.error_map(IMAGES[0], label="mean error", title="error", image=IMAGES[1]),
    "flow": lambda: plotting.flow(STAGES),
    "flow, long names": lambda: plotting.flow(
        [
            ("a name that is far too long", IMAGES[0]),
            ("a convolutional encoder", None),
            ("another long name here", [1, 2]),
            ("a linear readout", None),
            ("a third one of the same kind", [1.0]),
        ]
    ),
    "close ends": lambda: plotting.learning_curves(
        {f"a curve with a rather long name, {i}": FALLING + i / 1000 for i in range(4)},
        ylabel="mse",
        references={"PCA": 0.1, "mean": 0.101},
    ),
    "sweep": lambda: plotting.sweep(
        {name: ([1, 2, 8], np.array([3, 2, 1]) + i / 50) for i, name in enumerate(["autoencoder", "PCA", "VAE"])},
        xlabel="numbers in the code",
        ylabel="error",
        log="xy",
        xticks=[1, 2, 8],
        yticks=[1, 2, 3],
    ),
    "codes": lambda: plotting.code_map(rng.normal(size=(500, 2)), np.arange(500) % 10),
    "codes and images": lambda: plotting.code_map(
        CODES, LABELS, decoder_grid=(rng.uniform(size=(3, 3, 4, 4)), (-8, 8, -8, 8))
    ),
    "decoded": lambda: plotting.decoded_grid(rng.uniform(size=(3, 3, 4, 4)), (-1, 1, -1, 1)),
}


@pytest.mark.parametrize("name", CROWDED)
def test_all_text_is_inside_and_apart(name):
    fig = CROWDED[name]()
    shown = texts(fig)
    renderer = fig.canvas.get_renderer()
    boxes = {text: Text.get_window_extent(text, renderer) for text in shown}
    canvas = fig.bbox
    for text, box in boxes.items():
        assert canvas.x0 <= box.x0 and box.x1 <= canvas.x1, text.get_text()  # noqa: PT018
        assert canvas.y0 <= box.y0 and box.y1 <= canvas.y1, text.get_text()  # noqa: PT018
    for (text, box), (other, other_box) in itertools.combinations(boxes.items(), 2):
        assert not box.overlaps(other_box), f"{text.get_text()!r} and {other.get_text()!r}"


@pytest.mark.parametrize("name", CROWDED)
def test_no_text_is_smaller_than_nine_points(name):
    for text in texts(CROWDED[name]()):
        assert text.get_fontsize() >= 9, text.get_text()


def test_small_text_of_the_style_has_nine_points():
    fig, ax = plt.subplots()
    ax.plot([1, 2], label="a")
    ax.legend()
    ax.text(0, 1, "small", fontsize="small")
    assert min(text.get_fontsize() for text in texts(fig)) >= 9


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: plotting.image_rows({}), "`rows` must be at least one row"),
        (lambda: plotting.image_rows({"a": []}), "`rows['a']` must be a row of at least one image"),
        (lambda: plotting.image_rows({"a": IMAGES, "b": IMAGES[:2]}), "`rows['b']` must be a row of 6 images"),
        (lambda: plotting.image_rows({"a": IMAGES[:2], "b": IMAGES}), "`rows['b']` must be a row of 2 images"),
        (lambda: plotting.image_rows({"a": IMAGES}, titles=["input"]), "`titles` must be an array of 6 rows"),
        (lambda: plotting.image_rows({"a": IMAGES[0]}), "`rows['a'][0]` must be an array with 2 or 3 dimensions"),
        (lambda: plotting.image_rows({"a": IMAGES[..., :2, None].repeat(2, -1)}), "`rows['a'][0]` must be an image"),
        (lambda: plotting.image_rows({"a": IMAGES * np.nan}), "`rows['a'][0]` must be an array of finite numbers"),
        (lambda: plotting.image_rows({"a": IMAGES}, frame={(1, 0)}), "`a row in frame` must be an integer"),
        (lambda: plotting.image_rows({"a": IMAGES}, frame={(0, 6)}), "`a column in frame` must be an integer"),
        (lambda: plotting.image_grid([]), "`images` must be at least one image"),
        (lambda: plotting.image_grid(IMAGES, columns=0), "`columns` must be an integer of at least 1"),
        (lambda: plotting.film([IMAGES], ["a"]), "`frames[0]` must be a row of 1 images"),
        (lambda: plotting.film([IMAGES], list("abcdef"), inputs=IMAGES), "`inputs` must be 1 images"),
        (lambda: plotting.error_map(COLORED[0], label="a"), "`values` must be a map"),
        (lambda: plotting.error_map([[np.inf]], label="a"), "`values` must be an array of finite numbers"),
        (lambda: plotting.code_map(np.ones((4, 3)), np.ones(4)), "`z` must be an array of shape (n, 2)"),
        (lambda: plotting.code_map(CODES, LABELS[:4]), "`labels` must be an array of shape (60,)"),
        (lambda: plotting.code_map(CODES, np.arange(60)), "`labels` must be at most 10 different values"),
        (lambda: plotting.code_map(CODES, LABELS, points={"A": (1, 2, 3)}), "`points['A']` must be an array of 2"),
        (lambda: plotting.code_map(CODES, LABELS, points={"A": (1, 2)}, path=("A", "B")), "`path` must be one of 'A'"),
        (lambda: plotting.code_map(CODES, LABELS, points={"A": (1, 2)}, path=("A",)), "`path` must be two"),
        (lambda: plotting.code_map(CODES, LABELS, steps=-1), "`steps` must be an integer of at least 0"),
        (lambda: plotting.decoded_grid(IMAGES, (0, 1, 0, 1)), "`images` must be an array with 4 or 5 dimensions"),
        (lambda: plotting.decoded_grid(np.ones((2, 2, 3, 3)), (1, 0, 0, 1)), "`extent` must be (left, right,"),
        (lambda: plotting.decoded_grid(np.ones((1, 2, 3, 3)), (0, 1, 0, 1)), "`images` must be at least two rows"),
        (lambda: plotting.flow([]), "`stages` must be a row that begins and ends with a content"),
        (lambda: plotting.flow(STAGES[1:]), "Received: None, content, None, content."),
        (lambda: plotting.flow(STAGES[:2]), "Received: content, None."),
        (lambda: plotting.flow([*STAGES[:2], *STAGES[1:]]), "Received: content, None, None, content, None, content."),
        (lambda: plotting.learning_curves({"a": [1, np.nan]}, ylabel="y"), "`curves['a']` must be"),
        (lambda: plotting.learning_curves({"a": [1, 0]}, ylabel="y", log=True), "`curves['a']` must be"),
        (lambda: plotting.sweep({"a": ([1, 2], [1, 2, 3])}, xlabel="x", ylabel="y"), "`x of curves['a']` must be"),
        (lambda: plotting.sweep({"a": ([1, 2], [1, np.nan])}, xlabel="x", ylabel="y"), "`y of curves['a']` must be"),
        (lambda: plotting.sweep({"a": ([1, 2], [1, 0])}, xlabel="x", ylabel="y", log="y"), "`y of curves['a']` must"),
        (lambda: plotting.sweep({"a": ([0, 2], [1, 1])}, xlabel="x", ylabel="y", log="x"), "`x of curves['a']` must"),
        (lambda: plotting.bars({"a": 1}, xlabel="a", spread={"b": 1}), "`spread and highlight` must be one of 'a'"),
        (lambda: plotting.bars({"a": 1}, xlabel="a", highlight=["b"]), "`spread and highlight` must be one of 'a'"),
    ],
)
def test_nothing_is_left_out_in_silence(draw, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        draw()
