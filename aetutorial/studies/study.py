"""Sweeps that take longer than a learner waits: a few points run live, the whole grid comes from a stored run."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from aetutorial import runtime
from aetutorial.studies import storage
from aetutorial.studies.fingerprint import fingerprint
from aetutorial.studies.grid import Point, RunPoint, checked_points, measure, measure_sabotaged, point_key, without_seed
from aetutorial.studies.results import Study, StudyError

MODE_VARIABLE = "AETUTORIAL_STUDIES"
SPREADS = 4  # standard deviations that a live result may lie from the mean of the stored seeds


def study(
    name: str, run: RunPoint, grid: Sequence[Point], live: Sequence[Point], *, fresh: bool = False, quiet: bool = False
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
        quiet: Print no line on the live points, where `note` stands under a figure or table. That the whole grid runs
            is said before it does.

    Returns:
        The study over the whole grid; its `note` says which runs happened just now.

    Raises:
        StudyError: nothing is stored, the code or the data changed since, or a live result lies farther from the
            mean of the stored seeds than another seed would: four times their standard deviation, or the typical one
            of the study's settings if that is larger.
        TypeError, ValueError: an argument is of the wrong form.
    """
    path = storage.study_path(name)
    points = checked_points(grid, live)
    made_by = fingerprint(run)
    sabotaged = runtime.sabotage() is not None
    wanted = os.environ.get(MODE_VARIABLE) == "run" and not fresh and not sabotaged
    if wanted and not storage.is_current(name, points, made_by, path):
        storage.run_and_store(name, run, points, made_by, path)
    if not (fresh or runtime.strict or storage.is_current(name, points, made_by, path)):
        print(f"Study {name}: the stored results are of other code; all {len(points)} points run now.")
        fresh = True
    if fresh:
        return Study(name, tuple(points), tuple(measure(run, point) for point in points), live=len(points))
    if sabotaged:  # the stored results say nothing: the grid is run with the broken data or training
        results = storage.spared(name, points, path) or measure_sabotaged(run, points)
        return Study(name, tuple(points), tuple(results))
    whole = storage.read(name, points, made_by, path)
    for point in live:
        compare(dict(point), measure(run, point), whole)
    if live and not quiet:
        count = f"{len(live)} of {len(points)} points run now"
        print(f"Study {name}: {count}; they lie within the spread of the stored ones.")
    return dataclasses.replace(whole, live=len({point_key(point) for point in live}))


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
    results = storage.document(name, storage.study_path(name), "`make studies` runs it.")["results"]
    points, measured = ([entry[part] for entry in results] for part in ("point", "result"))
    return Study(name, tuple(points), tuple(measured))


def compare(point: dict[str, Any], result: dict[str, float], stored: Study) -> None:
    """Refuse a live result that another seed would hardly have given.

    On another processor a live training is another draw, as a new seed is. So the bound is a prediction interval for
    one more draw, `SPREADS` times the spread on either side of the seeds' mean. (Seeds are few: the range of three of
    them, widened by their own standard deviation, misses every fourth new draw.)

    Raises:
        StudyError: the result lies outside.
    """
    for metric, value in result.items():
        over_seeds = stored.values(metric, **without_seed(point))
        spread = max(float(over_seeds.std(ddof=1)), _typical_spread(stored, metric))
        spread += 1e-6 * float(np.abs(over_seeds).max())
        reach = SPREADS * spread * math.sqrt(1 + 1 / len(over_seeds))
        if not abs(value - float(over_seeds.mean())) <= reach:  # true for NaN
            raise StudyError(
                f"The study {stored.name!r} does not repeat: at {point}, {metric} is {value:.6g} now; the stored seeds "
                f"gave {over_seeds.min():.6g} to {over_seeds.max():.6g}, and {reach:.3g} around their mean is allowed."
            )


def _typical_spread(stored: Study, metric: str) -> float:
    """Return the median, over a study's settings, of the standard deviation of a metric over the seeds."""
    groups: dict[str, list[float]] = {}
    for point, result in zip(stored.points, stored.results, strict=True):
        if metric in result:
            groups.setdefault(point_key(without_seed(point)), []).append(result[metric])
    return float(np.median([np.std(values, ddof=1) for values in groups.values()]))
