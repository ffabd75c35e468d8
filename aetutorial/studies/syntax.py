"""Read the source of a function or class, and cut it down to what produces numbers."""

from __future__ import annotations

import ast
import inspect
import linecache
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]
CHECKS = f"{PACKAGE}.validation"
# Fields of a syntax tree that say nothing about what is computed.
SILENT = {"ctx", "type_comment", "type_params", "kind", "returns", "annotation"}


def essence(item: Callable[..., Any], scope: dict[str, object]) -> ast.Module:
    """Return the syntax tree of a function or class, cut down to what produces numbers.

    Args:
        item: The function or class.
        scope: The names that it can see from outside.

    Raises:
        TypeError: it has no source that can be read.
    """
    try:
        tree = ast.parse(textwrap.dedent(_source(item)))
    except (OSError, TypeError, SyntaxError):  # a lambda within an expression, or what `exec` made
        raise TypeError(
            f"A study reads the source of what it runs, and finds none for `{item.__module__}.{item.__qualname__}`. "
            "Write it as a `def` or `class` in a cell."
        ) from None
    checks = {k for k, v in scope.items() if isinstance(v, ModuleType) and v.__name__ == CHECKS}
    tree = _Bare(checks).visit(tree)
    while _drop_unread(tree):
        pass
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if body == []:
            body.append(ast.Pass())
    return ast.fix_missing_locations(tree)


def _source(item: Callable[..., Any]) -> str:
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


def _cells(item: Callable[..., Any]) -> Iterator[str]:
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
        if node.module and of_package(node.module):
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
        return None if [dump(t) for t in node.targets] == [dump(node.value)] else node


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


def bound(tree: ast.AST) -> set[str]:
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


def names_from_outside(tree: ast.AST) -> set[str]:
    """Return the names that a definition takes from outside, also in its default values and decorators."""
    outermost = symtable.symtable(ast.unparse(tree), "study", "exec")
    names = {symbol.get_name() for symbol in outermost.get_symbols() if symbol.is_referenced()}
    tables = outermost.get_children()
    while tables:
        table = tables.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        tables += table.get_children()
    return names


def dump(node: object) -> str:
    """Return a syntax tree as text, the same in every version of Python: what `ast.dump` leaves out varies."""
    if isinstance(node, list):
        return f"[{', '.join(map(dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, getattr(node, name, None)) for name in node._fields if name not in SILENT)
    said = [f"{name}={dump(value)}" for name, value in fields if value is not None and value != []]
    return f"{type(node).__name__}({', '.join(said)})"


def of_package(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE
