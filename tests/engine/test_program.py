"""Compiled programs of training.fit: when equal models share one, when they must not, and what XLA compiles."""

from __future__ import annotations

import ctypes
import gc
import platform
import types
import weakref

import numpy as np
import psutil
import pytest
from engine_models import keras_fit

from aetutorial import training
from aetutorial.engine import arguments, graph_digest, keras_internals, program_cache, sources
from aetutorial.engine import epochs as epochs_module
from aetutorial.engine.epochs import Passes

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 6)).astype("float32")
IMAGES = rng.uniform(size=(20, 8, 8, 1)).astype("float32")
WEIGHT = 1.0  # of a loss: a global that a model reads


@pytest.fixture
def programs():
    """Return a function that tells how many compiled programs are kept; none at first."""
    program_cache.clear()
    return program_cache.count


def model(
    *,
    activation="relu",
    width=6,
    rate=0.0,
    l2=0.0,
    frozen=False,
    swapped=False,
    beta=0.1,
    loss="mse",
    optimizer="SGD",
    seed=1,
    **settings,
):
    """Two layers of one shape and a penalty in compute_loss; every option changes what a step computes."""
    import keras

    keras.utils.set_random_seed(seed)

    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.beta = beta
            penalty = keras.regularizers.L2(l2) if l2 else None
            self.first = keras.layers.Dense(width, activation=activation, kernel_regularizer=penalty)
            self.second = keras.layers.Dense(6, activation=activation, trainable=not frozen)
            self.drop = keras.layers.Dropout(rate, seed=4)

        def call(self, x, training=None):
            layers = [self.second, self.first] if swapped else [self.first, self.second]
            for layer in layers:
                x = layer(self.drop(x, training=training))
            return x

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            compiled = super().compute_loss(x, y, y_pred, sample_weight, training)
            return WEIGHT * compiled + self.beta * keras.ops.mean(keras.ops.square(y_pred))

    made = Two()
    made.first.build((None, 6))
    made.second.build((None, width))
    rule = getattr(keras.optimizers, optimizer)
    made.compile(rule(**({"learning_rate": 0.1} | settings)), loss=loss)
    return made


def train(trained, *, batch_size=16, epochs=3, seed=5, jit=False, **options):
    """Train without XLA, which takes seconds to compile, where nothing else is asked for."""
    return training.fit(trained, X, epochs=epochs, batch_size=batch_size, seed=seed, jit=jit, progress=False, **options)


def difference(ours, theirs) -> float:
    pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


# --- sharing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit", [True, False])
def test_equal_models_share_one_program_and_end_with_the_same_bits(programs, jit):
    first, second = model(), model()
    train(first, jit=jit)
    assert programs() == 1
    train(second, jit=jit)
    assert programs() == 1
    assert difference(first, second) == 0


def test_sharing_leaves_the_first_models_weights_alone(programs):
    first, second = model(), model(seed=2)
    train(first)
    before = first.get_weights()
    train(second)
    assert programs() == 1
    assert all((a == b).all() for a, b in zip(before, first.get_weights(), strict=True))
    theirs = model(seed=2)
    keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=5)
    assert difference(second, theirs) < 1e-5


def test_the_second_model_trains_after_the_first_is_gone(programs):
    first = model()
    train(first)
    del first
    gc.collect()
    second, theirs = model(seed=2), model(seed=2)
    train(second)
    assert programs() == 1
    keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=5)
    assert difference(second, theirs) < 1e-5


@pytest.mark.parametrize("jit", [True, False])
def test_two_models_take_turns_on_one_program(programs, jit):
    """Each goes on from its own weights and optimizer state."""
    turns = [model(optimizer="Adam"), model(optimizer="Adam", seed=2)]
    alone = [model(optimizer="Adam"), model(optimizer="Adam", seed=2)]
    for seed in (1, 2):
        for trained in turns:
            train(trained, seed=seed, jit=jit)
    for trained in alone:
        for seed in (1, 2):
            train(trained, seed=seed, jit=jit)
    assert programs() == 1
    assert [difference(a, b) for a, b in zip(turns, alone, strict=True)] == [0, 0]


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "tanh"},
        {"beta": 0.7},
        {"width": 7},
        {"frozen": True},
        {"swapped": True},
        {"l2": 0.1},
        {"loss": "mae"},
        {"clipnorm": 0.01},
        {"momentum": 0.9},
        {"optimizer": "Adam", "epsilon": 0.1},
    ],
    ids=str,
)
def test_a_model_that_differs_gets_a_program_of_its_own(programs, change):
    first = model(optimizer=change.get("optimizer", "SGD"))
    train(first)
    ours, theirs = model(**change), model(**change)
    train(ours)
    assert programs() == 2
    keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=5)
    assert difference(ours, theirs) < 1e-5
    if "width" not in change:  # weights of one shape, so that they can be compared
        assert difference(first, ours) > 1e-4


