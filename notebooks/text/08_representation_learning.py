# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 8 · Representation learning: what are codes good for?
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/08_representation_learning.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/08_representation_learning.ipynb)
#
# **Reading** 55 min · **working through** 100 min · **runs in** 90 s<!-- times -->
#
# **You will be able to**
# - test codes as features for classification, beside the baselines that make the test mean something;
# - say with how many labels pre-training pays, when it does not, and how fine-tuning should begin;
# - cluster codes, score clusters without fooling yourself, and improve them (deeper);
# - read claims about disentangled codes soberly (deeper);
# - use an autoencoder as a step of a scikit-learn pipeline.
#
# **You need** [lesson 4](04_dimensionality_reduction.ipynb) (networks with convolutions, PCA), [lesson 5](05_denoising_and_anomalies.ipynb) (denoising) and [lesson 6](06_generation.ipynb) (the variational autoencoder, VAE).
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson, metrics, plotting, training

lesson.begin(8)  # seeds, a quiet start of TensorFlow, the plot style

import functools
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import ops
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from aetutorial import models  # after the quiet start: it imports TensorFlow
from aetutorial.estimator import Autoencoder, SavedEncoder

# %% tags=["parameters"]
learning_rate = 0.002
seeds = range(3)
draws = range(10)  # choices of which pictures are labeled
label_counts = (10, 50, 100, 500, 5000)
betas = (1, 2, 4, 8)
sprite_seeds = range(8)

# %% [markdown]
# An autoencoder learns without labels. Its code has kept what is needed to rebuild the input, in a few numbers. That sounds as if the code must be a good starting point for other tasks: classify with few labels, find groups, find out what the data vary in. This lesson tests all three, and each time the answer depends on what you compare with.
#
# The data are the digits once more: 9,000 pictures to learn from, 1,000 by which to choose settings, 2,000 to score. Labels are used by the readers of the codes, never by an autoencoder.

# %%
mnist = data.load("mnist")
x_train, x_val, x_test = mnist.x_train[:9000], mnist.x_train[9000:], mnist.x_test
y_train, y_val, y_test = mnist.y_train[:9000], mnist.y_train[9000:], mnist.y_test
print("training", x_train.shape, "validation", x_val.shape, "test", x_test.shape)

# %% [markdown]
# ## Frozen codes, simple readers (core)
#
# The usual test of a representation: train the encoder without labels, **freeze** it (its weights stay as they are), and let a simple classifier read the codes. How well the simple one does is credited to the code. Three readers:
#
# - the **linear probe**: logistic regression, which can only cut the space of codes with flat walls;
# - the **5 nearest neighbors**, which asks whether distances between codes mean something;
# - a **support vector machine** (SVM) with a Gaussian kernel, a reader that can bend its walls.
#
# ### The encoders
#
# Two kinds of networks, and codes of 64 numbers or of 10. `dense` has hidden layers of 512 and 256 units; `convolutional` is the network of lesson 4.


# %%
def dense(latent_dim):
    layer = keras.layers.Dense
    encoder = [keras.layers.Flatten(), layer(512, "relu"), layer(256, "relu"), layer(latent_dim)]
    decoder = [layer(256, "relu"), layer(512, "relu"), layer(784, "sigmoid")]
    return (
        keras.Sequential([keras.Input((28, 28, 1)), *encoder]),
        keras.Sequential([keras.Input((latent_dim,)), *decoder, keras.layers.Reshape((28, 28, 1))]),
    )


def convolutional(latent_dim, heads=1, activation="sigmoid"):
    layers, how = keras.layers, {"strides": 2, "padding": "same"}
    x, z = keras.Input((28, 28, 1)), keras.Input((latent_dim,))
    hidden = layers.Conv2D(16, 3, activation="relu", **how)(x)
    hidden = layers.Flatten()(layers.Conv2D(32, 3, activation="relu", **how)(hidden))
    codes = [layers.Dense(latent_dim)(hidden) for _ in range(heads)]
    hidden = layers.Reshape((7, 7, 32))(layers.Dense(7 * 7 * 32, activation="relu")(z))
    hidden = layers.Conv2DTranspose(16, 3, activation="relu", **how)(hidden)
    x_hat = layers.Conv2DTranspose(1, 3, activation=activation, **how)(hidden)
    return keras.Model(x, codes if heads > 1 else codes[0]), keras.Model(z, x_hat)


# %% [markdown]
# Besides the plain autoencoder, three ways of asking more of the code than a copy:
#
# - **denoising** (lesson 5): the input gets noise of standard deviation 0.5, the target stays clean;
# - **masked**: three quarters of the picture, in squares of 4 × 4 pixels, are hidden in the input, and the whole is the target. To fill the holes the encoder must know how strokes go on. (In the masked autoencoders of He and others 2022 the encoder is a transformer that sees only the visible squares; ours sees the others as white.)
# - **variational** (lesson 6): the code is a distribution; its mean is what we read.
#
# Both corruptions are layers that act in training only, and draw anew for each batch.


# %%
class Noise(keras.layers.Layer):
    """Add normal noise to pictures in training; stay within 0 and 1."""

    def __init__(self, std, seed):
        super().__init__()
        self.std, self.random = std, keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        noise = self.std * keras.random.normal(ops.shape(x), seed=self.random)
        return ops.clip(x + noise, 0, 1) if training else x


