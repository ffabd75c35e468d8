"""The machinery of exercises, with dummy exercises and every way to misuse them."""

from __future__ import annotations

import _thread
import contextlib
import functools
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from aetutorial.exercises import (
    Exercise,
    NotAttempted,
    Wrong,
    _core,
    _run,
    call,
    close,
    expect_array,
    expect_function,
    expect_model,
    expect_number,
    expect_text,
)

X = np.arange(12.0).reshape(3, 4)


class Hostile:
    """Fails at whatever Python may ask of it."""

    def _fail(self, *args: object, **kwargs: object) -> None:
        raise RuntimeError("hostile")

    __eq__ = __repr__ = __str__ = __len__ = __array__ = __float__ = __iter__ = __bool__ = _fail
    __hash__ = __getattr__ = __call__ = __index__ = _fail


def exercise(check=lambda answer: None, **changes) -> Exercise:
    texts = {
        "name": "dummy",
        "title": "A dummy",
        "kind": "fill in",
        "prompt": "Do it.",
        "check": check,
        "hints": ("Look.", "Look again."),
        "solution": "answer = 1",
        "why": "It is one.",
    }
    return Exercise(**(texts | changes))


def refused(function, *args, **kwargs) -> str:
    """Return the one sentence with which a guard refuses."""
    with pytest.raises(Wrong) as caught:
        function(*args, **kwargs)
    sentence = str(caught.value)
    assert sentence[0].isupper()
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    return sentence


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    monkeypatch.setenv("AETUTORIAL_STRICT", "1")
    monkeypatch.setattr(_run, "STOP_SECONDS", 0.3)


# --- what a learner sees -----------------------------------------------------------------------


def test_prompt_is_wrapped_and_keeps_paragraphs_lists_and_code(capsys):
    long = "word " * 40
    code = "    def f(x):\n        return ...  # " + "long " * 20
    prompt = f"\n    {long}\n\n    Then:\n\n" + "\n".join(
        "    " + line for line in code.splitlines()
    )
    exercise(prompt=f"{prompt}\n\n    - {long}\n    - short\n    ").prompt()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["A dummy (fill in)", ""]
    assert max(len(line) for line in lines if "return" not in line) <= 88
    for line in code.splitlines():
        assert line.rstrip() in lines
    first = next(i for i, line in enumerate(lines) if line.startswith("- word"))
    assert lines[first + 1].startswith("  word")
    assert lines[-1] == "- short"
    assert " ".join(lines[2:]).count("word") == 80


def test_hints_come_in_order_and_the_last_is_repeated(capsys):
    task = exercise(hints=("Look.", "Compute\n\n    x - 1"))
    for expected in (
        "Hint 1 of 2. Look.\n",
        "Hint 2 of 2. Compute\n\n    x - 1\n",
        "That was the last hint. Hint 2 of 2. Compute\n\n    x - 1\n",
    ):
        assert task.hint() is None
        assert capsys.readouterr().out == expected
    task.hint(1)
    assert capsys.readouterr().out == "Hint 1 of 2. Look.\n"


@pytest.mark.parametrize("number", [0, 3, -1, "1", 1.0, True])
def test_a_hint_that_does_not_exist_is_no_error(capsys, number):
    exercise().hint(number)
    exercise().hint(Hostile())
    assert capsys.readouterr().out == "The hints are numbered from 1 to 2.\n" * 2


def test_solution_prints_code_that_runs(capsys):
    task = exercise(
        solution="""
            def answer(x):
                return x * scale
        """
    )
    assert task.reference(scale=3)(2) == 6
    task.solution()
    expected = "    def answer(x):\n        return x * scale\n"
    assert capsys.readouterr().out == f"One solution:\n\n{expected}\nIt is one.\n"


def test_repr_says_what_can_be_done():
    assert repr(exercise()) == "Exercise 'A dummy': .prompt(), .check(answer), .hint(), .solution()"


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"kind": "guess"}, "kind"),
        ({"prompt": "  \n "}, "prompt"),
        ({"why": ""}, "why"),
        ({"hints": ()}, "hints"),
        ({"hints": "one text"}, "hints"),
        ({"hints": ("Look.", " ")}, "hints"),
        ({"prompt": "Begun on the first line\n    and continued."}, "prompt"),
    ],
)
def test_a_malformed_exercise_is_refused(changes, argument):
    with pytest.raises(ValueError, match=f"`{argument}` must be .* Received: "):
        exercise(**changes)


