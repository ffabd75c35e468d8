"""Exercises of lesson 1, concepts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from aetutorial import metrics
from aetutorial.exercises import (
    Exercise,
    Wrong,
    call,
    close,
    expect_array,
    expect_autoencoder,
    expect_function,
    expect_model,
    expect_number,
    expect_text,
    held_out_mse,
    outputs,
    run_seeded,
    small_problem,
)

if TYPE_CHECKING:
    import keras

PCA_GOAL = 0.01  # held-out mse; the lesson's autoencoder comes to about 0.0098
TRAINING_GOAL = 0.009


def _check_objective(answer: object) -> str:
    options = ("encoder and decoder", "input and code", "input and reconstruction", "code and label")
    choice = expect_text(answer, options)
    if choice == "encoder and decoder":
        raise Wrong("Encoder and decoder are two functions; no loss subtracts one from the other.")
    if choice == "input and code":
        raise Wrong("The code has 32 numbers and the input 784: they can't even be subtracted.")
    if choice == "code and label":
        raise Wrong("Labels are not used: an autoencoder is trained without them.")
    return "The decoder's output is compared with what the encoder was given."


objective = Exercise(
    name="objective",
    title="What is compared with what",
    kind="predict",
    prompt="""
        During training, the loss measures how different two things are. Which two? Answer with one of these texts:

        - `"encoder and decoder"`
        - `"input and code"`
        - `"input and reconstruction"`
        - `"code and label"`
        """,
    check=_check_objective,
    hints=(
        "Which two of them have the same shape, so that one can be subtracted from the other?",
        "In `autoencoder.fit(x_train, x_train, ...)` the input is its own target.",
    ),
    solution='answer = "input and reconstruction"',
    why="Only these two have the same shape and live in the same space.",
)


def _trained(function: Callable[..., Any], x: np.ndarray) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and the autoencoder that the learner's function makes of x, from one random start."""
    given = run_seeded(function, x)
    if type(given) not in (tuple, list) or len(given) != 2:
        raise Wrong("Return the pair `(encoder, autoencoder)`, as the broken function does.")
    encoder = expect_model(given[0], (8,), (2,), who="encoder")
    return encoder, expect_model(given[1], (8,), (8,), who="autoencoder")


def _check_stranger(answer: object) -> str:
    function = expect_function(answer, ("x",))
    encoder, autoencoder = _trained(function, x := small_problem((8,), n=64, dimensions=2))
    trained = autoencoder.get_weights()
    for weight in encoder.get_weights():
        if not any(np.array_equal(weight, other) for other in trained):
            told = "The encoder is still a stranger: its weights are not the autoencoder's. A new `Dense` has new ones."
            raise Wrong(f"{told} Build the autoencoder from the encoder itself.")
    error, spread = metrics.mse(x, outputs(autoencoder, x)), float(x.var(axis=0).mean())
    if error > 0.5 * spread:
        told = f"They belong together now, but the error is {error:.3f}; always answering the mean gives {spread:.3f}."
        raise Wrong(f"{told} Does your function still call `fit`, as often as before?")
    other, _ = _trained(function, 1 - x)  # the same random start, other data
    if all(map(np.array_equal, encoder.get_weights(), other.get_weights())):
        raise Wrong("The encoder's weights don't depend on the data: it is part of the autoencoder, but not trained.")
    return f"Training the autoencoder trained the encoder with it; the error fell to {error:.4f}."


