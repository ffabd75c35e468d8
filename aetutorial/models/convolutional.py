"""The convolutional autoencoder of the course: one definition, small in a lesson and larger where it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from aetutorial import validation

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable("aetutorial")
class Autoencoder(keras.Model):
    """An encoder and a decoder in a row, each with a name of its own.

    Args:
        encoder: A Keras model from x, shape (n, ...), to z, shape (n, latent_dim).
        decoder: A Keras model from z to x_hat.

    Example:
        >>> import keras
        >>> from aetutorial import models
        >>> autoencoder = models.Autoencoder(*models.convolutional((28, 28, 1), latent_dim=8, channels=4))
        >>> x = keras.ops.zeros((2, 28, 28, 1))
        >>> autoencoder.encoder(x).shape, autoencoder(x).shape
        (TensorShape([2, 8]), TensorShape([2, 28, 28, 1]))
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Return the reconstructions x_hat."""
        return self.decoder(self.encoder(x, training=training), training=training)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the model again."""
        parts = {"encoder": self.encoder, "decoder": self.decoder}
        stored = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return {**super().get_config(), **stored}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, object] | None = None) -> Autoencoder:
        """Build a model from what `get_config` returned."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects) for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})


def convolutional(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    *,
    channels: int = 64,
    blocks: int = 1,
    few: int = 16,
    stride: int = 4,
    seen: int | None = None,
    activation: str = "sigmoid",
    gaussian: bool = False,
) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and the decoder of a convolutional autoencoder with residual blocks (He et al. 2016).

    A strided convolution makes an image smaller, residual blocks look at the surroundings of each place, a convolution
    leaves few channels, and a dense layer gives the code. The decoder goes the same way back. Batch normalization
    (Ioffe and Szegedy 2015) stands before each bend.

    Args:
        image_shape: (height, width, channels) of the images; height and width are multiples of `stride`.
        latent_dim: Numbers in a code, at least 1.
        channels: Feature maps of each layer, at least 1.
        blocks: Residual blocks on either side, at least 0.
        few: Channels beside the dense layers, at least 1.
        stride: By what the first layer divides height and width, at least 1.
        seen: Channels that the encoder sees, if they are others than the image's, such as a mask in addition.
        activation: The last one of the decoder: "sigmoid" for pixels in [0, 1], "linear" for logits or any numbers.
        gaussian: Whether the encoder gives a mean and a log variance, (z_mean, z_log_var), as a VAE needs.

    Returns:
        The encoder, from (n, height, width, seen) to (n, latent_dim), or twice that; and the decoder, from
        (n, latent_dim) to (n, height, width, channels).

    Raises:
        ValueError: a number is too small, or `stride` does not divide height and width.
    """
    height, width, colors = image_shape
    for name, value, low in (("latent_dim", latent_dim, 1), ("channels", channels, 1), ("few", few, 1)):
        validation.integer(name, value, low=low)
    validation.integer("blocks", blocks, low=0)
    validation.integer("stride", stride, low=1)
    if height % stride or width % stride:
        raise ValueError(validation.message("stride", f"a divisor of {height} and of {width}", stride))
    small = (height // stride, width // stride, few)

    x = keras.Input((height, width, seen or colors))
    h = _bend(layers.Conv2D(channels, 2 * stride, strides=stride, padding="same", use_bias=False)(x))
    for _ in range(blocks):
        h = _residual(h, channels)
    h = layers.Flatten()(_bend(layers.Conv2D(few, 1, use_bias=False)(h)))
    z = layers.Dense(latent_dim, name="code")(h)
    encoder = keras.Model(x, [z, layers.Dense(latent_dim, name="z_log_var")(h)] if gaussian else z, name="encoder")

    z = keras.Input((latent_dim,))
    h = layers.Reshape(small)(_bend(layers.Dense(small[0] * small[1] * few, use_bias=False)(z)))
    h = _bend(layers.Conv2D(channels, 3, padding="same", use_bias=False)(h))
    for _ in range(blocks):
        h = _residual(h, channels)
    last = layers.Conv2DTranspose(colors, 2 * stride, strides=stride, padding="same", activation=activation)
    return encoder, keras.Model(z, last(h), name="decoder")


def _bend(h: tf.Tensor) -> tf.Tensor:
    return layers.Activation("silu")(layers.BatchNormalization()(h))


def _residual(h: tf.Tensor, channels: int) -> tf.Tensor:
    """Add to `h` what two convolutions find in it."""
    found = _bend(layers.Conv2D(channels, 3, padding="same", use_bias=False)(h))
    return layers.Add()([h, _bend(layers.Conv2D(channels, 1, padding="same", use_bias=False)(found))])