# --- outcomes ----------------------------------------------------------------------------------


def _mean(answer):
    values = expect_array(call(expect_function(answer, ("x",)), X, seconds=0.3), (3,), what="means")
    if close(values, X.sum(axis=1)):
        raise Wrong("That is the sum over each row, not the mean.")
    if not close(values, X.mean(axis=1)):
        raise Wrong("That is not the mean of each row.")
    return "Three rows were averaged."


def _stub(x): ...


def _stub_raises(x):
    raise NotImplementedError


def _stub_returns(x):
    return ...


def _stub_computes(x):
    centred = ...
    return centred**2


def _stub_attribute(x):
    centred = ...
    return centred.mean(axis=1)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ...,
        (None, ...),
        [...],
        {"encoder": None},
        _stub,
        _stub_raises,
        _stub_returns,
        _stub_computes,
        _stub_attribute,
        lambda x: (None, None),
    ],
)
def test_the_untouched_stub_is_not_attempted(capsys, answer):
    task = exercise(_mean)
    assert task.outcome == "not attempted"
    task.check(answer)
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Not attempted yet. ")
    assert said.endswith("Replace the `...`, or ask for a hint with .hint().")
    assert task.outcome == "not attempted"


def test_a_forgotten_return_is_mentioned(capsys):
    exercise(_mean).check(lambda x: None)
    assert "Your function returned None: is its `return` still missing?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        (lambda x: x.mean(axis=1), "correct", "Correct. Three rows were averaged.\n"),
        (lambda x: [sum(row) / 4 for row in x], "correct", "Correct. Three rows were averaged.\n"),
        (
            lambda x: x.sum(axis=1),
            "not yet",
            "Not yet. That is the sum over each row, not the mean.\n",
        ),
        (
            lambda x: x.mean(axis=0),
            "not yet",
            "Not yet. The means must have shape (3,); yours is (4,).\n",
        ),
    ],
)
def test_outcomes(capsys, answer, outcome, said):
    task = exercise(_mean)
    assert task.check(answer) is None
    assert (task.outcome, capsys.readouterr().out) == (outcome, said)


def test_the_outcome_follows_the_last_answer(capsys):
    task = exercise(_mean)
    task.check(lambda x: x.mean(axis=1))
    task.check()
    assert task.outcome == "not attempted"
    assert exercise().judge(1) == ("correct", "")


def test_the_fault_of_a_check_is_neutral_for_the_learner_and_raised_in_tests(capsys, monkeypatch):
    task = exercise(lambda answer: answer["x"])
    with pytest.raises(TypeError):
        task.check(3)
    monkeypatch.delenv("AETUTORIAL_STRICT")
    task.check(3)
    said = " ".join(capsys.readouterr().out.split())
    assert said == (
        "Not yet. The check could not read your answer "
        "(TypeError: 'int' object is not subscriptable)."
    )
    assert task.outcome == "not yet"


WILD = [
    True,
    3,
    "text",
    b"bytes",
    1j,
    float("nan"),
    10**5000,
    [],
    [1, [2]],
    {"a": 1},
    {1, 2},
    object(),
    int,
    Hostile,
    Hostile(),
    np.array(["a"]),
    np.array([None, object()]),
    [Hostile()],
    {"z": Hostile()},
    np.zeros((0, 3)),
    np.zeros(10**6),
    np.mean,
    max,
    len,
    lambda: 1,
    lambda x: Hostile(),
    lambda x: int,
    lambda x: "text",
    lambda x: max,
    lambda x: iter(x),
    functools.partial(np.add),
    functools.partial(lambda x, y: x, 1),
    range(3),
    slice(3),
    NotImplemented,
    sys,
    Wrong("an exception"),
]


