"""Callbacks of training.fit: the calls that they get under Keras; and what happens when a loss is no longer finite."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from engine_models import difference, same

from aetutorial import training
from aetutorial.engine import epochs as epochs_module
from aetutorial.engine import progress as progress_module

pytestmark = pytest.mark.no_cover

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)).astype("float32")


def model(rate=0.1, **settings):
    import keras

    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    made.compile(keras.optimizers.SGD(rate), loss="mse", **settings)
    return made


def recorder():
    """A callback that notes every call but those of batches."""
    import keras

    class Recorder(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.calls = []

        def note(self, name, epoch, logs):
            self.calls.append((name, epoch, dict(logs or {}), dict(self.params)))

        def on_train_begin(self, logs=None):
            self.note("train begins", None, logs)

        def on_train_end(self, logs=None):
            self.note("train ends", None, logs)

        def on_epoch_begin(self, epoch, logs=None):
            self.note("epoch begins", epoch, logs)

        def on_epoch_end(self, epoch, logs=None):
            self.note("epoch ends", epoch, logs)

        def on_test_begin(self, logs=None):
            self.note("test begins", None, logs)

        def on_test_end(self, logs=None):
            self.note("test ends", None, logs)

        def on_predict_begin(self, logs=None):
            self.note("predict begins", None, logs)

    return Recorder()


def trained_by_both(make_callback=None, *, make=model, held_out=True, epochs=4, x=X):
    """Train by fit and by Keras with all rows in one batch, so that their order hardly counts."""
    ours, theirs = make(), make()
    callbacks = [make_callback(), make_callback()] if make_callback else [None, None]
    validation = {"validation_data": (X[:20] + 1, X[:20])} if held_out else {}
    settings = {"epochs": epochs, "batch_size": len(X)} | validation
    mine = [callbacks[0]] if make_callback else []
    history = training.fit(ours, x, callbacks=mine, progress=False, **settings)
    expected = theirs.fit(x, x, callbacks=[callbacks[1]] if make_callback else [], verbose=0, **settings)
    assert difference(ours, theirs) < 1e-5
    assert history.history.keys() == expected.history.keys()
    assert history.epoch == expected.epoch
    for name, values in expected.history.items():
        np.testing.assert_allclose(history.history[name], values, rtol=1e-5)
    return ours, theirs, *callbacks, history


@pytest.mark.parametrize("held_out", [True, False])
def test_callbacks_get_the_calls_that_keras_makes(held_out):
    def make():
        return model(metrics=["mae"])

    _, _, ours, theirs, _ = trained_by_both(recorder, make=make, held_out=held_out)
    assert [call[:2] for call in ours.calls] == [call[:2] for call in theirs.calls]
    for mine, expected in zip(ours.calls, theirs.calls, strict=True):
        assert mine[2].keys() == expected[2].keys(), mine[0]
        for name, value in expected[2].items():
            assert mine[2][name] == pytest.approx(value, rel=1e-5)
        assert mine[3] == expected[3], mine[0]


def test_the_log_values_are_pythons_numbers():
    watched = recorder()
    training.fit(model(), X, epochs=2, callbacks=[watched], validation_data=X, progress=False)
    values = [value for call in watched.calls for value in call[2].values()]
    assert values
    assert all(type(value) is float for value in values)


def test_callbacks_are_called_in_their_order():
    import keras

    heard = []
    listed = [keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs, i=i: heard.append((e, i))) for i in range(3)]
    training.fit(model(), X, epochs=2, callbacks=listed, progress=False)
    assert heard == [(e, i) for e in range(2) for i in range(3)]


def test_a_callback_may_change_the_logs_for_those_after_it():
    """As under Keras: History, which comes last, notes what a callback adds."""
    import keras

    def add(epoch, logs):
        logs["twice"] = 2 * logs["loss"]

    *_, history = trained_by_both(lambda: keras.callbacks.LambdaCallback(on_epoch_end=add))
    assert history.history["twice"] == [2 * loss for loss in history.history["loss"]]


def test_early_stopping_restores_the_best_weights():
    """A rate at which the loss grows: the first epoch is the best."""
    import keras

    def stop():
        return keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)

    ours, _, callback, _, history = trained_by_both(stop, make=lambda: model(4.0), epochs=20)
    assert len(history.history["loss"]) == 3
    once = model(4.0)
    training.fit(once, X, epochs=1, batch_size=50, progress=False)
    assert callback.best_epoch == 0
    assert difference(ours, once) < 1e-6


def test_the_rate_is_lowered_on_a_plateau():
    import keras

    def lower():
        return keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1e9, factor=0.5)

    ours, theirs, *_, history = trained_by_both(lower, epochs=5)
    assert history.history["learning_rate"][-1] < 0.1
    assert float(ours.optimizer.learning_rate) == float(theirs.optimizer.learning_rate)


def test_a_rate_scheduler_sets_the_rate():
    import keras

    *_, history = trained_by_both(lambda: keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.2 / (epoch + 1)))
    np.testing.assert_allclose(history.history["learning_rate"], [0.2 / e for e in (1, 2, 3, 4)])


def test_a_rate_set_by_a_callback_holds_from_then_on():
    import keras

    kept = []

    def freeze(epoch, logs):
        kept.append(ours.get_weights()[0])
        if epoch == 1:
            ours.optimizer.learning_rate = 0.0

    ours = model()
    note = keras.callbacks.LambdaCallback(on_epoch_end=freeze)
    training.fit(ours, X, epochs=4, callbacks=[note], progress=False)
    assert (kept[0] != kept[1]).any()
    assert (kept[1] == kept[2]).all()
    assert (kept[2] == kept[3]).all()


def test_weights_set_by_a_callback_are_trained_on():
    import keras

    start = [np.zeros_like(w) for w in model().get_weights()]
    ours, theirs = model(), model()
    reset = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epoch == 2 and ours.set_weights(start))
    training.fit(ours, X, epochs=3, batch_size=50, callbacks=[reset], progress=False)
    theirs.set_weights(start)
    training.fit(theirs, X, epochs=1, batch_size=50, progress=False)
    assert difference(ours, theirs) < 1e-6


def test_the_best_model_is_saved_at_epoch_ends(tmp_path):
    import keras

    path = tmp_path / "best.weights.h5"
    saver = keras.callbacks.ModelCheckpoint(path, monitor="loss", save_best_only=True, save_weights_only=True)
    ours = model(4.0)  # diverges: the first is the best
    training.fit(ours, X, epochs=3, batch_size=50, callbacks=[saver], progress=False)
    once, loaded = model(4.0), model(4.0)
    training.fit(once, X, epochs=1, batch_size=50, progress=False)
    loaded.load_weights(path)
    assert same(loaded, once)


def test_a_csv_logger_writes_a_row_for_each_epoch(tmp_path):
    import keras

    paths = iter([tmp_path / "ours.csv", tmp_path / "theirs.csv"])
    trained_by_both(lambda: keras.callbacks.CSVLogger(next(paths)))
    ours, theirs = (list(csv.DictReader((tmp_path / f"{name}.csv").open())) for name in ("ours", "theirs"))
    assert len(ours) == 4
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.keys() == expected.keys()
        for name, value in expected.items():
            assert float(mine[name]) == pytest.approx(float(value), rel=1e-5)


def test_training_stops_where_a_callback_says_so():
    import keras

    def stop(epoch, logs):
        ours.stop_training = epoch == 2

    ours, watched = model(), recorder()
    stopper = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    history = training.fit(ours, X, epochs=9, callbacks=[stopper, watched], progress=False)
    assert history.epoch == [0, 1, 2]
    assert watched.calls[-1][0] == "train ends"
    again = training.fit(ours, X, epochs=2, progress=False)
    assert again.epoch == [0, 1]


def test_history_is_the_models():
    import keras

    ours = model()
    history = training.fit(ours, X, epochs=2, progress=False)
    assert isinstance(history, keras.callbacks.History)
    assert history is ours.history
    assert history.model is ours


def test_a_callbacks_error_is_raised_and_fit_can_be_called_again(capsys, monkeypatch):
    import keras

    def fail(epoch, logs):
        if epoch == 1:
            raise KeyError("mine")

    monkeypatch.setattr(progress_module, "EVERY", 0)
    ours = model()
    with pytest.raises(KeyError, match="mine"):
        training.fit(ours, X, epochs=3, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fail)])
    assert capsys.readouterr().out.endswith("\n"), "the line is left open"
    theirs = model()
    training.fit(theirs, X, epochs=2, progress=False)
    assert same(ours, theirs)
    assert len(training.fit(ours, X, epochs=3, progress=False).history["loss"]) == 3


# --- a loss that is not finite -------------------------------------------------------------------

TRIGGER = 37  # the row that spoils a loss
N, SIZE, SEED = 50, 8, 3
STEPS = 7


def fragile(at_epoch=0, value=np.nan, *, held_out=False):
    """A model whose loss is NaN from an epoch on in each step with the one row whose first number is 9.

    With `held_out`, only outside of training: the steps of the epochs before are counted by the optimizer.
    """
    import keras

    class Fragile(keras.Model):
        def __init__(self):
            super().__init__()
            self.noise = keras.layers.Dropout(0.3, seed=3)
            self.layer = keras.layers.Dense(4)

        def call(self, x, training=None):
            return self.layer(self.noise(x, training=training))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            usual = super().compute_loss(x, y, y_pred, sample_weight)
            here = keras.ops.any(x[:, 0] == 9)
            if held_out and training:
                return usual
            late = self.optimizer.iterations >= at_epoch * STEPS + (STEPS if held_out else 0)
            return usual + keras.ops.where(keras.ops.logical_and(here, late), value, 0.0)

    keras.utils.set_random_seed(1)
    made = Fragile()
    made.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss="mse")
    return made


def spoiled():
    x = X.copy()
    x[TRIGGER, 0] = 9
    return x


def step_of(epoch: int) -> int:
    """Return the step, from 1, in which an epoch, from 0, comes to the row."""
    place = int(np.flatnonzero(training.epoch_order(SEED, epoch, N) == TRIGGER)[0])
    return place // SIZE + 1


def all_values(trained) -> list[np.ndarray]:
    return [np.asarray(v) for v in [*trained.variables, *trained.optimizer.variables]]


def diverge(trained, x=None, **settings):
    options = {"epochs": 30, "batch_size": SIZE, "seed": SEED, "progress": False} | settings
    with pytest.raises(training.DivergenceError) as caught:
        training.fit(trained, spoiled() if x is None else x, **options)
    return caught.value


WAYS = {
    "several epochs in a call": {},
    "an epoch in a call": {"callbacks": True},
    "a step in a call": {"cut": True},
    "without XLA": {"jit": False},
}


CASES = [(way, epoch, np.nan) for way in WAYS for epoch in (0, 1, 9)]
CASES += [("several epochs in a call", 9, value) for value in (np.inf, -np.inf)]


@pytest.mark.parametrize(("way", "at_epoch", "value"), CASES)
def test_a_loss_that_is_not_finite_is_found_where_it_is(monkeypatch, way, at_epoch, value):
    options = dict(WAYS[way])
    if options.pop("cut", False):
        monkeypatch.setattr(epochs_module, "FIRST_STEPS", 1)
        monkeypatch.setattr(epochs_module, "SECONDS_PER_CALL", 1e-12)
    if options.pop("callbacks", False):
        options["callbacks"] = [recorder()]
    ours, theirs = fragile(at_epoch, value), fragile(10**6)
    error = diverge(ours, **options)
    assert isinstance(error, ArithmeticError)
    assert (error.epoch, error.step) == (at_epoch + 1, step_of(at_epoch))
    assert f"epoch {error.epoch}, step {error.step}" in str(error)
    assert len(error.history.get("loss", [])) == at_epoch
    if at_epoch:
        settings = {"batch_size": SIZE, "seed": SEED, "progress": False}
        settings["jit"] = options.get("jit", "auto")
        sound = training.fit(theirs, spoiled(), epochs=at_epoch, **settings)
        assert error.history == sound.history
        pairs = zip(ours.trainable_variables, theirs.trainable_variables, strict=True)
        assert all((np.asarray(a) == np.asarray(b)).all() for a, b in pairs)


@pytest.mark.parametrize("at_epoch", [1, 9])
def test_all_that_training_changes_is_put_back(at_epoch):
    """Weights, the optimizer's state and the state of the noise: a run of the epochs before leaves the same."""
    ours, theirs = fragile(at_epoch), fragile(at_epoch)
    error = diverge(ours)
    settings = {"batch_size": SIZE, "seed": SEED, "progress": False}
    training.fit(theirs, spoiled(), epochs=at_epoch, **settings)
    assert error.epoch == at_epoch + 1
    for a, b in zip(all_values(ours), all_values(theirs), strict=True):
        np.testing.assert_array_equal(a, b)


