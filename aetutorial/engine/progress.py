"""The one line that `fit` rewrites while it trains."""

from __future__ import annotations

import sys
import time

WIDTH = 78  # characters, at most
EVERY = 0.2  # seconds between two looks of the line


class ProgressLine:
    """Print "epoch 3/20: loss 0.0123, val_loss 0.0125, 12 s left"; what stays has no time in it.

    Args:
        epochs: Epochs in all.
        first: Epochs that were done before, by a training that this one goes on with.
        shown: Whether anything is printed.
    """

    def __init__(self, epochs: int, first: int = 0, *, shown: bool = True) -> None:
        self.epochs, self.first, self.shown = epochs, first, shown
        self.done, self.losses, self.begun = float(first), "", False
        self.began = self.last = time.perf_counter()

    def epoch(self, done: int, logs: dict[str, float]) -> None:
        """Take note of the losses after `done` epochs."""
        losses = [f"{name} {logs[name]:.4g}" for name in ("loss", "val_loss") if name in logs]
        self.losses = ": " + ", ".join(losses) if losses else ""
        self.show(done)

    def show(self, done: float) -> None:
        """Show that `done` epochs are done, a number that need not be whole."""
        self.done, now = done, time.perf_counter()
        if not self.first < done < self.epochs or now - self.last < EVERY:
            return
        self.last = now
        left = (now - self.began) / (done - self.first) * (self.epochs - done)
        part = "" if done == int(done) else f" ({done % 1:.0%} of the next)"
        self._write(f"{part}, {left:.0f} s left")

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave the last losses standing; after an error, only if a line was begun."""
        if kind is None or self.begun:
            self._write("\n")

    def _write(self, end: str) -> None:
        if self.shown:
            # Blanks first: a shorter line would leave the end of a longer one in sight.
            line = f"epoch {int(self.done)}/{self.epochs}{self.losses}"
            sys.stdout.write("\r" + " " * WIDTH + "\r" + line + end)
            sys.stdout.flush()
        self.begun = True
