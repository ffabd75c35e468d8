"""How the sentence of a check writes values, functions, exceptions, and the line where something went wrong.

Nothing here judges an answer, and nothing fails on a value that refuses to be printed, measured or compared.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import linecache
import os
import traceback
from typing import Any

import numpy as np

# Parts of paths: what lies there the learner did not write. The last is where tf.function puts its copy of their code.
FOREIGN = ("site-packages", "dist-packages", "__autograph_generated")


def foreign(path: str) -> bool:
    """Say whether the code at that path was written by somebody else than the learner."""
    return any(part in path for part in FOREIGN)


def shorten(text: str, width: int = 160) -> str:
    """Put `text` on one line of at most `width` characters.

    Args:
        text: Any text, of any length and number of lines.
        width: At least 5; where words had to go, the line ends in " ...".
    """
    text = " ".join(text[: 10 * width].split())
    return text if len(text) <= width else text[: width - 4].rstrip() + " ..."


def error_text(error: BaseException) -> str:
    """Write an exception as "ValueError: its message", on one line and without a full stop."""
    text = ""
    with contextlib.suppress(Exception):  # a learner's own exception class may fail to print
        text = shorten(str(error)).rstrip(".")
    return type(error).__name__ + (f": {text}" if text else "")


def describe(value: Any) -> str:
    """Say in a few words what `value` is, without the repr, length or equality of unknown types."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None or isinstance(value, bool | int | float | complex | np.number | np.bool_):
        with contextlib.suppress(Exception):  # the digits of an int may be too many to print
            return shorten(str(value), 40)
    if type(value) is str:
        return f"the text {shorten(value, 40)!r}"
    if inspect.isclass(value):
        return f"the class `{value.__name__}`"
    if inspect.isroutine(value):
        return f"the function `{getattr(value, '__name__', '?')}`"
    if type(value) in (list, tuple, dict, set):
        return f"a {type(value).__name__} of length {len(value)}"
    with contextlib.suppress(Exception):  # tensors of every library have a shape
        shape = tuple(int(n) for n in value.shape)
        return f"an object of type {type(value).__name__} and shape {shape}"
    return f"an object of type {type(value).__name__}"


def parameter_names(signature: inspect.Signature) -> str:
    """Write a signature as names only: "(x, x_hat)"."""
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
    parameters = signature.parameters.values()
    return "(" + ", ".join(stars.get(p.kind.name, "") + p.name for p in parameters) + ")"


def noun(function: object) -> str:
    """Say what a learner knows a callable as: "class", "function", or the name of its type, as "Sequential"."""
    if inspect.isclass(function):
        return "class"
    known = inspect.isroutine(function) or isinstance(function, functools.partial)
    return "function" if known else type(function).__name__


def listed(inputs: dict[str, object]) -> str:
    """Write the values of arguments in parentheses, after a blank; nothing if there are none."""
    text = "; ".join(describe(value) for value in inputs.values())
    return f" ({text})" if text else ""


def where(error: BaseException, function: Any) -> str:
    """Name the last line of the learner's own code that the exception passed.

    Args:
        error: What the function raised.
        function: The learner's function, however wrapped.

    Returns:
        As ", in line 2 of `helper` (`return x / 0`)", counted from the line of its `def`; "" where it is not known.
    """
    while isinstance(function, functools.partial):
        function = function.func
    with contextlib.suppress(Exception):
        function = inspect.unwrap(function)
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        return ""
    code = function.__code__
    if foreign(code.co_filename):
        return ""
    home = os.path.dirname(code.co_filename)  # the cells of a notebook are files in one folder
    steps = [
        (frame.f_code, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if os.path.dirname(frame.f_code.co_filename) == home
    ]
    if not steps:
        return ""
    last, line = steps[-1]
    source = shorten(linecache.getline(last.co_filename, line).strip(), 60)
    inside = "" if last is code else f" of `{last.co_name}`"
    quoted = f" (`{source}`)" if source else ""
    return f", in line {line - last.co_firstlineno + 1}{inside}{quoted}"
