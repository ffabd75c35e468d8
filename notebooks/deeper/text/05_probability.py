# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5, deeper · Probability: what you need for lessons 5 to 7
#
# **Reading** 30 min · **working through** 35 min · **runs in** 20 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/deeper/05_probability.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/deeper/05_probability.ipynb)
#
# In a moment you will see threes that nobody wrote. They come from four lines of NumPy: no network and no training, only a mean, a covariance and random numbers.
#
# This page explains those four lines and seven ideas: density, expectation, covariance, the Gaussian, likelihood, Bayes' rule and KL divergence. Lessons [5](../05_denoising_and_anomalies.ipynb), [6](../06_generation.ipynb) and [7](../07_measuring_generation.ipynb) use them all the time. Each gets one picture, one formula, and a few lines of code. If you know one already, look at its picture and move on.
#
# **You need** integrals, vectors and matrices, and [lesson 1](../01_concepts.ipynb).

# %%
from aetutorial import data, lesson, plotting, tables

lesson.begin("Deeper: probability", notebook="deeper/05_probability")

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

mnist = data.load("mnist")
x_train, x_test = (x.reshape(-1, 784).astype(float) for x in (mnist.x_train, mnist.x_test))
threes, sevens = x_train[mnist.y_train == 3], x_train[mnist.y_train == 7]
new_threes, new_sevens = x_test[mnist.y_test == 3], x_test[mnist.y_test == 7]  # held out
rng = np.random.default_rng(0)

# %% tags=["parameters"]
sigma = 0.5  # standard deviation of the noise that we add to images further down

# %%
m = threes.mean(axis=0)  # the mean three
C = np.cov(threes.T) + 1e-6 * np.eye(784)  # how its pixels vary together; no variance may be 0
L = np.linalg.cholesky(C)  # a root of the matrix: L @ L.T is C
drawn = m + rng.standard_normal((12, 784)) @ L.T

# %% tags=["hide-input"]
THREE, SEVEN = plotting.CLASSES[3], plotting.CLASSES[7]


def as_images(x):
    return np.clip(x, 0, 1).reshape(-1, 28, 28)


lesson.record(lowest=drawn.min(), highest=drawn.max(), within=0.02)
plotting.show(
    plotting.image_rows(
        {"written by people": as_images(threes[:12]), "drawn by formula": as_images(drawn)}
    ),
    "Twelve handwritten threes, and below them twelve threes drawn by the formula: smudged and "
    "grainy, but most can be read as a three.",
    caption="Nobody wrote the second row. All it knows of threes is their mean and covariance.",
)

# %% [markdown]
# Smudged, but threes. (Their pixels run from about -0.9<!-- lowest --> to 1.8<!-- highest -->; every picture here is clipped to [0, 1].) Let us take the formula apart.
#
# ## Density: areas are probabilities
#
# Start with one number per image: how far does the ink of the lower 12 rows spread sideways, in pixels? We call it the *foot*. A three has a round belly there, a seven only a thin stem.

# %%
column = np.arange(28)


def spread(x, rows):
    """How far the ink of some rows spreads from its middle column, in pixels; shape (n,)."""
    ink = x.reshape(-1, 28, 28)[:, rows].sum(axis=1)  # the ink of each column
    share = ink / ink.sum(axis=1, keepdims=True)
    middle = share @ column
    return np.sqrt(share @ column**2 - middle**2)


foot = spread(threes, slice(16, 28))

# %% [markdown]
# No two threes have exactly the same foot, so "how probable is a foot of exactly 3.5?" has a useless answer: zero. Ask for a range. In a histogram whose bars have a total area of 1, the area over a range is the share of threes in it. With more and more threes and thinner and thinner bars, their tops become a smooth curve, the **density** $p(s)$:
#
# $$P(a < s < b) = \int_a^b p(s)\, ds.$$
#
# Here we choose a bell, $p(s) = e^{-(s - \mu)^2 / 2 w^2} / (w \sqrt{2 \pi})$ with mean $\mu$ and width $w$, because the histogram looks like one. To test the choice, we compare an area under it with a count.

# %%
p_three = norm(foot.mean(), foot.std())  # a bell curve with the mean and the width of the data
area = p_three.cdf(4) - p_three.cdf(3)  # the integral of its density from 3 to 4
counted = np.mean((foot > 3) & (foot < 4))  # the share of threes that lie there

# %% tags=["hide-input"]
lesson.record(area=area, counted=counted)
fig, axes = plt.subplots(1, 2, figsize=(8, 3))
for ax, scale, unit in zip(axes, (1, 1 / 28), ("pixels", "image widths"), strict=True):
    ax.hist(scale * foot, bins=30, density=True, color="0.85")
    s = np.linspace(0.5, 7.5, 300)
    ax.plot(scale * s, p_three.pdf(s) / scale, color=THREE, linestyle="-")
    inside = s[(s >= 3) & (s <= 4)]
    ax.fill_between(scale * inside, p_three.pdf(inside) / scale, color=THREE, alpha=0.35)
    ax.set(xlabel=f"foot of a three ({unit})", ylabel="density", ylim=(0, 0.5 / scale))
