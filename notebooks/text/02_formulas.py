# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2 · Formulas: the algorithm by hand
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/02_formulas.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/02_formulas.ipynb)
#
# **Reading** 30 min · **working through** 85 min · **runs in** 20 s<!-- times -->
#
# **You will be able to**
# - write an autoencoder, its two usual losses and their gradients in NumPy, and check the gradients;
# - say what a loss is a sum of, a mean over, and which value a perfect model would reach;
# - choose a scaling of the data that fits the output layer;
# - explain why squared error and cross-entropy are both likelihoods.
#
# **You need** [lesson 1](01_concepts.ipynb), the chain rule, matrix products and NumPy.
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson, metrics, plotting

lesson.begin(2)  # seeds, a quiet start of TensorFlow, the plot style

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

# %% tags=["parameters"]
latent_dim = 16  # d, the size of the code
learning_rate = 0.5  # how far one step goes
batch_size = 32  # examples per step
max_epochs = 150
tolerance = 0.003  # stop when ten epochs improve the loss by less than this fraction
seeds = (0, 1, 2, 3, 4)

# %% [markdown]
# ## The seven steps (core)
#
# Lesson 1 called `fit` and something good happened. Here you write what happens inside. The whole algorithm:
#
# 1. initialize the weights of encoder and decoder;
# 2. scale the input;
# 3. encode;
# 4. decode;
# 5. compute the loss;
# 6. move every weight of both networks a little down the gradient of the loss;
# 7. repeat steps 3 to 6 until the loss stops falling, or for a maximum number of epochs. An *epoch* is one pass over the data.
#
# The data are small on purpose: 8×8 pictures of digits from scikit-learn, so that every array fits on a screen and
# everything runs in double precision. We flatten each picture into a row of $D = 64$ numbers.

# %%
digits = data.load("digits")
x_train = digits.x_train.reshape(-1, 64).astype(np.float64)
x_test = digits.x_test.reshape(-1, 64).astype(np.float64)
N, D = x_train.shape
print(
    f"x_train: {x_train.shape}, x_test: {x_test.shape}, values {x_train.min()} to {x_train.max()}"
)
plotting.show(
    plotting.image_grid(digits.x_train[:20]),
    "Twenty handwritten digits of 8 by 8 gray pixels in two rows.",
)

# %% [markdown]
# ### Step 1: initialize
#
# Our autoencoder has one layer on each side. For one input $x \in \mathbb{R}^D$ (a column), code $z \in \mathbb{R}^d$ and
# reconstruction $\hat x \in \mathbb{R}^D$:
#
# $$z = \sigma(W_e x + b_e), \qquad \hat x = \sigma(W_d z + b_d), \qquad \sigma(a) = \frac{1}{1 + e^{-a}}.$$
#
# Some books write $y$ for $\hat x$. The subscripts say *encoder* and *decoder*. The shapes follow from the lengths of $x$ and $z$:
#
# | symbol | in code | shape | here |
# | --- | --- | --- | --- |
# | $W_e$ | `p["W_e"]` | $d \times D$ | 16 × 64 |
# | $b_e$ | `p["b_e"]` | $d$ | 16 |
# | $W_d$ | `p["W_d"]` | $D \times d$ | 64 × 16 |
# | $b_d$ | `p["b_d"]` | $D$ | 64 |
#
# Biases start at zero. Weights must not: if all were equal, all code units would compute the same number and receive the
# same gradient for ever. They start as small random numbers. How small? Glorot and Bengio (2010) choose the range
# $\pm\sqrt{6 / (\text{inputs} + \text{outputs})}$, which keeps the size of the signals about the same from layer to layer. Keras does so too.


# %%
def initialize(rng, n_features, latent_dim):
    """Return the four parameters: Glorot-uniform weights, biases of zero."""
    bound = np.sqrt(6 / (n_features + latent_dim))
    return {
        "W_e": rng.uniform(-bound, bound, (latent_dim, n_features)),
        "b_e": np.zeros(latent_dim),
        "W_d": rng.uniform(-bound, bound, (n_features, latent_dim)),
        "b_d": np.zeros(n_features),
    }


p = initialize(np.random.default_rng(0), D, latent_dim)
for name, value in p.items():
    print(f"{name}: shape {value.shape}")

