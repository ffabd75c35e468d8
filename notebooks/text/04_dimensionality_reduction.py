# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4 · Dimensionality reduction: when PCA is enough, and when it is not
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/04_dimensionality_reduction.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/04_dimensionality_reduction.ipynb)
#
# **Reading** 65 min · **working through** 125 min · **runs in** 90 s<!-- times -->
#
# **You will be able to**
# - prove that the best linear autoencoder is PCA, and see it happen;
# - say what a non-linear code gains over PCA, and on which data it gains nothing;
# - judge a two-dimensional map by numbers instead of by its looks;
# - choose the size of a code, on images and on tables, and do the same with your own files;
# - turn codes into real bytes, and count them against JPEG and WebP (deeper).
#
# **You need** [lesson 1](01_concepts.ipynb) (autoencoder, PCA, held-out data, what a study and a claim are), [lesson 2](02_formulas.ipynb) (the loss $L$) and [lesson 3](03_keras_example.ipynb) (baselines, validation data).
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

lesson.begin(4)  # seeds, a quiet start of TensorFlow, the plot style

import io
import lzma
import struct
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.linalg import subspace_angles
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, Isomap, SpectralEmbedding, trustworthiness
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

# %% tags=["parameters"]
small_dim = 8  # code of the linear autoencoder
tolerance = 0.20  # share of the variance that may be lost
sizes = (1, 2, 4, 8, 16, 30, 64)  # codes of the others
epochs = 15
batch_size = 64
learning_rate = 0.002
seeds = range(3)

# %% [markdown]
# ## PCA is the linear autoencoder (core)
#
# In the lessons before, PCA stood beside every autoencoder as a baseline. The two are relatives: take the activation functions away from an autoencoder, and what it finds is PCA's plane. Here is the exact statement, a proof, and the experiment.
#
# **The model.** Encoder $z = W_e x + b_e$ with $W_e$ of shape $(d, D)$, decoder $\hat x = W_d z + b_d$ with $W_d$ of shape $(D, d)$. No activation functions. The code has $d < D$ numbers. The loss is that of lesson 2, $L = \frac1N \sum_i \lVert x_i - \hat x_i \rVert^2$.
#
# **The statement.** Let $\bar x$ be the mean of the data, $S = \frac1N \sum_i (x_i - \bar x)(x_i - \bar x)^\top$ their covariance matrix, and $\lambda_1 \ge \lambda_2 \ge \dots \ge \lambda_D$ its eigenvalues with orthonormal eigenvectors $v_1, \dots, v_D$. No linear autoencoder has a loss below
#
# $$\lambda_{d+1} + \lambda_{d+2} + \dots + \lambda_D,$$
#
# the *tail* of the eigenvalues. PCA reaches it (Eckart and Young 1936; Bourlard and Kamp 1988).
#
# **The proof**, in three steps.
#
# 1. *Outputs lie in a plane.* Whatever the code, $\hat x = W_d z + b_d$ lies in a plane of at most $d$ dimensions through $b_d$. (*Plane* here means a flat set of any dimension. If it has fewer than $d$, add directions; that only brings it closer to the data.) The point of the plane nearest to $x$ is its orthogonal projection, so no output is nearer than that. Let the columns of $U$, shape $(D, d)$, be an orthonormal basis of the plane's directions, and $P = I - U U^\top$, which keeps
#    of a vector the part that is orthogonal to the plane ($I$ is the identity matrix). Then $\lVert x_i - \hat x_i \rVert^2 \ge \lVert P (x_i - b_d) \rVert^2$.
# 2. *The plane should pass through the mean.* The average of $\lVert P x_i - P b_d \rVert^2$ over $i$ is smallest when $P b_d$ is the mean of the $P x_i$, which is $P \bar x$. By Pythagoras, $\lVert P y \rVert^2 = \lVert y \rVert^2 - \lVert U^\top y \rVert^2$. With $y = x_i - \bar x$, averaged over $i$, the first term gives the total variance $\operatorname{tr} S = \sum_j \lambda_j$ (the *trace* $\operatorname{tr}$ is the sum of the diagonal). The second gives $\operatorname{tr}(U^\top S\, U)$, since $\lVert U^\top y \rVert^2 = \operatorname{tr}(U^\top y y^\top U)$.
#    So $L \ge \sum_j \lambda_j - \operatorname{tr}(U^\top S\, U)$.
# 3. *The best directions.* Write $S = \sum_j \lambda_j v_j v_j^\top$. Then $\operatorname{tr}(U^\top S\, U) = \sum_j w_j \lambda_j$ with $w_j = \lVert U^\top v_j \rVert^2$. Each weight $w_j$ lies between 0 and 1, because a projection makes no vector longer, and together they make $d$: the $v_j$ are an orthonormal basis, so $\sum_j w_j$ is the sum of the squared lengths of the $d$ columns of $U$, which is 1 for each. The sum is largest when the weights go to the $d$ largest eigenvalues, 1 to each: $\operatorname{tr}(U^\top S\, U) \le \lambda_1 + \dots + \lambda_d$.
#    What remains is the tail. The bound is reached with $U = (v_1, \dots, v_d)$ and $z = U^\top (x - \bar x)$, and this is PCA. $\square$
#
# If $\lambda_d > \lambda_{d+1}$, only one plane reaches the bound: the weights must be 1 for $j \le d$ and 0 for the others. And the proof never used that the *encoder* is linear: with a linear decoder, no encoder at all beats PCA.
#
# Now the experiment. The data are scikit-learn's digits of 8 × 8 pixels, small enough to train a model nearly to perfection.

# %%
digits = data.load("digits")
x_small = digits.x_train.reshape(-1, 64)
print("x", x_small.shape, x_small.dtype, "values", x_small.min(), "to", x_small.max())
mean = x_small.mean(axis=0, dtype="float64")
S = (x_small - mean).T @ (x_small - mean) / len(x_small)
eigenvalues, vectors = np.linalg.eigh(S)  # in rising order
eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
tail = eigenvalues[small_dim:].sum()
print(f"total variance {eigenvalues.sum():.3f}, tail after {small_dim} numbers {tail:.3f}")
print(f"eigenvalues {small_dim - 1} to {small_dim + 2}:", eigenvalues[small_dim - 2 :][:4].round(3))
plotting.show(
    plotting.image_grid(digits.x_test[:20]), "Twenty coarse digits of 8 by 8 gray pixels."
)

# %% [markdown]
# The linear autoencoder knows nothing of eigenvectors. It starts from random weights and follows the gradient. How near do its loss and its plane come to PCA's?
#
# Two planes are compared by their *principal angles*: the largest is 0 if they are the same, and 90° if one contains a direction that is orthogonal to all of the other. The training is interrupted a few times to measure. (That gradient descent gets there at all is no accident: this loss has no local minima besides the best ones, Baldi and Hornik 1989.) The learning rate falls along a cosine from its first value to 0, so that the weights come to rest (`CosineDecay`; lesson 10 compares such schedules).
#
# *Predict before you run:* which comes first, a loss close to the tail, or a plane close to PCA's?

# %%
keras.utils.set_random_seed(0)
linear_encoder, linear_decoder = keras.layers.Dense(small_dim), keras.layers.Dense(64)
linear = keras.Sequential([keras.Input((64,)), linear_encoder, linear_decoder])
schedule = keras.optimizers.schedules.CosineDecay(10 * learning_rate, 10_000)
linear.compile(keras.optimizers.Adam(schedule), loss="mse")
print("x", x_small.shape, "-> x_hat", linear.predict(x_small, verbose=0).shape)

