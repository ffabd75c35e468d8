"""Exercises of lesson 2, formulas."""

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


def _sigmoid(a: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-a)))


def _check_units(answer: object) -> str:
    value = expect_number(answer, "a number, such as 1.5")
    if close(value, 0.004 / 3072, rtol=0.01):
        raise Wrong("That divides by D: a sum over features is larger than a mean over them.")
    if close(value, 0.004 * 1024, rtol=0.01):
        raise Wrong("That multiplies by the pixels; each has three colors, and each is a feature.")
    if not close(value, 0.004 * 3072, rtol=0.01):
        raise Wrong("Write down which of the two is a sum over features, and how many there are.")
    return "L = 3072 × 0.004, about 12.3."


units = Exercise(
    name="units",
    title="Two reports of one model",
    kind="predict",
    prompt="""
        A tutorial reports a Keras `mse` of 0.004 on color images of 32 by 32 pixels, three numbers each. A paper
        reports the squared error per image, $L$: a sum over all numbers of an image, a mean over images. Which number
        would the paper print for the same model?
        """,
    check=_check_units,
    hints=(
        "Keras's `mse` is a mean over examples and over features.",
        "$L = D \\times$ `mse`, where $D$ is the number of features.",
    ),
    solution="answer = 32 * 32 * 3 * 0.004",
    why="The mean over 3072 features becomes a sum when it is multiplied by 3072.",
)


def _check_delta(answer: object) -> str:
    function = expect_function(answer, ("x", "x_hat", "weights"))
    rng = np.random.default_rng(3)
    x, x_hat = rng.uniform(size=(5, 4)), rng.uniform(0.1, 0.9, size=(5, 4))
    weights = np.array([0.5, 1.0, 2.0, 4.0])
    delta = expect_array(call(function, x, x_hat, weights), (5, 4), what="gradients")
    by_output = 2 * weights * (x_hat - x) / 5  # the gradient with respect to x_hat
    right = by_output * x_hat * (1 - x_hat)
    mistakes = (
        (-right, "The sign is reversed: where x_hat is too large, the gradient is positive."),
        (right / 2, "The factor 2 from differentiating the square is missing."),
        (right * 5, "Divide by the number of examples: the loss is a mean over them."),
        (right / 4, "Divide by the number of examples only: the loss is a sum over features."),
        (right / weights, "The weights of the features are missing."),
        (by_output, "The derivative of the sigmoid is missing: the gradient is with respect to a_d, before it."),
    )
    name_mistake(delta, mistakes, rtol=1e-4, atol=1e-6)
    if not close(delta, right, rtol=1e-4, atol=1e-6):  # an answer may compute in float32
        raise Wrong("The values are off: derive it for one pixel first, then for all.")
    return "It equals the derivative on paper."


output_delta = Exercise(
    name="output_delta",
    title="Some pixels matter more",
    kind="fill in",
    prompt=r"""
        Suppose that pixel $j$ counts with a weight $w_j \ge 0$: the loss is the mean over the $n$ examples of the sum
        over pixels of $w_j (\hat x_j - x_j)^2$. The output is still `x_hat = sigmoid(a_d)`. Write

            def output_delta(x, x_hat, weights)

        which returns the gradient of this loss with respect to `a_d`. `x` and `x_hat` have shape (n, D), `weights` has
        shape (D,), the result has shape (n, D).
        """,
    check=_check_delta,
    hints=(
        "Only one factor is new. Start from the squared error's `delta_d` in the lesson.",
        "The derivative of `w (x_hat - x)^2` is `w` times `2 (x_hat - x)` times `x_hat (1 - x_hat)`; "
        "then the mean over n.",
    ),
    solution="""
        def answer(x, x_hat, weights):
            return 2 * weights * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
        """,
    why="The weight is a constant factor, so it passes through the chain rule unchanged.",
)


