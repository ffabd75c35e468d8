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
# **Reading** 25 min · **working through** 65 min · **runs in** 80 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/01_concepts.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/01_concepts.ipynb)
#
# Imagine a game for two. You see a handwritten digit, 28 by 28 pixels, and write a note about it: 32 numbers, no more. Your partner sees only the note and has to draw the digit. There is no rule for what the 32 numbers should mean. You practice on ten thousand digits, and each time you see where the drawing went wrong.
#
# In this lesson two small neural networks learn that game. It takes them seconds. The one that writes the note is the **encoder**, the one that draws is the **decoder**, and the pair is an **autoencoder**.
#
# **You will be able to** train an autoencoder in Keras, judge it against honest baselines, look into what it has learned, and say what it is good for and what it is not good for.
#
# **You need** basic Python and NumPy. Words and symbols are collected on the [reference page](reference.ipynb).
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson, metrics, plotting, tables

lesson.begin(1)  # sets the random seeds and the look of the figures

import keras
import numpy as np
from keras.layers import Dense, Input
from sklearn.decomposition import PCA

# %% tags=["parameters"]
latent_dim = 32  # how many numbers the note may hold
epochs = 12  # how often training goes through all digits

# %% [markdown]
# ## Two networks, one goal
#
# First the digits. They come with the course, a part of the well-known MNIST collection (LeCun et al., 1998): 10,000<!-- n_train --> to practice on, and 2,000<!-- n_test --> that the networks never train on. These **held-out** digits are what we judge by.

# %%
mnist = data.load("mnist")
x_train = mnist.x_train.reshape(-1, 784)  # each image: 28 × 28 pixels in one row of 784 numbers
x_test = mnist.x_test.reshape(-1, 784)  # held out; 0 is white paper, 1 is black ink
y_train, y_test = mnist.y_train, mnist.y_test  # which digit it is: never used for training

# %% [markdown]
# Now the two networks. The encoder goes from 784 numbers to 32, the decoder from 32 back to 784. A `Dense(n)` layer computes `n` numbers, each a weighted sum of everything that comes in. `"relu"` sets negative numbers to zero, which puts a bend into the function. Without it, two layers would be two matrices in a row, and their product is just one matrix. (The code itself may be negative, so its layer has no `"relu"`.) `"sigmoid"` keeps the output between 0 and 1, as a pixel should be.
#
# `compile` says what training should make small, the **loss**. Ours is `"mse"`, the **mean squared error**: the squared difference between output and target, averaged over all pixels.


# %%
def build(latent_dim):
    """Return an encoder, a decoder, and the two in a row."""
    encoder = keras.Sequential([Input((784,)), Dense(256, "relu"), Dense(latent_dim)])
    decoder = keras.Sequential([Input((latent_dim,)), Dense(256, "relu"), Dense(784, "sigmoid")])
    autoencoder = keras.Sequential([encoder, decoder])
    autoencoder.compile(optimizer=keras.optimizers.Adam(0.002), loss="mse")
    return encoder, decoder, autoencoder


# %% [markdown]
# Training goes through the digits in **batches** of 128. After each batch Keras takes the derivative of the error with respect to every weight, and moves the weight a little the way that lowers the error. Adam is the rule for how far. Lesson 2 takes this apart.

# %%
keras.utils.set_random_seed(0)
encoder, decoder, autoencoder = build(latent_dim)
history = autoencoder.fit(x_train, x_train, epochs=epochs, batch_size=128, verbose=0)
# %% [markdown]
# That is all. The idea is old (Bourlard and Kamp, 1988) and became famous when Hinton and Salakhutdinov (2006) made it work with many layers. Look at the last line: `fit(x_train, x_train)`. The first `x_train` is what goes in, the second is what should come out. The input is its own target, so no labels are needed. This is why autoencoders count as **unsupervised** learning.
#
# Did it work? Let us encode digits that the networks have never seen, and decode them again.

# %%
z = encoder.predict(x_test, verbose=0)  # one note per digit: shape (2000, 32)
x_hat = decoder.predict(z, verbose=0)  # and what is drawn from it: shape (2000, 784)

