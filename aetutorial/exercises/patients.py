"""The eight autoencoders of lesson 10, each with one mistake. Reading this file gives the answers away.

TensorFlow starts when this module is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from aetutorial import data, training

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["MISTAKES", "PATIENTS", "Patient", "patient"]

SIZE, CODE = 64, 10  # pixels of a picture, numbers of a code


@dataclass(frozen=True)
class Patient:
    """A trained autoencoder, as somebody might bring it to you.

    Attributes:
        model: Keras model from x to x_hat, with an `encoder`.
        x_train: What it was trained on: an array, or a pair (inputs, targets).
        x_val: Held-out examples, in the same form.
        history: Keras History with "loss" and "val_loss".
        says: What its owner says about it.
        decoder: For a model that is to generate: from codes to x_hat. None otherwise.
    """

    model: keras.Model
    x_train: ArrayLike
    x_val: ArrayLike
    history: keras.callbacks.History
    says: str
    decoder: keras.Model | None = None


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return digits of 8 x 8 pixels in rows, values in [0, 1]: 1,037 to train on and 400 held out."""
    x = data.load("digits").x_train.reshape(-1, SIZE)
    return x[:-400], x[-400:]


def network(code: int = CODE, code_activation: str | None = None, output: str | None = "sigmoid") -> keras.Model:
    """Return a dense autoencoder of pictures in rows; its first layer is the encoder, from x to the code.

    Args:
        code: Size of the code, at least 1.
        code_activation: Activation of the code, as Keras names them; None for a linear one.
        output: Activation of the output, alike.
    """
    dense = keras.layers.Dense
    encoder = [keras.Input((SIZE,)), dense(64, "relu"), dense(code, code_activation)]
    decoder = [keras.Input((code,)), dense(64, "relu"), dense(SIZE, output)]
    parts = keras.Sequential(encoder), keras.Sequential(decoder)
    return keras.Sequential([keras.Input((SIZE,)), *parts])


def fit(
    model: keras.Model, train: ArrayLike, val: ArrayLike, epochs: int = 60, rate: float = 0.003, **options: Any
) -> keras.callbacks.History:
    """Train a model in batches of 50.

    Args:
        model: A Keras model; it is compiled here.
        train: An array, shape (n, 64), that is input and target in one, or a pair (inputs, targets).
        val: Held-out examples, in the same form.
        epochs: Passes over the training data, at least 1.
        rate: Learning rate of Adam, above 0.
        **options: More arguments of `compile`, such as a loss other than "mse".

    Returns:
        Keras History with "loss" and "val_loss".
    """
    model.compile(keras.optimizers.Adam(rate), **({"loss": "mse"} | options))
    pair = train if isinstance(train, tuple) else (train, None)
    return training.fit(model, *pair, epochs=epochs, batch_size=50, validation_data=val, progress=False, jit=False)


def noise_drawn_once() -> Patient:
    """Noise is added to the data before training."""
    clean, clean_val = pictures()
    rng = np.random.default_rng(0)
    x, x_val = ((rows + rng.normal(0, 0.3, rows.shape).astype("float32"), rows) for rows in (clean, clean_val))
    model = network(code=32)
    history = fit(model, x, x_val, epochs=300)
    return Patient(model, x, x_val, history, "It takes noise away.")


