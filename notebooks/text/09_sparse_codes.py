# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 9 · Sparse codes: many numbers, few of them in use
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/09_sparse_codes.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/09_sparse_codes.ipynb)
#
# **Reading** 60 min · **working through** 120 min · **runs in** 110 s<!-- times -->
#
# **You will be able to**
# - build a sparse autoencoder in three ways, and say how its penalty is scaled;
# - measure what its filters look like, beside PCA's and ICA's;
# - compute what a contractive penalty punishes, and what it changes (deeper);
# - take a network apart with a sparse autoencoder, and check what you found against controls.
#
# **You need** [lesson 2](02_formulas.ipynb) (layers as matrices), [lesson 4](04_dimensionality_reduction.ipynb) (PCA) and, for the last section, [lesson 8](08_representation_learning.ipynb) (untrained networks as baselines).
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

lesson.begin(9)  # seeds, a quiet start of TensorFlow, the plot style

import functools

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import ops
from scipy.optimize import least_squares
from sklearn.decomposition import PCA, FastICA
from sklearn.linear_model import LogisticRegression, orthogonal_mp

# %% tags=["parameters"]
learning_rate = 0.003
seeds = range(3)
units = 192  # numbers of a code of a patch
directions = 100  # of 144, that whitening keeps
strengths = (0, 0.1, 1, 3, 10)  # of the contractive penalty

# %% [markdown]
# So far a code was a bottleneck: fewer numbers than the input. There is another way to keep an autoencoder from copying. Give the code *more* numbers than the input has, and demand that only a few of them differ from zero for any one example. Such a code is called **sparse**. The word *cat* in a dictionary of 50,000 words is one: one entry of many, and you know what it means. That is the hope: that each number of a sparse code stands for one thing.
#
# ## Sparse codes of natural images (core)
#
# The data are patches of 12 × 12 pixels from two photographs. The test patches come from parts of the photographs that no training patch touches.
#
# Neighboring pixels are nearly equal, so nearly all variance lies in slow changes of brightness, and a squared error would be about little else. Therefore patches are **whitened** first, in three steps:
#
# 1. from each patch $x$ its own mean is subtracted;
# 2. with the covariance $C = \frac1N \sum_i x_i x_i^T = U \Lambda U^T$ of the training patches (columns of $U$: directions; $\Lambda$: their variances), $x$ becomes $U \Lambda^{-1/2} U^T x$, over the 100 directions of largest variance only. Each then has variance 1. The other 44 hold 4 % of the variance, much of it noise of camera and file format, and would be blown up most;
# 3. each patch is brought to the length 10, so that a patch of the sky counts as much as one of a roof.
#
# The last $U^T$ goes into the directions, the first $U$ back to pixels. So a whitened patch is still a picture. (That is called ZCA whitening.)

# %%
patches = data.load("patches")


def centered(x):
    rows = x.reshape(len(x), 144).astype("float64")
    return rows - rows.mean(axis=1, keepdims=True)


@functools.cache
def whitened():
    """Training and test patches after step 2, and the directions (columns)."""
    raw, raw_test = centered(patches.x_train), centered(patches.x_test)
    variances, U = np.linalg.eigh(raw.T @ raw / len(raw))  # the smallest first
    variances, U = variances[::-1][:directions], U[:, ::-1][:, :directions]
    return *(x @ (U * variances**-0.5) @ U.T for x in (raw, raw_test)), U


raw, (white, _, U) = centered(patches.x_train), whitened()
print(f"share of the variance in the kept directions {np.sum((raw @ U) ** 2) / np.sum(raw**2):.2f}")
each = ((white @ U) ** 2).mean(axis=0)
lesson.claim(
    "variance of each kept direction, minus 1", abs(each - 1).max(), below=1e-9, fails_under="math"
)

# %% [markdown]
# The third step, and some test patches before and after. (Their own mean is already gone.)


# %%
def same_length(x):
    return np.float32(directions**0.5 * x / np.linalg.norm(x, axis=1, keepdims=True))


def gray(rows):
    """Rows of 144 numbers as pictures: 0 is mid-gray, the largest of each is black or white."""
    return 0.5 + 0.5 * (rows / abs(rows).max(axis=1, keepdims=True)).reshape(-1, 12, 12)


x_white_test = same_length(whitened()[1])
print("x", same_length(whitened()[0]).shape, "test", x_white_test.shape)
plotting.show(
    plotting.image_rows(
        {"x": gray(centered(patches.x_test[5:13])), "whitened": gray(x_white_test[5:13])}, cell=0.9
    ),
    "Two rows of eight patches. Whitening takes slow changes of brightness away and leaves edges, "
    "lines and fine texture.",
)

# %% [markdown]
# ### The model, three times
#
# One layer encodes, with weights $E$ and biases $b$; one linear layer decodes: $\hat x = \sum_j z_j d_j$. The rows $d_j$ of the decoder have length 1 and are called **features**, **atoms** or filters; all of them are the **dictionary**. Our $z$ has 192 numbers for 144 pixels. Three ways to make it sparse:
#
# - **L1**: $z = \text{relu}(E^T x + b)$, and the loss gets the sum of the code: $\;\lVert x - \hat x \rVert^2 + \lambda \sum_j z_j$. The larger $\lambda$, the fewer numbers are worth their price.
# - **KL**: $z = 4\,\sigma(E^T x + b)$, each between 0 and 4. Let $\hat\rho_j$ be the mean of $\sigma_j$ over a batch; the penalty draws it to a small target $\rho$: $\;\lambda \sum_j \rho \log\frac{\rho}{\hat\rho_j} + (1-\rho) \log\frac{1-\rho}{1-\hat\rho_j}$, the Kullback-Leibler divergence of two coins. ($\sigma$ is the logistic function. The classical form has numbers up to 1; as our patches have length 10 and our atoms length 1, we let them go up to 4. $\rho$ is 0.02.)
# - **top-k**: $z = \text{relu}(E^T x + b)$, and all but the $k$ largest are set to 0. No penalty at all: sparsity is built in.
#
# The length of 1 is needed: otherwise L1 could be tricked. Halve $z$, double $d$: the same $\hat x$ at half the price.


# %%
class SparseAutoencoder(keras.Model):
    """`kind` is "L1", "KL" or "top-k"; `strength` is lambda, or k."""

    def __init__(self, kind, strength, size, units, seed, target=0.02):
        super().__init__()
        self.kind, self.strength, self.target = kind, strength, target
        atoms = np.random.default_rng(seed).standard_normal((units, size))
        atoms = np.float32(atoms / np.linalg.norm(atoms, axis=1, keepdims=True))
        unit_rows = keras.constraints.UnitNorm(axis=1)
        self.D = self.add_weight(shape=(units, size), constraint=unit_rows, name="D")
        self.E = self.add_weight(shape=(size, units), name="E")
        self.b = self.add_weight(shape=(units,), initializer="zeros", name="b")
        self.D.assign(atoms)
        self.E.assign(atoms.T)
        if kind == "KL":
            self.b.assign(np.full(units, -3.0))  # begin with small numbers
        self.built = True

    def encode(self, x):
        a = ops.matmul(x, self.E) + self.b
        if self.kind == "KL":
            return 4 * ops.sigmoid(a)
        z = ops.relu(a)
        if self.kind == "L1":
            return z
        return ops.where(z >= ops.top_k(z, self.strength)[0][:, -1:], z, 0)

    def call(self, x):
        return ops.matmul(self.encode(x), self.D)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        z = self.encode(x)
        loss = ops.mean(ops.sum(ops.square(x - ops.matmul(z, self.D)), axis=1))
        if self.kind == "L1":
            loss += self.strength * ops.mean(ops.sum(z, axis=1))
        if self.kind == "KL":
            t, rate = self.target, ops.mean(z / 4, axis=0)
            kl = t * ops.log(t / rate) + (1 - t) * ops.log((1 - t) / (1 - rate))
            loss += self.strength * ops.sum(kl)
        return loss


