"""lesson.begin, lesson.claim and lesson.record, and the quiet start. Studies: studies/test_study.py."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from sanitizing import compared, words
from sanitizing import outputs as shown

from aetutorial import lesson, runtime
from aetutorial.claims import record
from aetutorial.claims.claim import MARKS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("AETUTORIAL_SABOTAGE", "AETUTORIAL_CLAIM_LOG", "AETUTORIAL_STUDIES", "AETUTORIAL_HOLD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(runtime, "strict", True)
    record.open_lesson("A lesson", None)


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
    lesson.begin("Deeper: hybrids")
    assert capsys.readouterr().out.startswith("Deeper: hybrids. Keras ")


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
        ({"number": "A title", "notebook": "../secret"}, ValueError, "`notebook` must be a path below notebooks/"),
        ({"number": "A title", "notebook": "/deeper/01"}, ValueError, "`notebook`"),
        ({"number": "A title", "notebook": "01_concepts.ipynb"}, ValueError, "`notebook`"),
        ({"number": "A title", "notebook": 1}, ValueError, "`notebook` .* Received: 1"),
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
    ("value", "bound", "said"),
    [
        (1.0, {"above": 0.5}, "measured 1; must exceed 0.5"),
        (1.5798, {"above": 1.3}, "measured 1.58; must exceed 1.3"),
        (np.inf, {"above": 1}, "measured inf; must exceed 1"),  # a ratio without spread
        (-3, {"below": 0}, "measured -3; must stay below 0"),
        (-np.inf, {"below": 1e-9}, "measured -inf; must stay below 1e-09"),
        (0, {"between": (0, 1)}, "measured 0; must lie between 0 and 1"),
        (1, {"between": [0, 1]}, "measured 1; must lie between 0 and 1"),
        (0.25, {"between": (0.25, 0.25)}, "measured 0.250; must lie between 0.25 and 0.25"),
        (41_234, {"between": (20_000, 80_000)}, "measured 41,200; must lie between 20,000 and 80,000"),
        # Two or three digits would put the value on the bound or beyond it.
        (0.6996, {"below": 0.7}, "measured 0.6996; must stay below 0.7"),
        (np.nextafter(0.5, 1), {"above": 0.5}, "measured 0.5000000000000001; must exceed 0.5"),
        (np.nextafter(0, -1), {"below": 0}, "measured -4.94e-324; must stay below 0"),
        # A bound is never rounded.
        (1, {"above": 0.99999999}, "measured 1; must exceed 0.99999999"),
    ],
)
def test_a_claim_that_holds(capsys, value, bound, said):
    assert lesson.claim("This is so", value, **bound, fails_under="math") is None
    assert capsys.readouterr().out == f"✓ This is so ({said})\n"


@pytest.mark.parametrize(
    ("value", "bound", "said"),
    [
        (0.5, {"above": 0.5}, "measured 0.500; must exceed 0.5"),
        (0, {"below": 0}, "measured 0; must stay below 0"),
        (1 / 3, {"below": -1}, "measured 0.333; must stay below -1"),
        (0.7004, {"below": 0.7}, "measured 0.700; must stay below 0.7"),
        (0.49999, {"between": (0.5, 1)}, "measured 0.49999; must lie between 0.5 and 1"),
        (np.nextafter(1, 2), {"between": (0, 1)}, "measured 1.0000000000000002; must lie between 0 and 1"),
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
    assert str(caught.value).startswith(f"This is so ({said}")
    for advice in ("your change did this", "strict=False", "restart the kernel and run all cells", "report it"):
        assert advice in str(caught.value)
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
        ({"text": "."}, TypeError, "`text` must be a sentence"),
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
        ({"study": "No Study"}, ValueError, "`study` must be the name of a study, or several.* Received: 'No Study'"),
        ({"study": ("a", "../b")}, ValueError, "`study`"),
        ({"study": ("a", 3)}, ValueError, "`study`"),
        ({"study": ()}, ValueError, "`study` .* Received: \\(\\)"),
        ({"study": 3}, ValueError, "`study` .* Received: 3"),
        ({"name": "two words"}, ValueError, "`name` must be a name that Python allows"),
        ({"name": "class"}, ValueError, "`name`"),
        ({"name": 3}, ValueError, "`name`"),
    ],
)
def test_claim_refuses(changes, error, said):
    with pytest.raises(error, match=said):
        lesson.claim(**(GOOD | changes))


def test_fails_under_has_no_default():
    with pytest.raises(TypeError, match="fails_under"):
        lesson.claim("It is", 1.0, above=0)


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (np.e, 0, "3"),
        (np.e, 1, "2.7"),
        (np.e, 3, "2.718"),
        (1024, 0, "1,024"),
        (0.01532871, None, "0.0153"),
        (1.5, None, "1.50"),
        (103.4, None, "103"),
        (5418, None, "5,420"),
        (999.6, None, "1,000"),
        (0.000123456, None, "0.000123"),
        (999_400, None, "999,000"),
        (1234567, None, "1.23e+06"),
        (0.0000123456, None, "1.23e-05"),
        (7, None, "7"),
    ],
)
def test_the_value_is_shown_with_three_digits_or_the_decimals_asked_for(capsys, value, digits, shown):
    lesson.claim("e", value, above=0, fails_under="math", digits=digits)
    assert capsys.readouterr().out == f"✓ e (measured {shown}; must exceed 0)\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A sentence.", "A sentence"),
        (" no sentence ", "no sentence"),
        ("one\n  line", "one line"),
        ("and so on ...", "and so on ..."),
        ("Is it?", "Is it?"),
    ],
)
def test_a_text_reads_well_with_and_without_a_period(capsys, text, said):
    lesson.claim(text, 3, above=2, fails_under="math")
    assert capsys.readouterr().out == f"✓ {said} (measured 3; must exceed 2)\n"


@pytest.mark.parametrize("sabotage", runtime.SABOTAGES)
def test_under_sabotage_a_claim_fails_without_an_error(capsys, monkeypatch, sabotage):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", sabotage)
    lesson.claim("It is", 1, above=2, fails_under="math")
    assert capsys.readouterr().out == "✗ It is (measured 1; must exceed 2)\n"
    lesson.claim("It is", 3, above=2, fails_under="math")
    assert capsys.readouterr().out == "✓ It is (measured 3; must exceed 2)\n"


def test_without_strict_a_claim_fails_without_an_error(capsys, monkeypatch):
    monkeypatch.setattr(runtime, "strict", False)
    lesson.claim("It is", 1, above=2, fails_under="math")
    assert capsys.readouterr().out == "✗ It is (measured 1; must exceed 2)\n"


def test_begin_sets_strict_anew(monkeypatch):
    monkeypatch.setattr(runtime, "strict", True)
    lesson.begin(1, strict=False)
    assert runtime.strict is False
    lesson.begin(1)
    assert runtime.strict is True


def test_while_studies_are_run_a_claim_fails_without_an_error(capsys, monkeypatch):
    monkeypatch.setenv("AETUTORIAL_STUDIES", "run")
    lesson.claim("It is", 1, above=2, fails_under="math")
    assert capsys.readouterr().out == "✗ It is (measured 1; must exceed 2)\n"


def test_the_log_holds_every_outcome(tmp_path, monkeypatch):
    log = tmp_path / "claims.jsonl"
    monkeypatch.setenv("AETUTORIAL_CLAIM_LOG", str(log))
    lesson.claim("β is small.", np.float32(0.5), below=1, fails_under="no-training", study=["a_1", "b"], name="beta")
    with pytest.raises(lesson.ClaimError):
        lesson.claim("It is", np.nan, between=(0, 1), fails_under="math", study="c")
    first, second = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert first == {
        "text": "β is small",
        "value": "0.5",
        "expected": "must stay below 1",
        "fails_under": "no-training",
        "holds": True,
        "study": ["a_1", "b"],
        "name": "beta",
    }
    assert (second["value"], second["holds"], second["study"], second["name"]) == ("nan", False, ["c"], None)


# --- what a cell shows ---------------------------------------------------------------------------


HOSTILE = "a < b & c > d: <script>alert(1)</script>"


@pytest.mark.parametrize("text", ["PCA's error is 1.6 × the autoencoder's", HOSTILE])
@pytest.mark.parametrize("value", [1.58, 0.5])
def test_page_and_text_say_the_same(monkeypatch, text, value):
    monkeypatch.setattr(runtime, "strict", False)
    ((data, metadata),) = shown(lesson.claim, text, value, above=1.3, fails_under="math")
    mark = "✓" if value > 1.3 else "✗"
    assert data["text/plain"] == f"{mark} {text} (measured {value:#.3g}; must exceed 1.3)"
    assert words(data["text/html"]) == data["text/plain"]
    assert set(re.findall(r"<(\w+)", data["text/html"])) == {"div", "span"}
    assert (set(data), metadata) == ({"text/plain", "text/html"}, {})


def luminance(color: str) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("holds", "page"), [(h, p) for h in (True, False) for p in ("#ffffff", "#111111")])
def test_the_mark_is_seen_on_light_and_on_dark_pages(holds, page):
    light, dark = sorted((luminance(MARKS[holds][1]), luminance(page)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) > 4


def test_named_claims_and_records_carry_their_numbers_in_full():
    ((_, claimed),) = shown(lesson.claim, "It is", 1 / 3, above=0, fails_under="math", name="third")
    assert claimed == {"numbers": {"third": 1 / 3}}
    ((data, recorded),) = shown(lesson.record, pca=0.01532871, mean_image=np.float32(0.0670123))
    assert recorded == {"numbers": {"pca": 0.01532871, "mean_image": float(np.float32(0.0670123))}}
    assert data["text/plain"] == "Recorded: pca 0.0153, mean_image 0.0670"
    assert words(data["text/html"]) == ""
    assert "hidden" in data["text/html"]


@pytest.mark.parametrize("form", ["text/plain", "text/html"])
@pytest.mark.parametrize("bound", [{"above": -9.0}, {"below": 1e9}, {"between": (-9, 1e9)}])
def test_a_comparison_masks_the_value_and_not_the_bound(form, bound):
    def output(text, value, **bound):
        ((data, _),) = shown(lesson.claim, text, value, **bound, fails_under="math")
        return compared(data[form])

    first = output("It is 3.5 (or so)", 1.58, **bound)
    for other in (1.62, 12, 0, -3.7, 5418, 0.00001234, 1e7):
        assert output("It is 3.5 (or so)", other, **bound) == first
    assert output("It is 3.6 (or so)", 1.58, **bound) != first
    ((name, limit),) = bound.items()
    moved = (limit[0], limit[1] / 2) if name == "between" else limit - 1
    assert output("It is 3.5 (or so)", 1.58, **{name: moved}) != first


def test_a_comparison_masks_infinity_and_nan_and_sees_a_claim_fail(monkeypatch, capsys):
    monkeypatch.setattr(runtime, "strict", False)
    lines = []
    for value in (2.0, np.inf, np.nan, -np.inf, 0.5):
        lesson.claim("It is", value, above=1, fails_under="math")
        lines.append(compared(capsys.readouterr().out))
    assert lines[0] == lines[1] == "✓ It is (measured VALUE; must exceed 1)\n"
    assert lines[2] == lines[3] == lines[4] == "✗ It is (measured VALUE; must exceed 1)\n"


def test_a_comparison_masks_recorded_numbers_and_not_their_names():
    def outputs(**numbers):
        record.open_lesson("A lesson", None)
        ((data, _),) = shown(lesson.record, **numbers)
        return [compared(text) for text in data.values()]

    assert outputs(a=1, b=20_000) == outputs(a=1.002, b=2e-9)
    assert outputs(a=1, b=2) != outputs(a=1, c=2)
    assert compared("3 loss 0.25") == "3 loss 0.25"
    assert compared("It was Recorded: 3") == "It was Recorded: 3"


def test_in_a_kernel_outputs_keep_their_order_and_a_cell_may_run_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = [
        "from aetutorial import lesson\nvalue = 1",
        "for i in (1, 2):\n"
        "    print('before', i)\n"
        "    lesson.claim(f'claim {i}', i, above=0, fails_under='math', name=f'c{i}')\n"
        "print('after')",
        "lesson.record(a=value)",
        "value = 2",
        "lesson.record(a=value)",  # the same cell again: JupyterLab names it, here its source does
        "try:\n    lesson.record(a=3)\nexcept ValueError as error:\n    print(error)",
        "try:\n    lesson.record(b=1)\n    lesson.record(b=2)\nexcept ValueError as error:\n    print(error)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)
    _, loop, _, _, again, other, twice = [cell.outputs for cell in notebook.cells]
    said = [output.get("text") or output.data["text/plain"] + "\n" for output in loop]
    assert "".join(said) == (
        "before 1\n✓ claim 1 (measured 1; must exceed 0)\nbefore 2\n✓ claim 2 (measured 2; must exceed 0)\nafter\n"
    )
    numbers = {}
    for output in loop:
        numbers |= output.get("metadata", {}).get("numbers", {})
    assert numbers == {"c1": 1.0, "c2": 2.0}
    assert again[0].metadata.numbers == {"a": 2.0}
    assert other[0].text.startswith("`a` must be a name that is new in this lesson; it stands for 2. Received: 3")
    assert twice[-1].text.startswith("`b` must be a name that is new in this lesson; it stands for 1. Received: 2")


# --- record --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "error", "said"),
    [
        ({}, ValueError, "`numbers` must be at least one number"),
        ({"a": None}, TypeError, "`a` must be one measured number. Received: None"),
        ({"a": "1"}, TypeError, "`a` must be one measured number"),
        ({"a": True}, TypeError, "`a` must be one measured number"),
        ({"a": [1, 2]}, TypeError, "`a` must be one measured number"),
        ({"a": 1j}, TypeError, "`a` must be one measured number"),
        ({"a": np.nan}, ValueError, "`a` must be a finite number. Received: nan"),
        ({"a": np.inf}, ValueError, "`a` must be a finite number"),
        ({"two words": 1}, ValueError, "`numbers` must be a name that Python allows .* Received: 'two words'"),
        ({"lambda": 1}, ValueError, "`numbers` must be a name that Python allows"),
        ({"a": 1, "within": -1}, ValueError, "`within` must be a finite number of at least 0"),
        ({"a": 1, "within": "0.1"}, TypeError, "`within` must be a finite number"),
    ],
)
def test_record_refuses(capsys, numbers, error, said):
    with pytest.raises(error, match=said):
        lesson.record(**numbers)
    assert capsys.readouterr().out == ""


def test_a_name_belongs_to_one_value_of_the_lesson(monkeypatch):
    lesson.record(a=1, b=2)
    lesson.record(a=1)
    with pytest.raises(ValueError, match="`b` must be a name that is new in this lesson; it stands for 2"):
        lesson.record(c=1, b=3)
    lesson.record(c=2)  # nothing of what was refused is kept
    with pytest.raises(ValueError, match="`a` must be a name that is new"):
        lesson.claim("It is", 5, above=0, fails_under="math", name="a")
    for value in (7, 8):  # one line that runs again
        lesson.record(d=value)
    monkeypatch.setattr(runtime, "strict", False)
    lesson.record(b=3)
    record.open_lesson("Another lesson", None)
    monkeypatch.setattr(runtime, "strict", True)
    lesson.record(a=9)


def test_under_sabotage_what_is_no_number_stops_nothing(monkeypatch):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "no-training")
    ((data, metadata),) = shown(lesson.record, a=np.nan, b=1)
    assert (data["text/plain"], metadata) == ("Recorded: a nan, b 1", {"numbers": {"b": 1.0}})
    ((_, metadata),) = shown(lesson.claim, "It is", np.nan, above=0, fails_under="math", name="c")
    assert metadata == {}


# --- hold ----------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Hold what is recorded to the stored notebooks of lesson 3 and of deeper/03_more."""
    monkeypatch.setattr(runtime, "repository_root", lambda: tmp_path)
    monkeypatch.setenv("AETUTORIAL_HOLD", "1")
    for name, numbers in (("03_example", {"a": 2.0, "zero": 0.0}), ("deeper/03_more", {"a": -50.0})):
        outputs = [
            nbformat.v4.new_output("stream", text="3\n"),
            *(nbformat.v4.new_output("display_data", metadata={"numbers": {k: v}}) for k, v in numbers.items()),
        ]
        cells = [nbformat.v4.new_markdown_cell("Text."), nbformat.v4.new_code_cell("1", outputs=outputs)]
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    lesson.begin(3)
    return tmp_path / "notebooks"


