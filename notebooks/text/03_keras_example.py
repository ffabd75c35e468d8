# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3 · The Keras example: reading a loss against its floor
#
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/03_keras_example.ipynb)
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/03_keras_example.ipynb)
#
# **Run time** about 60 s on two cores. **Study time** about 60 minutes for the core, 20 for the deeper part.
#
# **You will be able to**
# - run a complete Keras example, and say whether its loss is good;
# - compute the floor below which a model can't get, before training it;
# - find out why a model is poor, one cause at a time, and repair it;
# - read learning curves, stop in time, save a model and load it elsewhere;
# - write the training loop yourself, and make it more than ten times faster than `fit` (deeper).
#
# **You need** [lesson 2](02_formulas.ipynb): the losses, the gradient step, the factor between `mse` and $L$.
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

lesson.begin(3)  # seeds, a quiet start of TensorFlow, the plot style

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from scipy.stats import norm
from sklearn.decomposition import PCA

# %% tags=["parameters"]
latent_dim = 32  # size of the code
epochs = 100
batch_size = 32
seeds = range(5)

# %% [markdown]
# ## The example (core)
#
# Programs like this one stand in many introductions. It makes 1000 rows of 100 random numbers and trains an autoencoder on them:
#
# ```python
# # as it is often written
# x_train = np.random.randn(1000, 100)
# encoder = Sequential([Dense(64, activation="relu", input_shape=(100,)),
#                       Dense(32, activation="relu")])
# decoder = Sequential([Dense(32, activation="relu", input_shape=(32,)),
#                       Dense(64, activation="relu"),
#                       Dense(100, activation="sigmoid")])
# autoencoder = Sequential([encoder, decoder])
# autoencoder.compile(optimizer="adam", loss="mse")
# autoencoder.fit(x_train, x_train, epochs=100, batch_size=32)
# ```
#
# One change is needed for Keras 3: it warns when `input_shape=` is passed to a layer and wants `keras.Input` as the first element instead. Nothing else differs below. The data are independent standard normal numbers; the course
# draws them with a seed, and draws a second set of 1000 rows to hold out.


# %%
def draw(seed):
    """Return 1000 rows of 100 standard normal numbers to train on, and 1000 held-out ones."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 1000, 100)).astype("float32")


def example(output, seed):
    """The example's autoencoder, with a chosen activation of the last layer."""
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense
    encoder = keras.Sequential(
        [keras.Input((100,)), dense(64, activation="relu"), dense(latent_dim, activation="relu")]
    )
    decoder = keras.Sequential(
        [
            keras.Input((latent_dim,)),
            dense(32, activation="relu"),
            dense(64, activation="relu"),
            dense(100, activation=output),
        ]
    )
    autoencoder = keras.Sequential([keras.Input((100,)), encoder, decoder])
    autoencoder.compile(optimizer="adam", loss="mse")
    return autoencoder


x_train, x_test = draw(seed=0)
autoencoder = example("sigmoid", seed=0)
print("x", x_train.shape, "-> x_hat", autoencoder.predict(x_train, verbose=0).shape)
print("parameters:", autoencoder.count_params())

# %%
history = autoencoder.fit(x_train, x_train, epochs=epochs, batch_size=batch_size, verbose=0)
given_loss = autoencoder.evaluate(x_train, x_train, verbose=0)
plotting.show(
    plotting.learning_curves({"training loss": history.history["loss"]}, ylabel="mse"),
    "One curve, the training loss against epoch. It falls from above 1.1, fast at first, then "
    "slowly, to about 0.83.",
)
lesson.claim(
    "training loss of the example",
    given_loss,
    between=(0.80, 0.86),
    digits=1,
    fails_under="no-training",
)

