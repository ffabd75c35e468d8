"""The machinery of exercises: what a learner sees, and the outcomes of answers right, wrong and wild."""

from __future__ import annotations

import functools
import sys

import numpy as np
import pytest
from exercise_helpers import Hostile, X, exercise

from aetutorial.exercises import Wrong, call, close, expect_array, expect_function, expect_number, expect_text

pytestmark = pytest.mark.usefixtures("strict")


# --- what a learner sees -----------------------------------------------------------------------


def test_prompt_is_wrapped_and_keeps_paragraphs_lists_and_code(capsys):
    long = "word " * 40
    code = "    def f(x):\n        return ...  # " + "long " * 20
    prompt = f"\n    {long}\n\n    Then:\n\n" + "\n".join("    " + line for line in code.splitlines())
    exercise(prompt=f"{prompt}\n\n    - {long}\n    - short\n    ").prompt()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["A dummy · fill in ★★", ""]
    assert max(len(line) for line in lines if "return" not in line) <= 88
    for line in code.splitlines():
        assert line.rstrip() in lines
    first = next(i for i, line in enumerate(lines) if line.startswith("- word"))
    assert lines[first + 1].startswith("  word")
    assert lines[-1] == "- short"
    assert " ".join(lines[2:]).count("word") == 80


def test_hints_come_in_order_and_the_last_is_repeated(capsys):
    task = exercise(hints=("Look.", "Compute\n\n    x - 1"))
    for expected in (
        "Hint 1 of 2. Look.\n",
        "Hint 2 of 2. Compute\n\n    x - 1\n",
        "That was the last hint. Hint 2 of 2. Compute\n\n    x - 1\n",
    ):
        assert task.hint() is None
        assert capsys.readouterr().out == expected
    task.hint(1)
    assert capsys.readouterr().out == "Hint 1 of 2. Look.\n"


@pytest.mark.parametrize("number", [0, 3, -1, "1", 1.0, True])
def test_a_hint_that_does_not_exist_is_no_error(capsys, number):
    exercise().hint(number)
    exercise().hint(Hostile())
    assert capsys.readouterr().out == "The hints are numbered from 1 to 2.\n" * 2


def test_solution_prints_code_that_runs(capsys):
    task = exercise(
        solution="""
            def answer(x):
                return x * scale
        """
    )
    assert task.reference(scale=3)(2) == 6
    task.solution()
    expected = "    def answer(x):\n        return x * scale\n"
    assert capsys.readouterr().out == f"One solution:\n\n{expected}\nIt is one.\n"


def test_a_notebook_gets_markdown_and_its_plain_twin_in_one_bundle(bundles, capsys):
    task = exercise(
        prompt="Write\n\n    def f(x)\n\nfor $x$.", hints=("`f(x)`.", "- One.\n- Two."), solution="answer = 1"
    )
    task.prompt()
    task.hint()
    task.hint()
    task.hint()
    task.solution()
    assert [bundle["text/markdown"] for bundle in bundles] == [
        "#### A dummy · fill in ★★\n\nWrite\n\n```python\ndef f(x)\n```\n\nfor $x$.",
        "**Hint 1 of 2.** `f(x)`.",
        "**Hint 2 of 2.**\n\n- One.\n- Two.",
        "That was the last hint. **Hint 2 of 2.**\n\n- One.\n- Two.",
        "One solution:\n\n```python\nanswer = 1\n```\n\nIt is one.",
    ]
    assert [bundle["text/plain"] for bundle in bundles] == [
        "A dummy · fill in ★★\n\nWrite\n\n    def f(x)\n\nfor $x$.",
        "Hint 1 of 2. `f(x)`.",
        "Hint 2 of 2.\n\n- One.\n- Two.",
        "That was the last hint. Hint 2 of 2.\n\n- One.\n- Two.",
        "One solution:\n\n    answer = 1\n\nIt is one.",
    ]
    assert all(set(bundle) == {"text/markdown", "text/plain"} for bundle in bundles)
    assert capsys.readouterr().out == ""
    task.check(1)
    assert (capsys.readouterr().out, len(bundles)) == ("✓ Correct.\n", 5)  # a verdict is printed, not displayed


@pytest.mark.parametrize(
    ("kind", "stars"),
    [("predict", 1), ("fill in", 2), ("change", 2), ("mend", 2), ("build", 3), ("train", 3), ("transfer", 3)],
)
def test_stars_follow_the_kind_unless_they_are_given(capsys, kind, stars):
    assert exercise(kind=kind).stars == stars
    for given in (1, 2, 3):
        task = exercise(kind=kind, stars=given)
        task.prompt()
        assert task.stars == given
        assert capsys.readouterr().out.splitlines()[0] == f"A dummy · {kind} " + given * "★"


def test_stars_are_a_whole_number():
    with pytest.raises(TypeError, match=r"`stars` must be an integer of at least 1 and at most 3\. Received: 2\.0"):
        exercise(stars=2.0)


def test_repr_says_what_can_be_done():
    assert repr(exercise()) == "Exercise 'A dummy': .prompt(), .check(answer), .hint(), .solution()"


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"kind": "guess"}, "kind"),
        ({"prompt": "  \n "}, "prompt"),
        ({"why": ""}, "why"),
        ({"hints": ()}, "hints"),
        ({"hints": "one text"}, "hints"),
        ({"hints": ("Look.", " ")}, "hints"),
        ({"stars": 0}, "stars"),
        ({"stars": 4}, "stars"),
        ({"prompt": "Write\n\n```python\nx = 1\n"}, "prompt"),
        ({"prompt": "Begun on the first line\n    and continued."}, "prompt"),
    ],
)
def test_a_malformed_exercise_is_refused(changes, argument):
    with pytest.raises(ValueError, match=f"`{argument}` must be .* Received: "):
        exercise(**changes)


