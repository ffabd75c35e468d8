"""What `fit` accepts besides data: model, callbacks, folder, checked; and a model made ready for its data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from aetutorial import validation
from aetutorial.engine import keras_internals, sources
from aetutorial.engine.batches import Arrays, Stream


def check_model(model: object, jit: bool | str, strategy: object) -> tf.distribute.Strategy | None:
    """Refuse a model that can't be trained, and a `jit` or `strategy` that does not fit it.

    Returns:
        The `tf.distribute.Strategy` under which the model was made; None for none.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(validation.message("model", "a keras.Model", model))
    if keras.config.backend() != "tensorflow":
        received = f"one on {keras.config.backend()}. Unset KERAS_BACKEND and restart"
        raise ValueError(validation.message("model", "on Keras's TensorFlow backend", received))
    if not keras_internals.is_compiled(model):
        raise ValueError(validation.message("model", "compiled", "a model on which `compile` was not called"))
    if model.run_eagerly:
        received = "one compiled with run_eagerly=True: use model.fit to step through Python"
        raise ValueError(validation.message("model", "one that may be compiled", received))
    validation.choice("jit", jit, ("auto", True, False))
    found = keras_internals.strategy_of(model)
    if strategy is None:
        strategy = None if keras_internals.is_default_strategy(found) else found
    elif not isinstance(strategy, tf.distribute.Strategy):
        raise TypeError(validation.message("strategy", "a tf.distribute.Strategy or None", strategy))
    elif found is not strategy:
        raise ValueError(validation.message("model", "made under `strategy.scope()`", "a model made elsewhere"))
    if strategy is None:
        return None
    replicas = strategy.num_replicas_in_sync
    for name in ("compute_loss", "train_step"):
        if replicas > 1 and getattr(type(model), name) is not getattr(keras.Model, name):
            expected = f"a strategy of one replica for a model with its own {name}"
            received = (
                f"{replicas} replicas. Keras divides its own losses by their number, but can't know whether yours is "
                "divided; use compile(loss=…) and add_loss"
            )
            raise ValueError(validation.message("strategy", expected, received))
    if jit is True:
        raise ValueError(validation.message("jit", "'auto' or False with a strategy", jit))
    return strategy


def folder_of(checkpoint: object) -> Path | None:
    """Return the folder of checkpoints, made if it isn't there; None for none."""
    if checkpoint is None:
        return None
    if not isinstance(checkpoint, str | os.PathLike) or not str(checkpoint):
        raise TypeError(validation.message("checkpoint", "the path of a folder, or None", checkpoint))
    path = Path(checkpoint)
    if path.exists() and not path.is_dir():
        raise ValueError(validation.message("checkpoint", "a folder", f"the file {path}"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def naming(name: str, source: Arrays | Stream) -> Iterator[None]:
    """Let an error that Keras or TensorFlow raises say which argument of `fit` the step was given, and its shapes."""
    try:
        yield
    except (ValueError, TypeError, tf.errors.OpError) as error:
        shapes = tf.nest.map_structure(lambda leaf: tuple(leaf.shape), source.looks())
        names = f"`{name}` and `y`" if name == "x" and source.has_targets else f"`{name}`"
        error.add_note(f"This is about {names}: the model was given rows of {shapes}.")
        raise


def build(model: keras.Model, source: Arrays | Stream) -> None:
    """Make the variables that the model and its optimizer don't have yet: a compiled loop can't make any."""
    batch = source.first()  # a whole one: some layers work on groups of examples
    # A loss that was compiled wants to see targets here, even if the step makes its own.
    complete = source.has_targets or source.as_batch is sources.with_itself_weighted
    batch = source.as_batch(batch) if complete else sources.with_itself(batch)
    has_call = type(model).call is not keras.Model.call
    unbuilt = [layer.name for layer in model.layers if not layer.built]
    if unbuilt and not has_call:
        expected = "a model with a `call`, or one whose layers are built (give them a keras.Input)"
        raise ValueError(validation.message("model", expected, f"neither; {unbuilt[0]} is not built"))
    with keras_internals.strategy_of(model).scope():
        if has_call:
            keras_internals.build(model, batch)
        if not model.optimizer.built:  # a second time would give a LossScaleOptimizer another scale
            model.optimizer.build(model.trainable_variables)


def callback_list(callbacks: object) -> list[keras.callbacks.Callback]:
    """Return the callbacks as a list; say so if one wants to hear of every batch."""
    listed = list(callbacks) if isinstance(callbacks, Sequence) else [] if callbacks is None else [callbacks]
    if not all(isinstance(callback, keras.callbacks.Callback) for callback in listed):
        raise TypeError(validation.message("callbacks", "a list of Keras callbacks", validation.describe(callbacks)))
    names = [type(callback).__name__ for callback in listed if any(keras_internals.hears_batches(callback))]
    if names:
        who = f"{' and '.join(names)} {'listens' if len(names) == 1 else 'listen'} to every batch"
        cost = "as in model.fit: it takes one or two milliseconds more per step than without"
        warnings.warn(f"{who}, so training returns to Python after each step, {cost}.", stacklevel=3)
    return listed
