# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3, deeper · The Keras example: what fit does, what a graph freezes, what a file holds
#
# **Reading** 15 min · **working through** 15 min · **runs in** 70 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/deeper/03_keras_example.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/deeper/03_keras_example.ipynb)
#
# Eight questions that [lesson 3](../03_keras_example.ipynb) left open. You need that lesson and nothing else; the sections don't build on each other.

# %%
from aetutorial import data, lesson, metrics, tables, training

lesson.begin("Deeper: the Keras example", notebook="deeper/03_keras_example")

import keras
import numpy as np
import tensorflow as tf
from keras.layers import Dense, Input
from sklearn.decomposition import PCA

# %% tags=["parameters"]
latent_dim = 32
epochs = 100
batch_size = 32

# %% [markdown]
# Here are lesson 3's data and its network once more.


# %%
def draw(seed):
    """Return rows to train on, to validate with, and to test with: each 1000 × 100."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 1000, 100)).astype("float32")


def example(output, seed=0):
    """Return the example's autoencoder with another activation of the last layer."""
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential([Input((100,)), Dense(64, "relu"), Dense(latent_dim, "relu")])
    decoder = keras.Sequential(
        [Input((latent_dim,)), Dense(32, "relu"), Dense(64, "relu"), Dense(100, output)]
    )
    autoencoder = keras.Sequential([encoder, decoder])
    autoencoder.compile(optimizer="adam", loss="mse")
    return autoencoder


x_train, x_val, x_test = draw(seed=0)

# %% [markdown]
# ## In which order does `fit` show the rows?
#
# A point of a training curve is an average *during* an epoch, so it should lie a little above what `evaluate` finds at the epoch's end. In lesson 3 it lay below. The lesson blamed the order of the rows. Let us check both halves of that.
#
# First, does Keras's `fit` keep one order? We let a model write down the rows that it is shown, in two epochs of ten rows.


# %%
class Witness(keras.Model):
    """Writes down the rows of each batch; what it learns is of no interest."""

    def __init__(self):
        super().__init__()
        self.dense, self.seen = Dense(1), []

    def call(self, rows):
        return self.dense(rows)

    def train_step(self, batch):
        self.seen.append(batch[0].numpy().ravel().astype(int))
        return super().train_step(batch)


# %%
def order_seen(seed):
    """Return the order of the rows in two epochs of Keras's fit."""
    tf.random.set_seed(seed)
    numbers, witness = np.arange(10.0)[:, None], Witness()
    witness.compile("sgd", loss="mse", run_eagerly=True)  # step by step, so that it can write
    witness.fit(numbers, numbers, batch_size=10, epochs=2, verbose=0)
    return witness.seen


with_seed, without_seed = order_seen(seed=0), order_seen(seed=None)

# %% tags=["hide-input"]
engine = [training.epoch_order(0, e, 10) for e in range(2)]
tables.show(
    ["", "epoch 1", "epoch 2"],
    [
        (name, *(" ".join(map(str, order)) for order in orders))
        for name, orders in (("Keras fit, with a seed", with_seed), ("training.fit", engine))
    ],
    caption="The order in which ten rows are shown",
)
lesson.claim(
    "With a seed, so many of the ten rows come at the same place in both epochs of Keras's fit",
    np.sum(with_seed[0] == with_seed[1]),
    between=(10, 10),
    digits=0,
    fails_under="math",
)
lesson.claim(
    "Without a seed, so many",
    np.sum(without_seed[0] == without_seed[1]),
    below=9,
    fails_under="math",
)

# %% [markdown]
# It does, once a seed is set. (Keras 3 on TensorFlow draws the order in a part that starts again with each epoch, and with a seed it starts with the same random numbers. This holds for the versions in `requirements.txt`.)
#
# Second, does that order explain the two losses? Now everything else is kept the same: the same network, starts and data, and one loop, `training.fit`, with the rows in one order or in a new one for each epoch.


