"""Training on data larger than memory should hold, in a process of its own. After an epoch over each number of rows, it
prints the peak of its memory in MB: all of it, and the part that the system could not simply drop (pages mapped from a
file it can).

    python stream_worker.py memmap FILE ROWS [ROWS ...]
    python stream_worker.py dataset FILE ROWS [ROWS ...]

Takes the first ROWS rows of FILE, a NumPy array of shape (n, 256), float32.
"""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path

BATCH = 1000


def main(kind: str, path: str, *numbers: str) -> None:
    own = [0.0]
    ended = threading.Event()
    watch = threading.Thread(target=sample, args=(own, ended), daemon=True)
    watch.start()
    for rows in numbers:
        train(kind, path, int(rows))
        print(peak(), max(own))
    ended.set()
    watch.join()


def train(kind: str, path: str, rows: int) -> None:
    import keras
    import numpy as np
    import tensorflow as tf

    from aetutorial import training

    model = keras.Sequential([keras.Input((256,)), keras.layers.Dense(2), keras.layers.Dense(256)])
    model.compile("sgd", loss="mse")
    x = np.load(path, mmap_mode="r")[:rows]
    begin = x.offset
    if kind == "dataset":

        def batches():
            with open(path, "rb") as file:
                file.seek(begin)
                for _ in range(rows // BATCH):
                    yield np.fromfile(file, "float32", BATCH * 256).reshape(BATCH, 256)

        x = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec((None, 256), tf.float32))
    history = training.fit(model, x, epochs=1, batch_size=BATCH, progress=False)
    assert np.isfinite(history.history["loss"]).all()


def status(name: str) -> float | None:
    """Return a size in MB from what Linux says of this process; None elsewhere."""
    said = Path("/proc/self/status")
    found = [line for line in said.read_text().splitlines() if line.startswith(name)] if (said.exists()) else []
    return int(found[0].split()[1]) / 2**10 if found else None


def sample(own: list[float], ended: threading.Event) -> None:
    """Take note of the memory of its own every few milliseconds."""
    while not ended.wait(0.005):
        own.append(status("RssAnon") or 0.0)


def peak() -> float:
    """Return the largest memory so far, without that of the process that started this one."""
    largest = status("VmHWM")
    if largest is not None:  # ru_maxrss also counts what the parent held when it forked
        return largest
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main(*sys.argv[1:])
