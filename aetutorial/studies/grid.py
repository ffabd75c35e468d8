"""The points of a study: what a grid may be, and how a point is run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aetutorial import runtime, validation

Point = Mapping[str, Any]
RunPoint = Callable[..., Mapping[str, float]]


def checked_points(grid: Sequence[Point], live: Sequence[Point]) -> list[dict[str, Any]]:
    """Return the points of a grid as dicts, if they are such as `study` describes.

    Raises:
        TypeError, ValueError: the grid or the live points are not.
    """
    points = _dicts("grid", grid)
    if not points or any("seed" not in point or set(point) != set(points[0]) for point in points):
        raise ValueError(validation.message("grid", 'dicts with the same settings, among them "seed"', grid))
    groups: dict[str, set[object]] = {}
    for point in points:
        groups.setdefault(point_key(without_seed(point)), set()).add(point["seed"])
    if sum(len(seeds) for seeds in groups.values()) != len(points):
        raise ValueError(validation.message("grid", "points that differ from each other", grid))
    if min(len(seeds) for seeds in groups.values()) < 2:
        raise ValueError(validation.message("grid", "at least two seeds for every setting", grid))
    known = {point_key(point) for point in points}
    for chosen in _dicts("live", live):
        if point_key(chosen) not in known:
            raise ValueError(validation.message("live", "points of the grid", chosen))
    return points


def _dicts(name: str, points: object) -> list[dict[str, Any]]:
    """Return the points as dicts, if that is what they are and JSON can hold their values unchanged."""
    listed: list[Any] = list(points) if isinstance(points, Sequence) else [None]
    for point in listed:
        if not isinstance(point, Mapping):
            raise TypeError(validation.message(name, "a list of dicts", validation.describe(points)))
        for value in point.values():
            if not isinstance(value, str | int | float | bool | None):
                expected = "dicts of plain numbers and texts"
                raise TypeError(validation.message(name, expected, validation.describe(value)))
    return [dict(point) for point in listed]


def point_key(point: Point) -> str:
    """Return the text under which a point's result is found."""
    return json.dumps(dict(point), sort_keys=True)


def without_seed(point: Point) -> dict[str, Any]:
    """Return a point without its seed."""
    return {name: value for name, value in point.items() if name != "seed"}


def measure(run: RunPoint, point: Point) -> dict[str, float]:
    """Run one point."""
    result = run(**point)
    if not isinstance(result, Mapping) or not result:
        raise TypeError(validation.message("run", "a function that returns a dict of numbers", result))
    return {metric: float(value) for metric, value in result.items()}


def measure_sabotaged(run: RunPoint, points: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Run two seeds of each setting and repeat them for the others: a claim that is to fail needs no more."""
    measured: dict[str, list[dict[str, float]]] = {}
    results = []
    with _short_training(runtime.sabotage() == "no-training"):
        for point in points:
            seen = measured.setdefault(point_key(without_seed(point)), [])
            if len(seen) < 2:
                seen.append(measure(run, point))
                results.append(seen[-1])
            else:
                results.append(seen[len(results) % 2])
    return results


@contextlib.contextmanager
def _short_training(active: bool) -> Iterator[None]:
    """With training switched off, more epochs change nothing: let `training.fit` run one."""
    if not active:
        yield
        return
    from aetutorial import training

    fit = training.fit

    def fit_briefly(*args: Any, **settings: Any) -> Any:
        result, epochs = fit(*args, **(settings | {"epochs": 1})), settings["epochs"]
        result.history = {name: epochs * values for name, values in result.history.items()}
        return result

    setattr(training, "fit", fit_briefly)  # noqa: B010  mypy does not let a function be assigned
    try:
        yield
    finally:
        setattr(training, "fit", fit)  # noqa: B010
