"""Trained models that come with the course: `load(name)` gives one, `card(name)` says what it is.

How they were trained, and by which command they are trained again: tools/pretrained.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aetutorial import integrity, validation
from aetutorial.models.convolutional import Autoencoder, convolutional
from aetutorial.models.gaussian import GaussianVAE
from aetutorial.models.variational import VAE

if TYPE_CHECKING:
    import keras

FOLDER = Path(__file__).parents[1] / "pretrained"
DIGIT, EMOJI = (28, 28, 1), (32, 32, 3)
# What each model is made of; trained weights are stored in the order of its encoder's and its decoder's.
BUILDERS: dict[str, Callable[[], keras.Model]] = {
    "mnist-ae-30": lambda: Autoencoder(*convolutional(DIGIT, 30)),
    "mnist-vae-2d": lambda: VAE(*convolutional(DIGIT, 2, activation="linear", gaussian=True)),
    "mnist-vae": lambda: VAE(*convolutional(DIGIT, 16, activation="linear", gaussian=True)),
    "emoji-ae": lambda: Autoencoder(*convolutional(EMOJI, 64)),
    "emoji-vae": lambda: GaussianVAE(*convolutional(EMOJI, 64, gaussian=True), sigma=0.1),
}
NAMES = tuple(BUILDERS)


@dataclass(frozen=True)
class Card:
    """What a stored model is.

    Attributes:
        name: What `load` calls it.
        what: What it does, in a sentence.
        data: What it was trained on.
        weights: How many numbers it has.
        kilobytes: Size of its file.
        epochs: Passes over the training data.
        minutes: How long its training took, on two cores.
        scores: What was measured: name, with its unit, to value.
        protocol: On which data, and how.
        digest: SHA-256 (hex) of the weights as stored.
    """

    name: str
    what: str
    data: str
    weights: int
    kilobytes: int
    epochs: int
    minutes: float
    scores: Mapping[str, float]
    protocol: str
    digest: str

    @property
    def rebuild(self) -> str:
        """The command that trains the model again."""
        return f"make pretrained MODEL={self.name}"

    def __str__(self) -> str:
        """Describe the model in a few lines."""
        scores = "; ".join(f"{name}: {value:.4g}" for name, value in self.scores.items())
        return (
            f"{self.name}: {self.what}\n"
            f"  {self.weights:,} weights ({self.kilobytes} kB); {self.epochs} epochs on {self.data}, "
            f"{self.minutes:.0f} minutes of two cores\n"
            f"  {scores}\n"
            f"  measured on {self.protocol}\n"
            f"  trained again by `{self.rebuild}`"
        )


def cards(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the fields of all cards in a folder, by the names of their models; None is that of the course."""
    path = (folder or FOLDER) / "cards.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def card(name: str) -> Card:
    """Say what a stored model is: its data, size, training time and scores, and how it is trained again.

    Args:
        name: One of `NAMES`.

    Raises:
        ValueError: unknown name.
        FileNotFoundError: the model has not been trained yet.

    Example:
        >>> from aetutorial import models
        >>> models.card("mnist-ae-30").rebuild
        'make pretrained MODEL=mnist-ae-30'
    """
    stored = cards().get(validation.choice("name", name, NAMES))
    if stored is None:
        raise FileNotFoundError(f"The model {name} is not stored. `make pretrained MODEL={name}` trains it.")
    return Card(name=name, **stored)


def load(name: str) -> keras.Model:
    """Return a trained model, with `encoder` and `decoder` as attributes.

    Args:
        name: One of

            - "mnist-ae-30": digits, 28x28, to 30 numbers and back: the task of Hinton and Salakhutdinov (2006)
            - "mnist-vae-2d": a variational one with a code of two numbers, for maps
            - "mnist-vae": a variational one with a code of 16 numbers, which draws new digits
            - "emoji-ae", "emoji-vae": emoji, 32x32 in color, to 64 numbers and back

            The decoders of "mnist-vae-2d" and "mnist-vae" give logits; all others give values in [0, 1].

    Returns:
        The model, not compiled.

    Raises:
        ValueError: unknown name, or the file is truncated, altered, or of another model. Pickles are never loaded.
        FileNotFoundError: the model has not been trained yet.

    Example:
        >>> from aetutorial import data, models
        >>> autoencoder = models.load("mnist-ae-30")
        >>> x = data.load("mnist").x_test[:3]
        >>> z = autoencoder.encoder.predict(x, verbose=0)
        >>> z.shape, autoencoder.decoder.predict(z, verbose=0).shape
        ((3, 30), (3, 28, 28, 1))
    """
    expected = card(name).digest
    path = FOLDER / f"{name}.npz"
    refusal = f"{path} was refused: it is truncated or altered, or of another model. Replace it with a sound copy."
    model = BUILDERS[name]()
    parts = (model.encoder, model.decoder)
    shapes = [weight.shape for part in parts for weight in part.weights]
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            weights = [file[f"w{number}"] for number in range(len(shapes))]
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises one of a dozen kinds
        raise ValueError(refusal) from error
    if weights_digest(weights) != expected or [weight.shape for weight in weights] != [tuple(s) for s in shapes]:
        raise ValueError(refusal)
    set_weights(model, weights)
    return model


def set_weights(model: keras.Model, weights: list[np.ndarray]) -> None:
    """Give weights in their stored form to a model."""
    count = len(model.encoder.weights)
    for part, its in ((model.encoder, weights[:count]), (model.decoder, weights[count:])):
        part.set_weights([weight.astype(np.float32) for weight in its])


def stored_form(model: keras.Model) -> list[np.ndarray]:
    """Return the weights of a model as they are stored: matrices and kernels as float16, vectors as float32."""
    weights = [weight for part in (model.encoder, model.decoder) for weight in part.get_weights()]
    return [weight.astype(np.float16 if weight.ndim > 1 else np.float32) for weight in weights]


def weights_digest(weights: list[np.ndarray]) -> str:
    """Return the SHA-256 (hex) over dtypes, shapes and values of weights, in their order."""
    return integrity.arrays_digest((f"{weight.dtype.str} {weight.shape};", weight) for weight in weights)
