# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Beyond one machine (optional)
#
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/optional/scale_out.ipynb)
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/optional/scale_out.ipynb)
#
# **Run time** about 130 s on two cores. **Study time** about 35 minutes. It goes on from [lesson 11](../11_outlook.ipynb), and nothing later needs it.
#
# **You will be able to**
# - train one model in two processes that talk over a network, and check that they do what one does;
# - say what limits the gain, from bytes that you count and seconds that you measure;
# - train on data that are larger than the memory you are allowed;
# - survive the death of a worker;
# - read the settings of a real cluster and know what would be different there.
#
# **You need** [lesson 3](../03_keras_example.ipynb) (what is inside `fit`) and, from lesson 11, seconds to a target.
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson

lesson.begin(11)  # seeds, a quiet start of TensorFlow, the plot style

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import psutil  # comes with IPython
import tensorflow as tf
from keras import layers, ops

import aetutorial

# %% tags=["parameters"]
epochs = 4
memory_allowed = 300  # MB that a process may take for data, beyond what TensorFlow takes

# %% [markdown]
# A training can outgrow a machine in three ways: it takes too long, the data do not fit, or it runs for so long that something breaks before it ends. Each has its remedy: several workers, streaming, checkpoints. All three can be tried on one laptop. Two processes that know each other by address don't care whether the address is that of a machine in another hall or `127.0.0.1`, one's own. Only the speed differs, and that we must then think about.
#
# ## One step, divided (core)
#
# Take a batch of 100 pictures and two workers. The loss is a mean over the batch, so its gradient is the mean of the gradients over both halves:
#
# $$\nabla \frac1{100} \sum_{i=1}^{100} \ell_i = \frac12 \left( \nabla \frac1{50} \sum_{i=1}^{50} \ell_i + \nabla \frac1{50} \sum_{i=51}^{100} \ell_i \right).$$
#
# So each worker holds a copy of the model, computes the gradient for *its* half, and they exchange gradients and take the mean: an **all-reduce**. Then each makes the same update. So the copies, equal at the start, stay equal, and weights need not be sent again. This is **data-parallel, synchronous** training. First the equation, on our model:

# %%
x_train = data.load("mnist").x_train[:9000].reshape(-1, 784)


def network():
    keras.utils.set_random_seed(0)
    dense = layers.Dense
    inner = [dense(512, activation="relu"), dense(32), dense(512, activation="relu")]
    return keras.Sequential([keras.Input((784,)), *inner, dense(784)])


def gradient(model, x):
    """All gradients of the mean squared error, in one row."""
    with tf.GradientTape() as tape:
        loss = ops.mean(ops.square(x - model(x)))
    parts = tape.gradient(loss, model.trainable_variables)
    return np.concatenate([np.ravel(part) for part in parts])


model, batch = network(), x_train[:100]
whole = gradient(model, batch)
halves = [gradient(model, batch[:50]), gradient(model, batch[50:])]
print(f"gradient: {len(whole):,} numbers = {whole.nbytes / 1e6:.1f} MB")
gap = np.abs(whole - np.mean(halves, axis=0)).max() / np.abs(whole).max()
lesson.claim("largest difference, relative to the largest number", gap, below=1e-5, breaks="math")
different = np.abs(halves[0] - halves[1]).max() / np.abs(whole).max()
lesson.claim("the same between the two halves", different, above=0.05, breaks="math")

# %% [markdown]
# ## Two processes (core)
#
# Each worker is a program of its own. It learns from an environment variable, `TF_CONFIG`, who the others are and which of them it is itself. Here is the first half of the program; the second follows, and is written to a file with it. Three lines in both are about the cluster: the strategy is made before anything else of TensorFlow runs, because it starts the network server; the model is made in its `scope`, so that all begin with the same weights; and `training.fit` is told. In every step it gives each worker its part of the batch, and the strategy takes the mean of the gradients.

