"""A learner's function: is it one, and a call that ends in one clear sentence whatever it does.

The function runs in a thread of its own, because that is the only way to leave a loop that never
ends on Linux, macOS and Windows alike. What it prints still goes to the cell that called it.
"""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import dis
import functools
import inspect
import threading
import time
import traceback
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aetutorial.exercises.wording import describe, error_text, foreign, listed, noun, parameter_names, where

POLL_SECONDS = 0.02
STOPPING_SECONDS = 2.0  # how long to go on trying to stop a function whose time is over


class Wrong(Exception):
    """Raised by a check: its text is the one sentence that names the learner's mistake."""


class NotAttempted(Exception):
    """Raised when the answer, or what its function returns, is still the stub; text may be empty."""


class _TimeUp(BaseException):
    """Raised inside a learner's function to stop it; `except Exception` does not catch it."""


def unfilled(value: Any) -> bool:
    """Say whether `value` is a stub: None, `...`, or a list, tuple or dict of at most 20 of these and nothing else."""
    items = list(value.values()) if type(value) is dict else value
    if type(items) not in (list, tuple) or not 0 < len(items) <= 20:
        items = [value]
    return all(item is None or item is Ellipsis for item in items)


def stub(function: object) -> bool:
    """Say whether the body of a function is that of a stub: nothing but a docstring, `pass`, None and `...`."""
    with contextlib.suppress(Exception):
        function = inspect.unwrap(function)  # type: ignore[arg-type]
    code = getattr(function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return False
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_CONST", "RETURN_CONST"):
            if not unfilled(step.argval):
                return False
        elif step.opname not in ("RESUME", "NOP", "POP_TOP", "RETURN_VALUE", "CACHE"):
            return False
    return True


def signature_of(function: Callable[..., object]) -> inspect.Signature | None:
    """Return the signature, or None where there is none to see (some functions written in C)."""
    with contextlib.suppress(Exception):
        return inspect.signature(function)
    return None


def expect_function(value: object, parameters: Sequence[str]) -> Callable[..., Any]:
    """Return a learner's function, if it takes as many positional arguments as expected.

    Args:
        value: The answer: a function, or an object that can be called like one.
        parameters: The names of the parameters in the prompt. Other names will do.

    Raises:
        Wrong: it is something else.
        NotAttempted: it is None or `...`.
    """
    if unfilled(value):
        raise NotAttempted
    expected = "(" + ", ".join(parameters) + ")"
    if inspect.isclass(value):
        raise Wrong(f"That is {describe(value)}; a function of {expected} is expected.")
    if not callable(value):
        raise Wrong(f"That is {describe(value)}; pass the function of {expected} itself, by its name alone.")
    signature = signature_of(value)
    if signature is not None:
        try:
            signature.bind(*parameters)
        except TypeError:
            raise Wrong(f"The function must take {expected}; yours takes {parameter_names(signature)}.") from None
    return value


def call(function: object, /, *args: Any, seconds: float = 10.0, **kwargs: Any) -> Any:
    """Call a learner's function and return what it returns.

    It runs in another thread: what holds per thread, such as an open `tf.GradientTape` or Keras's
    dtype policy, does not reach it.

    Args:
        function: What the learner wrote: any callable.
        *args: Its arguments. Arrays, and lists, tuples and dicts of arrays, are passed as copies.
        seconds: How long it may take.
        **kwargs: Its named arguments, treated alike.

    Returns:
        The function's result: not None, not `...`, not a generator, not a coroutine.

    Raises:
        Wrong: it is no function, takes other arguments, raised, changed its input, took too long.
        NotAttempted: it returned None or `...`, raised NotImplementedError, or computed with `...`.
    """
    if unfilled(function):
        raise NotAttempted
    if not callable(function):
        raise Wrong(f"A function is expected here, not {describe(function)}.")
    signature = signature_of(function)
    inputs = _named(signature, args) | kwargs
    who = "Your " + noun(function)
    if signature is not None:
        try:
            signature.bind(*args, **kwargs)
        except TypeError:
            count = len(args) + len(kwargs)
            raise Wrong(
                f"{who} is called with {count} argument{'s' if count != 1 else ''}"
                f"{listed(inputs)}, but it takes {parameter_names(signature)}."
            ) from None

    given = [_copied(value) for value in args]
    named = {name: _copied(value) for name, value in kwargs.items()}
    value, error = _in_thread(functools.partial(function, *given, **named), seconds, who)

    if error is not None:
        _report(error, function, who, inputs)
    for (name, before), after in zip(inputs.items(), [*given, *named.values()], strict=True):
        if not _same(before, after):
            raise Wrong(
                f"{who} changed its input `{name}` in place: compute a new value instead, or work on a copy of it."
            )
    if unfilled(value):
        raise NotAttempted("" if stub(function) else f"{who} returned {value}: is its `return` still missing?")
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        raise Wrong(f"{who} returned a generator: use `return` where it says `yield`.")
    if inspect.iscoroutine(value):
        value.close()
        raise Wrong(f"{who} returned a coroutine: write `def` where it says `async def`.")
    return value


def _named(signature: inspect.Signature | None, args: tuple[object, ...]) -> dict[str, object]:
    """Pair positional arguments with the function's own names for them, in their order."""
    parameters = list(signature.parameters.values()) if signature else []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in kinds]
    names += [f"argument {i + 1}" for i in range(len(names), len(args))]
    return dict(zip(names, args, strict=False))


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(_copied(item) for item in value)
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return value


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):  # compared by bytes, because NaN is not equal to itself
        alike = before.shape == after.shape and before.dtype == after.dtype
        return bool(alike and before.tobytes() == after.tobytes())
    if type(before) is dict:
        return list(before) == list(after) and _same([*before.values()], [*after.values()])
    if type(before) in (list, tuple):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(type(a) is type(b) and _same(a, b) for a, b in pairs)
    if isinstance(before, str | int | float | complex | bytes | np.generic):
        return bool(before == after or before != before)
    return before is after


