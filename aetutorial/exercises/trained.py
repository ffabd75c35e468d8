"""Exercises in which a learner trains a model to a score, or mends code that makes one.

Whether a model was trained on the held-out data can't be seen from outside. A check scores it on `x_test`, and its
prompt asks for training on `x_train`. No model of a learner is trained or changed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from aetutorial import metrics, validation
from aetutorial.exercises.expect import expect_model
from aetutorial.exercises.guard import NotAttempted, Wrong, call, unfilled
from aetutorial.exercises.wording import describe

if TYPE_CHECKING:
    import keras

PAIR = "give the pair `(encoder, decoder)`"


def expect_autoencoder(
    answer: object, *, input_shape: tuple[int, ...], latent_dim: int
) -> tuple[keras.Model, keras.Model]:
    """Return a learner's encoder and decoder, if both are built and their shapes fit together.

    Args:
        answer: The pair (encoder, decoder) of Keras models; or a dict with these two keys; or one Keras model that has
            them as attributes `encoder` and `decoder`, or that is made of two models, one after the other.
        input_shape: Shape of one example, without the batch axis.
        latent_dim: How many numbers a code has; the encoder's output has shape (latent_dim,).

    Returns:
        The two models, as they came. They need not be trained: that is for the score to show.

    Raises:
        Wrong: it is something else, a model is not built, a shape does not fit, or the order is swapped.
        NotAttempted: it, or one of the two, is None or `...`.
    """
    encoder, decoder = _pair(answer)
    code = (latent_dim,)
    if unfilled(encoder) or unfilled(decoder):
        raise NotAttempted
    as_asked = _passes(encoder, input_shape, code) and _passes(decoder, code, input_shape)
    if not as_asked and _passes(encoder, code, input_shape) and _passes(decoder, input_shape, code):
        raise Wrong("The two are swapped: give the encoder first, then the decoder.")
    for who, value, part in (("encoder", encoder, "first"), ("decoder", decoder, "second")):
        if input_shape != code and _passes(value, input_shape, input_shape):
            raise Wrong(f"The {part} model is a whole autoencoder, inputs in and inputs out: give its {who} alone.")
    checked = expect_model(encoder, input_shape, None, who="encoder")
    try:
        expect_model(encoder, input_shape, code, who="encoder")
    except Wrong as misfit:
        raise Wrong(f"{misfit} A code has {latent_dim} numbers, `latent_dim`.") from None
    return checked, expect_model(decoder, code, input_shape, who="decoder")


def _pair(answer: Any) -> tuple[object, object]:
    """Return what stands in the places of the encoder and the decoder."""
    if unfilled(answer):
        raise NotAttempted
    if type(answer) is dict:
        if set(answer) != {"encoder", "decoder"}:
            raise Wrong('A dict must have the keys "encoder" and "decoder" and no others.')
        return answer["encoder"], answer["decoder"]
    if type(answer) in (list, tuple):
        if len(answer) != 2:
            raise Wrong(f"That is {describe(answer)}; {PAIR}.")
        return answer[0], answer[1]

    import keras

    if not isinstance(answer, keras.Model):
        raise Wrong(f"That is {describe(answer)}; {PAIR} of Keras models.")
    attributes = [getattr(answer, name, None) for name in ("encoder", "decoder")]
    nested = [layer for layer in answer.layers if isinstance(layer, keras.Model)]
    for parts in (attributes, nested):
        if len(parts) == 2 and all(isinstance(part, keras.Model) for part in parts):
            return parts[0], parts[1]
    raise Wrong(f"That is one model, in which encoder and decoder can't be told apart: {PAIR}.")


def _passes(model: object, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> bool:
    try:
        expect_model(model, input_shape, output_shape)
    except Wrong:
        return False
    return True


def outputs(model: keras.Model, x: np.ndarray, *, batch_size: int = 500, seconds: float = 30.0) -> np.ndarray:
    """Return what a learner's model gives for `x` when it is used, not trained; the model is left as it was.

    Args:
        model: A Keras model with one output.
        x: Its input, shape (n, ...), n at least 1.
        batch_size: How many examples at a time.
        seconds: How long a batch may take.

    Returns:
        float32, shape (n, ...).

    Raises:
        Wrong: the model raised an exception or took too long.
    """
    before = [(variable, variable.numpy().copy()) for variable in model.variables]
    try:
        starts = range(0, len(x), batch_size)
        given = [call(model, x[i : i + batch_size], training=False, seconds=seconds) for i in starts]
        return np.concatenate([np.asarray(part).astype("float32") for part in given])
    finally:
        for variable, value in before:  # a layer may count its calls, or hold the state of a random generator
            if variable.numpy().tobytes() != value.tobytes():
                variable.assign(value)


def held_out_mse(encoder: keras.Model, decoder: keras.Model, x: ArrayLike, *, low: float = 0, high: float = 1) -> float:
    """Return the mean squared error of a learner's reconstructions, clipped to the range of the data.

    Args:
        encoder, decoder: As `expect_autoencoder` returns them.
        x: Held-out examples, shape (n, ...), values in [`low`, `high`].
        low, high: The range of the data: a reconstruction outside counts as one at its end.

    Returns:
        The mean over examples and features, in squared units of `x`; at most (high - low)^2.

    Raises:
        Wrong: codes or reconstructions hold NaN or infinite numbers; the reconstructions have another shape than `x`.
        ValueError: `x` is empty, not finite, or out of range.
    """
    x = validation.array("x", x, low=low, high=high)
    z = _finite(outputs(encoder, x), "codes")
    x_hat = _finite(outputs(decoder, z), "reconstructions")
    if x_hat.shape != x.shape:
        raise Wrong(f"Of inputs of shape {x.shape}, the reconstructions have shape {x_hat.shape}; it must be the same.")
    return metrics.mse(x, np.clip(x_hat, low, high))


def _finite(values: np.ndarray, what: str) -> np.ndarray:
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise Wrong(
            f"Of the {values.size} numbers in the {what} of held-out data, {bad} are NaN or infinite: training has "
            "diverged. Build the model once more, and train it with a smaller learning rate."
        )
    return values


def shares_weights(part: keras.Model, whole: keras.Model) -> bool:
    """Say whether all weights of `part` are weights of `whole`: the same variables, not copies with the same values.

    Args:
        part: Such as an encoder.
        whole: Such as the autoencoder of which it should be a part.

    Returns:
        False, too, if `part` has no weights.
    """
    known = {id(weight) for weight in whole.weights}
    return bool(part.weights) and all(id(weight) in known for weight in part.weights)


def small_problem(shape: tuple[int, ...] = (8,), *, n: int = 64, dimensions: int = 2, seed: int = 0) -> np.ndarray:
    """Return data on which a model of a learner's function trains in a second.

    Args:
        shape: Shape of one example.
        n: How many examples.
        dimensions: The data lie in a plane of so many dimensions, so a linear code of that many numbers loses nothing.
        seed: Of the draw.

    Returns:
        float32, shape (n, *shape), values from 0 to 1.
    """
    rng = np.random.default_rng(seed)
    flat = rng.standard_normal((n, dimensions)) @ rng.standard_normal((dimensions, int(np.prod(shape))))
    flat = 0.5 + 0.5 * flat / np.abs(flat).max()
    return flat.reshape(n, *shape).astype("float32")


def run_seeded(function: Callable[..., Any], *args: Any, seed: int = 0, seconds: float = 60.0) -> Any:
    """Call a learner's function as `call` does, with all random generators seeded: layers, draws, order in `fit`.

    Args:
        function: What the learner wrote.
        *args: Its arguments.
        seed: Where the global generators of Python, NumPy, Keras and TensorFlow start. Afterwards they are as they were
            before, but for TensorFlow's, which can't be put back.
        seconds: How long it may take.

    Raises:
        Wrong, NotAttempted: as `call` does.
    """
    import tensorflow as tf

    from aetutorial.engine import keras_internals

    tf.random.set_seed(seed)  # `fit` shuffles by it
    with keras_internals.seeded(seed):
        return call(function, *args, seconds=seconds)
