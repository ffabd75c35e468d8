"""The eight patients of lesson 10 have the mistake they are said to have, and `diagnose` finds the five it can."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest

from aetutorial.diagnosis import diagnose
from aetutorial.exercises import lesson10, patients

FINDINGS = {
    "noise drawn once": "memorized noise",
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
    patient = case(LETTERS[mistake])
    findings = [f.name for f in diagnose(patient.model, patient.x_train, patient.x_val, patient.history)]
    assert findings == ([FINDINGS[mistake]] if mistake in FINDINGS else [])


def test_the_rivals_of_e_explain_more():
    patient = case(LETTERS["losses across units"])
    mine = patient.history.history["val_loss"][-1]
    written = re.search(r"about ([\d,]+) times as large", patient.says)[1]
    rivals = float(written.replace(",", "")) * mine  # a sum over 64 pixels from 0 to 16
    rivals /= 64 * 16**2  # as a mean over pixels from 0 to 1
    assert rivals < 0.6 * mine
    assert re.fullmatch(r"\d,?\d00", written), "more digits than processors agree on"


@pytest.mark.parametrize(
    ("number", "written"),
    [(5416.2, "5,400"), (5418.4, "5,400"), (123_456, "120,000"), (9.96, "10"), (0.01234, "0.012")],
)
def test_results_of_a_training_are_written_with_two_significant_digits(number, written):
    assert patients.roughly(number) == written


def test_b_pays_nothing_for_a_code_without_noise():
    patient = case(LETTERS["sigma for log variance"])
    z_mean, second = (np.asarray(part) for part in patient.model.encoder(patient.x_val))
    assert np.abs(second).max() < 0.3  # sigma, if it is one; a variance near 1, if it is a logarithm
    assert z_mean.std() < 0.6  # small means: nearly free, and enough without noise


def test_g_reports_a_tenth_of_its_rate():
    patient = case(LETTERS["KL averaged"])
    z_mean, z_log_var = (np.asarray(part) for part in patient.model.encoder(patient.x_val))
    full = 0.5 * np.sum(z_mean**2 + np.exp(z_log_var) - 1 - z_log_var, axis=1)
    counted = np.asarray(patient.model.rate(z_mean, z_log_var))
    np.testing.assert_allclose(10 * counted, full, rtol=1e-4)
    assert full.mean() > 15  # nats; with the full rate in its loss the same VAE pays 6
