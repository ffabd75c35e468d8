"""lesson.begin and lesson.claim, and the quiet start. Studies: studies/test_study.py."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aetutorial import lesson, runtime

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("AETUTORIAL_SABOTAGE", "AETUTORIAL_CLAIM_LOG", "AETUTORIAL_STUDIES"):
        monkeypatch.delenv(name, raising=False)


def in_a_fresh_python(code: str, *path: Path, **variables: str) -> subprocess.CompletedProcess:
    removed = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND")
    environment = {k: v for k, v in os.environ.items() if k not in removed}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [*path, ROOT]))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment | variables)


# --- begin ---------------------------------------------------------------------------------------


def test_begin_is_quiet():
    done = in_a_fresh_python("from aetutorial import lesson; lesson.begin(1)")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("Lesson 1: Concepts. Keras 3.")
    assert line.endswith(", seed 0.")


def test_the_kernels_are_the_same_on_every_processor_unless_the_learner_says_otherwise():
    code = "from aetutorial import lesson; lesson.begin(1); import os; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    assert in_a_fresh_python(code).stdout.splitlines()[-1] == "1"
    assert in_a_fresh_python(code, TF_ENABLE_ONEDNN_OPTS="0").stdout.splitlines()[-1] == "0"


def test_a_failing_import_shows_what_it_printed(tmp_path):
    for name in ("keras", "tensorflow"):
        (tmp_path / f"{name}.py").write_text(
            "import os; os.write(2, b'libsomething.so is missing\\n'); raise ImportError('broken')"
        )
    done = in_a_fresh_python("from aetutorial import lesson; lesson.begin(1)", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("libsomething.so is missing\nTraceback")
    assert done.stderr.endswith("ImportError: broken\n")


def test_another_backend_of_keras_is_refused(monkeypatch):
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ImportError, match=r"Keras must run on TensorFlow in this course\. Received: the backend jax\."):
        lesson.begin(1)


def draws() -> list[float]:
    import keras
    import tensorflow as tf

    return [
        random.random(),
        np.random.random(),  # noqa: NPY002
        float(tf.random.uniform(())),
        float(keras.random.uniform(())),
    ]


def test_begin_seeds_every_generator(capsys):
    lesson.begin(3)
    first = draws()
    lesson.begin(3)
    assert draws() == first
    lesson.begin(3, seed=1)
    assert all(a != b for a, b in zip(draws(), first, strict=True))
    assert [line.split("seed ")[1] for line in capsys.readouterr().out.splitlines()] == ["0.", "0.", "1."]


def test_begin_sets_the_plot_style():
    import matplotlib.pyplot as plt

    plt.style.use("default")
    lesson.begin(0)
    assert plt.rcParams["image.cmap"] == "gray_r"
    assert plt.rcParams["legend.frameon"] is False


def test_every_lesson_has_its_title(capsys):
    for number, title in enumerate(lesson.TITLES):
        lesson.begin(number)
        assert capsys.readouterr().out.startswith(f"Lesson {number}: {title}. Keras ")
    assert len(lesson.TITLES) == 13
    lesson.begin("Optional: hybrids")
    assert capsys.readouterr().out.startswith("Optional: hybrids. Keras ")


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"number": 13}, ValueError, "`number` must be an integer of at least 0 and at most 12"),
        ({"number": -1}, ValueError, "`number` .* Received: -1"),
        ({"number": ""}, TypeError, "`number` must be an integer"),
        ({"number": "1"}, TypeError, "`number` .* Received: '1'"),
        ({"number": 1, "seed": -1}, ValueError, "`seed` must be an integer of at least 0"),
        ({"number": 1, "seed": 2**32}, ValueError, "`seed`"),
        ({"number": 1, "seed": 0.0}, TypeError, "`seed`"),
    ],
)
def test_begin_refuses(arguments, error, said):
    with pytest.raises(error, match=said):
        lesson.begin(**arguments)


def train_by_fit(model, optimizer, x, jit_compile):
    model.compile(optimizer, loss="mse", jit_compile=jit_compile)
    model.fit(x, x, epochs=3, batch_size=len(x), verbose=0)


def train_by_hand(model, optimizer, x, compiled):
    import tensorflow as tf

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - x) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        if compiled:
            optimizer.apply(gradients, model.trainable_variables)
        else:
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    if compiled:
        step = tf.function(step)
    for _ in range(3):
        step()


@pytest.mark.parametrize("sabotage", ["no-training", ""])
def test_the_sabotage_no_training_leaves_the_weights_alone(monkeypatch, sabotage):
    import keras
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    monkeypatch.setattr(BaseOptimizer, "apply", BaseOptimizer.apply)  # put back after the test
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", sabotage)
    lesson.begin(1)
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    for optimizer, train, how in (
        (keras.optimizers.SGD(0.1), train_by_fit, False),
        (keras.optimizers.Adam(0.1), train_by_fit, False),
        (keras.optimizers.SGD(0.1), train_by_fit, True),
        (keras.optimizers.Adam(0.1), train_by_hand, False),
        (keras.optimizers.Adam(0.1), train_by_hand, True),
    ):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
        before = model.get_weights()
        train(model, optimizer, x, how)
        pairs = zip(before, model.get_weights(), strict=True)
        assert all((a == b).all() for a, b in pairs) == bool(sabotage)
        assert int(optimizer.iterations) == 3  # the loop itself goes on


def test_an_unknown_sabotage_is_refused(monkeypatch):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "sleep")
    with pytest.raises(ValueError, match="`AETUTORIAL_SABOTAGE` must be one of 'no-training'"):
        runtime.sabotage()


def test_the_root_holds_the_package():
    assert (runtime.repository_root() / "aetutorial" / "lesson.py").is_file()


# --- the quiet start -----------------------------------------------------------------------------


def test_quiet_stderr_swallows_what_a_good_block_writes(capfd):
    with runtime.quiet_stderr():
        os.write(2, b"noise\n")
        print("seen")
    os.write(2, b"after\n")
    assert capfd.readouterr() == ("seen\n", "after\n")


def test_quiet_stderr_replays_what_a_failing_block_wrote(capfd):
    def fail():
        with runtime.quiet_stderr():
            os.write(2, b"the reason\n")
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "the reason\nafter\n"


def test_quiet_stderr_does_without_a_descriptor(monkeypatch):
    def no_descriptor(number):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "dup", no_descriptor)
    with runtime.quiet_stderr():
        ran = True
    assert ran


# --- claim ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "bound", "expected"),
    [
        (1.0, {"above": 0.5}, "above 0.5"),
        (np.nextafter(0.5, 1), {"above": 0.5}, "above 0.5"),
        (np.inf, {"above": 1}, "above 1"),  # a ratio without spread
        (-3, {"below": 0}, "below 0"),
        (np.nextafter(0, -1), {"below": 0}, "below 0"),
        (-np.inf, {"below": 1e-9}, "below 1e-09"),
        (0, {"between": (0, 1)}, "between 0 and 1"),
        (1, {"between": [0, 1]}, "between 0 and 1"),
        (0.25, {"between": (0.25, 0.25)}, "between 0.25 and 0.25"),
    ],
)
def test_a_claim_that_holds(capsys, value, bound, expected):
    assert lesson.claim("This is so", value, **bound, fails_under="math") is None
    assert capsys.readouterr().out == f"Claim holds: This is so (expected {expected})\n"


@pytest.mark.parametrize(
    ("value", "bound", "said"),
    [
        (0.5, {"above": 0.5}, "This is so: measured 0.5, expected above 0.5. "),
        (0, {"below": 0}, "This is so: measured 0, expected below 0. "),
        (1 / 3, {"below": -1}, "measured 0.333333, expected below -1"),
        (np.nextafter(1, 2), {"between": (0, 1)}, "expected between 0 and 1"),
        (np.nextafter(0, -1), {"between": (0, 1)}, "expected between 0 and 1"),
        (np.inf, {"between": (0, 1)}, "measured inf"),
        (np.inf, {"below": 1}, "measured inf"),
        (np.nan, {"above": 0}, "measured nan"),
        (np.nan, {"below": 0}, "measured nan"),
        (np.nan, {"between": (0, 1)}, "measured nan"),
    ],
)
def test_a_claim_that_does_not_hold(capsys, value, bound, said):
    with pytest.raises(lesson.ClaimError) as caught:
        lesson.claim("This is so", value, **bound, fails_under="math")
    assert said in str(caught.value)
    assert "If you changed the lesson" in str(caught.value)
    assert capsys.readouterr().out == ""


def test_values_that_are_one_number():
    import tensorflow as tf

    for value in (
        1,
        np.float32(1),
        np.int64(1),
        np.array(1.0),
        np.array([[1]]),
        [1],
        tf.constant(1.0),
        tf.Variable([1]),
        True,
        np.bool_(True),
    ):
        lesson.claim("It is one", value, between=(1, 1), fails_under="math")
    with pytest.raises(lesson.ClaimError):
        lesson.claim("It is true", False, above=0, fails_under="math")


@pytest.mark.parametrize("value", [None, "1", [1, 2], [], [1, [2]], np.ones(2), 1j, np.array([]), object(), {}])
def test_values_that_are_not_one_number(value):
    with pytest.raises(TypeError, match="`value` must be one measured number"):
        lesson.claim("It is", value, above=0, fails_under="math")


GOOD = {"text": "It is", "value": 1.0, "above": 0.0, "fails_under": "math"}


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"text": " "}, TypeError, "`text` must be a sentence. Received: ' ' \\(str\\)"),
        ({"text": 3}, TypeError, "`text` must be a sentence"),
        ({"fails_under": "nothing"}, ValueError, "`fails_under` must be one of 'no-training', .*'math'"),
        ({"above": None}, ValueError, "exactly one of .* Received: none of them"),
        ({"below": 2}, ValueError, "exactly one of .* Received: above and below"),
        ({"between": (0, 2)}, ValueError, "Received: above and between"),
        ({"above": np.nan}, ValueError, "`above` must be a finite number. Received: nan"),
        ({"above": "0"}, TypeError, "`above` must be a finite number. Received: '0'"),
        ({"above": None, "below": np.inf}, ValueError, "`below` must be a finite"),
        ({"above": None, "below": True}, TypeError, "`below` must be a finite"),
        ({"above": None, "between": (2, 1)}, ValueError, "`between` must be .* smaller first"),
        ({"above": None, "between": (0, np.nan)}, ValueError, "`between` must be a finite"),
        ({"above": None, "between": ("a", "b")}, TypeError, "`between` must be a finite"),
        ({"above": None, "between": 3}, ValueError, "`between` must be two numbers"),
        ({"above": None, "between": "ab"}, ValueError, "`between` must be two numbers"),
        ({"above": None, "between": (1, 2, 3)}, ValueError, "`between` must be two numbers"),
        ({"digits": -1}, ValueError, "`digits` must be an integer of at least 0"),
        ({"digits": "2"}, TypeError, "`digits` must be an integer"),
    ],
)
def test_claim_refuses(changes, error, said):
    with pytest.raises(error, match=said):
        lesson.claim(**(GOOD | changes))


def test_fails_under_has_no_default():
    with pytest.raises(TypeError, match="fails_under"):
        lesson.claim("It is", 1.0, above=0)


@pytest.mark.parametrize(("digits", "shown"), [(0, "3"), (1, "2.7"), (3, "2.718")])
def test_digits_are_printed_on_request(capsys, digits, shown):
    lesson.claim("e", np.e, above=2, fails_under="math", digits=digits)
    assert capsys.readouterr().out == f"Claim holds: e (expected above 2; measured {shown})\n"


def test_a_long_claim_is_wrapped_at_words(capsys):
    text = " ".join(["held-out", "error"] * 14)
    lesson.claim(text, 3, above=2, fails_under="math")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= 88
    assert all(line.startswith("    ") for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == f"Claim holds: {text} (expected above 2)"


@pytest.mark.parametrize("sabotage", runtime.SABOTAGES)
def test_under_sabotage_a_claim_fails_without_an_error(capsys, monkeypatch, sabotage):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", sabotage)
    lesson.claim("It is", 1, above=2, fails_under="math")
    expected = f"Claim fails under {sabotage}: It is (expected above 2; measured 1)\n"
    assert capsys.readouterr().out == expected
    lesson.claim("It is", 3, above=2, fails_under="math")
    assert capsys.readouterr().out == "Claim holds: It is (expected above 2)\n"


def test_without_strict_a_claim_fails_without_an_error(capsys, monkeypatch):
    monkeypatch.setattr(runtime, "strict", False)
    lesson.claim("It is", 1, above=2, fails_under="math")
    assert capsys.readouterr().out == "Claim fails: It is (expected above 2; measured 1)\n"


def test_begin_sets_strict_anew(monkeypatch):
    monkeypatch.setattr(runtime, "strict", True)
    lesson.begin(1, strict=False)
    assert runtime.strict is False
    lesson.begin(1)
    assert runtime.strict is True


def test_while_studies_are_run_a_claim_fails_without_an_error(capsys, monkeypatch):
    monkeypatch.setenv("AETUTORIAL_STUDIES", "run")
    lesson.claim("It is", 1, above=2, fails_under="math")
    assert capsys.readouterr().out == "Claim fails: It is (expected above 2; measured 1)\n"


def test_the_log_holds_every_outcome(tmp_path, monkeypatch):
    log = tmp_path / "claims.jsonl"
    monkeypatch.setenv("AETUTORIAL_CLAIM_LOG", str(log))
    lesson.claim("β is small", np.float32(0.5), below=1, fails_under="no-training")
    with pytest.raises(lesson.ClaimError):
        lesson.claim("It is", np.nan, between=(0, 1), fails_under="math")
    first, second = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert first == {
        "text": "β is small",
        "value": "0.5",
        "expected": "below 1",
        "fails_under": "no-training",
        "holds": True,
    }
    assert (second["value"], second["holds"]) == ("nan", False)
