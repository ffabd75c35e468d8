"""training.fit: chance, seeds, shapes and types of data, features of Keras, the progress line, what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from engine_models import keras_fit
from scipy import stats

from aetutorial import training
from aetutorial.engine import epochs as epochs_module
from aetutorial.engine import progress as progress_module

pytestmark = pytest.mark.no_cover

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)).astype("float32")
LABELS = np.arange(50) % 3
Y = X[:, :1] ** 2


def model(outputs: int = 4, *, dropout: float = 0.0, compiled: bool = True):
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.Input((4,)), keras.layers.Dropout(dropout), keras.layers.Dense(outputs)]
    made = keras.Sequential(layers)
    if compiled:
        made.compile("adam", loss="mse")
    return made


def same(a, b) -> bool:
    return all((v == w).all() for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def difference(ours, theirs) -> float:
    pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
    return max(float(np.abs(a.astype(float) - b.astype(float)).max()) for a, b in pairs)


def seen(written: str) -> list[str]:
    """Return what a terminal shows: a carriage return goes to the start of the line and overwrites."""
    lines = []
    for line in written.split("\n"):
        shown: list[str] = []
        for part in line.split("\r"):
            shown[: len(part)] = part
        lines.append("".join(shown).rstrip())
    return lines


# --- chance --------------------------------------------------------------------------------------


def noisy(kind):
    """A model whose loss is mostly noise."""
    import keras

    layers = keras.layers

    class Sampling(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed_generator = keras.random.SeedGenerator(8)

        def call(self, z):
            return z + keras.random.normal(keras.ops.shape(z), seed=self.seed_generator)

    keras.utils.set_random_seed(2)
    noise = {
        "dropout": lambda: layers.Dropout(0.5),
        "gaussian noise": lambda: layers.GaussianNoise(1.0),
        "sampling": Sampling,
    }[kind]()
    made = keras.Sequential([keras.Input((4,)), layers.Dense(4), noise, layers.Dense(4)])
    made.compile(keras.optimizers.SGD(0.1), loss="mse")
    return made


@pytest.mark.parametrize("kind", ["dropout", "gaussian noise", "sampling"])
def test_noise_has_the_distribution_that_it_has_under_keras(kind):
    """At rate 0 the loss of each of 60 epochs is one draw. False alarms: 2 in 10000 runs for each comparison."""
    ours, theirs = noisy(kind), noisy(kind)
    for trained in (ours, theirs):
        trained.optimizer.learning_rate = 0.0
    found = training.fit(ours, X, epochs=60, batch_size=25, progress=False).history["loss"]
    expected = theirs.fit(X, X, epochs=60, batch_size=25, verbose=0).history["loss"]
    assert len(set(found)) == 60
    assert stats.ttest_ind(found, expected, equal_var=False).pvalue > 2e-4
    ratio = np.var(found, ddof=1) / np.var(expected, ddof=1)
    assert 2 * min(stats.f.sf(ratio, 59, 59), stats.f.cdf(ratio, 59, 59)) > 2e-4


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize("kind", ["dropout", "gaussian noise", "sampling", "no seed"])
def test_every_step_of_every_epoch_draws_its_own_noise(kind, jit):
    import keras

    layers = keras.layers

    class Table(layers.Layer):
        """Keeps a number for each step that shows which noise was drawn."""

        def __init__(self):
            super().__init__()
            self.table = self.add_weight(shape=(8,), initializer="zeros", trainable=False)
            self.count = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)
            self.seed_generator = keras.random.SeedGenerator(8)
            self.noise = layers.Dropout(0.5) if kind == "dropout" else layers.GaussianNoise(1.0)

        def call(self, x, training=None):
            ones = keras.ops.ones((30,))
            if kind in ("dropout", "gaussian noise"):
                drawn = self.noise(ones, training=True)
            else:
                seed = self.seed_generator if kind == "sampling" else None
                drawn = keras.random.normal((30,), seed=seed)
            if training:
                key = keras.ops.sum(drawn * keras.ops.sqrt(keras.ops.arange(1.0, 31.0)))
                here = keras.ops.cast(keras.ops.arange(8) == self.count, "float32")
                self.table.assign(self.table * (1 - here) + key * here)
                self.count.assign(self.count + 1)
            return x

    keras.utils.set_random_seed(1)
    table = Table()
    made = keras.Sequential([keras.Input((4,)), table, layers.Dense(4)])
    made.compile("sgd", loss="mse")
    training.fit(made, X, epochs=2, batch_size=13, jit=jit, progress=False)
    found = np.asarray(table.table)
    assert int(table.count) == 8
    assert len(np.unique(found.round(5))) == 8, found


# --- the seed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize("kind", ["dropout", "gaussian noise", "sampling"])
def test_the_seed_settles_the_result(kind, jit):
    results = []
    for seed in (0, 0, 1):
        results.append(noisy(kind))
        training.fit(results[-1], X, epochs=2, batch_size=8, seed=seed, jit=jit, progress=False)
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_a_second_training_goes_on_with_the_weights():
    once, twice = model(), model()
    training.fit(once, X, epochs=1, seed=1, progress=False)
    training.fit(twice, X, epochs=1, seed=1, progress=False)
    training.fit(twice, X, epochs=1, seed=2, progress=False)
    keras_fit(once, X, X, epochs=1, batch_size=128, seed=2)
    assert difference(once, twice) < 1e-6


def test_the_order_is_a_permutation_of_each_seed_and_epoch():
    orders = [training.epoch_order(seed, epoch, 20) for seed in (0, 1) for epoch in (0, 1)]
    for order in orders:
        assert sorted(order) == list(range(20))
    assert len({tuple(order) for order in orders}) == 4
    assert (training.epoch_order(1, 1, 20) == orders[3]).all()


# --- numbers of rows, batch sizes, types of numbers ----------------------------------------------

ROWS = (1, 2, 15, 16, 17, 31, 32, 33, 100)
SIZES = (1, 2, 16, 100, 1000)
EPOCHS = (1, 2, 3, 20)
TYPES = ("float64", "float32", "float16", "uint8", "bool", "int64")
ALL = list(itertools.product(ROWS, SIZES, EPOCHS, TYPES))
CHOSEN = [ALL[i] for i in np.random.default_rng(4).choice(len(ALL), 12, replace=False)]
CHOSEN += [(1, 16, 3, "float32"), (17, 16, 20, "bool"), (33, 1000, 2, "float64")]


@pytest.mark.parametrize(("n", "size", "epochs", "dtype"), CHOSEN)
def test_any_shape_and_type_agrees_with_keras(n, size, epochs, dtype):
    values = np.random.default_rng(n).uniform(-1, 1, (n, 4))
    x = (np.abs(values) * 3 if dtype == "uint8" else np.round(values)).astype(dtype)
    x = values.astype(dtype) if dtype.startswith("float") else x
    ours, theirs = model(), model()
    for trained in (ours, theirs):
        trained.compile("sgd", loss="mse", metrics=["mae"])
    settings = {"epochs": epochs, "batch_size": size, "seed": 3}
    history = training.fit(ours, x, validation_data=x, progress=False, **settings).history
    expected = keras_fit(theirs, x, x, validation_data=(x, x), **settings)
    assert difference(ours, theirs) < 1e-5
    assert history.keys() == expected.keys()
    for name, losses in expected.items():
        assert len(history[name]) == epochs
        np.testing.assert_allclose(history[name], losses, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("epochs", [1, 7])
@pytest.mark.parametrize("jit", [True, False])
def test_how_the_work_is_cut_into_calls_does_not_show_in_the_bits(monkeypatch, jit, epochs):
    results, histories = [], []
    for first_steps, seconds in [(1, 1e-12), (3, 1e-12), (32, 0.5), (10**6, 1e3)]:
        monkeypatch.setattr(epochs_module, "FIRST_STEPS", first_steps)
        monkeypatch.setattr(epochs_module, "SECONDS_PER_CALL", seconds)
        results.append(noisy("dropout"))
        settings = {"epochs": epochs, "batch_size": 8, "jit": jit, "progress": False}
        histories.append(training.fit(results[-1], X, **settings).history)
    assert all(same(results[0], other) for other in results[1:])
    assert all(histories[0] == other for other in histories[1:])


# --- features of Keras ---------------------------------------------------------------------------


def one_layer(optimizer, loss="mse", **settings):
    import keras

    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(4)])
    made.compile(optimizer, loss=loss, **settings)
    return made, X, X


def optimizers():
    from keras import optimizers as o

    s = o.schedules
    return {
        "exponential decay": lambda: o.SGD(s.ExponentialDecay(0.5, 3, 0.7)),
        "piecewise": lambda: o.SGD(s.PiecewiseConstantDecay([4, 9], [0.5, 0.1, 0.01])),
        "cosine": lambda: o.Adam(s.CosineDecay(0.01, 10, warmup_target=0.1, warmup_steps=3)),
        "weight decay": lambda: o.AdamW(0.01, weight_decay=0.5, epsilon=1e-3),
        "clipnorm": lambda: o.SGD(0.5, clipnorm=0.05),
        "global clipnorm": lambda: o.SGD(0.5, global_clipnorm=0.05),
        "clipvalue": lambda: o.SGD(0.5, clipvalue=0.01),
        "accumulated": lambda: o.SGD(0.5, momentum=0.9, gradient_accumulation_steps=3),
        "nesterov": lambda: o.SGD(0.1, momentum=0.9, nesterov=True),
        "rmsprop": lambda: o.RMSprop(0.01, epsilon=1e-3),
    }


NAMES = [
    "exponential decay",
    "piecewise",
    "cosine",
    "weight decay",
    "clipnorm",
    "global clipnorm",
    "clipvalue",
    "accumulated",
    "nesterov",
    "rmsprop",
]


def agree(make, bound=1e-5, **settings):
    """Train two models that `make` returns with their data, one by Keras; compare weights and histories."""
    import keras

    (ours, x, y), (theirs, _, _) = make(), make()
    settings = {"epochs": 3, "batch_size": 16, "seed": 5} | settings
    history = training.fit(ours, x, y, progress=False, **settings).history
    keras.utils.set_random_seed(5)
    expected = keras_fit(theirs, x, y, **settings)
    assert difference(ours, theirs) < bound
    assert history.keys() == expected.keys()
    for name, losses in expected.items():
        np.testing.assert_allclose(history[name], losses, rtol=10 * bound, atol=bound)
    return ours, theirs


@pytest.mark.parametrize("name", NAMES)
def test_optimizers_agree_with_keras(name):
    agree(lambda: one_layer(optimizers()[name]()), 1e-4 if name == "cosine" else 1e-5)


@pytest.mark.parametrize("every", [None, 5])
def test_a_moving_average_takes_the_weights_place(every):
    """Keras writes it at the end of each fit, too, so its fit is called once, with all rows in a batch."""
    import keras

    average = {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": every}
    ours, theirs, plain = (one_layer(keras.optimizers.SGD(0.1, **settings))[0] for settings in (average, average, {}))
    for trained in (ours, plain):
        training.fit(trained, X, epochs=13, batch_size=50, progress=False)
    theirs.fit(X, X, epochs=13, batch_size=50, verbose=0)
    assert difference(ours, theirs) < 1e-6
    assert difference(ours, plain) > 1e-3


def several(kind):
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(1)
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    both = layers.Concatenate()([layers.Dense(4, activation="tanh")(a), b])
    outputs = {"one": layers.Dense(4, name="one")(both), "two": layers.Dense(1, name="two")(both)}
    xs = {"a": X, "b": X[:, :3] ** 3}
    if kind == "list":
        made = keras.Model([a, b], list(outputs.values()))
        made.compile("sgd", loss=["mse", "mae"], loss_weights=[0.3, 2.0])
        return made, list(xs.values()), [X, Y]
    made = keras.Model({"a": a, "b": b}, outputs)
    made.compile(
        "sgd", loss={"one": "mse", "two": "mae"}, loss_weights={"one": 0.3, "two": 2.0}, metrics={"two": ["mse"]}
    )
    return made, xs, {"one": X, "two": Y}


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_several_inputs_and_outputs_agree_with_keras(kind):
    agree(lambda: several(kind))


def classifier():
    import keras

    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    made.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return made, X, np.argmax(X[:, :3], axis=1)


def own_step():
    import keras

    class Own(keras.Model):
        """Counts its loss in a metric of its own and halves the gradients."""

        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(4)
            self.tracker = keras.metrics.Mean(name="size")

        def call(self, x):
            return self.layer(x)

        def train_step(self, data):
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x, y, y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply([g / 2 for g in gradients], self.trainable_variables)
            self.tracker.update_state(keras.ops.max(keras.ops.abs(y_pred)))
            return {"loss": loss, "size": self.tracker.result()}

    keras.utils.set_random_seed(1)
    made = Own()
    made.compile("sgd", loss="mse")
    return made, X, X


def own_metric():
    import keras

    class Tracked(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(4)
            self.kl = keras.metrics.Mean(name="kl")

        def call(self, x):
            return self.layer(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            kl = keras.ops.sum(keras.ops.square(y_pred), axis=1)
            self.kl.update_state(kl)
            return keras.ops.mean(kl) + super().compute_loss(x, y, y_pred, sample_weight)

    keras.utils.set_random_seed(1)
    made = Tracked()
    made.compile("sgd", loss="mse")
    return made, X, X


def embedded():
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    made = keras.Sequential(
        [keras.Input((4,), dtype="int64"), layers.Embedding(10, 3), layers.Flatten(), layers.Dense(4)]
    )
    made.compile("sgd", loss="mse")
    return made, (np.abs(X) * 4).astype("int64") % 10, X


def recurrent(layer):
    import keras

    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((5, 2)), getattr(keras.layers, layer)(3), keras.layers.Dense(4)])
    made.compile("sgd", loss="mse")
    return made, np.random.default_rng(1).normal(size=(50, 5, 2)).astype("float32"), X


@pytest.mark.parametrize("make", [classifier, own_step, own_metric, embedded])
def test_models_agree_with_keras(make):
    agree(make)


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_recurrent_layers_agree_with_keras(layer):
    agree(lambda: recurrent(layer))


def test_metrics_of_validation_agree_with_keras():
    for make in (classifier, own_metric, own_step):
        _, x, y = make()
        ours, _ = agree(make, validation_data=(x[:20], y[:20]))
        assert any(name.startswith("val_") for name in ours.history.history)


def test_mixed_precision_agrees_with_keras():
    """A float16 has 11 bits: the bound is a few of its steps at the size of the weights."""
    import keras

    def make():
        keras.config.set_dtype_policy("mixed_float16")
        try:
            return one_layer(keras.optimizers.SGD(0.1))
        finally:
            keras.config.set_dtype_policy("float32")

    ours, theirs = agree(make, 4e-3)
    (start, _, _) = make()
    assert isinstance(ours.optimizer, keras.optimizers.LossScaleOptimizer)
    assert difference(ours, start) > 10 * difference(ours, theirs)


# --- what is returned ----------------------------------------------------------------------------


def test_without_targets_the_input_is_the_target():
    ours, theirs = model(), model()
    first = training.fit(ours, X, epochs=2, validation_data=X[:5], progress=False).history
    second = training.fit(theirs, X, X, epochs=2, validation_data=(X[:5], X[:5]), progress=False).history
    assert first == second
    assert set(first) == {"loss", "val_loss"}
    assert len(first["loss"]) == 2
    assert same(ours, theirs)


def test_history_without_validation():
    history = training.fit(model(), X.tolist(), epochs=3, progress=False)
    assert list(history.history) == ["loss"]
    assert history.epoch == [0, 1, 2]
    assert history.params["epochs"] == 3


def test_the_data_are_left_as_they_are():
    x, y = X.copy(), Y.astype("float64")
    training.fit(model(1), x, y, epochs=2, progress=False)
    assert (x == X).all()
    assert y.dtype == "float64"


# --- the progress line ---------------------------------------------------------------------------


def test_the_line_that_stays_holds_the_last_losses_and_no_timing(capsys):
    history = training.fit(model(), X, epochs=3, validation_data=X[:5]).history
    expected = f"epoch 3/3: loss {history['loss'][-1]:.4g}, val_loss {history['val_loss'][-1]:.4g}"
    assert seen(capsys.readouterr().out) == [expected, ""]


def test_a_slow_training_rewrites_one_line(capsys, monkeypatch):
    import keras

    monkeypatch.setattr(progress_module, "EVERY", 0)
    training.fit(model(), X, epochs=3, callbacks=[keras.callbacks.Callback()])
    captured = capsys.readouterr()
    parts = [part for part in captured.out.split("\r") if part.strip()]
    assert [part.split(":")[0].split(",")[0] for part in parts][-2:] == ["epoch 2/3", "epoch 3/3"]
    assert all(part.rstrip().endswith(" s left") for part in parts[:-1])
    assert captured.out.count("\n") == 1
    (line, _) = seen(captured.out)
    assert "left" not in line
    assert line.startswith("epoch 3/3: loss ")
    assert captured.err == ""


def test_parts_of_a_long_epoch_are_shown(capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "EVERY", 0)
    monkeypatch.setattr(epochs_module, "FIRST_STEPS", 1)
    monkeypatch.setattr(epochs_module, "SECONDS_PER_CALL", 1e-12)
    history = training.fit(model(), X, epochs=2, batch_size=10).history
    captured = capsys.readouterr().out
    parts = [part.rstrip() for part in captured.split("\r") if part.strip()]
    first = [part for part in parts if part.startswith("epoch 0/2")]
    assert [part.split(",")[0] for part in first] == [
        f"epoch 0/2 ({percent}% of the next)" for percent in (20, 40, 60, 80)
    ]
    loss = f"epoch 1/2: loss {history['loss'][0]:.4g} ("
    second = [part for part in parts if part.startswith(loss)]
    assert [part.split("(")[1].split(" ")[0] for part in second] == ["20%", "40%", "60%", "80%"]
    assert all(part.endswith(" s left") for part in first + second)
    assert seen(captured) == [f"epoch 2/2: loss {history['loss'][1]:.4g}", ""]


def test_the_loss_beside_an_epochs_number_is_of_that_epoch(capsys, monkeypatch):
    import keras

    monkeypatch.setattr(progress_module, "EVERY", 0)
    nothing = keras.callbacks.Callback()  # makes each epoch a call
    losses = training.fit(model(), X, epochs=4, callbacks=[nothing]).history["loss"]
    parts = [part for part in capsys.readouterr().out.split("\r") if part.strip()]
    for part in parts:
        done = int(part.split("/")[0].removeprefix("epoch "))
        assert done == 0 or f"loss {losses[done - 1]:.4g}" in part


@pytest.mark.parametrize(("done", "shown"), [(0.0, False), (0.5, True), (1.0, True)])
def test_the_line_is_shown_once_there_is_something_to_tell(capsys, monkeypatch, done, shown):
    monkeypatch.setattr(progress_module, "EVERY", 0)
    progress_module.ProgressLine(3).show(done)
    assert ("epoch" in capsys.readouterr().out) == shown


def test_the_time_left_is_of_what_this_run_still_has_to_do(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "perf_counter", lambda: now[0])
    line = progress_module.ProgressLine(10, 4)  # six epochs to do
    now[0] += 20
    line.epoch(6, {"loss": 0.5})
    assert seen(capsys.readouterr().out) == ["epoch 6/10: loss 0.5, 40 s left"]


def test_no_progress_no_output(capsys):
    training.fit(model(), X, epochs=1, progress=False)
    assert capsys.readouterr() == ("", "")


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"model": None}, TypeError, "`model` must be a keras.Model. Received: None"),
        ({"model": model}, TypeError, "`model` must be a keras.Model"),
        ({"epochs": 0}, ValueError, "`epochs` must be an integer of at least 1"),
        ({"epochs": 1.5}, TypeError, "`epochs` must be an integer"),
        ({"epochs": True}, TypeError, "`epochs` must be an integer"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be an integer of at least 1"),
        ({"batch_size": None}, TypeError, "`batch_size`"),
        ({"seed": -1}, ValueError, "`seed`"),
        ({"seed": 2**32}, ValueError, "`seed`"),
        ({"seed": 1.0}, TypeError, "`seed`"),
        ({"jit": "yes"}, ValueError, "`jit` must be one of 'auto', True, False"),
        ({"jit": None}, ValueError, "`jit` must be one of"),
        ({"x": None}, TypeError, "`x`"),
        ({"x": {}}, (TypeError, ValueError), "`x`"),
        ({"x": []}, (TypeError, ValueError), "`x`"),
        ({"x": X[:0]}, ValueError, "`x` must be an array of at least 1 row, not empty"),
        ({"x": X[0]}, ValueError, "`x` must be an array with 2 or 3 or 4 or 5 dimensions"),
        ({"x": X * np.nan}, ValueError, "`x` must be an array of finite numbers"),
        ({"x": [["a"]]}, TypeError, "`x` must be an array of numbers"),
        ({"x": X + 1j}, TypeError, "`x` must be an array of"),
        ({"x": {"a": X * np.nan}}, ValueError, r"`x\['a'\]` must be an array of finite"),
        ({"x": {"a": X, "b": X[:3]}}, ValueError, r"`x\['b'\]` must be an array of 50 rows"),
        ({"x": [X, X * np.inf]}, ValueError, r"`x\[1\]` must be an array of finite"),
        ({"x": (X, X[:3])}, ValueError, r"`x\[1\]` must be an array of 50 rows"),
        ({"x": {"a": {"b": X[0]}}}, ValueError, r"`x\['a'\]\['b'\]` must be an array with 2"),
        ({"y": X[:9]}, ValueError, r"`y` must be an array of 50 rows. Received: .* \(9, 4\)"),
        ({"y": X * np.inf}, ValueError, "`y` must be an array of finite numbers"),
        ({"y": {"a": X * np.inf}}, ValueError, r"`y\['a'\]` must be an array of finite"),
        ({"y": 3}, (TypeError, ValueError), "`y`"),
        ({"validation_data": (X,)}, ValueError, "`validation_data` .* targets, weights.* Received: 1 items"),
        ({"validation_data": (X, X, X, X)}, ValueError, "Received: 4 items"),
        ({"validation_data": (X, X, X[:3, 0])}, ValueError, "`validation_data` must be an array of 50 rows"),
        ({"validation_split": 1.0}, ValueError, "`validation_split` must be .* leaves rows on both sides"),
        ({"validation_split": 0.99}, ValueError, "`validation_split` must be .* leaves rows on both sides"),
        ({"validation_split": -0.1}, ValueError, "`validation_split` must be"),
        ({"validation_split": 0.2, "validation_data": X}, ValueError, "`validation_split` must be 0 where"),
        ({"sample_weight": X[:9, 0]}, ValueError, "`sample_weight` must be an array of 50 rows"),
        ({"sample_weight": X[:, 0] * np.nan}, ValueError, "`sample_weight` must be an array of finite"),
        ({"class_weight": [1, 2]}, TypeError, "`class_weight` must be a dict"),
        ({"class_weight": {0: 2.0}}, ValueError, "`class_weight` must be None without one array of labels"),
        ({"y": LABELS, "class_weight": {"a": 2.0}}, TypeError, "`class_weight` must be"),
        ({"y": LABELS, "class_weight": {0: -1.0}}, ValueError, r"`class_weight\[0\]` must be"),
        ({"y": LABELS, "class_weight": {0: 1.0}, "sample_weight": X[:, 0]}, ValueError, "`class_weight` must be None"),
        ({"shuffle": "batch"}, ValueError, "`shuffle` must be one of True, False"),
        ({"validation_data": (X, X[:3])}, ValueError, "`validation_data` must be an array of 50"),
        ({"validation_data": X * np.nan}, ValueError, "`validation_data` .* finite numbers"),
        ({"validation_data": "x"}, (TypeError, ValueError), "`validation_data`"),
        ({"callbacks": ["stop"]}, TypeError, "`callbacks` must be a list of Keras callbacks"),
        ({"callbacks": "ab"}, TypeError, "`callbacks` must be a list of"),
        ({"strategy": "a"}, TypeError, "`strategy` must be a tf.distribute.Strategy or None"),
        ({"checkpoint": 3}, TypeError, "`checkpoint`"),
    ],
)
def test_fit_refuses(capsys, changes, error, said):
    untouched = model()
    with pytest.raises(error, match=said):
        training.fit(**({"model": untouched, "x": X, "epochs": 1} | changes))
    assert same(untouched, model())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("wrong", [X[:, :3], np.zeros((5, 2, 2))])
def test_an_input_of_the_wrong_width_is_an_error_and_trains_nothing(capsys, wrong):
    untouched = model()
    with pytest.raises(ValueError, match=r"shape|ndim|dimension"):
        training.fit(untouched, wrong, epochs=1)
    assert same(untouched, model())
    assert capsys.readouterr().out == ""


def test_fit_refuses_a_model_that_is_not_compiled():
    with pytest.raises(ValueError, match=r"`model` must be compiled\. Received: a model on which"):
        training.fit(model(compiled=False), X, epochs=1)


def test_fit_refuses_a_model_that_runs_eagerly():
    eager = model()
    eager.compile("sgd", loss="mse", run_eagerly=True)
    with pytest.raises(ValueError, match=r"`model` must be .*run_eagerly=True: use model\.fit"):
        training.fit(eager, X, epochs=1)
