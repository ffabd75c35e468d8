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
# **Reading** 25 min · **working through** 55 min · **runs in** 70 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/03_keras_example.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/03_keras_example.ipynb)
#
# Many introductions to autoencoders open with a little program like this one. It makes 1,000 rows of 100 random numbers with mean 0 and variance 1, squeezes each row into 32 numbers, and tries to restore it. It runs. The loss falls. On rows that it has never seen, the error comes to 0.96<!-- example_test -->.
#
# Is that good? **Place a bet** before you read on. How much of the variance of new rows does the program explain: (a) more than half, (b) a tenth to a half, or (c) less than a tenth?
#
# By the end of this lesson you can settle such a bet. And the layers of the program will do something useful.
#
# **You will be able to** say whether a loss is good, compute the floor below which a model can't get, read learning curves, repair a model one cause at a time, tell what `fit` does inside, and save and load a model.
#
# **You need** [lesson 1](01_concepts.ipynb), and for the last section the gradient step of [lesson 2](02_formulas.ipynb).
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
    "One curve, the training loss against the epoch. It falls steeply at first, then more "
    "slowly, rises a little twice, around epochs 48 and 80, and is falling again at the end.",
    caption="The training loss. What would you say: a success?",
)

# %% [markdown]
# That is how a success looks. The loss starts at 1.16<!-- curve_start --> and ends at 0.82<!-- curve_end -->, still falling. On new rows, `evaluate` finds 0.96<!-- first_test -->.
#
# But notice what we don't know yet. **A falling loss tells you that training works. It doesn't tell you that the model is any good.**
#
# <details><summary>The fine print: is the end of the curve the training error?</summary>
#
# Not quite. A point of the curve is an average *during* the epoch, taken while the weights still move. `evaluate` measures all rows with the final weights, and usually finds a slightly smaller loss. Here it finds a slightly *larger*<!-- first_train > curve_end --> one. The reason is the seed: once a seed is set, Keras's `fit` takes the rows in the same order in every epoch, and the network seems to get used to that order. With a new order in each epoch, the effect is gone, and the training error itself is a little lower. [3, deeper](deeper/03_keras_example.ipynb) runs that comparison, five seeds each way, and finds the effect in all of them for the sigmoid.
# </details>
#
# ## The ladder
#
# A loss means something only beside losses you understand. Three of them need no training. Together they make a **ladder**, and each of them is a rung.
#
# - **The mean.** Ignore the input and always answer with the average training row. The error is the variance of the data.
# - **PCA** with as many numbers as the code has. Principal component analysis is the best linear way to squeeze a row into 32 numbers: it keeps the 32 directions in which the training rows vary most, and needs no gradient steps. [Lesson 4](04_dimensionality_reduction.ipynb) has the rest.
# - **The floor.** Our network ends in a sigmoid, so its outputs lie between 0 and 1. The data don't. What error remains, even for the best network of that kind? We compute it in the next section.
#
# PCA's output may be any number. So we also **clip** it to [0, 1]. The clipped rung shares both of the example's limits: 32 numbers in the code, and outputs between 0 and 1.

# %%
pca = PCA(latent_dim).fit(x_train)
x_pca = pca.inverse_transform(pca.transform(x_test))
x_clipped = x_pca.clip(0, 1)
x_mean = np.tile(x_train.mean(axis=0), (len(x_test), 1))


