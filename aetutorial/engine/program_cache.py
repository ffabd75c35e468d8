"""Programs that are kept, so that nothing is traced or compiled twice, and the memory that compiling leaves behind.

A model keeps the programs that were traced for it. What is compiled for them is shared by equal models.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from aetutorial.engine import graph_digest, keras_internals

# Compiled programs, the last used ones. Each takes some 20 to 40 MB, and a lesson must do with 1.5 GB.
KEPT = 4
# Models that keep their programs, those trained last.
KEPT_MODELS = 4
# Programs that each of them keeps, those used last: for training, for validation, for other numbers of rows.
KEPT_OF_MODEL = 4
# Compiled programs of models whose variables take more are not shared: compiling is a small part of their training.
KEPT_BYTES = 2**24
_compiled: OrderedDict[str, tuple[Any, list[int]]] = OrderedDict()
_models: OrderedDict[int, weakref.ref[ModelPrograms]] = OrderedDict()
_lock = threading.RLock()


class ModelPrograms:
    """The programs traced for a model, and the state of the model that they were traced from."""

    def __init__(self, parts: list[object], settings: str) -> None:
        self.parts, self.settings = parts, settings
        self.programs: dict[object, Any] = {}


def of_model(model: Any) -> dict[object, Any]:
    """Return the programs that a model keeps; none if it has been changed or compiled since they were traced."""
    parts, settings = keras_internals.traced_parts(model)
    with _lock:
        kept = vars(model).get(keras_internals.PROGRAMS)
        same = kept is not None and len(kept.parts) == len(parts) and kept.settings == settings
        if not same or any(one is not other for one, other in zip(kept.parts, parts, strict=True)):
            kept = vars(model)[keras_internals.PROGRAMS] = ModelPrograms(parts, settings)
        _models[id(kept)] = weakref.ref(kept)
        _models.move_to_end(id(kept))
        for key in [key for key, reference in _models.items() if reference() is None]:
            del _models[key]
        while len(_models) > KEPT_MODELS:
            _forget(_models.popitem(last=False)[1])
    return kept.programs


def keep(programs: dict[object, Any], key: object, program: object) -> None:
    """Add a program to those of a model, as the last used one, and let go of the first where there are too many."""
    programs[key] = program
    while len(programs) > KEPT_OF_MODEL:
        del programs[next(iter(programs))]


def count() -> int:
    """Return how many compiled programs are kept at present."""
    return len(_compiled)


def clear() -> None:
    """Forget every program, and give the memory back that this and others have freed."""
    with _lock:
        while _models:
            _forget(_models.popitem()[1])
        _compiled.clear()
    gc.collect()  # graphs, and the models they belong to, refer to themselves
    give_memory_back()


def shared(
    trace: Callable[[], Any], functions: Sequence[Any], variables: list[Any], setting: str
) -> tuple[Callable[..., Any], bool]:
    """Return a call of the program that was kept first for such functions, with the variables of these.

    Also return whether that program is new, so that its first call compiles it.

    Args:
        trace: Makes the program, a concrete function that calls the given ones; called if none is kept.
        functions: Concrete functions: what the program does depends on them, the variables and the setting alone.
        variables: The variables that the program reads, besides those of the functions.
        setting: Whatever else it depends on.
    """
    captured = [tensor for function in functions for tensor in function.captured_inputs]
    captured += [variable.handle for variable in variables]
    places: dict[int, int] = {}
    # Where a tensor is captured twice, both places count as the first.
    pattern = [places.setdefault(id(tensor), i) for i, tensor in enumerate(captured)]
    shapes = [(variable.shape.as_list(), variable.dtype.name) for variable in variables]
    digests = [graph_digest.digest(function.graph) for function in functions]
    key = f"{digests} {pattern} {shapes} {setting}"
    large = sum(variable.shape.num_elements() * variable.dtype.size for variable in variables) > KEPT_BYTES
    with _lock:
        is_new = key not in _compiled
        if is_new:
            program = trace()
            known = all(id(tensor) in places for tensor in program.captured_inputs)
            if large or not known:
                return program, True
            _compiled[key] = program, [places[id(tensor)] for tensor in program.captured_inputs]
        program, taken = _compiled[key]
        _compiled.move_to_end(key)
        while len(_compiled) > KEPT:
            _compiled.popitem(last=False)
    inputs = [captured[place] for place in taken]

    def call(*arguments: object) -> Any:
        with _lock:
            program.set_external_captures(inputs)
            try:
                return program(*arguments)
            finally:  # else it would keep them alive
                program.set_external_captures([])

    return call, is_new


def give_memory_back() -> None:
    """Return freed memory to the system, in some 30 ms.

    XLA's compiler takes 100 MB or more, and glibc keeps what is freed. Other C libraries have no such function.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # TypeError: on Windows, None is no library
        return
    trim(0)


def _forget(reference: weakref.ref[ModelPrograms]) -> None:
    kept = reference()
    if kept is not None:
        kept.programs.clear()
