"""Every private or undocumented name of Keras that the course uses, a function for each.

A new version of Keras may change any of them without notice. All were checked with the version in `CHECKED_WITH`;
tests fail when another one is installed, and when another module of the package uses such a name.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

CHECKED_WITH = "3.15.1"


def optimizer_base() -> Any:
    """Return the class whose `apply` and `build` all optimizers share."""
    import keras

    # 3.15.1: the public keras.optimizers.Optimizer only inherits them, and so do other classes.
    return keras.src.optimizers.base_optimizer.BaseOptimizer


def is_compiled(model: Any) -> bool:
    """Return whether `compile` was called on a model."""
    return model.compiled  # 3.15.1: an attribute that no documentation names; nothing public tells


def strategy_of(model: Any) -> Any:
    """Return the `tf.distribute.Strategy` under which a model was made; TensorFlow's default one for none."""
    return model.distribute_strategy  # 3.15.1: an attribute of the TensorFlow backend only, not documented


def takes_itself_for_target(model: Any, step: str) -> bool:
    """Return whether `train_step` or `test_step` is Keras's own and compares outputs with targets."""
    import keras

    # 3.15.1: `compile` keeps what it was given in `loss` and in an attribute without a public name.
    compares = model.loss is not None or model._compile_metrics is not None
    return compares and getattr(type(model), step) is getattr(keras.Model, step)


def build(model: Any, batch: Any) -> None:
    """Make the variables of a model, its metrics and its losses from the shapes in a batch of what `fit` takes."""
    # 3.15.1: what model.fit does first. The public `build` makes no metrics and needs shapes of one's own layers.
    model._symbolic_build(data_batch=batch)


def tf_variable(variable: Any) -> Any:
    """Return the `tf.Variable` behind a Keras variable: that is what a graph captures."""
    return variable.value  # 3.15.1: documented as an array or tensor; with TensorFlow it is the variable itself


def batch_methods(callback: Any) -> list[str]:
    """Return the names of a callback's methods that want to hear of each batch."""
    names = [f"on_{kind}batch_{end}" for kind in ("", "train_", "test_") for end in ("begin", "end")]
    # 3.15.1: Keras marks the methods of its base class, which do nothing. CallbackList looks at the same mark.
    return [name for name in names if not hasattr(getattr(callback, name), "_is_default")]


def saves_per_epoch(callback: Any) -> bool:
    """Return whether a callback is a ModelCheckpoint whose methods for batches do nothing."""
    import keras

    # 3.15.1: `save_freq` is documented as an argument, not as an attribute.
    return isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_freq == "epoch"


def callback_state(callback: Any) -> dict[str, Any]:
    """Return the attributes of a callback that it does not get anew from whoever trains."""
    # 3.15.1: CallbackList sets `params` and `_model`.
    state = {name: value for name, value in vars(callback).items() if name not in ("params", "_model")}
    if hasattr(callback, "monitor_op"):
        # 3.15.1: EarlyStopping and ReduceLROnPlateau turn its sign at their first use; a new one does so by itself.
        state.pop("min_delta", None)
    return state


def callback_settings(callback: Any) -> dict[str, Any]:
    """Return what a callback was made with, as far as it keeps it under the same name."""
    names = inspect.signature(type(callback).__init__).parameters
    settings = {name: vars(callback)[name] for name in names if name in vars(callback)}
    if "min_delta" in settings and hasattr(callback, "monitor_op"):  # the sign: see callback_state
        settings["min_delta"] = abs(settings["min_delta"])
    return settings


def csv_log(logger: Any) -> tuple[Path, str]:
    """Return the file of a CSVLogger and what separates its columns."""
    return Path(logger.filename), logger.sep  # 3.15.1: arguments that it keeps, one under another name


def append_once(logger: Any) -> None:
    """Let a CSVLogger go on below what its file holds the next time that training begins."""
    # 3.15.1: `append` is read in on_train_begin alone, which empties the file without it.
    begin, append = logger.on_train_begin, logger.append

    def go_on(logs: Any = None) -> None:
        del logger.on_train_begin
        logger.append = True
        begin(logs)
        logger.append = append

    logger.on_train_begin = go_on
