"""What holds of every notebook: one small function per rule, from a lesson to its faults.

A rule yields one sentence per fault. test_lessons.py applies all of them to every notebook and tests each on a
notebook that breaks it.
"""

from __future__ import annotations

import ast
import io
import itertools
import json
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from tools import notebooks as pairs

LOCAL = re.compile(r"(?<![\w.])/(?:home|Users|work|root|tmp|var/folders)(?![\w-])|[A-Z]:\\+Users|site-packages")
FENCED = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
HTML = re.compile(r"<!--|</?(\w+)(?:\s[^<>]*)?/?>")
IGNORED = "nbval-ignore-output"
LOOSENING = {"nbval-skip", "raises-exception", "nbval-raises-exception", "skip-execution"}
PLAIN_SECTIONS = ("Change one thing", "Exercises", "What you now know", "References")


@dataclass
class Lesson:
    """A stored notebook and what belongs to it."""

    path: Path
    notebook: Any
    text: Any  # the text pair, read as a notebook
    times: dict[str, float] | None
    size: int  # bytes

    @property
    def number(self) -> int | None:
        """The lesson's number; None for an optional one."""
        digits = self.path.name[:2]
        return int(digits) if digits.isdigit() and self.path.parent.name != "optional" else None

    @property
    def code(self) -> list[Any]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> list[Any]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "markdown"]


def read_times() -> dict[str, Any]:
    return dict(json.loads(pairs.TIMES.read_text("utf-8"))) if pairs.TIMES.exists() else {}


def load(path: Path) -> Lesson:
    """Read a notebook, its text pair and its measured times."""
    text = path.parent / "text" / f"{path.stem}.py"
    return Lesson(
        path=path,
        notebook=nbformat.read(path, as_version=4),
        text=pairs.read_text(text) if text.exists() else None,
        times=read_times().get(path.stem),
        size=path.stat().st_size,
    )


Rule = Callable[[Lesson], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


# --- reading cells -------------------------------------------------------------------------------


def first_line(cell: Any) -> str:
    return next((line for line in cell.source.splitlines() if line.strip()), "(empty)")


def tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def parsed(source: str) -> ast.Module:
    """Parse the code of a cell, its IPython magics included."""
    return ast.parse(TransformerManager().transform_cell(source))


def calls(source: str, *, inside_functions: bool = False) -> list[str]:
    """Return the names called, such as "lesson.claim"; without those that only a definition holds."""
    found: list[str] = []
    waiting: list[ast.AST] = [*parsed(source).body]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Call):
            found.append(ast.unparse(node.func))
        definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if inside_functions or not definition:
            waiting[:0] = list(ast.iter_child_nodes(node))
    return found


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def images(cell: Any) -> list[Any]:
    """Return the outputs that hold a picture."""
    outputs = (output for output in cell.outputs if "data" in output)
    return [output for output in outputs if any("image/" in kind for kind in output.data)]


def has_claims(cell: Any) -> bool:
    return "lesson.claim" in calls(cell.source, inside_functions=True)


def is_exercise(cell: Any) -> bool:
    return bool(re.search(r"\blesson\d\d\.|\baetutorial\.exercises\b", cell.source))


def without_code(source: str) -> str:
    """Return Markdown without what it shows as code or typesets as mathematics."""
    source = re.sub(r"(`+).+?\1", "", FENCED.sub("", source))
    return re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", "", source, flags=re.DOTALL)


def headings(cells: list[Any]) -> list[tuple[str, str]]:
    """Return marks and text of the headings, such as ("##", "Data (core)")."""
    found = []
    for cell in cells:
        plain = FENCED.sub("", cell.source)
        found += re.findall(r"^(#+) +(.+?) *$", plain, flags=re.MULTILINE)
    return found


# --- stored outputs ------------------------------------------------------------------------------


@rule
def run_in_order(lesson: Lesson) -> Iterator[str]:
    for i, cell in enumerate(lesson.code, 1):
        if cell.execution_count != i:
            yield f"code cell {i} has execution count {cell.execution_count}: {first_line(cell)}"


