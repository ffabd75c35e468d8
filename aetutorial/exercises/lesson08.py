"""Exercises of lesson 8, representation learning."""

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
    expect_texts,
    name_mistake,
)
from aetutorial.metrics import clustering_accuracy


def _check_fold(answer: object) -> str:
    function = expect_function(answer, ["W", "b", "mean", "std"])
    rng = np.random.default_rng(80)
    W, b = rng.standard_normal((6, 4)), rng.standard_normal(4)
    mean, std = rng.normal(0, 3, 6), rng.uniform(0.2, 4, 6)
    result = call(function, W, b, mean, std)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Wrong("Return two arrays, the new weights and the new bias.")
    given = expect_array(result[0], (6, 4), what="new weights")
    shift = expect_array(result[1], (4,), what="new bias")
    if close(given, W * std[:, None], rtol=1e-6):
        raise Wrong("You multiplied by std; the raw code has not been divided by it yet.")
    if close(given, W, rtol=1e-6):
        raise Wrong("The weights must change: a raw number of the code is std times as large.")
    right = W / std[:, None]
    if not close(given, right, rtol=1e-6):
        raise Wrong("The weights are off: row i belongs to number i of the code, with std[i].")
    mistakes = (
        (b, "The mean is missing from the bias."),
        (b + mean @ right, "The sign of the mean is wrong: it is subtracted from the code."),
        (b - mean @ W, "The bias must use the new weights: the mean is one of raw codes."),
    )
    name_mistake(shift, mistakes, rtol=1e-6)
    if not close(shift, b - mean @ right, rtol=1e-6):
        raise Wrong("The bias is off. Put the code `mean` in: the answer must be b.")
    return "Scaling and a linear layer are one linear layer."


fold = Exercise(
    name="fold",
    title="A scaler and a probe in one layer",
    kind="fill in",
    prompt="""
        A probe reads codes of which each number was standardized by itself: it computes

            (z - mean) / std @ W + b

        with `mean` and `std` of shape (d,), `W` of shape (d, classes) and `b` of shape (classes,). Write

            def fold(W, b, mean, std)

        which returns the weights and the bias of one layer that computes the same from raw codes `z`.
        """,
    check=_check_fold,
    hints=(
        "Divide row i of `W` by `std[i]`, instead of dividing number i of the code.",
        "What does the layer answer to the code `mean`? The probe answers `b`.",
    ),
    solution="""
        def answer(W, b, mean, std):
            new = W / std[:, None]
            return new, b - mean @ new
        """,
    why="So a network can begin where the probe stands, which is what fine-tuning needs.",
)


def _check_accuracy(answer: object) -> str:
    function = expect_function(answer, ["y", "clusters"])
    rng = np.random.default_rng(81)
    y = np.repeat(np.arange(4), 50)
    # Clusters 2 and 3 both hold class 0, and classes 1 and 2 share cluster 0: votes give more than a matching.
    clusters = np.select([y == 0, y == 3], [rng.integers(2, 4, 200), 1], 0)
    clusters = np.where(rng.random(200) < 0.1, rng.integers(0, 4, 200), clusters)
    given = expect_number(call(function, y, clusters), "a share, such as 0.7")
    counts = np.zeros((4, 4))
    np.add.at(counts, (y, clusters), 1)
    mistakes = (
        (np.mean(y == clusters), "You took the numbers of the clusters for those of the classes."),
        (
            counts.max(axis=0).sum() / 200,
            "That is purity: each cluster votes for a class, and two may choose the same one. In a matching, a class "
            "belongs to one cluster at most.",
        ),
        (counts.max(axis=1).sum() / 200, "Each class chose its largest cluster, and two may have chosen the same one."),
        (clustering_accuracy(y, clusters) * 200, "That is a number of examples; divide it by n."),
    )
    name_mistake(given, mistakes, rtol=1e-6)
    if not close(given, clustering_accuracy(y, clusters), rtol=1e-6):
        raise Wrong("The share is off: of all matchings of clusters and classes, take the best.")
    return "The number that papers on clustering call accuracy."


accuracy = Exercise(
    name="accuracy",
    title="Accuracy of clusters",
    kind="build",
    prompt="""
        Write

            def accuracy(y, clusters)

        which returns the share of examples whose cluster stands for their class, when clusters and classes are
        matched one to one in the best way. `y` and `clusters` hold whole numbers from 0 on, shape (n,). SciPy's
        `linear_sum_assignment` finds the best matching of a table.
        """,
    check=_check_accuracy,
    hints=(
        "First the table: `counts[i, j]` examples of class i are in cluster j.",
        "`scipy.optimize.linear_sum_assignment(counts, maximize=True)` returns rows and columns; add up counts there.",
    ),
    solution="""
        import numpy as np
        from scipy.optimize import linear_sum_assignment


        def answer(y, clusters):
            counts = np.zeros((y.max() + 1, clusters.max() + 1))
            np.add.at(counts, (y, clusters), 1)
            return counts[linear_sum_assignment(counts, maximize=True)].sum() / len(y)
        """,
    why="Purity would be 100 % for a cluster around every single example.",
)