def test_another_l2_factor_is_another_program(programs):
    for factor in (0.1, 0.5):
        ours, theirs = model(l2=factor), model(l2=factor)
        train(ours)
        keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=5)
        assert difference(ours, theirs) < 1e-5
    assert programs() == 2


def test_another_global_read_by_the_loss_is_another_program(programs, monkeypatch):
    train(model())
    monkeypatch.setitem(globals(), "WEIGHT", 3.0)
    ours, theirs = model(), model()
    train(ours)
    assert programs() == 2
    keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=5)
    assert difference(ours, theirs) < 1e-5


def test_a_constant_changed_between_two_trainings_of_one_model_counts(programs):
    ours, theirs = model(beta=0.0), model(beta=0.0)
    train(ours)
    keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=5)
    ours.beta = theirs.beta = 2.0
    theirs.train_function = None  # Keras keeps its old one otherwise
    train(ours, seed=6)
    keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=6)
    assert difference(ours, theirs) < 1e-5


def test_another_batch_size_is_another_program(programs):
    for size in (16, 20):
        ours, theirs = model(), model()
        train(ours, batch_size=size)
        keras_fit(theirs, X, X, epochs=3, batch_size=size, seed=5)
        assert difference(ours, theirs) < 1e-5
    assert programs() == 2


def test_another_dropout_rate_is_another_program(programs):
    """At rate 0.9 the untrained loss of relu outputs is near that of zeros; at 0.1 it is not."""
    losses = {}
    for rate in (0.1, 0.9):
        ours, theirs = model(rate=rate), model(rate=rate)
        big = np.tile(X, (40, 1))
        losses[rate] = [
            training.fit(ours, big, epochs=1, batch_size=1920, jit=False, progress=False).history["loss"][0],
            theirs.fit(big, big, epochs=1, batch_size=1920, verbose=0).history["loss"][0],
        ]
    assert programs() == 2
    (ours_a, theirs_a), (ours_b, theirs_b) = losses.values()
    assert abs(ours_a - ours_b) > 0.1 * ours_a
    assert ours_a == pytest.approx(theirs_a, rel=0.05)
    assert ours_b == pytest.approx(theirs_b, rel=0.25)


def test_another_learning_rate_shares_the_program_and_counts(programs):
    for rate in (0.01, 0.3):
        ours, theirs = model(learning_rate=rate), model(learning_rate=rate)
        train(ours)
        keras_fit(theirs, X, X, epochs=3, batch_size=16, seed=5)
        assert difference(ours, theirs) < 1e-5
    assert programs() == 1


def test_only_the_last_used_programs_are_kept(programs, monkeypatch):
    monkeypatch.setattr(program_cache, "KEPT", 2)
    results = []
    for size in (10, 16, 20, 10):
        results.append(model())
        train(results[-1], batch_size=size)
        assert programs() <= 2
    assert difference(results[0], results[3]) == 0


# --- the digest of a graph -----------------------------------------------------------------------


def digest(function, *shapes):
    import tensorflow as tf

    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
    return graph_digest.digest(concrete.graph)


def test_names_do_not_enter_the_digest():
    import tensorflow as tf

    first = digest(lambda a, b: tf.subtract(a, b, name="one"), [2], [2])
    assert first == digest(lambda c, d: tf.subtract(c, d, name="two"), [2], [2])


@pytest.mark.parametrize("which", ["inputs", "captures", "outputs"])
def test_the_roles_of_inputs_enter_the_digest(which):
    import tensorflow as tf

    u, v = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    pairs = {
        "inputs": (lambda a, b: a - b, lambda a, b: b - a),
        "captures": (
            lambda a, b: (tf.identity(u), tf.identity(v), u - v),
            lambda a, b: (tf.identity(u), tf.identity(v), v - u),
        ),
        "outputs": (lambda a, b: (a, b), lambda a, b: (b, a)),
    }
    function, other = pairs[which]
    assert digest(function, [2], [2]) != digest(other, [2], [2])


