"""What a training tells its callbacks."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras.callbacks import Callback

from aetutorial.engine import keras_internals
from aetutorial.engine.epochs import Passes


class Batches:
    """Tells callbacks of each batch: a `BatchListener`.

    Args:
        begin, end: What to call with the number of a step, and with that and its logs.
        stopped: Returns whether a callback wants no more batches.
    """

    def __init__(
        self, begin: Callable[[int], None], end: Callable[[int, dict[str, float]], None], stopped: Callable[[], bool]
    ) -> None:
        self.begin, self._end, self._stopped = begin, end, stopped

    def end(self, step: int, logs: dict[str, float]) -> bool:
        """Tell of the logs after a step; return whether the epoch ends here."""
        self._end(step, logs)
        return self._stopped()


class Listener:
    """The callbacks of a training.

    Args:
        callbacks: Keras callbacks.
        model: The model, of which they hear, and which gets its `history`.
        epochs: Passes over the data.
        steps: Steps of an epoch, or None where they are not known.

    Attributes:
        all: All of them, as a `keras.callbacks.CallbackList`.
        train_batches: Whom to tell of each batch of training; None if nobody wants to know.
    """

    def __init__(self, callbacks: list[Callback], model: keras.Model, epochs: int, steps: int | None) -> None:
        self.all = keras.callbacks.CallbackList(
            callbacks, add_history=True, model=model, epochs=epochs, steps=steps, verbose=0
        )
        heard = [keras_internals.hears_batches(callback) for callback in callbacks]
        told = self.all
        train = Batches(told.on_train_batch_begin, told.on_train_batch_end, lambda: model.stop_training)
        test = Batches(told.on_test_batch_begin, told.on_test_batch_end, lambda: model.stop_evaluating)
        self.train_batches = train if any(train_too for train_too, _ in heard) else None
        self._test_batches = test if any(test_too for _, test_too in heard) else None
        model.stop_training = False
        self._model = model

    def test(self, passes: Passes, epoch: int) -> dict[str, float]:
        """Run the validation after an epoch; return the held-out loss and metrics, named as Keras names them."""
        self._model.stop_evaluating = False
        self.all.on_test_begin()
        (scores,) = passes.run(epoch, listener=self._test_batches)
        self.all.on_test_end(scores)
        return {f"val_{name}": value for name, value in scores.items()}
