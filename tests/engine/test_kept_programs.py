"""What one call of training.fit leaves to the next: programs that hold still, and no trace in anybody's generators."""

from __future__ import annotations

import copy
import gc
import random
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from aetutorial import training
from aetutorial.engine import keras_internals, program_cache

pytestmark = pytest.mark.no_cover  # many trainings: coverage takes a third of tracing
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 6)).astype("float32")
PLAIN = {"epochs": 2, "batch_size": 16, "progress": False}


class Counted(keras.layers.Layer):
    """A layer that takes note of each time it is traced."""

    def __init__(self):
        super().__init__()
        self.factor, self.table, self.dense = 1.0, {"a": [1.0, 2.0]}, keras.layers.Dense(6)
        self.squash = keras.ops.tanh
        self.traces = CountedList()

    def call(self, x):
        self.traces.count += 1
        return self.squash(self.factor) * self.table["a"][0] * self.dense(x)


class CountedList:
    count = 0


def counted(seed=1, **compiled):
    keras.utils.set_random_seed(seed)
    layer = Counted()
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6, "tanh"), layer])
    model.compile(**({"optimizer": keras.optimizers.SGD(0.1), "loss": "mse"} | compiled))
    return model, layer


def fresh(model):
    """A model alike that was never trained here, so that nothing is kept for it."""
    other, layer = counted()
    of = model.layers[-1]
    layer.factor, layer.table, layer.squash = of.factor, {"a": list(of.table["a"])}, of.squash
    other.layers[0].activation = model.layers[0].activation
    other.set_weights(model.get_weights())
    return other


# --- the second call -----------------------------------------------------------------------------


@pytest.mark.parametrize("jit", [True, False])
def test_a_second_call_traces_nothing(jit):
    model, layer = counted()
    training.fit(model, X, validation_data=X[:10], jit=jit, **PLAIN)
    traces = layer.traces.count
    assert traces
    for epochs in (1, 3):
        training.fit(model, X, validation_data=X[10:20], jit=jit, **(PLAIN | {"epochs": epochs}))
    assert layer.traces.count == traces
    model.predict(X, verbose=0)
    model.evaluate(X, X, verbose=0)
    traces = layer.traces.count
    training.fit(model, X, validation_data=X[:10], jit=jit, **PLAIN)
    assert layer.traces.count == traces


def test_a_dataset_is_no_reason_to_trace_again():
    model, layer = counted()
    for dataset in (tf.data.Dataset.from_tensor_slices(X).batch(20) for _ in range(2)):
        training.fit(model, dataset, epochs=1, progress=False)
        traces = layer.traces.count
    training.fit(model, dataset, epochs=1, progress=False)
    assert layer.traces.count == traces


@pytest.mark.parametrize("jit", [True, False])
def test_many_short_calls_come_to_what_keras_makes_of_them(jit):
    """The data, their number and the epochs may be others each time."""
    model, _ = counted(optimizer="adam")
    theirs, _ = counted(optimizer="adam")
    for seed, rows in enumerate((40, 40, 24, 40, 24)):
        training.fit(model, X[:rows], epochs=1, batch_size=16, seed=seed, jit=jit, progress=False)
        ordered = X[:rows][training.epoch_order(seed, 0, rows)]
        theirs.fit(ordered, ordered, epochs=1, batch_size=16, shuffle=False, verbose=0)
    pairs = zip(model.get_weights(), theirs.get_weights(), strict=True)
    assert max(np.abs(a - b).max() for a, b in pairs) < 1e-5


def other_loss(model, layer):
    model.compile(keras.optimizers.SGD(0.1), loss="mae")


def other_optimizer(model, layer):
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")


def clipped(model, layer):
    model.optimizer.clipnorm = 1e-3


def with_metrics(model, layer):
    model.compile(model.optimizer, loss="mse", metrics=["mae"])


def factor(model, layer):
    layer.factor = 3.0


def numpy_number(model, layer):
    layer.factor = np.float32(3)


def numpy_array(model, layer):
    layer.factor = np.full(6, 3.0, "float32")


def tensor(model, layer):
    layer.factor = tf.constant(3.0)


def function(model, layer):
    layer.squash = keras.ops.sigmoid


def activation(model, layer):
    model.layers[0].activation = keras.activations.relu


def own_loss(model, layer):
    model.compute_loss = lambda x, y, y_pred, *_, **__: keras.ops.mean(keras.ops.abs(y - y_pred))


def in_a_table(model, layer):
    layer.table["a"][0] = 5.0


def frozen(model, layer):
    model.layers[0].trainable = False