# %% [markdown]
# ### Step 2: scale
#
# Two scalings are common. **Min-max** maps the values to $[0, 1]$; for pixels, whose largest value is known (here 16), one division does it. **Standardizing** gives each feature mean 0 and
# standard deviation 1, computed from the training set only: the test set must stay unseen.
#
# *Predict before you run.* A sigmoid approaches 0 and 1 and never passes them. Which share of the values will lie outside this interval after
# standardizing: a tenth, a third, a half, more?

# %%
scaler = StandardScaler().fit(x_train)
s_train, s_test = scaler.transform(x_train), scaler.transform(x_test)
outside = np.mean((s_train < 0) | (s_train > 1))

fig, axes = plt.subplots(1, 2, figsize=(7, 2.4), sharey=True)
for ax, values, title in ((axes[0], x_train, "min-max"), (axes[1], s_train, "standardized")):
    ax.axvspan(0, 1, color="#E69F00", alpha=0.3, label="a sigmoid's range")
    ax.hist(values.ravel(), bins=np.linspace(-3.0625, 3.9375, 57), color="#0072B2")
    ax.set(title=title, xlabel="value of a pixel")
axes[0].set_ylabel("number of pixels")
axes[1].legend()
plotting.show(
    fig,
    "Two histograms of pixel values. Min-max scaled values all lie in the shaded interval from "
    "0 to 1. "
    "Of the standardized values more than half lie outside it, most of them just below 0.",
)
print(f"standardized values outside [0, 1]: {outside:.0%}")

# %% [markdown]
# Three quarters. A sigmoid output can never reach those values, however long it trains. So the rule: **min-max scaled data go with a
# sigmoid output, standardized data with a linear one.** At the end of step 7 we train on both and see what breaking the rule costs. Until
# then the data are `x_train`, scaled to $[0, 1]$ (each pixel divided by 16, the largest possible value).
#
# ### Steps 3 and 4: encode and decode
#
# NumPy keeps examples in rows: `x` has shape `(n, D)`, one picture per row. Transposing the formula for a whole batch gives
# $Z = \sigma(X W_e^\top + b_e)$, where $b_e$ is added to every row.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def encode(p, x):
    return sigmoid(x @ p["W_e"].T + p["b_e"])


def decode(p, z):
    return sigmoid(z @ p["W_d"].T + p["b_d"])


z = encode(p, x_train)
x_hat = decode(p, z)
print("x    ", x_train.shape)
print("z    ", z.shape)
print("x_hat", x_hat.shape)

# %% [markdown]
# ### Step 5: the loss
#
# The reconstruction should be close to the input. The formula of most textbooks is the squared distance, averaged over the $N$ examples:
#
# $$L = \frac{1}{N} \sum_{i=1}^{N} \lVert \hat x_i - x_i \rVert^2 .$$
#
# Read it twice: a **mean over examples** of a **sum over features**. The common alternative is the cross-entropy, for data in $[0, 1]$:
#
# $$C = -\frac{1}{N} \sum_{i=1}^{N} \sum_{j=1}^{D} \left[ x_{ij} \log \hat x_{ij} + (1 - x_{ij}) \log (1 - \hat x_{ij}) \right].$$
#
# It punishes a confident wrong answer without limit: $-\log \hat x$ grows without bound as $\hat x$ goes to 0 while $x$ is 1. Where the formula comes from is the subject of "Two losses, two likelihoods" below.
#
# $L$ is in squared pixel units, $C$ in nats (the logarithm is natural). We write both per example, with shape `(n,)`, and take the mean in one place.


# %%
def squared_error(x, x_hat):
    return ((x_hat - x) ** 2).sum(axis=1)


def cross_entropy(x, x_hat):
    return -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat)).sum(axis=1)


losses = {"squared error": squared_error, "cross-entropy": cross_entropy}
for name, per_example in losses.items():
    print(f"{name}: per example {per_example(x_train, x_hat).shape}, untrained mean", end=" ")
    print(f"{per_example(x_train, x_hat).mean():.2f}")

# %% [markdown]
# **A factor that causes confusion.** Keras's `mse` is a mean over examples *and* over features. By how much does it differ from $L$ here?

# %%
L = squared_error(x_train, x_hat).mean()
keras_mse = float(np.mean(keras.losses.mean_squared_error(x_train, x_hat)))
print(f"L = {L:.4f}   Keras's mse = {keras_mse:.4f}   ratio = {L / keras_mse:.4f}")
lesson.claim(
    "L is D times Keras's mse: relative difference",
    abs(L / (D * keras_mse) - 1),
    below=1e-9,
    fails_under="math",
)