# %% [markdown]
# The loss went down. Here most introductions stop and say that the model has learned.
#
# *Before you read on:* is 0.83 good? What would you compare it with?
#
# ## What to read a loss against (core)
#
# Four numbers, all computed without training a network.
#
# **1. The mean.** Always answer with the mean of the training data, here almost exactly zero. The error is the variance of the data: 1.
#
# **2. The output's range.** The last layer is a sigmoid. Its outputs lie in $(0, 1)$, whatever the weights. The data don't: all negative numbers and all those above 1 are out of reach. The best that any such model can do is to clip:
# answer 0 for negative $x$ and 1 for $x > 1$. With $\varphi$ the density of the standard normal distribution and $Q(1) = P(x > 1)$, the error that remains is
#
# $$\int_{-\infty}^0 x^2 \varphi(x)\,dx + \int_1^\infty (x - 1)^2 \varphi(x)\,dx = \tfrac12 + 2\,Q(1) - \varphi(1).$$
#
# The first integral is half the variance. For the second, expand the square: since $\varphi' = -x \varphi$, integrating gives $\int_1^\infty x \varphi = \varphi(1)$ and $\int_1^\infty x^2 \varphi = \varphi(1) + Q(1)$, and the sum is $\varphi(1) + Q(1) - 2 \varphi(1) + Q(1)$.
#
# *Predict:* how large is it, roughly, and how many of the values are out of reach?

# %%
outside = norm.cdf(0) + norm.sf(1)  # norm.sf(1) is Q(1), norm.pdf is the density
range_floor = 0.5 + 2 * norm.sf(1) - norm.pdf(1)
many = np.random.default_rng(1).standard_normal(1_000_000)
print(f"values outside (0, 1): {outside:.1%}")
print(f"floor of any model with outputs in (0, 1): {range_floor:.4f}")
lesson.claim(
    "the formula agrees with a million clipped draws, difference",
    abs(np.mean((many - np.clip(many, 0, 1)) ** 2) - range_floor),
    below=0.003,
    fails_under="math",
)

# %% [markdown]
# Two values in three can't be fitted. A loss of 0 was never possible: even with a code of any size, nothing gets below 0.5753.
#
# **3. PCA with the same 32 numbers.** The best linear code of the training data.
#
# **4. What a linear code can do at all.** The 100 numbers of a row are independent. Keep 32 of them and lose 68, each with variance 1: the mean squared error is $68 / 100 = 0.68$. Other linear codes do no better: any 32 linear numbers tell only where a row lies within some 32-dimensional subspace, and
# the cloud looks the same from all sides (it is *isotropic*). So on held-out data no linear code of 32 numbers gets below 0.68, in expectation.
#
# Now the network beside them, on training data *and* on held-out data, with five seeds. Each seed draws new data and new initial weights. The study also contains the same network with a linear output, our first suspect.


# %%
def train_and_score(output, seed):
    """Train the example on fresh data; return its errors and those of the baselines."""
    x_train, x_test = draw(seed)
    model = example(output, seed)
    training.fit(model, x_train, epochs=epochs, batch_size=batch_size, seed=seed, progress=False)
    pca = PCA(latent_dim).fit(x_train)
    scores = {}
    for part, x in (("train", x_train), ("held out", x_test)):
        scores[f"network, {part}"] = model.evaluate(x, x, verbose=0)
        scores[f"PCA, {part}"] = metrics.mse(x, pca.inverse_transform(pca.transform(x)))
        scores[f"mean, {part}"] = metrics.mse(x, 0 * x + x_train.mean(axis=0))
    return scores


grid = [{"output": output, "seed": seed} for output in ("sigmoid", "linear") for seed in seeds]
table = lesson.study("03_five_seeds", train_and_score, grid, live=[{"output": "linear", "seed": 0}])

# %%
rows = {
    "the mean": ("mean", "sigmoid"),
    "the example as given": ("network", "sigmoid"),
    "the same, linear output": ("network", "linear"),
    "PCA, 32 numbers": ("PCA", "sigmoid"),
}
print(f"{'mse over 5 seeds':26s}{'train':>16s}{'held out':>18s}")
for name, (model, output) in rows.items():
    print(f"{name:26s}", end="")
    for part in ("train", "held out"):
        metric = f"{model}, {part}"
        mean, std = table.mean(metric, output=output), table.std(metric, output=output)
        print(f"{mean:10.3f} ± {std:.3f}", end="")
    print()
print(f"{'floor, outputs in (0, 1)':26s}{range_floor:10.3f}{range_floor:18.3f}")
print(f"{'floor, linear codes':26s}{'':10s}{1 - latent_dim / 100:18.3f}")

# %% [markdown]
# Read the right-hand column, the one that counts. The example explains 4 % of the variance of new data. PCA explains 32 %, with one line of code and no training. The network with a linear output is better than with a sigmoid, and still far behind.
#
# (The first run gave 0.83 on the training data, the table says 0.81. That is no chance: with a seed set, Keras's `fit` takes the rows in the same order in every epoch; `training.fit`, used for the table, draws a new order each time, as `fit` does without a seed. The section "Under `fit`" shows it.)

