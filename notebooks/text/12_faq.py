# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 · FAQ: what readers ask, answered by experiment
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/12_faq.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/12_faq.ipynb)
#
# **Reading** 55 min · **working through** 95 min · **runs in** 40 s<!-- times -->
#
# The three large questions and the twelve short ones can be read in any order, and are run from the top: later cells use earlier ones.
#
# **You will be able to**
# - say in which ways a variational autoencoder differs from a plain one, with a number for each;
# - decide whether an autoencoder helps a classifier, and in which of three ways to use it;
# - say in which sense codes are unique and in which they are not, and measure it against controls;
# - answer the questions that come up whenever somebody trains an autoencoder;
# - pick the method for a job from what the course has measured.
#
# **You need** the lessons before, each where its question points.
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

lesson.begin(12)  # seeds, a quiet start of TensorFlow, the plot style

import functools
import tempfile
import timeit
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers, ops
from scipy.optimize import linear_sum_assignment
from scipy.spatial import procrustes
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from aetutorial import models  # after the quiet start: it imports TensorFlow
from aetutorial.exercises import lesson12

# %% tags=["parameters"]
seeds = range(3)
latent_dim = 16  # numbers of a code
pair_seeds = range(4)  # pairs of trainings that are compared
label_counts = (100, 1000, 9000)

# %% [markdown]
# This lesson looks back. Three large questions come first, which every reader of the course will be asked by somebody; each gets one sentence, and then an experiment. Twelve short ones follow, and at the end a map of methods and jobs. What other lessons have measured is read from their stored studies, and what they have not is measured here.
#
# The data, once more: 9,000 digits to learn from, 1,000 by which to choose, 2,000 to score.

# %%
mnist = data.load("mnist")
x_all = mnist.x_train.reshape(-1, 784)
x_train, x_val, x_test = x_all[:9000], x_all[9000:], mnist.x_test.reshape(-1, 784)
y_train, y_val, y_test = mnist.y_train[:9000], mnist.y_train[9000:], mnist.y_test
b_train = data.binarized(x_all, seed=0)[:9000]  # pictures of 0 and 1, as in lessons 6 and 7
b_test = data.binarized(x_test, seed=1)
print("training", x_train.shape, "validation", x_val.shape, "test", x_test.shape)


# %% [markdown]
# ## How does an autoencoder differ from a variational autoencoder? (core)
#
# **In one sentence**: an autoencoder (AE) learns to copy through a few numbers; a variational autoencoder (VAE) learns a *distribution* of pictures: each picture gets a distribution of codes instead of one code, and the model pays for every nat by which this differs from a prior.
#
# In code the two differ little (see `pair`, below): the VAE's encoder has two outputs instead of one, and its model is `models.VAE`, which adds noise and the rate. Otherwise both are made of the same layers, those of [lesson 7](07_measuring_generation.ipynb), and trained on the same pictures of 0 and 1, with the same steps. Both measure distortion in the same way, by the negative log-likelihood of the pixels.


# %%
def halves(heads, seed, before=(256,), after=(256,)):
    """An encoder with one or two outputs, and a decoder to logits."""
    keras.utils.set_random_seed(seed)
    x, z = keras.Input((784,)), keras.Input((latent_dim,))
    hidden, back = x, z
    for units in before:
        hidden = layers.Dense(units, activation="relu")(hidden)
    for units in after:
        back = layers.Dense(units, activation="relu")(back)
    codes = [layers.Dense(latent_dim)(hidden) for _ in range(heads)]
    return keras.Model(x, codes if heads > 1 else codes[0]), keras.Model(z, layers.Dense(784)(back))


