"""The compiled part of `fit`: many steps, even several epochs, in one call.

Lesson 3 writes this loop by hand. Here it is for any step of any Keras model. What is compiled once
is kept: a model that leads to the same graph is run by the program that is already there.
"""

from __future__ import annotations

import ctypes
import gc
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aetutorial import validation
from aetutorial.engine import graph_digest

# Compiled programs, the last used ones. Each takes some 20 to 40 MB, and a lesson must do with 1.5 GB.
KEPT = 4
# Each keeps the variables of the model it was compiled for, so those of large models, for which compiling is a small
# part of the time, are not kept.
KEPT_BYTES = 2**24
_compiled: OrderedDict[str, Any] = OrderedDict()
_lock = threading.RLock()


@dataclass
class Outcome:
    """What a call of a program came to.

    Attributes:
        logs: One dict per epoch that was run: the step's logs at the end of the epoch.
        finite: Whether every loss was finite; if not, the program stopped at the first that was not.
        epoch: The row of `orders` at which it stopped.
        step: Steps that were run in that epoch, the one with a loss that is not finite included.
        last: The last finite loss, a mean over the epoch so far; NaN if there was none.
        before: The values of the program's variables before the call.
    """

    logs: list[dict[str, float]]
    finite: bool
    epoch: int
    step: int
    last: float
    before: list[Any]


def clear() -> None:
    """Forget every compiled program, and give the memory back that this and others have freed."""
    with _lock:
        _compiled.clear()
    gc.collect()  # graphs, and the models they belong to, refer to themselves
    _give_back()