def _check_targets(answer: object) -> str:
    value = expect_number(answer, "a share, such as 0.55")
    mistakes = (
        (0.6, "That is q itself; the targets are made from it by squares and sizes."),
        (9 / 13, "The sizes of the clusters are missing."),
        (1 / 3, "The square is missing: only the sizes are corrected."),
        (0.006, "Divide by the sum of the row: the two targets add up to 1."),
        (4 / 7, "That is the target of the second cluster."),
        (0.36 * 60 / (0.36 * 60 + 0.16 * 20), "Divide by the sizes; you multiplied by them."),
    )
    name_mistake(value, mistakes, rtol=0.005)
    if not close(value, 3 / 7, rtol=0.005):
        raise Wrong("Two numbers: 0.6 squared over 60, 0.4 squared over 20. Then their shares.")
    return "0.43: the target has changed sides. The picture is drawn to the smaller cluster."


targets = Exercise(
    name="targets",
    title="A target that changes sides",
    kind="predict",
    prompt="""
        Two clusters. The soft assignments of all pictures add up to 60 for the first and to 20 for the second. One
        picture is assigned to the first with $q = 0.6$ and to the second with 0.4. What is its target $p$ for the
        first, by the rule of deep embedded clustering? Guess first: more than 0.6, or less?
        """,
    check=_check_targets,
    hints=("Square each, divide by the size of its cluster.", "`0.36 / 60` and `0.16 / 20`; then divide by their sum."),
    solution="answer = (0.6**2 / 60) / (0.6**2 / 60 + 0.4**2 / 20)",
    why="The sizes keep one cluster from swallowing the others, and they pull doubtful pictures across borders.",
)

_REPORTS = (
    ("no baseline", "The first compares with nothing: random filters reach as much."),
    ("labels used", "In the second, the setting was chosen by the labels that score it."),
    ("one seed", "In the third, the gain is smaller than what another seed changes."),
    ("fair", "The fourth has a baseline, several seeds, and held-out choices."),
)


def _check_reports(answer: object) -> str:
    given = expect_texts(answer, [name for name, _ in _REPORTS], "report")
    for choice, (right, sentence) in zip(given, _REPORTS, strict=True):
        if choice != right:
            raise Wrong(f'{sentence} "{choice}" is not its fault.')
    return "Three of the four sentences could be true, and prove nothing."


reports = Exercise(
    name="reports",
    title="Four sentences from reports",
    kind="transfer",
    prompt="""
        What is to be said of each?

        1. "A linear probe on our frozen features reads 97 % of MNIST. So they capture the digits."
        2. "Our clusters of unlabeled data reach an accuracy of 90 %, with the step size (of 12 tried) that gave the
           best accuracy."
        3. "With beta = 8 the MIG is 0.31, with beta = 4 it is 0.27. We recommend beta = 8." (Each was trained once.)
        4. "With 100 labels, ten draws: pre-trained 84 ± 2 %, from scratch with shifts 85 ± 2 %, everything tuned
           on validation data. We see no gain."

        Answer with a list of four texts, in this order, chosen from "fair", "no baseline", "labels used", "one seed".
        """,
    check=_check_reports,
    hints=(
        "What do 64 untrained filters read? How far apart are two seeds in the lesson's figure?",
        "An unlabeled problem has no accuracy by which to choose a step size.",
    ),
    solution='answer = ["no baseline", "labels used", "one seed", "fair"]',
    why="A negative result with baselines says more than a positive one without.",
)


def _check_gap(answer: object) -> str:
    value = expect_number(answer, "a number, such as 0.42")
    told = np.array([[0.9, 0.1, 0.3], [0.5, 0.1, 0.6], [0.2, 0.3, 0.2]])
    entropy = np.array([1.5, 1.0, 2.0])
    ordered = np.sort(told, axis=1)
    right = np.mean((ordered[:, 2] - ordered[:, 1]) / entropy)
    mistakes = (
        (np.mean(ordered[:, 2] - ordered[:, 1]), "The entropies are missing."),
        (np.mean(ordered[:, 2] / entropy), "That is the largest alone, without the gap."),
        (np.sum((ordered[:, 2] - ordered[:, 1]) / entropy), "That is the sum over factors; the mean is asked for."),
        (
            np.mean((ordered[:, 2] - ordered[:, 0]) / entropy),
            "You took the gap to the smallest; it is to the second largest.",
        ),
        (
            np.mean(np.diff(np.sort(told, axis=0), axis=0)[-1]),
            "You compared the factors for each number of the code; compare the numbers for each factor.",
        ),
    )
    name_mistake(value, mistakes, rtol=0.004)
    if not close(value, right, rtol=0.005):
        raise Wrong("For each factor: largest minus second largest, over its entropy; then the mean.")
    return f"{right:.2f}: one factor is found, one is shared by two numbers, one is hardly in the code."


gap = Exercise(
    name="gap",
    title="A gap by hand",
    kind="predict",
    prompt="""
        Mutual information, in nats, between three factors (rows) and the three numbers of a code (columns), and the
        entropies of the factors:

                     z1     z2     z3     entropy
            place    0.9    0.1    0.3      1.5
            size     0.5    0.1    0.6      1.0
            shape    0.2    0.3    0.2      2.0

        What is the mutual information gap (MIG) of this code?
        """,
    check=_check_gap,
    hints=(
        "place: `(0.9 - 0.3) / 1.5`.",
        "size: 0.1, although two numbers tell much about it. Then the mean of three.",
    ),
    solution="answer = ((0.9 - 0.3) / 1.5 + (0.6 - 0.5) / 1.0 + (0.3 - 0.2) / 2.0) / 3",
    why="Size is known well from two numbers, and gets 0.1: MIG asks for one number to a factor, not for information.",
)
