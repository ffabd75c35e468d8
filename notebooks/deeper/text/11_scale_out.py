# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11, deeper · Beyond one machine: two workers, data larger than memory, a worker that dies
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/deeper/11_scale_out.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/deeper/11_scale_out.ipynb)
#
# **Reading** 35 min · **working through** 35 min · **runs in** 110 s<!-- times -->
#
# It goes on from [lesson 11](../11_outlook.ipynb), and nothing later needs it.
#
# **You will be able to**
# - train one model in two processes that talk over a network, and check that they do what one does;
# - say what limits the gain, from bytes that you count and seconds that you measure;
# - train on data that are larger than the memory you are allowed;
# - survive the death of a worker;
# - read the settings of a real cluster and know what would be different there.
#
# **You need** [lesson 3](../03_keras_example.ipynb) (what is inside `fit`) and, from lesson 11, seconds to a target. Two more processes run beside the notebook at times, and 1.4 GB of pictures lie in the folder for temporary files.
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson, plotting

lesson.begin("Deeper: beyond one machine")  # seeds, a quiet start of TensorFlow, the plot style

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
import matplotlib.pyplot as plt
import numpy as np
import psutil  # comes with IPython
import tensorflow as tf
from keras import layers, ops

import aetutorial

# %% tags=["parameters"]
epochs = 4
memory_allowed = 300  # MB that a process may take for data, beyond what TensorFlow takes

# %% [markdown]
# A training can outgrow a machine: it takes too long, the data do not fit, or it runs for so long that something breaks before it ends. Each of the three has its remedy: several workers, streaming, checkpoints. (The fourth case, a model that does not fit, stands in the table at the end.) All three can be tried on one laptop. Two processes that know each other by address don't care whether the address is that of another machine or `127.0.0.1`, which is always one's own. Only the speed differs, and that we must then think about.
#
# ## One step, divided (core)
#
# Take a batch of 100 pictures and two workers. Let $\ell_i$ be the loss of picture $i$, and $\nabla$ the gradient with respect to the weights. The loss is a mean over the batch, so its gradient is the mean of the gradients of two halves, if these are equal in size:
#
# $$\nabla \frac1{100} \sum_{i=1}^{100} \ell_i = \frac12 \left( \nabla \frac1{50} \sum_{i=1}^{50} \ell_i + \nabla \frac1{50} \sum_{i=51}^{100} \ell_i \right).$$
#
# So each worker holds a copy of the model and computes the gradient for *its* half. Then they exchange gradients, until each has the mean of all: an **all-reduce**. Then each makes the same update. So the copies, equal at the start, stay equal, and weights need not be sent again. This is **data-parallel, synchronous** training. First the equation, on our model:

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
lesson.claim(
    "largest difference, relative to the largest number", gap, below=1e-5, fails_under="math"
)
different = np.abs(halves[0] - halves[1]).max() / np.abs(whole).max()
lesson.claim("the same between the two halves", different, above=0.05, fails_under="math")

# %% [markdown]
# ### An all-reduce in a ring
#
# How do $n$ workers come to the sum of $n$ gradients? Each could send its own to all others. That would be $n - 1$ gradients for each to send. There is a way with less than two, however many workers there are (Patarasuk and Yuan 2009; in deep learning Sergeev and Del Balso 2018). The workers stand in a ring, and each cuts its gradient into $n$ chunks. In every step, each passes one chunk to its neighbor:
#
# - in the first $n - 1$ steps, the neighbor *adds* what arrives to its own chunk, and passes this sum on in the next step. At the end each worker holds one chunk that is complete;
# - in the other $n - 1$ steps the complete chunks go round, and replace what is there.
#
# *Guess* before you look: for four workers, how much of a gradient does each send in all?


# %%
def ring(parts):
    """All-reduce: each worker's array at the end, numbers that each has sent, and the way there."""
    n, sent = len(parts), 0
    held = [np.array_split(part.copy(), n) for part in parts]
    terms = [np.ones((n, n), int)]  # how many gradients are in chunk j of worker i
    for step in range(2 * (n - 1)):
        moving = [(i, (i - step) % n) for i in range(n)]
        values = [held[i][j].copy() for i, j in moving]
        before, now = terms[-1], terms[-1].copy()
        for (i, j), value in zip(moving, values, strict=True):
            to, adds = (i + 1) % n, step < n - 1
            held[to][j] = held[to][j] + value if adds else value
            now[to, j] = before[to, j] + before[i, j] if adds else before[i, j]
        terms.append(now)
        sent += len(values[0])
    return [np.concatenate(chunks) for chunks in held], sent, terms


