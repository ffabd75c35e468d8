"""Read the cells of a notebook: its tags, calls, pictures, exercises and headings."""

from __future__ import annotations

import ast
import re
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from tools import markdown

PLAIN_SECTIONS = ("Change one thing", "Exercises", "What you now know", "References")
HIDDEN = "hide-input"  # the tag of a cell whose code is folded


def tags(cell: Any) -> list[str]:
    """Return the tags of a cell."""
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


def images(cell: Any) -> list[Any]:
    """Return the outputs that hold a picture."""
    outputs = (output for output in cell.outputs if "data" in output)
    return [output for output in outputs if any("image/" in kind for kind in output.data)]


def shown_text(cell: Any) -> list[str]:
    """Return what a cell printed, and the plain twins of what it displayed."""
    printed = [output.text for output in cell.outputs if output.output_type == "stream"]
    return printed + [output.data["text/plain"] for output in cell.outputs if "text/plain" in output.get("data", {})]


def is_exercise(cell: Any) -> bool:
    """Tell whether a cell of code belongs to an exercise."""
    return bool(re.search(r"\blesson\d\d\.|\baetutorial\.exercises\b", cell.source))


def exercises(notebook: Any) -> list[str]:
    """Return the exercises that the notebook checks, such as "lesson05.threshold", each once."""
    called = [name for cell in notebook.cells if cell.cell_type == "code" for name in calls(cell.source)]
    checks = [re.fullmatch(r"(lesson\d\d\.\w+)\.check", name) for name in called]
    return list(dict.fromkeys(found[1] for found in checks if found))


def headings(sources: list[str]) -> list[tuple[str, str]]:
    """Return marks and text of the headings of Markdown, such as ("##", "Data")."""
    return [found for source in sources for found in markdown.HEADING.findall(markdown.FENCED.sub("", source))]
