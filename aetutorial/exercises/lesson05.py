"""Exercises of lesson 5, denoising and anomalies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

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


def _check_psnr(answer: object) -> str:
    function = expect_function(answer, ["x", "x_hat"])
    rng = np.random.default_rng(50)
    x = rng.random((6, 5, 4, 1))
    noise = np.linspace(0.02, 0.3, 6)[:, None, None, None]
    x_hat = np.clip(x + noise * rng.standard_normal(x.shape), 0, 1)
    value = expect_number(call(function, x, x_hat), "a number of decibels, such as 20")
    each = ((x - x_hat) ** 2).mean(axis=(1, 2, 3))
    right = float(np.mean(10 * np.log10(1 / each)))
    summed = np.mean(10 * np.log10(1 / (each * x[0].size)))
    mistakes = (
        (-right, "The sign is wrong: a smaller error must give more decibels."),
        (10 * np.log10(1 / each.mean()), "Compute it per picture first, then average the decibels."),
        (np.mean(10 * np.log(1 / each)), "That is the natural logarithm; decibels use base 10."),
        (right / 10, "Decibels are tenths: there is a factor 10 before the logarithm."),
        (2 * right, "The factor 20 belongs to the root of the mse; before the mse it is 10."),
        (summed, "That is the sum of the squared errors of a picture; take their mean over pixels."),
    )
    name_mistake(value, mistakes)
    if not close(value, right):
        raise Wrong("The value is off: mse over the pixels of each picture, 10 log10(1 / mse), mean.")
    return f"These pictures have {right:.1f} dB on average."


psnr = Exercise(
    name="psnr",
    title="Decibels",
    kind="fill in",
    prompt="""
        Write

            def psnr(x, x_hat)

        which returns the PSNR in decibels, computed for each picture and then averaged. Both arrays have the
        shape (n, height, width, 1) and hold pixels in [0, 1]. Use NumPy only.
        """,
    check=_check_psnr,
    hints=(
        "First the mse of each picture: a mean over all axes but the first.",
        "Then ten times the decimal logarithm of `1 / mse`, picture by picture, and last the mean.",
    ),
    solution="""
        import numpy as np


        def answer(x, x_hat):
            mse = ((x - x_hat) ** 2).mean(axis=(1, 2, 3))
            return float(np.mean(10 * np.log10(1 / mse)))
        """,
    why="The mean of logarithms is not the logarithm of the mean: one bad picture counts less.",
)


def _check_shrink(answer: object) -> str:
    value = expect_number(answer, "a number, such as 0.5")
    if close(value, 1.0, rtol=1e-6):
        raise Wrong("A factor of 1 keeps all the noise; a little less costs some signal and wins.")
    mistakes = (
        (2 / 3, "You took standard deviations, 2 / (2 + 1); it is variances that add."),
        (0.2, "That is the share of the noise; the factor is the share of the signal."),
        (-0.2, "That is the slope of the score; x_tilde + sigma^2 times the score is asked for."),
    )
    name_mistake(value, mistakes, rtol=0.01)
    if not close(value, 0.8, rtol=0.005):
        raise Wrong("Find p_sigma first: it is normal. What is its variance, and so its score?")
    return "0.8: four parts of the variance of x_tilde are signal, one part is noise."


shrink = Exercise(
    name="shrink",
    title="The best denoiser of one number",
    kind="predict",
    prompt=r"""
        $x$ is a normally distributed number with mean 0 and standard deviation 2. Adding noise of standard deviation
        $\sigma = 1$ makes it $\tilde x$. The best denoiser is $r(\tilde x) = a \tilde x$. Use Tweedie's formula to
        find the factor $a$.
        """,
    check=_check_shrink,
    hints=(
        r"$\tilde x$ is normal, too. The variances of independent numbers add.",
        "The log density of a normal number of variance $v$ is $-t^2 / (2v)$ plus a constant; its "
        "derivative at $t$ is $-t / v$.",
    ),
    solution="""
        variance, sigma = 2**2, 1
        answer = 1 - sigma**2 / (variance + sigma**2)
        """,
    why=r"$r = \tilde x + \sigma^2 (-\tilde x / 5) = 0.8\, \tilde x$: shrink by the share of the signal.",
)


def _check_alarms(answer: object) -> str:
    function = expect_function(answer, ("validation", "test", "share"))
    rng = np.random.default_rng(51)
    validation = rng.gamma(4.0, size=400)
    test = 0.6 + 1.4 * rng.gamma(4.0, size=300)
    given = expect_array(call(function, validation, test, 0.1), (300,), what="alarms")
    if given.dtype.kind != "b" and not np.isin(given, (0, 1)).all():
        raise Wrong("Return True or False for each test example: does its error raise an alarm?")
    alarm = given.astype(bool)
    gauss = validation.mean() + 1.2816 * validation.std()  # the quantile 0.9, if errors were normally distributed
    mistakes = (
        (test > np.quantile(test, 0.9), "The threshold was taken from the test errors: they stay unseen."),
        (test > np.quantile(validation, 0.1), "Nine in ten normal rows would raise an alarm: use 1 - share."),
        (test <= np.quantile(validation, 0.9), "A large error is the suspicious one; yours alarm at small ones."),
        (test > validation.max(), "The largest validation error allows no false alarm at all; use share."),
        (test > gauss, "Mean and standard deviation suit a normal distribution; errors are skewed, use a quantile."),
    )
    name_mistake(alarm, mistakes, rtol=0)
    if np.abs(alarm.astype(int) - (test > np.quantile(validation, 0.9))).sum() > 3:
        raise Wrong("The alarms are off: compare test with the quantile 1 - share of validation.")
    few = expect_array(call(function, validation, test, 0.02), (300,), what="alarms")
    if np.abs(few.astype(int) - (test > np.quantile(validation, 0.98))).sum() > 3:
        raise Wrong("With another `share` the alarms are off: is a share written into your code?")
    return f"{alarm.mean():.0%} of these test rows raise an alarm; a tenth of normal ones would."


alarms = Exercise(
    name="alarms",
    title="An honest threshold",
    kind="fill in",
    prompt="""
        Write

            def alarms(validation, test, share)

        which returns True or False for each test example. `validation`, shape (m,), holds errors of normal
        examples that were not trained on, `test`, shape (n,), errors of new examples of unknown kind. Choose
        the threshold such that a `share` of the normal validation examples would raise a (false) alarm.
        """,
    check=_check_alarms,
    hints=(
        "Which of the two arrays may the threshold depend on?",
        "If a tenth of the validation errors shall lie above it, it is their quantile 0.9.",
    ),
    solution="""
        import numpy as np


        def answer(validation, test, share):
            threshold = np.quantile(validation, 1 - share)
            return test > threshold
        """,
    why="The threshold is part of the method, so it is made from data that do not judge it.",
)


def _check_impute(answer: object) -> str:
    function = expect_function(answer, ["predict", "x"])
    rng = np.random.default_rng(52)
    full = rng.standard_normal((12, 4))
    known = rng.random(full.shape) > 0.4
    x = np.where(known, full, np.nan)
    asked: list[np.ndarray] = []
    misfits: list[str] = []  # a Wrong raised inside the call would be taken for the learner's

    def predict(rows: ArrayLike) -> np.ndarray:
        rows = np.asarray(rows, dtype=float)
        if rows.ndim != 2 or rows.shape[1] != 8:
            misfits.append(f"predict takes rows of 4 values and 4 marks, not shape {rows.shape}.")
            return np.zeros((len(rows), 4))
        if np.isnan(rows).any():
            misfits.append("predict was given NaN: put 0 where a value is missing.")
        asked.append(rows)
        return np.asarray(10.0 + rows[:, :4] + 2 * rows[:, 4:] * np.arange(1, 5))

    result = call(function, predict, x)
    if misfits:
        raise Wrong(misfits[0])
    given = expect_array(result, (12, 4), what="values")
    if not asked:
        raise Wrong("predict was never called: where do the missing values come from?")
    values, marks = np.hsplit(np.concatenate(asked), 2)
    zeroed = np.where(known, full, 0)
    if close(marks, 1.0 - known):
        raise Wrong("The mask is the wrong way round: 1 means that the value is known.")
    if close(marks, zeroed, rtol=1e-5) and close(values, known):
        raise Wrong("Values come first, then the mask.")
    if not (close(marks, known) and close(values, zeroed, rtol=1e-5)):
        raise Wrong("predict was given other rows than [x with 0 for missing, mask of known].")
    output = 10.0 + values + 2 * marks * np.arange(1, 5)
    if close(given, output, rtol=1e-5):
        raise Wrong("The known values were replaced, too: keep them, fill in only the holes.")
    if not close(given, np.where(known, full, output), rtol=1e-5):
        raise Wrong("Where x is known return x, where it is NaN return what predict says there.")
    return "Known values stay, holes are filled."


impute = Exercise(
    name="impute",
    title="Fill the holes",
    kind="build",
    prompt="""
        Write

            def impute(predict, x)

        which returns `x`, shape (n, D), with its NaN filled in. `predict` is a trained imputer: a function that
        takes rows of 2 D numbers, first the values with 0 where one is missing, then the mask with 1 where the
        value is known and 0 where it is missing, and returns D numbers for each row.
        """,
    check=_check_impute,
    hints=(
        "`np.isnan(x)` tells where the holes are, `np.nan_to_num(x)` puts 0 there.",
        "`np.hstack` joins values and mask; `np.where` chooses between what is known and the prediction.",
    ),
    solution="""
        import numpy as np


        def answer(predict, x):
            known = ~np.isnan(x)
            values = np.where(known, x, 0)
            guess = predict(np.hstack([values, known]).astype("float32"))
            return np.where(known, x, guess)
        """,
    why="What was measured is not to be improved by a model; and no NaN may reach the network.",
)

_CASES = (
    (
        "noise drawn once",
        "In the first, the error on new noisy pictures turns round while the training error still falls:",
    ),
    ("threshold from test data", "In the second, exactly 5 % of what is judged raises an alarm, whatever it holds:"),
    ("score follows size", "In the third, the anomalies are smaller than normal examples, and so are their errors:"),
)


def _check_diagnose(answer: object) -> str:
    given = expect_texts(answer, [name for name, _ in _CASES], "case")
    for choice, (right, sentence) in zip(given, _CASES, strict=True):
        if choice != right:
            raise Wrong(f'{sentence} "{choice}" does not explain that.')
    return "Three numbers that looked like properties of a model, and were properties of a procedure."


diagnose = Exercise(
    name="diagnose",
    title="Three suspicious reports",
    kind="transfer",
    prompt="""
        Three reports, on other data than the lesson's.

        1. A denoiser of X-ray pictures. After 20 and 200 epochs: training error 0.020, 0.004; new noisy pictures
           0.022, 0.031.
        2. A machine is watched by its reconstruction error. In March, 5.0 % of the hours raised an alarm, in April
           5.0 %, and in May, when the bearing broke, 5.0 %.
        3. A detector of quiet faults in sound recordings has an AUROC of 0.31.

        What happened? Answer with a list of three texts, in this order, chosen from "score follows size",
        "noise drawn once", "threshold from test data".
        """,
    check=_check_diagnose,
    hints=(
        "What could make a rate of alarms the same in every month?",
        "An AUROC far below one half means that the order is right, but upside down. What is small in "
        "a quiet recording?",
    ),
    solution='answer = ["noise drawn once", "threshold from test data", "score follows size"]',
    why="Ask of each number what it would be if the model were useless; these three hardly change.",
)
