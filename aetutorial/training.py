"""`fit`: train a compiled Keras model, whole epochs at a time, and return Keras's History."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aetutorial import validation
from aetutorial.engine import program_cache
from aetutorial.engine.checkpoints import CheckpointError
from aetutorial.engine.order import epoch_order
from aetutorial.engine.progress import ProgressLine

if TYPE_CHECKING:
    from os import PathLike

    import keras
    import tensorflow as tf
    from numpy.typing import ArrayLike

    # An array, a tuple, list or dict of such, or a Dataset.
    Data: TypeAlias = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike] | tf.data.Dataset

__all__ = ["CheckpointError", "DivergenceError", "clear_programs", "epoch_order", "fit"]


class DivergenceError(ArithmeticError):
    """The loss or a weight became NaN or infinite; the model holds the weights from the start of that epoch.

    Attributes:
        epoch: Number of the epoch, from 1 as in the progress line.
        step: Number of the step in that epoch, from 1.
        last_loss: The last finite loss, a mean over the epoch up to then; NaN if there was none.
        history: `History.history` of the epochs before.
    """

    def __init__(self, text: str, epoch: int, step: int, last_loss: float, history: dict[str, list[float]]) -> None:
        super().__init__(text)
        self.epoch, self.step, self.last_loss, self.history = epoch, step, last_loss, history


def fit(
    model: keras.Model,
    x: Data,
    y: Data | None = None,
    *,
    epochs: int,
    batch_size: int = 128,
    validation_data: Data | tuple[Data, ...] | None = None,
    validation_split: float = 0.0,
    sample_weight: Data | None = None,
    class_weight: Mapping[int, float] | None = None,
    shuffle: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    seed: int = 0,
    progress: bool = True,
    checkpoint: str | PathLike[str] | None = None,
    jit: bool | str = "auto",
    strategy: tf.distribute.Strategy | None = None,
) -> keras.callbacks.History:
    """Train a compiled Keras model and return its History.

    The result is that of `model.fit` for the same batches. What differs is who runs the loop: Keras returns to
    Python after every step, `fit` compiles the loop over the batches together with the step (lesson 3). A model
    keeps what was compiled for it until it is compiled anew, or an attribute of the model, its layers, metrics, losses
    or optimizers is changed; as in Keras, a global variable or the inside of another object does not count.

    Args:
        model: A `keras.Model` on which `compile` was called.
        x: Inputs: an array of shape (n, ...), or a tuple, list or dict of such for a model of several inputs.
            Numbers, finite; floating-point ones are converted to Keras's `floatx`. A `numpy.memmap` is read
            block by block and never held as a whole. Or a `tf.data.Dataset` of batches x, (x, y) or
            (x, y, sample weights), which brings its own batch size and order.
        y: Targets, n rows, in the form of `x`. None means that the input is its own target, as for an
            autoencoder, where Keras compares outputs with targets: `compile` was given a loss or metrics, and the
            model has no step of its own. Otherwise the step gets `x` alone, as from `model.fit(x)`. None for a Dataset.
        epochs: Passes over the data, at least 1.
        batch_size: Examples per step, at least 1; the last batch of an epoch may be smaller.
        validation_data: Held-out inputs, (inputs, targets), (inputs, targets, weights), or a Dataset; None for none.
            With targets if the training data have targets of their own.
        validation_split: Instead, the part of the rows, the last ones, that is held out; in [0, 1). Not of a Dataset.
        sample_weight: How much each example counts in the loss: n numbers, or a nest of such, one for each target.
        class_weight: How much each class counts, from its number, where `y` holds class labels or one-hot rows.
        shuffle: Whether each epoch takes the rows in another order. A Dataset brings its own.
        callbacks: Keras callbacks. If one listens to batches, training returns to Python after each step; a warning
            says so.
        seed: Seed of the order of the examples, at least 0. In epoch number e the rows are taken in the order
            `epoch_order(seed, e, n)`. While `fit` runs, the global generators of Python, NumPy and Keras start from
            it, too; then they are put back. If the model draws from `tf.random`, that is seeded and left so.
        progress: Whether to print one line that is rewritten while training runs.
        checkpoint: A folder. After each epoch, all that is needed to go on is written there. A later call with
            the same arguments goes on from the last epoch and ends with the same bits; `epochs` may be larger, and
            callbacks may be others; a warning reports these, and a learning rate that the checkpoint replaces.
        jit: Whether XLA compiles the loop. "auto": that of the training, but not of the validation, if the training
            is long enough for compiling to pay, by a fixed rule: epochs * steps * (parameters + 100,000) of 6e8 or
            more. (A Dataset that does not know how many batches it has counts as long.) Not if the model contains
            convolutions, for which it is slower on a CPU (see benchmarks/), draws from `tf.random`, or something that
            XLA can't compile, or the Dataset's batches are of many lengths.
        strategy: The `tf.distribute.Strategy` under whose scope the model was made and compiled; None finds it. A
            batch is divided among the replicas; its size must be a multiple of their number.

    Returns:
        A `keras.callbacks.History`: `.history["loss"]` and, with validation data, `.history["val_loss"]`.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range, or holds NaN.
        DivergenceError: the loss or a weight became NaN or infinite, and no `keras.callbacks.TerminateOnNaN` ended
            the training.
        CheckpointError: the folder's checkpoint is of another model, data or configuration, or damaged.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> from aetutorial import training
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.Dense(4)])
        >>> model.compile("adam", loss="mse")
        >>> history = training.fit(model, np.eye(4), epochs=3, progress=False)
        >>> {name: len(values) for name, values in history.history.items()}
        {'loss': 3}
    """
    import tensorflow as tf  # takes seconds, as does what the modules below import

    from aetutorial.engine import arguments, keras_internals, sources
    from aetutorial.engine.epochs import NotFiniteError, Passes
    from aetutorial.engine.listener import Listener
    from aetutorial.engine.resume import Checkpointing

    epochs = validation.integer("epochs", epochs, low=1)
    seed = validation.integer("seed", seed, low=0, high=2**32 - 1)
    order_seed = seed if validation.choice("shuffle", shuffle, (True, False)) else None
    strategy = arguments.check_model(model, jit, strategy)
    callbacks = arguments.callback_list(callbacks)
    folder = arguments.folder_of(checkpoint)
    source, held_out = sources.from_arguments(
        model,
        x,
        y,
        validation_data,
        batch_size,
        sample_weight=sample_weight,
        class_weight=class_weight,
        validation_split=validation_split,
    )
    # Several epochs go into one call where nobody wants to hear of each of them.
    unheard = not (callbacks or held_out or folder)
    with keras_internals.seeded(seed), keras_internals.strategy_of(model).scope():
        both: dict[str, Any] = {"strategy": strategy, "draw_seed": seed}
        with arguments.naming("x", source):
            arguments.build(model, source)
            train = Passes(model, model.train_step, source, seed=order_seed, jit=jit, epochs=epochs, **both)
        test = None
        if held_out is not None:
            # Validation is a small part of the work: compiling it would take longer than it saves.
            test_jit = False if jit == "auto" else jit
            with arguments.naming("validation_data", held_out):
                test = Passes(model, model.test_step, held_out, name="validation loss", jit=test_jit, **both)
        if any(passes.program.draws_unseen() for passes in (train, test) if passes):
            tf.random.set_seed(seed)  # kernels that drew before start anew; so does all that TensorFlow has prepared
        checkpointing = Checkpointing(folder, model, train, test, callbacks, strategy)
        checkpointing.load(epochs)
        listener = Listener(callbacks, model, epochs, train.steps)
        listener.all.on_train_begin()
        epoch, logs = max(checkpointing.resume(), keras_internals.first_epoch(model)), {}
        with ProgressLine(epochs, epoch, shown=progress) as line:
            while epoch < epochs and not checkpointing.ended:
                listener.all.on_epoch_begin(epoch)
                try:
                    count = min(train.epochs_per_call(), epochs - epoch) if unheard else 1
                    for logs in train.run(epoch, count, line.show, listener.train_batches):
                        if test:
                            logs |= listener.test(test, epoch)
                        listener.all.on_epoch_end(epoch, logs)
                        epoch += 1
                        line.epoch(epoch, logs)
                except NotFiniteError as error:
                    raise _diverged(error, model, held_out if error.name == "validation loss" else source) from None
                checkpointing.save(epoch)
                if model.stop_training:
                    break
            model.optimizer.finalize_variable_values(model.trainable_weights)
            listener.all.on_train_end(logs)
    return model.history


def clear_programs() -> None:
    """Forget the programs that `fit` has compiled, and give memory back to the system.

    `fit` keeps a few for each of the models trained last, and shares them with models that lead to the same program;
    each takes up to 20 or 40 MB. Call this before work of another kind. Results stay the same; the next `fit` compiles
    again.
    """
    program_cache.clear()


def _diverged(error: Any, model: keras.Model, source: Any) -> DivergenceError:
    """Say where the loss was lost, and what the cause may be."""
    history = model.history.history
    last = error.last if np.isfinite(error.last) else history.get("loss", [np.nan])[-1]
    rate, largest = float(model.optimizer.learning_rate), source.largest()
    size = f"inputs that are not scaled (they reach {largest:.3g}); " if largest else ""
    when = "end" if error.name == "validation loss" else "start"
    what = "Weights are" if error.name == "weights" else f"The {error.name} is"
    found = f"The last finite loss was {last:.4g}. " if np.isfinite(last) else ""
    causes = (
        f"Likely causes: a learning rate that is too large (it is {rate:.3g}); {size}a loss "
        "that takes a logarithm or root of 0 or divides by 0 (add a small number, or use logits)."
    )
    if source.holds_nan():
        causes = "The cause: the data hold NaN or infinite values. Remove them, or fill them in."
    text = (
        f"{what} NaN or infinite in epoch {error.epoch + 1}, step {error.step}. {found}"
        f"The model holds the weights from the {when} of that epoch. {causes}"
    )
    return DivergenceError(text, error.epoch + 1, error.step, last, history)
