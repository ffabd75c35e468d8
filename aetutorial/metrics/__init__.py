"""What two or more lessons measure: arrays in, numbers out. No model is known here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from aetutorial import validation
from aetutorial.metrics.samples import copying, frechet_distance, precision_recall, two_sample_accuracy

__all__ = ["clustering_accuracy", "copying", "frechet_distance", "iwae_bound", "mse", "mutual_information_gap"]
__all__ += ["neighbor_accuracy", "paired_margin", "precision_recall", "squared_error", "two_sample_accuracy"]


def squared_error(x: ArrayLike, x_hat: ArrayLike) -> np.ndarray:
    """Return the squared error of each example, summed over its features.

    Args:
        x, x_hat: Inputs and their reconstructions, shape (n, ...) both.

    Returns:
        float64, shape (n,), in squared units of the input. Its mean over examples is the loss L of lesson 2.

    Raises:
        ValueError: different shapes.

    Example:
        >>> from aetutorial import metrics
        >>> metrics.squared_error([[1, 2], [0, 0]], [[1, 0], [0, 3]]).tolist()
        [4.0, 9.0]
    """
    x, x_hat = _pair(x, x_hat)
    difference = (x.astype(np.float64) - x_hat.astype(np.float64)).reshape(len(x), -1)
    return np.asarray(np.einsum("nd,nd->n", difference, difference))


def _pair(x: ArrayLike, x_hat: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    validation.unmasked("x", x)
    validation.unmasked("x_hat", x_hat)
    x, x_hat = np.asarray(x), np.asarray(x_hat)
    if x.shape != x_hat.shape:
        raise ValueError(validation.message("x_hat", f"an array of shape {x.shape}, like `x`", x_hat))
    return x, x_hat


def mse(x: ArrayLike, x_hat: ArrayLike) -> float:
    """Return the mean squared error over examples and features, Keras's `mse`; arguments as for `squared_error`.

    Example:
        >>> from aetutorial import metrics
        >>> metrics.mse([[1, 2], [0, 0]], [[1, 0], [0, 3]])
        3.25
    """
    errors = squared_error(x, x_hat)
    return float(errors.mean() * len(errors) / np.size(x))


def neighbor_accuracy(
    z_train: ArrayLike, y_train: ArrayLike, z_test: ArrayLike, y_test: ArrayLike, *, n_neighbors: int = 1
) -> float:
    """Return how often the nearest training examples vote for the right label of a held-out one.

    Args:
        z_train, y_train: Codes or other features to search among, shape (n, d), and their labels, shape (n,).
        z_test, y_test: The same of held-out examples, shapes (m, d) and (m,).
        n_neighbors: How many neighbors vote, at least 1. Distance is Euclidean.

    Returns:
        The accuracy, in [0, 1] (Cover and Hart 1967).

    Example:
        >>> from aetutorial import metrics
        >>> metrics.neighbor_accuracy([[0.0], [1.0], [9.0]], [0, 0, 1], [[2.0], [8.0]], [0, 1])
        1.0
    """
    from sklearn.neighbors import KNeighborsClassifier

    reader = KNeighborsClassifier(n_neighbors=n_neighbors, algorithm="brute")
    return float(reader.fit(z_train, y_train).score(z_test, y_test))


def iwae_bound(log_weights: ArrayLike, k: int) -> np.ndarray:
    """Return the importance-weighted lower bound on the log-likelihood of each example.

    With w = p(x, z) / q(z) for draws z from q, the mean of k weights is right on average, and its logarithm is, on
    average, a lower bound on log p(x) that rises with k: the ELBO for k = 1, log p(x) in the limit.

    Args:
        log_weights: log p(x, z) - log q(z), shape (n, draws), in nats.
        k: Weights averaged before the logarithm, from 1 to `draws`; bounds of groups of k are averaged, a rest is left.

    Returns:
        float64, shape (n,), in nats (Burda, Grosse and Salakhutdinov 2016).
    """
    from scipy.special import logsumexp

    log_weights = np.asarray(log_weights)
    groups = log_weights.shape[1] // k
    used = log_weights[:, : groups * k].astype(np.float64).reshape(len(log_weights), groups, k)
    return np.asarray((logsumexp(used, axis=2) - np.log(k)).mean(axis=1))


def clustering_accuracy(y: Sequence[int] | np.ndarray, clusters: ArrayLike) -> float:
    """Return the share of examples whose cluster stands for their class, under the best matching of the two.

    Args:
        y, clusters: Class and cluster of each example, whole numbers, shape (n,); those of the clusters are mere names.

    Returns:
        The accuracy, in (0, 1], of the one-to-one matching in which most examples agree (the assignment problem: Kuhn
        1955; as a score: Xie, Girshick and Farhadi 2016). Its floor is that of a random clustering, not 1 / classes.

    Example:
        >>> from aetutorial import metrics
        >>> metrics.clustering_accuracy([0, 0, 1, 1], [7, 7, 3, 7])
        0.75
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    counts = contingency_matrix(y, clusters)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(y))


