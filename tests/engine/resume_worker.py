"""A training that can be killed: run as a program by tests/engine/test_resume.py, and imported by it.

    python resume_worker.py run RESULT [FOLDER]          train once, without being killed
    python resume_worker.py kills COUNT SEED FOLDER      be killed COUNT times; prints what came of it as JSON

What is killed validates nothing: to trace a second program would take most of its time. Runs that are stopped in
other ways (test_resume.py) have validation data.

TensorFlow takes seconds to import and is imported once: each training is a fork of a process that has imported
it and run nothing with it, so that no thread of TensorFlow's is there yet.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

EPOCHS = 60
SPREAD = 0.3  # of the length of a run: the longest delay of a kill, so that a run is killed several times
AT_ANY_TIME = 0.2  # of the kills come at any moment since the process began, the others after its first epoch


def build():
    import keras

    keras.utils.set_random_seed(11)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(8),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    return model


def data():
    rng = np.random.default_rng(4)
    return rng.normal(size=(70, 8)).astype("float32"), rng.normal(size=(20, 8)).astype("float32")


def train(result, folder=None, *, epochs=EPOCHS, jit=False, validated=False, heard=lambda: None):
    """Train, and write all bits of the outcome to `result`."""
    import keras

    from aetutorial import training

    model = build()
    x, held_out = data()
    hooks = keras.callbacks
    listed = [
        hooks.LambdaCallback(on_epoch_end=lambda epoch, logs: heard()),
        hooks.EarlyStopping("loss", patience=1000, restore_best_weights=True),
        hooks.ReduceLROnPlateau("loss", patience=3, factor=0.7),
    ]
    history = training.fit(
        model, x, epochs=epochs, batch_size=16, validation_data=held_out if validated else None, callbacks=listed,
        seed=3, checkpoint=folder, jit=jit, progress=False,
    )  # fmt: skip
    variables = [*model.variables, *model.optimizer.variables]
    arrays = {f"v{i}": np.asarray(variable) for i, variable in enumerate(variables)}
    logs = {f"h_{name}": np.array(values) for name, values in history.history.items()}
    with open(result, "wb") as file:
        np.savez(file, epochs=np.array(history.epoch), **arrays, **logs)


def child(result, folder):
    """Start a training in a process of its own; return its id and a pipe it writes to after each epoch."""
    reading, writing = os.pipe()
    number = os.fork()
    if number:
        os.close(writing)
        return number, reading
    status = 1
    try:
        os.close(reading)
        train(result, folder, heard=lambda: os.write(writing, b"."))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def ended(number, seconds):
    """Wait for a child at most so long; return its status, or None if it still runs."""
    until = time.perf_counter() + seconds
    while True:
        found, status = os.waitpid(number, os.WNOHANG)
        if found:
            return status
        if time.perf_counter() >= until:
            return None
        time.sleep(0.0005)


def lengths(root):
    """Return (seconds to the end of the first epoch, seconds from there) of a whole run, and its result."""
    result = root / "whole.npz"
    began = time.perf_counter()
    number, reading = child(result, root / "whole")
    os.read(reading, 1)
    begun = time.perf_counter()
    if os.waitpid(number, 0)[1]:
        raise SystemExit("the run without interruption failed")
    os.close(reading)
    return begun - began, time.perf_counter() - begun, result.read_bytes()


def killed(count, seed, root):
    import keras  # noqa: F401
    import tensorflow as tf  # noqa: F401

    from aetutorial import training  # noqa: F401

    rng = np.random.default_rng(seed)
    before, during, expected = lengths(root)
    found = {"kills": 0, "runs": 0, "epochs": [], "half_written": 0, "failed": 0, "different": 0}
    while found["kills"] < count:
        folder, result = root / f"run{found['runs']}", root / f"run{found['runs']}.npz"
        while True:
            number, reading = child(result, folder)
            if found["kills"] == count:
                status = os.waitpid(number, 0)[1]
            else:
                if rng.random() < AT_ANY_TIME:
                    delay = rng.uniform(0, before + SPREAD * during)
                else:
                    os.read(reading, 1)
                    delay = rng.uniform(0, SPREAD * during)
                status = ended(number, delay)
            os.close(reading)
            if status is not None:
                break
            os.kill(number, signal.SIGKILL)
            if os.waitpid(number, 0)[1] != signal.SIGKILL:
                continue  # it ended by itself in the meantime: once more, to see its result
            found["kills"] += 1
            found["half_written"] += bool(list(folder.glob("*.part")))
            done = [int(path.name[6:11]) for path in folder.glob("*.npz")]
            found["epochs"].append(max(done, default=0))
        found["runs"] += 1
        if status:
            found["failed"] += 1
        elif result.read_bytes() != expected:
            found["different"] += 1
        shutil.rmtree(folder, ignore_errors=True)
    return found


def main():
    if sys.argv[1] == "run":
        train(sys.argv[2], *sys.argv[3:], epochs=6, jit="auto", validated=True)
        return
    count, seed, root = int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    with tempfile.TemporaryDirectory(dir=root) as folder, contextlib.chdir(folder):
        print(json.dumps(killed(count, seed, Path(folder))))


if __name__ == "__main__":
    main()
