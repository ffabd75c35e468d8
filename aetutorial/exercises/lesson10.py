"""Exercises of lesson 10, challenges."""

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

# Each patient's mistake, A to H, and what speaks for it: a sentence for those who named another.
_PATIENTS = (
    ("noise drawn once", "A takes noise away, and its held-out loss turns up long before the end."),
    ("sigma for log variance", "B: why would the formulas give so much more than was reported?"),
    ("code wider than the input", "C: what comes back if its input is no digit at all?"),
    ("bounded output", "D: compare the range of its outputs with that of its targets."),
    ("losses across units", "E's curves and battery are those of a plain, small network."),
    ("dead code", "F: how many numbers of its code differ from example to example?"),
    ("KL averaged", "G pays for its code, but much less than the formulas ask."),
    ("test data in training", "H: how far is a held-out example from the nearest training one?"),
)


def _check_patients(answer: object) -> str:
    given = expect_texts(answer, [name for name, _ in _PATIENTS], "patient")
    wrong = [
        (letter, sentence)
        for letter, choice, (right, sentence) in zip("ABCDEFGH", given, _PATIENTS, strict=True)
        if choice != right
    ]
    if wrong:
        letters = ", ".join(letter for letter, _ in wrong)
        raise Wrong(f"Not yet right: {letters}. {wrong[0][1]}")
    return "All eight. In the wild they come without a list of what it may be."


patients = Exercise(
    name="patients",
    title="Eight patients",
    kind="predict",
    prompt="""
        Name the mistake of each patient, from what the owners say, the curves, the battery and, for B and G, the
        losses by the formulas. Answer with a list of eight texts, for A to H in this order, chosen from "KL averaged",
        "bounded output", "code wider than the input", "dead code", "losses across units", "noise drawn once",
        "sigma for log variance", "test data in training".
        """,
    check=_check_patients,
    hints=(
        "Begin with the columns in which one patient stands out: outputs, code, scrambled, nearest.",
        "Only B and G have a KL term. If the KL is counted too low, by how much are the formulas above the report?",
    ),
    solution="""
        answer = [
            "noise drawn once",
            "sigma for log variance",
            "code wider than the input",
            "bounded output",
            "losses across units",
            "dead code",
            "KL averaged",
            "test data in training",
        ]
        """,
    why="Each is a line or two in the code, and none of them raises an error.",
)


