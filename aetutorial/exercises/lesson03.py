"""Exercises of lesson 3, the Keras example."""

from __future__ import annotations

import numpy as np

from aetutorial.exercises import (
    Exercise,
    Wrong,
    call,
    close,
    expect_array,
    expect_function,
    expect_model,
    expect_number,
    expect_texts,
    layer_widths,
    name_mistake,
)

_TANH_FLOOR = 0.150679  # This is 2 (2 Q(1) - phi(1)); the tests compute it anew with SciPy.


def _check_tanh(answer: object) -> str:
    value = expect_number(answer, "a number, such as 0.5")
    mistakes = (
        (0.5753, "That is the sigmoid's floor; tanh also reaches the numbers from -1 to 0."),
        (_TANH_FLOOR / 2, "That is the part above 1 only; the part below -1 is as large."),
        (0.3173, "That is the share of values out of reach; the error they leave is asked for."),
    )
    name_mistake(value, mistakes, rtol=0.01)
    if not close(value, _TANH_FLOOR, rtol=0.02):
        raise Wrong("Clip many standard normal numbers to the range of tanh and average the error.")
    return "The floor falls from 0.575 to 0.151: a quarter of it, but not to 0."


tanh_floor = Exercise(
    name="tanh_floor",
    title="Another output",
    kind="predict",
    prompt="""
        The example's last layer becomes tanh, whose values lie in (-1, 1). The data are standard normal, as before.
        Below which mse can no such model get? Answer to three decimals.
        """,
    check=_check_tanh,
    hints=(
        "The best answer to a number above 1 is 1, to a number below -1 it is -1.",
        "The part above 1 is 2 Q(1) - phi(1), as in the lesson. The bell is symmetric.",
    ),
    solution="""
        from scipy.stats import norm

        answer = 2 * (2 * norm.sf(1) - norm.pdf(1))
        """,
    why="Both tails leave the same error, and everything between -1 and 1 can be fitted.",
)


def _check_range(answer: object) -> str:
    function = expect_function(answer, ("x", "low", "high"))
    rng = np.random.default_rng(8)
    x = 2 * rng.standard_normal((50, 7))
    value = expect_number(call(function, x, -0.5, 2.0), "a number, such as 0.1")
    clipped = np.clip(x, -0.5, 2.0)
    error = (x - clipped) ** 2
    if close(value, 0) or close(value, float((clipped**2).mean())):
        raise Wrong("Measure the distance between x and the nearest value in reach.")
    if close(value, float(error.sum())) or close(value, float(error.sum(axis=1).mean())):
        raise Wrong("That is a sum over features; Keras's mse is a mean over them, too.")
    if close(value, float(np.abs(x - clipped).mean())):
        raise Wrong("That is the absolute error; square it before the mean.")
    if close(value, float(error[x != clipped].mean())):
        raise Wrong("Average over all values: those within reach count with an error of 0.")
    if not close(value, float(error.mean())):
        raise Wrong("The value is off: clip x to the interval, then take the mean squared error.")
    inside = expect_number(call(function, x, -100.0, 100.0), "a number, such as 0.1")
    if not close(inside, 0, atol=1e-12):
        raise Wrong("If all of x lies in the interval, the floor is 0.")
    return "It works for every range and every data set."


range_floor = Exercise(
    name="range_floor",
    title="The floor of any output layer",
    kind="fill in",
    prompt="""
        Write

            def floor(x, low, high)

        which returns the smallest mse (a mean over rows and features) that a model whose outputs lie between `low` and
        `high` can have on the data `x`, shape (n, D).
        """,
    check=_check_range,
    hints=(
        "For each value of x, which number between low and high is nearest to it?",
        "np.clip(x, low, high) is the best reconstruction that such a model could give.",
    ),
    solution="""
        import numpy as np


        def answer(x, low, high):
            return float(np.mean((x - np.clip(x, low, high)) ** 2))
        """,
    why="The error of each value is smallest at the nearest value in reach, so no model does better.",
)