# %% [markdown]
# The ratio is $D = 64$. A paper that reports 13.9 on MNIST and a tutorial that reports 0.0177 may describe the same model: $13.9 / 784 = 0.0177$.
# Never compare two losses before you know what each is summed and averaged over.
#
# ### Step 6: the gradients, on paper
#
# Call the numbers that enter the sigmoids $a_e = W_e x + b_e$ and $a_d = W_d z + b_d$ (the subscripts $e$ and $d$ still say encoder and decoder). The sigmoid's derivative has a convenient form,
# $\sigma'(a) = \sigma(a)\,(1 - \sigma(a))$. We go from the loss backwards. An upper index $(i)$ names the example, $\delta$ is the gradient with respect to an $a$, and $\odot$ multiplies elementwise. We write $L$; the same lines hold for $C$.
#
# **At the output.** Example $i$ contributes $\frac1N \lVert \hat x^{(i)} - x^{(i)} \rVert^2$ to the loss, and $\hat x^{(i)} = \sigma(a_d^{(i)})$. By the chain rule, for the squared error,
#
# $$\delta_d^{(i)} = \frac{\partial L}{\partial a_d^{(i)}} = \frac{2}{N} (\hat x^{(i)} - x^{(i)}) \odot \hat x^{(i)} \odot (1 - \hat x^{(i)}).$$
#
# For the cross-entropy, $\partial C / \partial \hat x^{(i)} = \frac1N (\hat x^{(i)} - x^{(i)}) / \big(\hat x^{(i)} \odot (1 - \hat x^{(i)})\big)$, elementwise, and the denominator cancels against $\sigma'$:
#
# $$\delta_d^{(i)} = \frac{1}{N} (\hat x^{(i)} - x^{(i)}).$$
#
# **The decoder.** The weight in row $j$, column $k$ of $W_d$ enters $a^{(i)}_{d,j} = \sum_k W_{d,jk}\, z^{(i)}_k + b_{d,j}$ and no other number, with derivative $z^{(i)}_k$. Every example uses it, so we sum:
#
# $$\frac{\partial L}{\partial W_{d,jk}} = \sum_i \delta^{(i)}_{d,j}\, z^{(i)}_k, \qquad \text{that is} \qquad \frac{\partial L}{\partial W_d} = \sum_i \delta_d^{(i)} z^{(i)\top}, \qquad \frac{\partial L}{\partial b_d} = \sum_i \delta_d^{(i)}.$$
#
# **Through the code.** Each $z_k$ reaches *all* outputs: $\partial L / \partial z^{(i)}_k = \sum_j \delta^{(i)}_{d,j}\, W_{d,jk}$, which is $W_d^\top \delta_d^{(i)}$. One more sigmoid gives $\delta_e$, and from there it goes on as in the decoder:
#
# $$\delta_e^{(i)} = (W_d^\top \delta_d^{(i)}) \odot z^{(i)} \odot (1 - z^{(i)}), \qquad \frac{\partial L}{\partial W_e} = \sum_i \delta_e^{(i)} x^{(i)\top}, \qquad \frac{\partial L}{\partial b_e} = \sum_i \delta_e^{(i)}.$$
#
# With examples in rows, $\sum_i \delta^{(i)} z^{(i)\top}$ is one matrix product, `delta.T @ z`, and $W_d^\top \delta_d^{(i)}$ for all examples at once is `delta_d @ W_d`. Here are the equations, line by line.


# %%
def gradients(p, x, loss):
    """Return the gradient of the mean loss with respect to each parameter."""
    z = encode(p, x)
    x_hat = decode(p, z)
    delta_d = (x_hat - x) / len(x)
    if loss == "squared error":
        delta_d = 2 * delta_d * x_hat * (1 - x_hat)
    delta_e = (delta_d @ p["W_d"]) * z * (1 - z)
    return {
        "W_e": delta_e.T @ x,
        "b_e": delta_e.sum(axis=0),
        "W_d": delta_d.T @ z,
        "b_d": delta_d.sum(axis=0),
    }


