"""Exercises of lesson 12, frequently asked questions."""

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
    expect_texts,
    name_mistake,
)


def _check_beta_in_disguise(answer: object) -> str:
    value = expect_number(answer, "a number, such as 2.5")
    mistakes = (
        (784, "That would be so if the KL were a sum; it is a mean over the code."),
        (1 / 16, "That would be so if the error were a sum; it is a mean over the pixels."),
        (16, "By 16 the KL was divided. The squared error was divided, too."),
        (1 / 49, "The other way round: of the two terms, the error was divided by more."),
        (1 / 784, "Multiply the loss by 784: the error becomes a sum, and the KL grows with it."),
        (784 * 16, "Of the two factors, one multiplies the KL and the other divides it."),
        (1, "Nothing cancels: one mean is over 784 numbers, the other over 16."),
    )
    name_mistake(value, mistakes, rtol=0.01)
    if not close(value, 49, rtol=1e-6):
        raise Wrong("Write each mean as a sum over a number; then free the error of its number.")
    return "49, in a program where no beta is to be seen."


beta_in_disguise = Exercise(
    name="beta_in_disguise",
    title="A beta that nobody wrote",
    kind="predict",
    prompt=r"""
        You find a variational autoencoder whose loss for a picture is the mean over the 784 pixels of
        $(x - \hat x)^2$, plus the KL terms, averaged (not summed) over the 16 numbers of the code. Up to a constant
        factor this is

            squared error summed over the pixels + beta * KL summed over the code

        What is beta?
        """,
    check=_check_beta_in_disguise,
    hints=(
        "The mean over the pixels is their sum over 784; the mean over the code is its sum over 16.",
        "Multiply the whole loss by 784. Which factor is now before the sum of the KL?",
    ),
    solution="answer = 784 / 16",
    why="""
        Beside a squared error, beta = 49 means a normal distribution of variance 24.5 for each pixel; and pixels lie
        between 0 and 1. Such a code may well be dead.
        """,
)


def _aligned(a: np.ndarray, b: np.ndarray, order: int | None = None) -> float:
    """Return the alignment of two codes, not centered here, by matrix norms of that order.

    Args:
        a: Codes, shape (n, d).
        b: Codes of the same examples, shape (n, e).
        order: As in `np.linalg.norm`: None for the Frobenius norm, 2 for the largest singular value.
    """
    above = np.linalg.norm(a.T @ b, order) ** 2
    return float(above / (np.linalg.norm(a.T @ a, order) * np.linalg.norm(b.T @ b, order)))


def _check_cka(answer: object) -> str:
    function = expect_function(answer, ["a", "b"])
    rng = np.random.default_rng(96)
    a = np.array([2.0, 1.0, 0.7, 1.5, 0.4]) * rng.standard_normal((30, 5)) + rng.normal(0, 1, 5)
    b = a @ rng.standard_normal((5, 3)) + 2 * rng.standard_normal((30, 3)) + 1
    given = expect_number(call(function, a, b), "one number")
    a_0, b_0 = a - a.mean(axis=0), b - b.mean(axis=0)
    right = _aligned(a_0, b_0)
    a_rows, b_rows = (m - m.mean(axis=1, keepdims=True) for m in (a, b))
    mistakes = (
        (_aligned(a, b), "The columns are not centered: subtract from each its mean."),
        (_aligned(a_rows, b_rows), "You centered the rows. A column is one number of the code."),
        (
            _aligned(a - a.mean(), b - b.mean()),
            "You subtracted one mean for all numbers of a code; each column has its own.",
        ),
        (
            _aligned(a_0 / a_0.std(axis=0), b_0 / b_0.std(axis=0)),
            "Only center the columns. Do not divide them by their standard deviation.",
        ),
        (
            np.sum((a_0.T @ b_0) ** 2) / np.sum(a_0**2) / np.sum(b_0**2),
            "Below stand the norms of a^T a and b^T b; you took those of a and b, squared.",
        ),
        (
            np.sum((a_0.T @ b_0) ** 2) / np.sqrt(np.sum(a_0**2) * np.sum(b_0**2)),
            "You divided by the norms of a and b themselves.",
        ),
        (right / np.linalg.norm(a_0.T @ b_0), "The norm above the line is squared."),
        (np.sqrt(right), "That is its root."),
        (
            _aligned(a_0, b_0, 2),
            "With a 2, np.linalg.norm gives the largest singular value. You need the root of all squares.",
        ),
        (1 - right, "That is a distance; the alignment of equal codes is 1."),
    )
    name_mistake(given, mistakes, rtol=1e-4)
    if not close(given, right, rtol=1e-5):
        raise Wrong("The value is off: center the columns, then three norms of products.")
    rotation = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    turned = call(function, a, 3 * a @ rotation + rng.normal(0, 1, 5))
    if not close(expect_number(turned, "one number"), 1.0, rtol=1e-5):
        raise Wrong("A code and the same code rotated, scaled and shifted should give 1.")
    return "A code that is rotated, scaled as a whole and shifted is still the same code to it."


