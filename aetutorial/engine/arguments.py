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
    batch = keras.tree.map_structure(lambda leaf: leaf[:1], source.as_batch(source.first()))
    with keras_internals.strategy_of(model).scope():
        keras_internals.build(model, batch)
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


def sources(x: Any, y: Any, validation_data: Any, batch_size: Any) -> tuple[Any, Any]:
    """Return the sources of training and validation data; None for no validation."""
    batch_size = validation.integer("batch_size", batch_size, low=1)
    train = _source("x", "y", x, y, batch_size)
    if validation_data is None:
        return train, None
    inputs, targets = validation_data, None
    if isinstance(validation_data, tuple | list):
        if len(validation_data) != 2:
            expected, received = "an array, or a pair (inputs, targets)", f"{len(validation_data)} items"
            raise ValueError(validation.message("validation_data", expected, received))
        inputs, targets = validation_data
    return train, _source("validation_data", "validation_data", inputs, targets, batch_size)


def _source(name: str, y_name: str, x: Any, y: Any, batch_size: int) -> Arrays | Stream:
    if isinstance(x, tf.data.Dataset):
        if y is not None:
            raise ValueError(validation.message(y_name, "None, for `x` is a Dataset", y))
        return Stream(x, name)
    rows: list[int] = []
    inputs = _nest(name, x, rows, (2, 3, 4, 5))
    if y is None:
        return Arrays(inputs, batch_size, own_target=True)
    return Arrays((inputs, _nest(y_name, y, rows, None)), batch_size)


def _nest(name: str, value: Any, rows: list[int], ndim: Any) -> Any:
    """Return a nest of checked arrays; `rows` takes note of the number of rows, one for all."""
    if isinstance(value, dict | tuple) and not value:
        raise ValueError(validation.message(name, "an array, or a dict or tuple of arrays", value))
    if isinstance(value, dict):
        return {key: _nest(f"{name}[{key!r}]", item, rows, ndim) for key, item in value.items()}
    if isinstance(value, tuple | list) and value and all(len(getattr(item, "shape", ())) > 1 for item in value):
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
