"""A model's step, compiled so that one call runs many steps, even several epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aetutorial import validation
from aetutorial.engine import graph_digest, keras_internals, loop, program_cache

# Operations that draw random numbers from a state that is in no variable, but in TensorFlow's kernels.
UNSEEN_DRAWS = {
    *("RandomStandardNormal", "RandomUniform", "RandomUniformInt", "TruncatedNormal"),
    *("RandomShuffle", "RandomGammaGrad", "RandomGamma", "RandomPoissonV2", "Multinomial"),
    "ParameterizedTruncatedNormal",
}


@dataclass
class Outcome:
    """What a call of a program came to."""

    logs: list[dict[str, float]]  # of each epoch that was run: the step's logs at its end
    now: dict[str, float]  # what the logs of the last epoch would be if it ended here, be they finite or not
    last_logs: dict[str, float]  # what the last step returned
    finite: bool  # whether every loss was; if not, the program stopped at the first that was not
    epoch: int  # the row of `orders` at which it stopped
    step: int  # steps that were run in that epoch, the one with a loss that is not finite included
    last: float  # the last finite loss, a mean over the epoch so far; NaN if there was none
    before: list[tf.Tensor]  # the values of the program's variables before the call


class Orders(NamedTuple):
    """The rows of each epoch, in their order, for a number of epochs."""

    rows: tf.Tensor
    epochs: int


class Program:
    """A step of a model with the loops over batches and epochs around it; equal models share what is compiled.

    The step is traced here. The loops are made at the first call that wants them with XLA, or without.

    Args:
        model: A compiled and built Keras model.
        step: Its `train_step` or `test_step`.
        specs: A nest of `tf.TensorSpec`, one for each tensor of the data; as many rows in each.
        batch_size: Rows per step. A last, smaller batch is run as well.
        as_batch: Turns a batch of the nest into what the step takes.
        seed: Seed of what the step draws from `tf.random`.
        strategy: A `tf.distribute.Strategy`, or None.
        shapes: Of each tensor, the shape without the first axis, where it is not that of these data alone.

    Attributes:
        steps, full: Steps of an epoch; those of them with a full batch.
        width: Epochs per call, at most.
        variables: Every TensorFlow variable that the step reads or writes.
        operations: The kinds of TensorFlow operations that the step consists of.
        refused: Whether XLA could not compile it.
    """

    refused = False

    def __init__(
        self,
        model: Any,
        step: Callable[[loop.Nest], dict[str, Any]],
        specs: loop.Nest,
        batch_size: int,
        *,
        as_batch: Callable[[loop.Nest], loop.Nest],
        seed: int = 0,
        strategy: tf.distribute.Strategy | None = None,
        shapes: list[tf.TensorShape] | None = None,
    ) -> None:
        program_cache.give_memory_back()  # of what was freed before: tracing would scatter over it
        leaves = tf.nest.flatten(specs)
        self.rows = int(leaves[0].shape[0])
        self.full, rest = divmod(self.rows, batch_size)
        self.steps = self.full + (rest > 0)
        replicas = strategy.num_replicas_in_sync if strategy else 1
        for size in [batch_size] * (self.full > 0) + [rest]:
            if size % replicas:
                expected = f"such that every batch can be divided among {replicas} replicas"
                received = f"{self.rows} rows in batches of {batch_size}: one has {size} rows"
                raise ValueError(validation.message("batch_size", expected, received))
        self.width = max(1, min(16, 2**20 // self.rows))
        self.batch_size, self._is_shared = batch_size, strategy is None

        def one_step(batch: loop.Nest) -> dict[str, tf.Tensor]:
            tf.compat.v1.set_random_seed(seed)  # of this graph alone
            if strategy is None:
                return step(as_batch(batch))
            logs = strategy.run(lambda: step(as_batch(_share(batch, strategy))))
            return {name: strategy.reduce("MEAN", value, axis=None) for name, value in loop.scalars(logs).items()}

        shapes = shapes or [leaf.shape[1:] for leaf in leaves]
        wide = [tf.TensorSpec([None, *shape], leaf.dtype) for leaf, shape in zip(leaves, shapes, strict=True)]
        self._specs = tf.nest.pack_sequence_as(specs, wide)
        # Traced once, for any number of rows: the loops call this one for full batches and for the rest.
        with keras_internals.philox():
            run = _traced(one_step, self._specs)
        self._step = loop.Step(
            run=run,
            reset=_traced(model.reset_metrics),
            result=_traced(lambda: loop.scalars(model.get_metrics_result())),
            names=list(loop.scalars(run.structured_outputs)),
            variables=_ordered(run.variables, model),
        )
        self.variables = self._step.variables
        self.operations = graph_digest.operations(run.graph)
        self._loops: dict[bool, Callable[..., Any]] = {}

    def digest(self) -> str:
        """Return a digest of what the step computes, the same for equal models."""
        return graph_digest.digest(self._step.run.graph)

    def draws_unseen(self) -> bool:
        """Return whether the step draws random numbers whose state is in no variable, as those of `tf.random`."""
        return bool(UNSEEN_DRAWS & self.operations)

    def orders(self, orders: np.ndarray) -> Orders:
        """Return what a call takes as the order of the rows, from integers of shape (epochs, rows)."""
        padded = np.zeros((self.width, self.rows), "int32")
        padded[: len(orders)] = orders
        return Orders(tf.constant(padded), len(orders))

    def __call__(
        self, block: object, orders: Orders, jit: bool, *, start: int = 0, stop: int | None = None, reset: bool = True
    ) -> Outcome:
        """Run steps `start` to `stop` of some epochs.

        Args:
            block: The data: a nest of tensors.
            orders: In which order it takes the rows, for each epoch.
            jit: Whether XLA compiles the loops.
            start: First step.
            stop: Step to stop before; None for all.
            reset: Whether the metrics start anew with each epoch.
        """
        stop = self.steps if stop is None else stop
        bounds = np.array([orders.epochs, start, stop, int(reset)], "int32")
        compiles = False
        if jit not in self._loops:
            self._loops[jit], compiles = self._loop(jit)
        table, row, (epoch, step, last, finite), before = self._loops[jit](block, orders.rows, bounds)
        if compiles:
            program_cache.give_memory_back()  # of the compiler
        ended = int(epoch)
        rows = [*table.numpy()[: orders.epochs], row.numpy()]
        *logs, last_logs = (dict(zip(self._step.names, values.tolist(), strict=True)) for values in rows)
        now = logs[min(ended, orders.epochs - 1)]
        return Outcome(logs[:ended], now, last_logs, bool(finite), ended, int(step), float(last), before)

    def _loop(self, jit: bool) -> tuple[Callable[..., Any], bool]:
        """Return what a call runs, and whether its first call compiles."""

        def trace() -> Callable[..., Any]:
            return loop.trace(self._step, self._specs, self.rows, self.batch_size, self.width, jit)

        if not self._is_shared:
            return trace(), True
        names = f"{self._step.names} {list(self._step.result.structured_outputs)}"
        setting = f"{jit} {self.rows} {self.batch_size} {self.width} {self._specs} {names}"
        return program_cache.shared(trace, self._step[:3], self.variables, setting)


def _traced(function: Callable[..., Any], *specs: loop.Nest) -> tf.types.experimental.ConcreteFunction:
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def _share(batch: loop.Nest, strategy: tf.distribute.Strategy) -> loop.Nest:
    """Return the part of a batch that the present replica works on."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group

    def part(tensor: tf.Tensor) -> tf.Tensor:
        rows = tf.shape(tensor)[0] // strategy.num_replicas_in_sync
        return tensor[replica * rows : (replica + 1) * rows]

    return tf.nest.map_structure(part, batch)


def _ordered(variables: Iterable[tf.Variable], model: Any) -> list[tf.Variable]:
    """Return the variables in an order that every run of the same model has: first the model's, then others."""
    optimizer = getattr(model, "optimizer", None)
    known = [*model.variables, *(optimizer.variables if optimizer else []), *model.metrics_variables]
    place = {id(keras_internals.tf_variable(variable)): i for i, variable in enumerate(known)}
    return sorted(variables, key=lambda v: (place.get(id(v), len(place)), v.name))
