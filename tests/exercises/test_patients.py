"""The eight patients of lesson 10 have the mistake they are said to have, and `diagnose` finds the five it can."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from aetutorial.diagnosis import diagnose
from aetutorial.exercises import lesson10, patients

FOUND = {
    "noise drawn once": "memorised noise",
    "code wider than the input": "copies anything",
    "bounded output": "bounded output",
    "dead code": "dead code",
    "test data in training": "shared rows",
}
LETTERS = dict(zip(patients.MISTAKES, "ABCDEFGH", strict=True))

case = functools.cache(patients.patient)


def test_the_exercise_names_them_in_their_order():
    answer = {}
    exec(lesson10.patients.source, answer)
    assert answer["answer"] == list(patients.MISTAKES)


@pytest.mark.parametrize("mistake", patients.MISTAKES)
def test_diagnose_finds_five_and_is_silent_on_three(mistake):
    one = case(LETTERS[mistake])
    findings = [f.name for f in diagnose(one.model, one.x_train, one.x_val, one.history)]
    assert findings == ([FOUND[mistake]] if mistake in FOUND else [])


def test_the_rivals_of_e_explain_more():
    one = case(LETTERS["losses across units"])
    mine = one.history.history["val_loss"][-1]
    factor = float(one.says.split()[-4].replace(",", ""))
    rivals = factor * mine / (64 * 16**2)  # a sum over 64 pixels of 0 to 16, as a mean over [0, 1]
    assert rivals < 0.6 * mine


def test_b_pays_nothing_for_a_code_without_noise():
    one = case(LETTERS["sigma for log variance"])
    z_mean, second = (np.asarray(part) for part in one.model.encoder(one.x_val))
    assert np.abs(second).max() < 0.3  # sigma, if it is one; a variance near 1, if it is a logarithm
    assert z_mean.std() < 0.6  # small means: nearly free, and enough without noise


def test_g_reports_a_tenth_of_its_rate():
    one = case(LETTERS["KL averaged"])
    z_mean, z_log_var = (np.asarray(part) for part in one.model.encoder(one.x_val))
    full = 0.5 * np.sum(z_mean**2 + np.exp(z_log_var) - 1 - z_log_var, axis=1)
    counted = np.asarray(one.model.rate(z_mean, z_log_var))
    np.testing.assert_allclose(10 * counted, full, rtol=1e-4)
    assert full.mean() > 15  # nats; the same VAE with the full rate pays 6