# %% tags=["hide-input"]
def train_in_order(output, shuffle, seed):
    """Train with one order of the rows, or with a new one in each epoch."""
    x_train, _, x_test = draw(seed)
    model = example(output, seed)
    history = training.fit(
        model,
        x_train,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        shuffle=shuffle,
        progress=False,
    )
    average, after = history.history["loss"][-1], model.evaluate(x_train, x_train, verbose=0)
    return {
        "average": average,
        "after": after,
        "difference": after - average,
        "test": model.evaluate(x_test, x_test, verbose=0),
    }


grid = [
    {"output": output, "shuffle": shuffle, "seed": seed}
    for output in ("sigmoid", "linear")
    for shuffle in (False, True)
    for seed in range(5)
]
order = lesson.study("03_order", train_in_order, grid, live=grid[:1], quiet=True)

# %% tags=["hide-input"]
heads = {
    "average": "average of the last epoch",
    "after": "evaluate, training rows",
    "test": "evaluate, new rows",
}
rows = []
for output in ("sigmoid", "linear"):
    for shuffle in (False, True):
        where = {"output": output, "shuffle": shuffle}
        cells = [(order.mean(name, **where), order.std(name, **where)) for name in heads]
        rows.append((output, "new in each epoch" if shuffle else "always the same", *cells))
tables.show(
    ["output", "order of rows", *heads.values()],
    rows,
    digits=dict.fromkeys(heads.values(), 3),
    note=f"Mean ± standard deviation of {order.note}.",
)
lesson.record(
    fixed_average=order.mean("average", output="sigmoid", shuffle=False),
    fixed_after=order.mean("after", output="sigmoid", shuffle=False),
    fresh_average=order.mean("average", output="sigmoid", shuffle=True),
    fresh_after=order.mean("after", output="sigmoid", shuffle=True),
    fixed_test=order.mean("test", output="linear", shuffle=False),
    fresh_test=order.mean("test", output="linear", shuffle=True),
)
lesson.claim(
    "One order, sigmoid: `evaluate` lies above the last epoch's average in every seed; smallest difference",
    order.values("difference", output="sigmoid", shuffle=False).min(),
    above=0.002,
    fails_under="no-training",
    study="03_order",
)
lesson.claim(
    "New orders, sigmoid: `evaluate` lies below the average in every seed; largest difference",
    order.values("difference", output="sigmoid", shuffle=True).max(),
    below=-0.0002,
    fails_under="no-training",
    study="03_order",
)

# %% [markdown]
# In one order, `evaluate` finds 0.830<!-- fixed_after --> where the epoch averaged 0.823<!-- fixed_average -->, in every seed. In new orders it finds 0.807<!-- fresh_after -->, below the average of 0.808<!-- fresh_average -->, as it should. So the order explains the odd direction, and with a new one in each epoch the training error is lower, too. **Shuffle anew in each epoch; with a seed, Keras's `fit` doesn't.** For the sigmoid the error on new rows hardly changes. For the linear output it does: from 0.83<!-- fixed_test --> to 0.81<!-- fresh_test -->. There, though, `evaluate` in one order goes both ways.
#
# ## What does stopping in time buy?
#
# Lesson 3 showed the curve of one run. Here are five, each with the network with a linear output, trained to the end or stopped by a validation set. The test rows had no say in when to stop.


# %%
def train_with_stop(patience, seed):
    """Train the linear-output network, stopping when validation no longer improves."""
    x_train, x_val, x_test = draw(seed)
    model = example("linear", seed)
    stop = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    history = training.fit(
        model,
        x_train,
        epochs=epochs,
        batch_size=batch_size,
        validation_data=x_val,
        callbacks=[stop] if patience else [],
        seed=seed,
        progress=False,
    )
    test = model.evaluate(x_test, x_test, verbose=0)
    return {"test": test, "epochs": len(history.history["loss"])}


