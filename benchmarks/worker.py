"""A process that trains one model in one way, when and as long as it is told to.

Started by run.py. It reads a command a line: `new` makes a new model, `fit 20` trains it for 20 epochs. It answers
each with a line of JSON. What libraries print goes to the standard error stream.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import CASES

PACKAGES = ("numpy", "keras", "tensorflow", "tensorflow-cpu", "torch", "jax", "jaxlib")


def versions() -> dict[str, str]:
    """Return the versions of the libraries that this process has imported."""
    found = {}
    for name in PACKAGES:
        if name.partition("-")[0] in sys.modules:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
    return found


def serve(job: dict[str, Any], answer: Callable[..., None]) -> None:
    """Do a job: {"module", "function", "options", "case", "data", "rows"}."""
    case, x = CASES[job["case"]], np.load(job["data"])
    if job["rows"]:
        case, x = dataclasses.replace(case, rows=job["rows"]), x[: job["rows"]]
    prepare = getattr(importlib.import_module(job["module"]), job["function"])
    new, scale = prepare(case, x, **job["options"])
    fit = new()
    answer(scale=scale * CASES[job["case"]].rows / case.rows, versions=versions())
    for line in sys.stdin:
        command, _, epochs = line.strip().partition(" ")
        if command == "new":
            fit = new()
            answer()
            continue
        began = time.perf_counter()
        loss = fit(int(epochs))
        answer(seconds=time.perf_counter() - began, loss=loss)


def main() -> int:
    """Serve the job that is the only argument."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**content: Any) -> None:
        print(json.dumps(content), file=replies, flush=True)

    try:
        serve(json.loads(sys.argv[1]), answer)
    except ImportError as error:
        answer(missing=str(error))
        return 1
    except Exception as error:
        answer(failed=f"{type(error).__name__}: {error}")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
