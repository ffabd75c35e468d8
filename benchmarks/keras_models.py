"""The benchmark's models in Keras, trained by Keras's `fit` or by `training.fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.cases import LATENT, MIRROR, SEED, Case

Fit = Callable[[int], float]


def build(case: Case) -> Any:
    """Return a case's model, compiled as a tutorial does it: Adam with its defaults."""
    import keras

    keras.utils.set_random_seed(SEED)
    if case.kind == LATENT:
        return _latent(case)
    model = keras.Sequential(_mirror(case) if case.kind == MIRROR else _convolutional(case))
    model.compile("adam", loss="mse")
    return model


def _mirror(case: Case) -> list[Any]:
    import keras

    layers = [keras.layers.Dense(units, activation=name) for units, name in case.layers]
    return [keras.Input((case.inputs,)), *_noise(case), *layers]


def _noise(case: Case) -> list[Any]:
    """Return the layer that changes the inputs in each training step, or none."""
    import keras

    class Binarized(keras.layers.Layer):
        """Pixels become 1 with their gray value as the probability (dynamic binarization)."""

        def __init__(self) -> None:
            super().__init__()
            self.seeds = keras.random.SeedGenerator(SEED)

        def call(self, x: Any, training: bool = False) -> Any:
            if not training:
                return x
            return keras.ops.cast(x > keras.random.uniform(keras.ops.shape(x), seed=self.seeds), x.dtype)

    made = {
        "gaussian": lambda: keras.layers.GaussianNoise(0.3, seed=SEED),
        "dropout": lambda: keras.layers.Dropout(0.3, seed=SEED),
        "binarized": Binarized,
    }
    return [made[case.noise]()] if case.noise else []


def _convolutional(case: Case) -> list[Any]:
    from keras import Input, layers

    how = {"strides": 2, "padding": "same"}
    return [
        Input((28, 28, 1)),
        *_noise(case),
        layers.Conv2D(32, 3, activation="relu", **how),
        layers.Conv2D(64, 3, activation="relu", **how),
        layers.Flatten(),
        layers.Dense(case.code),
        layers.Dense(7 * 7 * 64, activation="relu"),
        layers.Reshape((7, 7, 64)),
        layers.Conv2DTranspose(32, 3, activation="relu", **how),
        layers.Conv2DTranspose(1, 3, activation="sigmoid", **how),
    ]


def _latent(case: Case) -> Any:
    import keras
    from keras import layers, ops

    class Latent(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = keras.Sequential([layers.Dense(case.hidden, activation="relu"), layers.Dense(2 * case.code)])
            self.decoder = keras.Sequential([layers.Dense(case.hidden, activation="relu"), layers.Dense(case.inputs)])
            self.noise = keras.random.SeedGenerator(SEED)

        def call(self, x: Any) -> Any:
            mean, log_var = ops.split(self.encoder(x), 2, axis=1)
            noise = keras.random.normal(ops.shape(mean), seed=self.noise)
            return self.decoder(mean + ops.exp(0.5 * log_var) * noise), mean, log_var

        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
        ) -> Any:
            decoded, mean, log_var = y_pred
            each = ops.binary_crossentropy(x, decoded, from_logits=True) if case.bernoulli else ops.square(x - decoded)
            kl = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_var) - log_var - 1, axis=1)
            return ops.mean(ops.sum(each, axis=1) + kl)

    model = Latent()
    model.build((None, case.inputs))
    model.compile("adam")
    return model


def prepare(case: Case, x: Any) -> tuple[Callable[[], Fit], float]:
    """Return what makes a new model and its `fit(epochs)` by Keras, and by what its seconds are multiplied."""

    def new() -> Fit:
        model = build(case)

        def fit(epochs: int) -> float:
            history = model.fit(x, x, batch_size=case.batch_size, epochs=epochs, verbose=0)
            return float(history.history["loss"][-1])

        return fit

    return new, 1.0


def prepare_engine(case: Case, x: Any, jit: bool | str) -> tuple[Callable[[], Fit], float]:
    """Return the same with `training.fit` in place of Keras's `fit`."""
    from aetutorial import training

    def new() -> Fit:
        model = build(case)

        def fit(epochs: int) -> float:
            history = training.fit(model, x, epochs=epochs, batch_size=case.batch_size, progress=False, jit=jit)
            return float(history.history["loss"][-1])

        return fit

    return new, 1.0