# %% tags=["hide-input", "readme-figure"]
shown = np.array([np.flatnonzero(y_test == digit)[0] for digit in range(10)])
plotting.show(
    plotting.image_rows(
        {
            "input": x_test[shown].reshape(-1, 28, 28),
            "from 32 numbers": x_hat[shown].reshape(-1, 28, 28),
        }
    ),
    "Ten held-out digits, 0 to 9, and below each its reconstruction, which looks like it, only a "
    "little smoother.",
    caption="Above, what the encoder saw. Below, what the decoder drew from 32 numbers.",
)

# %% [markdown]
# The names are worth learning, because the whole field uses them. What goes in is $x$. The note is the **code** $z$, a point in the **latent space**; here the **latent dimension** is 32. What comes out is the **reconstruction** $\hat x$, said "x hat". Training makes $\hat x$ as close to $x$ as it can.
#
# **An autoencoder is trained to give back what it was given, usually through a place too narrow to let everything pass.** To succeed there, it has to find out what digits have in common.

# %%
from aetutorial.exercises import lesson01

lesson01.objective.prompt()

# %%
answer = None  # your text
lesson01.objective.check(answer)

# %% [markdown]
# ## Follow one digit
#
# Let us send a single digit through, and look at the note on its way.

# %% tags=["hide-input"]
one = shown[5]
plotting.show(
    plotting.flow(
        [
            ("input x\n784 pixels", x_test[one].reshape(28, 28)),
            ("encoder", None),
            ("code z\n32 numbers", z[one]),
            ("decoder", None),
            ("reconstruction x̂\n784 pixels", x_hat[one].reshape(28, 28)),
        ]
    ),
    "A handwritten 5; an arrow through the encoder to 32 bars, some up, some down; an arrow "
    "through the decoder to a slightly smoother 5.",
    caption="One digit, its code, and the digit drawn from the code.",
)

# %% [markdown]
# Can you read the bars? Neither can we. It is a private language that the two networks made up while they trained. What counts is that the decoder understands it.
#
# At the beginning it doesn't. In the next figure we start over and look in while training runs.

# %% tags=["hide-input"]
keras.utils.set_random_seed(0)
_, _, beginner = build(latent_dim)
some = shown[[2, 4, 8]]
moments = [beginner.predict(x_test[some], verbose=0)]
for more in (1, 2):
    beginner.fit(x_train, x_train, epochs=more, batch_size=128, verbose=0)
    moments.append(beginner.predict(x_test[some], verbose=0))
moments.append(x_hat[some])
plotting.show(
    plotting.film(
        np.stack(moments, axis=1).reshape(len(some), -1, 28, 28),
        ["before", "1 epoch", "3 epochs", f"{epochs} epochs"],
        inputs=x_test[some].reshape(-1, 28, 28),
    ),
    "Three digits in rows. Before training the reconstruction is gray noise. After one epoch it is "
    "a blurred digit, after three a clear one, after twelve it is close to the input.",
    caption="The same three held-out digits, drawn again and again as training goes on. "
    "An **epoch** is one pass through all 10,000 training digits.",
)

# %% [markdown]
# First noise, then a blur of roughly the right shape, then *this* digit. The encoder learns to say more, and the decoder learns to listen, both from the same error. Here is that error, falling.

# %% tags=["hide-input"]
plotting.show(
    plotting.learning_curves(
        {"autoencoder": history.history["loss"]}, ylabel="mse on training digits", log=True
    ),
    "A curve that falls steeply during the first epochs and then ever more slowly.",
    caption="The training loss, averaged over each epoch.",
)

# %% [markdown]
#
# How did training the `autoencoder` train the `encoder`? Because it *is* the same encoder: `Sequential([encoder, decoder])` puts the two objects in a row and makes no copies. Here is the rule. **Every `Dense(...)` that you write makes new weights; using the same layer or model object again shares them.** Python doesn't complain if you forget. Find the mistake below.

# %%
lesson01.stranger.prompt()


# %%
def train(x): ...  # your lines


lesson01.stranger.check(train)

