# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5 · Denoising and anomalies: what an error can tell you
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/05_denoising_and_anomalies.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/05_denoising_and_anomalies.ipynb)
#
# **Reading** 75 min · **working through** 130 min · **runs in** 110 s<!-- times -->
#
# **You will be able to**
# - train a denoising autoencoder, and compare it fairly with filters that need no training;
# - say what it does with noise it has never seen, and with pictures it has never seen;
# - explain why a denoiser knows in which direction the data lie, and check it (deeper);
# - use the reconstruction error as an alarm, set its threshold, and notice when it fails;
# - fill in missing values, and know when a simpler method does it better (deeper).
#
# **You need** [lesson 3](03_keras_example.ipynb): baselines, validation data, learning curves. PCA as the linear autoencoder is the subject of [lesson 4](04_dimensionality_reduction.ipynb).
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

lesson.begin(5)  # seeds, a quiet start of TensorFlow, the plot style

import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from scipy.ndimage import median_filter
from scipy.stats import bootstrap
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle
from skimage.transform import resize
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

# %% tags=["parameters"]
filters = 16  # of the first convolution of the denoiser
epochs = 6
learning_rate = 0.004
latent_dim = 32  # code of the autoencoder that looks for anomalies
seeds = range(3)

# %% [markdown]
# Until now the autoencoder was to return its input. In this lesson it is given one thing and asked for another: a spoiled picture in, the clean one out; a row with holes in, the whole row out. And once we let it fail on purpose: what it *can't* restore may be worth a look.
#
# ## Noise, and how to measure it (core)
#
# The data are the digits of lesson 1; later, photographs join them. Of the 10,000 training pictures we train on 9,000 and keep 200 of the others as validation data: whatever has a knob to turn will be tuned on them. 500 test pictures are for the scores.
#
# Three kinds of noise, written as a Keras layer. A layer knows whether the model is being trained (`training`). In training this one spoils what passes through, with new random numbers at each call; otherwise it lets everything pass.
#
# - **Gaussian**: to each pixel a normal number of standard deviation $\sigma$ is added.
# - **Salt and pepper** (`salt`): a share of the pixels is replaced, half of them by 0, half by 1.
# - **Block**: a square somewhere turns gray. Its side is given in pixels.


# %%
class Corrupt(keras.layers.Layer):
    """Spoil pictures in training, each time anew."""

    def __init__(self, kind, level, seed):
        super().__init__()
        self.kind, self.level = kind, level
        self.random = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        ops, shape = keras.ops, keras.ops.shape(x)
        if self.kind == "gaussian":
            return x + self.level * keras.random.normal(shape, seed=self.random)
        if self.kind == "salt":
            u = keras.random.uniform(shape, seed=self.random)
            return ops.where(u < self.level / 2, 0.0, ops.where(u < self.level, 1.0, x))
        corner = keras.random.uniform((2, shape[0], 1, 1, 1), seed=self.random)
        corner = ops.floor(corner * (x.shape[1] - self.level + 1))
        pixel = ops.arange(x.shape[1], dtype="float32")
        down, right = ops.reshape(pixel, (1, -1, 1, 1)), ops.reshape(pixel, (1, 1, -1, 1))
        inside = (down >= corner[0]) & (down < corner[0] + self.level)
        inside &= (right >= corner[1]) & (right < corner[1] + self.level)
        return ops.where(inside, 0.5, x)


def corrupted(x, kind, level, seed):
    """Return spoiled copies of pictures, for tests; the seed decides about the noise."""
    return np.asarray(Corrupt(kind, level, seed)(x, training=True))


# %%
mnist, photographs = data.load("mnist"), data.load("patches")
parts = {}  # name -> training, validation and test pictures
for name, images in (("digits", mnist), ("patches", photographs)):
    parts[name] = images.x_train[:9000], images.x_train[9000:9200], images.x_test[:500]
    print(name, *(part.shape for part in parts[name]))
conditions = [("gaussian", level) for level in (0.1, 0.3, 0.5)]
conditions += [("salt", level) for level in (0.1, 0.3, 0.5)] + [("block", 10)]
x_train, _, x_test = parts["digits"]
shown = np.array([np.flatnonzero(mnist.y_test == digit)[0] for digit in (0, 2, 4, 5, 8, 9)])
rows = {f"{k} {s}": corrupted(mnist.x_test[shown], k, s, seed=0) for k, s in conditions}
plotting.show(
    plotting.image_rows({"clean": mnist.x_test[shown]} | rows),
    "Six digits, clean and under seven kinds of noise. Gaussian noise of 0.1 is a light grain, "
    "of 0.5 it nearly drowns the strokes. Salt and pepper sets single pixels to black or white, "
    "up to half of them. A block is a gray square that hides what is below.",
)

# %% [markdown]
# How good is a restored picture $\hat x$ of the clean picture $x$? Two measures are usual.
#
# **PSNR**, the peak signal-to-noise ratio, is the mean squared error on a logarithmic scale, in decibels (dB):
#
# $$\text{PSNR}(x, \hat x) = 10 \log_{10} \frac{R^2}{\text{MSE}(x, \hat x)}, \qquad R = 1 \text{ the range of the pixels.}$$
#
# An error ten times smaller is 10 dB more; half the error is 3 dB more. It is computed per picture, then averaged.
#
# **SSIM**, structural similarity, asks whether the *pattern* is the same. In a small window that slides over both pictures it compares the mean, the contrast and the correlation, and averages the result; 1 means equal. It notices grain on empty paper that the eye notices, too.
#
# Pixels lie in $[0, 1]$, so every output, the noisy input included, is clipped to that interval before it is judged. Both measures come from scikit-image; PSNR is one line, so we check it.


# %%
def quality(clean, restored):
    """Return PSNR and SSIM, each averaged over pictures of shape (n, height, width, 1)."""
    pairs = list(zip(clean[..., 0], np.clip(restored, 0, 1)[..., 0], strict=True))
    psnr = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs]
    ssim = [structural_similarity(a, b, data_range=1) for a, b in pairs]
    return float(np.mean(psnr)), float(np.mean(ssim))


noisy = corrupted(x_test, "gaussian", 0.3, seed=1000)
errors = metrics.squared_error(x_test, np.clip(noisy, 0, 1)) / 784  # mse of each picture
print("PSNR of the noisy input {:.1f} dB, SSIM {:.2f}".format(*quality(x_test, noisy)))
lesson.claim(
    "PSNR by its formula minus scikit-image's",
    abs(np.mean(10 * np.log10(1 / errors)) - quality(x_test, noisy)[0]),
    below=1e-4,
    fails_under="math",
)

# %% [markdown]
# ## Four rivals without a network (core)
#
# People have removed noise for longer than they have trained networks. Four methods, each with one knob:
#
# - **Median filter**: each pixel becomes the median of the window around it. Knob: the window's side.
# - **Total variation**: find the picture $u$ that is close to the noisy one $y$ and varies little from pixel to pixel, $\min_u \tfrac12 \lVert u - y\rVert^2 + \lambda \sum |\nabla u|$, where $\nabla u$ holds the differences between neighboring pixels. Knob: the weight $\lambda$.
# - **Non-local means**: each pixel becomes an average over pixels *whose surroundings look alike*, up to six pixels away. Knob: $h$, how much difference is tolerated.
# - **PCA**: project on the first directions of the clean training pictures; noise in all other directions is gone. Knob: the number of directions.
#
# The knobs are turned anew for each kind and level of noise, by PSNR on the validation pictures. A rival with a badly set knob proves nothing. Below, `restore` applies one method with one setting of its knob.

