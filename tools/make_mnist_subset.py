"""Make the subset of MNIST that is embedded in the package, from a full copy.

The same full copy gives the same subset, and with the same Python and NumPy the same bytes. Example:

    python -m tools.make_mnist_subset mnist.npz
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from aetutorial.data import catalog
from aetutorial.data.dataset import contents_sha256

SEED = 28
N_TRAIN, N_TEST = 10_000, 2_000


def proportional_counts(labels: np.ndarray, total: int) -> np.ndarray:
    """Share `total` among the classes as `labels` does, rounded by largest remainder.

    Args:
        labels: Integers from 0, shape (n,).
        total: Examples to share out.

    Returns:
        Integers of shape (classes,) whose sum is `total`.
    """
    exact = np.bincount(labels) * total / len(labels)
    counts = np.floor(exact).astype(int)
    largest = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[largest] += 1
    return counts


def select(labels: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Return `total` different row numbers in random order, stratified by `labels`."""
    rows = [
        rng.choice(np.flatnonzero(labels == digit), size=count, replace=False)
        for digit, count in enumerate(proportional_counts(labels, total))
    ]
    return rng.permutation(np.concatenate(rows))


def make_subset(full: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Choose the subset: train from MNIST's training set, test from its test set."""
    rng = np.random.default_rng(SEED)
    train = select(full["y_train"], N_TRAIN, rng)
    test = select(full["y_test"], N_TEST, rng)
    return {
        "x_train": full["x_train"][train],
        "y_train": full["y_train"][train],
        "x_test": full["x_test"][test],
        "y_test": full["y_test"][test],
    }


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write the arrays to `path`, compressed: to the side first, then renamed."""
    side = path.with_name(path.name + ".partial")
    try:
        with side.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        os.replace(side, path)
    finally:
        side.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description="Make the subset of MNIST that the course embeds.")
    parser.add_argument("full", type=Path, help="a full mnist.npz in the layout of Keras")
    parser.add_argument("--output", type=Path, default=catalog.MNIST_SUBSET, help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    try:
        subset = make_subset(catalog.read_mnist(chosen.full))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    write(chosen.output, subset)
    print(f"{chosen.output.name}: {chosen.output.stat().st_size:,} bytes")
    print(f"SHA-256 of the contents: {contents_sha256(subset)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
