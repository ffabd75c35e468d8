"""Tables of mistakes: which sentence an answer is told, and which answers pass."""

from __future__ import annotations

import numpy as np
import pytest
from exercise_helpers import X, refused

from aetutorial.exercises import name_mistake

RIGHT = X.mean(axis=0)
NUMBERS = ((5.0, "That is the sum."), (0.5, "That is half of it."), (-1.0, "The sign is wrong."))
ARRAYS = ((X.sum(axis=0), "Those are sums."), (X.mean(axis=1), "Those are means of rows."), (X, "Nothing changed."))


@pytest.mark.parametrize("value", [1.0, 0.0, 4.9, 5.1, np.float32(1), np.int64(1), np.array(1.0)])
def test_another_number_passes(value):
    assert name_mistake(value, NUMBERS) is None


@pytest.mark.parametrize(("wrong", "sentence"), NUMBERS)
def test_each_wrong_number_is_told_its_sentence(wrong, sentence):
    for value in (wrong, wrong * 1.0009, np.float32(wrong), np.array(wrong)):
        assert refused(name_mistake, value, NUMBERS) == sentence


def test_another_array_passes():
    for value in (RIGHT, RIGHT.tolist(), RIGHT.astype("float32")):
        assert name_mistake(value, ARRAYS) is None


@pytest.mark.parametrize(("wrong", "sentence"), ARRAYS)
def test_each_wrong_array_is_told_its_sentence(wrong, sentence):
    for value in (wrong, wrong.tolist(), 1.0009 * wrong):
        assert refused(name_mistake, value, ARRAYS) == sentence


def test_an_array_matches_only_if_every_entry_does():
    sums = X.sum(axis=0)
    sums[-1] *= 1.01
    assert name_mistake(sums, ARRAYS) is None


def test_the_first_match_wins_even_where_a_later_one_is_closer():
    table = ((1.0, "First."), (1.05, "Second."), (1.05, "Third."))
    assert refused(name_mistake, 1.05, table, rtol=0.1) == "First."
    assert refused(name_mistake, 1.05, table) == "Second."
    assert refused(name_mistake, 1.05, table[::-1], rtol=0.1) == "Third."


def test_a_table_may_be_of_any_kind_and_empty():
    assert refused(name_mistake, 5.0, list(NUMBERS)) == "That is the sum."
    assert refused(name_mistake, 5.0, dict(NUMBERS).items()) == "That is the sum."
    assert refused(name_mistake, 5.0, (pair for pair in NUMBERS)) == "That is the sum."
    assert name_mistake(5.0, ()) is None


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (X[0], X[:1]),
        (X[:, :1], X[:, 0]),
        (X.T, X),
        (X[:2], X),
        (1.0, np.ones(3)),
        (np.ones((2, 3)), np.ones(3)),
        ([1.0, [2.0]], np.ones(2)),
        ("text", 1.0),
    ],
)
def test_what_has_another_shape_or_none_matches_nothing(value, wrong):
    assert name_mistake(value, [(wrong, "Wrong.")], rtol=10, atol=10) is None


def test_an_array_of_equal_numbers_matches_that_number():
    assert refused(name_mistake, np.zeros(3), [(0, "Nothing is left.")]) == "Nothing is left."


@pytest.mark.parametrize("shape", [(), (3,)])
def test_nan_matches_nothing(shape):
    nan, ones = np.full(shape, np.nan), np.ones(shape)
    for value, wrong in ((nan, nan), (ones, nan), (nan, ones)):
        assert name_mistake(value, [(wrong, "Wrong.")], rtol=10, atol=10) is None


def test_tolerances_are_relative_to_the_wrong_value_and_absolute():
    table = [(100.0, "A hundred.")]
    assert refused(name_mistake, 101.9, table, rtol=0.02) == "A hundred."
    assert name_mistake(102.1, table, rtol=0.02) is None
    assert refused(name_mistake, 100.4, table, rtol=0, atol=0.5) == "A hundred."
    assert name_mistake(100.6, table, rtol=0, atol=0.5) is None


def test_without_tolerance_an_answer_must_be_equal():
    pairs, marks = [((8, 5), "Exchanged.")], [(X > 3, "All above 3.")]
    assert refused(name_mistake, (8, 5), pairs, rtol=0) == "Exchanged."
    assert name_mistake((8, 5 + 1e-9), pairs, rtol=0) is None
    assert refused(name_mistake, X > 3, marks, rtol=0) == "All above 3."
    assert name_mistake(X > 4, marks, rtol=0) is None
