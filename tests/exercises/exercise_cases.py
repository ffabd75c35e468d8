"""Answers to the exercises of the lessons: right ones that the reference is not, and wrong ones.

test_every_exercise.py demands an entry for every exercise.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, rel_entr

from aetutorial import data
from aetutorial.metrics import clustering_accuracy


@dataclass
class Cases:
    """Right answers beside the reference, and wrong ones, each with a word that its refusal must say."""

    right: list[Any]
    wrong: list[tuple[str, Any]]


@dataclass
class Made:
    """An answer that is made when it is needed, because it needs TensorFlow."""

    make: Callable[[], Any]


# --- answers that take more than a line --------------------------------------------------------


PATIENTS = (
    "noise drawn once",
    "sigma for log variance",
    "code wider than the input",
    "bounded output",
    "losses across units",
    "dead code",
    "KL averaged",
    "test data in training",
)
ADVICE = ("autoencoder + mixture", "PCA", "VAE", "denoising autoencoder", "no autoencoder")


def swapped(texts, i, j):
    texts = list(texts)
    texts[i], texts[j] = texts[j], texts[i]
    return texts


def early_stop(losses, patience, equal=False):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] or (equal and loss == losses[best]):
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(losses) - 1


def never_anew(losses, patience):
    worse = np.array(losses) > np.minimum.accumulate(losses)
    last = int(np.searchsorted(np.cumsum(worse), patience))
    return int(np.argmin(losses[: last + 1])), last


def cover(size, kernel, strides):
    pixels = np.arange((size - 1) * strides + kernel)[:, None] - strides * np.arange(size)
    return ((pixels >= 0) & (pixels < kernel)).sum(axis=1)


def in_steps(w, bits, axis=0, back=True, more=0, to=np.round, size=np.abs, zero=1.0):
    scale = size(w).max(axis=axis, keepdims=True) / (2 ** (bits - 1) - 1 + more)
    scale = np.where(scale == 0, zero, scale)
    return to(w / scale) * (scale if back else 1)


def mixed(z, t, alpha_bar, noise, power=0.5, noise_power=0.5):
    a = alpha_bar[t][:, None]
    return a**power * z + (1 - a) ** noise_power * noise


def centered(m, axis=0):
    return m - m.mean(axis=axis, keepdims=True)


def gram_norm(m):
    return np.linalg.norm(m.T @ m)


def aligned(a, b, prepare=centered, norm=np.linalg.norm, power=2, below=gram_norm):
    a, b = prepare(a), prepare(b)
    return norm(a.T @ b) ** power / (below(a) * below(b))


def aligned_by_kernels(a, b):
    k, m = (centered(m) @ centered(m).T for m in (a, b))
    return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))


def aligned_by_components(a, b):
    (u, s, _), (v, t, _) = (np.linalg.svd(centered(m), full_matrices=False) for m in (a, b))
    told = (s[:, None] * (u.T @ v) * t) ** 2
    return [told.sum() / np.sqrt((s**4).sum() * (t**4).sum())]


def spectral(m):
    return np.linalg.norm(m, 2)


def kept(z, k, more=0):
    return np.where(np.arange(z.shape[1]) < k[:, None] + more, z, 0)


def kept_in_loops(z, k):
    return [[*row[:n], *[0] * (len(row) - n)] for row, n in zip(z.tolist(), k, strict=True)]


def kl_each(z_mean, z_log_var):
    return 0.5 * (z_mean**2 + np.exp(z_log_var) - 1 - z_log_var)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def delta(x, x_hat, w):
    return 2 * w * (x_hat - x) * x_hat * (1 - x_hat) / len(x)


def delta_by_tape(x, x_hat, w):
    import tensorflow as tf

    a_d = tf.Variable(np.log(x_hat / (1 - x_hat)))
    with tf.GradientTape() as tape:
        errors = w * (tf.sigmoid(a_d) - x) ** 2
        loss = tf.reduce_mean(tf.reduce_sum(errors, axis=1))
    return tape.gradient(loss, a_d)


def tied_by_tape(W, b_e, b_d, x, dtype="float64"):
    import tensorflow as tf

    W, b_e, b_d, x = (tf.cast(value, dtype) for value in (W, b_e, b_d, x))
    with tf.GradientTape() as tape:
        tape.watch(W)
        z = tf.sigmoid(x @ tf.transpose(W) + b_e)
        x_hat = tf.sigmoid(z @ W + b_d)
        loss = tf.reduce_mean(tf.reduce_sum((x_hat - x) ** 2, axis=1))
    return tape.gradient(loss, W)


def tied_parts(W, b_e, b_d, x):
    """Return what the encoder and what the decoder add to the gradient."""
    z = sigmoid(x @ W.T + b_e)
    x_hat = sigmoid(z @ W + b_d)
    delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
    return ((delta_d @ W.T) * z * (1 - z)).T @ x, z.T @ delta_d


def table_of(y, clusters):
    counts = np.zeros((y.max() + 1, clusters.max() + 1))
    np.add.at(counts, (y, clusters), 1)
    return counts


def brute_accuracy(y, clusters):
    names = itertools.permutations(range(clusters.max() + 1))
    return max(np.mean(np.array(order)[clusters] == y) for order in names)


def cross(x, x_hat):
    return -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat)).sum(axis=1)


def divergence(x, x_hat):
    return (rel_entr(x, x_hat) + rel_entr(1 - x, 1 - x_hat)).sum(axis=1)


def encoder_built_in(x, epochs=20, frozen=False):
    """A right answer to lesson01.stranger with Keras's functional API, unless it trains too little."""
    import keras

    pixels = keras.Input((8,))
    z = keras.layers.Dense(2, trainable=not frozen)(pixels)
    autoencoder = keras.Model(pixels, keras.layers.Dense(8)(z))
    autoencoder.compile(keras.optimizers.Adam(0.02), loss="mse")
    if epochs:
        autoencoder.fit(x, x, epochs=epochs, batch_size=8, verbose=0)
    return keras.Model(pixels, z), autoencoder


def encoder_copied(x):
    """Another right answer: the trained weights are copied."""
    import keras

    _, autoencoder = encoder_built_in(x)
    encoder = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    encoder.set_weights(autoencoder.get_weights()[:2])
    return [encoder, autoencoder]


def encoder_apart(x):
    import keras

    _, autoencoder = encoder_built_in(x)
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)]), autoencoder


def better_pair(hidden=512, epochs=12):
    """A pair for lesson01.better, trained by the course's engine."""
    import keras

    from aetutorial import data, training

    x_train = data.load("mnist").x_train.reshape(-1, 784)
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense
    encoder = keras.Sequential([keras.Input((784,)), dense(hidden, "relu"), dense(32)])
    decoder = keras.Sequential([keras.Input((32,)), dense(hidden, "relu"), dense(784, "sigmoid")])
    autoencoder = keras.Sequential([encoder, decoder])
    autoencoder.compile(keras.optimizers.Adam(0.002), loss="mse")
    if epochs:
        training.fit(autoencoder, x_train, epochs=epochs, batch_size=128, progress=False)
    return {"encoder": encoder, "decoder": decoder}


def layered_pair(hidden, epochs):
    """A pair for lesson02.more_layers, trained by the course's engine; without hidden units, one layer on each side."""
    import keras

    from aetutorial import data, training

    x_train = data.load("digits").x_train.reshape(-1, 64)
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense
    wide = [dense(hidden, "tanh")] if hidden else []
    encoder = keras.Sequential([keras.Input((64,)), *wide, dense(16, None if hidden else "sigmoid")])
    wide = [dense(hidden, "tanh")] if hidden else []
    decoder = keras.Sequential([keras.Input((16,)), *wide, dense(64, "sigmoid")])
    autoencoder = keras.Sequential([encoder, decoder])
    autoencoder.compile(keras.optimizers.Adam(0.002 if hidden else 0.01), loss="mse")
    if epochs:
        training.fit(autoencoder, x_train, epochs=epochs, batch_size=32, progress=False)
    return encoder, decoder


