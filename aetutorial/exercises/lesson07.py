"""Exercises of lesson 7, measuring generation."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

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


def _check_bound(answer: object) -> str:
    function = expect_function(answer, ["log_w"])
    log_w = -100 + 3 * np.random.default_rng(70).standard_normal((6, 40))
    given = expect_array(call(function, log_w), (6,), what="bounds")
    right = logsumexp(log_w, axis=1) - np.log(40)
    mistakes = (
        (log_w.mean(axis=1), "That is the mean of the logarithms, the ELBO; wanted is the reverse."),
        (right + np.log(40), "That is the logarithm of the sum: divide by k, inside the logarithm."),
        (log_w.max(axis=1), "That is the largest weight alone; the others count, too."),
        (-right, "The sign is wrong: the bound lies below log p(x), near -100 here."),
        (np.exp(right), "The logarithm is missing: the bound is one of log p(x)."),
        (right - np.log(40), "The number of draws was divided out twice: once inside the logarithm is enough."),
    )
    name_mistake(given, mistakes, rtol=1e-4)
    if not close(given, right, rtol=1e-6):
        raise Wrong("The values are off: the logarithm of the mean weight, along each row.")
    far = expect_array(call(function, log_w - 5000), (6,), what="bounds near log_w = -5100")
    if not close(far, right - 5000, rtol=1e-6):
        raise Wrong(
            "Right for log weights near -100, and wrong near -5100, where exp gives 0. Subtract each row's largest "
            "before exp, and add it again after log."
        )
    return "The logarithm of a mean, safe for pictures as improbable as you like."


bound = Exercise(
    name="bound",
    title="The logarithm of a mean of very small numbers",
    kind="fill in",
    prompt=r"""
        Write

            def bound(log_w)

        which returns the importance-weighted bound on $\log p(x)$, shape (n,), from the logarithms of the weights,
        shape (n, k): all $k$ draws of a row under one logarithm. It must also be right where the weights themselves
        are too small for a floating-point number, as at `log_w = -5000`. NumPy or SciPy.
        """,
    check=_check_bound,
    hints=(
        "`log(mean(exp(a)))` is unchanged if you subtract a number `m` from all `a` and add `m` to the result.",
        "Take the largest of each row as `m`: then the largest exponential is 1. `scipy.special.logsumexp` does that.",
    ),
    solution="""
        import numpy as np


        def answer(log_w):
            largest = log_w.max(axis=1, keepdims=True)
            return largest[:, 0] + np.log(np.mean(np.exp(log_w - largest), axis=1))
        """,
    why="The weight of a picture of 784 pixels is around $e^{-110}$; of a larger one it is 0 in any float.",
)


def _check_frechet(answer: object) -> str:
    function = expect_function(answer, ("mean", "std", "other_mean", "other_std"))
    rng = np.random.default_rng(71)
    (m, k), (s, t) = rng.standard_normal((2, 6)), rng.uniform(0.3, 2, (2, 6))
    given = expect_number(call(function, m, s, k, t), "a squared distance, such as 3.2")
    means, right = np.sum((m - k) ** 2), np.sum((m - k) ** 2) + np.sum((s - t) ** 2)
    mistakes = (
        (np.sqrt(right), "That is its root: the lesson's distance is left squared."),
        (means, "Only the means are compared; the standard deviations are missing."),
        (
            means + np.sum((s**2 - t**2) ** 2),
            "You compared the variances: the root in the formula leaves standard deviations.",
        ),
        (means + np.sum(s**2 + t**2), "The mixed term -2 s t is missing."),
        (means + np.sum(s + t - 2 * np.sqrt(s * t)), "s and t were taken for variances."),
        (
            np.sum((m - k) ** 2 / (s * t)) + np.sum((s - t) ** 2),
            "The squared distance of the means isn't divided by anything.",
        ),
        (right / 6, "That is a mean over the dimensions; the distance is a sum."),
    )
    name_mistake(given, mistakes, rtol=1e-6)
    if not close(given, right, rtol=1e-6):
        raise Wrong("The value is off. Write the formula for one dimension, then add the dimensions up.")
    return "A distance between points (mean, standard deviation), one pair of axes a dimension."


frechet = Exercise(
    name="frechet",
    title="A Fréchet distance without matrices",
    kind="build",
    prompt="""
        Two normal distributions with independent dimensions: their covariance matrices are diagonal. Write

            def frechet(mean, std, other_mean, other_std)

        which returns the (squared) Fréchet distance between them, one number. All arguments have the shape (d,);
        `std` holds standard deviations. NumPy only, and no matrix is needed.
        """,
    check=_check_frechet,
    hints=(
        "The root of a diagonal matrix is the diagonal matrix of the roots.",
        "In each dimension: $s^2 + t^2 - 2 s t$, which is a square.",
    ),
    solution="""
        import numpy as np


        def answer(mean, std, other_mean, other_std):
            return np.sum((mean - other_mean) ** 2) + np.sum((std - other_std) ** 2)
        """,
    why="Two sets can agree in all means and deviations and still differ: in correlations, or in shape.",
)


def _check_precision(answer: object) -> str:
    function = expect_function(answer, ["real", "generated", "radius"])
    rng = np.random.default_rng(72)
    real, generated = rng.standard_normal((60, 3)), 0.9 + 1.2 * rng.standard_normal((45, 3))
    radius = rng.uniform(0.2, 0.9, 60)
    given = expect_number(call(function, real, generated, radius), "a share, such as 0.7")
    distance = np.linalg.norm(generated[:, None] - real, axis=2)
    inside = distance <= radius
    squared = (distance**2 <= radius).any(axis=1).mean()
    mistakes = (
        (
            inside.any(axis=0).mean(),
            "That is the share of real balls that hold a generated point. Count generated points.",
        ),
        (inside.mean(), "That is a share of pairs. A point counts once if it is in any ball."),
        (inside.sum() / len(generated), "A point in several balls was counted several times: once is enough."),
        (
            (distance.min(axis=1) <= radius[distance.argmin(axis=1)]).mean(),
            "You asked only the nearest real point. A farther one may have a larger ball.",
        ),
        (1 - inside.any(axis=1).mean(), "That is the share outside."),
        (squared, "You compared the squared distance with the radius."),
        (inside.any(axis=1).sum(), "That is the number of points; the share is asked for."),
        ((distance <= radius.mean()).any(axis=1).mean(), "Each real point has its own radius; you used one for all."),
    )
    name_mistake(given, mistakes, rtol=1e-6)
    if not close(given, inside.any(axis=1).mean(), rtol=1e-6):
        raise Wrong("The share is off: of the generated points, those within at least one ball.")
    return "With the roles of real and generated exchanged it is recall."


precision = Exercise(
    name="precision",
    title="In a ball or not",
    kind="fill in",
    prompt="""
        Write

            def precision(real, generated, radius)

        which returns the share of generated points that lie within the ball of at least one real point. `real` has
        the shape (n, d), `generated` (m, d); `radius[i]` is the radius of the ball around `real[i]`, shape (n,).
        """,
    check=_check_precision,
    hints=(
        "`generated[:, None] - real` has the shape (m, n, d): all differences at once.",
        "`distance <= radius` has the shape (m, n); `.any(axis=1)` asks whether a point is in any ball.",
    ),
    solution="""
        import numpy as np


        def answer(real, generated, radius):
            distance = np.linalg.norm(generated[:, None] - real, axis=2)
            return np.mean((distance <= radius).any(axis=1))
        """,
    why="A single far-off real point has a large ball and lets much through: precision is not robust against outliers.",
)

_REPORTS = (
    ("copies", "In the first, copying is 99 %, and all else as for real pictures:"),
    ("one kind only", "In the second, what there is is realistic, and most of the data isn't covered:"),
    ("smears in the middle", "In the third, precision is high, and a network is hardly ever wrong:"),
    ("faultless", "In the fourth, each number is that of new real pictures:"),
)


def _check_reports(answer: object) -> str:
    given = expect_texts(answer, [name for name, _ in _REPORTS], "report")
    for choice, (right, sentence) in zip(given, _REPORTS, strict=True):
        if choice != right:
            raise Wrong(f'{sentence} "{choice}" does not explain that.')
    return "No column alone would have told them apart."


reports = Exercise(
    name="reports",
    title="Four generators",
    kind="transfer",
    prompt="""
        Four generators of digits, measured as in the lesson. (Floor of the Fréchet distance: 2.)

                 Fréchet   precision   recall   told apart   copying
            1.     2         0.89       0.89       50 %        99 %
            2.    95         0.91       0.12       85 %        48 %
            3.   160         0.93       0.02       98 %        22 %
            4.     3         0.88       0.89       51 %        50 %

        Number 2's samples, looked at, are crisp ones and sevens. What is each? Answer with a list of four texts, in
        this order, chosen from "smears in the middle", "faultless", "copies", "one kind only".
        """,
    check=_check_reports,
    hints=(
        "Which number notices copies, and which doesn't?",
        "Recall says how much of the data is covered. Two have next to none: the pictures tell them apart.",
    ),
    solution='answer = ["copies", "one kind only", "smears in the middle", "faultless"]',
    why="Pictures in the middle of the features fall into many balls, so precision may praise what nobody would.",
)


def _check_size(answer: object) -> str:
    value = expect_number(answer, "a number of bytes, such as 31.2")
    right = 111 / np.log(2) / 8
    mistakes = (
        (right * 8, "Those are bits; a byte has eight."),
        (111 / 8, "A nat is not a bit: log 2 nats are one bit."),
        (111 * np.log(2) / 8, "Turned round: one bit is 0.69 nats, so there are more bits than nats."),
        (111 / np.log(2) / 784, "Those are bits per pixel; the whole picture is asked for."),
        (111 / np.log(10) / 8, "That is the logarithm to base 10; bits need base 2."),
        (98.0, "That is one bit a pixel: what storing the pixels as they are takes."),
    )
    name_mistake(value, mistakes, rtol=0.004)
    if not close(value, right, rtol=0.005):
        raise Wrong("From nats to bits divide by log 2, then from bits to bytes by 8.")
    return f"{right:.1f} bytes, where the pixels as they are take 98."


size = Exercise(
    name="size",
    title="What a likelihood is worth in bytes",
    kind="predict",
    prompt=r"""
        A model that gives a picture the probability $p$ can store it in about `-log2(p)` bits (lesson 4: entropy
        coding). A VAE has $-\log p(x) = 111$ nats per test picture. How many bytes is that, on average, to one decimal?
        """,
    check=_check_size,
    hints=("One nat is `1 / log(2)` bits.", "`111 / 0.693` bits; a byte has 8 bits."),
    solution="""
        import numpy as np

        answer = 111 / np.log(2) / 8
        """,
    why="A likelihood is a rate of compression. For that it is good, whatever the samples look like.",
)
