"""training.fit under tf.distribute: several replicas do what one does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_models import MODELS, data_for

from aetutorial import training

HERE = Path(__file__).resolve().parent


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def train(folder: Path, kind: str, *trainings: str):
    """Train in one process or, with kind "workers", in two on loopback; return each one's last (weights, history)."""
    folder.mkdir(exist_ok=True)
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    running = []
    count = 2 if kind == "workers" else 1
    for index in range(count):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        variables = {"PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}", "TF_CPP_MIN_LOG_LEVEL": "3"}
        if kind == "workers":
            variables["TF_CONFIG"] = json.dumps(cluster)
        command = [sys.executable, str(HERE / "strategy_worker.py"), str(folder), kind, *trainings]
        with (folder / f"worker{index}.log").open("w") as log:
            running.append(subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log))
    try:
        for index, process in enumerate(running):
            code = process.wait(timeout=120)
            assert code == 0, (folder / f"worker{index}.log").read_text()[-3000:]
    finally:
        for process in running:
            process.kill()
    results = []
    for index in range(count):
        with np.load(folder / f"worker{index}.npz") as file:
            weights = [file[name] for name in file.files if name != "history"]
            results.append((weights, json.loads(str(file["history"]))))
    return results


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def workers(folder):
    """Two workers that also begin another training, whose checkpoints are in folder/"saved"."""
    return train(folder / "first", "workers", f"2:{folder / 'saved'}", "3")


@pytest.fixture(scope="module")
def alone():
    import keras

    keras.utils.set_random_seed(3)
    model = MODELS["dense"](keras.optimizers.SGD(0.1, momentum=0.9))
    x = data_for("dense", 52)
    history = training.fit(model, x, epochs=3, batch_size=16, seed=5, validation_data=x[:8], progress=False)
    return model.get_weights(), history.history


def assert_close(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert one[1].keys() == other[1].keys()
    for name, values in other[1].items():
        np.testing.assert_allclose(one[1][name], values, rtol=1e-5)


def assert_same(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[1] == other[1]


@pytest.mark.slow
def test_two_worker_processes_hold_the_same_weights(workers):
    first, second = workers
    assert_same(first, second)


@pytest.mark.slow
def test_two_worker_processes_do_what_one_does(workers, alone):
    assert_close(workers[0], alone)


@pytest.mark.slow
def test_two_devices_do_what_one_does(tmp_path, alone):
    (devices,) = train(tmp_path, "devices", "3")
    assert_close(devices, alone)


@pytest.mark.slow
def test_interrupted_workers_go_on_with_the_same_bits(folder, workers):
    first, second = train(folder / "second", "workers", f"3:{folder / 'saved'}")
    assert_same(first, second)
    assert_same(first, workers[0])


def test_one_replica_agrees_with_no_strategy(alone):
    import keras
    import tensorflow as tf

    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = MODELS["dense"](keras.optimizers.SGD(0.1, momentum=0.9))
    x = data_for("dense", 52)
    history = training.fit(
        model, x, epochs=3, batch_size=16, seed=5, validation_data=x[:8], strategy=strategy, progress=False
    )
    assert_close((model.get_weights(), history.history), alone)


def test_a_model_made_outside_the_scope_is_refused():
    import tensorflow as tf

    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with pytest.raises(ValueError, match=r"`model` must be made under `strategy.scope\(\)`"):
        training.fit(MODELS["dense"]("sgd"), data_for("dense"), epochs=1, strategy=strategy)


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("dense", 51, r"`batch_size` must be such that every batch .* 2 replicas.*one has 3 rows"),
        ("deterministic latent", 52, "`strategy` must be a strategy of one replica for a model with its own comp"),
    ],
)
def test_what_replicas_cannot_share_is_refused(monkeypatch, name, rows, said):
    import tensorflow as tf

    # Two replicas take a second device, which a process that runs already can't make: only their number counts here.
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        model = MODELS[name]("sgd")
    monkeypatch.setattr(type(strategy), "num_replicas_in_sync", 2)
    with pytest.raises(ValueError, match=said):
        training.fit(model, data_for(name, rows), epochs=1, batch_size=16, strategy=strategy)
