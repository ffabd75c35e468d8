"""The convolutional models, the stored ones, and the command that trains them again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tools import pretrained

NAMES = tuple(pretrained.RECIPES)


@pytest.fixture
def store():
    from aetutorial.models import store

    return store


# --- architectures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"channels": 3, "blocks": 0, "stride": 2}, {"seen": 2, "gaussian": True}])
def test_encoder_and_decoder_fit_together(settings):
    from aetutorial import models

    settings = {"channels": 4, **settings}
    encoder, decoder = models.convolutional((8, 12, 3), 5, **settings)
    x = np.zeros((2, 8, 12, settings.get("seen", 3)), np.float32)
    z = encoder(x)
    assert isinstance(z, list) == settings.get("gaussian", False)
    for part in z if isinstance(z, list) else [z]:
        assert part.shape == (2, 5)
        assert decoder(part).shape == (2, 8, 12, 3)


def test_the_last_activation_is_the_one_asked_for():
    from aetutorial import models

    z = 100 * np.ones((4, 2), np.float32)
    for activation, low, high in (("sigmoid", 0, 1), ("linear", -np.inf, np.inf)):
        _, decoder = models.convolutional((8, 8, 1), 2, channels=4, activation=activation)
        decoder.layers[-1].bias.assign([7.0])
        given = np.asarray(decoder(z))
        assert low <= given.min() <= given.max() <= high
        assert (given.max() > 1) == (activation == "linear")


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"latent_dim": 0}, "`latent_dim` must be an integer of at least 1"),
        ({"latent_dim": 2, "channels": 0}, "`channels`"),
        ({"latent_dim": 2, "blocks": -1}, "`blocks`"),
        ({"latent_dim": 2, "stride": 5}, "`stride` must be a divisor of 28 and of 28. Received: 5"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(settings, error):
    from aetutorial import models

    with pytest.raises(ValueError, match=error):
        models.convolutional((28, 28, 1), **settings)


def test_an_autoencoder_is_its_decoder_after_its_encoder_and_survives_a_file(tmp_path):
    import keras

    from aetutorial import models

    model = models.Autoencoder(*models.convolutional((8, 8, 1), 3, channels=4))
    x = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    x_hat = np.asarray(model(x))
    assert np.array_equal(x_hat, np.asarray(model.decoder(model.encoder(x))))
    assert not np.allclose(x_hat, np.asarray(model(x, training=True)))  # batch normalization knows where it is
    x_hat = np.asarray(model(x))  # its moving averages have moved
    model.save(tmp_path / "model.keras")
    assert np.array_equal(np.asarray(keras.saving.load_model(tmp_path / "model.keras")(x)), x_hat)


def test_a_gaussian_vae_charges_the_squared_error_by_its_width(tmp_path):
    import keras

    from aetutorial import models, training

    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).random((60, 8, 8, 3), np.float32)
    model = models.GaussianVAE(*models.convolutional((8, 8, 3), 2, channels=4, gaussian=True), sigma=0.2, beta=3.0)
    model.compile("adam")
    outputs = {name: np.asarray(value) for name, value in model(x).items()}
    loss = float(model.compute_loss(x=x, y_pred={name: keras.ops.array(value) for name, value in outputs.items()}))
    squared = ((x - outputs["x_hat"]) ** 2).sum(axis=(1, 2, 3)).mean() / (2 * 0.2**2)
    mean, log_var = outputs["z_mean"], outputs["z_log_var"]
    rate = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1).mean()
    assert loss == pytest.approx(squared + 3 * rate, rel=1e-5)
    history = training.fit(model, x, epochs=3, batch_size=20, progress=False).history
    assert history["distortion"][-1] < history["distortion"][0]
    model.save(tmp_path / "vae.keras")
    again = keras.saving.load_model(tmp_path / "vae.keras")
    assert (again.sigma, again.beta) == (0.2, 3.0)
    assert np.array_equal(np.asarray(again.encoder(x)[0]), np.asarray(model.encoder(x)[0]))
    with pytest.raises(ValueError, match="`sigma` must be a number above 0"):
        models.GaussianVAE(model.encoder, model.decoder, sigma=0)


# --- what is stored --------------------------------------------------------------------------------


def test_all_models_are_stored_and_small(store):
    assert NAMES == store.NAMES
    assert sorted(store.cards()) == sorted(NAMES)
    files = {path.name for path in store.FOLDER.iterdir()}
    assert files == {"cards.json", *(f"{name}.npz" for name in NAMES)}
    assert sum(path.stat().st_size for path in store.FOLDER.iterdir()) < 4_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_model_has_the_scores_of_its_card(name, store):
    card, model = store.card(name), store.load(name)
    assert f"{sum(weight.numpy().size for part in (model.encoder, model.decoder) for weight in part.weights):,}" in str(
        card
    )
    assert card.rebuild in str(card)
    assert card.epochs == pretrained.RECIPES[name].epochs
    measured = pretrained.RECIPES[name].score(model)
    assert measured.keys() == card.scores.keys()
    for score, value in measured.items():
        assert value == pytest.approx(card.scores[score], rel=2e-3), score


def test_stored_models_are_ahead_of_what_their_cards_name(store):
    for name in ("mnist-ae-30", "emoji-ae"):
        own, rival = store.card(name).scores.values()
        assert (own < rival) == (name == "mnist-ae-30")  # an error; a share that is kept


def test_an_unknown_name_lists_the_names(store):
    for function in (store.load, store.card):
        with pytest.raises(ValueError, match=r"`name` must be one of .*'mnist-vae'.*'mnist'"):
            function("mnist")


@pytest.fixture
def copied(store, tmp_path, monkeypatch):
    """Return the file of the smallest stored model, in a folder of its own."""
    name = "mnist-vae-2d"
    for part in (f"{name}.npz", "cards.json"):
        (tmp_path / part).write_bytes((store.FOLDER / part).read_bytes())
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    return tmp_path / f"{name}.npz"


@pytest.mark.parametrize("fault", ["truncated", "altered", "html", "other model", "pickle"])
def test_a_damaged_file_is_never_used(fault, store, copied):
    with np.load(copied) as file:
        weights = dict(file)
    if fault == "truncated":
        copied.write_bytes(copied.read_bytes()[:-500])
    elif fault == "html":
        copied.write_text("<html>", encoding="utf-8")
    else:
        if fault == "altered":
            weights["w0"].flat[0] += 1
        elif fault == "other model":
            del weights[f"w{len(weights) - 1}"]
        else:
            weights["w0"] = np.array([{}], dtype=object)
        np.savez(copied, **weights)
    with pytest.raises(ValueError, match=r"mnist-vae-2d\.npz was refused"):
        store.load("mnist-vae-2d")


def test_a_model_that_is_not_stored_says_how_it_is_trained(store, copied):
    (copied.parent / "cards.json").unlink()
    with pytest.raises(FileNotFoundError, match="`make pretrained MODEL=mnist-vae-2d` trains it"):
        store.load("mnist-vae-2d")


# --- the command -----------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process, at a moment that leaves no time to clean up."""


