# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2, deeper · Formulas: gradients checked against Keras, losses as bets, the first weights
#
# **Reading** 10 min · **working through** 60 min · **runs in** 20 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/deeper/02_formulas.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/deeper/02_formulas.ipynb)
#
# Five things that [lesson 2](../02_formulas.ipynb) said in passing and that deserve to be checked. You need that lesson and nothing else; the sections don't build on each other.

# %%
from aetutorial import data, lesson, plotting

lesson.begin("Deeper: formulas", notebook="deeper/02_formulas")

import keras
import numpy as np
import tensorflow as tf
from keras.layers import Dense, Input
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

digits = data.load("digits")
x_train = digits.x_train.reshape(-1, 64).astype("float64")
x_test = digits.x_test.reshape(-1, 64).astype("float64")

# %% tags=["parameters"]
latent_dim = 16
learning_rate = 0.5
batch_size = 32
epochs = 100

# %% [markdown]
# Here is the network of lesson 2 once more, with both losses in one function.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def initialize(rng, features=64):
    bound = np.sqrt(6 / (features + latent_dim))
    W_e = rng.uniform(-bound, bound, (latent_dim, features))
    W_d = rng.uniform(-bound, bound, (features, latent_dim))
    return {"W_e": W_e, "b_e": np.zeros(latent_dim), "W_d": W_d, "b_d": np.zeros(features)}


def reconstruct(p, x, last_layer="sigmoid"):
    a_d = sigmoid(x @ p["W_e"].T + p["b_e"]) @ p["W_d"].T + p["b_d"]
    return a_d if last_layer == "linear" else sigmoid(a_d)


# %%
def gradients(p, x, loss="squared error", last_layer="sigmoid"):
    z = sigmoid(x @ p["W_e"].T + p["b_e"])
    x_hat = reconstruct(p, x, last_layer)
    delta_d = (x_hat - x) / len(x)
    if loss == "squared error":
        delta_d = 2 * delta_d * (x_hat * (1 - x_hat) if last_layer == "sigmoid" else 1)
    delta_e = (delta_d @ p["W_d"]) * z * (1 - z)
    weights = {"W_e": delta_e.T @ x, "W_d": delta_d.T @ z}
    return weights | {"b_e": delta_e.sum(axis=0), "b_d": delta_d.sum(axis=0)}


# %% [markdown]
# ## The same step, three times
#
# Lesson 2 derived the gradients by hand. TensorFlow's `GradientTape` records what is computed on the way forward, and then applies the chain rule on the way back. It should find the same numbers.


# %%
def tape_gradients(p, x, loss):
    v = {name: tf.Variable(value) for name, value in p.items()}
    with tf.GradientTape() as tape:
        z = tf.sigmoid(x @ tf.transpose(v["W_e"]) + v["b_e"])
        x_hat = tf.sigmoid(z @ tf.transpose(v["W_d"]) + v["b_d"])
        pixels = (x_hat - x) ** 2
        if loss == "cross-entropy":
            pixels = -(x * tf.math.log(x_hat) + (1 - x) * tf.math.log(1 - x_hat))
        mean = tf.reduce_mean(tf.reduce_sum(pixels, axis=1))
    return {name: g.numpy() for name, g in tape.gradient(mean, v).items()}


# %% [markdown]
# And Keras? Its `"mse"` is a mean over the 64 pixels, so its gradient is 64 times smaller than that of $L$. With plain gradient descent it needs a learning rate 64 times larger to arrive at the same place. (Adam, the optimizer of lessons 1 and 3, divides each gradient by its own recent size, so there a constant factor hardly matters.)

# %%
p = initialize(np.random.default_rng(1))
batch = x_train[:batch_size]
encoder = Dense(latent_dim, "sigmoid", dtype="float64")
decoder = Dense(64, "sigmoid", dtype="float64")
autoencoder = keras.Sequential([Input((64,), dtype="float64"), encoder, decoder])
encoder.set_weights([p["W_e"].T, p["b_e"]])  # Keras's kernel is our matrix transposed
decoder.set_weights([p["W_d"].T, p["b_d"]])
autoencoder.compile(keras.optimizers.SGD(64 * learning_rate), loss="mse")
autoencoder.train_on_batch(batch, batch)