done, excess, angle = [], [], []
for more in (30, 70, 200, 700, 2000, 7000):  # 10,000 epochs; each is one batch of all rows
    training.fit(linear, x_small, epochs=more, batch_size=len(x_small), progress=False)
    W_d = linear_decoder.kernel.numpy().T.astype("float64")  # Keras stores the transpose
    L = metrics.squared_error(x_small, linear.predict(x_small, verbose=0)).mean()
    done.append(sum(done[-1:]) + more)
    excess.append(abs(L / tail - 1))
    angle.append(np.degrees(subspace_angles(vectors[:, :small_dim], W_d).max()))

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 2.8))
settings = {"xlabel": "epochs", "log": "xy"}
plotting.sweep({"loss": (done, excess)}, ylabel="L / tail − 1", ax=axes[0], **settings)
plotting.sweep({"angle": (done, angle)}, ylabel="largest angle (°)", ax=axes[1], **settings)
plotting.show(
    fig,
    "Two falling curves on logarithmic axes, against epochs. The excess of the loss over the tail "
    "is below one percent after 1000 epochs, when the largest angle between the planes is still "
    "above ten degrees. After 10,000 epochs both are close to zero.",
)
lesson.claim(
    "largest angle to PCA's plane, in degrees", angle[-1], below=0.01, fails_under="no-training"
)
lesson.claim("excess of the loss over the tail", excess[-1], below=1e-4, fails_under="no-training")

# %% [markdown]
# The loss comes first. After 1,000 epochs it is within one percent of the tail, while the plane is still far from PCA's. The reason stands in the eigenvalues: the eighth and the ninth are nearly equal, so exchanging $v_8$ for $v_9$ costs only $0.172 - 0.162 = 0.010$, less than one percent of the tail. A loss that is nearly best does not mean weights that are nearly the best ones.
#
# Is the linear autoencoder now the *same* as PCA? Look at what each unit of the code adds to the picture: a column of $W_d$, beside an eigenvector.

# %%
columns = {"PCA": vectors[:, :small_dim].T, "autoencoder": W_d.T}
rows = {
    name: (0.5 + v / (2 * np.abs(v).max(axis=1, keepdims=True))).reshape(-1, 8, 8)
    for name, v in columns.items()
}
plotting.show(
    plotting.image_rows(rows),
    "Two rows of eight pictures of 8 by 8 pixels. The eigenvectors of PCA are patterns of "
    "light and dark. The columns of the autoencoder's decoder are other such patterns; none of "
    "them equals an eigenvector.",
)

# %% [markdown]
# (Gray is 0, dark is positive, light is negative; signs carry no meaning.) The plane is the same, the axes are not. PCA's are orthogonal and sorted by variance; nothing asks the autoencoder's to be.
#
# There is no reason why they should agree. Take any invertible matrix $A$ of shape $(d, d)$. Let the encoder multiply its code by $A$, and the decoder by $A^{-1}$ before it decodes: $z' = A z$ and $\hat x = (W_d A^{-1})\, z' + b_d$. The output has not changed, so the loss has not. (A shift $z' = A z + c$ can be undone in the same way.) We try it with a random matrix, in double precision.

# %%
A = np.random.default_rng(0).standard_normal((small_dim, small_dim))
W_e, b_e = linear_encoder.kernel.numpy().T.astype("float64"), linear_encoder.bias.numpy()
b_d = linear_decoder.bias.numpy()
z = x_small @ W_e.T + b_e
x_hat = z @ W_d.T + b_d
z_mixed = z @ A.T
x_hat_mixed = z_mixed @ (W_d @ np.linalg.inv(A)).T + b_d
print("z", z.shape, "mixed by A:", z_mixed.shape)
lesson.claim(
    "mixing the code leaves every output as it was, largest difference",
    np.abs(x_hat - x_hat_mixed).max(),
    below=1e-8,
    fails_under="math",
)

# %% [markdown]
# More freedom there is not: the output is the projection of $x$ onto the one best plane, and once $W_d$ and $b_d$ are chosen, only one code gives it. So a linear code is unique up to an invertible matrix and a shift, and no further. This is the first part of an answer to a question that lesson 12 takes up again: is the code unique?
#
# ## What non-linearity buys (core)
#
# PCA is the best that a plane can do on the data it was fitted to. The set of all handwritten digits need not be flat: move a stroke by a pixel, and the picture moves along a curve in the space of pixels. A non-linear decoder can bend its surface. What does it gain, and at which size of the code?
#
# Four kinds of non-linear autoencoder stand against PCA and the mean, with codes of 1 to 64 numbers. The digits are those of MNIST, 28 × 28 pixels. The last 1,500 training pictures become the *validation* set: whatever has to be chosen is chosen on them (the widths and epochs below were), and the test set is only for scores.
#
# The two baselines come first: the mean, and PCA. PCA's directions are found once; for a code of $d$ numbers, all but the first $d$ are cut off. Errors are given as the *squared error per image*: the sum over the 784 pixels, averaged over images. It is $L$ of lesson 2, and 784 times Keras's `mse`. Hinton and Salakhutdinov used this unit in the paper of 2006 that made deep autoencoders known.

# %%
mnist = data.load("mnist")
x_train, x_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
y_test = mnist.y_test
x_fit, x_val = x_train[:-1500], x_train[-1500:]
print("to train on", x_fit.shape, " to choose by", x_val.shape, " to score", x_test.shape)


def mean_error(x_fit, x):
    """Return the squared error per example of the mean of x_fit."""
    return metrics.squared_error(x, 0 * x + x_fit.mean(axis=0)).mean()


def pca_errors(x_fit, x, sizes):
    """Return PCA's squared error per example, one for each code size."""
    pca = PCA(max(sizes), svd_solver="covariance_eigh").fit(x_fit)
    centred, U = x - pca.mean_, pca.components_.T
    return [metrics.squared_error(centred, centred @ U[:, :d] @ U[:, :d].T).mean() for d in sizes]


pca_test = dict(zip(sizes, pca_errors(x_fit, x_test, sizes), strict=True))
print(f"the mean {mean_error(x_fit, x_test):.2f}, PCA with 30 numbers {pca_test[30]:.2f}")

# %% [markdown]
# Now the networks.
# - **One layer**: a linear code, and a decoder whose only non-linearity is the sigmoid at the end. It can't bend anything; it only keeps each pixel in $(0, 1)$, as PCA does not.
# - **Dense**: two hidden layers on either side, of 512 and 128 units.
# - **Tied weights**: the decoder has no matrices of its own. Each of its layers uses the transpose of an encoder layer's matrix, as PCA does ($z = U^\top (x - \bar x)$, $\hat x = U z + \bar x$). That halves the number of weights. A layer of this kind has to be written: `Transposed`.


# %%
def one_layer(latent_dim):
    """Return a linear encoder and a decoder without hidden layers."""
    encoder = keras.Sequential([keras.Input((784,)), keras.layers.Dense(latent_dim)])
    decoder = keras.Sequential([keras.Input((latent_dim,)), keras.layers.Dense(784, "sigmoid")])
    return encoder, decoder


def dense(latent_dim, code_activation=None):
    """Return the encoder and the decoder of a dense autoencoder."""
    layer = keras.layers.Dense
    encoder = [layer(512, "relu"), layer(128, "relu"), layer(latent_dim, code_activation)]
    decoder = [layer(128, "relu"), layer(512, "relu"), layer(784, "sigmoid")]
    return (
        keras.Sequential([keras.Input((784,)), *encoder]),
        keras.Sequential([keras.Input((latent_dim,)), *decoder]),
    )


class Transposed(keras.layers.Layer):
    """A dense layer with the transposed kernel of another one, and a bias of its own."""

    def __init__(self, source, activation):
        super().__init__()
        self.source, self.activation = source, keras.activations.get(activation)

    def build(self, input_shape):
        self.bias = self.add_weight(shape=(self.source.kernel.shape[0],), initializer="zeros")

    def call(self, z):
        return self.activation(
            keras.ops.matmul(z, keras.ops.transpose(self.source.kernel)) + self.bias
        )


def tied(latent_dim):
    """Return the encoder of `dense`, and a decoder that shares its matrices."""
    encoder, _ = dense(latent_dim)
    first, second, third = encoder.layers
    layers = [Transposed(third, "relu"), Transposed(second, "relu"), Transposed(first, "sigmoid")]
    return encoder, keras.Sequential([keras.Input((latent_dim,)), *layers])


# %% [markdown]
# **Convolutional**: `Conv2D(16, 3)` slides a window of 3 × 3 pixels over the picture and computes 16 numbers at each place, with the same weights everywhere. With `strides=2` it moves two pixels at a time, and `padding="same"` lets it reach over the edge: 28 × 28 pixels become 14 × 14 places with 16 numbers each, then 7 × 7 with 32. `Conv2DTranspose` goes the other way and doubles height and width. Between the windows and the code there is one dense layer.