@pytest.fixture
def small_round(store, tmp_path, monkeypatch):
    """Return what trains two small models into a folder, and is killed after so many files, or not at all."""
    from aetutorial import models

    score = lambda model: {"weights": float(model.count_params())}  # noqa: E731
    recipe = pretrained.Recipe("small", "digits", 4, score, "nothing")
    monkeypatch.setattr(
        store,
        "BUILDERS",
        dict.fromkeys(
            ("one", "two"), lambda: models.Autoencoder(*models.convolutional((8, 8, 1), 4, channels=4, blocks=0))
        ),
    )
    monkeypatch.setattr(pretrained, "RECIPES", {"one": recipe, "two": recipe})
    whole = pretrained.write_whole

    def run(folder, kill_after=0):
        left = kill_after

        def counted(path, contents):
            nonlocal left
            whole(path, contents)
            left -= 1
            if left == 0:
                raise Killed

        monkeypatch.setattr(pretrained, "write_whole", counted)
        monkeypatch.setattr(pretrained, "UNFINISHED", tmp_path / folder / "unfinished")
        return pretrained.main(["--folder", str(tmp_path / folder / "models")])

    return run


@pytest.mark.no_cover
def test_a_round_that_is_killed_three_times_ends_with_the_same_weights(small_round, tmp_path, capsys):
    assert small_round("whole") == 0
    for moment in (2, 5, 5):  # in the first training; before the mark that it is done; in the second
        with pytest.raises(Killed):
            small_round("cut", moment)
    assert (tmp_path / "cut" / "unfinished" / "two").is_dir()
    capsys.readouterr()
    assert small_round("cut") == 0
    assert "Model 1 of 2, one: done in this round." in capsys.readouterr().out
    cards = [json.loads((tmp_path / kind / "models" / "cards.json").read_text("utf-8")) for kind in ("whole", "cut")]
    assert cards[0]["one"]["digest"] == cards[0]["two"]["digest"]  # the same recipe and seed
    for name in ("one", "two"):
        files = [tmp_path / kind / "models" / f"{name}.npz" for kind in ("whole", "cut")]
        assert files[0].read_bytes() == files[1].read_bytes()
        assert cards[0][name]["digest"] == cards[1][name]["digest"]
        assert cards[1][name]["minutes"] >= 0
    assert not (tmp_path / "cut" / "unfinished").exists()


def test_the_command_has_help_and_names_the_models(capsys):
    with pytest.raises(SystemExit) as stopped:
        pretrained.main(["--help"])
    assert stopped.value.code == 0
    assert "mnist-ae-30" in capsys.readouterr().out
    assert pretrained.main(["mnist-vea"]) == 2
    assert "There is no model 'mnist-vea'. There are: mnist-ae-30," in capsys.readouterr().err


def test_scores_of_digits_are_what_a_perfect_and_a_blank_model_deserve():
    class Perfect:
        class encoder:
            output_shape = (None, 30)

        def predict(self, x, **kwargs):
            return x

    scores = pretrained.score_digits(Perfect())
    assert scores["squared error per image"] == 0
    assert 12 < scores["that of clipped PCA"] < 14  # unclipped, Hinton and Salakhutdinov (2006) report 13.87
    assert pretrained.squared_error(np.ones((2, 3, 4)), np.zeros((2, 3, 4))) == 12


def test_the_bound_of_a_decoder_that_knows_nothing_is_log_two_for_each_pixel():
    class Part:
        def __init__(self, outputs):
            self.outputs = outputs

        def predict(self, x, **kwargs):
            return self.outputs(len(x))

    class Blank:
        encoder = Part(lambda n: (np.ones((n, 2), np.float32), np.zeros((n, 2), np.float32)))
        decoder = Part(lambda n: np.zeros((n, 28, 28, 1), np.float32))

    scores = pretrained.score_gray_digits(Blank())
    assert scores["distortion (nats per image)"] == pytest.approx(784 * np.log(2), rel=1e-6)
    assert scores["rate (nats per image)"] == pytest.approx(1.0)