class Program:
    """A step of a model, compiled with the loops over batches and epochs around it.

    Args:
        model: A compiled and built Keras model.
        step: Its `train_step` or `test_step`.
        block: The data: a nest of tensors with the same number of rows.
        as_batch: Turns a batch of the nest into what the step takes.
        batch_size: Rows per step. A last, smaller batch is run as well.
        jit: Whether XLA compiles it; "auto" means yes, unless the step contains convolutions or
            something that XLA can't compile.
        strategy: A `tf.distribute.Strategy`, or None.
    """

    def __init__(
        self,
        model: Any,
        step: Callable[[Any], Any],
        block: Any,
        *,
        as_batch: Callable[[Any], Any],
        batch_size: int,
        jit: bool | str,
        strategy: Any = None,
    ) -> None:
        import tensorflow as tf

        _give_back()  # of what was freed before: tracing would scatter over it
        self.block = block
        self.rows = int(tf.nest.flatten(block)[0].shape[0])
        self.full, self.short = divmod(self.rows, batch_size)  # full batches, rows of the last one
        self.steps = self.full + (self.short > 0)
        replicas = strategy.num_replicas_in_sync if strategy else 1
        for size in [batch_size] * (self.full > 0) + [self.short]:
            if size % replicas:
                expected = f"such that every batch can be divided among {replicas} replicas"
                received = f"{self.rows} rows in batches of {batch_size}: one has {size} rows"
                raise ValueError(validation.message("batch_size", expected, received))
        self.width = max(1, min(16, 2**20 // self.rows))  # epochs per call at most

        def one_step(batch: Any) -> Any:
            if strategy is None:
                return step(as_batch(batch))
            logs = strategy.run(lambda: step(as_batch(_share(batch, strategy))))
            return {name: strategy.reduce("MEAN", value, axis=None) for name, value in _scalars(logs).items()}

        rows_unknown = tf.nest.map_structure(lambda t: tf.TensorSpec([None, *t.shape[1:]], t.dtype), block)
        stepper = tf.function(one_step, autograph=False)
        traced = stepper.get_concrete_function(rows_unknown)
        self.names = list(_scalars(traced.structured_outputs))
        self.variables = _ordered(traced.variables, model)
        self._graph = traced.graph
        self.operations = kinds = graph_digest.operations(traced.graph)
        auto = jit == "auto"
        compilable = strategy is None and not any("Conv" in kind for kind in kinds)
        self.jit = compilable if auto else bool(jit)
        self._build = lambda: _compile(
            model, stepper, block, batch_size, self.names, self.variables, self.width, self.jit
        )
        self._may_fall_back = auto and self.jit
        self._run = self._build()

    @property
    def signature(self) -> str:
        """A hash of what the step computes, the same for equal models."""
        return graph_digest.signature(self._graph)

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
        import tensorflow as tf

        stop = self.steps if stop is None else stop
        padded = np.zeros((self.width, self.rows), "int32")
        padded[: len(orders)] = orders
        bounds = [len(orders), start, min(stop, self.full), int(stop > self.full), int(reset)]
        arguments = (self.block if block is None else block, padded, np.array(bounds, "int32"))
        try:
            found = self._run(*arguments)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            if not self._may_fall_back:
                raise
            # XLA refused to compile, so nothing has run yet. If the cause is another, it comes up again.
            self.jit, self._may_fall_back = False, False
            self._run = self._build()
            found = self._run(*arguments)
        self._may_fall_back = False
        table, (epoch, step, last, finite), before = found
        logs = [dict(zip(self.names, row.tolist(), strict=True)) for row in table.numpy()]
        done = int(epoch)
        return Outcome(logs[:done], bool(finite), done, int(step), float(last), before)

    def restore(self, values: list[Any]) -> None:
        """Give the program's variables the values that an `Outcome.before` holds."""
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)


def _scalars(logs: Any) -> dict[str, Any]:
    """Return a step's logs as one flat dict of scalars, as Keras hands them to callbacks."""
    flat: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        flat.update(_scalars(value) if isinstance(value, dict) else {name: value})
    return flat


def _share(batch: Any, strategy: Any) -> Any:
    """Return the part of a batch that the present replica works on."""
    import tensorflow as tf

    replica = tf.distribute.get_replica_context().replica_id_in_sync_group

    def part(tensor: Any) -> Any:
        rows = tf.shape(tensor)[0] // strategy.num_replicas_in_sync
        return tensor[replica * rows : (replica + 1) * rows]

    return tf.nest.map_structure(part, batch)


def _ordered(variables: Any, model: Any) -> list[Any]:
    """Return the variables in an order that every run of the same model has: first the model's, then others."""
    optimizer = getattr(model, "optimizer", None)
    known = [*model.variables, *(optimizer.variables if optimizer else []), *model.metrics_variables]
    place = {id(variable.value): i for i, variable in enumerate(known)}
    return sorted(variables, key=lambda v: (place.get(id(v), len(place)), v.name))


def _compile(
    model: Any,
    stepper: Callable[[Any], Any],
    block: Any,
    batch_size: int,
    names: list[str],
    variables: list[Any],
    width: int,
    jit: bool,
) -> Callable[..., Any]:
    """Return the function (block, orders, bounds) -> (table, position, before) of a `Program`."""
    import tensorflow as tf

    rows = int(tf.nest.flatten(block)[0].shape[0])
    full, short = divmod(rows, batch_size)
    loss = names.index("loss") if "loss" in names else None
    double = tf.float64  # exact for every float32

    def pack(logs: Any) -> Any:
        flat = _scalars(logs)
        return tf.stack([tf.cast(flat[name], double) for name in names])

    def finite(row: Any) -> Any:
        return tf.constant(True) if loss is None else tf.math.is_finite(row[loss])

    def run(block: Any, orders: Any, bounds: Any) -> Any:
        before = [tf.identity(variable) for variable in variables]
        epochs, start, stop, tail, reset = tf.unstack(bounds)

        def step(i: Any, row: Any, last: Any, chosen: Any) -> Any:
            batch = tf.nest.map_structure(lambda t: tf.gather(t, chosen), block)
            row = pack(stepper(batch))
            return i + 1, row, last if loss is None else tf.where(finite(row), row[loss], last)

        def epoch(e: Any, _i: Any, row: Any, last: Any, table: Any) -> Any:
            order = orders[e]
            _when(reset > 0, model.reset_metrics)
            i = start
            if full:
                i, row, last = tf.while_loop(
                    lambda i, row, last: (i < stop) & finite(row),
                    lambda i, row, last: step(i, row, last, tf.slice(order, [i * batch_size], [batch_size])),
                    [i, row, last],
                )
            if short:
                i, row, last = tf.while_loop(
                    lambda i, row, last: (tail > 0) & (i == full) & finite(row),
                    lambda i, row, last: step(i, row, last, order[full * batch_size :]),
                    [i, row, last],
                )
            result = _scalars(model.get_metrics_result())
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
        return table, (e, i, last, finite(row)), before

    concrete = tf.function(run, jit_compile=jit, autograph=False).get_concrete_function(
        tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), block),
        tf.TensorSpec([width, rows], tf.int32),
        tf.TensorSpec([5], tf.int32),
    )
    if sum(variable.shape.num_elements() * variable.dtype.size for variable in variables) > KEPT_BYTES:
        return _tidied(concrete)
    shapes = [(variable.shape.as_list(), variable.dtype.name) for variable in variables]
    return _shared(concrete, f"{graph_digest.signature(concrete.graph)} {jit} {shapes}")


def _when(condition: Any, action: Callable[[], Any]) -> None:
    """Run an action inside a graph if `condition`: a loop of one round or none, which copies no weights."""
    import tensorflow as tf

    def once(_again: Any) -> Any:
        action()
        return tf.constant(False)

    tf.while_loop(lambda again: again, once, [condition])


def _shared(concrete: Any, key: str) -> Callable[..., Any]:
    """Return a call of the program compiled first for this key, with this one's variables."""
    variables = concrete.captured_inputs
    with _lock:
        program = _compiled.setdefault(key, concrete)
        _compiled.move_to_end(key)
        while len(_compiled) > KEPT:
            _compiled.popitem(last=False)

    def call(*arguments: Any) -> Any:
        with _lock:
            program.set_external_captures(variables)
            try:
                return program(*arguments)
            finally:  # else it would keep them alive
                program.set_external_captures([])

    return _tidied(call) if program is concrete else call


def _tidied(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return `run`, which after its first call, the one that compiles, gives memory back to the system."""
    compiles = True

    def call(*arguments: Any) -> Any:
        nonlocal compiles
        found = run(*arguments)
        if compiles:
            compiles = False
            _give_back()
        return found

    return call


def _give_back() -> None:
    """Return freed memory to the system, in some 30 ms.

    XLA's compiler takes 100 MB or more, and glibc keeps what is freed. Other C libraries have no such function.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # TypeError: on Windows, None is no library
        return
    trim(0)
