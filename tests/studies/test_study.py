"""lesson.study: what is stored, when it is stale, what is refused. The digest itself: test_fingerprint.py."""

from __future__ import annotations

import json
import math
import os
import types
from pathlib import Path

import numpy as np
import pytest

import aetutorial
from aetutorial import lesson, runtime
from aetutorial.lesson import Study, StudyError
from aetutorial.studies import storage
from aetutorial.studies import study as study_module

# Globals as a notebook has them; the tests change them.
noise = 0.5
curve = np.array([1.0, 2.0, 3.0])
calls: list[dict] = []


def measured(width, seed):
    """What a study of the tests measures: a curve plus a little that depends on the seed."""
    return {"error": float(curve[width]) + noise * seed, "width": width}


def run(width, seed):
    record(width, seed)
    return measured(width, seed)


GRID = [{"width": width, "seed": seed} for width in (0, 1, 2) for seed in (0, 1)]
LIVE = GRID[:1]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AETUTORIAL_STUDY_FOLDER", str(tmp_path / "studies"))
    for name in ("AETUTORIAL_STUDIES", "AETUTORIAL_SABOTAGE", "AETUTORIAL_SABOTAGED_STUDIES"):
        monkeypatch.delenv(name, raising=False)
    calls.clear()
    return tmp_path / "studies"


class Recorder:
    """Counts the calls of `run` without being a global that a study may not read."""

    checksum = "always the same"
    fail_at = None

    def __call__(self, width, seed):
        calls.append({"width": width, "seed": seed})
        if len(calls) == self.fail_at:
            raise RuntimeError("interrupted")


record = Recorder()


@pytest.fixture
def stored(monkeypatch, folder):
    """Store the study, then forget that it was run."""
    monkeypatch.setenv("AETUTORIAL_STUDIES", "run")
    lesson.study("small", run, GRID, [])
    monkeypatch.delenv("AETUTORIAL_STUDIES")
    calls.clear()
    return folder / "small.json"


# --- a stored study ------------------------------------------------------------------------------


def test_without_a_stored_study_the_remedy_is_named():
    with pytest.raises(StudyError, match=r"'small' has no stored results. `make studies` .* fresh"):
        lesson.study("small", run, GRID, LIVE)
    assert calls == []


def test_a_lesson_runs_the_live_points_and_gets_the_whole_grid(stored, capsys):
    capsys.readouterr()
    study = lesson.study("small", run, GRID, LIVE)
    assert calls == LIVE
    assert study.points == tuple(GRID)
    assert [result["error"] for result in study.results] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert capsys.readouterr().out == (
        "Study small: 1 of 6 points run now; they lie within the spread of the stored ones.\n"
    )
    lesson.study("small", run, GRID, [])
    assert capsys.readouterr().out == ""


def test_a_quiet_study_prints_nothing_and_says_it_in_its_note(stored, capsys):
    capsys.readouterr()
    study = lesson.study("small", run, GRID, LIVE, quiet=True)
    assert calls == LIVE
    assert capsys.readouterr().out == ""
    assert study.note == "2 seeds for each of 3 settings; one of 6 runs happened just now, the others are stored"


def test_a_note_counts_what_has_just_run(stored):
    def note(live, grid=GRID, **named):
        return lesson.study("small", run, grid, live, **named).note

    assert note([]) == "2 seeds for each of 3 settings; all 6 runs are stored"
    assert note([*LIVE, *LIVE]).endswith("; one of 6 runs happened just now, the others are stored")  # the same twice
    assert note(GRID[1:4]).endswith("; 3 of 6 runs happened just now, the others are stored")
    assert note(GRID[1:]).endswith("; 5 of 6 runs happened just now, the other is stored")
    assert note(GRID) == "2 seeds for each of 3 settings; all 6 runs happened just now"
    assert note([], fresh=True) == note(GRID)
    assert note(LIVE, GRID[:2]) == "2 seeds; one of 2 runs happened just now, the other is stored"
    assert lesson.stored("small").note == note([])