# %% tags=["hide-input"]
grid = [{"patience": patience, "seed": seed} for patience in (0, 10) for seed in range(5)]
stopping = lesson.study("03_stopping", train_with_stop, grid, live=grid[-1:], quiet=True)
tables.show(
    ["training", "epochs", "mse on new rows"],
    [
        (
            "stopped" if patience else "to the end",
            (stopping.mean("epochs", patience=patience), stopping.std("epochs", patience=patience)),
            (stopping.mean("test", patience=patience), stopping.std("test", patience=patience)),
        )
        for patience in (0, 10)
    ],
    best={"mse on new rows": "min"},
    digits={"epochs": 0, "mse on new rows": 3},
    note=f"Mean ± standard deviation of {stopping.note}. Patience: 10 epochs.",
)
saved = stopping.values("test", patience=0) - stopping.values("test", patience=10)
lesson.record(
    least_saved=saved.min(), most_saved=saved.max(), stopped=stopping.mean("test", patience=10)
)
lesson.claim(
    "Stopping changes the error on new rows by little; largest change in five seeds",
    np.abs(saved).max(),
    below=0.04,
    fails_under="math",
    study="03_stopping",
)

# %% [markdown]
# Stopping takes a little off the error on new rows, in every seed<!-- least_saved > 0 -->, and about a quarter off the time. **It is a cheap habit, not a cure:** PCA stands at 0.68<!-- 1 - latent_dim / 100 -->, and no stopping rule brings this network there.
#
# ## Is it the number of weights that overfits?
#
# The network has 18,212<!-- weights --> weights for 1,000 rows, and learned much by heart. An easy suspect. But let us keep the layers and their weights, and only make every activation linear.


# %%
def same_layers(activation, seed):
    """Return lesson 3's layers with a linear output, and with one activation everywhere else."""
    keras.utils.set_random_seed(seed)
    widths = (64, latent_dim, 32, 64)
    hidden = [Dense(width, activation) for width in widths]
    model = keras.Sequential([Input((100,)), *hidden, Dense(100)])
    model.compile(optimizer="adam", loss="mse")
    return model


# %% tags=["hide-input"]
def train_layers(activation, seed):
    x_train, _, x_test = draw(seed)
    model = same_layers(activation, seed)
    training.fit(model, x_train, epochs=epochs, batch_size=batch_size, seed=seed, progress=False)
    return {
        "train": model.evaluate(x_train, x_train, verbose=0),
        "test": model.evaluate(x_test, x_test, verbose=0),
    }


grid = [{"activation": name, "seed": seed} for name in ("relu", "linear") for seed in range(5)]
kinds = lesson.study("03_linear", train_layers, grid, live=grid[-1:], quiet=True)
tables.show(
    ["activations", "mse on training rows", "mse on new rows"],
    [
        (
            name,
            *(
                (kinds.mean(at, activation=name), kinds.std(at, activation=name))
                for at in ("train", "test")
            ),
        )
        for name in ("relu", "linear")
    ],
    best={"mse on new rows": "min"},
    digits={"mse on training rows": 3, "mse on new rows": 3},
    note=f"Mean ± standard deviation of {kinds.note}. PCA: 0.68 on new rows, in expectation.",
)
lesson.record(
    weights=same_layers("relu", 0).count_params(),
    all_linear=kinds.mean("test", activation="linear"),
)
lesson.claim(
    "With the same number of weights, linear layers are ahead on new rows in every seed; smallest gap",
    (kinds.values("test", activation="relu") - kinds.values("test", activation="linear")).min(),
    above=0.08,
    fails_under="no-training",
    study="03_linear",
)

# %% [markdown]
# With equally many weights, the linear layers end on PCA's rung, and lower on the training rows as well. **What overfits is not the number of weights but what they can express, and how hard it is to find.** Any 32 directions keep 32 % of independent numbers, so linear layers can't go far wrong. Layers with ReLU have to find even that.
#
# ## Can a code that bends beat PCA on noise?
#
# On independent numbers, 0.68<!-- 1 - latent_dim / 100 --> is a limit for linear codes. It is none for codes that bend. Here is one, by hand. Each of its 32 numbers holds *two* values: one number of the row as it is, and the sign of another, as a jump of 20.

# %%
z = x_test[:, :32] + 20 * (x_test[:, 32:64] > 0)  # the code: 32 numbers
positive = z > 10
x_packed = np.zeros_like(x_test)
x_packed[:, :32] = z - 20 * positive
x_packed[:, 32:64] = np.sqrt(2 / np.pi) * np.where(positive, 1, -1)  # the mean of each half