def fitted(model, x, y=None, epochs=12, rate=0.004, loss=None, seed=0):
    """Train with Adam; `rate` is its learning rate, which falls along a cosine."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * (9000 // 100))
    model.compile(keras.optimizers.Adam(schedule), loss=loss)
    how = {"epochs": epochs, "batch_size": 100, "seed": seed, "progress": False}
    return training.fit(model, x, y, **how).history


@functools.cache
def pair(seed):
    """A plain and a variational autoencoder of the same layers."""
    encoder, decoder = halves(1, seed)
    plain = keras.Model(encoder.input, decoder(encoder.output))
    fitted(plain, b_train, loss=models.negative_log_likelihood, seed=seed)
    vae = models.VAE(*halves(2, seed), seed=seed)
    fitted(vae, b_train, seed=seed)
    return {"AE": (encoder, decoder), "VAE": (vae.encoder, vae.decoder)}


def mean_code(encoder, x):
    z = encoder(x)
    return np.asarray(z[0] if isinstance(z, list) else z)


print("x", b_test.shape, "-> z", mean_code(pair(0)["AE"][0], b_test).shape)

# %% [markdown]
# The table has a row for each respect in which they differ. What is measured:
#
# - **Objective**: distortion and rate, in nats. The VAE minimizes their sum ([lesson 6](06_generation.ipynb)), where the code is drawn; the AE minimizes the distortion. For comparison there is also the distortion from the VAE's mean code.
# - **Code**: the standard deviation of the codes of all pictures, and how far the code of *one* picture scatters from draw to draw, as a share of that deviation.
# - **Regularity**: move each code in a random direction, each number by a normal draw of half its standard deviation. By how much does the decoded picture change? The squared difference is given in units of that between two decoded test pictures (the first and the last, and so on). A yardstick: let the numbers $z_j$ of the code be independent with deviations $s_j$, and the decoder linear, $\hat x = \sum_j z_j w_j$, where column $w_j$ is what number $j$ paints. The move then changes $\sum_j (s_j / 2)^2 \lVert w_j \rVert^2$ on average, another picture $\sum_j 2 s_j^2 \lVert w_j \rVert^2$, and the share is 1/8 = 0.125.
# - **Sampling**: the Fréchet distance of 2,000 samples, from the study of lesson 7. Real pictures have 1.3.
# - **Likelihood**: nats of a test picture, by the importance-weighted bound (lesson 7). For the plain autoencoder there is no way to estimate it.
# - **Features**: a linear probe on 64 numbers, convolutional networks, from the study of [lesson 8](08_representation_learning.ipynb).
# - **Cost**: weights, and seconds an epoch.
#
# *Predict before you run:* in which rows is the VAE ahead?


# %%
def two_study(kind, seed):
    """One model of the pair, by test pictures."""
    encoder, decoder = pair(seed)[kind]
    z, rng = mean_code(encoder, b_test), np.random.default_rng(seed)
    scatter = np.exp(0.5 * np.asarray(encoder(b_test)[1])) if kind == "VAE" else np.zeros_like(z)
    z_drawn = z + scatter * rng.standard_normal(z.shape).astype("float32")
    nats = models.negative_log_likelihood(b_test, decoder(z_drawn))
    copied = models.negative_log_likelihood(b_test, decoder(z))
    rate = models.kl_to_prior(z, 2 * np.log(scatter)) if kind == "VAE" else 0.0
    spread = z.std(axis=0).mean()
    moved = z + np.float32(0.5 * z.std(axis=0) * rng.standard_normal(z.shape))
    x_hat, x_moved = (np.asarray(ops.sigmoid(decoder(part))) for part in (z, moved))
    usual = metrics.squared_error(x_hat, x_hat[::-1]).mean()
    return {
        "distortion": np.mean(nats),
        "distortion, mean": np.mean(copied),
        "rate": np.mean(rate),
        "spread": spread,
        "scatter": scatter.mean() / spread,
        "change": metrics.squared_error(x_hat, x_moved).mean() / usual,
        "weights": encoder.count_params() + decoder.count_params(),
    }


# %%
grid = [{"kind": kind, "seed": seed} for kind in ("AE", "VAE") for seed in seeds]
two = lesson.study("12_two", two_study, grid, live=[{"kind": "VAE", "seed": 0}])
samples, codes = lesson.stored("07_samples"), lesson.stored("08_codes")
fitted_prior = lesson.stored("07_beyond")


def row(text, study, metric, settings, digits=1, scale=1.0):
    studies = study if isinstance(study, list) else [study] * 2
    pairs = list(zip(studies, settings, strict=True))
    cells = [(scale * s.mean(metric, **at), scale * s.std(metric, **at)) for s, at in pairs]
    print(f"{text:44s}" + "".join(f"{m:14,.{digits}f} ± {s:.{digits}f}" for m, s in cells))


# %% [markdown]
# And the table (mean ± standard deviation over three seeds):

# %%
both = [{"kind": "AE"}, {"kind": "VAE"}]
print(f"{'':44s}{'AE':>14s}      {'VAE':>14s}")
row("objective: distortion (nats)", two, "distortion", both)
row("... from the mean of the code", two, "distortion, mean", both)
row("... rate (nats)", two, "rate", both)
row("code: standard deviation", two, "spread", both, 2)
row("code: scatter of one picture (share of it)", two, "scatter", both, 2)
row("regularity: change when the code is moved", two, "change", both, 2)
sampled = [{"model": "autoencoder, N(0, I)"}, {"model": "VAE, beta = 1"}]
row("sampling from N(0, I): Fréchet distance", samples, "Fréchet", sampled)
sampled = [{"model": "autoencoder + mixture"}, {"model": "VAE + mixture"}]
row("... from a mixture fitted to the codes", [samples, fitted_prior], "Fréchet", sampled)
nats = samples.mean("nats, k = 500", model="VAE, beta = 1")
print(f"{'likelihood: nats of a test picture, bound':44s}{'none':>14s}{nats:20.1f}")
probed = [{"kind": "convolutional 64"}, {"kind": "variational 64"}]
row("features: linear probe (%)", codes, "linear", probed, 1, 100)
row("cost: weights", two, "weights", both, 0)


# %% [markdown]
# And the seconds, on the machine that runs this cell (timed once; they scatter):


# %% tags=["nbval-ignore-output"]
def epoch_seconds(model, loss=None):
    """Seconds an epoch: six epochs less one, so that what comes before the first cancels."""
    model.compile(keras.optimizers.Adam(0.001), loss=loss)
    fit = functools.partial(training.fit, model, b_train, batch_size=100, progress=False)
    # the first call compiles and is not counted
    _, one, six = (timeit.timeit(lambda n=n: fit(epochs=n), number=1) for n in (1, 1, 6))
    return (six - one) / 5


encoder, decoder = halves(1, 0)
plain = keras.Model(encoder.input, decoder(encoder.output))
seconds = epoch_seconds(plain, models.negative_log_likelihood)
print(
    f"cost: seconds an epoch: AE {seconds:.2f}, VAE {epoch_seconds(models.VAE(*halves(2, 0))):.2f}"
)

# %%
for text, kind, metric, limits in (
    ("distortion of the AE", "AE", "distortion", (72, 86)),
    ("distortion of the VAE", "VAE", "distortion", (84, 98)),
    ("scatter of one picture's code in the VAE", "VAE", "scatter", (0.15, 0.5)),
):
    lesson.claim(
        text, two.mean(metric, kind=kind), between=limits, fails_under="no-training", study="12_two"
    )
rougher = two.mean("change", kind="AE") - two.mean("change", kind="VAE")
text = "how much more the AE's pictures change when codes are moved"
lesson.claim(text, rougher, between=(0.02, 0.2), fails_under="no-training", study="12_two")

# %% [markdown]
# - **The code** is where they really part. The AE's is a point, and the codes of all pictures lie where they like, with a standard deviation of 5. The VAE's is a cloud, a quarter as wide as all codes together, and those have a standard deviation of about 1, because the prior pulls them there.
# - **Sampling**: 57 against 165, if both are fed from $N(0, I)$. The AE never learned to decode from there. With a mixture fitted to its codes it gives far better samples, 4.4, and so does the VAE, 8.4. But the mixture is a second model.
# - **Likelihood**: only for the VAE can it be estimated.
# - **Copying**: the AE is ahead, by 12 nats against a drawn code, and by 5 against the mean code.
# - **Regularity**: moved codes change the picture less in the VAE, as with a linear decoder and independent numbers; in the AE about 1.4 times as much.
# - **Features and weights**: close. An epoch took the VAE 15 to 120 percent more seconds in the runs that we saw. (It draws noise and has a second output; the rest is scatter.)
#
# So they are alike in layers and training, and different in what they *are*: a copier through a narrow place, and a model of how pictures come about.
#
# ## Can autoencoders serve classification? (core)
#
# **In one sentence**: yes, the code can be read by a classifier, and it pays when labels are few and the rival is a network trained from scratch on them; with many labels it gains little or nothing.
#
# [Lesson 8](08_representation_learning.ipynb) has the long answer. Here are the three ways side by side, in one network (784 → 512 → 256 → a code of 16 → 10 digits):
#
# - **frozen**: the encoder is trained as an autoencoder and left as it is; a logistic regression reads the code;
# - **fine-tuned**: the same, and then all is trained on the labels, beginning at that logistic regression (lesson 8 says why);
# - **joint**: no two stages. Each step sees labeled pictures and unlabeled ones, and minimizes the cross-entropy of the first plus $\lambda$ times the squared error of the second (a mean over pixels);
# - **supervised**: the labels alone. The baseline.
#
# All use the class below. With $\lambda = 0$ (`weight`) it is an ordinary classifier, which hands the other pictures through.


# %%
class Joint(keras.Model):
    """A classifier of x that also reconstructs other pictures; fit on ((x, others), labels)."""

    def __init__(self, encoder, decoder, weight):
        super().__init__()
        self.encoder, self.decoder, self.weight = encoder, decoder, weight
        self.head = layers.Dense(10)

    def call(self, inputs):
        x, others = inputs
        logits = self.head(self.encoder(x))
        x_hat = self.decoder(self.encoder(others)) if self.weight else others
        return {"logits": logits, "x_hat": x_hat}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        wrong = keras.losses.sparse_categorical_crossentropy(y, y_pred["logits"], from_logits=True)
        return ops.mean(wrong) + self.weight * ops.mean(ops.square(x[1] - y_pred["x_hat"]))


def wide_halves(seed):
    return halves(1, seed, before=(512, 256), after=(256, 512))


@functools.cache
def pretrained(seed):
    """An encoder and a decoder, trained to reconstruct all 9,000 pictures."""
    encoder, decoder = wide_halves(seed)
    fitted(
        keras.Model(encoder.input, decoder(encoder.output)), x_train, None, 20, 0.002, "mse", seed
    )
    return encoder, decoder


# %% [markdown]
# Supervised, joint and the second stage of fine-tuned take the same number of steps: the labeled pictures are repeated until there are 9,000. (Frozen and fine-tuned have the pre-training besides.) Two learning rates for supervised and fine-tuned and three $\lambda$ for joint are tried, and one is chosen on validation pictures, separately for each number of labels. (With 100 labels for training, 1,000 for choosing is more than one would have.)


# %%
def accuracy_of(logits, y):
    return np.mean(np.asarray(logits).argmax(axis=1) == y)


def classify_study(labels, method, knob, seed):
    """Validation and test accuracy; the knob is the learning rate or the weight of the error."""
    rng = np.random.default_rng([labels, seed])
    rows = [rng.permutation(np.flatnonzero(y_train == d))[: labels // 10] for d in range(10)]
    rows = np.concatenate(rows) if labels < 9000 else np.arange(9000)
    encoder, decoder = wide_halves(seed)
    model = Joint(encoder, decoder, knob if method == "joint" else 0)
    if method in ("frozen", "fine-tuned"):
        encoder.set_weights(pretrained(seed)[0].get_weights())
        z = mean_code(encoder, x_train[rows])
        reader = LogisticRegression(max_iter=2000).fit(z / z.std(), y_train[rows])
        model.head.build((None, latent_dim))
        # the reader saw z / z.std()
        model.head.set_weights([reader.coef_.T / z.std(), reader.intercept_])
    if method != "frozen":
        again = rng.permutation(np.resize(rows, 9000))
        x, y = (x_train[again], x_train), y_train[again].astype("int32")
        fitted(model, x, y, 20, 0.002 if method == "joint" else knob, seed=seed)
    parts = ((x_val, y_val), (x_test, y_test))
    scores = [accuracy_of(model.head(encoder(x)), y) for x, y in parts]
    return dict(zip(("val", "test"), scores, strict=True))


# %%
knobs = {
    "supervised": [0.0002, 0.002],
    "frozen": [0],
    "fine-tuned": [0.0002, 0.002],
    "joint": [1, 10, 100],
}
grid = [
    {"labels": n, "method": method, "knob": knob, "seed": seed}
    for n in label_counts
    for method in knobs
    for knob in knobs[method]
    for seed in seeds
]
live = [{"labels": 100, "method": "joint", "knob": 100, "seed": 0}]
classified = lesson.study("12_classify", classify_study, grid, live=live)

# %% [markdown]
# *Predict before you run:* with 100 labels, which way is best? With 9,000? (Mean ± standard deviation over three seeds; for each seed other pictures are labeled.)


# %%
def best(labels, method):
    """Test accuracies in percent, with the knob that validation prefers."""
    where = {"labels": labels, "method": method}
    knob = max(knobs[method], key=lambda k: classified.mean("val", **where, knob=k))
    return 100 * classified.values("test", **where, knob=knob), knob


print(f"{'test accuracy (%)':18s}" + "".join(f"{n:>8,d} labels " for n in label_counts))
for method in knobs:
    cells = [best(n, method) for n in label_counts]
    print(
        f"{method:18s}" + "".join(f"{v.mean():9.1f} ± {v.std(ddof=1):.1f}" for v, _ in cells),
        end="",
    )
    chosen = ", ".join(f"{knob:g}" for _, knob in cells)
    name = "λ" if method == "joint" else "rate"
    print(f"   {name} {chosen}" if len(knobs[method]) > 1 else "")


# %%
few, many = ({m: best(n, m)[0] for m in knobs} for n in (label_counts[0], label_counts[-1]))
text = "fine-tuned minus supervised, in points, with 100 labels"
lesson.claim(
    text,
    np.mean(few["fine-tuned"] - few["supervised"]),
    between=(1, 20),
    fails_under="no-training",
    study="12_classify",
)
text = "the same with 9,000 labels"
gain = np.mean(many["fine-tuned"] - many["supervised"])
lesson.claim(text, gain, between=(-1, 1), fails_under="no-training", study="12_classify")
lesson.claim(
    "supervised, 9,000 labels",
    many["supervised"].mean(),
    above=95,
    fails_under="no-training",
    study="12_classify",
)

# %% [markdown]
# - **Fine-tuning pays with few labels**: 4 points with 100, 1 with 1,000 (each time for all three seeds), none with 9,000. With 100 labels the other 8,900 pictures add something. With 9,000 none are left to add, and pre-training on the same pictures brings nothing. The smaller learning rate is not what does it: it was offered to *supervised* as well.
# - **Frozen** is level with supervised at 100 labels and falls behind after that, to 89 instead of 96 %. The 16 numbers were chosen for reconstruction.
# - **Joint training gains little, if anything**: half a point at 1,000 labels, nothing at 100 and 9,000. Perhaps the two aims compete for the 16 numbers. (In fine-tuning the labels come second and may overwrite what they don't need.) (With better ways of putting them together, networks that learn from few labels and many pictures have gained far more: Rasmus and others 2015. The reconstruction term alone is not enough.)
#
# Lesson 8 has stronger rivals than this table: a convolutional network that sees shifted pictures, and an SVM on pixels.

# %%
print("lesson 8, accuracy in %")
rivals = "dense 10, SVM", "dense 64, SVM", "pixels, SVM", "conv, moved"
print(f"{'':14s}" + "".join(f"{name:>16s}" for name in rivals))
for labels in (100, 500, 5000):
    right = [100 * lesson.stored("08_labels").mean(name, labels=labels) for name in rivals]
    print(f"{labels:5,d} labels  " + "".join(f"{value:16.1f}" for value in right))

# %% [markdown]
# (84.8 from a code of 10 numbers, where the frozen code of 16 above has 77.8: another reader, an SVM, and a smaller code.) With 100 labels the convolutional network without any unlabeled picture is level with the best code, an SVM on 10 numbers. With 500 it is ahead, and the SVM on pixels is level with the codes. With 5,000 a code of 64, the convolutional network and pixels lie within half a point, and the code of 10 is behind. That is the honest end of the answer: yes, autoencoders can serve classification; seldom are they much ahead of the best rival.
#
# ## Is the code unique? (core)
#
# **In one sentence**: no; two trainings of equal loss hold much the same information in different coordinates, and how different depends on what the loss leaves open.
#
# Take any invertible map $T$ of codes. Encode with $T \circ \text{enc}$ and decode with $\text{dec} \circ T^{-1}$: the reconstruction is the same, and so is the loss. If the loss depends on the reconstruction only and the networks can express $T$, nothing prefers one of the two. (A KL term, a penalty or sparsity may.)
#
# To measure how alike two codes $A$ and $B$ of the same pictures are, one has to say which differences don't count. Five measures, from strict to lenient:
#
# | measure | these differences don't count |
# | --- | --- |
# | matched | order, sign and scale of the numbers |
# | Procrustes | a shift, one common scale, any rotation or reflection |
# | CKA | the same; and directions in which codes vary much weigh more |
# | CCA | any invertible matrix |
# | SVCCA | the same, and directions in which hardly anything happens |
#
# Each is 1 for codes that are alike in its sense. In detail:
#
# - **matched**: each number of $A$ is paired with one number of $B$ such that the sum of the absolute correlations is largest (Li and others 2016); their mean. Only order, scale and sign of the numbers don't count. (Dead units, always 0, are left out.)
# - **Procrustes** (Schönemann 1966): $B$ is shifted, scaled and *rotated* onto $A$; the share of the variance that is then explained.
# - **CKA** (*centered kernel alignment*; Kornblith and others 2019): which pairs of pictures does a code call similar? Take the inner products of the centered codes of all pairs of pictures, a table of 2,000 × 2,000 numbers for each code, $K = A A^\top$ and $L = B B^\top$. CKA is the cosine of the angle between the two tables, $\sum K_{ij} L_{ij} / (\lVert K \rVert \lVert L \rVert)$, where $\lVert K \rVert$ is the root of the sum of all $K_{ij}^2$. Rotations don't count; directions in which codes vary much weigh more.
# - **CCA** (*canonical correlation analysis*, Hotelling 1936): both codes may be transformed by *any* invertible matrix so that their numbers correlate as far as possible. For that, take orthonormal bases $U_A$ and $U_B$ of the columns of both centered codes. The singular values of $U_A^\top U_B$ are the cosines of lesson 4's principal angles, here called canonical correlations; CCA is their mean.
# - **SVCCA** (Raghu and others 2017): CCA of the principal components that hold 99 % of the variance, so that directions in which hardly anything happens don't count.
#
# (More lenient does not mean larger in every case: Procrustes and CKA weigh a direction by its variance, CCA counts all directions alike.)


# %%
def centered(a):
    return a - a.mean(axis=0)


def matched(a, b):
    a, b = (z[:, z.std(axis=0) > 1e-6] for z in (a, b))  # without dead units
    found = np.abs(np.corrcoef(a, b, rowvar=False))[: a.shape[1], a.shape[1] :]
    return found[linear_sum_assignment(-found)].mean()


def aligned(a, b):
    """CKA: inner products of all pairs of pictures, compared."""
    products = [centered(z) @ centered(z).T for z in (a, b)]
    lengths = [np.sum(product**2) ** 0.5 for product in products]
    return np.sum(products[0] * products[1]) / (lengths[0] * lengths[1])


# %%
def cca(a, b, share=1.0):
    """Mean canonical correlation, of the principal components that hold a share of the variance."""
    bases = []
    for z in (a, b):
        u, s, _ = np.linalg.svd(centered(z), full_matrices=False)
        part = np.cumsum(s**2) / np.sum(s**2)
        # what is rounding error only, and what exceeds the share, is left out
        rank = min(np.sum(s > 1e-4 * s[0]), 1 + np.sum(part < share))
        bases.append(u[:, :rank])
    return np.linalg.svd(bases[0].T @ bases[1], compute_uv=False).mean()


def alike(a, b):
    a, b = np.float64(a), np.float64(b)
    strict = {"matched": matched(a, b), "Procrustes": 1 - procrustes(a, b)[2]}  # [2]: unexplained
    return strict | {"CKA": aligned(a, b), "CCA": cca(a, b), "SVCCA": cca(a, b, 0.99)}


# %% [markdown]
# A measure is worth what it says about cases that are known. The codes of the autoencoder above, against themselves: in another order; rotated; and mixed by a random matrix. And against codes that have nothing to do with them.

# %%
z = np.float64(mean_code(pair(0)["AE"][0], b_test))
rng = np.random.default_rng(0)
rotation = np.linalg.qr(rng.standard_normal((latent_dim, latent_dim)))[0]
cases = {"another order": z[:, ::-1], "rotated": z @ rotation}
cases["mixed by a matrix"] = z @ rng.standard_normal((latent_dim, latent_dim))
cases["unrelated"] = rng.standard_normal(z.shape)
known = {name: alike(z, other) for name, other in cases.items()}
for text, value in (
    ("another order: matched", known["another order"]["matched"]),
    ("rotated: Procrustes", known["rotated"]["Procrustes"]),
    ("rotated: CKA", known["rotated"]["CKA"]),
    ("mixed: CCA", known["mixed by a matrix"]["CCA"]),
):
    lesson.claim(text, value, between=(0.999, 1.001), fails_under="math")
for text, value in (
    ("rotated: matched", known["rotated"]["matched"]),
    ("mixed: Procrustes", known["mixed by a matrix"]["Procrustes"]),
):
    lesson.claim(text, value, between=(0.3, 0.9), fails_under="math")
for measure, value in known["unrelated"].items():
    lesson.claim(f"unrelated: {measure}", value, below=0.15, fails_under="math")

# %% [markdown]
# Only *matched* sees a rotation; Procrustes does not, and sees a mixing matrix; CCA sees neither. And none of them takes unrelated codes for alike.
#
# Now pairs of trainings that differ in the seed only. The linear kinds train for 150 epochs (quick, and ordering needs it), the dense ordered one for 60, the others for 20. The kinds:
#
# - **linear**: no activation anywhere ([lesson 4](04_dimensionality_reduction.ipynb));
# - **linear, ordered**, by *nested dropout* (Rippel, Gelbart and Adams 2014): in training, all numbers after the first $k$ are set to 0, so that the first number must be worth most by itself, and so on. $k$ is drawn anew for each picture, from 1 to 16, each equally often (in the paper small ones more often);
# - **dense**: 256 hidden units on each side;
# - **dense, tied**: the decoder's matrices are the encoder's, transposed;
# - **dense, orthogonal**: the columns of the code layer's matrix are orthogonal, by a penalty;
# - **dense, ordered**: nested dropout again;
# - **variational**, on gray pictures, with the variance of the pixels fixed at 0.03, which gives it the error of the dense one: squared error over twice that variance, plus the KL term;
# - **sparse, k**: 64 numbers, of which the $k$ largest stay for each picture (top-k, [lesson 9](09_sparse_codes.ipynb)). With $k = 16$ as many numbers describe a picture as in the other kinds, but which ones depends on the picture. With 8 and 4 there are fewer.


# %%
class KeepFirst(layers.Layer):
    """In training, set all numbers after the first k of each code to 0; k is drawn anew."""

    def __init__(self, seed):
        super().__init__()
        self.random = keras.random.SeedGenerator(seed)

    def call(self, z, training=False):
        if not training:
            return z
        last = keras.random.randint((ops.shape(z)[0], 1), 0, z.shape[1], seed=self.random)
        return z * ops.cast(ops.arange(z.shape[1]) <= last, z.dtype)


class KeepLargest(layers.Layer):
    """Keep the k largest numbers of each code if they are above 0; the others become 0."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def call(self, z):
        z = ops.relu(z)
        smallest = ops.min(ops.top_k(z, self.k)[0], axis=1, keepdims=True)
        return z * ops.cast(z >= smallest, z.dtype)