def mutual_information_gap(z: ArrayLike, factors: ArrayLike, *, bins: int = 20) -> np.ndarray:
    """Return, for each factor of variation, how far one number of the code is ahead of all others in telling it.

    Args:
        z: Codes, shape (n, d), d of at least 2; each column is cut into `bins` intervals of equal width.
        factors: Values of the true factors, whole numbers, shape (n, k); each takes at least 2 values.
        bins: Intervals for a number of the code, at least 2.

    Returns:
        float64, shape (k,), in [0, 1]: the mutual information of the factor with the number that tells most about it,
        minus that with the second, over the entropy of the factor. Their mean is the mutual information gap, MIG (Chen,
        Li, Grosse and Duvenaud 2018; on intervals as by Locatello et al. 2019).

    Raises:
        ValueError: NaN or infinite values, or shapes that do not fit.

    Example:
        >>> from aetutorial import metrics
        >>> z = [[0.1, 5.0], [0.1, 5.0], [0.9, 5.0], [0.9, 5.0]]
        >>> metrics.mutual_information_gap(z, [[0], [0], [1], [1]]).round(6).tolist()
        [1.0]
    """
    from sklearn.metrics import mutual_info_score

    z = validation.array("z", z, ndim=2, wide=True)
    factors = validation.array("factors", factors, ndim=2, rows=len(z))
    low, width = z.min(axis=0), np.ptp(z, axis=0)
    cells = ((z - low) / np.where(width > 0, width, 1) * bins).astype(int).clip(max=bins - 1)
    gaps = []
    for factor in factors.T:
        entropy = mutual_info_score(factor, factor)
        second, first = sorted(mutual_info_score(factor, cell) for cell in cells.T)[-2:]
        gaps.append((first - second) / entropy)
    return np.array(gaps)


def paired_margin(larger: ArrayLike, smaller: ArrayLike) -> float:
    """Return by how many standard deviations of the paired differences one method exceeds another.

    The course claims a ranking only where this is above 1: the mean difference exceeds the spread of the differences.

    Args:
        larger, smaller: Results of the two methods at the same seeds, shape (seeds,), at least 2 seeds.

    Returns:
        mean(larger - smaller) / std(larger - smaller), with n - 1 in the standard deviation; infinite, with the sign of
        the difference, if the differences are all equal and not 0; 0 if all are 0.

    Raises:
        ValueError: different shapes, NaN or infinite values.

    Example:
        >>> from aetutorial import metrics
        >>> metrics.paired_margin([3, 5, 4], [1, 2, 3])
        2.0
    """
    larger = validation.array("larger", larger, ndim=1, min_rows=2)
    smaller = validation.array("smaller", smaller, ndim=1, rows=len(larger))
    difference = larger.astype(np.float64) - smaller.astype(np.float64)
    mean, spread = float(difference.mean()), float(difference.std(ddof=1))
    if spread == 0:
        return float(np.sign(mean) * np.inf) if mean else 0.0
    return mean / spread