CHANGES = [other_loss, other_optimizer, clipped, with_metrics, factor, in_a_table, frozen]
CHANGES += [numpy_number, numpy_array, tensor, function, activation, own_loss]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_model_that_was_changed_is_traced_again(change):
    """It trains as one that was never trained before, and otherwise than without the change."""
    model, layer = counted()
    training.fit(model, X, **PLAIN)
    plain, before = fresh(model), model.get_weights()
    change(model, layer)
    new = fresh(model)
    change(new, new.layers[-1])
    ours = training.fit(model, X, **PLAIN).history
    assert ours == training.fit(new, X, **PLAIN).history
    pairs = list(zip(model.get_weights(), new.get_weights(), strict=True))
    assert all((a == b).all() for a, b in pairs)
    assert (model.layers[0].kernel == before[0]).numpy().all() == (change is frozen)
    training.fit(plain, X, **PLAIN)
    differs = any((a != b).any() for a, b in zip(model.get_weights(), plain.get_weights(), strict=True))
    assert differs or change is with_metrics
    assert ("mae" in ours) == (change is with_metrics)


class Own(keras.Model):
    """A model with a step and losses of its own, compiled as Keras's examples do it."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(6)

    def compile(self, optimizer, other):
        super().compile(optimizer)
        self.other = other

    def call(self, x):
        return self.dense(x)

    def train_step(self, x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(x) - x))
        self.other.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


def test_compile_with_the_same_optimizer_and_another_besides_counts():
    model, optimizer = Own(), keras.optimizers.SGD(0.1)
    model(X[:1])
    model.compile(optimizer, keras.optimizers.SGD(0.0))
    model.other.build(model.trainable_variables)
    training.fit(model, X, **PLAIN)
    before = model.get_weights()[0]
    model.compile(optimizer, keras.optimizers.SGD(0.5))
    model.other.build(model.trainable_variables)
    training.fit(model, X, **PLAIN)
    assert (model.get_weights()[0] != before).all()
    assert model.other.iterations == 2 * 3


def test_a_metric_that_is_changed_counts():
    model, _ = counted(metrics=[keras.metrics.BinaryAccuracy(name="near", threshold=0.5)])
    model.optimizer.learning_rate = 0.0
    ones = np.ones_like(X)
    first = training.fit(model, X, ones, **PLAIN).history["near"]
    (metric,) = [m for m in model.metrics[1].metrics if m.name == "near"]
    metric.threshold = metric._threshold = -9.0
    metric._fn_kwargs["threshold"] = -9.0
    assert training.fit(model, X, ones, **PLAIN).history["near"] == [1.0, 1.0] != first


def test_a_step_that_is_replaced_counts():
    model, _ = counted()
    training.fit(model, X, **PLAIN)
    calls = []
    own = model.train_step
    model.train_step = lambda data: calls.append(1) or own(data)
    training.fit(model, X, **PLAIN)
    assert calls


def test_steps_of_one_name_are_two_programs():
    """As those have that go through a decorator: validation must not train."""

    def decorated(step):
        def wrapper(self, data):
            return step(self, data)

        return wrapper

    class Decorated(keras.Sequential):
        train_step = decorated(keras.Sequential.train_step)
        test_step = decorated(keras.Sequential.test_step)

    model = Decorated([keras.Input((6,)), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    training.fit(model, X, X, validation_data=(X, X), **PLAIN)
    assert model.optimizer.iterations == 2 * 3


def test_equal_steps_whose_metrics_have_other_names_share_no_program():
    """Keras takes the logs of an epoch from the metrics if they bear the names of what the step returned."""

    def made(name):
        class Raw(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense, self.mean = keras.layers.Dense(6), keras.metrics.Mean(name=name)

            @property
            def metrics(self):
                return [self.mean]

            def call(self, x):
                return self.dense(x)

            def train_step(self, x):
                loss = tf.reduce_mean(tf.square(self(x) - x))
                self.mean.update_state(loss)
                return {"loss": loss}

        keras.utils.set_random_seed(1)
        model = Raw()
        model.compile("sgd")
        return model

    losses = {}
    for names in (("loss", "total"), ("total", "loss")):
        training.clear_programs()
        for name in names:
            losses[names, name] = training.fit(made(name), X, **PLAIN).history["loss"]
    for name in ("loss", "total"):
        assert losses[("loss", "total"), name] == losses[("total", "loss"), name]
    assert losses[("loss", "total"), "loss"] != losses[("loss", "total"), "total"]


# --- what is held --------------------------------------------------------------------------------


def test_a_kept_program_holds_no_data():
    model, _ = counted()
    x = X.copy()
    held = weakref.ref(x)
    training.fit(model, x, **PLAIN)
    del x
    gc.collect()
    assert held() is None
    assert program_cache.of_model(model)


def test_a_model_that_is_dropped_takes_its_programs_along():
    model, layer = counted()
    training.fit(model, X, **PLAIN)
    held = [weakref.ref(model), *map(weakref.ref, program_cache.of_model(model).values())]
    assert len(held) == 2
    del model, layer
    gc.collect()
    assert [reference() for reference in held] == [None, None]


def test_only_the_models_trained_last_keep_their_programs(monkeypatch):
    monkeypatch.setattr(program_cache, "KEPT_MODELS", 2)
    models = [counted(seed)[0] for seed in range(3)]
    for model in models:
        training.fit(model, X, **PLAIN)
    assert [bool(program_cache.of_model(model)) for model in reversed(models)] == [True, True, False]
    training.clear_programs()
    assert not any(map(program_cache.of_model, models))


def test_a_model_keeps_a_few_programs_whatever_it_was_trained_on():
    model, _ = counted()
    for rows in range(20, 30):
        training.fit(model, X[:rows], **PLAIN)
        assert len(program_cache.of_model(model)) <= program_cache.KEPT_OF_MODEL


def test_a_trained_model_is_copied_and_saved_as_ever(tmp_path):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    training.fit(model, X, **PLAIN)
    model.save(tmp_path / "model.keras")
    expected = model.predict(X, verbose=0)
    for other in (keras.saving.load_model(tmp_path / "model.keras"), copy.deepcopy(model)):
        assert (other.predict(X, verbose=0) == expected).all()
        training.fit(other, X, **PLAIN)
    assert (model.predict(X, verbose=0) == expected).all()
    copied = keras.models.clone_model(model)
    assert keras_internals.PROGRAMS not in vars(copied)


# --- generators ----------------------------------------------------------------------------------


def draws():
    return random.random(), np.random.random(), keras.random.normal((3,)).numpy().tolist()  # noqa: NPY002


@pytest.mark.parametrize("fails", [False, True])
def test_everybodys_generators_go_on_as_if_nothing_had_been(fails):
    """Keras's layers take their first weights from Python's generator."""
    x = X * (1e30 if fails else 1)
    keras.utils.set_random_seed(7)
    expected = [draws(), draws()]
    model, _ = counted()
    keras.utils.set_random_seed(7)
    seen = [draws()]
    try:
        training.fit(model, x, seed=3, **PLAIN)
    except training.DivergenceError:
        assert fails
    seen.append(draws())
    assert seen == expected


def test_models_made_between_two_trainings_start_differently():
    keras.utils.set_random_seed(1)
    starts = []
    for _ in range(2):
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
        model.compile("sgd", loss="mse")
        starts.append(model.get_weights()[0])
        training.fit(model, X, **PLAIN)
    assert (starts[0] != starts[1]).any()


class Noisy(keras.layers.Layer):
    """A layer whose noise has no generator of its own."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def call(self, x):
        return x + self.draw(x)


