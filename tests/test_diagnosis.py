"""Five mistakes are found where they were made, and nothing is found in sound models."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

from aetutorial import training
from aetutorial.diagnosis import diagnose

D = 20


def rows(n, seed):
    """Five hidden numbers, 20 features, a little noise; standardized."""
    mix = np.random.default_rng(0).standard_normal((5, D)) / 5**0.5
    rng = np.random.default_rng([1, seed])
    x = np.tanh(rng.standard_normal((n, 5))) @ mix + 0.05 * rng.standard_normal((n, D))
    return (1.8 * x).astype("float32")


x_train, x_val = rows(1500, 0), rows(500, 1)
unit_train, unit_val = ((x - x_train.min()) / np.ptp(x_train) for x in (x_train, x_val))


def autoencoder(latent_dim=5, code=None, output=None, first=()):
    encoder = keras.Sequential(
        [keras.Input((D,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(latent_dim, code)]
    )
    decoder = keras.Sequential(
        [keras.Input((latent_dim,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(D, output)]
    )
    return keras.Sequential([keras.Input((D,)), *first, encoder, decoder])


def trained(model, x, y=None, epochs=30, rate=0.005):
    model.compile(keras.optimizers.Adam(rate), loss="mse")
    return training.fit(model, x, y, epochs=epochs, batch_size=50, progress=False, jit=False)


def names(findings):
    return [finding.name for finding in findings]


@functools.cache
def noisy(seed):
    return np.random.default_rng(seed).normal(0, 0.7, x_train.shape).astype("float32")


def wide(seed=0):
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential([keras.Input((D,)), keras.layers.Dense(40)])
    decoder = keras.Sequential([keras.Input((40,)), keras.layers.Dense(D)])
    return keras.Sequential([keras.Input((D,)), encoder, decoder])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["linear", "sigmoid", "relu code", "fresh noise", "wide, noise"])
def test_nothing_is_found_in_sound_models(kind, seed):
    keras.utils.set_random_seed(seed)
    x, held_out = (unit_train, unit_val) if kind == "sigmoid" else (x_train, x_val)
    model = {
        "linear": lambda: autoencoder(),
        "sigmoid": lambda: autoencoder(output="sigmoid"),
        "relu code": lambda: autoencoder(latent_dim=12, code="relu"),
        "fresh noise": lambda: autoencoder(first=[keras.layers.GaussianNoise(0.7, seed=seed)]),
        "wide, noise": lambda: autoencoder(latent_dim=24, first=[keras.layers.GaussianNoise(0.7, seed=seed)]),
    }[kind]()
    history = trained(model, x)
    pair = (x_train + noisy(5), x_train) if "noise" in kind else x
    assert diagnose(model, pair, held_out, history) == []


@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
def test_a_bounded_output_on_standardized_data(output):
    keras.utils.set_random_seed(0)
    model = autoencoder(output=output)
    history = trained(model, 2 * x_train, epochs=10)
    (finding,) = diagnose(model, 2 * x_train, 2 * x_val, history)
    assert finding.name == "bounded output"
    assert "linear output" in str(finding)


def test_a_bottleneck_wider_than_the_input():
    model = wide()
    history = trained(model, x_train, epochs=60)
    assert names(diagnose(model, x_train, x_val, history)) == ["copies anything"]


def test_test_data_in_training():
    keras.utils.set_random_seed(0)
    model = autoencoder()
    both = np.concatenate([x_train, x_val[:100]])
    history = trained(model, both)
    (finding,) = diagnose(model, both, x_val, history)
    assert finding.name == "shared rows"
    assert "20%" in finding.evidence


def test_equal_rows_by_nature_are_no_leak():
    keras.utils.set_random_seed(0)
    coarse, coarse_val = np.zeros_like(x_train), np.zeros_like(x_val)
    coarse[:, 0], coarse_val[:, 0] = np.arange(1500) % 7, np.arange(500) % 7
    model = autoencoder()
    trained(model, coarse, epochs=2)
    assert "shared rows" not in names(diagnose(model, coarse, coarse_val))


@pytest.mark.parametrize("seed", range(3))
def test_noise_drawn_once(seed):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((D,)),
            keras.Sequential([keras.Input((D,)), keras.layers.Dense(256, "relu")]),
            keras.Sequential([keras.Input((256,)), keras.layers.Dense(D)]),
        ]
    )
    few = x_train[:300], x_train[:300] + noisy(seed)[:300]
    history = trained(model, few[1], few[0], epochs=300)
    (finding,) = diagnose(model, few[::-1], x_val, history)
    assert finding.name == "memorized noise"
    assert "Last training loss" in finding.evidence


def test_a_dead_relu_code():
    keras.utils.set_random_seed(0)
    model = autoencoder(code="relu")
    code = model.layers[0].layers[-1]
    code.set_weights([code.get_weights()[0], np.full(5, -1e3, "float32")])
    assert names(diagnose(model, x_train, x_val)) == ["dead code"]


def test_the_encoder_can_be_named():
    inputs = keras.Input((D,))
    z = keras.layers.Dense(5)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(D)(z))
    with pytest.raises(ValueError, match="encoder"):
        diagnose(model, x_train, x_val)
    assert diagnose(model, x_train, x_val, encoder=keras.Model(inputs, z)) == []


def test_the_mean_of_two_heads_is_the_code():
    inputs = keras.Input((D,))
    heads = [keras.layers.Dense(5)(inputs), keras.layers.Dense(5)(inputs)]
    model = keras.Model(inputs, keras.layers.Dense(D)(heads[0]))
    assert diagnose(model, x_train, x_val, encoder=keras.Model(inputs, heads)) == []


def test_a_mask_is_not_taken_for_noise_that_could_be_dealt_out():
    keras.utils.set_random_seed(0)
    model = autoencoder()
    mask = np.random.default_rng(3).random(unit_train.shape) < 0.5
    history = trained(model, unit_train * mask, unit_train)
    assert diagnose(model, (unit_train * mask, unit_train), unit_val, history) == []


@pytest.mark.parametrize(("fresh", "found"), [(True, []), (False, ["memorized noise"])])
def test_noise_that_was_clipped(fresh, found):
    keras.utils.set_random_seed(0)
    few = unit_train[:200]
    noise = np.random.default_rng(4).normal(0, 0.3, (200, 200, D)).astype("float32")
    # Leaky: most of 256 relu units may die here, which is another finding, and a right one.
    model = keras.Sequential(
        [
            keras.Input((D,)),
            keras.Sequential([keras.Input((D,)), keras.layers.Dense(256, "leaky_relu")]),
            keras.Sequential([keras.Input((256,)), keras.layers.Dense(D, "sigmoid")]),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss="mse")
    for draw in range(200):
        seen = np.clip(few + noise[draw if fresh else 0], 0, 1)
        for rows_of_batch in np.split(np.random.default_rng(draw).permutation(200), 4):
            model.train_on_batch(seen[rows_of_batch], few[rows_of_batch])
    assert names(diagnose(model, (seen, few), unit_val)) == found


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"x_train": x_train[:1]}, ValueError, "x_train"),
        ({"x_train": (x_train, x_train, x_train)}, ValueError, "pair"),
        ({"x_train": (x_train, x_train[:, :3])}, ValueError, "one shape"),
        ({"x_val": x_val[:, :3]}, ValueError, "x_val"),
        ({"x_val": np.full_like(x_val, np.nan)}, ValueError, "x_val"),
        ({"history": [1.0]}, TypeError, "history"),
        ({"history": {"val_loss": [1.0]}}, TypeError, "loss"),
        ({"encoder": "the first half"}, ValueError, "encoder"),
    ],
)
def test_bad_input_gets_a_clear_error(change, error, words):
    arguments = {"x_train": x_train, "x_val": x_val} | change
    with pytest.raises(error, match=words):
        diagnose(autoencoder(), **arguments)


def test_a_model_with_another_output_shape():
    model = keras.Sequential([keras.Input((D,)), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="outputs of shape"):
        diagnose(model, x_train, x_val)


@pytest.mark.parametrize("output", ["relu", "softplus", "elu", "silu", "relu6"])
def test_an_output_that_is_bounded_on_one_side(output):
    keras.utils.set_random_seed(0)
    model = autoencoder(output=output)
    history = trained(model, x_train)
    (found,) = diagnose(model, x_train, x_val, history)
    assert found.name == "bounded output"
    assert " below " in found.evidence or output == "relu6"


@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
def test_pixels_of_0_to_255_under_a_bounded_output(output):
    keras.utils.set_random_seed(0)
    model = autoencoder(output=output)
    pixels = [np.clip(128 + 40 * x, 0, 255) for x in (x_train, x_val)]
    history = trained(model, pixels[0], epochs=60)
    assert "bounded output" in names(diagnose(model, *pixels, history))


@pytest.mark.parametrize("output", ["linear", "leaky_relu", "gelu"])
def test_outputs_that_reach_all_targets_are_not_bounded(output):
    keras.utils.set_random_seed(0)
    model = autoencoder(output=output)
    x = (x_train, x_val) if output != "gelu" else (x_train - x_train.min(), x_val - x_train.min())
    assert "bounded output" not in names(diagnose(model, *x, trained(model, x[0])))


def test_a_model_that_returns_nan_is_refused():
    model = autoencoder()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(ValueError, match=r"`model` must be a model whose outputs are finite. Received: 100% of"):
        diagnose(model, x_train, x_val)


def test_a_model_that_returns_a_dict_is_refused():
    inputs = keras.Input((D,))
    model = keras.Model(inputs, {"x_hat": keras.layers.Dense(D)(inputs)})
    with pytest.raises(ValueError, match=r"`model` must be a model with one output. Received: a dict of 'x_hat'"):
        diagnose(model, x_train, x_val)


@pytest.mark.parametrize(
    ("last", "bounded"),
    [(keras.layers.ReLU, True), (keras.layers.PReLU, False), (lambda: keras.layers.Reshape((D,)), False)],
)
def test_a_last_layer_that_is_an_activation_or_none(last, bounded):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([*autoencoder().layers, last()])
    history = trained(model, x_train, epochs=10)
    assert ("bounded output" in names(diagnose(model, x_train, x_val, history))) == bounded


def test_an_activation_of_ones_own_that_wants_the_outputs_shape():
    model = autoencoder(output=lambda z: keras.ops.reshape(z, (-1, D)))
    assert "bounded output" not in names(diagnose(model, x_train, x_val, trained(model, x_train)))


@pytest.mark.parametrize("last", [keras.layers.Flatten, lambda: keras.layers.Dropout(0.1)])
def test_a_bound_before_a_layer_that_passes_everything(last):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([*autoencoder(output="sigmoid").layers, last()])
    assert "bounded output" in names(diagnose(model, x_train, x_val, trained(model, x_train)))
