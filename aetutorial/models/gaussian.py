"""The variational autoencoder for gray values and colors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from aetutorial import validation
from aetutorial.models.variational import VAE, kl_to_prior

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable("aetutorial")
class GaussianVAE(VAE):
    """A VAE with a Gaussian of fixed width around each value (Kingma and Welling 2014).

    "distortion" is the squared error, summed over an example, divided by 2 * sigma^2: the negative log-likelihood
    less a constant.

    Args:
        encoder, decoder: As in `VAE`, but the decoder gives x_hat itself, no logits.
        sigma: Standard deviation of the Gaussian, above 0, in units of x.
        **kwargs: The other arguments of `VAE`.

    Raises:
        ValueError: `sigma` is not above 0.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, sigma: float = 0.1, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, **kwargs)
        if validation.real("sigma", sigma) <= 0:
            raise ValueError(validation.message("sigma", "a number above 0", sigma))
        self.sigma = sigma

    def call(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return z_mean, z_log_var and x_hat for one draw of the code."""
        outputs = super().call(x)
        return {"x_hat": outputs.pop("logits"), **outputs}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return distortion + beta * rate, a mean over the batch."""
        x_hat = y_pred["x_hat"]
        distortion = ops.sum(ops.square(x - x_hat), axis=list(range(1, len(x_hat.shape)))) / (2 * self.sigma**2)
        rate = kl_to_prior(y_pred["z_mean"], y_pred["z_log_var"])
        self.distortion.update_state(distortion)
        self.rate.update_state(rate)
        return ops.mean(distortion + self.beta * rate)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the model again."""
        return {**super().get_config(), "sigma": self.sigma}