def _check_convergence(answer: object) -> str:
    function = expect_function(answer, ("curve", "patience", "tolerance"))

    def says(curve: list[float], patience: int = 3, tolerance: float = 0.01) -> bool:
        value = call(function, np.array(curve), patience, tolerance)
        if not isinstance(value, bool | np.bool_):
            value = expect_array(value, (), what="truth values")
            if value not in (0, 1):
                raise Wrong(f"Return True or False; your function returned {float(value):.4g}.")
        return bool(value)

    if says([5.0, 4.0]) or says([5.0, 5.0, 5.0]):
        raise Wrong("A curve of at most `patience` epochs has nothing to compare with yet: answer False.")
    if says([100.0, 80.0, 60.0, 40.0, 20.0]):
        raise Wrong("A loss that still falls by a fifth per epoch has not converged.")
    if not says([0.1, 0.05, 0.05, 0.05, 0.05]):
        raise Wrong("A loss that has stood still for `patience` epochs has converged.")
    if says([0.004, 0.003, 0.002, 0.001]):
        raise Wrong(
            "A small loss that still halves has not converged: compare the improvement with the loss itself, "
            "not with `tolerance` alone."
        )
    if not says([1000.0, 1000.0, 999.0, 999.0, 998.0]):
        raise Wrong(
            "A large loss that improves by a thousandth has converged: the improvement is a fraction of the loss."
        )
    if not says([1.0, 1.1, 1.2, 1.3]):
        raise Wrong("A loss that rises has stopped improving: answer True.")
    if says([4.0, 2.0, 1.999, 1.998], patience=3):
        raise Wrong("Compare with the loss before the last `patience` epochs, not with a later one.")
    if not says([8.0, 4.0, 3.999], patience=1):
        raise Wrong("With a patience of 1 only the last epoch counts: use the argument `patience`.")
    if not says([4.0, 3.5, 3.0, 2.5], tolerance=0.5):
        raise Wrong(
            "With a tolerance of 0.5, a fall from 4 to 2.5 has converged: it is less than half of the older loss."
        )
    return "It waits, compares fractions and survives a rising loss."


convergence = Exercise(
    name="convergence",
    title="When to stop",
    kind="build",
    prompt="""
        Write the convergence test of step 7 as a function:

            def converged(curve, patience, tolerance)

        `curve` holds the loss after each epoch so far. Return True if the last `patience` epochs together improved the
        loss by less than the fraction `tolerance` of what it was before them, else False. If there are not yet more
        than `patience` values, return False.
        """,
    check=_check_convergence,
    hints=(
        "Which two entries of `curve` are to be compared? Mind that `curve[-1]` is the last one.",
        "`curve[-1 - patience]` is the loss before the last `patience` epochs. Compare their difference with "
        "`tolerance` times the older one.",
    ),
    solution="""
        def answer(curve, patience, tolerance):
            if len(curve) <= patience:
                return False
            before = curve[-1 - patience]
            return bool(before - curve[-1] < tolerance * before)
        """,
    why="A fraction has no unit, so the same tolerance serves for L, for Keras's `mse` and for the cross-entropy.",
)


def _tied_loss(W: np.ndarray, b_e: np.ndarray, b_d: np.ndarray, x: np.ndarray) -> float:
    x_hat = _sigmoid(_sigmoid(x @ W.T + b_e) @ W + b_d)
    return float(((x_hat - x) ** 2).sum(axis=1).mean())


def _check_tied(answer: object) -> str:
    function = expect_function(answer, ("W", "b_e", "b_d", "x"))
    rng = np.random.default_rng(4)
    W, x = rng.standard_normal((3, 5)), rng.uniform(size=(7, 5))
    b_e, b_d = rng.standard_normal(3), rng.standard_normal(5)
    g = expect_array(call(function, W, b_e, b_d, x), (3, 5), what="gradients")
    numerical = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = W.copy()
            moved[index] += step
            ends.append(_tied_loss(moved, b_e, b_d, x))
        numerical[index] = (ends[0] - ends[1]) / 2e-6
    z = _sigmoid(x @ W.T + b_e)
    x_hat = _sigmoid(z @ W + b_d)
    delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
    encoder_part = ((delta_d @ W.T) * z * (1 - z)).T @ x
    mistakes = (
        (encoder_part, "Only the encoder's part is there; W is used a second time, in the decoder."),
        (numerical - encoder_part, "Only the decoder's part is there; W is used in the encoder, too."),
        (numerical / 5, "That is the gradient of a mean over features; the loss is a sum over them."),
        (numerical * 7, "Divide by the number of examples: the loss is a mean over them."),
    )
    name_mistake(g, mistakes, rtol=1e-4, atol=1e-5)
    if not close(g, numerical, rtol=1e-4, atol=1e-5):  # an answer may compute in float32
        worst = float(np.abs(g - numerical).max())
        raise Wrong(f"It differs from central differences by up to {worst:.2g}.")
    return "It agrees with central differences."


