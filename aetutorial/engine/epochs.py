"""Passes of a model's step over a source of data, in calls long enough to be fast, short enough to be stopped."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from aetutorial.engine import keras_internals, program_cache
from aetutorial.engine.batches import Arrays, Stream, as_floatx
from aetutorial.engine.program import Orders, Outcome, Program

SECONDS_PER_CALL = 0.5  # about this often Python, and with it the progress line and Ctrl-C, gets a turn
FIRST_STEPS = 32  # steps of the first calls, before the speed is known
# XLA compiles for one or two seconds, and then saves some 0.2 ms a step and 2 ms for each million parameters: in a
# training with steps * (parameters + XLA_PER_STEP) of XLA_WORK or more, that is about as much.
XLA_WORK = 6e8
XLA_PER_STEP = 1e5

# A program, what a call came to, steps of the epoch before its data, part of the epoch that is done.
Call = tuple[Program, Outcome, int, float]


class NotFiniteError(Exception):
    """A loss, or a weight after a finite loss, was NaN or infinite; `last` is the last finite loss, or NaN for none."""

    def __init__(self, name: str, epoch: int, step: int, last: float) -> None:
        super().__init__(name, epoch, step, last)
        self.name, self.epoch, self.step, self.last = name, epoch, step, last


class BatchListener(Protocol):
    """Who wants to hear of every batch, so that each is a call of its own."""

    def begin(self, step: int) -> None:
        """Hear that a step of the epoch, counted from 0, begins."""

    def end(self, step: int, logs: dict[str, float]) -> bool:
        """Hear of the logs after it; return whether the epoch is to end here."""


class Passes:
    """Run a model's `train_step` or `test_step` over all batches of a source, epoch by epoch.

    Args:
        model: A compiled and built Keras model.
        step: The step.
        source: The data.
        jit, epochs, strategy: As for `fit`.
        seed: Seed of the order of the rows; None leaves them in place.
        draw_seed: Seed of what the step draws from `tf.random`.
        name: What the loss is called in an error.

    Attributes:
        program: The step, for blocks like the first.
        jit: Whether XLA compiles the loops around it.
        is_chosen: Whether that was left to the engine: then they run without XLA if it can't compile them.
        steps: Steps of an epoch, or None where they are not known before it ends.
    """

    def __init__(
        self,
        model: Any,
        step: Callable[[Any], dict[str, Any]],
        source: Arrays | Stream,
        *,
        jit: bool | str,
        epochs: int = 1,
        strategy: tf.distribute.Strategy | None = None,
        seed: int | None = None,
        draw_seed: int = 0,
        name: str = "loss",
    ) -> None:
        self.source, self.seed, self.name = source, seed, name
        # A gradient can be NaN where the loss is not. What a step only reads stays as it is.
        weights = [keras_internals.tf_variable(variable) for variable in model.trainable_variables]
        self._weights = [weight for weight in weights if weight.dtype.is_floating]
        self.steps = source.steps
        # XLA compiles for one shape. Without it one program takes all lengths, as it does in Keras.
        self._shapes = None if jit is True else source.shapes
        self._make = functools.partial(
            Program, model, step, as_batch=source.as_batch, strategy=strategy, shapes=self._shapes
        )
        self._kept, self._draw_seed = program_cache.of_model(model), draw_seed
        self._kind = (name, source.as_batch, id(strategy), str(self._shapes))
        self._used: dict[str, Program] = {}
        if isinstance(source, Stream) or source.blockwise:
            block, _, size = next(iter(source.blocks(source.order(seed, 0))))
        else:
            block = self._block = tf.nest.map_structure(
                lambda leaf: tf.convert_to_tensor(as_floatx(leaf)), source.block
            )
            size = source.batch_size
        self.program = self._program_for(block, size)
        self.is_chosen = jit == "auto"
        self.jit = self._worthwhile(epochs, strategy) if self.is_chosen else bool(jit)
        self._ran: set[Program] = set()
        # How many steps a call may run. Several workers must make the same calls, whatever their speed.
        self._budget = math.inf if strategy is not None else FIRST_STEPS
        self._warm = False
        self._last = math.nan

    def _worthwhile(self, epochs: int, strategy: tf.distribute.Strategy | None) -> bool:
        """Return whether XLA should compile the loops: a rule without a stopwatch, for the bits depend on it."""
        program = self.program
        if strategy or self._shapes or program.refused or program.draws_unseen():
            return False  # XLA's draws from `tf.random` follow no seed
        if any("Conv" in kind for kind in program.operations):
            return False  # XLA brings a convolution into a fast form, but not in the body of a loop: 6 times as slow
        parameters = sum(weight.shape.num_elements() for weight in self._weights)
        return self.steps is None or epochs * self.steps * (parameters + XLA_PER_STEP) >= XLA_WORK

    def epochs_per_call(self) -> int:
        """Return how many epochs one call may run, so that it takes about as long as a call should."""
        if self.source.blockwise or self._budget == math.inf:
            return 1
        return max(1, min(self.program.width, int(self._budget) // self.program.steps))

    def run(
        self,
        epoch: int,
        count: int = 1,
        report: Callable[[float], None] = lambda done: None,
        listener: BatchListener | None = None,
    ) -> Iterator[dict[str, float]]:
        """Run `count` epochs, the first with number `epoch`, and yield the logs of each.

        Args:
            epoch: Number of the first epoch, from 0.
            count: How many, at most `epochs_per_call()`.
            report: Called between the calls of a long epoch with the epochs that are done, a fraction.
            listener: Who wants to hear of every batch; `count` is 1 then.

        Raises:
            NotFiniteError: a loss or a weight is not finite, and no listener had the training stopped for it. The
                variables are as they were when that epoch began, in any case.
        """
        calls = self._block_by_block if self.source.blockwise else self._in_memory
        before = None
        for program, outcome, offset, done in calls(epoch, count, listener):
            before = outcome.before if before is None else before
            if np.isfinite(outcome.last):
                self._last = outcome.last
            finite = outcome.finite and self._weights_are_finite()
            if not finite:
                before_it = outcome.epoch - outcome.finite  # epochs of this call that may have been sound
                sound = self._back(program, before, epoch, before_it)
                yield from outcome.logs[:sound]
            if listener and listener.end(offset + outcome.step - 1, outcome.last_logs):
                break
            if not finite:
                if outcome.finite or sound < before_it:  # a last step left weights that no loss shows
                    raise NotFiniteError("weights", epoch + sound, offset + program.steps, self._last)
                raise NotFiniteError(self.name, epoch + sound, offset + outcome.step, self._last)
            if 0 < done < 1:  # the end of an epoch is told by its logs
                report(epoch + done)
        yield from [outcome.now] if listener else outcome.logs

    def _weights_are_finite(self) -> bool:
        return all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in self._weights)

    def _back(self, program: Program, before: list[tf.Tensor], epoch: int, count: int) -> int:
        """Go back to `before`, then on through `count` epochs, or fewer if their last steps left weights not finite.

        Returns:
            How many epochs it was.
        """
        for sound in range(count, -1, -1):
            for variable, value in zip(program.variables, before, strict=True):
                variable.assign(value)
            if sound:
                program(self._block, program.orders(self._orders(epoch, sound)), self.jit)
            if self._weights_are_finite():
                break
        return sound

    def _orders(self, epoch: int, count: int) -> np.ndarray:
        return np.stack([self.source.order(self.seed, e) for e in range(epoch, epoch + count)])

    def _in_memory(self, epoch: int, count: int, listener: BatchListener | None) -> Iterator[Call]:
        """Call the program for whole epochs, or for parts of one that is long."""
        program = self.program
        orders = program.orders(self._orders(epoch, count))
        start = 0
        while start < program.steps:
            stop = program.steps if count > 1 else int(min(program.steps, start + self._budget))
            if stop == program.full:  # a short last batch is no call of its own
                stop = program.steps
            if listener:
                stop = start + 1
                listener.begin(start)
            began = time.perf_counter()
            outcome = self._call(program, self._block, orders, start=start, stop=stop, reset=start == 0)
            self._measure((stop - start) * count, time.perf_counter() - began)
            yield program, outcome, 0, stop / program.steps
            start = stop

    def _block_by_block(self, epoch: int, count: int, listener: BatchListener | None) -> Iterator[Call]:
        """Call a program for each block of data."""
        first = rows = 0
        for block, used, size in self.source.blocks(self.source.order(self.seed, epoch)):
            program = self._program_for(block, size)
            orders, steps = program.orders(np.arange(program.rows)[None]), used // size
            at_once = 1 if listener else steps
            for start in range(0, steps, at_once):
                if listener:
                    listener.begin(first + start)
                outcome = self._call(
                    program, block, orders, start=start, stop=start + at_once, reset=first + start == 0
                )
                rows += at_once * size
                yield program, outcome, first, rows / self.source.n if self.source.n else 0.0
            first += steps

    def _measure(self, steps: int, seconds: float) -> None:
        """Set how many steps a call may run, from the speed of the last one; the first also compiles."""
        if self._warm and self._budget != math.inf:
            self._budget = max(1, int(SECONDS_PER_CALL * steps / seconds))
        self._warm = True

    def _call(self, program: Program, block: object, orders: Orders, **part: Any) -> Outcome:
        """Run a part of a program, without XLA from now on if that can't compile it."""
        try:
            outcome = program(block, orders, self.jit, **part)
        except tf.errors.OpError:
            if not (self.is_chosen and self.jit) or program in self._ran:
                raise
            # XLA's complaints are of many kinds, above all on a GPU. Nothing has run yet: if the cause is another, it
            # comes up again.
            self.jit = False
            outcome = program(block, orders, self.jit, **part)
            program.refused = True
        self._ran.add(program)
        return outcome

    def _program_for(self, block: object, size: int) -> Program:
        leaves = tf.nest.flatten(block)
        shape = (len(leaves[0]),) if self._shapes else tuple(leaf.shape for leaf in leaves)
        specs = tf.nest.map_structure(lambda leaf: tf.TensorSpec(leaf.shape, leaf.dtype), block)
        key = f"{size} {shape} {tf.nest.map_structure(lambda spec: spec.dtype, specs)}"
        if key not in self._used:
            number = len(self._used)
            kept = (*self._kind, key, number)
            program = self._kept.pop(kept, None)
            if program is None:  # `tf.random` would repeat the draws of the program before
                program = self._make(specs, size, seed=self._draw_seed + number)
            if not program.draws_unseen():
                program_cache.keep(self._kept, kept, program)
            self._used[key] = program
        return self._used[key]