# %% tags=["hide-input"]
packed = metrics.mse(x_test, x_packed)
lesson.record(packed=packed)
lesson.claim(
    "The hand-made code's error on new rows; in expectation 0.476",
    packed,
    between=(0.46, 0.49),
    fails_under="math",
)

# %% [markdown]
# It comes to 0.48<!-- packed -->: 32 numbers are restored exactly, the signs of 32 others leave $1 - 2/\pi$ of their variance, and the rest is lost. A network with ReLU can do the same, since a steep pair of ReLUs makes a jump. With more jumps, it could go on until the precision of the numbers is used up. Our trainings find nothing of the kind: there is no slope that leads there. **That a better code exists doesn't mean that gradient steps find it.**
#
# ## What else does a graph freeze?
#
# `tf.function` runs your Python once, to record TensorFlow's operations, and then replays the record. So everything in it that is *not* a TensorFlow operation happens while recording: `print`, counters, lists, NumPy. Here are two functions that should add a new random number at every call:


# %%
rng = np.random.default_rng()


@tf.function
def frozen(value):
    return value + rng.normal()  # NumPy: drawn once, while recording


@tf.function
def fresh(value):
    return value + tf.random.normal(())  # TensorFlow: an operation of the graph


# %% tags=["hide-input"]
zero = tf.constant(0.0)
calls = [(float(frozen(zero)), float(fresh(zero))) for _ in range(3)]
tables.show(
    ["call", "NumPy inside", "TensorFlow inside"],
    [(str(i), *pair) for i, pair in enumerate(calls, 1)],
    digits={"NumPy inside": 3, "TensorFlow inside": 3},
    live=["NumPy inside", "TensorFlow inside"],
    note="Three calls of each function with the input 0.",
)

# %% [markdown]
# The first returns the same "random" number forever, without an error. If you train a denoising autoencoder in this way, every batch gets the same noise.
#
# And here a function counts its own calls in three ways.


# %%
python_count, seen = 0, []
variable_count = tf.Variable(0)


@tf.function
def counted(value):
    global python_count
    python_count += 1  # Python: while recording
    seen.append(type(value).__name__)  # Python: while recording
    variable_count.assign_add(1)  # TensorFlow: at every call
    return value + 1


for number in (1.0, 2.0, 3.0):
    counted(tf.constant(number))
after_tensors = python_count
for number in (1.0, 2.0, 3.0):
    counted(number)  # a Python number is a constant of the graph: each new one is recorded anew

# %% tags=["hide-input"]
tables.show(
    ["counted by", "after 3 tensors", "after 3 Python numbers more"],
    [("Python", after_tensors, python_count), ("tf.Variable", 3, int(variable_count.numpy()))],
    note=f"While recording, `value` was of the type {seen[0]}, and then {seen[-1]}.",
)
lesson.claim(
    "Six calls, of which Python noticed", python_count, between=(4, 4), digits=0, fails_under="math"
)

# %% [markdown]
# Six calls, and Python noticed four: the first tensor, and each Python number, because a Python number is baked into the graph and a new one makes a new graph. **Inside a compiled step use TensorFlow's operations and `tf.Variable`, and pass tensors, not Python numbers.** When a step misbehaves, compile the model with `run_eagerly=True`: then Python runs every time, slowly, and you can print.
#
# ## What do two compiled loops look like?
#
# Keras's `fit` compiles the *step*, `training.fit` the *epoch*. Here are both, written out. The step is lesson 3's.


