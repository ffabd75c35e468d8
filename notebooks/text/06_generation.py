# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6 · Generation: a code one can draw from
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/06_generation.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/06_generation.ipynb)
#
# **Reading** 70 min · **working through** 120 min · **runs in** 100 s<!-- times -->
#
# **You will be able to**
# - say why the codes of a plain autoencoder are hard to draw from, and what helps without retraining;
# - derive the objective of the variational autoencoder in two ways, and check each line by numbers;
# - write a variational autoencoder in Keras, train it, save it, and recognize the usual mistakes by their numbers;
# - look into a code: maps, grids, paths between pictures, directions with a meaning, each with a control;
# - choose the weight between reconstruction and code, and say what it stands for;
# - make the decoder draw the digit that you name, and measure how often it obeys.
#
# **You need** lessons [1](01_concepts.ipynb), [2](02_formulas.ipynb) (losses as likelihoods) and [3](03_keras_example.ipynb), and what a density, an expectation and a logarithm are.
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

lesson.begin(6)  # seeds, a quiet start of TensorFlow, the plot style

import os
import subprocess
import sys
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops
from scipy.stats import norm
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

# %% tags=["parameters"]
latent_dim = 16
epochs = 12
learning_rate = 0.004
seeds = range(3)

# %% [markdown]
# An autoencoder has a decoder, and a decoder makes pictures out of codes. So give it a *new* code, and there is a new picture. Which code? That is the question of this lesson.
#
# ## Pictures of black and white (core)
#
# The data are the digits of lesson 1, made binary. Each gray value $g$ in $[0, 1]$ is taken as a probability: the pixel becomes 1 with probability $g$, else 0. It is drawn **once**, with a fixed seed, as Salakhutdinov and Murray did (2008).
#
# Why? Because we are going to speak of probabilities of pictures. If a decoder says "this pixel is 1 with probability 0.9", then a pixel that is 1 costs $-\log 0.9$ and one that is 0 costs $-\log 0.1$, and their sum over the 784 pixels is minus the logarithm of the probability of the picture: a quantity with a meaning and a unit, the nat. For gray values the same formula can be computed and is often trained on, but it is no longer the logarithm of any probability (Loaiza-Ganem and Cunningham 2019).

# %%
mnist = data.load("mnist")


def binarized(x, seed):
    """Draw each pixel: 1 with the probability that its gray value says, else 0."""
    u = np.random.default_rng(seed).random(x.shape)
    return (u < x).astype("float32")


x_binary = binarized(mnist.x_train.reshape(-1, 784), seed=0)
x_train, x_val = x_binary[:9000], x_binary[9000:]
x_test = binarized(mnist.x_test.reshape(-1, 784), seed=1)
y_train, y_test = mnist.y_train[:9000], mnist.y_test
print("training", x_train.shape, "validation", x_val.shape, "test", x_test.shape)
rows = {"gray": mnist.x_test[:10], "binary": x_test[:10].reshape(-1, 28, 28)}
plotting.show(
    plotting.image_rows(rows),
    "Ten digits, gray and binary. The binary ones have frayed edges, because gray pixels fell to "
    "black or white by chance; all can be read.",
)

# %% [markdown]
# ## Why the codes of a plain autoencoder are hard to draw from (core)
#
# First a plain autoencoder: 784 pixels, 256 units, a code of `latent_dim` = 16, and back. The decoder returns **logits**: numbers $a$ from which $p = 1/(1 + e^{-a})$ is the probability that a pixel is 1. The loss is the negative log-likelihood of a picture, a sum over pixels, in nats:
#
# $$-\log p(x \mid z) = \sum_{i=1}^{784} \bigl[\operatorname{softplus}(a_i) - x_i\, a_i\bigr], \qquad \operatorname{softplus}(a) = \log(1 + e^a).$$
#
# For $x_i = 1$ the bracket is $\log(1 + e^a) - a = -\log p$, for $x_i = 0$ it is $\log(1+e^a) = -\log(1 - p)$: the cross-entropy of lesson 2. With logits no logarithm of 0 can occur.
#
# `parts` makes the encoder and the decoder of the whole lesson. An encoder with one head returns the code; the second head will be needed later.


# %%
def negative_log_likelihood(x, logits):
    nats = ops.softplus(logits) - ops.cast(x, logits.dtype) * logits
    return ops.sum(nats, axis=list(range(1, len(nats.shape))))


def parts(latent_dim, heads):
    """An encoder with one or two outputs of latent_dim numbers, and a decoder to logits."""
    dense = keras.layers.Dense
    x, z = keras.Input((784,)), keras.Input((latent_dim,))
    hidden = dense(256, activation="relu")(x)
    codes = [dense(latent_dim)(hidden) for _ in range(heads)]
    encoder = keras.Model(x, codes if heads > 1 else codes[0])
    hidden = dense(256, activation="relu")(z)
    return encoder, keras.Model(z, dense(784)(hidden))


def adam():
    """Adam; the step size falls to 0 along half a cosine wave."""
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * 90)
    return keras.optimizers.Adam(schedule)


encoder, decoder = parts(latent_dim, heads=1)
z = encoder(x_test[:5])
print("x", x_test[:5].shape, "-> z", z.shape, "-> logits", decoder(z).shape)
print("loss", negative_log_likelihood(x_test[:5], decoder(z)).shape, "one per picture, in nats")

# %% [markdown]
# All models of the lesson are trained in the same way: batches of 100, so 90 steps an epoch, with 1,000 validation pictures looked at after each. (`jit=False` leaves out the compiler XLA: trainings as short as these gain little by it.)


# %% tags=["nbval-ignore-output"]
how = {"epochs": epochs, "batch_size": 100, "progress": False, "jit": False}


def train_plain(latent_dim):
    keras.utils.set_random_seed(0)
    encoder, decoder = parts(latent_dim, heads=1)
    autoencoder = keras.Model(encoder.input, decoder(encoder.output))
    autoencoder.compile(adam(), loss=negative_log_likelihood)
    history = training.fit(autoencoder, x_train, validation_data=x_val, **how).history
    print(f"code of {latent_dim}: {history['val_loss'][-1]:.0f} nats on validation pictures")
    return encoder, decoder, history["val_loss"][-1]


encoder, decoder, plain_loss = train_plain(latent_dim)
encoder_2, decoder_2, _ = train_plain(2)

# %% [markdown]
# To draw a code we need a distribution of codes. Three candidates:
#
# - **standard normal**: 16 independent normal numbers of mean 0 and variance 1, written $N(0, I)$. It's what one tries first;
# - **fitted Gaussian**: mean and covariance matrix of the training codes;
# - **mixture of Gaussians**, fitted to the training codes. The number of components is the one under which the validation codes are most probable.
#
# *Predict before you run:* which of the three gives digits?

# %%
rng = np.random.default_rng(0)


def draws_of_code(z_train, z_val, n):
    """Fit to training codes; return n draws of three distributions, and the mixture's size."""
    z_train, z_val = z_train.astype("float64"), z_val.astype("float64")
    fits = [
        GaussianMixture(k, tol=0.01, reg_covar=1e-3, random_state=0).fit(z_train)
        for k in (1, 5, 10, 20)
    ]
    best = max(fits, key=lambda fit: fit.score(z_val))
    draws = {
        "standard normal": rng.standard_normal((n, z_train.shape[1])),
        "fitted Gaussian": rng.permutation(fits[0].sample(n)[0]),
        "mixture": rng.permutation(best.sample(n)[0]),
    }
    return {name: z.astype("float32") for name, z in draws.items()}, best.n_components


def pictures(decoder, z):
    """Return the probability of each pixel, as pictures."""
    return np.asarray(ops.sigmoid(decoder(z))).reshape(-1, 28, 28)


# %%
z_train, z_val, z_test = (encoder.predict(x, verbose=0) for x in (x_train, x_val, x_test))
draws, components = draws_of_code(z_train, z_val, n=9000)
rows = {name: pictures(decoder, z[:12]) for name, z in draws.items()}
rows["codes of test pictures"] = pictures(decoder, z_test[:12])
plotting.show(
    plotting.image_rows(rows),
    "Four rows of twelve pictures. Codes from the standard normal give pale gray smears. "
    "The fitted Gaussian gives broken strokes, a few of them digits. The mixture gives "
    "mostly readable digits with faults. Codes of test pictures give clean digits.",
)

# %% [markdown]
# The standard normal gives pale smears, the fitted Gaussian fragments, and the mixture something that can mostly be read. The last row shows what the decoder can do if the code is that of a real picture. With a code of 2 one can see why.

# %%
z_train_2, z_val_2, z_test_2 = (encoder_2.predict(x, verbose=0) for x in (x_train, x_val, x_test))
draws_2, _ = draws_of_code(z_train_2, z_val_2, n=1000)
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharex=True, sharey=True)
for ax, (name, z) in zip(axes, draws_2.items(), strict=True):
    ax.scatter(*z_train_2.T, s=1, color="0.75", label="training codes")
    color = plotting.color("code")
    ax.scatter(*z[:300].T, s=9, marker="x", linewidth=0.8, color=color, label="draws")
    ax.set(title=name, xlabel="$z_1$")
