"""What a training puts into its checkpoints, and how it goes on from one."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from aetutorial import validation
from aetutorial.engine import checkpoints, keras_internals
from aetutorial.engine.batches import Stream
from aetutorial.engine.epochs import Passes
from aetutorial.engine.program import UNSEEN_DRAWS
from aetutorial.integrity import array_digest, write_whole

UNSEEN_STATE = UNSEEN_DRAWS | {"PyFunc", "EagerPyFunc"}  # also what Python functions keep


class Checkpointing:
    """The checkpoints of one training: what it writes, and where it begins. Without a folder, neither does anything.

    Args:
        folder: The folder of checkpoints, or None.
        model: A compiled and built Keras model.
        train, test: Its training and, or None, its validation.
        callbacks, strategy: As for `fit`.

    Attributes:
        ended: Whether a callback ended the training that this one goes on with.
    """

    def __init__(
        self, folder: Path | None, model: Any, train: Passes, test: Passes | None, callbacks: list[Any], strategy: Any
    ) -> None:
        self.folder, self.model, self.callbacks, self.strategy = folder, model, callbacks, strategy
        self.ended = False
        self._state: checkpoints.State | None = None
        if folder is None:
            return
        passes = {"training": train, "validation": test} if test else {"training": train}
        programs = [each.program for each in passes.values()]
        unseen = sorted(UNSEEN_STATE & set().union(*(program.operations for program in programs)))
        if unseen:
            expected = "None for a model that draws random numbers outside Keras"
            advice = "use keras.random with a keras.random.SeedGenerator, whose state can be saved"
            raise ValueError(validation.message("checkpoint", expected, f"a model with {', '.join(unseen)}: {advice}"))
        known = map(keras_internals.tf_variable, (*model.variables, *model.optimizer.variables))
        others = (variable for program in programs for variable in program.variables)
        self._variables = list({id(variable): variable for variable in (*known, *others)}.values())
        self._streams = {name: each.source for name, each in passes.items() if isinstance(each.source, Stream)}
        self._digests: list[list[str]] = []
        self._train = train
        self._identity, self._told = self._identity_of(train, test), self._what_may_change()

    def _identity_of(self, train: Passes, test: Passes | None) -> dict[str, Any]:
        """Return what must be the same in a training that goes on, by the name that an error gives it."""
        alike = self.strategy is None  # workers' steps differ: each takes its own part of a batch
        optimizer = self.model.optimizer
        config = _config(optimizer) | _config(self._inner_optimizer())
        settings = {name: _plain(value) for name, value in config.items() if name not in ("name", "inner_optimizer")}
        if isinstance(settings.get("learning_rate"), float):  # the present one, which callbacks change
            del settings["learning_rate"]
        return {
            "TensorFlow version": tf.__version__,
            "Keras version": keras.__version__,
            "model": {str(i): f"{tuple(v.shape)} {v.dtype}" for i, v in enumerate(self.model.variables)},
            "optimizer": type(optimizer).__name__,
            "setting of the optimizer": settings,
            "layer, loss or constant in the training step": train.program.digest() if alike else None,
            "validation step": test.program.digest() if test and alike else None,
            "set of training data": train.source.digest(),
            "set of validation data": test.source.digest() if test else None,
            "batch size": train.source.batch_size,
            "seed": train.seed,
            "choice of jit": "auto" if train.is_chosen else train.jit,
            "number of replicas": self.strategy.num_replicas_in_sync if self.strategy else 1,
        }

    def _inner_optimizer(self) -> keras.optimizers.Optimizer:
        """Return the optimizer itself, without what scales its loss under mixed precision."""
        return getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)

    def _what_may_change(self) -> dict[str, Any]:
        """Return the learning rate, whether XLA compiles, and the settings of each callback, named as by `_named`."""
        rate = _config(self._inner_optimizer()).get("learning_rate")
        named = _named(self.callbacks).items()
        settings = {name: keras_internals.callback_settings(callback) for name, callback in named}
        return {
            "learning rate": rate if isinstance(rate, float) else None,
            "XLA": self._train.jit,
            "callbacks": {
                name: {key: _plain(value) for key, value in each.items() if checkpoints.storable(value)}
                for name, each in settings.items()
            },
        }

    def load(self, epochs: int) -> None:
        """Read the newest checkpoint, if there is one, and refuse it if it is of another training.

        Raises:
            CheckpointError: it is, or every checkpoint is damaged.
        """
        if self.folder is None:
            return
        state = self._state = checkpoints.load(self.folder, self._identity)
        if state is None:
            return
        self._compare(state)
        if state.epoch > epochs:
            raise checkpoints.CheckpointError(
                f"The checkpoint in {self.folder} is of epoch {state.epoch}, beyond `epochs`={epochs}."
            )
        # Read the streams as often as the training before did, so that they shuffle on from there.
        for epoch, digests in enumerate(state.digests, 1):
            for (name, stream), digest in zip(self._streams.items(), digests, strict=True):
                for _ in stream.blocks():
                    pass
                if stream.epoch_digest != digest:
                    raise checkpoints.CheckpointError(
                        f"The checkpoint in {self.folder} is of other {name} data: in epoch {epoch} the Dataset gave "
                        "other batches then. To go on, it must repeat itself: give its `shuffle` a seed."
                    )
        self._digests = state.digests
        for callback in filter(_is_csv_logger, self.callbacks):
            _shorten(callback, state.epoch)

    def _compare(self, state: checkpoints.State) -> None:
        """Report a learning rate that is neither that of the start nor that of the checkpoint, and other callbacks."""
        there, here = (told["learning rate"] for told in (state.told, self._told))
        if here not in (None, there):
            rate = keras_internals.tf_variable(self._inner_optimizer().learning_rate)
            (place,) = (i for i, variable in enumerate(self._variables) if variable is rate)
            saved = float(state.arrays[place])
            if here != saved:
                text = (
                    f"goes on with the learning rate of its checkpoint, {saved:.3g}, not with the model's, {here:.3g}"
                )
                warnings.warn(f"The training in {self.folder} {text}.", stacklevel=4)
        self._told["learning rate"] = there
        self._train.jit = self._told["XLA"] = state.told["XLA"]  # more epochs would not always choose the same
        then, now = state.told["callbacks"], self._told["callbacks"]
        news = [f"{name} is new" for name in now if name not in then]
        news += [f"{name} is gone" for name in then if name not in now]
        news += [checkpoints.difference(name, then[name], now[name]) for name in now if name in then]
        if any(news):
            text = f"The training in {self.folder} goes on with other callbacks: {'; '.join(filter(None, news))}."
            warnings.warn(text, stacklevel=4)

    def resume(self) -> int:
        """Put everything back as it was, after the callbacks' `on_train_begin`; return how many epochs are done."""
        state = self._state
        if state is None:
            return 0
        for variable, array in zip(self._variables, state.arrays, strict=True):
            variable.assign(array)
        self.model.history.history.update(state.history)
        self.model.history.epoch = list(range(state.epoch))
        then = dict(zip(state.told["callbacks"], state.callbacks, strict=True))
        for name, callback in _named(self.callbacks).items():
            if name not in then or _is_csv_logger(callback):  # a logger's file holds its state
                continue
            before, now = (told["callbacks"][name] for told in (state.told, self._told))
            changed = {key for key in before | now if before.get(key) != now.get(key)}
            vars(callback).update({key: value for key, value in then[name].items() if key not in changed})
        self.ended = state.stopped
        return state.epoch

    def save(self, epoch: int) -> None:
        """Write a checkpoint, if there is a folder."""
        if self.folder is None:
            return
        self._digests.append([stream.epoch_digest for stream in self._streams.values()])
        # Under a strategy, every worker must take part in reading; one writes.
        arrays = [variable.numpy() for variable in self._variables]
        if self.strategy is not None and not self.strategy.extended.should_checkpoint:
            return
        history = self.model.history.history.items()
        state = checkpoints.State(
            epoch=epoch,
            arrays=arrays,
            history={name: list(map(_stored, values)) for name, values in history},
            callbacks=list(map(_kept_attributes, self.callbacks)),
            stopped=bool(self.model.stop_training),
            digests=self._digests,
            identity=self._identity,
            told=self._told,
        )
        checkpoints.save(self.folder, state)