# %% [markdown]
# **How $\lambda$ is scaled.** Our squared error is a sum over pixels, our penalty a sum over the code, and both are means over the batch. Elsewhere it may be otherwise, and a $\lambda$ from a paper or a page is worth nothing without that. Keras's `activity_regularizer` is the best known trap: the Keras that runs here divides the penalty by the batch size, and other versions of Keras did not, so that the same number meant a penalty 32 or 256 times as strong. What does ours do? A layer that only copies, a penalty of the sum of $|z|$, and one example or the same example four times:

# %%
copy = keras.layers.Activation("linear", activity_regularizer=keras.regularizers.L1(1.0))
one = np.array([[1.0, -2.0, 3.0]], "float32")
penalties = []
for batch in (one, np.repeat(one, 4, axis=0)):
    copy(batch)
    penalties.append(float(copy.losses[-1]))
print(f"sum of |z| of one example {abs(one).sum():g}; penalty of a batch of 1 and 4:", *penalties)
lesson.claim(
    "penalty of 4 over that of 1",
    penalties[1] / penalties[0],
    between=(0.99, 1.01),
    fails_under="math",
)

# %% [markdown]
# It is divided. Keras's `mse` is a mean over pixels, though, so that with it our $\lambda$ would have to be divided by 144.
#
# Training takes a few seconds a model. `sparse` returns a trained model, `dictionary` the features of a kind. Four others come along for comparison:
#
# - **PCA**: the 100 directions $U$;
# - **ICA** (independent component analysis): looks for 100 directions along which the data are as far from a normal distribution as possible. No autoencoder, and the classical way to features of natural images (Bell and Sejnowski 1997);
# - **patches**: 192 training patches, as they are;
# - **random**: 192 random directions among the 100. Nothing is learned there.


# %%
def train(model, x, epochs, rate=learning_rate, seed=0, jit="auto"):
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(x) // 100))
    model.compile(keras.optimizers.Adam(schedule), loss=None)
    training.fit(model, x, epochs=epochs, batch_size=100, seed=seed, progress=False, jit=jit)
    return model


@functools.cache
def sparse(kind, seed):
    """A model trained on white patches; kind is for example "top-k 10"."""
    name, _, strength = kind.partition(" ")
    strength = int(strength) if name == "top-k" else float(strength)
    model = SparseAutoencoder(name, strength, 144, units, seed)
    return train(model, same_length(whitened()[0]), epochs=100, seed=seed)


for kind in ("L1 2", "KL 30"):
    sparse(kind, 0)


# %%
@functools.cache
def dictionary(kind, seed):
    """Features, a row of length 1 each."""
    rng, U, x_white = np.random.default_rng([9, seed]), whitened()[2], same_length(whitened()[0])
    if kind == "PCA":
        rows = U.T
    elif kind == "ICA":
        ica = FastICA(whiten="unit-variance", random_state=seed, max_iter=200, tol=1e-3)
        rows = ica.fit(x_white @ U).mixing_.T @ U.T
    elif kind == "patches":
        rows = x_white[rng.choice(len(x_white), units, replace=False)]
    elif kind == "random":
        rows = rng.standard_normal((units, directions)) @ U.T
    else:
        rows = np.asarray(sparse(kind, seed).D)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


print("features of ICA", dictionary("ICA", 0).shape, "of top-k", dictionary("top-k 10", 0).shape)


# %% [markdown]
# *Predict before you run:* what will the features look like? Like pieces of roof and leaf, like waves across the whole patch (as PCA's), or like something else?

# %%
model = sparse("top-k 10", 0)
z = model.encode(x_white_test)
print("x", x_white_test.shape, "-> z", z.shape, "-> x_hat", model(x_white_test).shape)
shown = {kind: gray(dictionary(kind, 0)[:14]) for kind in ("random", "PCA", "patches", "ICA")}
shown |= {kind: gray(dictionary(kind, 0)[:14]) for kind in ("L1 2", "KL 30", "top-k 10")}
plotting.show(
    plotting.image_rows(shown),
    "Seven rows of features. Random ones look like noise, PCA's are waves over the whole patch, "
    "patches are pieces of edges and textures. Those of ICA and top-k are mostly short "
    "edges or lines, each at one place; those of L1 also longer stripes; those of KL are noisy.",
)

# %% [markdown]
# (The number behind a kind is $\lambda$ or $k$; the study below has others.) Edges, lines and stripes, each in one direction; those of ICA and top-k also each at one place. Nobody asked for that; it follows from the data and from sparsity. Olshausen and Field (1996) found such features, and noted that cells in the visual cortex answer to the same kind of pattern.
#
# ### Measuring "looks like"
#
# "Gabor-like" is what such features are called, and it can be measured. A **Gabor function** is a wave under a bell-shaped window:
#
# $$g(a, b) = A \cos(2 \pi f a + \varphi)\, \exp\!\left(-\frac{a^2}{2 s_a^2} - \frac{b^2}{2 s_b^2}\right),$$
#
# where $a$ and $b$ are coordinates of a pixel, measured from the center $(u_0, v_0)$ of the window along and across the direction $\theta$ of the wave; $f$ is the frequency in cycles a pixel, $s_a$ and $s_b$ are the widths of the window, $A$ and $\varphi$ the height and phase of the wave. We fit it to each feature by least squares. Height and phase need no search: a wave of any phase is a sum of a cosine and a sine, so they come from a linear fit. The measure is the share of the feature that the best Gabor function explains, $R^2 = 1 - \lVert d - g \rVert^2 / \lVert d \rVert^2$.


# %%
v, u = np.mgrid[:12, :12] - 5.5  # coordinates of pixels, from the middle of the patch


def waves(p):
    """The cosine and the sine under the window, as columns: shape (144, 2)."""
    f, theta, u0, v0, s_a, s_b = p
    a = (u - u0) * np.cos(theta) + (v - v0) * np.sin(theta)
    b = (v - v0) * np.cos(theta) - (u - u0) * np.sin(theta)
    window = np.exp(-(a**2) / (2 * s_a**2) - b**2 / (2 * s_b**2))
    both = window * np.cos(2 * np.pi * f * a), window * np.sin(2 * np.pi * f * a)
    return np.stack(both, axis=-1).reshape(144, 2)


def misfit(p, d):
    columns = waves(p)
    return columns @ np.linalg.lstsq(columns, d, rcond=None)[0] - d


# %% [markdown]
# The search begins at the strongest frequency of the feature and at its center of mass, with two widths.


# %%
def fit_gabor(d):
    """The parameters of the best Gabor function found, and its R2; d has length 1."""
    d = np.float64(d)
    power = abs(np.fft.fft2(d.reshape(12, 12), (48, 48)))
    f_v, f_u = np.fft.fftfreq(48)[list(np.unravel_index(power.argmax(), power.shape))]
    u0, v0 = (d**2) @ u.ravel(), (d**2) @ v.ravel()
    bounds = [0.02, -np.inf, -7, -7, 0.6, 0.6], [0.6, np.inf, 7, 7, 6, 6]
    begin = [np.clip(np.hypot(f_u, f_v), 0.03, 0.58), np.arctan2(f_v, f_u), u0, v0]
    found = [
        least_squares(misfit, [*begin, s, s], bounds=bounds, args=(d,), max_nfev=60)
        for s in (1.5, 3)
    ]
    best = min(found, key=lambda result: result.cost)
    return best.x, 1 - 2 * best.cost


# %% [markdown]
# Does it find what is there? Fifty Gabor functions of known parameters, and the same with noise of a fifth of their length:

