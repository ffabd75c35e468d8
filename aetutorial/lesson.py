"""What every lesson calls: `begin` for a quiet, seeded start; `claim` for a checked statement; `study` for a sweep.

`record` keeps the numbers that the prose quotes; `stored` reads the sweep of another lesson.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import numpy as np

from aetutorial import runtime, trials, validation
from aetutorial.claims.claim import claim
from aetutorial.claims.record import ClaimError, open_lesson, record
from aetutorial.runtime import quiet_stderr
from aetutorial.studies.results import Study, StudyError
from aetutorial.studies.study import stored, study

__all__ = ["ClaimError", "Study", "StudyError", "begin", "claim", "record", "stored", "study"]

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
NOTEBOOK = re.compile(r"[\w-]+(?:/[\w-]+)*")  # a path below notebooks/, without suffix


def begin(number: int | str, *, seed: int = 0, strict: bool = True, notebook: str | None = None) -> None:
    """Start a lesson: seed every random generator, start TensorFlow quietly, set the plot style.

    TensorFlow starts with the same kernels (oneDNN's) on every x86 processor, unless TF_ENABLE_ONEDNN_OPTS is set.

    Args:
        number: The lesson's number, 0 to 12; or the title of a notebook that is not one of them, or its path below
            notebooks/ without suffix, such as "deeper/01_concepts".
        seed: Seed of Python's, NumPy's and TensorFlow's global generators, at least 0.
        strict: Whether a claim that fails stops the notebook. With False it is reported and the notebook goes
            on, and a study whose code you changed runs its whole grid anew: for your own experiments.
        notebook: The notebook's path below notebooks/ without suffix, where `number` does not tell it: recorded numbers
            are held to what is stored there.

    Raises:
        TypeError, ValueError: an argument is not an integer, or out of range.
        ImportError: TensorFlow or Keras can't be imported; what they printed is shown first.
    """
    if isinstance(number, str) and any(map(str.isalpha, number)):
        title, named = number, number if "/" in number and NOTEBOOK.fullmatch(number) else None
    else:
        number = validation.integer("number", number, low=0, high=len(TITLES) - 1)
        title, named = f"Lesson {number}: {TITLES[number]}", f"{number:02d}_*"
    if notebook is not None and not (isinstance(notebook, str) and NOTEBOOK.fullmatch(notebook)):
        expected = "a path below notebooks/ without suffix, such as 'deeper/01_concepts'"
        raise ValueError(validation.message("notebook", expected, validation.describe(notebook)))
    open_lesson(title, notebook or named)
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
