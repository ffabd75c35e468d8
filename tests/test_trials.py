"""Trial runs: training switched off, and weights that begin one unit in the last place aside."""

from __future__ import annotations

import numpy as np
import pytest

from aetutorial import training, trials
from aetutorial.engine import keras_internals

X = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")


@pytest.fixture
def optimizer(monkeypatch):
    """The base class of optimizers, put back as it was afterwards."""
    base = keras_internals.optimizer_base()
    for name in ("apply", "build"):
        monkeypatch.setattr(base, name, getattr(base, name))
    monkeypatch.delenv("AETUTORIAL_SABOTAGE", raising=False)
    monkeypatch.delenv(trials.LAST_BITS_VARIABLE, raising=False)
    return base


def model():
    import keras

    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(6)])
    made.compile("adam", loss="mse")
    return made


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moved_values_are_neighbors_of_the_old_ones(dtype):
    values = np.random.default_rng(1).normal(size=(20, 30)).astype(dtype)
    aside = trials.moved(values, seed=1)
    assert aside.dtype == dtype
    assert (aside != values).all()
    assert (np.abs(aside - values) <= np.spacing(np.abs(values))).all()
    assert 0.4 < np.mean(aside > values) < 0.6
    assert (trials.moved(values, seed=1) == aside).all()
    assert (trials.moved(values, seed=2) != aside).any()


def test_whole_numbers_stay():
    counts = np.arange(5)
    assert trials.moved(counts, seed=1) is counts


@pytest.mark.parametrize("fit", ["keras", "engine"])
def test_training_begins_aside_and_equal_models_stay_equal(optimizer, monkeypatch, fit):
    def trained():
        made = model()
        if fit == "keras":
            made.fit(X, X, epochs=2, verbose=0, shuffle=False)
        else:
            training.fit(made, X, epochs=2, progress=False, jit=False)
        return made.get_weights()

    plain = trained()
    monkeypatch.setenv(trials.LAST_BITS_VARIABLE, "1")
    trials.begin()
    first, second = trained(), trained()
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    differences = [np.abs(a - b).max() for a, b in zip(plain, first, strict=True)]
    assert 0 < max(differences) < 1e-4


def test_without_training_the_weights_stay(optimizer, monkeypatch):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "no-training")
    trials.begin()
    made = model()
    before = made.get_weights()
    made.fit(X, X, epochs=1, verbose=0)
    assert all((a == b).all() for a, b in zip(before, made.get_weights(), strict=True))
    assert int(made.optimizer.iterations) > 0


def test_an_ordinary_run_knows_no_trials(optimizer):
    apply, build = optimizer.apply, optimizer.build
    trials.begin()
    assert (optimizer.apply, optimizer.build) == (apply, build)
