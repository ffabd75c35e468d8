"""The guarded call of a learner's function: exceptions, changed inputs, endless loops."""

from __future__ import annotations

import _thread
import contextlib
import functools
import signal
import threading
import time
from fractions import Fraction

import numpy as np
import pytest
from exercise_helpers import X, refused

from aetutorial.exercises import NotAttempted, Wrong, call

pytestmark = pytest.mark.usefixtures("strict")


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
    numerator = 1
    return numerator / x


def test_an_exception_names_type_message_line_and_input():
    assert refused(call, _divide, 0) == (
        "Your function raised ZeroDivisionError: division by zero, in line 3 "
        "(`return numerator / x`), when called with x = 0."
    )


def test_an_exception_in_a_helper_names_the_helper():
    def outer(x):
        return _divide(0) + x

    assert "in line 3 of `_divide` (`return numerator / x`)" in refused(call, outer, X)
    assert "in line 3 (`return numerator / x`)" in refused(call, functools.partial(_divide, 0))


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


@pytest.mark.parametrize("given", [[1.0, 2.0], [X, X], {0: X}, {0: 1, 1: 2}, [np.float32(1), "a", None]])
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


@pytest.mark.parametrize("function", [_endless, _swallows_exceptions, _swallows_everything, _cleans_up])
def test_a_loop_that_never_ends_is_stopped(capfd, function):
    before = _workers()
    started = time.monotonic()
    said = refused(call, function, 0, seconds=0.2)
    assert said == ("Your function did not return within 0.2 seconds; is there a loop that never ends?")
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


@pytest.fixture
def _stop_button():
    """Answer the stop signal as a kernel does; a worker of pytest-xdist would ignore it."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.usefixtures("_stop_button")
def test_the_stop_button_stops_the_function_and_reaches_the_learner():
    before = _workers()

    def interrupted(x):
        _thread.interrupt_main()
        while True:
            pass

    with pytest.raises(KeyboardInterrupt):
        call(interrupted, 0, seconds=5)
    assert _workers() == before
