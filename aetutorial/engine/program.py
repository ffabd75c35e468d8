"""A model's step, compiled so that one call runs many steps, even several epochs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from aetutorial import validation
from aetutorial.engine import graph_digest, keras_internals, loop, program_cache


@dataclass
class Outcome:
    """What a call of a program came to."""

    logs: list[dict[str, float]]  # of each epoch that was run: the step's logs at its end
    finite: bool  # whether every loss was; if not, the program stopped at the first that was not
    epoch: int  # the row of `orders` at which it stopped
    step: int  # steps that were run in that epoch, the one with a loss that is not finite included
    last: float  # the last finite loss, a mean over the epoch so far; NaN if there was none
    before: list[Any]  # the values of the program's variables before the call


class Program:
    """A step of a model with the loops over batches and epochs around it; equal models share what is compiled.

    Args:
        model: A compiled and built Keras model.
        step: Its `train_step` or `test_step`.
        block: The data: a nest of tensors with the same number of rows.
        batch_size: Rows per step. A last, smaller batch is run as well.
        as_batch: Turns a batch of the nest into what the step takes.
        jit: Whether XLA compiles it. "auto": unless the step contains convolutions, or what XLA can't compile.
        strategy: A `tf.distribute.Strategy`, or None.
        shapes: Of each tensor of the block, the shape without the first axis, where it is not that of this block alone.
        number: How many programs of the same training there are before this one.

    Attributes:
        jit: Whether XLA compiles it; False from the first call on if XLA refused.
        steps, full: Steps of an epoch; those of them with a full batch.
        width: Epochs per call, at most.
        variables: Every TensorFlow variable that the step reads or writes.
        operations: The kinds of TensorFlow operations that the step consists of.
    """

    def __init__(
        self,
        model: Any,
        step: Callable[[Any], Any],
        block: Any,
        batch_size: int,
        *,
        as_batch: Callable[[Any], Any],
        jit: bool | str,
        strategy: Any = None,
        shapes: list[Any] | None = None,
        number: int = 0,
    ) -> None:
        program_cache.give_memory_back()  # of what was freed before: tracing would scatter over it
        self.block = block
        leaves = tf.nest.flatten(block)
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

        def one_step(batch: Any) -> Any:
            graph = tf.compat.v1.get_default_graph()
            if number and graph.seed is not None:  # `tf.random` would repeat the draws of the program before
                graph.seed += number
            if strategy is None:
                return step(as_batch(batch))
            logs = strategy.run(lambda: step(as_batch(_share(batch, strategy))))
            return {name: strategy.reduce("MEAN", value, axis=None) for name, value in loop.scalars(logs).items()}

        shapes = shapes or [leaf.shape[1:] for leaf in leaves]
        specs = [tf.TensorSpec([None, *shape], leaf.dtype) for leaf, shape in zip(leaves, shapes, strict=True)]
        any_rows = tf.nest.pack_sequence_as(block, specs)
        # Traced once, for any number of rows: the loops call this one for full batches and for the rest.
        traced = tf.function(one_step, autograph=False).get_concrete_function(any_rows)
        self._graph = traced.graph
        self._names = list(loop.scalars(traced.structured_outputs))
        self.variables = _ordered(traced.variables, model)
        self.operations = graph_digest.operations(traced.graph)
        compilable = strategy is None and not any("Conv" in kind for kind in self.operations)
        self.jit = compilable if jit == "auto" else bool(jit)
        self._may_fall_back = jit == "auto" and self.jit
        self._trace = functools.partial(
            loop.trace, model, traced, any_rows, self.rows, batch_size, self._names, self.variables, self.width
        )
        self._run: Callable[..., Any]
        self._is_new: bool
        self._compile()

    def digest(self) -> str:
        """Return a digest of what the step computes, the same for equal models."""
        return graph_digest.digest(self._graph)

    def __call__(
        self, orders: np.ndarray, *, start: int = 0, stop: int | None = None, reset: bool = True, block: Any = None
    ) -> Outcome:
        """Run steps `start` to `stop` of the epochs whose row orders are given.

        Args:
            orders: Integers of shape (epochs, rows): which rows, in which order.
            start: First step.
            stop: Step to stop before; None for all.
            reset: Whether the metrics start anew with each epoch.
            block: Other data of the same shapes, for this call.
        """
        stop = self.steps if stop is None else stop
        padded = np.zeros((self.width, self.rows), "int32")
        padded[: len(orders)] = orders
        bounds = [len(orders), start, stop, int(reset)]
        arguments = (self.block if block is None else block, padded, np.array(bounds, "int32"))
        try:
            result = self._run(*arguments)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            if not self._may_fall_back:
                raise
            # XLA refused to compile, so nothing has run yet. If the cause is another, it comes up again.
            self.jit = False
            self._compile()
            result = self._run(*arguments)
        if self._is_new:
            program_cache.give_memory_back()  # of the compiler
        self._may_fall_back = self._is_new = False
        table, (epoch, step, last, finite), before = result
        logs = [dict(zip(self._names, row.tolist(), strict=True)) for row in table.numpy()[: int(epoch)]]
        return Outcome(logs, bool(finite), int(epoch), int(step), float(last), before)

    def _compile(self) -> None:
        """Set what a call runs, and whether it is new, so that its first call compiles."""
        self._run, self._is_new = program_cache.shared(self._trace(self.jit), self.variables, self.jit)


def _share(batch: Any, strategy: Any) -> Any:
    """Return the part of a batch that the present replica works on."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group

    def part(tensor: Any) -> Any:
        rows = tf.shape(tensor)[0] // strategy.num_replicas_in_sync
        return tensor[replica * rows : (replica + 1) * rows]

    return tf.nest.map_structure(part, batch)


def _ordered(variables: Any, model: Any) -> list[Any]:
    """Return the variables in an order that every run of the same model has: first the model's, then others."""
    optimizer = getattr(model, "optimizer", None)
    known = [*model.variables, *(optimizer.variables if optimizer else []), *model.metrics_variables]
    place = {id(keras_internals.tf_variable(variable)): i for i, variable in enumerate(known)}
    return sorted(variables, key=lambda v: (place.get(id(v), len(place)), v.name))
