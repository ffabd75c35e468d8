"""Exercises of lesson 11, outlook."""

from __future__ import annotations

import numpy as np

from aetutorial.exercises import (
    Exercise,
    Wrong,
    call,
    close,
    expect_array,
    expect_function,
    expect_number,
    name_mistake,
)


def _check_sparse_bytes(answer: object) -> str:
    share = expect_number(answer, "a share between 0 and 1")
    if close(share, 0.5, rtol=1e-6):
        raise Wrong("Nearly. The starts of the rows take place, too.")
    mistakes = (
        (0.499 * 250_000, "That is the number of weights; a share of them was asked for."),
        (49.9, "A share, not a percentage."),
        (0.998, "Each weight that is kept needs its own 4 bytes and 4 for its column."),
    )
    name_mistake(share, mistakes, rtol=1e-3)
    if not close(share, 0.499, rtol=1e-6):
        raise Wrong("Dense: 4 bytes a weight. Sparse: 8 bytes a kept weight, and 4 a row.")
    return "So pruning less than half of the weights makes the file larger."


sparse_bytes = Exercise(
    name="sparse_bytes",
    title="When is sparse smaller?",
    kind="predict",
    prompt="""
        A matrix has 500 rows and 500 columns of 32-bit numbers. Stored sparsely (by rows, as SciPy's `csr_matrix`
        does), it needs for each weight that is not 0 its value, 4 bytes, and its column, 4 bytes; and 4 bytes for each
        row, which say where the row begins (leave out the one more that marks the end). Stored densely, it needs
        4 bytes for each weight. Which share of the weights, between 0 and 1, is not 0 if both ways take exactly the
        same space? (A place costs 4 bytes here, not one bit as in the figure above.)
        """,
    check=_check_sparse_bytes,
    hints=("Dense: `4 * 500 * 500` bytes.", "Solve `8 * share * 500 * 500 + 4 * 500 = 4 * 500 * 500` for the share."),
    solution="answer = (4 * 500 * 500 - 4 * 500) / (8 * 500 * 500)",
    why="With places of 16 bits, or weights in blocks, the balance moves: hardware has such forms.",
)


def _rounded(w: np.ndarray, bits: int) -> np.ndarray:
    """Return the weights, shape (n, m), rounded to whole multiples of each column's scale; zeros stay zeros."""
    scale = np.abs(w).max(axis=0) / (2 ** (bits - 1) - 1)
    scale = np.where(scale > 0, scale, 1.0)
    whole: np.ndarray = np.round(w / scale)
    return whole * scale


def _check_round_weights(answer: object) -> str:
    function = expect_function(answer, ["w", "bits"])
    w = np.random.default_rng(94).standard_normal((6, 4)) * np.array([5.0, 1.0, 0.2, 0.01])
    given = expect_array(call(function, w, 4), (6, 4), what="weights")
    top, largest = 7, np.abs(w).max(axis=0)
    rows = np.abs(w).max(axis=1, keepdims=True)

    def in_steps(scale: np.ndarray | float) -> np.ndarray:
        return np.asarray(np.round(w / scale) * scale)

    mistakes = (
        (np.round(w / (largest / top)), "Those are the whole numbers; multiply by the scale again."),
        (in_steps(np.abs(w).max() / top), "Each column has its own scale, or the small columns become 0."),
        (in_steps(rows / top), "One scale for each column, not for each row."),
        (in_steps(largest / 8), "4 bits hold the whole numbers from -8 to 7; to be even on both sides, use -7 to 7."),
        (in_steps(largest / 15), "One of the bits is for the sign: with 4 bits the largest number is 7."),
        (np.trunc(w / (largest / top)) * largest / top, "Round to the nearest, not toward 0."),
        (np.floor(w / (largest / top)) * largest / top, "Round to the nearest, not down."),
        (
            in_steps(w.max(axis=0) / top),
            "The scale is set by the largest absolute value; some columns have it below 0.",
        ),
    )
    name_mistake(given, mistakes, rtol=1e-5, atol=1e-9)
    if not close(given, _rounded(w, 4), rtol=1e-5, atol=1e-9):
        raise Wrong("The values are off: scale, divide, round, multiply.")
    finer = expect_array(call(function, w, 8), (6, 4), what="weights")
    if not close(finer, _rounded(w, 8), rtol=1e-5, atol=1e-9):
        raise Wrong("With 8 bits it is off: the largest number is 2 ** (bits - 1) - 1.")
    w[:, 2] = 0.0
    with_zeros = expect_array(call(function, w, 4), (6, 4), what="weights")
    if not close(with_zeros, _rounded(w, 4), rtol=1e-5, atol=1e-9):
        raise Wrong("A column of zeros (a dead unit has one) must come back as zeros.")
    return "The error of each weight is at most half a scale."


round_weights = Exercise(
    name="round_weights",
    title="Quantize, and survive a column of zeros",
    kind="fill in",
    prompt="""
        Write

            def round_weights(w, bits)

        in NumPy: each column of the matrix `w` rounded to whole multiples of its own scale, as `quantized` above. But
        a column that is all zeros has to come back as zeros, and no NaN may appear.
        """,
    check=_check_round_weights,
    hints=(
        "`top = 2 ** (bits - 1) - 1`, and the scale is the largest absolute value of the column over `top`.",
        "Where the scale is 0, divide by 1 instead: `np.where(scale > 0, scale, 1)`.",
    ),
    solution="""
        import numpy as np


        def answer(w, bits):
            scale = np.abs(w).max(axis=0) / (2 ** (bits - 1) - 1)
            scale = np.where(scale > 0, scale, 1.0)
            return np.round(w / scale) * scale
        """,
    why="Pruning whole units makes such columns, and `0 / 0` is NaN without an error.",
)