# %%
knobs = {
    "median": (3, 5, 7),
    "total variation": (0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
    "non-local means": (0.01, 0.03, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8),
    "PCA": (5, 10, 20, 40, 80, 160, 320, 480),
}


def fit_pca(x):
    return PCA(svd_solver="covariance_eigh").fit(x.reshape(len(x), -1))


def restore(method, noisy, knob, pca):
    if method == "median":
        return median_filter(noisy, size=(1, knob, knob, 1))
    if method == "PCA":
        directions = pca.components_[:knob]
        code = (noisy.reshape(len(noisy), -1) - pca.mean_) @ directions.T
        return (pca.mean_ + code @ directions).reshape(noisy.shape)
    if method == "total variation":
        restored = [denoise_tv_chambolle(y[..., 0], weight=knob) for y in noisy]
    else:
        window = {"patch_size": 3, "patch_distance": 6}
        restored = [denoise_nl_means(y[..., 0], h=knob, **window) for y in noisy]
    return np.stack(restored)[..., None]


# %% [markdown]
# The study draws fresh noise for each seed, tunes each method on the validation pictures, and scores it on 500 test pictures.


# %%
def classical(images, kind, level, seed):
    """Tune the four methods for this noise; return their quality on test pictures."""
    x_train, clean_val, clean_test = parts[images]
    pca = fit_pca(x_train)
    noisy_val = corrupted(clean_val, kind, level, seed=2000 + seed)
    noisy_test = corrupted(clean_test, kind, level, seed=1000 + seed)
    psnr, ssim = quality(clean_test, noisy_test)
    scores = {"noisy input, psnr": psnr, "noisy input, ssim": ssim}
    for method, choices in knobs.items():
        trials = [restore(method, noisy_val, knob, pca) for knob in choices]
        best = choices[np.argmax([quality(clean_val, trial)[0] for trial in trials])]
        psnr, ssim = quality(clean_test, restore(method, noisy_test, best, pca))
        scores |= {f"{method}, psnr": psnr, f"{method}, ssim": ssim, f"{method}, knob": best}
    return scores


grid = [
    {"images": "digits", "kind": kind, "level": level, "seed": seed}
    for kind, level in conditions
    for seed in seeds
]
rivals = lesson.study("05_classical", classical, grid, live=[grid[12]])
for kind, level in conditions:  # the knobs of the first seed
    chosen = (f"{m} {rivals.values(f'{m}, knob', kind=kind, level=level)[0]:g}" for m in knobs)
    print(f"{kind:8s} {level:4g}:", ",  ".join(chosen))

# %% [markdown]
# Within each kind of noise, a stronger one never asks for a smaller window, weight or $h$, nor for more directions of PCA. That is what one would expect; the point is that nobody had to guess.
#
# ## The denoising autoencoder (core)
#
# Now the network. It sees the spoiled picture $\tilde x$ (say "x tilde") and is asked for the clean one:
#
# $$\min_\theta\; \mathbb{E}\, \lVert r_\theta(\tilde x) - x \rVert^2, \qquad \tilde x = \text{corrupt}(x).$$
#
# $r_\theta$ is encoder and decoder in a row, $\theta$ all their weights, $\mathbb{E}$ the mean over pictures *and over noise*. In code, `Corrupt` is the first layer, and the target is the clean input: one line more than in lesson 1.
#
# Our network is convolutional. A *convolution* looks at 3 × 3 pixels at a time with the same few weights everywhere; with `strides=2` it moves two pixels a step and so halves height and width. `Conv2DTranspose` goes the other way.
#
# *Predict before you run:* the input has 784 numbers. How many does the encoder below put out?


# %%
def denoiser(shape, kind, level, seed):
    """A convolutional denoising autoencoder for pictures of this shape."""
    keras.utils.set_random_seed(seed)

    def down(n, strides):
        return keras.layers.Conv2D(n, 3, strides=strides, padding="same", activation="relu")

    def up(n):
        return keras.layers.Conv2DTranspose(n, 3, strides=2, padding="same", activation="relu")

    encoder = [down(filters, 2), down(2 * filters, 2), down(2 * filters, 1)]
    decoder = [up(filters), up(filters), keras.layers.Conv2D(1, 3, padding="same")]
    model = keras.Sequential(
        [keras.Input(shape), Corrupt(kind, level, seed + 1), *encoder, *decoder]
    )
    steps = epochs * -(-9000 // 64)  # the step size falls to 0 along half a cosine wave
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="mse")
    return model


def train_denoiser(images, kind, level, seed):
    """Return a trained denoiser; the clean picture is the target."""
    model = denoiser(parts[images][0].shape[1:], kind, level, seed)
    training.fit(model, parts[images][0], epochs=epochs, batch_size=64, seed=seed, progress=False)
    return model


network = train_denoiser("digits", "gaussian", 0.3, seed=0)
code = keras.Model(network.inputs[0], network.layers[3].output)(x_test[:1])
print("code", code.shape[1:], "=", code[0].numpy().size, "numbers; input", x_test[0].size)

# %% [markdown]
# The code is *twice as large* as the input. In lesson 1 such a wide model copied. Here copying does not pay: whoever copies the noisy input has the noise in the output, and that costs. The noise does the work that the narrow code did before.

# %%
spoiled = corrupted(mnist.x_test[shown], "gaussian", 0.3, seed=0)
pca, rows = fit_pca(x_train), {"clean": mnist.x_test[shown], "noisy": spoiled}
for method in knobs:
    knob = rivals.values(f"{method}, knob", kind="gaussian", level=0.3)[0]
    knob = int(knob) if method in ("median", "PCA") else knob
    rows[method] = restore(method, spoiled, knob, pca)
rows["network"] = network.predict(spoiled, verbose=0)
plotting.show(
    plotting.image_rows(rows),
    "Six digits under Gaussian noise of 0.3, restored by five methods. The median filter leaves "
    "blotches, total variation soft pale digits, non-local means grainy ones, PCA gray shadows. "
    "The network's digits look nearly like the clean ones.",
)


# %% [markdown]
# To the eye the network wins. Now in numbers, for each kind and level, three seeds. Each seed trains a network on 9,000 pictures with one kind of noise and scores it on *all* seven; first we look only at the kind it was trained on. The noise of the test pictures is the same as for the rivals.


# %%
def learned(images, kind, level, seed):
    """Train a denoiser on one kind of noise; return its quality under all kinds."""
    model = train_denoiser(images, kind, level, seed)
    clean, scores = parts[images][2], {}
    for other, size in conditions if images == "digits" else [(kind, level)]:
        noisy = corrupted(clean, other, size, seed=1000 + seed)
        psnr, ssim = quality(clean, model.predict(noisy, verbose=0))
        scores |= {f"{other} {size}, psnr": psnr, f"{other} {size}, ssim": ssim}
    return scores


networks = lesson.study("05_denoising", learned, grid, live=[grid[0]])
methods = ("noisy input", *knobs, "network")


def result(method, measure, kind, level):
    """Return what a method reached under the noise that it was tuned or trained for, per seed."""
    if method == "network":
        return networks.values(f"{kind} {level}, {measure}", kind=kind, level=level)
    return rivals.values(f"{method}, {measure}", kind=kind, level=level)


# %%
print(f"{'PSNR in dB /':17s}" + "".join(f"{kind:>11s}" for kind, _ in conditions))
print(f"{'SSIM':17s}" + "".join(f"{level:11g}" for _, level in conditions))
for method in methods:
    pairs = ([result(method, m, *c).mean() for m in ("psnr", "ssim")] for c in conditions)
    print(f"{method:17s}" + "".join(f"{psnr:6.1f}/{ssim:.2f}" for psnr, ssim in pairs))
fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True)
for ax, kind in zip(axes, ("gaussian", "salt"), strict=True):
    levels = (0.1, 0.3, 0.5)
    values = {m: (levels, [result(m, "psnr", kind, level) for level in levels]) for m in methods}
    labels = {"xlabel": "level of the noise", "ylabel": "PSNR on test pictures (dB)"}
    plotting.sweep(values, xticks=levels, ax=ax, **labels)
    ax.set_title(kind)
axes[0].get_legend().remove()
plotting.show(
    fig,
    "PSNR against the level of noise, for Gaussian noise and salt and pepper, six methods. All "
    "curves fall. The network is on top, far ahead for strong noise; under weak Gaussian noise "
    "total variation and non-local means are close, under weak salt and pepper the median is next.",
)

# %% [markdown]
# How to read it. Where the noise is strong, the network is two to four decibels ahead of the best rival: about half of its error. But under weak Gaussian noise total variation, which has never seen a digit, is only 0.3 dB behind, and for a little salt and pepper the median filter has the same SSIM. (By the other measure the network is clearly ahead in both cases. Which measure counts depends on what the pictures are for.)
#
# The gray block is another matter. A window or a smooth surface can't tell what is *behind* a square; only someone who knows digits can guess. PCA knows a little about them, and is the best rival here by PSNR; by SSIM it spoils the rest of the picture more than it repairs, and leaving the square alone is the better choice.

# %%
lead = {}  # of the network over the best rival, in dB: one number per seed
for condition in conditions:
    values = [result(method, "psnr", *condition) for method in methods]
    lead[condition] = values[-1] - max(values[:-1], key=np.mean)
similar = result("network", "ssim", "salt", 0.1) - result("median", "ssim", "salt", 0.1)
for text, value, bounds, digits in (
    ("Gaussian noise of 0.3, its lead in dB", lead["gaussian", 0.3], (2, 3.5), 1),
    ("Gaussian noise of 0.1, its lead in dB", lead["gaussian", 0.1], (-0.3, 1), 1),
    ("salt and pepper of 0.1, its SSIM minus the median filter's", similar, (-0.03, 0.05), 2),
):
    lesson.claim(
        text,
        value.mean(),
        between=bounds,
        digits=digits,
        fails_under="no-training",
        study=("05_classical", "05_denoising"),
    )
lesson.claim(
    "its smallest lead in the other six rows of the table, in standard deviations over seeds",
    min(metrics.paired_margin(lead[c], 0 * lead[c]) for c in conditions[1:]),
    above=1,
    digits=0,
    fails_under="no-training",
    study=("05_classical", "05_denoising"),
)

# %% [markdown]
# ### Noise it was not trained on
#
# A network learns the noise as well as the digits. What if another noise comes? *Predict before you run:* a network trained on Gaussian noise of 0.3 meets salt and pepper of 0.3. Is it better than the median filter, which was made for that?

# %%
columns = [f"{kind} {level}" for kind, level in conditions]
table = [
    [networks.mean(f"{column}, psnr", kind=kind, level=level) for column in columns]
    for kind, level in conditions
]
best = [max(result(m, "psnr", *c).mean() for m in methods[:-1]) for c in conditions]
table = np.array([*table, best])
fig, ax = plt.subplots(figsize=(6.6, 4.4))
ax.imshow(table - table.max(axis=0), cmap="Blues_r", vmin=-12, vmax=4)
for i, j in np.ndindex(*table.shape):
    weight = "bold" if table[i, j] == table[:, j].max() else "normal"
    ax.text(j, i, f"{table[i, j]:.1f}", ha="center", va="center", weight=weight, fontsize=9)