stranger = Exercise(
    name="stranger",
    title="The encoder that learned nothing",
    kind="mend",
    prompt="""
        Somebody trained an autoencoder, used its encoder, and got codes that mean nothing. Find the fault and mend it:
        `train(x)` must return a trained encoder and the autoencoder that it belongs to. The check's data
        have 8 numbers per row, hence `Input((8,))`.

            def train(x):
                encoder = keras.Sequential([Input((8,)), Dense(2)])
                autoencoder = keras.Sequential([Input((8,)), Dense(2), Dense(8)])
                autoencoder.compile(keras.optimizers.Adam(0.02), loss="mse")
                autoencoder.fit(x, x, epochs=20, batch_size=8, verbose=0)
                return encoder, autoencoder
        """,
    check=_check_stranger,
    hints=(
        "How many times does `Dense(2)` appear there, and how many sets of weights does that make?",
        "A model can stand where a layer stands: `keras.Sequential([encoder, Dense(8)])`.",
    ),
    solution="""
        import keras
        from keras.layers import Dense, Input


        def answer(x):
            encoder = keras.Sequential([Input((8,)), Dense(2)])
            autoencoder = keras.Sequential([encoder, Dense(8)])
            autoencoder.compile(keras.optimizers.Adam(0.02), loss="mse")
            autoencoder.fit(x, x, epochs=20, batch_size=8, verbose=0)
            return encoder, autoencoder
        """,
    why="The autoencoder now contains the encoder, so training one trains the other.",
)