# %% [markdown]
# And one rung more, because outputs between 0 and 1 look too narrow for these data: the same network with a *linear* output, which can reach every number. So here is the example once more, as a function.


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
    model = example(output, seed)
    last["curves"] = training.fit(  # the loop of "Under fit", which is faster
        model,
        x_train,
        epochs=epochs,
        batch_size=batch_size,
        shuffle=False,  # one order for all epochs; fit has one, too, when a seed is set
        validation_data=x_val,
        jit=True,
        progress=False,
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
clipped = []
for seed in range(5):
    rows, _, new_rows = draw(seed)
    fitted = PCA(latent_dim).fit(rows)
    restored = fitted.inverse_transform(fitted.transform(new_rows))
    clipped.append(metrics.mse(new_rows, restored.clip(0, 1)))
error["clipped_test"] = float(np.mean(clipped))
lesson.record(**error)

# %% tags=["hide-input"]
rungs = (
    (error["mean_test"], 0.015, "the mean: one answer for every row", plotting.color("the mean")),
    (error["example_test"], -0.015, "the example", plotting.color("autoencoder")),
    (error["clipped_test"], 0.025, "PCA with 32 numbers, clipped to [0, 1]", plotting.color("PCA")),
    (
        error["linear_test"],
        -0.025,
        "the example with a linear output",
        plotting.color("autoencoder"),
    ),
    (error["pca_test"], 0, "PCA with 32 numbers", plotting.color("PCA")),
    (error["floor"], 0, "floor of all outputs between 0 and 1", "#4D4D4D"),
)
fig, ax = plt.subplots(figsize=(7.0, 4.6))
for rail in (0, 1):
    ax.plot([rail, rail], [0, 1.06], "-", color="0.6", linewidth=6, solid_capstyle="round")
for height, shift, who, color in rungs:
    ax.plot([0, 1], [height, height], "-", color=color, linewidth=4)  # one style for all rungs
    beside = height + shift
    digits = 3 if "floor" in who else 2
    ax.text(1.12, beside, f"{height:.{digits}f}", color=color, va="center", fontweight="bold")
    ax.text(1.58, beside, who, va="center")
ax.fill_between([0, 1], 0, error["floor"], facecolor="0.9", hatch="//", edgecolor="white", zorder=0)
ax.text(1.58, 0.28, "out of reach for the example,\nhowever long it trains", va="center")
ax.text(1.58, 0.0, "a perfect reconstruction", va="center")
ax.text(1.12, 0.0, "0", va="center", fontweight="bold")
ax.set(
    xlim=(-0.15, 4.1),
    ylim=(-0.04, 1.08),
    xticks=[],
    ylabel="mean squared error on new rows (lower is better)",
)
ax.spines[["bottom", "left"]].set_visible(False)
ax.grid(visible=False)
plotting.show(
    fig,
    "A ladder of errors on new rows. At the top the mean; just below it the example; then, close "
    "together, PCA clipped to the range from 0 to 1 and the example with a linear output; "
    "much lower PCA; lower still the floor of all outputs between "
    "0 and 1, below which the ladder is hatched: out of reach for the example.",
    caption="The ladder of errors on rows that no model has seen; lower is better. The example is one small step below the mean. "
    f"The floor binds only outputs between 0 and 1. Networks: {five.note}.",
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
# The bet is settled: (c). Our program stands one small step below the mean, and has explained 4 %<!-- 100 * (1 - example_test) --> of the variance of new rows: 1 − 0.96<!-- example_test -->. PCA explains 32 %<!-- 100 * (1 - pca_test) -->, that is 1 − 0.68<!-- pca_test -->, without a single gradient step. Even clipped to the sigmoid's range it comes to 0.84<!-- clipped_test -->. Giving the network a linear output helps, but doesn't bring it to PCA.
#
# **Before you judge a loss, find out which simple methods do worse and which do better.**
#
# Why is PCA at 0.68<!-- pca_test -->? The 100 numbers of a row are independent and equally spread. Keep 32 of them and you lose the other 68<!-- 100 - latent_dim -->, each with variance 1. The mean over all 100 is 0.68<!-- 1 - latent_dim / 100 -->. You can't do better by turning the axes, because this cloud of points looks the same from every direction. So no linear code of 32 numbers beats 0.68<!-- 1 - latent_dim / 100 --> on average, and PCA reaches it. (Baldi and Hornik showed in 1989 that for linear networks this is the only minimum of the loss: wherever else the slopes vanish, there is a saddle.)
#
# <details><summary>The fine print: five seeds</summary>
#
# Each seed draws new data and new initial weights, so the five runs cover both kinds of luck. PCA has no random start: given the data, it is one number. It is ahead of the linear-output network in all five runs, by 0.13<!-- smallest_gap --> or more. (Part of that comes from the fixed order in which Keras shows the rows: with a new order in each epoch the network's error is 0.81<!-- deeper/03_keras_example: fresh_test -->, not 0.83<!-- linear_test -->. [3, deeper](deeper/03_keras_example.ipynb) has both. With a new order *and* training stopped in time it comes to 0.80<!-- deeper/03_keras_example: stopped -->, and PCA is still ahead.) If a fair coin decided who wins, five wins in a row would come once in 32 times. And 0.68<!-- pca_test --> is a limit for linear codes only.
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
# In lesson 1 the sigmoid was right: a pixel lies between 0 and 1. Does a standard normal number?
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
for at, up, text in (
    (-2.2, 0.25, "too low: 50 %\nbest answer 0"),
    (0.5, 0.12, "in reach\n34 %"),
    (2.2, 0.25, "too high: 16 %\nbest answer 1"),
):
    ax.text(at, up, text, ha="center", va="center")
ax.set(ylabel="density", ylim=(0, 0.43), title="the data: a bell")
below.hist(x_hat.ravel(), np.linspace(0, 1, 21), color=plotting.color("autoencoder"))
below.text(0.12, 35_000, f"{100 * np.mean(x_hat < 0.1):.0f} % are close to 0")
below.set(xlabel="value", ylabel="how many", title="what the example answers")
plotting.show(
    fig,
    "Above, the bell curve of the data. The left half, below 0, and the right tail, above 1, are "
    "shaded as out of reach; only a band from 0 to 1 can be reached. Below, a histogram of the "
    "example's outputs: all between 0 and 1, most of them in the first bar at 0.",
    caption="Above, the data and the band that a sigmoid can reach. Below, the example's answers to new rows: "
    f"{100 * np.mean(x_hat < 0.1):.0f} % of them are close to 0. 0 is the best answer to every negative number. It is also the best guess about a number of which you know nothing, since the mean is 0.",
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
# The left half of the bell costs half of its variance, 0.5. The right tail adds 0.075<!-- right -->. (For the second integral, expand the square and use $\varphi' = -x\varphi$.) That is the lowest rung that we drew: a code of a thousand numbers, trained for a year, would on average not get below 0.5753<!-- floor -->. It binds only outputs between 0 and 1: plain PCA isn't bound by it.
#
# In code:

# %%
floor = 0.5 + (2 * norm.sf(1) - norm.pdf(1))  # norm.sf is Q, norm.pdf is the density

# %% [markdown]
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
    caption="A model's gain is its distance below 1.00. The linear-output network gains "
    f"{1 - error['linear_train']:.2f} on its own rows and {1 - error['linear_test']:.2f} on new ones.",
)

# %% [markdown]
# On its own rows the network with a linear output is nearly as good as PCA. On new rows more than half of what it had gained is gone<!-- (linear_test - linear_train) / (1 - linear_train) > 0.5 -->, and for the sigmoid three quarters<!-- 0.7 < (example_test - example_train) / (1 - example_train) < 0.8 -->. What it learned there was about exactly these 1,000 rows. This is **overfitting**. PCA overfits too, but loses less of its gain: its error goes from 0.55<!-- pca_train --> to 0.68<!-- pca_test -->.
#
# Is it the number of weights, 18,212<!-- weights --> of them for 1,000 rows? No. Make every activation of these layers linear, with the same number of weights, and the error on new rows is 0.68<!-- deeper/03_keras_example: all_linear -->: PCA's rung ([3, deeper](deeper/03_keras_example.ipynb)). To pass 32 numbers through and lose the rest is the easiest thing for linear layers. Layers with ReLU have to find even that from 1,000 rows, and find chance patterns on the way.
#
# Could a code that bends do better than 0.68<!-- 1 - latent_dim / 100 -->, on data like these? Yes, by packing two values into one number; [3, deeper](deeper/03_keras_example.ipynb) builds such a code by hand, with an error of 0.48<!-- deeper/03_keras_example: packed -->. But no training of ours found it. Where there is structure, there is something to find. A code saves space when the numbers of a row depend on each other. Handwritten digits do; 32 directions of 784 keep three quarters<!-- 0.7 < kept_digits < 0.78 --> of their variance. Independent, equally spread numbers don't; any 32 directions of 100 keep about 32 % of the variance of new rows.

# %% tags=["hide-input"]
mnist = data.load("mnist")
d_train, d_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
kept = {}
for name, fit_to, x in (("digits", d_train, d_test), ("the example's data", x_train, x_test)):
    directions = PCA(100, svd_solver="covariance_eigh").fit(fit_to)
    power = (directions.transform(x) ** 2).sum(axis=0)
    total = ((x - directions.mean_) ** 2).sum()
    kept[name] = np.cumsum(power) / total
lesson.record(kept_digits=kept["digits"][latent_dim - 1])
fig = plotting.sweep(
    {name: (np.arange(4, 101, 4), 100 * share[3::4]) for name, share in kept.items()},
    xlabel="number of PCA directions",
    ylabel="variance of new rows kept (%)",
)
fig.axes[0].axvline(latent_dim, color="0.5", linewidth=1)
fig.axes[0].text(latent_dim + 1, 5, f"{latent_dim} directions")
plotting.show(
    fig,
    "Variance kept against the number of PCA directions. For digits the curve rises steeply and "
    "then flattens. For the example's data it is a straight line to 100 percent. A line marks 32 directions.",
    caption="Digits have structure: the first directions count most. In independent and equally spread numbers every direction counts the same.",
)

# %% [markdown]
# ### Watch it happen
#
# You can watch overfitting happen if you give `fit` a few rows to check after every epoch. They must be neither the training rows nor the test rows. If you choose the best epoch by looking at the test rows, their score is no longer honest. So there is a third set, for **validation**.

# %% tags=["hide-input"]
validation = last["curves"]["val_loss"]
best = int(np.argmin(validation))
lesson.record(val_best=validation[best], val_end=validation[-1])
fig = plotting.learning_curves(
    {"training": last["curves"]["loss"], "validation": validation},
    ylabel="mean squared error",
    references={
        f"PCA, {name} rows": metrics.mse(x, pca.inverse_transform(pca.transform(x)))
        for name, x in (("validation", x_val), ("training", x_train))
    },
)
at = best + 1, validation[best]
fig.axes[0].plot(*at, "o", color="#AA3377", markersize=9)
fig.axes[0].annotate("best epoch", at, (0, 14), textcoords="offset points", ha="center")
plotting.show(
    fig,
    "Training and validation loss of the network with a linear output. Both fall at first. Then "
    "the validation loss flattens, has its minimum halfway, and rises a little, while the training "
    "loss goes on falling, toward the line of PCA's error on training rows.",
    caption="The example with a linear output, one seed. Compare the upper dotted line with the validation curve, the lower one with the training curve. After the best epoch, memorizing costs more than further learning gains.",
)

# %% [markdown]
# How do you read such a pair of curves?
#
# - Both fall together, and the gap stays small: the model is still learning what holds in general. Train on.
# - Training falls, validation rises or stays level: it mostly learns by heart. Stop, get more data, or take a smaller model.
# - Both are flat and high: it is stuck. Look for a floor, a learning rate that doesn't fit, or dead units, before you enlarge the network.
#
# Keras stops for you and brings the best weights back. That is **early stopping**; Prechelt (1998) compares rules for it.
#
# ```python
# stop = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
# model.fit(x_train, x_train, epochs=100, validation_data=(x_val, x_val), callbacks=[stop])
# ```
#
# Over five seeds it saves about a quarter of the epochs, but lowers the test error by only 0.004<!-- deeper/03_keras_example: least_saved --> to 0.014<!-- deeper/03_keras_example: most_saved --> ([3, deeper](deeper/03_keras_example.ipynb)). The real gap, between network and PCA, remains. **Stopping in time limits the damage. It doesn't remove the cause.**
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
# ## The repair
#
# Noise can't be repaired, so we replace it. Digits have structure, their pixels lie between 0 and 1, where a sigmoid can reach them, and there are more rows. Does the network beat PCA now?
#
# Not yet, after 15 epochs, as you will see. So we make three changes to the network, one after the other, and keep what helped:
#
# 1. **as given**: layers of 64, 32, 32 and 64 with ReLU, and a sigmoid at the end;
# 2. **linear code**: no ReLU on the code;
# 3. **no second 32**: the decoder begins with its layer of 64;
# 4. **wider**: 256 units instead of 64.
#
# Only the first network's layers are those of the example. Data, learning rate, batch size and epochs are new, and equal for all four.


# %%
def network(variant, seed):
    """Return one of the four networks for digits; the layer named "code" gives its code."""
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


# %% [markdown]
# We train the first and the last one on digits of lesson 1. To choose between networks we set the last 1,000<!-- aside --> of the training digits aside, as `d_val`; the test digits wait for the end. `training.fit` is the course's own, faster `fit`; the next section opens it. Input and target are the same, so it takes them once.

# %%
d_fit, d_val = d_train[:-1000], d_train[-1000:]
given, repaired = network("as given", seed=0), network("wider", seed=0)
for model in (given, repaired):
    training.fit(model, d_fit, epochs=15, progress=False)

# %% tags=["hide-input"]
digit_pca = PCA(latent_dim, random_state=0).fit(d_fit)


def by_pca(x):
    return digit_pca.inverse_transform(digit_pca.transform(x)).clip(0, 1)


shown = np.array([np.flatnonzero(mnist.y_test == digit)[1] for digit in range(10)])
plotting.show(
    plotting.image_rows(
        {
            "input": d_test[shown].reshape(-1, 28, 28),
            "as given": given.predict(d_test[shown], verbose=0).reshape(-1, 28, 28),
            "repaired": repaired.predict(d_test[shown], verbose=0).reshape(-1, 28, 28),
            "PCA, clipped": by_pca(d_test[shown]).reshape(-1, 28, 28),
        }
    ),
    "Ten held-out digits in four rows. The repaired network's look like the input; those of the network as given "
    "are smeared, and PCA's have gray shadows around the strokes.",
    caption="New digits, restored from 32 numbers each by the network as given, by the repaired one and by PCA.",
)

# %% [markdown]
# The repaired digits are clear, if not perfect: look at the 1 and the 9. What did each change do? There is one suspect that you can't see in a loss. A ReLU unit whose input is negative for every digit answers 0 to all of them, and no gradient reaches its weights. It is a **dead unit**. So we train each network three times, and count the code units that give the same number for every digit.


# %%
def repair(variant, seed):
    """Train a variant on digits; return its errors and how many code units are dead."""
    model = network(variant, seed)
    training.fit(model, d_fit, epochs=15, seed=seed, progress=False)
    encoder = keras.Model(model.inputs, model.get_layer("code").output)
    z = encoder.predict(d_fit, verbose=0)
    return {
        "val": metrics.mse(d_val, model.predict(d_val, verbose=0)),
        "test": metrics.mse(d_test, model.predict(d_test, verbose=0)),
        "dead": int((z.std(axis=0) == 0).sum()),
    }


# %% tags=["hide-input"]
variants = ("as given", "linear code", "no second 32", "wider")
grid = [{"variant": variant, "seed": seed} for variant in variants for seed in range(3)]
ladder = lesson.study("03_repair", repair, grid, live=[], quiet=True)
pca_error = metrics.mse(d_val, by_pca(d_val))
mean_error = metrics.mse(d_val, 0 * d_val + d_fit.mean(axis=0))
pca_on_test = metrics.mse(d_test, by_pca(d_test))
heights = {
    f"autoencoder {i}, {name}": ladder.mean("val", variant=name)
    for i, name in enumerate(variants, 1)
}
spread = {
    f"autoencoder {i}, {name}": ladder.std("val", variant=name)
    for i, name in enumerate(variants, 1)
}
plotting.show(
    plotting.bars(
        {"the mean": mean_error, "PCA, clipped": pca_error} | heights,
        xlabel="mean squared error on digits set aside",
        spread=spread,
    ),
    "Six bars. The mean has by far the largest error. The example as given has a larger error than clipped PCA; with a linear code it is "
    "still a little behind; without the second layer of 32 it is ahead; the wider network is far ahead.",
    caption=f"Every change takes it a rung down. As given, {ladder.mean('dead', variant='as given'):.0f} of the 32 code units are dead, on average. "
    f"{ladder.note}; thin lines: the standard deviation. The mean and PCA have no seed.",
)
lesson.record(
    digits_pca=pca_error,
    digits_given=ladder.mean("val", variant="as given"),
    digits_wider=ladder.mean("val", variant="wider"),
    wider_on_test=ladder.mean("test", variant="wider"),
    pca_on_test=pca_on_test,
    aside=len(d_val),
    dead=ladder.mean("dead", variant="as given"),
    repaired_error=metrics.mse(d_test, repaired.predict(d_test, verbose=0)),
)
lesson.claim(
    "On the test digits: clipped PCA's error over that of the repaired network, in the worst of three seeds",
    pca_on_test / ladder.values("test", variant="wider").max(),
    above=1.3,
    fails_under="no-training",
    study="03_repair",
)

# %% [markdown]
# As given, 8<!-- dead --> of the 32 code units are dead, so the code really had 24<!-- latent_dim - dead --> numbers. A linear code can't die, and it may be negative; which of the two helped, the bars don't say. Removing the second layer of 32 helped as well, and the last step, the width, was the largest. In all, the error on the digits set aside falls from 0.0204<!-- digits_given -->, past PCA's 0.0157<!-- digits_pca -->, to 0.0096<!-- digits_wider -->. And on the test digits, which had no say in the choice? 0.0093<!-- wider_on_test -->, against 0.0153<!-- pca_on_test --> for PCA.
#
# Was it the layers, or did the first network only need more time? With fifty epochs even the layers as given come to 0.0137<!-- deeper/03_keras_example: given_long -->, below PCA, and the wide ones to 0.0072<!-- deeper/03_keras_example: wider_long --> ([3, deeper](deeper/03_keras_example.ipynb)). So time explains a part; but with fifty epochs the repaired network's error is still about half of the other's.
#
# **A falling loss shows none of these causes.** The ladder showed how little was learned, training beside new rows showed the overfitting, the range of the data showed the floor, and counting units showed the dead ones.
#
# The wide network is worth keeping<!-- 0.85 < repaired_error / digits_wider < 1.15 -->. Saving and loading take a line each. The file holds the layers, the weights and the state of the optimizer.

# %%
import tempfile

path = tempfile.mkdtemp() + "/autoencoder.keras"
repaired.save(path)
loaded = keras.saving.load_model(path)

# %% tags=["hide-input"]
as_saved = [model.predict(d_test, verbose=0) for model in (repaired, loaded)]
lesson.record(reloaded=np.abs(as_saved[0] - as_saved[1]).max())

# %% [markdown]
# The loaded model restores the test digits exactly as the saved one did<!-- reloaded == 0 -->.
#
# ## Under `fit`
#
# From here on, this course trains hundreds of networks on two cores, so let us see what `fit` does with the time. One step of training, which lesson 2 wrote in NumPy, is this in TensorFlow:


# %%
def step(model, batch):
    """Forward, loss, gradients, update."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(batch, training=True) - batch) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return loss


# %% [markdown]
# An epoch is a loop: one step for each batch. Keras's `fit` **compiles the step**: `tf.function` runs this Python once for each shape of batch and writes down which operations TensorFlow is to do. That record is the **graph**, and from then on it runs without asking Python. Between two steps, though, Keras returns to Python. The course has a loop of its own, `training.fit`, which compiles the *whole epoch*. For longer trainings it also turns on XLA, a compiler that joins many small operations into few.
#
# Keras has two options that go the same way: `jit_compile=True` turns on XLA, and `steps_per_execution=32` takes 32 steps before it returns to Python. [3, deeper](deeper/03_keras_example.ipynb) writes the loops out.
#
# **Predict first.** All of them do the same arithmetic. By what factor do the fastest and the slowest differ?

# %% tags=["hide-input"]
import time


def per_epoch(fit, few, many):
    """Return the milliseconds that an additional epoch of `fit(epochs)` takes, compiling not counted."""
    seconds = {few: [], many: []}
    for count in (few, many, few, many):
        started = time.perf_counter()
        fit(count)
        seconds[count].append(time.perf_counter() - started)
    return 1000 * (min(seconds[many]) - min(seconds[few])) / (many - few)


models = {"training.fit": example("linear")}
loops = {
    "training.fit": (
        lambda count: training.fit(
            models["training.fit"], x_train, epochs=count, batch_size=32, jit=True, progress=False
        ),
        4,
        100,
    )
}
for name, options in {
    "Keras fit": {},
    "fit, both options": {"jit_compile": True, "steps_per_execution": 32},
}.items():
    models[name] = example("linear", **options) if options else autoencoder  # is compiled
    fit = models[name].fit
    loops[name] = (
        lambda n, fit=fit: fit(x_train, x_train, epochs=n, batch_size=32, verbose=0),
        1,
        6,
    )
for run, few, _ in loops.values():
    run(few)  # compiles
names = ("Keras fit", "fit, both options", "training.fit")
took = {name: per_epoch(*loops[name]) for name in names}
speed = {name: took["Keras fit"] / took[name] for name in names}

# %% tags=["hide-input", "hide-output"]
lesson.record(by_engine=speed["training.fit"], within=20)
plotting.show(
    plotting.bars(speed, xlabel="epochs per second, relative to Keras fit", digits=2),
    "Bars: how fast each way of training is, relative to Keras fit. Keras fit and fit with both "
    "options have short bars; that of training.fit, at the bottom, is "
    "more than ten times as long as that of Keras fit.",
    caption="The example's network, measured once on the machine that made this page; yours will show other numbers. Compiling is not counted.",
)
by_keras, by_hand = example("linear"), example("linear")
by_keras.train_on_batch(x_train[:32], x_train[:32])
by_hand.optimizer.build(by_hand.trainable_variables)
step(by_hand, tf.constant(x_train[:32]))
lesson.claim(
    "Our step and a step of Keras, from the same start, lead to the same loss; difference",
    abs(metrics.mse(x_train, by_keras(x_train)) - metrics.mse(x_train, by_hand(x_train))),
    below=1e-4,
    fails_under="math",
)

# %% [markdown]
# With `training.fit`, our small network trains more than ten times<!-- by_engine > 10 --> as fast as with `fit`; the exact factor depends on the machine, and it is smaller if something is to be done after every epoch, such as validation. **For a small network, starting each piece of work can cost more than the work.** From here on the course calls `training.fit`. For the same batches it gives what `fit` gives, and a checkpoint from which an interrupted run continues, if you ask for one.
#
# One warning, should you compile a step of your own. `tf.function` runs your Python *once*, to record TensorFlow's operations, and after that it only replays them. NumPy isn't recorded: a "random" number that NumPy drew stays the same number at every step, without an error. Use `tf.random` inside. [3, deeper](deeper/03_keras_example.ipynb) shows what else a graph freezes.
#
# ## Change one thing
#
# Begin with `lesson.begin(3, strict=False)`, change something, and run all cells. Claims that no longer hold are then reported and don't stop you; what was stored runs anew, which takes some minutes. Guess before you look.
#
# - What happens with `latent_dim = 100`, a code as large as the input?
# - And with `epochs = 10`?
#
# <details><summary>What you will find</summary>
#
# - PCA's error becomes 0: it keeps every direction. Clipped, it lands on the floor of 0.5753<!-- floor -->. The network's doesn't fall so far, because its layers of 64 and 32 are still narrow.
# - After ten epochs the networks have a larger error, the example's is close to the mean's. PCA doesn't change: it has no epochs.
# </details>
#
# ## What you now know
#
# - A falling loss is no verdict. Compare it with a ladder: the mean, PCA, and the floor that the output's range sets, on new data.
# - A sigmoid reaches 34 %<!-- 100 - outside --> of standard normal numbers, and no training changes that.
# - On data without structure, the networks learned much that held for their own rows only. Validation shows it; stopping limits it.
# - Dead units make a code smaller than it looks. Change one thing at a time, and keep what helps.
# - `fit` is a loop around a compiled step. An epoch compiled as a whole, with XLA, was much faster for our small network.
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
