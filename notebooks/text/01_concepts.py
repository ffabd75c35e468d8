# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1 · Concepts: squeeze, restore, and what it is good for
#
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/01_concepts.ipynb)
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/01_concepts.ipynb)
#
# **Run time** about 60 s on two cores. **Study time** about 60 minutes for the core, 10 for the deeper part.
#
# **You will be able to**
# - say what encoder, code, decoder and reconstruction are, and what exactly the objective compares;
# - train an autoencoder on handwritten digits and judge it against honest baselines;
# - try its three uses: compress, generate, represent; and say which of them work already;
# - say what a narrow code is for, and test whether a model only copies.
#
# **You need** basic Python and NumPy. Keras is explained as it appears; the mathematics waits for lesson 2.
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

lesson.begin(1)  # seeds, a quiet start of TensorFlow, the plot style

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

# %% tags=["parameters"]
latent_dim = 32  # size of the code
hidden = 256  # units between input and code
epochs = 12  # passes over the training data
learning_rate = 0.002

# %% [markdown]
# ## The idea in one picture (core)
#
# An autoencoder is two networks with a narrow place between them.
#
# - The **encoder** turns the input $x$ into a short list of numbers, the **code** $z$.
# - The **decoder** turns the code back into something of the input's size, the **reconstruction** $\hat x$ (say "x hat"; in Python, `x_hat`).
# - The **objective**: make the reconstruction close to the input. Compared are $\hat x$ and $x$, what comes out and what went in. (One reads now and
#   then that "the difference between encoder and decoder" is minimized. These are two functions with different jobs; nobody subtracts them.)
#
# No labels are used: the input is its own target. That is why autoencoders belong to *unsupervised* learning.
#
# The data are handwritten digits, a subset of MNIST that comes with the course: 10,000 pictures to train on, 2,000 held out. *Held-out* pictures are
# never trained on; every score below is measured on them. In print 0 is white, the paper, and 1 is black, the ink.

# %%
mnist = data.load("mnist")
x_train = mnist.x_train.reshape(-1, 784)  # flatten 28 x 28 pixels into a row of 784 numbers
x_test = mnist.x_test.reshape(-1, 784)
y_train, y_test = mnist.y_train, mnist.y_test
print("x_train", x_train.shape, x_train.dtype, "values", x_train.min(), "to", x_train.max())
print("x_test ", x_test.shape)
plotting.show(
    plotting.image_grid(mnist.x_test[:20]),
    "Twenty handwritten digits of 28 by 28 gray pixels in two rows.",
)


# %% [markdown]
# Here are the two networks. In Keras, `Sequential` runs layers one after the other; `Input` says how many numbers come in. `Dense(n)` is a layer of `n` units, each of which sees all numbers of the layer before; `relu` keeps positive numbers and sets
# negative ones to zero; `sigmoid` squeezes any number into the interval from 0 to 1, as befits a pixel. The layer that makes the code has neither: its numbers may be anything. Each layer holds *weights*, numbers that training changes. `compile` fixes the loss and the *optimizer*, the rule by which weights change (here one called Adam);
# `predict` computes outputs. The `seed` fixes the random numbers that the weights start from. Lesson 2 takes all of this apart.


# %%
def build(latent_dim, seed):
    """Return encoder, decoder, and the two in a row."""
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(latent_dim),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((latent_dim,)),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(784, activation="sigmoid"),
        ]
    )
    autoencoder = keras.Sequential([keras.Input((784,)), encoder, decoder])
    autoencoder.compile(keras.optimizers.Adam(learning_rate), loss="mse")
    return encoder, decoder, autoencoder


encoder, decoder, autoencoder = build(latent_dim, seed=0)
z = encoder.predict(x_test[:5], verbose=0)
print("x", x_test[:5].shape, "-> z", z.shape, "-> x_hat", decoder.predict(z, verbose=0).shape)

# %% [markdown]
# The picture below is drawn from the model itself. The height of a bar grows with the number of units.

# %%
chain = [("input", 784)]
for network in (encoder, decoder):
    chain += [(layer.activation.__name__, layer.units) for layer in network.layers]
