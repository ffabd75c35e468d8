"""Say which code, parameters and data a function of a notebook depends on, so that a stored result can go stale."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import io
import json
import linecache
import symtable
import sys
import textwrap
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

# The engine is held by tests of its own and by the live points of every study: a change inside it does not
# make every stored study stale.
NOT_FOLLOWED = (
    "aetutorial.training",
    "aetutorial.checkpoints",
    "aetutorial.plotting",
    "aetutorial.lesson",
)


@dataclass
class Fingerprint:
    """What a function depends on.

    Attributes:
        code_hash: SHA-256 of the sources it reaches in the notebook and in this package, without
            comments and docstrings.
        parameters: The plain values among the globals that it reads, by name.
        data: SHA-256 of the arrays and data sets among them, by name.
    """

    code_hash: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)


def fingerprint(function: Callable[..., Any]) -> Fingerprint:
    """Return the fingerprint of a function and of all that it reaches.

    Raises:
        TypeError: it reads a global that is neither code, plain values nor data (a model, say).
    """
    found = Fingerprint()
    sources: dict[str, str] = {}
    _follow(function, found, sources, function.__module__)
    joined = "\n".join(sources[name] for name in sorted(sources))
    found.code_hash = hashlib.sha256(joined.encode()).hexdigest()
    return found


def _follow(item: Any, found: Fingerprint, sources: dict[str, str], home: str) -> None:
    item = inspect.unwrap(item)
    key = f"{item.__module__}.{item.__qualname__}"
    if key in sources:
        return
    try:
        text = textwrap.dedent(_source(item))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError):  # a lambda within an expression, or what `exec` made
        raise TypeError(
            f"A study reads the source of what it runs, and finds none for `{key}`. Write it as a `def` or "
            "`class` in a cell."
        ) from None
    sources[key] = _without_remarks(text)
    scope = _scope(item)
    for name in sorted(_names_from_outside(tree) & scope.keys()):
        _visit(name, scope[name], tree, found, sources, home)


def _source(item: Any) -> str:
    """Return the source of a function or class; `inspect` finds no class of a notebook, its cells do."""
    try:
        return inspect.getsource(item)
    except (OSError, TypeError):
        for cell in _cells(item):
            for node in ast.parse(cell).body:
                if isinstance(node, ast.ClassDef) and node.name == item.__qualname__:
                    first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                    return "\n".join(cell.splitlines()[first - 1 : node.end_lineno])
        raise


def _cells(item: Any) -> Iterator[str]:
    """Yield the cells where a class may have been defined: those in `In`, and those that its methods name.

    A cell that was run without being stored in the history, as nbval does, is not in `In`.
    """
    yield from reversed(getattr(sys.modules.get(item.__module__), "In", ()))
    methods = map(inspect.unwrap, vars(item).values()) if inspect.isclass(item) else ()
    files = {method.__code__.co_filename for method in methods if inspect.isfunction(method)}
    for file in sorted(files):
        yield "".join(linecache.getlines(file))


def _visit(
    name: str, value: Any, tree: ast.AST, found: Fingerprint, sources: dict[str, str], home: str
) -> None:
    if isinstance(value, ModuleType):
        if value.__name__.startswith("aetutorial"):
            for attribute in sorted(_attributes_of(name, tree)):
                member = getattr(value, attribute, None)
                _visit(f"{name}.{attribute}", member, tree, found, sources, home)
    elif inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, np.ufunc):
        if _is_followed(value, home):
            _follow(value, found, sources, home)
    elif isinstance(value, functools.partial):
        parts = [value.func, list(value.args), value.keywords]
        _visit(name, parts, tree, found, sources, home)
    elif isinstance(value, np.ndarray):
        found.data[name] = _checksum(value)
    elif isinstance(getattr(value, "checksum", None), str):
        found.data[name] = value.checksum
    elif value is not None:
        try:
            plain = value.item() if isinstance(value, np.generic) else value
            found.parameters[name] = json.loads(json.dumps(plain))
        except (TypeError, ValueError):
            if not isinstance(value, dict | list | tuple):
                raise TypeError(
                    f"The function of a study reads the global `{name}`, a {type(value).__name__}. It may read "
                    "functions, plain values, arrays and data sets; models are built inside it."
                ) from None
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in items:
                _visit(f"{name}[{key!r}]", item, tree, found, sources, home)


def _is_followed(value: Any, home: str) -> bool:
    """Follow code of the notebook and of this package; an installed library is known by its version."""
    module = getattr(value, "__module__", None) or ""
    if module.startswith(NOT_FOLLOWED):
        return False
    return module == home or module.startswith("aetutorial")


def _scope(item: Any) -> dict[str, Any]:
    if inspect.isclass(item):
        module = inspect.getmodule(item)
        return dict(vars(module)) if module else {}
    closure = inspect.getclosurevars(item).nonlocals
    return {**item.__globals__, **closure}


def _names_from_outside(tree: ast.AST) -> set[str]:
    """Return the names that a definition takes from outside, also in its default values and decorators."""
    for node in ast.walk(tree):  # annotations compute nothing
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    outermost = symtable.symtable(ast.unparse(tree), "study", "exec")
    names = {symbol.get_name() for symbol in outermost.get_symbols() if symbol.is_referenced()}
    tables = outermost.get_children()
    while tables:
        table = tables.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        tables += table.get_children()
    return names


def _attributes_of(name: str, tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    }


def _without_remarks(text: str) -> str:
    """Drop docstrings, comments and blank lines: what a reader sees, not what runs.

    Works on lines, because what `ast.dump` and `tokenize` return differs between versions of Python; where comments
    begin does not.
    """
    dropped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and body:
            first = body[0]
            is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if is_text and isinstance(first.value.value, str):
                dropped |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    kept = [
        line.rstrip()
        for number, line in enumerate(lines, 1)
        if number not in dropped and line.strip()
    ]
    return "\n".join(kept)


def _checksum(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
