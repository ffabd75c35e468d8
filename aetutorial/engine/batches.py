"""Where `fit` takes its batches from: arrays in memory, arrays on disk, a stream.

A *block* is a nest (an array, or a tuple, list or dict of arrays) with the same number of rows throughout.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from aetutorial import validation

BLOCK_BYTES = 2**24  # of a stream's data held in memory at a time, beyond which a block is not extended
ROWS_MAPPED = 64  # of an array on disk between two releases: each maps up to 64 kB around it into memory
ENDING = "a tf.data.Dataset that ends and is not empty"
SAMPLED = 1000  # rows of an array on disk that its fingerprint is made of


def epoch_order(seed: int, epoch: int, n: int) -> np.ndarray:
    """Return the order in which `fit` takes the rows in an epoch: a permutation of 0 … n − 1, int64.

    It depends on nothing but its arguments, so a run that is resumed goes on with the same order.

    Args:
        seed: The seed given to `fit`.
        epoch: Number of the epoch, from 0.
        n: Number of rows.
    """
    return np.random.default_rng([seed, epoch]).permutation(n)


class Arrays:
    """Arrays with a known number of rows: in memory, or mapped from disk and read block by block.

    Attributes:
        block: The nest of arrays.
        n: Number of rows.
        batch_size: Rows per step.
        on_disk: Whether any of the arrays is a `numpy.memmap`.
        as_batch: Turns a batch of the nest into what a Keras step takes.
    """

    def __init__(self, block: Any, batch_size: int, *, own_target: bool = False) -> None:
        import tensorflow as tf

        self.block, self.batch_size = block, batch_size
        self.as_batch = (lambda x: (x, x)) if own_target else (lambda pair: pair)
        self.leaves = tf.nest.flatten(block)
        self.n = len(self.leaves[0])
        self.on_disk = any(isinstance(leaf, np.memmap) for leaf in self.leaves)

    def order(self, seed: int | None, epoch: int) -> np.ndarray:
        """Return the order of the rows in an epoch; without a seed, as they stand."""
        return np.arange(self.n) if seed is None else epoch_order(seed, epoch, self.n)

    def blocks(self, order: np.ndarray) -> Iterator[tuple[Any, int, int]]:
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

    def _rows(self, rows: np.ndarray, size: int) -> Any:
        import tensorflow as tf

        return tf.nest.map_structure(lambda leaf: _take(leaf, rows, size), self.block)

    def first(self) -> Any:
        """Return the first rows, for a look at shapes and types."""
        return self._rows(np.arange(min(self.n, 2)), min(self.n, 2))

    def largest(self) -> float | None:
        """Return the largest absolute value, or None if that takes reading a file."""
        return None if self.on_disk else max(float(np.abs(leaf).max()) for leaf in self.leaves)

    def fingerprint(self) -> str:
        """Return a hash of all values; of arrays on disk, of rows sampled throughout."""
        digest = hashlib.sha256()
        for leaf in self.leaves:
            digest.update(f"{leaf.shape} {leaf.dtype}".encode())
            if isinstance(leaf, np.memmap):
                leaf = _take(leaf, np.linspace(0, self.n - 1, SAMPLED).astype(int), SAMPLED)
            digest.update(np.ascontiguousarray(leaf).data)
        return digest.hexdigest()


class Stream:
    """A `tf.data.Dataset` of batches, read anew in each epoch, never held as a whole.

    Attributes:
        dataset: The data set.
        n, batch_size: 0, for they are not known.
        digest: Hash of the batches of the last epoch that was read to its end.
        as_batch: Turns a batch of the nest into what a Keras step takes.
    """

    def __init__(self, dataset: Any, name: str) -> None:
        import tensorflow as tf

        self.dataset, self.digest, self.name = dataset, "", name
        self.on_disk, self.n, self.batch_size = True, 0, 0
        paired = isinstance(dataset.element_spec, tuple)
        self.as_batch = (lambda pair: pair) if paired else (lambda x: (x, x))
        specs = tf.nest.flatten(dataset.element_spec)
        if not all(isinstance(spec, tf.TensorSpec) and spec.shape.rank for spec in specs):
            expected = "a tf.data.Dataset of batches, dense tensors whose first axis is the batch"
            raise ValueError(validation.message(name, expected, f"elements {dataset.element_spec}"))
        count = int(dataset.cardinality())
        if count == tf.data.INFINITE_CARDINALITY or count == 0:
            received = "an endless one" if count else "an empty one"
            raise ValueError(validation.message(name, ENDING, received))
        self.count = count if count > 0 else 2**31

    def order(self, seed: int | None, epoch: int) -> np.ndarray:
        """Return nothing: a stream has its own order."""
        return np.zeros(0, int)

    def blocks(self, order: Any = None) -> Iterator[tuple[Any, int, int]]:
        """Yield (block, rows used, batch size): neighbouring batches of one size, put together."""
        import tensorflow as tf

        digest = hashlib.sha256()
        waiting: list[list[np.ndarray]] = []  # batches of one size, each flattened

        def together() -> tuple[Any, int, int]:
            size = len(waiting[0][0])
            rows = [np.concatenate(leaves) for leaves in zip(*waiting, strict=True)]
            filled = [_take(leaf, np.arange(len(leaf)), size * self._limit(waiting[0])) for leaf in rows]
            return tf.nest.pack_sequence_as(self.dataset.element_spec, filled), len(rows[0]), size

        for element in self.dataset:
            batch = [leaf.numpy() for leaf in tf.nest.flatten(element)]
            for leaf in batch:
                digest.update(f"{leaf.shape} {leaf.dtype}".encode() + np.ascontiguousarray(leaf).tobytes())
            self._check(batch)
            shapes = [leaf.shape for leaf in batch]
            other = waiting and shapes != [leaf.shape for leaf in waiting[0]]
            if other or len(waiting) == self._limit(batch):
                yield together()
                waiting.clear()
            waiting.append(batch)
        if not waiting:
            raise ValueError(validation.message(self.name, ENDING, "an empty one"))
        yield together()
        self.digest = digest.hexdigest()

    def first(self) -> Any:
        """Return the first batch."""
        for element in self.dataset:
            return element
        raise ValueError(validation.message(self.name, ENDING, "an empty one"))

    def _check(self, batch: list[np.ndarray]) -> None:
        """Refuse a batch whose parts have no rows or different numbers of rows."""
        rows = {len(leaf) for leaf in batch}
        if len(rows) > 1 or 0 in rows:
            expected = "a tf.data.Dataset of batches of at least one row, as many in each part"
            received = f"a batch with parts of {' and '.join(map(str, sorted(rows)))} rows"
            raise ValueError(validation.message(self.name, expected, received))

    def largest(self) -> None:
        """Return None: it is not known."""

    def _limit(self, batch: list[np.ndarray]) -> int:
        """Return how many batches like this one make a block."""
        return max(1, min(self.count, BLOCK_BYTES // sum(leaf.nbytes for leaf in batch)))

    def fingerprint(self) -> str:
        """Return a hash of what the elements look like; their values are compared epoch by epoch."""
        return hashlib.sha256(repr(self.dataset.element_spec).encode()).hexdigest()


def as_floatx(leaf: np.ndarray) -> np.ndarray:
    """Return the array with Keras's float type if it holds floating-point numbers, as `model.fit` does."""
    import keras

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
        some = rows[start : start + ROWS_MAPPED]
        taken[start : start + len(some)] = leaf[some]
        if release:  # else every page that was read counts as memory of this process
            leaf._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
    return taken
