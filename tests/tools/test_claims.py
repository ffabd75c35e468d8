"""tools/claims.py: does it find the claims that can't fail?"""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from aetutorial import lesson as lesson_module
from aetutorial import runtime
from tools import claims, notebooks

ROOT = Path(__file__).resolve().parents[2]

TEXT = """# %% [markdown]
# # 5 · A lesson

# %% tags=["parameters"]
learning_rate = 0.5  # a remark

# %%
from aetutorial import data, lesson, metrics

digits = data.load("digits")
x, y = digits.x_train.reshape(-1, 64)[:300], digits.y_train[:300]
held_out = digits.x_test.reshape(-1, 64), digits.y_test

# %%
lesson.claim("learning gets somewhere", learning_rate, above=0.1, fails_under="no-training")
lesson.claim("this holds by construction", 5, above=0, fails_under="no-training")
lesson.claim("twice one is two", 2 * 1, between=(2, 2), fails_under="math")
lesson.claim("this is no identity", learning_rate, above=0.1, fails_under="math")
lesson.claim(
    "neighbors have the same label, which is a sentence that does not fit into one line",
    metrics.neighbor_accuracy(x, y, *held_out),
    above=0.8,
    fails_under="shuffled-labels",
)
"""


@pytest.fixture
def lesson(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "notebooks"
    (folder / "text").mkdir(parents=True)
    monkeypatch.setattr(notebooks, "FOLDERS", (folder, folder / "optional"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("AETUTORIAL_SABOTAGE", "AETUTORIAL_CLAIM_LOG", "AETUTORIAL_SABOTAGED_STUDIES"):
        monkeypatch.delenv(name, raising=False)
    path = folder / "text" / "05_lesson.py"
    path.write_text(TEXT, encoding="utf-8")
    return path


def store(text: Path, *outputs: str) -> None:
    """Write the notebook of a text pair, with one cell for each output."""
    cells = [
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text=output)]) for output in outputs
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebooks.notebook_of(text))


def printed_claims(capsys, *texts: str) -> str:
    for text in texts:
        lesson_module.claim(text, 1, above=0, fails_under="math")
    return capsys.readouterr().out


CLAIMS = (
    "learning gets somewhere",
    "this holds by construction",
    "twice one is two",
    "this is no identity",
    "neighbors have the same label, which is a sentence that does not fit into one line",
)


