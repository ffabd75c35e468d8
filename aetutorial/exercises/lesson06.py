"""Exercises of lesson 6, generation."""

from __future__ import annotations

import numpy as np

from aetutorial.exercises import (
    Exercise,
    Wrong,
    call,
    close,
    expect_array,
    expect_function,
    expect_number,
    name_mistake,
)


def _kl_terms(
    m: np.ndarray | float, v: np.ndarray | float, other_m: np.ndarray | float, other_v: np.ndarray | float
) -> np.ndarray:
    """Return the divergence of each dimension between two normal distributions.

    Args:
        m: Means of the first, shape (n, d).
        v: Logarithms of its variances, shape (n, d).
        other_m: Means of the second, shape (n, d) or a number.
        other_v: Logarithms of its variances, alike.

    Returns:
        Nats of at least 0, shape (n, d).
    """
    ratio = np.exp(v - other_v)
    return np.asarray(0.5 * (ratio + (m - other_m) ** 2 / np.exp(other_v) - 1 - (v - other_v)))


def _check_kl(answer: object) -> str:
    function = expect_function(answer, ("mean", "log_var", "other_mean", "other_log_var"))
    rng = np.random.default_rng(60)
    m, v, other_m, other_v = 0.8 * rng.standard_normal((4, 7, 5))
    given = expect_array(call(function, m, v, other_m, other_v), (7,), what="divergences")
    terms = _kl_terms(m, v, other_m, other_v)
    right = terms.sum(axis=1)
    variance = 0.5 * (v / other_v + (m - other_m) ** 2 / other_v - 1 - np.log(np.abs(v / other_v)))
    swapped = _kl_terms(other_m, other_v, m, v).sum(axis=1)
    to_prior = _kl_terms(m, v, 0, 0).sum(axis=1)
    doubled = _kl_terms(m, 2 * v, other_m, 2 * other_v).sum(axis=1)
    mistakes = (
        (swapped, "The two are exchanged: the mean is taken over the first one, whose `mean` comes first."),
        (terms.mean(axis=1), "That is a mean over the dimensions. The divergence of independent parts is a sum."),
        (2 * right, "There is a factor 1/2 in front of the sum."),
        (-right, "The sign is wrong: a divergence is never negative."),
        (to_prior, "That is the divergence to the standard normal; the other one has its own mean and variance."),
        (doubled, "exp(log_var) is the variance already, not the standard deviation."),
        (variance.sum(axis=1), "`log_var` is the logarithm of the variance; you used it as the variance."),
    )
    name_mistake(given, mistakes)
    if not close(given, right, rtol=1e-4):
        raise Wrong(
            "The values are off. Per dimension: half of ratio of variances, plus squared distance of the "
            "means over the other variance, minus 1, minus the logarithm of that ratio."
        )
    return "With other_mean = other_log_var = 0 this is the rate of the lesson."


kl = Exercise(
    name="kl",
    title="From one normal distribution to another",
    kind="fill in",
    prompt=r"""
        Write

            def kl(mean, log_var, other_mean, other_log_var)

        which returns $\mathrm{KL}(q \| r)$ in nats, shape (n,), from the normal distribution $q$ with `mean` and
        `log_var` to the normal distribution $r$ with `other_mean` and `other_log_var`. All arguments have the shape
        (n, d), dimensions are independent, and `log_var` is the logarithm of the variance. Use NumPy only.
        """,
    check=_check_kl,
    hints=(
        "The lesson's toy has it for one dimension. Independent dimensions add up.",
        "With the ratio $s^2 / t^2$ of the variances, one dimension gives half of: the ratio, plus "
        "$(m - k)^2 / t^2$, minus 1, minus the logarithm of the ratio.",
    ),
    solution="""
        import numpy as np


        def answer(mean, log_var, other_mean, other_log_var):
            log_ratio = log_var - other_log_var
            squares = (mean - other_mean) ** 2 / np.exp(other_log_var)
            return 0.5 * np.sum(np.exp(log_ratio) + squares - 1 - log_ratio, axis=1)
        """,
    why="It is not symmetric: q pays for putting mass where r has little, and not the other way round.",
)


