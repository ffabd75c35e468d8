"""Make the data that are embedded in the package from their originals.

The same original gives the same arrays, and with the same Python and NumPy the same bytes. Example:

    python -m tools.datasets mnist mnist.npz
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np

from aetutorial.data import catalog
from aetutorial.data.dataset import contents_digest
from aetutorial.integrity import write_whole

MNIST_SEED = 28
MNIST_TRAIN, MNIST_TEST = 10_000, 2_000


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
        rng.choice(np.flatnonzero(labels == label), size=count, replace=False)
        for label, count in enumerate(proportional_counts(labels, total))
    ]
    return rng.permutation(np.concatenate(rows))


def mnist_subset(path: Path) -> dict[str, np.ndarray]:
    """Choose the subset of a full mnist.npz: train from its training set, test from its test set."""
    full = catalog.read_mnist(path, catalog.MNIST_DIGEST)
    rng = np.random.default_rng(MNIST_SEED)
    subset: dict[str, np.ndarray] = {}
    for part, total in (("train", MNIST_TRAIN), ("test", MNIST_TEST)):
        rows = select(full[f"y_{part}"], total, rng)
        subset |= {name: full[name][rows] for name in (f"x_{part}", f"y_{part}")}
    return subset


# For each data set: what makes its arrays from the original, what the original is, and where the arrays go.
MADE = {"mnist": (mnist_subset, "a full mnist.npz as Keras stores it", catalog.MNIST_SUBSET)}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser("python -m tools.datasets", description="Make the data that the course embeds.")
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, (_, original, output) in MADE.items():
        command = commands.add_parser(name, help=f"from {original}")
        command.add_argument("original", type=Path, help=original)
        command.add_argument("--output", type=Path, default=output, help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    try:
        arrays = MADE[chosen.name][0](chosen.original)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    write_whole(chosen.output, packed.getvalue())
    print(f"{chosen.output.name}: {chosen.output.stat().st_size:,} bytes")
    print(f"SHA-256 of the contents: {contents_digest(arrays)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
