"""Exercises of lesson 2, formulas."""

from __future__ import annotations

import numpy as np

from aetutorial.exercises import (
    Exercise,
    Wrong,
    call,
    close,
    expect_array,
    expect_autoencoder,
    expect_function,
    expect_number,
    held_out_mse,
    name_mistake,
)
from aetutorial.exercises.back_propagation import backward, output_delta, tied

__all__ = ["backward", "coin_floor", "convergence", "more_layers", "output_delta", "tied", "units"]

LAYERS_GOAL = 0.5  # squared error per held-out image; clipped PCA comes to 0.667


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
        Training repeats until the loss stops falling. Write a test for that:

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
    why="""
        A fraction has no unit, so one tolerance serves for L and for `mse`. Of a cross-entropy, subtract the floor
        first.
        """,
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


def _check_layers(answer: object) -> str:
    from aetutorial import data

    encoder, decoder = expect_autoencoder(answer, input_shape=(64,), latent_dim=16)
    error = 64 * held_out_mse(encoder, decoder, data.load("digits").x_test.reshape(-1, 64))
    if error > 3:
        raise Wrong(
            f"The held-out squared error is {error:.2f} per image, and the mean image's is 4.66: this pair has learned "
            "next to nothing. Was the autoencoder made from these two models, and trained?"
        )
    if error >= LAYERS_GOAL:
        raise Wrong(
            f"The held-out squared error is {error:.3f} per image (clipped PCA: 0.667); below {LAYERS_GOAL} is wanted. "
            "A hint may help."
        )
    return f"The held-out squared error is {error:.3f} per image; clipped PCA comes to 0.667."


more_layers = Exercise(
    name="more_layers",
    title="Beat PCA",
    kind="train",
    prompt=f"""
        With 16 numbers per image, PCA comes to 0.667 and the lesson's best network to about 0.56. Train one in Keras
        whose held-out squared error per image is below {LAYERS_GOAL}, still with 16 numbers. Mind the unit: Keras's
        `mse` is 64 times smaller, so there the goal is {LAYERS_GOAL / 64:.4f}.

        Layers, units, bends, optimizer and epochs are yours. Train on `x_train` only; to compare settings, give `fit`
        the argument `validation_split=0.2` and look at `val_loss`; run the check at the end. Your answer is the pair
        `(encoder, decoder)`: Keras models from 64 numbers to 16, and back.
        """,
    check=_check_layers,
    hints=(
        "Put a wider layer with a bend between the pixels and the code, and another one after the code.",
        "128 units with ReLU on each side, no bend on the code, a sigmoid at the end; Adam, rate 0.002 to 0.005.",
    ),
    solution="""
        import keras
        from aetutorial import data
        from keras.layers import Dense, Input

        x_train = data.load("digits").x_train.reshape(-1, 64)
        keras.utils.set_random_seed(0)
        encoder = keras.Sequential([Input((64,)), Dense(128, "relu"), Dense(16)])
        output = Dense(64, "sigmoid")
        decoder = keras.Sequential([Input((16,)), Dense(128, "relu"), output])
        autoencoder = keras.Sequential([encoder, decoder])
        autoencoder.compile(keras.optimizers.Adam(0.005), loss="mse")
        autoencoder.fit(x_train, x_train, epochs=30, batch_size=64, verbose=0)
        answer = encoder, decoder
        """,
    why="A wide layer with a bend on each side lets the code follow what is curved in the data.",
)
