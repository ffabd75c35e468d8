# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3 · The Keras example: is 0.96 good?
#
# **Reading** 30 min · **working through** 65 min · **runs in** 70 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/03_keras_example.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/03_keras_example.ipynb)
#
# There is a little program that many introductions to autoencoders show, in one form or another. It makes 1,000 rows of 100 random numbers, squeezes each row into 32 numbers, and tries to restore it. It runs. The loss falls. On rows that it has never seen, the error comes to 0.96<!-- example_test -->.
#
# Is that good? **Place a bet** before you read on. Has the program learned (a) quite a lot, (b) a little, or (c) next to nothing?
#
# By the end of this lesson you can settle such a bet for any model and any loss. And the program will be repaired.
#
# **You will be able to** say whether a loss is good, compute the floor below which a model can't get, read learning curves, repair a model one cause at a time, tell what `fit` does inside, and save and load a model.
#
# **You need** [lesson 2](02_formulas.ipynb): the squared error and the gradient step.
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson, metrics, plotting, tables, training

lesson.begin(3)  # sets the random seeds and the look of the figures

import keras
import numpy as np
import tensorflow as tf
from keras.layers import Dense, Input
from scipy.stats import norm
from sklearn.decomposition import PCA

# %% tags=["parameters"]
latent_dim = 32  # how many numbers the code has
epochs = 100
batch_size = 32

# %% [markdown]
# ## A loss that falls
#
# This is how the program is often written:
#
# ```python
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
# We change one thing. When a layer is given `input_shape=`, Keras 3 warns and asks for an `Input` in front of it instead, so that is what we write. The data are **standard normal** numbers, independent of each other: mean 0, variance 1. We draw them with a seed, and we draw two more sets of 1,000 rows, which the network never trains on.


# %%
def draw(seed):
    """Return rows to train on, to validate with, and to test with: each 1000 × 100."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 1000, 100)).astype("float32")


x_train, x_val, x_test = draw(seed=0)

# %%
keras.utils.set_random_seed(0)
encoder = keras.Sequential([Input((100,)), Dense(64, "relu"), Dense(latent_dim, "relu")])
decoder = keras.Sequential(
    [Input((latent_dim,)), Dense(32, "relu"), Dense(64, "relu"), Dense(100, "sigmoid")]
)
autoencoder = keras.Sequential([encoder, decoder])
autoencoder.compile(optimizer="adam", loss="mse")
history = autoencoder.fit(x_train, x_train, epochs=epochs, batch_size=batch_size, verbose=0)

# %% [markdown]
# A hundred epochs later:

# %% tags=["hide-input"]
curve = history.history["loss"]
lesson.record(
    curve_start=curve[0],
    curve_end=curve[-1],
    first_train=autoencoder.evaluate(x_train, x_train, verbose=0),
    first_test=autoencoder.evaluate(x_test, x_test, verbose=0),
    weights=autoencoder.count_params(),
)
plotting.show(
    plotting.learning_curves({"training loss": curve}, ylabel="mean squared error"),
    "One curve, the training loss against the epoch. It falls steeply at first, then more and more "
    "slowly, and is still falling at the end.",
    caption="The training loss. What would you say: a success?",
)

# %% [markdown]
# That is how a success looks. The loss starts at 1.10<!-- curve_start --> and ends at 0.82<!-- curve_end -->, still falling. Asked with `evaluate`, the network has an error of 0.83<!-- first_train --> on its training rows and of 0.96<!-- first_test --> on new ones.
#
# Many introductions stop here. But notice what we don't know. **A falling loss tells you that training works. It doesn't tell you that the model is any good.**
#
# <details><summary>The fine print: the curve ends at 0.82, but `evaluate` says 0.83</summary>
#
# They measure different things. A point of the curve is an average *during* the epoch, taken while the weights still move. `evaluate` measures all rows with the final weights, and usually finds a slightly smaller loss. Here it finds a larger one. The reason is the seed: once a seed is set, Keras's `fit` takes the rows in the same order in every epoch, and the network gets used to that order. With a new order in each epoch the effect is gone, and both losses come down to 0.81. [3, deeper](deeper/03_keras_example.ipynb) runs that comparison.
# </details>
#
# ## The ladder
#
# A loss is a height, and to read a height you need a ladder: rungs whose places you know, because you know who stands on them. Before you train anything, you can put up three of them.
#
# - **The mean.** Ignore the input and always answer with the average training row. The error is the variance of the data.
# - **PCA** with as many numbers as the code has.
# - **The floor.** Our network ends in a sigmoid, so its outputs lie between 0 and 1. The data don't. What error remains, even for the best network of that kind? We compute it in the next section.

# %%
pca = PCA(latent_dim).fit(x_train)
x_pca = pca.inverse_transform(pca.transform(x_test))
x_mean = np.tile(x_train.mean(axis=0), (len(x_test), 1))


# %% [markdown]
# And one rung more, because the sigmoid is our first suspect: the same network with a *linear* output, which can reach every number. So here is the example once more, as a function.


# %%
def example(output, seed=0, **options):
    """Return the example's autoencoder with another activation of the last layer."""
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential([Input((100,)), Dense(64, "relu"), Dense(latent_dim, "relu")])
    decoder = keras.Sequential(
        [Input((latent_dim,)), Dense(32, "relu"), Dense(64, "relu"), Dense(100, output)]
    )
    autoencoder = keras.Sequential([encoder, decoder])
    autoencoder.compile(optimizer="adam", loss="mse", **options)
    return autoencoder


