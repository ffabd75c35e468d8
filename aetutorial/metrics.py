"""What two or more lessons measure: arrays in, numbers out. No model is known here."""

from __future__ import annotations

from typing import Any

import numpy as np

from aetutorial import _validate


def squared_error(x: Any, x_hat: Any) -> np.ndarray:
    """Return the squared error of each example, summed over its features.

    Args:
        x: Inputs, shape (n, ...), any finite numbers.
        x_hat: Reconstructions, the shape of `x`.

    Returns:
        float64, shape (n,), in squared units of the input. Its mean over examples is the loss L of lesson 2;
        divided by the number of features D it is Keras's `mse`.

    Raises:
        TypeError, ValueError: not numbers, NaN or infinite, empty, or of different shapes.
    """
    x, x_hat = _pair(x, x_hat)
    difference = (x.astype(np.float64) - x_hat.astype(np.float64)).reshape(len(x), -1)
    return np.asarray(np.einsum("nd,nd->n", difference, difference))


def mse(x: Any, x_hat: Any) -> float:
    """Return the mean squared error over examples and features: what Keras calls `mse`.

    Args:
        x: Inputs, shape (n, ...), any finite numbers.
        x_hat: Reconstructions, the shape of `x`.

    Returns:
        A number of at least 0, in squared units of the input.

    Raises:
        TypeError, ValueError: as for `squared_error`.
    """
    errors = squared_error(x, x_hat)
    return float(errors.mean() * len(errors) / np.size(x))


def neighbour_accuracy(
    z_train: Any, y_train: Any, z_test: Any, y_test: Any, *, n_neighbors: int = 1
) -> float:
    """Return how often the nearest training examples vote for the right label of a held-out one.

    Args:
        z_train: Codes or other features to search among, shape (n, d).
        y_train: Their labels, shape (n,).
        z_test: Held-out codes, shape (m, d).
        y_test: Their labels, shape (m,).
        n_neighbors: How many neighbours vote, at least 1. Distance is Euclidean.

    Returns:
        The accuracy, in [0, 1] (Cover and Hart 1967).

    Raises:
        TypeError, ValueError: wrong shapes, NaN or infinite values, or too few training examples.
    """
    from sklearn.neighbors import KNeighborsClassifier

    n_neighbors = _validate.integer("n_neighbors", n_neighbors, low=1)
    z_train = _validate.array("z_train", z_train, ndim=2, min_rows=n_neighbors)
    y_train = _validate.array("y_train", y_train, ndim=1, rows=len(z_train))
    z_test = _validate.array("z_test", z_test, ndim=2)
    y_test = _validate.array("y_test", y_test, ndim=1, rows=len(z_test))
    if z_train.shape[1] != z_test.shape[1]:
        expected = f"an array of shape (m, {z_train.shape[1]}), as wide as `z_train`"
        raise ValueError(_validate.message("z_test", expected, z_test))
    reader = KNeighborsClassifier(n_neighbors=n_neighbors, algorithm="brute")
    return float(reader.fit(z_train, y_train).score(z_test, y_test))


def paired_margin(larger: Any, smaller: Any) -> float:
    """Return by how many standard deviations of the paired differences one method exceeds another.

    The course claims a ranking only where this is above 1: where the mean difference over the seeds exceeds the spread
    of the differences.

    Args:
        larger: Results of the method said to be larger, shape (seeds,), at least 2 seeds.
        smaller: Results of the other one at the same seeds, same shape.

    Returns:
        mean(larger - smaller) / std(larger - smaller), with n - 1 in the standard deviation; infinite, with
        the sign of the difference, if the differences are all equal and not 0; 0 if all are 0.

    Raises:
        TypeError, ValueError: wrong shapes, NaN or infinite values.
    """
    larger = _validate.array("larger", larger, ndim=1, min_rows=2)
    smaller = _validate.array("smaller", smaller, ndim=1, rows=len(larger))
    difference = larger.astype(np.float64) - smaller.astype(np.float64)
    mean, spread = float(difference.mean()), float(difference.std(ddof=1))
    if spread == 0:
        return float(np.sign(mean) * np.inf) if mean else 0.0
    return mean / spread


def _pair(x: Any, x_hat: Any) -> tuple[np.ndarray, np.ndarray]:
    x = _validate.array("x", x)
    x_hat = _validate.array("x_hat", x_hat)
    if x.shape != x_hat.shape:
        raise ValueError(
            _validate.message("x_hat", f"an array of shape {x.shape}, like `x`", x_hat)
        )
    return x, x_hat
