"""Sweeps that take longer than a learner waits: a few points run live, the whole grid comes from a stored run.

`make studies` runs the full grids and writes one JSON file per study, with what is needed to doubt it: a hash of
the code involved, checksums of the data, versions and seeds.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial import runtime, validation
from aetutorial.studies import grid
from aetutorial.studies.fingerprint import Fingerprint, fingerprint

MODE_VARIABLE = "AETUTORIAL_STUDIES"
FOLDER_VARIABLE = "AETUTORIAL_STUDY_FOLDER"
SABOTAGED_VARIABLE = "AETUTORIAL_SABOTAGED_STUDIES"


class StudyError(RuntimeError):
    """A stored study is missing, was made by other code or data, or disagrees with the live run."""


@dataclass(frozen=True)
class Study:
    """The results of a sweep.

    Attributes:
        name: The study's name.
        points: One dict per point of the grid, in the grid's order: the settings.
        results: One dict per point: the measured numbers.
    """

    name: str
    points: tuple[dict[str, Any], ...]
    results: tuple[dict[str, float], ...]

    def values(self, metric: str, **where: Any) -> np.ndarray:
        """Return the measurements of `metric` at the points that match `where`, in the grid's order.

        Args:
            metric: The name of a measured number.
            where: Settings and the values they must have.

        Returns:
            A float64 array of shape (points that match,).

        Raises:
            ValueError: no such metric or setting, or no point matches.
        """
        validation.choice("metric", metric, sorted(self.results[0]))
        for setting in where:
            validation.choice("where", setting, sorted(self.points[0]))
        chosen = [
            result[metric]
            for point, result in zip(self.points, self.results, strict=True)
            if all(point[setting] == value for setting, value in where.items())
        ]
        if not chosen:
            raise ValueError(validation.message("where", "settings of at least one point", where))
        return np.array(chosen, dtype=np.float64)

    def mean(self, metric: str, **where: Any) -> float:
        """Return the mean of `values`."""
        return float(self.values(metric, **where).mean())

    def std(self, metric: str, **where: Any) -> float:
        """Return the standard deviation of `values`, with n - 1 in the denominator (NaN for one value)."""
        values = self.values(metric, **where)
        return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def study(
    name: str, run: grid.Run, grid: Sequence[grid.Point], live: Sequence[grid.Point], *, fresh: bool = False
) -> Study:
    """Run the live points, hold them against the stored study, and return the whole grid.

    Args:
        name: The study's name and file name; lower-case letters, digits and underscores.
        run: A function of the notebook. It takes a point's settings as keyword arguments and returns a dict of
            measured numbers. It builds its models inside, from `seed`.
        grid: The points: dicts with the same settings, JSON scalars, among them "seed". Two
            seeds or more for each combination of the other settings.
        live: The points to run now, all of them in `grid`.
        fresh: Run the whole grid now and ignore what is stored. For your own changes.

    Returns:
        The study over the whole grid.

    Raises:
        StudyError: nothing is stored, the code or the data changed since, or a live result lies farther from the
            mean of the stored seeds than another seed would: four times their standard deviation, or the typical one
            of the study's settings if that is larger.
        TypeError, ValueError: an argument is of the wrong form.
    """
    path = _folder() / f"{_study_name(name)}.json"
    points = grid.checked(grid, live)
    made_by = fingerprint(run)
    mode = os.environ.get(MODE_VARIABLE, "")
    unbroken = not (fresh or runtime.sabotage())
    if mode == "run" and unbroken and not _is_current(name, points, made_by, path):
        _run_all(name, run, points, made_by, path)
    if not (fresh or runtime.strict or _is_current(name, points, made_by, path)):
        print(f"Study {name}: the stored results are of other code; all {len(points)} points run now.")
        fresh = True
    # Under sabotage the stored results say nothing: the grid is run with the broken data or training.
    if runtime.sabotage() and not fresh:
        results = _spared(name, points, path) or grid.measure_sabotaged(run, points)
        return Study(name, tuple(points), tuple(results))
    if fresh:
        return Study(name, tuple(points), tuple(grid.measure(run, point) for point in points))
    stored = _stored(name, points, made_by, path)
    for point in live:
        _compare(name, dict(point), grid.measure(run, point), stored)
    if live:
        print(
            f"Study {name}: {len(live)} of {len(points)} points run now; they lie within the spread of the stored ones."
        )
    return stored


def stored(name: str) -> Study:
    """Return a study of another lesson as it is stored, to put new results beside it.

    Whether its code is still the one that made it is checked where it is run: in its own lesson, by `study`.

    Args:
        name: The study's name.

    Returns:
        All its points, in the order of the file.

    Raises:
        StudyError: there is no stored study of that name.
        ValueError: `name` is no name of a study.
    """
    path = _folder() / f"{_study_name(name)}.json"
    results = _document(name, path, "`make studies` runs it.")["results"]
    points, measured = ([entry[part] for entry in results] for part in ("point", "result"))
    return Study(name, tuple(points), tuple(measured))


def _folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE) or runtime.repository_root() / "studies")


def _study_name(name: Any) -> str:
    if not isinstance(name, str) or not name.replace("_", "").isalnum() or name != name.lower():
        expected = "a name of lower-case letters, digits and underscores"
        raise ValueError(validation.message("name", expected, name))
    return name


def _document(name: str, path: Path, remedy: str) -> Any:
    if not path.exists():
        raise StudyError(f"The study {name!r} has no stored results. {remedy}")
    return json.loads(path.read_text("utf-8"))


def _spared(name: str, points: list[dict[str, Any]], path: Path) -> list[dict[str, float]] | None:
    """Return the stored results, of sound data and training, if `make test-claims` needs no others of this study."""
    sabotaged = os.environ.get(SABOTAGED_VARIABLE)
    if sabotaged is None or name in sabotaged.split(",") or not path.exists():
        return None
    stored = _results(json.loads(path.read_text("utf-8")))
    results = [stored[grid.key(point)] for point in points if grid.key(point) in stored]
    # A grid that comes from another study's results is another one under sabotage.
    return results if len(results) == len(points) else None


def _header(name: str, made_by: Fingerprint) -> dict[str, Any]:
    return {"name": name, "code_digest": made_by.code_digest, "parameters": made_by.parameters, "data": made_by.data}


def _run_all(name: str, run: grid.Run, points: list[dict[str, Any]], made_by: Fingerprint, path: Path) -> None:
    """Run every point that an interrupted run of the same code has not run yet, and store the study."""
    partial = path.with_suffix(".json.partial")
    header = json.loads(json.dumps(_header(name, made_by)))
    done: dict[str, Any] = {}
    if partial.exists():
        lines = [
            json.loads(line)
            for line in partial.read_text("utf-8").splitlines(keepends=True)
            if line.endswith("\n")  # the last one may be cut off
        ]
        if lines and lines[0] == header:
            done = {grid.key(line["point"]): line for line in lines[1:]}
    with _rewritten(partial, [header, *done.values()]) as file:
        for i, point in enumerate(points):
            if grid.key(point) in done:
                continue
            started = time.perf_counter()
            result = grid.measure(run, point)
            line = {"point": point, "result": result, "seconds": round(time.perf_counter() - started, 2)}
            done[grid.key(point)] = line
            file.write(json.dumps(line) + "\n")
            file.flush()
            print(f"{name}: point {i + 1} of {len(points)}")
    lines = [done[grid.key(point)] for point in points]
    import keras
    import tensorflow as tf

    document = header | {
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        "seeds": sorted({point["seed"] for point in points}),
        "seconds": round(sum(line["seconds"] for line in lines), 1),
        "results": [{"point": line["point"], "result": line["result"]} for line in lines],
    }
    beside = path.with_suffix(".json.tmp")
    beside.write_text(_compact(document), "utf-8")
    os.replace(beside, path)
    partial.unlink()


def _rewritten(path: Path, lines: list[Any]) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    os.replace(beside, path)
    return path.open("a", encoding="utf-8")


def _compact(document: dict[str, Any]) -> str:
    """Return JSON with one result per line, so that a change reads well in a diff."""
    results = ",\n".join("  " + json.dumps(result) for result in document["results"])
    head = json.dumps({k: v for k, v in document.items() if k != "results"}, indent=1)
    return f'{head[:-2]},\n "results": [\n{results}\n ]\n}}\n'


def _results(document: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {grid.key(entry["point"]): entry["result"] for entry in document["results"]}


def _is_current(name: str, points: list[dict[str, Any]], made_by: Fingerprint, path: Path) -> bool:
    try:
        _stored(name, points, made_by, path)
    except StudyError:
        return False
    return True


def _stored(name: str, points: list[dict[str, Any]], made_by: Fingerprint, path: Path) -> Study:
    remedy = (
        f"`make studies` runs it anew. To see what your own change does here, without storing it: "
        f"`lesson.study({name!r}, ..., fresh=True)`."
    )
    document = _document(name, path, remedy)
    now = json.loads(json.dumps(_header(name, made_by)))
    changed = [part for part in ("parameters", "data", "code_digest") if document[part] != now[part]]
    if changed:
        what = {"parameters": "its parameters", "data": "its data", "code_digest": "its code"}
        listed = " and ".join(what[part] for part in changed)
        raise StudyError(f"The study {name!r} was stored before {listed} changed. {remedy}")
    results = _results(document)
    missing = [point for point in points if grid.key(point) not in results]
    if missing:
        raise StudyError(f"The study {name!r} has no stored result for {missing[0]}. {remedy}")
    return Study(name, tuple(points), tuple(results[grid.key(point)] for point in points))


def _compare(name: str, point: dict[str, Any], result: dict[str, float], stored: Study) -> None:
    """Refuse a live result that another seed would hardly have given.

    On another processor a live training is another draw, as a new seed is. So the bound is a prediction interval for
    one more draw, four times the spread on either side of the seeds' mean. (Seeds are few: the range of three of
    them, widened by their own standard deviation, misses every fourth new draw.)
    """
    for metric, value in result.items():
        over_seeds = stored.values(metric, **grid.setting(point))
        spread = max(float(over_seeds.std(ddof=1)), _typical_spread(stored, metric))
        spread += 1e-6 * float(np.abs(over_seeds).max())
        reach = 4 * spread * math.sqrt(1 + 1 / len(over_seeds))
        if not abs(value - float(over_seeds.mean())) <= reach:  # true for NaN
            raise StudyError(
                f"The study {name!r} does not repeat: at {point}, {metric} is {value:.6g} now; the stored seeds "
                f"gave {over_seeds.min():.6g} to {over_seeds.max():.6g}, and {reach:.3g} around their mean is allowed."
            )


def _typical_spread(stored: Study, metric: str) -> float:
    """Return the median, over a study's settings, of the standard deviation of a metric over the seeds."""
    groups: dict[str, list[float]] = {}
    for point, result in zip(stored.points, stored.results, strict=True):
        if metric in result:
            groups.setdefault(grid.key(grid.setting(point)), []).append(result[metric])
    return float(np.median([np.std(values, ddof=1) for values in groups.values()]))