quarters = [gradient(model, batch[25 * i : 25 * i + 25]) for i in range(4)]
sums, sent, _ = ring(quarters)
gap = np.abs(whole - sums[0] / 4).max() / np.abs(whole).max()
lesson.claim("four quarters in a ring: relative difference", gap, below=1e-5, fails_under="math")
unequal = sum(np.any(other != sums[0]) for other in sums[1:])
lesson.claim("workers with other bits than the first", unequal, between=(0, 0), fails_under="math")
print(f"each of four workers has sent {sent / len(whole):.2f} gradients")

# %% [markdown]
# One and a half gradients: $2 (n - 1)$ steps with the $n$-th part of a gradient each, $2 (n - 1) / n$ in all. And all workers hold the same bits, because each chunk is summed only once, in one order along the ring, and then copied. The picture shows it for three workers. The numbers say how many gradients have been added up in a chunk.

# %%
_, _, terms = ring([np.zeros(3)] * 3)
titles = ["start", "added once", "added twice", "passed once", "passed twice"]
fig, axes = plt.subplots(1, 5, figsize=(9, 2.3), sharey=True, layout="constrained")
for ax, table, title in zip(axes, terms, titles, strict=True):
    ax.imshow(table, cmap="Greens", vmin=0.4, vmax=5)
    for (i, j), count in np.ndenumerate(table):
        ax.text(j, i, count, ha="center", va="center", weight="bold" if count == 3 else "normal")
    ax.set(title=title, xticks=range(3), yticks=range(3), xlabel="chunk")
    ax.grid(False)
axes[0].set_ylabel("worker")
plotting.show(
    fig,
    "Five tables of three workers by three chunks. At the start every chunk holds one gradient. After two "
    "steps of adding, each worker has one chunk with the sum of all three, each a different one; after "
    "two steps of passing on, all chunks of all workers hold three.",
)

# %% [markdown]
# ## Two processes (core)
#
# Each worker is a program of its own. It learns from an environment variable, `TF_CONFIG`, who the others are and which of them it is itself. For worker 1 of two it may be:

# %%
cluster = {"worker": ["127.0.0.1:20001", "127.0.0.1:20002"]}  # address:port of worker 0 and 1
print(json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 1}}, indent=1))

# %% [markdown]
# Here is the first half of the worker's program. The second follows; then both are written to one file. Three things in both are about the cluster:
#
# - the **strategy** is made before anything else of TensorFlow runs, because it starts the network server;
# - the **model** is made in the strategy's `scope`, so that all begin with the same weights;
# - **`training.fit`** is told. In every step it gives each worker its part of the batch, and the gradients are exchanged. (Keras *adds* gradients up, and makes a mean of the sum by dividing each worker's loss by the number of workers. Who writes a step by hand has to do that.)
#
# `job` says what to do; it arrives as text when the program is started. The loop over `intra` and `inter` sets how many threads an operation may use, and how many operations may run at a time.

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

lesson.begin("Deeper: beyond one machine")
x = data.load("mnist").x_train[:9000].reshape(-1, 784)

def network(units):
    dense = keras.layers.Dense
    inner = [dense(units, activation="relu"), dense(32), dense(units, activation="relu")]
    return keras.Sequential([keras.Input((784,)), *inner, dense(784)])