ax.set_xticks(range(7), columns, rotation=35, ha="right")
ax.set_yticks(range(8), [*columns, "best without network"])
ax.set(xlabel="noise at the test", ylabel="noise in training")
ax.grid(visible=False)
plotting.show(
    fig,
    "A table of PSNR, rows are the noise in training, columns the noise at the test, and a last "
    "row with the best method without a network. The largest number of each column is on the "
    "diagonal. Next to it the numbers fall by about one decibel, farther away by several, often "
    "below the last row.",
)

# %% [markdown]
# In each column the network that was trained for it is best. Leave the diagonal, and it is another story.
#
# - Trained on Gaussian noise of 0.3 and given salt and pepper of 0.3, the network is level with the median filter in PSNR (16.2 against 15.8), and by SSIM clearly behind it.
# - Trained on salt and pepper of 0.3 and given Gaussian noise of 0.3, it loses to PCA by more than two decibels.
# - Trained on noise of 0.5 and given noise of 0.1, it makes the pictures a little *worse* than they were (22.4 against 22.7 dB for the noisy input). It smooths away what it takes for noise.
# - But trained on *strong* Gaussian noise, 0.5, it is ahead of the median filter even under salt and pepper. Strength counts as much as kind.
#
# So a denoiser is made for one kind and one strength of noise. If several may come, one would train with all of them; *Change one thing* invites you to try.

# %%
other = "salt 0.3, ssim"
lesson.claim(
    "salt and pepper of 0.3: the median filter's SSIM minus that of the Gaussian network",
    np.mean(
        result("median", "ssim", "salt", 0.3) - networks.values(other, kind="gaussian", level=0.3)
    ),
    between=(0.1, 0.25),
    digits=2,
    fails_under="no-training",
    study=("05_classical", "05_denoising"),
)
lesson.claim(
    "Gaussian noise of 0.3: PCA's PSNR minus that of the salt and pepper network, in dB",
    np.mean(
        result("PCA", "psnr", "gaussian", 0.3)
        - networks.values("gaussian 0.3, psnr", kind="salt", level=0.3)
    ),
    between=(1.5, 4),
    digits=1,
    fails_under="no-training",
    study=("05_classical", "05_denoising"),
)

# %% [markdown]
# ### A picture that is no digit
#
# The network has seen nothing but digits. Give it digits with black and white exchanged, and patches of photographs, under the same noise it was trained on.

# %%
strange = {
    "inverted digits": 1 - x_test[:100],
    "photographs": resize(photographs.x_test[:100], (100, 28, 28, 1)).astype("float32"),
}
rows, change = {"clean": [], "noisy": [], "total variation": [], "network": []}, {}
for name, clean in strange.items():
    noisy = corrupted(clean, "gaussian", 0.3, seed=5)
    restored = {"total variation": restore("total variation", noisy, 0.2, None)}
    restored["network"] = network.predict(noisy, verbose=0)
    for row, values in ({"clean": clean, "noisy": noisy} | restored).items():
        rows[row] += list(values[:5])
    before = quality(clean, noisy)[0]
    change[name] = {m: quality(clean, values)[0] - before for m, values in restored.items()}
plotting.show(
    plotting.image_rows({name: np.stack(row) for name, row in rows.items()}),
    "Five inverted digits and five patches of photographs: clean, noisy, restored by total "
    "variation and by the network. Total variation restores them, with some blotches. The network "
    "frays the black ground of the inverted digits, and turns gray patches into white with dark blots.",
)
for name, bounds in (("inverted digits", (-9, -1)), ("photographs", (-0.5, 5))):
    print(f"{name}: by total variation {change[name]['total variation']:+.0f} dB")
    text = f"{name}: PSNR after the network minus before, in dB"
    lesson.claim(text, change[name]["network"], between=bounds, fails_under="no-training")

# %% [markdown]
# (As everywhere in the course, 1 is drawn black and 0 white; so the photographs look like negatives.) Total variation improves both kinds of pictures; it knows only that pictures have smooth places. The network knows that paper is 0. It makes the inverted digits worse than the noise had made them, fraying their dark ground at the edges. The photographs gain far less from it than from total variation: where there was even gray it leaves white, with blots where it takes the grain for strokes. Nothing in its output says that it has left what it knows. **A network that restores will also invent.**
#
# ### Noise drawn once
#
# Many examples do it like this: draw noise once, store the noisy pictures, train on the pairs.
#
# ```python
# # as it is often written
# x_noisy = x_train + 0.5 * np.random.normal(size=x_train.shape)
# autoencoder.fit(x_noisy, x_train, epochs=100)
# ```
#
# It looks harmless. But the expectation in the objective runs over the noise, and here each picture has one noise only. *Predict before you run:* what happens in the long run? A small dense network, 3,000 pictures, 60 epochs, noise of 0.5, once stored and once fresh in every epoch.


# %%
d_train, d_test = (x.reshape(-1, 784) for x in (mnist.x_train, mnist.x_test))
x_few = x_train[:3000].reshape(-1, 784)
x_clean = x_test.reshape(-1, 784)
watched = (1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 50, 60)


