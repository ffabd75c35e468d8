"""Where training.fit takes its data from: arrays on disk, tf.data.Datasets, data for validation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_models import difference, keras_fit, same

from aetutorial import training
from aetutorial.engine import batches as batches_module
from aetutorial.engine import epochs as epochs_module
from aetutorial.engine import progress as progress_module

pytestmark = pytest.mark.no_cover

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)).astype("float32")
Y = X[:, :1] ** 2
WEIGHTS = np.linspace(0, 2, 50).astype("float32")


def model(outputs=4, **settings):
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(outputs)]
    made = keras.Sequential([keras.Input((4,)), *layers])
    made.compile(keras.optimizers.SGD(0.1), loss="mse", **settings)
    return made


def dataset(*arrays, size=16):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(size)


def generated(batches, signature=None):
    """A Dataset whose number of batches is not known."""
    import tensorflow as tf

    spec = signature or tf.TensorSpec((None, 4), tf.float32)
    return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=spec)


# --- arrays on disk ------------------------------------------------------------------------------


def on_disk(folder, x, name="x.npy", mode="r"):
    np.save(folder / name, x)
    return np.load(folder / name, mmap_mode=mode)


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize("size", [1, 16, 25, 1000])
def test_an_array_on_disk_gives_the_bits_of_one_in_memory(tmp_path, size, jit):
    mapped, memory = model(), model()
    settings = {"epochs": 3, "batch_size": size, "jit": jit, "progress": False}
    history = training.fit(mapped, on_disk(tmp_path, X), **settings)
    assert history.history == training.fit(memory, X, **settings).history
    assert same(mapped, memory)


@pytest.mark.parametrize("block_rows", [16, 32, 48])
def test_the_size_of_the_blocks_does_not_show(tmp_path, monkeypatch, block_rows):
    """Blocks of one, two and three batches; the last block is filled up."""
    mapped, memory = model(), model()
    settings = {"epochs": 2, "batch_size": 16, "progress": False}
    training.fit(memory, np.tile(X, (2, 1)), **settings)
    monkeypatch.setattr(batches_module, "BLOCK_BYTES", block_rows * X[:1].nbytes)
    training.fit(mapped, on_disk(tmp_path, np.tile(X, (2, 1))), **settings)
    assert same(mapped, memory)


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int64", "bool"])
def test_types_on_disk_are_treated_as_in_memory(tmp_path, dtype):
    x = (np.abs(X) * 2).astype(dtype)
    mapped, memory = model(), model()
    settings = {"epochs": 2, "batch_size": 16, "progress": False}
    training.fit(mapped, on_disk(tmp_path, x), **settings)
    training.fit(memory, x, **settings)
    assert same(mapped, memory)


def test_inputs_on_disk_with_targets_in_memory(tmp_path):
    mapped, memory = model(1), model(1)
    settings = {"epochs": 2, "batch_size": 16, "progress": False}
    training.fit(mapped, on_disk(tmp_path, X), Y, **settings)
    training.fit(memory, X, Y, **settings)
    assert same(mapped, memory)


def test_validation_data_on_disk(tmp_path):
    mapped, memory = model(), model()
    settings = {"epochs": 2, "batch_size": 16, "progress": False}
    ours = training.fit(mapped, X, validation_data=on_disk(tmp_path, X[:21]), **settings)
    assert ours.history == training.fit(memory, X, validation_data=X[:21], **settings).history


def test_an_array_on_disk_is_not_written_to(tmp_path):
    training.fit(model(), on_disk(tmp_path, X, mode="r+"), epochs=2, progress=False)
    assert (np.load(tmp_path / "x.npy") == X).all()


def test_a_private_copy_of_a_file_keeps_its_changes(tmp_path):
    """Pages of an array mapped with mode "c" hold what was written to them and are nowhere on disk."""
    mapped = on_disk(tmp_path, X, mode="c")
    mapped[:] = 0
    ours, zeros = model(), model()
    training.fit(ours, mapped, epochs=2, progress=False)
    training.fit(zeros, np.zeros_like(X), epochs=2, progress=False)
    assert same(ours, zeros)


def test_what_was_written_to_a_mapped_file_is_kept(tmp_path):
    mapped = on_disk(tmp_path, X, mode="r+")
    mapped[:] = 0
    training.fit(model(), mapped, epochs=1, progress=False)
    assert (np.asarray(mapped) == 0).all()


def test_a_number_that_is_not_finite_on_disk_is_found_in_training(tmp_path):
    x = X.copy()
    x[20, 1] = np.nan
    with pytest.raises(training.DivergenceError) as caught:
        training.fit(model(), on_disk(tmp_path, x), epochs=2, batch_size=8, seed=1, progress=False)
    place = int(np.flatnonzero(training.epoch_order(1, 0, 50) == 20)[0])
    assert (caught.value.epoch, caught.value.step) == (1, place // 8 + 1)


@pytest.mark.parametrize(("x", "y"), [(X, Y[:9]), (X[:9], Y)])
def test_numbers_of_rows_that_differ_are_refused_on_disk(tmp_path, x, y):
    with pytest.raises(ValueError, match="`y` must be an array of"):
        training.fit(model(1), on_disk(tmp_path, x), on_disk(tmp_path, y, "y.npy"), epochs=1)


@pytest.mark.parametrize("wrong", [np.zeros(5, "float32"), np.array([["a"]])])
def test_what_is_no_data_is_refused_on_disk(tmp_path, wrong):
    with pytest.raises((TypeError, ValueError), match="`x` must be an array"):
        training.fit(model(), on_disk(tmp_path, wrong), epochs=1)


# --- Datasets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pairs", "weighted", "known number", "unknown number"])
def test_a_dataset_agrees_with_keras(kind):
    batches = [(X[i : i + 16], Y[i : i + 16]) for i in range(0, 50, 16)]
    import tensorflow as tf

    signature = tuple(tf.TensorSpec((None, k), tf.float32) for k in (4, 1))
    data = {
        "pairs": lambda: dataset(X, Y),
        "weighted": lambda: dataset(X, Y, WEIGHTS),
        "known number": lambda: dataset(X, Y, size=25),
        "unknown number": lambda: generated(batches, signature),
    }[kind]()
    ours, theirs = model(1, metrics=["mae"]), model(1, metrics=["mae"])
    history = training.fit(ours, data, epochs=3, validation_data=data, progress=False).history
    expected = theirs.fit(data, epochs=3, validation_data=data, verbose=0).history
    assert difference(ours, theirs) < 1e-5
    assert history.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5)


def test_in_a_dataset_of_inputs_the_input_is_the_target():
    ours, theirs = model(), model()
    training.fit(ours, dataset(X), epochs=2, progress=False)
    theirs.fit(dataset(X, X), epochs=2, verbose=0)
    assert difference(ours, theirs) < 1e-5


def test_a_dataset_of_dicts_agrees_with_keras():
    import keras

    def make():
        keras.utils.set_random_seed(1)
        a, b = keras.Input((4,), name="a"), keras.Input((1,), name="b")
        made = keras.Model({"a": a, "b": b}, keras.layers.Dense(4)(keras.layers.Concatenate()([a, b])))
        made.compile("sgd", loss="mse")
        return made

    ours, theirs = make(), make()
    data = dataset({"a": X, "b": Y}, X)
    training.fit(ours, data, epochs=2, progress=False)
    theirs.fit(data, epochs=2, verbose=0)
    assert difference(ours, theirs) < 1e-5


@pytest.mark.parametrize("block_batches", [1, 1000])
@pytest.mark.parametrize("sizes", [[7, 7, 3, 7, 1, 1, 12], [1], [5, 5, 5, 5]])
def test_batches_of_any_size_agree_with_keras(monkeypatch, sizes, block_batches):
    """Neighbors of one size share a block; the last blocks are not full."""
    monkeypatch.setattr(batches_module, "BLOCK_BYTES", block_batches * 7 * X[:1].nbytes)
    ends = np.cumsum(sizes)
    batches = [X[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    ours, theirs = model(), model()
    history = training.fit(ours, generated(batches), epochs=3, progress=False).history
    pairs = generated(batches).map(lambda x: (x, x))
    expected = theirs.fit(pairs, epochs=3, verbose=0).history
    assert difference(ours, theirs) < 1e-5
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-5)


def test_a_dataset_is_read_anew_in_each_epoch():
    """One that shuffles gives the same rows in another order: the weights differ from those without."""
    still, shuffled = model(), model()
    training.fit(still, dataset(X), epochs=2, progress=False)
    training.fit(shuffled, dataset(X).unbatch().shuffle(50, seed=1).batch(16), epochs=2, progress=False)
    assert difference(still, shuffled) > 1e-5


def test_the_same_dataset_gives_the_same_bits():
    import keras

    first, second = model(), model()
    for trained in (first, second):
        keras.utils.set_random_seed(4)  # a Dataset's own seed is combined with TensorFlow's
        data = dataset(X).unbatch().shuffle(50, seed=1).batch(16)
        training.fit(trained, data, epochs=3, progress=False)
    assert same(first, second)


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int64"])
def test_types_in_a_dataset_agree_with_keras(dtype):
    x = (np.abs(X) * 2).astype(dtype)
    ours, theirs = model(), model()
    training.fit(ours, dataset(x), epochs=2, progress=False)
    theirs.fit(dataset(x, x), epochs=2, verbose=0)
    assert difference(ours, theirs) < 1e-5


def test_arrays_may_be_validated_on_a_dataset():
    ours, theirs = model(), model()
    history = training.fit(
        ours, X, epochs=2, batch_size=16, validation_data=dataset(X[:21], X[:21]), progress=False
    ).history
    expected = keras_fit(theirs, X, X, epochs=2, batch_size=16, seed=0, validation_data=(X[:21], X[:21]))
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=1e-5)


def test_a_dataset_may_be_validated_on_arrays():
    ours, theirs = model(), model()
    settings = {"epochs": 2, "validation_data": (X[:21], X[:21])}
    history = training.fit(ours, dataset(X, X), batch_size=4, progress=False, **settings).history
    expected = theirs.fit(dataset(X, X), verbose=0, **settings).history
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=1e-5)


@pytest.mark.parametrize("known", [True, False])
def test_a_dataset_shows_its_progress_on_the_line(capsys, monkeypatch, known):
    monkeypatch.setattr(progress_module, "EVERY", 0)
    data = dataset(X) if known else generated([X[:16], X[16:32]])
    history = training.fit(model(), data, epochs=3).history["loss"]
    last = capsys.readouterr().out.split("\r")[-1]
    assert last == f"epoch 3/3: loss {history[-1]:.4g}\n"


def test_callbacks_work_with_a_dataset():
    import keras

    stop = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=1e9)
    history = training.fit(model(), dataset(X), epochs=9, callbacks=[stop], progress=False)
    assert len(history.history["loss"]) == 2


@pytest.mark.parametrize("role", ["x", "validation_data"])
@pytest.mark.parametrize("kind", ["empty", "emptied", "endless", "not batched", "ragged", "sparse", "scalars"])
def test_datasets_that_can_not_be_used_are_refused(capsys, kind, role):
    import tensorflow as tf

    data = {
        "empty": lambda: dataset(X[:0]),
        "emptied": lambda: dataset(X).filter(lambda x: False),
        "endless": lambda: dataset(X).repeat(),
        "not batched": lambda: tf.data.Dataset.from_tensor_slices(np.arange(3.0)),
        "ragged": lambda: tf.data.Dataset.from_tensors(tf.ragged.constant([[1.0], [1.0, 2.0]])),
        "sparse": lambda: tf.data.Dataset.from_tensors(tf.sparse.eye(4)),
        "scalars": lambda: tf.data.Dataset.from_tensors((X, np.float32(1))),
    }[kind]()
    ours = model()
    arguments = {"x": data} if role == "x" else {"x": X, "validation_data": data}
    with pytest.raises(ValueError, match=f"`{role}`"):
        training.fit(ours, epochs=1, **arguments)
    assert same(ours, model())
    assert capsys.readouterr().out == ""


def test_batches_of_sequences_of_different_lengths_are_trained_as_by_keras():
    import keras
    import tensorflow as tf

    lengths = [5, 5, 3, 5, 7, 7]
    batches = [(X[:8, :1, None] * np.ones((1, n, 1), "float32"), X[:8]) for n in lengths]
    spec = (tf.TensorSpec((None, None, 1), tf.float32), tf.TensorSpec((None, 4), tf.float32))
    trained = []
    for fit in (training.fit, lambda one, data, **settings: one.fit(data, **settings)):
        keras.utils.set_random_seed(1)
        pool = keras.layers.GlobalAveragePooling1D()
        one = keras.Sequential([keras.Input((None, 1)), pool, keras.layers.Dense(4)])
        one.compile("sgd", loss="mse")
        quiet = {"progress": False} if fit is training.fit else {"verbose": 0}
        fit(one, generated(batches, spec), epochs=2, **quiet)
        trained.append(one)
    for a, b in zip(trained[0].get_weights(), trained[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(("jit", "count"), [("auto", 1), (False, 1), (True, 6)])
def test_sequences_of_many_lengths_take_one_program_without_xla(monkeypatch, jit, count):
    import keras
    import tensorflow as tf

    made = []
    program = epochs_module.Program
    monkeypatch.setattr(epochs_module, "Program", lambda *a, **options: made.append(1) or program(*a, **options))
    spec = (tf.TensorSpec((None, None, 1), tf.float32),) * 2
    pairs = [(np.ones((4, n, 1), "float32"),) * 2 for n in (2, 3, 4, 5, 6, 7, 3)]
    one = keras.Sequential([keras.Input((None, 1)), keras.layers.Dense(1)])
    one.compile("sgd", loss="mse")
    training.fit(one, generated(pairs, spec), epochs=2, jit=jit, progress=False)
    assert len(made) == count


def test_parts_with_different_numbers_of_rows_are_refused():
    with pytest.raises(ValueError, match="`x`"):
        training.fit(model(1), generated_pairs(X[:8], Y[:7]), epochs=1, progress=False)


def generated_pairs(x, y):
    import tensorflow as tf

    signature = tuple(tf.TensorSpec((None, k), tf.float32) for k in (4, 1))
    return generated([(x, y)], signature)


def test_a_batch_without_rows_is_refused():
    """Under Keras the loss of such a batch is NaN."""
    with pytest.raises(ValueError, match="`x`"):
        training.fit(model(), generated([X[:8], X[:0], X[8:16]]), epochs=1, batch_size=8, progress=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (lambda: {"x": dataset(X), "y": X}, "`y` must be None, for `x` is a Dataset"),
        (lambda: {"x": X, "validation_data": (dataset(X), X)}, "`validation_data` must be"),
        (lambda: {"x": X, "y": dataset(X)}, "`y` must be"),
    ],
)
def test_a_dataset_beside_targets_is_refused(arguments, said):
    ours = model()
    with pytest.raises((TypeError, ValueError), match=said):
        training.fit(ours, epochs=1, **arguments())
    assert same(ours, model())


# --- memory --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file with an array of 586 MB."""
    path = tmp_path_factory.mktemp("large") / "data.npy"
    array = np.lib.format.open_memmap(path, "w+", "float32", (600_000, 256))
    array.reshape(30, 20_000, 256)[:] = rng.standard_normal((20_000, 256), dtype="float32")
    array.flush()
    yield path
    path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memmap", "dataset"])
@pytest.mark.skipif(sys.platform == "win32", reason="no resource module there")
def test_memory_does_not_grow_with_the_data(large, kind):
    rows, width = np.load(large, mmap_mode="r").shape
    command = [sys.executable, Path(__file__).with_name("stream_worker.py"), kind, large, str(rows // 10), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    # Up to the end of each run: all memory, and the part of it that is not mapped from the file.
    (small, small_own), (large, large_own) = (map(float, line.split()) for line in done.stdout.splitlines()[-2:])
    size = rows * width * 4 / 2**20
    print(f"{kind}: peak {small:.0f} MB ({small_own:.0f} of its own) for {size / 10:.0f} MB of data,")
    print(f"{large:.0f} MB ({large_own:.0f} of its own) for {size:.0f} MB")
    assert large_own - small_own < 0.15 * size
    # Pages mapped from the file count as well, and how many of them stay is the kernel's choice: from 1 % of the data
    # to 18 % were seen. Data held as a whole would make it 90 %.
    assert large - small < 0.45 * size