# %% [markdown]
# A gradient that is derived by hand is wrong until it is checked. The check needs no calculus: move one parameter by a tiny $\pm h$ and
# see how the loss changes, $\frac{\partial L}{\partial \theta} \approx \frac{L(\theta + h) - L(\theta - h)}{2h}$. We do it for all parameters, on eight examples.


# %%
def numerical_gradients(p, x, loss, h=1e-5):
    """Central differences, one parameter at a time."""
    result = {name: np.zeros_like(value) for name, value in p.items()}
    for name, value in p.items():
        for index in np.ndindex(value.shape):
            kept, both = value[index], []
            for step in (h, -h):
                value[index] = kept + step
                both.append(losses[loss](x, decode(p, encode(p, x))).mean())
            value[index] = kept
            result[name][index] = (both[0] - both[1]) / (2 * h)
    return result


# %% [markdown]
# Two sets of gradients agree if their largest difference is tiny.


# %%
def largest_difference(g, other):
    return max(np.abs(g[name] - other[name]).max() for name in g)


few = x_train[:8]
for loss in losses:
    difference = largest_difference(gradients(p, few, loss), numerical_gradients(p, few, loss))
    lesson.claim(
        f"{loss}: the derived gradient equals the numerical one, largest difference",
        difference,
        below=1e-6,
        fails_under="math",
    )

# %% [markdown]
# Would the check notice a mistake? Suppose that we forget $\hat x (1 - \hat x)$, a common slip. What remains is exactly twice the gradient of the cross-entropy, so we can reuse that code.

# %%
forgotten = {name: 2 * g for name, g in gradients(p, few, "cross-entropy").items()}
wrong = largest_difference(forgotten, numerical_gradients(p, few, "squared error"))
lesson.claim(
    "a forgotten factor is caught, largest difference", wrong, above=1e-2, fails_under="math"
)

# %% [markdown]
# TensorFlow derives gradients itself: inside a `GradientTape` it records every operation and then applies the chain rule backwards, as we just did.
# We write only the forward pass and the loss, and get the same numbers.


# %%
def tape_gradients(p, x, loss):
    """The gradients that TensorFlow derives, in float64."""
    v = {name: tf.Variable(value) for name, value in p.items()}
    with tf.GradientTape() as tape:
        z = tf.sigmoid(x @ tf.transpose(v["W_e"]) + v["b_e"])
        x_hat = tf.sigmoid(z @ tf.transpose(v["W_d"]) + v["b_d"])
        if loss == "squared error":
            per_example = tf.reduce_sum((x_hat - x) ** 2, axis=1)
        else:
            per_example = -tf.reduce_sum(
                x * tf.math.log(x_hat) + (1 - x) * tf.math.log(1 - x_hat), axis=1
            )
        value = tf.reduce_mean(per_example)
    return {name: g.numpy() for name, g in tape.gradient(value, v).items()}


for loss in losses:
    difference = largest_difference(gradients(p, few, loss), tape_gradients(p, few, loss))
    lesson.claim(
        f"{loss}: the derived gradient equals GradientTape's, largest difference",
        difference,
        below=1e-6,
        fails_under="math",
    )

# %% [markdown]
# ### Step 7: repeat
#
# *Gradient descent* moves each parameter against its gradient, $\theta \leftarrow \theta - \eta\, \partial L / \partial \theta$, with learning rate $\eta$. *Stochastic* gradient descent
# estimates the gradient on a small batch, so that it can take many steps per epoch. We stop when ten epochs improve the training loss by less than
# 0.3 % (`tolerance`), or after `max_epochs`.


