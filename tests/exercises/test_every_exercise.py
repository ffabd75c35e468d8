"""Every exercise: right answers pass, the stub is not attempted, a wrong answer is told its own mistake."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
import io
import itertools
import pkgutil
import re
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from exercise_cases import CASES, Made, backward_with, delta, delta_by_tape, model_of, tied_by_tape
from exercise_helpers import Hostile
from markdown_it import MarkdownIt
from scipy.integrate import quad
from scipy.stats import norm

from aetutorial import exercises
from aetutorial.exercises import Exercise, Wrong, back_propagation, call, lesson01, lesson03

pytestmark = pytest.mark.usefixtures("strict")
TEXTS = Path(__file__).parents[2] / "notebooks" / "text"
DEEPER = TEXTS.parent / "deeper" / "text"  # exercises that a lesson leaves to its companion
WIDTH = 88
LESSONS = [info.name for info in pkgutil.iter_modules(exercises.__path__) if info.name.startswith("lesson")]
EXERCISES = {
    f"{lesson}.{name}": value
    for lesson in LESSONS
    for name, value in vars(importlib.import_module(f"aetutorial.exercises.{lesson}")).items()
    if isinstance(value, Exercise)
}
SOURCES = sorted({Path(inspect.getfile(exercise._check)) for exercise in EXERCISES.values()})
every_exercise = pytest.mark.parametrize("key", EXERCISES)
every_source = pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])


@pytest.fixture(scope="module", autouse=True)
def _tensorflow():
    """Import it before any answer is timed."""
    import keras
    import tensorflow as tf

    assert keras.backend.backend() == "tensorflow"
    tf.get_logger().setLevel("ERROR")


def printed(function, *args) -> str:
    """Return what a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function(*args)
    return out.getvalue()


def asked(key: str) -> tuple[str, str] | None:
    """Return name and parameters of the function that the prompt asks for, if it asks for one."""
    functions = re.findall(r"^    def (\w+)\((.*)\):?$", printed(EXERCISES[key].prompt), re.MULTILINE)
    return functions[0] if functions else None


FUNCTIONS = [key for key in EXERCISES if asked(key)]


@functools.cache
def reference(key: str):
    return EXERCISES[key].reference()


@functools.cache
def refusals(key: str) -> list[tuple[str, set[int]]]:
    """Return, for each wrong answer, the sentence of its refusal and the lines it was raised from."""
    path = str(source_of(key))
    told = []
    for _, answer in CASES[key].wrong:
        with pytest.raises(Wrong) as caught:
            EXERCISES[key]._check(made(answer))
        frames = traceback.walk_tb(caught.value.__traceback__)
        lines = {line for frame, line in frames if frame.f_code.co_filename == path}
        told.append((str(caught.value), lines))
    return told


def made(answer):
    return answer.make() if isinstance(answer, Made) else answer


def source_of(key: str) -> Path:
    """Return the file of an exercise's check, which need not be that of its lesson."""
    return Path(inspect.getfile(EXERCISES[key]._check))


# --- right answers, wrong answers and the stub -----------------------------------------------------


def test_exercises_are_found_and_carry_the_name_of_their_variable():
    assert LESSONS[:4] == ["lesson00", "lesson01", "lesson02", "lesson03"]
    assert len(EXERCISES) >= 16
    assert [key.split(".")[1] for key in EXERCISES] == [e.name for e in EXERCISES.values()]


@every_exercise
def test_the_reference_and_other_right_answers_are_correct(key):
    assert CASES[key].right, "give at least one right answer that differs from the reference"
    for answer in [reference(key), *map(made, CASES[key].right)]:
        text = printed(EXERCISES[key].check, answer)
        assert text.startswith("✓ Correct. ")
        assert EXERCISES[key].outcome == "correct"


@every_exercise
def test_each_wrong_answer_is_told_its_own_mistake(key):
    sentences = [sentence for sentence, _ in refusals(key)]
    assert len(sentences) >= 3
    assert len(set(sentences)) == len(sentences)
    for (word, _), sentence in zip(CASES[key].wrong, sentences, strict=True):
        assert word in sentence
        assert "!" not in sentence


