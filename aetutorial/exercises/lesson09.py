"""Exercises of lesson 9, sparse codes."""

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


def _check_top_k(answer: object) -> str:
    function = expect_function(answer, ["a", "k"])
    rng = np.random.default_rng(90)
    a = rng.permuted(np.linspace(-1.6, 1.4, 42)).reshape(6, 7)
    a[1] = -np.abs(a[1])  # a row without any positive number: fewer than k stay
    given = expect_array(call(function, a, 3), (6, 7), what="code")
    kth = np.sort(a, axis=1)[:, [-3]]
    positive = np.maximum(a, 0)
    mistakes = (
        (np.where(a >= kth, a, 0), "A negative number was kept: first relu, then the k largest."),
        (positive, "All positive numbers are still there; only the k largest may stay."),
        (np.where(a >= kth, 1, 0), "Keep the numbers themselves, not marks of where they are."),
        (
            np.where(a >= np.sort(a, axis=0)[[-3]], positive, 0),
            "You took the k largest of each column. A row is one example.",
        ),
        (
            np.where(a >= np.sort(a, axis=None)[-3], positive, 0),
            "You took the k largest of the whole batch; each row has its own.",
        ),
        (
            np.where(np.abs(a) >= np.sort(np.abs(a), axis=1)[:, [-3]], positive, 0),
            "You took the largest absolute values; a large negative number took a place.",
        ),
    )
    name_mistake(given, mistakes, rtol=1e-6)
    if not close(given, np.where(a >= kth, positive, 0), rtol=1e-6):
        raise Wrong("The code is off: in each row, the k largest positive numbers stay.")
    largest = expect_array(call(function, a, 1), (6, 7), what="code")
    if not close(largest, np.where(a >= a.max(axis=1, keepdims=True), positive, 0), rtol=1e-6):
        raise Wrong("With another k the code is off: is k written into your lines?")
    return "At most k numbers a row, and fewer where fewer are positive."


top_k = Exercise(
    name="top_k",
    title="The k largest",
    kind="fill in",
    prompt="""
        Write

            def top_k(a, k)

        in NumPy: of `a`, shape (n, units), keep in each row the `k` largest numbers, if they are positive, and set
        all else to 0. No two numbers of a row are equal.
        """,
    check=_check_top_k,
    hints=(
        "`np.sort(a, axis=1)` puts the largest numbers of each row last.",
        "The k-th largest of a row is the threshold; compare with it, and with 0.",
    ),
    solution="""
        import numpy as np


        def answer(a, k):
            threshold = np.sort(a, axis=1)[:, [-k]]
            return np.where((a >= threshold) & (a > 0), a, 0)
        """,
    why="Where this function passes a number on, its derivative is 1; elsewhere nothing is learned in that step.",
)


def _check_penalty(answer: object) -> str:
    value = expect_number(answer, "a number, such as 0.3")
    mistakes = (
        (1e-5 * 784, "That is right for a penalty divided by the batch size. This one is not."),
        (1e-5 * 256, "The squared error is a mean over pixels there, and a sum here."),
        (1e-5, "Loss and penalty are summed and averaged differently there."),
        (1e-5 / 784, "A mean over pixels is smaller than a sum: multiply."),
        (1e-5 * 784 / 256, "The undivided penalty is that of all 256 examples: multiply by 256."),
        (1e-5 * 256 / 784, "Multiply the whole loss by 784, so that the mean becomes a sum."),
    )
    name_mistake(value, mistakes, rtol=0.01)
    if not close(value, 1e-5 * 784 * 256, rtol=0.01):
        raise Wrong("Multiply the loss by 784. Then write the penalty as lambda times a mean over 256.")
    return "2.0: what looks like a hundred-thousandth is as strong as the lesson's penalties."


penalty = Exercise(
    name="penalty",
    title="Whose lambda?",
    kind="predict",
    prompt="""
        An old page trains a sparse autoencoder on pictures of 784 pixels, in batches of 256, with Keras's `mse` (a mean
        over pixels and examples) plus

            1e-5 * (sum of |z| over the code and over all examples of the batch)

        as an early version of Keras computed it: not divided by the batch size. Which lambda makes the lesson's loss,

            mean over examples of ( sum of squared errors + lambda * sum of |z| ),

        proportional to it?
        """,
    check=_check_penalty,
    hints=(
        "What does the page's squared error have to be multiplied by to become the lesson's?",
        "A sum over 256 examples is 256 times their mean.",
    ),
    solution="answer = 1e-5 * 784 * 256",
    why="With today's Keras the same line would give a penalty 256 times as weak, and nearly no sparsity.",
)


def _check_jacobian(answer: object) -> str:
    function = expect_function(answer, ["x", "W", "b"])
    rng = np.random.default_rng(91)
    x, W, b = rng.standard_normal((5, 6)), 0.5 * rng.standard_normal((6, 4)), rng.standard_normal(4)
    given = expect_array(call(function, x, W, b), (5,), what="squared norms")
    z = np.tanh(x @ W + b)
    right = ((1 - z**2) ** 2) @ (W**2).sum(axis=0)
    logistic = 1 / (1 + np.exp(-x @ W - b))
    mistakes = (
        ((z * (1 - z)) ** 2 @ (W**2).sum(axis=0), "z (1 - z) is the derivative of a sigmoid."),
        (
            (logistic * (1 - logistic)) ** 2 @ (W**2).sum(axis=0),
            "That is the lesson's layer; here the activation is tanh.",
        ),
        ((1 - z**2) @ (W**2).sum(axis=0), "The derivative 1 - z^2 must be squared, too."),
        (np.sqrt(right), "That is the norm; its square is asked for."),
        ((1 - z**2) ** 2 @ W.sum(axis=0) ** 2, "Square the entries of W before adding them up, not after."),
        (np.full(5, right.mean()), "One number for each example; you averaged over them."),
    )
    name_mistake(given, mistakes, rtol=1e-5)
    if not close(given, right, rtol=1e-4):
        raise Wrong("The values are off: J has the entries (1 - z_j^2) W_ij; add up their squares.")
    return "As finite differences would give it."


