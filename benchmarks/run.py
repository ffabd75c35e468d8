"""Time `training.fit` against its peers: `python -m benchmarks.run` (or `make bench`). See README.md here."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers, report
from benchmarks.cases import CASES, data_for
from benchmarks.contenders import ROOT, contenders
from benchmarks.turns import run_case, time_calls

ROUNDS, SECONDS = 5, 1.0  # rounds, and seconds of the epochs that are timed in one
QUICK_SECONDS = 0.1
CALLS = ("noise-free", "convolutional", "vae-784")  # models of which whole calls are timed
CALL_ROUNDS = 3


def machine(cores: int) -> dict[str, Any]:
    """Describe the machine."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "cpu": cpu,
        "cores": cores,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def write(document: dict[str, Any], folder: Path) -> None:
    """Write results.json, RESULTS.md and results.png, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "results.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        "RESULTS.md": report.markdown(document),
    }
    for name, text in texts.items():
        aside = folder / f"{name}.partial"
        aside.write_text(text, "utf-8")
        os.replace(aside, folder / name)
    report.figure(document, folder / "results.png")


def core_count() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 1 if a contender did not train as the others did, or the engine failed."""
    cores = core_count()
    known = contenders(cores)
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: a trial")
    parser.add_argument("--rounds", type=int, default=None, help=f"how many (default {ROUNDS})")
    parser.add_argument("--models", default=",".join(CASES), help="names, with commas")
    parser.add_argument("--contenders", default=",".join(known), help="names, with commas")
    parser.add_argument("--calls", default=",".join(CALLS), help="models of which whole calls are timed, with commas")
    parser.add_argument("--no-peers", action="store_true", help="install no other library")
    parser.add_argument("--output", type=Path, default=None, help="folder (default: this one; with --quick none)")
    options = parser.parse_args(arguments)
    models, names, calls = (
        [name for name in text.split(",") if name] for text in (options.models, options.contenders, options.calls)
    )
    for given, available in ((models, CASES), (names, known), (calls, CASES)):
        for name in given:
            if name not in available:
                parser.error(f"there is no '{name}'; there are {', '.join(available)}")
    rounds = options.rounds if options.rounds is not None else 1 if options.quick else ROUNDS
    if rounds < 1:
        parser.error("--rounds must be at least 1")
    chosen = [known[name] for name in names]
    pythons: dict[bool, str | None] = {False: sys.executable, True: None}
    lacking: list[str] = []
    if not options.no_peers and any(contender.peer for contender in chosen):
        pythons[True], lacking = peers.ensure()
    document: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "machine": machine(cores),
        "versions": {},
        "quick": options.quick,
        "rounds": rounds,
        "models": {},
        "calls": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in models:
            data = Path(folder) / f"{name}.npy"
            np.save(data, data_for(CASES[name]))
            document["models"][name] = run_case(
                CASES[name],
                [one for one in chosen if one.name in (CASES[name].contenders or known)],
                data,
                pythons,
                rounds=rounds,
                seconds=QUICK_SECONDS if options.quick else SECONDS,
                absent=f"pip could not install {', '.join(lacking)}" if lacking else "",
            )
        for name in calls:
            data = Path(folder) / f"{name}.npy"
            np.save(data, data_for(CASES[name]))
            document["calls"][name] = time_calls(CASES[name], data, sys.executable, min(rounds, CALL_ROUNDS))
    results = [model["contenders"] for model in document["models"].values()]
    document["versions"] = report.versions(one for found in results for one in found.values())
    output = options.output or (None if options.quick else ROOT / "benchmarks")
    if output:
        write(document, output)
    print(report.markdown(document))
    engine_failed = any(found.get("engine", {}).get("status") == "failed" for found in results)
    differ = any(model["losses_differ"] for model in document["models"].values())
    return 1 if engine_failed or differ else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
