"""Make the notebooks from their text pairs: execute, store, sync, and run the studies.

    python -m tools.notebooks run [NAME ...]      execute the text pairs, write the notebooks
    python -m tools.notebooks text [NAME ...]     carry edits made in notebooks to their text pairs
    python -m tools.notebooks studies [NAME ...]  run the full grids of the lessons' studies

NAME is the start of a file name, such as 03, or of its path, such as deeper/03; without it, all lessons are meant. The
text in `notebooks/text` is the source; a notebook is its executed copy.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from aetutorial.integrity import write_whole

ROOT = Path(__file__).resolve().parent.parent
DEEPER = "deeper"  # the folder of the notebooks that go on from a lesson
FOLDERS = (ROOT / "notebooks", ROOT / "notebooks" / DEEPER)
TIMES = ROOT / "notebooks" / "run_times.json"
PICTURE = ROOT / "notebooks" / "reconstructions.png"  # the figure in README
PICTURE_TAG = "readme-figure"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CELL_SECONDS = 300
STUDY_SECONDS = 60 * 60  # a cell that runs a whole grid, also a sabotaged one, on a slow machine
# A cell's tag, and what JupyterLab is told to fold.
FOLDED = {"hide-input": "source_hidden", "hide-output": "outputs_hidden"}


def texts(names: list[str]) -> list[Path]:
    """Return the text pairs whose names start with one of `names` (all, if there are none)."""
    found = [path for folder in FOLDERS for path in sorted((folder / "text").glob("*.py"))]
    chosen = [path for path in found if not names or any(is_named(path, name) for name in names)]
    if not chosen:
        known = ", ".join(map(name_of, found))
        raise SystemExit(f"No lesson's name starts with {' or '.join(names)}. There are: {known}.")
    return chosen


def name_of(path: Path) -> str:
    """Return the name of a notebook or text pair below notebooks/: "03_keras_example", "deeper/11_hybrids"."""
    folder = path.parent.parent if path.suffix == ".py" else path.parent
    return f"{DEEPER}/{path.stem}" if folder.name == DEEPER else path.stem


def is_named(path: Path, name: str) -> bool:
    """Tell whether a notebook's or text pair's file name, or its path, starts with `name`."""
    return path.name.startswith(name) or name_of(path).startswith(name)


def notebook_of(text: Path) -> Path:
    """Return the notebook that belongs to a text pair."""
    return text.parent.parent / f"{text.stem}.ipynb"


def read_text(path: Path) -> Any:
    """Read a text pair as a notebook without outputs, in the form in which notebooks are stored.

    What is folded follows from the tags alone: how a reader left a cell does not come back from a notebook.
    """
    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:02d}"
        for name in ("lines_to_next_cell", "jupyter"):
            cell.metadata.pop(name, None)
        folded = {FOLDED[tag]: True for tag in cell.metadata.get("tags", ()) if tag in FOLDED}
        if folded and cell.cell_type == "code":
            cell.metadata["jupyter"] = folded
    return notebook


def sources(notebook: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what a text pair and its notebook share: kind, source and tags of every cell."""
    return [(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", ()))) for cell in notebook.cells]


def has_code(notebook: Any) -> bool:
    """Tell whether there is anything to execute: the reference is text only."""
    return any(cell.cell_type == "code" for cell in notebook.cells)


def pictures(notebook: Any) -> list[bytes]:
    """Return the stored figures of the cells tagged for README."""
    return [
        base64.b64decode(output.data["image/png"])
        for cell in notebook.cells
        if PICTURE_TAG in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]


class Meter(threading.Thread):
    """Follow the peak memory of a kernel process, in bytes."""

    def __init__(self, client: NotebookClient) -> None:
        super().__init__(daemon=True)
        self.client, self.peak, self.done = client, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.1):
            try:
                process = psutil.Process(self.client.km.provisioner.pid)
                self.peak = max(self.peak, process.memory_info().rss)
            except (AttributeError, TypeError, psutil.Error):
                continue  # not started yet, or already gone


def execute(notebook: Any, folder: Path, environment: dict[str, str] | None = None) -> dict:
    """Execute all cells in order in a fresh kernel; return seconds, the slowest cell's, and megabytes."""
    for name in ("TF_CPP_MIN_LOG_LEVEL", "PYTHONHASHSEED"):
        os.environ.pop(name, None)
    os.environ.update(environment or {})
    client = NotebookClient(
        notebook,
        timeout=STUDY_SECONDS if environment else CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=True,
    )
    meter = Meter(client)
    meter.start()
    started = time.perf_counter()
    try:
        client.execute()
    finally:
        meter.done.set()
        meter.join()
    seconds = time.perf_counter() - started
    cells = [_cell_seconds(cell) for cell in notebook.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
    return {
        "seconds": round(seconds, 1),
        "slowest_cell_seconds": round(max(cells), 1),
        "peak_megabytes": round(meter.peak / 1e6),
    }


def joined(outputs: list[Any]) -> list[Any]:
    """Return a cell's outputs with what was printed in a row as one, as a terminal would leave it.

    nbclient can do it too (`coalesce_streams`), but moves what is printed behind a figure or a claim in front of it.
    Of a line that was rewritten, the last state remains. What went to standard error comes after what was printed,
    as the two reach the notebook in any order.
    """
    found: list[Any] = []
    for streams, run in itertools.groupby(outputs, key=lambda output: output.output_type == "stream"):
        if not streams:
            found += run
            continue
        texts: dict[str, str] = {}
        for output in run:
            texts[output.name] = texts.get(output.name, "") + output.text
        for name in sorted(texts, reverse=True):  # stdout, stderr
            text = re.sub(r".*\r(?=[^\n])", "", texts[name])
            found.append(nbformat.v4.new_output("stream", name=name, text=text))
    return found


def _cell_seconds(cell: Any) -> float:
    import datetime

    stamps = cell.metadata.get("execution", {})
    begin, end = stamps.get("iopub.execute_input"), stamps.get("shell.execute_reply")
    if not begin or not end:
        return 0.0
    parse = datetime.datetime.fromisoformat
    return (parse(end) - parse(begin)).total_seconds()


def run(names: list[str]) -> None:
    """Execute the lessons and store them."""
    times = json.loads(TIMES.read_text("utf-8")) if TIMES.exists() else {}
    for text in texts(names):
        path = notebook_of(text)
        notebook = read_text(text)
        if path.exists():
            stored = nbformat.read(path, as_version=4)
            newer = path.stat().st_mtime > text.stat().st_mtime + 1
            if newer and sources(stored) != sources(notebook):
                raise SystemExit(
                    f"{path.name} was edited after its text pair. `make text` carries the edit to the text; "
                    f"`git checkout {path.relative_to(ROOT).as_posix()}` drops it."
                )
        print(f"{name_of(path)} ...", end=" ", flush=True)
        try:
            measured = execute(notebook, path.parent) if has_code(notebook) else None
        except CellExecutionError as error:
            raise SystemExit(f"failed; {path.name} is left as it was.\n{error}") from None
        write_whole(path, nbformat.writes(notebook) + "\n")
        for picture in pictures(notebook):
            write_whole(PICTURE, picture)
        if measured is None:
            print("text only")
            continue
        times[name_of(path)] = measured
        write_whole(TIMES, json.dumps(dict(sorted(times.items())), indent=1) + "\n")
        print(
            f"{measured['seconds']:.0f} s (slowest cell {measured['slowest_cell_seconds']:.0f} s), "
            f"{measured['peak_megabytes']} MB, file {path.stat().st_size / 1e3:.0f} kB"
        )


def to_text(names: list[str]) -> None:
    """Let jupytext carry the edits of notebooks over to their text pairs.

    Raises:
        SystemExit: both were edited since the last commit. Nothing is changed then.
    """
    edited = []
    for text in texts(names):
        path = notebook_of(text)
        if not path.exists():
            print(f"{path.name} does not exist yet: run `make notebooks`.")
            continue
        notebook = nbformat.read(path, as_version=4)
        if sources(notebook) == sources(read_text(text)):
            continue
        committed = _committed(path)
        if committed is None:  # never committed, or no git: the times of the files have to do
            notebook_is_edited = path.stat().st_mtime > text.stat().st_mtime
            text_is_edited = not notebook_is_edited
        else:
            notebook_is_edited = sources(notebook) != sources(nbformat.reads(committed, as_version=4))
            text_is_edited = _committed(text) != text.read_text("utf-8")
        if notebook_is_edited and text_is_edited:
            names_of_both = " and ".join(each.relative_to(ROOT).as_posix() for each in (path, text))
            raise SystemExit(f"{names_of_both} were both edited. `git checkout` one of them to drop its edits.")
        if not notebook_is_edited:  # also where an edited text was committed and not run yet
            print(f"{text.name} is newer than its notebook: run `make notebooks`.")
            continue
        path.touch()  # jupytext takes what is newer, and git gives files any time
        edited.append(str(path))
    if edited:
        subprocess.run([sys.executable, "-m", "jupytext", "--quiet", "--sync", *edited], check=True)


def _committed(path: Path) -> str | None:
    """Return a file's text in the last commit; None if there is none."""
    command = ["git", "-C", str(path.parent), "show", f"HEAD:./{path.name}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.decode("utf-8").replace("\r\n", "\n") if done.returncode == 0 else None


def studies(names: list[str]) -> None:
    """Run the full grids of the lessons that hold a study; an interrupted run goes on where it stopped."""
    for text in texts(names):
        notebook = read_text(text)
        calls = [
            i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and "lesson.study(" in cell.source
        ]
        if not calls:
            continue
        del notebook.cells[calls[-1] + 1 :]  # what comes after the last study adds nothing to it
        print(f"{name_of(text)} ...", end=" ", flush=True)
        try:
            measured = execute(notebook, text.parent.parent, {"AETUTORIAL_STUDIES": "run"})
        except CellExecutionError as error:
            raise SystemExit(f"failed; what was run so far is kept.\n{error}") from None
        print(f"{measured['seconds']:.0f} s")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "text", "studies"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args(arguments)
    {"run": run, "text": to_text, "studies": studies}[options.command](options.names)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted")
