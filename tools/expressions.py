"""Compute the short expressions that tie numbers in prose to what a run recorded: see tools/prose.py."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

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
