"""Say which code, parameters and data a function of a notebook depends on, so that a stored result can go stale.

What counts is what produces numbers. A reworded error message, a comment, an annotation, another layout or another
check of the arguments changes nothing; nor does the name or the place of a function of this package.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import linecache
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from aetutorial.integrity import array_digest

PACKAGE = __name__.partition(".")[0]
CHECKS = f"{PACKAGE}.validation"
# Held by tests of their own, by checksums and by the live points of every study: a change inside them does not make
# every stored study stale. What scales data (data.scaling) is followed.
NOT_FOLLOWED = {
    f"{PACKAGE}.{name}"
    for name in (
        *("training", "lesson", "plotting", "validation", "runtime", "integrity"),
        *("data", "data.catalog", "data.dataset", "data.download", "data.files"),
    )
}
ENGINE = f"{PACKAGE}.engine."
# Fields of a syntax tree that say nothing about what is computed.
SILENT = {"ctx", "type_comment", "type_params", "kind", "returns", "annotation"}


@dataclass
class Fingerprint:
    """What a function depends on.

    Attributes:
        code_digest: SHA-256 of the code that it reaches in the notebook and in this package.
        parameters: The plain values among the notebook's globals that it reads, by name.
        data: SHA-256 of the arrays and data sets among them, by name.
    """

    code_digest: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)


def fingerprint(function: Callable[..., Any]) -> Fingerprint:
    """Return the fingerprint of a function and of all that it reaches.

    Raises:
        TypeError: it reads a global that is neither code, plain values nor data (a model, say).
    """
    reading = _Reading(function.__module__)
    reading.found.code_digest = reading.code(function)
    return reading.found


class _Reading:
    """Follows a function through the notebook and the package; each piece of code counts by the digest of its contents.

    Args:
        home: The module of the notebook.
    """

    def __init__(self, home: str) -> None:
        self.home, self.found = home, Fingerprint()
        self.known: dict[str, str] = {}

    def code(self, item: Any) -> str:
        """Return the digest of a function or class and of all that it reaches."""
        item = inspect.unwrap(item)
        key = f"{item.__module__}.{item.__qualname__} {id(item)}"
        if key not in self.known:
            self.known[key] = "code that is being read"  # it calls itself
            self.known[key] = _sha256(self._text(item))
        return self.known[key]

    def _text(self, item: Any) -> str:
        tree = _tree(item)
        bound, values = _bound(tree), _scope(item)
        at_home = item.__module__ == self.home
        said: dict[str, str] = {}
        for name in sorted(_names_from_outside(tree) & values.keys()):
            value = values[name]
            if isinstance(value, ModuleType) and _of_package(value.__name__):
                for attribute in sorted(_attributes_of(name, tree)):
                    path = f"{name}.{attribute}"
                    said[path] = self._value(path, getattr(value, attribute, None), at_home)
            else:
                said[name] = self._value(name, value, at_home)
        said = {path: text for path, text in said.items() if text}
        # A name that is a local elsewhere in the code is left as it stands, and explained below.
        plain = {path for path in said if path.partition(".")[0] in bound}
        _Named({path: text for path, text in said.items() if path not in plain}).visit(tree)
        if hasattr(tree.body[0], "name"):
            tree.body[0].name = ""  # the definition's own name: it may be renamed
        explained = [f"{path} is {said[path]}" for path in sorted(plain)]
        return "\n".join([_dump(tree), *explained])

    def _value(self, name: str, value: Any, at_home: bool) -> str:
        """Return what stands for a value from outside; nothing where the name itself may stand for it."""
        if isinstance(value, ModuleType) or value is None:
            return ""
        if inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, np.ufunc):
            return self.code(value) if self._is_followed(value) else ""
        if isinstance(value, functools.partial):
            parts = [value.func, list(value.args), value.keywords]
            return self._value(name, parts, at_home)
        if isinstance(value, np.ndarray):
            return self._datum(name, array_digest(value), at_home)
        if isinstance(getattr(value, "checksum", None), str):
            return self._datum(name, value.checksum, at_home)
        try:
            plain = json.dumps(value.item() if isinstance(value, np.generic) else value)
        except (TypeError, ValueError):
            if not isinstance(value, dict | list | tuple):
                raise TypeError(
                    f"The function of a study reads the global `{name}`, a {type(value).__name__}. It may read "
                    "functions, plain values, arrays and data sets; models are built inside it."
                ) from None
            items = value.items() if isinstance(value, dict) else enumerate(value)
            listed = [f"{k!r}: {self._value(f'{name}[{k!r}]', item, at_home)}" for k, item in items]
            return f"[{', '.join(listed)}]"
        if at_home:
            self.found.parameters[name] = json.loads(plain)
            return ""
        return plain

    def _datum(self, name: str, checksum: str, at_home: bool) -> str:
        if at_home:
            self.found.data[name] = checksum
            return ""
        return checksum

    def _is_followed(self, value: Any) -> bool:
        """Follow code of the notebook and of this package; an installed library is known by its version."""
        module = getattr(value, "__module__", None) or ""
        if module in NOT_FOLLOWED or module.startswith(ENGINE):
            return False
        return module == self.home or _of_package(module)


def _of_package(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


# --- reading code --------------------------------------------------------------------------------


def _tree(item: Any) -> ast.Module:
    """Return the syntax tree of a function or class, cut down to what produces numbers."""
    try:
        tree = ast.parse(textwrap.dedent(_source(item)))
    except (OSError, TypeError, SyntaxError):  # a lambda within an expression, or what `exec` made
        raise TypeError(
            f"A study reads the source of what it runs, and finds none for `{item.__module__}.{item.__qualname__}`. "
            "Write it as a `def` or `class` in a cell."
        ) from None
    scope = _scope(item)
    checks = {k for k, v in scope.items() if isinstance(v, ModuleType) and v.__name__ == CHECKS}
    tree = _Bare(checks).visit(tree)
    while _drop_unread(tree):
        pass
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if body == []:
            body.append(ast.Pass())
    return ast.fix_missing_locations(tree)


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


class _Bare(ast.NodeTransformer):
    """Drops what computes nothing: docstrings, annotations, checks of arguments, the words of errors and warnings.

    Args:
        checks: The names under which the module of checks is known.
    """

    def __init__(self, checks: set[str]) -> None:
        self.checks = checks
        self.in_class = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._inside(node, in_class=False)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._inside(node, in_class=True)

    def _inside(self, node: ast.AST, *, in_class: bool) -> ast.AST:
        before, self.in_class = self.in_class, in_class
        self.generic_visit(node)
        self.in_class = before
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Forget the type. In a class, where it may make a field of a dataclass, keep that there was one."""
        self.generic_visit(node)
        node.annotation = ast.Constant(None)
        if self.in_class:
            return node
        return ast.Assign([node.target], node.value) if node.value else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """Forget where in the package something lies."""
        if node.module and _of_package(node.module):
            node.module = PACKAGE
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.Raise(exc=raised, cause=None)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Leave of a check, and of `np.asarray(x)`, the value that it passes on."""
        self.generic_visit(node)
        called = node.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            owner, name = called.value.id, called.attr
            if owner in self.checks:
                words = name in ("message", "describe")
                return ast.Constant("") if words else node.args[1]
            if (owner, name, len(node.args), node.keywords) == ("np", "asarray", 1, []):
                return node.args[0]
        return node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        """Drop a condition that only guards against wrong arguments."""
        self.generic_visit(node)
        guard = not node.orelse and (not node.body or isinstance(node.body[-1], ast.Raise))
        return None if guard else node

    def visit_For(self, node: ast.For) -> ast.AST | None:
        """Drop a loop in which nothing is left."""
        self.generic_visit(node)
        return node if node.body or node.orelse else None

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop docstrings, warnings, and checks that stand alone."""
        self.generic_visit(node)
        value = node.value
        if isinstance(value, ast.Call):
            return None if ast.unparse(value.func) == "warnings.warn" else node
        inert = isinstance(value, ast.Constant | ast.Name | ast.Attribute | ast.Subscript)
        return None if inert else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Drop `x = x`, which a check leaves."""
        self.generic_visit(node)
        return None if [_dump(t) for t in node.targets] == [_dump(node.value)] else node


def _drop_unread(tree: ast.AST) -> bool:
    """Drop assignments to locals that nothing reads, as of the words of a dropped error; tell if there were any."""
    dropped = False
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        parts = list(ast.walk(function))
        read = {n.id for n in parts if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        read |= {n for p in parts if isinstance(p, ast.Global | ast.Nonlocal) for n in p.names}
        for block in _blocks(function):
            kept = [line for line in block if not _is_unread(line, read)]
            dropped |= len(kept) < len(block)
            block[:] = kept
    return dropped


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements of a function, without those of classes in it: theirs are attributes."""
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
            for line in block:
                if not isinstance(line, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _blocks(line)


def _is_unread(line: ast.stmt, read: set[str]) -> bool:
    if not isinstance(line, ast.Assign) or any(isinstance(p, ast.Call) for p in ast.walk(line)):
        return False
    targets = [t for target in line.targets for t in (getattr(target, "elts", None) or [target])]
    return all(isinstance(target, ast.Name) and target.id not in read for target in targets)


class _Named(ast.NodeTransformer):
    """Puts the digest or value of what a name or path stands for in its place."""

    def __init__(self, said: dict[str, str]) -> None:
        self.said = said

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.said[node.id]) if node.id in self.said else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        path = f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else ""
        return ast.Name(self.said[path]) if path in self.said else self.generic_visit(node)


def _bound(tree: ast.AST) -> set[str]:
    """Return the names that a definition binds inside itself, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case ast.FunctionDef(body=body) | ast.ClassDef(body=body):
                inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
                found |= {line.name for line in body if isinstance(line, inner)}
    return found


def _scope(item: Any) -> dict[str, Any]:
    if inspect.isclass(item):
        module = inspect.getmodule(item)
        return dict(vars(module)) if module else {}
    closure = inspect.getclosurevars(item).nonlocals
    return {**item.__globals__, **closure}


def _names_from_outside(tree: ast.AST) -> set[str]:
    """Return the names that a definition takes from outside, also in its default values and decorators."""
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
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


def _dump(node: Any) -> str:
    """Return a syntax tree as text, the same in every version of Python: what `ast.dump` leaves out varies."""
    if isinstance(node, list):
        return f"[{', '.join(map(_dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, getattr(node, name, None)) for name in node._fields if name not in SILENT)
    said = [f"{name}={_dump(value)}" for name, value in fields if value is not None and value != []]
    return f"{type(node).__name__}({', '.join(said)})"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