labels = [f"{name}\n{units}" for name, units in chain]
labels[0], labels[len(encoder.layers)] = "input x\n784", f"code z\n{latent_dim}"
labels[-1] = "reconstruction\nsigmoid, 784"
plotting.show(
    plotting.architecture(
        [(label, units) for label, (_, units) in zip(labels, chain, strict=True)],
        code=len(encoder.layers),
    ),
    "Five bars in a row like an hourglass: input with 784 units, a layer of 256, the code with "
    "32 in the narrow middle, "
    "a layer of 256, the reconstruction with 784.",
)

# %% [markdown]
# Two **baselines** will stand beside the autoencoder, because a loss means nothing alone.
# - The **mean image**: always answer with the average training picture, whatever the input.
# - **PCA** (principal component analysis), the best *linear* code. Subtract the mean image. Find the 32 orthonormal directions along which the training pictures vary most (in linear algebra: the first 32 right singular vectors of the data matrix). The code is the picture's 32 scalar
#   products with them; the reconstruction is the mean image plus the directions, each times its number. No other linear code has a smaller squared error on the training pictures. It needs no training loop at all.
#
# *Predict before you run.* With the same 32 numbers per picture, whose error is smaller, and by what factor?
#
# `training.fit` shows the pictures to the model, `epochs` times over, and nudges all weights so that the error falls. The loss `mse` is the mean squared
# error: the squared difference of input and reconstruction, averaged over pixels and pictures.

# %%
history = training.fit(autoencoder, x_train, epochs=epochs, validation_data=x_test)
curves = {"training": history.history["loss"], "held out": history.history["val_loss"]}
mean_image = x_train.mean(axis=0)
pca = PCA(latent_dim, random_state=0).fit(x_train)
error = {
    "mean image": metrics.mse(x_test, np.tile(mean_image, (len(x_test), 1))),
    "PCA": metrics.mse(x_test, pca.inverse_transform(pca.transform(x_test))),
    "autoencoder": metrics.mse(x_test, autoencoder.predict(x_test, verbose=0)),
}
references = {name: error[name] for name in ("mean image", "PCA")}
plotting.show(
    plotting.learning_curves(
        curves, ylabel="mse (squared pixel units)", references=references, log=True
    ),
    "Training and held-out error against epoch, close together and falling, first fast, then "
    "slowly. They pass below the line of "
    "PCA in the first half of the training and end well below it; the line of the mean image is "
    "far above.",
)

# %% [markdown]
# The two dotted lines are the baselines. The held-out curve begins *below* the training curve because Keras averages the training loss during an epoch, while the model still improves, and measures the held-out loss at its end. (We only look at this curve and choose nothing by it; lesson 3 says why that matters.)
#
# What do the reconstructions look like?

# %% tags=["readme-figure"]
shown = np.array([np.flatnonzero(y_test == digit)[0] for digit in range(10)])
codes = encoder.predict(x_test[shown], verbose=0)
rows = {
    "input x": x_test[shown],
    "autoencoder": decoder.predict(codes, verbose=0),
    "PCA": pca.inverse_transform(pca.transform(x_test[shown])),
    "mean image": np.tile(mean_image, (10, 1)),
}
plotting.show(
    plotting.image_rows({name: row.reshape(-1, 28, 28) for name, row in rows.items()}),
    "Ten held-out digits in four rows. The autoencoder's reconstructions look like the input, a "
    "little smoother. PCA's are blurred "
    "with gray shadows around the strokes. The mean image is the same gray blob ten times.",
)
print(f"held-out mse   mean image {error['mean image']:.4f}   PCA {error['PCA']:.4f}")
lesson.claim(
    "the autoencoder's held-out error divided by PCA's",
    error["autoencoder"] / error["PCA"],
    below=0.7,
    digits=1,
    fails_under="no-training",
)

# %% [markdown]
# So PCA's error is nearly twice the autoencoder's. But one training run could be luck: the weights start from random numbers. So the course repeats what it claims with several seeds. That takes longer than you want
# to wait, so a **study** runs one point of the sweep now and reads the others from a file that `make studies` wrote with the same code. The study checks that your run lies within
# the stored spread.


# %%
def reconstruct_and_represent(seed):
    """Train one autoencoder; return its held-out error and how well its codes find neighbors."""
    encoder, _, autoencoder = build(latent_dim, seed)
    training.fit(autoencoder, x_train, epochs=epochs, seed=seed, progress=False)
    z_train, z_test = encoder.predict(x_train, verbose=0), encoder.predict(x_test, verbose=0)
    return {
        "mse": metrics.mse(x_test, autoencoder.predict(x_test, verbose=0)),
        "accuracy": metrics.neighbor_accuracy(z_train, y_train, z_test, y_test),
    }


