"""Hold the numbers in a lesson's prose to the run that recorded them.

A mark, an HTML comment that no reader sees, stands directly after a numeral (a `%`, `×`, `°` or `**` may come between):

    PCA's error is 0.0171<!-- pca -->, 1.6<!-- pca / autoencoder --> times the autoencoder's.
    It keeps 40 %<!-- 100 * share -->, nearly half<!-- 0.35 < share < 0.5 -->.
    Others report 0.02<!-- source: Burda -->.
    In the companion it is 0.81<!-- deeper/03_keras_example: fresh_test -->.

A number must equal the numeral when it is rounded to the decimals that the numeral shows; a comparison must be true.
The names are those that outputs of the notebook carry (`output.metadata["numbers"]`) and those of its parameters; after
the name of another notebook and a colon, those of that one.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from tools import notebooks
from tools.expressions import UnknownName, evaluate
from tools.markdown import (
    COMMENT,
    GENERATED,
    HEADING,
    NUMERAL,
    Numeral,
    blank,
    numerals,
    readable,
    sentence_at,
    signed,
    split_references,
    without_code,
)

MARKED = re.compile(rf"(?P<numeral>{NUMERAL})\**[ \u00a0\u202f]?[%×°]?\**$")
ELSEWHERE = re.compile(r"(?P<name>(?:\w+/)?\d\d_\w+): *(?P<expression>.+)")  # what another notebook recorded


@dataclass(frozen=True)
class Facts:
    """What the prose of a notebook may rest on.

    Args:
        numbers: What its outputs recorded and its parameters say, by name.
        integers: The integers in its code.
        literals: The numbers in its code as they are written, without underscores.
        has_code: Whether it has any code. Where there is none, nothing was measured, and integers are free.
        conflicts: Names that were recorded twice, with different values.
    """

    numbers: Mapping[str, float]
    integers: Collection[int] = frozenset()
    literals: Collection[str] = frozenset()
    has_code: bool = True
    conflicts: Collection[str] = field(default_factory=tuple)


def facts(notebook: Any) -> Facts:
    """Read a stored notebook's recorded numbers, parameters and literals."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    recorded: dict[str, float] = {}
    conflicts = []
    for cell in code:
        for output in cell.get("outputs", ()):
            for name, value in output.get("metadata", {}).get("numbers", {}).items():
                if recorded.setdefault(name, float(value)) != float(value):
                    conflicts.append(name)
    tokens = [token for cell in code for token in _number_tokens(cell.source)]
    values = [ast.literal_eval(token) for token in tokens]
    integral = {int(value) for value in values if not isinstance(value, complex) and value == value // 1}
    return Facts(_parameters(code) | recorded, integral, set(tokens), bool(code), tuple(conflicts))


def _number_tokens(source: str) -> list[str]:
    code = TransformerManager().transform_cell(source)
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.string.replace("_", "") for token in tokens if token.type == tokenize.NUMBER]


def _parameters(code: list[Any]) -> dict[str, float]:
    found = {}
    for cell in code:
        if "parameters" not in cell.metadata.get("tags", ()):
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                try:
                    value = ast.literal_eval(node.value)
                except ValueError:
                    continue  # no literal: `range(3)`, say
                if isinstance(value, int | float) and not isinstance(value, bool):
                    found[node.targets[0].id] = float(value)
    return found


# --- judging -------------------------------------------------------------------------------------


def stored_facts(name: str) -> Facts:
    """Read what the stored notebook of a name such as "deeper/03_keras_example" offers.

    Raises:
        FileNotFoundError: there is none.
    """
    return facts(nbformat.read(notebooks.ROOT / "notebooks" / f"{name}.ipynb", as_version=4))


def faults(notebook: Any, *, complete: bool, elsewhere: Callable[[str], Facts] = stored_facts) -> Iterator[str]:
    """Yield what is wrong with the numbers in a stored notebook's prose, one sentence each.

    Args:
        notebook: As nbformat reads it.
        complete: Whether every measured number needs a mark. Otherwise only the marks that stand are judged.
        elsewhere: Returns what the notebook of a name offers; raises FileNotFoundError if there is none.
    """
    known = facts(notebook)
    for name in known.conflicts:
        yield f"{name!r} was recorded twice, with different values"
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    body, references = split_references(cells)
    for source in body:
        marked: set[int] = set()
        yield from _judge_marks(source, known, references, marked, elsewhere)
        if complete:
            yield from _judge_unmarked(source, known, marked)