# %%
for output, part, low, high in (
    ("sigmoid", "train", 0.79, 0.83),
    ("sigmoid", "held out", 0.94, 0.98),
    ("linear", "train", 0.55, 0.61),
    ("linear", "held out", 0.78, 0.84),
):
    lesson.claim(
        f"{output} output, {part}",
        table.mean(f"network, {part}", output=output),
        between=(low, high),
        digits=3,
        fails_under="no-training",
    )

# %% [markdown]
# The floor of linear codes was a statement about expectations. PCA sits on it.

# %%
held_out = {name: table.mean(f"{name}, held out", output="linear") for name in ("network", "PCA")}
lesson.claim(
    "PCA is ahead of the linear-output network on held-out data, mean difference",
    held_out["network"] - held_out["PCA"],
    between=(0.1, 0.2),
    digits=2,
    fails_under="no-training",
)
lesson.claim(
    "PCA's held-out error lies at the floor of linear codes, difference",
    abs(held_out["PCA"] - (1 - latent_dim / 100)),
    below=0.01,
    fails_under="math",
)

# %% [markdown]
# ## Finding the causes (core)
#
# **First cause: the output's range.** Below, the data and the example's reconstructions of them.

# %%
x_hat = autoencoder.predict(x_test, verbose=0)
fig, ax = plt.subplots(figsize=(6, 2.6))
bins = np.linspace(-3.45, 3.45, 70)
ax.hist(x_test.ravel(), bins, color="#0072B2", alpha=0.6, label="input x")
ax.hist(
    x_hat.ravel(), bins, histtype="step", color="#D55E00", linewidth=1.5, label="reconstruction"
)
ax.set(xlabel="value", ylabel="number of values", ylim=(0, 15000))
ax.legend()
plotting.show(
    fig,
    "Two histograms. The input is a bell from minus 3 to 3. The reconstruction lies only "
    "between 0 and 1, with a tall peak at 0 that leaves the picture "
    "and a smaller one just below 1.",
)
lesson.claim(
    "share of the reconstructions below 0.1",
    np.mean(x_hat < 0.1),
    between=(0.65, 0.9),
    digits=1,
    fails_under="no-training",
)

# %% [markdown]
# The sigmoid saturates at both ends, and nearly 80,000 of the 100,000 values lie in the cut-off peak: four reconstructions in five are below 0.1. Zero is the best answer to every negative number, and a safe one where the network is unsure. With a linear output this limit is gone, and the training loss falls from 0.83 to 0.60. But on new data the error is 0.84.
#
# **Second cause: there is nothing to find.** A code saves space when the features depend on each other. How much of the variance lies in the first directions of PCA? Compare the example's data with handwritten digits.

# %%
mnist = data.load("mnist")
d_train, d_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
fig, ax = plt.subplots(figsize=(6, 2.8))
kept = {}
for name, x in (("digits", d_train), ("the example's data", x_train)):
    share = PCA(100, svd_solver="full").fit(x).explained_variance_ratio_.cumsum()
    kept[name] = share[latent_dim - 1]
    ax.plot(np.arange(1, 101), 100 * share, label=name)
ax.axvline(latent_dim, color="0.5", linestyle=":", linewidth=1)
ax.set(xlabel="number of PCA directions", ylabel="variance kept (%)", ylim=(0, 102))
ax.legend()
plotting.show(
    fig,
    "Variance kept against the number of PCA directions. For digits the curve rises steeply and "
    "reaches about three quarters at 32 directions. For the "
    "example's data it is nearly a straight line.",
)
lesson.claim(
    "variance of digits kept by 32 directions",
    kept["digits"],
    above=0.7,
    digits=2,
    fails_under="shuffled-pixels",
)

