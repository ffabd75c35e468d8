"""The order of the examples."""

from __future__ import annotations

import numpy as np


def epoch_order(seed: int, epoch: int, n: int) -> np.ndarray:
    """Return the order in which `fit` takes the rows in an epoch: a permutation of 0 … n − 1, int64.

    It depends on nothing but its arguments, so a run that is resumed goes on with the same order.

    Args:
        seed: The seed given to `fit`.
        epoch: Number of the epoch, from 0.
        n: Number of rows.
    """
    return np.random.default_rng([seed, epoch]).permutation(n)
