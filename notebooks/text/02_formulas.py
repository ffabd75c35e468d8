# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2 · Formulas: what happens inside `fit`
#
# **Reading** 35 min · **working through** 70 min · **runs in** 30 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/02_formulas.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/02_formulas.ipynb)
#
# In lesson 1 we wrote `fit(x_train, x_train)`, waited a few seconds, and the network, which had answered with gray noise, answered with digits. What happened in those seconds?
#
# Nothing that you couldn't write yourself. In this lesson it is about forty lines of NumPy: sums, products, and one exponential function. First we run them and watch them learn. Then we take them apart, until you could have written every line.
#
# **You will be able to** write an autoencoder and its training in NumPy, check a gradient, choose a learning rate, and choose an output layer and a loss that fit your data.
#
# **You need** [lesson 1](01_concepts.ipynb), matrix products, and the chain rule. Symbols are collected on the [reference page](reference.ipynb).
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson, plotting, tables

lesson.begin(2)  # sets the random seeds and the look of the figures

import keras
import numpy as np
from keras.layers import Dense, Input
from sklearn.decomposition import PCA

# %% tags=["parameters"]
latent_dim = 16  # how many numbers the code has
learning_rate = 0.5  # how far one step goes
batch_size = 32  # images per step
epochs = 100

# %% [markdown]
# ## Forty lines that learn
#
# Our digits are small this time, 8 by 8 pixels, so that you can follow every array. Each image is a row of 64 numbers between 0 and 1.

# %%
digits = data.load("digits")  # they come with scikit-learn
x_train = digits.x_train.reshape(-1, 64).astype("float64")
x_test = digits.x_test.reshape(-1, 64).astype("float64")

# %% [markdown]
# Here is the autoencoder: 64 numbers go in, 16 are in the middle, 64 come out. It starts with small random weights.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def initialize(rng):
    bound = np.sqrt(6 / (64 + latent_dim))
    return {
        "W_e": rng.uniform(-bound, bound, (latent_dim, 64)),
        "b_e": np.zeros(latent_dim),
        "W_d": rng.uniform(-bound, bound, (64, latent_dim)),
        "b_d": np.zeros(64),
    }


def encode(p, x):
    return sigmoid(x @ p["W_e"].T + p["b_e"])


def decode(p, z):
    return sigmoid(z @ p["W_d"].T + p["b_d"])


# %% [markdown]
# Now the heart of it. For every weight, `gradients` says how the error would change if that weight grew a little. Don't try to follow it yet.


# %%
def collect(x, delta_e, z, delta_d):
    return {
        "W_e": delta_e.T @ x,
        "b_e": delta_e.sum(axis=0),
        "W_d": delta_d.T @ z,
        "b_d": delta_d.sum(axis=0),
    }


def gradients(p, x):
    z = encode(p, x)
    x_hat = decode(p, z)
    delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
    delta_e = (delta_d @ p["W_d"]) * z * (1 - z)
    return collect(x, delta_e, z, delta_d)


# %% [markdown]
# And this is training. Take a few images, ask for the gradients, move every weight a little in the direction that lowers the error, and go on with the next few.


# %%
def train(p, x, epochs, rate, rng, gradients=gradients):  # later we hand it other gradients
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            g = gradients(p, x[order[start : start + batch_size]])
            for name in p:
                p[name] -= rate * g[name]


rng = np.random.default_rng(0)
p = initialize(rng)
train(p, x_train, epochs, learning_rate, rng)

# %% tags=["hide-input"]
shown = np.array([np.flatnonzero(digits.y_test == digit)[0] for digit in (0, 3, 6)])
rng = np.random.default_rng(0)
beginner = initialize(rng)
moments = []
for more in (0, 1, 9, epochs - 10):
    train(beginner, x_train, more, learning_rate, rng)
    moments.append(decode(beginner, encode(beginner, x_test[shown])))
plotting.show(
    plotting.film(
        np.stack(moments, axis=1).reshape(len(shown), -1, 8, 8),
        ["before", "1 epoch", "10 epochs", f"{epochs} epochs"],
        inputs=x_test[shown].reshape(-1, 8, 8),
    ),
    "Three digits of 8 by 8 pixels in rows. Before training the reconstruction is gray noise; after "
    "one epoch the same gray blob for all three; after ten epochs a faint digit; after a hundred it "
    "is close to the input.",
    caption="Three digits that training never saw, drawn by our forty lines from 16 numbers each.",
)

# %% [markdown]
# It works. Noise, then the same blob for every image, then a digit. No framework, no magic: NumPy multiplied and added.
#
# The whole algorithm has seven steps. You can find all of them above.
#
# | | step | in the code |
# | --- | --- | --- |
# | 1 | scale the input | the pixels came as numbers from 0 to 1 |
# | 2 | initialize the weights | `initialize` |
# | 3 | encode and decode | `z = encode(p, x)`, `x_hat = decode(p, z)` |
# | 4 | compare $\hat x$ with $x$: the loss | hidden in `delta_d`, as you will see |
# | 5 | go back: a slope for every weight | the rest of `gradients` |
# | 6 | move every weight a little against its slope | `p[name] -= rate * g[name]` |
# | 7 | repeat 3 to 6 | the two loops of `train` |
#
# **Training is a loop of one small step: go forward, compare, ask every weight for its slope, move it a little downhill.** The rest of this lesson is about the three parts of that sentence: forward, downhill, and where the slopes come from.
#
# ## Forward, to a single number
#
# Here is everything that happens to a batch on its way forward.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

