"""The loops over batches and epochs that are compiled with a model's step. Lesson 3 writes them by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

Nest = Any  # an array or tensor, or a tuple, list or dict of nests


class Step(NamedTuple):
    """A step of a model and what goes with it, as concrete functions."""

    run: tf.types.experimental.ConcreteFunction  # (batch) -> logs
    reset: tf.types.experimental.ConcreteFunction  # () -> None: the metrics start anew
    result: tf.types.experimental.ConcreteFunction  # () -> what the metrics hold, a flat dict of scalars
    names: list[str]  # of the logs, in their order
    variables: list[tf.Variable]  # that it reads or writes


def trace(step: Step, specs: Nest, rows: int, batch_size: int, width: int, jit: bool) -> Callable[..., Nest]:
    """Return the loops: concrete (block, orders, bounds) -> (table, row, (epoch, step, last, finite), before).

    `specs` is the nest of the block's tensors, with `rows` rows, but None for them in the shapes.
    `orders`, of shape (`width`, rows), holds the rows of each epoch in their order. `bounds` are the number of epochs,
    the first step, the step to stop before, and whether the metrics start anew. `table` has a row for the logs of each
    epoch, in the order of the step's names, and `row` is what the last step returned; the others are those of an
    `Outcome`.
    """
    full, rest = divmod(rows, batch_size)
    # XLA must know each batch's shape, so the full batches have a loop and the rest has another. Without it one loop
    # takes both, and TensorFlow prepares the step once: a third of the first call.
    sizes = [batch_size] * (full > 0) + [rest] * (rest > 0) if jit or not rest else [None]
    names = step.names
    loss = names.index("loss") if "loss" in names else None
    double = tf.float64  # exact for every float32

    def pack(logs: dict[str, Any]) -> tf.Tensor:
        flat = scalars(logs)
        return tf.stack([tf.cast(flat[name], double) for name in names])

    def finite(row: tf.Tensor) -> tf.Tensor:
        return tf.constant(True) if loss is None else tf.math.is_finite(row[loss])

    def run(block: Nest, orders: tf.Tensor, bounds: tf.Tensor) -> tuple[Nest, ...]:
        before = [tf.identity(variable) for variable in step.variables]
        epochs, start, stop, reset = tf.unstack(bounds)

        def one_step(i: tf.Tensor, row: tf.Tensor, last: tf.Tensor, chosen: tf.Tensor) -> Nest:
            batch = tf.nest.map_structure(lambda t: tf.gather(t, chosen), block)
            row = pack(step.run(batch))
            return i + 1, row, last if loss is None else tf.where(finite(row), row[loss], last)

        def steps(order: tf.Tensor, size: int | None, i: tf.Tensor, row: tf.Tensor, last: tf.Tensor) -> Nest:
            def chosen(i: tf.Tensor) -> tf.Tensor:
                if size == rest:
                    return order[full * batch_size :]
                first = i * batch_size
                return tf.slice(order, [first], [tf.minimum(batch_size, rows - first) if size is None else size])

            end = tf.minimum(stop, full) if size == batch_size else stop
            return tf.while_loop(
                lambda i, row, last: (i < end) & finite(row),
                lambda i, row, last: one_step(i, row, last, chosen(i)),
                [i, row, last],
            )

        def epoch(e: tf.Tensor, _i: tf.Tensor, row: tf.Tensor, last: tf.Tensor, table: tf.Tensor) -> Nest:
            order = orders[e]
            _when(reset > 0, step.reset)
            i = start
            for size in sizes:
                i, row, last = steps(order, size, i, row, last)
            result = step.result()
            # As Keras does: what the step returns counts only if it isn't what the metrics hold.
            logs = pack(result) if set(result) == set(names) else row
            table = tf.tensor_scatter_nd_update(table, [[e]], [logs])
            return tf.where(finite(row), e + 1, e), i, row, last, table

        zeros = tf.zeros([len(names)], double)
        nan = tf.constant(np.nan, double)
        e, i, row, last, table = tf.while_loop(
            lambda e, i, row, last, table: (e < epochs) & finite(row),
            epoch,
            [0, 0, zeros, nan, tf.zeros([width, len(names)], double)],
        )
        return table, row, (e, i, last, finite(row)), before

    return tf.function(run, jit_compile=jit, autograph=False).get_concrete_function(
        tf.nest.map_structure(lambda spec: tf.TensorSpec([rows, *spec.shape[1:]], spec.dtype), specs),
        tf.TensorSpec([width, rows], tf.int32),
        tf.TensorSpec([4], tf.int32),
    )


def scalars(logs: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Return a step's logs as one flat dict of scalars, as Keras hands them to callbacks."""
    flat: dict[str, tf.Tensor] = {}
    for name, value in (logs or {}).items():
        flat.update(scalars(value) if isinstance(value, dict) else {name: value})
    return flat


def _when(condition: tf.Tensor, action: Callable[[], object]) -> None:
    """Run an action inside a graph if `condition`: a loop of one round or none, which copies no weights."""

    def once(_again: tf.Tensor) -> tf.Tensor:
        action()
        return tf.constant(False)

    tf.while_loop(lambda again: again, once, [condition])
