"""Say which code, parameters and data a function of a notebook depends on, so that a stored result can go stale."""

from __future__ import annotations

import ast
import dis
import hashlib
import inspect
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, ModuleType
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


READS = ("LOAD_GLOBAL", "LOAD_NAME")


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
    text = textwrap.dedent(inspect.getsource(item))
    sources[key] = _without_remarks(text)
    tree = ast.parse(text)
    names = _global_names(item)
    scope = _scope(item)
    for name in sorted(names & scope.keys()):
        _visit(name, scope[name], tree, found, sources, home)


def _visit(
    name: str, value: Any, tree: ast.AST, found: Fingerprint, sources: dict[str, str], home: str
) -> None:
    if isinstance(value, ModuleType):
        if value.__name__.startswith("aetutorial"):
            for attribute in sorted(_attributes_of(name, tree)):
                member = getattr(value, attribute, None)
                _visit(f"{name}.{attribute}", member, tree, found, sources, home)
    elif inspect.isclass(value) or inspect.isroutine(value):
        if _is_followed(value, home):
            _follow(value, found, sources, home)
    elif isinstance(value, np.ndarray):
        found.data[name] = _checksum(value)
    elif isinstance(getattr(value, "checksum", None), str):
        found.data[name] = value.checksum
    elif value is not None:
        try:
            found.parameters[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            raise TypeError(
                f"The function of a study reads the global `{name}`, a {type(value).__name__}. It may read functions, "
                "plain values, arrays and data sets; models are built inside it."
            ) from None


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


def _global_names(item: Any) -> set[str]:
    if not inspect.isclass(item):
        return _names_in(item.__code__) | set(item.__code__.co_freevars)
    names = {base.__name__ for base in item.__bases__}
    for member in vars(item).values():
        plain = getattr(member, "__func__", getattr(member, "fget", member))
        if inspect.isfunction(plain):
            names |= _names_in(plain.__code__)
    return names


def _names_in(code: CodeType) -> set[str]:
    """Return the globals that a code object reads; an attribute or a local of the same name is none."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in READS}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
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
    """Drop docstrings, comment lines and blank lines: what a reader sees, not what runs.

    Works on lines, because what `ast.dump` and `tokenize` return differs between versions of Python.
    """
    dropped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and body:
            first = body[0]
            is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if is_text and isinstance(first.value.value, str):
                dropped |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    kept = [
        line.rstrip()
        for number, line in enumerate(text.splitlines(), 1)
        if number not in dropped and line.strip() and not line.strip().startswith("#")
    ]
    return "\n".join(kept)


def _checksum(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