FORWARD, BACKWARD = plotting.color("autoencoder"), "#B2182B"
NODES = (  # symbol, shape, place
    ("$x$", "32 × 64", (0, 0)),
    ("$a_e$", "32 × 16", (2.1, 0)),
    ("$z$", "32 × 16", (4.2, 0)),
    ("$a_d$", "32 × 64", (6.3, 0)),
    (r"$\hat{x}$", "32 × 64", (8.4, 0)),
    ("$L$", "1 number", (10.5, 0)),
    ("$W_e$", "16 × 64", (2.1, 1.7)),
    ("$W_d$", "64 × 16", (6.3, 1.7)),
    (r"$\delta_d$", "32 × 64", (6.3, -1.9)),
    (r"$\delta_e$", "32 × 16", (2.1, -1.9)),
    (r"$\partial L / \partial W_d = \delta_d^\top z$", "64 × 16", (6.3, -3.7)),
    (r"$\partial L / \partial W_e = \delta_e^\top x$", "16 × 64", (2.1, -3.7)),
)
ARROWS = (  # from, to, words, color
    ((0.4, 0), (1.6, 0), "", FORWARD),
    ((2.6, 0), (3.85, 0), r"$\sigma$", FORWARD),
    ((4.55, 0), (5.8, 0), "", FORWARD),
    ((6.8, 0), (8.0, 0), r"$\sigma$", FORWARD),
    ((8.8, 0), (10.15, 0), "with $x$", FORWARD),
    ((2.1, 0.85), (2.1, 0.42), "", "0.3"),
    ((6.3, 0.85), (6.3, 0.42), "", "0.3"),
    ((10.5, -0.95), (6.85, -1.9), r"slope of $L$, times $\sigma'$", BACKWARD),
    ((5.8, -1.9), (2.6, -1.9), r"times $W_d$, times $\sigma'$", BACKWARD),
    ((6.3, -2.75), (6.3, -3.25), "", BACKWARD),
    ((2.1, -2.75), (2.1, -3.25), "", BACKWARD),
    ((0, -0.9), (0.75, -3.3), "", "0.6"),
    ((4.2, -0.9), (5.0, -3.3), "", "0.6"),
)


def draw_graph(lowest):
    """Return the graph of one step down to a height: 0 for the way forward, less for the way back."""
    fig, ax = plt.subplots(figsize=(7.4, (2.2 - lowest) * 0.68))
    for symbol, shape, (across, up) in NODES:
        color = BACKWARD if up < 0 else "0.3" if up > 0 else FORWARD
        look = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": color}
        if up >= lowest:
            ax.text(
                across, up, symbol, ha="center", va="center", fontsize=13, color=color, bbox=look
            )
            ax.text(across, up - 0.68, shape, ha="center", va="center", color="0.35", fontsize=9)
    for start, end, words, color in (arrow for arrow in ARROWS if arrow[1][1] >= lowest):
        look = {"arrowstyle": "-|>", "color": color, "linewidth": 0.9 if color == "0.6" else 1.6}
        ax.annotate("", end, start, arrowprops=look)
        side = "left" if "slope" in words else "center"
        middle = (
            (start[0] + end[0]) / 2,
            (start[1] + end[1]) / 2 + (-0.35 if side == "left" else 0.3),
        )
        ax.text(*middle, words, ha=side, va="center", color=color, fontsize=11)
    ax.set(xlim=(-0.7, 11.2), ylim=(lowest - 0.95, 2.2))
    ax.set_axis_off()
    return fig


# %% tags=["hide-input"]
plotting.show(
    draw_graph(0),
    "A graph from left to right: x, 32 by 64, with W_e becomes a_e, 32 by 16; the sigmoid makes z of "
    "it; z with W_d becomes a_d, 32 by 64; the sigmoid makes x hat; x hat beside x gives L, one "
    "number.",
    caption="The way forward for a batch of 32 images, with the shape of every array. The biases, one number per column, are left out.",
)

# %% [markdown]
# One layer multiplies, adds and bends. For a batch $x$ with one image per row:
#
# $$a_e = x W_e^\top + b_e, \qquad z = \sigma(a_e), \qquad a_d = z W_d^\top + b_d, \qquad \hat x = \sigma(a_d), \qquad \sigma(a) = \frac{1}{1 + e^{-a}}.$$
#
# The small letters say *encoder* and *decoder*; $b_e$ and $b_d$ are added to every row. The function $\sigma$ is the **sigmoid**. It squeezes any number into the range from 0 to 1, and so it puts a bend into the layer: it is the layer's **activation function**. Shapes are worth reading, because they catch most mistakes: $W_e$ is 16 × 64, so $x W_e^\top$ is (32 × 64)(64 × 16), which is 32 × 16. Each image has become 16 numbers.
#
# At the right end stands a single number, the loss. Ours is the **squared error**. Written out for the $N$ images of a data set and their $D$ pixels:
#
# $$L = \frac{1}{N} \sum_{i=1}^{N} \sum_{j=1}^{D} (\hat x_{ij} - x_{ij})^2 .$$


# %%
def squared_error(p, x):
    x_hat = decode(p, encode(p, x))
    return ((x_hat - x) ** 2).sum(axis=1).mean()  # a sum over pixels, a mean over images


# %% [markdown]
# **A loss has fine print: what is summed, and what is averaged?** Ours is a sum over pixels. Keras's `"mse"` is a mean over pixels as well. So for the same model, Keras reports our number divided by 64. Always find out before you compare two losses.
#
# <details><summary>The fine print: why do the weights start at random, and how large?</summary>
#
# If all weights started at zero, all 16 code units would compute the same number and get the same gradient. They would stay equal forever, and the code would in effect be one number. Random weights make them different.
#
# How large should they be? We took the range that Keras takes, $\pm\sqrt{6 / (\text{inputs} + \text{outputs})}$, from Glorot and Bengio (2010). Their argument supposes a bend with slope 1 at zero, as tanh has. Our sigmoid has slope 1/4 there, so for it the range is only a sensible start: [2, deeper](deeper/02_formulas.ipynb) shows the difference in a deep stack.
# </details>

# %%
from aetutorial.exercises import lesson02