# %%
program = """
import contextlib, json, os, sys, time
import tensorflow as tf

job = json.loads(sys.argv[1])
for limit in ("intra", "inter"):
    getattr(tf.config.threading, f"set_{limit}_op_parallelism_threads")(job["threads"])
alone = "TF_CONFIG" not in os.environ
strategy = None if alone else tf.distribute.MultiWorkerMirroredStrategy()

import keras
import numpy as np
from aetutorial import data, lesson, training

lesson.begin(11)
x = data.load("mnist").x_train[:9000].reshape(-1, 784)

def network(units):
    dense = keras.layers.Dense
    inner = [dense(units, activation="relu"), dense(32), dense(units, activation="relu")]
    return keras.Sequential([keras.Input((784,)), *inner, dense(784)])
"""

# %% [markdown]
# The second half: a clock, the trainings that it is told to do, and their results. (A worker that is told so *dies* after an epoch, by `os._exit`. We need that later.)

# %%
program += """
class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        seconds.append(time.perf_counter() - self.began)
        if job["dies_after"] == epoch + 1 and job["index"] == 1:
            os._exit(1)

for number, run in enumerate(job["runs"]):
    keras.utils.set_random_seed(0)
    seconds, units, kind = [], run.pop("units"), run.pop("optimizer", "Adam")
    rows = run.pop("rows", len(x))
    rate = 0.002 if kind == "Adam" else 1.0
    with contextlib.nullcontext() if alone else strategy.scope():
        model = network(units)
        model.compile(getattr(keras.optimizers, kind)(rate), loss="mse")
    how = {"callbacks": [Clock()], "strategy": strategy, "jit": False, "progress": False}
    history = training.fit(model, x[:rows], **run, **how).history
    kept = {"seconds": seconds, "loss": history["loss"]}
    np.savez(f"{job['result']}-{number}.npz", *model.get_weights(), **kept)
"""
folder = Path(tempfile.mkdtemp())
_ = (folder / "worker.py").write_text(program)

# %% [markdown]
# And what starts the workers. On a cluster this is the job of a scheduler; here a few lines do.


# %%
here = str(Path(aetutorial.__file__).parents[1])  # where the workers find the package
usual = {"units": 512, "batch_size": 100, "epochs": epochs}


def free_address():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


