# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1, deeper · Concepts: holes and copying, over several networks and widths
#
# **Reading** 5 min · **working through** 5 min · **runs in** 40 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/deeper/01_concepts.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/deeper/01_concepts.ipynb)
#
# Two questions that [lesson 1](../01_concepts.ipynb) left open. You need that lesson and nothing else.

# %%
from aetutorial import data, lesson, metrics, plotting, tables, training

lesson.begin("Deeper: concepts", notebook="deeper/01_concepts")

import keras
import numpy as np
from keras.layers import Dense, Input

mnist = data.load("mnist")
x_train, x_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)

# %% tags=["parameters"]
learning_rate = 0.002  # of the wide and narrow models below

# %% [markdown]
# ## Is there always a hole?
#
# Lesson 1 showed one map with a hole that nobody can miss, and admitted that it was chosen. Here is the same network from six random starts. What does the decoder draw at the nine emptiest places of the plane?


# %%
def build_map(seed):
    """Return an autoencoder with a code of two numbers, and its two parts."""
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential([Input((784,)), Dense(256, "tanh"), Dense(64, "tanh"), Dense(2)])
    decoder = keras.Sequential(
        [Input((2,)), Dense(64, "tanh"), Dense(256, "tanh"), Dense(784, "sigmoid")]
    )
    autoencoder = keras.Sequential([encoder, decoder])
    autoencoder.compile(optimizer="adam", loss="mse")
    return encoder, decoder, autoencoder


# %% tags=["hide-input"]
from scipy.spatial import cKDTree

last = {}  # what the run of this moment draws, for the figure


def distance_to_nearest(x, bank):
    """Return the Euclidean distance of each row of x to the nearest row of bank, shape (n,)."""
    squared = (x**2).sum(axis=1)[:, None] + (bank**2).sum(axis=1) - 2 * x @ bank.T
    return np.sqrt(np.maximum(squared, 0).min(axis=1))


def holes(seed):
    """Train a map; return how far what is drawn at its emptiest places is from any digit."""
    encoder, decoder, autoencoder = build_map(seed)
    autoencoder.fit(x_train, x_train, epochs=10, batch_size=64, verbose=0)
    z = encoder.predict(x_train, verbose=0)
    low, high = np.quantile(z, [0.01, 0.99], axis=0)
    across, up = (np.linspace(low[i], high[i], 15) for i in (0, 1))
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    far, _ = cKDTree(z / (high - low)).query(plane / (high - low))
    drawn = decoder.predict(plane[np.argsort(-far)[:9]], verbose=0)
    restored = autoencoder.predict(x_test[:500], verbose=0)
    last["drawn"] = drawn
    return {
        "factor": distance_to_nearest(drawn, x_train).mean()
        / distance_to_nearest(restored, x_train).mean(),
        "empty": 100 * (far > 0.03).mean(),
    }


starts = [{"seed": seed} for seed in range(6)]
six = lesson.study("01_holes", holes, starts, live=starts[:1], quiet=True)
plotting.show(
    plotting.image_rows({"start 0": last["drawn"].reshape(-1, 28, 28)}),
    "Nine images drawn at the nine emptiest places of one map.",
    caption="The first start, the tamest of the six.",
)
tables.show(
    ["start", "distance to the nearest training digit, relative to a reconstruction's"],
    [(str(p["seed"]), six.values("factor", **p)[0]) for p in starts],
    note=f"{six.note}.",
)
wild = (six.values("factor") > 1.5).sum()
lesson.record(wild=wild, within=0.01)
lesson.claim(
    "In so many of the six starts, what is drawn in the hole is more than 1.5 times as far from "
    "any digit as a reconstruction is",
    wild,
    above=3,
    fails_under="no-training",
    study="01_holes",
)

# %% [markdown]
# In 5<!-- wild --> of the six starts what fills the emptiest places is far from any digit; lesson 1 shows the wildest of them. In the first start you could take most of the drawings for digits. **What is drawn in empty places is chance,** because the loss never checks it.
#
# ## Does every wide code copy?
#
# In lesson 1 an autoencoder with 1,024 numbers and a *linear* output turned out to be a photocopier. Let us change one thing at a time: 32 numbers or 1,024, and a linear output or a sigmoid. To save time we use half of the training digits.

# %%
narrow, wide = 32, 1024
small_train = x_train[:5000]
noise = 0.3 * np.random.default_rng(1).standard_normal(x_test.shape)
x_noisy = (x_test + noise).astype("float32")


