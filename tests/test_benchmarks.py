"""benchmarks/: what its numbers are made of, and a short run of the engine beside Keras."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent

from benchmarks import contenders, limit, peers, report, run, turns  # noqa: E402
from benchmarks.cases import CASES, Goal  # noqa: E402


def timed(title, rounds, loss=None):
    found = {"title": title, "status": "timed", "milliseconds": report.summary(rounds), "rounds_ms": rounds}
    return found | ({"loss": {"first": loss[0], "last": loss[1]}} if loss else {})


# --- the limit ------------------------------------------------------------------------------


def test_operations_of_a_dense_model_are_those_counted_by_hand():
    small = dataclasses.replace(CASES["example"], rows=10, inputs=3, layers=((2, "relu"), (3, None)))
    # Forward 3*2 + 2*3, weights the same, inputs of the second layer 2*3: 30 multiply-and-adds an example.
    assert limit.operations(small) == 2 * 10 * 30


def test_operations_of_the_vae_are_those_counted_by_hand():
    small = dataclasses.replace(CASES["vae-100"], rows=1, inputs=5, hidden=4, code=2)
    layers = [5 * 4, 4 * 4, 2 * 4, 4 * 5]  # the code's mean and log variance are one layer of 4
    assert limit.multiplications(small) == layers
    assert limit.operations(small) == 2 * (3 * sum(layers) - 5 * 4)


def test_multiplications_of_the_convolutional_model_are_those_of_keras_layers():
    import keras

    from benchmarks.keras_models import build

    model = build(CASES["convolutional"])
    counted = []
    for layer in model.layers:
        if layer.weights:
            transposed = isinstance(layer, keras.layers.Conv2DTranspose)
            places = (layer.input if transposed else layer.output).shape[1:-1]
            counted.append(int(np.prod(places) * np.prod(layer.kernel.shape)))
    assert limit.multiplications(CASES["convolutional"]) == counted


def test_the_products_that_are_timed_are_those_that_are_counted(monkeypatch):
    case = dataclasses.replace(CASES["example"], rows=70)  # batches of 32, 32 and 6
    done = []
    matmul = np.matmul

    def counting(a, b, out):
        done.append(2 * a.shape[0] * a.shape[1] * b.shape[1])
        return matmul(a, b, out=out)

    new, scale = limit.prepare(case, None)
    fit = new()
    monkeypatch.setattr(np, "matmul", counting)
    fit(2)
    assert sum(done) == 2 * limit.operations(case)
    assert scale == 1


# --- ratios and verdicts --------------------------------------------------------------------


def test_start_up_time_cancels_out_of_an_epochs_time():
    assert report.per_epoch(short=5 + 2 * 0.1, long=5 + 12 * 0.1, more=10) == pytest.approx(0.1)
    assert report.per_epoch(short=1, long=2, more=2, scale=3) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("value", "at_most", "expected"),
    [
        (6.0, False, "reached aim"),
        (4.0, False, "reached required"),
        (3.9, False, "missed"),
        (4.0, True, "reached aim"),
        (6.0, True, "reached required"),
        (6.1, True, "missed"),
    ],
)
def test_a_ratio_is_judged_by_both_goals(value, at_most, expected):
    required, aim = (6, 4) if at_most else (4, 6)
    assert report.verdict(value, Goal((), required, aim, at_most)) == expected


def test_the_ratio_is_taken_to_the_fastest_of_the_goals_peers():
    results = {
        "engine": timed("E", [1.0, 2.0, 3.0]),
        "torch-1": timed("T1", [8.0, 8.0, 9.0]),
        "torch-all": timed("T2", [4.0, 6.0, 9.0]),
    }
    found = report.ratio(Goal(("torch-1", "torch-all"), 2, 4), results)
    assert found["against"] == "torch-all"
    assert (found["ratio"], found["min"], found["max"]) == (3.0, 3.0, 4.0)
    assert found["verdict"] == "reached required"


def test_a_limit_is_a_ratio_the_other_way_round():
    results = {"engine": timed("E", [3.0]), "limit-1": timed("L", [2.0])}
    found = report.ratio(Goal(("limit-1",), 2, 1, at_most=True), results)
    assert found["ratio"] == found["min"] == 1.5
    assert found["verdict"] == "reached required"


def test_a_goal_whose_peer_is_missing_is_not_measured():
    absent = {"title": "T", "status": "not installed", "why": "No module named 'torch'"}
    results = {"engine": timed("E", [1.0]), "torch-1": absent}
    assert report.ratio(Goal(("torch-1",), 2, 4), results)["verdict"] == "not measured"


def test_contenders_that_do_not_train_are_named():
    results = {
        "engine": timed("E", [1.0], (1.2, 0.90)),
        "a": timed("A", [1.0], (1.2, 0.91)),
        "b": timed("B", [1.0], (1.2, 0.89)),
        "stays": timed("S", [1.0], (0.93, 0.93)),
        "differs": timed("D", [1.0], (1.2, 1.0)),
        "diverges": timed("N", [1.0], (1.2, float("nan"))),
        "limit": timed("L", [1.0]),
    }
    assert report.losses_differ(results) == ["stays", "differs", "diverges"]


def test_a_goal_names_contenders_that_there_are():
    known = contenders.contenders(cores=2)
    for case in CASES.values():
        for goal in case.goals:
            assert set(goal.against) <= set(known)
        assert {name for name, _ in case.slow} <= set(known)


def test_with_one_core_nothing_is_timed_twice():
    assert not any(name.endswith("-all") for name in contenders.contenders(cores=1))


# --- what is written ------------------------------------------------------------------------


def document():
    results = {
        "engine": timed("training.fit", [1.0, 2.0, 4.0], (1.2, 0.9))
        | {"compile_seconds": {"first": 2.0, "second": 0.5}},
        "keras-tensorflow": timed("Keras fit", [50.0, 60.0, 70.0], (1.2, 0.91)),
        "torch-1": {"title": "PyTorch", "status": "not installed", "why": "No module"},
        "jax-scan": timed("scan", [2000.0]) | {"rows": 256},
    }
    model = {
        "title": "t",
        "contenders": results,
        "ratios": [report.ratio(Goal(("keras-tensorflow",), 12, 25), results)],
        "compiling": report.compiling(results),
        "losses_differ": report.losses_differ(results),
    }
    about = {"cpu": "C", "cores": 2, "system": "S", "python": "3.11.0"}
    return {
        "date": "2026-01-01",
        "machine": about,
        "versions": {"keras": "3"},
        "quick": False,
        "rounds": 3,
        "models": {"example": model},
        "calls": {"noise-free": {"3": {"engine": call(1, 0.5, 0.125), "keras-tensorflow": call(2, 0.4, 0.375)}}},
    }


def call(*seconds):
    """Two rounds of a first call, one of a new model, and one more; the second takes twice as long."""
    return [dict(zip(report.CALL_GOALS, (times * s for s in seconds), strict=True)) for times in (1, 2)]


def test_the_calls_are_in_a_table_with_their_verdicts():
    text = report.markdown(document())
    assert "| noise-free | 3 | first | 1.50 | 3.00 | 2.00 | 2.00–2.00 | ≥ 1, aim 1.5: reached aim |" in text
    assert "| noise-free | 3 | new | 0.75 | 0.60 | 0.80 | 0.80–0.80 | ≥ 1, aim 1.5: missed |" in text
    assert "| noise-free | 3 | again | 0.19 | 0.56 | 3.00 | 3.00–3.00 | ≥ 2, aim 3: reached aim |" in text


def test_the_table_gives_median_range_and_why_a_row_is_empty():
    lines = report.markdown(document()).splitlines()
    assert "| training.fit | 2.00 | 1.00–4.00 | 1.00 | 2.00 | 0.50 | 0.9 |" in lines
    assert "| Keras fit | 60.0 | 50.0–70.0 | 30.0 |  |  | 0.91 |" in lines
    assert "| PyTorch | not installed: No module |  |  |  |  |  |" in lines
    assert "| scan \\* | 2,000 | 2,000–2,000 | 1,000 |  |  |  |" in lines
    assert any("Timed on 256 rows" in line for line in lines)


def test_the_goals_are_in_the_table_with_their_verdicts():
    lines = report.goals_table(document()).splitlines()
    assert "| example: times as fast as Keras fit | 30.0 | 17.5–50.0 | ≥ 12 | ≥ 25 | reached aim |" in lines
    assert "| example: seconds of compilation | 2.00 |  | ≤ 2.5 | ≤ 2.5 | reached aim |" in lines


def test_all_three_files_are_written_and_nothing_else(tmp_path):
    run.write(document(), tmp_path / "new")
    written = {path.name: path for path in (tmp_path / "new").iterdir()}
    assert set(written) == {"results.json", "RESULTS.md", "results.png"}
    assert json.loads(written["results.json"].read_text("utf-8")) == document()
    assert written["results.png"].read_bytes().startswith(b"\x89PNG")


def test_a_message_is_stored_without_folders_of_the_machine():
    text = "cannot import name 'x' from '/somewhere/lib/y.py'\nmore"
    assert contenders.without_paths(text) == "cannot import name 'x' from (path)"


# --- the peers' environment -----------------------------------------------------------------


def test_every_peer_is_pinned_and_no_index_is_named():
    found = peers.pins(peers.REQUIREMENTS.read_text("utf-8"))
    assert {re.fullmatch(r"(\w+)==[\d.]+", pin)[1] for pin in found} >= {"torch", "jax", "keras"}


def test_an_installation_that_fails_names_what_is_lacking_and_is_not_taken_for_done(monkeypatch, tmp_path):
    calls = []

    def call(command, **_):
        calls.append(command)
        if "venv" in command:
            (tmp_path / "venv").mkdir()
            return 0
        return int(any(word.startswith("torch") for word in command))

    monkeypatch.delenv(peers.VARIABLE, raising=False)
    monkeypatch.setattr(peers, "VENV", tmp_path / "venv")
    monkeypatch.setattr(peers.subprocess, "call", call)
    _, lacking = peers.ensure()
    assert [pin.partition("==")[0] for pin in lacking] == ["torch"]
    before = len(calls)
    peers.ensure()
    assert len(calls) == 2 * before


def test_a_complete_environment_is_used_again(monkeypatch, tmp_path):
    venv = tmp_path / "venv"
    calls = []

    def call(command, **_):
        calls.append(command)
        for name in ("bin/python", "Scripts/python.exe"):
            (venv / name).parent.mkdir(parents=True, exist_ok=True)
            (venv / name).touch()
        return 0

    monkeypatch.delenv(peers.VARIABLE, raising=False)
    monkeypatch.setattr(peers, "VENV", venv)
    monkeypatch.setattr(peers.subprocess, "call", call)
    first = peers.ensure()
    count = len(calls)
    assert peers.ensure() == first == (first[0], [])
    assert len(calls) == count


def test_another_python_can_stand_in_for_the_environment(monkeypatch):
    monkeypatch.setenv(peers.VARIABLE, "elsewhere")
    assert peers.ensure() == ("elsewhere", [])


# --- processes ------------------------------------------------------------------------------


def test_a_missing_library_is_told_from_a_failure(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((2, 2), "float32"))
    for module, status in (("no_such_module", "not installed"), ("limit", "failed")):
        contender = contenders.Contender("x", "X", module, options={"wrong": 1})
        with pytest.raises(contenders.WorkerError) as caught:
            contenders.Worker(contender, "example", path, sys.executable)
        assert caught.value.status == status


def test_calls_are_timed_in_new_processes_that_take_turns(monkeypatch, tmp_path):
    log = []

    class Recorded:
        def __init__(self, contender, case, data, python):
            self.name, self.fits = contender.name, 0
            log.append(self.name)

        def fit(self, epochs):
            self.fits += 1
            return epochs + self.fits, 0.5

        def new(self):
            log.append("new model")

        def close(self):
            log.append("end")

    monkeypatch.setattr(turns, "Worker", Recorded)
    monkeypatch.setattr(turns, "REST", 0)
    seconds = turns.time_calls(CASES["noise-free"], tmp_path, sys.executable, rounds=2)
    one = [*("engine", "new model", "end"), *("keras-tensorflow", "new model", "end")]
    assert log == one * len(turns.CALL_EPOCHS) * 2
    assert seconds["3"]["engine"] == [{"first": 4, "new": 5, "again": 6}] * 2
    assert seconds["12"]["keras-tensorflow"] == [{"first": 13, "new": 14, "again": 15}] * 2


@pytest.mark.parametrize("name", ["gaussian-noise", "dropout", "binarization", "noisy-convolutional"])
def test_noise_changes_a_training_step_and_nothing_else(name):
    from benchmarks.keras_models import build

    case = CASES[name]
    model = build(case)
    x = np.random.default_rng(0).uniform(size=(6, *model.input_shape[1:])).astype("float32")
    noisy = model.layers[0]
    assert (np.asarray(noisy(x, training=False)) == x).all()
    changed = np.asarray(noisy(x, training=True))
    assert (changed != x).mean() > 0.2
    if name == "binarization":
        assert set(np.unique(changed)) == {0, 1}


def test_a_quick_run_times_the_engine_and_keras_on_the_same_training(tmp_path, monkeypatch):
    # A tutorial's TensorFlow is timed even where another backend is chosen for everything else.
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    names = "engine,keras-tensorflow,jax-scan,limit-1"
    options = ["--quick", "--no-peers", "--models=example", f"--contenders={names}", "--calls="]
    ratios = []
    for trial in range(3):  # a single trial on a busy machine is noisy
        folder = tmp_path / str(trial)
        folder.mkdir()
        assert run.main([*options, f"--output={folder}"]) == 0
        model = json.loads((folder / "results.json").read_text("utf-8"))["models"]["example"]
        ratios.append(model["ratios"][0]["ratio"])
        if ratios[-1] > 5:
            break
    assert model["contenders"]["jax-scan"]["status"] == "not installed"
    assert model["losses_differ"] == []
    results = model["contenders"]
    assert results["engine"]["loss"]["last"] < 0.95 < 1.1 < results["engine"]["loss"]["first"]
    for name in ("engine", "keras-tensorflow", "limit-1"):
        (milliseconds,) = results[name]["rounds_ms"]
        (fits,) = results[name]["fits_seconds"]
        epochs = results[name]["epochs"]
        assert milliseconds > 0
        assert milliseconds * (epochs["long"] - epochs["short"]) == pytest.approx(1e3 * (fits["long"] - fits["short"]))
    assert max(ratios) > 5  # half of what a quiet machine shows for a full run
    assert (folder / "RESULTS.md").exists()