# %% [markdown]
# ## Good compared with what?
#
# Those digits look right. How large is the error, and is that good? We compute it on the held-out digits, but the number alone can't tell you. We need rivals.
#
# The simplest rival ignores its input and always answers with the **mean image**, the average of all training digits.
#
# The serious one is **principal component analysis**, PCA. It finds the 32 directions along which the training digits vary most. Of an image it subtracts the mean image, and stores 32 coordinates, one per direction. With a *linear* encoder and decoder and 32 numbers, no smaller squared error on the training digits is possible (Eckart and Young, 1936), and PCA needs no training loop at all.

# %%
pca = PCA(latent_dim, random_state=0).fit(x_train)
x_pca = pca.inverse_transform(pca.transform(x_test))
x_pca_clipped = x_pca.clip(0, 1)  # a pixel lies between 0 and 1
x_mean = np.tile(x_train.mean(axis=0), (len(x_test), 1))
mse_autoencoder, mse_pca = (np.mean((x - x_test) ** 2) for x in (x_hat, x_pca_clipped))

# %% [markdown]
# One line there is easy to forget. PCA knows nothing about ink and paper, and sometimes asks for a pixel below 0 or above 1. Our network can't make that mistake, because the sigmoid keeps its output in range. So we **clip** PCA's pixels to the same range.
#
# **Predict first.** With 32 numbers each, whose error is smaller, and by what factor? Make a guess, then open the output.


# %% tags=["hide-input", "hide-output"]
def found_by(encoder):
    """Return how many labels of held-out digits the nearest training code finds, from 0 to 1."""
    z_train, z_test = encoder.predict(x_train, verbose=0), encoder.predict(x_test, verbose=0)
    return metrics.neighbor_accuracy(z_train, y_train, z_test, y_test)


def train_one(seed):
    """Train the lesson's autoencoder from another random start."""
    keras.utils.set_random_seed(seed)
    encoder, _, autoencoder = build(latent_dim)
    untrained = found_by(encoder)
    autoencoder.fit(x_train, x_train, epochs=epochs, batch_size=128, verbose=0)
    return {
        "mse": metrics.mse(x_test, autoencoder.predict(x_test, verbose=0)),
        "accuracy": found_by(encoder),
        "untrained": untrained,
    }


seeds = [{"seed": seed} for seed in range(5)]
five = lesson.study("01_reconstruction", train_one, seeds, live=seeds[1:2], quiet=True)
error = {
    "mean image": (metrics.mse(x_test, x_mean), np.nan),
    "PCA, clipped": (metrics.mse(x_test, x_pca_clipped), np.nan),
    "autoencoder": (five.mean("mse"), five.std("mse")),
}
tables.show(
    ["model", "numbers per image", "held-out mse", "error, if the mean image's is 100"],
    [
        (name, size, value, 100 * np.mean(value[:1]) / error["mean image"][0])
        for (name, value), size in zip(error.items(), (0, latent_dim, latent_dim), strict=True)
    ],
    best={"held-out mse": "min"},
    digits={"held-out mse": 4, "error, if the mean image's is 100": 0},
    note=f"Autoencoder: mean ± standard deviation of {five.note}.",
)
plotting.show(
    plotting.image_rows(
        {
            "input": x_test[shown].reshape(-1, 28, 28),
            "autoencoder": x_hat[shown].reshape(-1, 28, 28),
            "PCA, clipped": x_pca_clipped[shown].reshape(-1, 28, 28),
            "mean image": x_mean[shown].reshape(-1, 28, 28),
        }
    ),
    "Ten held-out digits in four rows. The autoencoder's look like the input. PCA's are blurred, "
    "with gray shadows around the strokes. The mean image is the same gray blob ten times.",
    caption="The same 32 numbers per image. PCA leaves gray shadows around the strokes.",
)
lesson.claim(
    "PCA's error is more than 1.3 times the autoencoder's, averaged over five random starts",
    error["PCA, clipped"][0] / five.mean("mse"),
    above=1.3,
    fails_under="no-training",
    study="01_reconstruction",
    name="pca_over_autoencoder",
)

# %% tags=["hide-input"]
per_image = {
    name: ((x - x_test) ** 2).mean(axis=1) for name, x in (("ae", x_hat), ("pca", x_pca_clipped))
}
rng = np.random.default_rng(0)
ratios = []
for _ in range(1000):  # other sets of test images that could have been drawn
    drawn = rng.integers(0, len(x_test), len(x_test))
    ratios.append(per_image["pca"][drawn].mean() / per_image["ae"][drawn].mean())
