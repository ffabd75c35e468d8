"""The judge of generated digits against the lines that lesson 7 shows."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from aetutorial import data, metrics, training

SHOWN = Path(__file__).resolve().parent.parent / "notebooks" / "text" / "07_measuring_generation.py"
rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    mnist = data.load("mnist")
    x = data.binarized(mnist.x_train.reshape(-1, 784), seed=0)
    return SimpleNamespace(x_train=x[:3000], y_train=mnist.y_train[:3000], x_test=x[3000:3400], samples=x[3400:6900])


@pytest.fixture(scope="module")
def judge(digits):
    from aetutorial.judge import Judge

    return Judge(digits.x_train, digits.y_train, digits.x_test)


@pytest.fixture(scope="module")
def lesson(digits):
    """What lesson 7 defines, from its own lines, with these digits."""
    import keras

    names = ("classifier", "reader", "features", "measured")
    kept = [
        node
        for node in ast.parse(SHOWN.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name in names
    ]
    assert [node.name for node in kept] == list(names)
    scope = {"functools": functools, "keras": keras, "metrics": metrics, "training": training}
    scope |= {"np": np, "learning_rate": 0.004} | vars(digits)
    exec(compile(ast.Module(kept, []), str(SHOWN), "exec"), scope)
    return SimpleNamespace(**{name: scope[name] for name in names})


def test_features_are_those_of_lesson_7(judge, lesson, digits):
    features = judge.features(digits.x_test)
    assert features.shape == (400, 64)
    assert features.dtype == np.float32
    assert features.min() >= 0
    np.testing.assert_array_equal(features, lesson.features(digits.x_test))


def test_scores_are_those_of_lesson_7(judge, lesson, digits):
    assert judge.scores(digits.samples) == lesson.measured(digits.samples)


def test_noise_scores_worse_than_digits(judge, digits):
    noise = (rng.random((3500, 784)) < digits.x_train.mean()).astype("float32")
    good, bad = judge.scores(digits.samples), judge.scores(noise)
    assert bad["Fréchet"] > 10 * good["Fréchet"]
    assert good["recall"] > 0.7 > 0.1 > bad["recall"]
    assert good["told apart"] < 0.6 < 0.95 < bad["told apart"]
    assert bad["copying"] < 0.1 < 0.4 < good["copying"] < 0.6


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_train": np.zeros((2999, 784))}, "`x_train` must be an array of at least 3000 rows"),
        ({"x_train": np.zeros((3000, 783))}, "`x_train` must be digits of 784 numbers each"),
        ({"x_train": np.full((3000, 784), 255)}, r"`x_train` must be an array with values in \[0"),
        ({"x_test": np.full((4, 784), np.nan)}, "`x_test` must be an array of finite numbers"),
    ],
)
def test_bad_digits_are_named(digits, changed, message):
    from aetutorial.judge import Judge

    given = {name: getattr(digits, name) for name in ("x_train", "y_train", "x_test")} | changed
    with pytest.raises(ValueError, match=message):
        Judge(**given)


def test_too_few_samples_are_an_error(judge, digits):
    with pytest.raises(ValueError, match="`samples` must be an array of at least 3004 rows"):
        judge.scores(digits.samples[:3003])
