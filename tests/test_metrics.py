"""Metrics against scikit-learn, closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from aetutorial import metrics

rng = np.random.default_rng(0)


# --- squared_error and mse -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (7,), (5, 3), (4, 6, 6, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "bool"])
def test_errors_agree_with_scikit_learn(shape, dtype):
    x, x_hat = (rng.uniform(0, 2, shape).astype(dtype) for _ in range(2))
    flat, flat_hat = (a.reshape(len(a), -1).astype(float) for a in (x, x_hat))
    errors = metrics.squared_error(x, x_hat)
    assert (errors.shape, errors.dtype) == ((len(x),), np.float64)
    per_example = [
        mean_squared_error(a, b) * flat.shape[1] for a, b in zip(flat, flat_hat, strict=True)
    ]
    np.testing.assert_allclose(errors, per_example, rtol=1e-12)
    assert metrics.mse(x, x_hat) == pytest.approx(mean_squared_error(flat, flat_hat), rel=1e-12)


def test_errors_in_closed_form():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal(metrics.squared_error(x, 0 * x), [0, 25])
    assert metrics.mse(x, 0 * x) == 25 / 4
    assert metrics.mse(x.tolist(), [[1, 1], [4, 5]]) == 1


def test_small_integers_do_not_wrap_around():
    dark, light = np.zeros((1, 2), "uint8"), np.full((1, 2), 200, "uint8")
    assert metrics.squared_error(dark, light) == metrics.squared_error(light, dark) == 80_000


def test_mse_is_kerass():
    import keras

    x, x_hat = rng.uniform(size=(2, 50, 9)).astype("float32")
    expected = np.mean(keras.losses.mean_squared_error(x, x_hat))
    assert metrics.mse(x, x_hat) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("function", [metrics.squared_error, metrics.mse])
@pytest.mark.parametrize(
    ("x", "x_hat", "error", "said"),
    [
        (np.ones((2, 3)), np.ones((2, 4)), ValueError, r"`x_hat` .* shape \(2, 3\), like `x`"),
        (np.ones((2, 3)), np.ones((1, 3)), ValueError, "`x_hat`"),
        ([[np.nan]], [[1.0]], ValueError, "`x` must be an array of finite"),
        ([[1.0]], [[np.inf]], ValueError, "`x_hat` must be an array of finite"),
        ([["a"]], [[1.0]], TypeError, "`x` must be an array of numbers"),
        ([], [], ValueError, "`x` .* not empty"),
        (1.0, 1.0, ValueError, "`x`"),
    ],
)
def test_errors_refuse(function, x, x_hat, error, said):
    with pytest.raises(error, match=said):
        function(x, x_hat)


# --- neighbour_accuracy --------------------------------------------------------------------------


def vote(z_train, y_train, z, k):
    """Return the most frequent label among the k nearest, the smallest one in a tie."""
    nearest = np.argsort(((z_train - z) ** 2).sum(axis=1), kind="stable")[:k]
    labels, counts = np.unique(y_train[nearest], return_counts=True)
    return labels[counts.argmax()]


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbour_accuracy_agrees_with_brute_force(k, dtype):
    z_train, z_test = rng.normal(size=(60, 4)).astype(dtype), rng.normal(size=(40, 4)).astype(dtype)
    y_train, y_test = (z_train[:, 0] > 0).astype(int), (z_test[:, 0] > 0).astype(int)
    right = [vote(z_train, y_train, z, k) == y for z, y in zip(z_test, y_test, strict=True)]
    expected = np.mean(right)
    assert 0.5 < expected < 1  # a case that is neither trivial nor hopeless
    found = metrics.neighbour_accuracy(z_train, y_train, z_test, y_test, n_neighbors=k)
    assert found == pytest.approx(expected)


def test_neighbour_accuracy_in_closed_form():
    z, y = np.array([[0.0], [1.0], [10.0]]), np.array([0, 0, 1])
    assert metrics.neighbour_accuracy(z, y, z, y) == 1
    assert metrics.neighbour_accuracy(z, y, [[9.0], [0.4]], [1, 1]) == 0.5
    assert metrics.neighbour_accuracy(z, y, [[9.0]], [1], n_neighbors=3) == 0


ROW = np.ones((3, 2))


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"n_neighbors": 0}, ValueError, "`n_neighbors` must be an integer of at least 1"),
        ({"n_neighbors": 4}, ValueError, "`z_train` must be an array of at least 4 rows"),
        ({"n_neighbors": 1.0}, TypeError, "`n_neighbors`"),
        ({"z_train": np.ones((3, 2, 1))}, ValueError, "`z_train` must be an array with 2 dim"),
        ({"y_train": [0, 1]}, ValueError, "`y_train` must be an array of 3 rows"),
        ({"z_test": np.ones((3, 5))}, ValueError, r"`z_test` .* \(m, 2\), as wide as `z_train`"),
        ({"z_test": [[np.nan, 1]], "y_test": [0]}, ValueError, "`z_test` .* finite"),
        ({"y_test": [[0], [1], [0]]}, ValueError, "`y_test` must be an array with 1 dim"),
    ],
)
def test_neighbour_accuracy_refuses(changes, error, said):
    arguments = {"z_train": ROW, "y_train": [0, 1, 0], "z_test": ROW, "y_test": [0, 1, 0]}
    with pytest.raises(error, match=said):
        metrics.neighbour_accuracy(**(arguments | changes))


# --- paired_margin -------------------------------------------------------------------------------


def test_paired_margin_in_closed_form():
    # Differences 1 and 3: mean 2, standard deviation sqrt(2).
    assert metrics.paired_margin([2, 4], [1, 1]) == pytest.approx(np.sqrt(2))
    assert metrics.paired_margin([1, 1], [2, 4]) == pytest.approx(-np.sqrt(2))
    assert metrics.paired_margin([2, 2, 2], [1, 1, 1]) == np.inf
    assert metrics.paired_margin([1, 1], [2, 2]) == -np.inf
    assert metrics.paired_margin([1, 2], [1, 2]) == 0


@pytest.mark.parametrize("n", [2, 5, 30])
def test_paired_margin_is_the_t_statistic_without_its_root_n(n):
    from scipy import stats

    larger, smaller = rng.normal(size=(2, n))
    expected = stats.ttest_rel(larger, smaller).statistic / np.sqrt(n)
    assert metrics.paired_margin(larger, smaller) == pytest.approx(expected)
    assert metrics.paired_margin(7 * larger, 7 * smaller) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("larger", "smaller", "said"),
    [
        ([1.0], [2.0], "`larger` must be an array of at least 2 rows"),
        ([1.0, 2.0], [1.0], "`smaller` must be an array of 2 rows"),
        ([1.0, np.nan], [1.0, 2.0], "`larger` .* finite"),
        (np.ones((2, 2)), np.ones((2, 2)), "`larger` must be an array with 1 dim"),
    ],
)
def test_paired_margin_refuses(larger, smaller, said):
    with pytest.raises(ValueError, match=said):
        metrics.paired_margin(larger, smaller)