def test_a_note_of_uneven_grids_and_of_settings_in_another_order():
    points = [
        {"a": 1, "b": 2, "seed": 0},
        {"seed": 1, "b": 2, "a": 1},
        *({"a": 2, "b": 2, "seed": s} for s in range(5)),
    ]
    study = Study("uneven", tuple(points), tuple({"error": 1.0} for _ in points))
    assert study.note == "2 to 5 seeds for each of 2 settings; all 7 runs are stored"


def test_the_file_holds_what_is_needed_to_doubt_it(stored):
    import keras
    import tensorflow as tf

    document = json.loads(stored.read_text("utf-8"))
    assert document["name"] == "small"
    assert document["parameters"] == {"noise": 0.5}
    assert set(document["data"]) == {"curve", "record"}
    assert len(document["code_digest"]) == 64
    assert document["seeds"] == [0, 1]
    assert document["versions"]["keras"] == keras.__version__
    assert document["versions"]["tensorflow"] == tf.__version__
    assert document["versions"]["numpy"] == np.__version__
    assert document["seconds"] >= 0
    assert document["results"][3] == {"point": {"width": 1, "seed": 1}, "result": {"error": 2.5, "width": 1.0}}
    assert sum('"point"' in line for line in stored.read_text("utf-8").splitlines()) == 6
    assert [path.name for path in stored.parent.iterdir()] == ["small.json"]


def test_a_part_of_the_grid_is_read_from_a_larger_study(stored):
    study = lesson.study("small", run, GRID[2:], [])
    assert study.points == tuple(GRID[2:])
    more = [*GRID, {"width": 3, "seed": 0}, {"width": 3, "seed": 1}]
    with pytest.raises(StudyError, match=r"no stored result for \{'width': 3, 'seed': 0\}"):
        lesson.study("small", run, more, [])


def test_another_lesson_reads_what_is_stored_and_runs_nothing(stored, monkeypatch):
    before = lesson.study("small", run, GRID, [])
    monkeypatch.setattr(study_module, "fingerprint", None)  # the code is not looked at
    assert lesson.stored("small") == before
    assert calls == []


def test_without_a_stored_study_another_lesson_is_told():
    with pytest.raises(StudyError, match=r"'small' has no stored results. `make studies` runs it"):
        lesson.stored("small")


@pytest.mark.parametrize("name", ["../small", "Small", "", 7, None])
def test_stored_refuses_what_is_no_name(stored, name):
    with pytest.raises(ValueError, match="`name` must be a name of lower-case letters"):
        lesson.stored(name)


def test_the_default_folder_is_the_repositorys(monkeypatch):
    monkeypatch.delenv("AETUTORIAL_STUDY_FOLDER")
    assert storage.study_path("a").parent == Path(aetutorial.__file__).parents[1] / "studies"


# --- stale ---------------------------------------------------------------------------------------


def test_a_changed_parameter_is_named(stored, monkeypatch):
    monkeypatch.setitem(globals(), "noise", 0.6)
    with pytest.raises(StudyError, match="'small' was stored before its parameters changed"):
        lesson.study("small", run, GRID, LIVE)
    assert calls == []


def test_changed_data_are_named(stored, monkeypatch):
    monkeypatch.setitem(globals(), "curve", np.array([1.0, 2.0, 3.5]))
    with pytest.raises(StudyError, match="before its data changed"):
        lesson.study("small", run, GRID, LIVE)


def test_changed_code_is_named(stored, monkeypatch):
    def other(width, seed):
        return {"error": float(curve[width]) + noise * seed**2, "width": width}

    other.__module__ = __name__
    monkeypatch.setitem(globals(), "measured", other)
    with pytest.raises(StudyError, match="before its code changed"):
        lesson.study("small", run, GRID, LIVE)
    monkeypatch.setitem(globals(), "noise", 1)
    monkeypatch.setitem(globals(), "curve", np.zeros(3))
    with pytest.raises(StudyError, match="its parameters and its data and its code changed"):
        lesson.study("small", run, GRID, LIVE)


def test_fresh_runs_the_grid_and_stores_nothing(stored, monkeypatch):
    before = stored.read_bytes()
    monkeypatch.setitem(globals(), "noise", 10)
    study = lesson.study("small", run, GRID, LIVE, fresh=True)
    assert calls == GRID
    assert study.values("error", width=0).tolist() == [1, 11]
    assert stored.read_bytes() == before