# %%
rng = np.random.default_rng(1)
low, high = [0.1, 0, -3, -3, 1.2, 1.2], [0.4, np.pi, 3, 3, 2.5, 2.5]
planted = rng.uniform(low, high, (50, 6))
rows = np.stack([waves(p) @ rng.standard_normal(2) for p in planted])
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
noisy = rows + 0.2 * rng.standard_normal(rows.shape) / 12
noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
exact, rough = ([fit_gabor(d) for d in group] for group in (rows, noisy))
off = [abs(p[0] - found[0]) for p, (found, _) in zip(planted, rough, strict=True)]
text = "smallest R2 of planted Gabor functions"
lesson.claim(text, min(r2 for _, r2 in exact), above=0.98, fails_under="math")
text = "median error of the frequency with noise, cycles a pixel"
lesson.claim(text, np.median(off), below=0.02, fails_under="math")

# %% [markdown]
# Now some features of the top-k model, each above its Gabor function.

# %%
rows = dictionary("top-k 10", 0)[:12]
fits = [fit_gabor(d) for d in rows]
drawn = np.stack([d + misfit(p, d) for d, (p, _) in zip(rows, fits, strict=True)])
plotting.show(
    plotting.image_rows({"feature": gray(rows), "Gabor": gray(drawn)}),
    "Two rows of twelve. Below each feature its Gabor function: most look alike, but for the "
    "features that are a texture or have two parts.",
)


# %% [markdown]
# The study fits all features of all dictionaries. It also asks a question about *use*: how well do 10 atoms, chosen for each test patch, rebuild it? To be fair to all, the choice is made by the same method, **orthogonal matching pursuit**: take the atom most like what is still missing, fit all atoms taken so far by least squares, repeat until there are 10.


# %%
def filters_study(kind, seed):
    rows = dictionary(kind, seed)
    fits = [fit_gabor(d) for d in rows]
    r2 = np.array([r2 for _, r2 in fits])
    area = 1 / (rows**4).sum(axis=1)  # 144 if all pixels are alike, 1 if one alone is not 0
    x = np.float64(same_length(whitened()[1])[:1000])
    z = orthogonal_mp(np.float64(rows.T), x.T, n_nonzero_coefs=10, precompute=True).T
    return {
        "R2": np.median(r2),
        "R2 above 0.8": np.mean(r2 > 0.8),
        "frequency": np.median([p[0] for p, _ in fits]),
        "pixels": np.median(area),
        "error": np.mean(metrics.squared_error(x, z @ rows)),
    }


# %%
kinds = ("random", "patches", "PCA", "ICA", "L1 1", "L1 2", "L1 3", "KL 30", "top-k 5", "top-k 10")
grid = [{"kind": kind, "seed": seed} for kind in kinds for seed in seeds]
looks = lesson.study("09_filters", filters_study, grid, live=[{"kind": "top-k 10", "seed": 0}])
print(
    f"{'dictionary':12s}{'R2, median':>13s}{'R2 > 0.8':>11s}{'pixels':>8s}{'error, 10 atoms':>18s}"
)
for kind in kinds:
    r2, error = looks.values("R2", kind=kind), looks.values("error", kind=kind)
    cells = f"{r2.mean():7.2f} ± {r2.std(ddof=1):.2f}{looks.mean('R2 above 0.8', kind=kind):10.0%}"
    cells += f"{looks.mean('pixels', kind=kind):9.0f}{error.mean():11.1f} ± {error.std(ddof=1):.1f}"
    print(f"{kind:12s}{cells}")

r2 = {kind: looks.values("R2", kind=kind) for kind in kinds}
for kind, other, bound in (
    ("top-k 10", "PCA", 0.25),
    ("top-k 10", "patches", 0.3),
    ("L1 2", "PCA", 0.2),
):
    margin = metrics.paired_margin(r2[kind], r2[other])
    lesson.claim(
        f"R2 of {kind} minus {other}, in spreads",
        margin,
        above=2,
        fails_under="no-training",
        study="09_filters",
    )
    gain = np.mean(r2[kind] - r2[other])
    lesson.claim(
        f"R2 of {kind} minus {other}",
        gain,
        above=bound,
        fails_under="no-training",
        study="09_filters",
    )

# %% [markdown]
# (`error` is the squared error of a patch, of which 100 are to be explained. `pixels` tells over how many pixels a feature spreads: 1 over the sum of the fourth powers of its 144 numbers.)
#
# In which directions do the fitted waves run, and how fine are they? (0 degrees: upright stripes; 90: level ones. Only features that a Gabor function explains to more than a half are counted; of PCA's 100 these are few.)

# %%
fig, axes = plt.subplots(2, 4, figsize=(9.5, 4.4), constrained_layout=True)
drawn = ("PCA", "ICA", "L1 2", "top-k 10")
for kind, (upper, lower) in zip(drawn, axes.T, strict=True):
    fits = [fit_gabor(d) for d in dictionary(kind, 0)]
    p = np.reshape([p for p, r2 in fits if r2 > 0.5], (-1, 6))
    share = np.full(len(p), 1 / len(fits))
    upper.hist(np.rad2deg(p[:, 1]) % 180, bins=12, range=(0, 180), weights=share)
    lower.hist(p[:, 0], bins=12, range=(0, 0.6), weights=share)
    upper.set(
        title=f"{kind} ({len(p)} of {len(fits)})", xlabel="direction (degrees)", xticks=[0, 90, 180]
    )
    lower.set(xlabel="frequency (cycles a pixel)")
for row in axes:
    row[0].set_ylabel("share of features")
    top = max(ax.get_ylim()[1] for ax in row)
    for ax in row:
        ax.set_ylim(0, top)
plotting.show(
    fig,
    "Histograms of direction and frequency for four dictionaries. ICA, L1 and top-k have features "
    "in all directions, and most frequencies lie between 0.2 and 0.4. PCA's few lie lower.",
)

# %% [markdown]
# - **L1 and top-k make Gabor-like features.** Half of the features of L1 2, L1 3 and top-k are explained to 75 % or more by a single Gabor function; for PCA's waves it is 32 %, for pieces of photographs 30, for random directions 15. So it is neither the whitening nor the photographs alone.
# - **ICA does better still** (84 %), without a network.
# - **Top-k features are small** (24 to 27 pixels, as ICA's 23). Those of L1 spread as far as PCA's (53): lines across the patch.
# - **KL is the exception.** Its numbers are as sparse as those of L1 3 (next table), and its dictionary rebuilds as well as the others, but its features are no more Gabor-like than PCA's. That was the best of some ten settings tried by hand; another implementation may fare better. Sparse alone does not mean Gabor-like.
# - **Learned dictionaries rebuild better**: 40 to 43 (L1 1, hardly sparse, 46) against 46 for patches and 52 for random directions, all of 192 atoms. PCA and ICA can't have more than 100, so their 52 and 45 compare with a smaller choice.
#
# ### What L1 costs
#
# Now the codes themselves, by the models' own encoders. `active` is how many numbers are above 0, on average (for KL, whose numbers are never 0: above 0.4, a tenth of their range; `refit` keeps those only), `error` the squared error. `refit` is the error when the *same* numbers stay active, but their values are fitted anew by least squares. *Predict:* for which model will `refit` be much lower than `error`?


# %%
def refit_error(x, z, rows):
    """Squared error of each x if the active atoms get the best values for it."""
    errors = []
    for one, active in zip(x, z > 0, strict=True):
        atoms = rows[active].T
        best = np.linalg.lstsq(atoms, one, rcond=None)[0] if active.any() else np.zeros(0)
        errors.append(np.sum((one - atoms @ best) ** 2))
    return np.array(errors)


def codes_study(kind, seed):
    model, x = sparse(kind, seed), same_length(whitened()[1])[:1000]
    z, rows = np.float64(model.encode(x)), np.float64(model.D)
    active = z > (0.4 if model.kind == "KL" else 0)
    return {
        "active": np.mean(active.sum(axis=1)),
        "dead": np.mean(~active.any(axis=0)),
        "error": np.mean(metrics.squared_error(x, z @ rows)),
        "refit": np.mean(refit_error(x, z * active, rows)),
    }


