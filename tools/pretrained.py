"""Train the models that come with the course again, and write them with their cards into aetutorial/pretrained.

A round that is interrupted, however often, goes on where it stopped, and ends with the same weights. Examples:

    python -m tools.pretrained                 # all of them; about an hour of two cores
    python -m tools.pretrained mnist-ae-30     # one

The digits are all of MNIST: it is downloaded, or AETUTORIAL_MNIST_FULL names a local copy.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial import data, metrics
from aetutorial.integrity import write_whole

ROOT = Path(__file__).parents[1]
UNFINISHED = ROOT / ".pretrained"  # checkpoints, and which models of this round are done
FULL, HELD_OUT = "mnist-full", "mnist"  # trained on the 60,000; the embedded test images are of the other 10,000


@dataclass(frozen=True)
class Recipe:
    """How a model is trained and measured.

    Attributes:
        what: What it does, in a sentence.
        dataset: What it is trained on, the training part: a name for `data.load`.
        epochs: Passes over the data.
        score: From the trained model to name and value of what is measured, on held-out data that come with the course.
        protocol: Those data, and how it is measured.
        augmented: From the training images to those that are trained on: these, and others made from them.
        in_words: What `augmented` does, for the card.
        rate: The highest learning rate: of Adam, rising for an epoch, then falling along half a cosine.
        batch_size: Examples per step.
    """

    what: str
    dataset: str
    epochs: int
    score: Callable[[Any], dict[str, float]]
    protocol: str
    augmented: Callable[[np.ndarray], np.ndarray] = lambda x: x
    in_words: str = ""
    rate: float = 3e-3
    batch_size: int = 128


def colors_and_mirrors(x: np.ndarray) -> np.ndarray:
    """Return color images with their three channels in all six orders, and all of them mirrored left to right."""
    orders = [list(order) for order in itertools.permutations(range(3))]
    return np.concatenate([x[:, :, ::side][..., order] for order in orders for side in (1, -1)])


def squared_error(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Return the squared error summed over an image, a mean over images."""
    return metrics.mse(x, x_hat) * x[0].size


def score_digits(model: Any) -> dict[str, float]:
    """Measure a plain autoencoder of digits, beside PCA with as many numbers, clipped to [0, 1]."""
    from sklearn.decomposition import PCA

    mnist = data.load(HELD_OUT)
    x_train, x_test = (x.reshape(len(x), -1) for x in (mnist.x_train, mnist.x_test))
    pca = PCA(model.encoder.output_shape[-1], random_state=0).fit(x_train)
    by_pca = pca.inverse_transform(pca.transform(x_test)).clip(0, 1)
    x_hat = model.predict(mnist.x_test, batch_size=500, verbose=0)
    return {
        "squared error per image": squared_error(mnist.x_test, x_hat),
        "that of clipped PCA": squared_error(x_test, by_pca),
    }


def score_gray_digits(model: Any) -> dict[str, float]:
    """Measure a VAE of digits whose gray values are taken for probabilities: a mean over ten draws of each code."""
    x = data.load(HELD_OUT).x_test
    z_mean, z_log_var = model.encoder.predict(x, batch_size=500, verbose=0)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(10):
        z = z_mean + np.exp(z_log_var / 2) * rng.standard_normal(z_mean.shape, dtype=np.float32)
        logits = model.decoder.predict(z, batch_size=500, verbose=0)
        losses.append((np.logaddexp(0, logits) - x * logits).sum(axis=(1, 2, 3)).mean())
    rate = 0.5 * (z_mean**2 + np.exp(z_log_var) - 1 - z_log_var).sum(axis=1).mean()
    return {"distortion (nats per image)": float(np.mean(losses)), "rate (nats per image)": float(rate)}


def score_emoji(model: Any) -> dict[str, float]:
    """Measure an autoencoder of emoji by the share of held-out variation that it keeps, beside clipped PCA."""
    from sklearn.decomposition import PCA

    emoji = data.load("emoji")
    x_train, x_test = (x.reshape(len(x), -1) for x in (emoji.x_train, emoji.x_test))
    z = model.encoder.predict(emoji.x_test, batch_size=500, verbose=0)
    z = z[0] if isinstance(z, (list, tuple)) else z  # a VAE's mean
    x_hat = model.decoder.predict(z, batch_size=500, verbose=0).reshape(x_test.shape)
    pca = PCA(z.shape[1], random_state=0).fit(x_train)
    by_pca = pca.inverse_transform(pca.transform(x_test)).clip(0, 1)
    variation = metrics.mse(x_test, 0 * x_test + x_train.mean(axis=0))
    return {
        "variation kept (%)": 100 * (1 - metrics.mse(x_test, x_hat) / variation),
        "kept by clipped PCA (%)": 100 * (1 - metrics.mse(x_test, by_pca) / variation),
    }


