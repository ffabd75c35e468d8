"""The benchmark's models in JAX as an expert writes them: an epoch is one compiled `lax.scan`, Adam is written out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax, nn
from jax import numpy as jnp

from benchmarks.cases import EPSILON, LATENT, LEARNING_RATE, MIRROR, SEED, Case

ACTIVATIONS: dict[str | None, Callable[[Any], Any]] = {"relu": nn.relu, "sigmoid": nn.sigmoid, None: lambda h: h}
BETA_1, BETA_2 = 0.9, 0.999


def _weights(case: Case, key: Any) -> list[tuple[Any, Any]]:
    """Return kernel and bias of each layer, drawn as Keras draws them."""
    if case.kind == LATENT:
        shapes: list[tuple[int, ...]] = [
            (case.inputs, case.hidden),
            (case.hidden, 2 * case.code),
            (case.code, case.hidden),
            (case.hidden, case.inputs),
        ]
    elif case.kind == MIRROR:
        widths = [case.inputs, *(units for units, _ in case.layers)]
        shapes = list(itertools.pairwise(widths))
    else:
        dense = [(7 * 7 * 64, case.code), (case.code, 7 * 7 * 64)]
        shapes = [(3, 3, 1, 32), (3, 3, 32, 64), *dense, (3, 3, 64, 32), (3, 3, 32, 1)]
    draw = nn.initializers.glorot_uniform()
    keys = jax.random.split(key, len(shapes))
    return [(draw(one, shape), jnp.zeros(shape[-1])) for one, shape in zip(keys, shapes, strict=True)]


def _loss(case: Case, weights: Any, x: Any, key: Any) -> Any:
    """Return a batch's loss."""
    if case.kind == LATENT:
        first, second, third, fourth = weights
        h = nn.relu(x @ first[0] + first[1])
        mean, log_var = jnp.split(h @ second[0] + second[1], 2, axis=1)
        z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
        out = nn.relu(z @ third[0] + third[1]) @ fourth[0] + fourth[1]
        each = nn.softplus(out) - x * out if case.bernoulli else jnp.square(x - out)
        kl = 0.5 * jnp.sum(jnp.square(mean) + jnp.exp(log_var) - log_var - 1, axis=1)
        return jnp.mean(jnp.sum(each, axis=1) + kl)
    h = x
    if case.kind == MIRROR:
        for (kernel, bias), (_, activation) in zip(weights, case.layers, strict=True):
            h = ACTIVATIONS[activation](h @ kernel + bias)
        return jnp.mean(jnp.square(h - x))
    axes = ("NHWC", "HWIO", "NHWC")
    for kernel, bias in weights[:2]:
        out = lax.conv_general_dilated(h, kernel, (2, 2), "SAME", dimension_numbers=axes)
        h = nn.relu(out + bias)
    (into, into_bias), (back, back_bias) = weights[2:4]
    code = h.reshape(len(h), -1) @ into + into_bias
    h = nn.relu(code @ back + back_bias).reshape(-1, 7, 7, 64)
    for (kernel, bias), activation in zip(weights[4:], (nn.relu, nn.sigmoid), strict=True):
        out = lax.conv_transpose(h, kernel, (2, 2), "SAME", dimension_numbers=axes)
        h = activation(out + bias)
    return jnp.mean(jnp.square(h - x))


def _epoch(case: Case, state: Any, x: Any, order: Any, key: Any) -> tuple[Any, Any]:
    """Return the state after an epoch, and the epoch's mean loss."""
    rows, size = case.rows, case.batch_size
    full = rows // size

    def step(state: Any, chosen: Any) -> tuple[Any, Any]:
        weights, first, second, count = state
        count += 1
        here = jax.random.fold_in(key, count)
        loss, gradients = jax.value_and_grad(lambda w: _loss(case, w, x[chosen], here))(weights)
        tree = jax.tree.map
        first = tree(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradients)
        second = tree(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradients)
        rate = LEARNING_RATE * jnp.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
        weights = tree(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, first, second)
        return (weights, first, second, count), loss

    state, losses = lax.scan(step, state, order[: full * size].reshape(full, size))
    total = size * jnp.sum(losses)
    if rows % size:
        state, last = step(state, order[full * size :])
        total += (rows % size) * last
    return state, total / rows


def prepare(case: Case, x: Any) -> tuple[Callable[[], Callable[[int], float]], float]:
    """Return what makes a new model and its `fit(epochs)`, and by what its seconds are multiplied."""
    run = jax.jit(lambda *arguments: _epoch(case, *arguments), donate_argnums=0)
    rows, rng = jnp.asarray(x), np.random.default_rng(SEED)

    def new() -> Callable[[int], float]:
        weights = _weights(case, jax.random.key(SEED))
        zeros = [jax.tree.map(jnp.zeros_like, weights) for _ in range(2)]
        state = (weights, *zeros, jnp.zeros((), "int32"))
        keys = [jax.random.key(SEED)]

        def fit(epochs: int) -> float:
            nonlocal state
            loss: Any = 0.0
            for _ in range(epochs):
                order = rng.permutation(case.rows).astype("int32")
                state, loss = run(state, rows, order, keys[0])
            jax.block_until_ready(state)
            return float(loss)

        return fit

    return new, 1.0