def test_without_strict_changed_code_runs_the_grid_anew(stored, monkeypatch, capsys):
    monkeypatch.setattr(runtime, "strict", False)
    before = stored.read_bytes()
    lesson.study("small", run, GRID, LIVE)
    assert calls == LIVE  # nothing was changed yet
    monkeypatch.setitem(globals(), "noise", 0.25)
    capsys.readouterr()
    assert lesson.study("small", run, GRID, LIVE).values("error", width=0).tolist() == [1.0, 1.25]
    assert calls == LIVE + GRID
    assert "all 6 points run now" in capsys.readouterr().out
    quiet = lesson.study("small", run, GRID, LIVE, quiet=True)
    assert "all 6 points run now" in capsys.readouterr().out  # it takes a while, so it is said before
    assert quiet.note == "2 seeds for each of 3 settings; all 6 runs happened just now"
    assert stored.read_bytes() == before


@pytest.mark.parametrize("mode", ["", "run"])
def test_under_sabotage_the_whole_grid_is_run_and_not_stored(stored, monkeypatch, mode):
    before = stored.read_bytes()
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-labels")
    monkeypatch.setenv("AETUTORIAL_STUDIES", mode)
    study = lesson.study("small", run, GRID, LIVE)
    assert calls == GRID
    assert len(study.results) == 6
    assert stored.read_bytes() == before


def test_under_sabotage_two_seeds_stand_for_the_others(stored, monkeypatch):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-labels")
    grid = [{"width": width, "seed": seed} for width in (0, 2) for seed in range(4)]
    study = lesson.study("small", run, grid, [])
    assert calls == [point for point in grid if point["seed"] < 2]
    for width in (0, 2):
        values = study.values("error", width=width)
        assert set(values[2:]) == set(values[:2])
        assert len(values) == 4


def test_under_sabotage_a_study_that_is_not_asked_for_is_read_as_stored(stored, monkeypatch):
    before = lesson.study("small", run, GRID, LIVE).results
    monkeypatch.setitem(globals(), "curve", np.zeros(3))  # as shuffled data are others
    calls.clear()
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-labels")
    monkeypatch.setenv("AETUTORIAL_SABOTAGED_STUDIES", "large,other")
    assert lesson.study("small", run, GRID, LIVE).results == before
    assert calls == []
    monkeypatch.setenv("AETUTORIAL_SABOTAGED_STUDIES", "large,small")
    assert lesson.study("small", run, GRID, LIVE).results != before
    assert calls == GRID


@pytest.mark.parametrize("missing", ["point", "file"])
def test_under_sabotage_what_is_not_stored_is_run(stored, monkeypatch, missing):
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-labels")
    monkeypatch.setenv("AETUTORIAL_SABOTAGED_STUDIES", "")
    assert len(lesson.study("small", run, GRID, []).results) == 6
    assert calls == []
    grid = GRID
    if missing == "file":
        stored.unlink()
    else:
        grid = [{"width": 1, "seed": seed} for seed in (0, 5)]
    lesson.study("small", run, grid, [])
    assert calls == grid


@pytest.mark.parametrize(("sabotage", "epochs"), [("no-training", 1), ("shuffled-labels", 7)])
def test_training_that_changes_nothing_is_cut_short(stored, monkeypatch, sabotage, epochs):
    from aetutorial import training

    asked = []

    def fit(model, x, *, epochs):
        asked.append(epochs)
        return types.SimpleNamespace(history={"loss": epochs * [0.5]})

    def trains(width, seed):
        history = training.fit(None, None, epochs=7).history
        assert history == {"loss": 7 * [0.5]}
        return {"error": 1.0}

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", sabotage)
    lesson.study("small", trains, GRID[:2], [])
    assert asked == [epochs, epochs]
    assert training.fit is fit  # put back