"""

# %% [markdown]
# The second half: a clock, the trainings that it is told to do, and their results. (A worker that is told so *dies* after an epoch, by `os._exit`. We need that later. The large rate is for SGD: the mean over 784 pixels makes its gradients small.)

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
quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": here, "CUDA_VISIBLE_DEVICES": "-1"}  # no GPU
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
        env = os.environ | quiet
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
        for process in running:  # one may still wait for a dead one
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
lesson.claim("difference between the two workers", apart, between=(0, 0), fails_under="math")
start = {f"arr_{i}": w for i, w in enumerate(network().get_weights())}
for name, a, b, bound in (("one step", one_step, two_step, 1e-4), ("Adam", one, two, 0.2)):
    text = f"{name}: two workers and one, as a share of what training changed"
    lesson.claim(
        text, difference(a, b) / difference(a, start), below=bound, fails_under="no-training"
    )
gap = abs(two["loss"][-1] / one["loss"][-1] - 1)
lesson.claim("Adam: relative difference of losses", gap, below=0.002, fails_under="math")
lesson.claim("Adam: loss of one worker", one["loss"][-1], below=0.02, fails_under="no-training")

# %% [markdown]
# The two workers agree to the last bit: they start with the same weights, and an all-reduce gives both the same sum. Between two workers and one there is a difference in rounding, since the sum over the pictures is taken in two parts. After one step it is less than a ten-thousandth of what the step changed. After four epochs the weights have drifted apart by more than rounding, in our runs by some percent of what training changed; the claim allows a fifth. Each gradient is computed from weights that already differ a little, and training enlarges small differences. (Two guesses how: where a unit is nearly at its kink, it may be on in one and off in the other; and Adam divides by the root of a mean square that may be tiny.) The loss hardly notices.
#
# ## What scales and what does not (core)
#
# Two workers halve the arithmetic of each. What they add is the exchange: in a ring, $2 (n-1)/n$ times the bytes of the gradient, once in every step, however small the batch. If it begins when the arithmetic is done:
#
# $$\text{seconds per step} = \underbrace{c + \frac{a \cdot \text{batch}}{n}}_{\text{arithmetic}} + \underbrace{2 (n - 1) \left( \text{latency} + \frac{\text{bytes}}{n \cdot \text{bytes per second}} \right)}_{\text{exchange}}.$$
#
# Here $a$ is the time for one picture, and $c$ what each worker has to do in any case, such as the update of all weights. Latency is the time until the first byte of a message arrives. So it pays to have much arithmetic per byte: large batches, or layers that use each weight many times (a convolution uses it at every place).
#
# We measure with one thread for each worker. Two workers then stand, roughly, for two machines with one core each, though both use the memory of this one, and its processor for the network too. One row shows what this machine can do without a network: *one* worker with two threads. (None of them uses XLA, with which `training.fit` does not combine a strategy.)


# %%
settings = [(128, 100), (128, 1000), (1024, 100), (1024, 1000), (1024, 3000)]


def per_step(workers, threads):
    """Milliseconds a step in each setting: the median of three epochs, after a first one."""
    rows = [size * max(3, min(30, 9000 // size)) for _, size in settings]  # 3 to 30 steps an epoch
    names = ("units", "batch_size", "rows", "epochs")
    runs = [dict(zip(names, (*s, n, 4), strict=True)) for s, n in zip(settings, rows, strict=True)]
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
alone, both, two_workers = (np.array(values) for values in steps.values())
print(f"{'':38s}" + f"{'128 units':20s}{'1,024 units':30s}")
print(f"{'batch':30s}" + "".join(f"{size:10,d}" for _, size in settings))
rows_of_table = steps | {"exchange: third row - second": two_workers - both}
for way, values in rows_of_table.items():
    print(f"{way:30s}" + "".join(f"{v:10.1f}" for v in values) + "  ms a step")
for name, other_way in (("1 thread", alone), ("2 threads", both)):
    speedup = "".join(f"{v:10.2f}" for v in other_way / two_workers)
    print(f"{'2 workers against ' + name:30s}{speedup}  times as fast")

# %% [markdown]
# How much arithmetic there is for each byte that is exchanged, about:

# %%
for width, size in settings:
    count = 2 * 784 * width + 2 * width * 32 + 2 * width + 32 + 784  # weights
    work = 6 * count * size  # a product and a sum, forwards once, backwards twice
    print(f"{width:5,d} units, batch {size:5,d}: {4e-6 * count:4.1f} MB to exchange,", end=" ")
    print(f"{work / 1e9:6.2f} billion operations a step, {work / (4 * count):5,.0f} for each byte")

# %% [markdown]
# (Milliseconds scatter, from machine to machine and from run to run. Compare the pattern, which was the same in all our runs on an idle machine, and then the numbers of yours. In one run beside other work, two workers were slower than one thread even at batches of 3,000.)
#
# - **The exchange** is what two workers with one thread each take longer than one worker with two threads, for both put two cores to the arithmetic. It depends on the bytes, and little on the batch: for 6.7 MB it takes several times as long as for 0.8 MB, whether the batch is 100 or 1,000. In our runs it came to some 2 to 10 ms for each MB. (It is a difference of two times that scatter: of two short ones with 128 units, of two long ones with batches of 3,000. So these columns are the least certain.)
# - **With a batch of 100** the exchange is longer than the arithmetic, and two workers take two to five times as long as one. Wider layers don't help: there are 150 operations for each byte, whether they are narrow or wide.
# - **With 3,000** the arithmetic is larger than the exchange, and two workers are the faster way, compared with one thread. They don't halve the time. Part of what is missing is the exchange. The other part is that two cores which share one memory are not two machines: two threads didn't quite halve it either (second row against first).
# - **One worker with both cores** is ahead of two workers, and by least where the arithmetic is largest. Inside one machine nothing has to be sent.
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
# (The network is that of lesson 11, smaller than ours, and each best rate lies between two worse ones.) Five workers with a batch of 100 each need three times the epochs of one worker: even with free exchange they would reach the target only 5 / 3 = 1.7 times as fast. And if time were proportional to pictures, only 5 · 4.7 / 21 = 1.1 times as fast as one worker with batches of 20. How large a batch may be before this sets in varies greatly between models, data and optimizers (Shallue and others 2019 measured it). Goyal and others (2017) went to 8,192 pictures, with a learning rate proportional to the batch and a *warm-up*: the rate starts small and rises.
#
# ## Data larger than the memory allowed (core)
#
# Now the second limit. We write a file of pictures that would take a gigabyte in memory, one of a third of that, and a small one to warm up with. And we put up a **guard**: it watches a process from outside and ends it as soon as it has taken more memory than allowed. On clusters the operating system or the batch system does that. Three ways to read a file:
#
# - **load it**: `np.load`, an array;
# - **map it**: `np.load(..., mmap_mode="r")`, a `memmap`. The file is the array, and what is read comes from the disk. `training.fit` takes about five thousand row numbers at a time from the random order, copies these rows into a block, and lets go of it when it is used;
# - **stream it**: a `tf.data.Dataset`. It reads in order and holds no more than the next batches, so it shuffles only within a buffer. And it can be divided: with `shard(n, i)` worker $i$ of $n$ takes every $n$-th element. If the elements are names of files, each worker reads only its own. (Keras's `fit` with a strategy does that by itself: `AutoShardPolicy`. Do it once, not twice: whoever calls `shard` sets that to `OFF`. `training.fit` with a strategy expects the *same* data in every worker, and takes each one's share from every batch.)


# %%
def write_pictures(path, rows):
    """A file of training pictures, shifted by up to two pixels, 784 numbers of 32 bits a row."""
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, 784)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, rows, 9000):
            shifted = np.roll(x_train, start // 9000 % 5 - 2, axis=1)
            shifted[: rows - start].astype("float32").tofile(file)
    print(f"{path.name}: {path.stat().st_size / 1e6:,.0f} MB")


for name, rows in (("small", 10_000), ("third", 110_000), ("whole", 330_000)):
    write_pictures(folder / f"{name}.npy", rows)

# %% [markdown]
# The reader is again a program of its own. It first goes through the small file in the same way, so that TensorFlow has compiled what it needs. Then the guard begins to count.

# %%
reader = """
import json, sys
import keras, numpy as np, tensorflow as tf
from aetutorial import lesson, training