def by_keras(x):
    return keras.random.normal(keras.ops.shape(x))


def by_tensorflow(x):
    return tf.random.normal(tf.shape(x))


@pytest.mark.parametrize("draw", [by_keras, by_tensorflow])
def test_noise_without_a_generator_of_its_own_follows_the_seed(draw):
    """In a new model and in one that has been trained, whatever was drawn before."""

    def made():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((6,)), Noisy(draw), keras.layers.Dense(6)])
        model.compile(keras.optimizers.SGD(0.0), loss="mse")
        return model

    model = made()
    first = training.fit(model, X, seed=5, **PLAIN).history["loss"]
    other = training.fit(model, X, seed=6, **PLAIN).history["loss"]
    keras.random.normal((2,))
    tf.random.normal((2,))
    again = training.fit(model, X, seed=5, **PLAIN).history["loss"]
    new = training.fit(made(), X, seed=5, **PLAIN).history["loss"]
    assert first == again == new
    assert first[0] != first[1]
    assert first != other


# --- noise and XLA -------------------------------------------------------------------------------


def whole_numbers(x):
    return tf.cast(keras.random.randint(tf.shape(x), -9, 9), tf.float32)


def test_whole_numbers_are_drawn_alike_with_and_without_xla():
    losses = []
    for jit in (True, False):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((6,)), Noisy(whole_numbers), keras.layers.Dense(6)])
        model.compile(keras.optimizers.SGD(0.0), loss="mse")
        losses.append(training.fit(model, X, jit=jit, **PLAIN).history["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


DRAWS = {
    "noise": keras.layers.GaussianNoise,
    "dropout": keras.layers.Dropout,
    "gaussian dropout": keras.layers.GaussianDropout,
    "truncated": lambda rate: Noisy(lambda x: keras.random.truncated_normal(keras.ops.shape(x))),
    "binarized": lambda rate: Noisy(lambda x: keras.ops.cast(x > keras.random.uniform(keras.ops.shape(x)), x.dtype)),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_no_draw_is_left_to_the_algorithm_that_is_slow_under_xla(draw):
    model = keras.Sequential([keras.Input((6,)), draw(0.3), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    training.fit(model, X, jit=False, **PLAIN)
    (program,) = program_cache.of_model(model).values()
    assert any(kind.startswith("Stateless") for kind in program.operations)
    assert "StatelessRandomGetKeyCounter" not in program.operations  # TensorFlow's way to choose one when it runs


def test_draws_of_others_are_left_as_they_are():
    """Also those traced in another thread, and after an error in the step."""

    class Failing(keras.layers.Layer):
        def call(self, x, training=None):
            if training:
                raise RuntimeError
            return x

    model = keras.Sequential([keras.Input((6,)), Failing(), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    with pytest.raises(RuntimeError):
        training.fit(model, X, **PLAIN)
    drawn = tf.function(lambda: tf.random.stateless_normal([2], [1, 2])).get_concrete_function()
    assert "StatelessRandomGetKeyCounter" in {operation.type for operation in drawn.graph.get_operations()}