lesson.record(
    n_train=len(x_train),
    n_test=len(x_test),
    autoencoder=error["autoencoder"][0],
    pca=error["PCA, clipped"][0],
    pca_unclipped=metrics.mse(x_test, x_pca),
    ratio_worst=error["PCA, clipped"][0] / five.values("mse").max(),
    ratio_best=error["PCA, clipped"][0] / five.values("mse").min(),
    ratio_here=per_image["pca"].mean() / per_image["ae"].mean(),
    ratio_low=np.quantile(ratios, 0.025),
    ratio_high=np.quantile(ratios, 0.975),
    share=100 * error["autoencoder"][0] / error["mean image"][0],
    share_pca=100 * error["PCA, clipped"][0] / error["mean image"][0],
)
import matplotlib.pyplot as plt

fig, axes = plt.subplots(1, 2, figsize=(6.4, 2.9))
maps = {"autoencoder": x_hat, "PCA, clipped": x_pca_clipped}
squares = {name: ((x - x_test) ** 2).mean(axis=0) for name, x in maps.items()}
top = max(np.quantile(square, 0.995) for square in squares.values())
for ax, (name, square) in zip(axes, squares.items(), strict=True):
    picture = ax.imshow(square.reshape(28, 28), vmin=0, vmax=top, cmap="magma_r")
    ax.set_title(f"error of {name}")
    ax.set_axis_off()
fig.colorbar(picture, ax=axes, label="mean squared error", extend="max")
plotting.show(
    fig,
    "Two maps of 28 by 28 pixels on one scale. Both errors sit where there is ink, in the middle, "
    "and PCA's are larger.",
    caption="The error of each pixel, averaged over all held-out digits, on one scale.",
)

# %% [markdown]
# PCA's error is 1.6<!-- pca_over_autoencoder --> times the autoencoder's. **A network that may bend fits more of a digit into 32 numbers than the best linear one.** For both, the error sits where the ink is, and PCA's is larger nearly everywhere.
#
# Did clipping matter? It took PCA's error from 0.0169<!-- pca_unclipped --> to 0.0153<!-- pca -->. Without that one line, PCA would have looked worse than it is, and our network better.
#
# <details><summary>The fine print: could it be luck?</summary>
#
# Three kinds of luck could be at work. The first is the random start. Over five starts PCA's error was between 1.45<!-- ratio_worst --> and 1.61<!-- ratio_best --> times the autoencoder's. The second is the choice of test digits. For the first of the five runs, whose ratio is 1.59<!-- ratio_here -->, we drew 2,000<!-- n_test --> of them a thousand times over, with repetition, which is called a **bootstrap** (Efron, 1979); in 95 %<!-- 95 --> of the draws the ratio lay between 1.58<!-- ratio_low --> and 1.61<!-- ratio_high -->. So the start matters more. The third is the choice of training digits, which we did not vary.
#
# Three more things the table doesn't say. We chose 256 units, 12 epochs and a step size of 0.002 to make the lesson fast, and we did see these errors while choosing; lesson 3 shows how to choose fairly. Part of the gain is due to the sigmoid alone, as lesson 4 will show. And PCA took a second, with no settings to choose; where storage allows, you would give it a few more numbers.
# </details>

# %%
lesson01.components.prompt()

# %%
answer = None  # your number
lesson01.components.check(answer)

# %% [markdown]
# ## A map with holes
#
# 32 numbers can't be drawn on paper. Two can. So let us squeeze harder, just to look: an autoencoder whose code has only two numbers, with one more layer on each side to help it, `tanh` as a smoother bend, and smaller steps in training.

# %%
keras.utils.set_random_seed(1)
map_encoder = keras.Sequential([Input((784,)), Dense(256, "tanh"), Dense(64, "tanh"), Dense(2)])
map_decoder = keras.Sequential(
    [Input((2,)), Dense(64, "tanh"), Dense(256, "tanh"), Dense(784, "sigmoid")]
)
map_autoencoder = keras.Sequential([map_encoder, map_decoder])
map_autoencoder.compile(optimizer="adam", loss="mse")
history = map_autoencoder.fit(x_train, x_train, epochs=10, batch_size=64, verbose=0)