# %%
def step(model, batch):
    """Forward, loss, gradients, update."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(batch, training=True) - batch) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return loss


# %%
x = tf.constant(x_train)
full = len(x_train) // batch_size * batch_size  # rows in full batches; the last batch is smaller


def compile_step(model, xla):
    compiled = tf.function(
        lambda batch: step(model, batch), reduce_retracing=not xla, jit_compile=xla
    )

    def epoch(order):
        for start in range(0, len(order), batch_size):
            compiled(tf.gather(x, order[start : start + batch_size]))

    return epoch


# %% [markdown]
# And the second: now the loop is part of what is compiled.


# %%
def compile_epoch(model, xla):
    @tf.function(jit_compile=xla)  # XLA fuses small operations into larger ones
    def epoch(order):
        for batch in tf.reshape(order[:full], (-1, batch_size)):
            step(model, tf.gather(x, batch))
        step(model, tf.gather(x, order[full:]))

    return epoch


# %% [markdown]
# Lesson 3 compared loops that differ in two things at once: where the loop runs, and whether XLA compiles. So here are all four combinations.

# %% tags=["hide-input"]
import time

milliseconds, losses = {}, {}
for place, compiled in (("Python", compile_step), ("the graph", compile_epoch)):
    for xla in (False, True):
        model = example("linear")
        model.optimizer.build(model.trainable_variables)
        epoch, timed = compiled(model, xla), []
        for number in range(12):
            order = tf.constant(training.epoch_order(0, number, len(x_train)))
            started = time.perf_counter()
            epoch(order)
            model.optimizer.iterations.numpy()  # waits until the epoch is done
            timed.append(1000 * (time.perf_counter() - started))
        milliseconds[place, xla] = min(timed)
        losses[place, xla] = metrics.mse(x_train, model(x_train))
tables.show(
    ["the loop runs in", "without XLA, ms per epoch", "with XLA, ms per epoch"],
    [
        (place, milliseconds[place, False], milliseconds[place, True])
        for place in ("Python", "the graph")
    ],
    digits={"without XLA, ms per epoch": 0, "with XLA, ms per epoch": 0},
    live=["without XLA, ms per epoch", "with XLA, ms per epoch"],
    note="The fastest of 12 epochs, in one session on the machine that made this page.",
)
lesson.claim(
    "All four reach the same loss after 12 epochs; largest relative difference",
    np.ptp(list(losses.values())) / min(losses.values()),
    below=1e-3,
    fails_under="math",
)

# %% [markdown]
# The arithmetic is the same, and so is the result.
#
# ## What is a second worth?
#
# Lesson 3 compared speeds. A speed is worth what it buys, so give Keras's `fit` and `training.fit` the same time and see how far each gets on the training rows. The time for compiling is not counted.

# %%
runs = {
    "Keras fit": lambda model, n: model.fit(
        x_train, x_train, batch_size=batch_size, epochs=n, verbose=0
    ),
    "training.fit": lambda model, n: training.fit(
        model, x_train, batch_size=batch_size, epochs=n, jit=True, progress=False
    ),
}

# %% tags=["hide-input"]
budget, chunk = 1.5, 5  # seconds, epochs at a time
reached = {}
for name, run in runs.items():
    run(example("linear"), chunk)  # compiles what equal models share
    model = example("linear")
    run(model, chunk)
    spent, count = 0.0, chunk
    while spent < budget:
        started = time.perf_counter()
        run(model, chunk)
        spent, count = spent + time.perf_counter() - started, count + chunk
    reached[name] = (count, metrics.mse(x_train, model(x_train)))
tables.show(
    ["loop", "epochs", "mse on training rows"],
    [(name, *cells) for name, cells in reached.items()],
    digits={"mse on training rows": 2},
    live=["epochs", "mse on training rows"],
    note=f"After {budget} s on the machine that made this page. Both begin with {chunk} epochs that are not timed.",
)
lesson.claim(
    "In the same time, the loss that Keras's fit reaches exceeds that of training.fit by",
    reached["Keras fit"][1] - reached["training.fit"][1],
    above=0.05,
    fails_under="no-training",
)

# %% [markdown]
# (On its *training* rows: for new rows, as you know from lesson 3, more epochs stop helping here.) `benchmarks/RESULTS.md` has measurements for five networks, beside PyTorch and JAX. Where the network is large, the differences are smaller.
#
# ## Was it the layers, or the time?
#
# Lesson 3 repaired the network on digits in four steps, with fifteen epochs for each. Would the layers as given have done as well with more time? Here are the first and the last of the four networks, with fifty epochs.


# %%
def digits_network(variant, seed):
    """Return lesson 3's network for digits: its layers as given, or repaired."""
    keras.utils.set_random_seed(seed)
    given = variant == "as given"
    width = 64 if given else 256
    layers = [Input((784,)), Dense(width, "relu"), Dense(latent_dim, "relu" if given else "linear")]
    layers += [Dense(32, "relu")] if given else []
    model = keras.Sequential([*layers, Dense(width, "relu"), Dense(784, "sigmoid")])
    model.compile(keras.optimizers.Adam(0.002), loss="mse")
    return model


