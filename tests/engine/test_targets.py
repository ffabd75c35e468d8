"""What a step of `training.fit` gets: the same as from `model.fit`, and `x` as its own target where it needs one."""

from __future__ import annotations

import numpy as np
import pytest
from engine_models import difference, keras_fit, with_methods

from aetutorial import training

rng = np.random.default_rng(0)
X = rng.random((32, 6)).astype("float32")
LABELS = rng.integers(0, 3, 32)
ONE = {"epochs": 1, "batch_size": 8, "progress": False, "jit": False}


def tied(base):
    """An autoencoder whose step takes what `model.fit(x)` hands to it, and reports the error of its start."""
    import keras

    class Tied(base):
        def __init__(self):
            super().__init__()
            self.w = self.add_weight(shape=(6, 2), initializer=keras.initializers.GlorotUniform(1))
            self.total = keras.metrics.Mean("loss")

        @property
        def metrics(self):
            return [self.total]

        def rebuilt(self, x):
            return keras.ops.matmul(keras.ops.matmul(x, self.w), keras.ops.transpose(self.w))

        def train_step(self, data):
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = keras.ops.mean(keras.ops.sum(keras.ops.square(data - self.rebuilt(data)), axis=1))
            self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
            self.total.update_state(loss)
            return {"loss": self.total.result()}

    return Tied


def with_call(base):
    class Called(tied(base)):
        def call(self, x):
            return self.rebuilt(x)

    return Called


@pytest.mark.parametrize("kind", [tied, with_call])
@pytest.mark.parametrize("compiled", [{}, {"loss": "mse"}])
def test_a_step_of_ones_own_gets_x_alone(kind, compiled):
    import keras

    model = kind(keras.Model)()
    model.compile(keras.optimizers.SGD(0.0), **compiled)
    expected = np.mean(np.sum((X - np.asarray(model.rebuilt(X))) ** 2, axis=1))
    assert training.fit(model, X, **ONE).history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_so_it_does_from_a_dataset_and_for_a_dict():
    import keras
    import tensorflow as tf

    class Dicts(with_call(keras.Model)):
        def train_step(self, data):
            return super().train_step(data["x"])

        def call(self, inputs):
            return self.rebuilt(inputs["x"])

    histories = []
    for make, data in (
        (with_call(keras.Model), X),
        (with_call(keras.Model), tf.data.Dataset.from_tensor_slices(X).batch(8)),
        (Dicts, {"x": X}),
    ):
        model = make()
        model.compile(keras.optimizers.SGD(0.0))
        histories.append(training.fit(model, data, **ONE).history["loss"])
    np.testing.assert_allclose(histories[1:], [histories[0]] * 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("loss", "metrics", "expected"), [(None, None, [None]), ("mse", None, [6]), (None, ["mae"], [6])]
)
def test_the_loss_gets_x_as_target_if_something_was_compiled_that_compares(loss, metrics, expected):
    import keras

    seen = []

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        seen.append(None if y is None else y.shape[1])
        return keras.ops.mean(keras.ops.square(x - y_pred))

    model = with_methods(compute_loss=compute_loss)
    model.compile("sgd", loss=loss, metrics=metrics)
    training.fit(model, X, validation_data=X[:8], **ONE)
    assert set(seen) == set(expected)


def test_an_untrained_part_without_weights_is_named():
    import keras

    class Parts(keras.Model):
        def __init__(self):
            super().__init__()
            self.decoder = keras.layers.Dense(6, name="the_decoder")

        def train_step(self, data):
            return {"loss": keras.ops.mean(self.decoder(data))}

    model = Parts()
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"`model` must be a model with a `call`.*the_decoder is not built"):
        training.fit(model, X, **ONE)


# --- several inputs and targets ------------------------------------------------------------------


