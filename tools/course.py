"""Measure the lessons, and write their times and the tables of lessons wherever a reader sees them.

    python -m tools.course            write what is out of date, and print how long and how dense the lessons are
    python -m tools.course --quiet    write only

Nobody types a duration: all follow from the stored notebooks and from run_times.json (tools/sizes.py). What is written
stands at invisible comments: in a lesson's first cell the line that ends with `<!-- times -->`; in README and lesson 0
the table of lessons, between `<!-- lessons -->` and `<!-- /lessons -->`; on the reference page, between such marks, the
tables of data and of trained models (tools/inventory.py).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from aetutorial.integrity import write_whole
from aetutorial.lesson import TITLES
from tools import cells, inventory, notebooks
from tools.sizes import Size, duration, measure, mirror

# The question that a lesson answers, by the name of its notebook. One without an entry (a deeper one, the reference)
# has what follows the colon in its title.
QUESTIONS = {
    "00_start_here": "How does the course work, and is your machine ready?",
    "01_concepts": "What is an autoencoder, and what are its three uses?",
    "02_formulas": "What exactly is computed? All of it by hand, in NumPy.",
    "03_keras_example": "Is this loss good? How a well-known example loses against PCA.",
    "04_dimensionality_reduction": "When is PCA enough, and how many numbers does a code need?",
    "05_denoising_and_anomalies": "What does an error tell, about noise, outliers and missing values?",
    "06_generation": "Why can't a plain autoencoder make new pictures, and how does a variational one?",
    "07_measuring_generation": "How good are generated pictures, and are they of any use?",
    "08_representation_learning": "What are codes good for when labels are few, or missing?",
    "09_sparse_codes": "What do codes with few numbers in use find, in pictures and in networks?",
    "10_challenges": "What goes wrong with autoencoders, how is it found, and what does the cure cost?",
    "11_outlook": "How do autoencoders get faster and smaller, learn words, and meet diffusion and discriminators?",
    "12_faq": "AE or VAE? Do they help a classifier? Is the code unique? And which autoencoder for which job?",
}
TIMES_LINE = re.compile(
    r"^\*\*Reading\*\* (\d+) min · \*\*working through\*\* (\d+) min · \*\*runs in\*\* (\d+) s<!-- times -->$",
    re.MULTILINE,
)


def times_line(size: Size) -> str | None:
    """Return the line of times of a lesson; None if it was never run."""
    if size.seconds is None:
        return None
    return (
        f"**Reading** {size.reading} min · **working through** {size.working} min · "
        f"**runs in** {duration(size.seconds)} s<!-- times -->"
    )


def title_of(name: str, notebook: Any) -> tuple[str, str]:
    """Return what a table calls a notebook, and the question it answers.

    Raises:
        SystemExit: a lesson has no question in QUESTIONS.
    """
    if name[:2].isdigit():
        number = int(name[:2])
        if name not in QUESTIONS:
            raise SystemExit(f"Which question does {name} answer? Add it to QUESTIONS in tools/course.py.")
        return f"{number} {TITLES[number]}", QUESTIONS[name]
    heading = next((text for marks, text in cells.headings([notebook.cells[0].source]) if marks == "#"), name)
    title, _, question = heading.rpartition("· ")[2].partition(": ")
    if name.startswith(f"{notebooks.DEEPER}/"):
        title = f"{int(name.partition('/')[2][:2])}, deeper: {title}"
    question = QUESTIONS.get(name, question)
    return title, question[:1].upper() + question[1:]


def table(rows: dict[str, tuple[str, str, Size]], folder: str = "", *, without: str = "") -> str:
    """Return the table of lessons in Markdown.

    Args:
        rows: Name of a notebook to its title, its question and its size.
        folder: What stands before the names in links.
        without: A notebook that is left out.
    """
    lines = ["| lesson | the question it answers | reading | working through | runs in |", "| --- " * 5 + "|"]
    for name, (title, question, size) in rows.items():
        if name == without:
            continue
        timed = size.seconds is not None
        times = (f"{size.reading} min", f"{size.working} min", f"{duration(size.seconds or 0)} s") if timed else "–––"
        lines.append(f"| [{title}]({folder}{name}.ipynb) | {question} | {' | '.join(times)} |")
    return "\n".join(lines)


def fill(text: str, *, line: str | None = None, tables: Mapping[str, str] | None = None, prefix: str = "") -> str:
    """Return a text whose generated pieces, where it has any, are replaced.

    Args:
        text: A README, a cell, or a text pair.
        line: The line of times.
        tables: By the word in the marks that they stand between, such as "lessons".
        prefix: What every line of Markdown begins with: "# " in a text pair.
    """
    if line is not None:
        text = re.sub(rf"^{prefix}[^`\n]*<!-- times -->$", lambda _: prefix + line, text, count=1, flags=re.MULTILINE)
    for mark, table in (tables or {}).items():
        lines = [f"<!-- {mark} -->", "", *table.splitlines(), "", f"<!-- /{mark} -->"]
        block = "\n".join((prefix + each).rstrip() for each in lines)
        marked = re.compile(rf"^{prefix}<!-- {mark} -->$.*?^{prefix}<!-- /{mark} -->$", re.MULTILINE | re.DOTALL)
        text = marked.sub(block.replace("\\", r"\\"), text, count=1)
    return text


def read() -> dict[str, tuple[Path, Any, Size]]:
    """Return the stored notebooks by name: the lessons, the deeper ones, then what has no number."""
    times = json.loads(notebooks.TIMES.read_text("utf-8")) if notebooks.TIMES.exists() else {}
    found = {}
    for folder in notebooks.FOLDERS:
        for path in sorted(folder.glob("*.ipynb")):
            name = notebooks.name_of(path)
            notebook = nbformat.read(path, as_version=4)
            found[name] = path, notebook, measure(notebook, times.get(name, {}).get("seconds"))
    return dict(sorted(found.items(), key=lambda item: (not item[0][:2].isdigit(), item[0])))


def write(lessons: dict[str, tuple[Path, Any, Size]]) -> list[Path]:
    """Write what is out of date; outputs are not touched. Return the files that changed."""
    rows = {name: (*title_of(name, notebook), size) for name, (_, notebook, size) in lessons.items()}
    readme = notebooks.ROOT / "README.md"
    changed = [path for path in (readme,) if _rewrite(path, tables={"lessons": table(rows, "notebooks/")})]
    for name, (path, notebook, size) in lessons.items():
        line = times_line(size)
        own = {"lessons": table(rows, without=name)} if name.startswith("00") else {}
        own = inventory.tables() if name == "reference" else own
        text = path.parent / "text" / f"{path.stem}.py"
        if text.exists() and _rewrite(text, line=line, tables=own, prefix="# "):
            changed.append(text)
        before = notebooks.sources(notebook)
        for i, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                cell.source = fill(cell.source, line=line if i == 0 else None, tables=own)
        if notebooks.sources(notebook) != before:
            write_whole(path, nbformat.writes(notebook) + "\n")
            changed.append(path)
    return changed


def _rewrite(path: Path, **pieces: Any) -> bool:
    before = path.read_text("utf-8")
    after = fill(before, **pieces)
    if after != before:
        write_whole(path, after)
    return after != before


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quiet", action="store_true", help="print the changed files only")
    options = parser.parse_args(arguments)
    lessons = read()
    for path in write(lessons):
        print(f"written: {path.relative_to(notebooks.ROOT).as_posix()}")
    if not options.quiet:
        print(mirror({name: size for name, (_, _, size) in lessons.items()}))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted")