def _in_thread(function: Callable[[], Any], seconds: float, who: str) -> tuple[Any, BaseException | None]:
    """Return (value, None) or (None, the exception raised); Wrong if time runs out."""
    value: Any = None
    error: BaseException | None = None
    over = False
    lock = threading.Lock()
    context = contextvars.copy_context()  # by it the kernel knows the cell that prints

    def work() -> None:
        nonlocal value, error, over
        with contextlib.suppress(_TimeUp):
            try:
                value = context.run(function)
            except _TimeUp:
                pass
            except BaseException as raised:  # SystemExit and KeyboardInterrupt may be the learner's, too
                error = raised
        for _ in range(2):
            with contextlib.suppress(_TimeUp):
                with lock:
                    over = True  # from here on nobody asks this thread to stop
                for _ in range(100):
                    pass  # a request on its way arrives at one of these steps
                break

    def stop() -> None:
        until = time.monotonic() + STOPPING_SECONDS
        while thread.is_alive() and time.monotonic() < until:
            with lock:  # so that no thread is stopped that has left the learner's function
                if not over and thread.ident is not None:
                    _raise_in(thread.ident, _TimeUp)
            thread.join(POLL_SECONDS)

    thread = threading.Thread(target=work, name="exercise", daemon=True)
    until = time.monotonic() + seconds
    try:
        thread.start()
        while thread.is_alive() and time.monotonic() < until:
            thread.join(POLL_SECONDS)  # in short waits, since on Windows a long one cannot be interrupted
    except BaseException:  # the learner pressed the stop button
        stop()
        raise
    if thread.is_alive():
        stop()
        still = " It is still running: restart the kernel." if thread.is_alive() else ""
        raise Wrong(f"{who} did not return within {seconds:g} seconds; is there a loop that never ends?" + still)
    return value, error


def _raise_in(ident: int, exception: type[BaseException]) -> None:
    """Have the thread raise `exception` at its next step of Python.

    A request is never withdrawn: on Python 3.11, withdrawing one leaves the interpreter's flag for pending work set
    for good, and a traced function (coverage, a debugger) then never gets past its first instruction.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(exception))


def _report(error: BaseException, function: Callable[..., object], who: str, inputs: dict[str, object]) -> None:
    """Raise what an exception of the learner's function means.

    Args:
        error: What the function raised.
        function: The learner's function.
        who: What it is called in a sentence, as "Your function".
        inputs: Its arguments by name.

    Raises:
        NotAttempted: the exception comes from a stub.
        Wrong: any other exception.
    """
    what = error_text(error)
    origin = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    if isinstance(error, NotImplementedError) and not foreign(origin):
        raise NotAttempted  # from a library it means something else
    if isinstance(error, TypeError | AttributeError | ValueError) and "ellipsis" in what.lower():
        raise NotAttempted
    if isinstance(error, RecursionError):
        raise Wrong(f"{who} calls itself without end (RecursionError){where(error, function)}.")
    if isinstance(error, SystemExit):
        raise Wrong(f"{who} tried to end Python (SystemExit){where(error, function)}.")
    called = "; ".join(f"{name} = {describe(value)}" for name, value in inputs.items())
    called = f", when called with {called}" if called else ""
    raise Wrong(f"{who} raised {what}{where(error, function)}{called}.")
