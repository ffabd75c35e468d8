"""What users of Keras expect of `fit`, compared with `model.fit`: weights, splits, orders, callbacks of every kind."""

from __future__ import annotations

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from engine_models import difference, same, with_methods

from aetutorial import training

pytestmark = pytest.mark.no_cover  # many trainings: coverage takes a third of tracing
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 6)).astype("float32")
LABELS = np.arange(50) % 3
WEIGHTS = rng.uniform(0.1, 2, size=50).astype("float32")
INPUTS = {"batch_size": 16, "epochs": 2, "shuffle": False}


def model(loss="mse", units=6, **compiled):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(8, "tanh"), keras.layers.Dense(units, "softmax" if units == 3 else None)]
    made = keras.Sequential([keras.Input((6,)), *layers])
    made.compile(**({"optimizer": keras.optimizers.SGD(0.1), "loss": loss} | compiled))
    return made


def ours_and_theirs(make=model, x=X, y=None, **options):
    """Both histories, and how far apart the weights of the models end."""
    ours, theirs = make(), make()
    history = training.fit(ours, x, y, progress=False, **(INPUTS | options)).history
    expected = theirs.fit(x, x if y is None else y, verbose=0, **(INPUTS | options)).history
    return history, expected, difference(ours, theirs)


def assert_alike(history, expected, apart):
    assert history.keys() == expected.keys()
    for name, values in expected.items():
        assert history[name] == pytest.approx(values, rel=1e-5)
    assert apart < 1e-6


# --- weights, splits, orders ---------------------------------------------------------------------


def classifier():
    return model("sparse_categorical_crossentropy", 3)


def one_hot_classifier():
    return model("categorical_crossentropy", 3)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (model, {}),
        (model, {"callbacks": None}),
        (model, {"sample_weight": WEIGHTS}),
        (model, {"sample_weight": np.arange(50) % 2}),
        (model, {"y": -X, "sample_weight": WEIGHTS, "validation_split": 0.3}),
        (model, {"validation_split": 0.25}),
        (model, {"validation_data": (X[:20], X[:20], WEIGHTS[:20])}),
        (classifier, {"y": LABELS, "class_weight": {0: 0.2, 2: 3.0}}),
        (classifier, {"y": LABELS[:, None], "class_weight": {1: 5.0}, "validation_split": 0.1}),
        (classifier, {"y": LABELS + 1e-4, "class_weight": {0: 0.2, 2: 3.0}}),
        (one_hot_classifier, {"y": np.eye(3, dtype="float32")[LABELS], "class_weight": {0: 0.2, 1: 2.0}}),
    ],
)
def test_fit_takes_what_keras_takes(make, options):
    assert_alike(*ours_and_theirs(make, **options))


@pytest.mark.parametrize("options", [{"sample_weight": WEIGHTS}, {"class_weight": {0: 0.2, 1: 3.0}}])
def test_weights_count(options):
    plain = training.fit(classifier(), X, LABELS, progress=False, **INPUTS).history
    weighted = training.fit(classifier(), X, LABELS, progress=False, **INPUTS, **options).history
    assert weighted["loss"][0] != pytest.approx(plain["loss"][0], rel=0.01)


@pytest.mark.parametrize("weights", [[WEIGHTS, WEIGHTS[::-1].copy()], WEIGHTS], ids=["of each", "of both"])
def test_weights_of_two_targets(weights):
    def two():
        keras.utils.set_random_seed(1)
        x = keras.Input((6,))
        made = keras.Model(x, [keras.layers.Dense(6, name="a")(x), keras.layers.Dense(1, name="b")(x)])
        made.compile(keras.optimizers.SGD(0.1), loss=["mse", "mae"])
        return made

    assert_alike(*ours_and_theirs(two, y=[X, X[:, :1]], sample_weight=weights, validation_split=0.2))


def test_the_weighted_rows_are_shuffled_with_the_others():
    """Weights of 0 leave out rows, wherever a batch takes them."""
    weights = np.repeat([1.0, 0.0], 25)
    changed = np.concatenate([X[:25], X[25:] + 9])
    models = [model(), model()]
    for trained, x in zip(models, (X, changed), strict=True):
        training.fit(trained, x, sample_weight=weights, epochs=2, batch_size=16, progress=False)
    assert same(*models)