# %%
def convolutional(latent_dim):
    """Return a convolutional encoder and decoder; pictures enter and leave as rows of 784."""
    layers = keras.layers
    settings = {"strides": 2, "padding": "same"}
    encoder = [
        layers.Reshape((28, 28, 1)),
        layers.Conv2D(16, 3, activation="relu", **settings),
        layers.Conv2D(32, 3, activation="relu", **settings),
        layers.Flatten(),
        layers.Dense(latent_dim),
    ]
    decoder = [
        layers.Dense(7 * 7 * 32, activation="relu"),
        layers.Reshape((7, 7, 32)),
        layers.Conv2DTranspose(16, 3, activation="relu", **settings),
        layers.Conv2DTranspose(1, 3, activation="sigmoid", **settings),
        layers.Flatten(),
    ]
    return (
        keras.Sequential([keras.Input((784,)), *encoder]),
        keras.Sequential([keras.Input((latent_dim,)), *decoder]),
    )


# %% [markdown]
# All are trained alike, with a learning rate that falls along a cosine. The parameters are counted without counting shared ones twice.


# %%
def train(networks, x, seed, epochs=epochs, batch_size=batch_size, rate=learning_rate):
    """Train encoder and decoder to reconstruct x; return the two in a row."""
    autoencoder = keras.Sequential([keras.Input(x.shape[1:]), *networks])
    steps = epochs * -(-len(x) // batch_size)  # batches per epoch, rounded up
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    autoencoder.compile(keras.optimizers.Adam(schedule), loss="mse")
    training.fit(autoencoder, x, epochs=epochs, batch_size=batch_size, seed=seed, progress=False)
    return autoencoder


kinds = {"one layer": one_layer, "dense": dense, "tied": tied, "convolutional": convolutional}
for name, build in kinds.items():
    encoder, decoder = build(30)
    z = encoder.predict(x_test[:5], verbose=0)
    print(f"{name:14s}x {x_test[:5].shape} -> z {z.shape} -> x_hat {decoder(z).shape}", end="")
    unique = {id(w): w.shape for model in (encoder, decoder) for w in model.trainable_weights}
    print(f", {sum(map(np.prod, unique.values())):,} parameters")

# %% [markdown]
# There are 84 models to train, some ten minutes of work. As in lesson 1, the study trains one of them now and reads the others from its file; ± will be the standard deviation over the three seeds.
#
# *Predict before you run.* Where is the gain over PCA largest, as a ratio: at 2 numbers, at 16, or at 64? And which of the four kinds wins?


# %%
def error_at(kind, size, seed):
    """Train one autoencoder; return its squared error per image on data not trained on."""
    keras.utils.set_random_seed(seed)
    autoencoder = train(kinds[kind](size), x_fit, seed)
    return {
        part: metrics.squared_error(x, autoencoder.predict(x, verbose=0)).mean()
        for part, x in (("validation", x_val), ("test", x_test))
    }


grid = [{"kind": k, "size": n, "seed": s} for k in kinds for n in sizes for s in seeds]
curves = lesson.study(
    "04_code_size", error_at, grid, live=[{"kind": "dense", "size": 8, "seed": 0}]
)


# %%
drawn = {"PCA": (sizes, list(pca_test.values()))}
for kind in kinds:
    drawn[kind] = (sizes, [curves.values("test", kind=kind, size=d) for d in sizes])
plotting.show(
    plotting.sweep(
        drawn,
        xlabel="numbers in the code",
        ylabel="squared error per image (held out)",
        references={"the mean": mean_error(x_fit, x_test)},
        log="xy",
        xticks=sizes,
        yticks=[5, 10, 20, 50],
    ),
    "Held-out squared error per image against the size of the code, both logarithmic. All curves "
    "fall. The one-layer autoencoder lies near PCA up to 8 numbers and below it beyond. Dense and "
    "tied ones lie well below both from the start. The convolutional one begins close to PCA and "
    "is the best from 30 numbers on. At 64 numbers PCA has nearly caught up with the dense one, and "
    "the one-layer autoencoder has overtaken it.",
)

# %% [markdown]
# On a logarithmic axis a ratio is a vertical distance. Four things to see.
# - **Bending pays, most of all in the middle.** With one or two numbers nobody can say much about a digit. With 8 or 16 the dense autoencoder halves PCA's error; PCA itself needs about three times as many numbers for that. With 64 the dense one has lost nearly all of its lead: PCA's error goes on falling, its own does not.
# - **Part of the gain is only the sigmoid.** The one-layer autoencoder can't bend, and up to 8 numbers it is no better than PCA. But it never answers with a pixel outside $(0, 1)$, and with 30 numbers that alone takes a sixth off PCA's error. With 64 it even beats the dense network, without a single hidden layer. Whoever compares a deep autoencoder with plain PCA only would have praised the depth for it.
# - **The kind of network matters, and not always the same way.** The convolutional network is the worst of the deep ones at few numbers and the best from 30 on, with a ninth of the dense one's parameters. A likely reason: between its windows and the code there is only one dense layer, which can't bend much; but it need not learn anew for each pixel what neighboring pixels have to do with each other.
# - **Tied weights cost nothing** here. Half the weights, and an error that is as small or smaller.
#
# ### Beside the published numbers
#
# Hinton and Salakhutdinov compressed MNIST to 30 numbers. Their unit is ours, their test set is ten thousand images, ours two thousand of them.

# %%
print(f"{'squared error per image, 30 numbers':38s}{'here':>14s}{'in 2006':>10s}")
print(f"{'the mean':38s}{mean_error(x_fit, x_test):14.2f}")
print(f"{'PCA':38s}{pca_test[30]:14.2f}{13.87:10.2f}")
print(f"{'logistic PCA':38s}{'':14s}{8.01:10.2f}")
for kind in kinds:
    error, spread = curves.mean("test", kind=kind, size=30), curves.std("test", kind=kind, size=30)
    print(f"{'autoencoder, ' + kind:38s}{error:7.2f} ± {spread:.2f}")
print(f"{'autoencoder, 784-1000-500-250-30':38s}{'':14s}{3.00:10.2f}")
for size, better, worse in (
    (2, "dense", "convolutional"),
    (30, "convolutional", "dense"),
    (30, "dense", "one layer"),
    (64, "one layer", "dense"),
):
    ahead, behind = (curves.values("test", kind=kind, size=size) for kind in (better, worse))
    lesson.claim(
        f"{size} numbers: {better} a tenth ahead of {worse}, in standard deviations over seeds",
        metrics.paired_margin(behind, 1.1 * ahead),
        above=1,
        fails_under="no-training",
        study="04_code_size",
    )
lesson.claim("PCA, 30 numbers", pca_test[30], between=(13.6, 14.3), fails_under="shuffled-pixels")

# %% [markdown]
# PCA agrees: 13.87 on the full set, a little more with our 8,500 training images instead of 60,000. *Logistic PCA* is a linear code with a sigmoid output, trained with cross-entropy; our one-layer network is its relative, and lies between the two PCAs. The deep autoencoders do not come down to 3.00. Theirs was deeper and wider, saw seven times as many images, and was trained far longer. *Change one thing*, below, says how to go in that direction.
#
# ### Where PCA is as good
#
# Digits are kind to autoencoders. Two other kinds of data, both real. Of each, a fifth of the training rows is kept for validation.
# - **patches**: squares of 12 × 12 gray pixels, cut out of two photographs; 8,000 to train on. The test patches come from another part of the same photographs.
# - **a table**: 30 measurements of 569 tumors (*breast cancer Wisconsin*), 364 rows to train on. Its columns have different units, so each is *standardized*: minus its mean, divided by its standard deviation, both taken from the training rows.
#
# *Predict:* on which of the two does a non-linear code beat PCA?

# %%
patches, table = data.load("patches"), data.load("breast-cancer")
print("table: the first columns are", ", ".join(table.feature_names[:3]))
fit_rows, test_rows = data.standardize(table.x_train, table.x_test)
others = {
    "patches": (patches.x_train.reshape(-1, 144), patches.x_test.reshape(-1, 144)),
    "table": (fit_rows, test_rows),
}
parts = {name: (x[: -len(x) // 5], x[-len(x) // 5 :], t) for name, (x, t) in others.items()}
other_sizes = {"patches": (1, 2, 4, 8, 16, 32, 64), "table": (1, 2, 3, 5, 8, 12, 20)}
plotting.show(
    plotting.image_grid(patches.x_train[:20]),
    "Twenty gray patches of 12 by 12 pixels: smooth areas, edges, a few textures.",
)


# %%
def plain(features, latent_dim, hidden):
    """Return encoder and decoder with one hidden layer each and a linear output."""
    layer = keras.layers.Dense
    return (
        keras.Sequential([keras.Input((features,)), layer(hidden, "relu"), layer(latent_dim)]),
        keras.Sequential([keras.Input((latent_dim,)), layer(hidden, "relu"), layer(features)]),
    )


def other_error(name, size, seed):
    """Train an autoencoder on patches or on the table; return its errors."""
    keras.utils.set_random_seed(seed)
    x, x_val, x_test = parts[name]
    if name == "patches":
        autoencoder = train(plain(144, size, hidden=256), x, seed)
    else:
        networks = plain(30, size, hidden=64)
        autoencoder = train(networks, x, seed, epochs=100, batch_size=32, rate=1.5 * learning_rate)
    return {
        part: metrics.squared_error(rows, autoencoder.predict(rows, verbose=0)).mean()
        for part, rows in (("training", x), ("validation", x_val), ("test", x_test))
    }


grid = [
    {"name": name, "size": size, "seed": seed}
    for name in others
    for size in other_sizes[name]
    for seed in seeds
]
other = lesson.study(
    "04_other_data", other_error, grid, live=[{"name": "table", "size": 5, "seed": 0}]
)

# %% [markdown]
# To see three data sets in one picture, each error is divided by PCA's at the same size. At 1 the autoencoder is as good as PCA, below 1 it is better.

# %%
relative = {
    "digits, dense": (
        sizes,
        [curves.values("test", kind="dense", size=d) / pca_test[d] for d in sizes],
    )
}
for name, (x, _, x_other) in parts.items():
    of_pca = zip(other_sizes[name], pca_errors(x, x_other, other_sizes[name]), strict=True)
    ratios = [other.values("test", name=name, size=d) / error for d, error in of_pca]
    relative[name] = (other_sizes[name], ratios)
plotting.show(
    plotting.sweep(
        relative,
        xlabel="numbers in the code",
        ylabel="error / PCA's error (held out)",
        references={"as PCA": 1},
        log="xy",
        xticks=sizes,
        yticks=[0.5, 1, 2, 4],
    ),
    "The autoencoder's held-out error divided by PCA's, against the size of the code. For digits it "
    "falls to one half at 8 to 16 numbers and rises toward 1 at 64. For patches it is 1 at small "
    "codes and rises above 1. For the table it is a little below 1 up to 8 numbers and rises "
    "steeply above 1 beyond.",
)

# %% [markdown]
# - **Patches:** no gain at any size. The first numbers say how bright a patch is and how it shades from side to side, and for these a plane will do.
# - **The table:** a small gain at up to 8 numbers, then a large loss.
# - **Noise:** in lesson 3 the data had no structure at all, and PCA won.
#
# Why the losses at large codes? A network with a hidden layer of 64 units could do all that PCA does with 20 numbers. So it is not too weak. Is it overfitting? Then its error on the *training* rows would be small. The claims below look at it: even there its error is larger than PCA's. It has simply not been trained well enough: gradient descent takes long to learn a nearly perfect copy, and PCA computes it in one step.
#
# So PCA is as good or better where a plane fits the data, and where the code is so large that little error is left. And it is the first thing to try: it takes a second, has no settings, and gives the same answer each time.

# %%
for d in (2, 30):
    lesson.claim(
        f"digits, {d} numbers: error divided by PCA's",
        curves.mean("test", kind="dense", size=d) / pca_test[d],
        below=0.8,
        digits=2,
        fails_under="no-training",
        study="04_code_size",
    )
lesson.claim(
    "patches, 4 numbers: error divided by PCA's",
    np.mean(relative["patches"][1][2]),
    between=(0.95, 1.1),
    digits=2,
    fails_under="no-training",
    study="04_other_data",
)
x_rows = parts["table"][0]
lesson.claim(
    "table, 20 numbers: error on the training rows divided by PCA's",
    other.mean("training", name="table", size=20) / pca_errors(x_rows, x_rows, [20])[0],
    between=(1.5, 20),
    digits=0,
    fails_under="no-training",
    study="04_other_data",
)

# %% [markdown]
# ## Two dimensions to look at (core)
#
# A code of two numbers is a *map*: every picture becomes a point. PCA gives one, the dense autoencoder gives one, and there are methods made for nothing else. The best known is **t-SNE** (van der Maaten and Hinton 2008). It has no encoder: it moves points about on the plane until those that are neighbors among the data are neighbors on the plane.
#
# We map 1,000 held-out digits. PCA and the autoencoder were fitted to the training pictures and only *apply* their encoders. t-SNE is fitted to the thousand points themselves, as it must be; it could not place a new one.

# %%
x_map, y_map = x_test[:1000], y_test[:1000]
keras.utils.set_random_seed(0)
two = dense(2)
train(two, x_fit, seed=0)
maps = {
    "PCA": PCA(2, random_state=0).fit(x_fit).transform(x_map),
    "autoencoder": two[0].predict(x_map, verbose=0),
}
with threadpool_limits(1):  # on a busy machine its threads would wait for each other
    maps["t-SNE"] = TSNE(random_state=0).fit_transform(x_map)


def draw_map(ax, z, title):
    """Draw each point as the digit that it is."""
    for digit in range(10):
        points = z[y_map == digit]
        ax.scatter(*points.T, s=14, marker=f"${digit}$", linewidth=0.3, color=plt.cm.tab10(digit))
    ax.set(xticks=[], yticks=[], title=title)


# %%
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for ax, (name, z) in zip(axes, maps.items(), strict=True):
    draw_map(ax, z, f"{name}, {z.shape}")
plotting.show(
    fig,
    "Three maps of a thousand digits, each point drawn as its digit. PCA: one cloud, ones at one "
    "side, zeros at the other, the rest mixed. Autoencoder: rays and patches of single digits, "
    "mixed where they meet. t-SNE: separate islands, most of them of one digit.",
)

# %% [markdown]
# t-SNE looks best. But what is "best" here? The labels were not used, and islands please the eye even when they are an artifact. So we say what a map should keep, and measure it.
#
# **Trustworthiness**: are points that are close on the map close in the data? Take the $k$ nearest neighbors of each point on the map. Those that are not among its $k$ nearest in the data are intruders. With $r(i, j)$ the rank of $j$ among the neighbors of $i$ in the data (1 for the nearest), $V_i$ the intruders at $i$, and $n$ the number of points (Venna and Kaski 2001),
#
# $$T(k) = 1 - \frac{2}{n k\,(2n - 3k - 1)} \sum_i \sum_{j \in V_i} \bigl( r(i, j) - k \bigr).$$
#
# The factor makes the worst possible value 0, as long as $k < n / 2$. No intruders give 1. We take $k = 12$.
#
# **Continuity**: are points that are close in the data close on the map? The same formula with map and data exchanged: it counts those that were torn away.
#
# In code, sorting twice gives ranks: the distances 0, 5, 2 are sorted by the order 0, 2, 1, and sorting *that* gives the rank of each, 0, 2, 1.


# %%
def trust(x, z, k):
    """Return the trustworthiness of the map z of the data x."""
    rank = pairwise_distances(x).argsort(axis=1).argsort(axis=1)  # 0 is the point itself
    near = pairwise_distances(z).argsort(axis=1)[:, 1 : k + 1]
    intrusion = np.maximum(np.take_along_axis(rank, near, axis=1) - k, 0)
    n = len(x)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * intrusion.sum()


lesson.claim(
    "our formula and scikit-learn's function, difference",
    abs(trust(x_map, maps["PCA"], 12) - trustworthiness(x_map, maps["PCA"], n_neighbors=12)),
    below=1e-5,
    fails_under="math",
)

# %% [markdown]
# Two more scores complete the picture. **Label agreement**: how often the nearest neighbor on the map has the same label. **Order of distances**: take all pairs of points; does a pair that is farther apart in the data lie farther apart on the map? (Spearman's rank correlation of the two lists of distances, 1 if the order is the same.) The first three scores look at neighbors, the last at the map as a whole.
#
# Two more methods of scikit-learn join, fitted to the thousand points like t-SNE: **Isomap**, which keeps distances measured along chains of neighbors, and **spectral embedding**, which links each point to its neighbors and places linked points close together.
#
# *Predict before you run.* Who wins which score? Is there one on which PCA beats t-SNE?


# %%
def make_map(method, seed):
    """Return the map of the thousand digits, shape (1000, 2)."""
    if method == "autoencoder":
        keras.utils.set_random_seed(seed)
        networks = dense(2)
        train(networks, x_fit, seed)
        return networks[0].predict(x_map, verbose=0)
    if method == "PCA":
        return PCA(2, random_state=seed).fit(x_fit).transform(x_map)
    embedders = {
        "t-SNE": TSNE(random_state=seed),
        "Isomap": Isomap(n_neighbors=10),
        "spectral embedding": SpectralEmbedding(n_neighbors=10, random_state=seed),
    }
    with threadpool_limits(1):
        return x_map if method == "all pixels" else embedders[method].fit_transform(x_map)


# %% [markdown]
# In the table, the pixels themselves stand in the last row for comparison.


# %%
def map_scores(method, seed):
    """Return four scores of a map."""
    z = make_map(method, seed)
    nearest = NearestNeighbors(n_neighbors=1).fit(z).kneighbors(return_distance=False)[:, 0]
    distances = (pairwise_distances(a)[np.triu_indices(len(a), 1)] for a in (x_map, z))
    return {
        "trustworthiness": trust(x_map, z, 12),
        "continuity": trust(z, x_map, 12),
        "label agreement": np.mean(y_map[nearest] == y_map),
        "order": spearmanr(*distances).statistic,
    }


methods = ("PCA", "autoencoder", "t-SNE", "Isomap", "spectral embedding", "all pixels")
grid = [{"method": method, "seed": seed} for method in methods for seed in seeds]
scored = lesson.study("04_maps", map_scores, grid, live=[{"method": "Isomap", "seed": 0}])

score_names = ("trustworthiness", "continuity", "label agreement", "order")
print(f"{'':20s}" + "".join(f"{name:>18s}" for name in score_names))
for method in methods:
    cells = (
        f"{scored.mean(s, method=method):9.2f} ± {scored.std(s, method=method):.2f}"
        for s in score_names
    )
    print(f"{method:20s}" + "".join(f"{cell:>18s}" for cell in cells))

# %% [markdown]
# No map wins everything.
# - **t-SNE** keeps neighbors best, by far. On its map the nearest neighbor tells the digit nearly as often as with all 784 pixels. That is what it was built for.
# - **PCA and Isomap** keep the order of distances best, and even they only roughly. Between t-SNE's islands, distances mean less: don't read anything into which island lies beside which.
# - **The autoencoder** has fewer intruders than PCA (trustworthiness), but tears as many neighbors apart (continuity). And its order of distances is next to random. Nothing in its objective asks for distances: the decoder can read a code as well from a stretched or a bent map. What it has and t-SNE has not: an encoder for new points, and a decoder that shows what any place on the map looks like.

# %%
trusted = {method: scored.values("trustworthiness", method=method) for method in methods}
lesson.claim(
    "trustworthiness: autoencoder ahead of PCA, in standard deviations over the seeds",
    metrics.paired_margin(trusted["autoencoder"], trusted["PCA"]),
    above=1,
    fails_under="no-training",
    study="04_maps",
)
lesson.claim(
    "trustworthiness of t-SNE",
    trusted["t-SNE"].mean(),
    between=(0.92, 0.98),
    digits=2,
    fails_under="shuffled-pixels",
    study="04_maps",
)
lesson.claim(
    "label agreement of t-SNE",
    scored.mean("label agreement", method="t-SNE"),
    above=0.85,
    fails_under="shuffled-labels",
    study="04_maps",
)
order = scored.mean("order", method="autoencoder")
lesson.claim(
    "order of distances, autoencoder", order, below=0.12, fails_under="no-training", study="04_maps"
)

# %% [markdown]
# ### A code of ReLU units can die
#
# Our encoders end in a layer without an activation function. Some tutorials put ReLU there, as on every other layer. A ReLU unit returns $\max(0, a)$. If $a$ is negative for every picture, the unit always returns 0, and the gradient for its weights is 0 as well. They no longer move; only by luck could a change in the layers below bring the unit back. It is *dead*. In a hidden layer of 512 units one hardly notices. A code of two numbers has none to spare.
#
# Ten seeds, each with a ReLU code and with a linear one, trained for 5 epochs. A unit counts as alive if it is above 0 for at least one in a hundred of the test pictures.


# %%
def code_of_two(activation, seed):
    """Train a code of two numbers; return the error and how many of the two are in use."""
    keras.utils.set_random_seed(seed)
    networks = dense(2, code_activation=activation)
    autoencoder = train(networks, x_fit, seed, epochs=5)
    z = networks[0].predict(x_test, verbose=0)
    alive = np.sum(np.mean(z != 0, axis=0) > 0.01)
    x_hat = autoencoder.predict(x_test, verbose=0)
    return {"error": metrics.squared_error(x_test, x_hat).mean(), "alive": alive}


ten = range(10)
grid = [{"activation": a, "seed": seed} for a in ("relu", "linear") for seed in ten]
codes = lesson.study("04_dead_code", code_of_two, grid, live=[{"activation": "relu", "seed": 0}])
for activation in ("relu", "linear"):
    alive = codes.values("alive", activation=activation)
    print(f"{activation:7s} units alive, seed by seed:", *(int(n) for n in alive), end="")
    print(
        f"   error {codes.mean('error', activation=activation):.1f} ± {codes.std('error', activation=activation):.1f}"
    )

# %% [markdown]
# Here are the errors of the twenty runs, and the map of a run that kept both units.

# %%
alive = codes.values("alive", activation="relu")
lost = np.flatnonzero(alive < 2)
fig, axes = plt.subplots(1, 2, figsize=(7, 2.8))
for activation, marker in (("linear", "o"), ("relu", "s")):
    axes[0].plot(
        ten, codes.values("error", activation=activation), marker, label=f"{activation} code"
    )
relu_errors = codes.values("error", activation="relu")
axes[0].plot(lost, relu_errors[lost], "kx", ms=11, label="lost a unit")
axes[0].set(xlabel="seed", ylabel="squared error per image")
axes[0].margins(y=0.4)
axes[0].legend(loc="upper left", ncols=2)
keras.utils.set_random_seed(0)
networks = dense(2, code_activation="relu")
train(networks, x_fit, 0, epochs=5)
draw_map(axes[1], networks[0].predict(x_map, verbose=0), "ReLU code, seed 0")
plotting.show(
    fig,
    "Left: the errors of ten runs with a ReLU code lie above those with a linear code, and the run "
    "that lost a unit is the worst. Right: the map of one ReLU code fills a quarter of the plane, "
    "with many digits pressed into its corner.",
)

# %%
lesson.claim(
    "ReLU runs in ten that lost a unit",
    np.sum(alive < 2),
    between=(1, 5),
    fails_under="no-training",
    study="04_dead_code",
)
lesson.claim(
    "where both units live, the linear code is still better, in standard deviations",
    metrics.paired_margin(
        codes.values("error", activation="relu")[alive == 2],
        codes.values("error", activation="linear")[alive == 2],
    ),
    above=1,
    fails_under="no-training",
    study="04_dead_code",
)

# %% [markdown]
# No warning appears. One run in ten lost half of its code. And the other nine are worse than their linear twins as well: a ReLU code has only a quarter of the plane to use, and what falls outside is pressed against its edges. Leave the code linear, and if a code disappoints, look at how often each of its units is not 0.
#
# ## Choosing a code size (core)
#
# How many numbers should a code have? Three answers are in use. We try all of them on two data sets, digits and the table.
#
# **1. The elbow.** Plot the error against the size and look for the place where the curve bends. To take the eye out of it: draw the straight line from the first point to the last, and take the point farthest below it.
#
# **2. The intrinsic dimension.** If the data lie on a curved surface of $d$ dimensions, $d$ numbers should do. The surface is unknown, but its dimension shows in how distances grow. Let $r_1$ and $r_2$ be the distances from a point to its nearest and its second nearest neighbor. If points are spread evenly around it, the nearest one is equally likely anywhere in the ball of radius $r_2$. A ball of radius $r_2 / \mu$ has the share $\mu^{-d}$ of that ball's volume, so the chance that $r_2 / r_1 > \mu$ is $\mu^{-d}$. This means that
# $\log (r_2 / r_1)$ is exponentially distributed with rate $d$. Its mean is $1/d$, and
#
# $$\hat d = \Bigl( \frac1N \sum_i \log \frac{r_2(i)}{r_1(i)} \Bigr)^{-1}.$$
#
# This is the TwoNN estimate (Facco and others 2017). Before trusting it, try it where the answer is known: normal numbers of $d$ dimensions, placed in a space of 100.


# %%
def elbow(x, y):
    """Return the position of the point farthest below the line from the first point to the last."""
    x, y = np.array(x, float), np.array(y, float)
    line = y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0])
    return int(np.argmax(line - y))


def two_nn(x):
    """Return the TwoNN estimate of the intrinsic dimension."""
    r = NearestNeighbors(n_neighbors=2).fit(x).kneighbors()[0]  # without the point itself
    r = r[r[:, 0] > 0]  # a picture that occurs twice tells nothing
    return 1 / np.log(r[:, 1] / r[:, 0]).mean()


def flat_cloud(d, seed):
    """Return 5,000 points of a d-dimensional plane in a space of 100 dimensions."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5000, d)) @ rng.standard_normal((d, 100))


estimates = {d: two_nn(flat_cloud(d, seed=0)) for d in (2, 5, 10, 20, 40)}
for d, estimate in estimates.items():
    print(f"true dimension {d:2d}, estimate {estimate:5.1f}")
lesson.claim("estimate for 5 dimensions", estimates[5], between=(4.7, 5.3), fails_under="math")

# %% [markdown]
# Good for few dimensions, too low for many: with 40 dimensions, 5,000 points are too thinly spread to fill a neighborhood. So distrust a large estimate. (Noise in the data acts the other way and makes it larger.)
#
# **3. The error on validation data.** Say which error the task tolerates, and take the smallest code that keeps it. Here: at most 20 % of the variance may be lost.
#
# The losses on validation data, as shares of the variance. They fall with the size, so the number of sizes whose loss is too large tells which one is the first within the tolerance (if none is, the code below takes the largest). For the digits we take the tied autoencoder, the best on validation data around 16 numbers.

# %%
x_rows, x_rows_val, _ = parts["table"]
table_sizes = other_sizes["table"]
lost = {
    "digits": {
        "PCA": pca_errors(x_fit, x_val, sizes),
        "autoencoder": [curves.mean("validation", kind="tied", size=d) for d in sizes],
    },
    "table": {
        "PCA": pca_errors(x_rows, x_rows_val, table_sizes),
        "autoencoder": [other.mean("validation", name="table", size=d) for d in table_sizes],
    },
}
variance = {"digits": mean_error(x_fit, x_val), "table": mean_error(x_rows, x_rows_val)}
dimension = {"digits": two_nn(x_fit), "table": two_nn(x_rows)}
chosen = {}
print(f"{'':24s}{'elbow':>7s}{'elbow, log sizes':>18s}{'20 % rule':>11s}{'TwoNN':>8s}")
for name, its_sizes in (("digits", sizes), ("table", table_sizes)):
    for method, errors in lost[name].items():
        losses = lost[name][method] = np.array(errors) / variance[name]
        chosen[name, method] = d = its_sizes[min(np.sum(losses > tolerance), len(losses) - 1)]
        bends = its_sizes[elbow(its_sizes, losses)], its_sizes[elbow(np.log(its_sizes), losses)]
        print(f"{name + ', ' + method:24s}{bends[0]:7d}{bends[1]:18d}{d:11d}{dimension[name]:8.0f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.2))
for ax, (name, its_sizes) in zip(axes, (("digits", sizes), ("table", table_sizes)), strict=True):
    ax.set(ylim=(0, 95), title=name)
    ax.axvline(dimension[name], color="#009E73", linestyle=":")
    ax.text(dimension[name], 90, " TwoNN", color="#009E73", fontsize="small")
    plotting.sweep(
        {method: (its_sizes, 100 * losses) for method, losses in lost[name].items()},
        xlabel="numbers in the code",
        ylabel="variance lost (%, validation)",
        references={"20 %": 100 * tolerance},
        log="x",
        xticks=its_sizes,
        ax=ax,
    )
    ax.legend(loc="center right")
plotting.show(
    fig,
    "Share of the validation variance that is lost, against the size of the code, for digits and "
    "for the table. For digits the autoencoder crosses the line of twenty percent at a much "
    "smaller code than PCA. For the table both cross it at nearly the same size. A vertical line marks the "
    "intrinsic dimension, in both cases in the right half of the axis.",
)

# %% [markdown]
# For PCA on the digits the rules are far apart, and it is instructive how.
# - **The elbow** depends on how the axis is drawn: the same errors bend at another place when the sizes are spaced logarithmically. It finds a property of the drawing as much as of the data. Use it, if at all, as a first guess.
# - **The intrinsic dimension** is a property of the data, and tells the right order of magnitude. But it does not say how much is lost: on the table, 5 numbers already meet the tolerance. And on the digits PCA, which can't bend, needs far more than 13.
# - **The 20 % rule** answers the question that was asked. It also shows what a method is worth: for the same loss, PCA needs many more numbers on the digits than the autoencoder does. On the table they need the same, in steps of the grid.
#
# The choice was made on validation data. What does it give on the test data, which had no part in it? (For PCA we can afford to look at every size, not only at those of the grid; so the comparison is a little in its favor.)

# %%
losses = np.array(pca_errors(x_fit, x_val, range(1, 65))) / variance["digits"]
d_pca = 1 + min(np.sum(losses > tolerance), len(losses) - 1)
d_code = chosen["digits", "autoencoder"]
of_mean = mean_error(x_fit, x_test)
test_lost = {
    f"PCA, {d_pca} numbers": pca_errors(x_fit, x_test, [d_pca])[0] / of_mean,
    f"autoencoder, {d_code} numbers": curves.mean("test", kind="tied", size=d_code) / of_mean,
}
for name, value in test_lost.items():
    print(f"digits, {name}: {100 * value:.0f} % of the test variance lost")
lesson.claim(
    "numbers that PCA needs, divided by the autoencoder's",
    d_pca / d_code,
    above=2,
    digits=1,
    fails_under="no-training",
    study="04_code_size",
)
lesson.claim(
    "the autoencoder's loss on test data, share",
    test_lost[f"autoencoder, {d_code} numbers"],
    below=0.22,
    fails_under="no-training",
    study="04_code_size",
)

# %% [markdown]
# ## Use your own data (core)
#
# The same questions, for a table and for a folder of pictures of your own. To have something to read, the next cell writes one of each into a temporary folder: the tumors as `cells.csv`, and 300 digits as PNG files, one sub-folder for each label. Put the path of yours in their place.

# %%
folder = Path(tempfile.mkdtemp())
header = ",".join([*table.feature_names, "diagnosis"])
named = np.array(table.label_names)[table.y_train]
lines = [",".join([*map(str, row), label]) for row, label in zip(table.x_train, named, strict=True)]
(folder / "cells.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
for i, (picture, label) in enumerate(
    zip(mnist.x_train[:300, :, :, 0], mnist.y_train, strict=False)
):
    (folder / "pictures" / str(label)).mkdir(parents=True, exist_ok=True)
    path = folder / "pictures" / str(label) / f"{i}.png"
    Image.fromarray(np.uint8(255 * picture)).save(path)
print(header[:60], "...")
print(len(list(folder.rglob("*.png"))), "pictures")

# %% [markdown]
# `data.from_csv` reads a table, splits it, and standardizes it by its training part. `data.from_images` reads pictures, brings them to one size, and splits them. Both complain clearly about what they can't use. The rest is what you know:


# %%
def lost_by_both(x_train, x_test, latent_dim, hidden, epochs):
    """Return the shares of the held-out variance that PCA and an autoencoder lose."""
    variance = mean_error(x_train, x_test)
    (linear,) = pca_errors(x_train, x_test, [latent_dim])
    keras.utils.set_random_seed(0)
    networks = plain(x_train.shape[1], latent_dim, hidden)
    x_hat = train(networks, x_train, 0, epochs, batch_size=32).predict(x_test, verbose=0)
    return linear / variance, metrics.squared_error(x_test, x_hat).mean() / variance


own_table = data.from_csv(folder / "cells.csv", target="diagnosis")
own = lost_by_both(own_table.x_train, own_table.x_test, latent_dim=3, hidden=64, epochs=100)
own_images = data.from_images(folder / "pictures", size=(14, 14))
rows = (x.reshape(len(x), -1) for x in (own_images.x_train, own_images.x_test))
own_rows = lost_by_both(*rows, latent_dim=8, hidden=256, epochs=100)
print(own_table, own_images, sep="\n")

# %%
losses = {
    "table, 3 numbers: PCA": own[0],
    "table, 3 numbers: autoencoder": own[1],
    "pictures, 8 numbers: PCA": own_rows[0],
    "pictures, 8 numbers: autoencoder": own_rows[1],
}
plotting.show(
    plotting.bars(
        {name: 100 * value for name, value in losses.items()},
        xlabel="variance lost (%, held out)",
        highlight=[name for name in losses if "PCA" in name],
        digits=2,
    ),
    "Four bars: the share of the held-out variance lost by PCA and by the autoencoder, for the "
    "table and for the pictures. The autoencoder loses a little less on each.",
)
lesson.claim(
    "own table, the autoencoder's loss divided by PCA's",
    own[1] / own[0],
    between=(0.6, 1.3),
    fails_under="no-training",
)

# %% [markdown]
# The gain on the pictures is far from the half that a code of 8 saved above. The pictures are smaller here and the network is simpler, but above all there are 240 to train on and not 8,500. Your own data may lie anywhere in between: measure.
#
# ## Compression for real (deeper)
#
# "784 numbers became 30" is not yet compression. A number is not a unit of storage: a file has bytes. How many does a code take?
#
# 1. **Quantize.** Choose a step $\Delta$, and store the integer $q = \operatorname{round}(z / \Delta)$ instead of $z$. The decoder is given $\Delta q$. A larger step means smaller integers, and a larger error.
# 2. **Entropy-code.** Integers that occur often get short codewords, rare ones long ones. Python's standard library has `lzma`. All integers of one unit are stored in a row, because they resemble each other.
# 3. **Count everything**: the header with $\Delta$ and the shape, and, where it belongs, the decoder itself.
#
# Rate (bytes) and distortion (error) can be traded for each other: the result is a curve, one point for each step. Below are the functions. `pack` returns bytes, and `unpack` needs nothing but these bytes.


# %%
def pack(z, step):
    """Return codes, shape (n, d), as bytes: a header of 11 bytes, and the compressed integers."""
    q = np.round(z.T / step).astype(np.int16)  # unit by unit
    kind = b"b" if np.abs(q).max() < 128 else b"h"  # integers of one byte, or of two
    header = struct.pack("<fiHc", step, *z.shape, kind)
    return header + lzma.compress(q.astype(kind.decode()).tobytes(), lzma.FORMAT_ALONE, preset=9)


def unpack(packed):
    """Return the quantized codes, shape (n, d), float32."""
    step, n, d, kind = struct.unpack("<fiHc", packed[:11])
    q = np.frombuffer(lzma.decompress(packed[11:]), kind.decode())
    return np.float32(step) * q.reshape(d, n).T.astype(np.float32)


z = two[0].predict(x_test, verbose=0)
packed = pack(z, step=0.5)
print(f"{z.nbytes:,} bytes of float32, packed about {round(len(packed), -3):,}")
lesson.claim(
    "largest error of an unpacked code, in steps",
    np.abs(unpack(packed) - z).max() / 0.5,
    between=(0.4, 0.501),
    digits=1,
    fails_under="math",
)

# %% [markdown]
# The competitors, all on the same 2,000 test pictures:
# - **dense autoencoders** with codes of 8, 16 and 30 numbers, each with several steps (in units of the codes' standard deviation on the training data);
# - **PCA** with 200 numbers and one step for all of them. Directions whose numbers are smaller than half a step become rows of zeros, which cost almost nothing: so the step also decides how many directions are used.
# - **JPEG** and **WebP**, made for photographs. Each picture as a file of its own would consist mostly of header. To be fair to them, all pictures are put side by side on one large sheet, stored as one file.
#
# *Predict before you run.* Who needs the fewest bytes for a good picture? And for a poor one?


# %%
relative_steps = (2.0, 1.5, 1.0, 0.7, 0.5, 0.25)


def rate_and_distortion(size, seed):
    """Train a dense autoencoder; return bytes per image and squared error for each step."""
    keras.utils.set_random_seed(seed)
    encoder, decoder = networks = dense(size)
    train(networks, x_fit, seed)
    spread = encoder.predict(x_fit, verbose=0).std()
    z, result = encoder.predict(x_test, verbose=0), {}
    for relative in relative_steps:
        packed = pack(z, relative * spread)
        x_hat = decoder.predict(unpack(packed), verbose=0)
        result[f"bytes at {relative}"] = len(packed) / len(z)
        result[f"error at {relative}"] = metrics.squared_error(x_test, x_hat).mean()
    return result


code_sizes = (8, 16, 30)
grid = [{"size": size, "seed": seed} for size in code_sizes for seed in seeds]
rates = lesson.study("04_rate", rate_and_distortion, grid, live=[{"size": 8, "seed": 0}])

# %%
pca = PCA(200, svd_solver="covariance_eigh").fit(x_fit)
used = np.any(np.abs(pca.transform(x_test)) > 0.75, axis=0)  # not all rounded to 0 at step 1.5
points = {f"autoencoder, {d}": [] for d in code_sizes} | {"PCA": [], "JPEG": [], "WebP": []}
for d in code_sizes:
    for step in relative_steps:
        pair = (rates.mean(f"{what} at {step}", size=d) for what in ("bytes", "error"))
        points[f"autoencoder, {d}"].append(tuple(pair))
for step in (4, 3, 2, 1.5, 1, 0.75, 0.5):
    packed = pack(pca.transform(x_test), step)
    x_hat = np.clip(pca.inverse_transform(unpack(packed)), 0, 1)
    points["PCA"].append((len(packed) / len(x_test), metrics.squared_error(x_test, x_hat).mean()))
pixels = np.round(255 * x_test).astype(np.uint8).reshape(40, 50, 28, 28)
sheet = pixels.transpose(0, 2, 1, 3).reshape(40 * 28, 50 * 28)
for form, qualities in (("JPEG", (5, 10, 20, 40)), ("WebP", (0, 5, 20, 50))):
    for quality in qualities:
        file = io.BytesIO()
        Image.fromarray(sheet).save(file, form, quality=quality)
        size = file.tell()
        back = np.asarray(Image.open(file).convert("L"), float) / 255
        error = ((back - sheet / 255) ** 2).sum() / len(x_test)
        points[form].append((size / len(x_test), error))

# %% [markdown]
# All points in one picture. A curve that lies lower and further to the left is better:

# %%
fig = plotting.sweep(
    {name: tuple(zip(*pairs, strict=True)) for name, pairs in points.items()},
    xlabel="bytes per image, without the decoder",
    ylabel="squared error per image",
    log="xy",
    xticks=[2, 5, 10, 20, 50, 100],
    yticks=[0.2, 0.5, 1, 2, 5, 10, 20, 40],
)
plotting.show(
    fig,
    "Squared error per image against bytes per image, both logarithmic. Up to about 15 bytes the "
    "autoencoders lie lowest, PCA a little above them. Each autoencoder's curve flattens at its own "
    "level; PCA's goes on falling and is below them from about 20 bytes on. JPEG and WebP begin at "
    "more than 30 bytes; WebP falls steeply from there.",
)
stored_raw = len(lzma.compress(pixels.tobytes())) / len(x_test)
print(
    f"for comparison: without any loss, lzma on the pixels needs {stored_raw:.0f} bytes per image"
)

# %% [markdown]
# Every method but JPEG has its range. (JPEG works in blocks of 8 × 8 pixels, which do not fit into pictures of 28 × 28.)
# - **Few bytes, poor pictures:** the autoencoder. From 4 to 12 bytes its error is a fifth to a third below PCA's, if its size fits the budget. The gain at equal *numbers*, half of PCA's error, has shrunk: PCA's numbers are cheap to store, since most of them are nearly 0.
# - **20 to 40 bytes:** PCA. The autoencoder with 30 numbers can't use them: even with exact codes its error is 7.65, as the table above says, and a finer step can't help when the decoder makes the error. PCA simply uses more directions.
# - **Good pictures:** WebP, without having seen a single digit before.


# %%
def error_at_bytes(name, budget):
    """Return a method's error at a number of bytes, by a straight line between its points on log axes."""
    size, error = np.log(np.array(sorted(points[name]))).T
    return np.exp(np.interp(np.log(budget), size, error))


lesson.claim(
    "at 12 bytes, error of the autoencoder with 30 numbers divided by PCA's",
    error_at_bytes("autoencoder, 30", 12) / error_at_bytes("PCA", 12),
    between=(0.6, 0.95),
    fails_under="no-training",
    study="04_rate",
)
lesson.claim(
    "its error with exact codes, divided by PCA's at 30 bytes",
    curves.mean("test", kind="dense", size=30) / error_at_bytes("PCA", 30),
    between=(1.2, 2.5),
    fails_under="no-training",
    study="04_code_size",
)

# %% [markdown]
# One thing has been left out. Whoever unpacks the file needs the decoder. JPEG and WebP are on every computer already. The autoencoder's decoder and PCA's directions have to be sent along, once. We count 2 bytes for a weight (half precision), and ask for the total per image when $n$ images are sent. The operating points: the autoencoder and PCA at 10 to 11 bytes of code, the autoencoder with the smaller error; and WebP at its lowest quality, which is far better than either.
#
# *Predict before you run:* how many images must be sent before the autoencoder's decoder has paid for itself?


# %%
sent = {  # bytes of the code per image, and of the model
    "autoencoder, 30": (points["autoencoder, 30"][3][0], 2 * dense(30)[1].count_params()),
    "PCA": (points["PCA"][3][0], 2 * 784 * (used.sum() + 1)),  # the mean is sent, too
    "WebP": (points["WebP"][0][0], 0),
}
n = np.array([200, 500, 2000, 5000, 20_000, 50_000, 200_000, 1_000_000, 5_000_000])
fig = plotting.sweep(
    {name: (n / 1000, per_image + model / n) for name, (per_image, model) in sent.items()},
    xlabel="thousands of images sent",
    ylabel="bytes per image, all included",
    log="xy",
)
plotting.show(
    fig,
    "Total bytes per image against the number of images sent. WebP is a level line. The two others "
    "fall from thousands of bytes, cross WebP's line at some ten thousand images, PCA first, and "
    "come to rest below it, near each other.",
)
code, model = sent["autoencoder, 30"]
lesson.claim(
    "images until the decoder is paid for",
    model / (sent["WebP"][0] - code),
    between=(20_000, 80_000),
    fails_under="shuffled-pixels",
    study="04_rate",
)

# %% [markdown]
# For the 2,000 images at hand, sending the decoder is a waste: WebP needs less than a tenth of the bytes and gives better pictures. From some 40,000 images on the autoencoder needs fewer bytes than WebP, for pictures that are poorer. PCA's directions take a fifth of the decoder's bytes, so against PCA the autoencoder pays only after about a million images. (We counted half precision; we did not test what it does to the error.) Learned compression pays where one decoder serves many pictures of one kind, and there it is a serious field: modern systems train the quantization and the entropy model together with the networks (Ballé and others 2017), which ours did not.
#
# ## Change one thing
#
# Begin the lesson with `lesson.begin(4, strict=False)`, edit the parameters at the top and run all cells again. Claims that no longer hold are reported and do not stop you; studies run anew with your parameters, which takes a while.
# - `small_dim = 4`: the fourth eigenvalue is much larger than the fifth. Expect the angle to fall far earlier.
# - `epochs = 60`: expect smaller errors at 16 numbers and more, and hardly a change at 2. How near do you come to 3.00?
# - `data.load("mnist-full")` in the second section (it is downloaded once): seven times as many images. Expect PCA to stay where it is, and the autoencoders to gain.
# - In `map_scores`, replace both 12s by 100: which method gains?

# %% [markdown]
# ## Exercises

# %%
from aetutorial.exercises import lesson04

lesson04.tail.prompt()

# %%
answer = None  # your number
lesson04.tail.check(answer)

# %%
lesson04.largest_angle.prompt()


# %%
def largest_angle(a, b): ...  # your lines


lesson04.largest_angle.check(largest_angle)

# %%
lesson04.next_neighbors.prompt()


# %%
def next_neighbors(x): ...  # your lines


lesson04.next_neighbors.check(next_neighbors)

# %%
lesson04.which_map.prompt()

# %%
answer = None  # a list of three of the names in the task
lesson04.which_map.check(answer)

# %%
lesson04.break_even.prompt()


# %%
def break_even(per_image, model, per_image_other, model_other): ...  # your lines


lesson04.break_even.check(break_even)

# %% [markdown]
# ## What you now know
#
# - The best linear autoencoder finds PCA's plane: same loss, other axes. Its code is unique only up to an invertible matrix and a shift.
# - What a non-linear code gains depends on the data and on the size: half of PCA's error on digits at 8 to 16 numbers, nothing on patches of photographs. Where little error is left, PCA is hard to beat.
# - A map is judged by what it should keep. t-SNE keeps neighbors best, PCA the order of distances. The autoencoder's distances mean little, but it can place new points and decode any place.
# - ReLU units in a code can die without a warning.
# - The elbow depends on the drawing, the intrinsic dimension says at best "about so many"; a tolerated error on validation data decides.
# - Compression is counted in bytes, decoder included.
#
# **In practice**, fit PCA first and plot its error against the size. If a few numbers do, stop there. If the curve falls slowly and you have thousands of examples, train an autoencoder with a linear code and compare at the size you can afford.
#
# ## References
#
# - C. Eckart, G. Young (1936). The approximation of one matrix by another of lower rank. *Psychometrika* 1, 211–218.
# - H. Bourlard, Y. Kamp (1988). Auto-association by multilayer perceptrons and singular value decomposition. *Biological Cybernetics* 59, 291–294.
# - P. Baldi, K. Hornik (1989). Neural networks and principal component analysis: learning from examples without local minima. *Neural Networks* 2, 53–58.
# - G. E. Hinton, R. R. Salakhutdinov (2006). Reducing the dimensionality of data with neural networks. *Science* 313, 504–507.
# - L. van der Maaten, G. Hinton (2008). Visualizing data using t-SNE. *Journal of Machine Learning Research* 9, 2579–2605.
# - J. Venna, S. Kaski (2001). Neighborhood preservation in nonlinear projection methods: an experimental study. *ICANN*, 485–491.
# - J. B. Tenenbaum, V. de Silva, J. C. Langford (2000). A global geometric framework for nonlinear dimensionality reduction. *Science* 290, 2319–2323 (Isomap).
# - M. Belkin, P. Niyogi (2003). Laplacian eigenmaps for dimensionality reduction and data representation. *Neural Computation* 15, 1373–1396 (spectral embedding).
# - E. Facco, M. d'Errico, A. Rodriguez, A. Laio (2017). Estimating the intrinsic dimension of datasets by a minimal neighborhood information. *Scientific Reports* 7, 12140.
# - J. Ballé, V. Laparra, E. P. Simoncelli (2017). End-to-end optimized image compression. *ICLR*. arXiv:1611.01704.
#
# Next: [lesson 5, denoising and anomalies](05_denoising_and_anomalies.ipynb), where the input and the target are no longer the same.