# %%
def train(x, watched, loss, seed, learning_rate):
    """Run steps 1 and 3 to 7; return the parameters and both losses after each epoch."""
    rng = np.random.default_rng(seed)
    p = initialize(rng, x.shape[1], latent_dim)
    curve = []
    for _ in range(max_epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            g = gradients(p, x[order[start : start + batch_size]], loss)
            for name in p:
                p[name] -= learning_rate * g[name]
        curve.append([losses[loss](a, decode(p, encode(p, a))).mean() for a in (x, watched)])
        if len(curve) > 10 and curve[-11][0] - curve[-1][0] < tolerance * curve[-11][0]:
            break
    return p, np.array(curve)  # shape (epochs, 2)


p, curve = train(x_train, x_test, "squared error", seed=0, learning_rate=learning_rate)
x_hat_test = decode(p, encode(p, x_test))

# %% [markdown]
# A loss means nothing alone. Two baselines stand beside it: the mean training picture, the best that can be said without looking at the input; and PCA
# (principal component analysis, the best *linear* code) with the same 16 numbers per picture. All three are scored on held-out pictures.
#
# *Predict before you run.* Does our hand-written network beat PCA?

# %%
pca = PCA(latent_dim).fit(x_train)
mean_image = np.tile(x_train.mean(axis=0), (len(x_test), 1))
x_hat_pca = pca.inverse_transform(pca.transform(x_test))
error = {
    "mean": squared_error(x_test, mean_image).mean(),
    "PCA": squared_error(x_test, x_hat_pca).mean(),
}
over_seeds = []
for seed in seeds:
    p_seed, _ = train(x_train, x_test, "squared error", seed, learning_rate)
    over_seeds.append(squared_error(x_test, decode(p_seed, encode(p_seed, x_test))).mean())
fig = plotting.learning_curves(
    {"training, seed 0": curve[:, 0], "held out, seed 0": curve[:, 1]},
    ylabel="L, squared pixel units per image",
    references={"mean image": error["mean"], "PCA, held out": error["PCA"]},
    log=True,
)
plotting.show(
    fig,
    "Training and held-out loss against epoch on a logarithmic axis, close together. They start "
    "below the mean image's error, fall quickly, flatten, and end below the line of PCA.",
)

# %% [markdown]
# (The small jump at the end is the noise of small batches. It also triggered the stop.) The table has five seeds: five different initial weights and orders of the examples, chosen before any result was seen.

# %%
print("held-out L, squared pixel units per image")
print(f"  mean image        {error['mean']:.2f}")
print(f"  PCA, 16 numbers   {error['PCA']:.2f}")
spread = np.std(over_seeds, ddof=1)
print(f"  autoencoder       {np.mean(over_seeds):.2f} ± {spread:.2f} ({len(seeds)} seeds)")
margin = metrics.paired_margin([error["PCA"]] * len(seeds), over_seeds)
lesson.claim(
    "PCA's held-out error exceeds the autoencoder's, in standard deviations over the seeds",
    margin,
    above=1,
    digits=1,
    fails_under="no-training",
)
rows = {"input": x_test[:12], "autoencoder": x_hat_test[:12], "PCA": x_hat_pca[:12]}
plotting.show(
    plotting.image_rows({name: row.reshape(-1, 8, 8) for name, row in rows.items()}),
    "Twelve held-out digits in three rows: input, autoencoder, PCA. Both reconstructions are "
    "close to the input; "
    "PCA's backgrounds are a little less clean.",
)

# %% [markdown]
# It does, but by little: 1.6 standard deviations of the paired differences, where lesson 1 had 32. The sigmoid output knows that pixels end at 0 and 1, and PCA does not. The gap is small because a single layer can't do much
# that PCA can't. Lesson 4 asks what deeper networks add.
#
# **What breaking the rule of step 2 costs.** Now train the same network on standardized pixels. The losses are in different units, so we
# divide each by the loss of the mean image: 1 is no better than the mean image, 0 is perfect. For standardized data we can also compute a floor:
# the best any output in $[0, 1]$ could do is to clip, $\hat x_j = \min(\max(x_j, 0), 1)$.

# %%
p_s, _ = train(s_train, s_test, "squared error", seed=0, learning_rate=learning_rate)
variance = squared_error(s_test, np.zeros_like(s_test)).mean()
ratio_s = squared_error(s_test, decode(p_s, encode(p_s, s_test))).mean() / variance
floor_s = squared_error(s_test, np.clip(s_test, 0, 1)).mean() / variance
ratio_x = over_seeds[0] / error["mean"]
print(f"standardized: {ratio_s:.2f} of the mean's loss is left;", end=" ")
print(f"no output in [0, 1] gets below {floor_s:.2f}")
lesson.claim(
    "min-max: share of the mean's loss that is left",
    ratio_x,
    below=0.2,
    digits=2,
    fails_under="no-training",
)
lesson.claim(
    "standardized: loss above its floor, as a share of the mean's loss",
    ratio_s - floor_s,
    between=(0, 0.25),
    digits=2,
    fails_under="no-training",
)

# %% [markdown]
# On min-max scaled pixels about a seventh of the loss is left; on standardized ones about four fifths, nearly all of it because of the sigmoid's range.
# Lesson 3 meets this mistake in a well-known example.

# %% [markdown]
# ## The same in Keras (core)
#
# Keras writes a dense layer as `x @ kernel + bias`. So its **kernel is our weight matrix transposed**: shape $(D, d)$ for the encoder. We copy our weights over and
# compare the outputs, in float64.

# %%
p = initialize(np.random.default_rng(1), D, latent_dim)
encoder = keras.layers.Dense(latent_dim, activation="sigmoid", dtype="float64")
decoder = keras.layers.Dense(D, activation="sigmoid", dtype="float64")
autoencoder = keras.Sequential([keras.Input((D,), dtype="float64"), encoder, decoder])
encoder.set_weights([p["W_e"].T, p["b_e"]])
decoder.set_weights([p["W_d"].T, p["b_d"]])
print("encoder kernel", encoder.kernel.shape, "and our W_e", p["W_e"].shape)
keras_x_hat = autoencoder.predict(x_test, verbose=0)
lesson.claim(
    "Keras and NumPy reconstruct alike, largest difference",
    np.abs(keras_x_hat - decode(p, encode(p, x_test))).max(),
    below=1e-6,
    fails_under="math",
)

# %% [markdown]
# Now one step of gradient descent in both. Keras minimizes its `mse`, which is $L / D$, so its gradient is $D$ times smaller than ours. To arrive at the same place,
# Keras needs a learning rate $D$ times larger.

# %%
autoencoder.compile(keras.optimizers.SGD(learning_rate * D), loss="mse")
autoencoder.train_on_batch(x_train[:batch_size], x_train[:batch_size])
g = gradients(p, x_train[:batch_size], "squared error")
stepped = {name: p[name] - learning_rate * g[name] for name in p}
kernel_e, bias_e, kernel_d, bias_d = autoencoder.get_weights()
keras_p = {"W_e": kernel_e.T, "b_e": bias_e, "W_d": kernel_d.T, "b_d": bias_d}
lesson.claim(
    "one step moves Keras and NumPy to the same place, largest difference",
    largest_difference(stepped, keras_p),
    below=1e-6,
    fails_under="math",
)

# %% [markdown]
# So the `mse` in a tutorial and the $L$ in a paper differ in the number you read and, with plain gradient descent, in the learning rate that fits it. (The optimizer Adam, which lessons 1 and 3 use, divides each gradient by its own recent size. There a constant factor in the loss hardly matters.)

# %% [markdown]
# ## Two losses, two likelihoods (core)
#
# Why these two losses and not, say, the fourth power? Because each belongs to a familiar distribution. Read the decoder's output as the parameters of a distribution over inputs, and ask how probable it makes the actual input. This probability, or density, is the *likelihood*. We take the pixels as independent given $\hat x$, so that their
# probabilities multiply; since a product of 64 small numbers is awkward, one takes minus its logarithm, a sum, and makes that small.
#
# **Squared error is a Gaussian.** If pixel $j$ is drawn from a normal distribution with mean $\hat x_j$ and standard deviation $s$, then
#
# $$-\log p(x \mid \hat x) = \frac{1}{2 s^2} \lVert x - \hat x \rVert^2 + \frac{D}{2} \log (2 \pi s^2).$$
#
# Scaled by a constant, plus a constant: the same minimum.
#
# **Cross-entropy is a Bernoulli.** If pixel $j$ is black (1) with probability $\hat x_j$ and white (0) otherwise,
#
# $$-\log p(x \mid \hat x) = -\sum_j \left[ x_j \log \hat x_j + (1 - x_j) \log (1 - \hat x_j) \right].$$
#
# For pixels that are exactly 0 or 1 this *is* the cross-entropy. We check both against SciPy's distributions.

# %%
x_hat_test = decode(p, encode(p, x_test))
s = 0.2
gaussian = -stats.norm.logpdf(x_test, loc=x_hat_test, scale=s).sum(axis=1)
formula = squared_error(x_test, x_hat_test) / (2 * s**2) + D / 2 * np.log(2 * np.pi * s**2)
lesson.claim(
    "squared error is a Gaussian's negative log-likelihood, largest difference",
    np.abs(gaussian - formula).max(),
    below=1e-8,
    fails_under="math",
)
binary = (x_test > 0.5).astype(float)
bernoulli = -stats.bernoulli.logpmf(binary, x_hat_test).sum(axis=1)
lesson.claim(
    "cross-entropy is a Bernoulli's negative log-likelihood on binary pixels, largest difference",
    np.abs(bernoulli - cross_entropy(binary, x_hat_test)).max(),
    below=1e-8,
    fails_under="math",
)

# %% [markdown]
# ## Gray pixels have a floor (deeper)
#
# Our pixels are not binary. *Predict before you run:* a pixel is 0.3 and the reconstruction is exactly 0.3. What is its cross-entropy? Zero?

# %%
grid = np.concatenate([[1e-9, 1e-5], np.linspace(0.001, 0.999, 999)])
fig, ax = plt.subplots(figsize=(6.5, 3))
lowest = {}
for x_pixel in (0.0, 0.1, 0.3, 0.5):
    c = cross_entropy(np.full((len(grid), 1), x_pixel), grid[:, None])
    lowest[x_pixel] = grid[c.argmin()]
    (line,) = ax.plot(grid, c, label=f"x = {x_pixel}")
    ax.plot(grid[c.argmin()], c.min(), "o", color=line.get_color())
ax.set(xlabel="reconstruction of the pixel", ylabel="cross-entropy (nats)", ylim=(-0.1, 2))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), title="pixel")
plotting.show(
    fig,
    "Cross-entropy of one pixel against its reconstruction for pixel values 0, 0.1, 0.3 and "
    "0.5. Each curve is lowest where the "
    "reconstruction equals the pixel. Only the curve for 0 gets down to zero; the one for 0.5 "
    "ends at about 0.7 nats.",
)
lesson.claim(
    "each curve is lowest at the pixel's own value, largest distance",
    max(abs(position - x_pixel) for x_pixel, position in lowest.items()),
    below=0.0011,
    fails_under="math",
)

