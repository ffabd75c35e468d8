"""Models on which the tests of `training.fit` compare it with Keras's own loop."""

from __future__ import annotations

import numpy as np


def dense(optimizer):
    import keras

    layer = keras.layers.Dense
    model = keras.Sequential([keras.Input((12,)), layer(16, activation="relu"), layer(3), layer(12)])
    model.compile(optimizer, loss="mse", metrics=["mae"])
    return model


def with_methods(**methods):
    """A model of one dense layer, 6 numbers in and out, of a class of its own with these methods."""
    import keras

    def begin(self):
        keras.Model.__init__(self)
        self.dense = keras.layers.Dense(6)

    return type("Own", (keras.Model,), {"__init__": begin, "call": lambda self, x: self.dense(x)} | methods)()


def convolutional(optimizer):
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(5),
            layers.Dense(64, activation="relu"),
            layers.Reshape((4, 4, 4)),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
        ]
    )
    model.compile(optimizer, loss="binary_crossentropy")
    return model


def latent(optimizer):
    """A VAE whose code is its mean, so that two loops can be compared weight by weight."""
    import keras

    class Latent(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder = keras.Sequential([keras.layers.Dense(16, activation="tanh"), keras.layers.Dense(6)])
            self.decoder = keras.Sequential([keras.layers.Dense(16, activation="tanh"), keras.layers.Dense(12)])

        def call(self, x):
            z_mean, z_log_var = keras.ops.split(self.encoder(x), 2, axis=1)
            return self.decoder(z_mean), z_mean, z_log_var

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            x_hat, z_mean, z_log_var = y_pred
            squared = keras.ops.sum(keras.ops.square(x_hat - x), axis=1)
            kl = 0.5 * keras.ops.sum(keras.ops.square(z_mean) + keras.ops.exp(z_log_var) - z_log_var - 1, axis=1)
            return keras.ops.mean(squared + kl)

    model = Latent()
    model.compile(optimizer)
    return model


def normalized(optimizer):
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(12),
        ]
    )
    model.compile(optimizer, loss="mse")
    return model


def penalized(optimizer):
    """A loss that a layer adds to the compiled one."""
    import keras

    class Sparse(keras.layers.Layer):
        def call(self, z):
            self.add_loss(0.1 * keras.ops.mean(keras.ops.abs(z)))
            return z

    layers = [keras.Input((12,)), keras.layers.Dense(8), Sparse(), keras.layers.Dense(12)]
    model = keras.Sequential(layers)
    model.compile(optimizer, loss="mse")
    return model


def frozen(optimizer):
    import keras

    layers = [keras.Input((12,)), keras.layers.Dense(8, trainable=False), keras.layers.Dense(12)]
    model = keras.Sequential(layers)
    model.compile(optimizer, loss="mse")
    return model


def tied(optimizer):
    """A decoder that uses the encoder's weights, transposed."""
    import keras

    class Tied(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder = keras.layers.Dense(4)
            self.encoder.build((None, 12))

        def call(self, x):
            return keras.ops.matmul(self.encoder(x), keras.ops.transpose(self.encoder.kernel))

    model = Tied()
    model.compile(optimizer, loss="mse")
    return model


MODELS = {
    "dense": dense,
    "convolutional": convolutional,
    "deterministic latent": latent,
    "batch-normalized": normalized,
    "add_loss": penalized,
    "frozen layer": frozen,
    "tied weights": tied,
}


def data_for(name, n=50, dtype="float32"):
    rng = np.random.default_rng(0)
    shape = (n, 8, 8, 1) if name == "convolutional" else (n, 12)
    x = rng.normal(size=shape)
    return (1 / (1 + np.exp(-x)) if name == "convolutional" else x).astype(dtype)


def keras_fit(model, x, y, *, epochs, batch_size, seed, **options):
    """Train with Keras's own loop on the same batches; return the history of all epochs."""
    import keras
    import tensorflow as tf

    from aetutorial import training

    n = len(keras.tree.flatten(x)[0])
    batches = None  # of all epochs, in one Dataset: a call of Keras's for each of them takes long
    for epoch in range(epochs):
        order = training.epoch_order(seed, epoch, n)
        rows = keras.tree.map_structure(lambda leaf: leaf[order], (x, y))  # noqa: B023
        rows = tuple(tuple(part) if isinstance(part, list) else part for part in rows)  # a Dataset stacks lists
        more = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
        batches = batches.concatenate(more) if batches else more
    steps = -(-n // batch_size)
    return model.fit(batches, epochs=epochs, steps_per_epoch=steps, verbose=0, **options).history


def same(a, b) -> bool:
    return all((v == w).all() for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def difference(a, b) -> float:
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return max(float(np.abs(v - w).max()) for v, w in pairs)