# %% [markdown]
# Every rung below is an average over five seeds, each with new data and a new random start.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

last = {}  # the curves of the run of this moment, for a figure below


def train_and_score(output, seed):
    """Train the example on fresh data; return its errors and those of the baselines."""
    x_train, x_val, x_test = draw(seed)
    model = example(output, seed, steps_per_execution=32)  # saves time only: see "Under fit"
    last["curves"] = model.fit(
        x_train,
        x_train,
        epochs=epochs,
        batch_size=batch_size,
        validation_data=(x_val, x_val),
        validation_batch_size=1000,
        verbose=0,
    ).history
    pca = PCA(latent_dim).fit(x_train)
    scores = {}
    for part, x in (("train", x_train), ("test", x_test)):
        scores[f"network_{part}"] = model.evaluate(x, x, verbose=0)
        scores[f"pca_{part}"] = metrics.mse(x, pca.inverse_transform(pca.transform(x)))
        scores[f"mean_{part}"] = metrics.mse(x, 0 * x + x_train.mean(axis=0))
    return scores


grid = [{"output": output, "seed": seed} for output in ("sigmoid", "linear") for seed in range(5)]
five = lesson.study(
    "03_five_seeds", train_and_score, grid, live=[{"output": "linear", "seed": 0}], quiet=True
)
error = {"floor": 0.5 + 2 * norm.sf(1) - norm.pdf(1)}
for name, metric, output in (
    ("mean", "mean", "sigmoid"),
    ("example", "network", "sigmoid"),
    ("linear", "network", "linear"),
    ("pca", "pca", "sigmoid"),
):
    for part in ("train", "test"):
        error[f"{name}_{part}"] = five.mean(f"{metric}_{part}", output=output)
lesson.record(**error)

# %% tags=["hide-input"]
rungs = (
    (error["mean_test"], "the mean: one answer for every row", plotting.color("the mean")),
    (error["example_test"], "the example", plotting.color("autoencoder")),
    (error["linear_test"], "the example with a linear output", plotting.color("autoencoder")),
    (error["pca_test"], "PCA with 32 numbers", plotting.color("PCA")),
    (error["floor"], "floor of every output between 0 and 1", "#4D4D4D"),
)
fig, ax = plt.subplots(figsize=(7.0, 4.6))
for rail in (0, 1):
    ax.plot([rail, rail], [0, 1.06], color="0.6", linewidth=5, solid_capstyle="round")