class Mask(keras.layers.Layer):
    """Hide a share of the squares of a picture in training."""

    def __init__(self, share, side, seed):
        super().__init__()
        self.share, self.side = share, side
        self.random = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        squares = (ops.shape(x)[0], x.shape[1] // self.side, x.shape[2] // self.side, 1)
        keep = ops.cast(keras.random.uniform(squares, seed=self.random) > self.share, x.dtype)
        return x * ops.repeat(ops.repeat(keep, self.side, axis=1), self.side, axis=2)


# %% [markdown]
# `train` is the usual training. `trained` trains the autoencoder of a kind and returns its two halves. The `functools.cache` in front keeps what it returns: later sections ask for the same ones again.


# %%
def train(model, x, y=None, epochs=15, loss="mse", rate=learning_rate, batch_size=100, seed=0):
    steps = epochs * -(-len(x) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss=loss)
    training.fit(model, x, y, epochs=epochs, batch_size=batch_size, seed=seed, progress=False)


@functools.cache
def trained(kind, seed):
    name, _, latent_dim = kind.partition(" ")
    keras.utils.set_random_seed(seed)
    if name == "variational":
        encoder, decoder = convolutional(int(latent_dim), heads=2, activation=None)
        train(models.VAE(encoder, decoder, seed=seed), x_train, loss=None, seed=seed)
        return keras.Model(encoder.input, encoder.output[0]), decoder
    encoder, decoder = (dense if name == "dense" else convolutional)(int(latent_dim))
    corruption = {"denoising": [Noise(0.5, seed)], "masked": [Mask(0.75, 4, seed)]}.get(name, [])
    parts = [keras.Input((28, 28, 1)), *corruption, encoder, decoder]
    train(keras.Sequential(parts), x_train, epochs=40 if name == "dense" else 15, seed=seed)
    return encoder, decoder


# %% [markdown]
# What does the masked one make of a picture of which it sees a quarter?

# %%
encoder, decoder = trained("masked 64", 0)
seen = Mask(0.75, 4, seed=1)(x_test[:8], training=True)
z = encoder(seen)
print("x", x_test[:8].shape, "-> z", z.shape, "-> x_hat", decoder(z).shape)
rows = {"x": x_test[:8], "seen": np.asarray(seen), "x_hat": np.asarray(decoder(z))}
plotting.show(
    plotting.image_rows(rows),
    "Three rows of eight digits: whole; only some small squares of each; and what the autoencoder "
    "makes of those. Where enough of the strokes is seen the digit comes back, blurred; "
    "where hardly anything is seen, a gray cloud of several digits.",
)

# %% [markdown]
# ### The baselines
#
# Codes need company in their table.
#
# - **Pixels**, 784 numbers, and **PCA** of 64 and 10 numbers.
# - **Untrained**: the same encoders with their first, random weights. What they reach is no merit of training.
# - **Supervised**: the convolutional encoder trained with all 9,000 labels. Its 64 numbers are what a code could be.
#
# And one more, to teach modesty: 64 filters of 5 × 5 pixels with random weights, cut at zero (ReLU), averaged over squares of 4 × 4 places, read by ridge regression that is told 5,000 labels. Nothing but the reader is trained. *Guess before you run:* what share of the test digits does it read?


# %%
@functools.cache
def filters(seed):
    """64 random filters, rectified, and averaged over squares: 2,304 numbers a picture."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Conv2D(64, 5, activation="relu"), keras.layers.AveragePooling2D(4)]
    return keras.Sequential([keras.Input((28, 28, 1)), *layers, keras.layers.Flatten()])


def encoded(encoder, x):
    return encoder.predict(x, verbose=0, batch_size=500)


def modest(seed):
    some = np.random.default_rng(seed).choice(len(x_train), 5000, replace=False)
    network, parts = filters(seed), (x_train[some], x_test)
    wide, wide_test = (
        np.concatenate([np.float64(network(x[i : i + 100])) for i in range(0, len(x), 100)])
        for x in parts
    )
    print("x", x_test.shape, "-> features", wide_test.shape)
    return RidgeClassifier(alpha=0.01).fit(wide, y_train[some]).score(wide_test, y_test)


text = "test digits read from 64 untrained filters"
lesson.claim(text, modest(0), between=(0.96, 0.985), digits=2, fails_under="shuffled-pixels")

# %% [markdown]
# 98 %, without any representation learning. So a sentence like "our frozen features reach 98 % on MNIST" says nothing by itself. Such random features are wide, though: 2,304 numbers. In the table they stand with their 64 principal components, so that all have the same size.
#
# ### The table
#
# The study trains each encoder with three seeds. Whatever has a choice in it was chosen on validation pictures: the strength of the noise, the share of the mask, the settings of the readers. (So was their scale: features are centered and divided by *one* number, their overall standard deviation. To standardize each column by itself is the habit, and here it is a mistake: it blows up columns in which hardly anything happens, such as pixels at the edge or unused numbers of a VAE's code, and with 100 labels it would have cost the SVM 9 points on pixels, 12 on 64 principal components and 8 on the variational code.)


# %%
@functools.cache
def supervised(seed):
    keras.utils.set_random_seed(seed)
    encoder, _ = convolutional(64)
    head = [keras.layers.ReLU(), keras.layers.Dense(10)]
    network = keras.Sequential([keras.Input((28, 28, 1)), encoder, *head])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    train(network, x_train, y_train.astype("int32"), loss=loss, seed=seed)
    return encoder


@functools.cache
def features(kind, seed):
    """The features of training and test pictures, a row each."""
    name, _, size = kind.partition(" ")
    parts = [x_train, x_test]
    if name in ("pixels", "PCA", "filters"):
        if name == "filters":
            parts = [encoded(filters(seed), x) for x in parts]
        flat = [x.reshape(len(x), -1) for x in parts]
        if name == "pixels":
            return flat
        pca = PCA(int(size), svd_solver="covariance_eigh").fit(flat[0])
        return [pca.transform(x) for x in flat]
    if name.startswith("untrained"):
        keras.utils.set_random_seed(seed)
        encoder = (dense if name.endswith("dense") else convolutional)(int(size))[0]
    else:
        encoder = supervised(seed) if name == "supervised" else trained(kind, seed)[0]
    return [encoded(encoder, x) for x in parts]


# %% [markdown]
# The readers are told the labels of 5,000 training pictures, as many of each digit and others for each seed. So the spread holds both: the luck of the weights and the luck of the labels. (PCA and pixels know the second only.)


# %%
def labeled(count, draw):
    """Training pictures whose labels are known, as many of each digit."""
    rng = np.random.default_rng([count, draw])
    rows = [np.flatnonzero(y_train == digit) for digit in range(10)]
    return np.concatenate([rng.choice(r, count // 10, replace=False) for r in rows])


def scaled(kind, seed):
    z, z_test = features(kind, seed)
    mean, std = z.mean(axis=0), (z - z.mean(axis=0)).std()
    return (z - mean) / std, (z_test - mean) / std


readers = ("linear", "neighbours", "SVM")


def fresh(reader):
    """A classifier that has seen nothing yet."""
    return {
        "linear": LogisticRegression(C=1.0, max_iter=1000),
        "neighbours": KNeighborsClassifier(5, algorithm="brute"),
        "SVM": SVC(C=5.0),
    }[reader]


# %%
def read(kind, seed, reader, rows):
    """The test accuracy of a reader that knows the labels of these training pictures."""
    z, z_test = scaled(kind, seed)
    return fresh(reader).fit(z[rows], y_train[rows]).score(z_test, y_test)


def codes_study(kind, seed):
    rows = labeled(5000, seed)
    return {name: read(kind, seed, name, rows) for name in readers}


kinds = ["pixels", "PCA 64", "PCA 10", "filters 64", "untrained-dense 64", "untrained-conv 64"]
kinds += ["dense 64", "dense 10", "convolutional 64", "denoising 64", "masked 64", "variational 64"]
kinds += ["supervised 64"]
grid = [{"kind": kind, "seed": seed} for kind in kinds for seed in seeds]
table = lesson.study("08_codes", codes_study, grid, live=[{"kind": "convolutional 64", "seed": 0}])

# %% [markdown]
# *Predict before you run:* which code does the linear probe read best, and where do the untrained filters stand?


# %%
def gain(reader, kind, other):
    return table.values(reader, kind=kind) - table.values(reader, kind=other)


print(f"{'test accuracy (%)':22s}{'linear probe':>15s}{'5 neighbors':>15s}{'SVM':>15s}")
for kind in kinds:
    cells = ""
    for name in readers:
        values = 100 * table.values(name, kind=kind)
        cells += f"{values.mean():9.1f} ± {values.std(ddof=1):.1f}"
    print(f"{kind:22s}{cells}")

# %%
for text, values, bounds in (
    (
        "linear probe on the variational code",
        table.values("linear", kind="variational 64"),
        (0.9, 0.95),
    ),
    (
        "the same, minus its value untrained",
        gain("linear", "variational 64", "untrained-conv 64"),
        (0.04, 0.11),
    ),
    (
        "SVM on codes of 10 numbers minus on 10 principal components",
        gain("SVM", "dense 10", "PCA 10"),
        (0.015, 0.05),
    ),
):
    lesson.claim(text, values.mean(), between=bounds, fails_under="no-training", study="08_codes")
probe = table.values("linear", kind="filters 64")
lesson.claim(
    "linear probe on 64 numbers of untrained filters",
    probe.mean(),
    between=(0.93, 0.97),
    fails_under="shuffled-pixels",
    study="08_codes",
)

# %% [markdown]
# The linear probe reads the variational code best, 92 %, and the untrained filters better than any code: 95. How much of what training reached is its merit?
#
# - **Compared with random weights of the same encoder**, much: 92 % instead of 85 for the linear probe, 96 instead of 88 for the neighbors. Without that row one would have credited all 92 to the training.
# - **Compared with PCA**, little. At 64 numbers the variational code is ahead by 2 points for the linear probe and 1 for the others. (The untrained filters, ahead of every code for the linear probe, are level or a little behind for the other two readers. And the SVM reads plain pixels as well as PCA.)
# - **Small codes are where an autoencoder shines.** From 10 numbers the SVM makes 5 errors in 100 if they are a code, and 8 if they are principal components. 64 principal components keep so much of the picture that little is left to gain.
# - **A harder task did not give a better code.** Denoising and masking are behind the plain convolutional autoencoder for neighbors and SVM. The masked encoder has also never seen a whole picture before the readers show it one. (On photographs, with large networks, masking is what works; MNIST doesn't decide that.)
# - **Labels** give the convolutional network 97 % for a linear reader, 4 to 5 points more than any code. (They were 9,000, where the readers have 5,000.) An autoencoder is paid for pixels. The slant of a digit and the width of its strokes take much ink; the gap at the top that makes a 4 of a 9 takes none.
#
# ## Few labels (core)
#
# Reading with 5,000 labels was the easy case. The case for which pre-training is advertised: 9,000 pictures, and somebody has labeled 100 of them. Does it help to have learned from the other 8,900?
#
# The rivals, each with 10, 50, 100, 500 and 5,000 labels, and ten draws of which pictures are labeled:
#
# - readers on pixels, PCA and codes, as before;
# - **from scratch**: the networks with random weights and a new last layer of 10 units, trained on the labeled pictures alone. Once dense, once convolutional;
# - **fine-tuning**: the same networks, but the encoder begins with the weights of the autoencoder, and all weights are trained on;
# - **from scratch, moved**: the convolutional network, and every time a labeled picture is used it is shifted by up to a tenth of its width (Keras's `RandomTranslation`). No unlabeled picture is needed for that, only the knowledge that a shifted 7 is a 7.
#
# Fine-tuning has a trap. The new last layer begins with random weights, so its first gradients are nonsense, and they flow into the encoder that was so carefully trained. The remedy is to begin with the linear probe: fit it on the frozen codes, put its weights into the last layer, and only then train everything (*linear probing, then fine-tuning*; Kumar and others 2022). We try both.
#
# The probe reads scaled codes $(z - \mu) / s$, with the mean $\mu$ of the training codes and one number $s$. Its weights $W$, one column a digit, and its bias $b$ become those of a layer for raw codes: $\frac{z - \mu}{s} W + b = z\, W' + b'$ with $W' = W / s$ and $b' = b - \mu W'$.


# %%
def classify(layers, rows, seed, start=None, moved=False, rate=learning_rate):
    """Train layers and a last one of 10 units with the labels of rows; return the test accuracy."""
    head = keras.layers.Dense(10)
    shift = keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant", seed=seed)
    begin = [keras.Input((28, 28, 1)), *([shift] if moved else [])]
    network = keras.Sequential([*begin, *layers, head])
    if start is not None:
        head.set_weights(start)
    batch_size = min(len(rows), 50)
    steps = 300 if len(rows) < 1000 else 500
    train(
        network,
        x_train[rows],
        y_train[rows].astype("int32"),
        epochs=max(1, steps * batch_size // len(rows)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        rate=rate,
        batch_size=batch_size,
        seed=seed,
    )
    return np.mean(encoded(network, x_test).argmax(axis=1) == y_test)


# %%
def copied(encoder):
    """A copy to train on: the cached encoder must stay as it is."""
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    return copy


def probe_weights(kind, seed, rows):
    """Weights and bias of a last layer that is the linear probe."""
    z, _ = features(kind, seed)
    mean, std = z.mean(axis=0), (z - z.mean(axis=0)).std()
    probe = fresh("linear").fit((z[rows] - mean) / std, y_train[rows])
    W = probe.coef_.T / std
    return [W, probe.intercept_ - mean @ W]


def untrained(build, seed):
    keras.utils.set_random_seed(1000 + seed)
    return build()[0]


# %% [markdown]
# A test on one draw: a step size of 0 shows where the network begins.

# %%
rows = labeled(100, draw=0)
start = probe_weights("dense 10", 0, rows)
before = classify([copied(trained("dense 10", 0)[0])], rows, 0, start, rate=0.0)
after = classify([copied(trained("dense 10", 0)[0])], rows, 0, start)
read_out = read("dense 10", 0, "linear", rows)
print(f"last layer: W {start[0].shape}, b {start[1].shape}")
lesson.claim(
    "accuracy of the network that begins with the probe minus the probe's own",
    before - read_out,
    between=(-0.001, 0.001),
    fails_under="math",
)
lesson.claim("what fine-tuning adds to it", after - read_out, above=0, fails_under="no-training")

# %% [markdown]
# The network begins exactly where the probe stands, and goes on from there. Now all rivals, labels and draws. (Draw number $n$ takes the autoencoders of seed $n \bmod 3$. All networks take 300 steps, or 500 with 5,000 labels, from the same first step size, chosen on validation pictures. The last row, `both`, is the pre-trained convolutional network, begun at the probe *and* trained on shifted pictures.)
#
# *Predict before you run:* from how many labels on do the unlabeled pictures bring nothing any more?


# %%
def labels_study(labels, seed):
    rows, pair = labeled(labels, seed), seed % 3  # which autoencoders
    dense_10, conv_64 = functools.partial(dense, 10), functools.partial(convolutional, 64)
    small, conv = trained("dense 10", pair)[0], trained("convolutional 64", pair)[0]
    small_start = probe_weights("dense 10", pair, rows)
    conv_start = probe_weights("convolutional 64", pair, rows)
    return {
        "pixels, SVM": read("pixels", pair, "SVM", rows),
        "PCA 10, SVM": read("PCA 10", pair, "SVM", rows),
        "dense 64, SVM": read("dense 64", pair, "SVM", rows),
        "dense 10, SVM": read("dense 10", pair, "SVM", rows),
        "dense 10, probe": read("dense 10", pair, "linear", rows),
        "dense, scratch": classify([untrained(dense_10, seed)], rows, seed),
        "dense, new layer": classify([copied(small)], rows, seed),
        "dense, from probe": classify([copied(small)], rows, seed, small_start),
        "conv, scratch": classify([untrained(conv_64, seed)], rows, seed),
        "conv, from probe": classify([copied(conv)], rows, seed, conv_start),
        "conv, moved": classify([untrained(conv_64, seed)], rows, seed, moved=True),
        "both": classify([copied(conv)], rows, seed, conv_start, moved=True),
    }


grid = [{"labels": n, "seed": draw} for n in label_counts for draw in draws]
few = lesson.study("08_labels", labels_study, grid, live=[{"labels": 100, "seed": 0}])

# %%
rivals = list(few.results[0])
print(f"{'test accuracy (%), labels:':26s}" + "".join(f"{n:>13d}" for n in label_counts))
for name in rivals:
    cells = ""
    for n in label_counts:
        values = 100 * few.values(name, labels=n)
        cells += f"{values.mean():7.1f} ± {values.std(ddof=1):3.1f}"
    print(f"{name:26s}{cells}")

# %% [markdown]
# The same as a figure, for five of them. (`dense 10, SVM` is a frozen code.)

# %%
shown = ("pixels, SVM", "dense 10, SVM", "dense, from probe", "conv, scratch", "conv, moved")
plotting.show(
    plotting.sweep(
        {
            name: (label_counts, [100 * (1 - few.values(name, labels=n)) for n in label_counts])
            for name in shown
        },
        xlabel="labeled pictures",
        ylabel="test error (%)",
        log="xy",
        xticks=label_counts,
        yticks=[3, 5, 10, 20, 50],
    ),
    "Test error against the number of labeled pictures, both logarithmic, five curves. With 10 "
    "and 50 labels the two that use the autoencoder lie lowest. From 100 on the convolutional "
    "network on shifted pictures is as low or lowest. At 5,000 all lie close together.",
)


# %%
def ahead(name, other, labels):
    return 100 * (few.values(name, labels=labels) - few.values(other, labels=labels))


for name, other, labels, bounds in (
    ("dense, from probe", "dense, scratch", 100, (5, 14)),
    ("dense, from probe", "dense, new layer", 100, (3, 11)),
    ("dense, from probe", "dense, scratch", 5000, (-1.5, 1.5)),
    ("conv, moved", "dense 10, SVM", 5000, (0.3, 4)),
):
    points = ahead(name, other, labels)
    print(f"{points.mean():+.1f} ± {points.std(ddof=1):.1f} points")
    text = f"{labels} labels: '{name}' minus '{other}', in points"
    lesson.claim(text, points.mean(), between=bounds, fails_under="no-training", study="08_labels")
points = ahead("dense 10, SVM", "dense, scratch", 50)
print(f"50 labels: 'dense 10, SVM' minus 'dense, scratch' {points.mean():+.1f} points")
small = few.mean("dense 10, SVM", labels=50)
lesson.claim(
    "50 labels: accuracy of 'dense 10, SVM'",
    small,
    above=0.74,
    fails_under="no-training",
    study="08_labels",
)

# %% [markdown]
# From how many labels on the unlabeled pictures bring nothing depends on the rival: for the same dense network, about 5,000; for a convolutional one that sees shifted pictures, 100. One by one:
#
# - **With few labels the small code wins**, frozen and read by an SVM: 54 % with 10 labels and 78 with 50, where pixels have 43 and 69, and the networks from scratch 37 to 40 and 60 to 68. A code of 64 numbers of the same network is no better than the pixels up to 50 labels. A small code had to leave things out, and what it kept are the large differences in shape.
# - **From 500 labels on** the SVM reads plain pixels as well (92 %), and with 5,000 better (96 %) than the small code.
# - **Fine-tuning needs the probe.** With a new random layer, pre-training changes the dense network's accuracy by −2 to +4 points. Begun at the probe it is ahead of scratch by 15 points with 10 or 50 labels, 9 with 100 and 3 with 500. With 10 and 50 labels this is all the probe's merit: fine-tuning makes it a little worse. It adds 1 point with 100, 4 with 500, 7 with 5,000.
# - **A little knowledge replaces many pictures.** The convolutional network on shifted pictures is level with the small code at 100 labels and ahead of everything at 500, without any of the 8,900 unlabeled ones.
# - **The convolutional network has no lasting use for pre-training**: 6 points with 10 labels, 2 with 50, 1 with 100; with 500 and 5,000 it loses 1 to 2, and begun there it profits less from shifts, too (`both`). A step size twice as large narrowed that loss without closing it. Perhaps what an autoencoder learns from unlabeled pictures (neighboring pixels belong together, a stroke is a stroke everywhere) is built into convolutions already.
#
# A student of a well-known textbook reports in public (vaharoni 2023): some fifteen autoencoders pre-trained on more than 40,000 pictures of CIFAR-10, and with 500 labels none clearly better than a plain convolutional network trained on the 500 alone. Our table shows the same on MNIST, and three reasons for it that can be checked: a code with room for everything, a rival with convolutions, and 500 labels, where the curves have met. (On photographs most pixels are background and light, and those are what the code is paid for. That may make it worse.) Pre-training pays with *very* few labels, a *small* code, and networks without convolutions. For such networks, deep and dense, it was found to help in its time (Erhan and others 2010).
#
# ## Clusters (core)
#
# Without any labels one can still ask whether the data fall into groups. **k-means** looks for `k` centers such that the squared distances of the points to their nearest centers are small. It needs distances that mean something. For codes of 64 numbers they meant a little more than for pixels, by the neighbors' count; what about codes of ten?
#
# We run it with ten clusters on pixels, on 10 principal components and on the codes of 10 numbers, and compare the clusters with the true digits. Three scores:
#
# - **accuracy**: each cluster stands for one digit, and each digit for one cluster, in the matching that agrees best (`metrics.clustering_accuracy`; the best of 10! matchings is found by the Hungarian method, Kuhn 1955).
# - **normalized mutual information** (NMI). The *entropy* $H(y) = -\sum_y p(y) \log p(y)$ is how uncertain one is about the digit, in nats; ten equally frequent digits have $\log 10 = 2.3$. The *mutual information* $I(y; c) = H(y) - H(y \mid c)$ is how much of that uncertainty goes away, on average, when one is told the cluster $c$. NMI divides it by the mean of $H(y)$ and $H(c)$: 0 for independent ones, 1 for equal ones.
# - **adjusted Rand index** (ARI; Hubert and Arabie 1985): the share of pairs of pictures on which both agree, together or apart, corrected such that random clusters get 0.
#
# All three use labels, to score only. With real unlabeled data there would be no such score; keep in mind that whoever tunes a clustering on it has used the labels.


# %%
def scores(y, clusters, part=""):
    return {
        "accuracy" + part: metrics.clustering_accuracy(y, clusters),
        "NMI" + part: normalized_mutual_info_score(y, clusters),
        "ARI" + part: adjusted_rand_score(y, clusters),
    }


def k_means(kind, seed):
    z, z_test = features(kind, seed)
    found = KMeans(10, n_init=10, random_state=seed).fit(z)
    return found, scores(y_train, found.labels_) | scores(y_test, found.predict(z_test), ", test")


# %% [markdown]
# The clusters in the codes of one autoencoder; each row shows the ten pictures nearest to a center, and is named after the most frequent digit of the *whole* cluster, with its share. *Guess before you look:* will there be a row for each digit?

# %%
found, _ = k_means("dense 10", 0)
z, _ = features("dense 10", 0)
distance = found.transform(z)
nearest = distance.argsort(axis=0)[:10].T  # ten pictures nearest to each center
order = np.argsort([np.bincount(y_train[found.labels_ == c]).argmax() for c in range(10)])
rows = {}
for c in order:
    counts = np.bincount(y_train[found.labels_ == c], minlength=10)
    name = f"{counts.argmax()}: {100 * counts.max() / counts.sum():.0f} %"
    rows[name] = x_train[nearest[c], :, :, 0]
plotting.show(
    plotting.image_rows(rows),
    "Ten rows of ten digits, those nearest to the centers of ten clusters, named by the most "
    "frequent digit and its share. Most rows show one digit. Ones fill two rows, upright and "
    "slanted. Fours and nines are mixed in two rows. No row is of fives.",
)
# %% [markdown]
# The pictures at the centers flatter: a share of 60 % means that four in ten pictures of the cluster are something else. Zeros, twos, threes, sixes, sevens and eights have a row each. Ones fill two, upright and slanted, because a turned stroke has few pixels in common with an upright one. Fours and nines share two rows, and fives have none. A cluster is a group of pictures that look alike; nobody told k-means that a slant does not matter and a gap in a loop does. Now with all seeds, beside pixels, principal components, untrained encoders, and the two methods of the next part.
#
# ### Training a code to cluster (deeper)
#
# **Deep embedded clustering** (DEC; Xie, Girshick and Farhadi 2016) goes on from here and moves codes and centers together. Let $\mu_j$ be the centers that k-means found. Each code is assigned softly, with the kernel of Student's t distribution:
#
# $$q_{ij} = \frac{(1 + \lVert z_i - \mu_j \rVert^2)^{-1}}{\sum_{k} (1 + \lVert z_i - \mu_k \rVert^2)^{-1}}.$$
#
# The target is the same assignment, made surer: squared, and divided by the size of the cluster $f_j = \sum_i q_{ij}$ so that large clusters don't swallow small ones,
#
# $$p_{ij} = \frac{q_{ij}^2 / f_j}{\sum_k q_{ik}^2 / f_k}, \qquad L = \frac1N \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}}.$$
#
# ($N$ is the number of pictures.) If all clusters are of equal size, $q = (0.6, 0.3, 0.1)$ becomes $p = (0.78, 0.20, 0.02)$: what was likely becomes more so.
#
# Gradient descent on this KL divergence moves encoder and centers; from time to time $p$ is computed anew. The model teaches itself with its own guesses, so what it gets wrong it gets wrong with growing confidence. And nothing asks the code to describe the picture any more. **IDEC** (*improved* DEC; Guo, Gao, Liu and Yin 2017) keeps the decoder and the reconstruction error, with a weight of 0.1 on the KL divergence.


# %%
class Clustering(keras.Model):
    """DEC, or IDEC, of an encoder, a decoder and centers of clusters of codes."""

    def __init__(self, encoder, decoder, centres, kl_weight, error_weight):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.kl_weight, self.error_weight = kl_weight, error_weight
        self.centres = self.add_weight(shape=centres.shape, initializer="zeros")
        self.centres.assign(centres)

    def call(self, x):
        z = self.encoder(x)
        distance = ops.sum((z[:, None] - self.centres) ** 2, axis=2)
        q = 1 / (1 + distance)
        return {"q": q / ops.sum(q, axis=1, keepdims=True), "x_hat": self.decoder(z)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        kl = ops.sum(y * ops.log((y + 1e-9) / (y_pred["q"] + 1e-9)), axis=1)
        error = ops.mean((x - y_pred["x_hat"]) ** 2, axis=(1, 2, 3))
        return ops.mean(self.kl_weight * kl + self.error_weight * error)


# %% [markdown]
# One round: compute $p$ for all training pictures, train five epochs toward it. Four rounds. (By Keras's own `fit`: it keeps what it has compiled from call to call, which pays where calls are many and short.)


# %%
def sharpened(q):
    """The target p of assignments q."""
    p = q**2 / q.sum(axis=0)
    return p / p.sum(axis=1, keepdims=True)


def assigned(model, x):
    return np.concatenate([np.asarray(model(x[i : i + 500])["q"]) for i in range(0, len(x), 500)])


def refined(seed, kl_weight, error_weight, rounds=4):
    """Assignments of training and test pictures, after k-means and after each round."""
    encoder, decoder = trained("dense 10", seed)
    found, _ = k_means("dense 10", seed)
    parts = copied(encoder), copied(decoder), np.float32(found.cluster_centers_)
    model = Clustering(*parts, kl_weight, error_weight)
    model.compile(keras.optimizers.Adam(0.0003))
    keras.utils.set_random_seed(seed)
    history = []
    for turn in range(rounds + 1):
        q, q_test = assigned(model, x_train), assigned(model, x_test)
        history.append((q, q_test))
        if turn < rounds:
            model.fit(x_train, sharpened(q), epochs=5, batch_size=250, verbose=0)
    return history


# %% [markdown]
# Step size and number of rounds were not tuned by labels: in real use there are none.


# %%
weights = {"DEC": (1.0, 0.0), "IDEC": (0.1, 1.0)}


def clusters_study(method, seed):
    if method in weights:
        q, q_test = refined(seed, *weights[method])[-1]
        return scores(y_train, q.argmax(axis=1)) | scores(y_test, q_test.argmax(axis=1), ", test")
    return k_means(method, seed)[1]


methods = ["pixels", "PCA 10", "filters 64", "untrained-dense 10", "dense 10", "DEC", "IDEC"]
grid = [{"method": method, "seed": seed} for method in methods for seed in seeds]
grouped = lesson.study("08_clusters", clusters_study, grid, live=[{"method": "DEC", "seed": 0}])

# %%
print(f"{'':24s}{'accuracy (%)':>14s}{'NMI':>12s}{'ARI':>12s}{'accuracy, test':>18s}")
for method in methods:
    cells = ""
    for name, scale in (("accuracy", 100), ("NMI", 1), ("ARI", 1), ("accuracy, test", 100)):
        values, digits = scale * grouped.values(name, method=method), 1 if scale > 1 else 2
        cells += f"{values.mean():8.{digits}f} ± {values.std(ddof=1):.{digits}f}"
    print(f"{method:24s}{cells}")

on_pixels, on_codes, dec, idec = (
    grouped.values("accuracy", method=m) for m in ("pixels", "dense 10", "DEC", "IDEC")
)
lesson.claim(
    "k-means on pixels",
    on_pixels.mean(),
    between=(0.5, 0.57),
    fails_under="shuffled-pixels",
    study="08_clusters",
)
lesson.claim(
    "k-means on codes",
    on_codes.mean(),
    between=(0.58, 0.72),
    fails_under="no-training",
    study="08_clusters",
)
lesson.claim(
    "what IDEC adds",
    (idec - on_codes).mean(),
    between=(0.005, 0.08),
    fails_under="no-training",
    study="08_clusters",
)

# %% [markdown]
# - On pixels 53 % of the pictures are in "their" cluster. That is also what is published for all 70,000 pictures of MNIST. Principal components don't help, untrained filters a little; clusters in codes of the untrained network fit 30 %.
# - On codes of 10 numbers it is 64 %, and all three scores agree on the order. (Test pictures, which no step has seen, score no worse.)
# - DEC adds 1.5 points, with a spread of 1, and IDEC 3. A likely reason why it isn't more: neither can undo what k-means began with. Where fours and nines share two clusters, each gets surer of its mixture.
#
# The papers report more: 82 to 88 % for an autoencoder with k-means, 84 for DEC, 88 for IDEC, on all 70,000 pictures. Most of the difference to our 64 to 67 is there before DEC begins. Their autoencoder is larger (500, 500 and 2,000 units), was pre-trained layer by layer, and saw seven times as many pictures for far longer. Read such tables with that in mind: the method in the title may be the smallest part of the number.
#
# ### Which pictures to label (core)
#
# Clusters have a practical use. If you may ask for 50 labels, which pictures should you ask about? Random ones show some styles three times and others never. Run k-means with 50 clusters on the codes, and ask about the picture nearest to each center. No label is needed for the choice. The control is even helped a little: random pictures, but the same number of each digit. And does that take an autoencoder? The second control does the same with 64 principal components.


# %%
def central(kind, count, seed):
    """The pictures nearest to the centers of so many clusters."""
    z, _ = scaled(kind, seed % 3)
    return KMeans(count, n_init=3, random_state=seed).fit(z).transform(z).argmin(axis=0)


def chosen_study(labels, seed):
    result = {}
    for name, kind in (("code", "dense 10"), ("PCA", "PCA 64")):
        rows = {"random": labeled(labels, seed), "central": central(kind, labels, seed)}
        for choice in rows:
            result[f"{name}, {choice}"] = read(kind, seed % 3, "SVM", rows[choice])
    return result


# %%
counts = (20, 50, 100)
grid = [{"labels": n, "seed": draw} for n in counts for draw in draws]
chosen = lesson.study("08_chosen", chosen_study, grid, live=[{"labels": 50, "seed": 0}])
print(f"{'test accuracy (%)':16s}" + "".join(f"{n:>8d} labels" for n in counts))
for name in chosen.results[0]:
    values = [100 * chosen.values(name, labels=n) for n in counts]
    cells = "".join(f"{v.mean():9.1f} ± {v.std(ddof=1):3.1f}" for v in values)
    print(f"{name:16s}{cells}")

for n, bounds in ((20, (6, 20)), (50, (5, 18))):
    points = chosen.values("code, central", labels=n) - chosen.values("code, random", labels=n)
    text = f"{n} central pictures instead of random ones, in points"
    lesson.claim(
        text, 100 * points.mean(), between=bounds, fails_under="shuffled-labels", study="08_chosen"
    )

# %% [markdown]
# The choice gains 10 points with 20 labels, 9 with 50 and 5 with 100, and costs a k-means. It is no merit of the autoencoder: on principal components it gains the same. The code adds a lead of its own, of 10, 8 and 4 points. Together, 50 well-chosen labels read more than 100 random ones, with any method of this lesson.
#
# ## Disentanglement, soberly (deeper)
#
# A code would be easiest to use if each of its numbers meant one thing: this one the size, that one the place. Such a code is called **disentangled**, and a VAE with a large $\beta$ (lesson 6) is said to find one without being told (Higgins and others 2017). To test that we need data of which we know what varies. So we draw some: **sprites**, pictures of 20 × 20 pixels, of one of 3 shapes, in 4 sizes, at 10 places across and 10 places down. All 1,200 combinations.


# %%
def sprite(shape, size, across, down, side=20, fine=4):
    """One picture; each pixel is the mean of fine x fine points, so edges are gray."""
    v, u = (np.mgrid[: side * fine, : side * fine] + 0.5) / fine
    a, b, r = u - 5.5 - across, v - 5.5 - down, 2.0 + 0.6 * size
    inside = [
        np.maximum(abs(a), abs(b)) < 0.89 * r,  # square; the three have equal areas, nearly
        a**2 + b**2 < r**2,  # disc
        (b < 0.8 * r) & (b > -1.2 * r) & (abs(a) < 0.75 * (b + 1.2 * r)),  # triangle
    ][shape]
    return inside.reshape(side, fine, side, fine).mean(axis=(1, 3))


factors = np.stack(np.indices((3, 4, 10, 10)).reshape(4, -1), axis=1)
sprites = np.float32([sprite(*factor) for factor in factors])
print("sprites", sprites.shape, "factors", factors.shape)
some = np.random.default_rng(0).choice(len(sprites), 20, replace=False)
plotting.show(
    plotting.image_grid(sprites[some]),
    "Twenty sprites: squares, discs and triangles of several sizes, at many places.",
)

# %% [markdown]
# The measure is the **mutual information gap** (MIG; Chen, Li, Grosse and Duvenaud 2018). For each factor $v$, compute how much each number of the code tells about it: the mutual information $I(z_j; v)$, as above. If one number tells it and the others don't, good; if two share it, the factor is spread. So take the largest minus the second largest, and divide by the entropy of the factor:
#
# $$\text{gap}(v) = \frac{I(z_{(1)}; v) - I(z_{(2)}; v)}{H(v)} \in [0, 1], \qquad \text{MIG} = \text{mean of the gaps}.$$
#
# ($z_{(1)}$ is the number of the code that tells most about $v$, $z_{(2)}$ the one that tells second most.) `metrics.mutual_information_gap` cuts each number of the code into 20 intervals for that. Two checks come first: a code that *is* the four factors must have a MIG of 1, and a rotation of it much less, although nothing is lost by a rotation.

# %%
perfect = factors - factors.mean(axis=0)
mixed = perfect @ np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
gaps = [metrics.mutual_information_gap(z, factors).mean() for z in (perfect, mixed)]
lesson.claim("MIG of the factors themselves", gaps[0], between=(0.999, 1.001), fails_under="math")
lesson.claim("MIG of the factors, rotated", gaps[1], below=0.5, digits=2, fails_under="math")


# %%
@functools.cache
def sprite_vae(beta, seed):
    keras.utils.set_random_seed(seed)
    layer, flat = keras.layers.Dense, sprites.reshape(len(sprites), -1)
    x, z = keras.Input((400,)), keras.Input((6,))
    hidden = layer(256, "relu")(layer(256, "relu")(x))
    encoder = keras.Model(x, [layer(6)(hidden), layer(6)(hidden)])
    decoder = keras.Model(z, layer(400)(layer(256, "relu")(layer(256, "relu")(z))))
    vae = models.VAE(encoder, decoder, beta=float(beta), seed=seed)
    train(vae, flat, epochs=60, loss=None, batch_size=60, seed=seed)
    return vae


def sprites_study(beta, seed):
    flat = sprites.reshape(len(sprites), -1)
    vae = sprite_vae(beta, seed)
    z_mean, z_log_var = vae.encoder(flat)
    gaps = metrics.mutual_information_gap(z_mean, factors)
    names = ("shape", "size", "across", "down")
    rate = np.mean(models.kl_to_prior(z_mean, z_log_var))
    return {"MIG": gaps.mean(), "rate": rate} | dict(zip(names, gaps, strict=True))


grid = [{"beta": beta, "seed": seed} for beta in betas for seed in sprite_seeds]
tangled = lesson.study("08_sprites", sprites_study, grid, live=[{"beta": 4, "seed": 1}])

# %% [markdown]
# What one number of the code does can be seen by changing it alone. From the code of one sprite, each number in turn goes from −2 to 2; first for the training with the largest MIG at $\beta = 4$, then for the one with the smallest. (To pick them we had to know the factors.)


# %%
def walks(seed, steps=9):
    vae = sprite_vae(4, seed)
    z, _ = (np.asarray(part) for part in vae.encoder(sprites[[755]].reshape(1, -1)))
    z = np.tile(z, (6, steps, 1))
    for j in range(6):
        z[j, :, j] = np.linspace(-2, 2, steps)
    return np.asarray(ops.sigmoid(vae.decoder(z.reshape(-1, 6)))).reshape(6, steps, 20, 20)


at_four = tangled.values("MIG", beta=4)
rows = {}
for name, seed in (("largest", at_four.argmax()), ("smallest", at_four.argmin())):
    rows |= {f"{name}: z{j}": row for j, row in enumerate(walks(int(seed)), 1)}
plotting.show(
    plotting.image_rows(rows),
    "Twelve rows of nine sprites. In the upper six, three numbers do nothing, one moves the sprite "
    "up and down, one left and right, and one lets it shrink and fade. In the lower six one lets it "
    "shrink and fade, and two move it diagonally; three do nothing.",
)

# %% [markdown]
# In the better training one number stands for the height, one for the place from left to right, one for the size. In the other, two numbers share the place: each moves the sprite diagonally. Both use three numbers of six, and both have lost the shape: the sprite was a disc.
#
# The MIG of all trainings, and beside it that of six principal components. *Predict:* does it rise with $\beta$?

# %%
pca = PCA(6).fit_transform(sprites.reshape(len(sprites), -1))
print(f"MIG of six principal components {metrics.mutual_information_gap(pca, factors).mean():.2f}")
for beta in betas:
    values = tangled.values("MIG", beta=beta)
    each = {n: tangled.mean(n, beta=beta) for n in ("shape", "size", "across", "down")}
    cells = ", ".join(f"{name} {value:.2f}" for name, value in each.items())
    cells += f"; rate {tangled.mean('rate', beta=beta):.1f} nats"
    print(f"beta {beta}: MIG {values.mean():.2f} ± {values.std(ddof=1):.2f} ({cells})")

# %%
fig, ax = plt.subplots(figsize=(5.5, 3))
for beta in betas:
    ax.scatter([beta] * len(sprite_seeds), tangled.values("MIG", beta=beta), s=20, color="C0")
ax.plot(betas, [tangled.mean("MIG", beta=beta) for beta in betas], color="C1", label="mean")
ax.set(xscale="log", xlabel="beta", ylabel="MIG", ylim=(0, None))
ax.set_xticks(betas, betas)
ax.minorticks_off()
ax.legend()
plotting.show(
    fig,
    "MIG against beta: ten points for each of four values of beta, and their mean. The points of "
    "one beta are spread far more widely than the means differ.",
)


# %% [markdown]
# How sure are the means, and how far apart are trainings that differ in the seed only? (The standard error of a mean is the standard deviation of its values over the root of their number.)

# %%
found_shape = max(tangled.values("shape", beta=beta).max() for beta in betas)
every = np.array([tangled.values("MIG", beta=beta) for beta in betas])
error = every.std(axis=1, ddof=1) / len(sprite_seeds) ** 0.5
for beta, mean, each in zip(betas, every.mean(axis=1), error, strict=True):
    print(f"beta {beta}: mean {mean:.2f}, its standard error {each:.2f}")
widest = np.ptp(every, axis=1).max()
print(f"widest range at one beta {widest:.2f}; largest gap for shape {found_shape:.2f}")
lesson.claim(
    "largest MIG of all trainings",
    every.max(),
    above=0.3,
    fails_under="no-training",
    study="08_sprites",
)
text = "widest range of trainings that differ in the seed only"
lesson.claim(text, widest, above=0.2, fails_under="no-training", study="08_sprites")

# %% [markdown]
# - **Between betas**: the mean rises from 0.12 at $\beta = 1$, which is PCA's, to 0.17 and 0.18 above. With standard errors of 0.02 to 0.04 that can hardly be told from chance. The price is certain: the rate falls from 8 nats to 2.
# - **Between seeds** far more happens: from 0.02 to 0.39 at $\beta = 2$, with nothing changed but the random start. If each $\beta$ had been trained once, almost any of the four could have come out best.
# - The better trainings can be picked only by somebody who knows the factors, and who has those needs no disentanglement. Locatello and others (2019) trained more than ten thousand models of six kinds and found the same: seeds and settings matter more than the method, and they can't be chosen without labels.
# - **The shape** has no number of its own in any of the 32 trainings. Perhaps because it changes fewer pixels than a step of place or size does.
#
# ## In use: a step of a pipeline (core)
#
# Data of your own rarely look like MNIST, and the code has to be judged by what comes after it. scikit-learn has the tools: a `Pipeline` of steps and a `GridSearchCV` that tries settings by cross-validation. `aetutorial.estimator.Autoencoder` is a dense autoencoder in that form: `fit` trains it, `transform` returns codes. (It keeps all the rules of scikit-learn's own `check_estimator`.)
#
# In cross-validation the pipeline is fitted on some folds and judged on another, and so is the autoencoder in it: nothing of the judged fold leaks into the code. The data are the coarse digits of 8 × 8 pixels, with values from 0 to 1. PCA stands in the same place with the same numbers of components. (`latent_dim`, the size of the code, and `noise`, which makes it a denoising autoencoder, are tried together; `step__setting` is scikit-learn's way to name a setting of a step.)

# %% tags=["nbval-ignore-output"]
digits = data.load("digits")
x_small, x_small_test = (x.reshape(-1, 64) for x in (digits.x_train, digits.x_test))
steps = {
    "autoencoder": Autoencoder(epochs=30, learning_rate=learning_rate, random_state=0),
    "pca": PCA(random_state=0),
}
settings = {
    "autoencoder": {"autoencoder__latent_dim": [16, 32], "autoencoder__noise": [0.0, 0.2]},
    "pca": {"pca__n_components": [16, 32]},
}
searched = {}
for name, step in steps.items():
    pipeline = make_pipeline(step, LogisticRegression(max_iter=1000))
    search = GridSearchCV(pipeline, settings[name], cv=3).fit(x_small, digits.y_train)
    searched[name] = search.score(x_small_test, digits.y_test)
    print(name, search.best_params_, f"{100 * searched[name]:.1f} %")

# %%
for name, accuracy in searched.items():
    text = f"test accuracy of the pipeline with the best '{name}'"
    lesson.claim(text, accuracy, between=(0.92, 0.985), fails_under="shuffled-labels")

# %% [markdown]
# On these 360 test pictures one point is four pictures, so the two are level. That is the usual outcome on small tables (lesson 4), and worth knowing before anything larger is built: the search took ten lines.
#
# In such a pipeline the autoencoder sees labeled rows only. To learn from unlabeled ones, train it outside on all of them, `save` the encoder, and read the file by `SavedEncoder`: a step whose `fit` learns nothing. Here with the code of 10 numbers, learned from 9,000 pictures, and 500 labels.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "encoder.keras"
    trained("dense 10", 0)[0].save(path)
    pipeline = make_pipeline(SavedEncoder(path), SVC(C=5.0))
    rows = labeled(500, draw=0)
    flat, flat_test = (x.reshape(len(x), 784) for x in (x_train[rows], x_test))
    accuracy = pipeline.fit(flat, y_train[rows]).score(flat_test, y_test)
    difference = np.abs(pipeline[:1].transform(flat_test) - features("dense 10", 0)[1]).max()
text = "codes from the file minus those of the model in memory, largest difference"
lesson.claim(text, difference, below=1e-3, fails_under="math")
text = "test accuracy with 500 labels and the saved encoder"
lesson.claim(text, accuracy, between=(0.9, 0.945), fails_under="no-training")

# %% [markdown]
# ## Change one thing
#
# Begin the lesson with `lesson.begin(8, strict=False)`, edit one place and run all cells again. Claims that no longer hold are reported and do not stop you; studies run anew with your change, which takes some minutes each.
#
# - In `scaled`, divide each column by its own standard deviation: which rows of the first table lose most, and why those?
# - `Mask(0.75, 4, seed)` with a share of 0.25 or 0.95: is filling more holes better for the reader?
# - In `classify`, use `moved=True` for the dense network, too. Does pre-training still pay with 100 labels?
# - In `k_means`, look for 20 clusters: accuracy falls, and the clusters become purer. Say why both.
#
# ## Exercises

# %%
from aetutorial.exercises import lesson08

lesson08.fold.prompt()


# %%
def fold(W, b, mean, std): ...  # your lines


lesson08.fold.check(fold)

# %%
lesson08.accuracy.prompt()


# %%
def accuracy(y, clusters): ...  # your lines


lesson08.accuracy.check(accuracy)

# %%
lesson08.targets.prompt()

# %%
answer = None  # a number
lesson08.targets.check(answer)

# %%
lesson08.reports.prompt()

# %%
answer = None  # a list of four texts
lesson08.reports.check(answer)

# %%
lesson08.gap.prompt()

# %%
answer = None  # a number
lesson08.gap.check(answer)

# %% [markdown]
# ## What you now know
#
# - A frozen code must be compared: with PCA, with random weights of the same encoder, with untrained filters. Next to these, training an autoencoder gains little at 64 numbers, and much at 10.
# - With 10 to 100 labels a small code is worth 10 to 18 points against a dense network from scratch. With 500 a convolutional network on shifted pictures is ahead, and an SVM on pixels level.
# - Fine-tuning begins at the probe. With a new random layer most of what was learned is lost, and with very few labels the code is best left frozen.
# - Which pictures are labeled matters more than which network reads them: those nearest to the centers of clusters are worth about twice as many random ones.
# - k-means finds 53 % of the digits in pixels and 64 % in codes; DEC and IDEC add 1.5 to 3 points. Whoever tunes a clustering by its accuracy has used the labels.
# - Disentanglement differs more between seeds than between betas, and can't be picked out without knowing the factors.
#
# **In practice**, begin with the cheap rivals: PCA and an SVM, shifts, better-chosen labels. Pre-train when labels are very few, unlabeled data are many, and nothing else is known about the data.
#
# ## References
#
# - J. Xie, R. Girshick, A. Farhadi (2016). Unsupervised deep embedding for clustering analysis. *ICML*. arXiv:1511.06335 (DEC, and the accuracy of clusters).
# - X. Guo, L. Gao, X. Liu, J. Yin (2017). Improved deep embedded clustering with local structure preservation. *IJCAI* (IDEC).
# - K. He, X. Chen, S. Xie, Y. Li, P. Dollár, R. Girshick (2022). Masked autoencoders are scalable vision learners. *CVPR*. arXiv:2111.06377.
# - A. Kumar, A. Raghunathan, R. Jones, T. Ma, P. Liang (2022). Fine-tuning can distort pretrained features and underperform out-of-distribution. *ICLR*. arXiv:2202.10054 (first the probe, then everything).
# - D. Erhan, Y. Bengio, A. Courville, P.-A. Manzagol, P. Vincent, S. Bengio (2010). Why does unsupervised pre-training help deep learning? *Journal of Machine Learning Research* 11, 625–660 (dense networks).
# - vaharoni (2023). More complete solution to exercise 10 of chapter 17. Issue 89 of github.com/ageron/handson-ml3 (fifteen autoencoders and 500 labels).
# - L. Hubert, P. Arabie (1985). Comparing partitions. *Journal of Classification* 2, 193–218.
# - H. W. Kuhn (1955). The Hungarian method for the assignment problem. *Naval Research Logistics Quarterly* 2, 83–97.
# - I. Higgins and others (2017). beta-VAE: learning basic visual concepts with a constrained variational framework. *ICLR*.
# - R. T. Q. Chen, X. Li, R. Grosse, D. Duvenaud (2018). Isolating sources of disentanglement in variational autoencoders. *NeurIPS*. arXiv:1802.04942 (MIG).
# - F. Locatello and others (2019). Challenging common assumptions in the unsupervised learning of disentangled representations. *ICML*. arXiv:1811.12359.
#
# Next: [lesson 9, sparse codes](09_sparse_codes.ipynb), in which few numbers of a code are not zero at a time.