# %% tags=["hide-input"]
def apart(a, b):
    """Return the largest difference between two sets of arrays."""
    return max(np.abs(a[name] - b[name]).max() for name in b)


lesson.claim(
    "Derived by hand and by GradientTape, for both losses: largest difference of a slope",
    max(
        apart(gradients(p, batch, loss), tape_gradients(p, batch, loss))
        for loss in ("squared error", "cross-entropy")
    ),
    below=1e-9,
    fails_under="math",
)
kernel_e, bias_e, kernel_d, bias_d = autoencoder.get_weights()
by_keras = {"W_e": kernel_e.T, "b_e": bias_e, "W_d": kernel_d.T, "b_d": bias_d}
g = gradients(p, batch)
by_hand = {name: p[name] - learning_rate * g[name] for name in p}
lesson.claim(
    "One step of Keras and one by hand arrive at the same weights; largest difference",
    apart(by_hand, by_keras),
    below=1e-6,
    fails_under="math",
)

# %% [markdown]
# **The `mse` of a tutorial and the $L$ of a paper are the same loss in different units.** They differ in the number that you read, and with plain gradient descent also in the learning rate that fits.
#
# ## Four bets
#
# Lesson 2 said that a loss is a bet: read the network's output as a distribution, and charge minus the logarithm of the probability (or density) that it gave to what came. Here are the four bets of its table. The titles say what the network answered; red is what came.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

fig, axes = plt.subplots(1, 4, figsize=(7.6, 2.5))
line = np.linspace(-1, 2, 200)
blue, red = plotting.color("autoencoder"), "#B2182B"
axes[0].plot(line, stats.norm.pdf(line, 0.4, 0.4), "-", color=blue)
axes[0].plot([0.9, 0.9], [0, stats.norm.pdf(0.9, 0.4, 0.4)], "-", color=red, linewidth=2.5)
axes[0].set_title("Gaussian\nmean 0.4", fontsize=10)
for ax, values, chances, came, title in (
    (axes[1], [0, 1], [0.3, 0.7], 1, "Bernoulli\n0.7"),
    (axes[2], range(9), stats.poisson.pmf(range(9), 2.5), 4, "Poisson\nmean 2.5"),
    (axes[3], range(4), [0.1, 0.6, 0.2, 0.1], 2, "categorical\n0.1, 0.6, 0.2, 0.1"),
):
    shades = [red if value == came else blue for value in values]
    ax.bar(list(values), chances, 0.6, color=shades)
    ax.set_title(title, fontsize=10)
    ax.set_xticks(list(values)[:: 2 if len(values) > 4 else 1])
for ax in axes:
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.set_xlabel("what may come")
plotting.show(
    fig,
    "Four small charts: a bell curve; two bars for 0 and 1; bars for counts from 0 to 8, highest at "
    "2; four bars for four kinds. In each one outcome is red: the one that came.",
    caption="Four bets. The loss is minus the logarithm of the red height: a probability, and for the Gaussian a density.",
)

# %% [markdown]
# Written out for one example, with $s$ the (fixed) width of the bell:
#
# $$\begin{aligned}
# \text{Gaussian:} \quad & \tfrac{1}{2 s^2} \textstyle\sum_j (x_j - \hat x_j)^2 + \tfrac{D}{2} \log (2 \pi s^2) \\
# \text{Bernoulli:} \quad & -\textstyle\sum_j \left[ x_j \log \hat x_j + (1 - x_j) \log (1 - \hat x_j) \right] \\
# \text{Poisson:} \quad & \textstyle\sum_j \left[ \hat x_j - x_j \log \hat x_j + \log x_j! \right] \\
# \text{categorical:} \quad & -\textstyle\sum_k x_k \log \hat x_k
# \end{aligned}$$
#
# What doesn't depend on $\hat x$ has no slope, so Keras leaves it out: the constant of the Gaussian and $\log x_j!$. Keras also averages over the features in the first three, and sums over the kinds in the last one. That makes a difference when you add losses of different kinds for one table of mixed columns: divide or multiply so that each is a sum.

