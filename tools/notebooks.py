"""Make the notebooks from their text pairs: execute, store, sync, and run the studies.

    python -m tools.notebooks run [NAME ...]      execute the text pairs, write the notebooks
    python -m tools.notebooks text [NAME ...]     carry edits made in notebooks to their text pairs
    python -m tools.notebooks studies [NAME ...]  run the full grids of the lessons' studies

NAME is the start of a file name, such as 03; without it, all lessons are meant. The text in
`notebooks/text` is the source; a notebook is its executed copy.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
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
FOLDERS = (ROOT / "notebooks", ROOT / "notebooks" / "optional")
TIMES = ROOT / "notebooks" / "run_times.json"
PICTURE = ROOT / "notebooks" / "reconstructions.png"  # the figure in README
PICTURE_TAG = "readme-figure"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
STUDY_SECONDS = 20 * 60


def texts(names: list[str]) -> list[Path]:
    """Return the text pairs whose names start with one of `names` (all, if there are none)."""
    found = [path for folder in FOLDERS for path in sorted((folder / "text").glob("*.py"))]
    chosen = [path for path in found if not names or path.name.startswith(tuple(names))]
    if not chosen:
        known = ", ".join(path.stem for path in found)
        raise SystemExit(f"No lesson's name starts with {' or '.join(names)}. There are: {known}.")
    return chosen


def notebook_of(text: Path) -> Path:
    """Return the notebook that belongs to a text pair."""
    return text.parent.parent / f"{text.stem}.ipynb"


def read_text(path: Path) -> Any:
    """Read a text pair as a notebook without outputs, in the form in which notebooks are stored."""
    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:02d}"
        cell.metadata.pop("lines_to_next_cell", None)
    return notebook


def sources(notebook: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what a text pair and its notebook share: kind, source and tags of every cell."""
    return [(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", ()))) for cell in notebook.cells]


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
    longest = STUDY_SECONDS + 300 if environment else 300
    client = NotebookClient(
        notebook,
        timeout=longest,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
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
    return {
        "seconds": round(seconds, 1),
        "slowest_cell_seconds": round(max(cells), 1),
        "peak_megabytes": round(meter.peak / 1e6),
    }


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
        print(f"{path.name} ...", end=" ", flush=True)
        try:
            measured = execute(notebook, path.parent)
        except CellExecutionError as error:
            raise SystemExit(f"failed; {path.name} is left as it was.\n{error}") from None
        write_whole(path, nbformat.writes(notebook) + "\n")
        for picture in pictures(notebook):
            write_whole(PICTURE, picture)
        times[path.stem] = measured
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
        print(f"{text.stem} ...", end=" ", flush=True)
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
