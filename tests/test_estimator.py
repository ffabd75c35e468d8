"""The autoencoder as a scikit-learn transformer, and the one around a saved encoder."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from aetutorial.estimator import Autoencoder, SavedEncoder

rng = np.random.default_rng(0)
x = (rng.standard_normal((200, 3)) @ rng.standard_normal((3, 8))).astype("float32")
y = (x[:, 0] > 0).astype(int)


def small(**settings):
    return Autoencoder(**{"latent_dim": 3, "hidden": (), "epochs": 2, "random_state": 0} | settings)


@parametrize_with_checks([small(hidden=(4,))])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def test_a_linear_one_comes_down_to_pcas_error():
    scaled = StandardScaler().fit_transform(x + 0.3 * rng.standard_normal(x.shape))
    pca = PCA(3).fit(scaled)
    floor = np.mean((scaled - pca.inverse_transform(pca.transform(scaled))) ** 2)
    model = small(epochs=400, learning_rate=0.02, batch_size=50).fit(scaled)
    assert floor <= -model.score(scaled) < 1.02 * floor
    assert model.history_[-1] < model.history_[0] / 4


def test_score_is_minus_the_error_of_the_round_trip():
    model = small().fit(x)
    x_hat = model.inverse_transform(model.transform(x))
    assert x_hat.shape == x.shape
    assert model.score(x) == pytest.approx(-np.mean((x - x_hat) ** 2), rel=1e-5)


def test_noise_changes_training_and_not_the_transformation():
    plain, noisy = small(epochs=20).fit(x), small(epochs=20, noise=1.0).fit(x)
    assert not np.allclose(plain.transform(x), noisy.transform(x))
    np.testing.assert_array_equal(noisy.transform(x), noisy.transform(x))


def test_the_same_random_state_gives_the_same_bits_and_another_one_others():
    first, second = small().fit_transform(x), small().fit_transform(x)
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, small(random_state=1).fit_transform(x))
    assert not np.allclose(*(small(random_state=None).fit_transform(x) for _ in range(2)))


def test_hidden_layers_start_from_different_weights():
    model = small(hidden=(8, 8), epochs=1, learning_rate=1e-9).fit(x)
    first, second, _ = (layer.kernel.numpy() for layer in model.encoder_.layers)
    assert first.shape == second.shape
    assert not np.allclose(first, second)


def test_the_generators_of_numpy_and_python_are_left_alone():
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    small().fit(x)
    after = np.random.rand(), random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    assert after == (np.random.rand(), random.random())  # noqa: NPY002


def test_names_of_the_outputs():
    assert list(small().fit(x).get_feature_names_out()) == [f"autoencoder{i}" for i in range(3)]


def test_it_survives_a_copy_of_its_bytes():
    model = small().fit(x)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(copy.transform(x), model.transform(x), rtol=1e-6)


def test_a_pipeline_in_a_grid_search():
    steps = make_pipeline(StandardScaler(), small(epochs=10), LogisticRegression())
    search = GridSearchCV(steps, {"autoencoder__latent_dim": [1, 3]}, cv=2).fit(x, y)
    assert search.cv_results_["mean_test_score"].shape == (2,)
    assert search.best_estimator_["autoencoder"].transform(x).shape[1] in (1, 3)


def test_a_grid_search_without_labels_keeps_the_least_error():
    search = GridSearchCV(small(epochs=100, learning_rate=0.01), {"latent_dim": [1, 3]}, cv=2)
    assert search.fit(x).best_params_ == {"latent_dim": 3}


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"latent_dim": 0}, ValueError, "latent_dim"),
        ({"latent_dim": 2.5}, TypeError, "latent_dim"),
        ({"hidden": 5}, TypeError, "hidden"),
        ({"hidden": "ab"}, TypeError, "hidden"),
        ({"hidden": (0,)}, ValueError, "hidden"),
        ({"noise": -1}, ValueError, "noise"),
        ({"epochs": 0}, ValueError, "epochs"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"learning_rate": -0.1}, ValueError, "learning_rate"),
    ],
)
def test_parameters_are_checked_when_fitting(settings, error, words):
    with pytest.raises(error, match=words):
        small(**settings).fit(x)


def test_codes_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"shape \(n, 3\)"):
        small().fit(x).inverse_transform(x)


def test_before_fit_there_is_no_code():
    for method in ("transform", "inverse_transform", "score"):
        with pytest.raises(NotFittedError):
            getattr(small(), method)(x)


# --- an encoder from a file --------------------------------------------------------------------


def encoder_of_images(folder, outputs=1):
    """Save an encoder of images of 2 x 4 pixels; return its path and the model."""
    import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((2, 4, 1))
    flat = keras.layers.Flatten()(image)
    codes = [keras.layers.Dense(3)(flat) for _ in range(outputs)]
    encoder = keras.Model(image, codes if outputs > 1 else codes[0])
    path = Path(folder) / "encoder.keras"
    encoder.save(path)
    return path, encoder


def test_a_saved_encoder_returns_the_codes_of_the_model(tmp_path):
    path, encoder = encoder_of_images(tmp_path)
    transformer = SavedEncoder(path).fit(x)
    z = np.asarray(encoder(x.reshape(-1, 2, 4, 1)))
    np.testing.assert_allclose(transformer.transform(x), z, rtol=1e-6)
    assert list(transformer.get_feature_names_out()) == [f"savedencoder{i}" for i in range(3)]


def test_one_of_several_outputs(tmp_path):
    path, encoder = encoder_of_images(tmp_path, outputs=2)
    for output in (0, 1):
        z = np.asarray(encoder(x.reshape(-1, 2, 4, 1))[output])
        transformer = SavedEncoder(path, output=output).fit(x)
        np.testing.assert_allclose(transformer.transform(x), z, rtol=1e-6)


def test_many_rows_are_encoded_in_blocks_and_none_is_lost(tmp_path):
    path, _ = encoder_of_images(tmp_path)
    many = np.tile(x, (25, 1))
    codes = SavedEncoder(path).fit_transform(many)
    np.testing.assert_allclose(codes, np.tile(codes[:200], (25, 1)), rtol=1e-5, atol=1e-6)


def test_it_can_be_cloned_searched_and_put_into_a_pipeline(tmp_path):
    path, _ = encoder_of_images(tmp_path)
    steps = clone(make_pipeline(SavedEncoder(path), LogisticRegression()))
    search = GridSearchCV(steps, {"logisticregression__C": [0.1, 1]}, cv=2).fit(x, y)
    assert search.best_score_ > 0.8


def test_the_same_codes_in_a_fresh_process(tmp_path):
    path, _ = encoder_of_images(tmp_path)
    np.save(tmp_path / "x.npy", x)
    program = (
        "import sys, numpy as np\n"
        "from aetutorial.estimator import SavedEncoder\n"
        "folder = sys.argv[1]\n"
        "x = np.load(folder + '/x.npy')\n"
        "np.save(folder + '/z.npy', SavedEncoder(folder + '/encoder.keras').fit_transform(x))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True)
    there, here = np.load(tmp_path / "z.npy"), SavedEncoder(path).fit_transform(x)
    np.testing.assert_allclose(there, here, rtol=1e-6)


def test_what_does_not_fit_is_refused(tmp_path):
    path, _ = encoder_of_images(tmp_path)
    with pytest.raises(ValueError, match=r"\(2, 4, 1\)"):
        SavedEncoder(path).fit(x[:, :5])
    with pytest.raises(ValueError, match="output"):
        SavedEncoder(path, output=1).fit(x)
    with pytest.raises(ValueError, match=r"ends in \.keras"):
        SavedEncoder(tmp_path / "encoder.h5").fit(x)
    with pytest.raises(FileNotFoundError, match="path"):
        SavedEncoder(tmp_path / "none.keras").fit(x)
    with pytest.raises(NotFittedError):
        SavedEncoder(path).transform(x)
    with pytest.raises(ValueError, match="features"):
        SavedEncoder(path).fit(x).transform(x[:, :5])


def test_an_encoder_of_two_inputs_is_refused(tmp_path):
    import keras

    inputs = [keras.Input((4,)), keras.Input((4,))]
    path = tmp_path / "two.keras"
    keras.Model(inputs, keras.layers.Concatenate()(inputs)).save(path)
    with pytest.raises(ValueError, match="one input"):
        SavedEncoder(path).fit(x)


def test_a_function_in_the_file_is_not_run(tmp_path):
    import keras

    path = tmp_path / "lambda.keras"
    image = keras.Input((8,))
    keras.Model(image, keras.layers.Lambda(lambda rows: rows * 2)(image)).save(path)
    with pytest.raises(ValueError, match=r"[Ll]ambda"):
        SavedEncoder(path).fit(x)


@keras.saving.register_keras_serializable("test_estimator")
class OfOnesOwn(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def test_an_encoder_of_a_class_of_ones_own(tmp_path):
    encoder = OfOnesOwn()
    z = np.asarray(encoder(x))
    encoder.save(tmp_path / "encoder.keras")
    transformer = SavedEncoder(tmp_path / "encoder.keras").fit(x)
    np.testing.assert_allclose(transformer.transform(x), z, rtol=1e-6)
    assert len(transformer.get_feature_names_out()) == 2


def whole_vae():
    from aetutorial import models

    inputs = keras.Input((8,))
    encoder = keras.Model(inputs, [keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)])
    vae = models.VAE(encoder, keras.Sequential([keras.Input((2,)), keras.layers.Dense(8)]))
    vae(x)
    return vae


def dicts():
    inputs = keras.Input((8,))
    return keras.Model(inputs, {"mean": keras.layers.Dense(2)(inputs), "log_var": keras.layers.Dense(2)(inputs)})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (whole_vae, "save the part named `encoder`. Received: a VAE that returns a dict of logits, z_mean, z_log_var"),
        (dicts, "returns a dict of mean, log_var"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), "must be an encoder that was built before it was saved"),
    ],
)
def test_what_is_no_encoder_is_refused_when_it_is_read(tmp_path, make, said):
    make().save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=said):
        SavedEncoder(tmp_path / "model.keras").fit(x)
