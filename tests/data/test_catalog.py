"""Dataset, the sets that need no network, sabotage, scaling.

Files and downloads: test_download.py; the learner's own data: test_files.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from aetutorial import data
from aetutorial.data import dataset

ROOT = Path(data.__file__).parents[2]
# Published sizes of MNIST's classes (LeCun, Cortes and Burges), digits 0 to 9.
MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("AETUTORIAL_SABOTAGE", raising=False)


# --- Dataset ------------------------------------------------------------------------------------


def small_dataset(**changes):
    fields = {
        "x_train": np.arange(12.0).reshape(4, 3),
        "y_train": np.array([0, 1, 0, 1]),
        "x_test": np.ones((2, 3)),
        "y_test": np.array([1, 0]),
        "name": "small",
        "image_shape": None,
        "source": "here",
        "license": "MIT",
    }
    return data.Dataset(**{**fields, **changes})


def test_dataset_cannot_be_changed():
    mine = np.zeros((4, 3))
    dataset = small_dataset(x_train=mine)
    mine[0] = 7  # the caller's array stays the caller's
    assert dataset.x_train.max() == 0
    for array in (dataset.x_train, dataset.x_train[1:], dataset.y_test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        dataset.x_train[1:].setflags(write=True)
    with pytest.raises(AttributeError):
        dataset.x_train = mine


def test_dataset_of_a_read_only_view_is_a_copy():
    owner = np.zeros((5, 3))
    view = owner[:4]
    view.setflags(write=False)
    dataset = small_dataset(x_train=view)
    owner[:] = 1
    assert dataset.x_train.max() == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"y_train": np.array([0, 1])}, "`y_train` must be an array of 4 rows"),
        ({"about_test": {"name": np.array(["a", "b", "c"])}}, "`about` must be an array of 2 entries"),
        ({"x_test": np.ones((2, 5))}, "`x_test` must be .* as in `x_train`"),
        ({"x_test": np.full((2, 3), np.nan)}, "`x_test` must be an array of finite numbers"),
    ],
)
def test_dataset_refuses_arrays_that_do_not_fit(changes, error):
    with pytest.raises(ValueError, match=error):
        small_dataset(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"x_train": np.arange(12.0).reshape(4, 3)[::-1]},
        {"x_train": np.arange(12.0, dtype=np.float32).reshape(4, 3)},
        {"y_test": np.array([0, 1])},
        {"y_train": None},
    ],
)
def test_checksum_depends_on_the_arrays_and_on_nothing_else(changes):
    assert small_dataset().checksum == small_dataset(name="other").checksum
    assert re.fullmatch("[0-9a-f]{64}", small_dataset().checksum)
    assert small_dataset(**changes).checksum != small_dataset().checksum


def test_repr_is_short_and_tells_the_essentials():
    text = repr(small_dataset())
    for part in ("'small'", "(4, 3)", "(2, 3)", "float64", "from 0 to 11", "2 different", "MIT"):
        assert part in text
    assert len(text.splitlines()) <= 4
    assert "no labels" in repr(small_dataset(y_train=None, y_test=None))


# --- the sets that need no network --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "n_train", "n_test"),
    [
        ("digits", (8, 8, 1), 1437, 360),
        ("mnist", (28, 28, 1), 10_000, 2_000),
        ("patches", (12, 12, 1), 10_000, 2_000),
        ("emoji", (32, 32, 3), 3_029, 752),
    ],
)
def test_images_are_float32_nhwc_from_0_to_1(name, shape, n_train, n_test):
    dataset = data.load(name)
    assert dataset.name == name
    assert dataset.image_shape == shape
    assert dataset.x_train.shape == (n_train, *shape)
    assert dataset.x_test.shape == (n_test, *shape)
    for x in (dataset.x_train, dataset.x_test):
        assert x.dtype == np.float32
        assert x.min() == 0
        assert 0.9 < x.max() <= 1
        assert not x.flags.writeable
    for y in (dataset.y_train, dataset.y_test):
        assert (y is None) if name == "patches" else (y.dtype == np.int64)
    assert dataset.source
    assert dataset.license.startswith("CC BY")


# Stored studies know their data by these: they don't follow the code that makes the data.
CHECKSUMS = {
    "digits": "b7385d1ca0c42959c1794a6068e5d0fc46ff2b9fb6842f2f9353a6f257325a17",
    "mnist": "16208e3c5acaa99f95a0a02c0ae6165fc2a251bcdb139594bc871a5cb6685f78",
    "emoji": "9aa9e171ccd953fa4ef8585e905466925994160b44dae9fc70f187f675bd8f83",
    "heartbeats": "0990c82c1365fd3449413f89752073c178620e68a98738b52898288dfbec531a",
    "patches": "dba0973e376c99f1f2cea6543cf28ea58f02d71ee1ff07109f75a16bc7dcb947",
    "gaussian": "3dd0244e4472e4c783f17389560c1003cb729b0476629d346c8e3ba3c3f8616d",
    "breast-cancer": "d48351f869d7494c93568dfa5cef36ee94fc26575a02df9f4d676917dda8466c",
}


@pytest.mark.parametrize("name", data.OFFLINE_NAMES)
def test_the_data_are_bit_for_bit_what_stored_studies_know(name):
    for _ in range(2):
        assert data.load(name).checksum == CHECKSUMS[name]


def test_emoji_have_names_tones_and_families_that_a_split_never_parts():
    emoji = data.load("emoji")
    for part in ("train", "test"):
        about, y = getattr(emoji, f"about_{part}"), getattr(emoji, f"y_{part}")
        assert set(about) == {"name", "emoji", "skin_tone", "family"}
        assert set(np.unique(about["skin_tone"])) == set(range(7))
        toned = about["skin_tone"] > 0
        assert (y[toned] == emoji.label_names.index("People & Body")).mean() > 0.95
        with pytest.raises(ValueError, match="read-only"):
            about["family"][0] = 1
        with pytest.raises(TypeError):
            about["family"] = None
    for name in ("emoji", "family", "name"):
        assert not set(emoji.about_train[name]) & set(emoji.about_test[name]), name
    dragon = emoji.x_train[list(emoji.about_train["name"]).index("Dragon face")]
    assert dragon[0, 0].tolist() == [1, 1, 1]  # composed on white
    assert dragon[..., 1].mean() > dragon[..., 2].mean()  # green


def test_no_held_out_emoji_is_nearly_equal_to_a_training_image():
    emoji = data.load("emoji")
    train, test = (x.reshape(len(x), -1).astype(np.float64) for x in (emoji.x_train, emoji.x_test))
    squared = (train**2).sum(1)[:, None] + (test**2).sum(1) - 2 * train @ test.T
    assert squared.min() / train.shape[1] > 0.0018  # 0.002 before the colors were rounded


def test_a_careless_split_of_the_emoji_leaks_as_much_as_the_reference_page_says():
    emoji = data.load("emoji")
    train, test = (x.reshape(len(x), -1).astype(np.float64) for x in (emoji.x_train, emoji.x_test))
    every = np.random.default_rng(0).permutation(np.concatenate([train, test]))
    errors = []
    for known, new in ((every[: len(train)], every[len(train) :]), (train, test)):
        squared = (known**2).sum(1)[:, None] + (new**2).sum(1) - 2 * known @ new.T
        errors.append(squared.min(axis=0).mean() / train.shape[1])
    careless, by_family = errors
    assert careless == pytest.approx(0.0207, abs=2e-4)
    assert careless / by_family == pytest.approx(0.6, abs=0.03)  # "three fifths"


def test_tones_of_one_emoji_are_the_same_drawing():
    emoji = data.load("emoji")
    about = emoji.about_train
    thumb = np.flatnonzero(about["name"] == "Waving hand sign")
    if not len(thumb):
        about, thumb = emoji.about_test, np.flatnonzero(emoji.about_test["name"] == "Waving hand sign")
    assert sorted(about["skin_tone"][thumb]) == list(range(6))
    images = (emoji.x_train if about is emoji.about_train else emoji.x_test)[thumb]
    by_tone = images[np.argsort(about["skin_tone"][thumb])][1:].mean(axis=(1, 2, 3))
    assert (np.diff(by_tone) < 0).all()  # from the lightest to the darkest


def test_heartbeats_are_windows_of_two_halves_in_time():
    beats = data.load("heartbeats")
    first, second = beats.about_train["start"], beats.about_test["start"]
    assert (np.diff(first) == 32).all()
    assert first.max() + 128 <= second.min()  # no sample is on both sides
    assert np.array_equal(beats.x_train[1:, :96], beats.x_train[:-1, 32:])
    assert 0 <= beats.x_test.min() < beats.x_test.max() < 1
    at_zero = (beats.x_test == 0).any(axis=(1, 2))  # the signal fails: someone marked it
    assert at_zero.any()
    assert beats.y_test[at_zero].all()
    assert 0.1 < beats.y_train.mean() < beats.y_test.mean() < 0.25


def test_unknown_name_lists_the_names():
    with pytest.raises(ValueError, match=r"`name` must be one of .*'fashion-mnist'.*'cifar'"):
        data.load("cifar")
    assert set(data.OFFLINE_NAMES) < set(data.NAMES)


def test_import_is_light():
    code = "import sys; from aetutorial import data; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"sklearn", "scipy", "tensorflow", "keras", "pooch", "requests", "PIL"}
    assert not heavy & set(ran.stdout.split())


def rows(x):
    return sorted(row.tobytes() for row in x)


def test_digits_are_scikit_learns_divided_by_16():
    from sklearn.datasets import load_digits

    original = load_digits()
    dataset = data.load("digits")
    both = np.concatenate([dataset.x_train, dataset.x_test]).reshape(-1, 64)
    assert rows(both) == rows((original.data / 16).astype(np.float32))
    label_of = {(x / 16).astype(np.float32).tobytes(): y for x, y in zip(original.data, original.target, strict=True)}
    for x, y in zip(dataset.x_test, dataset.y_test, strict=True):
        assert label_of[x.tobytes()] == y
    share = np.bincount(dataset.y_test) / np.bincount(original.target)
    assert np.allclose(share, 0.2, atol=0.006)  # one image of 174 to 183


def test_mnist_has_mnists_proportions_and_no_image_in_both_parts():
    dataset = data.load("mnist")
    for y, published, total in ((dataset.y_train, MNIST_TRAIN, 10_000), (dataset.y_test, MNIST_TEST, 2_000)):
        exact = np.array(published) * total / sum(published)
        assert np.abs(np.bincount(y) - exact).max() < 1
        assert len(set(y[:50])) == 10  # in random order
    train, test = set(rows(dataset.x_train)), set(rows(dataset.x_test))
    assert len(train) == 10_000
    assert len(test) == 2_000
    assert not train & test


def test_patches_come_from_disjoint_parts_of_the_photographs():
    from sklearn.datasets import load_sample_images

    dataset = data.load("patches")
    photographs = [
        (0.299 * p[..., 0] + 0.587 * p[..., 1] + 0.114 * p[..., 2]) / 255 for p in load_sample_images().images
    ]

    def columns(patch):
        """Yield the left edges of the patch, wherever in the photographs it occurs."""
        for gray in photographs:
            windows = np.lib.stride_tricks.sliding_window_view(gray, (12, 12))
            near = np.argwhere(np.abs(windows[..., 5, 5] - patch[5, 5]) < 1e-6)
            for row, column in near:
                if np.abs(windows[row, column] - patch).max() < 1e-6:
                    yield column

    for x, allowed in ((dataset.x_train, range(480 - 11)), (dataset.x_test, range(480, 629))):
        textured = x[x.std(axis=(1, 2, 3)) > 0.1]
        for patch in textured[:10, :, :, 0]:
            edges = list(columns(patch))
            assert edges
            assert all(edge in allowed for edge in edges)


def test_breast_cancer_is_the_published_table_split_once():
    from sklearn.datasets import load_breast_cancer

    dataset, original = data.load("breast-cancer"), load_breast_cancer()
    assert dataset.x_train.shape == (455, 30)
    assert dataset.x_test.shape == (114, 30)
    assert dataset.image_shape is None
    assert dataset.label_names == ("malignant", "benign")
    assert dataset.feature_names[0] == "mean radius"
    x = np.concatenate([dataset.x_train, dataset.x_test])
    y = np.concatenate([dataset.y_train, dataset.y_test])
    rows, published = np.lexsort(x.T), np.lexsort(original.data.T.astype(np.float32))
    assert np.array_equal(x[rows], original.data[published].astype(np.float32))
    assert np.array_equal(y[rows], original.target[published])
    assert abs(dataset.y_train.mean() - dataset.y_test.mean()) < 0.01


def test_gaussian_is_standard_normal_and_unrelated():
    from scipy.stats import kstest

    dataset = data.load("gaussian")
    assert dataset.image_shape is None
    assert dataset.y_train is None
    for x in (dataset.x_train, dataset.x_test):
        assert x.shape == (1000, 100)
        assert x.dtype == np.float32
        assert kstest(x.ravel(), "norm").pvalue > 0.01
        correlation = np.corrcoef(x, rowvar=False) - np.eye(100)
        assert np.abs(correlation).max() < 5.5 / np.sqrt(1000)
    assert abs(np.corrcoef(dataset.x_train.ravel(), dataset.x_test.ravel())[0, 1]) < 0.02


# --- sabotage -----------------------------------------------------------------------------------


def test_shuffled_pixels_permute_each_example_differently(monkeypatch):
    plain = data.load("digits")
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-pixels")
    spoiled = data.load("digits")
    assert spoiled.checksum == data.load("digits").checksum
    for part in ("x_train", "x_test"):
        before = getattr(plain, part).reshape(-1, 64)
        after = getattr(spoiled, part).reshape(-1, 64)
        assert np.array_equal(np.sort(before), np.sort(after))
        changed = (before != after).any(axis=1)
        assert changed.all()
        # A permutation common to all images would keep the spread of each pixel's mean.
        assert after.mean(axis=0).std() < 0.2 * before.mean(axis=0).std()
    assert np.array_equal(plain.y_train, spoiled.y_train)


def test_shuffled_pixels_keep_colors_and_work_on_rows(monkeypatch):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-pixels")
    about = {"name": "mine", "source": "here", "license": "MIT"}
    gray = np.tile(np.arange(16.0).reshape(4, 4, 1), (5, 1, 1, 1))
    x = np.concatenate([gray, gray + 100, gray + 200], axis=-1)
    spoiled = dataset.finish({"x_train": x, "x_test": x.copy(), **about}).x_train
    assert np.array_equal(spoiled[..., 1], spoiled[..., 0] + 100)
    assert np.array_equal(spoiled[..., 2], spoiled[..., 0] + 200)
    assert len(np.unique(spoiled.reshape(5, -1), axis=0)) == 5
    row = np.tile(np.arange(30.0), (5, 1))
    spoiled = dataset.finish({"x_train": row, "x_test": row.copy(), **about}).x_train
    assert np.array_equal(np.sort(spoiled), row)
    assert len(np.unique(spoiled, axis=0)) == 5


def test_shuffled_labels_keep_their_counts_and_the_images(monkeypatch):
    plain = data.load("digits")
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-labels")
    spoiled = data.load("digits")
    assert np.array_equal(plain.x_train, spoiled.x_train)
    for part in ("y_train", "y_test"):
        before, after = getattr(plain, part), getattr(spoiled, part)
        assert np.array_equal(np.bincount(before), np.bincount(after))
        assert (before == after).mean() < 0.2
    assert data.load("gaussian").y_train is None


def test_no_training_leaves_the_data_alone(monkeypatch):
    plain = data.load("digits").checksum
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "no-training")
    assert data.load("digits").checksum == plain


# --- scaling ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "oracle"), [(data.standardize, StandardScaler), (data.min_max, MinMaxScaler)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_is_scikit_learns(scale, oracle, dtype):
    rng = np.random.default_rng(0)
    x_train = rng.normal([0, 5, -300, 2], [1, 10, 0.5, 0], (50, 4)).astype(dtype)
    x_test = rng.normal([0, 5, -300, 3], [1, 10, 0.5, 1], (20, 4)).astype(dtype)
    expected = oracle().fit(x_train.astype(np.float64))
    before = x_train.copy()
    for array, scaled in zip((x_train, x_test), scale(x_train, x_test), strict=True):
        assert scaled.dtype == dtype
        np.testing.assert_allclose(scaled, expected.transform(array.astype(np.float64)), rtol=1e-5, atol=1e-6)
    assert np.array_equal(x_train, before)
    assert np.array_equal(scale(x_train), scale(x_train, x_test)[0])  # one array comes back as one


@pytest.mark.parametrize("scale", [data.standardize, data.min_max])
def test_a_constant_feature_becomes_exactly_0(scale):
    # 0.1 cannot be written in binary: the rounded mean of 0.1s need not be 0.1.
    x_train = np.full((1001, 2), [0.1, 0.7])
    train, test = scale(x_train, np.array([[0.35, 0.7]]))
    assert not train.any()
    np.testing.assert_allclose(test, [[0.25, 0]])


def test_scaling_of_images_integers_and_wrong_shapes():
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 3, 1), np.uint8)
    scaled = data.min_max(images)
    assert scaled.shape == images.shape
    assert scaled.dtype == np.float32
    assert scaled.min() == 0
    assert scaled.max() == 1
    with pytest.raises(ValueError, match=r"`others\[1\]` must be .*\(3, 3, 1\)"):
        data.standardize(images, images, images[:, 1:])
    with pytest.raises(ValueError, match=r"`x_train` .* NaN"):
        data.standardize(np.array([[1.0], [np.nan]]))
    with pytest.raises(ValueError, match=r"`others\[0\]` .* NaN"):
        data.min_max(np.ones((2, 1)), np.array([[np.nan]]))


# --- binarized -----------------------------------------------------------------------------------


def test_binarized_draws_with_the_probability_that_the_gray_value_says():
    gray = np.broadcast_to(np.array([0.0, 0.25, 0.9, 1.0]), (20_000, 4))
    x = data.binarized(gray, seed=3)
    assert (x.dtype, x.shape) == (np.float32, gray.shape)
    assert set(np.unique(x)) == {0, 1}
    np.testing.assert_allclose(x.mean(axis=0), [0, 0.25, 0.9, 1], atol=0.015)
    np.testing.assert_array_equal(x, data.binarized(gray, seed=3))
    assert (x != data.binarized(gray, seed=4)).any()


def test_binarized_is_what_lesson_6_shows():
    lesson = Path(__file__).resolve().parents[2] / "notebooks" / "text" / "06_generation.py"
    (shown,) = [node for node in ast.parse(lesson.read_text("utf-8")).body if getattr(node, "name", "") == "binarized"]
    names = {"np": np}
    exec(compile(ast.Module([shown], []), "lesson 6", "exec"), names)
    gray = np.random.default_rng(0).random((50, 7), dtype="float32")
    np.testing.assert_array_equal(names["binarized"](gray, 5), data.binarized(gray, 5))


@pytest.mark.parametrize(
    ("x", "seed", "error", "said"),
    [
        ([0.5, 1.2], 0, ValueError, r"`x` must be an array with values in \[0, 1\]"),
        ([0.5, np.nan], 0, ValueError, "`x` .* finite"),
        (["a"], 0, TypeError, "`x` must be an array of numbers"),
        ([0.5], -1, ValueError, "`seed` must be an integer of at least 0"),
        ([0.5], None, TypeError, "`seed`"),
    ],
)
def test_binarized_refuses(x, seed, error, said):
    with pytest.raises(error, match=said):
        data.binarized(x, seed)