def once_or_fresh(noise, seed):
    """Train with stored or with fresh noise; return held-out and training error on the way."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(512, activation="relu"), keras.layers.Dense(784, "sigmoid")]
    first = [keras.layers.GaussianNoise(0.5)] if noise == "fresh" else []
    model = keras.Sequential([keras.Input((784,)), *first, *layers])
    model.compile(keras.optimizers.Adam(0.001), loss="mse")
    stored = corrupted(x_few, "gaussian", 0.5, seed)
    history = training.fit(
        model,
        x_few if noise == "fresh" else stored,
        x_few,
        epochs=watched[-1],
        validation_data=(corrupted(x_clean, "gaussian", 0.5, 1000 + seed), x_clean),
        seed=seed,
        progress=False,
        jit=False,  # compiling would take about as long as it saves
    ).history
    curves = {"held out": history["val_loss"], "training": history["loss"]}
    return {f"{part} {n}": curve[:n][-1] for part, curve in curves.items() for n in watched}


grid = [{"noise": noise, "seed": seed} for noise in ("once", "fresh") for seed in seeds]
twice = lesson.study("05_fresh", once_or_fresh, grid, live=[grid[0]])

# %%
fig, ax = plt.subplots()
for noise, marker in (("once", "s"), ("fresh", "o")):
    for part in ("held out", "training"):
        values = [twice.mean(f"{part} {n}", noise=noise) for n in watched]
        label = f"noise drawn {noise}, {part}" if noise == "once" else f"fresh noise, {part}"
        ax.plot(
            watched,
            values,
            marker=marker,
            color=plotting.color(part),
            label=label,
            linestyle="-" if noise == "fresh" else "--",
        )
ax.set(xlabel="epoch", ylabel="mse (squared pixel units)", ylim=(0, 0.04))
ax.legend()
plotting.show(
    fig,
    "Four curves of error against epoch. With fresh noise, training and held-out error fall "
    "together to the end. With noise drawn once, the training error falls much lower, while the "
    "held-out error flattens early, turns round in the middle and rises.",
)

# %% [markdown]
# At first the two are the same. Then the network with stored noise begins to learn the noise by heart: this grain belongs to that picture. Its training error falls to a fifth of the other's, and its held-out error turns round after some thirty epochs. With fresh noise the noise can't be learned by heart: training and held-out error stay close together, and both are still falling at the end. Stopping early does not save the stored noise: at its best epoch its error is still half as large again. Fresh noise works like more data, and costs next to nothing.
#
# (The more pictures and the fewer epochs, the later it shows. With 10,000 pictures and 30 epochs, stored noise cost the same network a third more error, in one run that is not part of the study.)

# %%
end = {noise: twice.values("held out 60", noise=noise) for noise in ("once", "fresh")}
lowest = min(twice.mean(f"held out {n}", noise="once") for n in watched)
lesson.claim(
    "after 60 epochs, held-out error with stored noise over that with fresh noise",
    end["once"].mean() / end["fresh"].mean(),
    between=(1.4, 1.9),
    digits=2,
    fails_under="no-training",
    study="05_fresh",
)
lesson.claim(
    "the same, in standard deviations over the seeds",
    metrics.paired_margin(end["once"], end["fresh"]),
    above=1,
    digits=0,
    fails_under="no-training",
    study="05_fresh",
)
lesson.claim(
    "even stopped at its best epoch, it has a larger error than fresh noise, ratio",
    lowest / end["fresh"].mean(),
    above=1.25,
    digits=2,
    fails_under="no-training",
    study="05_fresh",
)

# %% [markdown]
# ### Photographs, and which average (deeper)
#
# Digits are easy to know: strokes on white paper. Photographs are not. We train the same network on 9,000 patches of photographs, 12 × 12 pixels, with Gaussian noise, and let it meet the same rivals.
#
# This time there are two measures. The *mean of the PSNRs* is what we used so far. The *PSNR of the mean error* first averages the squared error over all patches and then takes the logarithm. Among patches of photographs there are smooth ones, a piece of sky, and rough ones, a piece of a roof. *Predict before you run:* which of the two measures is kinder to a method that is excellent on sky and poor on roofs?


# %%
def mean_of_psnr(clean, restored):
    return quality(clean, restored)[0]


def psnr_of_mean(clean, restored):
    return 10 * np.log10(1 / metrics.mse(clean, np.clip(restored, 0, 1)))


def patches(level, seed):
    """Tune the rivals for either measure, train the network; return both measures on test patches."""
    x_train, clean_val, clean = parts["patches"]
    pca = fit_pca(x_train)
    noisy_val = corrupted(clean_val, "gaussian", level, seed=2000 + seed)
    noisy = corrupted(clean, "gaussian", level, seed=1000 + seed)
    restored = train_denoiser("patches", "gaussian", level, seed).predict(noisy, verbose=0)
    scores = {}
    for measure in (mean_of_psnr, psnr_of_mean):
        of = measure.__name__
        scores |= {f"noisy input, {of}": measure(clean, noisy)}
        scores |= {f"network, {of}": measure(clean, restored)}
        for method, choices in (knobs | finer).items():
            trials = [measure(clean_val, restore(method, noisy_val, k, pca)) for k in choices]
            best = choices[np.argmax(trials)]
            scores[f"{method}, {of}"] = measure(clean, restore(method, noisy, best, pca))
    return scores


# %%
finer = {  # the patches are so smooth that some best knobs lie elsewhere
    "PCA": (1, 2, 3, 5, 10, 20, 40, 80),
    "total variation": (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6),
}
levels = (0.05, 0.1, 0.2)
grid = [{"level": level, "seed": seed} for level in levels for seed in seeds]
natural = lesson.study("05_patches", patches, grid, live=[grid[0]])
both = [(measure, level) for measure in ("mean_of_psnr", "psnr_of_mean") for level in levels]
print(f"{'':17s}{'mean_of_psnr, dB':>24s}{'psnr_of_mean, dB':>24s}")
print(f"{'noise':17s}" + "".join(f"{level:8g}" for _, level in both))
for name in methods:
    values = (natural.mean(f"{name}, {measure}", level=level) for measure, level in both)
    print(f"{name:17s}" + "".join(f"{value:8.1f}" for value in values))
for measure, low, high in (("mean_of_psnr", 3, 6), ("psnr_of_mean", 1.5, 4)):
    best = max(natural.mean(f"{name}, {measure}", level=0.1) for name in methods[:-1])
    lesson.claim(
        f"photographs, noise of 0.1, {measure}: the best rival minus the network in dB",
        best - natural.mean(f"network, {measure}", level=0.1),
        between=(low, high),
        digits=1,
        fails_under="no-training",
        study="05_patches",
    )

# %% [markdown]
# By both measures the network *loses* to the best rival. The mean of the PSNRs is the kinder measure to whoever is excellent on sky: a nearly perfect patch counts as many decibels as it likes. Under the weakest noise, by the second measure, it even makes things worse than they were. The suspects: 9,000 overlapping patches of only two photographs, 850 training steps, and a network that has to paint every pixel anew, where a small correction would do. The last two can be tried together: four convolutions without strides, which predict the noise to be subtracted, came to 28.3 dB by the second measure at a noise of 0.1, ahead of all rivals. By the first measure they stayed behind. (One run, not part of the study.)
#
# And the measures disagree among the rivals. Under noise of 0.2 the mean of the PSNRs prefers PCA, the PSNR of the mean error total variation. **Before you believe a ranking, ask what was averaged.**

# %% [markdown]
# ## A denoiser knows where the data are (deeper)
#
# Why should something that only takes noise away learn anything about the data? There is an exact answer, and it fits into four lines.
#
# Let $p(x)$ be the density of the clean data (in one dimension, think of a bell curve; in several, of hills). $N(\tilde x;\, x,\, \sigma^2 I)$ is the normal density around $x$ with standard deviation $\sigma$ in each direction, at the place $\tilde x$. $\mathbb{E}[x \mid \tilde x]$ is the mean of $x$ among all cases in which $\tilde x$ was seen.
#
# Gaussian noise makes $\tilde x = x + \sigma \varepsilon$ of it, with $\varepsilon$ standard normal. Then $\tilde x$ has the density
#
# $$p_\sigma(\tilde x) = \int p(x)\, N(\tilde x;\, x,\, \sigma^2 I)\, dx,$$
#
# which is $p$, blurred. Which function $r$ makes $\mathbb{E}\,\lVert r(\tilde x) - x \rVert^2$ smallest? For each $\tilde x$ the mean of all $x$ that it may have come from, $r(\tilde x) = \mathbb{E}[x \mid \tilde x]$, because the mean is what minimizes a squared error: the derivative of $\mathbb{E}\,(r - x)^2$ in $r$ is $2\,(r - \mathbb{E}\,x)$.
#
# Now take the gradient of $p_\sigma$ in $\tilde x$. The gradient of the normal density is $\frac{x - \tilde x}{\sigma^2} N$, so
#
# $$\nabla p_\sigma(\tilde x) = \int \frac{x - \tilde x}{\sigma^2}\, p(x)\, N(\tilde x;\, x,\, \sigma^2 I)\, dx = p_\sigma(\tilde x)\; \frac{\mathbb{E}[x \mid \tilde x] - \tilde x}{\sigma^2},$$
#
# since $p(x)\,N / p_\sigma(\tilde x)$ is the density of $x$ once $\tilde x$ is known (Bayes' rule). Divide by $p_\sigma$, and remember $\nabla p / p = \nabla \log p$:
#
# $$\boxed{\;\frac{r(\tilde x) - \tilde x}{\sigma^2} = \nabla \log p_\sigma(\tilde x)\;}$$
#
# This is *Tweedie's formula* (Robbins 1956, Efron 2011; for autoencoders Vincent 2011, Alain and Bengio 2014). The right-hand side is called the **score**: it points to where the data are denser. On the left there is no density at all. Whoever has the best denoiser has the score of the blurred data, and for small $\sigma$ nearly that of the data, without ever writing down a density.
#
# We check it where everything is known: $p$ is a mixture of three normal distributions in the plane. Blurring adds $\sigma^2$ to each of their variances, so $p_\sigma$ is known as well. The two sides go separate ways: `best_denoiser` computes the conditional mean in closed form, and TensorFlow differentiates `log_density` (the tape notes what is computed with the points, and since each point enters only its own term of the sum, the gradient of the sum holds the gradients of all). For one normal distribution of deviation $s$ the conditional mean is the shrinkage $m + \frac{s^2}{s^2 + \sigma^2}(\tilde x - m)$; for a mixture, the average of these, weighted by how probable it is that $\tilde x$ came from each.

# %%
weights = np.array([0.4, 0.35, 0.25])
means = np.array([[-2.0, 0.0], [1.5, 1.5], [1.0, -1.5]])
deviations = np.array([[0.3, 0.8], [0.6, 0.3], [0.4, 0.4]])


def log_density(x, sigma):
    """log p_sigma at points x, shape (n,): the mixture, each variance enlarged by sigma squared."""
    variances = deviations**2 + sigma**2
    squares = tf.reduce_sum((x[:, None] - means) ** 2 / variances, axis=2)
    constants = np.log(weights) - 0.5 * np.log((2 * np.pi) ** 2 * variances.prod(axis=1))
    return tf.reduce_logsumexp(constants - 0.5 * squares, axis=1)


def best_denoiser(x, sigma):
    """E[x | x_tilde]: for each part of the mixture its own linear denoiser, weighted by its share."""
    variances = deviations**2 + sigma**2
    squares = ((x[:, None] - means) ** 2 / variances).sum(axis=2)
    share = weights / np.sqrt(variances.prod(axis=1)) * np.exp(-0.5 * squares)
    share /= share.sum(axis=1, keepdims=True)
    return (share[..., None] * (means + deviations**2 / variances * (x[:, None] - means))).sum(
        axis=1
    )


# %%
def draw(n, rng):
    k = rng.choice(3, size=n, p=weights)
    return means[k] + deviations[k] * rng.standard_normal((n, 2))


sigmas = (0.1, 0.25, 0.5, 1.0, 2.0)
rng = np.random.default_rng(0)
largest = 0.0
for sigma in sigmas:
    x_tilde = draw(2000, rng) + sigma * rng.standard_normal((2000, 2))
    points = tf.constant(x_tilde)
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(log_density(points, sigma))
    gradient = tape.gradient(total, points).numpy()
    by_denoiser = (best_denoiser(x_tilde, sigma) - x_tilde) / sigma**2
    largest = max(largest, np.abs(by_denoiser - gradient).max() / np.abs(gradient).max())
lesson.claim(
    "the best denoiser's step, divided by sigma squared, minus the gradient of log p, relative",
    largest,
    below=1e-9,
    fails_under="math",
)


# %% [markdown]
# The identity holds for the *best* denoiser. What about one that was trained? We give a dense network 10,000 points of the mixture and fresh noise at every step. Its output is $\tilde x$ plus a correction, so it has only the step to learn. The error is measured where it matters, at points drawn from $p_\sigma$, relative to the length of the true score $s$:
#
# $$\sqrt{\mathbb{E}\,\lVert \hat s(\tilde x) - s(\tilde x) \rVert^2 \,/\, \mathbb{E}\,\lVert s(\tilde x) \rVert^2}, \qquad \hat s(\tilde x) = \frac{r_\theta(\tilde x) - \tilde x}{\sigma^2}.$$
#
# The baseline is the best *linear* denoiser, $m + C (C + \sigma^2 I)^{-1} (\tilde x - m)$ with mean $m$ and covariance $C$ of the points. It is the best one of all if the data are one normal distribution. (Whoever answers 0 everywhere has a relative error of 1.) *Predict before you run:* is the score learned better for weak noise or for strong?

# %%
x_points = draw(10_000, np.random.default_rng(1)).astype("float32")


def point_denoiser(sigma, seed):
    """Train a dense denoiser on the 10,000 points, with fresh noise at every step."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((2,))
    x_tilde = Corrupt("gaussian", sigma, seed + 1)(inputs)
    hidden = keras.layers.Dense(64, activation="swish")(x_tilde)
    hidden = keras.layers.Dense(64, activation="swish")(hidden)
    model = keras.Model(inputs, x_tilde + keras.layers.Dense(2)(hidden))
    schedule = keras.optimizers.schedules.CosineDecay(0.005, 40 * 79)
    model.compile(keras.optimizers.Adam(schedule), loss="mse")
    training.fit(model, x_points, epochs=40, seed=seed, progress=False, jit=False)
    return model