# %% [markdown]
# For digits, 32 directions of 784 keep three quarters of the variance. For independent normal numbers, any 32 directions keep 32 % of the variance of new rows. PCA finds 32 that keep 44 % of *these* thousand rows, but the extra 12 % are chance: in the next thousand rows they are gone. That is why PCA's training error, 0.56, is below the
# floor of 0.68, and its held-out error is not.
#
# **Third cause: the network learns the training rows by heart.** It has 18,212 parameters for 1000 rows. What it learns about them can't help with new ones. To see it happen, watch the loss on rows that are not trained on, epoch by epoch.
#
# Watching is a kind of use: whoever stops at the best epoch has chosen with these rows. A score on the same rows would be too good. So a third set is needed, neither trained on nor used for the final score: the *validation* set. We cut it from the training rows, 200 of the 1000.
#
# Stopping is left to a *callback*, an object that Keras calls after every epoch. `EarlyStopping` waits until the validation loss has not improved for `patience` epochs, and then brings the best weights back.

# %%
stopper = keras.callbacks.EarlyStopping(monitor="val_loss", patience=15, restore_best_weights=True)
linear = example("linear", seed=0)
history = training.fit(
    linear,
    x_train[:800],
    epochs=epochs,
    batch_size=batch_size,
    validation_data=x_train[800:],
    callbacks=[stopper],
    progress=False,
).history
pca = PCA(latent_dim).fit(x_train)
pca_error = metrics.mse(x_test, pca.inverse_transform(pca.transform(x_test)))
curves = {"training": history["loss"], "validation": history["val_loss"]}
plotting.show(
    plotting.learning_curves(curves, ylabel="mse", references={"PCA, held out": pca_error}),
    "Training and validation loss against epoch. Both fall, the training loss faster. It keeps "
    "falling to below 0.7; the validation loss flattens above 0.8 and then rises a little. PCA's "
    "held-out error is a line far below it.",
)

# %% [markdown]
# **How to read such curves.**
# - Both fall together: the model still learns what holds in general. Go on.
# - The training loss falls, the other stands still or rises: the model *overfits*, it learns what is special about these rows. Stop, or get more data, or use a smaller model.
# - Both are flat and high: it can't fit. Look for a floor, as we did, before you enlarge the network.

# %%
lesson.claim(
    "validation minus training loss at the end",
    history["val_loss"][-1] - history["loss"][-1],
    above=0.15,
    fails_under="no-training",
)
lesson.claim(
    "the validation loss rises after its minimum, by",
    history["val_loss"][-1] - min(history["val_loss"]),
    above=0.0005,
    fails_under="no-training",
)
stopped = metrics.mse(x_test, linear.predict(x_test, verbose=0))
lesson.claim(
    "held-out mse after stopping in time", stopped, between=(0.8, 0.9), fails_under="no-training"
)

# %% [markdown]
# What did stopping buy? For comparison, the same network on the same 800 rows, trained to the end.

# %%
to_end = example("linear", seed=0)
training.fit(to_end, x_train[:800], epochs=epochs, batch_size=batch_size, progress=False)
ended = metrics.mse(x_test, to_end.predict(x_test, verbose=0))
lesson.claim(
    "on 800 rows, held-out mse trained to the end minus stopped in time",
    ended - stopped,
    between=(0.01, 0.1),
    fails_under="no-training",
)
lesson.claim(
    "stopped on 800 rows minus trained to the end on 1000 rows",
    stopped - table.values("network, held out", output="linear")[0],
    between=(0.01, 0.06),
    fails_under="no-training",
)

# %% [markdown]
# Stopping in time took about 0.04 off the held-out error of the 800 rows. But the network of the table, which had all 1000 rows and was *not* stopped, is better still: here, more data help more than stopping. Neither brings the network to PCA. (0.68 is a floor for linear codes only; we prove none for networks, but none of these comes near.)

# %% [markdown]
# ## The repair (core)
#
# Now the example's network on digits: pixels scaled to $[0, 1]$, which fits the sigmoid; data with structure; a held-out set; a baseline. There are ten times more rows, so 15 epochs in batches of 128 must do, with a learning rate of 0.002, for all variants alike. *Predict:* does the example's network now beat PCA with 32 numbers, whose held-out error is 0.0169?
#
# From variant to variant we change one thing.
# 1. **as given**: layers 64, 32, 32, 64, all ReLU, and a sigmoid at the end;
# 2. **linear code**: no ReLU on the code;
# 3. **no second 32**: the decoder starts with the layer of 64;
# 4. **wider**: 256 units instead of 64.


