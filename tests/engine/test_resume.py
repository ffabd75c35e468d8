"""training.fit with `checkpoint=`: an interrupted run ends with the bits of one that was not interrupted."""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import resume_worker

from aetutorial import training
from aetutorial.engine.checkpoints import CheckpointError

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 6)).astype("float32")
HELD_OUT = rng.normal(size=(11, 6)).astype("float32")
WORKER = Path(resume_worker.__file__)


class Interrupted(Exception):
    pass


def plain(optimizer="adam", *, units=5, activation="tanh", loss="mse", layers=list):
    """A small model; `layers()` gives layers for its middle, made once the seed is set."""
    import keras

    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense
    made = keras.Sequential([keras.Input((6,)), dense(units, activation=activation), *layers(), dense(6)])
    made.compile(optimizer, loss=loss)
    return made


def noisy():
    import keras

    return plain(layers=lambda: [keras.layers.Dropout(0.3), keras.layers.GaussianNoise(0.1)])


def normalized():
    import keras

    return plain(layers=lambda: [keras.layers.BatchNormalization()])


def unseeded():
    """A layer whose noise comes from Keras's global generator."""
    import keras

    class Noise(keras.layers.Layer):
        def call(self, z):
            return z + 0.1 * keras.random.normal(keras.ops.shape(z))

    return plain(layers=lambda: [Noise()])


def vae():
    import keras

    class Vae(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = keras.layers.Dense(4), keras.layers.Dense(6)
            self.seeds = keras.random.SeedGenerator(8)

        def call(self, x):
            mean, log_var = keras.ops.split(self.encoder(x), 2, axis=1)
            noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
            self.add_loss(keras.ops.mean(mean**2 + keras.ops.exp(log_var) - log_var))
            return self.decoder(mean + keras.ops.exp(log_var / 2) * noise)

    keras.utils.set_random_seed(1)
    made = Vae()
    made.compile("adam", loss="mse")
    return made


def averaged():
    import keras

    return plain(keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.9))


def overwritten():
    """Averages that replace the weights every five steps."""
    import keras

    rare = {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 5}
    return plain(keras.optimizers.Adam(0.01, **rare))


def scheduled():
    import keras

    return plain(keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.8)))


def convolutional():
    import keras

    layers = keras.layers
    return plain(layers=lambda: [layers.Reshape((5, 1)), layers.Conv1D(2, 3), layers.Flatten()])


MODELS = {
    "Dropout and GaussianNoise": noisy,
    "BatchNormalization": normalized,
    "a VAE": vae,
    "no seed generator": unseeded,
    "SGD with averaged weights": averaged,
    "Adam with averages that overwrite": overwritten,
    "ExponentialDecay": scheduled,
    "convolution": convolutional,
}


def listener(at=None):
    """Return a callback that interrupts in an epoch, or never."""
    import keras

    def end(epoch, logs):
        if epoch == at:
            raise Interrupted

    return keras.callbacks.LambdaCallback(on_epoch_end=end)


def fit(model, x=X, *, hooks=(), at=None, **options):
    settings = {"epochs": 6, "batch_size": 8, "seed": 2, "progress": False, "jit": False, **options}
    return training.fit(model, x, callbacks=[*hooks, listener(at)], **settings)


def bits(model):
    """Return the values of all variables: weights, statistics, generators, the optimizer's."""
    return [np.asarray(v).tobytes() for v in (*model.variables, *model.optimizer.variables)]


def resumed(folder, make=plain, x=lambda: X, *, hooks=list, at=(3,), **options):
    """Return ((model, history) without an interruption, the same after interruptions in the epochs `at`)."""
    whole = make()
    expected = fit(whole, x(), hooks=hooks(), **options).history
    for epoch in at:
        with pytest.raises(Interrupted):
            fit(make(), x(), hooks=hooks(), at=epoch, checkpoint=folder, **options)
    model = make()
    history = fit(model, x(), hooks=hooks(), checkpoint=folder, **options).history
    return (whole, expected), (model, history)


def assert_equal(one, other):
    assert one[1] == other[1]
    assert bits(one[0]) == bits(other[0])


# --- the same bits -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path, name):
    assert_equal(*resumed(tmp_path, MODELS[name], validation_data=HELD_OUT))


@pytest.mark.parametrize("name", ["a VAE", "Dropout and GaussianNoise", "no seed generator"])
def test_so_it_does_when_xla_compiles_the_loop(tmp_path, name):
    assert_equal(*resumed(tmp_path, MODELS[name], jit=True, validation_data=HELD_OUT))