for height, who, color in rungs:
    ax.plot([0, 1], [height, height], color=color, linewidth=5, solid_capstyle="round")
    ax.text(1.12, height, f"{height:.2f}", color=color, va="center", fontweight="bold")
    ax.text(1.48, height, who, va="center")
ax.axhspan(0, error["floor"], 0, 1, facecolor="0.93", hatch="//", edgecolor="white", zorder=0)
ax.text(1.48, 0.28, "out of reach for the example,\nhowever long it trains", va="center")
ax.text(1.48, 0.0, "a perfect reconstruction", va="center")
ax.text(1.12, 0.0, "0", va="center", fontweight="bold")
ax.set(xlim=(-0.15, 4.1), ylim=(-0.04, 1.08), xticks=[], ylabel="mean squared error on new rows")
ax.spines[["bottom", "left"]].set_visible(False)
ax.grid(visible=False)
plotting.show(
    fig,
    "A ladder of errors on new rows. At the top the mean; just below it the example; then the "
    "example with a linear output; much lower PCA; lower still the floor of all outputs between "
    "0 and 1, below which the ladder is hatched: out of reach for the example.",
    caption=f"The ladder, on rows that no model has seen. Networks: {five.note}.",
)
gaps = five.values("network_test", output="linear") - five.values("pca_test", output="linear")
lesson.claim(
    "The example's error on new rows, over five seeds",
    error["example_test"],
    between=(0.94, 0.98),
    fails_under="no-training",
    study="03_five_seeds",
)
lesson.claim(
    "PCA is ahead of the network with a linear output in every one of five seeds; smallest gap",
    gaps.min(),
    above=0.1,
    fails_under="math",
    study="03_five_seeds",
    name="smallest_gap",
)

# %% [markdown]
# The bet is settled: (c). Our program stands one small step below the mean, and has explained 4 %<!-- 100 * (1 - example_test) --> of the variance of new rows. PCA explains 32 %<!-- 100 * (1 - pca_test) -->, with one line of code and nothing to train. Giving the network a linear output helps, but doesn't bring it to PCA.
#
# **A loss is a number on a scale. Before you judge it, find out who stands above it and who stands below.**
#
# Why is PCA at 0.68<!-- pca_test -->? The 100 numbers of a row are independent. Keep 32 of them and you lose 68, each with variance 1, so the mean error is 68/100. You can't do better by turning the axes, because this cloud of points looks the same from every direction. So on new rows 0.68<!-- 1 - latent_dim / 100 --> is the floor of *every* linear code, in expectation, and PCA stands right on it.
#
# <details><summary>The fine print: five seeds</summary>
#
# Each seed draws new data and new initial weights, so the five runs cover both kinds of luck. PCA has no random start: given the data, it is one number. It is ahead of the linear-output network in all five runs, by 0.12<!-- smallest_gap --> at least. If a fair coin decided who wins, five wins in a row would come once in 32 times. And 0.68 is a floor for linear codes only: we prove none for networks, but none of ours comes near it.
# </details>

# %%
from aetutorial.exercises import lesson03

lesson03.report.prompt()


# %%
def report(x_train, x_test, x_hat_test, n_components): ...  # your lines


lesson03.report.check(report)

# %% [markdown]
# ## A bell whose tails are out of reach
#
# What is wrong with the sigmoid? Nothing, in lesson 1: a pixel lies between 0 and 1. A standard normal number mostly doesn't.
#
# **Predict first.** What share of the numbers lies below 0 or above 1? Which of them should a sigmoid answer with 0, and which with 1? Guess, then open the output.

# %% tags=["hide-input", "hide-output"]
x_hat = autoencoder.predict(x_test, verbose=0)
fig, (ax, below) = plt.subplots(2, 1, figsize=(7.0, 4.6), sharex=True, height_ratios=(1.5, 1))
t = np.linspace(-3.3, 3.3, 400)
ax.plot(t, norm.pdf(t), color=plotting.color("input"))
for low, high, color, alpha in (
    (-3.3, 0, "#AA3377", 0.3),
    (0, 1, "#0072B2", 0.3),
    (1, 3.3, "#AA3377", 0.3),
):
    part = t[(t >= low) & (t <= high)]
    ax.fill_between(part, norm.pdf(part), color=color, alpha=alpha, linewidth=0)