def _check_draw(answer: object) -> str:
    function = expect_function(answer, ["z_mean", "z_log_var", "noise"])
    rng = np.random.default_rng(61)
    mean, log_var, noise = rng.standard_normal((3, 6, 4))
    given = expect_array(call(function, mean, log_var, noise), (6, 4), what="codes")
    mistakes = (
        (mean, "That is the mean alone: the noise is missing, and with it all that is variational."),
        (mean + noise, "The noise has to be scaled by the standard deviation."),
        (
            mean + log_var * noise,
            "You scaled by z_log_var itself. It is the logarithm of the variance, and may be negative.",
        ),
        (mean + np.exp(log_var) * noise, "exp(z_log_var) is the variance; the noise is scaled by its root."),
        (mean + np.exp(0.5 * log_var), "Mean plus standard deviation is one fixed code: multiply by the noise."),
        (np.exp(0.5 * log_var) * (mean + noise), "The mean was scaled, too: only the noise is."),
    )
    name_mistake(given, mistakes)
    if not close(given, mean + np.exp(0.5 * log_var) * noise, rtol=1e-4):
        raise Wrong("The codes are off: mean, plus standard deviation times noise.")
    return "A draw whose chance sits in the noise, so that gradients reach mean and variance."


draw = Exercise(
    name="draw",
    title="A draw with a gradient",
    kind="fill in",
    prompt="""
        Write

            def draw(z_mean, z_log_var, noise)

        which returns the reparameterized draws of the code. All arguments have the shape `(n, latent_dim)`;
        `noise` holds standard normal numbers, `z_log_var` the logarithm of the variance.
        """,
    check=_check_draw,
    hints=(
        "Which standard deviation belongs to a variance of `exp(z_log_var)`?",
        "The root of `exp(a)` is `exp(a / 2)`.",
    ),
    solution="""
        import numpy as np


        def answer(z_mean, z_log_var, noise):
            return z_mean + np.exp(0.5 * z_log_var) * noise
        """,
    why="Half of the logarithm of the variance is the logarithm of the standard deviation.",
)

_BETAS = (1 / 16, 784.0, 49.0)


def _check_weights(answer: object) -> str:
    given = expect_array(answer, (3,), what="betas").astype(float)
    if close(given, [1 / beta for beta in _BETAS]):
        raise Wrong("These are the reciprocals. Divide the line by what stands before the sum over pixels.")
    if close(given[0], 16):
        raise Wrong("In the first line the KL counts a sixteenth, not sixteen times.")
    if not close(given[0], _BETAS[0]):
        raise Wrong("In the first line the KL is divided by latent_dim. What is it multiplied by?")
    if not close(given[1], _BETAS[1]):
        raise Wrong("In the second line the reconstruction is divided by 784. Multiply all by 784.")
    if close(given[2], 1):
        raise Wrong("Two means are not two sums: 784 pixels were averaged, and only 16 dimensions.")
    if close(given[2], 1 / 49):
        raise Wrong("The third ratio is upside down.")
    if not close(given[2], _BETAS[2]):
        raise Wrong("In the third line multiply all by 784; what stands before the KL's sum?")
    return "A sixteenth, 784 and 49: three different models, all called a VAE."


weights = Exercise(
    name="weights",
    title="Which beta is this",
    kind="transfer",
    prompt="""
        Three tutorials train on 784 pixels with a code of 16 numbers. `cross` is the cross-entropy, shape
        (n, 784), `kl` the divergence, shape (n, 16). Their losses per picture:

            1.  sum(cross, axis=1) + mean(kl, axis=1)
            2.  mean(cross, axis=1) + sum(kl, axis=1)
            3.  mean(cross, axis=1) + mean(kl, axis=1)

        Up to a factor before all of it, each is `sum(cross, axis=1) + beta * sum(kl, axis=1)`. Which `beta` is it?
        Answer with a list of three numbers, in this order.
        """,
    check=_check_weights,
    hints=(
        "A mean over 16 numbers is their sum, divided by 16.",
        "Write each line with sums, then multiply it so that nothing stands before the first sum.",
    ),
    solution="answer = [1 / 16, 784, 784 / 16]",
    why="A factor before the whole loss changes nothing but the step size; one before a single term does.",
)