def score_error(sigma, seed):
    """Return relative errors of the score over p_sigma: the network's and the best linear one's."""
    rng = np.random.default_rng(1000 + seed)
    x_tilde = draw(4000, rng) + sigma * rng.standard_normal((4000, 2))
    exact = (best_denoiser(x_tilde, sigma) - x_tilde) / sigma**2
    model = point_denoiser(sigma, seed)
    covariance = np.cov(x_points.T)
    gain = np.linalg.solve(covariance + sigma**2 * np.eye(2), covariance)
    guesses = {"network": model.predict(x_tilde.astype("float32"), verbose=0)}
    guesses["linear"] = x_points.mean(axis=0) + (x_tilde - x_points.mean(axis=0)) @ gain
    return {
        name: np.sqrt(np.mean(((r - x_tilde) / sigma**2 - exact) ** 2) / np.mean(exact**2))
        for name, r in guesses.items()
    }


grid = [{"sigma": sigma, "seed": seed} for sigma in sigmas for seed in seeds]
scores = lesson.study("05_score", score_error, grid, live=[grid[6]])
print("relative error of the score    network         linear")
for sigma in sigmas:
    network_error, spread = scores.mean("network", sigma=sigma), scores.std("network", sigma=sigma)
    linear_error = scores.mean("linear", sigma=sigma)
    print(f"sigma {sigma:4.2f}{network_error:24.3f} ± {spread:.3f}{linear_error:12.3f}")

# %%
field = {sigma: point_denoiser(sigma, seed=0) for sigma in sigmas}
sigma = 0.5
axis = np.linspace(-3.4, 3.4, 13)
mesh = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
fine = np.linspace(-3.7, 3.7, 100)
fine_mesh = np.stack(np.meshgrid(fine, fine), axis=-1).reshape(-1, 2)
density = np.exp(log_density(fine_mesh, sigma)).reshape(100, 100)
arrows = {
    "exact": best_denoiser(mesh, sigma) - mesh,
    "learned": field[sigma].predict(mesh.astype("float32"), verbose=0) - mesh,
}
fig, axes = plt.subplots(1, 2, figsize=(8, 4), sharey=True)
for ax, (name, arrow) in zip(axes, arrows.items(), strict=True):
    ax.contourf(fine, fine, density, levels=6, cmap="Blues")
    ax.quiver(*mesh.T, *arrow.T, angles="xy", scale_units="xy", scale=2, width=0.004)
    ax.set(title=name, xlabel="first coordinate", aspect="equal")
axes[0].set_ylabel("second coordinate")
plotting.show(
    fig,
    "Two fields of arrows over the same density with three hills, exact and learned. All arrows "
    "point uphill to the nearest hill, long far away and short near the tops. The two fields "
    "look alike.",
)

# %% [markdown]
# Strong noise is the easy case, weak noise the hard one. The score divides the denoiser's step by $\sigma^2$: at $\sigma = 0.1$ an error of 0.01 in $r$ is an error of 1 in the score. From $\sigma = 0.25$ on the learned score is off by about a fifth or less. The linear denoiser knows only one hill, and is of little use until the noise is so strong that the three hills melt into one.
#
# In the figure the arrows are the steps $r(\tilde x) - \tilde x$, drawn at half their length. The network was never told where the hills are.

# %%
lesson.claim(
    "relative error of the learned score at sigma = 0.5",
    scores.mean("network", sigma=0.5),
    below=0.25,
    digits=2,
    fails_under="no-training",
    study="05_score",
)
lesson.claim(
    "at sigma = 0.1",
    scores.mean("network", sigma=0.1),
    between=(0.3, 0.9),
    digits=2,
    fails_under="no-training",
    study="05_score",
)
lesson.claim(
    "the linear denoiser's error exceeds the network's at every sigma, smallest margin",
    min(
        metrics.paired_margin(scores.values("linear", sigma=s), scores.values("network", sigma=s))
        for s in sigmas
    ),
    above=1,
    digits=0,
    fails_under="no-training",
    study="05_score",
)

# %% [markdown]
# If one knows at every place the way uphill, one can walk there. Take random points, and repeat
#
# $$x \leftarrow x + \tfrac{\eta}{2}\, s(x) + \sqrt{\eta}\, \varepsilon, \qquad \varepsilon \text{ standard normal.}$$
#
# These are *Langevin steps*. Without the noise term all walkers would end on the hilltops; with it they spread out as $p_\sigma$ says (for small $\eta$ and many steps). We begin with the field of $\sigma = 2$, which shows the way from afar, and go down to $\sigma = 0.1$, which shows the details. *Predict before you run:* what will the cloud look like?

# %%
rng = np.random.default_rng(3)
walkers = 3 * rng.standard_normal((500, 2))
stages = {"start": walkers}
for sigma in sigmas[::-1]:
    eta = 0.2 * sigma**2
    for _ in range(150):
        score = (np.asarray(field[sigma](walkers.astype("float32"))) - walkers) / sigma**2
        walkers = walkers + eta / 2 * score + np.sqrt(eta) * rng.standard_normal(walkers.shape)
    stages[f"after sigma = {sigma:g}"] = walkers
stages["the data"] = draw(500, rng)
fig, axes = plt.subplots(1, 4, figsize=(9, 2.7), sharex=True, sharey=True)
for ax, name in zip(axes, ("start", "after sigma = 1", *list(stages)[-2:]), strict=True):
    ax.scatter(*stages[name].T, s=3)
    ax.set(title=name, xlim=(-5, 5), ylim=(-5, 5), aspect="equal")
plotting.show(
    fig,
    "Four clouds: wide and round at the start; a blurred form after larger noise levels; after "
    "the smallest three groups at the places of the data, which the last picture shows.",
)
noisy = stages["the data"] + sigma * rng.standard_normal((500, 2))
landed, real = (np.mean(log_density(x, sigma)) for x in (walkers, noisy))
text = "mean log density of the walkers minus that of data with noise 0.1"
lesson.claim(text, landed - real, between=(-2, 0.3), fails_under="no-training")

# %% [markdown]
# Out of noise came new points that lie where the data lie. Nothing was used but denoisers. This is the principle of *diffusion models*, which make pictures in the same way; lesson 11 comes back to it. How well did they land? Compare the mean log density of the walkers with that of real points with the same noise. The claim's bounds are wide, and in the figure the groups are clearly wider than those of the data, with some stragglers between: the finest field is the one learned worst, and 150 of its small steps are few.

# %% [markdown]
# ## Anomalies: what can't be restored (core)
#
# A model that was trained on normal things restores normal things well, and others, so one hopes, badly. Then the error of the reconstruction is an alarm, and no example of a fault is needed to train it. Machines, heartbeats and payments are watched that way.
#
# We test the hope. The autoencoder of lesson 1 is trained on nine digits. Among the 2,000 test pictures the tenth is the anomaly. Each method gives one number per picture, high for "not normal":
#
# - **autoencoder** and **PCA**, both with a code of 32: the squared error of the reconstruction;
# - **isolation forest**: cuts the data at random, again and again, and asks how soon a picture is alone;
# - **distance to mean**: the squared distance to the mean training picture;
# - **amount of ink**: the sum of the pixels. No method at all, and that is why it is here;
# - **nearest neighbor**: the squared distance to the nearest training picture. It has nothing to train, either.
#
# *Predict before you run:* which two are best?


# %%
def reconstruct(x, seed):
    """Train the dense autoencoder of lesson 1 on rows of pixels."""
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense
    encoder = [dense(256, activation="relu"), dense(latent_dim)]
    decoder = [dense(256, activation="relu"), dense(784, activation="sigmoid")]
    model = keras.Sequential([keras.Input((784,)), *encoder, *decoder])
    model.compile(keras.optimizers.Adam(learning_rate / 2), loss="mse")
    training.fit(model, x, epochs=12, seed=seed, progress=False)
    return model


def anomaly_scores(digit, seed):
    """Return for each method one number per test picture: high should mean "not normal"."""
    normal = d_train[mnist.y_train != digit]
    model, pca = reconstruct(normal, seed), PCA(latent_dim, random_state=seed).fit(normal)
    forest = IsolationForest(random_state=seed).fit(normal)
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(normal)
    return {
        "autoencoder": metrics.squared_error(d_test, model.predict(d_test, verbose=0)),
        "PCA": metrics.squared_error(d_test, pca.inverse_transform(pca.transform(d_test))),
        "isolation forest": -forest.score_samples(d_test),
        "distance to mean": metrics.squared_error(d_test, 0 * d_test + normal.mean(axis=0)),
        "amount of ink": d_test.sum(axis=1),
        "nearest neighbour": nearest.kneighbors(d_test)[0][:, 0] ** 2,
    }


