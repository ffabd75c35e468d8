"""What a run of `fit` puts into its checkpoints, and how it goes on from one."""

from __future__ import annotations

import hashlib
import inspect
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial import validation
from aetutorial.engine import checkpoints
from aetutorial.engine.batches import Stream
from aetutorial.engine.epochs import Passes

# Operations that draw random numbers whose state is in no variable.
UNSEEN_STATE = {
    *("RandomStandardNormal", "RandomUniform", "RandomUniformInt", "TruncatedNormal"),
    *("RandomShuffle", "RandomGammaGrad", "RandomGamma", "RandomPoissonV2", "Multinomial"),
    *("ParameterizedTruncatedNormal", "PyFunc", "EagerPyFunc"),
}


class Run:
    """A run of `fit` with its folder of checkpoints; without a folder, nothing is written or read."""

    def __init__(
        self,
        folder: Path | None,
        model: Any,
        train: Passes,
        test: Passes | None,
        hooks: list[Any],
        seed: int,
        strategy: Any,
    ) -> None:
        self.folder, self.model, self.hooks, self.strategy = folder, model, hooks, strategy
        self.state: checkpoints.State | None = None
        self.stopped = False
        if folder is None:
            return
        passes = [train, test] if test else [train]
        unseen = sorted(set().union(*(one.operations for one in passes)) & UNSEEN_STATE)
        if unseen:
            expected = "None for a model that draws random numbers outside Keras"
            advice = "use keras.random with a keras.random.SeedGenerator, whose state can be saved"
            received = f"a model with {', '.join(unseen)}: {advice}"
            raise ValueError(validation.message("checkpoint", expected, received))
        known = [*model.variables, *model.optimizer.variables]
        self.variables = [variable.value for variable in known]
        for one in passes:
            listed = {id(variable) for variable in self.variables}
            self.variables += [other for other in one.variables if id(other) not in listed]
        named = zip(("training", "validation"), passes, strict=False)
        self.streams = [(name, p.source) for name, p in named if isinstance(p.source, Stream)]
        self.digests: list[list[str]] = []
        self.identity = self._identity(train, test, seed)

    def _identity(self, train: Passes, test: Passes | None, seed: int) -> dict[str, Any]:
        """Return what must be the same in a run that goes on, by the name that an error gives it."""
        import keras
        import tensorflow as tf

        alike = self.strategy is None  # workers' steps differ: each takes its own part of a batch
        optimizer = self.model.optimizer
        settings = {name: _text(value) for name, value in optimizer.get_config().items()}
        settings.pop("name", None)
        return {
            "TensorFlow version": tf.__version__,
            "Keras version": keras.__version__,
            "model": {str(i): _shape(v) for i, v in enumerate(self.model.variables)},
            "optimizer": type(optimizer).__name__,
            "setting of the optimizer": settings,
            "layer, loss or constant in the training step": train.signature if alike else None,
            "validation step": test.signature if test and alike else None,
            "set of training data": train.source.fingerprint(),
            "set of validation data": test.source.fingerprint() if test else None,
            "batch size": train.source.batch_size,
            "seed": seed,
            "choice of jit": train.jit,
            "number of replicas": self.strategy.num_replicas_in_sync if self.strategy else 1,
            "list of callbacks": [type(hook).__name__ for hook in self.hooks],
            "setting of a callback": {
                f"{type(hook).__name__} {i}, {name}": value
                for i, hook in enumerate(self.hooks, 1)
                for name, value in _settings(hook).items()
            },
        }

    def load(self, epochs: int) -> None:
        """Read the newest checkpoint, if there is one, and refuse it if it is of another run.

        Raises:
            CheckpointError: it is, or every checkpoint is damaged.
        """
        if self.folder is None:
            return
        self.state = checkpoints.load(self.folder, self.identity)
        if self.state is None:
            return
        if self.state.epoch > epochs:
            raise checkpoints.CheckpointError(
                f"The checkpoint in {self.folder} is of epoch {self.state.epoch}, beyond `epochs`={epochs}."
            )
        # Read the streams as often as the run before did, so that they shuffle on from there.
        for epoch, digests in enumerate(self.state.digests, 1):
            for (name, stream), digest in zip(self.streams, digests, strict=True):
                for _ in stream.blocks():
                    pass
                if stream.digest != digest:
                    raise checkpoints.CheckpointError(
                        f"The checkpoint in {self.folder} is of other {name} data: in epoch {epoch} the Dataset gave "
                        "other batches then. To go on, it must repeat itself: give its `shuffle` a seed."
                    )
        self.digests = self.state.digests
        for hook in filter(_is_csv_logger, self.hooks):
            _shorten(hook, self.state.epoch)

    def resume(self) -> int:
        """Put everything back as it was, after the callbacks' `on_train_begin`; return how many epochs are done."""
        if self.state is None:
            return 0
        for variable, array in zip(self.variables, self.state.arrays, strict=True):
            variable.assign(array)
        self.model.history.history.update(self.state.history)
        self.model.history.epoch = list(range(self.state.epoch))
        for hook, attributes in zip(self.hooks, self.state.callbacks, strict=True):
            if not _is_csv_logger(hook):  # its file holds its state
                vars(hook).update(attributes)
        self.stopped = self.state.stopped
        return self.state.epoch

    def save(self, epoch: int) -> None:
        """Write a checkpoint, if there is a folder."""
        if self.folder is None:
            return
        self.digests.append([stream.digest for _, stream in self.streams])
        # Under a strategy, every worker must take part in reading; one writes.
        arrays = [variable.numpy() for variable in self.variables]
        if self.strategy is not None and not self.strategy.extended.should_checkpoint:
            return
        history = self.model.history.history
        state = checkpoints.State(
            epoch=epoch,
            arrays=arrays,
            history={name: [_number(v) for v in values] for name, values in history.items()},
            callbacks=[_attributes(hook) for hook in self.hooks],
            stopped=bool(self.model.stop_training),
            digests=self.digests,
            identity=self.identity,
        )
        checkpoints.save(self.folder, state)


