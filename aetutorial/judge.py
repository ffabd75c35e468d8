"""The judge of generated digits that lesson 7 builds, for later lessons. Importing it starts TensorFlow."""

from __future__ import annotations

from functools import cached_property

import keras
import numpy as np
from numpy.typing import ArrayLike

from aetutorial import metrics, training, validation

SIDE = 28
TO_LEARN = 3000  # real and generated digits each, from which a classifier learns to tell them apart


class Judge:
    """Lesson 7's measures of generated digits, against real ones.

    Some of them look at the digits through a small convolutional classifier. It is trained on the real digits when it
    is first needed, for some seconds and from Keras's random seed 0, which this sets.

    Args:
        x_train, y_train: Real digits to learn from, shape (n, 784), n of at least 3,000, in [0, 1]; and their labels,
            shape (n,), 0 to 9.
        x_test: Real digits held out, shape (m, 784), m of at least 4, in [0, 1].

    Raises:
        ValueError: wrong shapes or values.
    """

    def __init__(self, x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike) -> None:
        self.x_train = _digits("x_train", x_train, min_rows=TO_LEARN)
        self.y_train = np.asarray(y_train)
        self.x_test = _digits("x_test", x_test, min_rows=4)

    @cached_property
    def _reader(self) -> keras.Model:
        """The classifier up to its last hidden layer."""
        keras.utils.set_random_seed(0)
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((SIDE, SIDE, 1)),
                layers.Conv2D(16, 5, strides=2, activation="relu"),
                layers.Conv2D(32, 3, strides=2, activation="relu"),
                layers.Flatten(),
                layers.Dense(64, activation="relu"),
                layers.Dropout(0.3),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy")
        x = self.x_train.reshape(-1, SIDE, SIDE, 1)
        training.fit(model, x, self.y_train, epochs=8, batch_size=100, progress=False)
        return keras.Model(model.inputs, model.layers[-3].output)

    def features(self, x: ArrayLike) -> np.ndarray:
        """Return the classifier's features of digits of shape (n, 784): float32, shape (n, 64), at least 0."""
        x = _digits("x", x)
        images = x.reshape(-1, SIDE, SIDE, 1)
        return np.asarray(self._reader.predict(images, batch_size=500, verbose=0))

    def scores(self, samples: ArrayLike) -> dict[str, float]:
        """Return five measures of generated digits.

        Args:
            samples: Generated digits in random order, shape (n, 784), n of at least 3,004, in [0, 1]. From the first
                3,000 a classifier learns to tell them from real ones; the others are judged.

        Returns:
            "Fréchet", "precision" and "recall" of the features, "told apart" and "copying" of the pixels, as in
            `metrics.frechet_distance`, `precision_recall`, `two_sample_accuracy` and `copying`.
        """
        samples = _digits("samples", samples, min_rows=TO_LEARN + 4)
        to_learn, to_judge = samples[:TO_LEARN], samples[TO_LEARN:]
        real, generated = self.features(self.x_test), self.features(to_judge)
        precision, recall = metrics.precision_recall(real, generated)
        known = self.x_train[:TO_LEARN]
        return {
            "Fréchet": metrics.frechet_distance(real, generated),
            "precision": precision,
            "recall": recall,
            "told apart": metrics.two_sample_accuracy(known, to_learn, self.x_test, to_judge),
            "copying": metrics.copying(to_judge, self.x_train, self.x_test),
        }


def _digits(name: str, x: ArrayLike, min_rows: int = 1) -> np.ndarray:
    x = validation.array(name, x, ndim=2, low=0, high=1, min_rows=min_rows)
    if x.shape[1] != SIDE**2:
        raise ValueError(validation.message(name, f"digits of {SIDE**2} numbers each", x))
    return x