def _config(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Return an optimizer's settings; those that it can tell, if its learning rate is a schedule without a config."""
    try:
        return dict(optimizer.get_config())
    except NotImplementedError:
        names = inspect.signature(type(optimizer).__init__).parameters
        return {name: value for name, value in vars(optimizer).items() if name in names and checkpoints.storable(value)}


def _named(callbacks: list[keras.callbacks.Callback]) -> dict[str, keras.callbacks.Callback]:
    """Return the callbacks by class and place among those of the class: "EarlyStopping", "EarlyStopping 2", …"""
    named: dict[str, keras.callbacks.Callback] = {}
    for callback in callbacks:
        kind = type(callback).__name__
        count = sum(type(other).__name__ == kind for other in named.values())
        named[f"{kind} {count + 1}" if count else kind] = callback
    return named


def _kept_attributes(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return a callback's attributes that a checkpoint can hold; name those that get lost."""
    kept = {}
    for name, value in keras_internals.callback_state(callback).items():
        if checkpoints.storable(value):
            kept[name] = value
        elif not (type(callback).__module__.startswith("keras.") or callable(value)):
            text = f"The callback {type(callback).__name__} keeps {type(value).__name__} `{name}`, which a checkpoint "
            warnings.warn(f"{text}can't hold: after an interruption it starts anew.", stacklevel=4)
    return kept


def _is_csv_logger(callback: keras.callbacks.Callback) -> bool:
    return isinstance(callback, keras.callbacks.CSVLogger)


def _shorten(logger: keras.callbacks.CSVLogger, epochs: int) -> None:
    """Take from a CSVLogger's file the rows written after the checkpoint, and let it go on below the others."""
    path, separator = keras_internals.csv_log(logger)
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    while len(lines) > 1:
        first = lines[-1].split(separator.encode())[0]
        if lines[-1].endswith(b"\n") and first.isdigit() and int(first) < epochs:
            break
        lines.pop()
    write_whole(path, b"".join(lines))
    keras_internals.append_once(logger)


def _stored(value: Any) -> Any:
    """Return a number of the history as a checkpoint can hold it."""
    return value if checkpoints.storable(value) else np.asarray(value)


def _plain(value: object) -> object:
    """Return a number or text that differs where values do."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    return array_digest(value) if isinstance(value, np.ndarray) else repr(value)