digit = 2
is_anomaly = mnist.y_test == digit
found = anomaly_scores(digit, seed=0)
extremes = np.argsort(found["autoencoder"])[[*range(6), *range(-6, 0)]]
x_hat = reconstruct(d_train[mnist.y_train != digit], 0).predict(d_test[extremes], verbose=0)
rows = {"input": d_test[extremes], "reconstruction": x_hat}
plotting.show(
    plotting.image_rows({name: row.reshape(-1, 28, 28) for name, row in rows.items()}),
    "Twelve pictures and their reconstructions. Left, the six with the smallest error: ones, all "
    "restored well. Right, the largest errors: mostly twos, which come back distorted.",
)

# %% [markdown]
# On the right, what one hoped for: five of the six are twos, and come back smudged. (The sixth is an odd eight: a false alarm.) On the left, something to remember: the pictures restored best are all of one digit.
#
# To compare methods without choosing a threshold, two measures are usual.
#
# - **AUROC**, the area under the receiver operating characteristic: the probability that a randomly chosen anomaly has a higher score than a randomly chosen normal picture. Guessing gives 0.5.
# - **Average precision**: go down the list from the highest score. At each anomaly, note which share of the pictures so far were anomalies; average these shares. Guessing gives the share of anomalies among all pictures, here 0.10. Never report it without that number.
#
# How certain are they? The **bootstrap** draws 2,000 of the 2,000 test pictures *with replacement*, pictures and scores together, 500 times, and computes the measure each time. The interval that holds the middle 95 % shows the chance in the choice of test pictures. (The chance in the training is another one: for that we have seeds.)


# %%
def interval(measure, scores):
    """Return a measure and the ends of its 95 % bootstrap interval over test pictures."""
    options = {"paired": True, "vectorized": False, "n_resamples": 500, "rng": 0}
    draws = bootstrap((is_anomaly, scores), measure, method="percentile", **options)
    return measure(is_anomaly, scores), *draws.confidence_interval


fig, axes = plt.subplots(1, 2, figsize=(8, 2.9), sharey=True)
measures = {"AUROC": (roc_auc_score, 0.5), "average precision": (average_precision_score, None)}
for ax, (name, (measure, chance)) in zip(axes, measures.items(), strict=True):
    for i, score in enumerate(found.values()):
        value, low, high = interval(measure, score)
        ax.errorbar(
            value, i, xerr=[[value - low], [high - value]], marker="o", color="#0072B2", capsize=3
        )
    ax.axvline(is_anomaly.mean() if chance is None else chance, color="0.4", linestyle=":")
    ax.set(xlabel=name, xlim=(0, 1), yticks=range(len(found)), yticklabels=list(found))
axes[0].invert_yaxis()
plotting.show(
    fig,
    "AUROC and average precision of six methods for the digit 2, with intervals and a dotted "
    "line for chance. Nearest neighbor and autoencoder lead, PCA follows; isolation forest, "
    "distance to the mean and ink are behind.",
)


# %% [markdown]
# One digit is an anecdote. Below, each of the ten digits is the anomaly once, with three seeds. Three more scores are measured at the same time; they are explained in a moment.


# %%
def one_digit_out(digit, seed):
    """Return AUROC and average precision of all methods, also with the error per energy."""
    labels, results = mnist.y_test == digit, {}
    found = anomaly_scores(digit, seed)
    energy = (d_test**2).sum(axis=1)
    for name in ("autoencoder", "nearest neighbour"):
        found[f"{name} / energy"] = found[name] / energy
    found["zero model"] = energy
    for name, score in found.items():
        results[f"{name}, auroc"] = roc_auc_score(labels, score)
        results[f"{name}, ap"] = average_precision_score(labels, score)
    restored = found["autoencoder"] / energy
    results["lost by anomalies"] = restored[labels].mean()
    results["lost by normal"] = restored[~labels].mean()
    return results


grid = [{"digit": digit, "seed": seed} for digit in range(10) for seed in seeds]
ten = lesson.study("05_digits", one_digit_out, grid, live=[grid[3]])

# %%
names = [*found]
fig, ax = plt.subplots(figsize=(7.5, 3.6))
for i, (name, marker) in enumerate(zip(names, "osv^xD", strict=True)):
    values = [ten.mean(f"{name}, auroc", digit=digit) for digit in range(10)]
    ax.plot(np.arange(10) + 0.1 * (i - 2.5), values, marker=marker, linestyle="", label=name)
ax.axhline(0.5, color="0.4", linestyle=":", linewidth=1)
ax.set(xlabel="digit held out as the anomaly", ylabel="AUROC", xticks=range(10), ylim=(0, 1))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plotting.show(
    fig,
    "AUROC for each of the ten digits as the anomaly, six methods. The nearest neighbor is on "
    "top for every digit, the autoencoder mostly second, PCA below it. For the digit 1 all "
    "methods lie below one half.",
)
print(f"{'mean over digits and seeds':28s}  AUROC   average precision (chance 0.10)")
for name in names:
    print(f"{name:28s}  {ten.mean(f'{name}, auroc'):.2f}    {ten.mean(f'{name}, ap'):.2f}")

# %% [markdown]
# On average the autoencoder is ahead of PCA, and of the simple scores by more. So far the textbook. But looking up the nearest training picture is better still, for *every* digit, without a network. The price is that all training pictures must be kept and searched.
#
# And then there is the digit 1. All six methods are *below* one half. A monitor that raises the alarm at large errors would find most other digits more suspicious than the anomaly. (The 9 is not much better, and it has plenty of ink: it looks like a 4 or a 7 that was trained on.)

# %%
mean_auroc = {}  # over the ten digits: one number per seed
for name in names:
    per_digit = [ten.values(f"{name}, auroc", digit=digit) for digit in range(10)]
    mean_auroc[name] = np.mean(per_digit, axis=0)
over_pca = mean_auroc["autoencoder"] - mean_auroc["PCA"]
behind = mean_auroc["nearest neighbour"] - mean_auroc["autoencoder"]
one = ten.values("autoencoder, auroc", digit=1)
for text, value, bounds in (
    ("mean AUROC, autoencoder minus PCA", over_pca, (0.03, 0.12)),
    ("mean AUROC, nearest neighbor minus autoencoder", behind, (0.05, 0.15)),
    ("AUROC of the autoencoder when the digit 1 is the anomaly", one, (0.15, 0.45)),
):
    lesson.claim(
        text, value.mean(), between=bounds, digits=2, fails_under="no-training", study="05_digits"
    )
lesson.claim(
    "autoencoder over PCA in standard deviations over the seeds",
    metrics.paired_margin(mean_auroc["autoencoder"], mean_auroc["PCA"]),
    above=1,
    digits=0,
    fails_under="no-training",
    study="05_digits",
)

# %% [markdown]
# ### When anomalies are restored better
#
# Why? *Think before you read on:* which digit needs the least ink?
#
# Where there is little, there is little to get wrong. Imagine the laziest model of all, which answers every picture with zeros. Its squared error is the picture's own sum of squares, its **energy** $\lVert x \rVert^2$. A one has half the energy of the other digits, so even a model that restores ones *worse*, in proportion, makes a smaller error on them.

# %%
ones = mnist.y_test == 1
energy = (d_test**2).sum(axis=1)
model = reconstruct(d_train[mnist.y_train != 1], seed=0)
error = metrics.squared_error(d_test, model.predict(d_test, verbose=0))
fig, ax = plt.subplots(figsize=(6.4, 3.6))
ax.scatter(
    energy[~ones][::4], error[~ones][::4], s=6, alpha=0.4, label="the nine digits trained on"
)
ax.scatter(energy[ones][::2], error[ones][::2], s=14, marker="x", label="ones, the anomaly")
for share in (0.05, 0.1, 0.2):
    end = min(235, 34 / share)
    ax.plot((10, end), (10 * share, end * share), color="0.4", linestyle=":", linewidth=1)
    ax.text(end + 2, end * share, f"{share:.0%} lost", fontsize="small", va="center")
ax.set(xlabel="energy of the picture, sum of squared pixels", ylabel="squared error", ylim=(0, 36))
ax.set_xlim(0, 265)
ax.legend(loc="upper left")
plotting.show(
    fig,
    "Squared error against energy for test pictures. Ones lie at the far left with little energy, "
    "and low; the other digits spread to the right. Dotted lines of constant share show that ones "
    "lose a larger part of their energy than most others.",
)

# %% [markdown]
# The figure shows both sides of it. Ones lie low, because they lie far to the left. (Among the nine other digits alone, error and energy are only weakly correlated; it takes the jump to the ones to see the effect.) But on average they lie on steeper lines: of a one, the autoencoder loses a larger *share* of the energy than of other digits. So divide the error by the energy. The study measured that, too; here are the AUROC for the digit 1, and what the division does on average over all ten.

# %%
print(f"{'':28s}  digit 1   all ten: AUROC   average precision")
for name in ("zero model", "autoencoder", "nearest neighbour"):
    for score in (name, f"{name} / energy") if name != "zero model" else (name,):
        one = ten.mean(f"{score}, auroc", digit=1)
        auroc, ap = ten.mean(f"{score}, auroc"), ten.mean(f"{score}, ap")
        print(f"{score:28s}{one:9.2f}{auroc:17.2f}{ap:20.2f}")