# %%
def one_layer(code, output, seed):
    """Train a one-layer encoder and a one-layer decoder."""
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((784,)),
        keras.layers.Dense(code),
        keras.layers.Dense(784, activation=output),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(learning_rate), loss="mse")
    training.fit(model, small_train, epochs=8, seed=seed, progress=False)
    return model


# %% [markdown]
# The table measures three things. The error on clean digits. How far the output for a *noisy* digit is from the clean one, in units of the noise: at 1 it is as far away as the noisy input was. And the share of the noise that gets through: how much the output changes when noise is added to the input.


# %% tags=["hide-input"]
def copy_or_learn(code, output, seed):
    """Return the error on clean digits, and two errors on noisy ones in units of the noise."""
    model = one_layer(code, output, seed)
    from_clean, from_noisy = (model.predict(x, verbose=0) for x in (x_test, x_noisy))
    power = float((noise**2).mean())
    return {
        "clean": metrics.mse(x_test, from_clean),
        "distance": metrics.mse(x_test, from_noisy) / power,
        "passed": metrics.mse(from_clean, from_noisy) / power,
    }


settings = [(code, output) for output in ("linear", "sigmoid") for code in (narrow, wide)]
grid = [
    {"code": code, "output": output, "seed": seed} for code, output in settings for seed in range(3)
]
width = lesson.study("01_width", copy_or_learn, grid, live=[grid[0]], quiet=True)
heads = {"clean": "mse, clean digits", "distance": "distance to clean", "passed": "noise passed"}
rows = []
for code, output in settings:
    where = {"code": code, "output": output}
    cells = [(width.mean(name, **where), width.std(name, **where)) for name in heads]
    rows.append([code, output, *cells])
tables.show(
    ["numbers", "output", *heads.values()],
    rows,
    best={"mse, clean digits": "min", "distance to clean": "min"},
    note=f"Mean ± standard deviation of {width.note}.",
)
sigmoid = {"code": wide, "output": "sigmoid"}
lesson.record(
    copied=width.mean("passed", code=wide, output="linear"),
    cleaned=width.mean("distance", **sigmoid),
)
lesson.claim(
    "The wide model with a sigmoid comes closer to the clean digit than the wide linear one, by this factor",
    width.mean("distance", code=wide, output="linear") / width.mean("distance", **sigmoid),
    above=2,
    fails_under="no-training",
    study="01_width",
)

# %% [markdown]
# The second row is the photocopier. The fourth is a surprise: *the same wide code*, and yet little noise gets through and the output is closest to the clean digit. Has it understood digits after all?
#
# Four pixels in five are exactly 0. To say 0, a sigmoid needs a large negative number, and out there it is flat: noise of size 0.3 barely moves it. If that is the whole explanation, the noise should vanish where the paper is white, and come through on the gray edges of the strokes. The linear model is the control: it should show a far smaller difference.

# %% tags=["hide-input"]
background, edges = x_test == 0, (x_test > 0.2) & (x_test < 0.8)
power = float((noise**2).mean())
rows, contrast = [], {}
for output in ("linear", "sigmoid"):
    model = one_layer(wide, output, seed=0)
    passed = (model.predict(x_noisy, verbose=0) - model.predict(x_test, verbose=0)) ** 2 / power
    contrast[output] = passed[edges].mean() / passed[background].mean()
    if output == "linear":
        restored = model.predict(x_noisy, verbose=0)
        lesson.record(
            unclipped=metrics.mse(x_test, restored) / power,
            clipped=metrics.mse(x_test, restored.clip(0, 1)) / power,
        )
    rows.append([output, 100 * passed[background].mean(), 100 * passed[edges].mean()])
tables.show(
    ["output", "white paper (%)", "gray edges (%)"],
    rows,
    caption="How far the output moves when noise is added, relative to the noise, by the color of the clean pixel",
    digits={"white paper (%)": 0, "gray edges (%)": 0},
    live=["white paper (%)", "gray edges (%)"],
)
lesson.claim(
    "Gray edges against white paper: the sigmoid's ratio is this many times the linear model's",
    contrast["sigmoid"] / contrast["linear"],
    above=5,
    fails_under="no-training",
)

# %% [markdown]
# So the sigmoid cleaned the paper, and much less the edges of the ink. Part of its lead is also its range: clip the linear model's output to [0, 1], as a sigmoid does by nature, and its distance to the clean digits falls from 0.76<!-- unclipped --> to 0.41<!-- clipped -->. **One test can mislead; look where the error sits.** Lessons 5 and 9 return to wide codes that *are* forced to learn, by noise and by sparsity.
#
# Back to [lesson 1](../01_concepts.ipynb).
