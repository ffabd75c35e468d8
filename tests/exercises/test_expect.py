"""The guards on answers: numbers, arrays, functions, texts, models; and exercises in a notebook."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from exercise_helpers import Hostile, X, refused

from aetutorial.exercises import (
    NotAttempted,
    call,
    close,
    expect_array,
    expect_function,
    expect_model,
    expect_number,
    expect_text,
)

pytestmark = pytest.mark.usefixtures("strict")


@pytest.mark.parametrize("value", [12.5, Fraction(25, 2), np.float32(12.5), np.array(12.5), np.array([[12.5]]), [12.5]])
def test_numbers(value):
    number = expect_number(value, "a number, such as 1.5")
    assert (number, type(number)) == (12.5, float)
    assert expect_number(np.int64(3), "a number") == expect_number(3, "a number") == 3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "That is a truth value, True; give a number, such as 1.5."),
        (np.bool_(False), "That is a truth value, False; give a number, such as 1.5."),
        ("12.5", "That is text, not a number, such as 1.5: leave out the quotes."),
        (1j, "That is complex; a number, such as 1.5 is expected, without an imaginary part."),
        (np.nan, "That is NaN, the result of an undefined operation; give a number, such as 1.5."),
        (-np.inf, "That is infinite; give a number, such as 1.5."),
        (10**400, "That is infinite; give a number, such as 1.5."),
        (X, "That is 12 numbers, in shape (3, 4); give a number, such as 1.5."),
        (np.mean, "That is the function `mean` itself, not a number, such as 1.5: call it."),
        ({"a": 1}, "That is a dict of length 1, not a number, such as 1.5."),
    ],
)
def test_what_is_no_number(value, said):
    assert refused(expect_number, value, "a number, such as 1.5") == said


def test_a_hostile_object_is_no_number():
    said = refused(expect_number, Hostile(), "a number, such as 1.5")
    assert said == "NumPy cannot turn an object of type Hostile into a number, such as 1.5."


@pytest.mark.parametrize("value", [X, X.tolist(), X.astype(int), X > 3, tuple(map(tuple, X))])
def test_arrays(value):
    array = expect_array(value, (None, 4), low=0, high=11)
    assert isinstance(array, np.ndarray)
    assert (array == np.asarray(value)).all()
    assert expect_array(value).shape == (3, 4)


@pytest.mark.parametrize(
    ("value", "shape", "said"),
    [
        (X, (4, 3), "must have shape (4, 3); yours is (3, 4): that is the transpose."),
        (X, (None, 3), "must have shape (any, 3); yours is (3, 4): that is the transpose."),
        (X, (None, 5), "must have shape (any, 5); yours is (3, 4)."),
        (X, (3,), "must have shape (3,); yours is (3, 4), which has 2 axes instead of 1."),
        (X[..., None], (3, 4), "(3, 4, 1): the same but for axes of length 1, so reshape it."),
        (X[:, :0], None, "The array of codes is empty: its shape is (3, 0)."),
        ([1, np.nan, np.inf], None, "Of the 3 codes, 2 are NaN or infinite."),
        (["a"], None, "That is a list of length 1, not an array of codes."),
        ([[1], [1, 2]], None, "into an array of codes: its rows have different lengths."),
        (iter([1]), None, "an iterator: turn it into an array with `np.array(list(...))`."),
        (X * 1j, None, "That is complex; an array of codes is expected, without"),
    ],
)
def test_what_is_no_such_array(value, shape, said):
    assert said in refused(expect_array, value, shape, what="codes")


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"low": 1}, "The values must be at least 1; yours go from 0 to 11."),
        ({"high": 1}, "The values must be at most 1; yours go from 0 to 11."),
        ({"low": 0, "high": 1}, "The values must be at least 0 and at most 1; yours go from 0"),
    ],
)
def test_values_out_of_range(bounds, said):
    assert said in refused(expect_array, X, **bounds)


def test_functions():
    for function in (lambda x, x_hat: 0, lambda *args: 0, lambda a, b, c=1: 0, np.add, max):
        assert expect_function(function, ("x", "x_hat")) is function


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda x: x, "The function must take (x, x_hat); yours takes (x)."),
        (lambda x, x_hat, *, beta: x, "yours takes (x, x_hat, beta)."),
        (X, "That is an array of shape (3, 4); pass the function of (x, x_hat) itself, by its"),
        (Hostile, "That is the class `Hostile`; a function of (x, x_hat) is expected."),
    ],
)
def test_what_is_no_such_function(value, said):
    assert said in refused(expect_function, value, ("x", "x_hat"))


@pytest.mark.parametrize("value", ["PCA", " p c a\n", "pca"])
def test_texts(value):
    assert expect_text(value, ("pca", "the mean")) == "pca"
    assert expect_text("TheMean", ("pca", "the mean")) == "the mean"


def test_what_is_no_option():
    options = ("pca", "mean")
    said = refused(expect_text, "median", options)
    assert said == 'That is the text \'median\'; answer with one of "pca", "mean".'
    assert "That is 3; answer with a text in quotes" in refused(expect_text, 3, options)


def test_guards_take_a_stub_for_a_stub():
    for guard, argument in (
        (expect_number, "a number"),
        (expect_array, (3,)),
        (expect_function, ("x",)),
        (expect_text, ("a", "b")),
    ):
        for stub in (None, ...):
            with pytest.raises(NotAttempted):
                guard(stub, argument)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0009, 1, True),
        (1.0011, 1, False),
        (0.0009, 0, False),
        (X, X * 1.0005, True),
        (X, 0.0, False),
        (np.ones(3), 1, True),
        (np.ones((3, 1)), np.ones(3), False),
        (1, np.ones(3), False),
        (np.nan, np.nan, False),
        ("a", 1, False),
        ([1, [2]], 1, False),
    ],
)
def test_close(a, b, expected):
    assert close(a, b) is expected


def test_close_with_an_absolute_tolerance():
    assert close(0.0009, 0, atol=1e-3)
    assert not close(0.0011, 0, atol=1e-3)


# --- Keras, TensorFlow and the kernel ----------------------------------------------------------


def test_models_and_tensors():
    import keras
    import tensorflow as tf

    def dense(units, n=4):
        return keras.Sequential([keras.Input((n,)), keras.layers.Dense(units)])

    class Subclassed(keras.Model):
        def __init__(self, pair=False):
            super().__init__()
            self.dense, self.pair = keras.layers.Dense(2), pair

        def call(self, x):
            return (self.dense(x), self.dense(x)) if self.pair else self.dense(x)

    def called(model):
        model(np.zeros((1, 4)))
        return model

    def double():
        first, second = keras.Input((4,)), keras.Input((4,))
        return keras.Model([first, second], keras.layers.Add()([first, second]))

    x = keras.Input((4,))
    for model in (dense(2), called(Subclassed()), keras.Model([x], [keras.layers.Dense(2)(x)])):
        assert expect_model(model, (4,), (2,)) is model
        assert expect_model(model) is model
        assert expect_model(model, (None,), None) is model

    for value, said in (
        (keras.Sequential([keras.layers.Dense(2)]), "The model has no weights yet"),
        (Subclassed, "pass an instance, `Subclassed(...)`"),
        (dense, "pass the Keras model that it returns"),
        (keras.layers.Dense(2), "That is a single layer, an object of type Dense"),
        (X, "That is an array of shape (3, 4); a Keras model is expected."),
        (dense(3), "the model's output must have shape (2,); yours is (3,)."),
        (dense(2, n=5), "the model's input must have shape (4,); yours is (5,)."),
        (double(), "The model has several inputs"),
        (called(Subclassed(pair=True)), "The model has several outputs"),
    ):
        assert said in refused(expect_model, value, (4,), (2,))
        assert said.replace("he model", "he coder") in refused(expect_model, value, (4,), (2,), who="coder").replace(
            " for the coder.", "."
        )
    assert "Your Subclassed raised" in refused(expect_model, called(Subclassed()), (5,), (2,))
    with pytest.raises(NotAttempted):
        expect_model(None)

    assert expect_number(tf.constant(2.0), "a number") == 2
    assert expect_number(keras.Variable(2.0), "a number") == 2
    assert expect_array(tf.ones((3, 4)), (3, 4)).shape == (3, 4)
    assert "NumPy cannot turn" in refused(expect_array, keras.Input((3,)))
    assert "of type EagerTensor and shape (3,)" in refused(expect_function, tf.ones(3), ("x",))

    def loss(x, y):
        with tf.GradientTape() as tape:
            x = tf.Variable(x)
            value = tf.reduce_sum((x - y) ** 2)
        return tape.gradient(value, x)

    assert close(call(loss, X, 0 * X), 2 * X)
    said = refused(call, tf.function(lambda x: np.asarray(tf.abs(x))), tf.ones(3))
    assert "NotImplementedError: " in said  # TensorFlow's, so it is not taken for a stub
    assert close(call(tf.function(lambda x: 2 * x), X), 2 * X)
    assert call(dense(2), X).shape == (3, 2)


def test_in_a_notebook():
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "from aetutorial.exercises import Exercise, call\n"
        "def check(answer): call(answer, 1, seconds=0.2)\n"
        "texts = dict(name='a', title='a', prompt='a', hints=['a'], solution='a', why='a')\n"
        "task = Exercise(kind='build', check=check, **texts)",
        "def helper(x):\n    return x / 0",
        "def f(x):\n    print('inside')\n    return x\ntask.check(f)",
        "task.check(lambda x: helper(x))",
        "def f(x):\n    while True: pass\ntask.check(f)",
        "task.prompt()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    root = Path(__file__).resolve().parents[2]
    NotebookClient(notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": str(root)}}).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    (shown,) = outputs.pop()
    assert (shown.output_type, {**shown.data}) == (
        "display_data",
        {"text/markdown": "#### a · build ★★★\n\na", "text/plain": "a · build ★★★\n\na"},
    )
    assert all(output.name == "stdout" for cell in outputs for output in cell)
    said = [" ".join("".join(output.text for output in cell).split()) for cell in outputs]
    assert said[2] == "inside ✓ Correct."
    assert "ZeroDivisionError: division by zero, in line 2 of `helper` (`return x / 0`)" in said[3]
    assert "did not return within 0.2 seconds" in said[4]


def test_import_is_light():
    code = "import sys, aetutorial.exercises; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
