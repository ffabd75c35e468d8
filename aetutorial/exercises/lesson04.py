"""Exercises of lesson 4, dimensionality reduction."""

from __future__ import annotations

import numpy as np

from aetutorial.exercises import (
    Exercise,
    Wrong,
    call,
    close,
    expect_function,
    expect_number,
    expect_texts,
    name_mistake,
)
from aetutorial.exercises.break_even import break_even

__all__ = ["break_even", "largest_angle", "next_neighbors", "tail", "which_map"]


def _check_tail(answer: object) -> str:
    value = expect_number(answer, "a number, such as 1.5")
    mistakes = (
        (2.0, "That is L, a sum over features; Keras's mse is a mean over them."),
        (1.6, "That comes from what the code keeps; the error is what it loses."),
        (8.0, "That is the variance that the code keeps; the mse is a mean of what it loses."),
        (0.2, "That is the share of the variance that is lost; the mse has the unit of the data."),
        (2 / 3, "Divide by all five features, not by the three directions that are lost."),
        (1.8, "That keeps the two smallest eigenvalues; the best code keeps the two largest."),
    )
    name_mistake(value, mistakes, rtol=0.01)
    if not close(value, 0.4, rtol=0.01):
        raise Wrong("Which eigenvalues remain, what is their sum, and over what is the mse a mean?")
    return "The tail is 2, spread over 5 features."


tail = Exercise(
    name="tail",
    title="Read the loss off the eigenvalues",
    kind="predict",
    prompt="""
        A data set has five features. The eigenvalues of its covariance matrix are 5, 3, 1, 0.5 and 0.5. A linear
        autoencoder with a code of 2 numbers is trained to perfection on it with Keras's loss `mse`. Which number does
        Keras show in the end?
        """,
    check=_check_tail,
    hints=(
        "The loss L of the best linear code is the sum of the eigenvalues that it leaves out.",
        "L is a sum over features. Keras's `mse` is a mean over them: five here.",
    ),
    solution="answer = (1 + 0.5 + 0.5) / 5",
    why="""
        The code keeps the two largest eigenvalues and loses the other three. Keras divides by the number of
        features.
        """,
)