tied = Exercise(
    name="tied",
    title="One matrix for both networks",
    kind="build",
    prompt=r"""
        Tie the weights: the decoder uses the encoder's matrix transposed, $z = \sigma(W x + b_e)$ and
        $\hat x = \sigma(W^T z + b_d)$. Half the weights are gone. Write

            def tied_gradient(W, b_e, b_d, x)

        which returns the gradient of the squared error $L$ (sum over features, mean over examples) with respect to
        `W`. `W` has shape (d, D), `x` has shape (n, D). Derive it: `W` is used in two places. Test yourself with
        central differences before you ask the check.
        """,
    check=_check_tied,
    hints=(
        "`W` is used in two places. A derivative with respect to something that occurs twice is the sum of two parts.",
        "The encoder's part is `delta_e.T @ x`, as before, with `W` in the place of `W_d` transposed.",
        "The decoder's part is the transpose of `delta_d.T @ z`: it has to have the shape of `W`.",
    ),
    solution="""
        import numpy as np


        def answer(W, b_e, b_d, x):
            z = 1 / (1 + np.exp(-(x @ W.T + b_e)))
            x_hat = 1 / (1 + np.exp(-(z @ W + b_d)))
            delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
            delta_e = (delta_d @ W.T) * z * (1 - z)
            return delta_e.T @ x + z.T @ delta_d
        """,
    why="A small change of `W` moves the loss through the encoder and through the decoder; the effects add.",
)


def _check_excess(answer: object) -> str:
    function = expect_function(answer, ("x", "x_hat"))
    rng = np.random.default_rng(5)
    x, x_hat = rng.uniform(0.05, 0.95, size=(6, 9)), rng.uniform(0.05, 0.95, size=(6, 9))
    value = expect_array(call(function, x, x_hat), (6,), what="values")
    cross = -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat)).sum(axis=1)
    floor = -(x * np.log(x) + (1 - x) * np.log(1 - x)).sum(axis=1)
    right = cross - floor
    mistakes = (
        (cross, "That is the cross-entropy itself: the floor is not subtracted."),
        (right / 9, "That is a mean over features; the sum is asked for."),
        (right / np.log(2), "That is in bits; use the natural logarithm, for nats."),
        (-right, "The sign is reversed: the cross-entropy is never below its floor."),
    )
    name_mistake(value, mistakes, rtol=1e-4)
    if not close(value, right, rtol=1e-4):  # an answer may compute in float32
        raise Wrong("The values are off: is it cross-entropy minus the input's own entropy?")
    binary = np.array([[0.0, 1.0, 0.0]])
    at_ends = call(function, binary, np.full((1, 3), 0.5))
    if not close(at_ends, at_ends):  # NaN is not close to itself
        raise Wrong("For pixels that are exactly 0 or 1 it is NaN: there, 0 log 0 counts as 0.")
    if not close(at_ends, [3 * np.log(2)], rtol=1e-3):
        raise Wrong("For pixels that are exactly 0 or 1 the floor is 0: nothing is subtracted.")
    return "It is zero for a perfect reconstruction and never negative."


coin_floor = Exercise(
    name="coin_floor",
    title="A cross-entropy that can reach zero",
    kind="transfer",
    prompt="""
        Cross-entropies of two data sets can't be compared, since their floors differ. Write

            def excess(x, x_hat)

        which returns, for each example, the cross-entropy minus its floor, in nats, summed over features: shape (n,).
        `x` may hold exact zeros and ones; `x_hat` lies strictly between 0 and 1. (This difference has a name, the
        Kullback-Leibler divergence; you meet it again in lesson 6.)
        """,
    check=_check_excess,
    hints=(
        "The floor is the cross-entropy of `x` with itself as the reconstruction.",
        "`log(0)` is the trouble at pixels that are 0 or 1. Where `x` is 0, the term `x log(x)` counts as 0; "
        "`scipy.special.xlogy(x, x)` does that.",
    ),
    solution="""
        from scipy.special import xlogy


        def answer(x, x_hat):
            cross = -(xlogy(x, x_hat) + xlogy(1 - x, 1 - x_hat))
            floor = -(xlogy(x, x) + xlogy(1 - x, 1 - x))
            return (cross - floor).sum(axis=1)
        """,
    why="Subtracting the entropy leaves what the model could still improve: zero is perfect on any data.",
)