lost = ten.mean("lost by anomalies", digit=1) / ten.mean("lost by normal", digit=1)
one = ten.mean("autoencoder / energy, auroc", digit=1)
related = np.corrcoef(error[~ones], energy[~ones])[0, 1]
for text, value, bounds, digits in (
    ("correlation of error and energy among the other nine digits", related, (-0.1, 0.3), 1),
    ("share of the energy lost, ones over the others", lost, (1.15, 1.6), 1),
    ("AUROC for the digit 1, error divided by energy", one, (0.52, 0.78), 2),
):
    lesson.claim(
        text, value, between=bounds, digits=digits, fails_under="no-training", study="05_digits"
    )

# %% [markdown]
# The zero model has learned nothing, and its AUROC for ones is 0.08: ones have less energy than nearly all others. That is one reason; another is likely to be that a single stroke is easy to restore. Divided by the energy, the errors point the right way. But be careful. The AUROC of *minus the energy* alone would be 0.92, better than all of these: part of what the division does is to call little ink suspicious, which is right for ones and wrong elsewhere. The same division takes the digit 0, which has the *most* ink, further down, and over all ten digits the average precision falls from 0.31 to 0.25, while the AUROC hardly moves.
# Whether the energy is a sign or a disturbance, the data without anomalies can't tell; somebody who knows the case must.
#
# ### Tumors
#
# Now a table: 30 measurements of cell nuclei, from 569 tumors. Normal means benign here, and only benign rows are trained on. Of the 285 benign training rows, 90 are cut off as validation data.
#
# A measure over all thresholds is not enough: somebody has to choose one. A threshold is part of the method, so it must not see the test data. We take the value that 95 % of the *benign validation rows* stay below, and thus allow 5 % of false alarms. Then we count on the test data, 72 benign rows and 42 malignant ones: how many of the first raise a false alarm, how many of the second are detected?
#
# The autoencoder has 32 hidden units and a code of 4. Among its rivals is one that needs no training: the squared norm of the standardized row, that is, how far a row is from the benign mean in standard deviations.

# %%
tumours = data.load("breast-cancer")
benign, malignant = np.flatnonzero(tumours.y_train == 1), tumours.y_test == 0


def alarm(seed):
    """Learn from benign rows, set thresholds on benign validation rows, count alarms at the test."""
    order = np.random.default_rng(seed).permutation(benign)
    fitted, held_out = tumours.x_train[order[90:]], tumours.x_train[order[:90]]
    x, x_val, x_new = data.standardize(fitted, held_out, tumours.x_test)
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense
    layers = [dense(32, activation="relu"), dense(4), dense(32, activation="relu"), dense(30)]
    model = keras.Sequential([keras.Input((30,)), *layers])
    model.compile(keras.optimizers.Adam(0.002), loss="mse")
    training.fit(model, x, epochs=100, batch_size=32, seed=seed, progress=False)
    pca, forest = PCA(4).fit(x), IsolationForest(random_state=seed).fit(x)
    results = {}
    for name, method in {
        "autoencoder": lambda r: metrics.squared_error(r, model.predict(r, verbose=0)),
        "PCA": lambda r: metrics.squared_error(r, pca.inverse_transform(pca.transform(r))),
        "isolation forest": lambda r: -forest.score_samples(r),
        "norm of the row": lambda r: (r.astype(float) ** 2).sum(axis=1),
    }.items():
        threshold, score = np.quantile(method(x_val), 0.95), method(x_new)
        results[f"{name}, auroc"] = roc_auc_score(malignant, score)
        results[f"{name}, false alarms"] = np.mean(score[~malignant] > threshold)
        results[f"{name}, detections"] = np.mean(score[malignant] > threshold)
    return results


alarms = lesson.study("05_tumours", alarm, [{"seed": n} for n in range(5)], live=[{"seed": 0}])
print(f"{'mean ± std of 5 splits':18s}      AUROC     false alarms     detections")
for name in ("autoencoder", "PCA", "isolation forest", "norm of the row"):
    each = (f"{name}, {metric}" for metric in ("auroc", "false alarms", "detections"))
    print(f"{name:18s}", *(f"{alarms.mean(m):9.2f} ± {alarms.std(m):.2f}" for m in each))

# %% [markdown]
# The autoencoder is last. The norm of the row, which a spreadsheet can compute, is clearly ahead of it in AUROC and detects 81 % of the malignant rows instead of 50 %, with hardly more false alarms. Where does an error look away? For PCA it is easy to find out: split each row into the part inside its four directions, which it restores, and the rest, which is its error.

# %%
order = np.random.default_rng(0).permutation(benign)
x, x_new = data.standardize(tumours.x_train[order[90:]], tumours.x_test)
inside = (PCA(4).fit(x).transform(x_new) ** 2).sum(axis=1)
norm = (x_new**2).sum(axis=1)
print(
    f"share of the malignant rows' squared norm inside {inside[malignant].sum() / norm[malignant].sum():.1f}"
)
print(f"AUROC of the part inside {roc_auc_score(malignant, inside):.2f}", end=", ")
print(f"of the error {roc_auc_score(malignant, norm - inside):.2f}")
lesson.claim(
    "AUROC of the norm of the row minus the autoencoder's",
    alarms.mean("norm of the row, auroc") - alarms.mean("autoencoder, auroc"),
    between=(0.03, 0.15),
    digits=2,
    fails_under="no-training",
    study="05_tumours",
)
lesson.claim(
    "share of malignant rows that the autoencoder detects",
    alarms.mean("autoencoder, detections"),
    between=(0.35, 0.65),
    digits=1,
    fails_under="no-training",
    study="05_tumours",
)

# %% [markdown]
# Malignant tumors differ from benign ones mostly *along the directions in which benign ones differ from each other*, only further out. The code takes that in, the decoder carries on in the same direction, and the error sees nothing unusual: four fifths of the malignant rows' squared norm are restored. And that part, which the error ignores, tells malignant from benign as well as the error does. (The autoencoder, which can follow further, ignores more. That this is why it comes last is plausible; we have not shown it.)
#
# The alarms deserve a look as well. 5 % of false alarms were ordered, 9 to 11 % came. A quantile of 90 rows is uncertain: the top 5 % are four or five rows, and with others the threshold would be elsewhere. And the 72 benign test rows are the same in all five splits; if they happen to be a little unusual, all methods show it. A promise about false alarms needs many more validation rows than this.

# %% [markdown]
# ## Missing values (deeper)
#
# A denoiser for one more kind of noise: values that are *missing*. The autoencoder gets each row with 0, the mean, in the holes, together with a **mask**: 1 where the value is known. Without the mask it could not tell a hole from a value that happens to be average.
#
# What is the target? The true values of the holes are unknown, in training as in life. So we hide *further* values, those we know, at random and anew at each step, and ask for all known values back. The loss counts known values only.
#
# The rivals: the mean; **nearest neighbors** (`KNNImputer`: the mean over the $k$ most similar rows, $k$ chosen by hiding values in a fifth of the training rows); and **iterative imputation** (`IterativeImputer`: predict each column from the others by linear regression, fill in, and repeat). The error is the root of the mean squared error (rmse) on the hidden values of *test* rows, whose truth we kept.
#
# Two tables: the tumors, standardized, whose columns depend on each other nearly linearly (radius, perimeter, area); and handwritten digits of 8 × 8 pixels. *Predict before you run:* who wins where?


# %%
class HideMore(keras.layers.Layer):
    """Take rows [values, mask]; in training hide further values, each time others."""

    def __init__(self, share, seed):
        super().__init__()
        self.share, self.random = share, keras.random.SeedGenerator(seed)

    def call(self, rows, training=False):
        values, mask = keras.ops.split(rows, 2, axis=1)
        if training:
            u = keras.random.uniform(keras.ops.shape(mask), seed=self.random)
            mask = mask * keras.ops.cast(u > self.share, "float32")
        return keras.ops.concatenate([values * mask, mask], axis=1)


def observed_mse(rows, guess):
    """Squared error over the values that are known, hidden in this step or not."""
    values, mask = keras.ops.split(rows, 2, axis=1)
    return keras.ops.sum(mask * (values - guess) ** 2) / (keras.ops.sum(mask) + 1e-6)


def imputer(rows, share, seed):
    """Train an autoencoder that fills in; rows hold values (0 where missing) and mask."""
    keras.utils.set_random_seed(seed)
    features = rows.shape[1] // 2
    hidden = [keras.layers.Dense(4 * features, activation="relu") for _ in range(2)]
    model = keras.Sequential(
        [keras.Input((2 * features,)), HideMore(share, seed), *hidden, keras.layers.Dense(features)]
    )
    model.compile(keras.optimizers.Adam(0.002), loss=observed_mse)
    epochs = 100_000 // len(rows)  # about as many steps for a small table as for a larger one
    training.fit(model, rows, epochs=epochs, batch_size=32, seed=seed, progress=False)
    return model


# %%
digits = data.load("digits")
warnings.simplefilter("ignore", ConvergenceWarning)  # the iterative method stops after 5 rounds


def table_of(name):
    """Return training and test rows: the measurements standardized, the pixels centered."""
    if name == "tumours":
        return data.standardize(tumours.x_train, tumours.x_test)
    x_train, x_test = digits.x_train.reshape(-1, 64), digits.x_test.reshape(-1, 64)
    return x_train - x_train.mean(axis=0), x_test - x_train.mean(axis=0)