# --- the live points -----------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "fits"), [(1.4, True), (-1.9, True), (1.6, False), (-2.1, False)])
def test_a_live_point_must_lie_within_the_spread(stored, shift, fits):
    """The stored errors at width 0 are 1 and 1.5, the live one is 1; 4 * 0.354 * (1 + 1/2)^(1/2) is 1.73."""
    document = json.loads(stored.read_text("utf-8"))
    for entry in document["results"]:
        entry["result"]["error"] += shift
    stored.write_text(json.dumps(document), "utf-8")
    if fits:
        lesson.study("small", run, GRID, LIVE)
        return
    with pytest.raises(StudyError) as caught:
        lesson.study("small", run, GRID, LIVE)
    assert str(caught.value) == (
        "The study 'small' does not repeat: at {'width': 0, 'seed': 0}, error is 1 now; the stored seeds "
        f"gave {1 + shift:.6g} to {1.5 + shift:.6g}, and 1.73 around their mean is allowed."
    )


def test_the_bound_lets_nearly_every_new_seed_pass_and_no_gross_change():
    rng = np.random.default_rng(3)
    draws, fresh = rng.standard_normal((4000, 6, 3)), rng.standard_normal(4000)
    refused = {0.0: 0, 15.0: 0}
    points = tuple({"kind": kind, "seed": seed} for kind in range(6) for seed in range(3))
    for kinds, new in zip(draws, fresh, strict=True):
        stored = Study("drawn", points, tuple({"error": e} for e in kinds.ravel()))
        for shift in refused:
            try:
                study_module.compare(points[0], {"error": new + shift}, stored)
            except StudyError:
                refused[shift] += 1
    assert refused[0.0] < 0.02 * len(draws)
    assert refused[15.0] > 0.98 * len(draws)


def test_a_live_nan_is_no_repetition(stored):
    document = json.loads(stored.read_text("utf-8"))
    document["results"][1]["result"]["error"] = math.nan
    stored.write_text(json.dumps(document), "utf-8")
    with pytest.raises(StudyError, match="does not repeat"):
        lesson.study("small", run, GRID, LIVE)


# --- an interrupted run --------------------------------------------------------------------------


@pytest.fixture
def interrupted(monkeypatch, folder):
    """Stop the full run at its fourth point."""
    monkeypatch.setenv("AETUTORIAL_STUDIES", "run")
    monkeypatch.setattr(Recorder, "fail_at", 4)
    with pytest.raises(RuntimeError, match="interrupted"):
        lesson.study("small", run, GRID, LIVE)
    assert calls == GRID[:4]
    calls.clear()
    monkeypatch.setattr(Recorder, "fail_at", None)
    return folder / "small.json.partial"


def test_an_interrupted_run_stores_no_study(interrupted):
    assert [path.name for path in interrupted.parent.iterdir()] == ["small.json.partial"]


def test_an_interrupted_run_goes_on_where_it_stopped(interrupted, capsys):
    study = lesson.study("small", run, GRID, [])
    assert calls == GRID[3:]
    assert [result["error"] for result in study.results] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert "small: point 6 of 6\n" in capsys.readouterr().out
    assert [path.name for path in interrupted.parent.iterdir()] == ["small.json"]


@pytest.mark.parametrize("cut", [5, 1, 0])
def test_a_line_cut_off_in_the_middle_is_run_again(interrupted, cut):
    """A cut of one loses the line's end only; what is left of it may still look whole."""
    text = interrupted.read_text("utf-8")
    interrupted.write_text(text[: len(text) - cut] + '{"point": {"width": 1}' * (cut == 0), "utf-8")
    lesson.study("small", run, GRID, [])
    assert calls == GRID[3 if cut == 0 else 2 :]


def test_a_partial_run_of_other_code_is_discarded(interrupted, monkeypatch):
    monkeypatch.setitem(globals(), "noise", 0.7)
    study = lesson.study("small", run, GRID, [])
    assert calls == GRID
    assert study.values("error", width=0).tolist() == [1.0, 1.7]


def test_an_empty_partial_file_does_no_harm(interrupted):
    interrupted.write_text("")
    lesson.study("small", run, GRID, [])
    assert calls == GRID


