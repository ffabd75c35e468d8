"""Data for the lessons: `load(name)` gives a `Dataset`; `from_csv` and `from_images` read your own.

Which names there are: `NAMES`; which of them need no network: `OFFLINE_NAMES`.
"""

from __future__ import annotations

from aetutorial import validation
from aetutorial.data import catalog
from aetutorial.data.dataset import Dataset, finish
from aetutorial.data.files import from_csv, from_images
from aetutorial.data.scaling import binarized, min_max, standardize

OFFLINE_NAMES = tuple(catalog.OFFLINE)
NAMES = OFFLINE_NAMES + tuple(catalog.DOWNLOADED)
__all__ = ["NAMES", "OFFLINE_NAMES", "Dataset", "load"]
__all__ += ["binarized", "from_csv", "from_images", "min_max", "standardize"]


def load(name: str) -> Dataset:
    """Return a named data set; images are float32, NHWC, in [0, 1], labels int64.

    Args:
        name: One of

            - "digits": handwritten digits, 8x8; 1,437 train, 360 test
            - "mnist": handwritten digits, 28x28, a subset of MNIST; 10,000 train, 2,000 test
            - "emoji": Twemoji, 32x32, in color; 3,029 train, 752 test; labels are categories, and `about_train` and
              `about_test` give each image's "name", "emoji" (its number), "skin_tone" (0: none, 1 lightest to 5
              darkest) and "family": near-duplicates, which are on one side of the split
            - "patches": gray patches of two photographs, 12x12; 10,000 train, 2,000 test
            - "heartbeats": a pulse in windows of 128 samples, 1.3 s; 1,066 train (the first half of eleven minutes),
              1,066 test; label 1 where the hand moved, 0 elsewhere; `about_train["start"]` is the first sample
            - "gaussian": 100 independent standard normals per example; 1,000 train, 1,000 test
            - "breast-cancer": 30 measurements of 569 tumors, unscaled; 455 train, 114 test; label 0 is
              malignant, 1 benign
            - "mnist-full": the whole of MNIST; 60,000 train, 10,000 test; downloaded once, 11 MB
            - "fashion-mnist": clothes, 28x28; 60,000 train, 10,000 test; downloaded once, 31 MB

    Returns:
        A `Dataset`, the same on each call.

    Raises:
        ValueError: unknown name, or a file of the data is truncated or altered.
        ConnectionError: the data are not here yet and cannot be downloaded.
        FileNotFoundError: an environment variable names a local copy that does not exist.

    Example:
        >>> from aetutorial import data
        >>> digits = data.load("digits")
        >>> digits.x_train.shape, digits.y_test.shape
        ((1437, 8, 8, 1), (360,))
    """
    loader = {**catalog.OFFLINE, **catalog.DOWNLOADED}[validation.choice("name", name, NAMES)]
    return finish({"name": name, **loader()})