axes[0].annotate("area = probability", (3.5, 0.2), (4.9, 0.44), arrowprops={"arrowstyle": "->"})
axes[1].set_title("the same, in another unit")
plotting.show(
    fig,
    "Two histograms of the same feet with the same bell curve and the same shaded part. On the "
    "left, in pixels, the curve stays below a half. On the right, in image widths, it goes above ten.",
    caption="Gray: 1,022 threes. Curve: the bell. Shaded: feet between 3 and 4 pixels. "
    "On the right the numbers at the side are 28 times as large; the area is the same.",
)

# %% [markdown]
# The area is 0.37<!-- area -->, and counting gives 0.37<!-- counted -->: the bell fits well here. On the right, the density is above 10. Is that a mistake? No: a height is probability *per unit*, and the unit changed. **Areas are probabilities; heights are not.** A height may exceed 1, so its logarithm may be positive.
#
# ## Expectation: the average of many draws
#
# The **expectation** $\mathbb{E}[f(s)]$ is what the average of $f(s)$ approaches when you take more and more **draws**: independent random values $s_1, s_2, \dots$ with density $p$.
#
# $$\mathbb{E}[f(s)] = \int f(s)\, p(s)\, ds \;\approx\; \frac1n \sum_{i=1}^{n} f(s_i).$$
#
# The integral is the exact value; the sum on the right is an approximation that you can compute. In hundreds of dimensions there is hardly an integral that you can do, unless all is Gaussian. But if you can draw, you can average.

# %%
s = np.linspace(-3, 11, 10_001)
by_integral = np.sum(s**2 * p_three.pdf(s)) * (s[1] - s[0])
by_drawing = np.mean(p_three.rvs(100_000, random_state=0) ** 2)

# %% tags=["hide-input"]
lesson.record(by_integral=by_integral, by_drawing=by_drawing, squared_mean=foot.mean() ** 2)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.1), width_ratios=(1.25, 1))
n = np.arange(1, 2001)
draws = p_three.rvs((6, len(n)), random_state=1)
left.plot(n, (draws.cumsum(axis=1) / n).T, color=THREE, linewidth=0.9, linestyle="-", alpha=0.7)
for side in (-1, 1):
    left.plot(n, foot.mean() + side * foot.std() / np.sqrt(n), color="0.2", linestyle="--")
left.text(5, foot.mean() + 1.3, r"mean $\pm\;w / \sqrt{n}$", va="center")
left.set(xscale="log", xlabel="number of draws n", ylabel="average so far", ylim=(0.8, 6.0))
left.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
two = np.array([1.0, 6.0])
curve = np.linspace(0.6, 7, 200)
right.plot(curve, np.log(curve), color="0.3", linestyle="-")
right.plot(two, np.log(two), "o-", color=THREE)
right.plot([3.5, 3.5], [np.log(two).mean(), np.log(3.5)], "o", color="0.1", linestyle=":")
right.annotate("log of the mean", (3.5, np.log(3.5)), (3.3, 1.55), ha="right")
right.annotate("mean of the logs", (3.5, np.log(two).mean()), (3.8, 0.6))
right.set(xlabel="foot s", ylabel="log s", ylim=(-0.6, 2.1))
plotting.show(
    fig,
    "Left, six running averages that start far apart and close in on one value, mostly inside a "
    "funnel. "
    "Right, the curve of the logarithm and a straight line between two of its points; the line's "
    "middle lies below the curve.",
    caption="Left: six averages find the same mean. w is the bell's width; at each n about two thirds "
    "of all such lines lie in the funnel. Right: the average of two values of a curve that bends down lies below the curve.",
)

# %% [markdown]
# For $f(s) = s^2$ the integral gives 16.06<!-- by_integral --> and the draws give 16.07<!-- by_drawing -->. **The typical error of an average shrinks like $1/\sqrt n$**: four times the draws for half the error. It is $\sqrt{\operatorname{Var}[f]/n}$, if the draws are independent and this variance is finite. In any dimension the error falls at this rate; only its size may differ.
#
# May you swap average and function? The mean of the squares is 16.06<!-- by_integral -->, the square of the mean only 15.13<!-- squared_mean -->. The difference is the **variance**, $\operatorname{Var}[s] = \mathbb{E}[s^2] - \mathbb{E}[s]^2$; its root is the standard deviation, the $w$ of the picture. For a function that bends down, such as the logarithm, the order is reversed, as the right-hand picture shows: $\mathbb{E}[\log s] \le \log \mathbb{E}[s]$. This is **Jensen's inequality**. Lesson 6 owes its central bound to it.
#
# ## Covariance: which numbers move together
#
# Now two numbers per image: the foot, and in the same way the *head*, from the upper 14 rows. For each image, multiply (head − mean head) by (foot − mean foot), with signs. Average this over the images. That is their **covariance**, positive if a wide head tends to come with a wide foot. For many numbers at once it is a matrix, with the variances on its diagonal:
#
# $$C = \mathbb{E}\bigl[(x - m)(x - m)^\top\bigr], \qquad \operatorname{Var}[u^\top x] = u^\top C\, u.$$