# %%
rng = np.random.default_rng(0)
s = 0.2
real, guess = rng.normal(size=(2, 5, 7))
binary, chance = rng.integers(0, 2, (5, 7)), rng.uniform(0.1, 0.9, (5, 7))
count, mean = rng.poisson(2.5, (5, 7)), rng.uniform(0.5, 5, (5, 7))
kind, dice = rng.integers(0, 7, 5), rng.dirichlet(np.ones(7), 5)
one_hot = np.eye(7)[kind]
by_scipy = {
    "Gaussian": -stats.norm.logpdf(real, guess, s).sum(axis=1),
    "Bernoulli": -stats.bernoulli.logpmf(binary, chance).sum(axis=1),
    "Poisson": -stats.poisson.logpmf(count, mean).sum(axis=1),
    "categorical": -np.log(dice[np.arange(5), kind]),
}
losses = keras.losses
by_keras = {
    "Gaussian": 7 * losses.mean_squared_error(real, guess) / (2 * s**2),
    "Bernoulli": 7 * losses.binary_crossentropy(binary, chance),
    "Poisson": 7 * losses.poisson(count, mean),
    "categorical": losses.categorical_crossentropy(one_hot, dice),
}

# %% tags=["hide-input"]
from scipy.special import gammaln

left_out = {
    "Gaussian": np.full(5, 7 / 2 * np.log(2 * np.pi * s**2)),
    "Poisson": gammaln(count + 1).sum(axis=1),
}
lesson.claim(
    "Keras's four losses, with what they leave out, are the likelihoods of SciPy; largest difference",
    max(
        np.abs(np.asarray(by_keras[name]) + left_out.get(name, 0) - by_scipy[name]).max()
        for name in by_scipy
    ),
    below=1e-4,
    fails_under="math",
)

# %% [markdown]
# **Every one of these losses asks the same question: how surprised was the network by what came?**
#
# ## The wrong last layer
#
# Two scalings are common. Each works feature by feature, that is, column by column:
#
# $$\text{min-max:} \quad x' = \frac{x - \min}{\max - \min}, \qquad\qquad \text{standardize:} \quad x' = \frac{x - \text{mean}}{\text{standard deviation}} .$$
#
# Minimum, maximum, mean and standard deviation come from the *training* rows. Min-max brings those into [0, 1]; a held-out row may land outside, and a column that is constant has to be left out, in either formula. Lesson 2 knew the true limits of its pixels and divided them by 16.
#
# Standardized numbers want a linear last layer, said lesson 2. What if a sigmoid is left in place? We keep the pixels that vary, standardize them, and train the network with both last layers. The errors of the two scalings are in different units, so we divide each by that of the mean image: 100 % is no better than the mean.

# %%
varies = x_train.std(axis=0) > 0.05  # nearly constant pixels would be blown up
scaler = StandardScaler().fit(x_train[:, varies])  # fitted to the training rows only
s_train, s_test = scaler.transform(x_train[:, varies]), scaler.transform(x_test[:, varies])


def train(x, last_layer, rate):
    rng = np.random.default_rng(0)
    p = initialize(rng, x.shape[1])
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            g = gradients(p, x[order[start : start + batch_size]], last_layer=last_layer)
            for name in p:
                p[name] -= rate * g[name]
    return p


# %% tags=["hide-input"]
def remaining(x, x_hat, x_mean):
    """Return the error as a percentage of the mean image's."""
    return 100 * ((x_hat - x) ** 2).sum() / ((x_mean - x) ** 2).sum()