def test_the_roles_of_captured_tensors_enter_the_digest():
    import tensorflow as tf

    u, v = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])

    def inner(sign):
        @tf.function(autograph=False)
        def difference(a, b):
            return a - b

        return lambda a: (u + v, difference(u, v) if sign > 0 else difference(v, u))

    assert digest(inner(1), [2]) != digest(inner(-1), [2])


# --- XLA -----------------------------------------------------------------------------------------


LONG = 10**9  # epochs, so that compiling pays


def passes(trained, x, jit="auto", batch_size=16, epochs=LONG):
    source, _ = sources.from_arguments(trained, x, None, None, batch_size)
    arguments.build(trained, source)
    return Passes(trained, trained.train_step, source, seed=0, jit=jit, epochs=epochs)


def convolutional():
    import keras

    layers = keras.layers
    made = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(1, 3, padding="same")])
    made.compile("sgd", loss="mse")
    return made


def hidden():
    """A convolution that no layer's name gives away."""
    import keras

    class Blur(keras.layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(3, 3, 1, 1), name="kernel")

        def call(self, x):
            return keras.ops.conv(x, self.kernel, padding="same")

    made = keras.Sequential([keras.Input((8, 8, 1)), Blur()])
    made.compile("sgd", loss="mse")
    return made


@pytest.mark.parametrize(
    ("make", "x", "auto"), [(model, X, True), (convolutional, IMAGES, False), (hidden, IMAGES, False)]
)
def test_xla_is_used_by_itself_except_for_convolutions(make, x, auto):
    run = passes(make(), x)
    list(run.run(0))
    assert run.jit is auto


def test_xla_is_used_where_a_training_is_long_enough_for_it():
    """The rule is fixed: steps times parameters and 100,000, of all epochs, from 6e8 on."""
    parameters = 2 * (6 * 6 + 6)
    at_least = -(-600_000_000 // (3 * (parameters + 100_000)))  # epochs of three steps
    for epochs, expected in ((1, False), (at_least - 1, False), (at_least, True)):
        assert passes(model(), X, epochs=epochs).jit is expected
    assert passes(model(), X, jit=True, epochs=1).jit is True
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(X).batch(16)
    for data, expected in ((dataset, False), (dataset.filter(lambda x: True), True)):  # of unknown length
        source, _ = sources.from_arguments(model(), data, None, None, 1)
        assert Passes(model(), model().train_step, source, jit="auto").jit is expected


def test_a_training_that_goes_on_for_longer_stays_without_xla(tmp_path, monkeypatch):
    monkeypatch.setattr(epochs_module, "XLA_WORK", 10 * 3 * 100_084)  # ten epochs of three steps
    models = [model(), model(), model()]
    train(models[0], jit="auto", epochs=4, checkpoint=tmp_path)
    assert train(models[1], jit="auto", epochs=12, checkpoint=tmp_path).history["loss"][-1] > 0
    train(models[2], jit=False, epochs=12)
    assert difference(models[1], models[2]) == 0
    with pytest.raises(training.CheckpointError, match="choice of jit"):
        train(model(), jit=True, epochs=13, checkpoint=tmp_path)


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize(("make", "x"), [(model, X), (convolutional, IMAGES)])
def test_a_wish_for_or_against_xla_is_obeyed(make, x, jit):
    run = passes(make(), x, jit)
    list(run.run(0))
    assert run.jit is jit


@pytest.mark.parametrize(("make", "x"), [(model, X), (convolutional, IMAGES)])
def test_with_and_without_xla_the_weights_agree(make, x):
    import keras

    results = []
    for jit in (True, False):
        keras.utils.set_random_seed(2)
        results.append(make())
        training.fit(results[-1], x, epochs=3, batch_size=7, jit=jit, progress=False)
    assert difference(*results) < 1e-5


def uncompilable(kind):
    """A model with an operation that XLA refuses, each kind with another complaint."""
    import keras
    import tensorflow as tf

    def by_python(z):
        return z + tf.ensure_shape(tf.numpy_function(np.sign, [z], tf.float32), z.shape)

    def by_text(z):
        return z + tf.strings.to_number(tf.strings.as_string(tf.stop_gradient(z)))

    def by_range(z):
        """Return a range whose length depends on the values."""
        top = tf.reduce_max(tf.cast(tf.abs(z), tf.int32))
        return z + tf.cast(tf.reduce_sum(tf.range(top + 1)), tf.float32)

    def by_map(z):
        return tf.map_fn(lambda row: 2 * row, z)

    def by_loop(z):
        """Return the end of a loop whose rounds depend on the values, to be differentiated."""
        return tf.while_loop(lambda i, a: tf.reduce_sum(tf.abs(a)) < 1e3, lambda i, a: (i + 1, 2 * a), [0, z])[1]

    functions = {"numpy_function": by_python, "strings": by_text, "range": by_range, "map_fn": by_map}
    function = (functions | {"while_loop": by_loop})[kind]

    class Odd(keras.layers.Layer):
        def call(self, z):
            return function(z)

        def compute_output_shape(self, shape):
            return shape

    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6), Odd()])
    made.compile(keras.optimizers.SGD(1e-3), loss="mse")
    return made