def test_a_study_that_is_current_is_not_run_again(stored, monkeypatch):
    monkeypatch.setenv("AETUTORIAL_STUDIES", "run")
    lesson.study("small", run, GRID, [])
    assert calls == []
    more = [*GRID, {"width": 0, "seed": 2}]
    assert lesson.study("small", run, more, []).values("error", width=0).tolist() == [1, 1.5, 2]
    calls.clear()
    monkeypatch.setitem(globals(), "noise", 0.7)
    lesson.study("small", run, GRID, [])
    assert calls == GRID


def test_a_failure_while_storing_leaves_the_old_study(stored, monkeypatch):
    before = stored.read_bytes()
    replace = os.replace

    def fail(source, target):
        if str(target).endswith("small.json"):
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setenv("AETUTORIAL_STUDIES", "run")
    monkeypatch.setitem(globals(), "noise", 0.7)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        lesson.study("small", run, GRID, [])
    assert stored.read_bytes() == before


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"name": "Small"}, ValueError, "`name` must be a name of lower-case"),
        ({"name": "../small"}, ValueError, "`name`"),
        ({"name": ""}, ValueError, "`name`"),
        ({"name": 3}, ValueError, "`name`"),
        ({"grid": []}, ValueError, "`grid` must be dicts with the same settings"),
        ({"grid": [{"width": 1}]}, ValueError, '`grid` .* among them "seed"'),
        ({"grid": [*GRID, {"seed": 3}]}, ValueError, "`grid` must be dicts with the same"),
        ({"grid": [*GRID, GRID[0]]}, ValueError, "`grid` must be points that differ"),
        ({"grid": GRID[:1]}, ValueError, "`grid` must be at least two seeds for every"),
        ({"grid": GRID[:3]}, ValueError, "`grid` must be at least two seeds"),
        ({"grid": 3}, TypeError, "`grid` must be a list of dicts. Received: 3"),
        ({"grid": [1, 2]}, TypeError, "`grid` must be a list of dicts"),
        ({"grid": [{"seed": np.int64(1)}]}, TypeError, "`grid` must be dicts of plain"),
        ({"grid": [{"seed": [1]}]}, TypeError, "`grid` must be dicts of plain"),
        ({"live": [{"width": 7, "seed": 0}]}, ValueError, "`live` must be points of the grid"),
        ({"live": GRID[0]}, TypeError, "`live` must be a list of dicts"),
    ],
)
def test_study_refuses(stored, changes, error, said):
    arguments = {"name": "small", "run": run, "grid": GRID, "live": LIVE} | changes
    with pytest.raises(error, match=said):
        lesson.study(**arguments)
    assert calls == []


def test_run_must_return_numbers_by_name():
    def nothing(width, seed):
        return 3.0

    def text(width, seed):
        return {"error": "large"}

    with pytest.raises(TypeError, match="`run` must be a function that returns a dict of numbers"):
        lesson.study("small", nothing, GRID, [], fresh=True)
    with pytest.raises(ValueError, match="large"):
        lesson.study("small", text, GRID, [], fresh=True)


# --- reading a study -----------------------------------------------------------------------------


def test_values_mean_and_std():
    study = Study("small", tuple(GRID), tuple(measured(**point) for point in GRID))
    assert study.values("error").tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert study.values("error", width=1).tolist() == [2.0, 2.5]
    assert study.values("error", width=1, seed=1).tolist() == [2.5]
    assert study.values("width").dtype == np.float64
    assert study.mean("error", width=1) == 2.25
    assert study.std("error", width=1) == pytest.approx(0.5 / math.sqrt(2))
    assert math.isnan(study.std("error", width=1, seed=0))


@pytest.mark.parametrize(
    ("metric", "where", "said"),
    [
        ("loss", {}, "`metric` must be one of 'error', 'width'. Received: 'loss'"),
        ("error", {"depth": 1}, "`where` must be one of 'seed', 'width'. Received: 'depth'"),
        ("error", {"width": 7}, "`where` must be settings of at least one point"),
    ],
)
def test_values_refuses(metric, where, said):
    study = Study("small", tuple(GRID), tuple(measured(**point) for point in GRID))
    with pytest.raises(ValueError, match=said):
        study.values(metric, **where)
