"""Where `fit` takes its batches from: arrays in memory, arrays on disk, a stream.

A *block* is a nest (an array, or a tuple, list or dict of arrays) with the same number of rows throughout.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from aetutorial import validation
from aetutorial.engine.loop import Nest
from aetutorial.engine.order import epoch_order
from aetutorial.integrity import arrays_digest

AsBatch = Callable[[Nest], Nest]
BLOCK_BYTES = 2**24  # of a stream's data held in memory at a time, beyond which a block is not extended
ROWS_MAPPED = 64  # of an array on disk between two releases: each maps up to 64 kB around it into memory
SAMPLED = 1000  # rows of an array on disk that its digest is made of
ENDING = "a tf.data.Dataset that ends and is not empty"


class Arrays:
    """Arrays with a known number of rows: in memory, or mapped from disk and read block by block.

    Attributes:
        block: The nest of arrays.
        n: Number of rows.
        batch_size: Rows per step.
        blockwise: Whether it is read block by block, for one of the arrays is a `numpy.memmap`.
        as_batch: Turns a batch of the nest into what a Keras step takes.
        has_targets: Whether a batch holds targets besides the inputs.
        steps: Batches of an epoch.
    """

    shapes: list[tf.TensorShape] | None = None  # as for a `Stream`: no length varies

    def __init__(self, block: Nest, batch_size: int, *, as_batch: AsBatch, has_targets: bool) -> None:
        self.block, self.batch_size, self.as_batch, self.has_targets = block, batch_size, as_batch, has_targets
        self.leaves = tf.nest.flatten(block)
        self.n = len(self.leaves[0])
        self.steps = -(-self.n // batch_size)
        self.blockwise = any(isinstance(leaf, np.memmap) for leaf in self.leaves)

    def order(self, seed: int | None, epoch: int) -> np.ndarray:
        """Return the order of the rows in an epoch; without a seed, as they stand."""
        return np.arange(self.n) if seed is None else epoch_order(seed, epoch, self.n)

    def blocks(self, order: np.ndarray) -> Iterator[tuple[Nest, int, int]]:
        """Yield (block, rows used, batch size) for all rows in an order; blocks are filled up to one size."""
        row_bytes = sum(leaf[:1].nbytes for leaf in self.leaves)
        batches = max(1, BLOCK_BYTES // (row_bytes * self.batch_size))
        full = self.n // self.batch_size * self.batch_size
        size = min(batches * self.batch_size, full)
        for start in range(0, full, max(size, 1)):
            rows = order[start : min(start + size, full)]
            yield self._rows(rows, size), len(rows), self.batch_size
        if full < self.n:
            rest = order[full:]
            yield self._rows(rest, len(rest)), len(rest), len(rest)

    def first(self) -> Nest:
        """Return a batch, of whose rows all are the first one: for a look at shapes and types, at no cost."""
        rows = min(self.n, self.batch_size)
        one = tf.nest.map_structure(lambda leaf: as_floatx(leaf[:1]), self.block)
        return tf.nest.map_structure(lambda leaf: np.broadcast_to(leaf, (rows, *leaf.shape[1:])), one)

    def looks(self) -> Nest:
        """Return the nest of what has shapes: the arrays."""
        return self.block

    def largest(self) -> float | None:
        """Return the largest absolute value, or None if that takes reading a file."""
        return None if self.blockwise else max(float(np.abs(leaf).max()) for leaf in self.leaves)

    def holds_nan(self) -> bool:
        """Return whether a value is NaN or infinite; only arrays on disk have not been checked before."""
        at_once = max(1, BLOCK_BYTES // max(leaf[:1].nbytes for leaf in self.leaves))
        parts = (leaf[i : i + at_once] for leaf in self.leaves for i in range(0, self.n, at_once))
        return self.blockwise and not all(map(_finite, parts))

    def digest(self) -> str:
        """Return a digest of all values; of arrays on disk, of rows sampled throughout."""
        sampled = np.linspace(0, self.n - 1, SAMPLED).astype(int)
        return arrays_digest(
            (_label(leaf), _take(leaf, sampled, SAMPLED) if isinstance(leaf, np.memmap) else leaf)
            for leaf in self.leaves
        )

    def _rows(self, rows: np.ndarray, size: int) -> Nest:
        return tf.nest.map_structure(lambda leaf: _take(leaf, rows, size), self.block)


class Stream:
    """A `tf.data.Dataset` of batches, read anew in each epoch, never held as a whole.

    Attributes:
        n, batch_size: 0, for they are not known.
        blockwise: True.
        as_batch, has_targets: As for `Arrays`.
        steps: Batches of an epoch, or None where the Dataset does not know how many it has.
        epoch_digest: Digest of the batches of the last epoch that was read to its end.
        shapes: Where a length varies from batch to batch, as of sequences: the shape of each part without the first
            axis, with None for such a length. None if there is none.
    """

    n = batch_size = 0
    blockwise = True

    def __init__(self, dataset: tf.data.Dataset, name: str, *, as_batch: AsBatch, has_targets: bool) -> None:
        self.dataset, self.name, self.as_batch, self.has_targets = dataset, name, as_batch, has_targets
        self.epoch_digest = ""
        specs = tf.nest.flatten(dataset.element_spec)
        if not all(isinstance(spec, tf.TensorSpec) and spec.shape.rank for spec in specs):
            expected = "a tf.data.Dataset of batches, dense tensors whose first axis is the batch"
            raise ValueError(validation.message(name, expected, f"elements {dataset.element_spec}"))
        shapes = [spec.shape[1:] for spec in specs]
        self.shapes = None if all(shape.is_fully_defined() for shape in shapes) else shapes
        count = int(dataset.cardinality())
        if count == 0 or count == tf.data.INFINITE_CARDINALITY:
            raise ValueError(validation.message(name, ENDING, "an endless one" if count else "an empty one"))
        self.steps = count if count > 0 else None

    def order(self, seed: int | None, epoch: int) -> np.ndarray:
        """Return nothing: a stream has its own order."""
        return np.zeros(0, int)

    def blocks(self, order: object = None) -> Iterator[tuple[Nest, int, int]]:
        """Yield (block, rows used, batch size): neighboring batches of one size, put together."""
        digest = ""
        waiting: list[list[np.ndarray]] = []  # batches of one size, each flattened
        for element in self.dataset:
            batch = [leaf.numpy() for leaf in tf.nest.flatten(element)]
            digest = arrays_digest([(digest, None), *((_label(leaf), leaf) for leaf in batch)])
            self._check(batch)
            other = waiting and [leaf.shape for leaf in batch] != [leaf.shape for leaf in waiting[0]]
            if other or len(waiting) == self._limit(batch):
                yield self._together(waiting)
                waiting.clear()
            waiting.append(batch)
        if not waiting:
            raise ValueError(validation.message(self.name, ENDING, "an empty one"))
        yield self._together(waiting)
        self.epoch_digest = digest

    def first(self) -> Nest:
        """Return the first batch."""
        for element in self.dataset:
            self._check([leaf.numpy() for leaf in tf.nest.flatten(element)])
            return element
        raise ValueError(validation.message(self.name, ENDING, "an empty one"))

    def looks(self) -> Nest:
        """Return the nest of what has shapes: those of a batch."""
        return self.dataset.element_spec

    def largest(self) -> None:
        """Return None: it is not known."""

    def holds_nan(self) -> bool:
        """Return whether a value is NaN or infinite, by reading all batches once more."""
        return not all(_finite(leaf.numpy()) for element in self.dataset for leaf in tf.nest.flatten(element))

    def digest(self) -> str:
        """Return a digest of what the elements look like; their values are compared epoch by epoch."""
        return arrays_digest([(repr(self.dataset.element_spec), None)])

    def _check(self, batch: list[np.ndarray]) -> None:
        """Refuse a batch whose parts have no rows or different numbers of rows."""
        rows = {len(leaf) for leaf in batch}
        if len(rows) > 1 or 0 in rows:
            expected = "a tf.data.Dataset of batches of at least one row, as many in each part"
            received = f"a batch with parts of {' and '.join(map(str, sorted(rows)))} rows"
            raise ValueError(validation.message(self.name, expected, received))

    def _limit(self, batch: list[np.ndarray]) -> int:
        """Return how many batches like this one make a block; one where the next may have another shape."""
        return 1 if self.shapes else max(1, min(self.steps or 2**31, BLOCK_BYTES // sum(leaf.nbytes for leaf in batch)))

    def _together(self, batches: list[list[np.ndarray]]) -> tuple[Nest, int, int]:
        """Return (block, rows used, batch size) of batches of one size."""
        batch_size = len(batches[0][0])
        size = batch_size * self._limit(batches[0])
        leaves = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
        filled = [_take(leaf, np.arange(len(leaf)), size) for leaf in leaves]
        return tf.nest.pack_sequence_as(self.dataset.element_spec, filled), len(leaves[0]), batch_size


def as_floatx(leaf: np.ndarray) -> np.ndarray:
    """Return the array with Keras's float type if it holds floating-point numbers, as `model.fit` does."""
    floating = np.issubdtype(leaf.dtype, np.floating)
    return leaf.astype(keras.config.floatx(), copy=False) if floating else leaf


def _take(leaf: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    """Return the rows as a new array, followed by zeros up to `size` rows."""
    taken = np.zeros((size, *leaf.shape[1:]), as_floatx(leaf[:0]).dtype)
    if not isinstance(leaf, np.memmap):
        taken[: len(rows)] = leaf[rows]
        return taken
    release = leaf.mode in ("r", "r+") and hasattr(mmap, "MADV_DONTNEED")
    for start in range(0, len(rows), ROWS_MAPPED):
        part = rows[start : start + ROWS_MAPPED]
        taken[start : start + len(part)] = leaf[part]
        if release:  # else every page that was read counts as memory of this process
            leaf._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
    return taken


def _finite(array: np.ndarray) -> bool:
    return not np.issubdtype(array.dtype, np.inexact) or bool(np.isfinite(array).all())


def _label(leaf: np.ndarray) -> str:
    return f"{leaf.dtype.str}{leaf.shape}"