lesson02.units.prompt()

# %%
answer = None  # your number
lesson02.units.check(answer)

# %% [markdown]
# ## Downhill
#
# The loss depends on every weight of the network. Which way should they all move?
#
# Let us look at a network so small that you can see everything. Its inputs are points in the plane, so $x$ has two numbers. Its code has one. It has no bends and no biases, and it uses the same two weights $w$ twice: the encoder computes $z = w \cdot x$, and the decoder answers $\hat x = z\,w$. So all its answers lie on one line, the one that points along $w$. With only two weights, the loss is a landscape that we can draw.

# %%
points = np.random.default_rng(4).standard_normal((60, 2)) @ [[0.55, 0.4], [-0.12, 0.16]]
points -= points.mean(axis=0)


def landscape(w):
    x_hat = np.outer(points @ w, w)
    return ((x_hat - points) ** 2).sum(axis=1).mean()


# %% [markdown]
# You stand somewhere in that landscape, in thick fog, and want to get down. What do you do? You put one foot a little to the east, then a little to the west, and feel the difference. Then the same north and south.


# %%
def slopes(f, w, h=1e-5):
    """Return how f changes with each number in w, from a small step each way."""
    g = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[i] = h
        g[i] = (f(w + step) - f(w - step)) / (2 * h)
    return g


w = np.array([-0.35, 1.15])
path = [w]
for _ in range(80):
    w = w - 0.2 * learning_rate * slopes(landscape, w)  # small steps, to watch them
    path.append(w)