KINDS = ["numpy_function", "strings", "range", "map_fn", "while_loop"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_xla_cannot_compile_runs_without_it(kind):
    alone, plain = uncompilable(kind), uncompilable(kind)
    run = passes(alone, X)
    expected = passes(plain, X, jit=False)
    for epoch in range(2):
        assert list(run.run(epoch)) == list(expected.run(epoch))
    assert run.jit is False
    assert difference(alone, plain) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_xla_cannot_compile_is_an_error_if_xla_is_wanted(kind):
    import tensorflow as tf

    trained = uncompilable(kind)
    with pytest.raises(tf.errors.OpError):
        train(trained, jit=True)
    assert difference(trained, uncompilable(kind)) == 0


def test_an_error_of_the_model_itself_is_not_taken_for_one_of_xla():
    import keras
    import tensorflow as tf

    class Checked(keras.layers.Layer):
        def call(self, z):
            with tf.control_dependencies([tf.debugging.assert_less(z, -1e9)]):
                return tf.identity(z)

    made = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6), Checked()])
    made.compile("sgd", loss="mse")
    with pytest.raises(tf.errors.InvalidArgumentError):
        train(made, jit=False)


def test_equal_models_share_a_program_whatever_the_names_of_their_nodes(programs):
    # Keras and TensorFlow number their names; from 9 to 10 and from 99 to 100 their alphabetical order changes.
    import keras

    def deep():
        layers = [keras.layers.Dense(5, activation="relu") for _ in range(5)]
        made = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(6)])
        made.compile("sgd", loss="mse")
        return made

    for _ in range(9):
        train(deep(), epochs=1)
        assert programs() == 1


# --- memory --------------------------------------------------------------------------------------


def test_memory_is_given_back_before_tracing_and_after_compiling(programs, monkeypatch):
    """What is asked of the C library, and how many programs there are when it is asked."""
    given_back = []
    library = types.SimpleNamespace(malloc_trim=lambda padding: given_back.append(programs()))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    train(model(), epochs=40)  # more than one call of the program
    assert given_back == [0, 1]
    train(model(seed=2))  # an equal model: nothing is compiled
    assert given_back == [0, 1, 1]
    train(model(width=5))
    assert given_back == [0, 1, 1, 1, 2]
    monkeypatch.setattr(program_cache, "KEPT_BYTES", 0)  # programs of large models are not kept
    train(model(width=4))
    assert given_back == [0, 1, 1, 1, 2, 2, 2]


def test_programs_can_be_cleared_and_training_goes_on_alike(programs):
    trained, other = model(), model()
    train(trained)
    program = weakref.ref(next(iter(program_cache._compiled.values()))[0])
    train(other)
    assert programs() == 1
    assert program() is not None
    training.clear_programs()
    assert programs() == 0
    assert program() is None
    again, same = train(trained), train(other)
    assert again.history == same.history
    assert programs() == 1


def test_a_kept_program_holds_no_model_and_no_variables(programs):
    trained = model()
    train(trained)
    held = weakref.ref(trained), weakref.ref(keras_internals.tf_variable(trained.weights[0]))
    del trained
    gc.collect()
    assert programs() == 1
    assert [reference() for reference in held] == [None, None]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_little_memory_is_left_to_give_back(programs):
    process = psutil.Process()
    train(model(width=64), jit=True)
    after = process.memory_info().rss
    ctypes.CDLL(None).malloc_trim(0)
    assert after - process.memory_info().rss < 20e6  # bytes; without giving back 60 MB and more
