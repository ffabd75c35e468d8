"""Exercises of lesson 1, concepts."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike

from aetutorial.exercises import Exercise, Wrong, call, close, expect_array, expect_function, expect_number, expect_text


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
        During training, the loss measures the difference between two things. Which two? Answer with one of
        these texts:

        - "encoder and decoder"
        - "input and code"
        - "input and reconstruction"
        - "code and label"
        """,
    check=_check_objective,
    hints=(
        "Which two of them have the same shape, so that one can be subtracted from the other?",
        "In `training.fit(autoencoder, x_train, ...)` the input is its own target.",
    ),
    solution='answer = "input and reconstruction"',
    why="Only these two have the same shape and live in the same space.",
)


def _check_compression(answer: object) -> str:
    value = expect_number(answer, "a number, such as 1.5")
    if close(value, 16 / 1024, rtol=0.01):
        raise Wrong("That is code over input; the question is how many times smaller the code is.")
    if close(value, 16 / 32, rtol=0.01) or close(value, 2):
        raise Wrong("An image of 32 by 32 pixels has more than 32 numbers.")
    if close(value, 1024 - 16):
        raise Wrong("That is a difference; a ratio is asked for.")
    if not close(value, 64):
        raise Wrong("Count the numbers of one input, and divide by the numbers of its code.")
    return "1024 numbers became 16. How many bytes each of them needs is another question: lesson 4."


compression = Exercise(
    name="compression",
    title="How much smaller",
    kind="predict",
    prompt="""
        An autoencoder for gray images of 32 by 32 pixels has a code of 16 numbers. How many times fewer numbers does
        the code have than the input?
        """,
    check=_check_compression,
    hints=("How many pixels does one image have?", "32 x 32 numbers become 16."),
    solution="answer = 32 * 32 / 16",
    why="Each image is 1024 numbers, each code 16.",
)


def _check_reconstruct(answer: object) -> str:
    function = expect_function(answer, ("encoder", "decoder", "x"))
    rng = np.random.default_rng(6)
    w, v, x = rng.standard_normal((6, 2)), rng.standard_normal((2, 6)), rng.standard_normal((4, 6))

    misfits: list[str] = []  # a Wrong raised inside the call would be taken for the learner's

    def taken(who: str, rows: ArrayLike, size: int, what: str) -> np.ndarray:
        rows = np.asarray(rows)
        if rows.shape[-1:] != (size,):
            shown = f"rows of {rows.shape[-1]} numbers" if rows.ndim else "no rows of numbers"
            misfits.append(f"The {who} was given {shown}; {what} have {size}. Which goes first?")
            raise ValueError(misfits[0])
        return rows

    def encoder(rows: ArrayLike) -> np.ndarray:
        return np.tanh(taken("encoder", rows, 6, "inputs") @ w)

    def decoder(rows: ArrayLike) -> np.ndarray:
        return taken("decoder", rows, 2, "codes") @ v

    try:
        given = call(function, encoder, decoder, x)
    except Wrong:
        if misfits:
            raise Wrong(misfits[0]) from None
        raise
    if close(given, encoder(x)):
        raise Wrong("That is the code: it still has to be decoded.")
    if close(given, x):
        raise Wrong("That is the input itself: send it through both functions.")
    x_hat = expect_array(given, (4, 6), what="reconstructions")
    if not close(x_hat, decoder(encoder(x))):
        raise Wrong("It has the right shape and the wrong values: x, encoder, decoder, in this order.")
    return "First the encoder, then the decoder."


reconstruct = Exercise(
    name="reconstruct",
    title="The autoencoder in one line",
    kind="fill in",
    prompt="""
        Write

            def reconstruct(encoder, decoder, x)

        which returns the reconstruction of the rows of `x`. `encoder` and `decoder` are two functions that take and
        return arrays: in the check, inputs have 6 numbers and codes have 2.
        """,
    check=_check_reconstruct,
    hints=("Two function calls, one inside the other.", "z = encoder(x), then x_hat = decoder(z)."),
    solution="""
        def answer(encoder, decoder, x):
            return decoder(encoder(x))
        """,
    why="An autoencoder is the composition of the two functions, whatever they are made of.",
)


@functools.cache
def _pca_errors() -> np.ndarray:
    """Return the held-out mse of PCA on the MNIST subset for 0, 1, 2, ... components, shape (785,)."""
    from aetutorial import data

    mnist = data.load("mnist")
    x_train = mnist.x_train.reshape(-1, 784).astype(np.float64)
    x_test = mnist.x_test.reshape(-1, 784).astype(np.float64)
    mean = x_train.mean(axis=0)
    _, components = np.linalg.eigh(np.cov(x_train.T))
    # The squared error of n components is the squared length minus that of the projection.
    squares = ((x_test - mean) @ components[:, ::-1]) ** 2
    tail = squares.sum() - np.concatenate([[0.0], np.cumsum(squares.sum(axis=0))])
    return np.asarray(tail / x_test.size)


def _check_components(answer: object) -> str:
    value = expect_number(answer, "a whole number of components, such as 40")
    if value != round(value) or not 1 <= value <= 784:
        raise Wrong("The number of components is a whole number from 1 to 784.")
    errors, n = _pca_errors(), int(value)
    if errors[n] >= 0.01:
        raise Wrong(f"With {n} components the held-out error is {errors[n]:.4f}: not below 0.01 yet.")
    if errors[n - 1] < 0.01:
        raise Wrong(f"{n} components are enough, but {n - 1} are, too: find the smallest number.")
    return "The autoencoder got there with 32 numbers."


components = Exercise(
    name="components",
    title="How many numbers does PCA need",
    kind="change",
    prompt="""
        The lesson's autoencoder reaches a held-out error of about 0.01 with 32 numbers. Change the number of PCA
        components: what is the smallest number with which PCA, fitted to `x_train`, has a held-out mse below 0.01 on
        `x_test`?
        """,
    check=_check_components,
    hints=(
        "Try a few values in a loop: PCA(n).fit(x_train), transform, inverse_transform, metrics.mse.",
        "The error falls with every component, so you can halve the interval: is 60 enough, is 45?",
    ),
    solution="""
        import numpy as np
        from aetutorial import data
        from sklearn.decomposition import PCA

        mnist = data.load("mnist")
        x_train, x_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
        pca = PCA(100, svd_solver="full").fit(x_train)
        projected = pca.transform(x_test)
        total = ((x_test - pca.mean_) ** 2).sum()
        errors = (total - np.cumsum((projected**2).sum(axis=0))) / x_test.size
        answer = int(np.argmax(errors < 0.01)) + 1
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
    prompt="""
        Write

            def nearest(z_query, z_bank)

        which returns, for each row of `z_query`, shape (m, d), the row number of the nearest row of `z_bank`, shape
        (n, d), by Euclidean distance: an integer array of shape (m,). Use NumPy only, and no loop over the rows if you
        can.
        """,
    check=_check_nearest,
    hints=(
        "First make an (m, n) array of squared distances. Its smallest entry in each row is what you want.",
        "z_query[:, None] - z_bank[None] has shape (m, n, d). Square, sum over the last axis, then argmin.",
    ),
    solution="""
        def answer(z_query, z_bank):
            squared = ((z_query[:, None] - z_bank[None]) ** 2).sum(axis=2)
            return squared.argmin(axis=1)
        """,
    why="The square root may be left out: it does not change which distance is the smallest.",
)