cka = Exercise(
    name="cka",
    title="Are two codes alike?",
    kind="build",
    prompt="""
        Two networks have coded the same n examples: `a` has shape (n, d), `b` has shape (n, e), and d and e may
        differ. Write

            def cka(a, b)

        in NumPy: their linear centered kernel alignment (Kornblith and others 2019). Subtract from each column its
        mean. Then it is

            ||a^T b||^2 / (||a^T a|| * ||b^T b||)

        where `||m||` is the Frobenius norm of a matrix, the root of the sum of its squared entries. Return one number.
        (The lesson's `aligned` has the same value, from two tables of n × n numbers. None here is larger than d × e, or
        d × d, or e × e.)
        """,
    check=_check_cka,
    hints=(
        "`a - a.mean(axis=0)` centers all columns at once.",
        "`np.linalg.norm` of a matrix, without more arguments, is the Frobenius norm.",
    ),
    solution="""
        import numpy as np


        def answer(a, b):
            a, b = a - a.mean(axis=0), b - b.mean(axis=0)
            above = np.linalg.norm(a.T @ b) ** 2
            below = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
            return above / below
        """,
    why="""
        Two runs of one network seldom agree number by number. They may agree up to a rotation, and that is what it
        measures.
        """,
)


def _kept(z: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the codes, shape (n, d), with only the first k[i] numbers of row i; `k` has shape (n,) or (1,)."""
    return np.where(np.arange(z.shape[1]) < k[:, None], z, 0.0)


def _check_keep_first(answer: object) -> str:
    function = expect_function(answer, ["z", "k"])
    rng = np.random.default_rng(97)
    z, k = rng.standard_normal((7, 5)), np.array([3, 1, 5, 2, 4, 5, 2])
    given = expect_array(call(function, z, k), (7, 5), what="codes")
    right = _kept(z, k)
    mistakes = (
        (z, "Nothing was set to 0."),
        (_kept(z, k - 1), "One number too few stays: the first k[i] have the places 0 to k[i] - 1."),
        (_kept(z, k + 1), "One number too many stays: places are counted from 0."),
        (_kept(z[:, ::-1], k)[:, ::-1], "You kept the last k[i] numbers; keep the first."),
        (z - right, "You set the first k[i] numbers to 0. They are the ones that stay."),
        (_kept(z, k[:1]), "Each row has its own k; you took the first for all."),
        (
            right * 5 / k[:, None],
            "Do not scale what stays. That is for ordinary dropout, where any number may be missing.",
        ),
        (right != 0, "That is the mask; what stays are the numbers of z."),
    )
    name_mistake(given, mistakes, rtol=1e-5, atol=1e-9)
    if not close(given, right, rtol=1e-5, atol=1e-9):
        raise Wrong("The codes are off: in row i, the first k[i] numbers as they are, then zeros.")
    z, k = rng.standard_normal((9, 8)), np.array([7, 2, 8, 1, 6, 3, 5, 8, 4])
    larger = expect_array(call(function, z, k), (9, 8), what="codes")
    if not close(larger, _kept(z, k), rtol=1e-5, atol=1e-9):
        raise Wrong("With 9 rows of 8 numbers it is off: is a 7 or a 5 written into your lines?")
    return "One comparison makes the mask of all rows."


keep_first = Exercise(
    name="keep_first",
    title="Nested dropout",
    kind="fill in",
    prompt="""
        Write

            def keep_first(z, k)

        in NumPy: the codes that nested dropout (Rippel, Gelbart and Adams 2014) hands to the decoder. `z` has shape
        (n, d); `k` has shape (n,) and holds whole numbers from 1 to d. Of row i the first `k[i]` numbers stay as they
        are, the rest become 0. Return a new array of shape (n, d).
        """,
    check=_check_keep_first,
    hints=(
        "`np.arange(d)` numbers the places of a row from 0. Which of them stay in row i?",
        "`k` has shape (n,). To compare it with all places at once, it needs shape (n, 1).",
    ),
    solution="""
        import numpy as np


        def answer(z, k):
            return np.where(np.arange(z.shape[1]) < k[:, None], z, 0)
        """,
    why="""
        The first number is never missing and the last one mostly is. So what matters most goes to the front, as with
        PCA, and the code may be cut where you like.
        """,
)

_TOOLS = ("denoising autoencoder", "VAE", "no autoencoder", "autoencoder + mixture", "PCA")
_JOBS = (
    ("autoencoder + mixture", "In the first, only the look of what is drawn counts."),
    ("PCA", "In the second, the rows are few, and so are the columns."),
    ("VAE", "In the third, the loss itself has to bound a probability."),
    ("denoising autoencoder", "In the fourth, you can make pairs of input and target yourself."),
    ("no autoencoder", "In the fifth, each picture comes with what is asked for."),
)


def _check_advice(answer: object) -> str:
    given = expect_texts(answer, _TOOLS, "job")
    wrong = [
        f'{sentence} "{choice}" is not what we would take.'
        for choice, (right, sentence) in zip(given, _JOBS, strict=True)
        if choice != right
    ]
    twice = [choice for choice in _TOOLS if given.count(choice) > 1]
    if twice and len(wrong) > 1:  # with a single one, what speaks against it helps more
        raise Wrong(f'"{twice[0]}" is there more than once; each of the five is used once.')
    if wrong:
        raise Wrong(wrong[0])
    return "All five. Twice, the best advice was not to train an autoencoder."


advice = Exercise(
    name="advice",
    title="Five jobs",
    kind="transfer",
    prompt="""
        Five people ask you what to take. By what the course has measured, what do you say?

        1. "I want new digits that look right. I have 9,000 pictures, and no labels."
        2. "I have a table of 300 rows and 12 columns, and want a plot whose two axes are sums of columns."
        3. "I want a bound on how many nats a held-out picture costs, from one model that is trained as a whole."
        4. "My scans are noisy, and I know the kind of noise. I have thousands of clean scans."
        5. "I want a classifier, as simple as possible. All of my 9,000 pictures have labels."

        Answer with a list of five texts, in this order, chosen from "denoising autoencoder", "VAE",
        "no autoencoder", "autoencoder + mixture", "PCA". Each is used once.
        """,
    check=_check_advice,
    hints=(
        "Ask first what is there: labels, clean examples, a few rows, or pictures and nothing else.",
        "Good samples and a bound are two wishes. Lessons 7 and 11 have a Fréchet distance for each way to draw.",
    ),
    solution="""
        answer = [
            "autoencoder + mixture",
            "PCA",
            "VAE",
            "denoising autoencoder",
            "no autoencoder",
        ]
        """,
    why="""
        The digits of an autoencoder with a mixture had a Fréchet distance of 4.4, those of the VAE 57. But only the
        VAE came with a bound. With all labels, plain training on them was at least as good.
        """,
)