def test_the_comparison_would_see_a_generator_that_starts_anew(tmp_path):
    model, other = noisy(), noisy()
    fit(model, epochs=2)
    fit(other, epochs=1)
    fit(other, epochs=1)
    assert bits(model) != bits(other)


@pytest.mark.parametrize("at", [(0,), (5,), (1, 2, 4), (3, 3)])
def test_any_epoch_may_be_the_one_that_is_interrupted(tmp_path, at):
    assert_equal(*resumed(tmp_path, noisy, at=at))


def test_a_checkpoint_does_not_change_the_result(tmp_path):
    model, other = noisy(), noisy()
    settings = {"epochs": 6, "batch_size": 8, "seed": 2, "progress": False}
    several_at_once = training.fit(model, X, **settings).history
    assert several_at_once == training.fit(other, X, checkpoint=tmp_path, **settings).history
    assert bits(model) == bits(other)


def test_noise_whose_state_no_variable_holds_is_refused(tmp_path):
    import keras
    import tensorflow as tf

    class Noise(keras.layers.Layer):
        def call(self, z):
            return z + 0.1 * tf.random.normal(tf.shape(z))

    with pytest.raises(ValueError, match=r"`checkpoint` must be None .* RandomStandardNormal.*SeedGenerator"):
        fit(plain(layers=lambda: [Noise()]), checkpoint=tmp_path)
    fit(plain(layers=lambda: [Noise()]))


def test_data_on_disk(tmp_path):
    np.save(tmp_path / "x.npy", X)

    def x():
        return np.load(tmp_path / "x.npy", mmap_mode="r")

    assert_equal(*resumed(tmp_path / "folder", noisy, x))


def stream(x=X, seed=7, **options):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(x).shuffle(30, seed=seed, **options).batch(8)


def test_a_dataset_with_a_seeded_shuffle(tmp_path):
    assert_equal(*resumed(tmp_path, noisy, stream, at=(2, 4)))


def test_a_dataset_that_shuffles_without_a_seed_is_refused(tmp_path):
    import tensorflow as tf

    def unrepeated(chance):
        tf.random.set_seed(chance)  # stands for a new process, where nothing has set it
        return stream(seed=None)

    first, second = unrepeated(1), unrepeated(2)
    with pytest.raises(Interrupted):
        fit(plain(), first, at=2, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match=r"epoch 1 the Dataset gave other batches.*a seed"):
        fit(plain(), second, checkpoint=tmp_path)


def test_a_dataset_with_other_values_is_refused(tmp_path):
    fit(plain(), stream(), epochs=1, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match="of other training data"):
        fit(plain(), stream(X + 1), checkpoint=tmp_path)


def test_validation_by_a_dataset_that_shuffles(tmp_path):
    whole = plain()
    expected = fit(whole, validation_data=stream(HELD_OUT)).history
    with pytest.raises(Interrupted):
        fit(plain(), at=3, checkpoint=tmp_path, validation_data=stream(HELD_OUT))
    model = plain()
    history = fit(model, checkpoint=tmp_path, validation_data=stream(HELD_OUT)).history
    assert_equal((whole, expected), (model, history))


# --- more epochs, none left, ended early ---------------------------------------------------------


def test_more_epochs_than_at_first(tmp_path):
    whole = averaged()
    expected = fit(whole).history
    fit(averaged(), epochs=2, checkpoint=tmp_path)
    model = averaged()
    assert fit(model, checkpoint=tmp_path).history == expected
    assert bits(model) == bits(whole)


def test_a_finished_run_is_not_trained_further(tmp_path):
    model, again = averaged(), averaged()
    first = fit(model, checkpoint=tmp_path)
    second = fit(again, checkpoint=tmp_path, at=6)
    assert (second.history, second.epoch) == (first.history, first.epoch)
    assert bits(again) == bits(model)


def test_the_same_cell_may_be_run_again(tmp_path):
    import keras

    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=50)
    model = plain()
    first = fit(model, hooks=[stop], checkpoint=tmp_path).history
    before = bits(model)
    assert fit(model, hooks=[stop], checkpoint=tmp_path).history == first
    assert bits(model) == before


def early():
    import keras

    best = {"restore_best_weights": True, "min_delta": 0.0}
    return [keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, **best)]


def fast():
    import keras

    return plain(keras.optimizers.Adam(0.6))