def two_heads(losses):
    import keras

    keras.utils.set_random_seed(0)
    x = keras.Input((6,))
    z = keras.layers.Dense(3)(x)
    heads = [keras.layers.Dense(6, name="rebuilt")(z), keras.layers.Dense(3, "softmax", name="class")(z)]
    model = keras.Model(x, heads)
    model.compile(keras.optimizers.SGD(0.1), loss=losses)
    return model


@pytest.mark.parametrize("kind", [list, tuple])
def test_one_dimensional_targets_beside_others(kind):
    losses = ["mse", "sparse_categorical_crossentropy"]
    listed, named = two_heads(losses), two_heads(losses)
    found = training.fit(listed, X, kind([X, LABELS]), **ONE).history
    expected = training.fit(named, X, {"rebuilt": X, "class": LABELS}, **ONE).history
    assert found == expected
    assert difference(listed, named) == 0


def test_two_one_dimensional_targets_are_two():
    import keras

    x = keras.Input((6,))
    model = keras.Model(x, [keras.layers.Dense(1)(x), keras.layers.Dense(1)(x)])
    model.compile(keras.optimizers.SGD(0.0), loss=["mse", "mae"])
    y = LABELS.astype("float32")
    assert len(training.fit(model, X, [y, y], **ONE).history) == 3


def test_a_list_of_rows_is_one_target():
    import keras

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    model.compile(keras.optimizers.SGD(0.0), loss="mse")
    first = training.fit(model, X, X, **ONE).history
    assert training.fit(model, X, list(X), **ONE).history == first


def test_a_list_of_images_for_one_input_is_refused_with_advice():
    import keras

    model = keras.Sequential([keras.Input((4, 6)), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    with pytest.raises(ValueError, match=r"`x` must be one array.*list of 10 arrays.*np\.stack"):
        training.fit(model, [np.ones((4, 6), "float32")] * 10, **ONE)


def test_a_pydataset_is_refused_before_it_is_read():
    import keras

    read = []

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            read.append(i)
            return X, X

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    with pytest.raises(TypeError, match=r"`x` must be an array or a tf\.data\.Dataset\. Received: a Batches"):
        training.fit(model, Batches(), **ONE)
    assert not read


@pytest.mark.parametrize("streamed", [False, True])
def test_validation_without_targets_is_refused_where_training_has_them(streamed):
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    held_out = tf.data.Dataset.from_tensor_slices(X).batch(8) if streamed else X
    with pytest.raises(ValueError, match=r"`validation_data` must be a pair \(inputs, targets\)"):
        training.fit(model, X, X, validation_data=held_out, **ONE)
    training.fit(model, X, validation_data=held_out, **ONE)


# --- models that need a whole batch --------------------------------------------------------------


def stateful():
    import keras

    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(2, return_sequences=True, stateful=True)
    model = keras.Sequential([keras.Input((3, 2), batch_size=8), layer])
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    return model


def grouped():
    """With the spread over groups of four examples, as in progressive GANs."""
    import keras

    class Groups(keras.layers.Layer):
        def call(self, x):
            groups = keras.ops.reshape(x, (4, -1, 6))
            return keras.ops.concatenate([x, keras.ops.tile(keras.ops.std(groups, axis=0), (4, 1))], axis=-1)

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.groups, self.dense = Groups(), keras.layers.Dense(6)

        def call(self, x):
            return self.dense(self.groups(x))

    keras.utils.set_random_seed(0)
    model = Model()
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    return model


@pytest.mark.parametrize(("make", "x"), [(stateful, X.reshape(32, 3, 2)), (grouped, X)])
def test_models_that_take_whole_batches_agree_with_keras(make, x):
    ours, theirs = make(), make()
    training.fit(ours, x, x, seed=5, **ONE)
    keras_fit(theirs, x, x, epochs=1, batch_size=8, seed=5)
    assert difference(ours, theirs) < 1e-5


# --- noise of TensorFlow's generators ------------------------------------------------------------


def draws_of(data, **settings):
    """Return every draw of a model that draws one number a step, and keeps it."""
    import keras
    import tensorflow as tf

    class Drawing(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)
            self.log = self.add_weight(shape=(99,), initializer="zeros", trainable=False)
            self.count = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)

        def call(self, x):
            here = keras.ops.arange(99) == self.count
            self.log.assign(keras.ops.where(here, tf.random.normal([]), self.log))
            self.count.assign_add(1)
            return self.dense(x)

    model = Drawing()
    model.compile("sgd", loss="mse")
    training.fit(model, data, epochs=4, progress=False, jit=False, **settings)
    return np.asarray(model.log)[: int(model.count.numpy())]


def of_lengths():
    import tensorflow as tf

    parts = [np.ones((4, length, 3), "float32") for length in range(2, 7)]
    spec = tf.TensorSpec((None, None, 3))
    return tf.data.Dataset.from_generator(lambda: ((x, x) for x in parts), output_signature=(spec, spec))


@pytest.mark.parametrize("kind", ["a short last batch", "five lengths", "blocks on disk"])
def test_no_draw_is_repeated(tmp_path, kind):
    x = rng.random((40, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    data, count = {
        "a short last batch": (x, 12),
        "five lengths": (of_lengths(), 20),
        "blocks on disk": (np.load(tmp_path / "x.npy", mmap_mode="r"), 12),
    }[kind]
    found = draws_of(data, **({} if kind == "five lengths" else {"batch_size": 16}))
    assert len(found) == len(set(found.tolist())) == count


# --- numbers that are not finite -----------------------------------------------------------------


def at_its_minimum():
    """A model whose gradient is NaN from the start: the root's at 0. Its loss is 0."""
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, kernel_initializer="zeros")])
    model.compile("sgd", loss=lambda y, y_pred: keras.ops.sqrt(keras.ops.sum(keras.ops.square(y - y_pred), -1)))
    return model


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("saved", [False, True])
def test_a_gradient_that_is_nan_under_a_finite_loss_is_found(tmp_path, epochs, saved):
    folder = tmp_path / "saved" if saved else None
    for _ in range(2):  # the second time from what the first may have left
        model = at_its_minimum()
        with pytest.raises(training.DivergenceError, match="Weights are NaN or infinite in epoch 1, step 1"):
            training.fit(
                model, np.zeros((16, 4)), epochs=epochs, batch_size=16, jit=False, progress=False, checkpoint=folder
            )
        assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("held_out", [False, True])