def _attributes(hook: Any) -> dict[str, Any]:
    """Return a callback's attributes that a checkpoint can hold; name those that get lost."""
    kept = {}
    for name, value in vars(hook).items():
        # Keras turns the sign of min_delta round at a callback's first use: a fresh callback does it itself.
        if name in ("params", "_model") or (name == "min_delta" and hasattr(hook, "monitor_op")):
            continue
        if checkpoints.storable(value):
            kept[name] = value
        elif not (type(hook).__module__.startswith("keras.") or callable(value)):
            warnings.warn(
                f"The callback {type(hook).__name__} keeps {type(value).__name__} `{name}`, which a checkpoint "
                "can't hold: after an interruption it starts anew.",
                stacklevel=4,
            )
    return kept


def _settings(hook: Any) -> dict[str, Any]:
    """Return what a callback was made with, as far as it keeps it under the same name."""
    names = inspect.signature(type(hook).__init__).parameters
    found = {name: vars(hook)[name] for name in names if name in vars(hook)}
    if "min_delta" in found and hasattr(hook, "monitor_op"):
        found["min_delta"] = abs(found["min_delta"])
    return {name: _text(value) for name, value in found.items() if checkpoints.storable(value)}


def _is_csv_logger(hook: Any) -> bool:
    import keras

    return isinstance(hook, keras.callbacks.CSVLogger)


def _shorten(logger: Any, epochs: int) -> None:
    """Take from a CSVLogger's file the rows written after the checkpoint, and let it go on below the others."""
    path = Path(logger.filename)
    if not path.exists():
        return
    lines = path.read_text().splitlines(keepends=True)
    while len(lines) > 1:
        first = lines[-1].split(logger.sep)[0]
        whole = lines[-1].endswith("\n") and first.isdigit()
        if whole and int(first) < epochs:
            break
        lines.pop()
    aside = path.with_name(path.name + ".part")
    aside.write_text("".join(lines))
    os.replace(aside, path)
    begin, append = logger.on_train_begin, logger.append

    def go_on(logs: Any = None) -> None:
        """Open the file without emptying it, this once."""
        del logger.on_train_begin
        logger.append = True
        begin(logs)
        logger.append = append

    logger.on_train_begin = go_on


def _shape(variable: Any) -> str:
    return f"{tuple(variable.shape)} {variable.dtype}"


def _text(value: Any) -> Any:
    """Return a number or text that differs where values do."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray):
        return hashlib.sha256(repr((value.shape, value.dtype)).encode() + value.tobytes()).hexdigest()
    return repr(value)


def _number(value: Any) -> Any:
    return value if checkpoints.storable(value) else np.asarray(value)