class Transposed(layers.Layer):
    """A dense layer whose matrix is that of another, transposed."""

    def __init__(self, layer, activation=None):
        super().__init__()
        self.layer, self.activation = layer, keras.activations.get(activation)

    def build(self, shape):
        self.bias = self.add_weight(shape=(self.layer.kernel.shape[0],), initializer="zeros")

    def call(self, x):
        return self.activation(ops.matmul(x, ops.transpose(self.layer.kernel)) + self.bias)


# %% [markdown]
# The networks of all kinds but the variational one:


# %%
def squared_error(x, x_hat):
    return ops.sum(ops.square(x - x_hat), axis=1)


def of_kind(kind, seed):
    """An untrained encoder and the model around it."""
    keras.utils.set_random_seed(seed)
    name, _, extra = kind.partition(", ")
    activation = None if name == "linear" else "relu"
    hidden = layers.Dense(256, activation=activation)
    settings = {
        "orthogonal": {
            "kernel_regularizer": keras.regularizers.OrthogonalRegularizer(1.0, "columns")
        }
    }
    code = layers.Dense(latent_dim, **settings.get(extra, {}))
    x = keras.Input((784,))
    first = x if name == "linear" else hidden(x)
    z = KeepLargest(int(extra))(layers.Dense(64)(first)) if name == "sparse" else code(first)
    order = [KeepFirst(seed)] if extra == "ordered" else []
    back = [layers.Dense(256, activation="relu"), layers.Dense(784)]
    if extra == "tied":
        back = [Transposed(code, "relu"), Transposed(hidden)]
    x_hat = z
    for layer in [*order, *(back[1:] if name == "linear" else back)]:
        x_hat = layer(x_hat)
    return keras.Model(x, z), keras.Model(x, x_hat)