# %% [markdown]
# Now every digit is a point in the plane. We draw 2,500 of them. On the right we let the decoder paint the whole plane: at each place, the image that it draws for that code.

# %% tags=["hide-input"]
from scipy.spatial import cKDTree

z_map = map_encoder.predict(x_train, verbose=0)
low, high = np.quantile(z_map, [0.01, 0.99], axis=0)
across, up = (np.linspace(low[i], high[i], 15) for i in (0, 1))
plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
painted = map_decoder.predict(plane, verbose=0)
from_codes, _ = cKDTree(z_map / (high - low)).query(plane / (high - low))
hole = plane[from_codes.argmax()]  # the emptiest place of the plane that is shown


def home(digit):
    """Return the code of a typical training image of a digit, the one nearest to the median."""
    members = z_map[y_train == digit]
    return members[((members - np.median(members, axis=0)) ** 2).sum(axis=1).argmin()]


extent = (across[0], across[-1], up[0], up[-1])
inside = ((z_map > low) & (z_map < high)).all(axis=1)
chosen = np.flatnonzero(inside)[:2500]
plotting.show(
    plotting.code_map(
        z_map[chosen],
        y_train[chosen],
        decoder_grid=(painted.reshape(15, 15, 28, 28), extent),
        points={"A": home(7), "B": home(0), "H": hole},
        path=("A", "B"),
        steps=7,
        side=4.2,
    ),
    "Left, 2,500 points in ten colors: each digit has a region of its own, some well apart, some "
    "mixed; A and B are joined by a line, H lies in an empty corner. Right, the images that the "
    "decoder draws over the same plane: digits that change gradually, and in the empty corner "
    "images in negative, white strokes on black.",
    caption="Left, the codes of 2,500 training digits, colored by digit. Nobody told the network about the ten kinds. "
    "Right, what the decoder draws at each place.",
)

# %% [markdown]
# Isn't that beautiful? The labels only color the points; the network never saw them. And yet most of the ones have moved to one side and most of the zeros to another. Neighbors look alike, because a decoder that changes smoothly draws similar images at neighboring places. It isn't perfect: 4, 5, 8 and 9 share the middle, where two numbers are too few.
#
# Walk from A to B, and a seven turns into a zero.

# %% tags=["hide-input"]
steps = home(7) + np.linspace(0, 1, 9)[:, None] * (home(0) - home(7))
corner = plane[((plane - hole) ** 2 / (high - low) ** 2).sum(axis=1).argsort()[:9]]  # around H
plotting.show(
    plotting.image_rows(
        {
            "A to B": map_decoder.predict(steps, verbose=0).reshape(-1, 28, 28),
            "around H": map_decoder.predict(corner, verbose=0).reshape(-1, 28, 28),
        }
    ),
    "Two rows of nine images. In the first a seven turns step by step into a zero. In the second, "
    "drawn around the emptiest place of the plane, there are images that no one would write.",
    caption="Above, nine steps on the line from A to B. Below, nine places around H.",
)


def distance_to_nearest(x, bank):
    """Return the Euclidean distance of each row of x to the nearest row of bank, shape (n,)."""
    squared = (x**2).sum(axis=1)[:, None] + (bank**2).sum(axis=1) - 2 * x @ bank.T
    return np.sqrt(np.maximum(squared, 0).min(axis=1))


restored = map_autoencoder.predict(x_test[:500], verbose=0)
usual = distance_to_nearest(restored, x_train).mean()
lesson.claim(
    "Images drawn around H are more than 1.5 times as far from any training digit as the network's reconstructions are",
    distance_to_nearest(map_decoder.predict(corner, verbose=0), x_train).mean() / usual,
    above=1.5,
    fails_under="no-training",
)

# %% [markdown]
# And then there is H, the spot on this plot that is farthest from any code. The loss never checks what is drawn there. In this run, which is the wildest of six that we tried, the decoder fills it with digits in negative. **The decoder knows only the places where training put codes. Elsewhere it may draw anything:** sometimes a passable digit, like the ones in the lower left, sometimes this. Keep the picture in mind; such **holes** are the reason for lesson 6.
#
# <details><summary>The fine print: is there always a hole?</summary>
#
# Empty places, yes. What is drawn in them depends on the random start; the companion notebook [1, deeper](deeper/01_concepts.ipynb) shows the others. The distance in the claim is a crude measure, by the way: blank paper is close to many digits. It tells blots from strokes where there is about as much ink.
# </details>