def best_of(x, x_new, last_layer):
    """Train with three learning rates, keep the best on rows set aside, and score it on new rows."""
    errors = {}
    with np.errstate(all="ignore"):  # with too large a rate the error grows beyond all numbers
        for rate in (0.1, 0.3, 1.0):
            p = train(x[:-300], last_layer, rate * learning_rate)
            error = remaining(x[-300:], reconstruct(p, x[-300:], last_layer), x.mean(axis=0))
            errors[rate] = error if np.isfinite(error) else np.inf
    p = train(x, last_layer, min(errors, key=errors.get) * learning_rate)
    return remaining(x_new, reconstruct(p, x_new, last_layer), x.mean(axis=0))


restored = PCA(latent_dim).fit(s_train)
restored = restored.inverse_transform(restored.transform(s_test))
left = {
    "divided by 16, sigmoid": best_of(x_train[:, varies], x_test[:, varies], "sigmoid"),
    "standardized, linear": best_of(s_train, s_test, "linear"),
    "standardized, sigmoid": best_of(s_train, s_test, "sigmoid"),
    "standardized, PCA": remaining(s_test, restored, 0),
}
floor = remaining(s_test, s_test.clip(0, 1), 0)
plotting.show(
    plotting.bars(left, xlabel="error left on held-out digits (% of the mean image's)"),
    "Four bars. Pixels divided by 16 with a sigmoid leave least. On standardized pixels PCA leaves more, "
    "a linear last layer more again, and a sigmoid most of all.",
    caption=f"The same network with both last layers, and PCA, with 16 numbers each. No output between 0 and 1 can leave less than {floor:.0f} % of the standardized pixels' error. "
    "One random start; the learning rate was chosen on images set aside.",
)
lesson.record(
    floor=floor,
    by_sigmoid=left["standardized, sigmoid"],
    by_linear=left["standardized, linear"],
    by_pca=left["standardized, PCA"],
)
lesson.claim(
    "On standardized pixels a linear last layer leaves this share of what the sigmoid leaves",
    left["standardized, linear"] / left["standardized, sigmoid"],
    below=0.6,
    fails_under="no-training",
)

# %% [markdown]
# With the sigmoid 65 %<!-- by_sigmoid --> of the error is left, with a linear last layer 22 %<!-- by_linear -->, about what PCA leaves. More training would not help the sigmoid much: no output between 0 and 1 can get below 56 %<!-- floor -->. **A network can't answer what its last layer can't say.** Lesson 3 meets the same mistake in a well-known program.
#
# ## How large should the first weights be?
#
# Glorot and Bengio (2010) asked for a range in which signals neither grow nor shrink from layer to layer, forward and backward. With $n$ inputs and $n$ outputs, each output is a sum of $n$ products. If a weight has variance $1/n$, the sum has about the variance of one input, *if* the bend passes small numbers on unchanged, with slope 1 at zero. Uniform weights in $\pm\sqrt{6/(n + n)}$ have exactly that variance.
#
# Now stack ten layers of 64 units with such weights, send digits forward and a random error back, and look at what arrives.


# %%
def slope_sizes(bend, slope_of, depth=10, scale=1.0):
    """Return the size of the error that arrives before each layer, from the first to the last."""
    rng = np.random.default_rng(0)
    h = (x_train - x_train.mean(axis=0)) / x_train.std()
    layers = []
    for _ in range(depth):
        W = scale * rng.uniform(-1, 1, (64, 64)) * np.sqrt(6 / (64 + 64))
        h = bend(h @ W.T)
        layers.append((W, slope_of(h)))
    delta = rng.standard_normal(h.shape)
    sizes = [1.0]
    for W, slope in reversed(layers):
        delta = (delta * slope) @ W
        sizes.append(delta.std())
    return sizes[::-1]


# %% tags=["hide-input"]
arriving = {
    "tanh": slope_sizes(np.tanh, lambda h: 1 - h**2),
    "sigmoid": slope_sizes(sigmoid, lambda h: h * (1 - h)),
    "sigmoid, 4 × the range": slope_sizes(sigmoid, lambda h: h * (1 - h), scale=4),
}
fig, ax = plt.subplots(figsize=(7.0, 3.4))
for (name, sizes), shade in zip(arriving.items(), ("#0072B2", "#B2182B", "#CC6677"), strict=True):
    ax.plot(range(1, len(sizes)), sizes[:-1], "o-", color=shade)
    ax.text(0.85, sizes[0], name, color=shade, ha="right", va="center")
