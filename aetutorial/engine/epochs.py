"""Passes of a model's step over a source of data, in calls long enough to be fast, short enough to be stopped."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from aetutorial.engine import keras_internals
from aetutorial.engine.batches import Arrays, Stream, as_floatx
from aetutorial.engine.program import Outcome, Program

SECONDS_PER_CALL = 0.5  # about this often Python, and with it the progress line and Ctrl-C, gets a turn
FIRST_STEPS = 32  # steps of the first calls, before the speed is known

# A program, what a call came to, steps of the epoch before its data, part of the epoch that is done.
Call = tuple[Program, Outcome, int, float]


class NotFiniteError(Exception):
    """A loss, or a weight after a finite loss, was NaN or infinite; `last` is the last finite loss, or NaN for none."""

    def __init__(self, name: str, epoch: int, step: int, last: float) -> None:
        super().__init__(name, epoch, step, last)
        self.name, self.epoch, self.step, self.last = name, epoch, step, last


class Passes:
    """Run a model's `train_step` or `test_step` over all batches of a source, epoch by epoch.

    Args:
        model: A compiled and built Keras model.
        step: The step.
        source: The data.
        jit, strategy: As for `fit`.
        seed: Seed of the order of the rows; None leaves them in place.
        name: What the loss is called in an error.

    Attributes:
        program: The step, compiled for blocks like the first.
        steps: Steps of an epoch, or None where they are not known before it ends.
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
        self.source, self.seed, self.name = source, seed, name
        # A gradient can be NaN where the loss is not. What a step only reads stays as it is.
        weights = [keras_internals.tf_variable(variable) for variable in model.trainable_variables]
        self._weights = [weight for weight in weights if weight.dtype.is_floating]
        self.steps = -(-source.n // source.batch_size) if source.batch_size else None
        # XLA compiles for one shape. Without it one program takes all lengths, as it does in Keras.
        self._shapes = None if jit is True else source.shapes
        self._make = functools.partial(
            Program,
            model,
            step,
            as_batch=source.as_batch,
            jit=False if self._shapes else jit,
            strategy=strategy,
            shapes=self._shapes,
        )
        self._programs: dict[Any, Program] = {}
        if isinstance(source, Stream) or source.blockwise:
            block, _, size = next(iter(source.blocks(source.order(seed, 0))))
        else:
            block, size = tf.nest.map_structure(as_floatx, source.block), source.batch_size
        self.program = self._program_for(block, size)
        # How many steps a call may run. Several workers must make the same calls, whatever their speed.
        self._budget = math.inf if strategy is not None else FIRST_STEPS
        self._warm = False
        self._last = math.nan

    def epochs_per_call(self) -> int:
        """Return how many epochs one call may run, so that it takes about as long as a call should."""
        if self.source.blockwise or self._budget == math.inf:
            return 1
        return max(1, min(self.program.width, int(self._budget) // self.program.steps))

    def run(
        self, epoch: int, count: int = 1, report: Callable[[float], None] = lambda done: None
    ) -> Iterator[dict[str, float]]:
        """Run `count` epochs, the first with number `epoch`, and yield the logs of each.

        Args:
            epoch: Number of the first epoch, from 0.
            count: How many, at most `epochs_per_call()`.
            report: Called between the calls of a long epoch with the epochs that are done, a fraction.

        Raises:
            NotFiniteError: a loss or a weight is not finite. The variables are as they were when that epoch began.
        """
        calls = self._block_by_block(epoch) if self.source.blockwise else self._in_memory(epoch, count)
        before = None
        for program, outcome, offset, done in calls:
            before = outcome.before if before is None else before
            if np.isfinite(outcome.last):
                self._last = outcome.last
            if not outcome.finite or not self._weights_are_finite():
                before_it = outcome.epoch - outcome.finite  # epochs of this call that may have been sound
                sound = self._back(program, before, epoch, before_it)
                yield from outcome.logs[:sound]
                if outcome.finite or sound < before_it:  # a last step left weights that no loss shows
                    raise NotFiniteError("weights", epoch + sound, offset + program.steps, self._last)
                raise NotFiniteError(self.name, epoch + sound, offset + outcome.step, self._last)
            if 0 < done < 1:  # the end of an epoch is told by its logs
                report(epoch + done)
        yield from outcome.logs

    def _weights_are_finite(self) -> bool:
        return all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in self._weights)

    def _back(self, program: Program, before: list[Any], epoch: int, count: int) -> int:
        """Go back to `before`, then on through `count` epochs, or fewer if their last steps left weights not finite.

        Returns:
            How many epochs it was.
        """
        for sound in range(count, -1, -1):
            for variable, value in zip(program.variables, before, strict=True):
                variable.assign(value)
            if sound:
                program(self._orders(epoch, sound))
            if self._weights_are_finite():
                break
        return sound

    def _orders(self, epoch: int, count: int) -> np.ndarray:
        return np.stack([self.source.order(self.seed, e) for e in range(epoch, epoch + count)])

    def _in_memory(self, epoch: int, count: int) -> Iterator[Call]:
        """Call the program for whole epochs, or for parts of one that is long."""
        program, orders = self.program, self._orders(epoch, count)
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

    def _block_by_block(self, epoch: int) -> Iterator[Call]:
        """Call a program for each block of data."""
        first = rows = 0
        for block, used, size in self.source.blocks(self.source.order(self.seed, epoch)):
            program = self._program_for(block, size)
            outcome = program(np.arange(program.rows)[None], stop=used // size, reset=first == 0, block=block)
            rows += used
            yield program, outcome, first, rows / self.source.n if self.source.n else 0.0
            first += used // size

    def _measure(self, steps: int, seconds: float) -> None:
        """Set how many steps a call may run, from the speed of the last one; the first also compiles."""
        if self._warm and self._budget != math.inf:
            self._budget = max(1, int(SECONDS_PER_CALL * steps / seconds))
        self._warm = True

    def _program_for(self, block: Any, size: int) -> Program:
        leaves = tf.nest.flatten(block)
        key = (size, len(leaves[0])) if self._shapes else (size, *(leaf.shape for leaf in leaves))
        if key not in self._programs:
            self._programs[key] = self._make(
                tf.nest.map_structure(tf.convert_to_tensor, block), size, number=len(self._programs)
            )
        return self._programs[key]
