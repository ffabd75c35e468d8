"""Hold the numbers in a lesson's prose to the run that recorded them.

A mark, an HTML comment that no reader sees, stands directly after a numeral (a `%`, `×`, `°` or `**` may come between):

    PCA's error is 0.0171<!-- pca -->, 1.6<!-- pca / autoencoder --> times the autoencoder's.
    It keeps 40 %<!-- 100 * share -->, nearly half<!-- 0.35 < share < 0.5 -->.
    Others report 0.02<!-- source: Burda -->.

A number must equal the numeral when it is rounded to the decimals that the numeral shows; a comparison must be true.
The names are those that outputs of the notebook carry (`output.metadata["numbers"]`) and those of its parameters.
"""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

FENCED = re.compile(r"^ *(```|~~~).*?^ *\1`*", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(`+).+?\1", re.DOTALL)
MATH = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
# What tools/course.py writes: the line of times, and the table of lessons.
GENERATED = re.compile(r"^[^\n]*<!-- times -->$|<!-- lessons -->.*?<!-- /lessons -->", re.MULTILINE | re.DOTALL)
# A link's target, an address, a tag, an entity: what is between brackets or letters and is not read.
UNREAD = re.compile(r"(?<=\])\((?:[^()\s]|\([^()\s]*\))+\)|<?https?://[^\s)>]+>?|</?\w[^<>]*>|&#?\w+;")
NUMERAL = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?(?:e[-+]?[0-9]+(?!\w))?|(?<!\w)\.[0-9]+"
VERSION = r"[0-9]+(?:\.[0-9]+){2,}"  # three parts or more are no number
NUMERALS = re.compile(rf"{VERSION}|(?P<numeral>{NUMERAL})")
MARKED = re.compile(rf"(?P<numeral>{NUMERAL})\**[ \u00a0\u202f]?[%×°]?\**$")
SENTENCE_END = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+|]|\d+\.)\s)|(?<=[.!?])[\"”’)*_]*\s+(?=\S)")
FUNCTIONS: dict[str, Callable[..., float]] = {
    "round": lambda x, decimals=0: round(x, int(decimals)),
    "abs": abs,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "log": math.log,
    "exp": math.exp,
}
ARITHMETIC: dict[type, Callable[[float, float], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
COMPARISONS: dict[type, Callable[[float, float], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}


class UnknownName(ValueError):
    """An expression uses a name that nothing recorded."""


# --- what a notebook offers ----------------------------------------------------------------------


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


# --- expressions ---------------------------------------------------------------------------------


def evaluate(expression: str, numbers: Mapping[str, float]) -> float | bool:
    """Return the value of a mark's expression.

    Args:
        expression: Numbers, names, `+ - * / **`, comparisons (also chained), `and`, and the functions round, abs, min,
            max, sqrt, log, exp.
        numbers: The values of the names.

    Raises:
        UnknownName: a name is not among `numbers`.
        ValueError: the expression is of another form, or has no finite value.
    """
    if len(expression) > 200:
        raise ValueError("it is longer than 200 characters")
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body, numbers)
    except (SyntaxError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ValueError(getattr(error, "msg", None) or str(error)) from None
    if not isinstance(value, bool) and not (isinstance(value, int | float) and math.isfinite(value)):
        raise ValueError("it has no finite value")
    return value


def _value(node: ast.expr, numbers: Mapping[str, float]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)  # never a whole number: 9**9**9 must not be computed exactly
    if isinstance(node, ast.Name):
        if node.id not in numbers:
            raise UnknownName(node.id)
        return float(numbers[node.id])
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        return ARITHMETIC[type(node.op)](_number(node.left, numbers), _number(node.right, numbers))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand, numbers)
    if isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops):
        values = [_number(each, numbers) for each in (node.left, *node.comparators)]
        pairs = zip(node.ops, values, values[1:], strict=False)
        return all(COMPARISONS[type(op)](a, b) for op, a, b in pairs)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        parts = [_value(each, numbers) for each in node.values]
        if all(isinstance(part, bool) for part in parts):
            return all(parts)
        raise ValueError("`and` joins comparisons only")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id not in FUNCTIONS:
            raise ValueError(f"the functions are {', '.join(FUNCTIONS)}")
        return float(FUNCTIONS[node.func.id](*(_number(each, numbers) for each in node.args)))
    raise ValueError(f"`{ast.unparse(node)}` is none of: numbers, names, + - * / **, comparisons, `and`, functions")


def _number(node: ast.expr, numbers: Mapping[str, float]) -> float:
    value = _value(node, numbers)
    if isinstance(value, bool) or not isinstance(value, float):
        raise ValueError(f"`{ast.unparse(node)}` is no number")
    return value


# --- reading Markdown ----------------------------------------------------------------------------


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace what matches by as many blanks, so that positions stay; line ends stay, too."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def without_code(source: str) -> str:
    """Return Markdown in which code and mathematics are blank, every position as before."""
    for pattern in (FENCED, CODE_SPAN, MATH):
        source = _blank(pattern, source)
    return source


def readable(source: str) -> str:
    """Return the words of Markdown: no code, mathematics, comments, tags, link targets and generated pieces."""
    text = without_code(source)
    for pattern in (GENERATED, COMMENT, UNREAD):
        text = _blank(pattern, text)
    return text


def split_references(cells: list[str]) -> tuple[list[str], str]:
    """Return Markdown cells with their sections "References" blank, and the text of these.

    A section ends with the next heading that is not below its own.
    """
    level = 0  # of the heading "References" that is open
    body, references = [], []
    for source in cells:
        kept = []
        for line, shown in zip(source.split("\n"), without_code(source).split("\n"), strict=True):
            heading = HEADING.match(shown)
            if heading and (not level or len(heading[1]) <= level):
                level = len(heading[1]) if heading[2] == "References" else 0
            if level:
                references.append(line)
            kept.append(" " * len(line) if level else line)
        body.append("\n".join(kept))
    return body, "\n".join(references)


def sentence_at(source: str, position: int) -> str:
    """Return the sentence, the item or the row of a table in which a position lies, without comments."""
    line = source[source.rfind("\n", 0, position) + 1 :].partition("\n")[0]
    if line.startswith("|"):
        return COMMENT.sub("", line).strip()
    start = 0
    for found in SENTENCE_END.finditer(source):
        if found.end() > position:
            end = found.start()
            break
        start = found.end()
    else:
        end = len(source)
    tail = re.match(r"[\"”’)*_]*", source[end:])  # what closes the sentence
    sentence = COMMENT.sub("", source[start : end + len(tail[0] if tail else "")])
    return " ".join(sentence.split()).removeprefix("- ")


@dataclass(frozen=True)
class Numeral:
    """A number as prose shows it."""

    shown: str
    start: int

    @property
    def is_decimal(self) -> bool:
        return "." in self.shown or "e" in self.shown

    @property
    def value(self) -> float:
        return float(self.shown.replace(",", "").replace("−", "-"))

    @property
    def decimals(self) -> int:
        """Decimals that the numeral shows; less than 0 for a power of ten."""
        mantissa, _, exponent = self.shown.partition("e")
        return len(mantissa.partition(".")[2]) - int(exponent or 0)

    def rounded(self, value: float) -> str:
        """Return a measured value as the numeral would show it."""
        if "e" in self.shown:
            return f"{value:.{max(len(self.shown.partition('e')[0].partition('.')[2]), 0)}e}"
        return f"{value:,.{self.decimals}f}" if "," in self.shown or abs(value) >= 1e4 else f"{value:.{self.decimals}f}"

    def agrees(self, value: float) -> bool:
        """Tell whether a measured value rounds to the numeral; a tie may be rounded either way."""
        half = 0.5 * 10.0**-self.decimals
        return abs(value - self.value) <= half * (1 + 1e-9) + 1e-12 * abs(value)


def _signed(text: str, start: int, shown: str) -> Numeral:
    """Return the numeral at a place, with the sign before it; a dash between two numerals is none."""
    if start and text[start - 1] in "-−" and (start == 1 or text[start - 2] in " \n(|*~≈<>="):
        return Numeral(text[start - 1] + shown, start)
    return Numeral(shown, start)


def numerals(text: str) -> Iterator[Numeral]:
    """Yield the numerals of readable Markdown; not what is glued to the letters before it, such as float32."""
    for found in NUMERALS.finditer(text):
        before = text[: found.start()]
        if found["numeral"] and not re.search(r"[^\W\d]$", before):
            yield _signed(text, found.start(), found["numeral"])


# --- judging -------------------------------------------------------------------------------------


def faults(notebook: Any, *, complete: bool) -> Iterator[str]:
    """Yield what is wrong with the numbers in a stored notebook's prose, one sentence each.

    Args:
        notebook: As nbformat reads it.
        complete: Whether every measured number needs a mark. Otherwise only the marks that stand are judged.
    """
    known = facts(notebook)
    for name in known.conflicts:
        yield f"{name!r} was recorded twice, with different values"
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    body, references = split_references(cells)
    for source in body:
        marked: set[int] = set()
        yield from _judge_marks(source, known, references, marked)
        if complete:
            yield from _judge_unmarked(source, known, marked)


def _judge_marks(source: str, known: Facts, references: str, marked: set[int]) -> Iterator[str]:
    """Yield the faults of the marks; note where the marked numerals begin."""
    text = _blank(GENERATED, without_code(source))
    for comment in COMMENT.finditer(text):
        expression = comment[1].strip()
        quoted = f'"{sentence_at(source, comment.start())}"'
        found = MARKED.search(_blank(COMMENT, text[: comment.start()]))
        numeral = _signed(text, found.start(), found["numeral"]) if found else None
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
            fault = _fault(numeral, expression, known)
            if fault:
                yield f"{quoted} {fault}"


def _fault(numeral: Numeral | None, expression: str, known: Facts) -> str | None:
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
    text = _blank(HEADING, readable(source))
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