class Generator(keras.Model):
    """A VAE; `x_hat` is decoded from the mean of the code."""

    def __init__(self) -> None:
        super().__init__()
        dense = keras.layers.Dense
        self.encoder = self._encoder()
        self.decoder = keras.Sequential([keras.Input((CODE,)), dense(64, "relu"), dense(SIZE, "sigmoid")])
        self.random = keras.random.SeedGenerator(0)
        self.built = True

    def _encoder(self) -> keras.Model:
        x = keras.Input((SIZE,))
        hidden = keras.layers.Dense(64, "relu")(x)
        return keras.Model(x, [keras.layers.Dense(CODE)(hidden), keras.layers.Dense(CODE)(hidden)])

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return x_hat of the mean code."""
        return self.decoder(self.encoder(x)[0])

    def draw(self, z_mean: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Return a code; `second` is the logarithm of the variance."""
        noise = keras.random.normal(ops.shape(z_mean), seed=self.random)
        return z_mean + ops.exp(0.5 * second) * noise

    def rate(self, z_mean: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Return the KL divergence to the prior of each example."""
        kl = 0.5 * (ops.square(z_mean) + ops.exp(second) - 1 - second)
        return ops.sum(kl, axis=1)

    def compute_loss(
        self,
        x: Any = None,
        y: object = None,
        y_pred: object = None,
        sample_weight: object = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Return distortion + rate, in nats, a mean over the batch."""
        z_mean, second = self.encoder(x)
        p = ops.clip(self.decoder(self.draw(z_mean, second)), 1e-6, 1 - 1e-6)
        distortion = -ops.sum(x * ops.log(p) + (1 - x) * ops.log(1 - p), axis=1)
        return ops.mean(distortion + self.rate(z_mean, second))


class SigmaForLogVariance(Generator):
    """The encoder's second output is multiplied with the noise, and enters the KL as a log variance."""

    def draw(self, z_mean: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Return a code."""
        return z_mean + second * keras.random.normal(ops.shape(z_mean), seed=self.random)


class AveragedRate(Generator):
    """The KL is averaged over the code, the distortion summed over the pixels."""

    def rate(self, z_mean: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Return the KL divergence of each example, divided by the size of the code."""
        kl = 0.5 * (ops.square(z_mean) + ops.exp(second) - 1 - second)
        return ops.mean(kl, axis=1)


def generator(model: Generator) -> Patient:
    """Train a VAE on pictures in black and white, 0 or 1, and return it with them."""
    x, x_val = (np.float32(rows > 0.5) for rows in pictures())
    history = fit(model, x, x_val, epochs=120, loss=None)
    return Patient(model, x, x_val, history, "It generates digits.", model.decoder)


def sigma_for_log_variance() -> Patient:
    """The two halves of a VAE's loss read the encoder's second output differently."""
    return generator(SigmaForLogVariance())


def kl_averaged() -> Patient:
    """Distortion is a sum, rate a mean."""
    return generator(AveragedRate())


def wide_bottleneck() -> Patient:
    """The code has more numbers than the input, and nothing else holds it back."""
    x, x_val = pictures()
    dense = keras.layers.Dense
    encoder = keras.Sequential([keras.Input((SIZE,)), dense(100)])
    model = keras.Sequential([keras.Input((SIZE,)), encoder, dense(SIZE)])
    history = fit(model, x, x_val, epochs=150)
    return Patient(model, x, x_val, history, "It has the smallest loss of all.")


def sigmoid_on_standardized_data() -> Patient:
    """Outputs end at 0 and 1, but targets don't."""
    x, x_val = pictures()
    used = x.std(axis=0) > 0.05
    mean, std = x.mean(axis=0), np.where(used, x.std(axis=0), 1)
    model = network()
    scaled, scaled_val = ((np.float32(used * (rows - mean) / std)) for rows in (x, x_val))
    history = fit(model, scaled, scaled_val)
    return Patient(model, scaled, scaled_val, history, "Its loss stops falling early.")


def roughly(number: float) -> str:
    """Write the result of a training with two significant digits, such as "5,400"; processors differ in the fourth.

    Args:
        number: Any finite number.
    """
    return f"{float(f'{number:.2g}'):,.10g}"


def losses_across_units() -> Patient:
    """Its loss is a mean over pixels in [0, 1]; it is compared with a sum over pixels from 0 to 16."""
    x, x_val = pictures()
    model = network(code=2)
    history = fit(model, x, x_val)
    first = history.history["val_loss"][-1]
    other = network()
    losses = fit(other, 16 * x, 16 * x_val, loss=lambda y, y_hat: ops.sum(ops.square(y - 16 * y_hat), axis=1))
    factor = losses.history["val_loss"][-1] / first
    says = f"The network of our rivals has a loss about {roughly(factor)} times as large."
    return Patient(model, x, x_val, history, says)


def dead_relu_code() -> Patient:
    """A large first step sends the code's relu units below 0 for every example, for good."""
    x, x_val = pictures()
    model = network(code_activation="relu")
    history = fit(model, x, x_val, rate=0.1)
    return Patient(model, x, x_val, history, "Its reconstructions all look alike.")


def test_data_in_training() -> Patient:
    """The held-out examples were split off a data set that was kept whole."""
    x, x_val = pictures()
    everything = np.concatenate([x, x_val])
    model = network(code=32)
    history = fit(model, everything, x_val, epochs=300)
    return Patient(model, everything, x_val, history, "It doesn't overfit at all.")


MISTAKES = {
    "noise drawn once": noise_drawn_once,
    "sigma for log variance": sigma_for_log_variance,
    "code wider than the input": wide_bottleneck,
    "bounded output": sigmoid_on_standardized_data,
    "losses across units": losses_across_units,
    "dead code": dead_relu_code,
    "KL averaged": kl_averaged,
    "test data in training": test_data_in_training,
}
PATIENTS = dict(zip("ABCDEFGH", MISTAKES.values(), strict=True))


def patient(letter: str) -> Patient:
    """Train one of the eight, always from the same seed.

    Args:
        letter: "A" to "H".

    Returns:
        The autoencoder, its data and history.

    Raises:
        KeyError: there is no such letter.
    """
    keras.utils.set_random_seed(0)
    return PATIENTS[letter]()
