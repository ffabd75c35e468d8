"""What a study gives back: its points, and what was measured at each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from aetutorial import validation


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

    def values(self, metric: str, **where: object) -> np.ndarray:
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

    def mean(self, metric: str, **where: object) -> float:
        """Return the mean of `values`."""
        return float(self.values(metric, **where).mean())

    def std(self, metric: str, **where: object) -> float:
        """Return the standard deviation of `values`, with n - 1 in the denominator (NaN for one value)."""
        values = self.values(metric, **where)
        return float(values.std(ddof=1)) if len(values) > 1 else float("nan")