# %% [markdown]
# The minimum is in the right place, but it is not zero: for the pixel of 0.3 it is 0.61 nats. (All curves meet at $\hat x = 0.5$, where both logarithms are $\log 0.5$ and the pixel does not matter.) It is the pixel's entropy, $H(x) = -x \log x - (1 - x) \log (1 - x)$: a gray pixel is read as a coin, and nobody can predict a coin.
# Summed over the pixels, this entropy is the **floor of the cross-entropy**. A reported cross-entropy is only readable beside it. For our digits:


# %%
def entropy(x):
    """Entropy of each row's pixels read as coins, in nats, shape (n,)."""
    inside = np.clip(x, 1e-12, 1 - 1e-12)  # 0 log 0 = 0
    return cross_entropy(x, inside)


smaller = 0.4 * learning_rate  # the cross-entropy has larger gradients
p_c, _ = train(x_train, x_test, "cross-entropy", seed=0, learning_rate=smaller)
reached = cross_entropy(x_test, decode(p_c, encode(p_c, x_test))).mean()
floor = entropy(x_test).mean()
print(f"reached {reached:.1f} nats per image; floor, a perfect reconstruction: {floor:.1f}")
lesson.claim(
    "share of the trained network's cross-entropy that no model can remove",
    floor / reached,
    between=(0.8, 0.95),
    digits=2,
    fails_under="no-training",
)