def test_without_a_compiled_loss_weights_have_nothing_to_weigh():
    made = with_methods(train_step=lambda self, data: {})
    made.compile("sgd")
    with pytest.raises(ValueError, match="`sample_weight` must be None for a step without targets"):
        training.fit(made, X, epochs=1, sample_weight=WEIGHTS)


@pytest.mark.parametrize(
    ("name", "value"), [("sample_weight", WEIGHTS), ("class_weight", {0: 1.0}), ("validation_split", 0.2), ("y", X)]
)
def test_a_dataset_brings_its_own(name, value):
    dataset = tf.data.Dataset.from_tensor_slices(X).batch(10)
    with pytest.raises(ValueError, match=f"`{name}` must be None, for `x` is a Dataset"):
        training.fit(model(), dataset, epochs=1, **{name: value})


# --- callbacks of batches ------------------------------------------------------------------------


class Recorder(keras.callbacks.Callback):
    """Notes everything that it hears, in order."""

    def __init__(self):
        super().__init__()
        self.heard, self.losses = [], []


def _noting(name):
    def note(self, first=None, logs=None):
        numbered = "batch" in name or "epoch" in name
        logs = logs if numbered else first
        self.heard.append((name, first if numbered else None, sorted(logs or {})))
        self.losses += (logs or {}).values()

    return note


for _kind in ("train_", "test_", "epoch_", "train_batch_", "test_batch_"):
    for _end in ("begin", "end"):
        setattr(Recorder, f"on_{_kind}{_end}", _noting(f"on_{_kind}{_end}"))


def on_disk(tmp_path):
    values = np.memmap(tmp_path / "x", "float32", "w+", shape=X.shape)
    values[:] = X
    return values


@pytest.mark.parametrize("kind", ["array", "memmap", "dataset"])
@pytest.mark.filterwarnings("ignore:Recorder listens")
def test_a_callback_hears_of_every_batch_what_keras_tells(tmp_path, kind):
    x = on_disk(tmp_path) if kind == "memmap" else X
    recorders = Recorder(), Recorder()
    ours, theirs = model(metrics=["mae"]), model(metrics=["mae"])
    data = tf.data.Dataset.from_tensor_slices((X, X)).batch(16) if kind == "dataset" else x
    how = {"epochs": 2} if kind == "dataset" else INPUTS
    training.fit(ours, data, validation_data=(X[:20], X[:20]), callbacks=[recorders[0]], progress=False, **how)
    pair = (data,) if kind == "dataset" else (X, X)
    theirs.fit(*pair, validation_data=(X[:20], X[:20]), callbacks=[recorders[1]], verbose=0, **how)
    if kind == "dataset":  # validation_data has another batch size: Keras's own default
        keep = [i for i, (name, *_) in enumerate(recorders[1].heard) if "test" not in name]
        assert [e for e in recorders[0].heard if "test" not in e[0]] == [recorders[1].heard[i] for i in keep]
    else:
        assert recorders[0].heard == recorders[1].heard
        np.testing.assert_allclose(recorders[0].losses, recorders[1].losses, rtol=1e-5)
    assert difference(ours, theirs) < 1e-6


def test_it_is_said_once_what_listening_costs():
    listener = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    with pytest.warns(UserWarning, match="Recorder and LambdaCallback listen to every batch, so training returns to"):
        training.fit(model(), X, callbacks=[Recorder(), listener], progress=False, **INPUTS)


def test_who_listens_to_epochs_alone_costs_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        callbacks = [
            keras.callbacks.EarlyStopping("loss"),
            keras.callbacks.ModelCheckpoint(tmp_path / "model.keras"),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        ]
        training.fit(model(), X, callbacks=callbacks, progress=False, **INPUTS)
    assert (tmp_path / "model.keras").exists()


