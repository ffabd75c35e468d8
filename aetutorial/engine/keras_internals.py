"""Every private or undocumented name of Keras and TensorFlow that the engine needs, a function for each.

A new version may change any of them without notice. All were checked with the version in `CHECKED_WITH`;
tests fail when another one is installed, and when another module of the package uses such a name.
"""

from __future__ import annotations

import functools
import inspect
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

CHECKED_WITH = "3.15.1"
# Where a model keeps its programs. Not set as attributes are: Keras looks into those, and saves what it finds.
PROGRAMS = "_aetutorial_programs"


def optimizer_base() -> type[keras.optimizers.Optimizer]:
    """Return the class whose `apply` and `build` all optimizers share."""
    import keras

    # 3.15.1: the public keras.optimizers.Optimizer only inherits them, and so do other classes.
    return keras.src.optimizers.base_optimizer.BaseOptimizer


def is_compiled(model: keras.Model) -> bool:
    """Return whether `compile` was called on a model."""
    return model.compiled  # 3.15.1: an attribute that no documentation names; nothing public tells


def strategy_of(model: keras.Model) -> tf.distribute.Strategy:
    """Return the `tf.distribute.Strategy` under which a model was made; TensorFlow's default one for none."""
    return model.distribute_strategy  # 3.15.1: an attribute of the TensorFlow backend only, not documented


def is_default_strategy(strategy: tf.distribute.Strategy) -> bool:
    """Return whether a strategy is the one that TensorFlow has where nobody named one."""
    return type(strategy).__name__ == "_DefaultDistributionStrategy"  # 2.21: there is no public way to tell


def takes_itself_for_target(model: keras.Model, step: str) -> bool:
    """Return whether `train_step` or `test_step` is Keras's own and compares outputs with targets."""
    import keras

    # 3.15.1: `compile` keeps what it was given in `loss` and in an attribute without a public name.
    compares = model.loss is not None or model._compile_metrics is not None
    return compares and getattr(type(model), step) is getattr(keras.Model, step)


def build(model: keras.Model, batch: object) -> None:
    """Make the variables of a model, its metrics and its losses from the shapes in a batch of what `fit` takes."""
    # 3.15.1: what model.fit does first. The public `build` makes no metrics and needs shapes of one's own layers.
    model._symbolic_build(data_batch=batch)


def traced_parts(model: keras.Model) -> tuple[list[object], str]:
    """Return what a trace of a model's steps depends on: objects, which must stay the same ones, and plain values.

    These are the variables, what `compile` made or was given, and the attributes of the model, its layers, its metrics,
    its losses and its optimizers. Numbers, texts and small arrays count by their values, also in lists and dicts.
    """
    # 3.15.1: `_flatten_layers` also finds layers in lists; `compile` makes a new `_compile_config` at each call.
    layers = model._flatten_layers(include_self=True, recursive=True)
    losses = model.loss.values() if isinstance(model.loss, dict) else model.loss
    losses = losses if isinstance(losses, list | tuple) else [losses]
    base = optimizer_base()
    optimizers = [value for value in (model.optimizer, *vars(model).values()) if isinstance(value, base)]
    optimizers += [inner for each in optimizers if (inner := getattr(each, "inner_optimizer", None))]
    metrics = [inner for each in model.metrics for inner in (each, *getattr(each, "metrics", ()))]
    objects, values = [], []
    for place, holder in enumerate([*layers, *metrics, *losses, *optimizers]):
        for name, value in sorted(vars(holder).items() if hasattr(holder, "__dict__") else ()):
            if name.startswith("_self_") or name in _bookkeeping():
                continue
            if _is_plain(value):
                values.append((place, name, repr(value)))
            else:
                objects.append(value)
    steps = [getattr(model, name) for name in ("train_step", "test_step", "call")]
    variables = (*model.variables, *model.trainable_variables, *(v for each in optimizers for v in each.variables))
    objects += [getattr(step, "__func__", step) for step in steps]
    objects += [model._compile_config, *layers, *optimizers, *map(tf_variable, variables)]
    return objects, str(values)


@functools.cache
def _bookkeeping() -> frozenset[str]:
    """Return the attributes of models and layers that change without any change of what is traced."""
    import keras

    # 3.15.1: such as `_called`. What every layer has under a private name is Keras's own; these two count.
    every = {name for name in vars(keras.Model()) if name.startswith("_")} - {"_trainable", "_dtype_policy"}
    loops = {f"{loop}_function" for loop in ("train", "test", "predict")}
    loops |= {f"stop_{loop}" for loop in ("training", "evaluating", "predicting")}
    return frozenset(every | loops | {"_eval_epoch_iterator", "history", PROGRAMS})


