"""The models that are timed, written down once for every library, and what is asked of `fit` on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

LEARNING_RATE = 0.001
EPSILON = 1e-7  # Keras's; each library has another of its own
SEED = 0
LATENT, MIRROR, CONVOLUTIONAL = "vae", "mirror", "convolutional"


@dataclass(frozen=True)
class Goal:
    """How the time of `training.fit` should stand to that of a peer.

    Attributes:
        against: Names of contenders; the fastest of them counts.
        required, aim: Times as fast as the peer, or, with `at_most`, times as slow.
        at_most: Whether smaller is better.
    """

    against: tuple[str, ...]
    required: float
    aim: float
    at_most: bool = False


@dataclass(frozen=True)
class Case:
    """A model, its data and its training.

    Attributes:
        name: Short name, as for `--models`.
        title: What stands in tables and figures.
        kind: MIRROR (dense layers), LATENT (a VAE of dense layers) or CONVOLUTIONAL.
        rows: Examples.
        inputs: Numbers in an example.
        batch_size: Examples per step.
        loss_epochs: After how many epochs the contenders' losses are compared.
        layers: For MIRROR: units and activation of each layer.
        hidden, code: For LATENT: units of the hidden layers and of the code.
        bernoulli: For LATENT: pixels and cross-entropy; otherwise real numbers and squared error.
        noise: What the first layer does to inputs in training: "gaussian", "dropout", "binarized", or "" for nothing.
        contenders: Who is timed; all if empty.
        goals: What is asked of `training.fit`.
        slow: Contenders that are timed on that many rows, which is scaled up.
    """

    name: str
    title: str
    kind: str
    rows: int
    inputs: int
    batch_size: int
    loss_epochs: int
    layers: tuple[tuple[int, str | None], ...] = ()
    hidden: int = 0
    code: int = 0
    bernoulli: bool = True
    noise: str = ""
    contenders: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    slow: tuple[tuple[str, int], ...] = ()


KERAS, TORCH, SCAN, LIMIT = (("keras-tensorflow",), ("torch-1", "torch-all"), ("jax-scan",), ("limit-1", "limit-all"))
LATENT_GOALS = (Goal(KERAS, 4, 6),)
# Draws under XLA were so slow once that noise cost more than the training: these are timed against Keras alone.
WITH_KERAS = ("engine", "engine-xla", "engine-graph", "keras-tensorflow")
NOISE_GOALS = (Goal(KERAS, 1.5, 2),)
MIDDLE: dict[str, Any] = {
    "kind": MIRROR,
    "rows": 10_000,
    "inputs": 784,
    "batch_size": 128,
    "loss_epochs": 4,
    "layers": ((256, "relu"), (32, "relu"), (256, "relu"), (784, "sigmoid")),
    "contenders": WITH_KERAS,
    "goals": NOISE_GOALS,
}

CONVOLUTIONS: dict[str, Any] = {
    "kind": CONVOLUTIONAL,
    "rows": 2000,
    "inputs": 784,
    "batch_size": 128,
    "loss_epochs": 6,
    "code": 16,
}


def _noisy(name: str, noise: str) -> Case:
    return Case(name=name, title=f"{name}: 10,000 x 784, dense 256-32-256, batch 128", noise=noise, **MIDDLE)


CASES = {
    case.name: case
    for case in (
        Case(
            name="example",
            title="example: 1,000 x 100, dense 64-32-32-64, batch 32",
            kind=MIRROR,
            rows=1000,
            inputs=100,
            batch_size=32,
            loss_epochs=20,
            layers=((64, "relu"), (32, "relu"), (32, "relu"), (64, "relu"), (100, "sigmoid")),
            goals=(
                Goal(KERAS, 12, 25),
                Goal(TORCH, 3.5, 6),
                Goal(SCAN, 1.5, 1, at_most=True),
                Goal(LIMIT, 3, 2, at_most=True),
            ),
        ),
        Case(
            name="dense",
            title="dense: 5,000 x 784, dense 512-256-32-256-512, batch 128",
            kind=MIRROR,
            rows=5000,
            inputs=784,
            batch_size=128,
            loss_epochs=6,
            layers=((512, "relu"), (256, "relu"), (32, None), (256, "relu"), (512, "relu"), (784, "sigmoid")),
            goals=(Goal(KERAS, 1.1, 1.5), Goal(TORCH, 1.1, 1.5)),
        ),
        Case(
            name="convolutional",
            title="convolutional: 2,000 x 28 x 28, code 16, batch 128",
            **CONVOLUTIONS,
            goals=(Goal(KERAS, 1.5, 1.8), Goal(TORCH, 3, 3), Goal(LIMIT, 2.2, 1.7, at_most=True)),
            slow=(("engine-xla", 256), ("jax-scan", 256)),
        ),
        Case(
            name="vae-784",
            title="VAE: 5,000 x 784, hidden 256, code 16, batch 128",
            kind=LATENT,
            rows=5000,
            inputs=784,
            batch_size=128,
            loss_epochs=6,
            hidden=256,
            code=16,
            goals=LATENT_GOALS,
        ),
        Case(
            name="vae-100",
            title="VAE: 1,000 x 100, hidden 64, code 8, batch 32",
            kind=LATENT,
            rows=1000,
            inputs=100,
            batch_size=32,
            loss_epochs=20,
            hidden=64,
            code=8,
            bernoulli=False,
            goals=LATENT_GOALS,
        ),
        _noisy("noise-free", ""),
        _noisy("gaussian-noise", "gaussian"),
        _noisy("dropout", "dropout"),
        _noisy("binarization", "binarized"),
        Case(
            name="noisy-convolutional",
            title="convolutional with noise: 2,000 x 28 x 28, code 16, batch 128",
            **CONVOLUTIONS,
            noise="gaussian",
            contenders=("engine", "engine-graph", "keras-tensorflow"),
            goals=NOISE_GOALS,
        ),
    )
}


def data_for(case: Case) -> Any:
    """Return a case's examples, float32: digits of MNIST where there are pixels, else standard normal numbers."""
    if case.inputs != 784:
        rng = np.random.default_rng(SEED)
        return rng.standard_normal((case.rows, case.inputs), dtype="float32")
    from aetutorial import data

    images = data.load("mnist").x_train[: case.rows]
    if case.kind == CONVOLUTIONAL:
        return np.ascontiguousarray(images, "float32")
    return np.ascontiguousarray(images.reshape(case.rows, -1), "float32")