# %%
trained_kinds = kinds[4:]
grid = [{"kind": kind, "seed": seed} for kind in trained_kinds for seed in seeds]
codes = lesson.study("09_codes", codes_study, grid, live=[{"kind": "L1 3", "seed": 0}])
for kind in trained_kinds:
    each = {name: codes.mean(name, kind=kind) for name in codes.results[0]}
    cells = f"active {each['active']:5.1f}   error {each['error']:5.1f}"
    print(f"{kind:10s}{cells}   refit {each['refit']:5.1f}")

# %% [markdown]
# With about 10 numbers in use, L1 3 leaves an error of 72, top-k 10 one of 47. Refitted, with the same numbers active, L1's error falls to 51: 85 % of its distance to top-k are not what it chose, but *values* that are too small. For top-k refitting changes next to nothing.
#
# (10 atoms chosen by matching pursuit from the dictionary of top-k 10 left 42. So a one-layer encoder does not find the best code, and costs 5 here. What it gains is speed: one product of matrices.)
#
# Why are L1's values too small? Take a single atom, and an example $x = c\, d$ with $c > 0$. What is the best $z$? The loss is $(c - z)^2 + \lambda z$, its derivative $-2(c - z) + \lambda$ is 0 at $z = c - \lambda / 2$ (and $z = 0$ if that is negative). So L1 does not only choose, it also **shrinks** all it has chosen, by $\lambda/2$. Top-k doesn't.

# %%
c, lam = 2.0, 1.5
z = np.linspace(0, 4, 40001)
best = z[np.argmin((c - z) ** 2 + lam * z)]
print(f"c {c}, lambda {lam}: best z {best:.2f}")
lesson.claim(
    "best z minus (c - lambda / 2)", abs(best - (c - lam / 2)), below=1e-3, fails_under="math"
)
saved = codes.values("error", kind="L1 3") - codes.values("refit", kind="L1 3")
text = "L1 3: error minus that with the same atoms, refitted"
lesson.claim(text, saved.mean(), between=(15, 30), fails_under="no-training", study="09_codes")
lesson.claim(
    "error of top-k 10",
    codes.mean("error", kind="top-k 10"),
    below=50,
    fails_under="no-training",
    study="09_codes",
)

# %% [markdown]
# ## A code that keeps still: the contractive penalty (deeper)
#
# Sparsity asks for few numbers. Another wish: the code should not *move* when the input changes a little. The **contractive autoencoder** (Rifai and others 2011) punishes the derivatives of the code with respect to the input. They form the **Jacobian matrix** $J$, with $J_{ji} = \partial z_j / \partial x_i$, and the penalty is its squared Frobenius norm, the sum of the squares of all its entries:
#
# $$L = \lVert x - \hat x \rVert^2 + \lambda \lVert J(x) \rVert_F^2 \quad\text{(a mean over the batch)}.$$
#
# With one sigmoid layer, $z = \sigma(x W + b)$, it needs no automatic differentiation. The derivative of a sigmoid is $z (1 - z)$, so $J_{ji} = z_j (1 - z_j) W_{ij}$ and
#
# $$\lVert J \rVert_F^2 = \sum_j \big(z_j (1 - z_j)\big)^2 \sum_i W_{ij}^2 .$$
#
# The weights are tied, $\hat x = \sigma(z W^T + c)$. Why? *Guess*: with free weights the encoder could shrink and the decoder grow, and nothing else would change. The data are the digits of lesson 8.


# %%
mnist = data.load("mnist")
x_train, x_test = mnist.x_train[:9000].reshape(-1, 784), mnist.x_test.reshape(-1, 784)
y_train, y_test = mnist.y_train[:9000], mnist.y_test