def test_data_that_hold_nan_are_named_as_the_cause(tmp_path, on_disk, held_out):
    import keras
    import tensorflow as tf

    x = X.copy()
    x[3, 1] = np.nan
    np.save(tmp_path / "x.npy", x)
    bad = np.load(tmp_path / "x.npy", mmap_mode="r") if on_disk else tf.data.Dataset.from_tensor_slices(x).batch(8)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    model.compile("sgd", loss="mse")
    with pytest.raises(training.DivergenceError, match="The cause: the data hold NaN") as error:
        training.fit(model, X if held_out else bad, validation_data=bad if held_out else None, **ONE)
    assert "was nan" not in str(error.value)


# --- mixed precision -----------------------------------------------------------------------------


def test_a_scaled_loss_has_one_scale_which_a_second_call_keeps():
    import keras

    models = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
        inner = keras.optimizers.SGD(0.1)
        model.compile(keras.optimizers.LossScaleOptimizer(inner, initial_scale=4, dynamic_growth_steps=3), loss="mse")
        models.append(model)
    ours, theirs = models
    for _ in range(2):
        training.fit(ours, X, seed=5, **ONE)
        keras_fit(theirs, X, X, epochs=1, batch_size=8, seed=5)
    states = [[float(v) for v in model.optimizer.variables if v.path.endswith("scale")] for model in models]
    assert states[0] == states[1]
    assert len(states[0]) == 1
    assert states[0][0] > 4
    assert difference(ours, theirs) < 1e-5