# %%
def network(variant, seed):
    """One of the four variants for digits; the code is the layer named so."""
    keras.utils.set_random_seed(seed)
    width = 256 if variant == "wider" else 64
    code = "relu" if variant == "as given" else "linear"
    layers = [
        keras.Input((784,)),
        keras.layers.Dense(width, activation="relu"),
        keras.layers.Dense(latent_dim, activation=code, name="code"),
    ]
    if variant in ("as given", "linear code"):
        layers.append(keras.layers.Dense(32, activation="relu"))
    layers += [
        keras.layers.Dense(width, activation="relu"),
        keras.layers.Dense(784, activation="sigmoid"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.002), loss="mse")
    return model


def repair(variant, seed):
    """Train a variant on digits; return its held-out error and how many code units are dead."""
    model = network(variant, seed)
    training.fit(model, d_train, epochs=15, seed=seed, progress=False)
    encoder = keras.Model(model.inputs, model.get_layer("code").output)
    z = encoder.predict(d_train, verbose=0)
    return {
        "mse": metrics.mse(d_test, model.predict(d_test, verbose=0)),
        "dead": int((z.std(axis=0) == 0).sum()),
    }


variants = ("as given", "linear code", "no second 32", "wider")
grid = [{"variant": variant, "seed": seed} for variant in variants for seed in range(3)]
ladder = lesson.study("03_repair", repair, grid, live=[{"variant": "as given", "seed": 0}])

# %% [markdown]
# A code unit is *dead* if it gives the same number, zero, for every digit. A ReLU unit whose input is negative for all the data gives zero, and passes no gradient to its own weights. Unless the layer before happens to shift, it stays dead.

# %%
d_pca = PCA(latent_dim, random_state=0).fit(d_train)
pca_error = metrics.mse(d_test, d_pca.inverse_transform(d_pca.transform(d_test)))
means = {name: ladder.mean("mse", variant=name) for name in variants}
spread = {name: ladder.std("mse", variant=name) for name in variants}
plotting.show(
    plotting.bars(
        means | {"PCA": pca_error},
        xlabel="held-out mse on digits",
        spread=spread,
        highlight=["PCA"],
    ),
    "Five bars of held-out error. The example as given is a little worse than PCA; with a "
    "linear code it is about as good; without the second layer of 32 it "
    "is better; the wider network has about half of PCA's error.",
)
for name in variants:
    dead = ladder.values("dead", variant=name).astype(int)
    print(f"{name:14s} dead code units, three seeds: {dead}")

# %% [markdown]
# What the figure and the counts say, as claims:

# %%
lesson.claim(
    "as given, it still loses against PCA, mean difference",
    means["as given"] - pca_error,
    between=(0.0005, 0.005),
    digits=4,
    fails_under="no-training",
)
lesson.claim(
    "some of its 32 code units are dead, mean number",
    ladder.mean("dead", variant="as given"),
    between=(3, 16),
    digits=1,
    fails_under="no-training",
)
lesson.claim(
    "PCA's error exceeds the repaired network's, in standard deviations over the seeds",
    metrics.paired_margin([pca_error] * 3, ladder.values("mse", variant="wider")),
    above=1,
    digits=0,
    fails_under="no-training",
)

# %% [markdown]
# Better data were not enough. As given, the network has a code of 32 on paper and of about 27 in fact, because the others are dead, and it loses against PCA even here. Three changes, each visible in the figure, turn it round.
#
# None of this could be seen in the training loss alone. **A loss is a number on a scale; find out where the scale begins and what stands on it.**

# %% [markdown]
# ## Saving and loading (core)
#
# A trained model is saved in one file that ends in `.keras`: the architecture, the weights, the optimizer's state. The real test of a saved file is a *fresh process*, which knows nothing of this notebook. We start one, let it load the model that
# was stopped in time and reconstruct ten rows, and compare.

# %%
program = """
import sys, keras, numpy as np
folder = sys.argv[1]
model = keras.saving.load_model(folder + "/autoencoder.keras")
np.save(folder + "/x_hat.npy", model.predict(np.load(folder + "/x.npy"), verbose=0))
"""
with tempfile.TemporaryDirectory() as folder:
    linear.save(Path(folder, "autoencoder.keras"))
    np.save(Path(folder, "x.npy"), x_test[:10])
    subprocess.run([sys.executable, "-c", program, folder], check=True, capture_output=True)
    elsewhere = np.load(Path(folder, "x_hat.npy"))
lesson.claim(
    "a fresh process reconstructs the same, largest difference",
    np.abs(elsewhere - linear.predict(x_test[:10], verbose=0)).max(),
    below=1e-5,
    fails_under="math",
)