def test_a_lesson_is_judged_in_real_runs(lesson, capsys):
    store(lesson, printed_claims(capsys, *CLAIMS[:3]), printed_claims(capsys, *CLAIMS[3:]))
    assert claims.main(["05"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "05_lesson: 5 claims under no-training, shuffled-labels: 2 at fault",
        "  survives no-training: this holds by construction (5.0, expected above 0)",
        "  identity broken by no-training: this is no identity (0.0)",
        "3 passed, 2 failed",
    ]
    assert not [name for name in os.environ if name.startswith("AETUTORIAL_")]


def test_the_sabotages_are_the_packages():
    assert claims.SABOTAGES == runtime.SABOTAGES


def test_the_learning_rate_is_switched_off_where_it_is_a_parameter(lesson):
    def source(sabotage: str) -> list[str]:
        return [cell.source for cell in claims.sabotaged(lesson, sabotage).cells]

    plain = [cell.source for cell in notebooks.read_text(lesson).cells]
    assert source("shuffled-labels") == source("shuffled-pixels") == plain
    assert source("no-training") == [*plain[:2], "learning_rate = 0.0", *plain[2:]]
    lesson.write_text(TEXT.replace(' tags=["parameters"]', ""), encoding="utf-8")
    assert "learning_rate = 0.0" not in source("no-training")


def test_a_sabotage_runs_the_studies_of_its_claims_and_of_identities(lesson, monkeypatch):
    kinds = ("no-training", "shuffled-labels", "math")
    lines = [
        f'lesson.claim("it is", lesson.study("{kind[:2]}", run, grid, []), above=0, fails_under="{kind}")'
        for kind in kinds
    ]
    lesson.write_text("# %%\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert claims.to_run(lesson, "no-training") == {"no", "ma"}
    assert claims.to_run(lesson, "shuffled-labels") == {"sh", "ma"}
    given = {}
    monkeypatch.setattr(notebooks, "execute", lambda notebook, folder, names: given.update(names))
    claims.outcomes(lesson, "shuffled-labels")
    assert given["AETUTORIAL_SABOTAGED_STUDIES"] == "ma,sh"


def test_stated_reads_what_claim_prints(lesson, capsys):
    long = "a very long claim " * 8 + "(with an aside (expected) and a β)"
    output = printed_claims(capsys, long, "a short one")
    store(lesson, "3\n" + output + "    indented\n", "no claim\n")
    assert claims.stated(lesson) == {long, "a short one"}


def test_a_lesson_that_is_not_stored_is_an_error(lesson):
    with pytest.raises(SystemExit, match=r"05_lesson\.ipynb does not exist yet"):
        claims.stated(lesson)


# --- the judgment -------------------------------------------------------------------------------


def entry(text: str, fails_under: str, holds: bool) -> dict:
    return {"text": text, "value": "0.5", "expected": "above 0", "fails_under": fails_under, "holds": holds}


@pytest.mark.parametrize(
    ("runs", "faults"),
    [
        ({"no-training": [entry("a", "no-training", False)]}, []),
        ({"no-training": [entry("a", "no-training", True)]}, ["survives no-training: a (0.5, expected above 0)"]),
        ({"no-training": [entry("a", "math", True)]}, []),
        ({"no-training": [entry("a", "math", False)]}, ["identity broken by no-training: a (0.5)"]),
        # Put to another's test only: it says nothing about the sabotage that the claim names.
        ({"no-training": [entry("a", "shuffled-labels", True)]}, ["never put to its test: a"]),
        (
            {
                "no-training": [entry("a", "shuffled-labels", False)],
                "shuffled-labels": [entry("a", "shuffled-labels", True)],
            },
            ["survives shuffled-labels: a (0.5, expected above 0)"],
        ),
        # Stated twice, as in a loop: each time counts.
        (
            {"no-training": [entry("a", "no-training", False), entry("a", "no-training", True)]},
            ["survives no-training: a (0.5, expected above 0)"],
        ),
        ({"no-training": []}, ["never put to its test: a"]),
        ({}, ["never put to its test: a"]),
    ],
)
def test_judge(runs, faults):
    assert claims.judge(runs, {"a"}) == faults


# --- the command, without a kernel ---------------------------------------------------------------


def test_a_run_without_claims_leaves_no_log(lesson, monkeypatch):
    monkeypatch.setattr(notebooks, "execute", lambda notebook, folder, environment: None)
    assert claims.outcomes(lesson, "no-training") == []


def test_only_the_sabotages_that_are_named_are_run(lesson, monkeypatch, capsys):
    ran = []

    def outcomes(text, sabotage):
        ran.append(sabotage)
        return [entry("a", "math", True)]

    monkeypatch.setattr(claims, "outcomes", outcomes)
    lesson.write_text('# %%\nlesson.claim("a", 1, above=0, fails_under="math")\n')
    store(lesson, printed_claims(capsys, "a"))
    assert claims.main([]) == 0
    assert ran == ["no-training"]
    assert capsys.readouterr().out.endswith("1 passed, 0 failed\n")


def test_a_sabotaged_lesson_that_stops_is_at_fault(lesson, monkeypatch, capsys):
    def outcomes(text, sabotage):
        raise CellExecutionError("traceback", "KeyError", "x")

    monkeypatch.setattr(claims, "outcomes", outcomes)
    store(lesson, printed_claims(capsys, "a"))
    assert claims.main([]) == 1
    assert "the sabotaged lesson does not run to its end: traceback" in capsys.readouterr().out