# %%
x = np.stack([spread(threes, slice(0, 14)), foot], axis=1)  # head and foot, shape (n, 2)
centered = x - x.mean(axis=0)
C_2 = centered.T @ centered / len(x)
u = np.array([1.0, 1.0])
of_sum = u @ C_2 @ u  # the variance of head + foot

# %% [markdown]
# For whole images the matrix is 784 × 784, and each row is a picture: how the ink at *one* pixel goes with the ink at every other.

# %% tags=["hide-input"]
lesson.record(of_sum=of_sum, without=C_2.trace())
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.5), width_ratios=(1.1, 1))
left.plot(*x.T, ".", color=THREE, markersize=3, alpha=0.5, linestyle="none")
angle = np.linspace(0, 2 * np.pi, 100)
circle = np.stack([np.cos(angle), np.sin(angle)])
for radius in (1, 2):
    ring = x.mean(axis=0)[:, None] + radius * np.linalg.cholesky(C_2) @ circle
    left.plot(*ring, color="0.1", linestyle="-", linewidth=1.3)
left.set(xlabel="head (pixels)", ylabel="foot (pixels)", title="two numbers", aspect="equal")
at = (20, 18)  # a pixel of the belly's lower right
row = C[28 * at[0] + at[1]].reshape(28, 28)
most = np.abs(row).max()
shown = right.imshow(row, cmap="RdBu_r", vmin=-0.6 * most, vmax=0.6 * most)
right.contour(m.reshape(28, 28), levels=[0.35], colors="0.2", linewidths=1)
right.plot(
    at[1], at[0], "s", color="#FFD700", markerfacecolor="none", markersize=9, markeredgewidth=2
)
right.set(xticks=[], yticks=[], title="784 numbers: one row of C")
right.grid(visible=False)
right.spines[:].set_visible(False)
bar = fig.colorbar(shown, ax=right, ticks=[], shrink=0.8)
bar.outline.set_visible(False)
bar.ax.text(0.5, 1.03, "together", ha="center", va="bottom", transform=bar.ax.transAxes, fontsize=9)
bar.ax.text(0.5, -0.03, "opposed", ha="center", va="top", transform=bar.ax.transAxes, fontsize=9)
plotting.show(
    fig,
    "Left, a cloud of points, head against foot, that rises to the right, with two ellipses around "
    "its middle. Right, a map of the image around the outline of a three: red next to the marked "
    "pixel and along one course of the stroke, blue where the stroke would run otherwise.",
    caption="Left: each point is a three; the ellipses are C, at one and two standard deviations. "
    "They hold 39 % and 86 % of a Gaussian: less than the bell's 68 % and 95 %, as a point can stray in two directions. Right: with more ink than usual at the yellow square, "
    "expect more than usual where it is red, and less where it is blue.",
)

# %% [markdown]
# The right-hand picture shows strokes, although nobody told it about them. **From the one matrix you get the variance of every weighted sum of the pixels**: that is the second formula. For head + foot the weights are $u = (1, 1)$, and the variance is 2.05<!-- of_sum -->; adding up the two variances gives only 1.45<!-- without -->. PCA looks for the directions $u$ of length 1, each orthogonal to those before it, where $u^\top C u$ is largest.
#
# <details><summary>Try it: is a covariance of zero the same as "independent"?</summary>
#
# No. Take `a = rng.standard_normal(100_000)` and `b = a**2`. Then `b` is completely determined by `a`, and yet `np.cov(a, b)` has nearly 0 off its diagonal: covariance sees only what moves together *in a straight line*. **Independent** means more: knowing one number doesn't change the density of the other, so that $p(a, b) = p(a)\, p(b)$.
# </details>
#
# ## The Gaussian: a mean, a covariance, and nothing else
#
# The **Gaussian** or **normal distribution** $N(m, C)$, with mean $m$ and covariance $C$, is the bell curve in any number of dimensions. You draw from it in two steps. Take **standard normal** noise $\varepsilon \sim N(0, I)$: independent, bell-shaped numbers of mean 0 and variance 1. (Read "$\sim$" as "is drawn from".) Then stretch and shift:
#
# $$x = m + L\,\varepsilon, \qquad L L^\top = C.$$
#
# A linear map keeps a Gaussian a Gaussian. Why does this one have the right covariance? $x - m = L\varepsilon$, so its covariance is $\mathbb{E}[(L\varepsilon)(L\varepsilon)^\top]$. $L$ is fixed and comes out, and $\mathbb{E}[\varepsilon\varepsilon^\top] = I$: what is left is $L L^\top = C$. NumPy finds such a root $L$ by the method of **Cholesky**. In one dimension the line reads $z = \mu + w\,\varepsilon$, with $w$ for the standard deviation. You will meet it in lesson 6.
#
# What if we leave the covariance out, and keep only each pixel's own variance?

# %%
epsilon = rng.standard_normal((12, 784))
only_variances = m + epsilon * np.sqrt(C.diagonal())
with_covariance = m + epsilon @ L.T