axes[0].set_ylabel("$z_2$")
axes[2].legend(loc="upper left", markerscale=3)
plotting.show(
    fig,
    "Three maps of the same training codes: two bands that bend around a thinly populated "
    "region. Draws of the standard normal fill one small spot of the map, those of the fitted "
    "Gaussian spread over codes and empty space alike, those of the mixture mostly lie on the "
    "bands.",
)

# %% [markdown]
# The codes lie where training happened to put them: in two bands some thirty units long, with few codes between them. Nothing in the loss asked for anything else: it pays for good reconstructions, and one place is as good as another. The standard normal meets one spot of all this. The Gaussian has the right width, and a large part of it lies where no picture ever was.
#
# Two numbers say how well draws fit the codes. Take as yardstick the distance that 95 % of the *validation* codes keep to their nearest training code.
#
# - **In holes**: the share of draws farther from every training code than that. Validation codes: 5 % by construction.
# - **Covered**: the share of test codes that have a draw within that distance. (9,000 draws, as many as there are training codes, so that test codes would reach about 95 % if the draws were as good as training codes.)


# %% tags=["nbval-ignore-output"]
def holes_and_cover(z_train, z_val, z_test, draws):
    """Return the share of draws in holes, and the share of test codes that have a draw near."""
    near = NearestNeighbors(n_neighbors=1).fit(z_train)
    limit = np.quantile(near.kneighbors(z_val)[0], 0.95)
    in_holes = np.mean(near.kneighbors(draws)[0] > limit)
    to_draw = NearestNeighbors(n_neighbors=1).fit(draws).kneighbors(z_test)[0]
    return {"holes": float(in_holes), "covered": float(np.mean(to_draw <= limit))}


fit_16 = {name: holes_and_cover(z_train, z_val, z_test, z) for name, z in draws.items()}
real = holes_and_cover(z_train, z_val, z_test, z_train)["covered"]
near = holes_and_cover(z_train, z_val, z_test, z_test)["holes"]
print(f"{'':18s}   in holes   test codes covered")
for name, value in fit_16.items():
    print(f"{name:18s}{value['holes']:10.0%}{value['covered']:15.0%}")
print(f"{'real codes':18s}{near:10.0%}{real:15.0%}")

# %% [markdown]
# (Last row: test codes in the first column, the training codes themselves as draws in the second.)
#
# The standard normal is never in a hole and yet useless: all of its draws lie in the middle of the codes and cover 4 % of them. The Gaussian covers half and wastes two thirds of its draws. The mixture does well on both counts, and costs a second fit. A plain autoencoder with a density fitted to its codes afterwards *is* a generator (Ghosh and others 2020), and lesson 7 will measure it beside the others.
#
# So the statement "one can't sample from an autoencoder" is too strong. What is true: nobody knows beforehand where its codes are, and a second model has to find out. The rest of this lesson makes the distribution of the codes part of the training.

# %%
lesson.claim(
    "loss of the plain autoencoder on validation pictures, in nats",
    plain_loss,
    between=(70, 90),
    fails_under="no-training",
)
lesson.claim(
    "share of test codes covered by draws from the standard normal",
    fit_16["standard normal"]["covered"],
    between=(0.01, 0.1),
    fails_under="no-training",
)
lesson.claim(
    "in holes: the fitted Gaussian's share minus the mixture's",
    fit_16["fitted Gaussian"]["holes"] - fit_16["mixture"]["holes"],
    above=0.3,
    fails_under="no-training",
)

# %% [markdown]
# ## The evidence lower bound, derived twice (core)
#
# So let us *ask* for a distribution of codes. We say beforehand how a picture comes about:
#
# 1. a code is drawn from the **prior** $p(z)$, the standard normal;
# 2. a picture is drawn from $p(x \mid z)$, which the decoder says.
#
# The probability of a picture is then the mean over all codes, $p(x) = \int p(x \mid z)\, p(z)\, dz$, and training should make $\log p(x)$ large. But the integral runs over 16 dimensions, and nearly all codes give the picture no probability worth mentioning. The codes that matter for this picture are the **posterior** $p(z \mid x) = p(x \mid z)\,p(z) / p(x)$, and to know them we would need $p(x)$.
#
# The way out: let the encoder guess the posterior. For each picture it returns a distribution $q(z \mid x)$, normal, with its own mean and variance; we write $q(z)$ for short. Then, twice the same bound.
#
# **By Jensen's inequality.** Multiply and divide by $q$, so that the integral becomes an expectation over $q$; and the logarithm of a mean is at least the mean of the logarithms:
#
# $$\log p(x) = \log \mathbb{E}_{q}\!\left[\frac{p(x \mid z)\, p(z)}{q(z)}\right] \;\ge\; \mathbb{E}_{q}\!\left[\log \frac{p(x \mid z)\, p(z)}{q(z)}\right] = \underbrace{\mathbb{E}_q[\log p(x \mid z)]}_{-\text{distortion}} - \underbrace{\mathbb{E}_q\!\left[\log \frac{q(z)}{p(z)}\right]}_{\text{rate}}.$$
#
# The right-hand side is the **ELBO**, the evidence lower bound (evidence is another name for $p(x)$). The **distortion** is what the reconstruction costs. The **rate** is the Kullback–Leibler divergence $\text{KL}(q \,\Vert\, p)$: how far $q$ is from the prior, in nats; it is what the code costs. A divergence is never negative: Jensen again, with $-\log$.
#
# **By the posterior.** $\log p(x)$ doesn't depend on $z$, so it is its own expectation over $q$; then Bayes' rule, then $q$ multiplied and divided:
#
# $$\log p(x) = \mathbb{E}_q\!\left[\log \frac{p(x \mid z)\, p(z)}{p(z \mid x)}\right] = \underbrace{\mathbb{E}_q\!\left[\log \frac{p(x \mid z)\, p(z)}{q(z)}\right]}_{\text{ELBO}} + \underbrace{\mathbb{E}_q\!\left[\log \frac{q(z)}{p(z \mid x)}\right]}_{\text{KL}(q \,\Vert\, \text{posterior}) \;\ge\; 0}.$$
#
# The first says that it is a bound. The second says what is missing: the divergence of the guess from the true posterior. Pushing the ELBO up makes the data more probable, or the guess better, or both.
#
# Both are checked where everything is known. Let the code be one number and the picture three, $x = W z + b + \sigma \varepsilon$, $\varepsilon$ standard normal. Then $p(x)$ is normal with covariance $W W^\top + \sigma^2 I$, and the posterior is normal with variance $v = 1 / (1 + W^\top W / \sigma^2)$ and mean $v\, W^\top (x - b) / \sigma^2$. Below, the functions are the terms above. One step is hidden in `elbo`: $\mathbb{E}_q \lVert x - b - W z \rVert^2 = \lVert x - b - W \mu \rVert^2 + W^\top W s^2$, so the expectation of $\log p(x \mid z)$ is its value at the mean $\mu$, less $W^\top W s^2 / 2 \sigma^2$.

# %%
W, b, sigma = np.array([1.0, -0.5, 2.0]), np.array([0.3, 0.0, -1.0]), 0.7
x_toy = np.array([1.5, -0.2, 0.6])
covariance = np.outer(W, W) + sigma**2 * np.eye(3)
log_px = -0.5 * (x_toy - b) @ np.linalg.solve(covariance, x_toy - b)
log_px -= 0.5 * np.log(np.linalg.det(2 * np.pi * covariance))
post_var = 1 / (1 + W @ W / sigma**2)
post_mean = post_var * W @ (x_toy - b) / sigma**2


def log_likelihood(z):  # log p(x | z), for z of shape (n,)
    return norm.logpdf(x_toy, b + np.outer(z, W), sigma).sum(axis=1)


def divergence(mean, var, other_mean, other_var):  # KL between two normal distributions
    ratio = var / other_var
    return 0.5 * (ratio + (mean - other_mean) ** 2 / other_var - 1 - np.log(ratio))


def elbo(mean, std):  # -distortion - rate, with the expectation worked out
    expected = log_likelihood(np.array([mean]))[0] - 0.5 * W @ W * std**2 / sigma**2
    return expected - divergence(mean, std**2, 0, 1)


print(f"log p(x) = {log_px:.4f}; posterior: mean {post_mean:.4f}, std {post_var**0.5:.4f}")

# %% [markdown]
# *Predict before you run:* at which mean and which standard deviation of $q$ is the ELBO largest, and how far below $\log p(x)$ is it there?

# %%
gaps = []
for mean, std in [(0.0, 1.0), (post_mean, 0.1), (-0.8, 0.5), (2.0, 1.5)]:
    missing = divergence(mean, std**2, post_mean, post_var)
    gaps.append(elbo(mean, std) + missing - log_px)
    print(f"q ({mean:5.2f}, {std:.1f}): {elbo(mean, std):8.4f} + {missing:.4f} = log p(x)")