def test_a_run_that_was_ended_early_stays_ended_with_the_best_weights(tmp_path):
    options = {"epochs": 60, "validation_data": HELD_OUT, "checkpoint": tmp_path}
    model, again = fast(), fast()
    history = fit(model, hooks=early(), **options).history
    assert 2 < len(history["loss"]) < 60
    assert fit(again, hooks=early(), **{**options, "epochs": 90}).history == history
    assert bits(again) == bits(model)


def test_an_interrupted_run_is_ended_early_in_the_same_epoch(tmp_path):
    options = {"epochs": 60, "validation_data": HELD_OUT}
    assert_equal(*resumed(tmp_path, fast, hooks=early, at=(2,), **options))


# --- callbacks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ReduceLROnPlateau", "EarlyStopping"])
@pytest.mark.parametrize("min_delta", [0.0, 0.04])
@pytest.mark.parametrize("at", [(2,), (1, 2)])
def test_a_callback_that_waits_for_progress_goes_on(tmp_path, kind, min_delta, at):
    import keras

    def hooks():
        return [getattr(keras.callbacks, kind)(monitor="loss", patience=3, min_delta=min_delta)]

    whole, gone_on = resumed(tmp_path, fast, hooks=hooks, epochs=40, at=at)
    rates = whole[1].get("learning_rate", [])
    assert len(whole[1]["loss"]) < 40 or len(set(rates)) > 1, "it had no cause to act"
    assert_equal(whole, gone_on)


def test_only_better_models_are_saved(tmp_path):
    import keras

    def run(name, at, **options):
        path = str(tmp_path / name / "best.weights.h5")
        best = keras.callbacks.ModelCheckpoint(path, monitor="loss", save_best_only=True, save_weights_only=True)
        fit(plain(), hooks=[best], at=at, **options)
        return best

    with pytest.raises(Interrupted):
        run("cut", 3, checkpoint=tmp_path / "folder")
    gone_on = run("cut", None, checkpoint=tmp_path / "folder")
    whole = run("whole", None)
    assert gone_on.best == whole.best
    found, expected = plain(), plain()
    found.load_weights(tmp_path / "cut" / "best.weights.h5")
    expected.load_weights(tmp_path / "whole" / "best.weights.h5")
    assert bits(found)[:4] == bits(expected)[:4]


def written(tmp_path, *, append=False, plateau=False, epochs=6):
    """Return what a CSVLogger wrote: without an interruption, and with one; and the bits of both."""
    import keras

    def hooks():
        adds = [keras.callbacks.ReduceLROnPlateau(monitor="loss")] if plateau else []
        return [keras.callbacks.CSVLogger(str(path), append=append), *adds]

    path = tmp_path / "log.csv"
    fit(plain(), hooks=hooks(), epochs=epochs)
    expected = path.read_text()
    path.unlink()
    with pytest.raises(Interrupted):
        fit(plain(), hooks=hooks(), epochs=epochs, at=3, checkpoint=tmp_path / "folder")
    fit(plain(), hooks=hooks(), epochs=epochs, checkpoint=tmp_path / "folder")
    return path.read_text(), expected


@pytest.mark.parametrize("append", [False, True])
def test_the_log_file_is_that_of_an_uninterrupted_run(tmp_path, append):
    found, expected = written(tmp_path, append=append)
    assert found == expected


def test_so_it_is_where_a_later_callback_adds_to_the_logs(tmp_path):
    found, expected = written(tmp_path, plateau=True)
    assert found == expected


def test_a_refused_run_leaves_the_log_file_alone(tmp_path):
    import keras

    path = tmp_path / "log.csv"
    fit(plain(), hooks=[keras.callbacks.CSVLogger(str(path))], checkpoint=tmp_path / "folder")
    before = path.read_text()
    with pytest.raises(CheckpointError, match="seed"):
        fit(
            plain(), hooks=[keras.callbacks.CSVLogger(str(path))], checkpoint=tmp_path / "folder",
            seed=9,
        )  # fmt: skip
    assert path.read_text() == before