def _check_beat(answer: object) -> str:
    model = expect_model(answer, (100,), (100,))
    widths = layer_widths(model)
    if not widths:
        raise Wrong("The check can't see the layers of your model: build it with keras.Sequential or keras.Model.")
    if min(widths) > 32:
        raise Wrong("The narrowest layer of your model is wider than 32: it needs a code of at most 32 numbers.")
    x = np.random.default_rng(20260101).standard_normal((2000, 100)).astype("float32")
    given = call(lambda rows: model.predict(rows, verbose=0), x, seconds=60)
    x_hat = expect_array(given, (2000, 100), what="reconstructions")
    error = float(np.mean((x - x_hat) ** 2))
    if error >= 0.999:
        raise Wrong(f"On new data its mse is {error:.3f}, no better than the mean: not trained, or far too long?")
    if error >= 0.93:
        raise Wrong(f"On new data its mse is {error:.3f}, about that of the example as given: look at the output.")
    if error >= 0.75:
        raise Wrong(f"On new data its mse is {error:.3f}: it learns the training rows by heart. Which model can't?")
    if error < 0.6:
        raise Wrong(
            f"On new data its mse is {error:.3f}, too good for 32 numbers: does a path lead around the narrow layer?"
        )
    return f"On new data its mse is {error:.3f}; the floor of linear codes is 0.68."


beat_it = Exercise(
    name="beat_it",
    title="Beat the example",
    kind="change",
    prompt="""
        Change the example until it is good: give a Keras model, trained on `x_train` from the lesson, that takes 100
        numbers and returns 100, has a layer of at most 32 numbers in between, and has an mse below 0.75 on new standard
        normal rows. Any layers, activations and numbers of epochs are allowed. The check draws new rows.
        """,
    check=_check_beat,
    hints=(
        "Which of the baselines in the lesson is below 0.75? What kind of function is it?",
        "A narrow layer and an output layer without any activation function are enough. Fewer parameters overfit less.",
        "keras.Sequential([keras.Input((100,)), Dense(32), Dense(100)]), and about 30 epochs.",
    ),
    solution="""
        import keras
        import numpy as np

        if "x_train" not in globals():
            x_train = np.random.default_rng(0).standard_normal((1000, 100), dtype="float32")
        keras.utils.set_random_seed(0)
        encoder, decoder = keras.layers.Dense(32), keras.layers.Dense(100)
        answer = keras.Sequential([keras.Input((100,)), encoder, decoder])
        answer.compile(keras.optimizers.Adam(0.005), loss="mse")
        answer.fit(x_train, x_train, epochs=30, batch_size=32, verbose=0)
        """,
    why="Where there is nothing to find, the simplest model is the best: a linear code, and hardly more.",
)


def _check_report(answer: object) -> str:
    function = expect_function(answer, ("x_train", "x_test", "x_hat_test", "n_components"))
    rng = np.random.default_rng(9)
    mixing = rng.standard_normal((8, 8))
    x_train = rng.standard_normal((60, 8)) @ mixing + 3.0
    x_test = rng.standard_normal((25, 8)) @ mixing + 2.0
    x_hat = x_test + 0.1 * rng.standard_normal(x_test.shape)
    given = call(function, x_train, x_test, x_hat, 3)
    if not isinstance(given, dict):
        raise Wrong('Return a dict with the keys "mean", "PCA" and "model".')
    missing = [key for key in ("mean", "PCA", "model") if key not in given]
    if missing:
        raise Wrong(f'The dict has no key "{missing[0]}".')
    values = {key: expect_number(given[key], "a number for each key") for key in ("mean", "PCA", "model")}
    right = {
        "mean": _mse(x_test, x_train.mean(axis=0)),
        "PCA": _mse(x_test, _project(x_train, x_test, 3)),
        "model": _mse(x_test, x_hat),
    }
    if close(values["model"], 8 * right["model"]):
        raise Wrong("The errors are sums over features; a mean over rows and features is asked for.")
    if close(values["mean"], _mse(x_test, x_test.mean(axis=0))):
        raise Wrong("The mean was taken from the test set: a baseline may see the training set only.")
    if close(values["mean"], _mse(x_train, x_train.mean(axis=0))):
        raise Wrong("That is the mean's error on the training set; score on the test set.")
    if close(values["PCA"], _mse(x_test, _project(x_test, x_test, 3))):
        raise Wrong("PCA was fitted to the test set: a baseline may see the training set only.")
    for key, value in values.items():
        if not close(value, right[key]):
            raise Wrong(f'The value for "{key}" is off: expected {right[key]:.4f}, got {value:.4f}.')
    return "A report that can be trusted: every number on held-out data, every baseline fitted without it."