z = -0.8 + 0.5 * np.random.default_rng(0).standard_normal(400_000)
log_ratio = log_likelihood(z) + norm.logpdf(z) - norm.logpdf(z, -0.8, 0.5)
fig, axes = plt.subplots(1, 2, figsize=(8, 3.1), sharey=True)
curves = {
    "mean of q": [(m, elbo(m, post_var**0.5)) for m in np.linspace(-0.4, 1.4, 50)],
    "standard deviation of q": [(s, elbo(post_mean, s)) for s in np.linspace(0.08, 0.8, 50)],
}
best = {"mean of q": post_mean, "standard deviation of q": post_var**0.5}
for ax, (name, curve) in zip(axes, curves.items(), strict=True):
    ax.plot(*np.array(curve).T, label="ELBO")
    ax.axhline(log_px, color="0.3", linestyle="--", label="log p(x)")
    ax.axvline(best[name], color="0.6", linestyle=":", label="true posterior")
    ax.set(xlabel=name, ylim=(log_px - 6, log_px + 0.6))
axes[0].set_ylabel("nats")
axes[1].legend(loc="lower right")
plotting.show(
    fig,
    "The ELBO against the mean of q and against its standard deviation. Two hills below a "
    "horizontal line, log p(x), which they touch at the mean and deviation of the true posterior.",
)

# %%
lesson.claim(
    "ELBO + KL(q || posterior) minus log p(x), largest of four q",
    max(map(abs, gaps)),
    below=1e-8,
    fails_under="math",
)
lesson.claim(
    "Jensen: log of the mean ratio minus mean of its log, over 400,000 draws",
    np.log(np.mean(np.exp(log_ratio - log_px))) + log_px - log_ratio.mean(),
    above=0,
    fails_under="math",
)
lesson.claim(
    "mean of the log ratio minus the ELBO's formula, in standard errors",
    abs(log_ratio.mean() - elbo(-0.8, 0.5)) / (log_ratio.std() / len(z) ** 0.5),
    below=4.5,
    fails_under="math",
)

# %% [markdown]
# The ELBO is a hill under a ceiling, and touches it where $q$ is the posterior. Here $q$ can be the posterior, since both are normal. With a network as decoder the posterior has some other shape, and a gap remains.
#
# ### The rate in closed form
#
# For a normal $q$ with means $\mu$ and variances $s^2$, independent across the dimensions, and a standard normal prior, the rate needs no sampling:
#
# $$\text{KL}(q \,\Vert\, p) = \tfrac12 \sum_{j=1}^{d} \bigl(\mu_j^2 + s_j^2 - 1 - \log s_j^2\bigr).$$
#
# (`divergence` above, with `other_mean` 0 and `other_var` 1, summed over the dimensions.) The encoder doesn't return $s$, which would have to stay positive, but its logarithm doubled: `z_log_var` $= \log s^2$, which may be any number. 0 means variance 1.


# %%
def kl_to_prior(z_mean, z_log_var):
    return 0.5 * ops.sum(ops.square(z_mean) + ops.exp(z_log_var) - 1 - z_log_var, axis=1)


mean, log_var = np.array([[0.5, -1.0, 2.0]]), np.array([[0.3, -2.0, 1.0]])
std = np.exp(0.5 * log_var)
z = mean + std * np.random.default_rng(1).standard_normal((400_000, 3))
log_ratio = (norm.logpdf(z, mean, std) - norm.logpdf(z)).sum(axis=1)
closed = float(kl_to_prior(mean, log_var)[0])
print(f"closed form {closed:.3f} nats, mean over draws {log_ratio.mean():.2f}")
lesson.claim(
    "mean of log q - log p over draws minus the closed form, in standard errors",
    abs(log_ratio.mean() - closed) / (log_ratio.std() / len(z) ** 0.5),
    below=4.5,
    fails_under="math",
)

# %% [markdown]
# ### A gradient through a random number
#
# The distortion is an expectation over draws from $q$, and the gradient must reach the mean and the variance of $q$, that is, the encoder. But a drawn number has no derivative. Two ways, for $\mathbb{E}_q[f(z)]$ with $f(z) = \log p(x \mid z)$:
#
# - **Reparameterize.** Write the draw as $z = \mu + s\, \varepsilon$ with $\varepsilon$ standard normal. Now chance sits in $\varepsilon$, which does not depend on the encoder, and $z$ can be differentiated: $\;\nabla_\mu \mathbb{E}[f] = \mathbb{E}[f'(\mu + s\, \varepsilon)]$.
# - **Score function** (Williams 1992). Differentiate the density instead. Since $\nabla q = q\, \nabla \log q$ and $\nabla_\mu \log q(z) = (z - \mu)/s^2 = \varepsilon / s$, we have $\;\nabla_\mu \mathbb{E}[f] = \mathbb{E}[f(z)\, \nabla_\mu \log q(z)] = \mathbb{E}[f(z)\, \varepsilon / s]$. It needs no derivative of $f$.
#
# Both are right on average. *Predict before you run:* which has the smaller variance? In the toy the exact gradient is known, $W^\top (x - b - W \mu) / \sigma^2$.

# %%
m, s, epsilon = 0.2, 0.4, np.random.default_rng(2).standard_normal(100_000)
z = m + s * epsilon
by_path = (x_toy - b - np.outer(z, W)) @ W / sigma**2  # f'(z)
by_score = log_likelihood(z) * epsilon / s
exact = (x_toy - b - W * m) @ W / sigma**2
deviations = []
for name, each in (("reparameterized", by_path), ("score function", by_score)):
    deviations.append(abs(each.mean() - exact) / (each.std() / len(z) ** 0.5))
    print(f"{name:16s}: mean {each.mean():.1f} (exact {exact:.1f}), variance {each.var():.0f}")
lesson.claim(
    "largest deviation of the two means from the exact gradient, in standard errors",
    max(deviations),
    below=4.5,
    fails_under="math",
)

# %% [markdown]
# Even with one number as code the score function has more than twenty times the variance. We shall look again when there is a trained decoder.
#
# ## A variational autoencoder in Keras (core)
#
# A **variational autoencoder** (VAE; Kingma and Welling 2014, Rezende, Mohamed and Wierstra 2014) is: an encoder with two heads, a draw, a decoder, and minus the ELBO as loss,
#
# $$\text{loss} = \underbrace{-\log p(x \mid z)}_{\text{distortion}} + \beta \cdot \underbrace{\text{KL}(q \,\Vert\, p)}_{\text{rate}}, \qquad z = \mu + s\, \varepsilon, \qquad \beta = 1 \text{ for now.}$$
#
# Each part of the class has a reason.
#
# - `sample`: the reparameterized draw. $s = e^{\frac12 \log s^2}$, hence `exp(0.5 * z_log_var)`. One draw per picture and step is enough: the batches average.
# - `keras.random.SeedGenerator`: a generator that belongs to the model, so that each step draws new noise, and the seed decides which. `keras.ops` instead of a framework's own functions: the class runs on TensorFlow, JAX and PyTorch.
# - `compute_loss`: Keras calls it in training and in validation alike, with what `call` returned. So the loss is written once; a loss written into a custom training step is easily forgotten in validation.
# - `distortion`, `rate`: two running means, for Keras to report beside the loss.
# - `get_config`, `from_config`, and the decorator: what Keras must know to save a model and load it.


# %%
@keras.saving.register_keras_serializable("aetutorial")
class VAE(keras.Model):
    def __init__(self, encoder, decoder, beta=1.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.beta, self.seed = beta, seed
        self.random = keras.random.SeedGenerator(seed)
        self.distortion = keras.metrics.Mean("distortion")
        self.rate = keras.metrics.Mean("rate")

    def sample(self, z_mean, z_log_var):
        noise = keras.random.normal(ops.shape(z_mean), seed=self.random)
        return z_mean + ops.exp(0.5 * z_log_var) * noise

    def call(self, x):
        z_mean, z_log_var = self.encoder(x)
        logits = self.decoder(self.sample(z_mean, z_log_var))
        return {"logits": logits, "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        distortion = negative_log_likelihood(x, y_pred["logits"])
        rate = kl_to_prior(y_pred["z_mean"], y_pred["z_log_var"])
        self.distortion.update_state(distortion)
        self.rate.update_state(rate)
        return ops.mean(distortion + self.beta * rate)

    def get_config(self):
        parts = {"encoder": self.encoder, "decoder": self.decoder}
        stored = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return {**super().get_config(), **stored, "beta": self.beta, "seed": self.seed}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})


# %%
def train_vae(latent_dim, beta, seed):
    """Build a VAE from the seed and train it; its `history` holds the learning curves."""
    keras.utils.set_random_seed(seed)
    vae = VAE(*parts(latent_dim, heads=2), beta=beta, seed=seed)
    vae.compile(adam())
    training.fit(vae, x_train, validation_data=x_val, seed=seed, **how)
    return vae


