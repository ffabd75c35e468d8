"""training.fit against Keras's own loop on the same batches: the same weights, the same history."""

from __future__ import annotations

import numpy as np
import pytest
from engine_models import MODELS, data_for, difference, keras_fit

from aetutorial import training

pytestmark = pytest.mark.no_cover

FOUR = ("dense", "convolutional", "deterministic latent", "batch-normalized")


def made(name, optimizer, seed=3):
    import keras

    keras.utils.set_random_seed(seed)
    return MODELS[name](optimizer() if callable(optimizer) else optimizer)


def both(name, optimizer, *, dtype="float32", n=50, batch_size=16, epochs=3, jit="auto"):
    """Return (ours, Keras's) models and histories after the same training."""
    ours, theirs = made(name, optimizer), made(name, optimizer)
    x = data_for(name, n, dtype)
    held_out = (x[:7], x[:7])
    settings = {"epochs": epochs, "batch_size": batch_size, "seed": 5, "validation_data": held_out}
    history = training.fit(ours, x, jit=jit, progress=False, **settings).history
    expected = keras_fit(theirs, x, x, **settings)
    return ours, theirs, history, expected


@pytest.fixture
def float64():
    import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


# XLA takes seconds to compile a loop, so it compiles those of one optimizer here and of the other below.
@pytest.mark.parametrize(("optimizer", "jit"), [("sgd", False), ("adam", "auto")])
@pytest.mark.parametrize("name", FOUR)
def test_weights_agree_in_float64(float64, name, optimizer, jit):
    ours, theirs, history, expected = both(name, optimizer, dtype="float64", jit=jit)
    assert difference(ours, theirs) < 1e-8
    assert history.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-8)


@pytest.mark.parametrize(("optimizer", "bound", "jit"), [("sgd", 1e-5, "auto"), ("adam", 1e-3, False)])
@pytest.mark.parametrize("name", MODELS)
def test_weights_agree_in_float32(name, optimizer, bound, jit):
    ours, theirs, history, expected = both(name, optimizer, jit=jit)
    assert difference(ours, theirs) < bound
    assert history.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(history[key], values, rtol=max(bound, 1e-4))


@pytest.mark.parametrize("name", FOUR)
def test_the_comparison_would_see_another_order(name):
    x = data_for(name)
    trained = [made(name, "adam"), made(name, "adam")]
    for seed, model in enumerate(trained):
        training.fit(model, x, epochs=3, batch_size=16, seed=seed, jit=False, progress=False)
    assert difference(*trained) > 1e-3