# %% [markdown]
# ## Or is it a photocopier?
#
# Here is a suspicious result. Give an autoencoder 1,024 numbers instead of 32, more than the image has pixels. To make the point sharply, we also leave out the relu and the sigmoid.

# %%
keras.utils.set_random_seed(0)
copier = keras.Sequential([Input((784,)), Dense(1024), Dense(784)])
copier.compile(optimizer="adam", loss="mse")
history = copier.fit(x_train, x_train, epochs=3, batch_size=64, verbose=0)

# %% [markdown]
# After three epochs its error is 0.0009<!-- copier -->, about a tenth<!-- 0.07 < copier / autoencoder < 0.14 --> of our autoencoder's. Has it understood digits perfectly?
#
# There is an easy way to find out: hand it something that is *not* a digit. We take the same ten digits and add noise to every pixel.
#
# **Predict first.** What comes back from 32 numbers, and what from 1,024?

# %% tags=["hide-input", "hide-output"]
noise = (0.3 * np.random.default_rng(1).standard_normal(x_test.shape)).astype("float32")
x_noisy = x_test + noise
plotting.show(
    plotting.image_rows(
        {
            "input + noise": x_noisy[shown].reshape(-1, 28, 28),
            "from 32 numbers": autoencoder.predict(x_noisy[shown], verbose=0).reshape(-1, 28, 28),
            "from 1,024 numbers": copier.predict(x_noisy[shown], verbose=0).reshape(-1, 28, 28),
        }
    ),
    "Ten noisy digits in three rows. From 32 numbers come digits without speckles, some of them "
    "distorted. From 1,024 numbers the speckles come back nearly unchanged.",
    caption="From 32 numbers comes a digit, more or less the right one. From 1,024, the noise comes back.",
)

# %% [markdown]
# A model that can say little has no words for the noise. A photocopier returns it with the rest. So the smaller error belonged to the worse student. **A small error proves little unless the code is narrow. Ask what else the model would have reproduced.**
#
# A code smaller than its input is called **undercomplete**, a larger one **overcomplete**. Lessons 5 and 9 make overcomplete codes learn something all the same.
#
# How strict is this test? We measure how much of the noise gets through: the squared change of the output when noise is added to the input, divided by the squared size of the noise. And we put three simple rivals beside the two: the mean image, PCA, and "random directions", which is PCA with 32 directions drawn by lot.


# %% tags=["hide-input"]
def passed(model):
    """Return the share of the noise that reaches the output: mean squared change over the noise's power."""
    return metrics.mse(model(x_test), model(x_noisy)) / float((noise**2).mean())


def projection(directions):
    """Return a model that keeps what lies in the span of orthonormal directions, one per row."""
    mean = x_train.mean(axis=0)
    return lambda x: mean + (x - mean) @ directions.T @ directions


random_directions = np.linalg.qr(rng.standard_normal((784, latent_dim)))[0].T.astype("float32")
models = {
    "mean image": (0, lambda x: x_mean),
    "random directions": (latent_dim, projection(random_directions)),
    "PCA, clipped": (latent_dim, projection(pca.components_)),
    "autoencoder, this run": (latent_dim, lambda x: autoencoder.predict(x, verbose=0)),
    "photocopier": (1024, lambda x: copier.predict(x, verbose=0)),
}
rows = [
    (name, size, metrics.mse(x_test, np.clip(model(x_test), 0, 1)), 100 * passed(model))
    for name, (size, model) in models.items()
]
tables.show(
    ["model", "numbers", "held-out mse", "noise that gets through (%)"],
    rows,
    digits={"held-out mse": 4, "noise that gets through (%)": 1},
    live=["held-out mse", "noise that gets through (%)"],
    note="One random start each. Outputs are clipped for the error, not for the noise.",
)
by_name = {row[0]: row for row in rows}
lesson.record(
    copier=by_name["photocopier"][2],
    copied=by_name["photocopier"][3],
    noise_autoencoder=by_name["autoencoder, this run"][3],
    noise_pca=by_name["PCA, clipped"][3],
    noise_random=by_name["random directions"][3],
    within=0.3,
)
lesson.claim(
    "The photocopier's error is less than a fifth of the autoencoder's",
    by_name["photocopier"][2] / by_name["autoencoder, this run"][2],
    below=0.2,
    fails_under="no-training",
)