vae = train_vae(latent_dim, beta=1.0, seed=0)
for name, value in vae(x_test[:5]).items():
    print(f"{name:10s}", value.shape)
history = vae.history.history
curves = {"-ELBO": history["loss"], "-ELBO, validation": history["val_loss"]}
for part in ("distortion", "rate"):
    curves |= {part: history[part], f"{part}, validation": history[f"val_{part}"]}
plotting.show(
    plotting.learning_curves(curves, ylabel="nats per picture"),
    "Six curves against epochs: minus the ELBO, distortion and rate, each in training and "
    "validation. The first two fall steeply and flatten from epoch eight on, validation "
    "ending a few nats above training; the rate rises slowly to about 22 nats and stays.",
)

# %% [markdown]
# How to read it. The distortion falls, because the reconstructions improve, and the rate rises, because that costs code. The sum is what counts: it ends near 115 nats on validation pictures, of which 22 are rate. Training is two or three nats lower. (At first it is higher: its values are means over an epoch in which the weights still improve.) And the plain autoencoder came to 80 nats, with the same networks? It pays no rate. Nobody asked what its codes would cost under a prior, so the two losses must not be compared.
#
# The same model trains with Keras's own loop; there `validation_data` is a pair, with `None` for the targets that we don't have. Three epochs, to see that it works.

# %%
keras.utils.set_random_seed(0)
by_keras = VAE(*parts(latent_dim, heads=2))
by_keras.compile(adam())
plain = by_keras.fit(
    x_train, epochs=3, batch_size=100, validation_data=(x_val, None), verbose=0
).history
final = {name: history[f"val_{name}"][-1] for name in ("loss", "distortion", "rate")}
for text, value, bounds in (
    ("-ELBO on validation pictures, in nats", final["loss"], (105, 122)),
    ("of which rate", final["rate"], (17, 28)),
    ("-ELBO after 3 epochs of Keras's own loop", plain["val_loss"][-1], (115, 150)),
    ("-ELBO after 3 epochs of training.fit", history["val_loss"][2], (115, 150)),
):
    lesson.claim(text, value, between=bounds, fails_under="no-training")

# %% [markdown]
# ### Saving, and loading elsewhere
#
# A model is worth saving only if another program can load it. We save it, start a *fresh* Python process that knows nothing of this notebook but the package (whose `models` module holds the class above), load it there, and compare.

# %%
program = """
import sys, keras, numpy as np
import aetutorial.models
vae = keras.saving.load_model(sys.argv[1])
z_mean, z_log_var = vae.encoder(np.load(sys.argv[2]))
np.savez(sys.argv[3], z_mean=z_mean, logits=vae.decoder(z_mean))
"""
with tempfile.TemporaryDirectory() as folder:
    names = [os.path.join(folder, name) for name in ("vae.keras", "x.npy", "there.npz")]
    vae.save(names[0])
    np.save(names[1], x_test[:100])
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program, *names]
    subprocess.run(command, env=os.environ | path, capture_output=True, check=True)
    with np.load(names[2]) as stored:
        there = dict(stored)
z_mean, _ = vae.encoder(x_test[:100])
here = {"z_mean": z_mean, "logits": vae.decoder(z_mean)}
lesson.claim(
    "largest difference of z_mean and logits, here and in the other process",
    max(np.abs(there[name] - here[name]).max() for name in here),
    below=1e-4,
    fails_under="math",
)

# %% [markdown]
# Encoder and decoder come back as they were. What doesn't come back is the state of the noise: Keras doesn't save a generator's state, so a loaded model draws again from where its seed begins. Whoever goes on training after loading should give it a new seed.
#
# ### The gradient again
#
# Now with a trained decoder, 16 dimensions, one test picture, and 10,000 draws from its $q$. A common repair of the score function is included: subtract the mean of $f$ from $f$, a **baseline**, which changes nothing on average because $\varepsilon$ has mean 0.

# %%
z_mean, z_log_var = vae.encoder(x_test[:1])
std = np.exp(0.5 * np.asarray(z_log_var))
epsilon = np.random.default_rng(0).standard_normal((10_000, latent_dim)).astype("float32")
z = tf.constant(np.asarray(z_mean) + std * epsilon)
with tf.GradientTape() as tape:
    tape.watch(z)
    f = -negative_log_likelihood(x_test[:1], vae.decoder(z))
    total = tf.reduce_sum(f)
by_path, f = tape.gradient(total, z).numpy(), f.numpy()[:, None]
estimators = {
    "reparameterized": by_path,
    "score function": f * epsilon / std,
    "score function, baseline": (f - f.mean()) * epsilon / std,
}
variance = {name: each.var(axis=0).sum() for name, each in estimators.items()}
ratio = {name: value / variance["reparameterized"] for name, value in variance.items()}
deviation = estimators["score function, baseline"].mean(axis=0) - by_path.mean(axis=0)
spread = np.sqrt(estimators["score function, baseline"].var(axis=0) / len(f))
text = "means of the two estimators, largest difference in standard errors"
lesson.claim(text, np.max(np.abs(deviation) / spread), below=5, fails_under="math")
text = "score function: variance over that of reparameterization"
lesson.claim(text, ratio["score function"], between=(2000, 40_000), fails_under="no-training")
text = "score function: variance without the baseline over variance with it"
gain = ratio["score function"] / ratio["score function, baseline"]
lesson.claim(text, gain, between=(200, 3000), fails_under="no-training")

# %% [markdown]
# This is the gradient with respect to the 16 means, their variances added up. The score function has thousands of times the variance of reparameterization, with the baseline still some ten times. That is why VAEs are trained by reparameterization: to make up for a variance ten times as large one needs ten times as many draws. (The score function remains the tool where $f$ has no derivative, for codes that are whole numbers, say.)
#
# ### The usual mistakes, and how their numbers look
#
# Three slips that are easily made. None raises an error.
#
# | the slip | what it amounts to |
# | --- | --- |
# | the KL is averaged over the dimensions of the code, the reconstruction summed over pixels | $\beta = 1/16$ |
# | the reconstruction is averaged over pixels (`mse`, `BinaryCrossentropy`), the KL summed | $\beta = 784$ |
# | the second head is taken for $s$ in the draw and for $\log s^2$ in the KL | no longer a bound at all |
#
# The first two are measured in the section after the next. The third is measured here. *Predict before you run:* is its loss higher or lower than that of the right model?


# %% tags=["nbval-ignore-output"]
class Mistaken(VAE):
    def sample(self, z_mean, z_log_var):
        noise = keras.random.normal(ops.shape(z_mean), seed=self.random)
        return z_mean + z_log_var * noise  # the logarithm of the variance, used as deviation


keras.utils.set_random_seed(0)
mistaken = Mistaken(*parts(latent_dim, heads=2))
mistaken.compile(adam())
curve = training.fit(mistaken, x_train, validation_data=x_val, **how).history
claimed = {name: curve[f"val_{name}"][-1] for name in ("loss", "distortion", "rate")}
repaired = VAE(mistaken.encoder, mistaken.decoder)  # the same weights, the draw that q says
repaired.compile()
true = repaired.evaluate(x_val, verbose=0, return_dict=True)
for name, values in (("right", final), ("mistaken", claimed), ("its true bound", true)):
    print(f"{name:15s}", *(f"{part} {values[part]:.0f}" for part in ("loss", "distortion", "rate")))

# %% [markdown]
# The loss that is reported is *better* than the right one, by some 25 nats, and there's the trap: whoever picks models by their loss picks the mistake. The encoder has found out that a second head near 0 switches the noise off in the draw, while the rate goes on charging for a variance of $e^0 = 1$, which costs nothing. What is left, 3 nats, is the price of the means, and without noise these can be small: a rate of 3 for a code that says as much as 22 did. The third row takes the same weights and draws as $q$ says. It is far worse than anything so far. The reported number was not a bound on anything.

# %%
lesson.claim(
    "nats by which the mistaken loss looks better than the right one",
    final["loss"] - claimed["loss"],
    above=5,
    fails_under="no-training",
)
lesson.claim(
    "nats by which its true -ELBO is worse",
    true["loss"] - final["loss"],
    above=20,
    fails_under="no-training",
)

# %% [markdown]
# ## Looking into the code (core)
#
# ### A map, and a grid of pictures
#
# A VAE with a code of 2. First a map: the means `z_mean` of test pictures, 90 of each digit. Then grids: decode a lattice of codes. Which lattice? The prior says how often a code is drawn; so cut the standard normal into eleven slices of equal probability and take the middle of each: the **quantiles** at 1/22, 3/22, and so on (`norm.ppf`). Many examples take evenly spaced values from -1 to 1.

# %%
vae_2 = train_vae(2, beta=1.0, seed=0)
loss_2 = vae_2.history.history["val_loss"][-1]
means = np.asarray(vae_2.encoder(x_test)[0])
fig, ax = plt.subplots(figsize=(6, 5))
palette = plt.get_cmap("tab10").colors
for digit in range(10):
    points = means[y_test == digit]
    ax.scatter(*points[:90].T, s=40, marker=f"${digit}$", color=palette[digit], linewidth=0.3)