def neighbors(x, holes, holes_new, share, rng):
    """Fill in by nearest neighbors; choose k by hiding further values of a fifth of the rows."""
    cut = len(holes) // 5
    hidden = ~np.isnan(holes[:cut]) & (rng.random(holes[:cut].shape) < share)
    trial, errors = np.where(hidden, np.nan, holes[:cut]), {}
    for k in (3, 5, 10, 20, 40):
        knn = KNNImputer(n_neighbors=k, keep_empty_features=True)
        filled = knn.fit(holes[cut:]).transform(trial)
        errors[k] = np.mean((filled - x[:cut])[hidden] ** 2)
    best = min(errors, key=errors.get)
    return KNNImputer(n_neighbors=best, keep_empty_features=True).fit(holes).transform(holes_new)


# %% [markdown]
# The study hides a share of all values, in training rows and test rows alike, and scores the four methods on the hidden test values. The autoencoder's rows are joined from values and mask.


# %%
def joined(x, mask):
    return np.hstack([np.where(mask, x, 0), mask]).astype("float32")


def fill_in(table, share, seed):
    """Hide a share of all values; return the rmse of four methods on the hidden test values."""
    rng, (x, x_new) = np.random.default_rng(seed), table_of(table)
    known, known_new = rng.random(x.shape) > share, rng.random(x_new.shape) > share
    holes, holes_new = np.where(known, x, np.nan), np.where(known_new, x_new, np.nan)
    limits = {"min_value": x[known].min(), "max_value": x[known].max(), "random_state": seed}
    iterative = IterativeImputer(
        max_iter=5, n_nearest_features=15, keep_empty_features=True, **limits
    )
    model = imputer(joined(x, known), share, seed)
    guesses = {
        "mean": np.zeros_like(x_new),
        "nearest neighbours": neighbors(x, holes, holes_new, share, rng),
        "iterative": iterative.fit(holes).transform(holes_new),
        "autoencoder": model.predict(joined(x_new, known_new), verbose=0),
    }
    return {name: np.sqrt(np.mean((x_new - g)[~known_new] ** 2)) for name, g in guesses.items()}


# %%
shares = (0.1, 0.3, 0.5, 0.7)
grid = [
    {"table": table, "share": share, "seed": seed}
    for table in ("tumours", "digits")
    for share in shares
    for seed in seeds
]
filled = lesson.study("05_missing", fill_in, grid, live=[grid[0]])
fig, axes = plt.subplots(1, 2, figsize=(8, 3.2))
for ax, table in zip(axes, ("tumours", "digits"), strict=True):
    values = {
        name: (shares, [filled.values(name, table=table, share=share) for share in shares])
        for name in filled.results[0]
    }
    labels = {"xlabel": "share of values missing", "ylabel": "rmse on missing test values"}
    plotting.sweep(values, xticks=shares, ax=ax, **labels)
    ax.set(title=table)
    ax.set_ylim(bottom=0)
plotting.show(
    fig,
    "Error against the share of missing values, for tumors and digits, four methods. Most "
    "grow with the share; the mean is flat and mostly worst. For tumors the iterative method is best up to one "
    "half. For digits the nearest neighbors are best at one tenth, the autoencoder from one half on.",
)

# %% [markdown]
# There is no winner for all cases.
#
# - **Tumors.** The columns are nearly linear in each other, and iterative imputation, which is linear regression, finds that. It is best up to one half missing. At seven tenths the autoencoder has caught up, within the spread over the seeds. (To save time we gave the iterative method 5 rounds and the 15 most correlated columns; with more it may do better.)
# - **Digits.** With one pixel in ten missing, the nearest neighbors are best: among 1,437 digits there is usually a similar one. At three tenths the autoencoder has caught up, and from one half on it is ahead of all. The more is missing, the fewer pixels are left by which two rows could be found to be alike. Its error even *falls* from one tenth to three tenths: the share that is hidden in training is the share that is missing, and with one tenth hidden most of the loss is about values that it sees and need only copy. A larger share in training is a knob that we did not turn.
# - The autoencoder is first or second in all eight cases. That is an argument for it when nobody has the time to try.


# %%
def gap(worse, better, **where):
    """Return by how much the rmse of one method exceeds another's, per seed."""
    return filled.values(worse, **where) - filled.values(better, **where)


linear = gap("autoencoder", "iterative", table="tumours", share=0.1)
near = gap("autoencoder", "nearest neighbours", table="digits", share=0.1)
ahead = gap("nearest neighbours", "autoencoder", table="digits", share=0.5)
for text, value, bounds in (
    ("tumors, 0.1 missing: autoencoder minus iterative", linear, (0.02, 0.12)),
    ("digits, 0.1 missing: autoencoder minus nearest neighbors", near, (0.02, 0.07)),
):
    lesson.claim(
        text, value.mean(), between=bounds, digits=2, fails_under="no-training", study="05_missing"
    )
lesson.claim(
    "digits, half missing: nearest neighbors exceed the autoencoder, in standard deviations",
    metrics.paired_margin(ahead, 0 * ahead),
    above=1,
    digits=0,
    fails_under="no-training",
    study="05_missing",
)

# %% [markdown]
# ## Change one thing
#
# Begin the lesson with `lesson.begin(5, strict=False)`, edit one place and run all cells again. Claims that no longer hold are reported and do not stop you; studies run anew with your change, which takes some minutes each.
# - `epochs = 2`: expect a smaller lead of the denoiser. At which levels of noise does it fall behind?
# - In `denoiser`, `strides=1` everywhere and `Conv2D` for `Conv2DTranspose`: the code becomes 32 times as large as the picture. Does it copy now?
# - In `denoiser`, put `Corrupt("salt", 0.3, seed + 2)` behind the first `Corrupt`, and train on Gaussian noise of 0.3: does it lose on one kind what it gains on the other?
# - `latent_dim = 4` or `128`: which digits gain in AUROC, which lose? Which code would you choose, if you had no anomalies to try it on?

# %% [markdown]
# ## Exercises

# %%
from aetutorial.exercises import lesson05

lesson05.psnr.prompt()


# %%
def psnr(x, x_hat): ...  # your lines


lesson05.psnr.check(psnr)

# %%
lesson05.shrink.prompt()

# %%
answer = None  # your number
lesson05.shrink.check(answer)

# %%
lesson05.alarms.prompt()


# %%
def alarms(validation, test, share): ...  # your lines


lesson05.alarms.check(alarms)

# %%
lesson05.impute.prompt()


# %%
def impute(predict, x): ...  # your lines


lesson05.impute.check(impute)

# %%
lesson05.diagnose.prompt()

# %%
answer = None  # a list of three texts
lesson05.diagnose.check(answer)

# %% [markdown]
# ## What you now know
#
# - A denoising autoencoder is asked for the clean input. It may have a wide code: noise forbids copying. On digits under strong noise it is two to four decibels ahead of tuned filters; under weak Gaussian noise hardly, and on photographs it was behind.
# - It learns one kind of noise and one kind of picture. Elsewhere a median filter can be better, and strokes appear that nobody drew.
# - Noise must be fresh at every step. Drawn once, it is learned by heart.
# - The best denoiser's step divided by $\sigma^2$ is the gradient of the log density of the noisy data. A trained one comes close, except for weak noise, and new points can be made with it.
# - The reconstruction error is a usable alarm, not a reliable one: it depends on the size of the input, and what lies in the directions of normal variation is restored and overlooked. Looking up the nearest neighbor, or a plain norm, was better here.
# - A threshold belongs to the method and is set on validation data.
# - For missing values, an autoencoder with a mask competes with nearest neighbors and iterative imputation; which wins depends on the table and on how much is missing.
#
# **In practice**, run the median filter, the nearest neighbor and the norm first. If the network wins against them on data that played no part in any choice, use it, and tell your readers by how much.
#
# ## References
#
# - P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol (2010). Stacked denoising autoencoders: learning useful representations in a deep network with a local denoising criterion. *Journal of Machine Learning Research* 11, 3371–3408.
# - Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli (2004). Image quality assessment: from error visibility to structural similarity. *IEEE Transactions on Image Processing* 13, 600–612 (SSIM).
# - L. I. Rudin, S. Osher, E. Fatemi (1992). Nonlinear total variation based noise removal algorithms. *Physica D* 60, 259–268.
# - A. Buades, B. Coll, J.-M. Morel (2005). A non-local algorithm for image denoising. *CVPR*, vol. 2, 60–65.
# - H. Robbins (1956). An empirical Bayes approach to statistics. *Proceedings of the Third Berkeley Symposium* 1, 157–163.
# - B. Efron (2011). Tweedie's formula and selection bias. *Journal of the American Statistical Association* 106, 1602–1614.
# - P. Vincent (2011). A connection between score matching and denoising autoencoders. *Neural Computation* 23, 1661–1674.
# - G. Alain, Y. Bengio (2014). What regularized auto-encoders learn from the data-generating distribution. *Journal of Machine Learning Research* 15, 3743–3773.
# - Y. Song, S. Ermon (2019). Generative modeling by estimating gradients of the data distribution. *NeurIPS*. arXiv:1907.05600 (walking along the learned score).
# - F. T. Liu, K. M. Ting, Z.-H. Zhou (2008). Isolation forest. *ICDM*, 413–422.
# - R. Bouman, T. Heskes (2025). Autoencoders for anomaly detection are unreliable. arXiv:2501.13864.
# - O. Troyanskaya and others (2001). Missing value estimation methods for DNA microarrays. *Bioinformatics* 17, 520–525 (nearest neighbors).
# - S. van Buuren, K. Groothuis-Oudshoorn (2011). mice: multivariate imputation by chained equations in R. *Journal of Statistical Software* 45(3), 1–67 (iterative imputation).
#
# Next: [lesson 6, generation](06_generation.ipynb), turns the decoder into a generator.