seeds = [{"seed": seed} for seed in range(5)]
five = lesson.study("01_reconstruction", reconstruct_and_represent, seeds, live=seeds[1:2])
print(
    f"held-out mse, 5 seeds: {five.mean('mse'):.4f} ± {five.std('mse'):.4f}, PCA {error['PCA']:.4f}"
)
lesson.claim(
    "PCA's error exceeds the autoencoder's, in standard deviations over the seeds",
    metrics.paired_margin([error["PCA"]] * 5, five.values("mse")),
    above=1,
    digits=0,
    fails_under="no-training",
)

# %% [markdown]
# The ± is a standard deviation over the seeds. For a ranking, the course asks more than that one mean is smaller: it takes the difference at each seed, and divides the mean of the differences by their standard deviation. Only above 1 does it claim a ranking; 32 leaves no doubt. The non-linear code stores digits better than the best linear one, by far more than luck.
#
# ## First use: fewer numbers, the main features kept (core)
#
# You have just seen it. 784 numbers became 32, and the digits stayed readable. This is **dimensionality reduction**. What is lost? Look at where
# the error sits: the difference between input and reconstruction, averaged over the held-out pictures, pixel by pixel.

# %%
x_hat = autoencoder.predict(x_test, verbose=0)
per_pixel = ((x_test - x_hat) ** 2).mean(axis=0)
spread = x_test.var(axis=0)
fig, axes = plt.subplots(1, 2, figsize=(6, 2.6))
for ax, values, title in (
    (axes[0], spread, "variance of the input"),
    (axes[1], per_pixel, "mean squared error"),
):
    image = ax.imshow(values.reshape(28, 28), vmin=0, vmax=spread.max(), cmap="viridis")
    ax.set_axis_off()
    ax.set_title(title)
fig.colorbar(image, ax=axes, shrink=0.8, label="squared pixel units")
plotting.show(
    fig,
    "Two maps of 28 by 28 pixels. The variance of the input is high all over the middle of the "
    "picture. The error is several times smaller and "
    "spread evenly over the same region.",
)
lesson.claim(
    "share of the pixels' variance that is lost",
    per_pixel.sum() / spread.sum(),
    below=0.2,
    fails_under="no-training",
)

# %% [markdown]
# Most of the variation among digits fits into 32 numbers. The rest is spread over the region of the strokes. Lesson 4 asks how many numbers one needs, and counts real bytes.
#
# ## Second use: make new pictures (core)
#
# The decoder turns any 32 numbers into a picture. So why not feed it *random* numbers and get new digits? This is **generation**. New pictures from the distribution of the
# data would be useful: to enlarge a small training set (*data augmentation*), or to test other models on fresh examples (*model evaluation*).
#
# *Predict before you run.* We decode (1) standard normal numbers, and (2) normal numbers with the mean and the spread of the real codes. Which looks more like digits?

# %%
rng = np.random.default_rng(0)
z_train = encoder.predict(x_train, verbose=0)
random_codes = rng.standard_normal((500, latent_dim))
naive = decoder.predict(random_codes, verbose=0)
matched = decoder.predict(z_train.mean(axis=0) + z_train.std(axis=0) * random_codes, verbose=0)
plotting.show(
    plotting.image_rows(
        {
            "standard normal": naive[:10].reshape(-1, 28, 28),
            "mean and spread matched": matched[:10].reshape(-1, 28, 28),
            "real, held out": x_test[:10].reshape(-1, 28, 28),
        }
    ),
    "Three rows of ten pictures. Decoded standard normal codes are pale gray blots on a "
    "speckled ground. Codes with matched mean and spread give "
    "stroke-like shapes, few of which are digits. The bottom row has real digits for comparison.",
)

# %% [markdown]
# Neither is good. Looks can deceive, so let us measure. The first row is betrayed by its weak contrast: pale blots. For the second we ask how far each picture is from its nearest training picture. Real held-out digits give the reference, since a perfect
# generator's samples would be about as far away as they are.