lesson.begin("Deeper: beyond one machine")
small, path, way = sys.argv[1:]
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(784)])
model.compile(keras.optimizers.Adam(0.002), loss="mse")

def opened(path):
    rows = np.load(path, mmap_mode=None if way == "load" else "r")
    def batches():
        for start in range(0, len(rows), 1000):
            yield np.array(rows[start : start + 1000])
    if way == "stream":
        rows_of = tf.TensorSpec((None, 784), tf.float32)
        return tf.data.Dataset.from_generator(batches, output_signature=rows_of)
    return rows

def loss_after(path):
    how = {"epochs": 1, "batch_size": 1000, "progress": False}
    return training.fit(model, opened(path), **how).history["loss"]

loss_after(small)
print("ready to read", flush=True)  # from here on the guard counts
print(json.dumps(loss_after(path)), flush=True)
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
def guarded(way, name="whole"):
    """Run the reader; return its loss (NaN if the guard ended it), MB for data, and seconds."""
    files = [str(folder / file) for file in ("reader.py", "small.npy", f"{name}.npy")]
    command, env = [sys.executable, *files, way], os.environ | quiet
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
    return (np.nan if ended else json.loads(said.splitlines()[-1])[0]), most, seconds


# %% [markdown]
# Three readers of the whole file, one guard. *Guess:* who comes through?