# %% tags=["hide-input"]
plotting.show(
    plotting.image_rows(
        {
            "ε": as_images(0.5 + 0.2 * epsilon),
            "m + each pixel's own std × ε": as_images(only_variances),
            "m + L ε": as_images(with_covariance),
        }
    ),
    "Three rows made of the same noise. Above, plain noise. In the middle, the same gray three "
    "twelve times under grain. Below, twelve threes with strokes, each another one.",
    caption="The same noise three times. With the covariance, pixels agree on where the stroke runs.",
)
length = np.linalg.norm(rng.standard_normal((10_000, 16)), axis=1)
lesson.record(inside=100 * np.mean((length > 3) & (length < 5)))

# %% [markdown]
# In the middle row every pixel has the right mean and variance, and the result is dust. **The covariance turns dust into strokes.** Why are they smudged? A Gaussian is a single hill, and one hill can't hold several ways to write a three. Lesson 6 does better, with a decoder.
#
# The density of a Gaussian is one formula. Its core is a squared distance, measured in units of the standard deviation in each direction:
#
# $$\log p(x) = -\tfrac12 (x - m)^\top C^{-1} (x - m) - \tfrac12 \log \det (2\pi C).$$


# %%
def log_density(x, m, C):
    """The log density of N(m, C), one value per row of x."""
    r = x - m
    squared_distance = np.sum(r * np.linalg.solve(C, r.T).T, axis=1)
    return -0.5 * squared_distance - 0.5 * np.linalg.slogdet(2 * np.pi * C)[1]


# %% [markdown]
# <details><summary>Try it: how far from the origin is a draw from N(0, I) in 16 dimensions?</summary>
#
# The density is largest at the origin, so you may expect draws near it. But $\mathbb{E}\lVert\varepsilon\rVert^2$ is the sum of 16 variances of 1, so the length is about $\sqrt{16} = 4$. Of 10,000 draws, 84 %<!-- inside --> have a length between 3 and 5. There is so much more room out there that it makes up for the lower density: probability is density times volume. Lesson 6 draws codes in 16 dimensions, and walks between them with this in mind.
# </details>
#
# ## Likelihood: turn the density around
#
# So far we knew the distribution and asked about data. Usually it is the other way round. Then the same formula, with the data fixed, is called the **likelihood**. For independent examples the densities multiply, and the product of a thousand is too small for a computer: `np.prod(p_three.pdf(foot))` returns `0.0`. So we add logarithms (the bar reads "given"):
#
# $$\log p(s_1, \dots, s_n \mid \mu) = \sum_{i=1}^{n} \log p(s_i \mid \mu).$$

# %%
mu = np.linspace(3.4, 4.4, 101)  # bells to choose from, all of the same width
log_likelihood = np.array([norm(mean, foot.std()).logpdf(foot).sum() for mean in mu])

# %% [markdown]
# The unit of these logarithms is the **nat**. One nat more means $e$ times the density. Now whole images: how high is the threes' Gaussian at a *new* three, and how high at a seven?

# %%
C_soft = C + 0.01 * np.eye(
    784
)  # some pixels never vary: add noise of standard deviation 0.1 to each
of_threes = log_density(new_threes, m, C_soft)
of_sevens = log_density(new_sevens, m, C_soft)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.1))
left.plot(mu, log_likelihood, color=THREE, linestyle="-")
left.axvline(foot.mean(), color="0.3", linestyle=":")
left.annotate("the mean\nof the data", (foot.mean(), -1520), (3.92, -1545), color="0.2")
left.set(xlabel=r"assumed mean $\mu$", ylabel="log-likelihood (nats)", title="which bell?")
bins = np.linspace(min(of_sevens.min(), of_threes.min()), max(of_threes.max(), 900), 45)
right.hist(of_threes, bins, color=THREE, alpha=0.75)
right.hist(of_sevens, bins, color=SEVEN, alpha=0.75)
right.text(np.median(of_threes) + 50, 33, "threes", color=THREE)
right.text(np.median(of_sevens) - 60, 22, "sevens", color="#6b6b1f", ha="right")
right.set(xlabel="log density under the Gaussian of threes (nats)", ylabel="images")
right.set_title("which image?")
plotting.show(
    fig,
    "Left, a curve of the log-likelihood with one peak, at the mean of the data. Right, two "
    "histograms: new threes lie far to the right, sevens spread far to the left, and they overlap.",
    caption="Left: the data are fixed, the bell moves. Right: the Gaussian is fixed, the images "
    "are held out.",
)
caught = []  # the threshold comes from one random half of the new threes, the false alarms from the other
for seed in range(200):
    one_half, other_half = np.split(np.random.default_rng(seed).permutation(of_threes), 2)
    threshold = np.quantile(one_half, 0.05)
    caught.append([np.mean(of_sevens < threshold), np.mean(other_half < threshold)])
beyond, alarms = np.mean(caught, axis=0)
lower = C + 0.003 * np.eye(784)
gap_lower = np.median(log_density(new_threes, m, lower)) - np.median(
    log_density(new_sevens, m, lower)
)
lesson.record(
    threes=np.median(of_threes),
    sevens=np.median(of_sevens),
    gap_lower=gap_lower,
    beyond=beyond,
    alarms=alarms,
    train_alarms=100 * np.mean(of_threes < np.quantile(log_density(threes, m, C_soft), 0.05)),
    within=0.01,
)