def _judge_marks(
    source: str, known: Facts, references: str, marked: set[int], elsewhere: Callable[[str], Facts]
) -> Iterator[str]:
    """Yield the faults of the marks; note where the marked numerals begin."""
    text = blank(GENERATED, without_code(source))
    for comment in COMMENT.finditer(text):
        expression = comment[1].strip()
        quoted = f'"{sentence_at(source, comment.start())}"'
        found = MARKED.search(blank(COMMENT, text[: comment.start()]))
        numeral = signed(text, found.start(), found["numeral"]) if found else None
        if numeral:
            marked.add(numeral.start)
        if "\n" in comment[1]:
            yield f"{quoted} has a mark that is broken over lines: {' '.join(expression.split())!r}"
        elif not comment.start() or text[comment.start() - 1].isspace():
            yield f"{quoted} has a mark that stands apart: put {expression!r} directly after what it holds"
        elif expression.startswith("source:"):
            word = expression.removeprefix("source:").strip()
            if not word or not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", references):
                yield f"{quoted} cites {word!r}, which the section References does not name"
        else:
            fault = _fault(numeral, expression, known, elsewhere)
            if fault:
                yield f"{quoted} {fault}"


def _fault(numeral: Numeral | None, expression: str, known: Facts, elsewhere: Callable[[str], Facts]) -> str | None:
    other = ELSEWHERE.fullmatch(expression)
    if other:
        try:
            known, expression = elsewhere(other["name"]), other["expression"]
        except FileNotFoundError:
            return f"names the notebook {other['name']!r}, and there is none"
    shown = numeral.shown if numeral else None
    says = f"says {shown}; " if shown else ""
    try:
        value = evaluate(expression, known.numbers)
    except UnknownName as unknown:
        names = ", ".join(sorted(known.numbers)) or "nothing"
        return f"{says or 'has a mark; '}no run recorded {unknown} (in the mark {expression!r}). Recorded: {names}."
    except ValueError as error:
        return f"{says or 'has a mark; '}the mark {expression!r} can't be computed: {error}"
    if isinstance(value, bool):
        if value:
            return None
        used = [name for name in dict.fromkeys(re.findall(r"[^\W\d]\w*", expression)) if name in known.numbers]
        values = ", ".join(f"{name} is {known.numbers[name]:.4g}" for name in used)
        return f"{says or 'is marked; '}{expression} does not hold: {values}"
    if numeral is None:
        return f"has the mark {expression!r} after words, which gives {value:.4g}; a comparison is expected there"
    if numeral.agrees(value):
        return None
    return f"{says}the run recorded {numeral.rounded(value)} ({expression})"


def _judge_unmarked(source: str, known: Facts, marked: set[int]) -> Iterator[str]:
    text = blank(HEADING, readable(source))
    for numeral in numerals(text):
        if numeral.start not in marked and not _is_free(numeral, text, known):
            quoted = f'"{sentence_at(source, numeral.start)}"'
            yield f"{quoted} says {numeral.shown}: no run recorded it (mark it, or take it away)"


def _is_free(numeral: Numeral, text: str, known: Facts) -> bool:
    """Tell whether a numeral needs no mark: it measures nothing, or the code says it."""
    bare = numeral.shown.lstrip("-−")
    if numeral.is_decimal:
        return bare.replace(",", "") in known.literals
    end = numeral.start + len(bare)
    glued = re.search(r"[^\W\d_]-$", text[: numeral.start]) or re.match(r"[^\W\d_]", text[end:])  # MNIST-10, 3D
    if glued or not known.has_code:
        return True
    if re.search(r"\blessons? $", text[: numeral.start], re.IGNORECASE):
        return True
    value = int(abs(numeral.value))
    year = 1900 <= value <= 2100 and "," not in bare
    return value <= 12 or year or value in known.integers
