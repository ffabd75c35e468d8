"""The limit: the time of nothing but a training epoch's multiplications.

For dense layers they are done, in NumPy: the products of the forward pass, of the gradients of the weights and of
those of the inputs, save the first layer's, which nobody needs. For convolutions they are counted, and the time is
that of as many operations in a product of two large square matrices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import CONVOLUTIONAL, LATENT, Case

SIDE = 2048  # of the large matrices


def dense_shapes(case: Case) -> list[tuple[int, int]]:
    """Return (inputs, outputs) of each dense layer, from the input to the output."""
    if case.kind == LATENT:
        encoder = [(case.inputs, case.hidden), (case.hidden, 2 * case.code)]
        return [*encoder, (case.code, case.hidden), (case.hidden, case.inputs)]
    widths = [case.inputs, *(units for units, _ in case.layers)]
    return list(itertools.pairwise(widths))


def multiplications(case: Case) -> list[int]:
    """Return how many multiply-and-adds each layer makes for one example in the forward pass."""
    if case.kind == CONVOLUTIONAL:
        kernel = 3 * 3
        return [
            14 * 14 * kernel * 1 * 32,
            7 * 7 * kernel * 32 * 64,
            7 * 7 * 64 * case.code,
            case.code * 7 * 7 * 64,
            7 * 7 * kernel * 64 * 32,  # transposed: one kernel per place of the input
            14 * 14 * kernel * 32 * 1,
        ]
    return [inputs * outputs for inputs, outputs in dense_shapes(case)]


def operations(case: Case) -> int:
    """Return the floating-point operations of a training epoch, a multiply-and-add being two."""
    layers = multiplications(case)
    return 2 * case.rows * (3 * sum(layers) - layers[0])


def prepare(case: Case, x: Any) -> tuple[Callable[[], Callable[[int], None]], float]:
    """Return what makes a new `fit(epochs)`, and by what its seconds are multiplied."""
    if case.kind == CONVOLUTIONAL:
        return _large_product, operations(case) / (2 * SIDE**3)
    return lambda: _products(case), 1.0


def _large_product() -> Callable[[int], None]:
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, SIDE, SIDE), dtype="float32")
    out = left @ right

    def fit(epochs: int) -> None:
        for _ in range(epochs):
            np.matmul(left, right, out=out)

    return fit


def _products(case: Case) -> Callable[[int], None]:
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype="float32")

    shapes = dense_shapes(case)
    weights = [normal(*shape) for shape in shapes]
    gradients = [normal(*shape) for shape in shapes]

    def batch(rows: int) -> Callable[[], None]:
        inputs = [normal(rows, shape[0]) for shape in shapes]
        outputs = [normal(rows, shape[1]) for shape in shapes]
        backward = [normal(rows, shape[0]) for shape in shapes]
        layers = list(zip(inputs, outputs, weights, gradients, backward, strict=True))
        later = [True] * len(layers)
        later[0] = False

        def run() -> None:
            for h, out, w, _, _ in layers:
                np.matmul(h, w, out=out)
            for (h, out, w, gradient, back), needed in zip(layers[::-1], later[::-1], strict=True):
                np.matmul(h.T, out, out=gradient)
                if needed:
                    np.matmul(out, w.T, out=back)

        return run

    count, rest = divmod(case.rows, case.batch_size)
    full, short = batch(case.batch_size), batch(rest) if rest else lambda: None

    def fit(epochs: int) -> None:
        for _ in range(epochs):
            for _ in range(count):
                full()
            short()

    return fit