jacobian = Exercise(
    name="jacobian",
    title="Contraction with another activation",
    kind="transfer",
    prompt="""
        Write

            def jacobian_norm(x, W, b)

        which returns the squared Frobenius norm of the Jacobian matrix of `z = tanh(x W + b)` for each row of `x`:
        shapes (n, D), (D, units) and (units,), result (n,). NumPy only.
        """,
    check=_check_jacobian,
    hints=(
        "The derivative of `tanh(a)` is `1 - tanh(a)^2`.",
        "It can be checked by finite differences, as in the lesson, for one example.",
    ),
    solution="""
        import numpy as np


        def answer(x, W, b):
            z = np.tanh(x @ W + b)
            return ((1 - z**2) ** 2 * (W**2).sum(axis=0)).sum(axis=1)
        """,
    why="Only the factor of the activation changes; for `relu` it would be 0 or 1, and its own derivative useless.",
)


def _check_ablate(answer: object) -> str:
    function = expect_function(answer, ["h", "z", "D", "j", "scale"])
    rng = np.random.default_rng(92)
    z = np.maximum(rng.standard_normal((12, 4)), 0)
    D = rng.standard_normal((4, 3))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    h = 2.0 + 3.0 * (z @ D + 0.3 * rng.standard_normal((12, 3)))
    given = expect_array(call(function, h, z, D, 2, 3.0), (12, 3), what="result")
    part = np.outer(z[:, 2], D[2])
    off = z.copy()
    off[:, 2] = 0
    mistakes = (
        (h, "Nothing has changed."),
        (h - part, "z was computed from scaled activations; these are raw, 3 times as large."),
        (h - part / 3.0, "Raw activations are the scaled ones times scale, so the part is, too."),
        (h / 3.0 - part, "The result has to be raw activations again."),
        (h - 3.0 * D[2], "How much of the feature there is differs from example to example."),
        (h + 3.0 * part, "The sign is wrong: the part is taken out."),
        (
            3.0 * off @ D,
            "That is a reconstruction. It has lost more than the feature: all that the "
            "autoencoder does not explain. Take the feature's part out of h.",
        ),
        (
            h - (h @ D[2])[:, None] * D[2],
            "You removed the whole direction. Other features lie along it in part and would lose, "
            "too; take out what z says.",
        ),
    )
    name_mistake(given, mistakes, rtol=1e-6, atol=1e-9)
    if not close(given, h - 3.0 * part, rtol=1e-5, atol=1e-8):
        raise Wrong("The result is off: what does z_j times row j of D become in raw units?")
    return "Examples without the feature are as they were, and the mean plays no part."


ablate = Exercise(
    name="ablate",
    title="Switch a feature off, in raw units",
    kind="build",
    prompt="""
        A sparse autoencoder was trained on scaled activations `(h - mean) / scale`, with one number `scale`. Write

            def ablate(h, z, D, j, scale)

        which returns the raw activations `h`, shape (n, size), without feature number `j`. `z`, shape (n, units), is
        the sparse code of the scaled ones and `D`, shape (units, size), the dictionary. What the autoencoder does not
        explain must stay.
        """,
    check=_check_ablate,
    hints=(
        "Scale, take the part `z[i, j] * D[j]` out, and undo the scaling. What becomes of the mean?",
        "The function does not need the mean: it is subtracted and added again.",
    ),
    solution="""
        def answer(h, z, D, j, scale):
            return h - scale * z[:, [j]] * D[j]
        """,
    why="With the reconstruction in place of `h`, any change could be that of the rest that was lost.",
)

_REPORTS = (
    ("no control", "In the first, nothing says what an untrained network's features look like."),
    ("chance not shown", "In the second, the score of random directions is missing."),
    ("shrinkage", "In the third, L1 made the values small; that says nothing of the features:"),
    ("fair", "The fourth has controls, seeds and a test of what the features do."),
)


def _check_reports(answer: object) -> str:
    given = expect_texts(answer, [name for name, _ in _REPORTS], "report")
    for choice, (right, sentence) in zip(given, _REPORTS, strict=True):
        if choice != right:
            raise Wrong(f'{sentence} "{choice}" is not its fault.')
    return "The instrument is good; what it shows still has to be compared."


reports = Exercise(
    name="reports",
    title="Four reports from the microscope",
    kind="transfer",
    prompt="""
        What is to be said of each?

        1. "Of 100 features of our network, people found 71 easy to name. So the network thinks in these terms."
        2. "Our sparse autoencoder reaches a mean max cosine of 0.45 to the 512 planted features in 32 dimensions.
           So it has found a good part of them."
        3. "With lambda = 2 and L1 the reconstructions are a third too dark. So the dictionary lacks features."
        4. "Switching off 4 features takes the accuracy on one class from 95 to 30 ± 6 % (5 seeds), on others from
           95 to 94 %; 4 units or random directions by the same rule: to 88 ± 4 %."

        Answer with a list of four texts, in this order, chosen from "fair", "shrinkage", "no control",
        "chance not shown".
        """,
    check=_check_reports,
    hints=(
        "How near is the nearest of 512 random directions in 32 dimensions?",
        "What is the best z under L1, for an atom that is exactly right?",
    ),
    solution='answer = ["no control", "chance not shown", "shrinkage", "fair"]',
    why="A control costs a minute of computing, and changes what a number means.",
)