class Contractive(keras.Model):
    """One sigmoid layer, tied weights; `noise` makes it a denoising autoencoder instead."""

    def __init__(self, strength, seed, noise=0.0, size=784, units=128):
        super().__init__()
        self.strength, self.noise = strength, noise
        self.W = self.add_weight(shape=(size, units), name="W")
        self.b = self.add_weight(shape=(units,), initializer="zeros", name="b")
        self.c = self.add_weight(shape=(size,), initializer="zeros", name="c")
        self.random = keras.random.SeedGenerator(seed)
        self.built = True

    def encode(self, x):
        return ops.sigmoid(ops.matmul(x, self.W) + self.b)

    def call(self, x):
        return ops.sigmoid(ops.matmul(self.encode(x), ops.transpose(self.W)) + self.c)

    def penalty(self, x):
        z = self.encode(x)
        return ops.sum(ops.square(z * (1 - z)) * ops.sum(ops.square(self.W), axis=0), axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        seen = x
        if self.noise:
            seen = x + self.noise * keras.random.normal(ops.shape(x), seed=self.random)
        loss = ops.mean(ops.sum(ops.square(x - self(seen)), axis=1))
        return loss + self.strength * ops.mean(self.penalty(x)) if self.strength else loss


# %% [markdown]
# Is the formula right? Compare it with finite differences: change one pixel by $\pm h$, see how far the code moves, divide by $2h$; for all pixels. (`directions_of_change`, which makes two kinds of changes of the same length, is for the study.)


# %%
def finite_differences(model, x, h=1e-2):
    """The Jacobian matrix of the code at one example, shape (784, units)."""
    change = h * np.eye(784, dtype="float32")
    return (np.float64(model.encode(x + change)) - np.float64(model.encode(x - change))) / (2 * h)


def directions_of_change(seed):
    """Test digits shifted by a pixel, and test digits with noise of the same length."""
    moved = np.roll(x_test.reshape(-1, 28, 28), 1, axis=2).reshape(-1, 784)
    noise = np.random.default_rng(seed).standard_normal(x_test.shape)
    lengths = np.linalg.norm(moved - x_test, axis=1, keepdims=True)
    return moved, x_test + noise * lengths / np.linalg.norm(noise, axis=1, keepdims=True)


keras.utils.set_random_seed(0)
model = Contractive(1.0, seed=0)
measured = np.sum(finite_differences(model, x_test[0]) ** 2)
formula = float(model.penalty(x_test[:1])[0])
lesson.claim(
    "penalty over finite differences",
    formula / measured,
    between=(0.999, 1.001),
    fails_under="math",
)

# %% [markdown]
# Five strengths, and a denoising autoencoder of the same form beside them (lesson 5; noise of standard deviation 0.5), three seeds each. The table will say (the last four columns in %):
#
# - `error`, the squared error of test digits, and `penalty`, the mean of $\lVert J \rVert_F^2$;
# - `by noise`: how far the code moves when the input is changed by random noise of the length of a shift by one pixel; `by shift`: how far it moves by the shift itself. Both as shares of the typical distance between the codes of two test digits, for a code that shrinks as a whole keeps no stiller;
# - `10 of 128`: the share of $\lVert J \rVert_F^2$ in the ten directions of the input to which the code is most sensitive (the squares of the ten largest singular values of $J$);
# - `probe`: the test accuracy of a linear probe on the frozen code, with all 9,000 labels.
#
# *Predict:* will `by noise` and `by shift` fall alike?


# %%
@functools.cache
def contractive(strength, noise, seed):
    keras.utils.set_random_seed(seed)
    model = Contractive(float(strength), seed, noise)
    return train(model, x_train, 40, rate=learning_rate * 2 / 3, seed=seed, jit=not noise)


def contractive_study(strength, noise, seed):
    model = contractive(strength, noise, seed)
    z, z_test = (np.float64(model.encode(x)) for x in (x_train, x_test))
    moved, noisy = (model.encode(np.float32(x)) for x in directions_of_change(seed))
    typical = np.sqrt(2 * z_test.var(axis=0).sum())
    slopes = z_test[:100] * (1 - z_test[:100])
    squares = [np.linalg.svd(np.asarray(model.W) * s, compute_uv=False) ** 2 for s in slopes]
    mean, std = z.mean(axis=0), (z - z.mean(axis=0)).std()
    probe = LogisticRegression(max_iter=1000).fit((z - mean) / std, y_train)
    return {
        "error": np.mean(metrics.squared_error(x_test, np.asarray(model(x_test)))),
        "penalty": np.mean(model.penalty(x_test)),
        "noise": np.linalg.norm(noisy - z_test, axis=1).mean() / typical,
        "shift": np.linalg.norm(moved - z_test, axis=1).mean() / typical,
        "10 of 128": np.mean([s[:10].sum() / s.sum() for s in squares]),
        "probe": probe.score((z_test - mean) / std, y_test),
    }


# %% [markdown]
# The study, and its table:

# %%
settings = [{"strength": s, "noise": 0.0} for s in strengths] + [{"strength": 0, "noise": 0.5}]
grid = [setting | {"seed": seed} for setting in settings for seed in seeds]
live = [{"strength": 1, "noise": 0.0, "seed": 0}]
still = lesson.study("09_contractive", contractive_study, grid, live=live)
print(
    f"{'':14s}"
    + "".join(f"{'by ' * (name in ('noise', 'shift')) + name:>13s}" for name in still.results[0])
)
for setting in settings:
    name = f"lambda {setting['strength']}" if not setting["noise"] else "denoising 0.5"
    cells = ""
    for metric in still.results[0]:
        values = (1 if metric in ("error", "penalty") else 100) * still.values(metric, **setting)
        cells += f"{values.mean():7.1f} ± {values.std(ddof=1):3.1f}"
    print(f"{name:14s}{cells}")

plain, one = (still.values("noise", strength=s, noise=0.0) for s in (0, 1))
text = "movement by noise with the penalty 1, over that without"
lesson.claim(
    text, np.mean(one / plain), below=0.65, fails_under="no-training", study="09_contractive"
)
plain, one = (still.values("shift", strength=s, noise=0.0) for s in (0, 1))
text = "movement by the shift with the penalty 1, over that without"
lesson.claim(
    text,
    np.mean(one / plain),
    between=(0.65, 0.9),
    fails_under="no-training",
    study="09_contractive",
)
gain = still.values("probe", strength=1, noise=0.0) - still.values("probe", strength=0, noise=0.0)
lesson.claim(
    "points the probe gains",
    100 * gain.mean(),
    above=1,
    fails_under="no-training",
    study="09_contractive",
)

# %% [markdown]
# - **Noise and shift part company.** With $\lambda = 1$ noise moves the code half as far as before, the shift still four fifths as far. The penalty punishes all directions alike, but the squared error defends those in which digits differ from each other. What is left is a code that answers to few directions: ten of them hold 82 % of the Jacobian's squared norm instead of 56.
# - **The probe gains 3 points** (91 to 94 %), and loses 22 when the penalty is too strong. The reconstruction gets worse from the start: 9.9, 18, 57. A good code and a good copy are different aims.
# - **Denoising goes the same way**: with noise of standard deviation 0.5, its row lies near that of $\lambda = 0.1$ in every column. (Alain and Bengio 2014 show that for *small* noise denoising is a contraction as well, of the reconstruction instead of the code.)
# - At $\lambda = 10$ ten directions are all that is left (99.9 %), and digits differ in more than ten ways: the probe reads 69 %.

# %% [markdown]
# ## Sparse autoencoders as microscopes (core)
#
# Perhaps the most discussed autoencoders of today don't look at pictures or words. They look at *networks*. A hidden layer of a language model has some thousand units, and hardly one of them answers to one thing only. The idea (Elhage and others 2022): a network knows of more things than it has units, so it stores each as a *direction* among the units, many of them not at right angles; that works as long as few things are present at a time. This is called **superposition**. If it is so, then a sparse autoencoder, trained on the activations of the layer, could find the directions (Bricken and others 2023; Huben and others 2024).
#
# ### Features that we planted
#
# Before looking at anything unknown, use the instrument on something known. We plant 128 features: random directions of length 1 in a space of 32 dimensions. Each example contains about three of them, with strengths from 0.5 to 1.5, and a little noise.


# %%
@functools.cache
def planted_data(n, seed, count=128, size=32, active=3):
    """Features (count, size), which are always the same; strengths (n, count); examples (n, size)."""
    rows = np.random.default_rng([128, 32]).standard_normal((count, size))
    rows = np.float32(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    rng = np.random.default_rng([n, seed])
    present = rng.random((n, count)) < active / count
    strength = np.float32(present * rng.uniform(0.5, 1.5, (n, count)))
    noise = 0.02 * rng.standard_normal((n, size))
    return rows, strength, strength @ rows + np.float32(noise)


def mean_max_cosine(rows, found):
    """For each planted row the largest cosine with a found one; mean."""
    rows, found = (d / np.linalg.norm(d, axis=1, keepdims=True) for d in (rows, found))
    return np.mean((rows @ found.T).max(axis=1))


planted, strength, x_mixed = planted_data(20000, seed=1)
print("features", planted.shape, "strengths", strength.shape, "-> x", x_mixed.shape)
print(f"features in an example: {np.mean((strength > 0).sum(axis=1)):.2f}")

# %% [markdown]
# The score is the **mean max cosine**: for each planted feature the cosine of the angle to the found feature that comes nearest, averaged. 1 means that all were found. What does it say of dictionaries that found nothing? *Guess for each*: 128 random directions (and 64, and 256); 128 of the examples themselves; the 32 directions of PCA, both ways.

# %%
rng = np.random.default_rng(3)
guesses = {
    "128 random": rng.standard_normal((128, 32)),
    "128 examples": x_mixed[(strength > 0).any(axis=1)][:128],
    "PCA": np.concatenate([pca := PCA(32).fit(x_mixed).components_, -pca]),
    "the planted features": planted,
}
for count in (64, 256):
    guesses[f"{count} random"] = rng.standard_normal((count, 32))
for name, rows in guesses.items():
    print(f"{name:22s}{mean_max_cosine(planted, rows):.2f}")
levels = {"random": guesses["128 random"], "examples": guesses["128 examples"]}
levels = {name: mean_max_cosine(planted, rows) for name, rows in levels.items()}
text = "mean max cosine of the planted features with themselves"
lesson.claim(text, mean_max_cosine(planted, planted), between=(0.9999, 1.0001), fails_under="math")

# %% [markdown]
# Note the scale: 0.43 for pure chance, since among 128 directions in 32 dimensions one is always fairly near, and about 0.7 for examples, in which the features are mixed. A report of 0.7 without these lines under it means nothing.
#
# Now train: L1 with five strengths, top-k with five $k$, and top-k with too few and too many numbers. The last letters of a setting are the size of its code.


# %%
@functools.cache
def microscope(kind, strength, units, seed):
    model = SparseAutoencoder(kind, strength, 32, units, seed)
    return train(model, planted_data(20000, seed=1)[2], epochs=30, seed=seed)


def planted_study(kind, strength, units, seed):
    model = microscope(kind, strength, units, seed)
    planted, strength_test, x_mixed_test = planted_data(4000, seed=2)
    rows, z = np.float64(model.D), np.float64(model.encode(x_mixed_test))
    nearest = (planted @ rows.T).argmax(axis=1)
    there = strength_test > 0
    used = there & (z[:, nearest] > 1e-4)  # present, and its nearest number is active
    return {
        "cosine": mean_max_cosine(planted, rows),
        "found": np.mean((planted @ rows.T).max(axis=1) > 0.9),
        "active": np.mean((z > 1e-4).sum(axis=1)),
        "dead": np.mean((z <= 1e-4).all(axis=0)),
        "error": np.mean(metrics.squared_error(x_mixed_test, z @ rows)),
        "used": used.sum() / there.sum(),
        "height": (z[:, nearest] * used).sum() / (strength_test * used).sum(),
    }


# %% [markdown]
# The columns: `found` is the share of planted features with a cosine above 0.9; `active` how many numbers an example uses; `dead` the share of numbers that no test example uses; `used`: where a planted feature is present, how often the nearest number is active; `height`: and if so, how large that number is, over the true strength. The last line is the largest standard deviation over the three seeds.

# %%
settings = [("L1", s, 128) for s in (0.05, 0.1, 0.2, 0.4, 0.8)]
settings += [("top-k", k, n) for k, n in ((2, 128), (3, 128), (5, 128), (8, 128), (16, 128))]
settings += [("top-k", 3, 64), ("top-k", 3, 256)]
names = ("kind", "strength", "units", "seed")
grid = [dict(zip(names, (*s, seed), strict=True)) for s in settings for seed in seeds]
live = [dict(zip(names, ("top-k", 3, 128, 0), strict=True))]
found = lesson.study("09_planted", planted_study, grid, live=live)
wheres = [dict(zip(names[:3], setting, strict=True)) for setting in settings]
print(f"{'':16s}" + "".join(f"{name:>10s}" for name in found.results[0]))
for setting, where in zip(settings, wheres, strict=True):
    cells = "".join(f"{found.mean(name, **where):10.3f}" for name in found.results[0])
    print(f"{' '.join(map(str, setting)):16s}{cells}")
spread = [max(found.std(name, **where) for where in wheres) for name in found.results[0]]
print(f"{'largest std':16s}" + "".join(f"{std:10.3f}" for std in spread))

# %% [markdown]
# The two scores that matter, against the number of active numbers, for codes of 128:

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.2), constrained_layout=True)
curves = {}
for metric, ax in zip(("cosine", "error"), axes, strict=True):
    for kind in ("L1", "top-k"):
        some = [s[:2] for s in settings if s[0] == kind and s[2] == 128]
        wheres = [{"kind": k, "strength": s, "units": 128} for k, s in some]
        active = [found.mean("active", **where) for where in wheres]
        curves[kind] = (active, [found.values(metric, **where) for where in wheres])
    plotting.sweep(
        curves,
        xlabel="active numbers an example",
        ylabel={"cosine": "mean max cosine", "error": "squared error"}[metric],
        log="x",
        xticks=[2, 3, 5, 10, 20, 50],
        ax=ax,
        references=levels if metric == "cosine" else None,
    )
    ax.axvline(3, color="0.3", linestyle=":")
