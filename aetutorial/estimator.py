"""An autoencoder as a step of a scikit-learn pipeline. TensorFlow starts when a `fit` needs it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from aetutorial import validation

if TYPE_CHECKING:
    import keras


class _Encoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What the two transformers share: they return the codes of a Keras model, `encoder_`, that `fit` provides."""

    _output = 0  # which output of the encoder is the code

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the codes of X, float32, shape (n, numbers of the code).

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X has another number of columns than the data of `fit`, or is not finite.
        """
        check_is_fitted(self, "encoder_")
        x = validate_data(self, X, dtype=np.float32, reset=False)
        return _predicted(self.encoder_, _shaped(self.encoder_, x), self._output).reshape(len(x), -1)

    def __sklearn_tags__(self) -> Tags:
        """Say that codes are float32 whatever came in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class Autoencoder(_Encoder):
    """A dense autoencoder that `fit` trains and whose codes `transform` returns, such as in a pipeline.

    The decoder mirrors the encoder; hidden layers are ReLU, code and output are linear, so scale the columns first
    (`StandardScaler`). The loss is Keras's `mse`; the learning rate falls to 0 along a cosine.

    Args:
        latent_dim: Numbers in the code, at least 1.
        hidden: Units of the encoder's hidden layers, from input to code; empty for a linear autoencoder.
        noise: Standard deviation of normal noise that training adds to the inputs, in their units, at least 0. Above 0
            it is a denoising autoencoder (Vincent et al. 2008).
        epochs, batch_size: Passes over the data and examples per step, at least 1.
        learning_rate: Adam's, at the start; at least 0.
        jit: Whether XLA compiles the training, as in `training.fit`. For the many short trainings of a grid search,
            compiling takes longer than it saves.
        random_state: An integer, a `numpy.random.RandomState`, or None for other weights in every fit.

    Attributes:
        encoder_, decoder_: Keras models from x, shape (n, n_features_in_), to codes, shape (n, latent_dim), and back.
        history_: Mean loss of each epoch, a list of floats.

    Example:
        >>> import numpy as np
        >>> from aetutorial import estimator
        >>> x = np.random.default_rng(0).normal(size=(50, 6))
        >>> autoencoder = estimator.Autoencoder(latent_dim=2, hidden=(), epochs=1, random_state=0).fit(x)
        >>> autoencoder.transform(x).shape
        (50, 2)
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
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.hidden = hidden
        self.noise = noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.jit = jit
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Autoencoder:
        """Train encoder and decoder on X, shape (n, features), finite; y is ignored. Return the estimator itself.

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

        def mapping(widths: Sequence[int], seeds: Sequence[int]) -> keras.Model:
            layers = [keras.Input((widths[0],))]
            for i, (width, seed) in enumerate(zip(widths[1:], seeds, strict=True)):
                start = keras.initializers.GlorotUniform(int(seed))
                activation = "relu" if i < len(widths) - 2 else None
                layers.append(keras.layers.Dense(width, activation, kernel_initializer=start))
            return keras.Sequential(layers)

        widths = [x.shape[1], *units]
        self.encoder_ = mapping(widths, seeds[2 : 2 + len(units)])
        self.decoder_ = mapping(widths[::-1], seeds[2 + len(units) :])
        noise = [keras.layers.GaussianNoise(self.noise, int(seeds[0]))] if self.noise else []
        autoencoder = keras.Sequential([keras.Input((x.shape[1],)), *noise, self.encoder_, self.decoder_])
        schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * math.ceil(len(x) / batch_size))
        autoencoder.compile(keras.optimizers.Adam(schedule), loss="mse")
        history = training.fit(
            autoencoder, x, epochs=epochs, batch_size=batch_size, seed=int(seeds[1]), progress=False, jit=self.jit
        )
        self.history_ = [float(loss) for loss in history.history["loss"]]
        self._n_features_out = units[-1]
        return self

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Return the reconstructions of codes X, float32, shape (n, n_features_in_).

        Raises:
            NotFittedError: `fit` was not called.
            TypeError, ValueError: X is no matrix of finite numbers with a column for each number of the code.
        """
        check_is_fitted(self, "decoder_")
        z = validation.array("X", X, ndim=2)
        if z.shape[1] != self._n_features_out:
            raise ValueError(validation.message("X", f"codes of shape (n, {self._n_features_out})", z))
        return _predicted(self.decoder_, z.astype(np.float32))

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Return minus the mean squared error over examples and features: larger is better, 0 the best.

        So a search without labels, `GridSearchCV(...).fit(x)`, keeps the least reconstruction error on held-out folds.
        """
        z = self.transform(X)
        x = validate_data(self, X, dtype=np.float32, reset=False)
        x_hat = _predicted(self.decoder_, z)
        return -float(np.mean((x.astype(np.float64) - x_hat) ** 2))

    def _units(self) -> list[int]:
        """Return the widths from the first hidden layer to the code, checked."""
        if isinstance(self.hidden, str) or not isinstance(self.hidden, Sequence):
            raise TypeError(validation.message("hidden", "a tuple of whole numbers, such as (128,)", self.hidden))
        code = validation.integer("latent_dim", self.latent_dim, low=1)
        return [*(validation.integer("hidden", units, low=1) for units in self.hidden), code]