def _check_noised(answer: object) -> str:
    function = expect_function(answer, ["z", "t", "alpha_bar", "noise"])
    rng = np.random.default_rng(95)
    z, noise = rng.standard_normal((2, 7, 3))
    alpha_bar = np.array([1.0, 0.9, 0.6, 0.3, 0.05])
    t = np.array([4, 0, 1, 3, 2, 2, 4])
    a = alpha_bar[t][:, None]
    given = expect_array(call(function, z, t, alpha_bar, noise), (7, 3), what="codes")
    mistakes = (
        (a * z + (1 - a) * noise, "alpha_bar is a share of the *variance*: take the roots."),
        (np.sqrt(a) * z + (1 - a) * noise, "The noise needs a root, too."),
        (
            np.sqrt(1 - a) * z + np.sqrt(a) * noise,
            "alpha_bar belongs to the code: at t = 0 it is 1, and nothing is noise.",
        ),
        (np.sqrt(a) * z + noise, "The noise is scaled as well, such that the variance stays 1."),
        (np.sqrt(a) * z - np.sqrt(1 - a) * noise, "The noise is added."),
        (np.sqrt(alpha_bar[t[0]]) * z + np.sqrt(1 - alpha_bar[t[0]]) * noise, "Each row has its own t."),
    )
    name_mistake(given, mistakes, rtol=1e-5, atol=1e-9)
    if not close(given, np.sqrt(a) * z + np.sqrt(1 - a) * noise, rtol=1e-5, atol=1e-9):
        raise Wrong("The values are off: root times code, plus root times noise.")
    return "One line of arithmetic makes training possible at any t, without the steps before."


noised = Exercise(
    name="noised",
    title="Straight to step t",
    kind="build",
    prompt="""
        Write

            def noised(z, t, alpha_bar, noise)

        in NumPy: the codes $z_t$ of a diffusion model. `z` and `noise` have shape `(n, latent_dim)`; `t` has shape
        (n,), a whole number for each code; `alpha_bar[t]` is the share of the code in the variance at time t.
        Return an array of shape `(n, latent_dim)`.
        """,
    check=_check_noised,
    hints=(
        "`alpha_bar[t]` has shape (n,). To multiply the rows of `z` by it, it needs shape (n, 1).",
        "`z_t = sqrt(a) * z + sqrt(1 - a) * noise`.",
    ),
    solution="""
        import numpy as np


        def answer(z, t, alpha_bar, noise):
            a = alpha_bar[t][:, None]
            return np.sqrt(a) * z + np.sqrt(1 - a) * noise
        """,
    why="A diffusion model is a denoising autoencoder whose noise comes in all strengths.",
)


def _check_perplexity(answer: object) -> str:
    function = expect_function(answer, ["nats", "lengths"])
    nats, lengths = np.array([4.0, 20.0, 9.0]), np.array([2, 8, 3])
    given = expect_number(call(function, nats, lengths), "one number")
    letters = lengths + 1
    mistakes = (
        (np.exp(nats.sum() / lengths.sum()), "The end of a word is predicted, too: count it."),
        (
            np.mean(np.exp(nats / letters)),
            "Sum all nats and all letters first: a mean over words weighs short words too much.",
        ),
        (np.exp(np.mean(nats / letters)), "A mean of nats per letter weighs all words alike."),
        (np.exp(nats.mean()), "That is per word; perplexity is per letter."),
        (nats.sum() / letters.sum(), "Those are the nats per letter; now take the exponential."),
        (2 ** (nats.sum() / letters.sum()), "Nats go with e, bits with 2."),
        (np.mean(np.exp(nats / lengths)), "Not a mean over words; and the end counts as a letter."),
    )
    name_mistake(given, mistakes, rtol=1e-6)
    if not close(given, np.exp(nats.sum() / letters.sum()), rtol=1e-6):
        raise Wrong("The value is off: e to the power of all nats over all letters, ends included.")
    uniform = call(function, np.array([3.0, 5.0]) * np.log(27), np.array([2, 4]))
    if not close(expect_number(uniform, "one number"), 27.0, rtol=1e-6):
        raise Wrong("27 equally likely letters should give 27.")
    return "It is the number of equally likely letters that would leave as much doubt."


perplexity = Exercise(
    name="perplexity",
    title="Perplexity",
    kind="build",
    prompt=r"""
        Write

            def perplexity(nats, lengths)

        `nats` holds $-\log p$ of each word, a sum over its letters and its end; `lengths` holds the numbers of letters,
        the end not counted. Return the perplexity per letter of all words together, where an end counts as a letter.
        """,
    check=_check_perplexity,
    hints=(
        "How many predictions were made for a word of 3 letters? Four.",
        "All nats, divided by all predictions, in the exponent.",
    ),
    solution="""
        import numpy as np


        def answer(nats, lengths):
            return np.exp(np.sum(nats) / np.sum(lengths + 1))
        """,
    why="Papers differ in whether the end is counted. Before you compare, find out.",
)