plotting.show(
    fig,
    "Two figures against the number of active numbers. Left, the mean max cosine: near 1 for "
    "both kinds with few active numbers, falling when many are. Right, the squared error: it "
    "falls all the way. A dotted line marks the true three; level lines, random directions and examples.",
)

# %%
best = found.values("cosine", kind="top-k", strength=3, units=256)
lesson.claim(
    "mean max cosine of top-k 3 of 256",
    best.min(),
    above=0.98,
    fails_under="no-training",
    study="09_planted",
)
worst = found.values("cosine", kind="L1", strength=0.05, units=128)
text = "mean max cosine of L1 0.05, which has the smallest error"
lesson.claim(text, worst.max(), between=(0.55, 0.66), fails_under="no-training", study="09_planted")
loose, tight = (found.values("error", kind="L1", strength=s, units=128) for s in (0.05, 0.4))
text = "squared error of L1 0.4 over that of L1 0.05"
lesson.claim(text, np.min(tight / loose), above=5, fails_under="no-training", study="09_planted")
gain = [found.values("cosine", kind="L1", strength=s, units=128) for s in (0.4, 0.05)]
text = "mean max cosine of L1 0.4 minus that of L1 0.05"
lesson.claim(
    text, np.min(gain[0] - gain[1]), above=0.25, fails_under="no-training", study="09_planted"
)

# %% [markdown]
# - **A small error is not the aim.** L1 0.05 has the smallest error (0.03), has found not one feature (no cosine above 0.9), and its mean max cosine of 0.61 is *below* that of the examples themselves. It uses 47 numbers where 3 would do, and with so many nearly any dictionary rebuilds everything.
# - **Sparse enough, both kinds find them**: with 2 to 8 active numbers, L1 and top-k have found 86 to 93 % of the features. The exact $k$ matters little, up to a point: 16 is too many, and nothing is found.
# - **Room to spare helps here.** Of 128 numbers for 128 features, top-k 3 leaves 5 % **dead** (no example uses them), and 14 % of the features unfound. Of 256 numbers 28 % are dead, and all but 0.3 % of the features are found. Chance alone would raise the mean max cosine by 0.04 from 128 to 256, not from 0.96 to 0.996.
# - **Finding a feature is not yet measuring it.** Where a feature is present, top-k 3 uses its number in 70 % of the cases only, but then with 0.86 of the right height. L1 0.4 uses it in 89 %, at half the height: more than the shrinkage of $\lambda / 2 = 0.2$ explains. Perhaps some of the rest is put down to the numbers of other features: one layer can hardly tell overlapping directions apart.
#
# On real data nobody knows the features, so cosine can't be computed, and $\lambda$, $k$ and the size must be chosen by something else. The error is not it. What people do is look, and test what the features do. That comes next.
#
# ### A classifier under the microscope
#
# Now something whose features nobody planted: a classifier of digits with two hidden layers. We look at the second, of 64 units. Its activations are centered and divided by one number, so that their mean squared length is 1. `hidden` gives them, `read` turns them into class scores (logits) again.


# %%
@functools.cache
def classifier(seed, trained=True):
    keras.utils.set_random_seed(seed)
    layer = keras.layers.Dense
    body = keras.Sequential([keras.Input((784,)), layer(256, "relu"), layer(64, "relu")])
    head = layer(10)
    network = keras.Sequential([keras.Input((784,)), body, head])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(learning_rate / 3), loss=loss)
    if trained:
        y = y_train.astype("int32")
        training.fit(network, x_train, y, epochs=10, batch_size=100, seed=seed, progress=False)
    return body, head


@functools.cache
def hidden(seed, trained=True):
    """Scaled activations for training and test digits, and the function from them to logits."""
    body, head = classifier(seed, trained)
    a, a_test = (np.asarray(body(x)) for x in (x_train, x_test))
    mean = a.mean(axis=0)
    scale = np.sqrt(((a - mean) ** 2).sum(axis=1).mean())

    def read(scaled):
        return np.asarray(head(np.float32(scaled * scale + mean)))

    return (a - mean) / scale, (a_test - mean) / scale, read


# %% [markdown]
# How well does it classify? And the sparse autoencoders that will look at it:


# %%
@functools.cache
def features(kind, strength, units, seed, trained=True):
    model = SparseAutoencoder(kind, strength, 64, units, seed)
    return train(model, hidden(seed, trained)[0], 60, rate=learning_rate * 2 / 3, seed=seed)


a, a_test, read = hidden(0)
accuracy = np.mean(read(a_test).argmax(axis=1) == y_test)
print("activations", a.shape, "test", a_test.shape)
lesson.claim(
    "test accuracy of the classifier",
    accuracy,
    between=(0.945, 0.97),
    fails_under="shuffled-labels",
)

# %% [markdown]
# A sparse autoencoder with 64 features, 8 of them active at a time. (Not more numbers than units this time: with ten classes there is no crowd of features to expect. 256 come along below.) What does a feature respond to? The test digits with the largest $z_j$, for the eight features that are active most often:

# %%
model = features("top-k", 8, 64, 0)
z_test = np.asarray(model.encode(a_test))
often = np.argsort(-(z_test > 0).mean(axis=0))[:8]
tops = {f"feature {i}": np.argsort(-z_test[:, j])[:12] for i, j in enumerate(often, 1)}
rest = np.sum((a_test - np.asarray(model(a_test))) ** 2) / np.sum(a_test**2)
text = "share of the activations' squared length that is not explained"
lesson.claim(text, rest, below=0.08, fails_under="no-training")
plotting.show(
    plotting.image_rows({name: x_test[top].reshape(-1, 28, 28) for name, top in tops.items()}),
    "Eight rows of twelve digits, one row for each of eight features. In most rows all digits "
    "are of one or two classes, often of one way of writing.",
)