@pytest.mark.filterwarnings("ignore:.* listens? to every batch")
def test_a_batch_is_told_what_its_step_returned():
    def train_step(self, data):
        """Return the loss of the batch, where the metric holds the mean."""
        keras.Model.train_step(self, data)
        x, y = data
        return {"loss": keras.ops.mean(keras.ops.square(self(x) - y))}

    heard = []
    for ours in (True, False):
        keras.utils.set_random_seed(1)
        made = with_methods(train_step=train_step)
        made.compile("sgd", loss="mse")
        listener = Recorder()
        if ours:
            training.fit(made, X, X, callbacks=[listener], progress=False, **INPUTS)
        else:
            made.fit(X, X, callbacks=[listener], verbose=0, **INPUTS)
        heard.append(listener.losses)
    np.testing.assert_allclose(*heard, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:.* listens to every batch")
def test_a_validation_that_was_cut_short_leaves_the_next_one_whole():
    class Cut(Recorder):
        def on_test_batch_end(self, batch, logs=None):
            super().on_test_batch_end(batch, logs)
            self.model.stop_evaluating = not any(name == "on_epoch_end" for name, *_ in self.heard)

    cuts = Cut(), Cut()
    training.fit(model(), X, validation_data=X, callbacks=[cuts[0]], progress=False, **INPUTS)
    model().fit(X, X, validation_data=(X, X), callbacks=[cuts[1]], verbose=0, **INPUTS)
    assert cuts[0].heard == cuts[1].heard


@pytest.mark.filterwarnings("ignore:.* listens to every batch")
def test_a_batch_may_end_the_training():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    histories, models = [], [model(), model()]
    histories.append(training.fit(models[0], X, callbacks=[Stop()], validation_data=X[:40], progress=False, **INPUTS))
    histories.append(models[1].fit(X, X, callbacks=[Stop()], validation_data=(X[:40], X[:40]), verbose=0, **INPUTS))
    assert_alike(histories[0].history, histories[1].history, difference(*models))
    assert models[0].optimizer.iterations == 2


@pytest.mark.filterwarnings("ignore:.* listens to every batch")
def test_a_model_is_saved_every_so_many_batches(tmp_path):
    names = {}
    for who in ("ours", "theirs"):
        made = model()
        saving = keras.callbacks.ModelCheckpoint(tmp_path / who / "{epoch}-{batch}.keras", save_freq=3)
        if who == "ours":
            training.fit(made, X, callbacks=[saving], progress=False, **INPUTS)
        else:
            made.fit(X, X, callbacks=[saving], verbose=0, **INPUTS)
        names[who] = sorted(path.name for path in (tmp_path / who).iterdir())
    assert names["ours"] == names["theirs"]
    assert len(names["ours"]) == 2
    last = keras.saving.load_model(tmp_path / "ours" / names["ours"][-1])
    assert difference(last, keras.saving.load_model(tmp_path / "theirs" / names["theirs"][-1])) < 1e-6


@pytest.mark.filterwarnings("ignore:.* listens to every batch")
@pytest.mark.parametrize("frequency", ["epoch", 2])
def test_backup_and_restore_goes_on_where_a_training_was_cut(tmp_path, frequency):
    class Cut(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    how = INPUTS | {"epochs": 4, "shuffle": True, "progress": False}
    whole = model()
    training.fit(whole, X, **how)

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=frequency)

    with pytest.raises(KeyboardInterrupt):
        training.fit(model(), X, callbacks=[backup(), Cut()], **how)
    resumed = model()
    history = training.fit(resumed, X, callbacks=[backup()], **how)
    assert history.epoch == ([2, 3] if frequency == "epoch" else [1, 2, 3])
    assert difference(resumed, whole) < 1e-6 or frequency != "epoch"
    assert not (tmp_path / "backup").exists()
    assert len(training.fit(resumed, X, **how).epoch) == 4  # what was restored holds once


@pytest.mark.filterwarnings("ignore:.* listens to every batch")
@pytest.mark.parametrize("kind", ["array", "memmap"])
def test_terminate_on_nan_ends_a_training_in_peace(tmp_path, capsys, kind):
    """As in Keras, but the weights are those from the start of the epoch."""
    x = on_disk(tmp_path) if kind == "memmap" else X
    y = X.copy()
    y[20] = 1e30  # its square is infinite
    made = model()
    before = made.get_weights()
    callback = Recorder()
    history = training.fit(made, x, y, callbacks=[keras.callbacks.TerminateOnNaN(), callback], progress=False, **INPUTS)
    assert "Batch 1: Invalid loss, terminating training" in capsys.readouterr().out
    assert len(history.history["loss"]) == 1
    assert not np.isfinite(history.history["loss"][0])
    assert all((a == b).all() for a, b in zip(made.get_weights(), before, strict=True))
    assert callback.heard[-1][0] == "on_train_end"
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 1"):
        training.fit(made, x, y, callbacks=[keras.callbacks.TerminateOnNaN(raise_error=True)], progress=False, **INPUTS)
    with pytest.raises(training.DivergenceError):
        training.fit(made, x, y, callbacks=[callback], progress=False, **INPUTS)


@pytest.mark.filterwarnings("ignore:.* listens to every batch")
def test_an_interrupted_training_that_tells_of_batches_goes_on(tmp_path):
    how = INPUTS | {"shuffle": True, "progress": False}
    whole, parts = model(), model()
    training.fit(whole, X, callbacks=[Recorder()], **(how | {"epochs": 4}))
    training.fit(parts, X, callbacks=[Recorder()], checkpoint=tmp_path, **how)
    resumed = model()
    training.fit(resumed, X, callbacks=[Recorder()], checkpoint=tmp_path, **(how | {"epochs": 4}))
    assert same(resumed, whole)


# --- strategies ----------------------------------------------------------------------------------


def test_the_strategy_of_a_model_is_found(monkeypatch):
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        made = model()
    plain = model()
    training.fit(made, X, epochs=2, batch_size=16, progress=False)
    training.fit(plain, X, epochs=2, batch_size=16, progress=False)
    assert difference(made, plain) < 1e-6
    with pytest.raises(ValueError, match="`jit` must be 'auto' or False with a strategy"):
        training.fit(made, X, epochs=1, jit=True)
    monkeypatch.setattr(type(strategy), "num_replicas_in_sync", 2)
    with pytest.raises(ValueError, match=r"`batch_size` must be such that every batch .* 2 replicas"):
        training.fit(made, X[:49], epochs=1, batch_size=16)


def test_averaged_weights_are_swapped_under_a_strategy():
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    results = []
    for scope in (strategy.scope(), tf.distribute.get_strategy().scope()):
        with scope:
            made = model(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8))
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        training.fit(made, X, epochs=3, batch_size=16, validation_data=X[:20], callbacks=[swap], progress=False)
        results.append(made)
    theirs = model(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8))
    assert difference(*results) < 1e-6
    assert theirs.weights