def _planes(degrees: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return two planes of k dimensions with these k principal angles, at most 4: orthonormal bases, shape (8, k)."""
    k = len(degrees)
    rng = np.random.default_rng(11)
    basis = np.linalg.qr(rng.standard_normal((8, 2 * k)))[0]
    turn = np.linalg.qr(rng.standard_normal((k, k)))[0]
    theta = np.radians(degrees)
    return basis[:, :k], (basis[:, :k] * np.cos(theta) + basis[:, k:] * np.sin(theta)) @ turn


def _check_angle(answer: object) -> str:
    function = expect_function(answer, ("a", "b"))

    def angle(a: np.ndarray, b: np.ndarray) -> float:
        given = call(function, a, b)
        if isinstance(given, float | np.floating) and np.isnan(given):
            raise Wrong(
                "Your function returned NaN. Rounding can make a cosine a little larger than 1: clip it before arccos."
            )
        return expect_number(given, "a number of degrees, such as 30")

    a, b = _planes((20, 50, 75))
    value = angle(a, b)
    between_columns = np.degrees(np.arccos((a * b).sum(axis=0)))
    mistakes = (
        (np.radians(75), "That is in radians; degrees are asked for."),
        (20, "That is the smallest principal angle; the largest is asked for."),
        (np.cos(np.radians(75)), "That is the cosine of the angle."),
        (145 / 3, "That is the mean of the three principal angles; the largest is asked for."),
    )
    name_mistake(value, mistakes)
    acute = np.minimum(between_columns, 180 - between_columns)
    if close(value, between_columns.max()) or close(value, acute.max()):
        raise Wrong(
            "That is the angle between two corresponding columns: "
            "other columns may span the same plane, so compare the planes."
        )
    if not close(value, 75, atol=0.1):
        raise Wrong(f"For two planes whose principal angles are 20, 50 and 75 degrees, it returned {value:.4g}.")
    rng = np.random.default_rng(12)
    mixed = angle(a @ rng.uniform(-0.3, 0.3, size=(3, 3)), b @ rng.uniform(-0.3, 0.3, size=(3, 3)))
    if not close(mixed, 75, atol=0.1):
        raise Wrong(
            f"Mixing the columns by an invertible matrix changed the angle from 75 to {mixed:.4g} degrees, "
            "though the planes are the same: orthonormalize the columns first."
        )
    same = angle(a, a @ rng.standard_normal((3, 3)))
    if not close(same, 0, atol=0.1):
        raise Wrong(f"A plane and itself are at an angle of 0 degrees; it returned {same:.4g}.")
    return "It sees the planes, whatever columns span them."


largest_angle = Exercise(
    name="largest_angle",
    title="Are two planes the same",
    kind="fill in",
    prompt="""
        Write

            def largest_angle(a, b)

        which returns the largest principal angle, in degrees, between the plane spanned by the columns of `a` and the
        plane spanned by the columns of `b`. Both have shape (D, k), and their columns are independent, but not
        orthonormal in general. SciPy has a function for this. Or do it by hand: if $A$ and $B$ are orthonormal bases of
        the planes, the cosines of the principal angles are the singular values of $A^T B$.
        """,
    check=_check_angle,
    hints=(
        "The lesson measured the angle between PCA's plane and that of the decoder. What came after that call?",
        "`scipy.linalg.subspace_angles` returns k angles in radians. By hand: `np.linalg.qr` gives an orthonormal "
        "basis, and the largest angle belongs to the smallest cosine.",
    ),
    solution="""
        import numpy as np
        from scipy.linalg import subspace_angles


        def answer(a, b):
            return float(np.degrees(subspace_angles(a, b).max()))
        """,
    why="""
        Principal angles belong to the planes, not to the columns. So the measure ignores the invertible matrix up to
        which a linear code is unique.
        """,
)


def _nearest(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each point's distances to its three nearest neighbors, itself not counted.

    Args:
        x: Points, shape (n, D), n at least 4.

    Returns:
        Three arrays of shape (n,): the distances to the first, second and third neighbor.
    """
    distances = np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    r = np.sort(distances, axis=1)
    return r[:, 0], r[:, 1], r[:, 2]


def _check_next_neighbors(answer: object) -> str:
    function = expect_function(answer, ("x",))

    def estimate(x: np.ndarray) -> float:
        return expect_number(call(function, x), "a number, such as 2.5")

    rng = np.random.default_rng(13)
    x = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 9))
    r1, r2, r3 = _nearest(x)
    log = np.log(r3 / r2)
    right = 1 / (2 * log.mean())
    value = estimate(x)
    mistakes = (
        (2 * right, "The rate is 2 d for these two neighbors: what is the mean of the logarithms, then?"),
        (right / 2, "That is half of it: are the distances squared, or the factor 2 used twice?"),
        (2 * log.mean(), "That is twice the mean of the logarithms; the dimension is its inverse."),
        (log.mean(), "That is the mean of the logarithms; it is 1 / (2 d)."),
        (-right, "The sign is reversed: divide r3 by r2, not r2 by r3."),
        (1 / (2 * (r3 / r2).mean()), "The logarithm is missing: the ratios themselves were averaged."),
        (1 / (2 * np.log((r3 / r2).mean())), "First the logarithm of each ratio, then the mean."),
        ((1 / (2 * log)).mean(), "First the mean of the logarithms, then its inverse, once."),
        (1 / (2 * np.median(log)), "That uses the median; take the mean of the logarithms."),
        (1 / (2 * np.log10(r3 / r2).mean()), "Take the natural logarithm, not that to base 10."),
        (1 / np.log(r2 / r1).mean(), "That is the lesson's estimate, from the first and the second neighbor."),
        (1 / (2 * np.log(r2 / r1).mean()), "Those are the first and the second neighbor: one too near."),
        (1 / np.log(r3 / r1).mean(), "Those are the first and the third neighbor: take the second and the third."),
    )
    name_mistake(value, mistakes)
    if abs(value) < right / 5:
        raise Wrong(
            f"It returned {value:.4g}, as happens when a distance is 0: "
            "is each point counted as its own nearest neighbor?"
        )
    if not close(value, right, rtol=0.005):  # wide enough for those who divide by n - 1 in place of n
        raise Wrong(
            f"On 300 points of a plane of 4 dimensions it returned {value:.4g} instead of {right:.4g}: "
            "check r2 and r3 for three points by hand."
        )
    small = estimate(1e-6 * x)
    if not close(small, right, rtol=0.005):
        raise Wrong(
            "In another unit of length (all points divided by a million) the estimate changes: the ratio r3 / r2 has "
            "no unit, so leave out what you add to it or to the distances."
        )
    return f"It estimates {value:.2f} for a plane of 4 dimensions."