@every_source
def test_each_refusal_of_a_check_is_reached(source):
    """Every line that refuses, and every sentence that waits in a table of mistakes."""
    told = [item for key in EXERCISES if source_of(key) == source for item in refusals(key)]
    said, reached = [text for text, _ in told], set().union(*(lines for _, lines in told))
    tree = ast.parse(source.read_text(encoding="utf-8"))
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for node in (node for check in checks for node in ast.walk(check)):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="Wrong"))):
                lines = set(range(node.lineno, node.end_lineno + 1))
                assert lines & reached, f"no answer leads to line {node.lineno} of {source.name}"
            case ast.Tuple(elts=[_, ast.Constant(value=str(sentence))]) if " " in sentence:  # no name of a parameter
                assert any(sentence in text for text in said), f"no answer is told: {sentence}"


@every_exercise
def test_the_stub_of_the_notebook_is_not_attempted(key):
    lesson = key.split(".")[0]
    texts = [*TEXTS.glob(f"{lesson[-2:]}_*.py"), *DEEPER.glob(f"{lesson[-2:]}_*.py")]
    (cells,) = [text.split("# %%") for path in texts if f"{key}.check(" in (text := path.read_text(encoding="utf-8"))]
    (shown,) = [i for i, cell in enumerate(cells) if f"{key}.prompt()" in cell]
    (stub,) = [i for i, cell in enumerate(cells) if f"{key}.check(" in cell]
    assert stub == shown + 1
    source = cells[stub].split("\n", 1)[1]
    module = importlib.import_module(f"aetutorial.exercises.{lesson}")
    said = printed(exec, compile(source, "stub", "exec"), {lesson: module})
    assert said == f"○ Not attempted yet. For help: {key}.hint()\n"
    assert EXERCISES[key].outcome == "not attempted"
    first, *_, last = ast.parse(source).body
    if asked(key):
        assert (first.name, ast.unparse(first.args)) == asked(key)
        assert ast.unparse(last) == f"{key}.check({first.name})"
    else:
        target, value = ast.unparse(first).split(" = ")
        assert (value, ast.unparse(last)) == ("None", f"{key}.check({target})")


@pytest.mark.parametrize("answer", [None, ...])
@every_exercise
def test_no_answer_is_not_attempted(key, answer):
    assert printed(EXERCISES[key].check, answer) == f"○ Not attempted yet. For help: {key}.hint()\n"


def test_an_answer_filled_in_by_half_is_not_attempted():
    half = ["overfitting", None, None]
    assert EXERCISES["lesson03.diagnose"].judge(half)[0] == "not attempted"
    report = lambda *args: reference("lesson03.report")(*args) | {"model": None}  # noqa: E731
    assert EXERCISES["lesson03.report"].judge(report)[0] == "not attempted"


# --- wild answers ----------------------------------------------------------------------------------


def fails(*args):
    raise ValueError("by the learner")


WILD = {
    "text": "wild",
    "NaN": float("nan"),
    "infinite": float("inf"),
    "true": True,
    "complex": 1j,
    "too long": 10**400,
    "empty list": [],
    "empty dict": {},
    "dict": {"mean": "wild", "PCA": [], "model": float("nan")},
    "ragged": [[1], [2, 3]],
    "array": np.zeros((2, 2)),
    "NaN array": np.full((6,), np.nan),
    "dates": np.array(["2020-01-01"], "datetime64[D]"),
    "object": object(),
    "hostile": Hostile(),
    "class": int,
    "no parameters": lambda: 1,
    "many parameters": lambda a, b, c, d, e, f: 1,
    "raises": fails,
    "yields": lambda *args: (value for value in args),
    "exits": lambda *args: sys.exit(),
}


TRAINING = {"lesson01.stranger"}  # its function trains models, seconds each time, and no check changes one
trained = {}


def remembered(key, *args):
    """Return what the reference answers; what it has trained before from the same arrays, it need not train again."""
    if key not in TRAINING:
        return reference(key)(*args)
    arguments = key, *(np.asarray(value).tobytes() for value in args)
    if arguments not in trained:
        trained[arguments] = reference(key)(*args)
    return trained[arguments]


TAME = {("lesson02.convergence", "true")}  # a test of convergence may well return True
GOING_WILD = sorted({(key, wild) for key in FUNCTIONS for wild in WILD} - TAME)


def assert_sentence(key, text):
    """The answer is refused, in one short sentence after the verdict."""
    quiet = f"For help: {key}.hint()\n"
    assert text.startswith("✗ Not yet. ") or (text.startswith("○ Not attempted yet. ") and text.endswith(quiet))
    assert text.removesuffix(quiet).rstrip().endswith((".", "?"))
    assert len(text) < 600
    assert max(map(len, text.splitlines())) <= WIDTH
    assert EXERCISES[key].outcome != "correct"


