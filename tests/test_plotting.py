"""Figures: what they draw, what they say in words, that no text collides, what they refuse."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from aetutorial import plotting

rng = np.random.default_rng(0)
IMAGES = rng.uniform(-0.5, 1.5, (6, 8, 8))
FALLING = np.exp(-np.arange(30) / 5) + 0.1


@pytest.fixture(autouse=True)
def style():
    with plt.style.context(Path(plotting.__file__).with_name("aetutorial.mplstyle")):
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


def test_show_publishes_picture_and_words_and_closes_the_figure(notebook):
    fig = plotting.bars({"a": 1.0}, xlabel="length")
    assert plotting.show(fig, "One bar\n   of length one.  ") is None
    (bundle,) = notebook
    assert set(bundle["data"]) == {"image/png", "text/plain"}
    assert bundle["data"]["text/plain"] == "Figure: One bar of length one."
    assert bundle["metadata"] == {"image/png": {"alt": "One bar of length one."}}
    picture = bundle["data"]["image/png"]
    picture = base64.b64decode(picture) if isinstance(picture, str) else picture
    assert picture.startswith(b"\x89PNG")
    assert b"Software" not in picture  # matplotlib's version is no part of it
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize("alt", ["", "  A line.             "])
def test_a_figure_without_words_is_not_shown(notebook, alt):
    with pytest.raises(ValueError, match="`alt` must be a text of at least 20 characters"):
        plotting.show(Figure(), alt)
    assert notebook == []


# --- images --------------------------------------------------------------------------------------


def drawn(fig: Figure) -> list[np.ndarray]:
    return [np.asarray(ax.images[0].get_array()) for ax in fig.axes if ax.images]


@pytest.mark.parametrize("shape", [(6, 8, 8), (6, 8, 8, 1)])
def test_image_rows(shape):
    rows = {"input": IMAGES.reshape(shape), "PCA": IMAGES[::-1].reshape(shape).astype("float32")}
    fig = plotting.image_rows(rows, titles=list("abcdef"))
    assert isinstance(fig, Figure)
    assert len(fig.axes) == 12
    clipped = np.clip(IMAGES, 0, 1)
    np.testing.assert_allclose(drawn(fig), [*clipped, *clipped[::-1]], rtol=1e-6)
    assert {ax.images[0].get_clim() for ax in fig.axes} == {(0, 1)}  # all on the same scale
    assert words(fig) == {"input", "PCA", *"abcdef"}


def test_image_rows_without_titles():
    assert words(plotting.image_rows({"input": IMAGES})) == {"input"}


@pytest.mark.parametrize(("images", "places"), [(6, 10), (10, 10), (11, 20)])
def test_image_grid(images, places):
    shown = np.resize(IMAGES, (images, 8, 8))
    fig = plotting.image_grid(shown)
    assert len(fig.axes) == places
    np.testing.assert_array_equal(drawn(fig), np.clip(shown, 0, 1))
    assert not any(ax.axison for ax in fig.axes)


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
    assert len({bar.get_facecolor() for bar in ax.patches}) == 2
    assert {"PCA", "autoencoder", "mean", "2", "-1", "123", "error"} <= words(fig)
    (error_bar,) = ax.collections
    assert error_bar.get_segments()[0][:, 0].tolist() == [-1.5, -0.5]
    top_down = [label.get_text() for label in ax.get_yticklabels()]
    assert top_down == list(values)
    assert ax.yaxis_inverted()


def test_bars_on_a_logarithmic_axis():
    fig = plotting.bars({"a": 0.5, "b": 20.0}, xlabel="ratio", log=True, digits=1)
    assert fig.axes[0].get_xscale() == "log"
    assert {"0.5", "2e+01"} <= words(fig)


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


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plotting.image_rows({"a": IMAGES, "b": IMAGES[:2]}),
        lambda: plotting.image_rows({"a": IMAGES[:2], "b": IMAGES}),
        lambda: plotting.image_rows({"a": IMAGES}, titles=["input"]),
        lambda: plotting.learning_curves({"a": [1, np.nan]}, ylabel="y"),
        lambda: plotting.learning_curves({"a": [1, 0]}, ylabel="y", log=True),
        lambda: plotting.sweep({"a": ([1, 2], [1, 2, 3])}, xlabel="x", ylabel="y"),
        lambda: plotting.sweep({"a": ([1, 2], [1, np.nan])}, xlabel="x", ylabel="y"),
        lambda: plotting.sweep({"a": ([1, 2], [1, 0])}, xlabel="x", ylabel="y", log="y"),
        lambda: plotting.bars({"a": 1}, xlabel="a", spread={"b": 1}),
        lambda: plotting.bars({"a": 1}, xlabel="a", highlight=["b"]),
    ],
)
def test_nothing_is_left_out_in_silence(draw):
    with pytest.raises(ValueError, match=r"zip\(\)|same size|curves\['a'\]|spread and highlight"):
        draw()