# %%
def distance_to_nearest(x, bank):
    """Euclidean distance of each row of x to the nearest row of bank, shape (n,)."""
    squared = (x**2).sum(axis=1)[:, None] + (bank**2).sum(axis=1) - 2 * x @ bank.T
    return np.sqrt(np.maximum(squared, 0).min(axis=1))


reference = distance_to_nearest(x_test[:500], x_train).mean()
print(f"real held-out digits: {reference:.2f} from the nearest training picture, on average")
lesson.claim(
    "samples with matched spread are farther from the data than real digits, ratio",
    distance_to_nearest(matched, x_train).mean() / reference,
    above=1.15,
    fails_under="shuffled-pixels",
)
lesson.claim(
    "contrast of the standard normal samples as a share of real contrast",
    naive.std() / x_test.std(),
    between=(0.3, 0.7),
    digits=1,
    fails_under="shuffled-pixels",
)

# %% [markdown]
# The reason: training shaped the decoder only where real codes lie. Nothing asked the codes to follow a normal distribution, or to leave no holes. A point drawn from one mostly
# falls where the decoder has never been. Lesson 6 shows how a *variational* autoencoder repairs this. A plain autoencoder is not a generator.
#
# ## Third use: features for other tasks (core)
#
# A code that can rebuild the picture must have kept what matters about it. So use the codes as features, for instance to *classify* or to *cluster*. This is
# **representation learning**. A simple test needs no further training: look up the nearest training picture and take its label. How often is it right, if "nearest" is
# measured between pixels, between PCA's 32 numbers, or between codes? A baseline that is often forgotten: the same encoder with *random, untrained* weights.

# %%
untrained, _, _ = build(latent_dim, seed=0)
features = {
    "raw pixels (784)": (x_train, x_test),
    "PCA (32)": (pca.transform(x_train), pca.transform(x_test)),
    "codes (32)": (z_train, encoder.predict(x_test, verbose=0)),
    "untrained encoder (32)": (
        untrained.predict(x_train, verbose=0),
        untrained.predict(x_test, verbose=0),
    ),
}
accuracy = {}
for name, (train, test) in features.items():
    accuracy[name] = metrics.neighbor_accuracy(train, y_train, test, y_test)
accuracy["codes (32)"] = five.mean("accuracy")
plotting.show(
    plotting.bars(
        {name: 100 * value for name, value in accuracy.items()},
        xlabel="labels found by the nearest neighbor (%)",
        spread={"codes (32)": 100 * five.std("accuracy")},
        highlight=["raw pixels (784)"],
    ),
    "Four bars. Raw pixels, PCA and codes all find about 95 percent of the labels; the "
    "untrained encoder finds about 80 percent.",
)

# %% [markdown]
# The bar of the codes is the mean over the study's five seeds. Two claims follow from the figure.

# %%
lesson.claim(
    "codes find more labels than the untrained encoder's, difference",
    accuracy["codes (32)"] - accuracy["untrained encoder (32)"],
    above=0.1,
    digits=2,
    fails_under="no-training",
)
lesson.claim(
    "codes against raw pixels, difference",
    accuracy["codes (32)"] - accuracy["raw pixels (784)"],
    between=(-0.02, 0.02),
    digits=2,
    fails_under="no-training",
)

# %% [markdown]
# Read this soberly. (Even the untrained encoder finds four in five: a random projection roughly keeps distances.) The code keeps what a neighbor search needs, with 24 times fewer numbers, and that is useful: less memory, faster search. But it is *not better* than raw pixels
# or PCA here. Anyone who reports only "95 % from 32 numbers" hides the baseline. Lesson 8 finds out when learned features do win.

# %%
queries = np.array([np.flatnonzero(y_test == digit)[3] for digit in (2, 3, 4, 5, 7, 8, 9)])
found = {"query": x_test[queries]}
for name in ("raw pixels (784)", "codes (32)"):
    train, test = features[name]
    distance = ((test[queries, None] - train[None]) ** 2).sum(axis=2)
    found[f"nearest by {name.split(' (')[0]}"] = x_train[distance.argmin(axis=1)]
plotting.show(
    plotting.image_rows({name: row.reshape(-1, 28, 28) for name, row in found.items()}),
    "Seven held-out digits, and below each the nearest training picture by raw pixels and by "
    "codes. The neighbors resemble the query in shape "
    "and slant, under both distances.",
)