for at, text in (
    (-1.0, "too low: 50 %\nbest answer 0"),
    (0.5, "in reach\n34 %"),
    (1.75, "too high: 16 %\nbest answer 1"),
):
    up = 0.44 if at > 1 else 0.1
    ax.text(at if at < 1 else 2.2, up if at < 1 else 0.25, text, ha="center", va="center")
ax.set(ylabel="density", ylim=(0, 0.43), title="the data: a bell")
below.hist(x_hat.ravel(), np.linspace(0, 1, 21), color=plotting.color("autoencoder"))
below.set(xlabel="value", ylabel="how many", title="what the example answers")
plotting.show(
    fig,
    "Above, the bell curve of the data. The left half, below 0, and the right tail, above 1, are "
    "shaded as out of reach; only a band from 0 to 1 can be reached. Below, a histogram of the "
    "example's outputs: all between 0 and 1, most of them in the first bar at 0.",
    caption="Above, the data and the band that a sigmoid can reach. Below, the example's answers to new rows: "
    "mostly 0, which is the best answer to half of the numbers.",
)
many = np.random.default_rng(1).standard_normal(1_000_000)
lesson.record(
    outside=100 * (norm.cdf(0) + norm.sf(1)),
    zeros=100 * np.mean(x_hat < 0.1),
    right=2 * norm.sf(1) - norm.pdf(1),
)
lesson.claim(
    "The formula below agrees with a million clipped draws; difference",
    abs(np.mean((many - np.clip(many, 0, 1)) ** 2) - error["floor"]),
    below=0.003,
    fails_under="math",
)

# %% [markdown]
# Two numbers in three, 66 %<!-- outside -->, are out of reach, whatever the weights. The best that any such network could do is to **clip**: answer 0 when $x$ is negative and 1 when it is above 1. Let us add up what that leaves. With $\varphi$ the density of the bell and $Q(1) = P(x > 1)$,
#
# $$\underbrace{\int_{-\infty}^0 x^2 \varphi(x)\,dx}_{1/2} + \underbrace{\int_1^\infty (x - 1)^2 \varphi(x)\,dx}_{2\,Q(1) - \varphi(1)} = 0.5753.$$
#
# The left half of the bell costs half of its variance, 0.5. The right tail adds 0.075<!-- right -->. (For the second integral, expand the square and use $\varphi' = -x\varphi$.) That is the lowest rung of our ladder: a code of a thousand numbers, trained for a year, would not get below 0.5753<!-- floor -->.
#
# **What the output layer can't reach, no training can fit. Compare its range with the range of your data before you train.**

# %%
lesson03.tanh_floor.prompt()

# %%
answer = None  # your number
lesson03.tanh_floor.check(answer)

# %% [markdown]
# ## Learned by heart
#
# With a linear output the whole bell is in reach, and still the network loses to PCA. Why? Look at both ladders at once, the one of the training rows and the one of new rows.

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.0, 4.2))
for name, label, its_color in (
    ("mean", "the mean", plotting.color("the mean")),
    ("example", "the example", plotting.color("autoencoder")),
    ("linear", "the example, linear output", plotting.color("autoencoder")),
    ("pca", "PCA", plotting.color("PCA")),
):
    ends = error[f"{name}_train"], error[f"{name}_test"]
    ax.plot([0, 1], ends, "o-", color=its_color, linewidth=2.5)
    ax.text(
        -0.04,
        ends[0] + 0.02 * (name == "linear") - 0.02 * (name == "pca"),
        f"{ends[0]:.2f}",
        ha="right",
        va="center",
    )
    ax.text(1.04, ends[1], f"{ends[1]:.2f}  {label}", va="center", color=its_color)
