"""Trial runs of a lesson: training switched off, or begun as if on another processor.

`make test-claims` and `make test-portable` ask for them by environment variables; an ordinary run knows none.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import numpy as np

from aetutorial import runtime
from aetutorial.engine import keras_internals

if TYPE_CHECKING:
    from keras import Optimizer, Variable

LAST_BITS_VARIABLE = "AETUTORIAL_LAST_BITS"


def begin() -> None:
    """Change Keras's optimizers for this process, if the environment asks for a trial run."""
    optimizer = keras_internals.optimizer_base()
    if runtime.sabotage() == "no-training":
        _switch_training_off(optimizer)
    if os.environ.get(LAST_BITS_VARIABLE):
        _begin_aside(optimizer, int(os.environ[LAST_BITS_VARIABLE]))


def _switch_training_off(optimizer: type[Optimizer]) -> None:
    """Make every optimizer leave the weights alone."""

    def apply(self: Optimizer, grads: object, trainable_variables: list[Variable] | None = None) -> object:
        if not self.built and trainable_variables is not None:
            self.build(trainable_variables)
        return self.iterations.assign_add(1)

    optimizer.apply = apply


def _begin_aside(optimizer: type[Optimizer], seed: int) -> None:
    """Move every weight by one unit in its last place when an optimizer first sees it.

    Another processor sums in another order, and after a few steps its weights differ in their last bits; training
    then enlarges the difference. What a lesson prints of a trained model must not depend on it.
    """
    import tensorflow as tf

    build = optimizer.build

    def build_aside(self: Optimizer, variables: list[Variable]) -> None:
        if not self.built:
            with tf.init_scope():  # also where a step is being traced
                for variable in variables:
                    variable.assign(moved(np.asarray(variable), seed))
        build(self, variables)

    optimizer.build = build_aside


def moved(values: np.ndarray, seed: int) -> np.ndarray:
    """Return an array with every float32 or float64 value moved by one unit in its last place, up or down at random.

    The directions depend on the seed and on the values, so equal weights stay equal. Other arrays stay as they are.

    Example:
        >>> import numpy as np
        >>> from aetutorial import trials
        >>> shifts = trials.moved(np.ones(100, "float32"), seed=0) - 1
        >>> bool(0 < np.abs(shifts).min() <= np.abs(shifts).max() < 2e-7)
        True
    """
    if values.dtype not in (np.float32, np.float64):
        return values
    rng = np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(values).tobytes())])
    toward = np.where(rng.random(values.shape) < 0.5, -np.inf, np.inf).astype(values.dtype)
    return np.nextafter(values, toward)