# %% [markdown]
# Most rows look like *something*. It is tempting to stop here and give names to the features. But our eyes find something in most rows, so compare. `purity` is the share of the 20 strongest digits of a feature that are of the same class. In the table stand
#
# - **chance**: 20 digits drawn blindly;
# - the 64 **units** themselves, 32 directions of **PCA** and 64 **random** directions, these two both ways;
# - 64 activations of **training digits**, used as directions: "looks like this one";
# - three sparse autoencoders;
# - sparse autoencoder and random directions on the same classifier **never trained**.
#
# (Features of which fewer than 20 test digits are active are left out. With $\lambda = 0.2$ L1 leaves somewhat more of the activations unexplained than top-k with 8.)


# %%
sparse_settings = {"L1": ("L1", 0.2, 64), "top-k": ("top-k", 8, 64)}
sparse_settings |= {"top-k 256": ("top-k", 8, 256)}


def purity(z, top=20):
    """Share of one class among the examples with the largest values, for each column of z."""
    strongest = np.argsort(-z, axis=0, kind="stable")[:top]
    return np.array([np.bincount(y_test[rows]).max() / top for rows in strongest.T])


# %%
def purity_study(kind, seed):
    a, a_test, _ = hidden(seed, trained="untrained" not in kind)
    name, rng = kind.removesuffix(", untrained"), np.random.default_rng([1, seed])
    if name in sparse_settings:
        model = features(*sparse_settings[name], seed, "untrained" not in kind)
        z = np.asarray(model.encode(a_test))
        z = z[:, (z > 0).sum(axis=0) >= 20]  # the others have no 20 strongest
    elif name == "chance":
        z = rng.random((len(a_test), 64))
    elif name == "units":
        z = a_test
    else:
        rows = {
            "examples": a[rng.choice(len(a), 64, replace=False)],
            "random": np.concatenate([turned := rng.standard_normal((64, 64)), -turned]),
            "PCA": np.concatenate([pca := PCA(32).fit(a).components_, -pca]),
        }[name]
        z = a_test @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
    return {"purity": purity(z).mean(), "directions": z.shape[1]}


# %% [markdown]
# *Predict before you run:* order the ten kinds by purity.

# %%
kinds = ("chance", "random", "units", "PCA", "examples", "L1", "top-k", "top-k 256")
kinds += ("random, untrained", "top-k, untrained")
grid = [{"kind": kind, "seed": seed} for kind in kinds for seed in seeds]
pure = lesson.study("09_purity", purity_study, grid, live=[{"kind": "top-k", "seed": 0}])
for kind in kinds:
    values = pure.values("purity", kind=kind)
    count = pure.mean("directions", kind=kind)
    print(f"{kind:20s}{values.mean():5.2f} ± {values.std(ddof=1):.2f}   of {count:.0f} directions")

margin = pure.values("purity", kind="examples") - pure.values("purity", kind="top-k")
lesson.claim(
    "purity of examples minus top-k",
    margin.min(),
    above=0.03,
    fails_under="shuffled-labels",
    study="09_purity",
)
text = "purity of top-k minus that on the untrained classifier"
margin = pure.values("purity", kind="top-k") - pure.values("purity", kind="top-k, untrained")
lesson.claim(text, margin.min(), above=0.1, fails_under="shuffled-labels", study="09_purity")

# %% [markdown]
# Chance gives 0.22. The purest are the plain **examples** (0.91): a digit's activation, used as a direction, finds 18 of 20 of its class. Then come the sparse autoencoders (0.73 to 0.84), of which that with 256 numbers is level with **random directions** (0.72), and the units are not far below (0.67). In this layer the digits of a class lie together, and that makes most directions pure.
#
# On a network that was **never trained** the sparse autoencoder's features reach 0.58, well above chance and above random directions there (0.44): digits that look alike lie together in any network.
#
# So features that look tidy are weak evidence of what a network has learned: how tidy is a random direction, and how tidy are the features of an untrained network? For language models the second question gave a surprise: sparse autoencoders on networks with random weights gave features that scored about as well (Heap and others 2025).
#
# ### What changes when it is switched off?
#
# Looking at examples shows what goes *together* with a feature. What it *does* shows only if it is changed: take the part $z_j d_j$ out of the activations, and let the classifier go on from there. Of the eight features above, the purest is switched off wherever it was on:

# %%
j = often[purity(z_test[:, often]).argmax()]
on = z_test[:, j] > 0
without = a_test[on] - z_test[on][:, [j]] * np.asarray(model.D)[j]
change = (read(without) - read(a_test[on])).mean(axis=0)
plotting.show(
    plotting.bars(
        {f"score of {digit}": float(value) for digit, value in enumerate(change)},
        xlabel="mean change of the logit",
    ),
    "Ten bars: the mean change of each class's score when one feature is switched off. One score "
    "falls far, most others rise a little.",
)
strongest = np.bincount(y_train[np.asarray(model.encode(a))[:, j].argsort()[-100:]]).argmax()
text = "change of the score of the class for which the feature is strongest"
lesson.claim(text, change[strongest], below=-0.3, fails_under="no-training")

# %% [markdown]
# One score falls far, and the class that loses is that of the digits in the feature's row. For this feature, looking gave the right idea.
#
# A harder test, with an answer that can be wrong: **make the classifier blind for one digit, and for no other**. For each digit, rank the features by what they do for it: how much more they are active for this digit than for others (on training data), times how much their direction raises its score above the other scores. Switch off the first 1, 2, 4, ... 64 and see what is left of the accuracy on that digit and on the nine others.
#
# The same rule serves the rivals. Each direction of PCA, of a random rotation and of the units is used both ways, as two features that are never negative: so much of it as an activation has, compared with the mean. One more rival knows the labels: the direction from the center to the **mean of the class**.


# %%
def coordinates(kind, seed):
    """Directions, and what training and test activations have of each."""
    a, a_test, _ = hidden(seed)
    if kind in sparse_settings:
        model = features(*sparse_settings[kind], seed)
        return np.asarray(model.D), np.asarray(model.encode(a)), np.asarray(model.encode(a_test))
    if kind == "class means":
        rows = np.stack([a[y_train == digit].mean(axis=0) for digit in range(10)])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    else:
        random = np.linalg.qr(np.random.default_rng([2, seed]).standard_normal((64, 64)))[0]
        pca = PCA(64).fit(a).components_
        rows = {"units": np.eye(64), "PCA": pca, "random": random}[kind]
        rows = np.concatenate([rows, -rows])
    return rows, np.maximum(a @ rows.T, 0), np.maximum(a_test @ rows.T, 0)


# %%
counts = (0, 1, 2, 4, 8, 16, 32, 64)


def blind_study(kind, seed):
    _, a_test, read = hidden(seed)
    rows, z, z_test = coordinates(kind, seed)
    W = np.asarray(classifier(seed)[1].kernel)
    left = np.zeros((len(counts), 2))
    for digit in range(10):
        mine = y_train == digit
        lift = rows @ (W[:, digit] - W.mean(axis=1))
        order = np.argsort(-(z[mine].mean(axis=0) - z[~mine].mean(axis=0)) * lift)
        for i, count in enumerate(counts):
            off = order[:count]
            right = read(a_test - z_test[:, off] @ rows[off]).argmax(axis=1) == y_test
            left[i] += right[y_test == digit].mean() / 10, right[y_test != digit].mean() / 10
    names = [f"{who}, {count} off" for count in counts for who in ("digit", "others")]
    return dict(zip(names, left.ravel(), strict=True))


# %% [markdown]
# *Predict before you run:* how many units, and how many features, must go until the digit is lost?