# %% tags=["hide-input"]
axis = PCA(1).fit(points).components_[0]
fig, axes = plt.subplots(2, 4, figsize=(7.4, 4.2))
grid = np.linspace(-1.5, 1.5, 61)
heights = np.array([[landscape(np.array([a, b])) for a in grid] for b in grid])
for column, at in enumerate((0, 15, 25, 80)):
    above, below = axes[:, column]
    above.contourf(grid, grid, np.log(heights), 18, cmap="Blues")
    above.plot(*np.transpose(path[: at + 1]), "o-", color="#B2182B", markersize=3, linewidth=1.2)
    above.plot(*path[at], "o", color="#B2182B", markersize=7)
    above.set_title("start" if at == 0 else f"{at} steps")
    z_points = points @ path[at]
    answers = np.outer(z_points, path[at])
    for point, its_answer in zip(points, answers, strict=True):
        below.plot(*zip(point, its_answer, strict=True), "-", color="#B2182B", alpha=0.35, lw=0.8)
    below.plot(*points.T, "o", color=plotting.color("data"), markersize=2.5)
    below.plot(*answers.T, "o", color=plotting.color("reconstruction"), markersize=2.5)
    below.set(xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
    for ax in (above, below):
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.grid(visible=False)
for ax in axes[0]:
    ax.set(xlabel="$w_1$", ylabel="$w_2$" if ax is axes[0, 0] else "")
axes[1, 0].set_ylabel("what they do")
plotting.show(
    fig,
    "Two rows of four frames. Above, a landscape with two valleys and a path that runs from a slope "
    "down into one of them. Below, a cloud of points and the reconstructions on a line, which turns "
    "from across the cloud to along it while the red lines from point to reconstruction get short.",
    caption="Above, the loss over the two weights (darker is higher) and the path of descent. Below, the points (black), "
    "their reconstructions (blue), and the errors between them (red).",
)
lesson.claim(
    "Descent ends along the cloud's longest axis; cosine of the angle between w and that axis",
    abs(w @ axis) / (np.linalg.norm(w) * np.linalg.norm(axis)),
    above=0.999,
    digits=4,
    fails_under="no-training",
)

# %% [markdown]
# Look at the lower row. At the start the line lies across the cloud, and the errors are long. Step by step it turns, until it lies *along* the cloud, while the length of $w$ goes to 1, so that the red errors stand at right angles to the line. Nobody told it about directions. It only made an error smaller, and found the direction in which the points vary most: PCA's first direction. (There are two valleys, because $w$ and $-w$ describe the same line.)
#
# All the slopes together are the **gradient**. It points straight uphill, so a step goes the other way. With $\theta$ for any weight:
#
# $$\theta \leftarrow \theta - \eta \, \frac{\partial L}{\partial \theta} .$$
#
# This is **gradient descent**. The factor $\eta$ is the **learning rate**. In a big data set a full gradient is expensive, so `train` estimates it from 32 images at a time, in random order: that is *stochastic* gradient descent.
#
# **The gradient tells you which way to go. It doesn't tell you how far.** Here is what different learning rates do to our forty lines.

# %% tags=["hide-input"]
x_fit, x_val = x_train[:-300], x_train[-300:]  # the last 300 training images, set aside to choose
rates = {
    0.02: "0.02, too small",
    0.1: "0.1",
    learning_rate: f"{learning_rate:g}",
    2.0: "2",
    20.0: "20, too large",
}
curves = {}
for rate, name in rates.items():
    rng = np.random.default_rng(0)
    chosen = initialize(rng)
    curves[name] = []
    for _ in range(epochs):
        train(chosen, x_fit, 1, rate, rng)
        curves[name].append(squared_error(chosen, x_val))
fig, ax = plt.subplots()
shades = ("#9ECAE1", "#4292C6", "#084594", "#CB6D51", "#B2182B")
for (name, curve), shade in zip(curves.items(), shades, strict=True):
    ax.plot(range(1, epochs + 1), curve, "-", color=shade, linewidth=2)
    ax.text(epochs + 2, np.mean(curve[-5:]), name, color=shade, va="center")
ax.set(
    xlim=(0, 1.3 * epochs),
    yscale="log",
    xlabel="epoch",
    ylabel="squared error, images set aside (log)",
)
ax.set_yticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
ax.minorticks_off()
ax.set_xticks(range(0, epochs + 1, 20))
plotting.show(
    fig,
    "Five curves of the error against the epoch. With rates of 0.02 and 0.1 it falls slowly; with "
    "0.5 it falls to the lowest value; with 2 it falls fast, then jitters above that; with 20 it "
    "jumps about and stays high.",
    caption="The same network and the same start, with five learning rates. The errors are those of 300 training images that we set aside for choosing; the test images wait.",
)
ends = {rate: np.mean(curves[name][-5:]) for rate, name in rates.items()}
lesson.record(
    best=ends[learning_rate],
    next_best=min(end for rate, end in ends.items() if rate != learning_rate),
    within=0.3,
)

# %% [markdown]
# Too small, and you get there next week. Too large, and the error stays where the mean image is: probably the first steps threw the sigmoids into their flat ends, where the slopes all but vanish. Of these five, 0.5 did best<!-- best < next_best -->, so we took it. Note *where* it did best: on images set aside for choosing, for **validation**. We never use the test images to choose anything.
#
# <details><summary>The fine print: what does Adam do?</summary>
#
# Adam (Kingma and Ba, 2015) is the optimizer of lessons 1 and 3. It steps along a running average of the slopes, and divides by a running average of their size. So each weight has a step size of its own, which adapts as training goes on.
# </details>
#
# ## Backward: all slopes at once
#
# Feeling your way works for two weights. Our network has 2,128<!-- weights -->. Nudging each of them up and down takes 4,256<!-- 2 * weights --> forward passes, for a single step. The chain rule gets all the slopes from *one* pass forward and one pass back. That is **back-propagation**, made famous by Rumelhart, Hinton and Williams (1986), and it is the red half of this graph.

# %% tags=["hide-input"]
plotting.show(
    draw_graph(-3.7),
    "The same graph with the way back in red: from L to delta_d, 32 by 64; from there, times W_d and "
    "the sigmoid's slope, to delta_e, 32 by 16. Below each delta the gradient of its weights, which "
    "also takes what came into the layer: z, and x.",
    caption="The same step, with the way back. Each layer uses what came in on the way forward (gray).",
)

# %% [markdown]
# We call $\delta$ the slope of the loss with respect to a layer's sum $a$, before its bend: $\delta_d$ for the decoder, $\delta_e$ for the encoder. Take one pixel of one image. It should be $x = 0.9$, and the network answers $\hat x = 0.6$. The loss falls if the answer rises: its slope is $2\,(0.6 - 0.9) = -0.6$. The answer follows $a_d$ with the slope of the sigmoid there, $0.6 \cdot 0.4 = 0.24$. So for this pixel $\delta_d = -0.6 \cdot 0.24 = -0.144$. And if code number 5 was $z_5 = 0.5$, the slope of the weight between the two is $-0.144 \cdot 0.5 = -0.072$: raise it.
#
# That is all of back-propagation, for one weight. Here it is for all of them, in four links from right to left.
#
# **At the output.** Pixel $j$ of image $i$ adds $\frac{1}{n}(\hat x_{ij} - x_{ij})^2$ to the loss of a batch of $n$ images. And $\hat x = \sigma(a_d)$, where the sigmoid has a handy derivative: $\sigma' = \sigma (1 - \sigma)$. So by the chain rule
#
# $$\delta_{d,ij} = \frac{\partial L}{\partial a_{d,ij}} = \frac{2}{n}\, (\hat x_{ij} - x_{ij}) \; \hat x_{ij} (1 - \hat x_{ij}) .$$
#
# That is the line `delta_d`. The loss was in it all the time, as its derivative.
#
# **The decoder's weights.** The weight $W_{d,jk}$ connects code number $k$ to pixel $j$. In $a_{d,ij} = \sum_k z_{ik} W_{d,jk} + b_{d,j}$ it is multiplied by $z_{ik}$, and it appears nowhere else for that pixel. All images of the batch use it, so their contributions add up:
#
# $$\frac{\partial L}{\partial W_{d,jk}} = \sum_i \delta_{d,ij}\, z_{ik} \qquad \text{or, for all weights at once,} \qquad \frac{\partial L}{\partial W_d} = \delta_d^\top z .$$
#
# A bias enters with the factor 1, so its slope is the plain sum of $\delta_d$ over the batch.
#
# **Back through the 16 numbers of the code.** Code number $k$ has a say in *all* pixels. So we add up the slopes that arrive from all of them: $\partial L / \partial z_{ik} = \sum_j \delta_{d,ij} W_{d,jk}$, which is `delta_d @ p["W_d"]`. One more sigmoid lies in between, so one more factor $z(1 - z)$, and we have $\delta_e$.
#
# **The encoder's weights.** As for the decoder, with $x$ in the place of $z$: $\partial L / \partial W_e = \delta_e^\top x$.
#
# These are the lines of `gradients` and `collect`, and there are no others. **Besides its own weights, a layer needs only two things: what came in on the way forward, and which $\delta$ comes back.** That is why the slopes of a network of any depth can be computed: a further layer repeats the links "back through" and "the weights".
#
# But is it right? Suppose a tired programmer writes `delta_e = (delta_d @ p["W_d"]) * z` and forgets the factor `(1 - z)`.
#
# **Predict first.** What will the loss do? Rise, stand still, or fall? Guess, then open the output.


# %% tags=["hide-input", "hide-output"]
def forgetful(p, x):
    """Return the gradients with one factor forgotten, on the way back through the code."""
    z = encode(p, x)
    x_hat = decode(p, z)
    delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
    delta_e = (delta_d @ p["W_d"]) * z
    return collect(x, delta_e, z, delta_d)


def curve_of(gradients, seed=0):
    """Return the training loss before training and after each epoch."""
    rng = np.random.default_rng(seed)
    own = initialize(rng)
    curve = [squared_error(own, x_train)]
    for _ in range(epochs):
        train(own, x_train, 1, learning_rate, rng, gradients)
        curve.append(squared_error(own, x_train))
    return curve


def with_frozen_encoder(p, x):
    g = gradients(p, x)
    return {**g, "W_e": 0 * g["W_e"], "b_e": 0 * g["b_e"]}


wrong, right = curve_of(forgetful), curve_of(gradients)
fig, (ax, beside) = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True)
ax.plot(wrong, "-", color="#B2182B", linewidth=2)
beside.plot(wrong, "-", color="#B2182B", linewidth=2)
beside.plot(right, "-", color=plotting.color("autoencoder"), linewidth=2)
beside.text(epochs, wrong[-1] * 1.12, "factor forgotten", color="#B2182B", ha="right", va="bottom")
beside.text(epochs, right[-1] * 1.5, "right", color=plotting.color("autoencoder"), ha="right")
ax.set(yscale="log", xlabel="epoch", ylabel="squared error, training", title="what you would see")
ax.set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
ax.minorticks_off()
beside.set(xlabel="epoch", title="what you would miss")
plotting.show(
    fig,
    "Left, one curve that falls from twelve to two and flattens, as any training curve does. Right, "
    "the same curve and below it the one of the right gradients, which ends at about a third of it.",
    caption="Left, the training loss with the wrong gradient. Right, the same curve beside that of the right one.",
)
lesson.record(
    weights=sum(value.size for value in p.values()),
    start=wrong[0],
    wrong=wrong[-1],
    right=right[-1],
    frozen=curve_of(with_frozen_encoder)[-1],
)

