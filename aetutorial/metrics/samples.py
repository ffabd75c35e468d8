"""How good generated examples are: measures of two sets, real and generated. Public in `metrics`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from aetutorial import validation


def frechet_distance(features: ArrayLike, other: ArrayLike) -> float:
    """Return the Fréchet distance between the normal distributions fitted to two sets of features.

    Args:
        features, other: Features of two sets of examples, shapes (n, d) and (m, d), n and m of at least 2.

    Returns:
        |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) for means m and covariance matrices C: at least 0, in squared
        units of the features (Dowson and Landau 1982; as a score of samples: Heusel et al. 2017). It is above 0 for two
        samples of one distribution, the more so the smaller they are: compare only values from equal numbers.

    Raises:
        ValueError: NaN or infinite values, different widths, or fewer than 2 rows.
    """
    features, other = _features("features", features, "other", other, min_rows=2)
    gap = features.mean(axis=0) - other.mean(axis=0)
    one, two = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (features, other))
    # The trace of (C1 C2)^(1/2) from two symmetric roots: eigenvalues that stay real under rounding.
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    return float(max(gap @ gap + np.trace(one) + np.trace(two) - 2 * shared, 0.0))


def precision_recall(real: ArrayLike, generated: ArrayLike, *, n_neighbors: int = 3) -> tuple[float, float]:
    """Return which share of generated examples is realistic, and which share of the real ones is covered.

    The neighborhood of a set is a ball around each of its points, as far as the point's n-th neighbor in the set.

    Args:
        real, generated: Features of real and generated examples, shapes (n, d) and (m, d), n and m above `n_neighbors`.
        n_neighbors: Which neighbor sets the radius, at least 1. Distance is Euclidean.

    Returns:
        Precision, the share of generated points in the neighborhood of the real ones, and recall, the share of real
        points in the neighborhood of the generated ones; both in [0, 1] (Kynkäänniemi et al. 2019).

    Raises:
        ValueError: NaN or infinite values, different widths, or too few rows.
    """
    real, generated = _features("real", real, "generated", generated, min_rows=n_neighbors + 1)
    return _share_within(real, generated, n_neighbors), _share_within(generated, real, n_neighbors)


def _features(name: str, features: object, other_name: str, other: object, min_rows: int) -> tuple[np.ndarray, ...]:
    features = validation.array(name, features, ndim=2, min_rows=min_rows).astype(np.float64)
    other = validation.array(other_name, other, ndim=2, min_rows=min_rows).astype(np.float64)
    if features.shape[1] != other.shape[1]:
        raise ValueError(validation.message(other_name, f"{features.shape[1]} wide, like `{name}`", other))
    return features, other


def _share_within(centres: np.ndarray, points: np.ndarray, n_neighbors: int) -> float:
    """Return the share of points in at least one ball around a center, as far as its n-th neighbor."""
    from scipy.spatial.distance import cdist

    def blocks(rows: np.ndarray) -> Iterator[np.ndarray]:  # whose distances fit into memory
        return (cdist(b, centres) for b in np.array_split(rows, -(-len(rows) // 1000)))

    # The nearest point of a center's own set is itself, at distance 0: hence no "- 1".
    radius = np.concatenate([np.partition(d, n_neighbors)[:, n_neighbors] for d in blocks(centres)])
    return float(np.mean(np.concatenate([(d <= radius).any(axis=1) for d in blocks(points)])))


def copying(generated: ArrayLike, x_train: ArrayLike, x_test: ArrayLike) -> float:
    """Return how often a generated example lies nearer to the training set than a held-out one.

    Args:
        generated, x_train, x_test: Generated, training and held-out examples, shapes (m, ...), (n, ...) and (h, ...).

    Returns:
        The probability, in [0, 1], that a generated example's distance to its nearest training example is smaller than
        a held-out example's; ties count half. 0.5: as near as new real examples; near 1: copies; below 0.5: farther
        away than these (the Mann-Whitney statistic of Meehan, Chaudhuri and Dasgupta 2020, over the number of pairs).

    Raises:
        ValueError: examples of different shapes, NaN or infinite values.

    Example:
        >>> from aetutorial import metrics
        >>> metrics.copying([[0.1], [0.9]], [[0.0], [1.0]], [[0.5], [2.0]])
        1.0
    """
    from scipy.stats import mannwhitneyu
    from sklearn.neighbors import NearestNeighbors

    x_train = np.asarray(x_train)
    near = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(x_train.reshape(len(x_train), -1))
    distances = []
    for name, x in (("generated", generated), ("x_test", x_test)):
        x = np.asarray(x)
        if x.shape[1:] != x_train.shape[1:]:
            raise ValueError(validation.message(name, f"examples of shape {x_train.shape[1:]}, as in `x_train`", x))
        distances.append(near.kneighbors(x.reshape(len(x), -1))[0][:, 0])
    made, held_out = distances
    # Equal distances must tie exactly, whatever the rounding of a large sum.
    u = mannwhitneyu(np.round(held_out, 4), np.round(made, 4)).statistic
    return float(u / (len(made) * len(held_out)))


def two_sample_accuracy(
    real: ArrayLike, generated: ArrayLike, real_test: ArrayLike, generated_test: ArrayLike, *, seed: int = 0
) -> float:
    """Return how well a classifier tells generated examples from real ones, on examples it has not seen.

    Args:
        real, generated: Examples to learn from, shapes (n, ...) and (m, ...), n + m of at least 20.
        real_test, generated_test: Others to be told apart, at least one of either kind.
        seed: Seed of the classifier, a multilayer perceptron with 64 hidden units, which stops early if there are 1,000
            examples or more. Numbers beyond -10 to 10, or that hardly vary, are standardized for it.

    Returns:
        The mean of the accuracies on real and on generated test examples, in [0, 1]; 0.5, up to chance, if they can't
        be told apart (Lopez-Paz and Oquab 2017).

    Raises:
        ValueError: examples of different sizes, NaN or infinite values.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    parts: list[np.ndarray] = []
    names = ("real", "generated", "real_test", "generated_test")
    for name, x in zip(names, (real, generated, real_test, generated_test), strict=True):
        x = np.asarray(x)
        if parts and x[0].size != parts[0].shape[1]:
            raise ValueError(validation.message(name, f"examples of {parts[0].shape[1]} numbers, as in `real`", x))
        parts.append(x.reshape(len(x), -1))
    together = np.concatenate(parts[:2]).astype(np.float64)
    center, spread = together.mean(axis=0), together.std(axis=0)  # a network learns from numbers of about unit size
    varies = together.min(axis=0) < together.max(axis=0)
    far = (np.abs(together).max(axis=0) > 10) | (varies & (np.abs(center) > 30 * spread))
    near = varies & ~far
    if near.any() and np.sqrt(np.mean(spread[near] ** 2)) < 0.03:
        far |= near
    if far.any():
        center, spread = np.where(far, center, 0), np.where(far & varies, spread, 1)
        parts = [(x - center) / spread for x in parts]
    parts = [x.astype(np.float32) for x in parts]
    if len(together) < 1000:  # a tenth of it is too little to stop by, and a few steps an epoch are soon over
        reader = MLPClassifier(64, max_iter=1000, n_iter_no_change=1000, alpha=0.01, random_state=seed)
    else:
        reader = MLPClassifier(64, early_stopping=True, n_iter_no_change=3, random_state=seed)
    labels = np.repeat([0, 1], [len(parts[0]), len(parts[1])])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        reader.fit(np.concatenate(parts[:2]), labels)
    return float((reader.predict(parts[2]) == 0).mean() + (reader.predict(parts[3]) == 1).mean()) / 2
