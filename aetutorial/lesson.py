"""What every lesson calls: `begin` for a quiet, seeded start; `claim` for a checked statement; `study` for a sweep.

`stored` reads the sweep of another lesson.
"""

from __future__ import annotations

import json
import math
import os
import random
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aetutorial import runtime, trials, validation
from aetutorial.runtime import quiet_stderr
from aetutorial.studies.results import Study, StudyError
from aetutorial.studies.study import MODE_VARIABLE, stored, study

__all__ = ["ClaimError", "Study", "StudyError", "begin", "claim", "stored", "study"]

TITLES = (
    "Start here",
    "Concepts",
    "Formulas",
    "The Keras example",
    "Dimensionality reduction",
    "Denoising and anomalies",
    "Generation",
    "Measuring generation",
    "Representation learning",
    "Sparse codes",
    "Challenges",
    "Outlook",
    "FAQ",
)
FAILS_UNDER = (*runtime.SABOTAGES, "math")
CLAIM_LOG_VARIABLE = "AETUTORIAL_CLAIM_LOG"


class ClaimError(AssertionError):
    """A claim of the lesson did not hold in this run."""


def begin(number: int | str, *, seed: int = 0, strict: bool = True) -> None:
    """Start a lesson: seed every random generator, start TensorFlow quietly, set the plot style.

    TensorFlow starts with the same kernels (oneDNN's) on every x86 processor, unless TF_ENABLE_ONEDNN_OPTS is set.

    Args:
        number: The lesson's number, 0 to 12; or the title of a notebook that is not one of them.
        seed: Seed of Python's, NumPy's and TensorFlow's global generators, at least 0.
        strict: Whether a claim that fails stops the notebook. With False it is reported and the notebook goes
            on, and a study whose code you changed runs its whole grid anew: for your own experiments.

    Raises:
        TypeError, ValueError: an argument is not an integer, or out of range.
        ImportError: TensorFlow or Keras can't be imported; what they printed is shown first.
    """
    title = number
    if not isinstance(number, str) or not any(map(str.isalpha, number)):
        number = validation.integer("number", number, low=0, high=len(TITLES) - 1)
        title = f"Lesson {number}: {TITLES[number]}"
    seed = validation.integer("seed", seed, low=0, high=2**32 - 1)
    runtime.strict = bool(strict)
    # TensorFlow's own log. What it calls errors are remarks on the processor; real errors are raised.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # By default TensorFlow takes oneDNN's kernels on newer x86 processors only. They are there on all of them, convolve
    # up to twice as fast, and add up in the same order whatever the number of threads.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with quiet_stderr():
        import keras
        import tensorflow as tf

    if keras.config.backend() != "tensorflow":
        received = f"the backend {keras.config.backend()}. Unset KERAS_BACKEND, or set it to tensorflow, and restart"
        raise ImportError(f"Keras must run on TensorFlow in this course. Received: {received}.")
    import matplotlib.pyplot as plt

    tf.get_logger().setLevel("ERROR")  # its advice on retracing is for long-running programs
    plt.style.use(Path(__file__).with_name("aetutorial.mplstyle"))
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  some libraries still draw from the global generator
    keras.utils.set_random_seed(seed)
    trials.begin()
    print(f"{title}. Keras {keras.__version__} on TensorFlow {tf.__version__}, seed {seed}.")


def claim(
    text: str,
    value: float,
    *,
    above: float | None = None,
    below: float | None = None,
    between: tuple[float, float] | None = None,
    fails_under: str,
    digits: int | None = None,
) -> None:
    """State something and check it: print the claim if the measured value is within its bound.

    Args:
        text: The claim, a sentence without its number.
        value: The measured value, a scalar.
        above: The value must be greater than this.
        below: The value must be less than this.
        between: The value must lie in this closed interval. Exactly one bound is given.
        fails_under: What makes the claim fail, tested by `make test-claims`: "no-training" (the optimizers change
            nothing), "shuffled-pixels" (per image), "shuffled-labels"; or "math": an identity,
            which holds whatever the data and the training.
        digits: Decimals to which the value is printed, 0 to 12; None (the default) prints the bound only. Use it
            where another processor would print the same.

    Raises:
        ClaimError: the value is NaN or outside its bound.
        TypeError, ValueError: an argument is of the wrong type, or not exactly one bound is given.

    Example:
        >>> from aetutorial import lesson
        >>> lesson.claim("Ten bits tell over 1,000 codes apart.", 2**10, above=1000, fails_under="math", digits=0)
        Claim holds: Ten bits tell over 1,000 codes apart. (expected above 1000; measured 1024)
    """
    if not isinstance(text, str) or not text.strip():
        raise TypeError(validation.message("text", "a sentence", validation.describe(text)))
    validation.choice("fails_under", fails_under, FAILS_UNDER)
    if digits is not None:
        digits = validation.integer("digits", digits, low=0, high=12)
    measured = _scalar(value)
    low, high, expected = _bound(above, below, between)
    on_its_edge = between is None and measured in (low, high) and math.isfinite(measured)
    holds = low <= measured <= high and not on_its_edge  # never for NaN
    sabotage = runtime.sabotage()
    _record(text=text, value=measured, expected=expected, fails_under=fails_under, holds=holds)
    if holds:
        shown = "" if digits is None else f"; measured {measured:.{digits}f}"
        _say(f"Claim holds: {text} (expected {expected}{shown})")
    elif sabotage:
        print(f"Claim fails under {sabotage}: {text} (expected {expected}; measured {measured:.6g})")
    elif not runtime.strict or os.environ.get(MODE_VARIABLE) == "run":
        _say(f"Claim fails: {text} (expected {expected}; measured {measured:.6g})")
    else:
        shown = f"{measured:.6g}" if digits is None else f"{measured:.{digits}f}"
        raise ClaimError(
            f"{text}: measured {shown}, expected {expected}. If you changed the lesson, this is "
            "what your change did; if not, please report it."
        )


def _say(line: str) -> None:
    print(textwrap.fill(line, 88, subsequent_indent="    ", break_on_hyphens=False))


def _scalar(value: object) -> float:
    try:
        number = np.asarray(value)
    except (TypeError, ValueError):  # what NumPy can't read is refused below
        number = np.array(None)
    if number.dtype.kind not in "biuf" or number.size != 1:
        arrived = validation.describe(value)
        raise TypeError(validation.message("value", "one measured number", arrived))
    return float(number.reshape(()))


def _bound(above: float | None, below: float | None, between: tuple[float, float] | None) -> tuple[float, float, str]:
    given = [name for name, bound in (("above", above), ("below", below), ("between", between)) if bound is not None]
    if len(given) != 1:
        received = " and ".join(given) or "none of them"
        raise ValueError(f"Give exactly one of `above`, `below`, `between`. Received: {received}.")
    if between is not None:
        if not isinstance(between, Sequence) or isinstance(between, str) or len(between) != 2:
            arrived = validation.describe(between)
            raise ValueError(validation.message("between", "two numbers", arrived))
        low, high = (validation.real("between", end) for end in between)
        if low > high:
            expected = "two numbers, the smaller first"
            raise ValueError(validation.message("between", expected, between))
        return low, high, f"between {low:g} and {high:g}"
    if above is not None:
        low = validation.real("above", above)
        return low, math.inf, f"above {low:g}"
    high = validation.real("below", below)
    return -math.inf, high, f"below {high:g}"


def _record(**entry: object) -> None:
    """Append the outcome to the log that `make test-claims` reads, if one is named."""
    log = os.environ.get(CLAIM_LOG_VARIABLE)
    if log:
        entry["value"] = repr(entry["value"])
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
