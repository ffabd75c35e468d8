"""Models against closed forms, Keras's own loop and a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from aetutorial import training

rng = np.random.default_rng(0)
x = (rng.random((300, 12)) < rng.random(12)).astype("float32")
labels = np.eye(3, dtype="float32")[rng.integers(0, 3, 300)]


def made(conditional=False, rate=0.01, **settings):
    """A small VAE with tanh layers, compiled."""
    import keras

    from aetutorial import models

    keras.utils.set_random_seed(1)
    dense, latent_dim = keras.layers.Dense, 2
    x_in, z_in = keras.Input((12,)), keras.Input((latent_dim,))
    extra = [keras.Input((3,))] if conditional else []
    join = keras.layers.Concatenate() if conditional else lambda inputs: inputs[0]
    hidden = dense(8, activation="tanh")(join([x_in, *extra]))
    encoder = keras.Model(
        [x_in, *extra] if conditional else x_in, [dense(latent_dim)(hidden), dense(latent_dim)(hidden)]
    )
    hidden = dense(8, activation="tanh")(join([z_in, *extra]))
    decoder = keras.Model([z_in, *extra] if conditional else z_in, dense(12)(hidden))
    kind = models.ConditionalVAE if conditional else models.VAE
    vae = kind(encoder, decoder, **settings)
    vae.compile(keras.optimizers.Adam(rate))
    return vae


@pytest.fixture(params=[False, True], ids=["plain", "conditional"])
def conditional(request):
    return request.param


def inputs(conditional):
    return {"x": x, "labels": labels} if conditional else x


def test_negative_log_likelihood_is_kerass_cross_entropy_summed_over_pixels():
    import keras

    from aetutorial import models

    images, logits = x.reshape(-1, 3, 4, 1), rng.normal(0, 5, (300, 3, 4, 1)).astype("float32")
    nats = np.asarray(models.negative_log_likelihood(images, logits))
    assert nats.shape == (300,)
    flat, flat_logits = images.reshape(-1, 12, 1), logits.reshape(-1, 12, 1)
    each = keras.losses.binary_crossentropy(flat, flat_logits, from_logits=True)
    np.testing.assert_allclose(nats, np.sum(each, axis=1), rtol=1e-4)


def test_negative_log_likelihood_stays_finite_and_takes_integers():
    from aetutorial import models

    ones, logits = np.ones((1, 2), "uint8"), np.array([[200.0, -200.0]], "float32")
    assert float(models.negative_log_likelihood(ones, logits)[0]) == 200


def test_kl_to_prior_by_monte_carlo():
    from aetutorial import models

    mean, log_var = np.array([[0.5, -1.0, 2.0]]), np.array([[0.3, -2.0, 1.0]])
    z = mean + np.exp(0.5 * log_var) * np.random.default_rng(1).standard_normal((400_000, 3))
    ratios = (norm.logpdf(z, mean, np.exp(0.5 * log_var)) - norm.logpdf(z)).sum(axis=1)
    error = 4 * ratios.std() / np.sqrt(len(z))
    assert float(models.kl_to_prior(mean, log_var)[0]) == pytest.approx(ratios.mean(), abs=error)
    assert float(models.kl_to_prior(0 * mean, 0 * mean)[0]) == 0


def test_sample_has_the_mean_and_variance_that_it_is_told():
    vae = made()
    mean, log_var = np.full((20_000, 2), [1.0, -3.0]), np.full((20_000, 2), np.log([0.25, 4.0]))
    z = np.asarray(vae.sample(mean.astype("float32"), log_var.astype("float32")))
    np.testing.assert_allclose(z.mean(axis=0), [1, -3], atol=0.06)
    np.testing.assert_allclose(z.std(axis=0), [0.5, 2], rtol=0.03)


def test_loss_is_distortion_plus_beta_times_rate(conditional):
    vae = made(conditional, beta=3.0)
    result = vae.evaluate(inputs(conditional), batch_size=100, verbose=0, return_dict=True)
    assert set(result) == {"loss", "distortion", "rate"}
    assert result["loss"] == pytest.approx(result["distortion"] + 3 * result["rate"], rel=1e-5)


def test_one_draw_of_the_elbo_is_right_on_average():
    """Against the expectation over the code by Gauss-Hermite quadrature."""
    vae = made()
    z_mean, z_log_var = (np.asarray(part, "float64") for part in vae.encoder(x[:1]))
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.outer(weights, weights).ravel() / (2 * np.pi)
    logits = np.asarray(vae.decoder((z_mean + np.exp(0.5 * z_log_var) * grid).astype("float32")))
    nats = (np.logaddexp(0, logits) - x[:1] * logits).sum(axis=1)
    repeated = np.repeat(x[:1], 20_000, axis=0)
    result = vae.evaluate(repeated, batch_size=5000, verbose=0, return_dict=True)
    assert result["distortion"] == pytest.approx(float(mass @ nats), rel=2e-3)


def test_both_loops_train_it_and_validate_it(conditional):
    data = inputs(conditional)
    ours, kerass = made(conditional, rate=0.03), made(conditional, rate=0.03)
    by_fit = training.fit(ours, data, epochs=25, batch_size=50, validation_data=data, progress=False).history
    by_keras = kerass.fit(data, epochs=25, batch_size=50, validation_data=(data, None), verbose=0).history
    names = {"loss", "distortion", "rate"}
    assert set(by_fit) == set(by_keras) == names | {f"val_{name}" for name in names}
    assert by_fit["val_loss"][-1] < by_fit["val_loss"][0] - 0.3
    # Other batches and other noise: equal up to their chance.
    assert by_fit["val_loss"][-1] == pytest.approx(by_keras["val_loss"][-1], rel=0.05)


LOAD = """
import keras, numpy as np
import aetutorial.models
x, labels = np.load("x.npy"), np.load("labels.npy")
for name, data in (("plain", x), ("conditional", {"x": x, "labels": labels})):
    model = keras.saving.load_model(f"{name}.keras")
    np.savez(f"{name}.npz", **model.predict(data, batch_size=300, verbose=0))
    print(model.beta, model.seed)
