"""Compiled programs, kept for models that lead to the same graph, and the memory that compiling leaves behind."""

from __future__ import annotations

import ctypes
import gc
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from aetutorial.engine import graph_digest

# Programs, the last used ones. Each takes some 20 to 40 MB, and a lesson must do with 1.5 GB.
KEPT = 4
# Programs of models whose variables take more are not kept: compiling is a small part of the time that they train.
KEPT_BYTES = 2**24
_programs: OrderedDict[str, Any] = OrderedDict()
_lock = threading.RLock()


def count() -> int:
    """Return how many programs are kept at present."""
    return len(_programs)


def clear() -> None:
    """Forget every program, and give the memory back that this and others have freed."""
    with _lock:
        _programs.clear()
    gc.collect()  # graphs, and the models they belong to, refer to themselves
    give_memory_back()


def shared(concrete: Any, variables: list[Any], jit: bool) -> tuple[Callable[..., Any], bool]:
    """Return a call of the program that was kept first for this graph, with the variables of this one.

    Also return whether that program is new, so that its first call compiles it.

    Args:
        concrete: The program, traced and not yet compiled.
        variables: The variables that it reads or writes.
        jit: Whether XLA compiles it.
    """
    if sum(variable.shape.num_elements() * variable.dtype.size for variable in variables) > KEPT_BYTES:
        return concrete, True
    shapes = [(variable.shape.as_list(), variable.dtype.name) for variable in variables]
    # The graph's inputs are flat: it does not show whether they came as an array or in a dict.
    key = f"{graph_digest.digest(concrete.graph)} {jit} {shapes} {concrete.structured_input_signature}"
    captured = concrete.captured_inputs
    with _lock:
        program = _programs.setdefault(key, concrete)
        _programs.move_to_end(key)
        while len(_programs) > KEPT:
            _programs.popitem(last=False)

    def call(*arguments: Any) -> Any:
        with _lock:
            program.set_external_captures(captured)
            try:
                return program(*arguments)
            finally:  # else it would keep them alive
                program.set_external_captures([])

    return call, program is concrete


def give_memory_back() -> None:
    """Return freed memory to the system, in some 30 ms.

    XLA's compiler takes 100 MB or more, and glibc keeps what is freed. Other C libraries have no such function.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # TypeError: on Windows, None is no library
        return
    trim(0)
