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

from tools import course, prose, sizes
from tools import notebooks as pairs
from tools.cells import HIDDEN, PLAIN_SECTIONS, calls, headings, images, is_exercise, parsed, tags
from tools.markdown import FENCED

# What is written in the second edition's form (names below notebooks/); the others keep the rules of the first.
SECOND_EDITION = (
    *("00_start_here", "01_concepts", "02_formulas", "03_keras_example", "reference"),
    *("deeper/01_concepts", "deeper/02_formulas", "deeper/03_keras_example", "deeper/05_probability"),
)
LOCAL = re.compile(r"(?<![\w.])/(?:home|Users|work|root|tmp|var/folders)(?![\w-])|[A-Z]:\\+Users|site-packages")
HTML = re.compile(r"<!--|</?(\w+)(?:\s[^<>]*)?/?>")
IGNORED = "nbval-ignore-output"
LOOSENING = {"nbval-skip", "raises-exception", "nbval-raises-exception", "skip-execution"}
# What an idea cell shows no reader: figures, tables, measurements.
BENCH_CALLS = re.compile(
    r"(?:plotting|tables|plt|fig(?:ure)?s?\d*(?:_\w+)?|ax(?:s|es)?\d*(?:_\w+)?)[.\[].*|lesson\.(?:claim|record|study)|print"
)


@dataclass
class Lesson:
    """A stored notebook and what belongs to it."""

    path: Path
    notebook: Any
    text: Any  # the text pair, read as a notebook
    times: dict[str, float] | None
    size: int  # bytes

    @property
    def name(self) -> str:
        """The notebook's name below notebooks/, such as "deeper/11_hybrids"."""
        return pairs.name_of(self.path)

    @property
    def number(self) -> int | None:
        """The lesson's number; None for a deeper notebook and for the reference."""
        return int(self.name[:2]) if self.name[:2].isdigit() else None

    @property
    def second_edition(self) -> bool:
        return self.name in SECOND_EDITION

    @property
    def is_reference(self) -> bool:
        """Whether it is text only, to look things up: nothing is run, claimed or exercised."""
        return self.name == "reference"

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
        times=read_times().get(pairs.name_of(path)),
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


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def bundles(cell: Any, kind: str) -> list[str]:
    """Return what the outputs of a cell display in one form, such as "text/plain"."""
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


def recorded(cell: Any) -> bool:
    return any("numbers" in output.get("metadata", {}) for output in cell.outputs)


def has_claims(cell: Any) -> bool:
    return "lesson.claim" in calls(cell.source, inside_functions=True)


def is_bench(cell: Any) -> bool:
    """Tell whether a cell's code is folded: it draws, measures, claims."""
    return HIDDEN in tags(cell)


def is_idea(cell: Any) -> bool:
    """Tell whether a cell is one of those that the lesson is about."""
    begins = "lesson.begin(" in cell.source or "parameters" in tags(cell)
    return not (is_bench(cell) or is_exercise(cell) or begins)


def without_code(source: str) -> str:
    """Return Markdown without what it shows as code or typesets as mathematics."""
    source = re.sub(r"(`+).+?\1", "", FENCED.sub("", source))
    return re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", "", source, flags=re.DOTALL)


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
        plain = "\n".join([text, *bundles(cell, "text/plain")])
        for name in dict.fromkeys(calls(cell.source)):
            method = name.rpartition(".")[2]
            missing = {
                "print": not text,
                "prompt": is_exercise(cell) and not bundles(cell, "text/markdown"),
                "show": not bundles(cell, "text/html") and (name == "tables.show" or not images(cell)),
                "claim": name == "lesson.claim" and not re.search("^✓ ", plain, re.MULTILINE),
                "record": name == "lesson.record" and not recorded(cell),
                "check": is_exercise(cell) and not re.search("^[○✓✗] (Not|Correct)", text, re.MULTILINE),
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
            kind = next(kind for kind in output.data if kind.startswith("image/"))
            alt = output.metadata.get(kind, {}).get("alt", "")
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
    if lesson.size > 1_500_000:  # a page that long loads and scrolls slowly
        yield f"the file has {lesson.size / 1e6:.1f} MB, more than 1.5 MB"


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
    if lesson.is_reference:
        return
    names = [name for cell in lesson.code for name in calls(cell.source, inside_functions=True)]
    count = names.count("lesson.claim")
    if not count:
        yield "the lesson claims nothing"
    elif lesson.second_edition and lesson.number and not 3 <= count <= 5:
        yield f"the lesson claims {count} things; 3 to 5 are expected"


@rule
def exercises_counted(lesson: Lesson) -> Iterator[str]:
    if not lesson.number:  # the start and the deeper ones may have none
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
        if not lesson.second_edition:
            lines -= lines_of_claims(cell.source)
        model = re.search(r"keras\.(Model|Sequential)\b|^\s*class ", cell.source, re.MULTILINE)
        limit = 40 if model else 25
        if lesson.second_edition and is_bench(cell):
            limit = 60
        elif lesson.second_edition and is_idea(cell):
            limit = 20
        if not cell.source.strip() or lines > limit:
            yield f"{lines} lines, where 1 to {limit} are expected, in the cell: {first_line(cell)}"


def lines_of_claims(source: str) -> int:
    """Return how many lines the claims of a cell take up, loops around them not counted."""
    called = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.Call)]
    claims = [node for node in called if ast.unparse(node.func) == "lesson.claim"]
    return len({line for node in claims for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)})