def _is_plain(value: object) -> bool:
    """Return whether a value consists of nothing but numbers and texts."""
    import numpy as np

    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, np.ndarray):
        return value.size <= 100 and value.dtype.kind in "buif"  # a larger one counts as the object that it is
    return value is None or isinstance(value, bool | int | float | str | np.generic)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let Python's, NumPy's and Keras's global generators start from a seed, and put them back afterwards.

    The public `keras.utils.set_random_seed` can't be undone, and lets TensorFlow throw away all that it has prepared.
    """
    import keras
    import numpy as np

    # 3.15.1: a layer made without a seed takes one from Python's generator. Draws without a seed come from a
    # generator kept under this name; always the same one here, for kept programs know its state.
    state, name = keras.src.backend.common.global_state, "global_seed_generator"
    if not _generators:
        _generators.append(keras.random.SeedGenerator(0))
    variable = tf_variable(_generators[0].state)
    before = state.get_global_attribute(name), variable.numpy(), random.getstate(), np.random.get_state()  # noqa: NPY002
    state.set_global_attribute(name, _generators[0])
    variable.assign([seed, 0])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        state.set_global_attribute(name, before[0])
        variable.assign(before[1])
        random.setstate(before[2])
        np.random.set_state(before[3])  # noqa: NPY002


@contextmanager
def philox() -> Iterator[None]:
    """Let this thread trace random draws with the Philox algorithm where none is named.

    Without XLA, TensorFlow takes it in any case. XLA takes it, too, but in a form that costs twenty times as much.
    """
    from tensorflow.python.ops import random_ops_util

    if not hasattr(_tracing, "philox"):
        _tracing.philox = 0
    if random_ops_util.get_key_counter_alg is not _named_algorithm:
        _asked.append(random_ops_util.get_key_counter_alg)
        # 2.21: every `tf.random.stateless_…`, and with it every draw of Keras, asks here.
        random_ops_util.get_key_counter_alg = _named_algorithm
    _tracing.philox += 1
    try:
        yield
    finally:
        _tracing.philox -= 1


def _named_algorithm(seed: object, alg: object) -> Any:
    """Return what TensorFlow's own function does, which is in the way of nobody who is not in `philox`."""
    unnamed = alg is None or (isinstance(alg, str) and alg == "auto_select")
    return _asked[-1](seed, "philox" if unnamed and getattr(_tracing, "philox", False) else alg)


_tracing: Any = threading.local()
_asked: list[Callable[..., Any]] = []
_generators: list[keras.random.SeedGenerator] = []


def tf_variable(variable: keras.Variable) -> tf.Variable:
    """Return the `tf.Variable` behind a Keras variable: that is what a graph captures."""
    return variable.value  # 3.15.1: documented as an array or tensor; with TensorFlow it is the variable itself


def hears_batches(callback: keras.callbacks.Callback) -> tuple[bool, bool]:
    """Return whether a callback listens to the batches of training, and to those of validation."""
    import keras

    # 3.15.1: `save_freq` is documented as an argument, not as an attribute.
    if isinstance(callback, keras.callbacks.ModelCheckpoint | keras.callbacks.BackupAndRestore):
        return callback.save_freq != "epoch", False

    def listens(*kinds: str) -> bool:
        # 3.15.1: Keras marks the methods of its base class, which do nothing. CallbackList looks at the same mark.
        names = [f"on_{kind}batch_{end}" for kind in kinds for end in ("begin", "end")]
        return any(not hasattr(getattr(callback, name), "_is_default") for name in names)

    return listens("", "train_"), listens("test_")


def first_epoch(model: keras.Model) -> int:
    """Return the epoch at which a callback, such as BackupAndRestore, lets the training begin; that holds once."""
    # 3.15.1: `fit` asks for it after on_train_begin. Keras never takes it back.
    epoch, model._initial_epoch = model._initial_epoch, None
    return epoch or 0


def callback_state(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return the attributes of a callback that it does not get anew from whoever trains."""
    # 3.15.1: CallbackList sets `params` and `_model`.
    state = {name: value for name, value in vars(callback).items() if name not in ("params", "_model")}
    if hasattr(callback, "monitor_op"):
        # 3.15.1: EarlyStopping and ReduceLROnPlateau turn its sign at their first use; a new one does so by itself.
        state.pop("min_delta", None)
    return state


def callback_settings(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return what a callback was made with, as far as it keeps it under the same name."""
    names = inspect.signature(type(callback).__init__).parameters
    settings = {name: vars(callback)[name] for name in names if name in vars(callback)}
    if "min_delta" in settings and hasattr(callback, "monitor_op"):  # the sign: see callback_state
        settings["min_delta"] = abs(settings["min_delta"])
    return settings


def csv_log(logger: keras.callbacks.CSVLogger) -> tuple[Path, str]:
    """Return the file of a CSVLogger and what separates its columns."""
    return Path(logger.filename), logger.sep  # 3.15.1: arguments that it keeps, one under another name


def append_once(logger: keras.callbacks.CSVLogger) -> None:
    """Let a CSVLogger go on below what its file holds the next time that training begins."""
    # 3.15.1: `append` is read in on_train_begin alone, which empties the file without it.
    begin, append = logger.on_train_begin, logger.append

    def go_on(logs: dict[str, float] | None = None) -> None:
        del logger.on_train_begin
        logger.append = True
        begin(logs)
        logger.append = append

    logger.on_train_begin = go_on