# %% [markdown]
# The photocopier lets 71 %<!-- copied --> of the noise through, our autoencoder 11 %<!-- noise_autoencoder -->. But look at the second and third row: PCA lets through only 4.1 %<!-- noise_pca -->, and so do random directions, which know nothing about digits at all. **The test can catch a copier. Passing it is no proof of understanding.** Look at both columns, the error and the noise.
#
# <details><summary>The fine print: why the same share, whatever the directions?</summary>
#
# Our noise spreads its energy evenly over all 784 directions. A projection onto 32 perpendicular ones keeps 32/784 of it on average, which is 4.1 %<!-- 100 * 32 / 784 -->. Our autoencoder is no projection: it can stretch noise as well as shorten it. And even both columns can be fooled. The companion notebook [1, deeper](deeper/01_concepts.ipynb) changes one thing at a time and finds a wide code that is low in both without having understood more.
# </details>

# %%
lesson01.better.prompt()

# %%
pair = None  # your pair: (encoder, decoder)
lesson01.better.check(pair)

# %% [markdown]
# ## Three uses
#
# What can you do with an autoencoder? Three uses come up again and again.
#
# **Use 1: keep less.** 784 numbers became 32, and the error is 15 %<!-- share --> of what the mean image leaves; PCA's is 23 %<!-- share_pca -->. This is **dimensionality reduction**. Lesson 4 asks how many numbers one needs, and counts real bytes.
#
# **Use 2: make new images.** The decoder draws something from any 32 numbers. So why not roll dice for them?

# %% tags=["hide-input"]
z_train = encoder.predict(x_train, verbose=0)
random_codes = z_train.mean(axis=0) + z_train.std(axis=0) * rng.standard_normal((500, latent_dim))
drawn = decoder.predict(random_codes, verbose=0)
plotting.show(
    plotting.image_rows(
        {
            "from codes of digits": x_hat[:10].reshape(-1, 28, 28),
            "from random codes": drawn[:10].reshape(-1, 28, 28),
        }
    ),
    "Two rows of ten images. From the codes of held-out digits come digits. From random codes come "
    "stroke-like shapes of which few are digits.",
    caption="Each of the 32 random numbers has the same mean and the same spread as in the real codes.",
)
lesson.claim(
    "Images drawn from random codes are more than 1.2 times as far from any training digit as reconstructions are",
    distance_to_nearest(drawn, x_train).mean() / distance_to_nearest(x_hat[:500], x_train).mean(),
    above=1.2,
    fails_under="no-training",
)

# %% [markdown]
# Strokes, yes. Digits, hardly. A random code may land anywhere, also where no digit has its code: the holes again, and this time in 32 dimensions. So rolling dice is not yet **generation**. Lesson 6 has what is missing.
#
# **Use 3: find what is alike.** If similar images have close codes, we can search by code. Below each held-out digit is the training digit whose code is nearest.

# %% tags=["hide-input"]
queries = np.arange(12, 24)
squared = ((z[queries, None] - z_train[None]) ** 2).sum(axis=2)
nearest_rows = squared.argmin(axis=1)
wrong = np.flatnonzero(y_test[queries] != y_train[nearest_rows])
plotting.show(
    plotting.image_rows(
        {
            "held-out digit": x_test[queries].reshape(-1, 28, 28),
            "nearest by code": x_train[nearest_rows].reshape(-1, 28, 28),
        },
        frame={(1, int(column)) for column in wrong},
    ),
    "Twelve held-out digits and below each the training digit with the nearest code: nearly always "
    "the same digit, in a similar hand.",
    caption=f"The same digit {len(queries) - len(wrong)} times out of {len(queries)}, and often in a similar hand."
    + (" Framed: another digit." if wrong.size else ""),
)
label = "labels found by the nearest neighbor (%)"
pixels = 100 * metrics.neighbor_accuracy(x_train, y_train, x_test, y_test)
by_pca = 100 * metrics.neighbor_accuracy(
    pca.transform(x_train), y_train, pca.transform(x_test), y_test
)
codes, untrained = (100 * five.mean(name) for name in ("accuracy", "untrained"))
tables.show(
    ["features", "numbers", label],
    [
        ("raw pixels", 784, (pixels, np.nan)),
        ("PCA", latent_dim, (by_pca, np.nan)),
        ("untrained encoder", latent_dim, (untrained, 100 * five.std("untrained"))),
        ("autoencoder's codes", latent_dim, (codes, 100 * five.std("accuracy"))),
    ],
    digits={label: 1},
    note=f"2,000 held-out digits. Encoders: mean ± standard deviation of {five.note}.",
)
lesson.record(codes=codes, untrained=untrained)
lesson.claim(
    "Trained codes find more labels than the same encoders found before training: percentage points gained",
    codes - untrained,
    above=10,
    fails_under="no-training",
    study="01_reconstruction",
)