@pytest.mark.parametrize("wild", WILD)
@every_exercise
def test_wild_answers_get_a_sentence(key, wild):
    assert_sentence(key, printed(EXERCISES[key].check, WILD[wild]))


@pytest.mark.parametrize(("key", "wild"), GOING_WILD)
def test_functions_that_return_wild_things_get_a_sentence(key, wild):
    """At the first call, or at a later one, after right results."""
    for good in itertools.count():
        results = []

        def goes_wild(*args, good=good, results=results):
            results.append(remembered(key, *args) if len(results) < good else WILD[wild])
            return results[-1]

        text = printed(EXERCISES[key].check, goes_wild)
        if len(results) <= good:  # the check needs no more calls than that
            assert text.startswith("✓ Correct. ")
            break
        assert_sentence(key, text)


@pytest.mark.parametrize("key", FUNCTIONS)
def test_a_function_of_other_parameters_is_told_those_of_the_prompt(key):
    _, sentence = EXERCISES[key].judge(lambda: 1)
    assert f"must take ({asked(key)[1]})" in sentence


def test_a_loop_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setitem(call.__kwdefaults__, "seconds", 0.2)

    def endless(z_query, z_bank):
        while True:
            pass

    text = printed(EXERCISES["lesson01.nearest"].check, endless)
    assert_sentence("lesson01.nearest", text)
    assert "loop that never" in text


# --- the texts -------------------------------------------------------------------------------------


@every_exercise
def test_texts_are_narrow_calm_and_give_the_solution_last(key):
    exercise = EXERCISES[key]
    hints = [printed(exercise.hint, i + 1) for i in range(len(exercise.hints))]
    assert len(hints) >= 2
    for text in (printed(exercise.prompt), *hints, printed(exercise.solution)):
        assert max(map(len, text.splitlines())) <= WIDTH
        assert "!" not in text
    lines = [line.split("answer = ")[-1].split("return ")[-1] for line in exercise.source.split("\n")]
    result = re.sub(r"\s", "", [line for line in lines if line][-1])  # what the solution comes to
    assert not any(result in re.sub(r"\s", "", hint) for hint in hints)


FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MATH = re.compile(r"\$[^$\n]+\$")
NAME = re.compile(r"\w_\w|\w\(\w|\w\[\w|\*\*|\w\.\w+\(")  # what looks like code


@every_exercise
def test_markdown_says_what_was_written(key, bundles):
    """No emphasis, heading, list or tag that nobody meant; and what is code looks like code."""
    exercise = EXERCISES[key]
    exercise.prompt()
    for number in range(len(exercise.hints)):
        exercise.hint(number + 1)
    exercise.solution()
    for place, bundle in enumerate(bundles):
        source = bundle["text/markdown"]
        tokens = MarkdownIt().enable("table").parse(MATH.sub("MATH", source))
        inline = [child for token in tokens if token.type == "inline" for child in token.children]
        kinds = [token.type for token in (*tokens, *inline)]
        assert not {"html_block", "html_inline", "code_block", "table_open", "link_open", "hr"} & set(kinds)
        assert kinds.count("heading_open") == (place == 0)
        assert kinds.count("list_item_open") == len(re.findall(r"^(?:- |\d\. )", FENCED.sub("", source), re.MULTILINE))
        bold = [inline[i + 1].content for i, token in enumerate(inline) if token.type == "strong_open"]
        assert bold == ([f"Hint {place} of {len(exercise.hints)}."] if 0 < place < len(bundles) - 1 else [])
        assert "em_open" not in kinds
        prose = " ".join(token.content for token in inline if token.type == "text")
        assert not NAME.search(prose), f"names of code without backticks: {prose}"
        assert "$" not in prose


# --- the numbers in the checks ---------------------------------------------------------------------


def outside(low: float, high: float) -> float:
    """Integrate the squared distance of a standard normal number to an interval."""
    left = quad(lambda t: (t - low) ** 2 * norm.pdf(t), -np.inf, low)[0]
    return left + quad(lambda t: (t - high) ** 2 * norm.pdf(t), high, np.inf)[0]