# %%
kinds = ("random", "units", "PCA", "L1", "top-k", "top-k 256", "class means")
grid = [{"kind": kind, "seed": seed} for kind in kinds for seed in seeds]
blind = lesson.study("09_blind", blind_study, grid, live=[{"kind": "top-k", "seed": 0}])
print("accuracy (%) on the digit / on the others, with so many switched off")
print(f"{'':12s}" + "".join(f"{count:>10d}" for count in counts))
for kind in kinds:
    both = [[blind.mean(f"{w}, {n} off", kind=kind) for w in ("digit", "others")] for n in counts]
    both = both[:4] if kind == "class means" else both  # 10 directions only
    print(f"{kind:12s}" + "".join(f"{100 * d:6.0f} /{100 * o:3.0f}" for d, o in both))
for kind, other, bound in (("top-k", "units", 50), ("top-k", "random", 50)):
    fall = 100 * (
        blind.values("digit, 4 off", kind=other) - blind.values("digit, 4 off", kind=kind)
    )
    text = f"4 off: accuracy on the digit, {other} minus {kind}, in points"
    lesson.claim(text, fall.min(), above=bound, fails_under="no-training", study="09_blind")
kept = 100 * (
    blind.values("others, 4 off", kind="top-k") - blind.values("others, 8 off", kind="PCA")
)
text = "accuracy on the others, top-k with 4 off minus PCA with 8, in points"
lesson.claim(text, kept.min(), above=15, fails_under="no-training", study="09_blind")
first, second = (blind.values(f"digit, {n} off", kind="class means") for n in (0, 1))
text = "points the digit loses with the mean of its class off"
lesson.claim(
    text, 100 * np.min(first - second), above=85, fails_under="no-training", study="09_blind"
)

# %% [markdown]
# As a figure: from the upper right each curve goes left, as more is switched off. The goal is the upper left corner.

# %%
curves = {}
for kind in kinds:
    curves[kind] = tuple(
        [100 * blind.mean(f"{who}, {count} off", kind=kind) for count in counts]
        for who in ("digit", "others")
    )
fig = plotting.sweep(
    curves, xlabel="accuracy left on the digit (%)", ylabel="accuracy left on the others (%)"
)
fig.axes[0].legend(loc="lower right")
plotting.show(
    fig,
    "Accuracy on the others against accuracy on the digit, a curve for each kind of directions, "
    "from the upper right to the left. The class mean goes to the left at the full height; "
    "units, random directions and top-k run close together, PCA far below.",
)

# %% [markdown]
# - **Few features do what takes many units.** With 4 of 64 features off, 16 % of the digit's accuracy is left, and 95 % of the others'. Four units leave 92 % of it, 64 units (each used one way) 13 %. Random directions do no worse than units: a unit of this layer is nothing special.
# - **But the damage is nearly the same.** Follow the curves: where 20 % is left of the digit, top-k and random directions both have 94 to 95 % of the others; where 10 % is left, both have 86 to 88. The table by counts shows a large advantage, the figure a small one, and both are right. Sparse features put into few directions what can also be had from many.
# - **PCA is a hammer**: where 15 % of the digit is left, 72 % of the others.
# - **L1 gets stuck** at a quarter: probably its values are too small, so that switching off takes too little away. By purity L1 was ahead of top-k. Looking tidy and being a good switch are two things.
# - **The class mean beats all**: one direction, 3 % and 96 %. Of course, it was told the labels. Where you know what you are looking for, and have labels, you need no sparse autoencoder. It is for finding what you did not know to look for.
# - **Room to spare does not help here**: with 256 numbers, 4 off leave 34 %. Perhaps a digit is then spread over more features.
#
# The ranking by activity and effect used labels, too, for all rivals alike. What the sparse autoencoder contributed without labels are the directions.
#
# ## Change one thing
#
# Begin the lesson with `lesson.begin(9, strict=False)`, edit one place and run all cells again. Claims that no longer hold are reported and do not stop you; studies run anew with your change, which takes some minutes.
#
# - Leave out the whitening (in `whitened`, return `raw, raw_test, U`): what do the features look like now, and why so coarse?
# - In `SparseAutoencoder`, leave out `unit_rows` and train L1: follow the length of the rows and the sum of the code.
# - With KL, let the numbers go up to 8 instead of 4. Expect features hardly better than random ones: a target for the mean can then be met by many small numbers.
# - In `planted_data`, let 10 features be present instead of 3: from where on can't they be found?
# - In `classifier`, take 16 units instead of 64 in the second layer. Are features or units better switches now?
#
# ## Exercises

# %%
from aetutorial.exercises import lesson09

lesson09.top_k.prompt()


# %%
def top_k(a, k): ...  # your lines


lesson09.top_k.check(top_k)

# %%
lesson09.penalty.prompt()

# %%
answer = None  # a number
lesson09.penalty.check(answer)

# %%
lesson09.jacobian.prompt()


# %%
def jacobian_norm(x, W, b): ...  # your lines


lesson09.jacobian.check(jacobian_norm)

# %%
lesson09.ablate.prompt()


# %%
def ablate(h, z, D, j, scale): ...  # your lines


lesson09.ablate.check(ablate)

# %%
lesson09.reports.prompt()

# %%
answer = None  # a list of four texts
lesson09.reports.check(answer)

# %% [markdown]
# ## What you now know
#
# - L1 and top-k turn whitened photographs into Gabor-like features: 75 % explained by one Gabor function, PCA's 32 %. ICA does it as well, without a network, and KL did not, although its code was as sparse.
# - A $\lambda$ means nothing without what is summed and what is averaged. L1 chooses *and* shrinks; top-k only chooses.
# - A contractive penalty makes the code answer to few directions. At $\lambda = 1$ it helped the probe (91 to 94 %) and nearly doubled the error of the copy.
# - A sparse autoencoder can find planted features in superposition, 128 in 32 dimensions, if it is sparse enough. Its reconstruction error doesn't tell whether it did.
# - Features that look tidy prove little: examples are tidier, random directions hardly less. What counts is what changes when a feature is switched off: a few features did what took many units, with nearly the same damage elsewhere, and one direction that knew the labels did better.
#
# **In practice**, try several sizes and several $k$, look at how many numbers are dead, and keep three controls: random directions, an untrained network, and a simple direction made with labels.
#
# ## References
#
# - B. A. Olshausen, D. J. Field (1996). Emergence of simple-cell receptive field properties by learning a sparse code for natural images. *Nature* 381, 607–609.
# - A. J. Bell, T. J. Sejnowski (1997). The "independent components" of natural scenes are edge filters. *Vision Research* 37, 3327–3338.
# - A. Ng (2011). Sparse autoencoder. Lecture notes CS294A, Stanford University (the KL penalty).
# - Y. C. Pati, R. Rezaiifar, P. S. Krishnaprasad (1993). Orthogonal matching pursuit. *Asilomar Conference on Signals, Systems and Computers*.
# - A. Makhzani, B. Frey (2014). k-sparse autoencoders. *ICLR*. arXiv:1312.5663.
# - S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio (2011). Contractive auto-encoders: explicit invariance during feature extraction. *ICML*.
# - G. Alain, Y. Bengio (2014). What regularized auto-encoders learn from the data-generating distribution. *Journal of Machine Learning Research* 15, 3743–3773 (contraction and denoising are nearly the same for small noise).
# - N. Elhage and others (2022). Toy models of superposition. *Transformer Circuits Thread*. arXiv:2209.10652.
# - T. Bricken and others (2023). Towards monosemanticity: decomposing language models with dictionary learning. *Transformer Circuits Thread*.
# - R. Huben, H. Cunningham, L. Riggs Smith, A. Ewart, L. Sharkey (2024). Sparse autoencoders find highly interpretable features in language models. *ICLR*. arXiv:2309.08600.
# - L. Gao and others (2025). Scaling and evaluating sparse autoencoders. *ICLR*. arXiv:2406.04093 (top-k, dead features).
# - T. Heap, T. Lawson, L. Farnik, L. Aitchison (2025). Sparse autoencoders can interpret randomly initialized transformers. arXiv:2501.17727.
#
# Next: [lesson 10, challenges](10_challenges.ipynb): overfitting, decoders that are too large, codes that collapse, and how to find the bug.