@functools.cache
def _pca() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the test images, shape (n, 784), the mean training image, and all components, one per row."""
    from aetutorial import data

    mnist = data.load("mnist")
    x_train = mnist.x_train.reshape(-1, 784).astype(np.float64)
    _, components = np.linalg.eigh(np.cov(x_train.T))
    return mnist.x_test.reshape(-1, 784).astype(np.float64), x_train.mean(axis=0), components[:, ::-1].T


def _pca_error(n: int) -> float:
    """Return the held-out mse of PCA with n components, clipped to [0, 1]."""
    x_test, mean, components = _pca()
    x_hat = mean + (x_test - mean) @ components[:n].T @ components[:n]
    return metrics.mse(x_test, x_hat.clip(0, 1))


def _check_components(answer: object) -> str:
    value = expect_number(answer, "a whole number of components, such as 40")
    if value != round(value) or not 1 <= value <= 784:
        raise Wrong("The number of components is a whole number from 1 to 784.")
    error = _pca_error(n := int(value))
    if error >= PCA_GOAL:
        raise Wrong(f"With {n} components the held-out error is {error:.4f}: not below {PCA_GOAL} yet.")
    if _pca_error(n - 1) < PCA_GOAL:
        raise Wrong(f"{n} components are enough, but {n - 1} are, too: find the smallest number. Did you clip?")
    return f"PCA needs {n} numbers for what the autoencoder does with 32."


components = Exercise(
    name="components",
    title="How many numbers does PCA need",
    kind="change",
    prompt=f"""
        The autoencoder's held-out error is about {PCA_GOAL} with 32 numbers. How many components does PCA need to get
        below {PCA_GOAL}? Fit it to `x_train`, clip its reconstructions of `x_test` to [0, 1], and give the smallest
        number.
        """,
    check=_check_components,
    hints=(
        "Try a few values: `PCA(n).fit(x_train)`, `transform`, `inverse_transform`, `clip(0, 1)`, `metrics.mse`.",
        "The error falls with every component, so you can halve the interval: is 60 enough, is 45?",
    ),
    solution=f"""
        from aetutorial import data, metrics
        from sklearn.decomposition import PCA

        mnist = data.load("mnist")
        x_train, x_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
        pca = PCA(100, svd_solver="full").fit(x_train)
        z = pca.transform(x_test)
        answer, error = 31, 1.0
        while error >= {PCA_GOAL}:
            answer += 1
            x_hat = pca.mean_ + z[:, :answer] @ pca.components_[:answer]
            error = metrics.mse(x_test, x_hat.clip(0, 1))
        """,
    why="One fit gives all sizes: the components of a smaller PCA are the first ones of a larger.",
)


def _check_nearest(answer: object) -> str:
    function = expect_function(answer, ("z_query", "z_bank"))
    rng = np.random.default_rng(7)
    bank = rng.standard_normal((400, 3)) * np.array([1.0, 1.0, 6.0]) + 2.0
    query = rng.standard_normal((200, 3)) * np.array([1.0, 1.0, 6.0]) + 2.0
    distance = np.linalg.norm(query[:, None] - bank[None], axis=2)
    right = distance.argmin(axis=1)
    given = expect_array(call(function, query, bank), what="indices")
    if given.shape == (200, 3):
        raise Wrong("Those are the nearest codes themselves; return their row numbers in z_bank.")
    given = expect_array(given, (200,), what="indices")
    if close(given, distance.min(axis=1)):
        raise Wrong("Those are the distances; return the row numbers in z_bank.")
    if given.dtype.kind not in "iu":
        raise Wrong("Row numbers are integers: argmin returns them.")
    if np.array_equal(given, distance.argmax(axis=1)):
        raise Wrong("Those are the farthest rows.")
    if np.array_equal(given, (query @ bank.T).argmax(axis=1)):
        raise Wrong("The largest scalar product is not the smallest distance: long codes win it.")
    if np.array_equal(given, np.abs(query[:, None] - bank[None]).sum(axis=2).argmin(axis=1)):
        raise Wrong("That is the sum of absolute differences; square them.")
    if not np.array_equal(given, right):
        share = float(np.mean(given == right))
        raise Wrong(f"Only {share:.0%} of the rows are right: sum the squares over the last axis.")
    return "All 200 neighbors are right."


nearest = Exercise(
    name="nearest",
    title="A search engine for codes",
    kind="build",
    stars=2,
    prompt="""
        Write

            def nearest(z_query, z_bank)

        which returns, for each row of `z_query`, shape (m, d), the row number of the nearest row of `z_bank`, shape
        (n, d), by Euclidean distance: an integer array of shape (m,). Use NumPy only, and no loop over the rows if you
        can. The arrays of the check are small: m = 200, n = 400.
        """,
    check=_check_nearest,
    hints=(
        "First make an (m, n) array of squared distances. Its smallest entry in each row is what you want.",
        "`z_query[:, None] - z_bank[None]` has shape (m, n, d). Square, sum over the last axis, then `argmin`.",
    ),
    solution="""
        def answer(z_query, z_bank):
            squared = ((z_query[:, None] - z_bank[None]) ** 2).sum(axis=2)
            return squared.argmin(axis=1)
        """,
    why="The square root may be left out: it does not change which distance is the smallest.",
)


def _check_better(answer: object) -> str:
    from aetutorial import data

    encoder, decoder = expect_autoencoder(answer, input_shape=(784,), latent_dim=32)
    error = held_out_mse(encoder, decoder, data.load("mnist").x_test.reshape(-1, 784))
    if error > 0.06:
        told = (
            f"The held-out error is {error:.4f}, and the mean image's is 0.067: this pair has learned next to nothing."
        )
        raise Wrong(f"{told} Was the autoencoder made from these two models, and trained?")
    if error >= TRAINING_GOAL:
        raise Wrong(f"The held-out error is {error:.4f}; below {TRAINING_GOAL} is wanted. A hint may help.")
    return f"The held-out error is {error:.4f}, with 32 numbers per image."


better = Exercise(
    name="better",
    title="Train a better one",
    kind="train",
    prompt=f"""
        The lesson's autoencoder comes to a held-out error of about 0.0098. Train one that gets below {TRAINING_GOAL},
        still with 32 numbers per image. Everything else is yours: layers, units, epochs, optimizer. Train on `x_train`
        only.

        Your answer is the pair `(encoder, decoder)`: Keras models from 784 numbers to 32, and back. To compare
        settings, give `fit` the argument `validation_split=0.1` and look at `val_loss`; run the check at the end.
        """,
    check=_check_better,
    hints=(
        "What would help: more training, or a larger network? Try one of the two and look at the error.",
        "Twice as many units between input and code: 512. Nothing else need change.",
    ),
    solution="""
        import keras
        from aetutorial import data
        from keras.layers import Dense, Input

        x_train = data.load("mnist").x_train.reshape(-1, 784)
        keras.utils.set_random_seed(0)
        encoder = keras.Sequential([Input((784,)), Dense(512, "relu"), Dense(32)])
        output = Dense(784, "sigmoid")
        decoder = keras.Sequential([Input((32,)), Dense(512, "relu"), output])
        autoencoder = keras.Sequential([encoder, decoder])
        autoencoder.compile(keras.optimizers.Adam(0.002), loss="mse")
        autoencoder.fit(x_train, x_train, epochs=12, batch_size=128, verbose=0)
        answer = encoder, decoder
        """,
    why="A larger network can describe more; but the code stays as small as before.",
)
