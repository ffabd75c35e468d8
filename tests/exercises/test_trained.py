"""Exercises that train a model or mend one: the pair, its score on held-out data, shared weights, seeded runs."""

from __future__ import annotations

import random

import numpy as np
import pytest
from exercise_helpers import Hostile, refused

from aetutorial.exercises import (
    NotAttempted,
    expect_autoencoder,
    held_out_mse,
    outputs,
    run_seeded,
    shares_weights,
    small_problem,
)

keras = pytest.importorskip("keras")
SIZES = {"input_shape": (6,), "latent_dim": 2}
X = small_problem((6,), n=12)


def dense(size, units, **options):
    return keras.Sequential([keras.Input((size,)), keras.layers.Dense(units, **options)])


def pair():
    return dense(6, 2), dense(2, 6)


class Whole(keras.Model):
    """A subclassed autoencoder with its two parts as attributes."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = pair()

    def call(self, x):
        return self.decoder(self.encoder(x))


class Subclassed(keras.Model):
    """A model that does not know its shapes."""

    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


def built(units, size):
    model = Subclassed(units)
    model(np.zeros((1, size), "float32"))
    return model


# --- the pair ------------------------------------------------------------------------------------


def test_a_pair_may_come_in_several_forms():
    encoder, decoder = pair()
    x = keras.Input((6,))
    for answer in (
        (encoder, decoder),
        [encoder, decoder],
        {"decoder": decoder, "encoder": encoder},
        keras.Sequential([encoder, decoder]),
        keras.Sequential([keras.Input((6,)), encoder, decoder]),
        keras.Model(x, decoder(encoder(x))),
    ):
        assert expect_autoencoder(answer, **SIZES) == (encoder, decoder)
    whole = Whole()
    assert expect_autoencoder(whole, **SIZES) == (whole.encoder, whole.decoder)
    parts = built(2, 6), built(6, 2)
    assert expect_autoencoder(parts, **SIZES) == parts


def test_images_need_not_be_flat():
    layers = [keras.layers.Flatten(), keras.layers.Dense(3)]
    encoder = keras.Sequential([keras.Input((4, 4, 1)), *layers])
    decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(16), keras.layers.Reshape((4, 4, 1))])
    assert expect_autoencoder((encoder, decoder), input_shape=(4, 4, 1), latent_dim=3) == (encoder, decoder)
    flat = keras.Sequential([keras.Input((3,)), keras.layers.Dense(16)])
    said = refused(expect_autoencoder, (encoder, flat), input_shape=(4, 4, 1), latent_dim=3)
    assert "the decoder's output must have shape (4, 4, 1); yours is (16,), which has 1 axes" in said


def test_a_code_as_large_as_the_input_is_not_taken_for_a_mistake():
    encoder, decoder = dense(6, 6), dense(6, 6)
    assert expect_autoencoder((encoder, decoder), input_shape=(6,), latent_dim=6) == (encoder, decoder)


@pytest.mark.parametrize("answer", [None, ..., (None, None), {"encoder": None, "decoder": None}, [None, dense(2, 6)]])
def test_a_pair_not_filled_in(answer):
    with pytest.raises(NotAttempted):
        expect_autoencoder(answer, **SIZES)


def test_what_is_no_such_pair():
    encoder, decoder = pair()
    x = keras.Input((6,))
    two = keras.Model(x, [encoder(x), encoder(x)])
    plain = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2), keras.layers.Dense(6)])
    for answer, said in (
        ((decoder, encoder), "The two are swapped: give the encoder first"),
        ((plain, decoder), "The first model is a whole autoencoder, inputs in and inputs out: give its encoder alone."),
        (
            (encoder, plain),
            "The second model is a whole autoencoder, inputs in and inputs out: give its decoder alone.",
        ),
        ((dense(6, 3), decoder), "the encoder's output must have shape (2,); yours is (3,). A code has 2 numbers"),
        ((dense(5, 2), decoder), "the encoder's input must have shape (6,); yours is (5,)."),
        ((encoder, dense(3, 6)), "the decoder's input must have shape (2,); yours is (3,)."),
        ((encoder, dense(2, 5)), "the decoder's output must have shape (6,); yours is (5,)."),
        ((keras.Sequential([keras.layers.Dense(2)]), decoder), "The encoder has no weights yet: begin it with keras."),
        ((encoder, Subclassed(6)), "The decoder has no weights yet"),
        ((two, decoder), "The encoder has several outputs"),
        ((encoder, built(5, 2)), "the decoder's output must have shape (6,); yours is (5,)."),
        ((built(2, 5), decoder), "Your Subclassed raised"),
        (
            (encoder, keras.layers.Dense(6)),
            "a single layer, an object of type Dense; a Keras model is expected for the de",
        ),
        ((encoder, np.zeros(3)), "That is an array of shape (3,); a Keras model is expected for the decoder."),
        ((encoder, decoder, plain), "That is a tuple of length 3; give the pair `(encoder, decoder)`."),
        ({"encoder": encoder}, 'A dict must have the keys "encoder" and "decoder"'),
        (plain, "That is one model, in which encoder and decoder can't be told apart"),
        ("text", "That is the text 'text'; give the pair `(encoder, decoder)` of Keras models."),
        (Hostile(), "That is an object of type Hostile; give the pair"),
        ((Hostile(), Hostile()), "a Keras model is expected for the encoder."),
    ):
        assert said in refused(expect_autoencoder, answer, **SIZES)


# --- the score -----------------------------------------------------------------------------------


def test_the_score_is_that_of_the_formula_and_of_keras():
    encoder, decoder = pair()
    x_hat = X @ encoder.get_weights()[0] @ decoder.get_weights()[0]  # the biases are zero
    assert x_hat.min() < 0 or x_hat.max() > 1
    inside = np.minimum(np.maximum(x_hat, 0), 1).astype("float64")
    assert held_out_mse(encoder, decoder, X) == pytest.approx(((inside - X) ** 2).mean(), rel=1e-5)

    decoder = dense(2, 6, activation="sigmoid")  # its outputs lie inside, so nothing is clipped
    whole = keras.Sequential([encoder, decoder])
    whole.compile(loss="mse")
    assert held_out_mse(encoder, decoder, X) == pytest.approx(whole.evaluate(X, X, verbose=0), rel=1e-5)


def test_a_projection_loses_nothing_and_a_range_may_be_another():
    centered = X - X.mean(axis=0)
    plane = np.linalg.svd(centered)[2][:2].T
    encoder, decoder = pair()
    encoder.set_weights([plane, -X.mean(axis=0) @ plane])
    decoder.set_weights([plane.T, X.mean(axis=0)])
    assert held_out_mse(encoder, decoder, X) < 1e-12
    encoder.set_weights([plane, np.zeros(2)])
    decoder.set_weights([plane.T, np.zeros(6)])
    assert held_out_mse(encoder, decoder, centered, low=-1) < 1e-12


def values(model):
    variables = (*model.variables, *model.optimizer.variables)
    return [variable.numpy().copy() for variable in variables]


def test_the_model_is_as_before():
    """A layer that counts, one that draws, one with moving averages, and a model that is still to be trained on."""

    class Counts(keras.layers.Layer):
        def build(self, shape):
            self.seed = keras.random.SeedGenerator(3)
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.count.assign_add(1.0)
            return x + keras.random.normal((1, 1), seed=self.seed)

    counts = Counts()
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), counts, keras.layers.Dense(2)]
    encoder, decoder = keras.Sequential([keras.Input((6,)), *layers]), dense(2, 6)
    whole = keras.Sequential([encoder, decoder])
    whole.compile("adam", "mse")
    whole.fit(X, X, verbose=0)
    before = values(whole)
    score = held_out_mse(encoder, decoder, X)
    assert all(np.array_equal(a, b) for a, b in zip(before, values(whole), strict=True))
    assert held_out_mse(encoder, decoder, X) == score  # dropout is off, and the draw starts where it did
    encoder(X)
    assert not all(np.array_equal(a, b) for a, b in zip(before, values(whole), strict=True))  # it does count and draw


def test_a_model_that_fails_is_left_as_it_was():
    class Fails(keras.Model):
        def __init__(self):
            super().__init__()
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.calls.assign_add(1.0)
            if len(x) > 1:
                raise ValueError("too many rows")
            return x

    model = Fails()
    model(np.zeros((1, 6)))
    assert "Your Fails raised ValueError: " in refused(outputs, model, X)
    assert float(model.calls) == 1


def test_batches_change_nothing():
    encoder, _ = pair()
    np.testing.assert_allclose(outputs(encoder, X, batch_size=5), outputs(encoder, X), rtol=1e-5, atol=1e-6)
    assert outputs(encoder, X).dtype == np.float32


@pytest.mark.parametrize(("broken", "what"), [(0, "24 numbers in the codes"), (1, "72 numbers in the reconstructions")])
def test_a_model_that_diverged_is_told_so(broken, what):
    both = pair()
    both[broken].set_weights([np.full_like(weight, np.nan) for weight in both[broken].get_weights()])
    said = refused(held_out_mse, *both, X)
    assert f"Of the {what} of held-out data, {what.split()[0]} are NaN or infinite: training has diverged." in said


def test_a_part_that_is_infinite_is_counted():
    encoder, decoder = pair()
    decoder.set_weights([decoder.get_weights()[0], np.array([np.inf, 0, 0, 0, 0, 0])])
    assert "Of the 72 numbers in the reconstructions of held-out data, 12 are" in refused(
        held_out_mse, encoder, decoder, X
    )


def test_reconstructions_of_another_shape_and_data_out_of_range():
    encoder, decoder = pair()
    assert "have shape (12, 5); it must be the same." in refused(held_out_mse, encoder, dense(2, 5), X)
    for x in (X + 1, X - 1, np.full_like(X, np.nan), X[:0]):
        with pytest.raises(ValueError, match="`x` must be"):
            held_out_mse(encoder, decoder, x)


# --- shared weights, small problems, seeds ---------------------------------------------------------


def test_weights_are_shared_by_identity():
    encoder, decoder = pair()
    x = keras.Input((6,))
    whole = keras.Model(x, decoder(encoder(x)))
    part = keras.Model(whole.input, encoder(whole.input))  # another model, of the same layers
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    assert np.array_equal(outputs(copy, X), outputs(encoder, X))
    assert [shares_weights(model, whole) for model in (encoder, decoder, part, whole)] == [True] * 4
    assert not shares_weights(copy, whole)
    assert not shares_weights(whole, encoder)
    mixed = keras.Sequential([keras.Input((6,)), encoder, keras.layers.Dense(2)])
    assert not shares_weights(mixed, whole)
    nothing = keras.Sequential([keras.Input((6,)), keras.layers.Flatten()])
    assert not shares_weights(nothing, whole)


def test_small_problems_lie_in_a_plane_inside_the_range():
    for shape, dimensions in (((8,), 2), ((4, 4, 1), 3)):
        x = small_problem(shape, dimensions=dimensions)
        assert (x.shape, x.dtype) == ((64, *shape), np.float32)
        assert 0 <= x.min() < x.max() <= 1
        flat = x.reshape(64, -1)
        assert np.linalg.matrix_rank(flat - flat.mean(axis=0), tol=1e-4) == dimensions
        assert np.array_equal(x, small_problem(shape, dimensions=dimensions))
        assert not np.array_equal(x, small_problem(shape, dimensions=dimensions, seed=1))


def test_seeded_runs_repeat_and_leave_no_trace():
    def train(x):
        encoder, decoder = pair()
        autoencoder = keras.Sequential([encoder, decoder])
        autoencoder.compile("sgd", "mse")
        autoencoder.fit(x + np.random.normal(0, 0.01, x.shape), x, epochs=2, batch_size=4, verbose=0)  # noqa: NPY002
        return encoder, decoder

    before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (run_seeded(train, X, seed=seed) for seed in (0, 0, 1))
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    scores = [held_out_mse(*models, X) for models in (first, again, other)]
    assert scores[0] == scores[1] != scores[2]
    with pytest.raises(NotAttempted):
        run_seeded(None, X)
    assert "Your function raised ZeroDivisionError" in refused(run_seeded, lambda x: 1 / 0, X)
    assert "did not return within 0.1 seconds" in refused(run_seeded, _forever, X, seconds=0.1)


def _forever(x):
    while True:
        pass