def own(**kept):
    """Return a user's callback with attributes, which notes each epoch in those it knows."""
    import keras

    class Own(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            vars(self).update(kept)

        def on_epoch_end(self, epoch, logs=None):
            self.count = getattr(self, "count", 0) + 1
            self.seen.append((epoch, logs["loss"]))

    return Own()


def test_a_callback_of_ones_own_keeps_its_counter_and_its_list(tmp_path):
    whole, cut, gone_on = [own(count=0, seen=[]) for _ in range(3)]
    fit(plain(), hooks=[whole])
    with pytest.raises(Interrupted):
        fit(plain(), hooks=[cut], at=3, checkpoint=tmp_path)
    fit(plain(), hooks=[gone_on], checkpoint=tmp_path)
    assert gone_on.count == whole.count == 6
    assert gone_on.seen == whole.seen


def test_what_a_checkpoint_can_not_hold_gives_a_warning(tmp_path):
    hooks = [own(count=0, seen=collections.deque(maxlen=3))]
    with pytest.warns(UserWarning, match="Own keeps deque `seen`, which a checkpoint can't hold"):
        fit(plain(), hooks=hooks, epochs=1, checkpoint=tmp_path)


def test_nobody_is_warned_of_keras_callbacks(tmp_path):
    import keras

    made = keras.callbacks
    hooks = [
        made.EarlyStopping(monitor="loss", restore_best_weights=True),
        made.ReduceLROnPlateau(monitor="loss"),
        made.CSVLogger(str(tmp_path / "log.csv")),
        made.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(plain(), hooks=hooks, epochs=2, checkpoint=tmp_path / "folder")


# --- what is refused -----------------------------------------------------------------------------


def patience(epochs):
    import keras

    return [keras.callbacks.EarlyStopping(monitor="loss", patience=epochs)]


def adam(rate):
    import keras

    return plain(keras.optimizers.Adam(rate))


def mixed(rate):
    """A model whose optimizer scales the loss, as under mixed precision."""
    import keras

    return plain(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(rate)))


OTHERS = {
    "architecture": (lambda: plain(units=4), {}, "another model"),
    "activation": (lambda: plain(activation="relu"), {}, "another layer, loss or constant"),
    "loss": (lambda: plain(loss="mae"), {}, "another layer, loss or constant"),
    "optimizer": (lambda: plain("sgd"), {}, "another optimizer"),
    "data values": (plain, {"x": X + 1e-6}, "another set of training data"),
    "one value of the data": (plain, {"x": np.where(np.arange(180).reshape(30, 6) == 77, 0, X)},
                              "another set of training data"),
    "number of rows": (plain, {"x": X[:29]}, "another set of training data"),
    "targets of their own": (plain, {"y": X + 1, "validation_data": (HELD_OUT, HELD_OUT)},
                             "another layer, loss or constant"),
    "validation data": (plain, {"validation_data": HELD_OUT + 1}, "another set of validation data"),
    "no validation data": (plain, {"validation_data": None}, "another (set of validation data|validation step)"),
    "batch size": (plain, {"batch_size": 7}, r"another batch size \(8 there, 7 here\)"),
    "seed": (plain, {"seed": 3}, r"another seed \(2 there, 3 here\)"),
    "jit": (plain, {"jit": True}, r"another choice of jit \(False there, True here\)"),
    "schedule": (scheduled, {}, "another setting of the optimizer: learning_rate"),
    "fewer epochs": (plain, {"epochs": 1}, "epoch 2, beyond `epochs`=1"),
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder with the checkpoints of two epochs."""
    folder = tmp_path_factory.mktemp("done")
    fit(plain(), epochs=2, hooks=patience(5), validation_data=HELD_OUT, checkpoint=folder)
    return folder


def go_on(folder, make=plain, changed=None):
    settings = {"hooks": patience(5), "validation_data": HELD_OUT, "epochs": 3, **(changed or {})}
    return fit(make(), checkpoint=folder, **settings)


@pytest.mark.parametrize("name", OTHERS)
def test_the_checkpoint_of_another_run_is_refused_by_name(done, name):
    make, changed, named = OTHERS[name]
    before = {path.name: path.read_bytes() for path in done.iterdir()}
    with pytest.raises(CheckpointError, match=named):
        go_on(done, make, changed)
    assert {path.name: path.read_bytes() for path in done.iterdir()} == before


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        (lambda: patience(6), r"other callbacks: EarlyStopping: patience \(5 there, 6 here\)\."),
        (list, r"other callbacks: EarlyStopping is gone\."),
        (lambda: patience(5) + patience(7), r"other callbacks: EarlyStopping 2 is new\."),
    ],
)
def test_other_callbacks_are_reported_and_the_training_goes_on(tmp_path, done, hooks, said):
    folder = shutil.copytree(done, tmp_path / "copy")
    with pytest.warns(UserWarning, match=said):
        history = go_on(folder, changed={"hooks": hooks()})
    assert history.epoch == [0, 1, 2]
    with warnings.catch_warnings():  # from here on they are no news
        warnings.simplefilter("error", UserWarning)
        go_on(folder, changed={"hooks": hooks(), "epochs": 4})


def test_a_changed_setting_counts_and_the_rest_of_the_callback_goes_on(done, tmp_path):
    import keras

    class Counting(keras.callbacks.Callback):
        def __init__(self, limit, path):
            super().__init__()
            self.limit, self.path, self.count = limit, path, 0

        def on_epoch_end(self, epoch, logs=None):
            self.count += 1

    first, second = Counting(5, "one"), Counting(6, "two")
    fit(plain(), epochs=2, hooks=[first], checkpoint=tmp_path)
    with pytest.warns(UserWarning, match="Counting: (limit|path)"):
        fit(plain(), epochs=3, hooks=[second], checkpoint=tmp_path)
    assert (second.limit, second.path, second.count) == (6, "two", 3)


def falling():
    """Callbacks that change the learning rate: by a schedule, and on a plateau that is always there."""
    import keras

    made = keras.callbacks
    return [
        made.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        made.ReduceLROnPlateau("loss", patience=1, min_delta=9),
    ]


@pytest.mark.parametrize("make", [adam, mixed])
def test_a_training_stopped_by_hand_goes_on_though_its_learning_rate_has_changed(tmp_path, make):
    whole = make(0.01)
    expected = fit(whole, hooks=falling()).history
    assert len(set(expected["learning_rate"])) > 3
    model = make(0.01)
    with pytest.raises(Interrupted):  # after the rate has changed, before the epoch is saved
        fit(model, hooks=falling(), at=3, checkpoint=tmp_path)
    history = fit(model, hooks=falling(), checkpoint=tmp_path).history  # the same model, as in a cell that is run again
    assert_equal((whole, expected), (model, history))


def test_another_learning_rate_is_reported_for_that_of_the_checkpoint_counts(tmp_path, done):
    import keras

    folder = shutil.copytree(done, tmp_path / "copy")
    model = adam(0.5)
    with pytest.warns(UserWarning, match=r"learning rate of its checkpoint, 0\.001, not with the model's, 0\.5\."):
        go_on(folder, lambda: model)
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.001)


def test_other_targets_are_refused_as_other_data(tmp_path):
    fit(plain(), y=X + 1, epochs=1, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match="another set of training data"):
        fit(plain(), y=X + 2, checkpoint=tmp_path)


def test_a_validation_dataset_with_other_values_is_refused(tmp_path):
    options = {"epochs": 2, "checkpoint": tmp_path}
    fit(plain(), validation_data=stream(HELD_OUT), **options)
    with pytest.raises(CheckpointError, match="validation data"):
        fit(plain(), validation_data=stream(HELD_OUT + 1), **{**options, "epochs": 3})


def test_a_damaged_checkpoint_costs_one_epoch_and_no_bit(tmp_path):
    whole, model = noisy(), noisy()
    expected = fit(whole).history
    with pytest.raises(Interrupted):
        fit(noisy(), at=4, checkpoint=tmp_path)
    newest = max(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:-20])
    with pytest.warns(UserWarning, match="damaged"):
        history = fit(model, checkpoint=tmp_path).history
    assert_equal((model, history), (whole, expected))


@pytest.mark.parametrize("kind", ["a number", "a file"])
def test_what_is_no_folder_is_refused_before_training(tmp_path, kind):
    path = tmp_path / "file"
    path.write_text("mine")
    begun = []
    import keras

    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: begun.append(epoch))
    with pytest.raises((TypeError, ValueError, OSError), match="`checkpoint`"):
        fit(plain(), hooks=[note], checkpoint=3 if kind == "a number" else path)
    assert not begun


# --- processes -----------------------------------------------------------------------------------


def worker(*arguments, timeout):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(WORKER), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=True).stdout


@pytest.mark.slow
def test_two_processes_and_this_one_give_the_same_bits(tmp_path):
    for name in "ab":
        worker("run", tmp_path / name, timeout=300)
    resume_worker.train(tmp_path / "here", epochs=6, jit="auto", validated=True)
    files = [(tmp_path / name).read_bytes() for name in ("a", "b", "here")]
    assert files[0] == files[1]
    assert files[0] == files[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_fifty_kills_at_any_moment_cost_no_bit(tmp_path):
    found = json.loads(worker("kills", 50, 1, tmp_path, timeout=900))
    assert found["kills"] == 50
    assert len(set(found["epochs"])) > 10, "the kills did not come at different moments"
    assert (found["failed"], found["different"]) == (0, 0), found