@pytest.mark.parametrize("index", range(len(WILD)))  # pytest itself chokes on some of them
@pytest.mark.parametrize(
    "guard",
    [
        _mean,
        lambda answer: call(answer, X),
        lambda answer: expect_number(answer, "a number, such as 0.123"),
        lambda answer: expect_array(answer, (None, 3)),
        lambda answer: expect_text(answer, ("pca", "mean")),
        lambda answer: expect_function(answer, ("x", "x_hat", "z", "beta")),
    ],
    ids=["mean", "call", "number", "array", "text", "function"],
)
def test_wild_input_gets_one_sentence(capsys, guard, index):
    def check(given):
        guard(given)  # strict: what a guard lets through other than Wrong fails this test

    exercise(check).check(WILD[index])
    said = " ".join(capsys.readouterr().out.split())
    assert said == "Correct." or said.startswith("Not yet. ")
    assert said.endswith((".", "?"))
    assert len(said) < 420
    assert " at 0x" not in said


# --- the guarded call --------------------------------------------------------------------------


def test_call_passes_arguments_and_returns_the_value(capsys):
    def function(x, *, scale):
        print("from the function")
        return x * scale

    assert (call(function, X, scale=2) == 2 * X).all()
    assert capsys.readouterr().out == "from the function\n"
    assert call(max, 1, 2) == 2
    assert call(functools.partial(pow, 2), 3) == 8
    assert call(Fraction, 1, 2) == Fraction(1, 2)


def test_call_keeps_the_context():
    with np.errstate(divide="raise"):
        assert "FloatingPointError" in refused(call, lambda x: x / 0, X + 1)


def test_no_function():
    assert refused(call, 3) == "A function is expected here, not 3."
    with pytest.raises(NotAttempted):
        call(None, X)


def test_wrong_number_of_parameters():
    said = refused(call, lambda x, *rest, beta, **options: x, X, 1)
    assert said == (
        "Your function is called with 2 arguments (an array of shape (3, 4); 1), "
        "but it takes (x, *rest, beta, **options)."
    )
    assert refused(call, lambda x: x).startswith("Your function is called with 0 arguments, but")


def _divide(x):
    one = 1
    return one / x


def test_an_exception_names_type_message_line_and_input():
    assert refused(call, _divide, 0) == (
        "Your function raised ZeroDivisionError: division by zero, in line 3 "
        "(`return one / x`), when called with x = 0."
    )


def test_an_exception_in_a_helper_names_the_helper():
    def outer(x):
        return _divide(0) + x

    assert "in line 3 of `_divide` (`return one / x`)" in refused(call, outer, X)
    assert "in line 3 (`return one / x`)" in refused(call, functools.partial(_divide, 0))


def test_an_exception_in_a_library_names_the_learners_line():
    def matrix(x):
        return np.linalg.inv(x)

    said = refused(call, matrix, X)
    assert "LinAlgError" in said
    assert "in line 2 (`return np.linalg.inv(x)`)" in said
    assert ", in line" not in refused(call, np.linalg.inv, X)


def test_exceptions_of_every_sort_are_reported():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    def fail(error):
        raise error

    def bottomless(x):
        return bottomless(x)

    assert "raised Odd, in line 2" in refused(call, fail, Odd())
    assert "raised KeyboardInterrupt" in refused(call, fail, KeyboardInterrupt())
    assert "tried to end Python (SystemExit)" in refused(call, fail, SystemExit(0))
    assert "calls itself without end (RecursionError)" in refused(call, bottomless, X)
    assert len(refused(call, fail, ValueError("long\n" * 1000))) < 400
    assert "raised Wrong: theirs" in refused(call, fail, Wrong("theirs"))


def test_what_is_returned_must_be_a_value():
    def generator(x):
        yield x

    async def coroutine(x):
        return x

    async def both(x):
        yield x

    assert "`return` where it says `yield`" in refused(call, generator, X)
    assert "`return` where it says `yield`" in refused(call, both, X)
    assert "`def` where it says `async def`" in refused(call, coroutine, X)


def _set_first(value):
    value[0] = -1
    return value


@pytest.mark.parametrize(
    "change",
    [
        _set_first,
        lambda value: value.__imul__(2),
        lambda value: value.sort(axis=0) or value[::-1].sort(axis=0) or value.fill(9) or 1,
        lambda value: setattr(value, "shape", (12,)) or 1,
    ],
)
@pytest.mark.filterwarnings("ignore:Setting the shape")
def test_an_input_changed_in_place_is_noticed_and_not_ours(change):
    x = X.copy()
    assert "changed its input `value` in place" in refused(call, change, x)
    assert (x == X).all()
    assert x.shape == X.shape


