"""`diagnose`: five mistakes of autoencoders that the model and the data can show, on a learner's own model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from aetutorial import validation

if TYPE_CHECKING:
    from keras import Model, callbacks

    History: TypeAlias = callbacks.History | dict[str, list[float]] | None

__all__ = ["Finding", "diagnose"]

ROWS = 2000  # a check looks at so many examples; more would not change its verdict
BATCH = 256


@dataclass(frozen=True)
class Finding:
    """A mistake that was found: its name, what was measured, and what to do about it."""

    name: str
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence} {self.advice}"


def diagnose(
    model: Model, x_train: ArrayLike, x_val: ArrayLike, history: History = None, *, encoder: Model | None = None
) -> list[Finding]:
    """Look for five mistakes in a trained autoencoder and its data.

    - bounded output: targets that the output can't reach, such as standardized data under a sigmoid or a ReLU;
    - copies anything: a code at least as wide as the input, through which even scrambled examples come unchanged;
    - dead code: most numbers of the code are the same for all examples;
    - memorized noise: a denoiser does much better on the noise it was trained with, which was drawn only once, than on
      the same noise dealt out anew;
    - shared rows: validation examples that were trained on.

    It does not see a KL term or a loss of the wrong scale, a standard deviation taken for a log variance, or losses
    compared across units: only the code or the report shows that such a model was told to do the wrong thing.

    Args:
        model: A trained Keras model from x, shape (n, ...), to x_hat of the same shape.
        x_train: What it was trained on: an array of shape (n, ...), finite, at least 2 rows; or a pair (inputs,
            targets) of such arrays, for a denoising autoencoder.
        x_val: Validation examples in the same form; of a pair, only the targets are used.
        history: A Keras History or its dict, whose last losses are quoted as evidence, or None.
        encoder: The part of the model from x to the code. None takes `model.encoder`, or the first layer that is a
            model itself.

    Returns:
        The findings, in the order above; an empty list if nothing was found.

    Raises:
        TypeError, ValueError: data of a wrong shape, not numbers or not finite; no encoder found; outputs of another
            shape than the targets.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> from aetutorial import diagnosis
        >>> x = np.random.default_rng(0).normal(size=(300, 6))
        >>> encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
        >>> model = keras.Sequential([keras.Input((6,)), encoder, keras.layers.Dense(6, "sigmoid")])
        >>> [finding.name for finding in diagnosis.diagnose(model, x[:200], x[200:])]
        ['bounded output']
    """
    inputs, targets = _pair("x_train", x_train)
    held_out = _pair("x_val", x_val)[1]
    shape = targets.shape[1:]
    if held_out.shape[1:] != shape:
        raise ValueError(validation.message("x_val", f"examples of shape {shape}, like those trained on", held_out))
    losses = _losses(history)
    sample = np.random.default_rng(0).permutation(len(inputs))[:ROWS]
    few_inputs, few_targets = inputs[sample], targets[sample]
    x_hat = _predict(model, few_inputs)
    if not np.isfinite(x_hat).all():
        share = f"{np.mean(~np.isfinite(x_hat)):.0%} of the outputs are NaN or infinite"
        raise ValueError(validation.message("model", "a model whose outputs are finite", share))
    if x_hat.shape != few_targets.shape:
        raise ValueError(validation.message("model", f"a model with outputs of shape {shape}", x_hat))
    code = _code(model, encoder, few_inputs)
    findings = (
        _bounded_output(model, x_hat, few_targets),
        _copies_anything(model, code, few_inputs, few_targets),
        _dead_code(code),
        _memorized_noise(model, x_hat, few_inputs, few_targets, losses),
        _shared_rows(targets, held_out),
    )
    return [finding for finding in findings if finding]


def _bounded_output(model: Model, x_hat: np.ndarray, x: np.ndarray) -> Finding | None:
    low, high = _reach(model, x_hat) or _seen_reach(x_hat)
    outside = np.mean((x < low - 1e-3) | (x > high + 1e-3))
    if outside < 0.01:
        return None
    where, there = (f"outside [{low:g}, {high:g}]", "inside") if np.isfinite(high) else (f"below {low:g}", "above")
    evidence = f"{outside:.0%} of the target values lie {where}, all outputs {there}."
    return Finding("bounded output", evidence, "Scale the data into that range, or use a linear output.")


def _reach(model: Model, x_hat: np.ndarray) -> tuple[float, float] | None:
    """Return between which values the last layer's activation lies; None if no layer shows that it made `x_hat`."""
    layer = model
    while getattr(layer, "layers", None):
        layer = layer.layers[-1]
    activation = getattr(layer, "activation", layer)
    if layer.weights and activation is layer:
        return None
    given = np.concatenate([[-1e6, -1e3], np.linspace(-10, 10, 401), [1e3, 1e6]]).astype("float32")
    try:
        values = np.asarray(activation(np.stack([given, -given], axis=1)))  # two columns, for softmax
    except Exception:  # a function of one's own that wants other shapes, or a layer that is no activation
        return None
    low, high = float(values.min()), float(values.max())
    if x_hat.min() < low - 1e-3 or x_hat.max() > high + 1e-3:  # some models name their layers in another order
        return None
    reach = low if low > -100 else -np.inf, high if high < 100 else np.inf
    passes = activation is layer and reach == (-np.inf, np.inf)  # as Flatten does: the bound lies before it
    return None if passes else reach