for radius in (1, 2, 3):
    ax.add_patch(plt.Circle((0, 0), radius, fill=False, color="0.6", linestyle=":"))
ax.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal", xlim=(-5, 5), ylim=(-5, 5))
plotting.show(
    fig,
    "Means of the test codes, each drawn as its digit, with circles of radius 1, 2 and 3 "
    "around the origin. Ones lie alone at the top left, sevens and nines at the right, zeros at "
    "the bottom, twos and threes at the left; in the middle the other digits overlap. Nearly "
    "all lie within 4 of the origin.",
)

# %%
lattices = {
    "quantiles, -1.69 to 1.69": norm.ppf((np.arange(11) + 0.5) / 11),
    "evenly, -1 to 1": np.linspace(-1, 1, 11),
}
fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.9))
for ax, (name, axis) in zip(axes, lattices.items(), strict=True):
    z = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2).astype("float32")
    tiles = pictures(vae_2.decoder, z).reshape(11, 11, 28, 28)
    ax.imshow(tiles.transpose(0, 2, 1, 3).reshape(11 * 28, 11 * 28), vmin=0, vmax=1)
    ax.set(title=name, xticks=[], yticks=[])
plotting.show(
    fig,
    "Two grids of eleven by eleven decoded digits. Over the quantiles of the prior: "
    "ones at the top left, sevens and nines at the right, zeros at the bottom, threes at "
    "the left, mixed digits between. From -1 to 1: only a blurred middle part of it, mostly "
    "nines, eights and zeros.",
)
inside = np.abs(np.random.default_rng(0).standard_normal((400_000, 2))).max(axis=1) < 1
text = "share of the prior inside the square from -1 to 1, by draws"
lesson.claim(text, inside.mean(), between=(0.463, 0.469), digits=2, fails_under="math")
lesson.claim("-ELBO with a code of 2", loss_2, between=(150, 178), fails_under="no-training")

# %% [markdown]
# The codes now lie around the origin, nearly all within 4 of it, because the rate pulls each of them there. It isn't a perfect normal distribution: the ones lie farther out than the prior expects, with a gap between them and the rest.
#
# The grid over quantiles shows what the *prior* would show: each picture stands for the same share of draws, 1 in 121. The square from -1 to 1 holds less than half of the prior. It has no ones and no clear zeros, and what it has is more blurred. With a code of 2 the price is high: about 160 nats, where the code of 16 had about 115.
#
# ### From one digit to another
#
# Back to 16 dimensions. Take the means $a$ and $b$ of two pictures and walk from one to the other. The straight way is $(1-t)\,a + t\,b$. But draws of a normal distribution in 16 dimensions lie mostly between 3 and 5 from the origin (about $\sqrt{16}$), and halfway along a straight line one is nearer to it, where fewer draws fall. So White (2016) recommends the **spherical** way, which turns at about constant distance from the origin: with the angle $\omega$ between $a$ and $b$,
#
# $$\text{slerp}(a, b, t) = \frac{\sin((1-t)\,\omega)\, a + \sin(t\,\omega)\, b}{\sin \omega}.$$
#
# *Predict before you run:* will one see the difference?


# %%
def lerp(a, b, t):
    return (1 - t) * a + t * b


def slerp(a, b, t):
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    omega = np.arccos(np.clip(np.sum(a * b, axis=1) / lengths, -0.9999, 0.9999))[:, None]
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


means = np.asarray(vae.encoder(x_test)[0])
first, second = np.random.default_rng(0).integers(0, len(x_test), (2, 400))
other = y_test[first] != y_test[second]
first, second = first[other][:300], second[other][:300]
real_pictures = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(x_train)


# %% tags=["nbval-ignore-output"]
def look_at(x):  # ink that is undecided, and the distance of the drawn picture to a real one
    undecided = np.mean(np.sum(x * (1 - x), axis=1))
    return undecided, real_pictures.kneighbors(binarized(x, seed=3))[0].mean()


at = {"an end": means[first]}
at |= {f"halfway, {way.__name__}": way(means[first], means[second], 0.5) for way in (lerp, slerp)}
table = {
    name: (np.linalg.norm(z, axis=1).mean(), *look_at(pictures(vae.decoder, z).reshape(-1, 784)))
    for name, z in at.items()
}
table["halfway, pixels"] = (np.nan, *look_at(lerp(x_test[first], x_test[second], 0.5)))
table["test pictures"] = (np.nan, *look_at(x_test[first]))
print(f"{'':16s}  length of code  undecided ink  distance")
for name, (length, *looks) in table.items():
    start = "  --" if np.isnan(length) else f"{length:4.1f}"
    print(f"{name:16s}{start:>14s}", *(f"{value:12.1f}" for value in looks))

# %% [markdown]
# The columns: the mean length of the code; the **undecided ink**, the sum over pixels of $p(1-p)$, which is 0 for pixels that are surely black or white; and the distance of the drawn picture to the nearest training picture, the root of the number of pixels in which they differ.
#
# The straight way does lead inwards, from a length of 4.4 to 3.0, and there the decoder is less decided: 38 against 30. On the spherical way it stays what it is at the ends. The distance to real pictures tells the same, less clearly: 8.1 and 7.7, where an end has 7.5 and a real test picture 7.0. Blending pixels gives pictures farther from real ones (8.8) than either, although by undecided ink it lies between them.

# %%
steps, rows = np.linspace(0, 1, 9), {}
for pair in (4, 11):  # two of the 300 pairs
    a, b = means[first[pair]][None], means[second[pair]][None]
    for way in (lerp, slerp):
        z = np.concatenate([way(a, b, t) for t in steps])
        digits = f"{y_test[first[pair]]} to {y_test[second[pair]]}"
        rows[f"{way.__name__}, {digits}"] = pictures(vae.decoder, z)
plotting.show(
    plotting.image_rows(rows, titles=[f"{t:.3g}" for t in steps]),
    "Four rows of nine pictures, two walks each by the straight and the spherical way: from "
    "a nought to a six and from a one to a three. The two ways look nearly the same; halfway "
    "the straight one is a little paler.",
)
undecided = {name: values[1] for name, values in table.items()}
lesson.claim(
    "halfway, undecided ink on the straight way minus on the spherical one",
    undecided["halfway, lerp"] - undecided["halfway, slerp"],
    between=(2, 15),
    fails_under="no-training",
)

# %% [markdown]
# In the pictures one has to look for it. A measured difference isn't always one that matters.
#
# ### A direction with a meaning
#
# Does the code hold attributes as directions? We take the **slant**, which can be measured: the covariance of column and height of the ink, over the variance of its height; 0 for an upright digit, positive if it leans to the right. For each digit, take its most slanted tenth of training pictures and its least slanted tenth; the difference of their mean codes, averaged over the digits, is the direction. (Within each digit, since otherwise the direction might point from one digit to another that leans more.)
#
# Controls: a random direction of the same length, twenty of them; and the same arithmetic with pixels in place of codes.

# %%
col, row = (axis.ravel() - 13.5 for axis in np.meshgrid(np.arange(28), np.arange(28)))


def slant(x):
    x = x.reshape(len(x), 784).astype("float64") + 1e-9
    x = x / x.sum(axis=1, keepdims=True)
    right, down = x @ col, x @ row
    return -(x @ (col * row) - right * down) / (x @ row**2 - down**2)