# %% [markdown]
# On the left, the best bell sits on the mean of the data. With a fixed width $w$, $\log p(s \mid \mu)$ is $-(s - \mu)^2 / 2w^2$ plus a constant. **Making a Gaussian likelihood large is making a squared error small.** So if you train an autoencoder with `mse`, you maximize a likelihood: that of a Gaussian with one fixed width for every pixel. For pixels that are 0 or 1, minus the log-likelihood is the cross-entropy of [lesson 2](../02_formulas.ipynb).
#
# On the right, the median seven lies 168<!-- threes - sevens --> nats below the median three. A low density can raise an alarm: not a three. Lesson 5 builds alarms, mostly from errors and distances.
#
# <details><summary>The fine print: how good an alarm is this?</summary>
#
# Set the threshold so that about 5 % of one random half of the new threes fall below it. On the other half you then get about 6 %<!-- 100 * alarms --> false alarms, and you catch roughly 80 %<!-- 100 * round(beyond, 1) --> of the sevens. Set the threshold on the training threes instead, which made the Gaussian, and 17 %<!-- train_alarms --> of the new threes ring. And don't lean on the 168<!-- threes - sevens --> nats: with 0.003 in the code instead of 0.01, the gap doubles<!-- 1.8 < gap_lower / (threes - sevens) < 2.3 -->.
# </details>
#
# ## Bayes: from the measurement back to the cause
#
# Somebody measures a foot of 3 pixels. A three or a seven? We know the density of feet *given* the digit, $p(s \mid 3)$ and $p(s \mid 7)$. **Bayes' rule** turns that around. It also needs the **prior**, how common each digit is before you measure:
#
# $$\underbrace{P(3 \mid s)}_{\text{posterior}} = \frac{p(s \mid 3)\, P(3)}{p(s)}, \qquad p(s) = p(s \mid 3)\, P(3) + p(s \mid 7)\, P(7).$$

# %%
foot_of_seven = spread(sevens, slice(16, 28))
p_seven = norm(foot_of_seven.mean(), foot_of_seven.std())


def posterior(s, prior):
    """The probability that a digit with this foot is a three."""
    three, seven = prior * p_three.pdf(s), (1 - prior) * p_seven.pdf(s)
    return three / (three + seven)


# %% [markdown]
# **Predict first.** Suppose we see only threes and sevens, equally often. Then a foot of 3 is nearly a coin toss. Now one in ten is a three and nine in ten are sevens. How probable is a three then?

# %% tags=["hide-input", "hide-output"]
new_foot = spread(np.concatenate([new_threes, new_sevens]), slice(16, 28))
is_three = np.arange(len(new_foot)) < len(new_threes)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.2))
s = np.linspace(0, 7, 300)
for p, its_color, name, x_name in (
    (p_seven, SEVEN, "sevens", -0.2),
    (p_three, THREE, "threes", 5.2),
):
    left.fill_between(s, 0.5 * p.pdf(s), color=its_color, alpha=0.4)
    left.text(x_name, 0.215, name, color="#6b6b1f" if name == "sevens" else THREE)
left.axvline(3, color="0.2", linestyle=":")
left.set(xlabel="foot s (pixels)", ylabel="prior × density", ylim=(0, 0.3))
right.plot(s, posterior(s, 0.5), color="0.1", linestyle="-")
right.plot(s, posterior(s, 0.1), color="0.1", linestyle="--")
edges = np.arange(0.5, 6, 0.5)
for low in edges:
    here = (new_foot >= low) & (new_foot < low + 0.5)
    if here.sum() >= 10:
        share = is_three[here].mean()
        error = np.sqrt(share * (1 - share) / here.sum())
        right.errorbar(new_foot[here].mean(), share, error, fmt="o", color=THREE, capsize=3)
right.axvline(3, color="0.2", linestyle=":")
right.text(2.35, 0.62, "1 in 2", ha="right")
right.text(4.5, 0.5, "1 in 10")
right.set(xlabel="foot s (pixels)", ylabel="probability of a three")
plotting.show(
    fig,
    "Left, two overlapping hills, sevens at small feet and threes at large ones. Right, two "
    "S-shaped curves; the one for rare threes lies further right. Points counted on held-out "
    "digits follow the first, but lie above it at feet of 2 to 3 and below it between 4 and 5.",
    caption="Left: the two terms of p(s), each digit half of the time. Right: what a foot says, if "
    "threes are 1 in 2 or 1 in 10. Points: shares counted on held-out digits.",
)
for seed in range(3):
    s = p_seven.rvs(100_000, random_state=seed)
    weighted = np.mean(s * p_three.pdf(s) / p_seven.pdf(s))
    lesson.record(**{f"weighted_{seed}": weighted})
