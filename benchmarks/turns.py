"""Who has its turn when: epochs of contenders that stay loaded, and whole calls in new processes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.cases import Case
from benchmarks.contenders import Contender, Worker, WorkerError, contenders

SHORT = 2  # epochs of the fit that is subtracted
MOST = 4096  # epochs timed in a round
CALL_EPOCHS = (3, 12)
REST = 0.2  # seconds between two turns: threads that wait for work spin for a while


class Turn:
    """A contender's worker, its length of a round, and what came of it.

    Args:
        contender: The contender.
        worker: Its worker.
        case: The model.
        rows: On how many rows it trains; None means all.
    """

    def __init__(self, contender: Contender, worker: Worker, case: Case, rows: int | None) -> None:
        self.contender, self.worker, self.case, self.rows = contender, worker, case, rows
        self.more = 1
        self.raw: list[dict[str, float]] = []
        self.first: dict[str, float] = {}
        self.loss: dict[str, float] | None = None

    def start(self) -> None:
        """Time the first epoch of two models, and train the second until losses are compared."""
        if not self.contender.trains:
            return
        cold, _ = self.worker.fit(1)
        self.worker.new()
        second, first_loss = self.worker.fit(1)
        self.first = {"first": cold, "second": second}
        if self.rows is None and first_loss is not None:
            _, last_loss = self.worker.fit(self.case.loss_epochs - 1)
            if last_loss is not None:
                self.loss = {"first": first_loss, "last": last_loss}

    def settle(self, seconds: float) -> None:
        """Find how many epochs take about that many seconds, and at least as long as a short fit.

        This warms up as well. The smaller of two times counts, lest noise in the start-up pass for epochs.
        """

        def time_of(epochs: int) -> float:
            return min(self.worker.fit(epochs)[0] for _ in range(2))

        self.worker.fit(SHORT)
        short = time_of(SHORT)
        wanted = max(seconds, short)
        while (spent := time_of(SHORT + self.more) - short) < wanted / 3 and self.more < MOST:
            self.more *= 8
        if spent > 0:
            self.more = int(np.clip(round(self.more * wanted / spent), 1, MOST))

    def round(self) -> None:
        """Time two fits of different length, twice more if noise was longer than the difference."""
        for _ in range(3):
            short, _ = self.worker.fit(SHORT)
            long, _ = self.worker.fit(SHORT + self.more)
            if long > short:
                self.raw.append({"short": short, "long": long})
                return
        raise WorkerError("failed", "a longer fit took no longer than a short one, three times")

    def result(self) -> dict[str, Any]:
        """Return what results.json says of the contender."""
        scale = self.worker.scale
        times = [1e3 * report.per_epoch(raw["short"], raw["long"], self.more, scale) for raw in self.raw]
        found: dict[str, Any] = {
            "title": self.contender.title,
            "status": "timed",
            "milliseconds": report.summary(times),
            "rounds_ms": times,
            "epochs": {"short": SHORT, "long": SHORT + self.more},
            "fits_seconds": self.raw,
            "scale": scale,
            "versions": self.worker.versions,
        }
        if self.rows:
            found["rows"] = self.rows
        if self.first:
            epoch = found["milliseconds"]["median"] / scale / 1e3
            found["compile_seconds"] = {k: max(0.0, v - epoch) for k, v in self.first.items()}
        if self.loss:
            found["loss"] = {**self.loss, "epochs": self.case.loss_epochs}
        return found


def run_case(
    case: Case,
    chosen: Sequence[Contender],
    data: Path,
    pythons: dict[bool, str | None],
    *,
    rounds: int,
    seconds: float,
    absent: str = "",
) -> dict[str, Any]:
    """Time all contenders on one model; return what results.json says of it.

    Args:
        case: The model.
        chosen: The contenders.
        data: The file of the examples.
        pythons: The Python for peers (True) and for the others (False); None if there is none.
        rounds: How often each has its turn.
        seconds: How long the epochs that are timed in a round take, about.
        absent: What to add where a peer's library is not installed.
    """
    turns: dict[str, Turn] = {}
    problems: dict[str, dict[str, str]] = {}

    def attempt(contender: Contender, action: Any) -> None:
        try:
            action()
        except WorkerError as error:
            why = f"{error}; {absent}" if error.status == "not installed" and absent else str(error)
            problems[contender.name] = {"title": contender.title, "status": error.status, "why": why}
            turn = turns.pop(contender.name, None)
            if turn:
                turn.worker.close()
        time.sleep(REST)

    def begin(contender: Contender) -> None:
        python = pythons[contender.peer]
        if python is None:
            raise WorkerError("not installed", "left out")
        rows = dict(case.slow).get(contender.name)
        try:
            worker = Worker(contender, case.name, data, python, rows)
        except OSError as error:
            raise WorkerError("not installed", f"no Python: {error.strerror}") from None
        turn = turns[contender.name] = Turn(contender, worker, case, rows)
        turn.start()
        turn.settle(seconds)

    try:
        for contender in chosen:
            print(f"{case.name}: {contender.title}", flush=True)
            attempt(contender, lambda c=contender: begin(c))
        for number in range(rounds):
            print(f"{case.name}: round {number + 1} of {rounds}", flush=True)
            for turn in list(turns.values()):
                attempt(turn.contender, turn.round)
        results = {
            contender.name: turns[contender.name].result() if contender.name in turns else problems[contender.name]
            for contender in chosen
        }
    finally:
        for turn in turns.values():
            turn.worker.close()
    return {
        "title": case.title,
        "contenders": results,
        "ratios": [report.ratio(goal, results) for goal in case.goals],
        "compiling": report.compiling(results),
        "losses_differ": report.losses_differ(results),
    }


def time_calls(case: Case, data: Path, python: str, rounds: int) -> dict[str, Any]:
    """Time whole calls of `fit`: a process's first, that of a new model, and a second of that model.

    Each is a process of its own; the engine and Keras take turns.

    Args:
        case: The model.
        data: The file of the examples.
        python: The Python of both.
        rounds: How often each has its turn.

    Returns:
        What results.json says of it: by number of epochs and contender, the seconds of each round's three calls.
    """
    both = {name: contenders(1)[name] for name in ("engine", "keras-tensorflow")}
    seconds: dict[str, Any] = {str(epochs): {name: [] for name in both} for epochs in CALL_EPOCHS}
    for number in range(rounds):
        for epochs in CALL_EPOCHS:
            print(f"{case.name}: calls of {epochs} epochs, round {number + 1} of {rounds}", flush=True)
            for name, contender in both.items():
                worker = Worker(contender, case.name, data, python)
                try:
                    first, _ = worker.fit(epochs)
                    worker.new()
                    new, _ = worker.fit(epochs)
                    again, _ = worker.fit(epochs)
                finally:
                    worker.close()
                seconds[str(epochs)][name].append({"first": first, "new": new, "again": again})
                time.sleep(REST)
    return seconds