def test_in_the_first_epoch_the_weights_are_those_before_training():
    ours, theirs = fragile(), fragile()
    for made in (ours, theirs):
        made(spoiled()[:1])  # makes the weights
        made.set_weights([w + 0.25 for w in made.get_weights()[:2]] + made.get_weights()[2:])
    diverge(ours)
    assert same(ours, theirs)


def test_the_last_finite_loss_is_the_mean_of_the_epoch_so_far():
    at_epoch = next(epoch for epoch in range(20) if step_of(epoch) > 2)
    ours, theirs = model(), model()
    x = X.copy()
    x[TRIGGER] = 1e25  # squared, it is beyond float32
    order = training.epoch_order(SEED + at_epoch, 0, N)
    step = int(np.flatnonzero(order == TRIGGER)[0]) // SIZE + 1
    error = diverge(ours, x, seed=SEED + at_epoch)
    assert (error.epoch, error.step) == (1, step)
    if step > 1:
        rows = x[order[: (step - 1) * SIZE]]
        expected = theirs.fit(rows, rows, batch_size=SIZE, shuffle=False, verbose=0).history
        assert error.last_loss == pytest.approx(expected["loss"][0], rel=1e-5)
        assert f"{error.last_loss:.4g}" in str(error)
    else:
        assert np.isnan(error.last_loss)