"""


def test_loaded_in_a_fresh_process_it_gives_the_same_output(tmp_path):
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "labels.npy", labels)
    expected = {}
    for name, conditional in (("plain", False), ("conditional", True)):
        vae = made(conditional, beta=2.0, seed=5)
        data = inputs(conditional)
        training.fit(vae, data, epochs=2, batch_size=50, progress=False)
        vae.save(tmp_path / f"{name}.keras")
        trained = vae.predict(data, batch_size=300, verbose=0)
        vae.random.state.assign([5, 0])  # where a loaded model's noise begins: Keras does not save it
        expected[name] = vae.predict(data, batch_size=300, verbose=0)
        np.testing.assert_array_equal(expected[name]["z_mean"], trained["z_mean"])
    done = subprocess.run([sys.executable, "-c", LOAD], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2.0", "5"] * 2
    for name, here in expected.items():
        with np.load(tmp_path / f"{name}.npz") as there:
            assert set(there) == set(here)
            for key, values in here.items():
                np.testing.assert_allclose(there[key], values, rtol=1e-5, atol=1e-6)


def test_the_seed_decides_about_the_noise():
    draws = [made(seed=seed).predict(x, verbose=0)["logits"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.abs(draws[0] - draws[2]).max() > 0.1


def bare(definition: ast.AST) -> str:
    """Return a definition without docstrings, annotations and the layout of the text."""
    for node in ast.walk(definition):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.dump(definition)


def test_the_models_are_those_that_lesson_6_shows():
    root = Path(__file__).resolve().parent.parent
    shown = (root / "notebooks" / "text" / "06_generation.py").read_text("utf-8")
    kept = (root / "aetutorial" / "models" / "variational.py").read_text("utf-8")
    parts = [
        {node.name: bare(node) for node in ast.parse(text).body if hasattr(node, "name")} for text in (shown, kept)
    ]
    assert len(parts[1]) == 4
    for name, definition in parts[1].items():
        assert parts[0][name] == definition, f"{name} differs from the lesson's"


def test_the_comparison_sees_a_difference():
    kept = "def f(x: int) -> int:\n    'Doc.'\n    return x + 1"
    same, other = "def f(x):\n    return (x + 1)", "def f(x):\n    return x + 2"
    dumps = [bare(ast.parse(text).body[0]) for text in (kept, same, other)]
    assert dumps[0] == dumps[1] != dumps[2]
