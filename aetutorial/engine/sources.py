"""The data that `fit` is given, checked and brought into the form of a source of batches."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from aetutorial import validation
from aetutorial.engine import keras_internals
from aetutorial.engine.batches import Arrays, Stream
from aetutorial.engine.loop import Nest


def from_arguments(
    model: keras.Model,
    x: Nest,
    y: Nest,
    validation_data: Nest,
    batch_size: int,
    *,
    sample_weight: Nest = None,
    class_weight: Mapping[int, float] | None = None,
    validation_split: float = 0.0,
) -> tuple[Arrays | Stream, Arrays | Stream | None]:
    """Return the sources of training and validation data; None for no validation."""
    batch_size = validation.integer("batch_size", batch_size, low=1)
    split = validation.real("validation_split", validation_split, low=0)
    if isinstance(x, tf.data.Dataset):
        given = {
            "y": y,
            "sample_weight": sample_weight,
            "class_weight": class_weight,
            "validation_split": split or None,
        }
        for name, value in given.items():
            if value is not None:
                raise ValueError(validation.message(name, "None, for `x` is a Dataset", value))
        train: Arrays | Stream = _stream(model, "train_step", "x", x)
    else:
        names = ("x", "y", "sample_weight")
        parts = _parts(model, names, x, y, sample_weight)
        if split:
            if validation_data is not None:
                expected = "0 where `validation_data` is given"
                raise ValueError(validation.message("validation_split", expected, validation_split))
            parts, last = _split(parts, split)
        if class_weight is not None:  # of the training alone
            parts = (*parts[:2], _class_weights(class_weight, parts[1], sample_weight))
        train = _arrays(model, "train_step", names, parts, batch_size)
        if split:
            return train, _arrays(model, "test_step", names, last, batch_size)
    if validation_data is None:
        return train, None
    if isinstance(validation_data, tf.data.Dataset):
        held_out: Arrays | Stream = _stream(model, "test_step", "validation_data", validation_data)
    else:
        held = validation_data if isinstance(validation_data, tuple | list) else (validation_data,)
        if isinstance(validation_data, tuple | list) and len(held) not in (2, 3):
            expected, received = "an array, (inputs, targets) or (inputs, targets, weights)", f"{len(held)} items"
            raise ValueError(validation.message("validation_data", expected, received))
        names = ("validation_data",) * 3
        parts = _parts(model, names, *held, *(None,) * (3 - len(held)))
        held_out = _arrays(model, "test_step", names, parts, batch_size)
    if train.has_targets and not held_out.has_targets:
        expected = "a pair (inputs, targets), for the training data have targets of their own"
        raise ValueError(validation.message("validation_data", expected, "inputs alone"))
    return train, held_out


def _stream(model: keras.Model, step: str, name: str, dataset: tf.data.Dataset) -> Stream:
    """Return the source of a step's batches that a Dataset yields."""
    pairs = isinstance(dataset.element_spec, tuple)
    alone = with_itself if keras_internals.takes_itself_for_target(model, step) else _by_itself
    return Stream(dataset, name, as_batch=_as_it_is if pairs else alone, has_targets=pairs)


def _parts(model: keras.Model, names: tuple[str, ...], x: Nest, y: Nest, sample_weight: Nest) -> tuple[Nest, ...]:
    """Return nests of checked arrays: inputs, targets and weights; None for what is not there."""
    for name, value in zip(names, (x, y), strict=False):
        if isinstance(value, tf.data.Dataset):
            raise ValueError(validation.message(name, "an array", "a Dataset"))
        if not isinstance(value, np.ndarray) and hasattr(value, "__getitem__") and hasattr(value, "on_epoch_end"):
            # A PyDataset or an iterator of images: NumPy would read it whole, and fail.
            raise TypeError(validation.message(name, "an array or a tf.data.Dataset", f"a {type(value).__name__}"))
    rows: list[int] = []
    inputs = _nest(names[0], x, rows, (2, 3, 4, 5))
    wanted, given = len(getattr(model, "inputs", None) or ()), len(inputs) if isinstance(inputs, tuple) else 1
    if wanted == 1 and given > 1:
        received = f"a list of {given} arrays. If each is an example, put them together with np.stack"
        raise ValueError(validation.message(names[0], "one array, for the model has one input", received))
    targets = None if y is None else _nest(names[1], y, rows, None)
    if sample_weight is None:
        return inputs, targets, None
    weights = _nest(names[2], sample_weight, rows, None)
    weights = tf.nest.map_structure(lambda leaf: leaf.astype(keras.config.floatx()), weights)
    if isinstance(weights, np.ndarray) and not isinstance(targets, np.ndarray | None):
        weights = tf.nest.map_structure(lambda _: weights, targets)  # the same for each target
    return inputs, targets, weights


