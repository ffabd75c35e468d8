"""The stored results of studies: one JSON file each, with what is needed to doubt it.

That is a digest of the code, the parameters, digests of the data, versions and seeds. `make studies` writes the
files; a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial import runtime, validation
from aetutorial.integrity import write_whole
from aetutorial.studies.fingerprint import Fingerprint
from aetutorial.studies.grid import RunPoint, measure, point_key
from aetutorial.studies.results import Study, StudyError

FOLDER_VARIABLE = "AETUTORIAL_STUDY_FOLDER"
SABOTAGED_VARIABLE = "AETUTORIAL_SABOTAGED_STUDIES"
HEADER = {"parameters": "its parameters", "data": "its data", "code_digest": "its code"}

Points = list[dict[str, Any]]


def study_path(name: object) -> Path:
    """Return the file of a study.

    Raises:
        ValueError: `name` is no name of a study.
    """
    if not isinstance(name, str) or not name.replace("_", "").isalnum() or name != name.lower():
        expected = "a name of lower-case letters, digits and underscores"
        raise ValueError(validation.message("name", expected, name))
    folder = os.environ.get(FOLDER_VARIABLE) or runtime.repository_root() / "studies"
    return Path(folder) / f"{name}.json"


def document(name: str, path: Path, remedy: str) -> dict[str, Any]:
    """Return what a study's file holds.

    Raises:
        StudyError: there is no file; the message ends with the remedy.
    """
    if not path.exists():
        raise StudyError(f"The study {name!r} has no stored results. {remedy}")
    return json.loads(path.read_text("utf-8"))


def read(name: str, points: Points, made_by: Fingerprint, path: Path) -> Study:
    """Return the stored study, if it is of this code, these parameters and data, and holds every point.

    Raises:
        StudyError: it does not.
    """
    remedy = (
        f"`make studies` runs it anew. To see what your own change does here, without storing it: "
        f"`lesson.study({name!r}, ..., fresh=True)`."
    )
    there, now = document(name, path, remedy), _header(name, made_by)
    changed = [words for part, words in HEADER.items() if there.get(part) != now[part]]
    if changed:
        raise StudyError(f"The study {name!r} was stored before {' and '.join(changed)} changed. {remedy}")
    results = _results(there)
    missing = [point for point in points if point_key(point) not in results]
    if missing:
        raise StudyError(f"The study {name!r} has no stored result for {missing[0]}. {remedy}")
    return Study(name, tuple(points), tuple(results[point_key(point)] for point in points))


def is_current(name: str, points: Points, made_by: Fingerprint, path: Path) -> bool:
    """Return whether `read` would return the study."""
    try:
        read(name, points, made_by, path)
    except StudyError:
        return False
    return True


def spared(name: str, points: Points, path: Path) -> list[dict[str, float]] | None:
    """Return the stored results, of sound data and training, if `make test-claims` needs no others of this study."""
    sabotaged = os.environ.get(SABOTAGED_VARIABLE)
    if sabotaged is None or name in sabotaged.split(",") or not path.exists():
        return None
    stored = _results(json.loads(path.read_text("utf-8")))
    results = [stored[point_key(point)] for point in points if point_key(point) in stored]
    # A grid that comes from another study's results is another one under sabotage.
    return results if len(results) == len(points) else None


def run_and_store(name: str, run: RunPoint, points: Points, made_by: Fingerprint, path: Path) -> None:
    """Run every point that an interrupted run of the same code has not run yet, and store the study."""
    partial = path.with_suffix(".json.partial")
    header = _header(name, made_by)
    done = _done(partial, header)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(partial, "".join(json.dumps(line) + "\n" for line in (header, *done.values())))
    with partial.open("a", encoding="utf-8") as file:
        for i, point in enumerate(points):
            if point_key(point) in done:
                continue
            started = time.perf_counter()
            result = measure(run, point)
            line = {"point": point, "result": result, "seconds": round(time.perf_counter() - started, 2)}
            done[point_key(point)] = line
            file.write(json.dumps(line) + "\n")
            file.flush()
            print(f"{name}: point {i + 1} of {len(points)}")
    import keras
    import tensorflow as tf

    lines = [done[point_key(point)] for point in points]
    whole = header | {
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
    write_whole(path, one_result_a_line(whole))
    partial.unlink()


def _done(partial: Path, header: dict[str, Any]) -> dict[str, Any]:
    """Return the points that an interrupted run of the same study has run, by their keys."""
    if not partial.exists():
        return {}
    written = partial.read_text("utf-8").splitlines(keepends=True)
    lines = [json.loads(line) for line in written if line.endswith("\n")]  # the last may be cut off
    return {point_key(line["point"]): line for line in lines[1:]} if lines[:1] == [header] else {}


def one_result_a_line(whole: dict[str, Any]) -> str:
    """Return a study as JSON with one result per line, so that a change reads well in a diff."""
    results = ",\n".join("  " + json.dumps(result) for result in whole["results"])
    head = json.dumps({k: v for k, v in whole.items() if k != "results"}, indent=1)
    return f'{head[:-2]},\n "results": [\n{results}\n ]\n}}\n'


def _header(name: str, made_by: Fingerprint) -> dict[str, Any]:
    """Return what a stored study must agree with, as JSON gives it back."""
    header = {"name": name, **vars(made_by)}
    return dict(json.loads(json.dumps(header)))


def _results(whole: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {point_key(entry["point"]): entry["result"] for entry in whole["results"]}
