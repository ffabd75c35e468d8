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
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from aetutorial.integrity import array_digest
from aetutorial.studies.syntax import PACKAGE, bound, dump, essence, names_from_outside, of_package

# Held by tests of their own, by checksums and by the live points of every study: a change inside them does not make
# every stored study stale. What scales data (data.scaling) is followed.
NOT_FOLLOWED = {
    f"{PACKAGE}.{name}"
    for name in (
        *("training", "lesson", "plotting", "tables", "display", "validation", "runtime", "integrity"),
        *("data", "data.catalog", "data.dataset", "data.download", "data.files"),
    )
}
ROOMS = tuple(f"{PACKAGE}.{name}." for name in ("engine", "plotting", "claims"))  # nor is what lies in these


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


def fingerprint(function: Callable[..., object]) -> Fingerprint:
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

    def code(self, item: Callable[..., Any]) -> str:
        """Return the digest of a function or class and of all that it reaches."""
        item = inspect.unwrap(item)
        key = f"{item.__module__}.{item.__qualname__} {id(item)}"
        if key not in self.known:
            self.known[key] = "code that is being read"  # it calls itself
            self.known[key] = _sha256(self._text(item))
        return self.known[key]

    def _text(self, item: Callable[..., Any]) -> str:
        values = _scope(item)
        tree = essence(item, values)
        at_home = item.__module__ == self.home
        said: dict[str, str] = {}
        for name in sorted(names_from_outside(tree) & values.keys()):
            value = values[name]
            if isinstance(value, ModuleType) and of_package(value.__name__):
                for attribute in sorted(_attributes_of(name, tree)):
                    path = f"{name}.{attribute}"
                    said[path] = self._value(path, getattr(value, attribute, None), at_home)
            else:
                said[name] = self._value(name, value, at_home)
        said = {path: text for path, text in said.items() if text}
        bound_names = bound(tree)
        # A name that is a local elsewhere in the code is left as it stands, and explained below.
        plain = {path for path in said if path.partition(".")[0] in bound_names}
        _Named({path: text for path, text in said.items() if path not in plain}).visit(tree)
        if hasattr(tree.body[0], "name"):
            tree.body[0].name = ""  # the definition's own name: it may be renamed
        explained = [f"{path} is {said[path]}" for path in sorted(plain)]
        return "\n".join([dump(tree), *explained])

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

    def _is_followed(self, value: object) -> bool:
        """Follow code of the notebook and of this package; an installed library is known by its version."""
        module = getattr(value, "__module__", None) or ""
        if module in NOT_FOLLOWED or module.startswith(ROOMS):
            return False
        return module == self.home or of_package(module)


def _scope(item: Callable[..., Any]) -> dict[str, object]:
    """Return the names that a function or class can see from outside, with their values."""
    if inspect.isfunction(item):
        return {**item.__globals__, **inspect.getclosurevars(item).nonlocals}
    module = inspect.getmodule(item)
    return dict(vars(module)) if module else {}


def _attributes_of(name: str, tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


class _Named(ast.NodeTransformer):
    """Puts the digest or value of what a name or path stands for in its place."""

    def __init__(self, said: dict[str, str]) -> None:
        self.said = said

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.said[node.id]) if node.id in self.said else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        path = f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else ""
        return ast.Name(self.said[path]) if path in self.said else self.generic_visit(node)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