# %% [markdown]
# It falls! From 12<!-- start --> to 2.0<!-- wrong -->, smoothly, like any training curve. If you didn't know better, you would be pleased, and report 2.0<!-- wrong -->. But only the decoder learns: if we freeze the encoder altogether, the loss falls to 1.9<!-- frozen -->, so the wrong slopes are worse than none. With the factor in place it falls to 0.62<!-- right -->. **A falling loss doesn't prove that your gradient is right.**
#
# What tests it is the fog walk from before, a **gradient check** by **finite differences**. It is slow, but it needs no calculus, so it can't repeat a mistake in your derivation. We compare all 2,128<!-- weights --> slopes on eight images.

# %%
few = x_train[:8]
fresh = initialize(np.random.default_rng(1))
felt = {}
for name in fresh:  # one array of weights at a time

    def loss_of(w, name=name):
        return squared_error({**fresh, name: w}, few)  # the other arrays stay as they are

    felt[name] = slopes(loss_of, fresh[name])
derived = gradients(fresh, few)
difference = max(np.abs(derived[name] - felt[name]).max() for name in felt)


# %% tags=["hide-input"]
lesson.claim(
    "Derived by hand and felt by nudging, the slopes agree; largest difference",
    difference,
    below=1e-6,
    fails_under="math",
)
slips = forgetful(fresh, few)
lesson.claim(
    "The forgotten factor is caught; largest difference",
    max(np.abs(slips[name] - felt[name]).max() for name in felt),
    above=0.01,
    fails_under="math",
)

# %% [markdown]
# In practice nobody derives these lines by hand anymore. TensorFlow records what you compute on the way forward and applies the chain rule on the way back, which is called **automatic differentiation**; [2, deeper](deeper/02_formulas.ipynb) shows that it gets the same numbers. But if you ever write a layer or a loss of your own, this check is the one to remember.

# %%
lesson02.output_delta.prompt()


# %%
def output_delta(x, x_hat, weights): ...  # your lines


lesson02.output_delta.check(output_delta)

# %%
lesson02.backward.prompt()


# %%
def mended(p, x): ...  # your lines


lesson02.backward.check(mended)

# %% [markdown]
# ## Two ways to be wrong
#
# The squared error isn't the only loss. The other one that you will meet everywhere is the **cross-entropy**. For numbers $x$ from 0 to 1,
#
# $$C = -\frac{1}{N} \sum_{i=1}^{N} \sum_{j=1}^{D} \big[ x_{ij} \log \hat x_{ij} + (1 - x_{ij}) \log (1 - \hat x_{ij}) \big] .$$
#
# What is the difference? Take one pixel that should be 1, and let the network answer something else.

# %% tags=["hide-input"]
answers = np.linspace(0.004, 0.996, 400)
fig, (ax, beside) = plt.subplots(1, 2, figsize=(7.4, 3.2))
squared, crossed = "#CC6677", "#117733"
ax.plot(answers, (answers - 1) ** 2, "-", color=squared, linewidth=2.5)
ax.plot(answers, -np.log(answers), "-", color=crossed, linewidth=2.5)
ax.text(0.04, 0.18, "squared error", color=squared)
ax.text(0.16, 2.2, "cross-entropy", color=crossed)
ax.set(xlabel=r"answer $\hat{x}$", ylabel="loss", ylim=(0, 5), title="what being wrong costs")
beside.plot(
    answers, -2 * (answers - 1) * answers * (1 - answers), "-", color=squared, linewidth=2.5
)
beside.plot(answers, 1 - answers, "-", color=crossed, linewidth=2.5)
beside.text(0.42, 0.68, "cross-entropy", color=crossed)
beside.text(0.22, 0.08, "squared error", color=squared)
beside.set(
    xlabel=r"answer $\hat{x}$",
    ylabel="push on $a_d$",
    ylim=(0, 1.05),
    title="how hard it pushes back",
)
plotting.show(
    fig,
    "Left, the loss against the answer, for a pixel that should be 1. At the answer 0 the squared "
    "error is 1 and the cross-entropy grows without limit. Right, the push: at the answer 0 that of "
    "the cross-entropy is 1, that of the squared error 0.",
    caption="A pixel that should be 1, and all possible answers. Right: the size of the slope before the sigmoid, which is what moves the weights.",
)