def train_longer(variant, seed):
    model = digits_network(variant, seed)
    training.fit(model, d_train, epochs=50, seed=seed, progress=False)
    return {"mse": metrics.mse(d_test, model.predict(d_test, verbose=0))}


# %% tags=["hide-input"]
mnist = data.load("mnist")
d_train, d_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
grid = [{"variant": name, "seed": seed} for name in ("as given", "wider") for seed in range(3)]
longer = lesson.study("03_longer", train_longer, grid, live=grid[:1], quiet=True)
digit_pca = PCA(latent_dim, random_state=0).fit(d_train)
d_pca = digit_pca.inverse_transform(digit_pca.transform(d_test)).clip(0, 1)
rows = [("PCA, clipped", metrics.mse(d_test, d_pca))]
for name in ("as given", "wider"):
    rows.append((name, (longer.mean("mse", variant=name), longer.std("mse", variant=name))))
tables.show(
    ["model", "mse on new digits"],
    rows,
    best={"mse on new digits": "min"},
    digits={"mse on new digits": 4},
    note=f"Mean ± standard deviation of {longer.note}. 50 epochs, 32 numbers per image.",
)
lesson.record(
    given_long=longer.mean("mse", variant="as given"),
    wider_long=longer.mean("mse", variant="wider"),
)
lesson.claim(
    "With 50 epochs the layers as given are ahead of clipped PCA in each of three seeds; smallest ratio",
    metrics.mse(d_test, d_pca) / longer.values("mse", variant="as given").max(),
    above=1,
    fails_under="no-training",
    study="03_longer",
)

# %% [markdown]
# With time, the layers as given get below PCA as well. The repaired network is below PCA after fifteen epochs already, and ends lower.
#
# ## What does a file hold?
#
# The real test of a saved model is a *fresh process*, one that knows nothing of this notebook. We start one, let it load the model and restore ten rows, and compare.

# %%
program = """
import sys, keras, numpy as np
folder = sys.argv[1]
model = keras.saving.load_model(folder + "/autoencoder.keras")
np.save(folder + "/x_hat.npy", model.predict(np.load(folder + "/x.npy"), verbose=0))
"""

# %% tags=["hide-input"]
import subprocess
import sys
import tempfile
from pathlib import Path

trained = example("linear")
training.fit(trained, x_train, epochs=6, batch_size=batch_size, progress=False)
with tempfile.TemporaryDirectory() as folder:
    trained.save(Path(folder, "autoencoder.keras"))
    np.save(Path(folder, "x.npy"), x_test[:10])
    subprocess.run([sys.executable, "-c", program, folder], check=True, capture_output=True)
    elsewhere = np.load(Path(folder, "x_hat.npy"))
lesson.claim(
    "A fresh process restores the same rows; largest difference",
    np.abs(elsewhere - trained.predict(x_test[:10], verbose=0)).max(),
    below=1e-5,
    fails_under="math",
)

# %% [markdown]
# A `.keras` file is for a model that is finished. A training that was interrupted needs more: the position in the shuffled data and the state of every random generator. With `checkpoint="folder"`, `training.fit` writes all of it after each epoch. Call it again, and it goes on where it stopped. Is the result close to that of an uninterrupted run, or the same?

# %%
settings = {"batch_size": batch_size, "progress": False}
with tempfile.TemporaryDirectory() as folder:
    training.fit(example("linear"), x_train, epochs=3, checkpoint=folder, **settings)  # cut short
    resumed = example("linear")  # a fresh model, as after a restart
    training.fit(resumed, x_train, epochs=6, checkpoint=folder, **settings)

# %% tags=["hide-input"]
pairs = zip(resumed.get_weights(), trained.get_weights(), strict=True)
lesson.claim(
    "Weights of the resumed run minus those of the uninterrupted one; largest difference",
    max(np.abs(a - b).max() for a, b in pairs),
    below=1e-12,
    fails_under="math",
)

# %% [markdown]
# The same, bit by bit.
#
# Back to [lesson 3](../03_keras_example.ipynb).