s = np.linspace(-10, 30, 100_001)
second_moment = np.sum((s * p_three.pdf(s)) ** 2 / p_seven.pdf(s)) * (s[1] - s[0])
lesson.record(weighted_error=np.sqrt((second_moment - p_three.mean() ** 2) / 100_000))
lesson.record(few=100 * p_seven.sf(3), heavy=100 * p_three.sf(3))
outer = (new_foot >= 4.5) & (new_foot < 5)
by_curve = posterior(new_foot[outer], 0.5).mean()
lesson.record(outer_counted=100 * is_three[outer].mean(), outer_curve=100 * by_curve)
lesson.record(even=100 * posterior(3, 0.5), rare=100 * posterior(3, 0.1))
lesson.record(mean_foot=foot.mean())
lesson.claim(
    "Held-out threes and sevens told apart by their foot, share that is right",
    np.mean((posterior(new_foot, 0.5) > 0.5) == is_three),
    above=0.75,
    fails_under="shuffled-labels",
)

# %% [markdown]
# With equal shares the answer is 54 %<!-- even -->. With one three in ten it is 12 %<!-- rare -->. The measurement is the same; the **base rate** has changed. **A measurement moves the prior. It doesn't replace it.**
#
# Counting agrees roughly, and not in the tails. Between 4.5 and 5 pixels, 91 %<!-- outer_counted --> of the held-out digits are threes; the curve says 99.4 %<!-- outer_curve -->. Sevens' feet are skewed: more of them are wide than their bell allows.
#
# The denominator $p(s)$ is called the **evidence**: the density of the measurement, whatever the cause.
#
# <details><summary>When the cause is a code</summary>
#
# The evidence is an average over causes, weighted by the prior. If the cause is a code $z$ and not a label, the sum becomes an integral, $p(x) = \int p(x \mid z)\, p(z)\, dz = \mathbb{E}_{z \sim p(z)}[p(x \mid z)]$. Lesson 6 comes to the trouble of computing it in its third section.
# </details>
#
# <details><summary>Try it: can you average over threes with draws of sevens?</summary>
#
# Yes, if you weight them, and if $q > 0$ wherever $f\,p \neq 0$. Since $\int f p = \int f\, \frac{p}{q}\, q$, we have $\mathbb{E}_p[f] = \mathbb{E}_q[f\, p / q]$. Draw `s = p_seven.rvs(100_000, random_state=0)` and compare `np.mean(s * p_three.pdf(s) / p_seven.pdf(s))` with the mean foot of a three, 3.89<!-- mean_foot -->. Seeds 0, 1 and 2 give 3.6<!-- weighted_0 -->, 3.7<!-- weighted_1 --> and 3.9<!-- weighted_2 -->. Over endless repetitions that is right on average, but a single run is usually too small, and now and then far too large. The 11 %<!-- few --> of sevens with a foot above 3 must carry 82 %<!-- heavy --> of the weight, and the widest, which hardly ever come, carry much of it. The scatter of the draws doesn't warn you: the true standard error is 5.6<!-- weighted_error -->, because of values that you will not see. This is **importance weighting**, and lesson 7 rests on it.
# </details>
#
# ## Bayes again: the image behind the noise
#
# Now let the cause be a whole clean image $x$, drawn from the Gaussian of the threes, and let the measurement be a noisy one, $y = x + \sigma \varepsilon$. The posterior $p(x \mid y)$ is again a Gaussian, and its mean is
#
# $$\mathbb{E}[x \mid y] = m + C\,(C + \sigma^2 I)^{-1} (y - m).$$
#
# Read it in one dimension: $C / (C + \sigma^2)$ is the share of the variance that is signal. Go this fraction of the way from the mean to the measurement. In many dimensions it does so direction by direction: it trusts the noisy image in the directions in which threes vary by much more than σ, and the mean in the others.

# %%
shrink = np.linalg.solve(C + sigma**2 * np.eye(784), C)


def best_guess(y):
    """The mean of the posterior: the clean three behind noisy images y."""
    return m + (y - m) @ shrink


# %% tags=["hide-input"]
clean = np.concatenate([new_threes[:6], new_sevens[:4]])
noisy = clean + sigma * rng.standard_normal(clean.shape)
plotting.show(
    plotting.image_rows(
        {
            "clean x": as_images(clean),
            "noisy y": as_images(noisy),
            "posterior mean": as_images(best_guess(noisy)),
        },
        frame=[(2, column) for column in range(6, 10)],
    ),
    "Ten images in three rows: clean, noisy, restored. Six threes come back soft but right. Four "
    "sevens come back fainter, with faint parts of threes beside their own strokes.",
    caption="Six new threes, and four sevens that the prior has never heard of.",
)
all_noisy = new_threes + sigma * rng.standard_normal(new_threes.shape)
before, after = (
    np.mean((np.clip(y, 0, 1) - new_threes) ** 2) for y in (all_noisy, best_guess(all_noisy))
)
noisy_sevens = new_sevens + sigma * rng.standard_normal(new_sevens.shape)
restored_sevens = np.clip(best_guess(noisy_sevens), 0, 1)
before_sevens = np.mean((np.clip(noisy_sevens, 0, 1) - new_sevens) ** 2)
after_sevens = np.mean((restored_sevens - new_sevens) ** 2)
to_clean, to_mean = (np.linalg.norm(restored_sevens - x, axis=1) for x in (new_sevens, m[None]))
lesson.record(sevens_cleaner=before_sevens / after_sevens, after_sevens=after_sevens, within=0.02)
lesson.record(stay=100 * np.mean(to_clean < to_mean), within=0.02)
mean_only = np.mean((m - new_threes) ** 2)
lesson.record(mean_only=mean_only, after=after, within=0.01)
lesson.claim(
    "The noisy image's squared error over that of the posterior mean, on held-out threes (both clipped)",
    before / after,
    above=4,
    fails_under="shuffled-pixels",
    name="cleaner",
)