# %%
outcome = {"load": guarded("load"), "map": guarded("map")}

# %% [markdown]
# And the stream. And the third of the file, for those who don't load:

# %%
outcome["stream"] = guarded("stream")
third = {way: guarded(way, "third") for way in ("map", "stream")}
for way, (loss, *_) in outcome.items():
    print(f"{way:7s}", "ended by the guard" if np.isnan(loss) else "went through all the data")
loaded = outcome["load"][1]
lesson.claim("memory for data, 'load' (MB)", loaded, above=memory_allowed, fails_under="math")
for way in ("map", "stream"):
    most, loss = f"memory for data, '{way}' (MB)", f"loss after one epoch, '{way}'"
    lesson.claim(most, outcome[way][1], between=(0, memory_allowed), fails_under="math")
    lesson.claim(loss, outcome[way][0], below=0.05, fails_under="no-training")

# %% [markdown]
# Loading was ended: a gigabyte is more than the 300 MB allowed. The other two went through all of it. What they took, and how long:

# %% tags=["nbval-ignore-output"]
for name, found in (("whole", outcome), ("third", third)):
    for way, (_, most, seconds) in found.items():
        print(f"{name}  {way:7s} at most {most:5.0f} MB for data, {seconds:4.1f} s")

# %% [markdown]
# Neither cares how long the file is: whole and third differ by 690 MB, and what was taken for them by a few tens at most. The map needs room for a block of some 16 MB and for a copy of it on the way into TensorFlow. The stream needs a few times that, for blocks that are being made while others are used. (Our file was just written, so the system may have read it from its own memory and not from the disk. A disk that is slower than the training sets the pace; then reading ahead helps, `prefetch` for a `Dataset`.)
#
# The map reads rows in a new random order in each epoch. The stream reads them as they lie in the file, so the file should have been shuffled when it was written.
#
# ## When a worker dies (core)
#
# If a machine fails once in three years, then of a thousand about one fails every day. Synchronous training stands still when one worker is gone, for the others wait for its gradients. The remedy is a **checkpoint**: all that is needed to go on, written after each epoch, by one of the workers (the *chief*, worker 0), to a folder that all can read. (The others take part in saving: weights that are spread over workers must be collected. So *every* worker calls it, and one writes. Ours hold the same weights, so worker 0 can write its record although worker 1 is dead by then.) When the training is started again, every worker begins at that record.
#
# We train two workers for four epochs, let worker 1 die after the second, wait for as long as several epochs would take, start both again, and compare with a training that nobody disturbed.

# %%
recorded = [usual | {"checkpoint": str(folder / "saved")}]
running = started(2, recorded, dies_after=2)
running[1].wait(timeout=200)
time.sleep(2 + 3 * two["seconds"][-1])
print("worker 0:", "alive" if running[0].poll() is None else "ended")
for process in running:
    process.kill()
    process.wait()
names = sorted(path.name.split(".")[0] for path in (folder / "saved").iterdir())
print("in the folder:", ", ".join(names))

# %%
((again, _),) = launch(2, recorded)
print("epochs that were still to do:", len(again["seconds"]))
gap = difference(again, two)
text = "undisturbed and interrupted: difference of weights"
lesson.claim(text, gap, between=(0, 0), fails_under="math")
lesson.claim("loss", again["loss"][-1], below=0.02, fails_under="no-training")