def started(workers, runs, threads=1, dies_after=None):
    """Start worker processes; return them."""
    addresses, running = [free_address() for _ in range(workers)], []
    job = {"runs": runs, "threads": threads, "dies_after": dies_after}
    for i in range(workers):
        env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": here}
        if workers > 1:
            task = {"type": "worker", "index": i}
            env["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        job |= {"index": i, "result": str(folder / f"worker{i}")}
        command = [sys.executable, str(folder / "worker.py"), json.dumps(job)]
        with open(folder / f"worker{i}.log", "w") as log:
            running.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
    return running


# %%
def launch(workers, runs=(usual,), **settings):
    """Carry out runs, one after the other; return results[run][worker]."""
    running = started(workers, list(runs), **settings)
    try:
        for i, process in enumerate(running):
            if process.wait(timeout=200):
                raise RuntimeError((folder / f"worker{i}.log").read_text()[-2000:])
    finally:
        for process in running:  # one that waits for a dead one would wait for ever
            process.kill()
    results = []
    for number in range(len(runs)):
        results.append([])
        for i in range(workers):
            with np.load(folder / f"worker{i}-{number}.npz") as file:
                results[-1].append({name: file[name] for name in file.files})
    return results


def difference(a, b):
    """The root of the sum of squared differences of all weights."""
    names = [name for name in a if name.startswith("arr")]
    return np.sqrt(sum(np.sum((a[name] - b[name]) ** 2.0) for name in names))


# %% [markdown]
# Two runs: a single step of plain gradient descent (SGD) on all 9,000 pictures, and four epochs with Adam. *Predict before you run:* how far will the weights of the two workers be apart at the end? And those of two workers from those of one?

# %%
runs = ({"units": 512, "batch_size": 9000, "epochs": 1, "optimizer": "SGD"}, usual)
(one_step,), (one,) = launch(1, runs)

# %% [markdown]
# Now two workers, with the same two runs:

# %%
(two_step, other_step), (two, other) = launch(2, runs)
apart = max(difference(two_step, other_step), difference(two, other))
lesson.claim("between the two workers", apart, between=(0, 0), breaks="math")
start = {f"arr_{i}": w for i, w in enumerate(network().get_weights())}
for name, a, b, bound in (("one step", one_step, two_step, 1e-4), ("Adam", one, two, 0.2)):
    text = f"{name}: two workers and one, as a share of what training changed"
    lesson.claim(text, difference(a, b) / difference(a, start), below=bound, breaks="no-training")
gap = abs(two["loss"][-1] / one["loss"][-1] - 1)
lesson.claim("Adam: relative difference of losses", gap, below=0.002, breaks="math")
lesson.claim("Adam: loss of one worker", one["loss"][-1], below=0.02, breaks="no-training")

# %% [markdown]
# The two workers agree to the last bit: they start with the same weights and make the same update. Between two workers and one there is a difference in rounding, since the sum over the pictures is taken in two parts. After one step it is less than a ten-thousandth of what the step changed. After four epochs the weights have drifted apart by some percent. Each gradient is computed from weights that already differ a little, and where a unit is nearly at its kink, it may be on in one and off in the other. (Not only with Adam: with SGD we saw anything between a millionth and a tenth, the more the larger the learning rate.) The loss hardly notices. The same happens between two kinds of processors.
#
# ## What scales and what does not (core)
#
# Two workers halve the arithmetic of each. What they add is the exchange. In an all-reduce in a ring (Sergeev and Del Balso 2018) each of $n$ workers sends and receives about $2 (n-1)/n$ times the bytes of the gradient, once in every step, however small the batch:
#
# $$\text{seconds per step} = \underbrace{\frac{a \cdot \text{batch}}{n}}_{\text{arithmetic}} + \underbrace{\frac{2 (n - 1)}{n} \cdot \frac{\text{bytes}}{\text{bytes per second}} + \text{latency}}_{\text{exchange}}.$$
#
# So it pays to have much arithmetic per byte: large batches, or layers that use each weight many times (a convolution uses it at every place). (Latency is the time until the first byte arrives.) We measure with one thread for each worker. Two workers then stand, roughly, for two machines with one core each: they still share the memory of this one, and the network's own work. And one row is for the truth about this laptop: *one* worker with both cores. (None of them uses XLA, with which `training.fit` does not combine a strategy.)


# %%
settings = [(128, 100), (128, 1000), (1024, 100), (1024, 1000), (1024, 3000)]


def per_step(workers, threads):
    """Milliseconds a step in each setting: the median epoch, the first one left out."""
    plan = {100: (3000, 3), 1000: (9000, 3), 3000: (9000, 4)}  # pictures, epochs
    names = ("units", "batch_size", "rows", "epochs")
    runs = [dict(zip(names, (w, n, *plan[n]), strict=True)) for w, n in settings]
    results = launch(workers, runs, threads=threads)
    epoch = [np.median(result[0]["seconds"][1:]) for result in results]
    return [1000 * t * r["batch_size"] / r["rows"] for t, r in zip(epoch, runs, strict=True)]


steps = {"1 worker, 1 thread": per_step(1, 1)}

# %%
steps["1 worker, 2 threads"] = per_step(1, 2)

# %% [markdown]
# And two workers:

# %% tags=["nbval-ignore-output"]
steps["2 workers, 1 thread each"] = per_step(2, 1)
speedup = np.divide(steps["1 worker, 1 thread"], steps["2 workers, 1 thread each"])
print(f"{'milliseconds a step':30s}{'128 units':>20s}{'1,024 units':>30s}")
print(f"{'batch':30s}" + "".join(f"{size:10,d}" for _, size in settings))
for way, values in steps.items():
    print(f"{way:30s}" + "".join(f"{v:10.1f}" for v in values))
print(f"{'two workers: times as fast':30s}" + "".join(f"{v:10.2f}" for v in speedup))

# %% [markdown]
# How much arithmetic there is for each byte that is exchanged:

# %%
for width, size in settings:
    count = 2 * 784 * width + 2 * width * 32 + 2 * width + 32 + 784  # weights
    work = 6 * count * size  # a product and a sum, forwards once and backwards twice
    print(f"{width:5,d} units, batch {size:5,d}: {4e-6 * count:4.1f} MB to exchange,", end=" ")
    print(f"{work / 1e9:6.2f} billion operations a step, {work / (4 * count):5,.0f} for each byte")

# %% [markdown]
# (Milliseconds scatter, from machine to machine and from run to run; watch the pattern. The numbers below are what several runs on two cores gave.)
#
# - **The exchange** is what two workers with one thread each take longer than one worker with two threads, for both put two cores to the arithmetic. With 1,024 units and batches of 100 or 1,000 that is 15 to 70 ms for 6.7 MB; with 128 units 3 to 8 ms for 0.8 MB. So some 2 to 10 ms for each MB. (With 3,000 it is a small difference of two long times, and says little: it came out between 0 and 60 ms.)
# - **With a batch of 100** the arithmetic is small against that, and two workers take about two to four times as long as one. Width does not help: there are 150 operations for each byte, whether the layers are narrow or wide.
# - **With 3,000** the arithmetic is larger than the exchange, and two workers gain: 1.2 to 1.6 times. The formula says so, too: half of the 215 to 310 ms of one worker, and the exchange of the smaller batches (15 to 60 ms), make 125 to 215, and that is the range in which we have seen it.
# - **One worker with both cores** is ahead of two workers, or level where the arithmetic is largest. Inside one machine nothing has to be sent. (And a step that is small enough isn't worth dividing among threads either: see the first column.)
#
# ### The price of a large batch
#
# To keep workers busy, one gives each of them a whole batch. With $n$ workers the batch is then $n$ times as large, and an epoch has fewer steps. Lesson 11 measured what that does: how many *epochs* until the held-out squared error is 11 a picture, with the best of three learning rates (`place`) for each batch size.

# %%
reached = lesson.stored("11_target")
for size in (20, 100, 500):
    choices = [{"method": "Adam", "batch_size": size, "place": place} for place in range(3)]
    best = min(choices, key=lambda c: reached.mean("val", **c))
    taken = reached.mean("test", **best)
    print(f"batch {size:3d}: {taken:4.1f} epochs = {taken * 9000 / size:5.0f} steps")

# %% [markdown]
# Five workers with a batch of 100 each need three times the epochs of one worker: even with free exchange they would reach the target only 5 / 3 = 1.7 times as fast. And if time were proportional to pictures, only 5 · 4.7 / 21 = 1.1 times as fast as one worker with batches of 20. Larger models and larger data sets bear larger batches before this sets in (Goyal and others 2017 went to 8,192 pictures, with a learning rate proportional to the batch and a warm-up, a rate that starts small and rises; Shallue and others 2019 measured where it ends).
#
# ## Data larger than the memory allowed (core)
#
# Now the second limit. We write a file of pictures that would take a gigabyte in memory, and put up a **guard**: it watches a process from outside and ends it as soon as it has taken more memory than allowed. Batch systems of clusters do the same. Three ways to read the file:
#
# - **load it**: `np.load`, an array;
# - **map it**: `np.load(..., mmap_mode="r")`, a `memmap`. The file is the array, and what is read comes from the disk. `training.fit` takes some thousand row numbers at a time from the random order, copies these rows into a block, and lets go of it when it is used;
# - **stream it**: a `tf.data.Dataset`. It never sees more than the next batches, so it can't shuffle all of the data. And it can be divided: with `shard(n, i)` worker $i$ of $n$ takes every $n$-th file or row. (If a strategy distributes a data set, it does that by itself: `AutoShardPolicy`. Do it once, not twice.)

# %%
rows = 330_000  # of 784 numbers of 32 bits: 1 GB
with open(folder / "big.npy", "wb") as file:
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, 784)}
    np.lib.format.write_array_header_1_0(file, header)
    for start in range(0, rows, 9000):  # the training pictures, shifted by up to two pixels
        shifted = np.roll(x_train, start // 9000 % 5 - 2, axis=1)
        shifted[: rows - start].astype("float32").tofile(file)
print(f"file: {(folder / 'big.npy').stat().st_size / 1e6:,.0f} MB")

reader = """
import json, sys
import keras, numpy as np, tensorflow as tf
from aetutorial import lesson, training

lesson.begin(11)
path, way = sys.argv[1:]
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(784)])
model.compile(keras.optimizers.Adam(0.002), loss="mse")
training.fit(model, np.zeros((2000, 784), "float32"), epochs=1, batch_size=1000, progress=False)
print("ready to read", flush=True)  # from here on the guard counts
rows = np.load(path, mmap_mode=None if way == "load" else "r")

def batches():
    for start in range(0, len(rows), 1000):
        yield np.array(rows[start : start + 1000])

if way == "stream":
    rows_of = tf.TensorSpec((None, 784), tf.float32)
    x = tf.data.Dataset.from_generator(batches, output_signature=rows_of)
else:
    x = rows
loss = training.fit(model, x, epochs=1, batch_size=1000, progress=False).history["loss"]
print(json.dumps(loss), flush=True)
"""
_ = (folder / "reader.py").write_text(reader)


# %% [markdown]
# The guard. Pages that are mapped from a file the system can drop at any time; what counts is the rest, the memory of the process's own.


# %%
def own_memory(process):
    """MB that can't simply be dropped."""
    info = process.memory_info()
    return (info.rss - getattr(info, "shared", 0)) / 1e6


# %%
def guarded(way):
    """Run the reader; return its loss (None if the guard ended it), MB for data, and seconds."""
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": here}
    command = [sys.executable, str(folder / "reader.py"), str(folder / "big.npy"), way]
    with open(folder / "reader.log", "w") as log:
        running = subprocess.Popen(command, env=env, stdout=log, stderr=log, text=True)
        while "ready to read" not in (said := (folder / "reader.log").read_text()):
            if running.poll() is not None:
                raise RuntimeError(said[-2000:])
            time.sleep(0.05)
        process, most = psutil.Process(running.pid), 0.0
        before, began = own_memory(process), time.perf_counter()
        while running.poll() is None and most <= memory_allowed:
            try:
                most = max(most, own_memory(process) - before)
            except psutil.Error:
                break  # it has just ended
            time.sleep(0.01)
        ended = most > memory_allowed
        if ended:
            running.kill()
        running.wait()
    seconds, said = time.perf_counter() - began, (folder / "reader.log").read_text()
    return (None if ended else json.loads(said.splitlines()[-1])[0]), most, seconds


# %% [markdown]
# Three readers, one guard. *Guess:* who comes through?

# %%
outcome = {"load": guarded("load"), "map": guarded("map")}

# %% [markdown]
# And the stream:

# %%
outcome["stream"] = guarded("stream")
for way, (loss, *_) in outcome.items():
    print(f"{way:7s}", "ended by the guard" if loss is None else "went through all the data")
lesson.claim("1 if loading was ended", float(outcome["load"][0] is None), above=0.5, breaks="math")
for way in ("map", "stream"):
    most, loss = f"memory for data, '{way}' (MB)", f"loss after one epoch, '{way}'"
    lesson.claim(most, outcome[way][1], between=(0, memory_allowed), breaks="math")
    lesson.claim(loss, outcome[way][0], below=0.05, breaks="no-training")

# %% [markdown]
# Loading was ended: a gigabyte is more than the 300 MB allowed. The other two went through all of it. What they took, and how long:

# %% tags=["nbval-ignore-output"]
for way, (_, most, seconds) in outcome.items():
    print(f"{way:7s} at most {most:5.0f} MB for data, {seconds:4.1f} s")

# %% [markdown]
# Both hold a block of some 16 MB at a time, with copies of it on the way into TensorFlow, whatever the size of the file. (Ours was just written, so the system may have read it from its own memory and not from the disk. A disk that is slower than the training sets the pace; then reading ahead helps, `prefetch` for a `Dataset`.)
#
# The map reads rows in a new random order in each epoch. The stream reads them as they lie in the file, so the file should have been shuffled when it was written.
#
# ## When a worker dies (core)
#
# If a machine fails once in three years, one of a thousand fails every day. Synchronous training stands still when one worker is gone, for the others wait for its gradients. The remedy is a **checkpoint**: all that is needed to go on, written after each epoch, by one of the workers (the *chief*, worker 0), to a folder that all can read. When it is started again, every worker begins at that record.
#
# We train two workers for four epochs, let worker 1 die after the second, wait five seconds (time for several epochs), start both again, and compare with a training that nobody disturbed.

# %%
recorded = [usual | {"checkpoint": str(folder / "saved")}]
running = started(2, recorded, dies_after=2)
running[1].wait(timeout=200)
time.sleep(5)
for process in running:
    process.kill()
    process.wait()
names = sorted(path.name.split(".")[0] for path in (folder / "saved").iterdir())
print("in the folder:", ", ".join(names))

# %%
((again, _),) = launch(2, recorded)
print("epochs that were still to do:", len(again["seconds"]))
gap = difference(again, two)
lesson.claim(
    "undisturbed and interrupted: difference of weights", gap, between=(0, 0), breaks="math"
)
lesson.claim("loss", again["loss"][-1], below=0.02, breaks="no-training")

# %% [markdown]
# There is no third record: worker 0 could not go on alone, for it waits for gradients that don't come. Some time later TensorFlow ends it with an error, or a scheduler does. That is why one dead machine stops a hundred.
#
# The second start found the record of two epochs, trained the other two, and ended with the same bits as the training that nobody disturbed. For that, the record has to hold more than weights: the optimizer's memory, the state of every random generator, and where the order of the rows stood. And it was written to the side and renamed, so that a death *while* it was written would have left the one before.

# %%
shutil.rmtree(folder)

# %% [markdown]
# ## On a real cluster (core)
#
# | | here | on a cluster |
# | --- | --- | --- |
# | who the workers are | we choose free ports and write `TF_CONFIG` | the scheduler does (a program that gives out machines, such as Slurm or Kubernetes), with the addresses of machines |
# | exchange | the address 127.0.0.1, inside one machine | a network: bytes per second and latency decide. Between graphics processors by NCCL, a library for it |
# | data | each worker holds all rows and computes its part of each batch | each worker reads its own files (`shard`), and the files are many and of equal size; a worker with less data would end early and let the others wait |
# | order of the rows | the same permutation in all workers, from the seed | shuffled files, and a buffer within each |
# | batch | divided | each worker has a full one; learning rate and its warm-up are tuned anew |
# | checkpoint | a local folder | a file system that all can reach; the chief writes, and old ones are kept until the new one is whole |
# | failures | one, staged | the rule. The scheduler starts all anew; a slow machine is as bad as a dead one, for all wait for it |
# | the model | fits one machine | if it does not: its layers, or its matrices, are divided among machines (model parallel) |
#
# What stays the same are the model and the three lines about the cluster. That was the point of writing them with a strategy.
#
# And before any of this: lesson 11 gained a factor of ten or more by compiling, and one of two by the batch size, without a second machine.
#
# ## Change one thing
#
# Begin with `lesson.begin(11, strict=False)`, edit one place and run all cells again.
#
# - In `usual`, set `batch_size` to 200 and `epochs` to 8: as many steps, each worker with a batch of 100. Print `two["loss"][-1]` before and after.
# - Call `per_step(3, 1)` for three workers on two cores, with batch sizes in `settings` and `many` that 3 divides. What does the third worker cost?
# - Set `memory_allowed` to 2,500. Which claim fails? And which of the three ways takes the fewest seconds now?
# - In the reader, append `.shuffle(50)` to `from_generator(...)`. It mixes whole blocks of 1,000 rows. How many MB are 50 of them, and who notices?
#
# ## What you now know
#
# - Data-parallel training computes the gradient of one batch in parts and takes their mean. Two workers do what one does, up to rounding, and agree with each other to the last bit.
# - The exchange costs bytes per step, whatever the batch; the arithmetic grows with the batch. So large batches scale, and large batches need more epochs. The gain is the one divided by the other.
# - Data need not fit into memory: map a file, or stream it. Who must shuffle all rows needs the map, or a shuffled file.
# - A checkpoint with everything in it makes a death cost an epoch, not a training.
# - First one machine, well used; then several.
#
# ## References
#
# - J. Dean and others (2012). Large scale distributed deep networks. *NeurIPS* (another way: workers that don't wait for each other).
# - P. Goyal and others (2017). Accurate, large minibatch SGD: training ImageNet in 1 hour. arXiv:1706.02677.
# - A. Sergeev, M. Del Balso (2018). Horovod: fast and easy distributed deep learning in TensorFlow. arXiv:1802.05799 (all-reduce in a ring).
# - C. J. Shallue and others (2019). Measuring the effects of data parallelism on neural network training. *Journal of Machine Learning Research* 20 (112). arXiv:1811.03600.
#
# Back to [lesson 11](../11_outlook.ipynb).