# %% [markdown]
# Look for the queries whose neighbor is another digit: this is what the missing five percent look like.
#
# ## What a narrow code is for (core)
#
# What if the code has *more* numbers than the input? Then the encoder may pass everything through, and the decoder may pass it on. The error is nearly zero, and the model has learned nothing about
# digits: it is a copying machine. How can one tell? Feed it something that is *not* a digit. We add random noise to held-out digits. A model that knows digits can't reproduce the noise. A copying machine can.
#
# To change one thing at a time, we take away the hidden layers and compare codes of 32 and 1024 numbers, first with a *linear* output layer: no squeezing function at the end. To save time, both are trained on 5,000 pictures for 8 epochs.

# %%
narrow, wide = 32, 1024
small_train = x_train[:5000]
noise = 0.3 * np.random.default_rng(1).standard_normal(x_test.shape)
x_noisy = (x_test + noise).astype("float32")


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


models = {code: one_layer(code, "linear", seed=0) for code in (narrow, wide)}

# %% [markdown]
# *Predict before you run.* Which of the two has the smaller error on clean held-out digits? And which output is closer to the clean digit when the input is noisy?

# %%
plotting.show(
    plotting.image_rows(
        {
            "noisy input": x_noisy[shown].reshape(-1, 28, 28),
            "code of 32": models[narrow].predict(x_noisy[shown], verbose=0).reshape(-1, 28, 28),
            "code of 1024": models[wide].predict(x_noisy[shown], verbose=0).reshape(-1, 28, 28),
        }
    ),
    "Ten noisy digits in three rows. The model with a code of 32 returns blurred digits without "
    "speckles. The model with a "
    "code of 1024 returns the speckles nearly unchanged.",
)


# %% [markdown]
# In numbers, over three seeds. The column *distance to clean* says how far the output for a noisy digit is from the clean digit, in units of the noise: at 1 it is as far away as the noisy input was. This distance has two parts: noise that gets through, and blur that would be there without noise. The column *noise passed* is the first part alone:
# the output for the noisy digit minus the output for the clean one. The table has a second pair of models, with a sigmoid output. Guess what they do.


# %%
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
width = lesson.study("01_width", copy_or_learn, grid, live=[grid[0]])

# %% [markdown]
# The table, with PCA as the baseline in its last row:

# %%
print("code  output   error, clean    distance to clean     noise passed")
for code, output in settings:
    where = {"code": code, "output": output}
    print(f"{code:4d}  {output:8s} {width.mean('clean', **where):.4f}", end="")
    for metric in ("distance", "passed"):
        print(f"{width.mean(metric, **where):14.3f} ± {width.std(metric, **where):.3f}", end="")
    print()
from_clean, from_noisy = (pca.inverse_transform(pca.transform(x)) for x in (x_test, x_noisy))
power = (noise**2).mean()
print(f"PCA, 32        {error['PCA']:.4f}{metrics.mse(x_test, from_noisy) / power:14.3f}", end="")
print(f"{metrics.mse(from_clean, from_noisy) / power:22.3f}")

# %%
lesson.claim(
    "the wide linear model copies: error on clean digits",
    width.mean("clean", code=wide, output="linear"),
    below=0.003,
    digits=4,
    fails_under="no-training",
)
lesson.claim(
    "and lets most of the noise through",
    width.mean("passed", code=wide, output="linear"),
    between=(0.6, 0.9),
    digits=2,
    fails_under="no-training",
)

# %% [markdown]
# And the distances to the clean digit:

# %%
lesson.claim(
    "the narrow one comes closer to the clean digit: distance",
    width.mean("distance", code=narrow, output="linear"),
    below=0.4,
    digits=2,
    fails_under="no-training",
)
lesson.claim(
    "the wide model with a sigmoid output comes closest: distance",
    width.mean("distance", code=wide, output="sigmoid"),
    below=0.3,
    digits=2,
    fails_under="no-training",
)

