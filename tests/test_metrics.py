"""Metrics against scikit-learn, closed forms, Monte Carlo and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import entropy, multivariate_normal, norm
from sklearn.metrics import mean_squared_error

from aetutorial import metrics

rng = np.random.default_rng(0)


# --- squared_error and mse -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (7,), (5, 3), (4, 6, 6, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "bool"])
def test_errors_agree_with_scikit_learn(shape, dtype):
    x, x_hat = (rng.uniform(0, 2, shape).astype(dtype) for _ in range(2))
    flat, flat_hat = (a.reshape(len(a), -1).astype(float) for a in (x, x_hat))
    errors = metrics.squared_error(x, x_hat)
    assert (errors.shape, errors.dtype) == ((len(x),), np.float64)
    per_example = [mean_squared_error(a, b) * flat.shape[1] for a, b in zip(flat, flat_hat, strict=True)]
    np.testing.assert_allclose(errors, per_example, rtol=1e-12)
    assert metrics.mse(x, x_hat) == pytest.approx(mean_squared_error(flat, flat_hat), rel=1e-12)


def test_errors_in_closed_form():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal(metrics.squared_error(x, 0 * x), [0, 25])
    assert metrics.mse(x, 0 * x) == 25 / 4
    assert metrics.mse(x.tolist(), [[1, 1], [4, 5]]) == 1


def test_small_integers_do_not_wrap_around():
    dark, light = np.zeros((1, 2), "uint8"), np.full((1, 2), 200, "uint8")
    assert metrics.squared_error(dark, light) == metrics.squared_error(light, dark) == 80_000


def test_mse_is_kerass():
    import keras

    x, x_hat = rng.uniform(size=(2, 50, 9)).astype("float32")
    expected = np.mean(keras.losses.mean_squared_error(x, x_hat))
    assert metrics.mse(x, x_hat) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("function", [metrics.squared_error, metrics.mse])
@pytest.mark.parametrize("shape", [(2, 4), (1, 3), (3,), (2, 3, 1)])
def test_errors_of_arrays_that_would_broadcast_are_refused(function, shape):
    with pytest.raises(ValueError, match=r"`x_hat` .* shape \(2, 3\), like `x`"):
        function(np.ones((2, 3)), np.ones(shape))


def test_an_undefined_reconstruction_gives_no_number():
    assert np.isnan(metrics.mse([[1.0, 2.0]], [[1.0, np.nan]]))


# --- neighbor_accuracy --------------------------------------------------------------------------


def vote(z_train, y_train, z, k):
    """Return the most frequent label among the k nearest, the smallest one in a tie."""
    nearest = np.argsort(((z_train - z) ** 2).sum(axis=1), kind="stable")[:k]
    labels, counts = np.unique(y_train[nearest], return_counts=True)
    return labels[counts.argmax()]


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbor_accuracy_agrees_with_brute_force(k, dtype):
    z_train, z_test = rng.normal(size=(60, 4)).astype(dtype), rng.normal(size=(40, 4)).astype(dtype)
    y_train, y_test = (z_train[:, 0] > 0).astype(int), (z_test[:, 0] > 0).astype(int)
    right = [vote(z_train, y_train, z, k) == y for z, y in zip(z_test, y_test, strict=True)]
    expected = np.mean(right)
    assert 0.5 < expected < 1  # a case that is neither trivial nor hopeless
    accuracy = metrics.neighbor_accuracy(z_train, y_train, z_test, y_test, n_neighbors=k)
    assert accuracy == pytest.approx(expected)


def test_neighbor_accuracy_in_closed_form():
    z, y = np.array([[0.0], [1.0], [10.0]]), np.array([0, 0, 1])
    assert metrics.neighbor_accuracy(z, y, z, y) == 1
    assert metrics.neighbor_accuracy(z, y, [[9.0], [0.4]], [1, 1]) == 0.5
    assert metrics.neighbor_accuracy(z, y, [[9.0]], [1], n_neighbors=3) == 0


def test_undefined_codes_have_no_neighbors():
    z, y = np.ones((3, 2)), [0, 1, 0]
    with pytest.raises(ValueError, match="NaN"):
        metrics.neighbor_accuracy(z, y, z * np.nan, y)


# --- paired_margin -------------------------------------------------------------------------------


def test_paired_margin_in_closed_form():
    # Differences 1 and 3: mean 2, standard deviation sqrt(2).
    assert metrics.paired_margin([2, 4], [1, 1]) == pytest.approx(np.sqrt(2))
    assert metrics.paired_margin([1, 1], [2, 4]) == pytest.approx(-np.sqrt(2))
    assert metrics.paired_margin([2, 2, 2], [1, 1, 1]) == np.inf
    assert metrics.paired_margin([1, 1], [2, 2]) == -np.inf
    assert metrics.paired_margin([1, 2], [1, 2]) == 0


@pytest.mark.parametrize("n", [2, 5, 30])
def test_paired_margin_is_the_t_statistic_without_its_root_n(n):
    from scipy import stats

    larger, smaller = rng.normal(size=(2, n))
    expected = stats.ttest_rel(larger, smaller).statistic / np.sqrt(n)
    assert metrics.paired_margin(larger, smaller) == pytest.approx(expected)
    assert metrics.paired_margin(7 * larger, 7 * smaller) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("larger", "smaller", "said"),
    [
        ([1.0], [2.0], "`larger` must be an array of at least 2 rows"),
        ([1.0, 2.0], [1.0], "`smaller` must be an array of 2 rows"),
        ([1.0, np.nan], [1.0, 2.0], "`larger` .* finite"),
        ([1.0, 2.0], [[1.0], [2.0]], "`smaller` must be an array with 1 dim"),
    ],
)
def test_paired_margin_refuses(larger, smaller, said):
    with pytest.raises(ValueError, match=said):
        metrics.paired_margin(larger, smaller)


# --- iwae_bound ----------------------------------------------------------------------------------


def linear_gaussian(n=6, draws=2000, widening=1.0, shift=0.0):
    """A VAE whose likelihood and posterior are known: z normal, x = W z + b + sigma noise.

    Returns log weights for draws from the true posterior, widened and shifted, and the exact log p(x).
    """
    generator = np.random.default_rng(5)
    W, b, sigma = generator.normal(size=(4, 2)), generator.normal(size=4), 0.6
    x = generator.normal(size=(n, 2)) @ W.T + b + sigma * generator.normal(size=(n, 4))
    exact = multivariate_normal(b, W @ W.T + sigma**2 * np.eye(4)).logpdf(x)
    covariance = np.linalg.inv(np.eye(2) + W.T @ W / sigma**2)
    means = (x - b) @ W @ covariance / sigma**2 + shift
    noise = np.linalg.cholesky(widening**2 * covariance) @ generator.normal(size=(n, draws, 2, 1))
    z = means[:, None] + noise[..., 0]
    q = multivariate_normal([0, 0], widening**2 * covariance)
    log_joint = norm.logpdf(z).sum(-1) + norm.logpdf(x[:, None], z @ W.T + b, sigma).sum(-1)
    return log_joint - q.logpdf(z - means[:, None]), exact


@pytest.mark.parametrize("k", [1, 5, 300, 2000])
def test_iwae_bound_is_exact_where_q_is_the_posterior(k):
    log_weights, exact = linear_gaussian()
    np.testing.assert_allclose(metrics.iwae_bound(log_weights, k), exact, atol=1e-8)


def test_iwae_bounds_rise_with_k_toward_the_likelihood():
    log_weights, exact = linear_gaussian(n=20, draws=20_000, widening=2.0, shift=0.3)
    bounds = [metrics.iwae_bound(log_weights, k) for k in (1, 5, 20, 20_000)]
    assert np.all(np.diff(bounds, axis=0) > 0)  # for each example, not only on average
    assert np.all(bounds[2] < exact)
    np.testing.assert_allclose(bounds[-1], exact, atol=0.05)
    np.testing.assert_allclose(bounds[0], log_weights.mean(axis=1))


def test_one_draw_gives_the_elbo():
    """Against its closed form: log p(x) minus the divergence from q to the posterior."""
    log_weights, exact = linear_gaussian(draws=100_000, widening=1.6)
    missing = 0.5 * 2 * (1.6**2 - 1 - np.log(1.6**2))
    np.testing.assert_allclose(metrics.iwae_bound(log_weights, 1), exact - missing, atol=0.03)


def test_iwae_bound_of_huge_weights_stays_finite_and_leaves_draws_over():
    log_weights = np.array([[-2000.0, -2000.0, 5.0], [900.0, 900.0, 0.0]], "float32")
    np.testing.assert_allclose(metrics.iwae_bound(log_weights, 2), [-2000, 900])


# --- frechet_distance ----------------------------------------------------------------------------


def with_moments(mean, covariance, n=50):
    """Points whose sample mean and sample covariance are exactly these."""
    points = np.random.default_rng(7).normal(size=(n, len(mean)))
    points -= points.mean(axis=0)
    points = np.linalg.solve(np.linalg.cholesky(np.atleast_2d(np.cov(points.T))), points.T)
    return (np.linalg.cholesky(covariance) @ points).T + mean


def test_frechet_distance_of_two_gaussians():
    generator = np.random.default_rng(8)
    C1, C2 = (a @ a.T + 0.1 * np.eye(5) for a in generator.normal(size=(2, 5, 5)))
    m1, m2 = generator.normal(size=(2, 5))
    expected = (m1 - m2) @ (m1 - m2) + np.trace(C1 + C2 - 2 * np.real(sqrtm(C1 @ C2)))
    distance = metrics.frechet_distance(with_moments(m1, C1), with_moments(m2, C2, n=80))
    assert distance == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_in_closed_form():
    narrow, broad = (with_moments([0.0, c], np.diag([a, b])) for a, b, c in ((1, 4, 0), (9, 16, 3)))
    # 3^2 between the means; (3 - 1)^2 + (4 - 2)^2 between the standard deviations.
    assert metrics.frechet_distance(narrow, broad) == pytest.approx(9 + 4 + 4)
    assert metrics.frechet_distance(narrow, narrow) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(narrow[:, :1], broad[:, :1]) == pytest.approx(4)


def test_frechet_distance_of_features_that_never_vary():
    features = np.column_stack([with_moments([0.0], np.eye(1)), np.zeros((50, 2))])
    assert metrics.frechet_distance(features, features + np.array([0, 2, 0])) == pytest.approx(4)


# --- precision_recall ----------------------------------------------------------------------------


def test_precision_and_recall_of_shifted_copies():
    points = rng.normal(size=(200, 3))
    assert metrics.precision_recall(points, points) == (1, 1)
    assert metrics.precision_recall(points, points + 100) == (0, 0)
    shares = [metrics.precision_recall(points, points + shift) for shift in (0.2, 1.0, 2.0)]
    assert np.all(np.diff(shares, axis=0) < 0)


def test_precision_and_recall_tell_collapse_from_noise():
    real = np.concatenate([rng.normal(-10, 1, (200, 2)), rng.normal(10, 1, (200, 2))])
    collapsed = rng.normal(-10, 1, (400, 2))
    precision, recall = metrics.precision_recall(real, collapsed)
    assert (precision > 0.9, abs(recall - 0.5) < 0.05) == (True, True)
    swapped = metrics.precision_recall(collapsed, real)
    assert swapped == (recall, precision)


def test_precision_by_hand():
    real, generated = np.array([[0.0], [1.0], [3.0]]), np.array([[-1.5], [2.0], [5.5], [5.0]])
    # With one neighbor the radii are 1, 1, 2: the balls are [-1, 1], [0, 2], [1, 5].
    # Those of the generated points are 3.5, 3, 0.5, 0.5: [-5, 2], [-1, 5], [5, 6], [4.5, 5.5].
    assert metrics.precision_recall(real, generated, n_neighbors=1) == (0.5, 1)


def test_precision_does_not_depend_on_the_blocks():
    real, generated = rng.normal(size=(1700, 2)), rng.normal(0.5, 1, size=(1300, 2))
    distance = np.linalg.norm(real[:, None] - real, axis=2)
    radius = np.sort(distance, axis=1)[:, 3]
    inside = (np.linalg.norm(generated[:, None] - real, axis=2) <= radius).any(axis=1)
    assert metrics.precision_recall(real, generated)[0] == pytest.approx(inside.mean())


# --- copying -------------------------------------------------------------------------------------


def test_copying_of_copies_new_examples_and_strangers():
    x_train, x_test, new = rng.normal(size=(3, 500, 2, 2))
    assert metrics.copying(x_train, x_train, x_test) == 1
    assert metrics.copying(x_test + 50, x_train, x_test) == 0
    assert metrics.copying(new, x_train, x_test) == pytest.approx(0.5, abs=0.06)
    assert metrics.copying(x_test, x_train, x_test) == 0.5


def test_copying_by_hand():
    # Distances of the generated ones 0, 1, 2; of the held-out ones 1, 3: pairs won 1/2 + 1, 1 + 1, 0 + 1 ...
    generated, x_train, x_test = [[0.0], [1.0], [-2.0]], [[0.0]], [[1.0], [3.0]]
    wins = (1 + 1) + (0.5 + 1) + (0 + 1)
    assert metrics.copying(generated, x_train, x_test) == pytest.approx(wins / 6)


# --- two_sample_accuracy -------------------------------------------------------------------------


def test_two_samples_of_one_distribution_are_told_apart_by_chance_only():
    sets = rng.normal(size=(4, 1500, 3))
    assert metrics.two_sample_accuracy(*sets) == pytest.approx(0.5, abs=0.05)


def test_two_samples_reach_the_best_accuracy_that_there_is():
    """Two normal distributions two standard deviations apart: the best rule is right with probability Phi(1)."""
    real, real_test = rng.normal(size=(2, 4000, 1))
    generated, generated_test = rng.normal(2, 1, size=(2, 4000, 1))
    accuracy = metrics.two_sample_accuracy(real, generated, real_test, generated_test)
    assert accuracy == pytest.approx(norm.cdf(1), abs=0.015)


def test_two_samples_of_unequal_size_count_alike():
    real, generated = rng.normal(size=(900, 2)), rng.normal(size=(100, 2))
    tests = rng.normal(size=(500, 2)), rng.normal(size=(20, 2))
    assert metrics.two_sample_accuracy(real, generated, *tests) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("n", "width", "seed"), [(20, 4, 0), (20, 4, 1), (50, 4, 0), (50, 4, 1), (150, 4, 0), (150, 4, 1), (150, 64, 0)]
)
def test_a_few_examples_far_apart_are_told_apart(n, width, seed):
    """Three standard deviations in each column: the best that there is gets 0.998 of them and more."""
    assert metrics.two_sample_accuracy(*far_apart(n, width, seed), seed=seed) > 0.97


@pytest.mark.parametrize(
    ("scale", "offset"), [(1, 1e3), (1, 1e5), (300, 0), (1e-3, 0), (1e-6, 1), (1, -400), (0.04, 9)]
)
def test_neither_the_unit_nor_the_origin_of_the_numbers_counts(scale, offset):
    sets = [x * scale + offset for x in far_apart(1500, 16, 0)]
    assert metrics.two_sample_accuracy(*sets) > 0.97
    alike = [x * scale + offset for x in rng.normal(size=(4, 600, 16))]
    assert metrics.two_sample_accuracy(*alike) == pytest.approx(0.5, abs=0.06)


def test_a_column_in_large_units_does_not_hide_the_others():
    sets = [
        np.c_[rng.normal(0, 50, n), rng.normal(shift, 0.001, n)]
        for n, shift in itertools.product((600, 500), (0, 0.01))
    ]
    assert metrics.two_sample_accuracy(*sets) > 0.97


def test_pixels_are_read_as_they_are():
    """Scores of lessons are of pixels: what is done to other numbers must not touch them."""
    from sklearn.neural_network import MLPClassifier

    sets = [rng.uniform(0, high, size=(600, 9)).astype("float32") for high in (1, 0.9, 1, 0.9)]
    reader = MLPClassifier(64, early_stopping=True, n_iter_no_change=3, random_state=0)
    reader.fit(np.concatenate(sets[:2]), np.repeat([0, 1], 600))
    expected = ((reader.predict(sets[2]) == 0).mean() + (reader.predict(sets[3]) == 1).mean()) / 2
    assert metrics.two_sample_accuracy(*sets) == expected


def far_apart(n, width, seed):
    drawn = np.random.default_rng(seed)
    return [drawn.normal(shift, size=(rows, width)) for rows, shift in ((n, 0), (n, 3), (200, 0), (200, 3))]


def test_two_samples_repeat_with_their_seed():
    real, generated, real_test = rng.normal(size=(3, 300, 4))
    arguments = real, generated + 0.3, real_test, real_test + 0.3
    accuracies = [metrics.two_sample_accuracy(*arguments, seed=seed) for seed in (0, 0)]
    assert accuracies[0] == accuracies[1]


FOUR = np.ones((30, 4))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: metrics.frechet_distance(FOUR, FOUR[:, :3]), "`other` must be 4 wide, like `features`"),
        (lambda: metrics.frechet_distance(FOUR[:1], FOUR), "`features` .* at least 2 rows"),
        (lambda: metrics.precision_recall(FOUR, FOUR[:3]), "`generated` .* at least 4 rows"),
        (lambda: metrics.precision_recall(FOUR, FOUR * np.nan), "`generated` .* finite"),
        (lambda: metrics.copying(FOUR[:, :2], FOUR, FOUR), r"`generated` .* shape \(4,\), as in"),
        (lambda: metrics.copying(FOUR, FOUR, FOUR[0]), r"`x_test` .* shape \(4,\), as in"),
        (lambda: metrics.copying(FOUR, FOUR, FOUR * np.nan), "NaN"),
        (lambda: metrics.two_sample_accuracy(FOUR, FOUR, FOUR[:, :2], FOUR), "`real_test` .* examples of 4 numbers"),
        (lambda: metrics.two_sample_accuracy(FOUR, FOUR, FOUR * np.nan, FOUR), "NaN"),
    ],
)
def test_measures_of_samples_refuse(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# --- clusters and factors ----------------------------------------------------------------------


def test_clustering_accuracy_is_the_best_over_all_matchings():
    rng = np.random.default_rng(30)
    y, clusters = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    best = max(np.mean(np.array(names)[clusters] == y) for names in itertools.permutations(range(4)))
    assert metrics.clustering_accuracy(y, clusters) == pytest.approx(best, abs=1e-12)


def test_clustering_accuracy_does_not_mind_names():
    y = np.repeat([0, 1, 2], 20)
    assert metrics.clustering_accuracy(y, np.array([7, -1, 3])[y]) == 1
    assert metrics.clustering_accuracy(np.array([4, 9, 8])[y], y) == 1


def test_clustering_accuracy_gives_a_class_to_one_cluster_only():
    y = np.zeros(10, int)
    assert metrics.clustering_accuracy(y, np.arange(10) % 2) == 0.5
    assert metrics.clustering_accuracy(np.arange(10) % 2, y) == 0.5
    assert metrics.clustering_accuracy(np.repeat([0, 1, 2], 4), np.arange(12)) == 0.25


def all_factors():
    """Return every combination of three factors with 4, 5 and 3 values, several times."""
    return np.array(list(itertools.product(range(4), range(5), range(3))) * 5)


def test_the_gap_is_one_for_codes_that_are_the_factors_and_zero_for_doubled_ones():
    factors = all_factors()
    np.testing.assert_allclose(metrics.mutual_information_gap(-2.5 * factors + 7, factors), 1)
    doubled = np.hstack([factors, factors**2])
    np.testing.assert_allclose(metrics.mutual_information_gap(doubled, factors), 0, atol=1e-12)


def test_the_gap_of_a_factor_that_two_numbers_share():
    # The first number of the code tells the pair 0, 1 from 2, 3 and the second even from odd: one bit of two each;
    # a third tells all of the factor but whether it is 2 or 3: one and a half bits.
    factor = np.tile(np.arange(4), 50)[:, None]
    z = np.hstack([factor // 2, factor % 2])
    np.testing.assert_allclose(metrics.mutual_information_gap(z, factor), 0, atol=1e-12)
    z = np.hstack([z, np.minimum(factor, 2)])
    np.testing.assert_allclose(metrics.mutual_information_gap(z, factor), (1.5 - 1) / 2)


def test_the_gap_against_entropies_of_counts():
    rng = np.random.default_rng(31)
    factors, z = rng.integers(0, 4, (500, 2)), rng.standard_normal((500, 3))
    z[:, 0] += factors[:, 0]
    z[:, 2] -= 0.5 * factors[:, 0]
    wanted = []
    for factor in factors.T:
        told = []
        for column in z.T:
            edges = np.linspace(column.min(), column.max(), 11)
            counts = np.histogram2d(factor, column, bins=(np.arange(5) - 0.5, edges))[0]
            told.append(entropy(counts.sum(axis=0)) + entropy(counts.sum(axis=1)) - entropy(counts.ravel()))
        told.sort()
        wanted.append((told[-1] - told[-2]) / entropy(np.bincount(factor)))
    given = metrics.mutual_information_gap(z, factors, bins=10)
    np.testing.assert_allclose(given, wanted, rtol=1e-10)


def test_a_column_that_is_constant_tells_nothing():
    factors = all_factors()
    z = np.hstack([factors, np.full((len(factors), 2), 0.3)])
    np.testing.assert_allclose(metrics.mutual_information_gap(z, factors), 1)


def test_the_gap_refuses_undefined_codes_and_other_examples():
    factors = all_factors()
    with pytest.raises(ValueError, match=r"`z` .* finite"):
        metrics.mutual_information_gap(factors * np.nan, factors)
    with pytest.raises(ValueError, match="`factors` must be an array of 300 rows"):
        metrics.mutual_information_gap(factors, factors[:-1])


# --- numbers of every type -----------------------------------------------------------------------

WHOLE = rng.integers(-128, 128, size=(40, 3))
LABELS = rng.integers(0, 3, size=40)
OF_NUMBERS = {
    "squared_error": lambda x: metrics.squared_error(x, x[::-1]),
    "mse": lambda x: metrics.mse(x, x[::-1]),
    "neighbor_accuracy": lambda x: metrics.neighbor_accuracy(x[:20], LABELS[:20], x[20:], LABELS[20:]),
    "iwae_bound": lambda x: metrics.iwae_bound(x, 3),
    "frechet_distance": lambda x: metrics.frechet_distance(x[:20], x[20:]),
    "precision_recall": lambda x: metrics.precision_recall(x[:20], x[20:]),
    "copying": lambda x: metrics.copying(x[:10], x[10:20], x[20:]),
    "two_sample_accuracy": lambda x: metrics.two_sample_accuracy(x[:10], x[10:20], x[20:30], x[30:]),
    "mutual_information_gap": lambda x: metrics.mutual_information_gap(x, LABELS[:, None]),
    "paired_margin": lambda x: metrics.paired_margin(x[:, 0], x[:, 1]),
}


@pytest.mark.parametrize("name", OF_NUMBERS)
@pytest.mark.parametrize("dtype", ["int8", "int16", "float32"])
def test_the_type_of_the_numbers_does_not_count(name, dtype):
    """The differences of small integers wrap round: 100 - (-100) is -56 in eight bits."""
    expected = OF_NUMBERS[name](WHOLE.astype("float64"))
    np.testing.assert_allclose(OF_NUMBERS[name](WHOLE.astype(dtype)), expected, rtol=1e-6)