@pytest.mark.parametrize(
    "given", [[1.0, 2.0], [X, X], {0: X}, {0: 1, 1: 2}, [np.float32(1), "a", None]]
)
def test_lists_and_dicts_are_watched_too(given):
    assert "changed its input `value` in place" in refused(call, _set_first, given)
    assert call(lambda value: len(value), given) == len(given)


def test_nested_and_named_inputs_are_watched():
    def update(weights, *rest, bias=0):
        for array in [*weights[0].values(), *rest, bias]:
            if array is not None:
                array += 1
        return 1

    assert "`weights`" in refused(call, update, ({"w": X},), None, bias=None)
    assert "`argument 2`" in refused(call, update, ({},), X, bias=None)
    assert "`bias`" in refused(call, update, ({},), bias=X)


def test_inputs_left_alone_are_not_blamed():
    rng, nan = np.random.default_rng(0), np.array([np.nan, -0.0])

    def function(rng, nan, items):
        rng.normal()  # a generator is meant to advance
        return nan * 2

    call(function, rng, nan, [float("nan"), rng, None])
    assert np.isnan(nan[0])


def _workers() -> int:
    return sum(thread.name == "exercise" for thread in threading.enumerate())


def _endless(x):
    while True:
        x = x + 1


def _swallows_exceptions(x):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.001)


def _swallows_everything(x):
    swallowed = 0
    while swallowed < 3:
        try:
            while True:
                time.sleep(0.001)
        except:  # noqa: E722
            swallowed += 1
    return swallowed


def _cleans_up(x):
    try:
        while True:
            pass
    finally:
        sum(range(1000))


@pytest.mark.parametrize(
    "function", [_endless, _swallows_exceptions, _swallows_everything, _cleans_up]
)
def test_a_loop_that_never_ends_is_stopped(capfd, function):
    before = _workers()
    started = time.monotonic()
    said = refused(call, function, 0, seconds=0.2)
    assert said == (
        "Your function did not return within 0.2 seconds; is there a loop that never ends?"
    )
    assert time.monotonic() - started < 2
    assert _workers() == before
    assert capfd.readouterr() == ("", "")


def test_a_function_that_cannot_be_stopped_is_left_behind():
    release = threading.Event()

    def stubborn(x):
        while not release.is_set():
            try:
                while not release.wait(0.001):
                    pass
            except:  # noqa: E722
                pass

    said = refused(call, stubborn, 0, seconds=0.1)
    release.set()
    assert said.endswith("It is still running: restart the kernel.")


def test_a_slow_function_may_finish():
    def slow(x):
        time.sleep(0.1)
        return x

    assert call(slow, 5, seconds=5) == 5


def test_the_stop_button_stops_the_function_and_reaches_the_learner():
    before = _workers()

    def interrupted(x):
        _thread.interrupt_main()
        while True:
            pass

    with pytest.raises(KeyboardInterrupt):
        call(interrupted, 0, seconds=5)
    assert _workers() == before


# --- the other guards --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [12.5, Fraction(25, 2), np.float32(12.5), np.array(12.5), np.array([[12.5]]), [12.5]]
)
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
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    root = Path(__file__).resolve().parent.parent
    NotebookClient(
        notebook, kernel_name="python3", timeout=60, resources={"metadata": {"path": str(root)}}
    ).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert all(output.name == "stdout" for cell in outputs for output in cell)
    said = [" ".join("".join(output.text for output in cell).split()) for cell in outputs]
    assert said[2] == "inside Correct."
    assert "ZeroDivisionError: division by zero, in line 2 of `helper` (`return x / 0`)" in said[3]
    assert "did not return within 0.2 seconds" in said[4]


def test_import_is_light():
    code = "import sys, aetutorial.exercises; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_layout_leaves_long_words_whole():
    word = "x" * 100
    assert _core.layout(f"{word} {word} a b") == f"{word}\n{word}\na b"