# %%
class PixelVAE(models.VAE):
    """A VAE for gray pictures: squared error over twice a variance of the pixels, and the rate."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        rate = models.kl_to_prior(y_pred["z_mean"], y_pred["z_log_var"])
        return ops.mean(squared_error(x, y_pred["logits"]) / (2 * 0.03) + rate)


@functools.cache
def coded(kind, seed):
    """Codes of test pictures by a model that is trained, and its squared error."""
    if kind == "variational":
        vae = PixelVAE(*halves(2, seed), seed=seed)
        fitted(vae, x_train, None, 20, 0.002, seed=seed)
        z = mean_code(vae.encoder, x_test)
        x_hat = np.asarray(vae.decoder(z))
    else:
        encoder, model = of_kind(kind, seed)
        epochs, rate = (150, 0.01) if kind.startswith("linear") else (20, 0.002)
        epochs = 60 if kind == "dense, ordered" else epochs
        fitted(model, x_train, None, epochs, rate, squared_error, seed=seed)
        z, x_hat = np.asarray(encoder(x_test)), np.asarray(model(x_test))
    return z, metrics.squared_error(x_test, x_hat).mean()


# %% [markdown]
# And what would *no* resemblance look like? With 2,000 pictures and 16 numbers no measure is exactly 0. Two controls, for each pair, and one reference for *matched*:
#
# - **permuted**: the rows of $B$ in a random order, so that codes of different pictures meet;
# - **random codes of equal sparsity**: each *column* of $B$ in a random order of its own. Each number keeps its distribution, zeros included, and loses everything else;
# - ***matched*, B rotated**: *matched* between $A$ and $B$ after a random rotation of $B$ (the mean of five). The rotated $B$ says the same as a whole, but what its single numbers say is arbitrary. It is not small: each rotated number is a mixture of the old ones, so it correlates with several numbers of $A$, and the best of 16 partners counts. A pair that doesn't exceed it agrees no better, number by number, than chance.


# %%
def unique_study(kind, seed):
    """Two trainings that differ in the seed, compared; and the controls."""
    (a, error), (b, other) = coded(kind, seed), coded(kind, 100 + seed)
    rng = np.random.default_rng(seed)
    controls = {"permuted": rng.permutation(b), "random": rng.permuted(b, axis=0)}
    found = alike(a, b) | {"error": (error + other) / 2, "gap": abs(error - other)}
    b_live = np.float64(b[:, b.std(axis=0) > 1e-6])
    found |= {"live": b_live.shape[1], "zeros": np.mean(b_live == 0)}
    rotations = (np.linalg.qr(rng.standard_normal(2 * b_live.shape[1:]))[0] for _ in range(5))
    found["matched, rotated"] = np.mean([matched(a, b_live @ rotation) for rotation in rotations])
    for name, control in controls.items():
        found |= {f"{measure}, {name}": value for measure, value in alike(a, control).items()}
    return found


kinds = ["linear", "linear, ordered", "dense", "dense, tied", "dense, orthogonal", "dense, ordered"]
kinds += ["variational", "sparse, 16", "sparse, 8", "sparse, 4"]
grid = [{"kind": kind, "seed": seed} for kind in kinds for seed in pair_seeds]
compared = lesson.study("12_unique", unique_study, grid, live=[{"kind": "dense", "seed": 0}])

# %% [markdown]
# *Predict before you run:* for which kind does *matched* come nearest to 1? (`error` is the squared error of a test picture, `gap` the difference between the two trainings; ± is the standard deviation over four pairs. Of the two controls the larger is printed.)

# %%
measures = ("matched", "Procrustes", "CKA", "CCA", "SVCCA")
print(f"{'mean of 4 pairs':18s}{'error':>6s}{'gap':>5s}" + "".join(f"{m:>14s}" for m in measures))
for kind in kinds:
    line = (
        f"{kind:18s}{compared.mean('error', kind=kind):6.1f}{compared.mean('gap', kind=kind):5.2f}"
    )
    for m in measures:
        line += f"{compared.mean(m, kind=kind):7.2f} ± {compared.std(m, kind=kind):.2f}"
    print(line)

print()
controls = f"{'larger control':18s}" + "".join(f"{m:>12s}" for m in measures)
print(controls + f"{'matched, B rotated':>22s}")
for kind in kinds:
    line = f"{kind:18s}"
    for m in measures:
        both = (compared.mean(f"{m}, {name}", kind=kind) for name in ("permuted", "random"))
        line += f"{max(both):12.2f}"
    print(line + f"{compared.mean('matched, rotated', kind=kind):22.2f}")
print()
for kind in kinds[-3:]:
    live, zeros = compared.mean("live", kind=kind), compared.mean("zeros", kind=kind)
    print(f"{kind + ':':11s} {live:.0f} of 64 units live; {zeros:.0%} of their numbers are 0")

# %% [markdown]
# The same as a picture. Bars are standard deviations over the pairs. Short gray lines mark the permuted control of each measure, the gray triangle at the left of each group *matched* with $B$ rotated.

# %%
fig, ax = plt.subplots(figsize=(9, 3.2))
place = np.arange(len(kinds))
for i, (name, marker) in enumerate(zip(measures, "osD^v", strict=True)):
    height = [compared.mean(name, kind=kind) for kind in kinds]
    error = [compared.std(name, kind=kind) for kind in kinds]
    ax.errorbar(place + 0.12 * (i - 2), height, error, fmt=marker, markersize=6, label=name)
    floor = [compared.mean(f"{name}, permuted", kind=kind) for kind in kinds]
    label = "permuted" if i == 4 else None
    ax.scatter(place + 0.12 * (i - 2), floor, marker="_", color="0.6", label=label)
height = [compared.mean("matched, rotated", kind=kind) for kind in kinds]
ax.scatter(place - 0.33, height, marker=">", s=25, color="0.5", label="matched, B rotated")
ax.set_xticks(place, [kind.replace(", ", ",\n") for kind in kinds])
ax.set(ylabel="alike (1: the same)", ylim=(-0.04, 1.05))
handles, names = ax.get_legend_handles_labels()
first = sorted(range(len(names)), key=lambda i: names[i] not in measures)  # measures first
where = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
ax.legend([handles[i] for i in first], [names[i] for i in first], ncols=7, fontsize=9, **where)
plotting.show(
    fig,
    "Five measures of likeness for ten kinds of code. For the linear kinds all are near 1 but matched: "
    "about a half for linear, nearly 1 for linear and ordered. For the other kinds matched is about a half "
    "and the rest lie between 0.79 and 0.96, for the sparsest two down to 0.54. Short gray lines near 0 "
    "mark the permuted control, a gray triangle matched after a rotation: about a half, level with matched "
    "but for linear, ordered and for dense, ordered (0.40 against 0.59).",
)

# %%
for text, kind, measure, limits in (
    ("CCA of two linear codes", "linear", "CCA", (0.97, 1.0)),
    ("matched, two linear codes", "linear", "matched", (0.45, 0.65)),
    ("matched, linear and ordered", "linear, ordered", "matched", (0.85, 1.0)),
    ("CCA of two dense codes", "dense", "CCA", (0.8, 0.97)),
    ("matched, two dense codes", "dense", "matched", (0.45, 0.65)),
    ("matched, two sparse codes, 8 of 64", "sparse, 8", "matched", (0.4, 0.6)),
):
    lesson.claim(
        text,
        compared.mean(measure, kind=kind),
        between=limits,
        fails_under="no-training",
        study="12_unique",
    )

# %% [markdown]
# - **Linear codes are unique up to an invertible map**: CCA is 1.00, as lesson 4 derived. (Here even Procrustes is: the codes are nearly rotations of each other, perhaps because training began at small weights.) Number by number they agree no better than with a rotated one: 0.55 and 0.53.
# - **Ordering makes a linear code unique**, up to sign and scale of each number: *matched* is 0.97, at equal loss. With nested dropout the only optimum is PCA, number by number (Rippel and others 2014). (We trained for 150 epochs.)
# - **Non-linear codes are alike as a whole, but not the same**: CCA and Procrustes are 0.79 to 0.92 (in the two sparsest kinds down to 0.54), far above the controls (at most 0.11 and 0.01). The errors of the two trainings differ by 1 % or less on average, in the sparse kinds by up to 2 %. So both codes hold about equally much, most of it in the same form up to a linear map, and some of it not. SVCCA differs from CCA in the dense ordered kind (0.87 for 0.83) and in the sparse ones (0.85 for 0.79 with 16). There the directions in which little happens agree least.
# - **Number by number, most structures bring nothing.** For the dense, tied, orthogonal and variational kinds *matched* is 0.50 to 0.54, and with $B$ rotated 0.49 to 0.53: within 0.02 of each other for each of the four.
#     - Tied weights raise CKA (0.96 instead of 0.93) and nothing else.
#     - Orthogonal columns change nothing. If a matrix $W$ has orthogonal columns of equal length, so has $W R$ for every rotation $R$. (And the penalty looks at angles only, for lengths can be moved into the decoder.)
#     - The variational prior $N(0, I)$ looks the same from every side, so it has no say in rotations. (Rolinek and others 2019 found that the noise of a VAE can prefer axes. At our noise we don't see it.)
# - **Order helps a little, and costs**: with nested dropout *matched* is 0.59, where it is only 0.40 with $B$ rotated. The error is 14.4 instead of 13.4, after three times as many epochs. Whether still longer training would bring it closer, we don't know.
# - **Sparsity does not help either.** With 16 of 64 numbers, at the error of the dense code, *matched* is 0.50, far above random codes of equal sparsity (0.05) and 0.03 above a rotation, about as much as the pairs scatter. Was that too mild? With 16 the planted parts of lesson 9 weren't found either, while with 3 to 8 about nine tenths of them were, from every seed. But with 8 and 4 *matched* is 0.49 and 0.45, and 0.48 and 0.41 with $B$ rotated. The error rises to 17.3 and 22.4, and as a whole the codes are less alike (CCA 0.66 and 0.54). Which units live and what they stand for is decided by the seed. Perhaps digits are not made of separate parts as those data are.
#
# So the hope that structure makes codes unique holds in the linear case, where it can be proved. In networks of this size it hardly does: what a single number of a code means is decided by the seed. What the code *as a whole* knows is much the same each time. Compare codes by what can be read from them, not number by number.
#
# ## Short questions (core)
#
# Twelve questions that come up again and again. Each has an answer in two lines, a cell that shows it, and the lesson that explains it.
#
# ### 1. Sum or mean in the loss, and what does it do to the KL term?
#
# A mean over pixels is the sum divided by their number, $D$. If the KL term is summed, it then weighs $D$ times as much: $\beta = D = 784$, and the code is switched off. ([Lesson 6](06_generation.ipynb))

# %%
x, z_mean = b_test[:100], mean_code(pair(0)["VAE"][0], b_test[:100])
error = metrics.squared_error(x, np.full_like(x, 0.1))
kl = np.asarray(models.kl_to_prior(z_mean, np.zeros_like(z_mean)))
gap = np.abs(784 * (error / 784 + kl) - (error + 784 * kl)).max()
lesson.claim("784 (mean + KL) minus (sum + 784 KL)", gap, below=0.1, fails_under="math")
for beta in (1.0, 784.0):
    rate, active = (lesson.stored("06_beta").mean(m, beta=beta) for m in ("rate", "active"))
    print(f"lesson 6, beta = {beta:3.0f}: rate {rate:4.1f} nats, {active:.0f} of 16 units active")

# %% [markdown]
# ### 2. Binary cross-entropy or squared error?
#
# Cross-entropy for pixels that are 0 or 1, or probabilities; squared error for anything else. On gray pictures cross-entropy has a floor above 0: even a perfect copy pays the entropy of its gray values. (The mean picture costs the same in both rows, since the pixels of 0 and 1 were drawn with the gray values as probabilities.) ([Lesson 2](02_formulas.ipynb))


# %%
def cross_entropy(x, p):
    x, p = np.float64(x), np.clip(np.float64(p), 1e-7, 1 - 1e-7)
    return -np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1).mean()


for name, x in (("gray", x_test), ("0 and 1", b_test)):
    print(f"{name:8s} perfect copy: cross-entropy {cross_entropy(x, x):5.1f} nats", end=", ")
    print(f"squared error {metrics.squared_error(x, x).mean():.1f}", end="; ")
    print(f"the mean picture: {cross_entropy(x, x_train.mean(axis=0) + 0 * x):.1f} nats")

# %% [markdown]
# ### 3. Which activation at the output?
#
# One whose range is that of the data: a sigmoid for values from 0 to 1, none for standardized data, logits (none, the sigmoid is in the loss) with cross-entropy. A sigmoid on standardized data cannot reach most values. ([Lesson 3](03_keras_example.ipynb), [lesson 10](10_challenges.ipynb))

# %%
ink = x_train.std(axis=0) > 0.05  # pixels that vary
x = ((x_test - x_train.mean(axis=0)) / np.where(ink, x_train.std(axis=0), 1))[:, ink]
out_of_reach = np.mean((x < 0) | (x > 1))
best_sigmoid = np.mean((x - np.clip(x, 0, 1)) ** 2) / np.mean((x - x.mean(axis=0)) ** 2)
print(f"standardized values outside [0, 1]: {out_of_reach:.0%}")
print(f"error of the best possible sigmoid output, as a share of the variance: {best_sigmoid:.0%}")

# %% [markdown]
# ### 4. How large should the code be?
#
# As small as the job allows: plot held-out error against size, and judge by what comes after the code. More numbers copy better; with 50 labels, 10 numbers are better than 64. ([Lesson 4](04_dimensionality_reduction.ipynb), [lesson 8](08_representation_learning.ipynb))

# %%
sizes, few_labels = lesson.stored("04_code_size"), lesson.stored("08_labels")
for size in (2, 8, 16, 30, 64):
    cells = [sizes.mean("test", kind=kind, size=size) for kind in ("one layer", "convolutional")]
    print(
        f"{size:2d} numbers: squared error, one layer {cells[0]:4.1f}, convolutional {cells[1]:4.1f}"
    )
for size in (10, 64):
    right = few_labels.mean(f"dense {size}, SVM", labels=50)
    print(f"{size} numbers: 50 labels read {right:.0%} of the digits")

# %% [markdown]
# ### 5. Why are samples blurred?
#
# Because the decoder is judged by its mean error: if a stroke may lie at either of two places, the cheapest answer is half of it at both. (They may also be bad because the prior draws codes that no picture has: lessons 6 and 7.) ([Lesson 5](05_denoising_and_anomalies.ipynb), [deeper: hybrids](deeper/11_hybrids.ipynb))

# %%
x = x_test[7].reshape(28, 28)
places = np.stack([np.roll(x, -2, axis=1), np.roll(x, 2, axis=1)])
answers = {"left": places[0], "right": places[1], "mean of both": places.mean(axis=0)}
for name, answer in answers.items():
    print(
        f"answer '{name}': squared error, mean of both places {np.mean(np.sum((places - answer) ** 2, (1, 2))):.1f}"
    )
plotting.show(
    plotting.image_rows(
        {"answers": np.pad([*answers.values()], ((0, 0), (1, 1), (1, 1)), constant_values=0.4)},
        titles=list(answers),
        cell=1.3,
    ),
    "Three framed pictures: a digit at the left, the same digit four pixels further right, and both "
    "laid over each other in gray: a blurred double of the digit.",
)

# %% [markdown]
# ### 6. Why is my KL zero?
#
# The posterior has collapsed: $\beta$ is too large, often by a mean over pixels (question 1), or the decoder can do without the code, for instance because it sees the pixels before each pixel. Look at the rate in nats; the count of active units may still be 16 of 16 when the rate is 1.5. (Lesson 10 has pictures of 14 × 14 pixels, so its rates are smaller than those of question 1.) ([Lesson 10](10_challenges.ipynb), deeper)

# %%
collapse = lesson.stored("10_collapse")
for sees, text in (
    ("0", "a decoder that sees only the code"),
    ("hidden", "one that sees pixels before"),
):
    print(f"lesson 10, {text}")
    for beta in (0.25, 1.0, 4.0):
        rate, active = (collapse.mean(m, sees=sees, beta=beta) for m in ("rate", "active"))
        print(f"    beta {beta:4.2f}: rate {rate:4.1f} nats, {active:2.0f} of 16 units active")

# %% [markdown]
# ### 7. Why does the validation loss differ from the training loss?
#
# Three reasons, of which only the last is overfitting: the training loss is a mean over an epoch in which the weights still improved; dropout and noise layers act in training only (a weight penalty counts in both, in Keras); and the model knows the training data. Evaluate the training data after the epoch, and two of them are gone. ([Lesson 1](01_concepts.ipynb) for the mean over an epoch; [lesson 10](10_challenges.ipynb) for dropout and overfitting)

# %%
keras.utils.set_random_seed(0)
inner = [layers.Dense(128, activation="relu"), layers.Dropout(0.2), layers.Dense(784)]
model = keras.Sequential([keras.Input((784,)), *inner])
model.compile(keras.optimizers.Adam(0.002), loss=squared_error)
how = {"epochs": 12, "batch_size": 100, "progress": False, "jit": False}
some = x_train[:3000]
history = training.fit(model, some, validation_data=x_val, **how).history
after = metrics.squared_error(some, np.asarray(model(some))).mean()
reported, held_out = history["loss"][-1], history["val_loss"][-1]
text = "training loss as reported over that of the same data after the epoch"
lesson.claim(text, reported / after, between=(1.3, 4), digits=1, fails_under="no-training")
text = "validation loss over the training loss as reported"
lesson.claim(text, held_out / reported, between=(0.5, 0.9), fails_under="no-training")

# %% [markdown]
# The reported training loss is 1.4 times that of the same data after the epoch, and the validation loss is *below* the reported one. That is no sign of anything wrong: the report includes dropout and the past.
#
# ### 8. $\log \sigma$ or $\log \sigma^2$?
#
# Either, if all formulas agree: $\sigma = e^{v/2}$ and the KL of this course are for $v = \log \sigma^2$. Mix them, and the standard deviation is squared, or its root is taken. A check finds it: compare the KL formula with a mean over draws. ([Lesson 6](06_generation.ipynb))

# %%
v, rng = np.full((1, 1), -2.0), np.random.default_rng(0)
by_formula = float(models.kl_to_prior(np.ones((1, 1)), v)[0])
for name, sigma in (("exp(v / 2)", np.exp(v / 2)), ("exp(v)", np.exp(v))):
    z = 1 + sigma * rng.standard_normal((200_000, 1))
    log_q = -0.5 * (z - 1) ** 2 / np.exp(v) - v / 2
    print(
        f"sigma = {name:10s} KL by draws {np.mean(log_q + 0.5 * z**2):.2f}, formula {by_formula:.2f}"
    )

# %% [markdown]
# ### 9. Can I compare losses between papers?
#
# Only after you have found out: sum or mean, the range of pixels, nats or bits, which pictures, how binarized. The same reconstructions in eight numbers. ([Lesson 2](02_formulas.ipynb), [lesson 7](07_measuring_generation.ipynb))

# %%
pca = PCA(latent_dim, svd_solver="covariance_eigh").fit(x_train)
x_hat = pca.inverse_transform(pca.transform(x_test))
total = metrics.squared_error(x_test, x_hat).mean()
print(f"sum over pixels {total:.2f}; mean {total / 784:.4f}; root {(total / 784) ** 0.5:.3f}")
print(
    f"in gray values of 0 to 255: mean {total / 784 * 255**2:.0f}, root {255 * (total / 784) ** 0.5:.1f}"
)
print(f"PSNR of the mean error {-10 * np.log10(total / 784):.1f} dB")
constant = 784 / 2 * np.log(2 * np.pi)  # which many leave out
print(f"negative log-likelihood for sigma = 1: {total / 2:.2f} + {constant:.2f} nats")

# %% [markdown]
# ### 10. How do I save and load a VAE?
#
# As one `.keras` file, if its class is registered and knows its `get_config`; `models.VAE` does. The generator of the noise starts anew after loading, so draws differ from those of a model that went on; means don't. ([Lesson 6](06_generation.ipynb))

# %%
vae = models.VAE(*pair(0)["VAE"], seed=0)
vae(b_test[:1])  # one call builds it: only then does it know all of its weights
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "vae.keras"
    vae.save(path)
    loaded = keras.models.load_model(path)
gap = np.abs(mean_code(loaded.encoder, b_test) - mean_code(vae.encoder, b_test)).max()
lesson.claim("codes of the loaded model minus the saved one's", gap, below=1e-5, fails_under="math")

# %% [markdown]
# ### 11. Is it PCA?
#
# Without activations and with squared error, yes, up to an invertible map of the code; with activations, no: the dense code above has an error of 13.4, PCA 21.1. ([Lesson 4](04_dimensionality_reduction.ipynb))

# %%
z_pca = pca.transform(x_test)
z_linear, error = coded("linear", 0)
z_dense, dense_error = coded("dense", 0)
how = {"digits": 2, "fails_under": "no-training"}
lesson.claim("error of linear over PCA's", error / total, between=(0.99, 1.06), **how)
lesson.claim("CCA of its code and PCA's", cca(z_linear, z_pca), above=0.97, **how)
text = "error of dense over PCA's"
lesson.claim(text, dense_error / total, between=(0.3, 0.8), fails_under="no-training")

# %% [markdown]
# ### 12. When should I not use an autoencoder?
#
# When examples are few or nearly linear, when you have many labels (train on them), when a model made for the job exists. Some rivals that won in this course. ([Lesson 4](04_dimensionality_reduction.ipynb) to [lesson 8](08_representation_learning.ipynb), [lesson 10](10_challenges.ipynb), [lesson 11](11_outlook.ipynb))


# %%
def versus(text, rival, name, metric, ours, theirs, digits=2, rival_metric=None):
    study = lesson.stored(name)
    values = study.mean(metric, **ours), study.mean(rival_metric or metric, **theirs)
    cells = "".join(f"{value:11.{digits}f}" for value in values)
    print(f"{text:46s}{rival:26s}{cells}")


print(f"{'':46s}{'rival':26s}{'with code':>11s}{'rival':>11s}")
where = {"width": 128, "n": 250, "noise": 0.0}
text = "250 small pictures: squared error ↓"
versus(text, "PCA, as many numbers", "10_map", "test", where, where, 2, "PCA test")
text, name = "tumors as anomalies: AUROC ↑", "norm of the row"
versus(text, name, "05_tumours", "autoencoder, auroc", {}, {}, 2, f"{name}, auroc")
where = {"table": "tumours", "share": 0.3}
text = "missing values of a table: error ↓"
versus(text, "iterative regression", "05_missing", "autoencoder", where, where, 2, "iterative")
text = "9,000 labels: accuracy ↑"
frozen, supervised = ({"method": m, "labels": 9000} for m in ("frozen", "supervised"))
supervised["knob"] = best(9000, "supervised")[1]
versus(text, "supervised network", "12_classify", "test", frozen, supervised, 3)
methods = {"method": "autoencoder"}, {"method": "t-SNE"}
versus("a map of 2 numbers: trustworthiness ↑", "t-SNE", "04_maps", "trustworthiness", *methods)
text = "words: nats a word (for the VAE a bound) ↓"
variants = {"kind": "warm-up", "drop": 0.0}, {"kind": "language model", "drop": 0.0}
versus(text, "same network, no code", "11_words", "-ELBO", *variants, digits=1)

# %% [markdown]
# ## The map: which autoencoder for which job (core)
#
# One page to take along. The numbers are read from the studies of the lessons and of the deeper notebook on [hybrids](deeper/11_hybrids.ipynb) (PCA's error was computed in question 9). They are for held-out data, but for the fit of Gabors, which is about the weights, and t-SNE, which can only map the points that it was fitted to. ↓ less is better, ↑ more is better; ± is the standard deviation over the seeds of the study, 3 to 10. On the right is the rival to try first or to beat; `*` marks the better one where the two differ by more than both deviations together. (`pixel mixture` is lesson 7's mixture of Bernoulli distributions, fitted to the pixels themselves. `then mixture` means Gaussians fitted to the codes. Pictures are digits of 28 × 28 pixels, but for *fill in*, 8 × 8, and *edges*, patches of photographs. The copying network is that of lesson 4, with a sigmoid and more layers; hence 9.95, where the dense code above had 13.4.)


# %%
def at(study, metric, **where):
    """Mean and standard deviation over the seeds of a stored study."""
    stored = lesson.stored(study)
    each = [stored.mean(metric, **where, seed=s) for s in {p["seed"] for p in stored.points}]
    return np.mean(each), np.std(each, ddof=1)


page = [f"{'job':37s}{'method':18s}{'value':>14s}  {'rival':14s}{'value':>14s}"]
jobs = [""]


def entry(job, method, value, rival, other, digits=3):
    """A line of the page; without a job, it is that of the line before."""
    jobs.append(job or jobs[-1])
    apart = abs(value[0] - other[0]) > value[1] + other[1]
    ahead = (value[0] < other[0]) == ("↓" in jobs[-1])
    cells = [f"{mean:.{digits}f} ± {std:.{digits}f}" for mean, std in (value, other)]
    stars = ["*" if apart and wins else " " for wins in (ahead, not ahead)]
    left = f"{job:37s}{method:18s}{cells[0]:>14s}{stars[0]}"
    page.append(f"{left} {rival:14s}{cells[1]:>14s}{stars[1]}")


# %%
size = {"size": 16}
value = at("04_code_size", "test", kind="dense", **size)
entry("copy by 16 numbers: squared error ↓", "dense, lesson 4", value, "PCA", (total, 0), 2)
value = at("04_maps", "trustworthiness", method="autoencoder")
other = at("04_maps", "trustworthiness", method="t-SNE")
entry("map of 2 numbers: trustworthiness ↑", "dense, lesson 4", value, "t-SNE", other)
level = {"images": "digits", "kind": "gaussian", "level": 0.3}
value = at("05_denoising", "gaussian 0.3, psnr", **level)
other = at("05_classical", "PCA, psnr", **level)
entry("remove noise: PSNR, dB ↑", "denoising", value, "PCA", other, 1)
value, other = (at("05_digits", f"{name}, auroc") for name in ("autoencoder", "nearest neighbour"))
entry("anomalies, ten digits: AUROC ↑", "plain AE", value, "1 neighbor", other)
value, other = (
    at("05_missing", name, table="digits", share=0.3)
    for name in ("autoencoder", "nearest neighbours")
)
entry("fill in 3 of 10 pixels: rms error ↓", "denoising", value, "neighbors", other)

# %% [markdown]
# Generation and representation:

# %%
rival, joined = "pixel mixture", "VAE, then mixture"
other = at("07_samples", "Fréchet", model="Bernoulli mixture")
value = at("07_samples", "Fréchet", model="autoencoder + mixture")
entry("new digits: Fréchet distance ↓", "AE, then mixture", value, rival, other, 1)
value = at("07_samples", "Fréchet", model="VAE, beta = 1")
entry("", "VAE", value, rival, other, 1)
entry("", joined, at("07_beyond", "Fréchet", model="VAE + mixture"), rival, other, 1)
value, other = (at("07_samples", "nats", model=m) for m in ("VAE, beta = 1", "Bernoulli mixture"))
entry("likelihood: nats a picture ↓", "VAE (bound)", value, rival, other, 1)
entry("", joined, at("07_beyond", "nats", model="VAE + mixture"), rival, other, 1)
value, other = (at("08_labels", f"{name}, SVM", labels=50) for name in ("dense 10", "pixels"))
entry("50 labels: accuracy ↑", "code of 10, SVM", value, "pixels, SVM", other)
value, other = (at("08_labels", name, labels=5000) for name in ("dense, from probe", "pixels, SVM"))
entry("5,000 labels: accuracy ↑", "fine-tuned", value, "pixels, SVM", other)
value = at("08_labels", "dense 64, SVM", labels=5000)
entry("", "code of 64, SVM", value, "pixels, SVM", other)

# %% [markdown]
# The rest, and the whole page:

# %%
value, other = (at("08_clusters", "accuracy, test", method=m) for m in ("IDEC", "pixels"))
entry("ten clusters: accuracy ↑", "IDEC", value, "k-means", other)
for name, method in (("AE", "autoencoder"), ("VAE", "VAE")):
    value = at("hybrids_groups", "accuracy, test", method=method)
    entry("", f"{name}, then mixture", value, "k-means", other)
value, other = (at("09_filters", "R2", kind=kind) for kind in ("top-k 5", "ICA"))
entry("edges in patches: fit of Gabors ↑", "sparse (top-k)", value, "ICA", other)
value = at("11_words", "-ELBO", kind="warm-up", drop=0.0)
other = at("11_words", "-ELBO", kind="language model", drop=0.0)
entry("words: nats a word, VAE: a bound ↓", "VAE, warm-up", value, "no code", other, 1)
print("\n".join(line.rstrip() for line in page))

# %% [markdown]
# Three things to read from it.
#
# - **An autoencoder is good at what it is trained for**: few numbers that hold much. It copies better than PCA; trained on corrupted pictures it removes the noise it has practiced on. With three tenths of the pixels missing it is level with nearest neighbors (with fewer it is behind, with more ahead: lesson 5). And its small code makes 50 labels go further.
# - **Its best use is as a part.** Give the code to something simple that is made for the job: a mixture for new pictures or for groups, an SVM for labels. Of the autoencoders only the VAE comes with a bound in nats, and with a mixture for its codes it is the best of the page in nats. (If nats are all you want, compare with a model that has no code and sees the pixels before: on the small pictures of lesson 10 it had 39.0, where a plain VAE had 40.3.) Its code gave groups at least as good as the AE's. (Both trained for 20 epochs. The VAE's groups were still better after 40: [hybrids](deeper/11_hybrids.ipynb).)
# - **For many jobs there is a specialist that did better here**: t-SNE for maps, nearest neighbors for anomalies, ICA for edges, a network without a code for words. With many labels nothing is far ahead of the pixels themselves: a code of 64 by half a point.
#
# And what it can't tell: these are small pictures of digits, small tables and small networks. For large images, sound and text the same jobs are done with larger ones, and the order may differ (lesson 11). What carries over is the way of finding out.
#
# ## Change one thing
#
# Begin the lesson with `lesson.begin(12, strict=False)`, edit one place and run all cells again. Claims that no longer hold are reported and do not stop you; studies that depend on the change run anew, all their points, which takes up to ten minutes each.
#
# - In `two_study`, move the codes by 0.25 and by 1 standard deviations. Does the order of the two change?
# - In `of_kind`, in the line `code = ...`, put 32 in place of `latent_dim` (this changes the linear and dense kinds). Are codes more alike, or less?
# - Append `"sparse, 2"` to `kinds`: the error rises again. Does *matched* rise above *rotated*?
# - In `wide_halves`, take one hidden layer instead of two, `before=(256,), after=(256,)`. Does the gain of fine-tuning at 100 labels grow or shrink?
#
# ## Exercises

# %%
lesson12.beta_in_disguise.prompt()

# %%
answer = None  # a number
lesson12.beta_in_disguise.check(answer)

# %%
lesson12.cka.prompt()


# %%
def cka(a, b): ...  # your lines


lesson12.cka.check(cka)

# %%
lesson12.keep_first.prompt()


# %%
def keep_first(z, k): ...  # your lines


lesson12.keep_first.check(keep_first)

# %%
lesson12.advice.prompt()

# %%
answer = None  # a list of five texts
lesson12.advice.check(answer)

# %% [markdown]
# ## What you now know
#
# - AE and VAE share layers and training. One copies and leaves its codes where they fall, the other models how pictures come about, at the price of 12 nats of distortion.
# - For classification an autoencoder pays with few labels: by fine-tuning (4 points at 100), or as a small code that an SVM reads (lesson 8). With many it gains little or nothing, and reconstruction as a second loss gained hardly anything.
# - Linear codes are unique up to an invertible map, and ordered linear codes up to sign and scale. Non-linear codes agree as a whole and not number by number, and the usual structures changed that little or not at all.
# - A measure of likeness needs a case where it must be 1, a control where it must be near 0, and a reference in between.
# - Most short questions have one of three answers: look at the units of your loss; look at the range of your data; put a baseline beside the number.
#
# ## References
#
# - S. Kornblith, M. Norouzi, H. Lee, G. Hinton (2019). Similarity of neural network representations revisited. *ICML*. arXiv:1905.00414 (CKA).
# - M. Raghu, J. Gilmer, J. Yosinski, J. Sohl-Dickstein (2017). SVCCA: singular vector canonical correlation analysis for deep learning dynamics and interpretability. *NeurIPS*. arXiv:1706.05806.
# - Y. Li, J. Yosinski, J. Clune, H. Lipson, J. Hopcroft (2016). Convergent learning: do different neural networks learn the same representations? *ICLR*. arXiv:1511.07543 (matching).
# - O. Rippel, M. A. Gelbart, R. P. Adams (2014). Learning ordered representations with nested dropout. *ICML*. arXiv:1402.0915.
# - M. Rolinek, D. Zietlow, G. Martius (2019). Variational autoencoders pursue PCA directions (by accident). *CVPR*. arXiv:1812.06775.
# - H. Hotelling (1936). Relations between two sets of variates. *Biometrika* 28, 321–377 (CCA).
# - P. H. Schönemann (1966). A generalized solution of the orthogonal Procrustes problem. *Psychometrika* 31, 1–10.
# - A. Rasmus, H. Valpola, M. Honkala, M. Berglund, T. Raiko (2015). Semi-supervised learning with ladder networks. *NeurIPS*. arXiv:1507.02672 (supervised and reconstruction losses together).
#
# This was the last lesson. What is left is what you do with it: data of your own, and a baseline beside each number.