def test_the_advice_names_rate_and_scale():
    x = X.copy()
    x[:, 0] *= 3e4
    error = diverge(model(0.7), x, epochs=200)
    assert "0.7" in str(error)
    assert f"{np.abs(x).max():.3g}" in str(error)


def test_a_rate_that_is_too_large_is_told():
    error = diverge(model(1e6), X, epochs=200)
    assert "learning rate" in str(error)
    assert np.isfinite(error.last_loss)


def test_after_it_fit_can_be_called_again():
    ours = model(1e6)
    diverge(ours, X, epochs=200)
    ours.optimizer.learning_rate = 0.01
    start = model()
    ours.set_weights(start.get_weights())
    assert np.isfinite(training.fit(ours, X, epochs=3, progress=False).history["loss"]).all()


@pytest.mark.parametrize("at_epoch", [0, 2])
def test_in_a_stream_it_is_found_as_well(at_epoch):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(spoiled()).batch(SIZE)
    ours, theirs = fragile(at_epoch), fragile(at_epoch)
    error = diverge(ours, data)
    assert (error.epoch, error.step) == (at_epoch + 1, TRIGGER // SIZE + 1)
    if at_epoch:
        training.fit(theirs, data, epochs=at_epoch, progress=False)
        assert same(ours, theirs)
    assert "inputs that are not scaled" not in str(error)


@pytest.mark.parametrize("at_epoch", [0, 2])
def test_a_loss_of_validation_is_told_from_one_of_training(at_epoch):
    """Steps count from the first of validation; the epoch is the one of training."""
    ours = fragile(at_epoch, held_out=True)
    error = diverge(ours, validation_data=spoiled())
    assert "The validation loss is NaN or infinite" in str(error)
    assert (error.epoch, error.step) == (at_epoch + 1, TRIGGER // SIZE + 1)
    assert len(error.history.get("loss", [])) == at_epoch


def test_after_a_loss_of_validation_the_weights_are_those_of_the_epochs_end():
    ours, theirs = fragile(2, held_out=True), fragile(2, held_out=True)
    diverge(ours, validation_data=spoiled())
    settings = {"batch_size": SIZE, "seed": SEED, "progress": False}
    training.fit(theirs, spoiled(), epochs=3, **settings)
    pairs = zip(ours.trainable_variables, theirs.trainable_variables, strict=True)
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in pairs)


def test_the_line_ends_before_the_error(capsys):
    diverge(fragile(2), progress=True)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.endswith("\n")
    assert out.split("\r")[-1].startswith("epoch 2/30: loss ")