TEST_DIGITS = "the 2,000 test images of data.load('mnist'), none of which was trained on"
TEST_EMOJI = "the 752 test images of data.load('emoji'), of other families than the training images"
GRAY_DIGITS: dict[str, Any] = {
    "dataset": FULL,
    "score": score_gray_digits,
    "protocol": f"{TEST_DIGITS}; cross-entropy of gray values in [0, 1], a mean over ten draws of each code",
}
EMOJI: dict[str, Any] = {
    "dataset": "emoji",
    "augmented": colors_and_mirrors,
    "in_words": ", in all orders of their colors and mirrored",
    "score": score_emoji,
    "protocol": f"{TEST_EMOJI}; 100 % would be a perfect reconstruction, 0 % that of the mean training image",
}
RECIPES = {
    "mnist-ae-30": Recipe(
        what="digits to 30 numbers and back",
        dataset=FULL,
        epochs=14,
        score=score_digits,
        protocol=f"{TEST_DIGITS}; squared error summed over pixels; PCA fitted to the 10,000 training images there",
    ),
    "mnist-vae-2d": Recipe(what="a VAE of digits with a code of two numbers, for maps", epochs=8, **GRAY_DIGITS),
    "mnist-vae": Recipe(what="a VAE of digits with a code of 16 numbers, to draw new ones", epochs=16, **GRAY_DIGITS),
    "emoji-ae": Recipe(what="emoji in color to 64 numbers and back", epochs=6, **EMOJI),
    "emoji-vae": Recipe(what="a VAE of emoji in color with a code of 64 numbers", epochs=6, **EMOJI),
}


def train(name: str) -> tuple[Any, float]:
    """Train a model, or go on training it; return it, and the minutes that its training took in all."""
    import keras

    from aetutorial import training
    from aetutorial.models import store

    recipe = RECIPES[name]
    x = recipe.augmented(data.load(recipe.dataset).x_train)
    steps = -(-len(x) // recipe.batch_size)
    keras.utils.set_random_seed(0)
    model = store.BUILDERS[name]()
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.rate / 20, recipe.epochs * steps, alpha=0.005, warmup_target=recipe.rate, warmup_steps=steps
    )
    plain = isinstance(model, store.Autoencoder)
    model.compile(keras.optimizers.Adam(schedule), **({"loss": "mse"} if plain else {}))
    clock = Clock(UNFINISHED / f"{name}.seconds")
    training.fit(
        model,
        x,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        checkpoint=UNFINISHED / name,
        callbacks=[clock.callback()],
    )
    return model, clock.seconds / 60


class Clock:
    """Adds up how long the epochs took, over all runs of a training that was interrupted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds = float(path.read_text(encoding="utf-8")) if path.exists() else 0.0

    def callback(self) -> Any:
        """Return a Keras callback that adds each epoch."""
        import keras

        started = time.perf_counter()

        def add(epoch: int, logs: Any) -> None:
            nonlocal started
            now = time.perf_counter()
            self.seconds, started = self.seconds + now - started, now
            write_whole(self.path, f"{self.seconds}\n")

        return keras.callbacks.LambdaCallback(on_epoch_end=add)


def write(name: str, model: Any, minutes: float, folder: Path) -> None:
    """Write a model and its card."""
    from aetutorial.models import store

    weights = store.stored_form(model)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{f"w{number}": weight for number, weight in enumerate(weights)})
    write_whole(folder / f"{name}.npz", buffer.getvalue())
    store.set_weights(model, weights)  # what is measured is what is stored
    recipe = RECIPES[name]
    fields = {
        "what": recipe.what,
        "data": f"the {len(data.load(recipe.dataset).x_train):,} training images of data.load('{recipe.dataset}')"
        + recipe.in_words,
        "weights": int(sum(weight.size for weight in weights)),
        "kilobytes": round(len(buffer.getvalue()) / 1000),
        "epochs": recipe.epochs,
        "minutes": round(minutes, 1),
        "scores": {key: round(value, 4) for key, value in recipe.score(model).items()},
        "protocol": recipe.protocol,
        "digest": store.weights_digest(weights),
    }
    cards = dict(sorted({**store.cards(folder), name: fields}.items()))
    write_whole(folder / "cards.json", json.dumps(cards, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    from aetutorial.models import store

    parser = argparse.ArgumentParser("python -m tools.pretrained", description="Train the course's models again.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; default: all")
    parser.add_argument("--folder", type=Path, default=store.FOLDER, help="where they go; default: %(default)s")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.names) - set(RECIPES))
    if unknown:
        print(f"There is no model {unknown[0]!r}. There are: {', '.join(RECIPES)}.", file=sys.stderr)
        return 2
    names = chosen.names or list(RECIPES)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    UNFINISHED.mkdir(exist_ok=True)
    for number, name in enumerate(names, 1):
        done = UNFINISHED / f"{name}.done"
        if done.exists():
            print(f"Model {number} of {len(names)}, {name}: done in this round.")
            continue
        print(f"Model {number} of {len(names)}, {name}:", flush=True)
        write(name, *train(name), chosen.folder)
        write_whole(done, "")
    for name in names:
        shutil.rmtree(UNFINISHED / name, ignore_errors=True)  # its checkpoints
        for leftover in UNFINISHED.glob(f"{name}.*"):
            leftover.unlink()
    if not any(UNFINISHED.iterdir()):
        UNFINISHED.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
