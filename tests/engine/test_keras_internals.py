"""Private names of Keras: in one module, and checked with the Keras that is installed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import aetutorial
from aetutorial.engine import keras_internals

PACKAGE = Path(aetutorial.__file__).parent
HOME = Path(keras_internals.__file__)
OTHERS = sorted(path for path in PACKAGE.rglob("*.py") if path != HOME)
# Names of Keras that are not documented and look as if they were.
UNDOCUMENTED = {"monitor_op", "min_delta", "save_freq", "sep", "distribute_strategy", "compiled"}
NOT_KERAS = {"_mmap", "_fields", "_replace", "_asdict"}  # NumPy's, and the standard library's


def private(source: str) -> set[str]:
    """Return the names in a module by which it may reach behind the public face of Keras."""
    names = {"keras.src"} if "keras.src" in source else set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            hidden = node.attr.startswith("_") and not node.attr.endswith("__") and node.attr not in NOT_KERAS
            if (hidden and not own) or node.attr in UNDOCUMENTED:
                names.add(node.attr)
        elif isinstance(node, ast.Constant) and node.value in {"_model", "_is_default", "monitor_op", "save_freq"}:
            names.add(node.value)
    return names


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_other_modules_use_no_private_name_of_keras(path):
    assert private(path.read_text(encoding="utf-8")) == set()


def test_the_search_sees_the_names_where_they_are_used():
    names = {"keras.src", "_symbolic_build", "_is_default", "_model", "monitor_op", "save_freq", "distribute_strategy"}
    assert names <= private(HOME.read_text(encoding="utf-8"))


def test_the_names_were_checked_with_the_keras_that_is_installed():
    import keras

    assert keras.__version__ == keras_internals.CHECKED_WITH


@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop"])
def test_the_base_of_optimizers_holds_what_they_share(name):
    import keras

    base, optimizer = keras_internals.optimizer_base(), getattr(keras.optimizers, name)
    assert issubclass(optimizer, base)
    assert optimizer.apply is base.apply


def test_the_variable_behind_one_of_keras_is_the_same_object_each_time():
    import keras
    import tensorflow as tf

    variable = keras.Variable([1.0, 2.0])
    behind = keras_internals.tf_variable(variable)
    assert isinstance(behind, tf.Variable)
    assert keras_internals.tf_variable(variable) is behind
    behind.assign([3.0, 4.0])
    assert variable.numpy().tolist() == [3.0, 4.0]


@pytest.mark.parametrize("names", ["training", "training, lesson", "training, estimator"])
def test_tensorflow_and_keras_are_imported_when_they_are_needed(names):
    code = f"import sys; from aetutorial import {names}; print({{'keras', 'tensorflow'}} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert said.stdout.strip() == "set()"


def test_all_that_fit_may_raise_can_be_imported_beside_it():
    from aetutorial.training import CheckpointError, DivergenceError, clear_programs, epoch_order, fit

    assert issubclass(CheckpointError, ValueError)
    assert issubclass(DivergenceError, ArithmeticError)
    assert all(map(callable, (clear_programs, epoch_order, fit)))