# %% [markdown]
# Look at the left end, where the network is sure and wrong. The squared error charges at most 1, and its push fades to nothing, because the sigmoid is flat there. The cross-entropy charges without limit, and pushes hardest exactly there. **Behind a sigmoid, the squared error forgives the confident mistake. Cross-entropy doesn't let go of it.**
#
# Try the algebra: for one pixel, the derivative of the cross-entropy with respect to $\hat x$ is $(\hat x - x) / \big(\hat x (1 - \hat x)\big)$, and the sigmoid's own slope cancels the denominator. Only the difference is left, and the code becomes shorter:


# %%
def cross_gradients(p, x):
    z = encode(p, x)
    delta_d = (decode(p, z) - x) / len(x)  # all that changes
    delta_e = (delta_d @ p["W_d"]) * z * (1 - z)
    return collect(x, delta_e, z, delta_d)


def cross_entropy(x, x_hat):
    return -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat))  # one value per pixel


# %% tags=["hide-input"]
after = {}
for name, rule, rate in (
    ("squared", gradients, learning_rate),
    ("crossed", cross_gradients, 0.4 * learning_rate),
):
    for kind, bias in (("usual", 0.0), ("sure", 6.0)):
        rng = np.random.default_rng(0)
        own = initialize(rng)
        own["b_d"] += bias
        if kind == "sure":
            lesson.record(says=decode(own, encode(own, x_test)).mean())
        train(own, x_train, 10 if kind == "usual" else 1, rate, rng, rule)
        after[f"{kind}_{name}"] = squared_error(own, x_test)
lesson.record(**after, mean_squared=((x_test - x_train.mean(axis=0)) ** 2).sum(axis=1).mean())

# %% [markdown]
# Does that matter for our digits? From the usual start it doesn't: no pixel is sure of anything yet, and with learning rates of 0.5 and 0.2 both losses lead to the same error after ten epochs<!-- 0.85 < usual_crossed / usual_squared < 1.15 -->. But start the network sure and wrong, with an output bias of 6, so that every pixel says nearly 1<!-- says > 0.98 -->. After one epoch the network with the squared error is still at 20<!-- sure_squared -->, four times as bad as the mean image<!-- 3.5 < sure_squared / mean_squared < 4.5 -->. The one with the cross-entropy has come down to 4.7<!-- sure_crossed -->, as good as the mean image<!-- 0.95 < sure_crossed / mean_squared < 1.05 -->.
#
# ## Which loss for which numbers?
#
# There is one recipe behind both. Let $\hat x$ stand for a distribution of what the pixel may be. The probability that it gives to the pixel that came is called the **likelihood**, and minus its logarithm is a loss. For a bell curve of fixed width around $\hat x$, with density proportional to $e^{-(x - \hat x)^2 / 2}$, that is the squared error, halved, plus a constant. For a coin that shows 1 with probability $\hat x$, it is the cross-entropy. (Goodfellow, Bengio and Courville 2016 derive both; [2, deeper](deeper/02_formulas.ipynb) has pictures.) It gives a loss for other kinds of data, too:
#
# | your numbers are | last layer | loss in Keras | the distribution |
# | --- | --- | --- | --- |
# | any real numbers | linear | `"mse"` | Gaussian |
# | 0 or 1 | sigmoid | `"binary_crossentropy"` | Bernoulli (a coin) |
# | counts 0, 1, 2, … | `"softplus"`, $\log(1 + e^a)$: positive | `"poisson"` | Poisson |
# | one of $K$ kinds, as $K$ columns with a single 1 (**one-hot**) | `"softmax"`, $e^{a_k} / \sum_l e^{a_l}$: sums to 1 | `"categorical_crossentropy"` | categorical (a die) |
#
# And gray pixels? They aren't coins, and can't be just any number either. Both losses are in use for them. This course mostly takes the squared error for gray pixels, and the cross-entropy for pixels that are 0 or 1. The reason is in the answer to this:
#
# **Predict first.** A gray pixel is 0.3, and the answer is exactly 0.3. What is its cross-entropy? And what if a target is 1.2, outside the range?

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(7.0, 3.4))
for target, shade in ((0.0, "#88CCEE"), (0.3, "#117733"), (1.2, "#882255")):
    curve = cross_entropy(target, answers)
    ax.plot(answers, curve, "-", color=shade, linewidth=2.5)
    if target == 0.3:
        ax.plot(target, cross_entropy(target, target), "o", color=shade, markersize=8)
for at, to, text, shade in (
    ((0.0, 0.0), (0.03, -0.55), "target 0: lowest at 0", "#3B8EB5"),
    ((0.3, 0.55), (0.1, -0.95), "target 0.3: lowest at 0.3, above zero", "#117733"),
    ((0.985, -0.85), (0.74, -0.9), "target 1.2:\nno lowest point", "#882255"),
):
    line = {"arrowstyle": "-", "color": shade, "linewidth": 1}
    ax.annotate(text, at, to, color=shade, arrowprops=line if at[0] < 0.9 else None)
ax.axhline(0, color="0.4", linewidth=1)
ax.set(
    xlabel=r"answer $\hat{x}$", ylabel="cross-entropy (nats)", ylim=(-1.2, 2.6), xlim=(-0.02, 1.06)
)
plotting.show(
    fig,
    "Cross-entropy against the answer for three targets. For 0 it rises from zero. For 0.3 it is "
    "lowest at the answer 0.3, at about 0.6. For 1.2 it falls ever more steeply towards the answer 1.",
    caption="The cross-entropy of one pixel, for three targets.",
)
rng = np.random.default_rng(0)
crossing = initialize(rng)
train(crossing, x_train, epochs, 0.4 * learning_rate, rng, cross_gradients)
reached = cross_entropy(x_test, decode(crossing, encode(crossing, x_test))).sum(axis=1).mean()
inside = x_test.clip(1e-12, 1 - 1e-12)  # 0 log 0 counts as 0
of_mean = cross_entropy(x_test, x_train.mean(axis=0).clip(0.001, 0.999)).sum(axis=1).mean()
floor = cross_entropy(inside, inside).sum(axis=1).mean()
pca = PCA(latent_dim).fit(x_train)
by_pca = pca.inverse_transform(pca.transform(x_test)).clip(0.001, 0.999)
lesson.record(
    gray=cross_entropy(0.3, 0.3),
    of_mean=of_mean,
    of_pca=cross_entropy(x_test, by_pca).sum(axis=1).mean(),
    reached=reached,
    floor=floor,
)

