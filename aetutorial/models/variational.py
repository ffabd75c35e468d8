"""Variational autoencoders: what lesson 6 shows whole and later lessons need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf


def negative_log_likelihood(x: tf.Tensor | np.ndarray, logits: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Return -log p(x | z) of each example, in nats, shape (n,): a sum over its pixels.

    Args:
        x: Binary pixels, shape (n, ...), 0 or 1 each.
        logits: log(p / (1 - p)) of the probability p that a pixel is 1, the shape of `x`.
    """
    nats = ops.softplus(logits) - ops.cast(x, logits.dtype) * logits
    return ops.sum(nats, axis=list(range(1, len(nats.shape))))


def kl_to_prior(z_mean: tf.Tensor | np.ndarray, z_log_var: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Return KL(q || p) of each example, in nats, shape (n,): from its normal q to the standard normal p.

    Args:
        z_mean, z_log_var: Means of q and logarithms of its variances, shape (n, latent_dim) both.

    Example:
        >>> from aetutorial import models
        >>> from keras import ops
        >>> models.kl_to_prior(ops.array([[0.0, 0.0], [1.0, 2.0]]), ops.zeros((2, 2))).numpy().tolist()
        [0.0, 2.5]
    """
    return 0.5 * ops.sum(ops.square(z_mean) + ops.exp(z_log_var) - 1 - z_log_var, axis=1)


@keras.saving.register_keras_serializable("aetutorial")
class VAE(keras.Model):
    """A variational autoencoder for binary data (Kingma and Welling 2014).

    Compile it with an optimizer and without a loss; fit it on `x` alone. Its `history` has "distortion", the negative
    log-likelihood given one draw of the code, "rate", the KL divergence to the prior, and "loss", which is
    distortion + beta * rate; all in nats per example.

    Args:
        encoder: A Keras model from x, shape (n, ...), to (z_mean, z_log_var), shape (n, latent_dim) each.
        decoder: A Keras model from z, shape (n, latent_dim), to logits of the shape of x.
        beta: Weight of the rate, at least 0 (Higgins et al. 2017); with 1, -loss is the ELBO.
        seed: Seed of the noise. Keras does not save a generator's state: a loaded model starts from the seed again.
    """

    def __init__(
        self, encoder: keras.Model, decoder: keras.Model, beta: float = 1.0, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.beta, self.seed = beta, seed
        self.random = keras.random.SeedGenerator(seed)
        self.distortion = keras.metrics.Mean("distortion")
        self.rate = keras.metrics.Mean("rate")

    def sample(self, z_mean: tf.Tensor, z_log_var: tf.Tensor) -> tf.Tensor:
        """Draw a code for each example, in such a way that gradients reach mean and variance."""
        noise = keras.random.normal(ops.shape(z_mean), seed=self.random)
        return z_mean + ops.exp(0.5 * z_log_var) * noise

    def call(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return z_mean, z_log_var and the logits of one draw of the code."""
        z_mean, z_log_var = self.encoder(x)
        logits = self.decoder(self.sample(z_mean, z_log_var))
        return {"logits": logits, "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return distortion + beta * rate, a mean over the batch."""
        distortion = negative_log_likelihood(x, y_pred["logits"])
        rate = kl_to_prior(y_pred["z_mean"], y_pred["z_log_var"])
        self.distortion.update_state(distortion)
        self.rate.update_state(rate)
        return ops.mean(distortion + self.beta * rate)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the model again."""
        parts = {"encoder": self.encoder, "decoder": self.decoder}
        stored = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return {**super().get_config(), **stored, "beta": self.beta, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, object] | None = None) -> VAE:
        """Build a model from what `get_config` returned."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects) for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})


@keras.saving.register_keras_serializable("aetutorial")
class ConditionalVAE(VAE):
    """A VAE whose encoder and decoder are also told the label (Sohn, Lee and Yan 2015).

    Fit it on a dict of "x" and "labels", which are one-hot, shape (n, classes). The encoder's inputs are [x, labels],
    the decoder's [z, labels]; all else is as in `VAE`.
    """

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return what `VAE` returns, given a dict of "x" and "labels"."""
        x, labels = inputs["x"], inputs["labels"]
        z_mean, z_log_var = self.encoder([x, labels])
        logits = self.decoder([self.sample(z_mean, z_log_var), labels])
        return {"logits": logits, "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss of `VAE` on the "x" in the dict."""
        return super().compute_loss(x=x["x"], y_pred=y_pred)
