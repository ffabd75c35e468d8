"""Run the lessons sabotaged and see that every claim fails under the sabotage that it names.

    python -m tools.claims [NAME ...]

Three sabotages: training switched off (the optimizers change nothing, and a parameter `learning_rate` becomes 0),
pixels shuffled within each image, labels shuffled. A claim of kind "math" is an identity and must hold under all of
them. A claim that survives its own sabotage is true by construction: a defect of the lesson.

A study is run under a sabotage only if a claim that must fail under it, or an identity, names the study (`study=`); the
others are read as stored. So a claim that rests on a study and does not name it keeps its true value, survives, and is
reported.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError

from tools import notebooks

SABOTAGES = ("no-training", "shuffled-pixels", "shuffled-labels")
STORED = re.compile(r"✓ (.*) \(measured [^()]*; must [^()]*\)")


class UnreadableClaimError(ValueError):
    """The code of a claim does not say on which studies it rests."""


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
    """Return the studies that a claim names which this sabotage must break, or must not: an identity."""
    named = (sabotage, "math", None)  # None: no literal, so it may be this one
    return {study for kind, studies in rests_on(text.read_text("utf-8")) if kind in named for study in studies}


def rests_on(source: str) -> list[tuple[str | None, tuple[str, ...]]]:
    """Return what each claim of a lesson names as its sabotage (None if it is no literal) and as its studies.

    Args:
        source: The lesson's code: what a text pair holds.

    Raises:
        UnreadableClaimError: a study is named by something that is no literal, such as the variable of a loop, or it is
            none that the lesson runs or reads.
    """
    tree = ast.parse(source)
    known = {name for call in _calls(tree, "lesson.study", "lesson.stored") for name in _literal(call.args[:1])}
    found = []
    for call in _calls(tree, "lesson.claim"):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        study = given.get("study")
        listed = study.elts if isinstance(study, ast.Tuple | ast.List) else [study] if study else []
        names = _literal(listed)
        if study is not None and len(names) < max(len(listed), 1):
            raise UnreadableClaimError(
                f"line {call.lineno}: `study` must be a literal name or a tuple of them, for it is read from the code "
                f"before the lesson runs (in a loop, name all studies). Received: {ast.unparse(study)}."
            )
        unknown = sorted(set(names) - known)
        if unknown:
            raise UnreadableClaimError(f"line {call.lineno}: the claim names {unknown[0]!r}, no study of this lesson.")
        kind = _literal([given["fails_under"]]) if "fails_under" in given else ()
        found.append((kind[0] if kind else None, names))
    return found


def _calls(tree: ast.AST, *names: str) -> list[ast.Call]:
    """Return the calls of functions, in the order of the lines."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in names]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _literal(nodes: Sequence[ast.expr]) -> tuple[str, ...]:
    """Return the texts among expressions that are written out."""
    return tuple(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))


def stated(text: Path) -> set[str]:
    """Return the claims that the stored notebook shows."""
    path = notebooks.notebook_of(text)
    if not path.exists():
        raise SystemExit(f"{path.name} does not exist yet: run `make notebooks`.")
    cells = nbformat.read(path, as_version=4).cells
    plain = (output.get("data", {}).get("text/plain", "") for cell in cells for output in cell.get("outputs", ()))
    return {found[1] for found in map(STORED.fullmatch, plain) if found}


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
                    faults.append(f"survives {sabotage}: {text} ({entry['value']}; {entry['expected']})")
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
        except UnreadableClaimError as error:
            faults = [str(error)]
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