# %% [markdown]
# The perfect answer to the gray pixel costs 0.61<!-- gray --> nats, not zero. (A **nat** is the unit of a natural logarithm.) The loss treats 0.3 as a coin that shows 1 in 30 %<!-- 100 * 0.3 --> of all throws, and even the right odds leave you unsure of the outcome. That part of the loss is the **entropy** of the coin. For the target of 1.2 there is no best answer at all: the loss falls toward $-\infty$ as the answer approaches 1, and training would chase it there. **Give the cross-entropy only targets from 0 to 1, and expect a floor above zero unless they are all 0 or 1.**
#
# We trained our forty lines with it, from one random start. On held-out digits the network costs 16.4<!-- reached --> nats per image, and a perfect copy would cost 13.6<!-- floor -->. So it is 2.8<!-- reached - floor --> above the floor, where the mean image is 13.4<!-- of_mean - floor --> above it. PCA, clipped to [0.001, 0.999] since the loss is infinite at a wrong 0 or 1, is at 2.9<!-- of_pca - floor -->: a tie.
#
# How could a target get outside the range? Through scaling: **standardized** features, with mean 0 and standard deviation 1, lie mostly outside [0, 1], and even **min-max** scaling, from 0 to 1 on the training data, sends a larger held-out value above 1. [2, deeper](deeper/02_formulas.ipynb) has the formulas, and what it costs to forget this.
#
# ## The verdict, and more layers
#
# Time for the verdict: our forty lines on held-out digits, beside the mean image and PCA.

# %%
pca = PCA(latent_dim).fit(x_train)
x_pca = pca.inverse_transform(pca.transform(x_test)).clip(0, 1)
x_mean = np.tile(x_train.mean(axis=0), (len(x_test), 1))

# %% tags=["hide-input"]
starts = []
for seed in range(5):
    rng = np.random.default_rng(seed)
    own = initialize(rng)
    train(own, x_train, epochs, learning_rate, rng)
    starts.append(squared_error(own, x_test))
mean_error = ((x_mean - x_test) ** 2).sum(axis=1).mean()
pca_error = ((x_pca - x_test) ** 2).sum(axis=1).mean()
tables.show(
    ["model", "numbers per image", "held-out squared error per image"],
    [
        ("mean image", 0, mean_error),
        ("PCA, clipped to [0, 1]", latent_dim, pca_error),
        ("our forty lines", latent_dim, tables.Measured.of(starts)),
    ],
    digits={"held-out squared error per image": 3},
    live=["held-out squared error per image"],
    note="Our lines: mean ± standard deviation of 5 random starts, all run just now. PCA has no random start.",
)
unclipped = pca.inverse_transform(pca.transform(x_test))
rng = np.random.default_rng(0)
own = initialize(rng)
train(own, x_train, 3 * epochs, learning_rate, rng)
lesson.record(
    longer=squared_error(own, x_test),
    pca_error=pca_error,
    pca_unclipped=((unclipped - x_test) ** 2).sum(axis=1).mean(),
    ours=np.mean(starts),
    ours_spread=np.std(starts, ddof=1),
)

# %% [markdown]
# After a hundred epochs, a tie: 0.669<!-- ours --> ± 0.010<!-- ours_spread --> for us, 0.667<!-- pca_error --> for PCA. (Had we forgotten to clip PCA, it would have had 0.734<!-- pca_unclipped -->, and we would be celebrating.) Three hundred epochs bring one of our networks to 0.61<!-- longer -->. It learns, but slowly.
#
# Look at where it bends. The sigmoid at the *end* is useful: a pixel lies between 0 and 1, and so does its answer. But nobody asked for a sigmoid on the *code*, and on the way back its slope, at most 1/4, makes $\delta_e$ smaller. So take it away:


# %%
def straight_gradients(p, x):
    z = x @ p["W_e"].T + p["b_e"]  # no sigmoid here
    x_hat = decode(p, z)
    delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
    delta_e = delta_d @ p["W_d"]  # and none here
    return collect(x, delta_e, z, delta_d)


# %% tags=["hide-input"]
straight = []
for seed in range(5):
    rng = np.random.default_rng(seed)
    own = initialize(rng)
    train(own, x_train, epochs, learning_rate, rng, straight_gradients)
    x_hat = decode(own, x_test @ own["W_e"].T + own["b_e"])
    straight.append(((x_hat - x_test) ** 2).sum(axis=1).mean())
heights = {
    "PCA, clipped": pca_error,
    "autoencoder, sigmoid on the code": np.mean(starts),
    "autoencoder, straight code": np.mean(straight),
}
names = [name for name in heights if "autoencoder" in name]
plotting.show(
    plotting.bars(
        heights,
        xlabel="held-out squared error per image",
        spread=dict(zip(names, (np.std(starts, ddof=1), np.std(straight, ddof=1)), strict=True)),
    ),
    "Three bars. PCA and the autoencoder with a sigmoid on the code are equally long; the one "
    "without it is clearly shorter.",
    caption="16 numbers per image, the same learning rate and a hundred epochs for both networks. Mean ± standard deviation of 5 random starts.",
)
chosen = {}
for name, rule in (("sigmoid", gradients), ("straight", straight_gradients)):
    rng = np.random.default_rng(0)
    own = initialize(rng)
    train(own, x_train[:-300], epochs, learning_rate, rng, rule)
    z = x_train[-300:] @ own["W_e"].T + own["b_e"]
    x_hat = decode(own, z if name == "straight" else sigmoid(z))
    chosen[name] = ((x_hat - x_train[-300:]) ** 2).sum(axis=1).mean()