class SavedEncoder(_Encoder):
    """An encoder from a `.keras` file as a transformer, `encoder_`; its weights stay as they are.

    `fit` reads the file and checks that the data fit it. Code in the file is not run (Keras's safe mode). An encoder of
    images, input (height, width, channels), takes rows of height * width * channels numbers, as scikit-learn wants.

    Args:
        path: The file that `encoder.save(path)` wrote. Keras loads a model of a class of your own if the class is
            registered, as those of `aetutorial.models` are once that module is imported.
        output: Which output is the code, if there are several: 0 is the means of a VAE's encoder.
    """

    def __init__(self, path: str | os.PathLike[str], *, output: int = 0) -> None:
        self.path = path
        self.output = output

    def fit(self, X: ArrayLike, y: object = None) -> SavedEncoder:
        """Read the encoder and check that X, shape (n, features), fits it; y is ignored. Return the estimator itself.

        Raises:
            FileNotFoundError: there is no such file.
            TypeError, ValueError: it isn't a `.keras` file, X doesn't fit the encoder, or there is no such output.
        """
        path = Path(self.path)
        if path.suffix != ".keras":
            raise ValueError(validation.message("path", "a file whose name ends in .keras", path))
        if not path.exists():
            raise FileNotFoundError(validation.message("path", "a file that `encoder.save(path)` wrote", path))
        x = validate_data(self, X, dtype=np.float32)

        import keras

        encoder = keras.saving.load_model(path, compile=False)
        if not encoder.built:
            expected = "an encoder that was built before it was saved; give it a keras.Input, or call it once"
            raise ValueError(validation.message("path", expected, "one without weights"))
        inputs = getattr(encoder, "inputs", None) or []  # a class of one's own shows none
        if len(inputs) > 1:
            raise ValueError(validation.message("path", "an encoder with one input", len(inputs)))
        shape = tuple(inputs[0].shape[1:]) if inputs else (x.shape[1],)
        if None in shape or math.prod(shape) != x.shape[1]:
            raise ValueError(validation.message("X", f"rows that fill the encoder's input of shape {shape}", x))
        made = encoder(_shaped(encoder, x[:1]), training=False)
        if isinstance(made, dict):
            received = f"a {type(encoder).__name__} that returns a dict of {', '.join(made)}"
            expected = "an encoder that returns arrays; of an autoencoder, save the part named `encoder`"
            raise ValueError(validation.message("path", expected, received))
        outputs = made if isinstance(made, list | tuple) else [made]
        output = validation.integer("output", self.output, low=0, high=len(outputs) - 1)
        self.encoder_, self._output = encoder, output
        self._n_features_out = math.prod(outputs[output].shape[1:])
        return self


def _shaped(encoder: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return rows of numbers in the shape of the encoder's input, if it shows one."""
    inputs = getattr(encoder, "inputs", None)
    return x.reshape(len(x), *inputs[0].shape[1:]) if inputs else x


def _predicted(model: keras.Model, x: np.ndarray, output: int = 0) -> np.ndarray:
    """Return the output of a model, or one of several, some thousand rows at a time."""
    blocks = []
    for start in range(0, len(x), 4096):
        outputs = model(x[start : start + 4096], training=False)
        chosen = outputs[output] if isinstance(outputs, list | tuple) else outputs
        blocks.append(np.asarray(chosen, np.float32))
    return np.concatenate(blocks)