def fails(**numbers) -> str:
    with pytest.raises(lesson.ClaimError) as caught:
        lesson.record(**numbers)
    return str(caught.value)


def test_a_recorded_number_is_held_to_the_stored_one(stored, monkeypatch):
    lesson.record(a=2.19, zero=1e-10)
    lesson.begin(3)
    lesson.record(a=1.81)
    lesson.begin(3)
    assert fails(a=2.21) == (
        "Lesson 3: The Keras example: the number 'a' is 2.21 now and was 2 when 03_example.ipynb was stored; the prose "
        "quotes it, and a difference of 10 % is allowed. `make notebooks` stores it anew."
    )
    assert "'zero' is 1e-08 now and was 0" in fails(zero=1e-8)
    assert "a difference of 1 % is allowed" in fails(a=2.03, within=0.01)
    lesson.record(a=2.9, within=0.5)
    assert "03_example.ipynb holds no number 'b'" in fails(b=1)
    lesson.begin(3)
    with pytest.raises(lesson.ClaimError, match="the number 'a' is 3 now and was 2"):
        lesson.claim("It is", 3, above=0, fails_under="math", name="a")
    lesson.claim("It is", 3, above=0, fails_under="math")
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "no-training")
    lesson.record(a=77)
    monkeypatch.delenv("AETUTORIAL_SABOTAGE")
    for value in ("0", ""):
        lesson.begin(3)
        monkeypatch.setenv("AETUTORIAL_HOLD", value)
        lesson.record(a=77, b=1)


@pytest.mark.parametrize("begin", [{"number": "deeper/03_more"}, {"number": "A title", "notebook": "deeper/03_more"}])
def test_a_deeper_notebook_is_held_to_its_own_numbers(stored, begin):
    lesson.begin(**begin)
    lesson.record(a=-52)
    lesson.begin(**begin)
    assert "the number 'a' is 52 now and was -50" in fails(a=52)


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ({"number": 4}, "Lesson 4: .* held to notebooks/04_\\*.ipynb; 0 notebooks are found"),
        ({"number": "A title"}, "A title: .* `lesson.begin` names none"),
        ({"number": "Either/or: a title"}, "`lesson.begin` names none"),
        ({"number": "A title", "notebook": "missing"}, "held to notebooks/missing.ipynb; 0 notebooks"),
    ],
)
def test_without_a_stored_notebook_a_hold_is_an_error(stored, begin, said):
    lesson.begin(**begin)
    assert re.search(said, fails(a=2))


def test_two_notebooks_of_one_number_are_an_error(stored):
    (stored / "03_other.ipynb").write_text("{}")
    assert "2 notebooks are found" in fails(a=2)