@rule
def ideas_and_bench_apart(lesson: Lesson) -> Iterator[str]:
    if not lesson.second_edition:
        return
    for cell in lesson.code:
        if is_idea(cell):
            for name in dict.fromkeys(calls(cell.source, inside_functions=True)):
                if BENCH_CALLS.fullmatch(name):
                    yield f"`{name}` in a cell without the tag `{HIDDEN}`: {first_line(cell)}"
        elif is_bench(cell):
            for name in models_defined(cell.source):
                yield f"`{name}` in a cell that is folded; models and losses never hide: {first_line(cell)}"


def models_defined(source: str) -> list[str]:
    """Return what defines a layer, a model or a loss in a cell, each once."""
    found = []
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Attribute) and re.fullmatch(r"(keras\.)?layers\.\w+", ast.unparse(node)):
            found.append(ast.unparse(node))
        makers = [node.func] if isinstance(node, ast.Call) else node.bases if isinstance(node, ast.ClassDef) else []
        names = (ast.unparse(maker) for maker in makers)
        found += [name for name in names if re.fullmatch(r"keras\.(Model|Sequential|Layer)|(?!re\b).*\.compile", name)]
    return list(dict.fromkeys(found))


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
        exempt = not is_idea(cell)  # also what is folded: a reader sees its output only
        if cell.cell_type == "markdown":
            in_a_row = 0
        elif not exempt:
            in_a_row += 1
            if in_a_row == 3:
                yield f"a third cell of code without prose: {first_line(cell)}"


@rule
def plain_markdown(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.prose:
        text = without_code(cell.source)
        for found in HTML.finditer(text):
            # A comment is a mark directly after what it holds, or says where tools/course.py writes.
            mark = found.group() == "<!--" and (
                text[: found.start()][-1:].strip()
                or re.match(r"<!-- /?(lessons|times|data|models) -->", text[found.start() :])
            )
            if not mark and found.group(1) not in ("details", "summary", "br"):
                yield f"raw HTML, {found.group()!r}, in the text cell: {first_line(cell)}"


@rule
def headings_in_form(lesson: Lesson) -> Iterator[str]:
    found = headings([cell.source for cell in lesson.prose])
    titles = [text for marks, text in found if marks == "#"]
    if len(titles) != 1 or found[0][0] != "#":
        yield f"{len(titles)} titles (`# `); one is expected, before all other headings"
    if lesson.number == 0 or lesson.second_edition:
        return
    for text in (text for marks, text in found if marks == "##"):
        if text not in PLAIN_SECTIONS and not text.endswith(("(core)", "(deeper)")):
            yield f"the section {text!r} is marked neither (core) nor (deeper)"


@rule
def times_stated(lesson: Lesson) -> Iterator[str]:
    if lesson.is_reference:
        return
    stated = course.TIMES_LINE.search(lesson.notebook.cells[0].source)
    if not stated:
        yield "the first cell has no line of times that ends with <!-- times -->"
    elif lesson.times:
        line = course.times_line(sizes.measure(lesson.notebook, lesson.times["seconds"]))
        if stated.group() != line:
            yield f"the times stated are {stated.group()!r}; by now they are {line!r}: run `make lessons`"


@rule
def within_limits(lesson: Lesson) -> Iterator[str]:
    if lesson.is_reference:
        return
    if lesson.times is None:
        yield f"run_times.json has no entry {lesson.name!r}: run `make notebooks`"
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
                known = {text.replace(" ", "-") for _, text in headings([cell.source for cell in cells])}
                if anchor not in known:  # as JupyterLab names them
                    yield f"the link {target!r} leads to a heading that does not exist"


@rule
def works_offline_and_elsewhere(lesson: Lesson) -> Iterator[str]:
    if not lesson.second_edition:
        return
    for cell in lesson.prose:
        text = without_code(cell.source)
        for found in re.finditer(r"!\[[^\]]*\]\((https?://[^)\s]+)", text):
            yield f"the image {found[1]!r} is not there without a network; in the text cell: {first_line(cell)}"
        for target in re.findall(r"\]\(([^()\s]+\.ipynb#[^\s]*)\)", text):
            if not target.startswith("http"):
                yield f"the link {target!r} names a heading: its anchor differs between JupyterLab, GitHub and the site"


# --- the numbers in prose ------------------------------------------------------------------------


@rule
def numbers_held(lesson: Lesson) -> Iterator[str]:
    yield from prose.faults(lesson.notebook, complete=lesson.second_edition)


# --- the folder ----------------------------------------------------------------------------------


def folder_faults(folder: Path) -> list[str]:
    """Return what is wrong with the notebooks of a folder as a set: pairs without a partner."""
    notebooks = {path.stem for path in folder.glob("*.ipynb")}
    texts = {path.stem for path in (folder / "text").glob("*.py")}
    faults = [f"{name}.ipynb has no text pair" for name in sorted(notebooks - texts)]
    faults += [f"text/{name}.py has no notebook" for name in sorted(texts - notebooks)]
    if folder.name == pairs.DEEPER:
        return faults  # a lesson may have more than one companion
    numbers = sorted(name[:2] for name in notebooks if name[:2].isdigit())
    faults += [f"two notebooks {a}" for a, b in itertools.pairwise(numbers) if a == b]
    return faults