# %% [markdown]
# Most of the loss that you would see on the screen is floor; less than 3 nats can be learned. A fall from 16.4 to 16.1 looks like 2 %, and is a tenth of what can be learned.
# The squared error has floor 0 here, which makes it easier to read.

# %% [markdown]
# ## From one layer to many (core)
#
# The example of lesson 3 stacks layers: each takes the previous one's output, $h_{l} = f_l(W_l h_{l-1} + b_l)$, with $h_0 = x$. Such a chain is a *multilayer perceptron*. The function
# $f_l$ is the layer's activation; besides the sigmoid there is the *rectified linear unit*, $\mathrm{ReLU}(a) = \max(a, 0)$, which is cheap and does not flatten for large inputs. The example of lesson 3 has the encoder
# $100 \to 64 \to 32$ and the decoder $32 \to 32 \to 64 \to 100$:
#
# | layer | shape of $W_l$ | parameters | output |
# | --- | --- | --- | --- |
# | encoder 1, ReLU | 64 × 100 | 6 464 | 64 |
# | encoder 2, ReLU: the code | 32 × 64 | 2 080 | 32 |
# | decoder 1, ReLU | 32 × 32 | 1 056 | 32 |
# | decoder 2, ReLU | 64 × 32 | 2 112 | 64 |
# | decoder 3, sigmoid | 100 × 64 | 6 500 | 100 |
#
# Each layer has $\text{inputs} \times \text{outputs} + \text{outputs}$ parameters. In code the composition is a loop.

