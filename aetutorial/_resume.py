"""What a run of `fit` puts into its checkpoints, and how it goes on from one."""

from __future__ import annotations

import json
import warnings
from typing import Any

from aetutorial import checkpoints
from aetutorial._passes import Passes
from aetutorial._sources import Stream


class Run:
    """A run of `fit` with its folder of checkpoints; without a folder, nothing is written or read."""

    def __init__(
        self,
        folder: Any,
        model: Any,
        train: Passes,
        test: Passes | None,
        hooks: list[Any],
        seed: int,
        strategy: Any,
    ) -> None:
        self.folder, self.model, self.hooks, self.strategy = folder, model, hooks, strategy
        self.train = train
        self.digests: list[str] = []
        self.stopped = False
        if folder is None:
            return
        known = [*model.variables, *model.optimizer.variables]
        variables = [variable.value for variable in known]
        for others in (train.variables, test.variables if test else []):
            listed = {id(variable) for variable in variables}
            variables += [variable for variable in others if id(variable) not in listed]
        self.variables = variables
        self.identity = self._identity(train, test, seed)

    def _identity(self, train: Passes, test: Passes | None, seed: int) -> dict[str, Any]:
        import keras
        import tensorflow as tf

        alike = self.strategy is None  # workers' steps differ: each takes its own part of a batch
        settings = dict(self.model.optimizer.get_config())
        settings.pop("name", None)
        return {
            "TensorFlow version": tf.__version__,
            "Keras version": keras.__version__,
            "model": [f"{tuple(v.shape)} {v.dtype}" for v in self.model.variables],
            "optimizer": type(self.model.optimizer).__name__,
            "optimizer's setting": json.dumps(settings, sort_keys=True, default=repr),
            "training step": train.signature if alike else None,
            "validation step": test.signature if test and alike else None,
            "data": train.source.fingerprint(),
            "validation data": test and test.source.fingerprint(),
            "batch size": getattr(train.source, "batch_size", None),
            "seed": seed,
            "jit": train.jit,
            "number of replicas": self.strategy.num_replicas_in_sync if self.strategy else 1,
            "list of callbacks": [
                [type(hook).__name__, repr(_attributes(hook))] for hook in self.hooks
            ],
        }

    def resume(self, epochs: int) -> int:
        """Go on from the newest checkpoint, if there is one; return how many epochs are done."""
        import keras

        state = None if self.folder is None else checkpoints.load(self.folder, self.identity)
        if state is None:
            return 0
        if state.epoch > epochs:
            raise checkpoints.CheckpointError(
                f"The checkpoint in {self.folder} is of epoch {state.epoch}, beyond `epochs`={epochs}."
            )
        if isinstance(self.train.source, Stream):
            self._catch_up(self.train.source, state)
        for variable, array in zip(self.variables, state.arrays, strict=True):
            variable.assign(array)
        self.model.history.history.update(state.history)
        self.model.history.epoch = list(range(state.epoch))
        for hook, attributes in zip(self.hooks, state.callbacks, strict=True):
            if isinstance(hook, keras.callbacks.CSVLogger):
                self._rewrite(hook, state)
            else:
                vars(hook).update(attributes)
        self.stopped = state.stopped
        return state.epoch

    def _rewrite(self, logger: Any, state: checkpoints.State) -> None:
        """Give a file that `on_train_begin` has emptied its rows again."""
        for epoch in range(0 if not logger.append else state.epoch, state.epoch):
            logs = {name: values[epoch] for name, values in state.history.items()}
            logger.on_epoch_end(epoch, logs)

    def _catch_up(self, source: Stream, state: checkpoints.State) -> None:
        """Read the stream as often as the run before did, so that it shuffles on from there."""
        for epoch, digest in enumerate(state.digests):
            for _ in source.blocks():
                pass
            if source.digest != digest:
                raise checkpoints.CheckpointError(
                    f"The checkpoint in {self.folder} is of other data: in epoch {epoch + 1} the Dataset gave other "
                    "batches then. To go on, it must repeat itself: give its `shuffle` a seed."
                )
        self.digests = list(state.digests)

    def save(self, epoch: int) -> None:
        """Write a checkpoint, if there is a folder."""
        if self.folder is None:
            return
        if isinstance(self.train.source, Stream):
            self.digests.append(self.train.source.digest)
        # Under a strategy, every worker must take part in reading; one writes.
        arrays = [variable.numpy() for variable in self.variables]
        if self.strategy is not None and not self.strategy.extended.should_checkpoint:
            return
        state = checkpoints.State(
            epoch=epoch,
            arrays=arrays,
            history={name: list(values) for name, values in self.model.history.history.items()},
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
        if name in ("params", "_model"):
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