lesson.record(straight=np.mean(straight), choice=chosen["straight"] / chosen["sigmoid"])
lesson.claim(
    "PCA's error is this many times that of the network with a straight code, in the worst of five starts",
    pca_error / max(straight),
    above=1.05,
    fails_under="no-training",
)

# %% [markdown]
# From 0.669<!-- ours --> to 0.561<!-- straight -->, in the same hundred epochs, by *removing* something. This network has a linear code, as PCA has, but it learned its directions together with an output that stays within [0, 1]. **Squash where the data are bounded, and think twice elsewhere.** That is a result for these digits, a hundred epochs and this learning rate. And to *choose* between the two networks you may not look at test images; on the 300 images set aside, the straight code wins as well<!-- choice < 0.95 -->.
#
# But further layers may bend, before the code and after it; how much that pays, you will measure in a moment. Such a network does the same thing again and again: $h_l = f_l(h_{l-1} W_l^\top + b_l)$, starting with $h_0 = x$. Such a chain is a **multilayer perceptron**. The bends $f_l$ may differ; a favorite is the **ReLU**, $\max(a, 0)$, cheap and without a flat end on the right. And the gradient is the same game: $\delta$ travels back through one layer after another.
#
# That is what Keras does for us. To be sure, we let `fit` and our own lines train the same network for one epoch, from the same weights, with the images in the same order. Two things to know: Keras computes `x @ kernel + bias`, so its **kernel** is our $W$ transposed; and its `mse` is 64 times smaller than $L$, so the learning rate must be 64 times larger.

# %%
start = initialize(np.random.default_rng(2))
encoder, decoder = Dense(latent_dim, "sigmoid"), Dense(64, "sigmoid")
ours_in_keras = keras.Sequential([Input((64,)), encoder, decoder])
encoder.set_weights([start["W_e"].T, start["b_e"]])
decoder.set_weights([start["W_d"].T, start["b_d"]])
ours_in_keras.compile(keras.optimizers.SGD(64 * learning_rate), loss="mse")
history = ours_in_keras.fit(x_train, x_train, batch_size=batch_size, shuffle=False, verbose=0)
for begin in range(0, len(x_train), batch_size):
    g = gradients(start, x_train[begin : begin + batch_size])
    for name in start:
        start[name] -= learning_rate * g[name]

# %% tags=["hide-input"]
x_hat = ours_in_keras.predict(x_test, verbose=0)
lesson.claim(
    "After an epoch of fit and an epoch of our lines, the reconstructions agree; largest difference of a pixel",
    np.abs(x_hat - decode(start, encode(start, x_test))).max(),
    below=1e-4,
    fails_under="math",
)

# %% [markdown]
# The same numbers, up to rounding. **You know what `fit` does now: your `train`, with your `gradients`, for any stack of layers and any rule for the step.** Add some layers, and see how far below PCA you get:

# %%
lesson02.more_layers.prompt()

# %%
pair = None  # your pair: (encoder, decoder)
lesson02.more_layers.check(pair)

# %% [markdown]
# ## Change one thing
#
# Begin with `lesson.begin(2, strict=False)`, change something, and run all cells. Claims that no longer hold are then reported and don't stop you. Guess before you look.
#
# - What if `latent_dim` is 2? And 64?
# - What if a batch holds all images, `batch_size = 1437`?
# - In `initialize`, replace both random matrices by zeros. What do the digits look like after training?
#
# <details><summary>What you will find</summary>
#
# - With 2 numbers both models blur all digits, and PCA's error stays close to ours. With 64, PCA's error is 0: it only turns the axes. Ours gets small, but not 0: the two sigmoids are in the way, and a hundred epochs are few.
# - Each epoch is now a single step. It is a more exact step, but a hundred steps of this size are far too few: the error is still about 3. A rate of 2 gets further.
# - All code units stay equal. The network can only make one number of each image. (Without the sigmoid on the code, not even that: every slope of the two matrices is 0, and they stay 0.)
# </details>
#
# ## What you now know
#
# - Training is a loop: forward, compare, slopes, a small step downhill. `fit` does nothing else, apart from a cleverer step.
# - The chain rule gets all slopes in one pass back. A layer needs its own weights, what came in, and which $\delta$ comes back.
# - A wrong gradient may still lower the loss. Nudging the weights is slow and finds the mistake.
# - The last layer must be able to say what the data can be, so it has to fit their scaling. Behind a sigmoid, the squared error lets go of confident mistakes; the cross-entropy doesn't, wants targets from 0 to 1, and has a floor for gray pixels.
# - Before you compare losses, ask what is summed and what is averaged.
#
# **In practice**, nobody writes gradients by hand, but everybody has to find out one day why a model doesn't train. Now you know where to look.
#
# ## References
#
# - X. Glorot, Y. Bengio (2010). Understanding the difficulty of training deep feedforward neural networks. *AISTATS*, PMLR 9, 249–256.
# - I. Goodfellow, Y. Bengio, A. Courville (2016). *Deep Learning*, chapter 6. MIT Press.
# - D. P. Kingma, J. Ba (2015). Adam: a method for stochastic optimization. *ICLR*.
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by back-propagating errors. *Nature* 323, 533–536.
#
# Next: [lesson 3, the Keras example](03_keras_example.ipynb), where a well-known little program turns out to have learned next to nothing. More on this lesson: [2, deeper](deeper/02_formulas.ipynb).