# %%
sizes, activations = (64, 32, 32, 64, 100), ("relu",) * 4 + ("sigmoid",)
stack = keras.Sequential(
    [keras.Input((100,), dtype="float64")]
    + [
        keras.layers.Dense(n, activation=f, dtype="float64")
        for n, f in zip(sizes, activations, strict=True)
    ]
)
functions = {"relu": lambda a: np.maximum(a, 0), "sigmoid": sigmoid}
x_normal = np.random.default_rng(0).standard_normal((5, 100))
h = x_normal
for layer, name in zip(stack.layers, activations, strict=True):
    kernel, bias = layer.get_weights()
    h = functions[name](h @ kernel + bias)
print("parameters:", stack.count_params())
lesson.claim(
    "the loop over layers equals the Keras model, largest difference",
    np.abs(h - stack.predict(x_normal, verbose=0)).max(),
    below=1e-6,
    fails_under="math",
)

# %% [markdown]
# The gradient needs nothing new: the step "through the code" repeats once per layer, with that layer's own derivative in place of $z \odot (1 - z)$. This repetition is
# *back-propagation* (Rumelhart, Hinton and Williams 1986).

# %% [markdown]
# ## Change one thing
#
# Begin the lesson with `lesson.begin(2, strict=False)`, so that claims that no longer hold are reported and do not stop you. Edit the parameters at the top, run all cells again, and compare with what you expected.
# - `learning_rate = 5.0`: expect the loss to jump about or stall; the sigmoids are pushed into their flat ends, where the gradient vanishes.
# - `latent_dim = 4`: expect a larger error for PCA and for the network. Which loses more?
# - `batch_size = 512`: each step is more exact, but there are fewer steps per epoch. Expect slower progress.

# %% [markdown]
# ## Exercises
#
# Each exercise shows its task, takes your answer in the next cell, and checks it. `.hint()` gives a hint, then a stronger one; `.solution()` shows one way to do it.

# %%
from aetutorial.exercises import lesson02

lesson02.units.prompt()

# %%
answer = None  # your number
lesson02.units.check(answer)

# %%
lesson02.output_delta.prompt()


# %%
def output_delta(x, x_hat, weights): ...  # your lines


lesson02.output_delta.check(output_delta)

# %%
lesson02.convergence.prompt()


# %%
def converged(curve, patience, tolerance): ...  # your lines


lesson02.convergence.check(converged)

# %%
lesson02.tied.prompt()


# %%
def tied_gradient(W, b_e, b_d, x): ...  # your lines


lesson02.tied.check(tied_gradient)

# %%
lesson02.coin_floor.prompt()


# %%
def excess(x, x_hat): ...  # your lines


lesson02.coin_floor.check(excess)

# %% [markdown]
# ## What you now know
#
# - The algorithm has seven steps, and each is a line or two of NumPy.
# - Gradients are checked, not trusted: central differences need no calculus and caught a forgotten factor.
# - $L$ (sum over features) is $D$ times Keras's `mse` (mean over features), and with plain gradient descent the learning rate scales along.
# - Scale the data to what the output layer can reach.
# - Squared error is the negative log-likelihood of a Gaussian, cross-entropy that of a Bernoulli distribution, with a floor above zero on gray pixels.
#
# **In practice**, nobody writes gradients by hand any more. But whoever can check one can find out why a model does not train.
#
# ## References
#
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by back-propagating errors. *Nature* 323, 533–536.
# - X. Glorot, Y. Bengio (2010). Understanding the difficulty of training deep feedforward neural networks. *AISTATS*, PMLR 9, 249–256.
# - I. Goodfellow, Y. Bengio, A. Courville (2016). *Deep Learning*, chapters 6 and 14. MIT Press.
# - C. M. Bishop (2006). *Pattern Recognition and Machine Learning*, section 5.2 (error functions as likelihoods). Springer.
#
# Next: [lesson 3, the Keras example](03_keras_example.ipynb), where a well-known little program turns out to lose against PCA.