def _arrays(model: keras.Model, step: str, names: tuple[str, ...], parts: tuple[Nest, ...], batch_size: int) -> Arrays:
    """Return the source of a step's batches that consist of rows of arrays."""
    inputs, targets, weights = parts
    if targets is not None:
        block = (inputs, targets) if weights is None else (inputs, targets, weights)
        return Arrays(block, batch_size, as_batch=_as_it_is, has_targets=True)
    itself = keras_internals.takes_itself_for_target(model, step)
    if weights is None:
        return Arrays(inputs, batch_size, as_batch=with_itself if itself else _by_itself, has_targets=False)
    if not itself:
        raise ValueError(validation.message(names[2], "None for a step without targets", weights))
    return Arrays((inputs, weights), batch_size, as_batch=with_itself_weighted, has_targets=False)


def _split(parts: tuple[Nest, ...], split: float) -> tuple[Nest, Nest]:
    """Return the first rows and, as that part of all, the last ones."""
    rows = len(tf.nest.flatten(parts)[0])
    first = math.floor(rows * (1 - split))
    if not 0 < first < rows:
        expected = f"a part of the {rows} rows that leaves rows on both sides"
        raise ValueError(validation.message("validation_split", expected, split))

    def cut(rows: slice) -> Nest:
        return tuple(None if part is None else tf.nest.map_structure(lambda leaf: leaf[rows], part) for part in parts)

    return cut(slice(first)), cut(slice(first, None))


def _class_weights(class_weight: object, targets: Nest, sample_weight: Nest) -> np.ndarray:
    """Return the weight of each example, which is that of its class; 1 for classes that are not named."""
    expected = "a dict from class numbers to weights"
    if not isinstance(class_weight, Mapping):
        raise TypeError(validation.message("class_weight", expected, class_weight))
    if sample_weight is not None:
        raise ValueError(validation.message("class_weight", "None where `sample_weight` is given", class_weight))
    if not isinstance(targets, np.ndarray):
        raise ValueError(validation.message("class_weight", "None without one array of labels as `y`", class_weight))
    if targets.ndim > 2:
        raise ValueError(validation.message("y", "class labels, or one-hot rows, with `class_weight`", targets))
    one_hot = targets.ndim == 2 and targets.shape[1] > 1
    labels = targets.argmax(axis=1) if one_hot else np.round(targets.reshape(-1))
    weights = np.ones(len(labels), keras.config.floatx())
    for label, weight in class_weight.items():
        label = validation.integer("class_weight", label, low=0)
        weights[labels == label] = validation.real(f"class_weight[{label}]", weight, low=0)
    return weights


def with_itself(x: Nest) -> Nest:
    """Return what a step takes that compares outputs with targets, for an autoencoder."""
    return x, x


def with_itself_weighted(batch: Nest) -> Nest:
    """Return the same, with the weights of the examples."""
    x, weights = batch
    return x, x, weights


def _by_itself(x: Nest) -> Nest:
    """Return what `model.fit(x)` hands to a step."""
    return (x,) if isinstance(x, tuple) else x


def _as_it_is(batch: Nest) -> Nest:
    return batch


def _nest(name: str, value: Nest, rows: list[int], ndim: tuple[int, ...] | None) -> Nest:
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


def _is_part(item: object, ndim: tuple[int, ...] | None, rows: list[int], number: int) -> bool:
    """Return whether an item of a list is an array of its own: one input or target of several, not one example."""
    shape: tuple[int, ...] = getattr(item, "shape", ())
    one_dimensional = ndim is None and len(shape) == 1 and rows and shape[0] == rows[0] != number
    return len(shape) > 1 or bool(one_dimensional)