def backward_by_tape(p, x):
    """A right answer to lesson02.backward, by TensorFlow's derivatives."""
    import tensorflow as tf

    v = {name: tf.Variable(value) for name, value in p.items()}
    with tf.GradientTape() as tape:
        z = tf.tanh(x @ tf.transpose(v["W_e"]) + v["b_e"])
        x_hat = tf.sigmoid(z @ tf.transpose(v["W_d"]) + v["b_d"])
        loss = tf.reduce_mean(tf.reduce_sum((x_hat - x) ** 2, axis=1))
    return {name: g.numpy() for name, g in tape.gradient(loss, v).items()}


def backward_with(slope="tanh", bias="sum", scale=1.0, only=()):
    """An answer to lesson02.backward with faults: those that it shows, or some arrays times a scale."""

    def answer(p, x):
        z = np.tanh(x @ p["W_e"].T + p["b_e"])
        x_hat = 1 / (1 + np.exp(-(z @ p["W_d"].T + p["b_d"])))
        delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
        delta_e = delta_d @ p["W_d"] * (1 - z**2 if slope == "tanh" else z * (1 - z))
        g = {"W_e": delta_e.T @ x, "b_e": delta_e.sum(axis=0), "W_d": delta_d.T @ z}
        g["b_d"] = delta_d.sum(axis=0) if bias == "sum" else delta_d.mean(axis=0)
        return {name: value * (scale if name in only else 1) for name, value in g.items()}

    return answer


def quiet(function):
    with np.errstate(all="ignore"):
        return function()


def components_by_halving():
    from sklearn.decomposition import PCA

    from aetutorial import data

    mnist = data.load("mnist")
    x_train, x_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
    too_few, enough = 1, 100
    while enough - too_few > 1:
        n = (too_few + enough) // 2
        pca = PCA(n).fit(x_train)
        x_hat = pca.inverse_transform(pca.transform(x_test))
        too_few, enough = (too_few, n) if np.mean((x_test - x_hat.clip(0, 1)) ** 2) < 0.01 else (n, enough)
    return np.array([float(enough)])


def nearest_in_loops(z_query, z_bank):
    return [min(range(len(z_bank)), key=lambda i: sum((z_bank[i] - q) ** 2)) for q in z_query]


def squares(q, b):
    return ((q[:, None] - b[None]) ** 2).sum(axis=2)


def improved(older: Callable[..., float]) -> Callable[..., bool]:
    """Return a convergence test that compares the last loss with `older(curve, patience)`."""
    return lambda c, p, t: len(c) > p and older(c, p) - c[-1] < t * older(c, p)


def report_with(mean="train", pca="train", score="test", factor=1, center=True, power=1.0):
    """Return a report that fits and scores on the given parts of the data."""

    def report(x_train, x_test, x_hat_test, n_components):
        part = {"train": x_train, "test": x_test}
        middle = part[pca].mean(axis=0) * center
        cov = (part[pca] - middle).T @ (part[pca] - middle)
        w = np.linalg.eigh(cov)[1][:, -n_components:]
        guesses = {"mean": part[mean].mean(axis=0), "model": x_hat_test}
        guesses["PCA"] = (x_test - middle) @ w @ w.T + middle
        target = dict.fromkeys(guesses, x_test) | {"mean": part[score]}
        errors = {n: np.mean((target[n] - guess) ** 2) for n, guess in guesses.items()}
        return {name: factor * error**power for name, error in errors.items()}

    return report


def report_as_shown(x_train, x_test, x_hat_test, n_components):
    """The report of lesson 3 with its three faults."""
    return report_with(mean="test", pca="test", factor=8)(x_train, x_test, x_hat_test, n_components)


def model_of(size: int, skip: bool = False, scale: float = 1.0) -> Made:
    """Make a linear model with codes of `size` numbers: an orthogonal projection, not trained."""

    def make():
        import keras

        basis = np.linalg.qr(np.random.default_rng(0).standard_normal((100, 100)))[0][:, :size]
        encoder, decoder = (keras.layers.Dense(n, use_bias=False) for n in (size, 100))
        x = keras.Input((100,))
        y = decoder(encoder(x))
        encoder.set_weights([basis])
        decoder.set_weights([scale * basis.T])
        return keras.Model(x, keras.layers.Add()([x, y]) if skip else y)

    return Made(make)


def packing_model():
    """Make a model whose 32 numbers hold a number of the row each, and the sign of another as a jump of 20."""
    import keras

    steep = 1e4
    one, none = np.eye(32), np.zeros((32, 32))
    rest = np.zeros((36, 96))
    up = np.block([[one, none, none], [none, steep * one, steep * one]])
    layers = [keras.layers.Dense(width, activation) for width, activation in ((96, "relu"), (32, None))]
    layers += [keras.layers.Dense(96, "relu"), keras.layers.Dense(100)]
    model = keras.Sequential([keras.Input((100,)), *layers])
    shifts = np.repeat([10.0, 1.0, 0.0], 32)  # 10 is added so that ReLU passes the number; a jump is two steep ReLUs
    layers[0].set_weights([np.vstack([up, rest]), shifts])
    layers[1].set_weights([np.vstack([one, 20 * one, -20 * one]), np.full(32, -10.0)])
    layers[2].set_weights(
        [np.hstack([one, steep * one, steep * one]), np.repeat([10.0, 1 - 10 * steep, -10 * steep], 32)]
    )
    half = np.sqrt(2 / np.pi)
    kernel = np.block([[one, none], [-20 * one, 2 * half * one], [20 * one, -2 * half * one]])
    layers[3].set_weights(
        [np.hstack([kernel, np.zeros((96, 36))]), np.r_[np.full(32, -10.0), np.full(32, -half), np.zeros(36)]]
    )
    return model


def squeezed(size: int, epochs: int, skip: bool = False) -> Made:
    """Make an autoencoder of small digits with codes of `size` numbers."""

    def make():
        import keras
        from keras.layers import Add, Dense, Rescaling

        keras.utils.set_random_seed(1)
        x = keras.Input((64,))
        h = Dense(64, "relu")(Dense(size)(Dense(64, "relu")(x)))
        y = Add()([x, Rescaling(0.0)(Dense(64)(h))]) if skip else Dense(64, "sigmoid")(h)
        model = keras.Model(x, y)
        model.compile(keras.optimizers.Adam(0.01), loss="mse")
        if epochs:
            digits = data.load("digits").x_train.reshape(-1, 64)
            model.fit(digits, digits, epochs=epochs, batch_size=64, verbose=0)
        return model

    return Made(make)


def subclassed(nested: bool) -> Made:
    """Make the same model as a subclass of keras.Model, its two layers in models of their own or not."""

    def make():
        import keras

        class Autoencoder(keras.Model):
            def __init__(self):
                super().__init__()
                layers = [keras.layers.Dense(n, use_bias=False) for n in (32, 100)]
                parts = [keras.Sequential([layer]) for layer in layers] if nested else layers
                self.encoder, self.decoder = parts

            def call(self, x):
                return self.decoder(self.encoder(x))

        model = Autoencoder()
        model(np.zeros((1, 100), "float32"))
        model.set_weights(model_of(32).make().get_weights())
        return model

    return Made(make)


def opaque_model():
    import keras

    class Opaque(keras.Model):
        def call(self, x):
            return 0 * x

    model = Opaque()
    model(np.zeros((1, 100), "float32"))
    return model


def angles(a, b, basis=lambda a: np.linalg.qr(a)[0], most=1.0):
    """Return the principal angles in degrees, rising."""
    cosines = np.linalg.svd(basis(a).T @ basis(b), compute_uv=False)
    return np.degrees(quiet(lambda: np.arccos(np.minimum(cosines * most, most))))


def angle_of_projections(a, b):
    difference = a @ np.linalg.pinv(a) - b @ np.linalg.pinv(b)
    return np.degrees(np.arcsin(min(np.linalg.norm(difference, 2), 1.0)))