def tenths(values, digit):  # indices of the least and the most slanted pictures of a digit
    own = np.flatnonzero(y_train == digit)
    own = own[np.argsort(values[own])]
    return own[: len(own) // 10], own[-(len(own) // 10) :]


def difference(features, values):
    ends = [tenths(values, digit) for digit in range(10)]
    return np.mean([features[high].mean(0) - features[low].mean(0) for low, high in ends], axis=0)


train_means, train_slant = np.asarray(vae.encoder(x_train)[0]), slant(x_train)
direction, pixel_direction = (difference(f, train_slant) for f in (train_means, x_train))
randoms = np.random.default_rng(4).standard_normal((20, latent_dim))
randoms *= np.linalg.norm(direction) / np.linalg.norm(randoms, axis=1, keepdims=True)

# %% [markdown]
# Applied to test pictures: encode, add $k$ times the direction, decode, measure the slant again.

# %% tags=["nbval-ignore-output"]
start = slant(pictures(vae.decoder, means))


def turned(step):  # mean change of the slant of test pictures
    return np.mean(slant(pictures(vae.decoder, (means + step).astype("float32"))) - start)


ks = (-1, -0.5, 0, 0.5, 1)
change = {k: turned(k * direction) for k in ks}
by_chance = np.mean([abs(turned(0.5 * r)) for r in randoms])
print(f"from least to most slanted tenth: {difference(train_slant, train_slant):.2f}")
print("change of slant:", ", ".join(f"{k:+g}: {value:+.2f}" for k, value in change.items()))
print(f"random directions, +0.5: {by_chance:.2f} up or down")
smudged = np.clip(x_test + pixel_direction, 0, 1)
print(f"difference of pixels, +1: {np.mean(slant(smudged) - slant(x_test)):+.2f}")
some = np.array([np.flatnonzero(y_test == digit)[1] for digit in range(10)])
codes = {f"code {k:+g}": np.float32(means[some] + k * direction) for k in ks}
rows = {name: pictures(vae.decoder, z) for name, z in codes.items()}
rows["pixels +1"] = smudged[some].reshape(-1, 28, 28)
plotting.show(
    plotting.image_rows(rows),
    "Six rows of ten digits. From code minus one to code plus one the digits turn from "
    "leaning left to leaning right, most keeping their shape; the one, the three and the nine "
    "fade at plus one. Adding the difference of pixels puts the same smudge on every digit.",
)

# %% [markdown]
# Half the direction turns the digits a quarter of the way from one extreme to the other; the whole direction, which joins the two extremes and so might give all of it, reaches 0.4. A random step of the same length does something, too, but a quarter as much in slant. Adding the pixels' difference moves the measured slant as well, by 0.3, and turns no digit: it lays the same smudge over each of them. A number can be moved without doing what it stands for.
#
# Not everything is kept. At the ends some digits fade or change into others (at +1 the one, the three and the nine; at -1 the two): the direction is an average over digits, and the step leads out of where their codes are. And we chose an attribute that we could measure *before* looking. Among many directions some will always seem to mean something.

# %%
lesson.claim(
    "change of slant for half the direction",
    change[0.5],
    between=(0.1, 0.4),
    fails_under="no-training",
)
lesson.claim(
    "half the direction, over random directions",
    change[0.5] / by_chance,
    above=2,
    fails_under="no-training",
)

# %% [markdown]
# ## beta, rate and distortion (core)
#
# The loss has two terms, and they pull in opposite directions. To lower the distortion, the code must say more about the picture, which costs rate. The weight $\beta$ sets the price (Higgins et al. 2017; Alemi et al. 2018). At $\beta = 1$ the sum is minus the ELBO; other values give other models, which are still judged by the ELBO if one wants to know how probable they find the data.
#
# Six values, three seeds each. Two of them are the slips from above: 1/16 and 784. We measure, on test pictures:
#
# - **distortion** and **rate**, in nats;
# - **active units**: dimensions whose mean varies over the data at all, with a variance of `z_mean` above 0.01 (Burda, Grosse and Salakhutdinov 2016);
# - **holes** and **cover**, as above. The draws are from the prior, $N(0, I)$; the codes are *drawn* from $q$, as in training;
# - **distance** of generated pictures, pixels drawn, to the nearest training picture. Real test pictures are at 7.0.
#
# *Predict before you run:* which $\beta$ gives the best samples?


# %%
def draw_codes(vae, x):
    return np.asarray(vae.sample(*vae.encoder(x)))


def beta_study(beta, seed):
    """Train a VAE; return what it pays and how its draws fit."""
    vae = train_vae(latent_dim, beta, seed)
    z_mean, z_log_var = vae.encoder(x_test)
    z_train, z_val, z_test = (draw_codes(vae, x) for x in (x_train, x_val, x_test))
    prior = np.random.default_rng(seed).standard_normal((9000, latent_dim)).astype("float32")
    generated = binarized(pictures(vae.decoder, prior[:1000]).reshape(-1, 784), seed)
    distance = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(x_train).kneighbors(generated)
    return {
        "distortion": np.mean(negative_log_likelihood(x_test, vae.decoder(z_test))),
        "rate": np.mean(kl_to_prior(z_mean, z_log_var)),
        "active": np.sum(np.var(z_mean, axis=0) > 0.01),
        "distance": distance[0].mean(),
        **holes_and_cover(z_train, z_val, z_test, prior),
    }


# %%
betas = (1 / 16, 0.25, 1.0, 4.0, 16.0, 784.0)
grid = [{"beta": beta, "seed": seed} for beta in betas for seed in seeds]
priced = lesson.study("06_beta", beta_study, grid, live=[grid[6]])
print("   beta  distortion   rate    -ELBO  active  holes  covered  distance")
for beta in betas:
    mean = {name: priced.mean(name, beta=beta) for name in priced.results[0]}
    print(f"{beta:7.4g}{mean['distortion']:12.1f}{mean['rate']:7.1f}", end="")
    print(f"{mean['distortion'] + mean['rate']:9.1f}{mean['active']:8.1f}", end="")
    print(f"{mean['holes']:7.0%}{mean['covered']:9.0%}{mean['distance']:10.1f}")

# %% [markdown]
# - **As a model of the data**, $\beta = 1$ has the best bound of the six, a $-$ELBO of 114 nats. No surprise: it alone was trained for this sum. A quarter costs 8 nats, four 22.
# - **The first slip**, $\beta = 1/16$: a rate of 66 nats, three times as much, for reconstructions that are only 11 nats better. The codes are spread so widely that draws from the prior all fall in their middle: rarely in a hole, and next to a quarter of the codes at best. Holes and cover have to be read together.
# - **The second slip**, $\beta = 784$: no unit is active, the rate is 0, and 206 nats are what one pays for answering with the mean picture. The loss falls and levels off meanwhile like any other.
# - **Four**: prior and codes nearly agree (8 % in holes, 92 % covered), and one unit has gone to sleep. But the decoder is told so little that its digits are blurred.
#
# - **At one** the draws still miss: more than a third fall in holes, and six tenths of the codes are covered. (Each model has its own yardstick, so compare roughly; the mixture on the plain autoencoder's codes had about an eighth and nine tenths.) The best bound isn't the best fit of codes to prior. What was done for the plain autoencoder can be done here as well: fit a mixture to the codes. Lesson 7 does.
# - **Sixteen** has nearly collapsed. Five means still vary by more than 0.01, so that the units count as active, but together they say 0.2 nats: the threshold is generous.
#
# The distance to real pictures is smallest at 1, with not much between a quarter and four. It's a poor judge of samples, as we'll see in the next lesson: a copy of a training picture would have 0.

# %%
fig, ax = plt.subplots(figsize=(6, 4))
for beta, marker in zip(betas, "os^Dv*", strict=True):
    pairs = priced.values("rate", beta=beta), priced.values("distortion", beta=beta)
    ax.scatter(*pairs, marker=marker, s=45, label=f"beta = {beta:.4g}", zorder=3)
ends = np.array([0, 75])
for total in (115, 150, 200):
    ax.plot(ends, total - ends, color="0.8", linestyle="-", linewidth=1)
    ax.text(76, max(total - 75, 62), f"-ELBO = {total}", fontsize=9, color="0.4", va="center")
ax.set(xlabel="rate (nats)", ylabel="distortion (nats)", ylim=(60, 215))
ax.legend()
plotting.show(
    fig,
    "Distortion against rate for six values of beta, with slanted lines of equal sum. From "
    "the top left, beta of 784 and 16 without rate and with 200 nats of distortion, the "
    "points go down to beta of 4 and 1 and then nearly level to the right for a quarter and "
    "a sixteenth. Beta of 1 lies on the lowest line.",
)

# %%
shown = {beta: train_vae(latent_dim, beta, seed=0) for beta in (1 / 16, 4.0)} | {1.0: vae}
z = np.random.default_rng(6).standard_normal((12, latent_dim)).astype("float32")
rows = {f"beta = {beta:.4g}": pictures(shown[beta].decoder, z) for beta in sorted(shown)}
plotting.show(
    plotting.image_rows(rows),
    "Three rows of twelve samples from the same twelve codes. With beta of a sixteenth most "
    "are broken strokes and smudges. With beta of 1 about half are digits and the strokes are "
    "dark. With beta of 4 nearly all can be read, with soft gray edges.",
)

# %% [markdown]
# In the picture each column is one code. At a sixteenth most samples are debris: reconstructions were all that counted, and the prior was hardly looked at. At 1 the strokes are crisp, and perhaps half of the samples are digits. At 4 nearly all can be read, and all are soft. So the model that finds the *data* most probable isn't the one with the samples that please most, and we have judged by eye, on twelve codes. Lesson 7 replaces the eye.

# %%
cost = {
    beta: priced.values("distortion", beta=beta) + priced.values("rate", beta=beta)
    for beta in betas
}
others = [cost[beta] for beta in (0.25, 4.0)]
lesson.claim(
    "-ELBO at beta 1/4 and 4 exceeds that at 1, smaller margin in standard deviations",
    min(metrics.paired_margin(other, cost[1.0]) for other in others),
    above=1,
    digits=0,
    fails_under="no-training",
    study="06_beta",
)
for text, value, bounds in (
    ("rate at beta 1/16, in nats", priced.mean("rate", beta=1 / 16), (55, 80)),
    ("active units at beta 784", priced.mean("active", beta=784.0), (-0.1, 0.5)),
    ("rate at beta 1, in nats", priced.mean("rate", beta=1.0), (17, 28)),
    (
        "covered at beta 4 minus at 1/16",
        priced.mean("covered", beta=4.0) - priced.mean("covered", beta=1 / 16),
        (0.5, 0.8),
    ),
):
    lesson.claim(
        text, value, between=bounds, digits=None, fails_under="no-training", study="06_beta"
    )

# %% [markdown]
# ### beta is a variance in disguise (deeper)
#
# Gray pixels again, and a decoder that returns the mean $\hat x$ of a normal distribution with standard deviation $\sigma$, the same for all pixels. With SSE the sum of squared errors over the $D = 784$ pixels,
#
# $$-\log p(x \mid z) = \frac{\text{SSE}}{2 \sigma^2} + \frac{D}{2} \log(2 \pi \sigma^2).$$
#
# Multiply SSE$/2\sigma^2$ + KL by $2\sigma^2$: the model minimizes SSE $+\, 2\sigma^2 \cdot$ KL. So whoever trains on "sum of squared errors plus KL" has chosen $\sigma^2 = \frac12$; on "half the sum plus KL", $\sigma = 1$; and "half the sum plus $\beta\,$KL" is the VAE with $\sigma^2 = \beta$, up to a factor $\sigma^2$ and a constant that is added. For pixels between 0 and 1 a standard deviation of 1 is absurdly large. Instead of guessing, let the data say:
#
# - **learned**: $\log \sigma^2$ is one more weight; once as it is, once as ten times a weight ("x 10"), so that a step of the optimizer moves it ten times as far;
# - **optimal**: for given reconstructions the best $\sigma^2$ is their mean squared error (set the derivative of the formula to 0); take that of each batch (Rybkin, Daniilidis and Levine 2021).
#
# The class overrides the loss, the rest is inherited; `logits` now holds $\hat x$. The unit is still nats, but of a *density*: such numbers may be negative, and mean nothing across different scalings of the pixels.


# %%
class GaussianVAE(VAE):
    """Normal pixels; kind is "sigma = 1", "learned", "learned, x 10" or "optimal"."""

    def __init__(self, encoder, decoder, kind, seed):
        super().__init__(encoder, decoder, seed=seed)
        self.kind, learn = kind, kind.startswith("learned")
        self.weight = self.add_weight(shape=(), initializer="zeros", trainable=learn)

    def log_var(self):
        return 10 * self.weight if self.kind == "learned, x 10" else self.weight

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        sse = ops.sum((x - y_pred["logits"]) ** 2, axis=1)
        log_var = ops.log(ops.mean(sse) / 784) if self.kind == "optimal" else self.log_var()
        distortion = 0.5 * (sse / ops.exp(log_var) + 784 * (log_var + float(np.log(2 * np.pi))))
        rate = kl_to_prior(y_pred["z_mean"], y_pred["z_log_var"])
        self.distortion.update_state(distortion)
        self.rate.update_state(rate)
        return ops.mean(distortion + rate)


grey_train, grey_test = (x.reshape(-1, 784) for x in (mnist.x_train[:9000], mnist.x_test))


def sigma_study(kind, seed):
    keras.utils.set_random_seed(seed)
    vae = GaussianVAE(*parts(latent_dim, heads=2), kind, seed)
    vae.compile(adam())
    training.fit(vae, grey_train, seed=seed, **how)
    sigma2 = np.exp(vae.log_var())
    if kind == "optimal":  # the training pictures' mean squared error
        sigma2 = np.mean((grey_train - vae(grey_train)["logits"]) ** 2)
    result = vae(grey_test)
    mse = np.mean((grey_test - result["logits"]) ** 2)
    distortion = 392 * (mse / sigma2 + np.log(2 * np.pi * sigma2))
    rate = np.mean(kl_to_prior(result["z_mean"], result["z_log_var"]))
    return {"sigma": sigma2**0.5, "mse": mse, "rate": rate, "loss": distortion + rate}


# %%
kinds = ("sigma = 1", "learned", "learned, x 10", "optimal")
grid = [{"kind": kind, "seed": seed} for kind in kinds for seed in seeds]
normal = lesson.study("06_sigma", sigma_study, grid, live=[grid[9]])
print("                sigma      mse   rate    -ELBO (nats, of a density)")
for kind in kinds:
    sigma, mse, rate, loss = (
        normal.mean(name, kind=kind) for name in ("sigma", "mse", "rate", "loss")
    )
    print(f"{kind:14s}{sigma:7.3f}{mse:9.4f}{rate:7.1f}{loss:9.0f}")
mse, rate = (normal.mean(name, kind="sigma = 1") for name in ("mse", "rate"))
honest = 392 * (1 + np.log(2 * np.pi * mse)) + rate
print(f"the first model with sigma = {mse**0.5:.2f}: {honest:.0f} nats")
lesson.claim(
    "-ELBO with sigma = 1 minus with the optimal sigma, in nats",
    np.mean(normal.values("loss", kind="sigma = 1") - normal.values("loss", kind="optimal")),
    between=(900, 1600),
    fails_under="no-training",
    study="06_sigma",
)
lesson.claim(
    "squared error with the optimal sigma over that with sigma = 1",
    normal.mean("mse", kind="optimal") / normal.mean("mse", kind="sigma = 1"),
    between=(0.3, 0.6),
    fails_under="no-training",
    study="06_sigma",
)

# %% [markdown]
# With $\sigma = 1$ the rate is 5 nats: the decoder is allowed to be wrong by a whole pixel range everywhere, so a code that says more isn't worth its price. With the optimal $\sigma$, 0.13, it is worth 44 nats, and the squared error falls to less than half. Measured in nats of a density the difference is 1,180, three quarters of it from saying honestly how large the errors are: the last line takes the first model's reconstructions with the $\sigma$ that suits them. The rest are better reconstructions.
#
# The learned variance should end in the same place, and doesn't get there. $\log \sigma^2$ starts at 0 and has to reach $-4.1$; Adam moves a weight by about its step size at most, and our 1,080 steps of 0.002 on average reach only $-2.1$. Is that the reason? With steps ten times as long for this one number it arrives: 0.13, 43 nats, the same $-$ELBO within their spread. The optimal formula needs no such care.
#
# ## Steering: a digit on demand (core)
#
# The decoder makes digits, but which? In a **conditional** VAE (Sohn, Lee and Yan 2015) encoder and decoder are also told the label, as ten numbers of which one is 1. Everything else stays. The code need no longer say which digit it is, and is free for the rest: slant, width, style.


# %%
@keras.saving.register_keras_serializable("aetutorial")
class ConditionalVAE(VAE):
    def call(self, inputs):
        x, labels = inputs["x"], inputs["labels"]
        z_mean, z_log_var = self.encoder([x, labels])
        logits = self.decoder([self.sample(z_mean, z_log_var), labels])
        return {"logits": logits, "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x=x["x"], y_pred=y_pred)


def train_conditional(latent_dim, beta, seed):
    """Train a conditional VAE; `parts` with ten more inputs on either side."""
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense
    x, z, labels = (keras.Input((n,)) for n in (784, latent_dim, 10))
    hidden = dense(256, activation="relu")(keras.layers.Concatenate()([x, labels]))
    encoder = keras.Model([x, labels], [dense(latent_dim)(hidden), dense(latent_dim)(hidden)])
    hidden = dense(256, activation="relu")(keras.layers.Concatenate()([z, labels]))
    decoder = keras.Model([z, labels], dense(784)(hidden))
    cvae = ConditionalVAE(encoder, decoder, beta=beta, seed=seed)
    cvae.compile(adam())
    training.fit(cvae, {"x": x_train, "labels": np.eye(10)[y_train]}, seed=seed, **how)
    return cvae


z = np.random.default_rng(8).standard_normal((3, latent_dim)).astype("float32")
rows = {}
for beta in (1.0, 3.0):
    cvae = train_conditional(latent_dim, beta, seed=0)
    for i in range(3):
        codes = np.tile(z[i], (10, 1))
        rows[f"beta = {beta:.0f}, code {i + 1}"] = pictures(cvae.decoder, [codes, np.eye(10)])
plotting.show(
    plotting.image_rows(rows, titles=[str(digit) for digit in range(10)]),
    "Six rows of ten pictures, one column per label. With beta of 1 the columns of a row "
    "look alike: code 1 gives zeros and nines whatever the label, codes 2 and 3 shapes between "
    "digits. With beta of 3 each row runs from 0 to 9 in one handwriting, a few malformed.",
)

# %% [markdown]
# Each row is one code, each column one label. In the lower half it mostly works: one handwriting per row, with the digit that was asked for, and some failures. In the upper half the label has little to say.
#
# How often does it obey? A judge is needed who has not seen the VAE: a small classifier, trained on the binary training pictures and their labels. It reads generated pictures, pixels drawn, and says which digit it sees. Guessing would be right in one of ten. Three sources of codes:
#
# - **the prior**: what one would use;
# - **a test picture of the same label**, as a control: are code and label together good for a digit?
# - **a test picture of another label**: if code and label disagree, who wins?
#
# And three models: a code of 16 with $\beta = 1$, the same with $\beta = 3$, and a code of 4 with $\beta = 1$. *Predict before you run:* how often is the prior's digit the one asked for?


# %%
def train_judge(seed):
    keras.utils.set_random_seed(1000 + seed)
    hidden = keras.layers.Dense(256, activation="relu")
    dropout, answer = keras.layers.Dropout(0.3), keras.layers.Dense(10, activation="softmax")
    judge = keras.Sequential([keras.Input((784,)), hidden, dropout, answer])
    judge.compile(keras.optimizers.Adam(learning_rate / 4), "sparse_categorical_crossentropy")
    training.fit(judge, x_train, y_train, seed=seed, **how)
    return judge


def label_study(latent_dim, beta, seed):
    """How often the judge reads the digit that was asked for, by the source of the code."""
    judge, cvae = train_judge(seed), train_conditional(latent_dim, beta, seed)
    rng = np.random.default_rng(seed)
    result = cvae({"x": x_test, "labels": np.eye(10)[y_test]})
    own = np.asarray(cvae.sample(result["z_mean"], result["z_log_var"]))
    prior = rng.standard_normal(own.shape).astype("float32")
    another = (y_test + rng.integers(1, 10, len(y_test))) % 10
    scores = {"real": np.mean(np.argmax(judge(x_test), axis=1) == y_test)}
    for source, z, asked in (
        ("prior", prior, y_test),
        ("same label", own, y_test),
        ("other label", own, another),
    ):
        made = pictures(cvae.decoder, [z, np.eye(10)[asked]]).reshape(-1, 784)
        read = np.argmax(judge(binarized(made, seed)), axis=1)
        scores[source] = np.mean(read == asked)
    nats = negative_log_likelihood(x_test, result["logits"])
    scores["loss"] = np.mean(nats + kl_to_prior(result["z_mean"], result["z_log_var"]))
    return scores


# %%
settings = [{"latent_dim": d, "beta": b} for d, b in ((16, 1.0), (16, 3.0), (4, 1.0))]
grid = [setting | {"seed": seed} for setting in settings for seed in seeds]
judged = lesson.study("06_labels", label_study, grid, live=[grid[3]])
sources = ("prior", "same label", "other label")
print("read as the digit asked for,   code from     picture of    picture of   -ELBO")
print("in percent                    the prior     same label    other label  (nats)")
for setting in settings:
    cells = (
        f"{100 * judged.mean(n, **setting):7.0f} ± {100 * judged.std(n, **setting):.0f}  "
        for n in sources
    )
    name = f"code of {setting['latent_dim']}, beta = {setting['beta']:.0f}"
    print(f"{name:26s}", *cells, f"{judged.mean('loss', **setting):8.0f}")
print(f"real test pictures: {100 * judged.mean('real'):.0f}")
obeyed = [judged.values("prior", **setting) for setting in settings]
for name, values, bounds in (
    ("16, beta = 1", obeyed[0], (0.4, 0.7)),
    ("16, beta = 3", obeyed[1], (0.8, 0.97)),
):
    text = f"code of {name}: share read as the digit asked for"
    lesson.claim(
        text,
        values.mean(),
        between=bounds,
        digits=1,
        fails_under="shuffled-labels",
        study="06_labels",
    )
text = "beta = 3 over beta = 1 in standard deviations over the seeds"
lesson.claim(
    text,
    metrics.paired_margin(obeyed[1], obeyed[0]),
    above=1,
    fails_under="no-training",
    study="06_labels",
)

# %% [markdown]
# (Generated pictures are read better than real ones, of which the judge reads 94 %: they are more regular. And $-$ELBO bounds $-\log p(x \mid \text{label})$ here, so compare it within this table only.)
#
# With the standard recipe, $\beta = 1$ and a code of 16, only every second picture is the digit that was asked for. The controls say why. With the code of a picture of that label, 95 % are right: the decoder can do it. With the code of a picture of *another* label, only a third are: the code overrules the label. So the code says which digit it is, although it need not. Nothing in the loss forbids that; information that helps the decoder is as welcome from $z$ as from the label. And a code from the prior carries some digit of its own, or, from a hole, none.
#
# A larger $\beta$ makes the code dear, and a small code leaves it no room. Then the code no longer repeats what the label says free of charge, and 92 or 87 % come out as asked, at 14 or 19 nats of $-$ELBO. What is best for the bound isn't best for steering: decide what the model is for before you choose by a number.
#
# ## Change one thing
#
# Begin the lesson with `lesson.begin(6, strict=False)`, edit one place and run all cells again. Claims that no longer hold are reported and do not stop you; studies run anew with your change, which takes some minutes each.
#
# - `latent_dim = 8`: expect a higher $-$ELBO, fewer draws in holes, and a label that is obeyed more often.
# - `epochs = 40`: expect training and validation to part. Which of distortion and rate is it that parts?
# - In `GaussianVAE`, let the weight begin at $-4$ (`initializer=keras.initializers.Constant(-4.0)`): does the learned variance now reach the optimal one?
# - In `binarized`, draw with another seed for each epoch, that is, fit one epoch at a time on fresh draws: expect a smaller gap between training and validation. Why?
#
# ## Exercises

# %%
from aetutorial.exercises import lesson06

lesson06.kl.prompt()


# %%
def kl(mean, log_var, other_mean, other_log_var): ...  # your lines


lesson06.kl.check(kl)

# %%
lesson06.draw.prompt()


# %%
def draw(z_mean, z_log_var, noise): ...  # your lines


lesson06.draw.check(draw)

# %%
lesson06.weights.prompt()

# %%
answer = None  # a list of three numbers
lesson06.weights.check(answer)

# %%
lesson06.active.prompt()


# %%
def active(z_mean): ...  # your lines


lesson06.active.check(active)

# %%
lesson06.gap.prompt()

# %%
answer = None  # a number of nats
lesson06.gap.check(answer)

# %% [markdown]
# ## What you now know
#
# - The codes of a plain autoencoder lie where they like. A density fitted to them afterwards makes it a generator; the standard normal does not.
# - The ELBO is $\log p(x)$ minus the divergence from $q$ to the true posterior. It is minus distortion minus rate, both in nats, both sums.
# - A VAE is an encoder with two heads, a reparameterized draw, a decoder, and this loss, written once in `compute_loss`. Reparameterization has a variance many times smaller than the score function.
# - Averaging one of the two terms and summing the other is a choice of $\beta$, by accident: 1/16 or 784. A slip in the draw can make the loss look better than the truth.
# - The best bound belongs to $\beta = 1$. Larger ones bring codes and prior together and blur the pictures; in a Gaussian decoder $\beta$ is its variance, and the data can say which.
# - Show a latent space over quantiles of the prior, and every arithmetic beside a random direction.
# - A conditional VAE obeys only as far as its code leaves the label something to say: 53 % at $\beta = 1$, 92 % at 3.
#
# **In practice**, write the loss as two sums in nats and plot both. Compare rate and active units with what you expect, draw from the prior before you trust the loss, and if the draws disappoint, fit a mixture to the codes (lesson 7 measures what that brings).
#
# ## References
#
# - D. P. Kingma, M. Welling (2014). Auto-encoding variational Bayes. *ICLR*. arXiv:1312.6114.
# - D. J. Rezende, S. Mohamed, D. Wierstra (2014). Stochastic backpropagation and approximate inference in deep generative models. *ICML*. arXiv:1401.4082.
# - R. J. Williams (1992). Simple statistical gradient-following algorithms for connectionist reinforcement learning. *Machine Learning* 8, 229–256 (the score function).
# - R. Salakhutdinov, I. Murray (2008). On the quantitative analysis of deep belief networks. *ICML*, 872–879 (binary MNIST).
# - G. Loaiza-Ganem, J. P. Cunningham (2019). The continuous Bernoulli: fixing a pervasive error in variational autoencoders. *NeurIPS*. arXiv:1907.06845.
# - P. Ghosh, M. S. M. Sajjadi, A. Vergari, M. Black, B. Schölkopf (2020). From variational to deterministic autoencoders. *ICLR*. arXiv:1903.12436 (a density fitted to the codes afterwards).
# - T. White (2016). Sampling generative networks. arXiv:1609.04468 (the spherical way).
# - I. Higgins and others (2017). beta-VAE: learning basic visual concepts with a constrained variational framework. *ICLR*.
# - A. A. Alemi and others (2018). Fixing a broken ELBO. *ICML*. arXiv:1711.00464 (rate and distortion).
# - Y. Burda, R. Grosse, R. Salakhutdinov (2016). Importance weighted autoencoders. *ICLR*. arXiv:1509.00519 (active units).
# - O. Rybkin, K. Daniilidis, S. Levine (2021). Simple and effective VAE training with calibrated decoders. *ICML*. arXiv:2006.13202.
# - K. Sohn, H. Lee, X. Yan (2015). Learning structured output representation using deep conditional generative models. *NeurIPS*, 3483–3491.
#
# Next: [lesson 7, measuring generation](07_measuring_generation.ipynb), says how good such samples are, and what for.