def _check_active(answer: object) -> str:
    function = expect_function(answer, ["z_mean"])
    rng = np.random.default_rng(62)
    spread = np.array([1.5, 0.9, 0.4, 0.15, 0.06, 0.02, 0.001, 0.0, 0.0])
    level = np.array([0.0, 0.5, -1.0, 0.0, 2.0, 0.0, 1.0, -0.7, 0.3])
    z_mean = level + spread * rng.standard_normal((500, 9))
    number = expect_number(call(function, z_mean), "a number of units, such as 3")
    variance = z_mean.var(axis=0)
    mistakes = (
        ((np.sqrt(variance) > 0.01).sum(), "You compared standard deviations; 0.01 is a variance."),
        (
            (np.abs(z_mean).mean(axis=0) > 0.01).sum(),
            "A mean away from 0 is no sign of life: a constant tells nothing about the picture.",
        ),
        (
            (z_mean.var(axis=1) > 0.01).sum(),
            "That is the variance over the dimensions of each picture; take it over the pictures.",
        ),
        ((variance <= 0.01).sum(), "You counted the units that are not active."),
        ((variance > 0.01).mean(), "That is the share of the units; their number is asked for."),
    )
    name_mistake(number, mistakes, rtol=1e-6)
    if number != (variance > 0.01).sum():
        raise Wrong("Count the columns of z_mean whose variance over the rows is above 0.01.")
    return "Four of these nine units are active; the others tell nothing about the picture."


active = Exercise(
    name="active",
    title="Units that say something",
    kind="build",
    prompt="""
        Write

            def active(z_mean)

        which returns the number of active units, as the lesson counts them. `z_mean`, shape (n, d), holds the
        means of the codes of n pictures.
        """,
    check=_check_active,
    hints=(
        "A unit is active if its mean differs from picture to picture.",
        "Variance over the rows, above 0.01; then count.",
    ),
    solution="""
        import numpy as np


        def answer(z_mean):
            return int(np.sum(np.var(z_mean, axis=0) > 0.01))
        """,
    why="A unit that equals the prior for every picture costs no rate and says nothing.",
)


def _check_gap(answer: object) -> str:
    value = expect_number(answer, "a number of nats, such as -91.5")
    missing = 0.5 * (4 - 1 - np.log(4))
    mistakes = (
        (-90.0, "The ELBO reaches log p(x) only if q is the posterior; here q is too wide."),
        (-90 + missing, "The gap has the right size. But the ELBO is a lower bound: it lies below log p(x)."),
        (
            -90 - 0.5 * (0.25 - 1 + np.log(4)),
            "That is the divergence from the posterior to q. The draws come from q, so q stands first.",
        ),
        (-90.5, "That is the divergence from q to the prior, the rate. The gap is the one to the posterior."),
        (-90 - 0.5 * (16 - 1 - np.log(16)), "0.25 is the variance already; you squared it."),
        (
            -90 - 0.5 * (2 - 1 - np.log(2)),
            "The ratio in the formula is that of the variances, 4; you took the standard deviations.",
        ),
        (missing, "That is the gap. The ELBO is log p(x) minus it."),
    )
    name_mistake(value, mistakes, rtol=0, atol=0.006)
    if not close(value, -90 - missing, rtol=0, atol=0.008):
        raise Wrong("log p(x) = ELBO + KL(q || posterior). Which number is missing, and how large is it?")
    return f"-90 - {missing:.2f} = {-90 - missing:.2f} nats, wherever the prior lies."


gap = Exercise(
    name="gap",
    title="How loose is the bound",
    kind="predict",
    prompt=r"""
        A code of one number. For some picture $\log p(x) = -90$ nats, and its true posterior is normal with mean 1
        and variance 0.25. The encoder answers with mean 1 and variance 1. What is the ELBO of this picture, in
        nats, to two decimals?
        """,
    check=_check_gap,
    hints=(
        "The second derivation of the lesson says what lies between `log p(x)` and the ELBO.",
        "The divergence of two normal distributions with equal means needs only the ratio of the "
        "variances: half of `ratio - 1 - log(ratio)`.",
    ),
    solution="""
        import numpy as np

        ratio = 1 / 0.25
        answer = -90 - 0.5 * (ratio - 1 - np.log(ratio))
        """,
    why="Mean and prior don't matter here: only how far q is from the posterior.",
)