# %% [markdown]
# Here is a denoiser without a network. On threes its squared error is 7<!-- cleaner --> times smaller than that of the clipped noisy image, and 3.5<!-- mean_only / after --> times smaller than that of always answering with the mean three. **Under its prior, the posterior mean has the smallest expected squared error of all guesses.** If threes aren't Gaussian but $m$ and $C$ are right, it is only the best *affine* guess: a matrix times $y$, plus a vector.
#
# Now look at the framed sevens. Parts of threes appear, so that you may read a three or an eight into some of them, and the error is 1.7<!-- after_sevens / after --> times that on threes. Measured by distance, they are still sevens: more than nine in ten<!-- 90 < stay < 100 --> stay nearer to their clean seven than to the mean three, and cleaning makes their error 4.4<!-- sevens_cleaner --> times smaller. In lesson 5 a network takes the place of this formula.
#
# <details><summary>A remarkable identity, for the score in lesson 5</summary>
#
# The noisy images have a density of their own, $p(y) = N(m, C + \sigma^2 I)$. The step from the noisy image to the best guess points uphill on it:
#
# $$\mathbb{E}[x \mid y] - y = \sigma^2\, \nabla_y \log p(y).$$
#
# This is **Tweedie's formula**. It needs Gaussian noise, and then holds for any prior. So a good denoiser knows in which direction the density of *noisy* images grows. The check below compares our step with finite differences of `log_density`.
# </details>

# %% tags=["hide-input"]
y, direction = noisy[0], rng.standard_normal(784)
ahead, behind = (
    log_density((y + step * direction)[None], m, C + sigma**2 * np.eye(784))[0]
    for step in (1e-4, -1e-4)
)
step = (best_guess(y) - y) @ direction
lesson.claim(
    "The denoiser's step is σ² times the slope of the log density: their ratio, along a random direction",
    step / (sigma**2 * (ahead - behind) / 2e-4),
    between=(0.9999, 1.0001),
    digits=4,
    fails_under="math",
)

# %% [markdown]
# ## KL divergence: how different are two distributions?
#
# You see draws from $p$, and somebody claims they come from $q$. How strongly does a draw speak against the claim? At the draw $x$, the density $p$ is $p(x)/q(x)$ times as high as $q$. We take the logarithm, and the expectation of this **log ratio** is the **Kullback–Leibler divergence**, in nats:
#
# $$\text{KL}(p \,\Vert\, q) = \mathbb{E}_{x \sim p}\bigl[\log p(x) - \log q(x)\bigr].$$
#
# The small $x \sim p$ matters: we average over draws from $p$. Single draws may speak for $q$; the expectation never does (Jensen again). It is 0 only if $p$ and $q$ agree. For Gaussians in $d$ dimensions there is a closed form, `kl` below:
#
# $$\mathrm{KL} = \tfrac12 \left[ \operatorname{tr}(C_q^{-1} C_p) + (m_q - m_p)^\top C_q^{-1} (m_q - m_p) - d + \log \frac{\det C_q}{\det C_p} \right].$$


# %%
def kl(m_p, C_p, m_q, C_q):
    """KL(p || q) between two Gaussians in d dimensions, in nats."""
    to_q, r = np.linalg.inv(C_q), m_q - m_p
    log_dets = np.linalg.slogdet(C_q)[1] - np.linalg.slogdet(C_p)[1]
    return 0.5 * (np.sum(to_q * C_p) + r @ to_q @ r - len(r) + log_dets)


draws = p_three.rvs(100_000, random_state=2)
log_ratio = p_three.logpdf(draws) - p_seven.logpdf(draws)  # its mean approaches KL(three || seven)

# %% tags=["hide-input"]
three, seven = ((np.array([p.mean()]), np.array([[p.var()]])) for p in (p_three, p_seven))
there, back = kl(*three, *seven), kl(*seven, *three)
fig, left = plt.subplots(figsize=(5.2, 3.2))
s = np.linspace(-0.2, 7.5, 400)
left.plot(s, p_three.pdf(s), color=THREE, linestyle="-")
left.plot(s, p_seven.pdf(s), color=SEVEN, linestyle="--")
product = p_three.pdf(s) * (p_three.logpdf(s) - p_seven.logpdf(s))
left.fill_between(s, product, where=product > 0, color=THREE, alpha=0.3)
left.fill_between(s, product, where=product < 0, color="0.5", alpha=0.5)
left.text(0, 1.2, "p × log (p / q)", color=THREE)
left.text(4.5, 0.42, "p", color=THREE, fontweight="bold")
left.text(1.1, 0.52, "q", color="#6b6b1f", fontweight="bold")
left.set(
    xlabel="foot s (pixels)", ylabel="per pixel", title="KL: the area above 0, minus the area below"
)
plotting.show(
    fig,
    "The bells of threes and sevens, and the product of the first with the log ratio: a small part "
    "below zero, a large part above.",
    caption="p are the threes' feet, q the sevens'.",
)
lesson.record(there=there, back=back, by_draws=log_ratio.mean())


