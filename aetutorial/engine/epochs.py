"""Passes of a model's step over a source of data, in calls long enough to be fast, short enough to be stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from aetutorial.engine import compiled
from aetutorial.engine.batches import Arrays, Stream, as_floatx

SECONDS_PER_CALL = 0.5  # about this often Python, and with it the progress line and Ctrl-C, gets a turn
FIRST_STEPS = 32  # steps of the first calls, before the speed is known


# A program, what a call came to, steps of the epoch before its data, part of the epoch that is done.
Call = tuple[compiled.Program, compiled.Outcome, int, float]


class NotFiniteError(Exception):
    """A loss was NaN or infinite; `last` is the last one that was not, or NaN if there was none."""

    def __init__(self, name: str, epoch: int, step: int, last: float) -> None:
        super().__init__(name, epoch, step, last)
        self.name, self.epoch, self.step, self.last = name, epoch, step, last


class Passes:
    """Run a model's `train_step` or `test_step` over all batches of a source, epoch by epoch.

    Args:
        model: A compiled and built Keras model.
        step: The step.
        source: The data.
        jit: As for `fit`.
        strategy: As for `fit`.
        seed: Seed of the order of the rows; None leaves them in place.
        name: What the loss is called in an error.

    Attributes:
        variables: Every TensorFlow variable that the step reads or writes.
    """

    def __init__(
        self,
        model: Any,
        step: Callable[[Any], Any],
        source: Arrays | Stream,
        *,
        jit: bool | str,
        strategy: Any = None,
        seed: int | None = None,
        name: str = "loss",
    ) -> None:
        import tensorflow as tf

        self.source, self.seed, self.name = source, seed, name
        self._make = lambda block, size: compiled.Program(
            model, step, block, as_batch=source.as_batch, batch_size=size, jit=jit, strategy=strategy
        )
        self._programs: dict[Any, compiled.Program] = {}
        if isinstance(source, Stream) or source.on_disk:
            block, _, size = next(iter(source.blocks(source.order(seed, 0))))
        else:
            block, size = tf.nest.map_structure(as_floatx, source.block), source.batch_size
        self._program = self._program_for(block, size)
        self.variables = self._program.variables
        # Several workers must make the same calls, whatever their speed.
        self._budget = math.inf if strategy is not None else FIRST_STEPS
        self._warm = False
        self._last = math.nan

    @property
    def jit(self) -> bool:
        """Whether XLA compiles the loop."""
        return self._program.jit

    @property
    def operations(self) -> set[str]:
        """The kinds of TensorFlow operations that the step consists of."""
        return self._program.operations

    @property
    def steps(self) -> int | None:
        """Steps of an epoch, or None where they are not known before it ends."""
        size = self.source.batch_size
        return -(-self.source.n // size) if size else None

    @property
    def signature(self) -> str:
        """A hash of what the step computes."""
        return self._program.signature

    def at_once(self) -> int:
        """Return how many epochs one call may run, so that it takes about as long as a call should."""
        if self.source.on_disk or self._budget == math.inf:
            return 1
        return max(1, min(self._program.width, int(self._budget) // self._program.steps))

    def run(
        self, epoch: int, count: int = 1, report: Callable[[float], None] = lambda done: None
    ) -> Iterator[dict[str, float]]:
        """Run `count` epochs, the first with number `epoch`, and yield the logs of each.

        Args:
            epoch: Number of the first epoch, from 0.
            count: How many, at most `at_once()`.
            report: Called between the calls of a long epoch with the epochs that are done, a fraction.

        Raises:
            NotFiniteError: a loss is not finite. The variables are as they were when that epoch began.
        """
        calls = self._blockwise(epoch) if self.source.on_disk else self._in_memory(epoch, count)
        before = None
        for program, outcome, offset, done in calls:
            before = outcome.before if before is None else before
            if np.isfinite(outcome.last):
                self._last = outcome.last
            if not outcome.finite:
                program.restore(before)
                if outcome.epoch:  # several epochs in one call: once more up to the last sound one
                    program(self._orders(epoch, outcome.epoch))
                    yield from outcome.logs
                step = offset + outcome.step
                raise NotFiniteError(self.name, epoch + outcome.epoch, step, self._last)
            if 0 < done < 1:  # the end of an epoch is told by its logs
                report(epoch + done)
        yield from outcome.logs

    def _orders(self, epoch: int, count: int) -> np.ndarray:
        return np.stack([self.source.order(self.seed, e) for e in range(epoch, epoch + count)])

    def _in_memory(self, epoch: int, count: int) -> Iterator[Call]:
        """Call the program for whole epochs, or for parts of one that is long."""
        program, orders = self._program, self._orders(epoch, count)
        start = 0
        while start < program.steps:
            stop = program.steps if count > 1 else int(min(program.steps, start + self._budget))
            if stop == program.full:  # a short last batch is no call of its own
                stop = program.steps
            began = time.perf_counter()
            outcome = program(orders, start=start, stop=stop, reset=start == 0)
            self._measure((stop - start) * len(orders), time.perf_counter() - began)
            yield program, outcome, 0, stop / program.steps
            start = stop

    def _blockwise(self, epoch: int) -> Iterator[Call]:
        """Call a program for each block of data."""
        first, rows = 0, 0
        for block, used, size in self.source.blocks(self.source.order(self.seed, epoch)):
            program = self._program_for(block, size)
            place = np.arange(program.rows)[None]
            outcome = program(place, stop=used // size, reset=first == 0, block=block)
            rows += used
            yield program, outcome, first, rows / self.source.n if self.source.n else 0.0
            first += used // size

    def _measure(self, steps: int, seconds: float) -> None:
        """Set how many steps a call may run, from the speed of the last one; the first also compiles."""
        if self._warm and self._budget != math.inf:
            self._budget = max(1, int(SECONDS_PER_CALL * steps / seconds))
        self._warm = True

    def _program_for(self, block: Any, size: int) -> compiled.Program:
        import tensorflow as tf

        key = size, *(leaf.shape for leaf in tf.nest.flatten(block))
        if key not in self._programs:
            self._programs[key] = self._make(tf.nest.map_structure(tf.convert_to_tensor, block), size)
        return self._programs[key]