ax.set(yscale="log", xlabel="layer, from the input on", ylabel="size of the error that arrives")
ax.set(xlim=(-3.4, 10.2), xticks=range(1, 11))
plotting.show(
    fig,
    "Three lines over ten layers on a logarithmic axis. With tanh the error that arrives falls to "
    "about 0.3 at the first layer. With the sigmoid it falls by a factor of four per layer, to less "
    "than a millionth. With weights four times as large it falls to about a hundredth.",
    caption="The size of an error sent back through ten untrained layers with Glorot's range. It starts with size 1 behind layer 10.",
)
lesson.record(
    tanh=arriving["tanh"][0],
    sigmoid=1e6 * arriving["sigmoid"][0],
    per_layer=(arriving["sigmoid"][-1] / arriving["sigmoid"][0]) ** 0.1,
    wide=arriving["sigmoid, 4 × the range"][0],
)
lesson.claim(
    "Through ten layers, tanh passes this many times as much of an error back as the sigmoid",
    arriving["tanh"][0] / arriving["sigmoid"][0],
    above=1e4,
    fails_under="math",
)

# %% [markdown]
# With tanh, about 0.3<!-- tanh --> of the error reaches the first layer. With the logistic sigmoid it is less than a millionth<!-- sigmoid < 1 -->: each layer passes on about a quarter<!-- 4 < per_layer < 4.6 -->, the sigmoid's slope at zero. Weights four times as large help, at first, but then many units sit in the flat ends. **Glorot's range is made for bends with slope 1 at zero.** For a single layer on each side, as in lesson 2, it hardly matters. In a deep stack the first layers would learn next to nothing. (ReLU passes half of all numbers only, and wants a wider range than Glorot's.)
#
# ## PCA in one formula, checked
#
# Lesson 2 said that PCA's eigenvalues are squared singular values divided by $N$, and that what PCA loses on its training rows is the sum of the eigenvalues that it leaves out.

# %%
X = x_train - x_train.mean(axis=0)
eigenvalues = np.linalg.eigvalsh(X.T @ X / len(X))[::-1]  # of the covariance, largest first
singular = np.linalg.svd(X, compute_uv=False)
pca = PCA(latent_dim).fit(x_train)
restored = pca.inverse_transform(pca.transform(x_train))
lost = ((restored - x_train) ** 2).sum(axis=1).mean()

# %% tags=["hide-input"]
lesson.claim(
    "Eigenvalues of the covariance are squared singular values over N; largest difference",
    np.abs(eigenvalues - singular**2 / len(X)).max(),
    below=1e-10,
    fails_under="math",
)
lesson.claim(
    "PCA's squared error on its own rows is the sum of the eigenvalues left out; difference",
    abs(lost - eigenvalues[latent_dim:].sum()),
    below=1e-10,
    fails_under="math",
)

# %% [markdown]
# ## Exercises
#
# Three more for the pencil.

# %%
from aetutorial.exercises import lesson02

lesson02.tied.prompt()


# %%
def tied_gradient(W, b_e, b_d, x): ...  # your lines


lesson02.tied.check(tied_gradient)

# %%
lesson02.coin_floor.prompt()


# %%
def excess(x, x_hat): ...  # your lines


lesson02.coin_floor.check(excess)

# %%
lesson02.convergence.prompt()


# %%
def converged(curve, patience, tolerance): ...  # your lines


lesson02.convergence.check(converged)

# %% [markdown]
# ## References
#
# - X. Glorot, Y. Bengio (2010). Understanding the difficulty of training deep feedforward neural networks. *AISTATS*, PMLR 9, 249–256.
#
# Back to [lesson 2](../02_formulas.ipynb).