# %% [markdown]
# The first two rows are the textbook story. With 1024 numbers and a linear output the model is a copying machine: a tiny error on clean digits, and most of the noise comes through. An autoencoder whose code is smaller than its input is called
# **undercomplete**; one whose code is larger, **overcomplete**.
#
# (PCA does better than the narrow network here: that network is a linear code, too, only not trained to the end.)
#
# The fourth row is not in the textbooks. The same wide code with a *sigmoid* output lets little noise through, hardly blurs, and comes closer to the clean digit than any other row. Has it learned about digits after all?
#
# ### A look at the surprise (deeper)
#
# Four pixels in five of an MNIST picture are exactly 0. To produce 0, a sigmoid needs a large negative number, and once there it hardly moves: noise of size 0.3 disappears in its flat end. If that is the explanation, the noise should be gone where the paper is white, and come through on the gray edges of the strokes.
# The wide *linear* model is the control: it should show no such difference.

# %%
squashed = one_layer(wide, "sigmoid", seed=0)
background, edges = x_test == 0, (x_test > 0.2) & (x_test < 0.8)
contrast = {}
for name, model in (("linear", models[wide]), ("sigmoid", squashed)):
    passed = (model.predict(x_noisy, verbose=0) - model.predict(x_test, verbose=0)) ** 2 / power
    contrast[name] = passed[edges].mean() / passed[background].mean()
    print(f"{name:8s} noise passed in the background {passed[background].mean():.1f}", end="")
    print(f", on gray edges {passed[edges].mean():.1f}")
lesson.claim(
    "edges against background: the sigmoid's ratio divided by the linear model's",
    contrast["sigmoid"] / contrast["linear"],
    above=5,
    fails_under="no-training",
)

# %% [markdown]
# So the sigmoid cleaned the paper; it did not understand the ink. The lesson is not that wide codes never work. It is that a small reconstruction error proves nothing, and that one test can mislead: look where the error sits. Lessons 5 and 9
# return to wide codes that *are* forced to learn, by noise or by sparsity.

# %% [markdown]
# ## Change one thing
#
# Begin the lesson with `lesson.begin(1, strict=False)`, edit the parameters at the top and run all cells again. Claims that no longer hold are reported and do not stop you; studies run anew with your parameters, which takes some minutes.
# - `latent_dim = 2`: expect reconstructions of the commonest shapes only. Is it still ahead of PCA with two numbers?
# - `latent_dim = 128`: expect a smaller error for both. Which one gains more?
# - `epochs = 3`: expect the autoencoder to fall behind PCA. A network needs time; PCA needs none.

# %% [markdown]
# ## Exercises
#
# Each exercise prints its task, takes your answer in the next cell, and checks it. `.hint()` gives a hint, then a stronger one; `.solution()` shows one way to do it.

# %%
from aetutorial.exercises import lesson01

lesson01.objective.prompt()

# %%
answer = None  # your text
lesson01.objective.check(answer)

# %%
lesson01.compression.prompt()

# %%
answer = None  # your number
lesson01.compression.check(answer)

# %%
lesson01.reconstruct.prompt()


# %%
def reconstruct(encoder, decoder, x): ...  # your line


lesson01.reconstruct.check(reconstruct)

# %%
lesson01.components.prompt()

# %%
answer = None  # your number
lesson01.components.check(answer)

# %%
lesson01.nearest.prompt()


# %%
def nearest(z_query, z_bank): ...  # your lines


lesson01.nearest.check(nearest)

# %% [markdown]
# ## What you now know
#
# - An autoencoder compares its output with its input. Encoder and decoder are trained together, without labels.
# - With 32 numbers it restores held-out digits better than PCA with 32 numbers, over five seeds.
# - Its decoder is not yet a generator: random codes fall into holes.
# - Its codes are good features, but on this task no better than pixels or PCA.
# - A wide code can copy. Error alone does not show it; a test with inputs that are *not* data does.
#
# **In practice**, start with the baselines: the mean, PCA, raw features. They cost a line each, and quite often they are enough.
#
# ## References
#
# - H. Bourlard, Y. Kamp (1988). Auto-association by multilayer perceptrons and singular value decomposition. *Biological Cybernetics* 59, 291–294.
# - G. E. Hinton, R. R. Salakhutdinov (2006). Reducing the dimensionality of data with neural networks. *Science* 313, 504–507.
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). Extracting and composing robust features with denoising autoencoders. *ICML*, 1096–1103.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning applied to document recognition. *Proceedings of the IEEE* 86, 2278–2324 (MNIST).
#
# Next: [lesson 2, formulas](02_formulas.ipynb), where you build all of this from NumPy and check every gradient.
