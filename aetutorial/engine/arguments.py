"""What `fit` accepts: its arguments checked, and brought into one form."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from aetutorial import validation
from aetutorial.engine import keras_internals
from aetutorial.engine.batches import Arrays, Stream


def check_model(model: Any, jit: Any, strategy: Any) -> None:
    """Refuse a model that can't be trained, and a `jit` or `strategy` that does not fit it."""
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
    if strategy is None:
        return
    if not isinstance(strategy, tf.distribute.Strategy):
        raise TypeError(validation.message("strategy", "a tf.distribute.Strategy or None", strategy))
    if keras_internals.strategy_of(model) is not strategy:
        raise ValueError(validation.message("model", "made under `strategy.scope()`", "a model made elsewhere"))
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


def folder_of(checkpoint: Any) -> Path | None:
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


def build(model: Any, source: Arrays | Stream) -> None:
    """Make the variables that the model and its optimizer don't have yet: a compiled loop can't make any."""
    batch = source.first()  # a whole one: some layers work on groups of examples
    # A loss that was compiled wants to see targets here, even if the step makes its own.
    batch = source.as_batch(batch) if source.has_targets else _with_itself(batch)
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


def callback_list(callbacks: Any) -> list[Any]:
    """Return the callbacks as a list; refuse those that want to hear of every batch."""
    listed = list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
    if not all(isinstance(callback, keras.callbacks.Callback) for callback in listed):
        raise TypeError(validation.message("callbacks", "a list of Keras callbacks", validation.describe(callbacks)))
    for callback in listed:
        heard = keras_internals.batch_methods(callback)
        if not heard or keras_internals.saves_per_epoch(callback):
            continue
        if isinstance(callback, keras.callbacks.TerminateOnNaN):
            advice = "leave it out, `fit` stops at a NaN by itself"
        elif isinstance(callback, keras.callbacks.BackupAndRestore):
            advice = "use `checkpoint=` instead"
        else:
            advice = "`fit` runs the batches in compiled code; use on_epoch_end, or model.fit"
        received = f"{type(callback).__name__}, which listens to {', '.join(heard)}: {advice}"
        raise ValueError(validation.message("callbacks", "callbacks of epochs, not of batches", received))
    return listed


def sources(model: Any, x: Any, y: Any, validation_data: Any, batch_size: Any) -> tuple[Any, Any]:
    """Return the sources of training and validation data; None for no validation."""
    batch_size = validation.integer("batch_size", batch_size, low=1)
    train = _source(model, "train_step", ("x", "y"), x, y, batch_size)
    if validation_data is None:
        return train, None
    inputs, targets = validation_data, None
    if isinstance(validation_data, tuple | list):
        if len(validation_data) != 2:
            expected, received = "an array, or a pair (inputs, targets)", f"{len(validation_data)} items"
            raise ValueError(validation.message("validation_data", expected, received))
        inputs, targets = validation_data
    held_out = _source(model, "test_step", ("validation_data", "validation_data"), inputs, targets, batch_size)
    if train.has_targets and not held_out.has_targets:
        expected = "a pair (inputs, targets), for the training data have targets of their own"
        raise ValueError(validation.message("validation_data", expected, "inputs alone"))
    return train, held_out


def _source(model: Any, step: str, names: tuple[str, str], x: Any, y: Any, batch_size: int) -> Arrays | Stream:
    """Return the source of a step's batches; `names` are those of `x` and `y` in errors."""
    alone = _with_itself if keras_internals.takes_itself_for_target(model, step) else _by_itself
    if isinstance(x, tf.data.Dataset):
        if y is not None:
            raise ValueError(validation.message(names[1], f"None, for `{names[0]}` is a Dataset", y))
        pairs = isinstance(x.element_spec, tuple)
        return Stream(x, names[0], as_batch=_as_it_is if pairs else alone, has_targets=pairs)
    if not isinstance(x, np.ndarray) and hasattr(x, "__getitem__") and hasattr(x, "on_epoch_end"):
        # A PyDataset or an iterator of images: NumPy would read it whole, and fail.
        raise TypeError(validation.message(names[0], "an array or a tf.data.Dataset", f"a {type(x).__name__}"))
    rows: list[int] = []
    inputs = _nest(names[0], x, rows, (2, 3, 4, 5))
    wanted, given = len(getattr(model, "inputs", None) or ()), len(inputs) if isinstance(inputs, tuple) else 1
    if wanted == 1 and given > 1:
        received = f"a list of {given} arrays. If each is an example, put them together with np.stack"
        raise ValueError(validation.message(names[0], "one array, for the model has one input", received))
    if y is None:
        return Arrays(inputs, batch_size, as_batch=alone, has_targets=False)
    pair = inputs, _nest(names[1], y, rows, None)
    return Arrays(pair, batch_size, as_batch=_as_it_is, has_targets=True)


def _with_itself(x: Any) -> Any:
    """Return what a step takes that compares outputs with targets, for an autoencoder."""
    return x, x


def _by_itself(x: Any) -> Any:
    """Return what `model.fit(x)` hands to a step."""
    return (x,) if isinstance(x, tuple) else x


def _as_it_is(batch: Any) -> Any:
    return batch


def _nest(name: str, value: Any, rows: list[int], ndim: Any) -> Any:
    """Return a nest of checked arrays; `rows` takes note of the number of rows, one for all."""
    if isinstance(value, dict | tuple) and not value:
        raise ValueError(validation.message(name, "an array, or a dict or tuple of arrays", value))
    if isinstance(value, dict):
        return {key: _nest(f"{name}[{key!r}]", item, rows, ndim) for key, item in value.items()}
    if isinstance(value, tuple | list) and value and all(_is_part(item, ndim, rows, len(value)) for item in value):
        return tuple(_nest(f"{name}[{i}]", item, rows, ndim) for i, item in enumerate(value))
    if isinstance(value, np.memmap):  # not read as a whole, so its values are not checked
        if len(value):
            validation.array(name, value[:1], ndim=ndim)
        if (rows and len(value) != rows[0]) or not len(value):
            expected = f"an array of {rows[0] if rows else 'at least 1'} rows"
            raise ValueError(validation.message(name, expected, value))
    else:
        value = validation.array(name, value, ndim=ndim, rows=rows[0] if rows else None)
    if np.iscomplexobj(value):
        raise TypeError(validation.message(name, "an array of real numbers", value))
    rows.append(len(value))
    return value


def _is_part(item: Any, ndim: Any, rows: list[int], number: int) -> bool:
    """Return whether an item of a list is an array of its own: one input or target of several, not one example."""
    shape: tuple[int, ...] = getattr(item, "shape", ())
    one_dimensional = ndim is None and len(shape) == 1 and rows and shape[0] == rows[0] != number
    return len(shape) > 1 or bool(one_dimensional)