ax.set(xlim=(-0.25, 2.1), ylim=(0.5, 1.05), xticks=[0, 1], ylabel="mean squared error")
ax.set_xticklabels(["training rows", "new rows"])
ax.spines["bottom"].set_visible(False)
ax.grid(axis="x", visible=False)
plotting.show(
    fig,
    "For each model a line from its error on training rows to its error on new rows. The mean's is "
    "level. All others rise: the example's a little, PCA's a little, and that of the example "
    "with a linear output most of all.",
    caption="The steeper the line, the more of what a model learned was true of the training rows only.",
)

# %% [markdown]
# On its own rows the network with a linear output is nearly as good as PCA. On new rows most of that is gone. It has 18,212<!-- weights --> weights for 1,000 rows, enough to learn a good deal about exactly these rows, and what it learned doesn't help with others. This is **overfitting**. PCA overfits too, but it is a stiffer model: its error goes from 0.55<!-- pca_train --> to 0.68<!-- pca_test -->.
#
# What else could the network have learned? Nothing. A code saves space when the numbers of a row depend on each other. Handwritten digits do; 32 directions of 784 keep three quarters<!-- 0.7 < kept_digits < 0.78 --> of their variance. Independent numbers don't; 32 directions of 100 keep about 32 of 100 parts.

# %% tags=["hide-input"]
mnist = data.load("mnist")
d_train, d_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
kept = {}
for name, fit_to, x in (("digits", d_train, d_test), ("the example's data", x_train, x_test)):
    directions = PCA(100, svd_solver="full").fit(fit_to)
    power = (directions.transform(x) ** 2).sum(axis=0)
    total = ((x - directions.mean_) ** 2).sum()
    kept[name] = np.cumsum(power) / total
lesson.record(kept_digits=kept["digits"][latent_dim - 1])
plotting.show(
    plotting.sweep(
        {name: (np.arange(4, 101, 4), 100 * share[3::4]) for name, share in kept.items()},
        xlabel="number of PCA directions",
        ylabel="variance of new rows kept (%)",
    ),
    "Variance kept against the number of PCA directions. For digits the curve rises steeply and "
    "then flattens. For the example's data it is a straight line to 100 percent.",
    caption="Digits have structure: the first directions count most. In independent numbers every direction counts the same.",
)

# %% [markdown]
# You can watch overfitting happen if you give `fit` a few rows to check after every epoch. They must be neither the training rows nor the test rows. If you choose the best epoch by looking at the test rows, their score is no longer honest. So there is a third set, for **validation**.

# %% tags=["hide-input"]
validation = last["curves"]["val_loss"]
best = int(np.argmin(validation))
lesson.record(
    best_epoch=best + 1,
    val_best=validation[best],
    val_end=validation[-1],
    fit_end=last["curves"]["loss"][-1],
    within=0.25,
)
fig = plotting.learning_curves(
    {"training": last["curves"]["loss"], "validation": validation},
    ylabel="mean squared error",
    references={"PCA, new rows": error["pca_test"]},
)
fig.axes[0].plot(best + 1, validation[best], "o", color="#AA3377", markersize=8)
fig.axes[0].annotate(
    "best epoch", (best + 1, validation[best]), (0, 14), textcoords="offset points", ha="center"
)
plotting.show(
    fig,
    "Training and validation loss of the network with a linear output. Both fall at first. Then "
    "the validation loss flattens, has its minimum halfway, and rises a little, while the training "
    "loss goes on falling, below the line of PCA's error on new rows.",
    caption="From the best epoch on, the network learns its rows by heart.",
)

# %% [markdown]
# How do you read such a pair of curves?
#
# - Both fall together: the model is still learning what holds in general. Train on.
# - Training falls, validation rises or stands still: it learns by heart. Stop, get more data, or take a smaller model.
# - Both are flat and high: it can't do better. Look for a floor before you enlarge the network.
#
# Keras stops for you and brings the best weights back:
#
# ```python
# stop = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
# model.fit(x_train, x_train, epochs=100, validation_data=(x_val, x_val), callbacks=[stop])
# ```
#
# Here it would save half of the time and only 0.01<!-- val_end - val_best --> of the error. The real gap, between network and PCA, remains. **Stopping in time limits the damage. It can't find structure where there is none.**
#
# But a simpler model can get to PCA's rung, even on data like these. Try it:

