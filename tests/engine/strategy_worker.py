"""Trainings under a tf.distribute strategy in a process of their own: the tests start one or two.

    python strategy_worker.py FOLDER KIND EPOCHS[:CHECKPOINT] ...

KIND is "workers" (MultiWorkerMirroredStrategy, TF_CONFIG says which worker this is) or "devices" (MirroredStrategy
on two logical processors). Each EPOCHS is a training of a new model, with a folder for its checkpoints or without.
The last one's weights and history go to FOLDER/workerN.npz.
"""

from __future__ import annotations

import json
import sys


def strategy_of(kind: str):
    import tensorflow as tf

    if kind == "workers":  # before any operation runs: it starts the cluster's server
        return tf.distribute.MultiWorkerMirroredStrategy()
    (processor,) = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def main(folder: str, kind: str, *trainings: str) -> None:
    strategy = strategy_of(kind)
    for training in trainings:
        epochs, _, checkpoint = training.partition(":")
        train(folder, strategy, int(epochs), checkpoint or None)


def train(folder: str, strategy, epochs: int, checkpoint: str | None) -> None:
    import keras
    import numpy as np
    from engine_models import MODELS, data_for

    from aetutorial import training

    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = MODELS["dense"](keras.optimizers.SGD(0.1, momentum=0.9))
    x = data_for("dense", 52)
    history = training.fit(
        model,
        x,
        epochs=epochs,
        batch_size=16,
        seed=5,
        validation_data=x[:8],
        strategy=strategy,
        checkpoint=checkpoint,
        progress=False,
    ).history
    worker = strategy.cluster_resolver.task_id if strategy.cluster_resolver else 0
    np.savez(f"{folder}/worker{worker}.npz", *model.get_weights(), history=json.dumps(history))


if __name__ == "__main__":
    main(*sys.argv[1:])