def log_ratios(x, first=1, add=0.0, metric="euclidean"):
    """Return log(r2 / r1); column 0 of the sorted distances is the point itself."""
    r = np.sort(cdist(x, x, metric), axis=1)
    return quiet(lambda: np.log(r[:, first + 1] / (r[:, first] + add)))


def next_neighbors_by_tree(x):
    from sklearn.neighbors import NearestNeighbors

    _, r2, r3 = NearestNeighbors(n_neighbors=3).fit(x).kneighbors()[0].T
    return (len(x) - 1) / (2 * np.log(r3 / r2).sum())


def line_search(a, m, b, other):
    return next((n for n in range(1, 100_000) if n * a + m < n * b + other), None)


def break_even_with(ahead=line_search, level=None, whole=lambda n: int(n // 1) + 1, sign=1):
    """Return a break-even function, or one with a slip."""

    def break_even(a, m, b, other):
        if ahead(a, m, b, other) == 1:
            return 1
        saved = sign * (b - a)
        if saved == 0:
            return level
        return whole((m - other) / saved) if saved > 0 else None

    return break_even


def decibels(x, x_hat, sign=10, axis=(1, 2, 3), log=np.log10, total=np.mean):
    """Return the PSNR, or what a slip makes of it."""
    return np.mean(sign * log(1 / total((x - x_hat) ** 2, axis=axis)))


def kl_with(total=np.sum, factor=0.5):
    def kl(m, v, k, w):
        terms = np.exp(v - w) + (m - k) ** 2 * np.exp(-w) - 1 - v + w
        return factor * total(terms, axis=1)

    return kl


def kl_by_dimension(mean, log_var, other_mean, other_log_var):
    total = np.zeros(len(mean))
    for m, v, k, w in zip(mean.T, log_var.T, other_mean.T, other_log_var.T, strict=True):
        s, t = np.exp(v / 2), np.exp(w / 2)
        total += np.log(t / s) + (s**2 + (m - k) ** 2) / (2 * t**2) - 0.5
    return total


def kl_of_variances(m, v, k, w):
    return 0.5 * np.sum(v / w + (m - k) ** 2 / w - 1 - np.log(np.abs(v / w)), axis=1)


def impute_with(mask=lambda known: known, hole=0.0, keep=True, swap=False, rows=slice(None)):
    """Return an imputer, or one with a slip."""

    def impute(predict, x):
        known = ~np.isnan(x)
        both = [np.where(known, x, hole), mask(known)]
        guess = predict(np.hstack(both[::-1] if swap else both)[:, rows])
        return np.where(known, x, guess) if keep else guess

    return impute


def impute_in_loops(predict, x):
    filled = x.copy()
    for row in filled:
        known = ~np.isnan(row)
        guess = predict(np.concatenate([np.nan_to_num(row), known])[None])[0]
        row[~known] = guess[~known]
    return filled.tolist()


# --- the cases -----------------------------------------------------------------------------------

CASES = {
    "lesson00.two_numbers": Cases(
        [squeezed(2, epochs=40)],
        [
            ("8 units: let it have 2", squeezed(8, epochs=0)),
            ("not trained yet", squeezed(2, epochs=0)),
            ("around the narrow layer", squeezed(2, epochs=0, skip=True)),
        ],
    ),
    "lesson01.objective": Cases(
        ["Input and Reconstruction", " input  and reconstruction\n"],
        [
            ("functions", "encoder and decoder"),
            ("subtracted", "input and code"),
            ("Labels", "code and label"),
            ("one of", "input and output"),
        ],
    ),
    "lesson01.stranger": Cases(
        [encoder_built_in, encoder_copied],
        [
            ("still a stranger", encoder_apart),
            ("still call `fit`", lambda x: encoder_built_in(x, epochs=0)),
            ("not trained", lambda x: encoder_built_in(x, frozen=True)),
            ("Return the pair", lambda x: encoder_built_in(x)[0]),
            ("yours is (8,)", lambda x: encoder_built_in(x)[::-1]),
        ],
    ),
    "lesson01.components": Cases(
        [Made(components_by_halving)], [("not below 0.01", 32), ("find the smallest", 200), ("whole number", 59.5)]
    ),
    "lesson01.nearest": Cases(
        [
            nearest_in_loops,
            lambda q, b: ((b**2).sum(1) - 2 * q @ b.T).argmin(axis=1).astype("uint16"),
            lambda q, b: squares(q.astype("float32"), b.astype("float32")).argmin(axis=1),
        ],
        [
            ("codes themselves", lambda q, b: b[squares(q, b).argmin(axis=1)]),
            ("distances", lambda q, b: np.sqrt(squares(q, b).min(axis=1))),
            ("integers", lambda q, b: squares(q, b).argmin(axis=1) * 1.0),
            ("farthest", lambda q, b: squares(q, b).argmax(axis=1)),
            ("scalar product", lambda q, b: (q @ b.T).argmax(axis=1)),
            ("absolute", lambda q, b: abs(q[:, None] - b).sum(axis=2).argmin(axis=1)),
            ("sum the squares", lambda q, b: (q[:, None] - b).sum(axis=2).argmin(axis=1)),
            ("(400,)", lambda q, b: squares(q, b).argmin(axis=0)),
        ],
    ),
    "lesson01.better": Cases(
        [Made(better_pair)],
        [
            ("below 0.009 is wanted", Made(lambda: better_pair(64, 4))),
            ("next to nothing", Made(lambda: better_pair(epochs=0))),
            ("swapped", Made(lambda: tuple(better_pair(epochs=0).values())[::-1])),
            ("decoder", Made(lambda: better_pair(epochs=0)["encoder"])),
        ],
    ),
    "lesson02.units": Cases(
        [12.3, 12.288, np.float32(12.29)], [("divides by D", 1.302e-6), ("three colors", 4.096), ("Write down", 0.004)]
    ),
    "lesson02.backward": Cases(
        [backward_by_tape, lambda p, x: {k: v.tolist() for k, v in backward_by_tape(p, x).items()}],
        [
            ("Only W_d is right", backward_with(slope="sigmoid", bias="mean")),
            ("W_d and b_d are right now", backward_with(slope="sigmoid")),
            ("7 times too small", backward_with(bias="mean")),
            ("about W_d and b_d", backward_with(scale=7, only=("W_d", "b_d"))),
            ("a dict", lambda p, x: tuple(backward_by_tape(p, x).values())),
            ("(3, 5)", lambda p, x: backward_by_tape(p, x) | {"W_e": backward_by_tape(p, x)["W_e"].T}),
        ],
    ),
    "lesson02.output_delta": Cases(
        [
            delta_by_tape,
            lambda x, x_hat, w: [[float(delta(x, x_hat, w)[i, j]) for j in range(len(w))] for i in range(len(x))],
            lambda *arrays: delta(*(a.astype("float32") for a in arrays)),
        ],
        [
            ("sign", lambda x, x_hat, w: -delta(x, x_hat, w)),
            ("factor 2", lambda x, x_hat, w: delta(x, x_hat, w) / 2),
            ("Divide by the number of examples: ", lambda x, x_hat, w: delta(x, x_hat, w) * len(x)),
            ("examples only", lambda x, x_hat, w: delta(x, x_hat, w) / len(w)),
            ("weights", lambda x, x_hat, w: delta(x, x_hat, 1)),
            ("sigmoid", lambda x, x_hat, w: 2 * w * (x_hat - x) / len(x)),
            ("derive it", lambda x, x_hat, w: delta(x, x_hat, w**2)),
        ],
    ),
    "lesson02.convergence": Cases(
        [
            lambda c, p, t: np.bool_(len(c) > p and c[-1] > (1 - t) * c[-p - 1]),
            lambda c, p, t: int(len(c) > p and (list(c)[-1 - p] - min(c[-p:])) / c[-1 - p] < t),
        ],
        [
            ("nothing to compare", lambda c, p, t: c[0] - c[-1] < 2),
            ("falls by a fifth", lambda c, p, t: len(c) > p and c[-1 - p] - c[-1] > t * c[-1 - p]),
            ("stood still", improved(lambda c, p: c[0])),
            ("small loss", lambda c, p, t: len(c) > p and c[-1 - p] - c[-1] < t),
            ("large loss", lambda c, p, t: len(c) > p and c[-1] >= c[-1 - p]),
            ("rises", lambda c, p, t: len(c) > p and abs(c[-1 - p] - c[-1]) < t * c[-1 - p]),
            ("later one", improved(lambda c, p: c[-2])),
            ("patience of 1", lambda c, p, t: improved(lambda c, p: c[-4])(c, 3, t)),
            ("half of the older", lambda c, p, t: len(c) > p and c[-1 - p] / c[-1] - 1 < t),
            ("True or False", lambda c, p, t: c[0] - c[-1] + 0.5),
        ],
    ),
    "lesson02.tied": Cases(
        [tied_by_tape, functools.partial(tied_by_tape, dtype="float32")],
        [
            ("Only the encoder", lambda *a: tied_parts(*a)[0]),
            ("Only the decoder", lambda *a: tied_parts(*a)[1]),
            ("mean over features", lambda *a: sum(tied_parts(*a)) / 5),
            ("Divide", lambda *a: sum(tied_parts(*a)) * 7),
            ("central differences", lambda *a: sum(tied_parts(*a)) / 2),
            ("transpose", lambda *a: sum(tied_parts(*a)).T),
        ],
    ),
    "lesson02.more_layers": Cases(
        [Made(lambda: layered_pair(128, 30))],
        [
            ("below 0.5 is wanted", Made(lambda: layered_pair(0, 30))),
            ("next to nothing", Made(lambda: layered_pair(128, 0))),
            ("swapped", Made(lambda: layered_pair(128, 0)[::-1])),
        ],
    ),
    "lesson02.coin_floor": Cases(
        [
            divergence,
            lambda x, x_hat: divergence(x.astype("float32"), x_hat.astype("float32")).tolist(),
            lambda x, x_hat: cross(x, x_hat) - cross(x, np.clip(x, 1e-12, 1 - 1e-12)),
        ],
        [
            ("not subtracted", cross),
            ("mean over features", lambda x, x_hat: divergence(x, x_hat) / 9),
            ("bits", lambda x, x_hat: divergence(x, x_hat) / np.log(2)),
            ("sign", lambda x, x_hat: -divergence(x, x_hat)),
            ("own entropy", lambda x, x_hat: divergence(x_hat, x)),
            ("NaN", lambda x, x_hat: quiet(lambda: cross(x, x_hat) - cross(x, x))),
            ("floor is 0", lambda x, x_hat: np.nan_to_num(quiet(lambda: cross(x, x_hat) - cross(x, x)))),
            ("(6,)", lambda x, x_hat: divergence(x, x_hat).mean()),
        ],
    ),
    "lesson03.tanh_floor": Cases(
        [0.151, 0.15, np.float32(0.15068)], [("sigmoid", 0.575), ("below -1", 0.0753), ("share", 0.317), ("Clip", 1.0)]
    ),
    "lesson03.beat_it": Cases(
        [model_of(32), subclassed(nested=True), subclassed(nested=False), Made(packing_model)],
        [
            ("wider than 32", model_of(40)),
            ("can't see", Made(opaque_model)),
            ("no better than the mean", model_of(32, scale=-1)),
            ("look at the output", model_of(5)),
            ("by heart", model_of(15)),
            ("around the narrow layer", model_of(32, skip=True, scale=-0.5)),
        ],
    ),
    "lesson03.report": Cases(
        [report_with(), lambda *a: {k: np.float32(v) for k, v in report_with()(*a).items()}],
        [
            ("keys", lambda *a: list(report_with()(*a).values())),
            ('no key "PCA"', lambda *a: {k.lower(): v for k, v in report_with()(*a).items()}),
            ("sums", report_as_shown),
            ("mean was taken from the test set", report_with(mean="test")),
            ("error on the training set", report_with(score="train")),
            ("PCA was fitted", report_with(pca="test")),
            ('"PCA" is off', report_with(center=False)),
            ('"mean" is off', report_with(power=0.5)),
        ],
    ),
    "lesson03.diagnose": Cases(
        [("Overfitting", "output range", "not trained  enough")],
        [
            ("held-out loss rises", ["not trained enough", "output range", "overfitting"]),
            ("can't go", ["overfitting", "not trained enough", "output range"]),
            ("fall together", ["overfitting", "output range", "output range"]),
            ("a list", "overfitting"),
            ("three cases", ["overfitting", "output range"]),
            ("one of", ["overfitting", "range", "not trained enough"]),
        ],
    ),
    "lesson04.tail": Cases(
        [0.4, np.float32(0.4), [0.4]],
        [
            ("sum over features", 2),
            ("comes from what the code keeps", 1.6),
            ("variance that the code keeps", 8),
            ("share", 0.2),
            ("all five", 0.667),
            ("two smallest", 1.8),
            ("Which eigenvalues", 10),
        ],
    ),
    "lesson04.largest_angle": Cases(
        [
            lambda a, b: angles(a, b).max(),
            lambda a, b: angles(a.astype("float32"), b.astype("float32")).max(),
            angle_of_projections,
        ],
        [
            ("radians", lambda a, b: np.radians(angles(a, b).max())),
            ("smallest", lambda a, b: angles(a, b).min()),
            ("cosine", lambda a, b: np.cos(np.radians(angles(a, b).max()))),
            ("mean", lambda a, b: angles(a, b).mean()),
            ("corresponding", lambda a, b: np.degrees(np.arccos((a * b).sum(axis=0))).max()),
            ("20, 50 and 75", lambda a, b: angles(a, b).sum()),
            ("orthonormalize", lambda a, b: angles(a, b, basis=lambda a: a).max()),
            ("clip", lambda a, b: angles(a, b, most=1 + 1e-9).max()),
            ("itself", lambda a, b: np.nan_to_num(angles(a, b, most=1 + 1e-9), nan=90).max()),
        ],
    ),
    "lesson04.next_neighbors": Cases(
        [next_neighbors_by_tree, lambda x: 0.5 / log_ratios(x.astype("float32"), first=2).mean(dtype="float32")],
        [
            ("rate is 2 d", lambda x: 1 / log_ratios(x, first=2).mean()),
            ("squared", lambda x: 0.25 / log_ratios(x, first=2).mean()),
            ("twice the mean", lambda x: 2 * log_ratios(x, first=2).mean()),
            ("the mean of the logarithms; it is", lambda x: log_ratios(x, first=2).mean()),
            ("sign", lambda x: -0.5 / log_ratios(x, first=2).mean()),
            ("missing", lambda x: 0.5 / np.exp(log_ratios(x, first=2)).mean()),
            ("logarithm of each", lambda x: 0.5 / np.log(np.exp(log_ratios(x, first=2)).mean())),
            ("once", lambda x: (0.5 / log_ratios(x, first=2)).mean()),
            ("median", lambda x: 0.5 / np.median(log_ratios(x, first=2))),
            ("base 10", lambda x: 0.5 / (log_ratios(x, first=2) / np.log(10)).mean()),
            ("lesson's estimate", lambda x: 1 / log_ratios(x).mean()),
            ("one too near", lambda x: 0.5 / log_ratios(x).mean()),
            ("first and the third", lambda x: 1 / (log_ratios(x) + log_ratios(x, first=2)).mean()),
            ("own nearest", lambda x: 0.5 / log_ratios(x, first=0).mean()),
            ("by hand", lambda x: 0.5 / log_ratios(x, first=2, metric="cityblock").mean()),
            ("unit", lambda x: 0.5 / log_ratios(x, first=2, add=1e-8).mean()),
        ],
    ),
    "lesson04.which_map": Cases(
        [("T-SNE", "an autoencoder  with a dead unit", "pca")],
        [
            ("neighbors far better", ["PCA", "an autoencoder with a dead unit", "t-SNE"]),
            ("least room", ["t-SNE", "PCA", "an autoencoder with a dead unit"]),
            ("flat shadow", ["t-SNE", "an autoencoder with a dead unit", "t-SNE"]),
            ("a list", "t-SNE"),
            ("three maps", ["t-SNE", "PCA"]),
            ("one of", ["t-SNE", "dead unit", "PCA"]),
        ],
    ),
    "lesson04.break_even": Cases(
        [line_search, lambda *a: break_even_with(whole=lambda n: float(np.floor(n) + 1))(*map(np.float64, a))],
        [
            ("wrong way round", break_even_with(sign=-1)),
            ("give a whole number", break_even_with(whole=lambda n: n)),
            ("not fewer", break_even_with(whole=int)),
            ("strictly fewer", break_even_with(whole=lambda n: -int(-n // 1))),
            ("smallest number", lambda a, m, b, other: line_search(a, m, b, 0)),
            ("at least 1", break_even_with(ahead=lambda *a: None)),
            ("though there is", lambda *a: line_search(*a) if a[0] < a[2] else None),
            ("more bytes per image and the larger", lambda *a: line_search(*a) or 1),
            ("never paid", break_even_with(level=1)),
            ("Two equal", lambda *a: line_search(*a) or (1 if a[:2] == a[2:] else None)),
            ("Equal for 1", break_even_with(ahead=lambda a, m, b, o: 1 if m < o else None)),
            ("ZeroDivisionError", lambda a, m, b, o: max(1, int((m - o) / (b - a) // 1) + 1)),
        ],
    ),
    "lesson05.psnr": Cases(
        [
            lambda x, x_hat: np.mean([-10 * np.log10(np.mean((a - b) ** 2)) for a, b in zip(x, x_hat, strict=True)]),
            lambda x, x_hat: np.float32(decibels(x, x_hat)),
        ],
        [
            ("sign", lambda x, x_hat: decibels(x, x_hat, sign=-10)),
            ("per picture", lambda x, x_hat: decibels(x, x_hat, axis=None)),
            ("natural", lambda x, x_hat: decibels(x, x_hat, log=np.log)),
            ("tenths", lambda x, x_hat: decibels(x, x_hat, sign=1)),
            ("20 belongs", lambda x, x_hat: decibels(x, x_hat, sign=20)),
            ("sum of the squared", lambda x, x_hat: decibels(x, x_hat, total=np.sum)),
            ("off", lambda x, x_hat: np.mean(abs(x - x_hat))),
        ],
    ),
    "lesson05.shrink": Cases(
        [0.8, 4 / 5, np.float32(0.8)],
        [
            ("all the noise", 1),
            ("standard deviations", 0.667),
            ("share of the noise", 0.2),
            ("slope of the score", -0.2),
            ("p_sigma", 0.5),
        ],
    ),
    "lesson05.alarms": Cases(
        [
            lambda v, t, share: [int(np.mean(v >= error) < share) for error in t],
            lambda v, t, share: (t > np.sort(v)[int((1 - share) * len(v))]) * 1.0,
        ],
        [
            ("stay unseen", lambda v, t, share: t > np.quantile(t, 1 - share)),
            ("1 - share", lambda v, t, share: t > np.quantile(v, share)),
            ("small ones", lambda v, t, share: t < np.quantile(v, 1 - share)),
            ("no false alarm", lambda v, t, share: t > v.max()),
            ("skewed", lambda v, t, share: t > v.mean() + 1.2816 * v.std()),
            ("True or False", lambda v, t, share: t / np.quantile(v, 1 - share)),
            ("are off: compare", lambda v, t, share: t > np.quantile(v, 0.5)),
            ("written into", lambda v, t, share: t > np.quantile(v, 0.9)),
            ("(300,)", lambda v, t, share: np.quantile(v, 1 - share)),
        ],
    ),
    "lesson05.impute": Cases(
        [impute_in_loops, impute_with(mask=lambda known: known.astype("float32"))],
        [
            ("never called", lambda predict, x: np.nan_to_num(x)),
            ("wrong way round", impute_with(mask=lambda known: ~known)),
            ("4 values and 4 marks", impute_with(rows=slice(4))),
            ("first", impute_with(swap=True)),
            ("other rows", impute_with(hole=1.0)),
            ("given NaN", impute_with(hole=np.nan)),
            ("only the holes", impute_with(keep=False)),
            ("Where x is known", lambda predict, x: -impute_with()(predict, x)),
        ],
    ),
    "lesson05.diagnose": Cases(
        [("Noise drawn once", "threshold from test  data", "score follows size")],
        [
            ("turns round", ["score follows size", "threshold from test data", "noise drawn once"]),
            ("exactly 5 %", ["noise drawn once", "score follows size", "score follows size"]),
            ("smaller", ["noise drawn once", "threshold from test data", "noise drawn once"]),
            ("a list", "noise drawn once"),
            ("three cases", ["noise drawn once"]),
            ("one of", ["noise", "threshold from test data", "score follows size"]),
        ],
    ),
    "lesson06.kl": Cases(
        [kl_with(), kl_by_dimension],
        [
            ("exchanged", lambda m, v, k, w: kl_with()(k, w, m, v)),
            ("mean over the dimensions", kl_with(total=np.mean)),
            ("factor 1/2", kl_with(factor=1)),
            ("sign", kl_with(factor=-0.5)),
            ("standard normal", lambda m, v, k, w: kl_with()(m, v, 0 * k, 0 * w)),
            ("variance already", lambda m, v, k, w: kl_with()(m, 2 * v, k, 2 * w)),
            ("used it as the variance", kl_of_variances),
            ("off", lambda m, v, k, w: np.sum((m - k) ** 2, axis=1)),
        ],
    ),
    "lesson06.draw": Cases(
        [
            lambda m, v, e: e * np.sqrt(np.exp(v)) + m,
            lambda m, v, e: [a + np.exp(b / 2) * c for a, b, c in zip(m, v, e, strict=True)],
        ],
        [
            ("the mean alone", lambda m, v, e: m),
            ("has to be scaled", lambda m, v, e: m + e),
            ("z_log_var itself", lambda m, v, e: m + v * e),
            ("is the variance", lambda m, v, e: m + np.exp(v) * e),
            ("fixed code", lambda m, v, e: m + np.exp(v / 2)),
            ("only the noise", lambda m, v, e: np.exp(v / 2) * (m + e)),
            ("off", lambda m, v, e: m - np.exp(v / 2) * e),
        ],
    ),
    "lesson06.weights": Cases(
        [(0.0625, 784, 49), np.array([1 / 16, 784, 784 / 16])],
        [
            ("reciprocals", [16, 1 / 784, 1 / 49]),
            ("a sixteenth", [16, 784, 49]),
            ("first line", [1, 784, 49]),
            ("second line", [1 / 16, 1, 49]),
            ("Two means", [1 / 16, 784, 1]),
            ("upside down", [1 / 16, 784, 1 / 49]),
            ("third line", [1 / 16, 784, 16]),
            ("shape", [1 / 16, 784]),
        ],
    ),
    "lesson06.active": Cases(
        [lambda z: sum(column.std() > 0.1 for column in z.T), lambda z: np.count_nonzero(np.diag(np.cov(z.T)) > 0.01)],
        [
            ("standard deviations", lambda z: np.sum(z.std(axis=0) > 0.01)),
            ("sign of life", lambda z: np.sum(np.mean(abs(z), axis=0) > 0.01)),
            ("over the dimensions", lambda z: np.sum(z.var(axis=1) > 0.01)),
            ("not active", lambda z: np.sum(z.var(axis=0) < 0.01)),
            ("share of the units", lambda z: np.mean(z.var(axis=0) > 0.01)),
            ("Count the columns", lambda z: z.shape[1] + 3),
            ("9 numbers", lambda z: z.var(axis=0) > 0.01),
        ],
    ),
    "lesson06.gap": Cases(
        [-90.81, np.float32(-90.8069), -90.807],
        [
            ("too wide", -90),
            ("lower bound", -89.193),
            ("stands first", -90.318),
            ("the rate", -90.5),
            ("squared it", -96.1137),
            ("standard deviations", -90.153),
            ("minus it", 0.8069),
            ("missing", -93),
        ],
    ),
    "lesson07.bound": Cases(
        [
            lambda log_w: logsumexp(log_w, axis=1, b=1 / log_w.shape[1]),
            lambda log_w: np.logaddexp.reduce(log_w, axis=1) - np.log(log_w.shape[1]),
        ],
        [
            ("the ELBO", lambda log_w: np.mean(log_w, axis=1)),
            ("divide by k", lambda log_w: logsumexp(log_w, axis=1)),
            ("largest weight alone", lambda log_w: np.max(log_w, axis=1)),
            ("sign", lambda log_w: -(logsumexp(log_w, axis=1) - np.log(log_w.shape[1]))),
            ("logarithm is missing", lambda log_w: np.mean(np.exp(log_w), axis=1)),
            ("twice", lambda log_w: logsumexp(log_w, axis=1) - 2 * np.log(log_w.shape[1])),
            ("off", lambda log_w: np.median(log_w, axis=1)),
            ("NaN or infinite", lambda log_w: np.log(np.mean(np.exp(log_w), axis=1))),
            ("exp gives 0", lambda log_w: np.log(np.mean(np.exp(log_w), axis=1) + 1e-300)),
        ],
    ),
    "lesson07.frechet": Cases(
        [
            lambda m, s, k, t: (m - k) @ (m - k) + (s - t) @ (s - t),
            lambda m, s, k, t: np.linalg.norm(np.concatenate([m - k, s - t])) ** 2,
        ],
        [
            ("its root", lambda m, s, k, t: np.linalg.norm(np.concatenate([m - k, s - t]))),
            ("Only the means", lambda m, s, k, t: np.sum((m - k) ** 2)),
            ("variances", lambda m, s, k, t: np.sum((m - k) ** 2) + np.sum((s**2 - t**2) ** 2)),
            ("mixed term", lambda m, s, k, t: np.sum((m - k) ** 2 + s**2 + t**2)),
            ("taken for variances", lambda m, s, k, t: np.sum((m - k) ** 2 + s + t - 2 * np.sqrt(s * t))),
            ("divided by anything", lambda m, s, k, t: np.sum((m - k) ** 2 / s / t + (s - t) ** 2)),
            ("a sum", lambda m, s, k, t: np.mean((m - k) ** 2 + (s - t) ** 2)),
            ("off", lambda m, s, k, t: np.sum(abs(m - k) + abs(s - t))),
        ],
    ),
    "lesson07.precision": Cases(
        [
            lambda r, g, radius: np.mean(np.min(cdist(g, r) - radius, axis=1) <= 0),
            lambda r, g, radius: sum(any(np.linalg.norm(r - point, axis=1) <= radius) for point in g) / len(g),
        ],
        [
            ("share of real balls", lambda r, g, radius: (cdist(g, r) <= radius).any(0).mean()),
            ("share of pairs", lambda r, g, radius: (cdist(g, r) <= radius).mean()),
            ("several times", lambda r, g, radius: (cdist(g, r) <= radius).sum() / len(g)),
            (
                "only the nearest",
                lambda r, g, radius: np.mean(cdist(g, r).min(axis=1) <= radius[cdist(g, r).argmin(axis=1)]),
            ),
            ("outside", lambda r, g, radius: (cdist(g, r) > radius).all(axis=1).mean()),
            ("squared", lambda r, g, radius: (cdist(g, r) ** 2 <= radius).any(axis=1).mean()),
            ("number of points", lambda r, g, radius: (cdist(g, r) <= radius).any(axis=1).sum()),
            ("one for all", lambda r, g, radius: (cdist(g, r) <= radius.mean()).any(1).mean()),
            ("off", lambda r, g, radius: 0.123),
        ],
    ),
    "lesson07.reports": Cases(
        [["Copies", "one kind only", "smears in the middle", "faultless"]],
        [
            ("the first", ["faultless", "one kind only", "smears in the middle", "copies"]),
            ("the second", ["copies", "smears in the middle", "one kind only", "faultless"]),
            ("the third", ["copies", "one kind only", "faultless", "smears in the middle"]),
            ("the fourth", ["copies", "one kind only", "smears in the middle", "copies"]),
            ("list of four", "copies"),
        ],
    ),
    "lesson07.size": Cases(
        [20.0, np.float32(20.02), 20.0173],
        [
            ("eight", 160.1),
            ("not a bit", 13.9),
            ("Turned round", 9.6),
            ("per pixel", 0.204),
            ("base 10", 6.03),
            ("one bit a pixel", 98),
            ("divide by log 2", 111),
        ],
    ),
    "lesson08.fold": Cases(
        [
            lambda W, b, mean, std: [np.diag(1 / std) @ W, b - (mean / std) @ W],
            lambda W, b, mean, std: ((W.T / std).T, b + (-mean / std) @ W),
        ],
        [
            ("two arrays", lambda W, b, mean, std: W),
            ("multiplied by std", lambda W, b, mean, std: (W * std[:, None], b)),
            ("must change", lambda W, b, mean, std: (W, b - mean @ W)),
            ("row i", lambda W, b, mean, std: (W / std.mean(), b)),
            ("mean is missing", lambda W, b, mean, std: (W / std[:, None], b)),
            ("sign", lambda W, b, mean, std: (W / std[:, None], b + (mean / std) @ W)),
            ("new weights", lambda W, b, mean, std: (W / std[:, None], b - mean @ W)),
            ("code `mean`", lambda W, b, mean, std: (W / std[:, None], 2 * b)),
        ],
    ),
    "lesson08.accuracy": Cases(
        [clustering_accuracy, brute_accuracy],
        [
            ("took the numbers", lambda y, clusters: np.mean(y == clusters)),
            ("purity", lambda y, clusters: table_of(y, clusters).max(axis=0).sum() / len(y)),
            ("Each class", lambda y, clusters: table_of(y, clusters).max(axis=1).sum() / len(y)),
            ("divide it", lambda y, clusters: clustering_accuracy(y, clusters) * len(y)),
            ("off", lambda y, clusters: 0.123),
        ],
    ),
    "lesson08.targets": Cases(
        [0.4286, np.float32(3 / 7), 0.43],
        [
            ("q itself", 0.6),
            ("sizes of the clusters", 0.692),
            ("square", 1 / 3),
            ("add up", 0.006),
            ("second cluster", 0.571),
            ("multiplied", 0.871),
            ("Two numbers", 0.5),
        ],
    ),
    "lesson08.reports": Cases(
        [["No baseline", "labels used", "one seed", "fair"]],
        [
            ("The first", ["fair", "labels used", "one seed", "no baseline"]),
            ("the second", ["no baseline", "one seed", "labels used", "fair"]),
            ("the third", ["no baseline", "labels used", "fair", "one seed"]),
            ("The fourth", ["no baseline", "labels used", "one seed", "one seed"]),
            ("list of four", "fair"),
        ],
    ),
    "lesson08.gap": Cases(
        [0.1833, np.float32(0.55 / 3), 0.183],
        [
            ("entropies", (0.6 + 0.1 + 0.1) / 3),
            ("largest alone", (0.6 + 0.6 + 0.15) / 3),
            ("the sum", 0.55),
            ("smallest", (0.8 / 1.5 + 0.5 + 0.05) / 3),
            ("compared the factors", (0.4 + 0.2 + 0.3) / 3),
            ("largest minus second", 0.5),
        ],
    ),
    "lesson09.top_k": Cases(
        [
            lambda a, k: np.array([[v if v > 0 and v in np.sort(r)[-k:] else 0 for v in r] for r in a]),
            lambda a, k: np.where(np.argsort(np.argsort(-a, axis=1), axis=1) < k, np.maximum(a, 0), 0),
        ],
        [
            ("negative", lambda a, k: np.where(a >= np.sort(a, axis=1)[:, [-k]], a, 0)),
            ("All positive", lambda a, k: np.maximum(a, 0)),
            ("marks", lambda a, k: np.where(a >= np.sort(a, axis=1)[:, [-k]], 1, 0)),
            ("each column", lambda a, k: np.where(a >= np.sort(a, axis=0)[[-k]], np.maximum(a, 0), 0)),
            ("whole batch", lambda a, k: np.where(a >= np.sort(a, axis=None)[-k], np.maximum(a, 0), 0)),
            ("absolute", lambda a, k: np.where(abs(a) >= np.sort(abs(a), axis=1)[:, [-k]], np.maximum(a, 0), 0)),
            ("code is off", lambda a, k: 2 * a),
            ("another k", lambda a, k: np.where(a >= np.sort(a, axis=1)[:, [-3]], np.maximum(a, 0), 0)),
        ],
    ),
    "lesson09.penalty": Cases(
        [2.0, np.float32(2.00704)],
        [
            ("divided by the batch size", 7.84e-3),
            ("mean over pixels there", 2.56e-3),
            ("summed and averaged", 1e-5),
            ("smaller than a sum", 1e-5 / 784),
            ("all 256", 1e-5 * 784 / 256),
            ("whole loss", 1e-5 * 256 / 784),
            ("Multiply the loss", 5.0),
        ],
    ),
    "lesson09.jacobian": Cases(
        [
            lambda x, W, b: np.array([np.sum(((1 - np.tanh(r @ W + b) ** 2) * W) ** 2) for r in x]),
            lambda x, W, b: (np.cosh(x @ W + b) ** -4.0) @ (W**2).sum(axis=0),
        ],
        [
            ("of a sigmoid", lambda x, W, b: (np.tanh(x @ W + b) * (1 - np.tanh(x @ W + b))) ** 2 @ (W**2).sum(0)),
            (
                "the lesson's layer",
                lambda x, W, b: (sigmoid(x @ W + b) * (1 - sigmoid(x @ W + b))) ** 2 @ (W**2).sum(0),
            ),
            ("squared, too", lambda x, W, b: (1 - np.tanh(x @ W + b) ** 2) @ (W**2).sum(0)),
            ("norm", lambda x, W, b: np.sqrt(np.cosh(x @ W + b) ** -4.0 @ (W**2).sum(0))),
            ("before adding", lambda x, W, b: np.cosh(x @ W + b) ** -4.0 @ W.sum(0) ** 2),
            ("for each example", lambda x, W, b: np.full(len(x), np.mean(np.cosh(x @ W + b) ** -4.0 @ (W**2).sum(0)))),
            ("off", lambda x, W, b: np.ones(len(x))),
        ],
    ),
    "lesson09.ablate": Cases(
        [
            lambda h, z, D, j, scale: h - scale * z[:, j : j + 1] @ D[j : j + 1],
            lambda h, z, D, j, scale: scale * (h / scale - np.outer(z[:, j], D[j])),
        ],
        [
            ("Nothing", lambda h, z, D, j, scale: h),
            ("3 times", lambda h, z, D, j, scale: h - np.outer(z[:, j], D[j])),
            ("part is, too", lambda h, z, D, j, scale: h - np.outer(z[:, j], D[j]) / scale),
            ("raw activations again", lambda h, z, D, j, scale: h / scale - z[:, [j]] * D[j]),
            ("differs", lambda h, z, D, j, scale: h - scale * D[j]),
            ("sign", lambda h, z, D, j, scale: h + scale * z[:, [j]] * D[j]),
            ("a reconstruction", lambda h, z, D, j, scale: scale * np.delete(z, j, 1) @ np.delete(D, j, 0)),
            ("whole direction", lambda h, z, D, j, scale: h - np.outer(h @ D[j], D[j])),
            ("raw units", lambda h, z, D, j, scale: 2 * h),
        ],
    ),
    "lesson09.reports": Cases(
        [["No control", "chance not shown", "shrinkage", "fair"]],
        [
            ("the first", ["fair", "chance not shown", "shrinkage", "no control"]),
            ("the second", ["no control", "fair", "shrinkage", "chance not shown"]),
            ("the third", ["no control", "chance not shown", "fair", "shrinkage"]),
            ("The fourth", ["no control", "chance not shown", "shrinkage", "shrinkage"]),
            ("list of four", "fair"),
        ],
    ),
    "lesson10.patients": Cases(
        [PATIENTS, tuple(name.upper() for name in PATIENTS)],
        [
            *(
                (sentence, swapped(PATIENTS, i, (i + 1) % 8))
                for i, sentence in enumerate(
                    (
                        "long before the end",
                        "than was reported",
                        "no digit at all",
                        "range of its outputs",
                        "plain, small network",
                        "numbers of its code",
                    )
                )
            ),
            ("Not yet right: G, H. G pays", swapped(PATIENTS, 6, 7)),
            ("list of eight", "dead code"),
            ("eight patients", PATIENTS[:5]),
        ],
    ),
    "lesson10.early_stop": Cases(
        [
            lambda losses, patience: early_stop(np.array(losses), patience),
            lambda losses, patience: np.array(early_stop(losses, patience)),
        ],
        [
            ("whole curve", lambda losses, patience: (np.argmin(losses), len(losses) - 1)),
            ("begins anew", never_anew),
            ("too few", lambda losses, patience: early_stop(losses, patience - 1)),
            ("too many", lambda losses, patience: (early_stop(losses, patience)[0], 9)),
            ("best epoch", lambda losses, patience: (early_stop(losses, patience)[1],) * 2),
            ("First the best", lambda losses, patience: early_stop(losses, patience)[::-1]),
            ("from 0", lambda losses, patience: tuple(1 + e for e in early_stop(losses, patience))),
            ("is off", lambda losses, patience: (0, 0)),
            ("falls to its end", lambda losses, patience: early_stop(losses, patience) if len(losses) > 3 else (0, 2)),
            ("An equal loss", lambda losses, patience: early_stop(losses, patience, equal=True)),
            ("patience of 1", lambda losses, patience: early_stop(losses, max(patience, 2))),
        ],
    ),
    "lesson10.operations": Cases(
        [156800.0, np.int64(156800)],
        [
            ("each place of its output", 12800 + 9 * 16 * 8 + 72),
            ("Upsampling comes first", 12800 + 25 * 9 * 16 * 8 + 100 * 9 * 8),
            ("at a time", 12800 + 100 * 16 * 8 + 400 * 8),
            ("several input channels", 12800 + 100 * 9 * 8 + 400 * 9),
            ("dense layer counts", 100 * 9 * 16 * 8 + 400 * 9 * 8),
            ("Biases", 12800 + 400 + 100 * (9 * 16 * 8 + 8) + 400 * 73),
            ("Dense layer plus", 1000),
        ],
    ),
    "lesson10.overlaps": Cases(
        [
            lambda size, kernel, strides: np.array(
                [sum(0 <= p - i * strides < kernel for i in range(size)) for p in range((size - 1) * strides + kernel)]
            ),
            lambda size, kernel, strides: np.convolve(
                np.repeat(np.ones(size), strides) * (np.arange(size * strides) % strides == 0), np.ones(kernel)
            )[: (size - 1) * strides + kernel],
        ],
        [
            ("last patch begins", lambda size, kernel, strides: np.ones(size * strides)),
            ("output pixels", lambda size, kernel, strides: np.ones(size)),
            ("each of them", lambda size, kernel, strides: np.minimum(cover(size, kernel, strides), 1)),
            ("from i * strides", lambda size, kernel, strides: 2 * cover(size, kernel, strides)),
            ("kernel 2", lambda size, kernel, strides: cover(size, kernel, strides) + (kernel == 2)),
        ],
    ),
    "lesson10.free_bits": Cases(
        [
            lambda m, v, floor: float(np.sum(np.maximum(kl_each(m, v).mean(0), floor))),
            lambda m, v, floor: sum(max(float(k), floor) for k in kl_each(m, v).mean(axis=0)),
        ],
        [
            ("does nothing", lambda m, v, floor: kl_each(m, v).mean(axis=0).sum()),
            ("not for each example", lambda m, v, floor: np.maximum(kl_each(m, v), floor).sum(axis=1).mean()),
            ("before the sum", lambda m, v, floor: max(kl_each(m, v).mean(0).sum(), floor)),
            ("batch only", lambda m, v, floor: np.maximum(kl_each(m, v).mean(0), floor).mean()),
            ("less, not more", lambda m, v, floor: np.minimum(kl_each(m, v).mean(0), floor).sum()),
            ("value isn't", lambda m, v, floor: np.maximum(kl_each(m, v).mean(0) - floor, 0).sum()),
            ("value is off", lambda m, v, floor: 7.0),
            ("floor of 0", lambda m, v, floor: np.maximum(kl_each(m, v).mean(0), max(floor, 0.3)).sum()),
        ],
    ),
    "lesson11.sparse_bytes": Cases(
        right=[0.499, np.float32(0.499)],
        wrong=[
            ("Nearly", 0.5),
            ("number of weights", 124_750.0),
            ("percentage", 49.9),
            ("its own 4 bytes", 0.998),
            ("4 a row", 0.3),
        ],
    ),
    "lesson11.round_weights": Cases(
        right=[lambda w, bits: in_steps(w, bits).astype("float32")],
        wrong=[
            ("whole numbers; multiply", lambda w, bits: in_steps(w, bits, back=False)),
            ("own scale", lambda w, bits: in_steps(w, bits, axis=None)),
            ("not for each row", lambda w, bits: in_steps(w, bits, axis=1)),
            ("-8 to 7", lambda w, bits: in_steps(w, bits, more=1)),
            ("sign", lambda w, bits: in_steps(w, bits + 1)),
            ("toward 0", lambda w, bits: in_steps(w, bits, to=np.trunc)),
            ("not down", lambda w, bits: in_steps(w, bits, to=np.floor)),
            ("absolute value", lambda w, bits: in_steps(w, bits, size=lambda w: w)),
            ("off: scale", lambda w, bits: 1.1 * in_steps(w, bits)),
            ("8 bits", lambda w, bits: in_steps(w, 4)),
            ("6 are NaN", lambda w, bits: quiet(lambda: in_steps(w, bits, zero=0.0))),
            ("column of zeros", lambda w, bits: np.where(w == 0, 1.0, in_steps(w, bits))),
        ],
    ),
    "lesson11.noised": Cases(
        right=[
            lambda z, t, alpha_bar, noise: np.stack(
                [alpha_bar[k] ** 0.5 * a + (1 - alpha_bar[k]) ** 0.5 * b for a, k, b in zip(z, t, noise, strict=True)]
            )
        ],
        wrong=[
            ("take the roots", lambda z, t, alpha_bar, noise: mixed(z, t, alpha_bar, noise, 1, 1)),
            ("root, too", lambda z, t, alpha_bar, noise: mixed(z, t, alpha_bar, noise, 0.5, 1)),
            ("belongs to", lambda z, t, alpha_bar, noise: mixed(noise, t, alpha_bar, z)),
            ("scaled as well", lambda z, t, alpha_bar, noise: mixed(z, t, alpha_bar, noise, 0.5, 0)),
            ("is added", lambda z, t, alpha_bar, noise: mixed(z, t, alpha_bar, -noise)),
            ("its own t", lambda z, t, alpha_bar, noise: mixed(z, t[:1], alpha_bar, noise)),
            ("root times code", lambda z, t, alpha_bar, noise: z),
        ],
    ),
    "lesson11.perplexity": Cases(
        right=[lambda nats, lengths: np.exp(np.average(nats / (lengths + 1), weights=lengths + 1))],
        wrong=[
            ("predicted, too", lambda nats, lengths: np.exp(np.sum(nats) / np.sum(lengths))),
            ("too much", lambda nats, lengths: np.mean(np.exp(nats / (lengths + 1)))),
            ("all words alike", lambda nats, lengths: np.exp(np.mean(nats / (lengths + 1)))),
            ("per word", lambda nats, lengths: np.exp(np.mean(nats))),
            ("take the exponential", lambda nats, lengths: np.sum(nats) / np.sum(lengths + 1)),
            ("bits with 2", lambda nats, lengths: 2 ** (np.sum(nats) / np.sum(lengths + 1))),
            ("end counts", lambda nats, lengths: np.mean(np.exp(nats / lengths))),
            ("off: e to", lambda nats, lengths: np.sum(nats)),
            ("give 27", lambda nats, lengths: np.exp(33 / 16) if len(nats) == 3 else 1.0),
        ],
    ),
    "lesson12.beta_in_disguise": Cases(
        right=[49, np.float32(49)],
        wrong=[
            ("if the KL were a sum", 784),
            ("if the error were a sum", 0.0625),
            ("By 16", 16),
            ("other way round", 0.0204),
            ("Multiply the loss", 0.001276),
            ("the other divides", 12544),
            ("Nothing cancels", 1.0),
            ("free the error", 48),
        ],
    ),
    "lesson12.cka": Cases(
        right=[aligned_by_kernels, aligned_by_components],
        wrong=[
            ("not centered", lambda a, b: aligned(a, b, lambda m: m)),
            ("centered the rows", lambda a, b: aligned(a, b, lambda m: centered(m, 1))),
            ("has its own", lambda a, b: aligned(a, b, lambda m: centered(m, None))),
            ("Only center", lambda a, b: aligned(a, b, lambda m: centered(m) / m.std(axis=0))),
            ("a and b, squared", lambda a, b: aligned(a, b, below=lambda m: np.linalg.norm(m) ** 2)),
            ("a and b themselves", lambda a, b: aligned(a, b, below=np.linalg.norm)),
            ("above the line", lambda a, b: aligned(a, b, power=1)),
            ("its root", lambda a, b: np.sqrt(aligned(a, b))),
            ("largest singular value", lambda a, b: aligned(a, b, norm=spectral, below=lambda m: spectral(m.T @ m))),
            ("distance", lambda a, b: 1 - aligned(a, b)),
            ("three norms", lambda a, b: aligned(a, b, norm=spectral)),
            ("ValueError", lambda a, b: aligned(a.T, b.T)),
            ("`a` in place", lambda a, b: aligned(np.subtract(a, a.mean(axis=0), out=a), b)),
            ("should give 1", lambda a, b: aligned(a, b) * (a.shape != b.shape)),
        ],
    ),
    "lesson12.keep_first": Cases(
        right=[kept_in_loops, lambda z, k: z * np.tri(z.shape[1])[k - 1], lambda z, k: kept(z, k).astype("float32")],
        wrong=[
            ("Nothing", lambda z, k: z),
            ("too few", lambda z, k: kept(z, k, -1)),
            ("too many", lambda z, k: kept(z, k, 1)),
            ("kept the last", lambda z, k: kept(z[:, ::-1], k)[:, ::-1]),
            ("the ones that stay", lambda z, k: z - kept(z, k)),
            ("its own k", lambda z, k: kept(z, k[:1])),
            ("Do not scale", lambda z, k: kept(z, k) * z.shape[1] / k[:, None]),
            ("the mask", lambda z, k: kept(np.ones_like(z), k)),
            ("then zeros", lambda z, k: kept(z, k) ** 2),
            ("`z` in place", lambda z, k: np.multiply(z, kept(np.ones_like(z), k), out=z)),
            ("written into", lambda z, k: np.where(np.arange(z.shape[1]) < 5, kept(z, k), z)),
        ],
    ),
    "lesson12.advice": Cases(
        right=[ADVICE, ["Autoencoder+mixture", "pca", "vae", *ADVICE[3:]]],
        wrong=[
            *(
                (f"In the {place}", swapped(ADVICE, i, i + 1))
                for i, place in enumerate(("first", "second", "third", "fourth"))
            ),
            ("In the fifth", [*ADVICE[:4], "PCA"]),
            ('"VAE" is there more than once', ["VAE", "PCA", "VAE", "VAE", "no autoencoder"]),
            ("has 4 entries", ADVICE[:4]),
            ("list of five", "PCA"),
            ("answer with one of", [*ADVICE[:4], "GAN"]),
        ],
    ),
}
