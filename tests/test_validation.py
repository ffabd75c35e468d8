"""The checks of arguments, and the wording of errors: name, what was expected, what arrived."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

from aetutorial import validation


def refused(error: type[Exception], function, *args, **kwargs) -> str:
    """Return the message of the error, which has the one form that all have."""
    with pytest.raises(error) as caught:
        function(*args, **kwargs)
    assert type(caught.value) is error
    said = str(caught.value)
    assert re.fullmatch(r"`a` must be .+\. Received: .+\.", said)
    return said


def test_describe():
    assert validation.describe(np.zeros((2, 3), "float32")) == ("array of shape (2, 3) and dtype float32")
    assert validation.describe("x") == "'x' (str)"
    assert validation.describe(None) == "None (NoneType)"
    long = validation.describe(list(range(1000)))
    assert long.startswith("[0, 1, 2, ")
    assert long.endswith("... (list)")
    assert len(long) == len(" (list)") + 80


def test_message():
    assert validation.message("a", "odd", 4) == "`a` must be odd. Received: 4 (int)."
    assert validation.message("a", "odd", "2 values") == "`a` must be odd. Received: 2 values."


# --- integer and real ----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_integers(value):
    number = validation.integer("a", value, low=3, high=3)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize("value", [3.0, np.float64(3), True, np.bool_(True), "3", None, [3]])
def test_what_is_no_integer(value):
    said = refused(TypeError, validation.integer, "a", value)
    assert said.startswith("`a` must be an integer. Received: ")
    assert type(value).__name__ in said


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"low": 4}, "an integer of at least 4"),
        ({"high": 2}, "an integer of at most 2"),
        ({"low": 0, "high": 2}, "an integer of at least 0 and at most 2"),
    ],
)
def test_integers_out_of_range(limits, expected):
    said = refused(ValueError, validation.integer, "a", 3, **limits)
    assert said == f"`a` must be {expected}. Received: 3 (int)."
    assert expected in refused(TypeError, validation.integer, "a", "3", **limits)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), Fraction(1, 2)])
def test_reals(value):
    number = validation.real("a", value, low=0.5, high=0.5)
    assert (number, type(number)) == (0.5, float)
    assert validation.real("a", -3) == -3


@pytest.mark.parametrize("value", [True, np.bool_(False), "0.5", None, 1j, [0.5], np.ones(1)])
def test_what_is_no_real(value):
    assert "must be a finite number. " in refused(TypeError, validation.real, "a", value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.5, -0.5])
def test_reals_out_of_range(value):
    said = refused(ValueError, validation.real, "a", value, low=0, high=1)
    assert "a finite number of at least 0 and at most 1. Received: " in said


# --- choice --------------------------------------------------------------------------------------


def test_choice():
    assert validation.choice("a", "x", ("x", "y")) == "x"
    assert validation.choice("a", "x", {"x": 1}) == "x"
    said = refused(ValueError, validation.choice, "a", "z", ("x", "y"))
    assert said == "`a` must be one of 'x', 'y'. Received: 'z' (str)."
    assert "Received: ['x'] (list)" in refused(ValueError, validation.choice, "a", ["x"], {"x": 1})


# --- array ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        np.ones((2, 3), "float16"),
        np.ones((2, 3), "uint8"),
        np.ones((2, 3), bool),
        [[1, 2, 3], [4, 5, 6]],
        ((0.5, 1.0, 2.0), (0, 0, 0)),
    ],
)
def test_arrays_keep_dtype_and_values(value):
    array = validation.array("a", value, ndim=2, rows=2, min_rows=2)
    assert array.dtype == np.asarray(value).dtype
    assert (array == np.asarray(value)).all()


def test_arrays_are_not_copied():
    value = np.ones((2, 3))
    assert validation.array("a", value, low=1, high=1) is value


def test_tensors_are_arrays():
    import tensorflow as tf

    assert validation.array("a", tf.ones((2, 3)), ndim=2).shape == (2, 3)


@pytest.mark.parametrize(
    ("value", "error", "limits", "said"),
    [
        ([[1], [1, 2]], ValueError, {}, "a rectangular array of numbers. Received: [[1], [1, 2]]"),
        (["a"], TypeError, {}, "an array of numbers. Received: ['a'] (list)"),
        (None, TypeError, {}, "an array of numbers. Received: None"),
        (np.array([None]), TypeError, {}, "an array of numbers"),
        (np.zeros(2, "datetime64[s]"), TypeError, {}, "an array of numbers"),
        (3, ValueError, {}, "an array with at least 1 dimensions"),
        (np.ones(3), ValueError, {"ndim": 2}, "with 2 dimensions. Received: array of shape (3,)"),
        (np.ones(3), ValueError, {"ndim": (2, 4)}, "an array with 2 or 4 dimensions"),
        (np.ones(3), ValueError, {"rows": 2}, "an array of 2 rows"),
        (np.ones(3), ValueError, {"min_rows": 4}, "an array of at least 4 rows, not empty"),
        ([], ValueError, {}, "an array of at least 1 row, not empty"),
        (np.ones((3, 0)), ValueError, {}, "not empty. Received: array of shape (3, 0)"),
        ([1, np.nan, np.inf], ValueError, {}, "with 2 values that are NaN or infinite"),
        (np.array([1j, np.nan]), ValueError, {}, "with 1 values that are NaN or infinite"),
        ([0.0, 2.0], ValueError, {"high": 1}, "values in [-inf, 1]. Received: values from 0 to 2"),
        ([-1, 2], ValueError, {"low": 0}, "with values in [0, inf]. Received: values from -1 to 2"),
        ([0, 255], ValueError, {"low": 0, "high": 1}, "values in [0, 1]. Received: values from 0 to"),
    ],
)
def test_what_is_no_such_array(value, error, limits, said):
    assert said in refused(error, validation.array, "a", value, **limits)


def test_limits_are_part_of_the_range():
    assert validation.array("a", [0.0, 1.0], low=0, high=1).tolist() == [0, 1]
    assert validation.array("a", [True, False], low=0, high=1).tolist() == [True, False]


@pytest.mark.parametrize("dtype", ["timedelta64[s]", "datetime64[s]"])
def test_times_are_no_numbers(dtype):
    with pytest.raises(TypeError, match=rf"`x` must be an array of numbers\. Received: array .* {dtype[:-3]}"):
        validation.array("x", np.arange(4).astype(dtype))


def test_masked_values_are_missing():
    masked = np.ma.masked_equal([[1.0, -9999.0], [2.0, 3.0]], -9999.0)
    for check in (validation.array, validation.unmasked):
        with pytest.raises(ValueError, match=r"`x` must be .* without missing values.* 1 masked values? of 4"):
            check("x", masked)
    validation.unmasked("x", np.ma.masked_equal([1.0, 2.0], 5.0))
