"""The examples in docstrings: whoever copies one sees what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import aetutorial

ROOT = Path(aetutorial.__file__).parent
# Found by their text, since importing every module of the package takes a while.
PATHS = [path.relative_to(ROOT.parent) for path in sorted(ROOT.rglob("*.py")) if ">>> " in path.read_text("utf-8")]
MODULES = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in PATHS]

# What a learner calls first.
CALLED_FIRST = (
    *("data.load", "data.standardize", "data.binarized", "data.from_csv"),
    *("training.fit", "models.kl_to_prior", "estimator.Autoencoder"),
    *("metrics.squared_error", "metrics.mse", "metrics.neighbor_accuracy", "metrics.clustering_accuracy"),
    *("metrics.mutual_information_gap", "metrics.paired_margin", "metrics.copying"),
    *("diagnosis.diagnose", "lesson.claim", "trials.moved"),
)


@pytest.mark.parametrize("name", MODULES)
def test_every_example_prints_what_it_says(name):
    failed, attempted = doctest.testmod(importlib.import_module(name), globs={})  # an example says what it imports
    assert attempted
    assert not failed  # doctest has printed which


@pytest.mark.parametrize("name", CALLED_FIRST)
def test_what_is_called_first_has_an_example(name):
    module, _, attribute = name.rpartition(".")
    item = getattr(importlib.import_module(f"aetutorial.{module}"), attribute)
    assert doctest.DocTestParser().get_examples(inspect.getdoc(item)), f"aetutorial.{name} has no example"
