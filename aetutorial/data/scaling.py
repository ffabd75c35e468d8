"""Scaling of features by the training set's statistics, and pixels drawn from gray values. Public in `data`."""

from __future__ import annotations

from typing import overload

import numpy as np

from aetutorial import validation


@overload
def standardize(x_train: np.ndarray) -> np.ndarray: ...
@overload
def standardize(x_train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]: ...
def standardize(x_train: np.ndarray, *others: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]:
    """Scale each feature to mean 0 and standard deviation 1 over the training set.

    Args:
        x_train: Numbers, shape (n, ...); each position after the first axis is a feature.
        others: Further arrays, shape (m, ...), scaled by the statistics of `x_train`.

    Returns:
        The scaled array, or a tuple of them in the order given if there are others, of the dtype of `x_train` (float32
        if it is not a float type). A feature that is constant in `x_train` is only centered: 0 in the training set, in
        the others the unscaled difference.

    Raises:
        TypeError, ValueError: an array is empty, has other features, or holds something else than finite numbers.

    Example:
        >>> import numpy as np
        >>> from aetutorial import data
        >>> x_train, x_test = data.standardize(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[5.0, 6.0]]))
        >>> x_train.tolist(), x_test.tolist()
        ([[-1.0, 0.0], [1.0, 0.0]], [[3.0, 1.0]])
    """
    x_train = validation.array("x_train", x_train)
    mean = x_train.mean(axis=0, dtype=np.float64)
    return _scale(x_train, others, mean, x_train.std(axis=0, dtype=np.float64))


@overload
def min_max(x_train: np.ndarray) -> np.ndarray: ...
@overload
def min_max(x_train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]: ...
def min_max(x_train: np.ndarray, *others: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]:
    """Scale each feature to [0, 1] over the training set; the values of other arrays can leave this range.

    Args, Returns, Raises: as in `standardize`, constant features included.
    """
    x_train = validation.array("x_train", x_train)
    low = x_train.min(axis=0).astype(np.float64)
    return _scale(x_train, others, low, x_train.max(axis=0).astype(np.float64) - low)


def binarized(x: np.ndarray, seed: int) -> np.ndarray:
    """Draw each pixel: 1 with the probability that its gray value says, else 0.

    Args:
        x: Gray values, any shape, in [0, 1].
        seed: Seed of the draw, at least 0; the same seed gives the same pixels.

    Returns:
        float32, the shape of `x`, 0 or 1 each (as Salakhutdinov and Murray 2008 made MNIST binary).

    Raises:
        TypeError, ValueError: not numbers in [0, 1], or a seed that is no integer of at least 0.

    Example:
        >>> import numpy as np
        >>> from aetutorial import data
        >>> data.binarized(np.array([[0.0, 1.0, 1.0]]), seed=0).tolist()
        [[0.0, 1.0, 1.0]]
    """
    x = validation.array("x", x, low=0, high=1)
    u = np.random.default_rng(validation.integer("seed", seed, low=0)).random(x.shape)
    return (u < x).astype("float32")


def _scale(
    x_train: np.ndarray, others: tuple[np.ndarray, ...], center: np.ndarray, spread: np.ndarray
) -> np.ndarray | tuple[np.ndarray, ...]:
    """Return (array - center) / spread of each array, computed in float64; of one array alone, that."""
    dtype = x_train.dtype if np.issubdtype(x_train.dtype, np.floating) else np.dtype(np.float32)
    # By the values, not the spread: rounding can give a constant feature a spread of 1e-17.
    constant = x_train.min(axis=0) == x_train.max(axis=0)
    center = np.where(constant, x_train[0], center)
    spread = np.where(constant, 1.0, spread)
    scaled = []
    for position, array in enumerate((x_train, *others)):
        array = validation.array(f"others[{position - 1}]", array) if position else array
        if array.shape[1:] != x_train.shape[1:]:
            expected = f"an array of examples of shape {x_train.shape[1:]}, as in `x_train`"
            raise ValueError(validation.message(f"others[{position - 1}]", expected, array))
        difference = array - center
        difference /= spread
        scaled.append(difference.astype(dtype, copy=False))
    return tuple(scaled) if others else scaled[0]