# %% [markdown]
# ## Under `fit` (deeper)
#
# What did `fit` do all this time? Lesson 2 wrote the steps in NumPy. With TensorFlow, one step on one batch is this:


# %%
def step(model, batch):
    """Forward, loss, gradients, update: one step of training."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(batch, training=True) - batch) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return loss


# %% [markdown]
# There are several ways to repeat it 32 times, once per batch, for one epoch.
# - **Eager**: a Python loop. Python hands every small operation to TensorFlow, one after the other.
# - **Compiled step**: `tf.function` records the operations of a step once, as a *graph*, and then runs the graph.
# - **Keras fit**: a compiled step, and around it what `fit` offers: callbacks, metrics, progress, batches of any kind of data.
# - **Compiled epoch**: the loop over the batches goes into the graph as well. Python is called once per epoch. With **XLA**, a compiler also fuses the small operations into larger ones (`jit_compile=True`).
# - **training.fit**: what the course uses. It compiles such a loop for any Keras model, with XLA where that helps, and puts several epochs into one call where nobody needs to hear of each.
#
# The last batch of an epoch has only $1000 - 31 \cdot 32 = 8$ rows, so it is written apart.

# %%
x = tf.constant(x_train)
full = len(x_train) // batch_size * batch_size  # 992 rows in batches of 32


def eager(model, order):
    for start in range(0, len(order), batch_size):
        step(model, tf.gather(x, order[start : start + batch_size]))


# %% [markdown]
# The next two return a function that trains for one epoch. The first call compiles it.


# %%
def compile_step(model):
    compiled = tf.function(lambda batch: step(model, batch), reduce_retracing=True)

    def epoch(order):
        for start in range(0, len(order), batch_size):
            compiled(tf.gather(x, order[start : start + batch_size]))

    return epoch


def compile_epoch(model):
    @tf.function(jit_compile=True)
    def epoch(order):
        batches = tf.reshape(order[:full], (-1, batch_size))
        for i in tf.range(len(batches)):
            step(model, tf.gather(x, batches[i]))
        step(model, tf.gather(x, order[full:]))

    return epoch


# %% [markdown]
# Before comparing speeds, compare results: the same initial weights and the same order of the rows must lead to the same loss, or one of the loops is wrong. `training.fit` takes the rows of epoch number $e$ in the order `training.epoch_order(seed, e, n)`; the others are
# given the same. Then each loop is timed: the median of three epochs, without the time for compiling.
#
# For the two `fit` functions one epoch at a time would be unfair, for each call has a start-up of its own. So their speed is that of the *additional* epochs of a longer call: `per_epoch` trains for `few` epochs, then for `many`, and divides the difference in time by the difference in epochs.


# %%
def keras_fit(model, order):
    shuffled = x_train[order]
    model.fit(shuffled, shuffled, batch_size=batch_size, shuffle=False, verbose=0)


def per_epoch(fit, few, many):
    """Return the milliseconds that an additional epoch of `fit(epochs)` takes."""
    fit(few)  # compiles
    seconds = {few: [], many: []}
    for epochs in (few, many, few, many):
        started = time.perf_counter()
        fit(epochs)
        seconds[epochs].append(time.perf_counter() - started)
    # The smaller of two times: what else the computer does can only add to it.
    return 1000 * (min(seconds[many]) - min(seconds[few])) / (many - few)


# %% [markdown]
# `prepare` gives each loop a fresh model with the same weights.


# %%
def prepare(name):
    """Return a fresh model and a function that trains it for one epoch, in the given order."""
    model = example("linear", seed=0)
    model.optimizer.build(model.trainable_variables)
    if name == "compiled step":
        return model, compile_step(model)
    if name == "compiled epoch, XLA":
        return model, compile_epoch(model)
    loop = eager if name == "eager" else keras_fit
    return model, lambda order: loop(model, order)


def engine(epochs):
    """Train a fresh model by training.fit and return it."""
    model = example("linear", seed=0)
    training.fit(model, x_train, epochs=epochs, batch_size=batch_size, progress=False)
    return model


# %%
loops = ("eager", "Keras fit", "compiled step", "compiled epoch, XLA")
orders = [training.epoch_order(0, e, len(x_train)) for e in range(4)]
losses, milliseconds = {}, {}
for name in loops:
    model, epoch = prepare(name)
    times = []
    for order in orders:
        started = time.perf_counter()
        epoch(order)
        times.append(1000 * (time.perf_counter() - started))
    losses[name] = metrics.mse(x_train, model(x_train))
    milliseconds[name] = np.median(times[1:])  # the first epoch compiles
losses["training.fit"] = metrics.mse(x_train, engine(4)(x_train))
lesson.claim(
    "all loops reach the same loss, largest relative difference",
    np.ptp(list(losses.values())) / min(losses.values()),
    below=1e-3,
    fails_under="math",
)

# %% [markdown]
# *Predict before you run:* how many times faster than Keras's `fit` is `training.fit`?


# %%
def keras_epochs(epochs):
    model = example("linear", seed=0)
    model.fit(x_train, x_train, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


milliseconds["Keras fit"] = per_epoch(keras_epochs, 1, 9)
milliseconds["training.fit"] = per_epoch(engine, 10, 510)
speed = {name: milliseconds["Keras fit"] / value for name, value in milliseconds.items()}
plotting.show(
    plotting.bars(
        speed,
        xlabel="speed relative to Keras fit (log scale)",
        highlight=["Keras fit"],
        log=True,
        digits=2,
    ),
    "Five bars on a logarithmic axis. The eager loop is slower than Keras fit, the compiled "
    "step a little faster; the compiled epoch and training.fit are more than ten times faster.",
)

# %% [markdown]
# (Keras can be told to do part of this: `steps_per_execution` and `jit_compile` are arguments of `compile`.) The numbers on the bars were measured on the machine that made this notebook; yours will differ, the order hardly. The arithmetic is the same in all five. What differs is how often something small has to be started: for a network of this size, starting costs more than computing. For larger networks and larger batches the
# arithmetic takes over, and the difference shrinks: the file `benchmarks/RESULTS.md` has measurements for five networks, beside PyTorch and JAX.
#
# One more difference, which showed in the table of five seeds. Both functions shuffle the rows before each epoch, or so one thinks. We let a model write down what Keras's `fit` shows it, in two epochs of ten rows.


# %%
class Witness(keras.Model):
    """Writes down the rows of each batch; what it learns is of no interest."""

    def __init__(self):
        super().__init__()
        self.dense, self.seen = keras.layers.Dense(1), []

    def call(self, rows):
        return self.dense(rows)

    def train_step(self, batch):
        self.seen.append(batch[0].numpy().ravel().astype(int))
        return super().train_step(batch)


def order_seen(seed):
    """Return the order of the rows in the two epochs."""
    tf.random.set_seed(seed)
    numbers, witness = np.arange(10.0)[:, None], Witness()
    witness.compile("sgd", loss="mse", run_eagerly=True)  # step by step, so that it can write
    witness.fit(numbers, numbers, batch_size=10, epochs=2, verbose=0)
    return witness.seen


first, second = order_seen(seed=0)
print("Keras fit with a seed: ", first, second)
print("training.epoch_order:  ", *(training.epoch_order(0, e, 10) for e in range(2)))
first_without, second_without = order_seen(seed=None)
lesson.claim(
    "with a seed, places at which Keras's fit takes the same row in both epochs",
    np.sum(first == second),
    between=(10, 10),
    digits=0,
    fails_under="math",
)
lesson.claim("without a seed", np.sum(first_without == second_without), below=9, fails_under="math")

# %% [markdown]
# Keras draws the order in a piece of TensorFlow that is started anew for each epoch. With a seed it starts with the same random numbers, and so with the same order. (This holds for the versions of `requirements.txt`.) Batches that never change are a worse teacher: that is why the first run of this lesson, with its seed, ended at 0.83 and not at 0.81.
#
# A speed is worth what it buys. So give both the same second and a half, start-up not counted, and see how far each gets.

# %%
affordable = {
    name: int(1500 / max(milliseconds[name], 0.5)) for name in ("Keras fit", "training.fit")
}
reached = {
    "Keras fit": keras_epochs(affordable["Keras fit"]),
    "training.fit": engine(affordable["training.fit"]),
}
reached = {name: metrics.mse(x_train, model(x_train)) for name, model in reached.items()}
lesson.claim(
    "in the same 1.5 seconds, training loss that Keras fit reaches minus that of training.fit",
    reached["Keras fit"] - reached["training.fit"],
    above=0.1,
    fails_under="no-training",
)

# %% [markdown]
# From here on `training.fit` stands for the loop. You know now what is inside. Three things it does besides:
# - It compiles equal models once: in a sweep over seeds, only the first run waits for the compiler.
# - It stops with an explanation when the loss becomes NaN or infinite.
# - With `checkpoint="folder"` it writes down all it needs to go on, after each epoch. A run that is interrupted, by you or by a power cut, is called again and continues where it was. *Predict:* is the result close to that of an uninterrupted run, or exactly the same?

# %%
with tempfile.TemporaryDirectory() as folder:
    settings = {"batch_size": batch_size, "progress": False, "checkpoint": folder}
    training.fit(example("linear", seed=0), x_train, epochs=3, **settings)  # ends too early
    resumed = example("linear", seed=0)  # a fresh model, as after a restart
    training.fit(resumed, x_train, epochs=6, **settings)
uninterrupted = engine(6)
lesson.claim(
    "weights of the resumed run minus those of the uninterrupted one, largest difference",
    max(
        np.abs(a - b).max()
        for a, b in zip(resumed.get_weights(), uninterrupted.get_weights(), strict=True)
    ),
    below=1e-12,
    fails_under="math",
)

# %% [markdown]
# Exactly the same, bit by bit: the weights, the optimizer's memory, the state of every random generator and the position in the shuffled data are all in the file.

# %% [markdown]
# ## Change one thing
#
# Begin the lesson with `lesson.begin(3, strict=False)`, edit the parameters at the top and run all cells again. Claims that no longer hold are reported and do not stop you; studies run anew with your parameters, which takes some minutes.
# - `latent_dim = 100`: the code is as large as the input. Expect PCA's error to be exactly 0, and the network's not.
# - `epochs = 10`: expect all networks to be close to 1. PCA doesn't change.
# - In `draw`, return `0.5 + 0.1 * rng.standard_normal(...)`: nearly everything lies in $(0, 1)$ now. Is the sigmoid still a problem? Is there more to find?

# %% [markdown]
# ## Exercises

# %%
from aetutorial.exercises import lesson03

lesson03.tanh_floor.prompt()

# %%
answer = None  # your number
lesson03.tanh_floor.check(answer)

# %%
lesson03.range_floor.prompt()


# %%
def floor(x, low, high): ...  # your line


lesson03.range_floor.check(floor)

# %%
lesson03.beat_it.prompt()

# %%
model = None  # your trained model
lesson03.beat_it.check(model)

# %%
lesson03.report.prompt()


# %%
def report(x_train, x_test, x_hat_test, n_components): ...  # your lines


lesson03.report.check(report)

# %%
lesson03.diagnose.prompt()

# %%
answer = None  # a list of three texts
lesson03.diagnose.check(answer)

# %% [markdown]
# ## What you now know
#
# - A falling loss is no success. Compare with the mean, with PCA, with the floor that follows from the output's range, on held-out data.
# - The example fails for three reasons: its outputs can't reach two thirds of the data, the data have no structure, and the network learns the rows by heart.
# - ReLU units in the code can die. A linear code keeps all its numbers.
# - Learning curves tell when to stop; a validation set makes stopping honest.
# - `fit` is a loop around a step. Compiled as a whole, the same loop is more than ten times faster on small networks.
#
# **In practice**, compute the floor and the baselines first. They take a minute, and they tell you what a good loss would be.
#
# ## References
#
# - F. Chollet and others (2015). *Keras*. https://keras.io (the `Sequential` model and `fit`).
# - D. P. Kingma, J. Ba (2015). Adam: a method for stochastic optimization. *ICLR*. arXiv:1412.6980.
# - P. Baldi, K. Hornik (1989). Neural networks and principal component analysis: learning from examples without local minima. *Neural Networks* 2, 53–58.
# - V. A. Marchenko, L. A. Pastur (1967). Distribution of eigenvalues for some sets of random matrices. *Mathematics of the USSR-Sbornik* 1, 457–483 (why PCA finds "structure" in a sample of noise).
# - L. Prechelt (1998). Early stopping – but when? In *Neural Networks: Tricks of the Trade*, Springer, 55–69.
#
# Next: [lesson 4, dimensionality reduction](04_dimensionality_reduction.ipynb), asks when PCA *is* an autoencoder, and what non-linear codes add.