# --- errors, schedules ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"x": X[:, :5]}, r"This is about `x`: the model was given rows of \(50, 5\)"),
        ({"x": X, "y": X[:, :5]}, r"This is about `x` and `y`: .* \(\(50, 6\), \(50, 5\)\)"),
        ({"x": X, "validation_data": X[:, :5]}, "This is about `validation_data`"),
        ({"x": tf.data.Dataset.from_tensor_slices(X[:, :5]).batch(10)}, r"This is about `x`: .* \(None, 5\)"),
    ],
    ids=["x", "y", "validation", "dataset"],
)
def test_a_shape_that_does_not_fit_names_the_argument(data, said):
    """Keras's own message stays; what is added stands below it."""
    with pytest.raises(ValueError, match=r"incompatible|Dimensions must be equal") as caught:
        training.fit(model(), epochs=1, progress=False, **data)
    (note,) = caught.value.__notes__
    assert re.search(said, note)


def test_a_schedule_that_cannot_tell_its_settings_is_trained_and_saved(tmp_path):
    class Halving(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 * 0.5 ** (keras.ops.cast(step, "float32") / 4)

    def made(momentum=0.5):
        return model(optimizer=keras.optimizers.SGD(Halving(), momentum=momentum))

    whole, parts, resumed = made(), made(), made()
    how = {"batch_size": 16, "progress": False}
    training.fit(whole, X, epochs=3, **how)
    training.fit(parts, X, epochs=1, checkpoint=tmp_path, **how)
    training.fit(resumed, X, epochs=3, checkpoint=tmp_path, **how)
    assert same(whole, resumed)
    with pytest.raises(training.CheckpointError, match="setting of the optimizer"):
        training.fit(made(0.9), X, epochs=4, checkpoint=tmp_path, **how)