# --- outcomes ----------------------------------------------------------------------------------


def _mean(answer):
    values = expect_array(call(expect_function(answer, ("x",)), X, seconds=0.3), (3,), what="means")
    if close(values, X.sum(axis=1)):
        raise Wrong("That is the sum over each row, not the mean.")
    if not close(values, X.mean(axis=1)):
        raise Wrong("That is not the mean of each row.")
    return "Three rows were averaged."


def _stub(x): ...


def _stub_raises(x):
    raise NotImplementedError


def _stub_returns(x):
    return ...


def _stub_computes(x):
    centered = ...
    return centered**2


def _stub_attribute(x):
    centered = ...
    return centered.mean(axis=1)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ...,
        (None, ...),
        [...],
        {"encoder": None},
        _stub,
        _stub_raises,
        _stub_returns,
        _stub_computes,
        _stub_attribute,
        lambda x: (None, None),
        lambda x: (..., ...),
    ],
)
def test_the_untouched_stub_is_not_attempted(capsys, answer):
    task = exercise(_mean)
    assert task.outcome == "not attempted"
    task.check(answer)
    assert capsys.readouterr().out == "○ Not attempted yet. For help: test_exercise.dummy.hint()\n"
    assert task.outcome == "not attempted"


def _forgets(x):
    means = x.mean(axis=1)  # noqa: F841


def _forgets_at_once(x):
    x * 2


def _loses_the_result(x):
    return print(end="")


@pytest.mark.parametrize("answer", [_forgets, _forgets_at_once, _loses_the_result, functools.partial(_forgets)])
def test_a_forgotten_return_is_mentioned(capsys, answer):
    """But not to whoever has not begun: see the stubs above."""
    task = exercise(_mean)
    task.check(answer)
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("○ Not attempted yet. Your function returned None: is its `return` still missing? For help")
    assert task.outcome == "not attempted"


def test_help_names_the_lesson_that_shows_the_exercise():
    assert exercise(lesson="lesson04").judge(None)[1] == "For help: lesson04.dummy.hint()"


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        (lambda x: x.mean(axis=1), "correct", "✓ Correct. Three rows were averaged.\n"),
        (lambda x: [sum(row) / 4 for row in x], "correct", "✓ Correct. Three rows were averaged.\n"),
        (lambda x: x.sum(axis=1), "not yet", "✗ Not yet. That is the sum over each row, not the mean.\n"),
        (lambda x: x.mean(axis=0), "not yet", "✗ Not yet. The means must have shape (3,); yours is (4,).\n"),
    ],
)
def test_outcomes(capsys, answer, outcome, said):
    task = exercise(_mean)
    assert task.check(answer) is None
    assert (task.outcome, capsys.readouterr().out) == (outcome, said)


def test_the_outcome_follows_the_last_answer(capsys):
    task = exercise(_mean)
    task.check(lambda x: x.mean(axis=1))
    task.check()
    assert task.outcome == "not attempted"
    assert exercise().judge(1) == ("correct", "")


def test_the_fault_of_a_check_is_neutral_for_the_learner_and_raised_in_tests(capsys, monkeypatch):
    task = exercise(lambda answer: answer["x"])
    with pytest.raises(TypeError):
        task.check(3)
    monkeypatch.delenv("AETUTORIAL_STRICT")
    task.check(3)
    said = " ".join(capsys.readouterr().out.split())
    assert said == ("✗ Not yet. The check could not read your answer (TypeError: 'int' object is not subscriptable).")
    assert task.outcome == "not yet"


WILD = [
    True,
    3,
    "text",
    b"bytes",
    1j,
    float("nan"),
    10**5000,
    [],
    [1, [2]],
    {"a": 1},
    {1, 2},
    object(),
    int,
    Hostile,
    Hostile(),
    np.array(["a"]),
    np.array([None, object()]),
    [Hostile()],
    {"z": Hostile()},
    np.zeros((0, 3)),
    np.zeros(10**6),
    np.mean,
    max,
    len,
    lambda: 1,
    lambda x: Hostile(),
    lambda x: int,
    lambda x: "text",
    lambda x: max,
    lambda x: iter(x),
    functools.partial(np.add),
    functools.partial(lambda x, y: x, 1),
    range(3),
    slice(3),
    NotImplemented,
    sys,
    Wrong("an exception"),
]


@pytest.mark.parametrize("index", range(len(WILD)))  # pytest itself chokes on some of them
@pytest.mark.parametrize(
    "guard",
    [
        _mean,
        lambda answer: call(answer, X),
        lambda answer: expect_number(answer, "a number, such as 0.123"),
        lambda answer: expect_array(answer, (None, 3)),
        lambda answer: expect_text(answer, ("pca", "mean")),
        lambda answer: expect_function(answer, ("x", "x_hat", "z", "beta")),
    ],
    ids=["mean", "call", "number", "array", "text", "function"],
)
def test_wild_input_gets_one_sentence(capsys, guard, index):
    def check(given):
        guard(given)  # strict: what a guard lets through other than Wrong fails this test

    exercise(check).check(WILD[index])
    said = " ".join(capsys.readouterr().out.split())
    assert said == "✓ Correct." or said.startswith("✗ Not yet. ")
    assert said.endswith((".", "?"))
    assert len(said) < 420
    assert " at 0x" not in said