def _seen_reach(x_hat: np.ndarray) -> tuple[float, float]:
    """Return [0, 1] or [-1, 1] if the outputs look as if held back by these bounds, else no bounds."""
    low, high = 0.0 if x_hat.min() >= 0 else -1.0, 1.0
    inside = x_hat.min() >= low and x_hat.max() <= high
    edge = 0.02 * (high - low)  # an output that is held back presses against its bound
    pressed = np.mean((x_hat < low + edge) | (x_hat > high - edge))
    constant = x_hat.std(axis=0).max() < edge  # a dead code, not a bound
    return (-np.inf, np.inf) if not inside or pressed < 0.01 or constant else (low, high)


def _copies_anything(model: Model, code: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> Finding | None:
    if code.shape[1] < inputs[0].size:
        return None
    rng = np.random.default_rng(1)
    flat = inputs.reshape(len(inputs), -1)
    scrambled = rng.permuted(flat, axis=0).reshape(inputs.shape)  # each feature from another example
    spread = np.mean((scrambled - targets.mean(axis=0)) ** 2)
    share = 1 - np.mean((_predict(model, scrambled) - scrambled) ** 2) / spread
    if share < 0.9:
        return None
    evidence = (
        f"The code has {code.shape[1]} numbers for {inputs[0].size} of the input, and {share:.0%} of the variance "
        "of examples with scrambled features comes through."
    )
    return Finding("copies anything", evidence, "Make the code smaller or sparse, or train with noise.")


def _dead_code(code: np.ndarray) -> Finding | None:
    spread = code.std(axis=0)
    dead = np.mean(spread <= 1e-6 * max(1.0, float(np.abs(code).max())))
    if dead <= 0.5:
        return None
    evidence = f"{dead:.0%} of the {code.shape[1]} numbers of the code are the same for all examples."
    return Finding("dead code", evidence, "Use a linear code, a smaller learning rate or another start of the weights.")


def _memorized_noise(
    model: Model, x_hat: np.ndarray, inputs: np.ndarray, targets: np.ndarray, losses: str
) -> Finding | None:
    noise = inputs - targets
    if not noise.any():
        return None
    inside = (targets > targets.min()) & (targets < targets.max())  # elsewhere clipping may have left no noise
    if np.mean(noise[inside] == 0) > 0.05:
        return None  # it is a mask: what that hides depends on the example and can't be dealt out anew
    others = np.random.default_rng(2).permutation(len(inputs))
    dealt = np.clip(targets + noise[others], inputs.min(), inputs.max())
    axes = tuple(range(1, inputs.ndim))
    own = np.mean((x_hat - targets) ** 2, axis=axes)
    new = np.mean((_predict(model, dealt) - targets) ** 2, axis=axes)
    difference, ratio = new - own, new.mean() / max(own.mean(), 1e-12)
    if ratio < 1.2 or difference.mean() < 4 * difference.std() / len(difference) ** 0.5:
        return None
    evidence = f"With the same noise dealt out anew the squared error is {ratio:.1f} times as large.{losses}"
    return Finding("memorized noise", evidence, "Draw noise in the model, anew for every batch.")


def _shared_rows(x: np.ndarray, held_out: np.ndarray) -> Finding | None:
    known = {row.tobytes() for row in x}
    shared = np.mean([row.tobytes() in known for row in held_out.astype(x.dtype)])
    repeated = 1 - len(known) / len(x)  # in some data rows are equal by nature
    if shared <= max(0.01, 2 * repeated):
        return None
    evidence = f"{shared:.0%} of the validation examples are among the training examples."
    return Finding("shared rows", evidence, "Split first, then do everything else with the training part.")


def _pair(name: str, x: object) -> tuple[np.ndarray, np.ndarray]:
    parts = x if isinstance(x, tuple | list) else (x, x)
    if len(parts) != 2:
        raise ValueError(validation.message(name, "an array or a pair of arrays", f"{len(parts)}"))
    checked = (validation.array(name, part, ndim=(2, 3, 4, 5), min_rows=2) for part in parts)
    inputs, targets = (np.asarray(part, np.float32) for part in checked)
    if inputs.shape != targets.shape:
        raise ValueError(validation.message(name, f"a pair of arrays of one shape, {inputs.shape}", targets))
    return inputs, targets


def _losses(history: object) -> str:
    """Return a sentence that quotes the last losses; nothing without a history."""
    if history is None:
        return ""
    losses = getattr(history, "history", history)
    if not isinstance(losses, dict) or not losses.get("loss"):
        raise TypeError(validation.message("history", 'a Keras History or its dict, with a "loss"', history))
    held_out = losses.get("val_loss")
    quoted = f", held out {held_out[-1]:.3g}" if held_out else ""
    return f" Last training loss {losses['loss'][-1]:.3g}{quoted}."


def _predict(model: Model, x: np.ndarray, name: str = "model") -> np.ndarray:
    outputs = [model(x[i : i + BATCH], training=False) for i in range(0, len(x), BATCH)]
    if isinstance(outputs[0], dict):
        received = f"a dict of {', '.join(map(repr, outputs[0]))}; give a keras.Model from the input to one of them"
        raise ValueError(validation.message(name, "a model with one output", received))
    if isinstance(outputs[0], tuple | list):  # several heads: the first is the mean of the code
        outputs = [output[0] for output in outputs]
    return np.concatenate([np.asarray(output) for output in outputs])


def _code(model: Model, encoder: Model | None, x: np.ndarray) -> np.ndarray:
    import keras

    if encoder is None:
        inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
        encoder = getattr(model, "encoder", inner[0] if inner else None)
    if not isinstance(encoder, keras.Model):
        expected = "a Keras model from x to the code; this model doesn't show which part that is"
        raise ValueError(validation.message("encoder", expected, encoder))
    return _predict(encoder, x, "encoder").reshape(len(x), -1)