# %% [markdown]
# Copy the label of the nearest training digit, and you are right 95 %<!-- codes --> of the time, with codes that were learned without labels. This is **representation learning**: codes as **features** for another task.
#
# Now look at the other rows. Raw pixels and PCA do just as well, and even an *untrained* encoder finds about 80 %<!-- round(untrained, -1) -->, because random weights roughly preserve which images are close. So here the codes are no better than their rivals (with 2,000<!-- n_test --> digits, differences below about one percentage point are chance), only smaller than the pixels. Lesson 8 shows where learned codes do win.
#
# So why does anyone use autoencoders? Because what you saw on digits carries over to data where PCA has little to say. Trained on the sound of healthy machines, an autoencoder raises an alarm when something sounds wrong (lesson 5). Trained on noisy images, it cleans them: you saw a first sign of that in the noise test. And inside today's image generators an autoencoder does the compressing, so that the generator can work on small codes instead of millions of pixels (lesson 11).

# %%
lesson01.nearest.prompt()


# %%
def nearest(z_query, z_bank): ...  # your lines


lesson01.nearest.check(nearest)

# %% [markdown]
# ## Change one thing
#
# Begin with `lesson.begin(1, strict=False)`, so that a claim that fails doesn't stop you. Change a parameter at the top and run all cells; all five runs are then trained anew, which takes a minute or two. Guess before you look.
# - What happens with `latent_dim = 2`? With `latent_dim = 128`?
# - And with `epochs = 1`?
#
# <details><summary>What you will find</summary>
#
# - With 2 numbers both are bad, and the network is ahead of PCA. With 128 both are good, and clipped PCA is ahead: it is at its best without training, while the network would need more units and more epochs.
# - After one epoch the autoencoder is far behind PCA. A network needs time; PCA needs none.
# </details>
#
# ## What you now know
#
# - An autoencoder compares its output with its input. Encoder and decoder train together, without labels.
# - From 32 numbers it restores digits better than PCA does, even when PCA's pixels are clipped.
# - Close codes usually belong to similar images. Where there are no codes, the decoder may draw anything.
# - Codes make small, useful features. Whether they are *better*, only a comparison tells.
# - A small error proves little unless the code is narrow: a model that copies has the smallest.
#
# **In practice**, start with the baselines: the mean, PCA, raw features. They cost a line each, and quite often they are enough.
#
# ## References
#
# - H. Bourlard, Y. Kamp (1988). Auto-association by multilayer perceptrons and singular value decomposition. *Biological Cybernetics* 59, 291–294.
# - C. Eckart, G. Young (1936). The approximation of one matrix by another of lower rank. *Psychometrika* 1, 211–218.
# - B. Efron (1979). Bootstrap methods: another look at the jackknife. *The Annals of Statistics* 7, 1–26.
# - G. E. Hinton, R. R. Salakhutdinov (2006). Reducing the dimensionality of data with neural networks. *Science* 313, 504–507.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning applied to document recognition. *Proceedings of the IEEE* 86, 2278–2324 (MNIST).
#
# Next: [lesson 2, formulas](02_formulas.ipynb). What happens inside `fit`? You take the machine apart and build it again, in NumPy. More on this lesson: [1, deeper](deeper/01_concepts.ipynb).
