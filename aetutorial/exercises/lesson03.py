"""Exercises of lesson 3, the Keras example."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

BEAT_GOAL = 0.75  # mse on new rows; PCA comes to 0.68
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
        Suppose the example's last layer were `tanh`, whose values lie in (-1, 1). The data are standard normal, as
        before. Below which mean squared error can no such model get? Answer to three decimals.
        """,
    check=_check_tanh,
    hints=(
        "The best answer to a number above 1 is 1, to a number below -1 it is -1.",
        "The part above 1 is `2 Q(1) - phi(1)`, as in the lesson. The bell is symmetric.",
    ),
    solution="""
        from scipy.stats import norm

        answer = 2 * (2 * norm.sf(1) - norm.pdf(1))
        """,
    why="Both tails leave the same error, and everything between -1 and 1 can be fitted.",
)


def _directions(model: keras.Model, row: np.ndarray) -> int:
    """Return in how many directions the output of a model moves when its input does, at one input."""
    import tensorflow as tf

    def slopes(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            x_hat = model(x)
        return tape.jacobian(x_hat, x, experimental_use_pfor=False)  # works for layers of any kind

    jacobian = np.asarray(call(slopes, tf.constant(row[None]), seconds=30)).reshape(row.size, -1)
    strengths = np.linalg.svd(jacobian, compute_uv=False)
    return int(np.sum(strengths > 1e-3 * strengths[0]))


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
    if error >= BEAT_GOAL:
        raise Wrong(
            f"On new data its mse is {error:.3f}: overfitted (it learned the training rows by heart), or not trained "
            "enough. Which model on the ladder overfits less?"
        )
    if error < 0.6:
        if _directions(model, x[0]) > 32:
            raise Wrong(
                f"On new data its mse is {error:.3f}, and more than 32 numbers arrive at the output: a path leads "
                "around the narrow layer."
            )
        return f"On new data its mse is {error:.3f}, below the 0.68 of linear codes: yours packs values together."
    return f"On new data its mse is {error:.3f}; the floor of linear codes is 0.68 in expectation."


beat_it = Exercise(
    name="beat_it",
    title="Climb down to PCA's rung",
    kind="train",
    prompt=f"""
        The example comes to an error of 0.96 on new rows, PCA to 0.68. Train a Keras model that gets below {BEAT_GOAL}.
        It takes 100 numbers, returns 100, and has a layer of at most 32 numbers in between. Layers, activations,
        optimizer and epochs are yours; seconds of `fit` are enough. Train on `x_train` only; the check draws new rows.
        """,
    check=_check_beat,
    hints=(
        "Who stands below 0.75 on the ladder? What kind of function is it, and does it learn rows by heart?",
        "A narrow layer and an output layer, both without any activation function, are enough.",
        "`keras.Sequential([keras.Input((100,)), Dense(32), Dense(100)])`, and about 30 epochs.",
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
    title="A report that can't be trusted",
    kind="mend",
    prompt="""
        This function puts a model beside its two baselines. It runs, its numbers look plausible, and it has three
        faults. Mend them: all errors must be means over rows and features, on the test rows, and the rivals may see
        only what the model saw: the training rows.

            def report(x_train, x_test, x_hat_test, n_components):
                pca = PCA(n_components).fit(x_test)
                guesses = {
                    "mean": x_test.mean(axis=0),
                    "PCA": pca.inverse_transform(pca.transform(x_test)),
                    "model": x_hat_test,
                }
                return {
                    name: float(((x_test - guess) ** 2).sum(axis=1).mean())
                    for name, guess in guesses.items()
                }
        """,
    check=_check_report,
    hints=(
        "The model never saw the test rows before it was scored. Did the two baselines?",
        "Two baselines learn something from data: a mean, and directions. Which data may they learn it from?",
        "Keras's `mse` doesn't grow with the number of features. Does this error?",
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
    why="All three learn from the same rows and are scored on the same other rows, in the same unit.",
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
    stars=1,
    prompt="""
        Three autoencoders, on other data than the lesson's. Here are their losses after 10, 50 and 100 epochs:

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