next_neighbors = Exercise(
    name="next_neighbors",
    title="The dimension from the next two neighbors",
    kind="build",
    prompt=r"""
        The lesson's estimate uses each point's first and second neighbor. The argument goes on: on a surface of $d$
        dimensions, $\log(r_3 / r_2)$ is exponentially distributed as well, with rate $2d$, where $r_2$ and $r_3$ are
        the distances to the second and the third nearest neighbor (the region between them must be empty, while two
        neighbors lie inside). Write

            def next_neighbors(x)

        which returns the estimate of $d$ from these two distances, for points `x`, shape (n, D). No two points
        coincide. Any tool will do: scikit-learn, SciPy, or NumPy alone.
        """,
    check=_check_next_neighbors,
    hints=(
        "An exponential distribution with rate $2d$ has the mean $1 / (2d)$. Solve for $d$.",
        "Sort each row of `scipy.spatial.distance.cdist(x, x)`: column 0 is the point itself, columns 2 and 3 are "
        "$r_2$ and $r_3$.",
    ),
    solution="""
        import numpy as np
        from scipy.spatial.distance import cdist


        def answer(x):
            r = np.sort(cdist(x, x), axis=1)
            mean_log = np.mean(np.log(r[:, 3] / r[:, 2]))
            return float(1 / (2 * mean_log))
        """,
    why="""
        Two neighbors inside must both miss the region between the radii, so the chance that r3 / r2 exceeds m is
        m to the power of -2 d. Two estimates that disagree are a warning: the density changes within the neighborhood,
        or the points are too few.
        """,
)

_MAPS = (
    ("t-SNE", "The first keeps neighbors far better than the others: which method was built for nothing else?"),
    (
        "an autoencoder with a dead unit",
        "The second has the worst score in every column: on which map do the points have the least room?",
    ),
    ("PCA", "The third keeps few neighbors, but orders the distances best: which map is a flat shadow of the data?"),
)


def _check_which(answer: object) -> str:
    given = expect_texts(answer, [name for name, _ in _MAPS], "map")
    for choice, (right, sentence) in zip(given, _MAPS, strict=True):
        if choice != right:
            raise Wrong(sentence)
    return "Each method leaves its trace in the scores."


which_map = Exercise(
    name="which_map",
    title="Three maps without their names",
    kind="transfer",
    prompt="""
        Three methods mapped the same 2,000 held-out digits to two numbers each. On one of the maps all points lie on a
        straight line. The scores, with 12 neighbors:

                 trustworthiness   continuity   order of distances
            1.        0.97            0.96             0.42
            2.        0.65            0.79            -0.03
            3.        0.74            0.90             0.48

        Which method made which map? Answer with a list of three texts, in this order, chosen from "PCA", "t-SNE",
        "an autoencoder with a dead unit". (A unit of the code is meant, and the code has ReLU units.)
        """,
    check=_check_which,
    hints=(
        "A dead unit returns 0 for every picture. What does that make of a map of two numbers, and how many neighbors "
        "find room there?",
        "One method optimizes neighbors and nothing else. Of the others, one is a projection of the data, which is "
        "good at large distances.",
    ),
    solution='answer = ["t-SNE", "an autoencoder with a dead unit", "PCA"]',
    why="""
        t-SNE keeps neighbors best. A dead unit leaves a line: one number has to do the work of two, and all scores are
        low. PCA mixes neighbors, but keeps the order of large distances best.
        """,
)
