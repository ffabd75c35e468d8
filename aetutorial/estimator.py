"""An autoencoder as a step of a scikit-learn pipeline. TensorFlow starts when a `fit` needs it."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from aetutorial import validation


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A dense autoencoder that `fit` trains and whose codes `transform` returns.

    The decoder mirrors the encoder; hidden layers are ReLU, code and output are linear, so scale the columns first
    (`StandardScaler`). The loss is Keras's `mse`; the learning rate falls to 0 along a cosine.

    Args:
        latent_dim: Numbers in the code, at least 1.
        hidden: Units of the encoder's hidden layers, from input to code; empty for a linear autoencoder.
        noise: Standard deviation of normal noise that is added to the inputs in training, in units of the input, at
            least 0. Above 0 it is a denoising autoencoder (Vincent et al. 2008).
        epochs: Passes over the data, at least 1.
        batch_size: Examples per step, at least 1.
        learning_rate: Adam's, at the start; at least 0.
        jit: Whether XLA compiles the training, as in `training.fit`. It pays for long trainings; for the many short
            ones of a grid search, compiling takes longer than it saves.
        random_state: An integer, a `numpy.random.RandomState`, or None for other weights in every fit.

    Attributes:
        encoder_: Keras model, x of shape (n, n_features_in_) to codes of shape (n, latent_dim).
        decoder_: Keras model, codes to reconstructions.
        history_: Mean loss of each epoch, a list of floats.
        n_features_in_: Columns of the data that were fitted.

    Examples:
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> x, _ = load_digits(return_X_y=True)
        >>> codes = make_pipeline(StandardScaler(), Autoencoder(8, random_state=0)).fit_transform(x)
        >>> codes.shape
        (1797, 8)
    """

    def __init__(
        self,
        latent_dim: int = 16,
        *,
        hidden: Sequence[int] = (128,),
        noise: float = 0.0,
        epochs: int = 20,
        batch_size: int = 100,
        learning_rate: float = 0.002,
        jit: bool | str = False,
        random_state: Any = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.hidden = hidden
        self.noise = noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.jit = jit
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Autoencoder:
        """Train encoder and decoder on X; y is not used.

        Args:
            X: Shape (n, features), finite numbers.
            y: Ignored: an autoencoder is its own target.

        Returns:
            The estimator itself.

        Raises:
            TypeError, ValueError: a parameter or X is not what it must be.
        """
        units = self._units()
        validation.real("noise", self.noise, low=0)
        epochs = validation.integer("epochs", self.epochs, low=1)
        batch_size = validation.integer("batch_size", self.batch_size, low=1)
        rate = validation.real("learning_rate", self.learning_rate, low=0)
        x = validate_data(self, X, dtype=np.float32)
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=2 * len(units) + 2)

        import keras

        from aetutorial import training

        def mapping(widths: Sequence[int], seeds: Sequence[int]) -> Any:
            layers = []
            for i, (width, seed) in enumerate(zip(widths[1:], seeds, strict=False)):
                start = keras.initializers.GlorotUniform(int(seed))
                activation = "relu" if i < len(widths) - 2 else None
                layers.append(keras.layers.Dense(width, activation, kernel_initializer=start))
            return keras.Sequential([keras.Input((widths[0],)), *layers])

        widths = [x.shape[1], *units]
        with _global_seeds_kept():
            self.encoder_ = mapping(widths, seeds[2:])
            self.decoder_ = mapping(widths[::-1], seeds[2 + len(units) :])
            noise = [keras.layers.GaussianNoise(self.noise, int(seeds[0]))] if self.noise else []
            parts = [keras.Input((x.shape[1],)), *noise, self.encoder_, self.decoder_]
            autoencoder = keras.Sequential(parts)
            steps = epochs * math.ceil(len(x) / batch_size)
            schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
            autoencoder.compile(keras.optimizers.Adam(schedule), loss="mse")
            history = training.fit(
                autoencoder, x, epochs=epochs, batch_size=batch_size, seed=int(seeds[1]), progress=False, jit=self.jit
            )
        self.history_ = [float(loss) for loss in history.history["loss"]]
        self._n_features_out = units[-1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the codes of X, float32, shape (n, latent_dim).

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X has another number of columns than the data of `fit`, or is not finite.
        """
        check_is_fitted(self, "encoder_")
        x = validate_data(self, X, dtype=np.float32, reset=False)
        return _predicted(self.encoder_, x)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the reconstructions of codes X, float32, shape (n, n_features_in_).

        Raises:
            NotFittedError: `fit` was not called.
            TypeError, ValueError: no matrix of finite numbers with a column for each number of the code.
        """
        check_is_fitted(self, "decoder_")
        z = validation.array("X", X, ndim=2)
        if z.shape[1] != self._n_features_out:
            expected = f"codes of shape (n, {self._n_features_out})"
            raise ValueError(validation.message("X", expected, z))
        return _predicted(self.decoder_, z.astype(np.float32))

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the mean squared error over examples and features: larger is better, 0 the best.

        So a search without labels, `GridSearchCV(...).fit(x)`, keeps the least reconstruction error on held-out folds.
        """
        check_is_fitted(self, "encoder_")
        x = validate_data(self, X, dtype=np.float32, reset=False)
        x_hat = _predicted(self.decoder_, _predicted(self.encoder_, x))
        return -float(np.mean((x.astype(np.float64) - x_hat) ** 2))

    def _units(self) -> list[int]:
        """Return the widths from the first hidden layer to the code, checked."""
        if isinstance(self.hidden, str) or not isinstance(self.hidden, Sequence):
            expected = "a tuple of whole numbers, such as (128,)"
            raise TypeError(validation.message("hidden", expected, self.hidden))
        code = validation.integer("latent_dim", self.latent_dim, low=1)
        return [*(validation.integer("hidden", units, low=1) for units in self.hidden), code]

    def __sklearn_tags__(self) -> Any:
        """Say that codes are float32 whatever came in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class SavedEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An encoder from a `.keras` file as a transformer; its weights stay as they are.

    `fit` reads the file and checks that the data fit it. Code in the file is not run (Keras's safe mode).

    Args:
        path: The file that `encoder.save(path)` wrote. A model with a class of its own is found if the class is
            registered with Keras, as those of `aetutorial.models` are once that module is imported.
        output: Which output is the code, if there are several: 0 is the means of a VAE's encoder.

    Attributes:
        encoder_: The Keras model.
        n_features_in_: Numbers of an example. An encoder of images, input (height, width, channels), takes rows of
            height * width * channels numbers here, as scikit-learn wants them.
    """

    def __init__(self, path: str | os.PathLike[str], *, output: int = 0) -> None:
        self.path = path
        self.output = output

    def fit(self, X: Any, y: Any = None) -> SavedEncoder:
        """Read the encoder from the file; nothing is learned from X, and y is not used.

        Args:
            X: Shape (n, features); features is the number of inputs of the encoder.
            y: Ignored.

        Returns:
            The estimator itself.

        Raises:
            FileNotFoundError: there is no such file.
            TypeError, ValueError: the file isn't a `.keras` file, or X doesn't fit the encoder.
        """
        path = Path(self.path)
        if path.suffix != ".keras":
            raise ValueError(validation.message("path", "a file whose name ends in .keras", path))
        if not path.exists():
            raise FileNotFoundError(validation.message("path", "a file that `encoder.save(path)` wrote", path))
        x = validate_data(self, X, dtype=np.float32)

        import keras

        encoder = keras.saving.load_model(path, compile=False)
        count = len(encoder.outputs)
        output = validation.integer("output", self.output, low=0, high=count - 1)
        if len(encoder.inputs) != 1:
            raise ValueError(validation.message("path", "an encoder with one input", len(encoder.inputs)))
        shape = tuple(encoder.inputs[0].shape[1:])
        if None in shape or math.prod(shape) != x.shape[1]:
            expected = f"rows of numbers that fill the encoder's input of shape {shape}"
            raise ValueError(validation.message("X", expected, x))
        self.encoder_, self._shape, self._output = encoder, shape, output
        self._n_features_out = math.prod(encoder.outputs[output].shape[1:])
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the codes of X, float32, shape (n, numbers of the code).

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X has another number of columns than the encoder has inputs, or is not finite.
        """
        check_is_fitted(self, "encoder_")
        x = validate_data(self, X, dtype=np.float32, reset=False)
        z = _predicted(self.encoder_, x.reshape(len(x), *self._shape), self._output)
        return z.reshape(len(z), -1)

    def __sklearn_tags__(self) -> Any:
        """Say that codes are float32 whatever came in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _predicted(model: Any, x: np.ndarray, output: int | None = None) -> np.ndarray:
    """Return the outputs of a model, or one of them, some thousand rows at a time."""
    blocks = []
    for start in range(0, len(x), 4096):
        given = model(x[start : start + 4096], training=False)
        if isinstance(given, list | tuple):
            given = given[output or 0]
        blocks.append(np.asarray(given, np.float32))
    return np.concatenate(blocks)


@contextmanager
def _global_seeds_kept() -> Iterator[None]:
    """Put Python's and NumPy's global generators back: Keras seeds both with its own."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
