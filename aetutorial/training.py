"""`fit`: train a compiled Keras model, with one line of progress, and return Keras's History."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from aetutorial import _validate

WIDTH = 78  # of the progress line, at most


def fit(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    epochs: int,
    batch_size: int = 128,
    validation_data: Any = None,
    callbacks: Sequence[Any] = (),
    seed: int = 0,
    progress: bool = True,
    checkpoint: str | None = None,
    jit: bool | str = "auto",
    strategy: Any = None,
) -> Any:
    """Train a compiled Keras model and return its History.

    Args:
        model: A `keras.Model` on which `compile` was called.
        x: Inputs, a numeric array of shape (n, ...), n of at least 1, finite values.
        y: Targets, n rows; None means that the input is its own target, as for an autoencoder.
        epochs: Passes over the data, at least 1.
        batch_size: Examples per step, at least 1; the last batch of an epoch may be smaller.
        validation_data: Held-out inputs, or a pair (inputs, targets); None for none.
        callbacks: Keras callbacks.
        seed: Seed of the order of the examples and of random layers, at least 0. Sets Keras's global seed.
        progress: Whether to print one line that is rewritten while training runs.
        checkpoint: Not available yet: must be None.
        jit: "auto" leaves the choice to Keras; True compiles the step with XLA, False does not.
        strategy: Not available yet: must be None.

    Returns:
        A `keras.callbacks.History`: `.history["loss"]` and, with validation data, `.history["val_loss"]`.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range, or holds NaN.
        NotImplementedError: `checkpoint` or `strategy` is given.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise TypeError(_validate.message("model", "a keras.Model", model))
    if not model.compiled:
        raise ValueError(
            "`model` must be compiled. Received: a model on which `compile` was not called."
        )
    epochs = _validate.integer("epochs", epochs, low=1)
    batch_size = _validate.integer("batch_size", batch_size, low=1)
    seed = _validate.integer("seed", seed, low=0, high=2**32 - 1)
    _validate.choice("jit", jit, ("auto", True, False))
    for name, value in (("checkpoint", checkpoint), ("strategy", strategy)):
        if value is not None:
            raise NotImplementedError(
                _validate.message(name, "None: it is not available yet", value)
            )
    x = _validate.array("x", x, ndim=(2, 3, 4, 5))
    y = x if y is None else _validate.array("y", y, rows=len(x))
    held_out = None if validation_data is None else _validation_pair(validation_data)
    listed = list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
    if not all(isinstance(callback, keras.callbacks.Callback) for callback in listed):
        arrived = _validate.describe(callbacks)
        raise TypeError(_validate.message("callbacks", "a list of Keras callbacks", arrived))
    keras.utils.set_random_seed(seed)
    watchers = [*listed, _progress_line(keras)] if progress else listed
    before = model.steps_per_execution, model.jit_compile
    # Keras leaves compiled code after every step; once per epoch is enough unless someone listens.
    per_call = 1 if _listens_to_batches(watchers, keras) else -(-len(x) // batch_size)
    _prepare(model, per_call, before[1] if jit == "auto" else bool(jit))
    try:
        return model.fit(
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            validation_data=held_out,
            callbacks=watchers,
            verbose=0,
        )
    finally:
        _prepare(model, *before)


def _prepare(model: Any, steps_per_execution: int, jit_compile: Any) -> None:
    """Set how Keras runs its steps, and forget the functions that it compiled for another setting."""
    model.steps_per_execution, model.jit_compile = steps_per_execution, jit_compile
    model.train_function = model.test_function = None


def _listens_to_batches(callbacks: Sequence[Any], keras: Any) -> bool:
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    plain = keras.callbacks.Callback
    return any(  # a LambdaCallback holds its functions itself, not its class
        getattr(getattr(callback, name), "__func__", None) is not getattr(plain, name)
        for callback in callbacks
        for name in names
    )


def _validation_pair(data: Any) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(data, tuple | list):
        data = (data, data)
    if len(data) != 2:
        expected = "an array, or a pair (inputs, targets)"
        raise ValueError(_validate.message("validation_data", expected, f"{len(data)} items"))
    x = _validate.array("validation_data", data[0], ndim=(2, 3, 4, 5))
    return x, _validate.array("validation_data", data[1], rows=len(x))


def _progress_line(keras: Any) -> Any:
    """Return a callback that rewrites one line; the line that stays has no timing in it."""

    class ProgressLine(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.started = self.shown = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.epoch, self.logs = epoch + 1, dict(logs or {})
            now = time.perf_counter()
            if now - self.shown > 0.2 and self.epoch < self.params["epochs"]:
                self.shown = now
                left = (now - self.started) / self.epoch * (self.params["epochs"] - self.epoch)
                self.write(f", {left:.0f} s left")

        def on_train_end(self, logs: Any = None) -> None:
            self.write("\n")

        def write(self, end: str) -> None:
            losses = [
                f"{name} {self.logs[name]:.4g}"
                for name in ("loss", "val_loss")
                if name in self.logs
            ]
            line = f"epoch {self.epoch}/{self.params['epochs']}: {', '.join(losses)}"
            # Blanks first: a shorter line would leave the end of a longer one in sight.
            sys.stdout.write("\r" + " " * WIDTH + "\r" + line + end)
            sys.stdout.flush()

    return ProgressLine()