def _stopped(losses: list[float], patience: int) -> tuple[int, int]:
    """Return the best epoch and the last one, counted from 0, of a training that stops early."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            return best, epoch
    return best, len(losses) - 1


def _check_early_stop(answer: object) -> str:
    function = expect_function(answer, ["losses", "patience"])
    curve = [9.0, 6.0, 5.0, 5.5, 5.2, 4.8, 4.9, 4.9, 5.0, 5.3, 3.0, 6.0]

    def tried(losses: list[float], patience: int) -> tuple[int, int]:
        pair = expect_array(call(function, losses, patience), (2,), what="epochs")
        return int(pair[0]), int(pair[1])

    given = tried(curve, 3)
    mistakes = (
        ((10, 11), "You looked at the whole curve. After 3 epochs without a new best it is over."),
        ((5, 6), "Three epochs *in a row*: the count begins anew with each new best."),
        ((2, 4), "That is one epoch too few: 5.5 and 5.2 are two, and then comes 4.8."),
        ((5, 9), "That is one epoch too many: 4.8 is followed by three that are not better."),
        ((8, 8), "The weights that are kept are those of the best epoch, not of the last."),
        ((8, 5), "First the best epoch, then the last one that ran."),
        ((6, 9), "Epochs are counted from 0, as Python does."),
    )
    name_mistake(given, mistakes, rtol=0)
    if given != (5, 8):
        raise Wrong("For the losses 9, 6, 5, 5.5, 5.2, 4.8, 4.9, 4.9, 5, ... the answer is off.")
    if tried([3.0, 2.0, 1.0], 5) != (2, 2):
        raise Wrong("A curve that falls to its end: the best epoch and the last are both the end.")
    if tried([2.0, 1.0, 1.0, 1.0, 0.5], 2) != (1, 3):
        raise Wrong("An equal loss is no improvement.")
    for patience in (1, 2, 4):
        if tried(curve, patience) != _stopped(curve, patience):
            raise Wrong(f"With a patience of {patience} the answer is off.")
    return "This is `EarlyStopping` with `restore_best_weights`."


early_stop = Exercise(
    name="early_stop",
    title="Early stopping by hand",
    kind="fill in",
    prompt="""
        Write

            def early_stop(losses, patience)

        Given the validation loss of every epoch of a full training, it returns two epochs, counted from 0: that whose
        weights early stopping would keep, and the last one it would have run. It stops as soon as `patience` epochs
        in a row have brought no loss below the best; if that never happens, it runs to the end of the list.
        """,
    check=_check_early_stop,
    hints=(
        "Walk through the losses and remember the epoch of the smallest so far.",
        "Stop when the present epoch minus the best one equals the patience.",
    ),
    solution="""
        def answer(losses, patience):
            best = 0
            for epoch, loss in enumerate(losses):
                if loss < losses[best]:
                    best = epoch
                if epoch - best == patience:
                    break
            return best, epoch
        """,
    why="It saw a loss of 3 neither: what comes after the stop stays unknown. Patience is a bet.",
)


def _check_operations(answer: object) -> str:
    value = expect_number(answer, "a number, such as 125440")
    dense = 32 * 5 * 5 * 16
    mistakes = (
        (dense + 9 * 16 * 8 + 9 * 8, "A convolution uses its weights at each place of its output."),
        (dense + 25 * 9 * 16 * 8 + 100 * 9 * 8, "Upsampling comes first: 10 x 10, then 20 x 20."),
        (dense + 100 * 16 * 8 + 400 * 8, "The convolution looks at 3 x 3 places at a time."),
        (dense + 100 * 9 * 8 + 400 * 9, "Each of the 3 x 3 places has several input channels."),
        (100 * 9 * 16 * 8 + 400 * 9 * 8, "The dense layer counts, too."),
        (100 * (9 * 16 * 8 + 8) + 400 * (9 * 8 + 1) + dense + 400, "Biases are added, not counted."),
    )
    name_mistake(value, mistakes, rtol=1e-6)
    if not close(value, dense + 100 * 9 * 16 * 8 + 400 * 9 * 8, rtol=1e-6):
        raise Wrong("Dense layer plus two convolutions: places, times 9, times channels in and out.")
    return "156,800: nine tenths of them in the two layers that hold a tenth of the weights."


operations = Exercise(
    name="operations",
    title="Count a decoder",
    kind="predict",
    prompt="""
        A decoder for pictures of 20 × 20 pixels: code of 32, `Dense` to 5 × 5 × 16, `Reshape` to (5, 5, 16),
        `UpSampling2D`, `Conv2D` to 8 channels, 3 × 3, `UpSampling2D`, `Conv2D` to 1 channel, 3 × 3. Both convolutions
        have `padding="same"`. How many multiplications does one example take?
        """,
    check=_check_operations,
    hints=(
        "A convolution: places of its output, times 9, times channels in, times channels out.",
        "The first convolution works on 10 × 10 places, with 16 channels in and 8 out.",
    ),
    solution="answer = 32 * 400 + 100 * 9 * 16 * 8 + 400 * 9 * 8 * 1",
    why="Weights say what a model occupies in memory, operations what it costs to run.",
)


def _check_overlaps(answer: object) -> str:
    function = expect_function(answer, ["size", "kernel", "strides"])

    def right(size: int, kernel: int, strides: int) -> np.ndarray:
        counts = np.zeros((size - 1) * strides + kernel, dtype=int)
        for i in range(size):
            counts[i * strides : i * strides + kernel] += 1
        return counts

    expected = right(5, 4, 3)
    given = expect_array(call(function, 5, 4, 3), None, what="counts")
    if given.shape in ((15,), (20,)):
        raise Wrong("The last patch begins at pixel (size - 1) * strides and is `kernel` pixels long.")
    if given.shape != expected.shape:
        raise Wrong(f"There are {len(expected)} output pixels; you give shape {given.shape}.")
    if close(given, np.minimum(expected, 1)):
        raise Wrong("Where patches overlap, count each of them.")
    if not close(given, expected):
        raise Wrong("Patch i covers the pixels from i * strides on, `kernel` of them.")
    for size, kernel, strides in ((4, 2, 2), (6, 5, 2), (3, 1, 2), (7, 3, 1)):
        counts = expect_array(call(function, size, kernel, strides), None, what="counts")
        if not close(counts, right(size, kernel, strides)):
            raise Wrong(f"For size {size}, kernel {kernel}, strides {strides} it is off.")
    return "Even inside whenever the kernel is a multiple of the strides."


overlaps = Exercise(
    name="overlaps",
    title="How often is each pixel covered?",
    kind="build",
    prompt="""
        Write

            def overlaps(size, kernel, strides)

        in NumPy, without Keras: how many patches of a one-dimensional transposed convolution without padding cover
        each output pixel. `size` inputs, patches of `kernel` pixels that begin `strides` pixels apart. Return an array
        of whole numbers, one for each output pixel; the last pixel is the last one of the last patch.
        """,
    check=_check_overlaps,
    hints=(
        "How many output pixels are there, if the last patch is to fit?",
        "Begin with zeros and add 1 to a slice for each input.",
    ),
    solution="""
        import numpy as np


        def answer(size, kernel, strides):
            counts = np.zeros((size - 1) * strides + kernel, dtype=int)
            for i in range(size):
                counts[i * strides : i * strides + kernel] += 1
            return counts
        """,
    why="A kernel of 3 at strides of 2 is the one that most tutorials use.",
)


def _check_free_bits(answer: object) -> str:
    function = expect_function(answer, ["z_mean", "z_log_var", "floor"])
    rng = np.random.default_rng(93)
    z_mean = rng.standard_normal((9, 5)) * np.array([2.0, 1.0, 0.5, 0.2, 0.0])
    z_log_var = np.tile([-2.0, -1.0, -0.3, 0.0, 0.0], (9, 1)) + 0.3 * rng.standard_normal((9, 5))
    kl = 0.5 * (z_mean**2 + np.exp(z_log_var) - 1 - z_log_var)
    mean = kl.mean(axis=0)
    high, given = (expect_number(call(function, z_mean, z_log_var, floor), "one number") for floor in (50.0, 0.3))
    only_above = np.maximum(mean - 0.3, 0).sum()
    if close(given, mean.sum(), rtol=1e-6) and close(high, 50.0):
        raise Wrong("Each number of the code has its own floor, before the sum.")
    mistakes = (
        (mean.sum(), "That is the plain rate; the floor does nothing."),
        (np.maximum(kl, 0.3).sum(axis=1).mean(), "The floor is for the mean over the batch, not for each example."),
        (np.maximum(mean, 0.3).mean(), "Sum over the code; the mean is over the batch only."),
        (np.minimum(mean, 0.3).sum(), "A floor keeps the KL from counting less, not more."),
        (only_above, "Its gradient is right, but the value isn't: below the floor a number costs the floor."),
    )
    name_mistake(given, mistakes, rtol=1e-6)
    if not close(given, np.maximum(mean, 0.3).sum(), rtol=1e-5):
        raise Wrong("The value is off: KL of each number, mean over the batch, floor, sum.")
    other = expect_number(call(function, z_mean, z_log_var, 0.0), "one number")
    if not close(other, mean.sum(), rtol=1e-5):
        raise Wrong("With a floor of 0 it should be the plain rate.")
    return "Below the floor the gradient is 0: nothing pulls that number toward the prior."


free_bits = Exercise(
    name="free_bits",
    title="Free bits",
    kind="build",
    prompt="""
        Write

            def free_bits(z_mean, z_log_var, floor)

        in NumPy: what free bits put in the place of the rate. `z_mean` and `z_log_var` have shape `(n, latent_dim)`,
        from an encoder as in lesson 6; `floor` is in nats. Return one number.
        """,
    check=_check_free_bits,
    hints=(
        "KL of each number of each example: `0.5 * (z_mean**2 + exp(z_log_var) - 1 - z_log_var)`.",
        "Mean over the batch, then the floor, then the sum over the code.",
    ),
    solution="""
        import numpy as np


        def answer(z_mean, z_log_var, floor):
            kl = 0.5 * (z_mean**2 + np.exp(z_log_var) - 1 - z_log_var)
            return np.maximum(kl.mean(axis=0), floor).sum()
        """,
    why="A number at its floor is active by its KL; whether it says anything of use is another question.",
)