def _mse(x: np.ndarray, x_hat: np.ndarray) -> float:
    return float(np.mean((x - x_hat) ** 2))


def _project(fit: np.ndarray, x: np.ndarray, n: int) -> np.ndarray:
    """Return what PCA with n components, fitted to the rows of `fit`, makes of the rows of `x`."""
    mean = fit.mean(axis=0)
    directions = np.linalg.svd(fit - mean, full_matrices=False)[2][:n]
    return np.asarray((x - mean) @ directions.T @ directions + mean)


report = Exercise(
    name="report",
    title="An honest report",
    kind="build",
    prompt="""
        Write

            def report(x_train, x_test, x_hat_test, n_components)

        which returns a dict with the keys "mean", "PCA" and "model": the held-out mse (a mean over rows and features)
        of the training mean, of PCA with `n_components`, and of a model whose reconstructions of `x_test` are
        `x_hat_test`.
        """,
    check=_check_report,
    hints=(
        "All three are scored on x_test. Which data may the two baselines see before?",
        "PCA(n_components).fit(x_train), then transform and inverse_transform x_test.",
    ),
    solution="""
        from sklearn.decomposition import PCA


        def answer(x_train, x_test, x_hat_test, n_components):
            pca = PCA(n_components).fit(x_train)
            guesses = {
                "mean": x_train.mean(axis=0),
                "PCA": pca.inverse_transform(pca.transform(x_test)),
                "model": x_hat_test,
            }
            errors = {name: (x_test - guess) ** 2 for name, guess in guesses.items()}
            return {name: float(error.mean()) for name, error in errors.items()}
        """,
    why="One function for all models: nobody is scored by another rule than the rest.",
)

_CASES = (
    (
        "overfitting",
        "In the first, training loss keeps falling while held-out loss rises: it learns the rows by heart.",
    ),
    (
        "output range",
        "In the second, a fifth of the data lies where the output can't go: that makes a floor above zero.",
    ),
    ("not trained enough", "In the third, both losses still fall together: nothing is wrong that time does not cure."),
)


def _check_diagnose(answer: object) -> str:
    given = expect_texts(answer, [name for name, _ in _CASES], "case")
    for choice, (right, sentence) in zip(given, _CASES, strict=True):
        if choice != right:
            raise Wrong(sentence.split(":")[0] + f': "{choice}" does not explain that.')
    return "Each curve has its own cause, and each cause its own cure."


diagnose = Exercise(
    name="diagnose",
    title="Three patients",
    kind="transfer",
    prompt="""
        Three autoencoders on other data than the lesson's. Losses are given after 10, 50 and 100 epochs:

            1.  training 0.90, 0.50, 0.21    held out 0.92, 0.71, 0.78
            2.  training 0.31, 0.30, 0.30    held out 0.31, 0.31, 0.31
                (a fifth of the values are negative, the output is ReLU)
            3.  training 0.80, 0.61, 0.47    held out 0.81, 0.62, 0.48

        What is the matter with each? Answer with a list of three texts, in this order, chosen from "output range",
        "overfitting", "not trained enough".
        """,
    check=_check_diagnose,
    hints=(
        "First look at the difference between the two losses, then at whether they still move.",
        "The second is flat on both: is there a floor? What can ReLU not return?",
    ),
    solution='answer = ["overfitting", "output range", "not trained enough"]',
    why="The gap shows overfitting, a flat high line shows a floor, and a falling pair needs time.",
)
