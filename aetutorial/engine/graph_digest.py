"""What a TensorFlow graph computes, whatever its nodes are called."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

# Attributes that name things and compute nothing.
NAMES_ONLY = {"_class", "_gradient_op_type", "_user_specified_name"}


def operations(graph: Any) -> set[str]:
    """Return the kinds of operations in a graph and in the functions that it calls ("MatMul", …)."""
    definition = graph.as_graph_def()
    bodies = [definition.node, *(function.node_def for function in definition.library.function)]
    return {node.op for nodes in bodies for node in nodes}


def digest(graph: Any) -> str:
    """Return a SHA-256 (hex) that graphs share if they differ in nothing but the names of nodes and functions.

    Two equal models, built one after the other, lead to such graphs. So each node counts as its place, and each
    function that is called as the digest of its body. Operations, attributes, constants, the order and the types
    of inputs and captured variables all count.

    Args:
        graph: A `FuncGraph`, as a concrete function has.
    """
    definition = graph.as_graph_def()
    library = {function.signature.name: function for function in definition.library.function}
    known: dict[str, bytes] = {}

    def called(name: str) -> bytes:
        if name not in known:
            function = library[name]
            inputs, outputs = function.signature.input_arg, function.signature.output_arg
            order = {argument.name: f"input {i}" for i, argument in enumerate(inputs)}
            ends = [function.ret[output.name] for output in outputs]
            ends += [f"^{end}" for end in function.control_ret.values()]
            known[name] = body(function.node_def, order, ends, [argument.type for argument in (*inputs, *outputs)])
        return known[name]

    def body(nodes: Any, order: dict[str, str], ends: Iterable[str], types: list[int]) -> bytes:
        for i, node in enumerate(nodes):
            order.setdefault(node.name, f"node {i}")
        sha256 = hashlib.sha256(repr(types).encode())
        for node in nodes:
            sha256.update(f"\n{node.op} {node.device} {_places(node.input, order)}".encode())
            for name in sorted(set(node.attr) - NAMES_ONLY):
                sha256.update(name.encode() + _value(node.attr[name], called))
        sha256.update(repr(_places(ends, order)).encode())
        return sha256.digest()

    order = {tensor.op.name: f"input {i}" for i, tensor in enumerate(graph.inputs)}
    types = [tensor.dtype.as_datatype_enum for tensor in (*graph.inputs, *graph.outputs)]
    return body(definition.node, order, [tensor.name for tensor in graph.outputs], types).hex()


def _places(names: Iterable[str], order: dict[str, str]) -> list[str]:
    """Return inputs ("node:1", "^node") with the nodes' places instead of their names.

    Data keep their order. Control inputs, marked by ^, have none: sorting them by name would depend on the names.
    """
    data: list[str] = []
    control: list[str] = []
    for name in names:
        node, colon, output = name.removeprefix("^").partition(":")
        (control if name.startswith("^") else data).append(f"{order[node]}{colon}{output}")
    return [*data, "^", *sorted(control)]


def _value(value: Any, called: Callable[[str], bytes]) -> bytes:
    """Return an attribute's value as bytes; a function stands for what is in it."""
    kind = value.WhichOneof("value")
    if kind == "func":
        attributes = (_value(value.func.attr[name], called) for name in sorted(value.func.attr))
        return called(value.func.name) + b"".join(attributes)
    if kind == "list" and value.list.func:
        return b"".join(called(function.name) for function in value.list.func)
    return bytes(value.SerializeToString(deterministic=True))