@rule
def outputs_stored(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        text = printed(cell)
        for name in dict.fromkeys(calls(cell.source)):
            method = name.rpartition(".")[2]
            missing = {
                "print": not text,
                "prompt": is_exercise(cell) and not text,
                "show": not images(cell),
                "claim": name == "lesson.claim" and not re.search("^Claim(Error| holds): ", text, re.MULTILINE),
                "check": is_exercise(cell) and not re.search("^(Not|Correct)", text, re.MULTILINE),
            }
            if missing.get(method):
                yield f"no output of `{name}` is stored in the cell: {first_line(cell)}"


@rule
def no_stored_errors(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"a stored traceback of {output.ename} in the cell: {first_line(cell)}"
            elif output.get("name") == "stderr":
                yield f"stored standard error {output.text[:60]!r} in the cell: {first_line(cell)}"


@rule
def figures_have_words(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        for output in images(cell):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            if len(alt.strip()) < 20:
                yield f"a figure with alternative text {alt!r} in the cell: {first_line(cell)}"
    for cell in lesson.prose:
        if re.search(r"!\[\s*\]\(", without_code(cell.source)):
            yield f"an image without alternative text in the text cell: {first_line(cell)}"


@rule
def lines_fit(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        longest = max(map(len, printed(cell).splitlines()), default=0)
        if longest > 100:  # a longer one is broken on a page of usual width, and a table torn
            yield f"a printed line of {longest} characters, more than 100: {first_line(cell)}"


@rule
def no_local_paths(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.notebook.cells:
        texts = [cell.source]
        for output in cell.get("outputs", ()):
            texts += [output.get("text", ""), *output.get("traceback", ())]
            bundle = output.get("data", {})
            texts += [str(value) for kind, value in bundle.items() if kind[:6] != "image/"]
        for found in LOCAL.finditer("\n".join(texts)):
            yield f"a local path, {found.group()!r}, in the cell: {first_line(cell)}"


@rule
def python_kernel(lesson: Lesson) -> Iterator[str]:
    name = lesson.notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"the kernel is {name!r}, not 'python3'"


@rule
def small_file(lesson: Lesson) -> Iterator[str]:
    if lesson.size > 1_000_000:
        yield f"the file has {lesson.size / 1e6:.1f} MB, more than 1 MB"


@rule
def text_pair(lesson: Lesson) -> Iterator[str]:
    if lesson.text is None:
        yield "there is no text pair in text/"
    elif pairs.sources(lesson.notebook) != pairs.sources(lesson.text):
        both = itertools.zip_longest(pairs.sources(lesson.notebook), pairs.sources(lesson.text))
        where = next(i for i, (cell, text) in enumerate(both, 1) if cell != text)
        yield f"notebook and text pair differ, first in cell {where}: run `make notebooks`"


# --- what nbval compares -------------------------------------------------------------------------


@rule
def nothing_defeats_nbval(lesson: Lesson) -> Iterator[str]:
    remarks = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    for cell in lesson.code:
        called = calls(cell.source, inside_functions=True)
        if any(name.endswith(("clear_output", "update_display")) for name in called):
            yield f"an output that replaces another in the cell: {first_line(cell)}"
        code = TransformerManager().transform_cell(cell.source)
        tokens = [*tokenize.generate_tokens(io.StringIO(code).readline)]
        words = [token.string for token in tokens if token.type not in remarks]
        if words[-1:] == [";"]:
            yield f"a trailing `;` in the cell: {first_line(cell)}"
        if re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source):
            yield f"an nbval comment, where a tag is expected, in the cell: {first_line(cell)}"
        for tag in sorted(LOOSENING & set(tags(cell))):
            yield f"the tag {tag!r} on the cell: {first_line(cell)}"


@rule
def few_outputs_ignored(lesson: Lesson) -> Iterator[str]:
    shown = [cell for cell in lesson.code if cell.outputs]
    ignored = [cell for cell in shown if IGNORED in tags(cell)]
    if len(ignored) > 0.2 * len(shown):
        yield f"{len(ignored)} of {len(shown)} outputs are not compared; at most 20 % may be"
    compared_claims = [has_claims(cell) and IGNORED not in tags(cell) for cell in lesson.code]
    for i, cell in enumerate(lesson.code):
        if IGNORED in tags(cell) and has_claims(cell):
            yield f"a claim that is not compared in the cell: {first_line(cell)}"
        elif IGNORED in tags(cell) and not any(compared_claims[i:]):
            yield f"no claim follows the output that is not compared: {first_line(cell)}"


# --- the form of a lesson ------------------------------------------------------------------------


@rule
def claims_made(lesson: Lesson) -> Iterator[str]:
    if not any(has_claims(cell) for cell in lesson.code):
        yield "the lesson claims nothing"


@rule
def exercises_counted(lesson: Lesson) -> Iterator[str]:
    if not lesson.number:  # the start and the optional ones may have none
        return
    called = [name for cell in lesson.code for name in calls(cell.source)]
    checks = {name for name in called if re.fullmatch(r"lesson\d\d\.\w+\.check", name)}
    if not 3 <= len(checks) <= 5:
        yield f"{len(checks)} exercises are checked; 3 to 5 are expected"
    module = f"lesson{lesson.number:02d}."
    for name in sorted(name for name in checks if not name.startswith(module)):
        yield f"`{name}` is an exercise of another lesson"


@rule
def cells_are_short(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        lines = len(cell.source.splitlines())
        model = re.search(r"keras\.(Model|Sequential)\b|^\s*class ", cell.source, re.MULTILINE)
        limit = 40 if model else 25
        if not 0 < lines <= limit:
            yield f"{lines} lines, where 1 to {limit} are expected, in the cell: {first_line(cell)}"


@rule
def few_cells(lesson: Lesson) -> Iterator[str]:
    count = sum(not is_exercise(cell) for cell in lesson.code)
    if count > 40:
        yield f"{count} cells of code besides the exercises, more than 40"


@rule
def prose_before_code(lesson: Lesson) -> Iterator[str]:
    if not lesson.notebook.cells or lesson.notebook.cells[0].cell_type != "markdown":
        yield "the first cell is no text"
    in_a_row = 0
    for cell in lesson.notebook.cells:
        exempt = "lesson.begin(" in cell.source or "parameters" in tags(cell) or is_exercise(cell)
        if cell.cell_type == "markdown":
            in_a_row = 0
        elif not exempt:
            in_a_row += 1
            if in_a_row == 3:
                yield f"a third cell of code without prose: {first_line(cell)}"


@rule
def plain_markdown(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.prose:
        for found in HTML.finditer(without_code(cell.source)):
            if found.group(1) not in ("details", "summary", "br"):
                yield f"raw HTML, {found.group()!r}, in the text cell: {first_line(cell)}"


@rule
def headings_in_form(lesson: Lesson) -> Iterator[str]:
    found = headings(lesson.prose)
    titles = [text for marks, text in found if marks == "#"]
    if len(titles) != 1 or found[0][0] != "#":
        yield f"{len(titles)} titles (`# `); one is expected, before all other headings"
    if lesson.number == 0:
        return
    for text in (text for marks, text in found if marks == "##"):
        if text not in PLAIN_SECTIONS and not text.endswith(("(core)", "(deeper)")):
            yield f"the section {text!r} is marked neither (core) nor (deeper)"


@rule
def times_stated(lesson: Lesson) -> Iterator[str]:
    header = lesson.notebook.cells[0].source
    run = re.search(r"\*\*Run time\*\*[^.*]*?(\d+(?:\.\d+)?) *(s|min)", header)
    if not re.search(r"\*\*Study time\*\*[^.*]*?\d+ minutes", header):
        yield "the first cell states no **Study time** in minutes"
    if not run:
        yield "the first cell states no **Run time** in s or minutes"
    elif lesson.times:
        stated = float(run[1]) * (60 if run[2] == "min" else 1)
        measured = lesson.times["seconds"]
        if not measured / 2 <= stated <= measured * 2:
            yield f"the run time stated is {stated:g} s, the one measured {measured:g} s"


@rule
def within_limits(lesson: Lesson) -> Iterator[str]:
    if lesson.times is None:
        yield f"run_times.json has no entry {lesson.path.stem!r}: run `make notebooks`"
        return
    longer = {11: 300}  # five subjects in one
    seconds = 90 if lesson.number in range(4) else longer.get(lesson.number or 0, 180)
    limits = {"seconds": seconds, "slowest_cell_seconds": 30, "peak_megabytes": 1500}
    for name, limit in limits.items():
        if not 0 < lesson.times[name] < limit:
            yield f"{name} is {lesson.times[name]:g}; less than {limit} is expected"


@rule
def links_lead_somewhere(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.prose:
        for target in re.findall(r"\]\(((?:[^()\s]|\([^()\s]*\))+)\)", without_code(cell.source)):
            if re.match(r"https?://|mailto:", target):
                continue
            name, _, anchor = target.partition("#")
            path = lesson.path.parent / name if name else lesson.path
            if name and not path.is_file():
                yield f"the link {target!r} leads to a file that does not exist"
            elif anchor and path.suffix == ".ipynb":
                cells = nbformat.read(path, as_version=4).cells if name else lesson.prose
                known = {text.replace(" ", "-") for _, text in headings(cells)}
                if anchor not in known:  # as JupyterLab names them
                    yield f"the link {target!r} leads to a heading that does not exist"


# --- the folder ----------------------------------------------------------------------------------


def folder_faults(folder: Path) -> list[str]:
    """Return what is wrong with the notebooks of a folder as a set: pairs without a partner."""
    notebooks = {path.stem for path in folder.glob("*.ipynb")}
    texts = {path.stem for path in (folder / "text").glob("*.py")}
    faults = [f"{name}.ipynb has no text pair" for name in sorted(notebooks - texts)]
    faults += [f"text/{name}.py has no notebook" for name in sorted(texts - notebooks)]
    numbers = sorted(name[:2] for name in notebooks if name[:2].isdigit())
    faults += [f"two notebooks {a}" for a, b in itertools.pairwise(numbers) if a == b]
    return faults