def test_floors_of_lesson_3():
    draws = np.random.default_rng(1).standard_normal(400_000)
    floor = lesson03._TANH_FLOOR
    assert floor == pytest.approx(outside(-1, 1), abs=1e-6)
    assert floor == pytest.approx(np.mean((draws - np.clip(draws, -1, 1)) ** 2), abs=0.003)
    for wrong, word in ((outside(0, 1), "sigmoid"), (2 * norm.sf(1), "share")):
        assert word in EXERCISES["lesson03.tanh_floor"].judge(wrong)[1]
    praise = EXERCISES["lesson03.tanh_floor"].judge(outside(-1, 1))[1]
    assert re.findall(r"0\.\d+", praise) == [f"{outside(0, 1):.3f}", f"{outside(-1, 1):.3f}"]


def test_pca_errors_of_lesson_1():
    """Against scikit-learn on the pixels as the lesson has them; no rounding decides the answer."""
    from sklearn.decomposition import PCA

    from aetutorial import data

    mnist = data.load("mnist")
    x_train, x_test = mnist.x_train.reshape(-1, 784), mnist.x_test.reshape(-1, 784)
    right = reference("lesson01.components")
    errors = {}
    for n in (30, right - 1, right):
        pca = PCA(n).fit(x_train)
        errors[n] = np.mean((x_test - pca.inverse_transform(pca.transform(x_test)).clip(0, 1)) ** 2)
        assert lesson01._pca_error(n) == pytest.approx(errors[n], rel=1e-4)
    assert errors[right] < 0.01 * (1 - 1e-3)
    assert errors[right - 1] > 0.01 * (1 + 1e-3)


def test_gradients_of_lesson_2():
    rng = np.random.default_rng(2)
    x, x_hat, weights = *rng.uniform(0.1, 0.9, size=(2, 6, 3)), rng.uniform(size=3)
    by_tape = delta_by_tape(x, x_hat, weights).numpy()
    given = reference("lesson02.output_delta")(x, x_hat, weights)
    np.testing.assert_allclose(given, by_tape, rtol=1e-9)
    np.testing.assert_allclose(delta(x, x_hat, weights), by_tape, rtol=1e-9)
    arguments = rng.normal(size=(2, 3)), rng.normal(size=2), rng.normal(size=3), x
    given = reference("lesson02.tied")(*arguments)
    np.testing.assert_allclose(given, tied_by_tape(*arguments).numpy(), rtol=1e-9)


@np.errstate(over="ignore")  # the weights of the faulty one grow until exp overflows
def test_what_lesson_2_says_of_a_faulty_gradient_and_of_pca_is_so():
    """The shown function trains to a loss of about 4; the errors that the checks quote are those of the data."""
    from sklearn.decomposition import PCA

    from aetutorial import data

    digits = data.load("digits")
    x_train, x_test = (x.reshape(-1, 64).astype(float) for x in (digits.x_train, digits.x_test))
    rng = np.random.default_rng(0)
    bound = np.sqrt(6 / 80)
    shapes = {"W_e": (16, 64), "b_e": (16,), "W_d": (64, 16), "b_d": (64,)}
    p = {name: rng.uniform(-bound, bound, shape) * (len(shape) > 1) for name, shape in shapes.items()}
    losses = [back_propagation._loss(p, x_train)]
    shown = backward_with(slope="sigmoid", bias="mean")
    for _ in range(100):
        order = rng.permutation(len(x_train))
        for start in range(0, len(order), 32):
            g = shown(p, x_train[order[start : start + 32]])
            p = {name: value - 0.5 * g[name] for name, value in p.items()}
        losses.append(back_propagation._loss(p, x_train))
    assert losses[0] == pytest.approx(12, abs=0.7)
    assert losses[-1] == pytest.approx(4, abs=1.5)
    pca = PCA(16).fit(x_train)
    clipped = pca.inverse_transform(pca.transform(x_test)).clip(0, 1)
    assert ((x_test - clipped) ** 2).sum(axis=1).mean() == pytest.approx(0.667, abs=5e-4)
    assert ((x_test - x_train.mean(axis=0)) ** 2).sum(axis=1).mean() == pytest.approx(4.66, abs=5e-3)


def test_beat_it_measures_the_model_and_counts_the_numbers_of_a_layer():
    import keras

    beat_it = EXERCISES["lesson03.beat_it"]
    for size in (32, 20):  # an orthogonal projection leaves the variance of the other directions
        error = float(re.search(r"mse is (\d\.\d+)", beat_it.judge(model_of(size).make())[1])[1])
        assert error == pytest.approx(1 - size / 100, abs=0.005)
    shapes = [keras.layers.Reshape(shape) for shape in ((100, 1), (100,))]
    copier = keras.Sequential([keras.Input((100,)), *shapes])
    assert "wider than 32" in beat_it.judge(copier)[1]