# %% [markdown]
# There is no third record, though nothing happened to worker 0: it could not go on alone, for it waited for gradients that don't come. (Sooner or later TensorFlow notices that a worker is gone and ends the other with an error, or a scheduler does. In most of our runs worker 0 was still waiting when we looked; in one it had been ended.) That is why one dead machine stops a hundred.
#
# The second start found the record of two epochs, trained the other two, and ended with the same bits as the training that nobody disturbed. For that, the record has to hold more than weights: the optimizer's memory and the number of the epoch, from which the order of the rows follows; and for a model that draws at random in training, by dropout say, the state of its generator. And it was written to the side and renamed, so that a death *while* it was written would have left the one before.

# %%
shutil.rmtree(folder)

# %% [markdown]
# ## On a real cluster (core)
#
# | | here | on a cluster |
# | --- | --- | --- |
# | who the workers are | we choose free ports and write `TF_CONFIG` | the scheduler does (a program that gives out machines, such as Slurm or Kubernetes), with the addresses of machines |
# | exchange | the address 127.0.0.1, inside one machine | a network: bytes per second and latency decide. Between graphics processors by NCCL, a library for it |
# | data | each worker holds all rows and computes its part of each batch | each worker reads its own files (Keras's `fit` sees to it, or you do, by `shard`), and the files are many and of equal size; a worker with less data would end early and let the others wait |
# | order of the rows | the same permutation in all workers, from the seed | shuffled files, and a buffer within each |
# | batch | divided | each worker has a full one; learning rate and its warm-up are tuned anew |
# | checkpoint | a local folder | a file system that all can reach; all call for it, the chief writes, and old ones are kept until the new one is whole |
# | failures | one, staged | to be expected. The scheduler starts all anew. And one slow machine slows down all, for they wait for it |
# | the model | fits one machine | if it does not: its layers, or its matrices, are divided among machines (model parallel) |
#
# What stays the same are the model, the strategy and its scope. What changes in the program is, above all, how the data come in.
#
# And before any of this: in lesson 11, compiling whole epochs was several times as fast as Keras's `fit`, and the right batch size saved a part of the time, in some runs more than half, without a second machine.
#
# ## Change one thing
#
# Begin with `lesson.begin("Deeper: beyond one machine", strict=False)`, edit one place and run all cells again.
#
# - In `usual`, set `batch_size` to 200 and `epochs` to 8: as many steps, each worker with a batch of 100. Print `two["loss"][-1]` before and after.
# - Set `settings = [(128, 90), (1024, 900), (1024, 3000)]` (3 divides these batches), and call `per_step(2, 1)` and `per_step(3, 1)`. What does a third worker on two cores cost?
# - With 4 GB of memory to spare, set `memory_allowed` to 2,500. Which claim fails? And which of the three ways takes the fewest seconds now?
# - In the reader, append `.shuffle(200)` to `from_generator(...)`. It mixes whole blocks of 1,000 rows. How many MB are 200 of them, and who notices?
#
# ## What you now know
#
# - Data-parallel training computes the gradient of one batch in parts and takes their mean. Two workers do what one does, up to rounding, and agree with each other to the last bit.
# - The exchange costs bytes per step, whatever the batch; the arithmetic grows with the batch. So large batches scale, and large batches need more epochs. What remains is the gain per epoch, divided by the factor by which the epochs grow.
# - Data need not fit into memory: map a file, or stream it. If all rows must be shuffled, map it, or shuffle the file.
# - A checkpoint with everything in it makes a death cost at most an epoch, not a training.
# - First one machine, well used; then several.
#
# ## References
#
# - J. Dean and others (2012). Large scale distributed deep networks. *NeurIPS* (another way: workers that don't wait for each other).
# - P. Goyal and others (2017). Accurate, large minibatch SGD: training ImageNet in 1 hour. arXiv:1706.02677.
# - P. Patarasuk, X. Yuan (2009). Bandwidth optimal all-reduce algorithms for clusters of workstations. *Journal of Parallel and Distributed Computing* 69, 117–124.
# - A. Sergeev, M. Del Balso (2018). Horovod: fast and easy distributed deep learning in TensorFlow. arXiv:1802.05799 (all-reduce in a ring).
# - C. J. Shallue and others (2019). Measuring the effects of data parallelism on neural network training. *Journal of Machine Learning Research* 20 (112). arXiv:1811.03600.
#
# Back to [lesson 11](../11_outlook.ipynb).
