"""Run the lessons sabotaged and see that every claim fails under the sabotage that it names.

    python -m tools.claims [NAME ...]

Three sabotages: training switched off (the optimizers change nothing, and a parameter `learning_rate` becomes 0),
pixels shuffled within each image, labels shuffled. A claim of kind "math" is an identity and must hold under all of
them. A claim that survives its own sabotage is true by construction: a defect of the lesson.

A study is run under a sabotage only if a claim that names it, or an identity, rests on the study; the others are read
as stored.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError

from tools import evidence, notebooks

SABOTAGES = ("no-training", "shuffled-pixels", "shuffled-labels")
STORED = re.compile(r"^Claim holds: (.*) \(expected ", re.MULTILINE)


def sabotaged(text: Path, sabotage: str) -> Any:
    """Return the lesson as a notebook, with the learning rate at 0 if training is to be off."""
    notebook = notebooks.read_text(text)
    if sabotage != "no-training":
        return notebook
    for i, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", ()) and "learning_rate =" in cell.source:
            notebook.cells.insert(i + 1, nbformat.v4.new_code_cell("learning_rate = 0.0"))
            break
    return notebook


def outcomes(text: Path, sabotage: str) -> list[dict[str, Any]]:
    """Execute a lesson under a sabotage and return what became of its claims."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "claims.jsonl"
        environment = {
            "AETUTORIAL_SABOTAGE": sabotage,
            "AETUTORIAL_CLAIM_LOG": str(log),
            "AETUTORIAL_SABOTAGED_STUDIES": ",".join(sorted(to_run(text, sabotage))),
        }
        try:
            notebooks.execute(sabotaged(text, sabotage), text.parent.parent, environment)
        finally:
            for name in environment:
                os.environ.pop(name, None)
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        return [json.loads(line) for line in lines]


def to_run(text: Path, sabotage: str) -> set[str]:
    """Return the studies on which a claim rests that this sabotage must break, or must not: an identity."""
    cells = notebooks.read_text(text).cells
    source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    named = (sabotage, "math", None)  # None: no literal, so it may be this one
    chosen = [found for kind, found in evidence.studies_behind(source) if kind in named]
    return set().union(*chosen)


def stated(text: Path) -> set[str]:
    """Return the claims that the stored notebook shows."""
    path = notebooks.notebook_of(text)
    if not path.exists():
        raise SystemExit(f"{path.name} does not exist yet: run `make notebooks`.")
    claims: set[str] = set()
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            unwrapped = output.get("text", "").replace("\n    ", " ")
            claims |= set(STORED.findall(unwrapped))
    return claims


def judge(runs: dict[str, list[dict[str, Any]]], expected: set[str]) -> list[str]:
    """Return what is wrong with a lesson's claims, one sentence each.

    Args:
        runs: Sabotage to the outcomes of the claims in the run under it.
        expected: The claims that the ordinary run states.
    """
    faults = []
    tested: set[str] = set()
    for sabotage, entries in runs.items():
        for entry in entries:
            text = entry["text"]
            if entry["fails_under"] == "math":
                tested.add(text)
                if not entry["holds"]:
                    faults.append(f"identity broken by {sabotage}: {text} ({entry['value']})")
            elif entry["fails_under"] == sabotage:
                tested.add(text)
                if entry["holds"]:
                    faults.append(f"survives {sabotage}: {text} ({entry['value']}, expected {entry['expected']})")
    faults += [f"never put to its test: {text}" for text in sorted(expected - tested)]
    return faults


def main(arguments: list[str] | None = None) -> int:
    """Judge the lessons named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args(arguments)
    faulty = 0
    passed = 0
    for text in notebooks.texts(options.names):
        expected = stated(text)
        source = text.read_text("utf-8")
        needed = [name for name in SABOTAGES if f'fails_under="{name}"' in source]
        runs = {}
        try:
            # An identity is put to the test by any sabotage; one is enough if no claim names another.
            for sabotage in needed or SABOTAGES[:1]:
                runs[sabotage] = outcomes(text, sabotage)
            faults = judge(runs, expected)
        except CellExecutionError as error:
            faults = [f"the sabotaged lesson does not run to its end: {error}"]
        passed += len(expected) - min(len(faults), len(expected))
        faulty += len(faults)
        under = ", ".join(runs) or "none"
        print(f"{text.stem}: {len(expected)} claims under {under}: {len(faults)} at fault", flush=True)
        for fault in faults:
            print(f"  {fault}")
    print(f"{passed} passed, {faulty} failed")
    return 1 if faulty else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