def gaussian(images, added):
    return images.mean(axis=0), np.cov(images.T) + added * np.eye(784)


ones, eights = x_train[mnist.y_train == 1], x_train[mnist.y_train == 8]
halves = np.array_split(np.random.default_rng(0).permutation(eights), 2)
for i, added in enumerate((0.001, 0.01, 0.1)):
    one, eight = gaussian(ones, added), gaussian(eights, added)
    first, second = (gaussian(half, added) for half in halves)
    lesson.record(**{f"eight_one_{i}": kl(*eight, *one), f"one_eight_{i}": kl(*one, *eight)})
    lesson.record(**{f"halves_{i}": kl(*first, *second)})

# %% [markdown]
# On average, the foot of a three brings 2.8<!-- there --> nats against "it is a seven" by the formula, and 2.8<!-- by_draws --> by averaging draws. The other way round it is only 1.9<!-- back -->. **KL is not symmetric, so it isn't a distance.** It is large if $q$ gives almost no probability to something that $p$ often draws.
#
# <details><summary>The fine print: Gaussians of whole images, and how little their KL says</summary>
#
# Ones are thin and look alike, eights vary. So an eight is next to impossible under the narrow Gaussian of ones, and a one under the broad Gaussian of eights is merely odd. As some pixels never vary, we must add something to each variance, and the size of KL hangs on it:
#
# | added | draws of 8, claimed to be 1 | draws of 1, claimed to be 8 | two random halves of the eights |
# | --- | --- | --- | --- |
# | 0.001 | 3,489<!-- eight_one_0 --> nats | 290<!-- one_eight_0 --> | 361<!-- halves_0 --> |
# | 0.01 | 726<!-- eight_one_1 --> | 124<!-- one_eight_1 --> | 75<!-- halves_1 --> |
# | 0.1 | 123<!-- eight_one_2 --> | 38<!-- one_eight_2 --> | 10<!-- halves_2 --> |
#
# The last column should be near 0: both halves are eights. But half of them are far too few for 784 × 784 entries. Read only the large asymmetry, which is in every row.
# </details>
#
# In lesson 6 the encoder answers with a Gaussian for each image, with means $\mu_j$ and variances $w_j^2$ (there $s_j^2$). KL to $N(0, I)$ is what its answer costs. Put $m_q = 0$, $C_q = I$ and a diagonal $C_p$ into `kl`:
#
# $$\text{KL} = \tfrac12 \sum_j \bigl(\mu_j^2 + w_j^2 - 1 - \log w_j^2\bigr).$$

# %% tags=["hide-input"]
z_mean, z_var = np.array([0.5, -1.0, 2.0]), np.array([1.3, 0.2, 2.5])
draws = z_mean + np.sqrt(z_var) * rng.standard_normal((100_000, 3))
each = (norm.logpdf(draws, z_mean, np.sqrt(z_var)) - norm.logpdf(draws)).sum(axis=1)
closed = 0.5 * np.sum(z_mean**2 + z_var - 1 - np.log(z_var))
lesson.claim(
    "KL to N(0, I): the formula minus the average of 100,000 draws, in standard errors",
    abs(closed - each.mean()) / (each.std() / np.sqrt(len(each))),
    below=5,
    fails_under="math",
)
tables.show(
    ["idea", "in one line", "where you need it"],
    [
        ["density", "areas are probabilities", "5: the noisy images have one"],
        ["expectation", "the average of many draws", "5 to 7: every loss is one"],
        ["covariance", "which numbers move together", "4: PCA, 7: Fréchet distance"],
        ["Gaussian", "x = m + L ε", "6: the prior, and a draw of a code"],
        ["likelihood", "the density, with the data fixed", "6, 7: how models are judged"],
        ["Bayes' rule", "posterior ∝ likelihood × prior", "5: denoising, 6: what q imitates"],
        ["KL divergence", "average log ratio, over draws from p", "6: what a code costs"],
    ],
    caption="Seven ideas and where they return",
)

# %% [markdown]
# <details><summary>Try it: what does a code cost that says nothing?</summary>
#
# Set every $\mu_j = 0$ and $w_j^2 = 1$. Each bracket is $0 + 1 - 1 - \log 1 = 0$: no cost. Whatever the image is, the answer is the prior itself. To say anything, the encoder must move a mean, or narrow or widen a variance, and each costs nats. Check the second: with $\mu = 0$, the function $w^2 - 1 - \log w^2$ has its minimum, 0, at $w^2 = 1$.
# </details>
#
# That is most of the probability you need. Look once more at the four lines at the top: a mean, a covariance, a root of it, and noise. You can now say what each of them is for.
#
# On to [lesson 5](../05_denoising_and_anomalies.ipynb).
