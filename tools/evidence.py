"""Read from a lesson's code on which studies each of its claims rests.

Under a sabotage, a study that no claim to be broken rests on need not be run again: most of the time of
`make test-claims` went there. Where this reading overlooks a claim's study, the claim keeps its true value, holds, and
is reported. Only a claim that rests on further, broken numbers could fail without having been put to its full test.
"""

from __future__ import annotations

import ast

# Calls that put their arguments into the object they are called on.
FILLING = ("add", "append", "extend", "insert", "setdefault", "update")


def studies_behind(source: str) -> list[tuple[str | None, frozenset[str]]]:
    """Return what each claim of a lesson names as its sabotage, and the studies that its value comes from.

    Args:
        source: The lesson's code, all cells in order.

    Returns:
        One pair per call of `lesson.claim`, in order; a call within a loop may come twice. The first is the text
        given as `fails_under`, or None if it is no literal.

    Raises:
        ValueError: the name of a study is no literal.
    """
    reading = _Reading()
    reading.follow(ast.parse(source).body)
    return reading.claims


class _Reading:
    """Follows the statements in order and keeps, for each variable, the studies in its value."""

    def __init__(self) -> None:
        self.behind: dict[str, frozenset[str]] = {}
        # What functions and classes use from outside: looked up where they are used, as Python does.
        self.outside: dict[str, frozenset[str]] = {}
        self.claims: list[tuple[str | None, frozenset[str]]] = []

    def follow(self, body: list[ast.stmt]) -> None:
        for statement in body:
            match statement:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    self.behind[name] = frozenset().union(*map(_study, _calls(statement)))
                    self.outside[name] = _names(statement) - _local(statement) - {name}
                case ast.For(target=target, iter=values):
                    self._store(target, self._in(values))
                    # Twice: what one pass stores, the next one may use.
                    self.follow(statement.body * 2 + statement.orelse)
                case ast.While():
                    self.follow(statement.body * 2 + statement.orelse)
                case ast.If():
                    self.follow(statement.body + statement.orelse)
                case ast.With(items=items):
                    for item in items:
                        if item.optional_vars is not None:
                            self._store(item.optional_vars, self._in(item.context_expr))
                    self.follow(statement.body)
                case ast.Try(handlers=handlers):
                    rescue = [line for handler in handlers for line in handler.body]
                    self.follow(statement.body + rescue + statement.orelse + statement.finalbody)
                case _:
                    self._simple(statement)

    def _simple(self, statement: ast.stmt) -> None:
        for call in _calls(statement):
            if ast.unparse(call.func) == "lesson.claim":
                self.claims.append((_fails_under(call), self._in(call)))
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._store(target, self._in(value))
            case ast.AugAssign(target=target, value=value):
                self._store(target, self._in(value), added=True)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._store(target, self._in(value))
            case ast.Expr():
                for call in _calls(statement):
                    if isinstance(call.func, ast.Attribute) and call.func.attr in FILLING:
                        self._store(call.func, self._in(call))

    def _in(self, node: ast.AST) -> frozenset[str]:
        """Return the studies that an expression uses, by a variable or by a call of its own."""
        found: frozenset[str] = frozenset().union(*map(_study, _calls(node)))
        seen: set[str] = set()
        names = _names(node)
        while names := names - seen:
            seen |= names
            found = found.union(*(self.behind.get(name, ()) for name in names))
            names = frozenset().union(*(self.outside.get(name, ()) for name in names))
        return found

    def _store(self, target: ast.expr, studies: frozenset[str], *, added: bool = False) -> None:
        match target:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._store(part, studies, added=added)
            case ast.Starred(value=whole):
                self._store(whole, studies, added=added)
            case ast.Subscript(value=whole) | ast.Attribute(value=whole):
                self._store(whole, studies, added=True)
            case ast.Name(id=name):
                before = self.behind.get(name, frozenset()) if added else frozenset()
                self.behind[name] = before | studies
                self.outside.pop(name, None)  # no longer the function of that name


def _names(node: ast.AST) -> frozenset[str]:
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _calls(node: ast.AST) -> list[ast.Call]:
    return [part for part in ast.walk(node) if isinstance(part, ast.Call)]


def _study(call: ast.Call) -> frozenset[str]:
    if ast.unparse(call.func) != "lesson.study":
        return frozenset()
    name = call.args[0] if call.args else None
    if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
        raise ValueError(
            f"line {call.lineno}: expected a study's name, a literal, as the first argument of "
            f"lesson.study; got {ast.unparse(call)}."
        )
    return frozenset({name.value})


def _fails_under(call: ast.Call) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == "fails_under" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _local(definition: ast.AST) -> frozenset[str]:
    """Return the names that a function or class binds itself: arguments and what it stores."""
    arguments = {part.arg for part in ast.walk(definition) if isinstance(part, ast.arg)}
    stored = {
        part.id for part in ast.walk(definition) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    return frozenset(arguments | stored)
