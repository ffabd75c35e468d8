"""tools/claims.py: does it find the claims that can't fail?"""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from sanitizing import outputs

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
    monkeypatch.setattr(notebooks, "FOLDERS", (folder, folder / "deeper"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("AETUTORIAL_SABOTAGE", "AETUTORIAL_CLAIM_LOG", "AETUTORIAL_SABOTAGED_STUDIES"):
        monkeypatch.delenv(name, raising=False)
    path = folder / "text" / "05_lesson.py"
    path.write_text(TEXT, encoding="utf-8")
    return path


def store(text: Path, *cells: list) -> None:
    """Write the notebook of a text pair, with one cell for each list of outputs."""
    code = [nbformat.v4.new_code_cell("1", outputs=cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code), notebooks.notebook_of(text))


def shown(*texts: str) -> list:
    """Return the outputs that claims leave in a notebook."""

    def state() -> None:
        for text in texts:
            lesson_module.claim(text, 1, above=0, fails_under="math")

    return [nbformat.v4.new_output("display_data", data=data) for data, _ in outputs(state)]


CLAIMS = (
    "learning gets somewhere",
    "this holds by construction",
    "twice one is two",
    "this is no identity",
    "neighbors have the same label, which is a sentence that does not fit into one line",
)


def test_a_lesson_is_judged_in_real_runs(lesson, capsys):
    store(lesson, shown(*CLAIMS[:3]), shown(*CLAIMS[3:]))
    assert claims.main(["05"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "05_lesson: 5 claims under no-training, shuffled-labels: 2 at fault",
        "  survives no-training: this holds by construction (5.0; must exceed 0)",
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


STUDIES = 'a = lesson.study("a", run, grid, [])\nb = lesson.study("b", run, grid, [])\nold = lesson.stored("old")\n'


def test_a_sabotage_runs_the_studies_of_its_claims_and_of_identities(lesson, monkeypatch):
    kinds = {"no": '"no-training"', "sh": '"shuffled-labels"', "ma": '"math"', "un": "kind"}
    lines = [
        f'value = lesson.study("{name}", run, grid, [])\n'
        f'lesson.claim("it is", value, above=0, fails_under={kind}, study="{name}")'
        for name, kind in kinds.items()
    ]
    lesson.write_text("# %%\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert claims.to_run(lesson, "no-training") == {"no", "ma", "un"}
    assert claims.to_run(lesson, "shuffled-labels") == {"sh", "ma", "un"}
    given = {}
    monkeypatch.setattr(notebooks, "execute", lambda notebook, folder, names: given.update(names))
    claims.outcomes(lesson, "shuffled-labels")
    assert given["AETUTORIAL_SABOTAGED_STUDIES"] == "ma,sh,un"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ('fails_under="math"', ("math", ())),
        ('fails_under="math", study="a"', ("math", ("a",))),
        ('study="old", fails_under="no-training"', ("no-training", ("old",))),
        ('fails_under="no-training", study=("b", "a")', ("no-training", ("b", "a"))),
        ('fails_under="no-training", study=["b"], digits=2', ("no-training", ("b",))),
        ('fails_under=kind, study="a"', (None, ("a",))),
    ],
)
def test_a_claims_studies_are_read_from_its_arguments(arguments, found):
    call = f'lesson.claim("it is so", a.mean("x"), above=0, {arguments})'
    assert claims.rests_on(f"{STUDIES}{call}\n") == [found]
    loop = f"for text in texts:\n    if text:\n        {call}\n{call}\n"
    assert claims.rests_on(STUDIES + loop) == [found, found]


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("name", r"line 4: `study` must be a literal name or a tuple .*Received: name\."),
        ('("a", name)', r"`study` must be a literal .*Received: \('a', name\)\."),
        ('f"{name}"', "`study` must be a literal"),
        ("()", "`study` must be a literal"),
        ("3", "`study` must be a literal"),
        ('"missing"', "line 4: the claim names 'missing', no study of this lesson"),
        ('("a", "missing")', "the claim names 'missing'"),
    ],
)
def test_a_study_that_can_not_be_read_is_at_fault(lesson, capsys, study, said):
    source = f'{STUDIES}lesson.claim("it is", 1, above=0, fails_under="no-training", study={study})\n'
    with pytest.raises(claims.UnreadableClaimError, match=said):
        claims.rests_on(source)
    lesson.write_text("# %%\n" + source, encoding="utf-8")
    store(lesson, shown("it is"))
    assert claims.main([]) == 1
    assert capsys.readouterr().out.endswith("0 passed, 1 failed\n")


RESTING = """# %%
from aetutorial import lesson

# %% tags=["parameters"]
learning_rate = 0.5


# %%
def run(seed):
    return {"gain": learning_rate + 0.001 * seed}


study = lesson.study("resting", run, [{"seed": 0}, {"seed": 1}], live=[])
lesson.claim("named", study.mean("gain"), above=0.1, fails_under="no-training", study="resting")
"""


@pytest.mark.parametrize("names_it", [True, False])
def test_a_claim_that_does_not_name_its_study_survives_and_is_reported(lesson, tmp_path, monkeypatch, capsys, names_it):
    monkeypatch.setenv("AETUTORIAL_STUDY_FOLDER", str(tmp_path / "studies"))
    lesson.write_text(RESTING, encoding="utf-8")
    notebooks.execute(notebooks.read_text(lesson), lesson.parent.parent, {"AETUTORIAL_STUDIES": "run"})
    monkeypatch.delenv("AETUTORIAL_STUDIES", raising=False)
    assert (tmp_path / "studies" / "resting.json").exists()
    if not names_it:
        lesson.write_text(RESTING.replace(', study="resting"', ""), encoding="utf-8")
    store(lesson, shown("named"))
    assert claims.main([]) == (0 if names_it else 1)
    said = capsys.readouterr().out
    assert ("survives no-training: named (0.5005; must exceed 0.1)" in said) is not names_it


def test_stated_reads_what_claim_shows(lesson):
    long = "a very long claim " * 8 + "(with an aside (measured) and a β) & more"
    printed = [nbformat.v4.new_output("stream", text="3\n✓ printed (measured 1; must exceed 0)\n")]
    table = [nbformat.v4.new_output("display_data", data={"text/plain": "a\n✓ told (measured 1; must exceed 0)"})]
    image = [nbformat.v4.new_output("display_data", data={"image/png": "aaaa"})]
    store(lesson, [*shown(long), *shown("a short one.")], printed, table, image, [])
    assert claims.stated(lesson) == {long, "a short one"}


def test_a_lesson_that_is_not_stored_is_an_error(lesson):
    with pytest.raises(SystemExit, match=r"05_lesson\.ipynb does not exist yet"):
        claims.stated(lesson)


# --- the judgment -------------------------------------------------------------------------------


def entry(text: str, fails_under: str, holds: bool) -> dict:
    return {"text": text, "value": "0.5", "expected": "must exceed 0", "fails_under": fails_under, "holds": holds}


@pytest.mark.parametrize(
    ("runs", "faults"),
    [
        ({"no-training": [entry("a", "no-training", False)]}, []),
        ({"no-training": [entry("a", "no-training", True)]}, ["survives no-training: a (0.5; must exceed 0)"]),
        ({"no-training": [entry("a", "math", True)]}, []),
        ({"no-training": [entry("a", "math", False)]}, ["identity broken by no-training: a (0.5)"]),
        # Put to another's test only: it says nothing about the sabotage that the claim names.
        ({"no-training": [entry("a", "shuffled-labels", True)]}, ["never put to its test: a"]),
        (
            {
                "no-training": [entry("a", "shuffled-labels", False)],
                "shuffled-labels": [entry("a", "shuffled-labels", True)],
            },
            ["survives shuffled-labels: a (0.5; must exceed 0)"],
        ),
        # Stated twice, as in a loop: each time counts.
        (
            {"no-training": [entry("a", "no-training", False), entry("a", "no-training", True)]},
            ["survives no-training: a (0.5; must exceed 0)"],
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
    store(lesson, shown("a"))
    assert claims.main([]) == 0
    assert ran == ["no-training"]
    assert capsys.readouterr().out.endswith("1 passed, 0 failed\n")


def test_a_sabotaged_lesson_that_stops_is_at_fault(lesson, monkeypatch, capsys):
    def outcomes(text, sabotage):
        raise CellExecutionError("traceback", "KeyError", "x")

    monkeypatch.setattr(claims, "outcomes", outcomes)
    store(lesson, shown("a"))
    assert claims.main([]) == 1
    assert "the sabotaged lesson does not run to its end: traceback" in capsys.readouterr().out