# %%
lesson03.beat_it.prompt()

# %%
model = None  # your trained model
lesson03.beat_it.check(model)

# %%
lesson03.diagnose.prompt()

# %%
answer = None  # a list of three texts
lesson03.diagnose.check(answer)

# %% [markdown]
# ## Under `fit`
#
# You have now waited for `fit` twice, and the repair needs a dozen trainings. So let us look inside. One step of training, which lesson 2 wrote in NumPy, is this in TensorFlow:


# %%
def step(model, batch):
    """Forward, loss, gradients, update."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(batch, training=True) - batch) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return loss


# %% [markdown]
# An epoch is a loop: one step for each batch. Left like this, Python would hand every small operation to TensorFlow one at a time. There are two ways to do better. **Compile the step**: `tf.function` records its operations once, as a **graph**, and then runs the graph. Or **compile the epoch**: put the loop into the graph, too, so that Python is called once in an epoch and not 32 times.


# %%
x = tf.constant(x_train)
full = len(x_train) // batch_size * batch_size  # rows in full batches; the last batch is smaller


def compile_step(model):
    compiled = tf.function(lambda batch: step(model, batch), reduce_retracing=True)

    def epoch(order):
        for start in range(0, len(order), batch_size):
            compiled(tf.gather(x, order[start : start + batch_size]))

    return epoch


# %%
def compile_epoch(model):
    @tf.function(jit_compile=True)  # XLA fuses small operations into larger ones
    def epoch(order):
        for batch in tf.reshape(order[:full], (-1, batch_size)):
            step(model, tf.gather(x, batch))
        step(model, tf.gather(x, order[full:]))

    return epoch


# %% [markdown]
# Keras's `fit` is of the first kind, with callbacks, metrics and progress around it. You can ask it for more: `jit_compile=True` in `compile` turns on the compiler XLA, and `steps_per_execution=32` does 32 steps between two returns to Python. The course has a function of the second kind, `training.fit`, for any Keras model.
#
# **Predict first.** All of them do the same arithmetic. By what factor do the fastest and the slowest differ?

# %% tags=["hide-input", "hide-output"]
import time


def per_epoch(fit, few, many):
    """Return the milliseconds that an additional epoch of `fit(epochs)` takes, compiling not counted."""
    seconds = {few: [], many: []}
    for count in (few, many, few, many):
        started = time.perf_counter()
        fit(count)
        seconds[count].append(time.perf_counter() - started)
    return 1000 * (min(seconds[many]) - min(seconds[few])) / (many - few)


def repeated(epoch):
    """Return a function that runs so many epochs, each in another order of the rows."""
    return lambda count: [epoch(training.epoch_order(0, e, len(x_train))) for e in range(count)]


models = {name: example("linear") for name in ("compiled step", "compiled epoch", "training.fit")}
for model in models.values():
    model.optimizer.build(model.trainable_variables)
loops = {
    "compiled step": (repeated(compile_step(models["compiled step"])), 4, 12),
    "compiled epoch": (repeated(compile_epoch(models["compiled epoch"])), 4, 36),
    "training.fit": (
        lambda count: training.fit(
            models["training.fit"], x_train, epochs=count, batch_size=32, jit=True, progress=False
        ),
        4,
        100,
    ),
}
for name, options in {
    "Keras fit": {},
    "fit, jit_compile": {"jit_compile": True},
    "fit, steps_per_execution": {"steps_per_execution": 32},
}.items():
    models[name] = example("linear", **options)
    fit = models[name].fit
    loops[name] = (
        lambda n, fit=fit: fit(x_train, x_train, epochs=n, batch_size=32, verbose=0),
        1,
        5,
    )
for run, few, _ in loops.values():
    run(few)  # compiles
alike = [metrics.mse(x_train, models[name](x_train)) for name in list(models)[:3]]
names = [*list(models)[3:], *list(models)[:3]]
took = {name: per_epoch(*loops[name]) for name in names}
speed = {name: took["Keras fit"] / took[name] for name in names}

# %% tags=["hide-input", "hide-output"]
lesson.record(
    by_jit=speed["fit, jit_compile"],
    by_steps=speed["fit, steps_per_execution"],
    by_epoch=speed["compiled epoch"],
    by_engine=speed["training.fit"],
    within=0.9,
)
plotting.show(
    plotting.bars(
        speed, xlabel="epochs per second, relative to Keras fit (log scale)", log=True, digits=2
    ),
    "Bars on a logarithmic axis: how fast each way of training is, relative to Keras fit. "
    "The two options of Keras and the compiled step gain something; the compiled epoch and "
    "training.fit, at the bottom, are more than ten times as fast as Keras fit.",
    caption="The example's network, on the machine that made this page; yours will show other numbers. Compiling is not counted.",
)
lesson.claim(
    "Our two loops and `training.fit`, from the same start and with the same order of rows, reach the "
    "same loss after 4 epochs; largest relative difference",
    np.ptp(alike) / min(alike),
    below=1e-3,
    fails_under="math",
)

# %% [markdown]
# **The arithmetic was never the problem. For a small network, starting each piece of work costs more than the work.** For larger networks and batches the arithmetic takes over, and the differences shrink. From here on the course calls `training.fit`: it's what you have just seen, plus checks, and checkpoints from which an interrupted run continues.
#
# One warning about `tf.function`. It runs your Python *once*, to record the operations, and after that it only replays what it recorded. NumPy isn't recorded: what it returned at that moment is frozen into the graph as a constant. Here are two functions that should add a new random number at every call:


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
# The first one returns the same "random" number forever, without an error. It happens to people who add noise inside a training step. (`print` and Python counters run once as well: [3, deeper](deeper/03_keras_example.ipynb) shows them.)
#
# ## The repair
#
# Now let us give the example's network what it was missing. Digits, which have structure. Pixels between 0 and 1, which a sigmoid can reach. Ten times as many rows. Does it beat PCA now?
#
# Not yet, as you will see. So we change it, one thing at a time:
#
# 1. **as given**: layers of 64, 32, 32 and 64 with ReLU, and a sigmoid at the end;
# 2. **linear code**: no ReLU on the code;
# 3. **no second 32**: the decoder begins with its layer of 64;
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


# %%
repaired = network("wider", seed=0)
training.fit(repaired, d_train, epochs=15, progress=False)

# %% [markdown]
# That one we would like to keep. Saving and loading take a line each. The file holds the layers, the weights and the state of the optimizer.

# %%
import tempfile

path = tempfile.mkdtemp() + "/autoencoder.keras"
repaired.save(path)
loaded = keras.saving.load_model(path)

# %% tags=["hide-input"]
digit_pca = PCA(latent_dim, random_state=0).fit(d_train)
d_pca = digit_pca.inverse_transform(digit_pca.transform(d_test)).clip(0, 1)
shown = np.array([np.flatnonzero(mnist.y_test == digit)[1] for digit in range(10)])
plotting.show(
    plotting.image_rows(
        {
            "input": d_test[shown].reshape(-1, 28, 28),
            "repaired, loaded": loaded.predict(d_test[shown], verbose=0).reshape(-1, 28, 28),
            "PCA, clipped": d_pca[shown].reshape(-1, 28, 28),
        }
    ),
    "Ten held-out digits in three rows. The repaired network's look like the input, PCA's are "
    "blurred, with gray shadows around the strokes.",
    caption="New digits, restored from 32 numbers each by the network that was saved and loaded.",
)

# %% [markdown]
# There they are: digits. And the steps that led there, for three seeds each:


# %% tags=["hide-input"]
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
ladder = lesson.study(
    "03_repair", repair, grid, live=[{"variant": "as given", "seed": 0}], quiet=True
)
pca_error = metrics.mse(d_test, d_pca)
heights = {f"{i} {name}": ladder.mean("mse", variant=name) for i, name in enumerate(variants, 1)}
spread = {f"{i} {name}": ladder.std("mse", variant=name) for i, name in enumerate(variants, 1)}
plotting.show(
    plotting.bars(
        {"PCA, clipped": pca_error} | heights,
        xlabel="mean squared error on new digits",
        spread=spread,
    ),
    "Five bars. The example as given has a larger error than clipped PCA; with a linear code it is "
    "still a little behind; without the second layer of 32 it is ahead; the wider network is far ahead.",
    caption=f"Every change takes it a rung down. {ladder.note}; PCA has no seed.",
)
lesson.record(
    digits_pca=pca_error,
    digits_given=heights["1 as given"],
    digits_wider=heights["4 wider"],
    dead=ladder.mean("dead", variant="as given"),
)
lesson.claim(
    "Clipped PCA's error is this many times that of the repaired network, in the worst of three seeds",
    pca_error / ladder.values("mse", variant="wider").max(),
    above=1.3,
    fails_under="no-training",
    study="03_repair",
)

# %% [markdown]
# The first change is worth a closer look. A ReLU unit whose input is negative for every digit answers 0 to all of them, and no gradient reaches its weights. It is a **dead unit**. As given, 5<!-- dead --> of the 32 code units are dead, so the network had fewer numbers than it said on the paper. A linear code can't die. Then the second layer of 32 goes, which only narrowed the decoder, and then the width comes: from 0.0199<!-- digits_given -->, past PCA's 0.0153<!-- digits_pca -->, down to 0.0090<!-- digits_wider -->.
#
# **Range, structure, overfitting, dead units: four causes, and the falling loss showed none of them.** The ladder did.
#
# ## Change one thing
#
# Begin with `lesson.begin(3, strict=False)`, change something, and run all cells. Claims that no longer hold are then reported and don't stop you; what was stored runs anew, which takes some minutes. Guess before you look.
#
# - What happens with `latent_dim = 100`, a code as large as the input?
# - And with `epochs = 10`?
# - In `draw`, let the numbers have mean 0.5 and standard deviation 0.1, so that nearly all of them are in reach of a sigmoid. Is the example good then?
#
# <details><summary>What you will find</summary>
#
# - PCA's error becomes 0: it keeps every direction. The network's doesn't, because its layers of 64 and 32 are still narrow.
# - The networks get stuck on higher rungs, the example close to the mean. PCA doesn't change: it has no epochs.
# - All errors are about 100 times smaller, because the variance is. In units of the variance, the sigmoid now does as well as the linear output did, but PCA is still ahead: there is nothing to find.
# </details>
#
# ## What you now know
#
# - A falling loss is no verdict. Put up the ladder: the mean, PCA, and the floor that the output's range sets, on new data.
# - A sigmoid reaches 34 %<!-- 100 - outside --> of standard normal numbers, and no training changes that.
# - Where data have no structure, a network can only learn rows by heart. Validation shows it; stopping limits it.
# - `fit` is a loop around a compiled step. Compiled as a whole, it is much faster for small networks.
#
# **In practice**, compute floor and baselines first. It takes a minute, and then you know what a good loss would be.
#
# ## References
#
# - F. Chollet and others (2015). *Keras*. https://keras.io (`Sequential`, `fit`, `compile`).
# - P. Baldi, K. Hornik (1989). Neural networks and principal component analysis: learning from examples without local minima. *Neural Networks* 2, 53–58.
# - L. Prechelt (1998). Early stopping – but when? In *Neural Networks: Tricks of the Trade*, Springer, 55–69.
#
# Next: [lesson 4, dimensionality reduction](04_dimensionality_reduction.ipynb), where you learn when PCA *is* an autoencoder, and what bending adds. More on this lesson: [3, deeper](deeper/03_keras_example.ipynb).
