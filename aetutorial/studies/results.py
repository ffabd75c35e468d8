"""What a study gives back: its points, and what was measured at each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
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
        live: How many of the points were run in this lesson; the others are stored.
    """

    name: str
    points: tuple[dict[str, Any], ...]
    results: tuple[dict[str, float], ...]
    live: int = field(default=0, compare=False)

    @property
    def note(self) -> str:
        """A footnote for the figure or table that shows the study: how many seeds, and which runs are of just now."""
        settings = Counter(tuple(sorted((k, v) for k, v in point.items() if k != "seed")) for point in self.points)
        fewest, most = min(settings.values()), max(settings.values())
        seeds = ("" if fewest == most else f"{fewest} to ") + ("1 seed" if most == 1 else f"{most} seeds")
        if len(settings) > 1:
            seeds += f" for each of {len(settings)} settings"
        count, others = len(self.points), len(self.points) - self.live
        if not self.live:
            return f"{seeds}; all {count} runs are stored"
        if not others:
            return f"{seeds}; all {count} runs happened just now"
        ran = "one" if self.live == 1 else str(self.live)
        rest = "the other is stored" if others == 1 else "the others are stored"
        return f"{seeds}; {ran} of {count} runs happened just now, {rest}"

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
