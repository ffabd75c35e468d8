"""Checkpoint files: what they hold comes back bit by bit, and no damage to them goes unnoticed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import warnings

import numpy as np
import pytest

from aetutorial.engine import checkpoints
from aetutorial.engine.checkpoints import CheckpointError, State, load, save, storable

IDENTITY = {"seed": 3, "data": "abc", "list of callbacks": [["EarlyStopping", "{}"]], "nothing": None}


def state(epoch=1, value=None, **changed):
    fields = {
        "epoch": epoch,
        "arrays": [np.arange(4.0) + epoch],
        "history": {"loss": [0.1] * epoch},
        "callbacks": [{"value": value}],
        "stopped": False,
        "digests": [],
        "identity": IDENTITY,
    }
    return State(**{"told": {}, **fields, **changed})


def returned(folder, value):
    """Return a value after it was saved and loaded."""
    save(folder, state(value=value))
    return load(folder, IDENTITY).callbacks[0]["value"]


def same(a, b) -> bool:
    """Return whether two values have the same types and the same bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return np.float64(a).tobytes() == np.float64(b).tobytes()
    return a == b


def bfloat16(values):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    return np.array(values, ml_dtypes.bfloat16)


# --- what comes back -----------------------------------------------------------------------------

VALUES = {
    "None": None,
    "bool": True,
    "int": -7,
    "int beyond 64 bits": 2**200 + 1,
    "float": 0.1,
    "NaN": float("nan"),
    "infinities": [float("inf"), float("-inf")],
    "negative zero": -0.0,
    "smallest float": 5e-324,
    "unicode": "ζ̂ ∘ 漢字 🙂 \x00 \"quoted\" \\",
    "lone surrogate": "\ud800",
    "empty text": "",
    "nested": [1, (2.5, [None, ("a",)], {"b": (True,)}), []],
    "empty containers": [[], (), {}],
    "keys that the encoding uses": {
        "dict": 1, "tuple": [1], "array": 0, "scalar": 0, "dtype": "x", "own": False,
    },
    "float32 array": np.array([[1.5, np.nan], [np.inf, -0.0]], "float32"),
    "NaN with a payload": np.array([0x7FC12345], "uint32").view("float32"),
    "0-d array": np.array(3.25),
    "empty array": np.zeros((0, 3), "float32"),
    "array of no axis of length 1": np.zeros((1, 0, 2), "int8"),
    "bool array": np.array([True, False]),
    "complex array": np.array([1 + 2j]),
    "big-endian array": np.array([1, 2], ">i4"),
    "Fortran order": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "strided array": np.arange(10)[::3],
    "text array": np.array(["a", "ζζ", ""]),
    "bytes array": np.array([b"a", b"\xff"]),
    "dates": np.array(["2024-02-29", "NaT"], "datetime64[D]"),
    "float32 scalar": np.float32(0.1),
    "float64 scalar": np.float64(0.1),
    "int64 scalar": np.int64(-(2**63)),
    "bool scalar": np.bool_(True),
    "text scalar": np.str_("ζ"),
    "arrays in containers": {"weights": [np.ones(2), (np.zeros(1, "int8"), np.float16(2))]},
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_with_its_type_and_its_bits(tmp_path, name):
    value = VALUES[name]
    assert storable(value)
    assert same(returned(tmp_path, value), value)


@pytest.mark.parametrize("shape", [(3,), (), (0, 2)])
def test_bfloat16_comes_back(tmp_path, shape):
    value = bfloat16(np.resize([1.5, np.nan, -0.0], shape))
    assert storable(value)
    assert same(returned(tmp_path, value), value)


def test_a_bfloat16_scalar_comes_back(tmp_path):
    value = bfloat16([1.5])[0]
    assert same(returned(tmp_path, value), value)


def test_a_structured_array_comes_back_or_is_not_storable(tmp_path):
    value = np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])
    assert not storable(value) or same(returned(tmp_path, value), value)


def test_a_masked_array_comes_back_or_is_not_storable(tmp_path):
    value = np.ma.masked_array([1.0, 2.0], [True, False])
    if storable(value):
        back = returned(tmp_path, value)
        assert isinstance(back, np.ma.MaskedArray)
        assert (back.mask == value.mask).all()


def test_a_kind_of_dict_comes_back_or_is_not_storable(tmp_path):
    from collections import defaultdict

    value = defaultdict(list, a=[1])
    if storable(value):
        assert returned(tmp_path, value)["missing"] == []


def test_a_named_tuple_comes_back_or_is_not_storable(tmp_path):
    from collections import namedtuple

    value = namedtuple("Best", "epoch loss")(3, 0.5)
    if storable(value):
        assert returned(tmp_path, value).epoch == 3


def test_a_list_that_holds_itself_is_not_storable():
    value: list = []
    value.append(value)
    assert not storable(value)


@pytest.mark.parametrize("name", ["float32 array", "bfloat16"])
def test_an_array_that_comes_back_can_be_written_to(tmp_path, name):
    value = bfloat16([1.0]) if name == "bfloat16" else VALUES[name]
    returned(tmp_path, value)[...] = 0


@pytest.mark.parametrize("value", [{1: 2}, {1}, b"bytes", 1j, object(), np.array([None]), len, [object()], {"a": {2}}])
def test_other_values_are_not_storable(value):
    assert not storable(value)


def test_a_whole_state_comes_back(tmp_path):
    written = state(
        12,
        arrays=[np.ones((2, 3), "float32"), np.array(7, "int64"), np.zeros(0)],
        history={"loss": [0.5, float("nan")], "learning_rate": [np.float32(0.1)]},
        callbacks=[{}, {"wait": 1, "best_weights": [np.ones(2)]}],
        stopped=True,
        digests=["ab", "cd"],
    )
    save(tmp_path, written)
    assert same(vars(load(tmp_path, IDENTITY)), vars(written))


def test_equal_states_give_equal_files(tmp_path):
    paths = [save(tmp_path / name, state(value=VALUES["arrays in containers"])) for name in "ab"]
    assert paths[0].name == paths[1].name
    assert paths[0].read_bytes() == paths[1].read_bytes()


# --- the folder ----------------------------------------------------------------------------------


def names(folder):
    return sorted(path.name[:11] for path in folder.iterdir())


def test_the_last_two_are_kept(tmp_path):
    for epoch in (1, 2, 3, 9, 10):
        save(tmp_path, state(epoch))
    assert names(tmp_path) == ["epoch-00009", "epoch-00010"]
    assert load(tmp_path, IDENTITY).epoch == 10


def test_epochs_beyond_five_digits_are_in_order(tmp_path):
    for epoch in (99_998, 99_999, 100_000):
        save(tmp_path, state(epoch))
    assert load(tmp_path, IDENTITY).epoch == 100_000


def test_a_damaged_file_does_not_count_among_the_two(tmp_path):
    save(tmp_path, state(1))
    newest = save(tmp_path, state(2))
    newest.write_bytes(newest.read_bytes()[:-1])
    again = save(tmp_path, state(2, value="computed anew"))
    again.write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        assert load(tmp_path, IDENTITY).epoch == 1


def test_half_written_files_of_a_killed_run_go(tmp_path):
    left = tmp_path / "epoch-00001.abc.npz.4711.part"
    left.write_bytes(b"half")
    save(tmp_path, state(1))
    assert not left.exists()


def test_a_half_written_file_is_not_read(tmp_path):
    whole = save(tmp_path, state(1))
    later = save(tmp_path / "later", state(2))
    (tmp_path / f"{later.name}.4711.part").write_bytes(later.read_bytes())
    shutil.rmtree(tmp_path / "later")
    assert load(tmp_path, IDENTITY).epoch == 1
    assert whole.exists()


def test_other_files_of_the_folder_stay(tmp_path):
    mine = [tmp_path / "notes.txt", tmp_path / "epoch-best.keras", tmp_path / "x.part"]
    for path in mine:
        path.write_text("mine")
    for epoch in (1, 2, 3):
        save(tmp_path, state(epoch))
    assert load(tmp_path, IDENTITY).epoch == 3
    assert all(path.read_text() == "mine" for path in mine)


def test_a_folder_that_is_not_there_holds_no_checkpoint(tmp_path):
    assert load(tmp_path / "none", IDENTITY) is None
    assert not (tmp_path / "none").exists()


def test_a_folder_is_made_with_those_above_it(tmp_path):
    path = save(tmp_path / "a" / "b", state())
    assert path.parent == tmp_path / "a" / "b"


def test_an_empty_folder_holds_no_checkpoint(tmp_path):
    assert load(tmp_path, IDENTITY) is None


def test_a_folder_that_can_not_be_made_is_an_error_of_the_system(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        save(tmp_path / "file" / "folder", state())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_last_checkpoint_and_nothing_half_written(tmp_path, monkeypatch, call):
    save(tmp_path, state(1))

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(OSError, match="No space"):
            save(tmp_path, state(2))
    assert names(tmp_path) == ["epoch-00001"]
    assert load(tmp_path, IDENTITY).epoch == 1


def test_the_contents_are_on_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a)))
    save(tmp_path, state())
    assert calls[:2] == ["fsync", "replace"]


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 4}, r"another seed \(3 there, 4 here\)"),
        ({"data": None}, r"another data \(.abc. there, None here\)"),
        ({"new": 1}, r"another new \(None there, 1 here\)"),
        ({"list of callbacks": []}, "another list of callbacks"),
    ],
)
def test_another_identity_is_refused_by_name(tmp_path, changed, named):
    save(tmp_path, state())
    with pytest.raises(CheckpointError, match=named):
        load(tmp_path, {**IDENTITY, **changed})


def test_an_entry_that_this_run_lacks_is_refused_by_name(tmp_path):
    save(tmp_path, state())
    fewer = {name: value for name, value in IDENTITY.items() if name != "seed"}
    with pytest.raises(CheckpointError, match="another seed"):
        load(tmp_path, fewer)


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def forged(folder, contents):
    """Write contents under the name of a checkpoint, with the right digest."""
    digest = hashlib.sha256(contents).hexdigest()
    (folder / f"epoch-00001.{digest}.npz").write_bytes(contents)


def zipped(**arrays):
    memory = io.BytesIO()
    np.savez(memory, **arrays)
    return memory.getvalue()


def text_of(stored):
    return np.frombuffer(json.dumps(stored).encode(), "uint8")


@pytest.mark.parametrize("where", ["the text", "an array", "the whole file"])
def test_a_pickle_with_the_right_digest_is_not_loaded(tmp_path, where):
    proof = tmp_path / "proof"
    bomb = np.array([Bomb(proof)], dtype=object)
    encoded = {"dict": {**vars(state()), "arrays": [{"array": 0, "dtype": "f8", "shape": [], "own": True}]}}
    encoded["dict"] |= {name: {"dict": {}} for name in ("history", "identity")}
    encoded["dict"]["callbacks"] = []
    text = text_of({"format": checkpoints.FORMAT, "state": encoded})
    contents = {
        "the text": lambda: zipped(text=bomb),
        "an array": lambda: zipped(text=text, a0=bomb),
        "the whole file": lambda: pickle.dumps(Bomb(proof)),
    }[where]()
    proof.unlink(missing_ok=True)
    folder = tmp_path / "folder"
    folder.mkdir()
    forged(folder, contents)
    with pytest.raises(ValueError, match="pickle"):
        load(folder, {})
    assert not proof.exists()


@pytest.mark.parametrize(
    "contents",
    [b"", b"text", zipped(), zipped(text=np.zeros(3, "uint8"))],
    ids=["empty", "no archive", "empty archive", "no JSON"],
)
def test_a_file_with_the_right_digest_that_is_no_checkpoint_is_an_error_of_its_own(tmp_path, contents):
    forged(tmp_path, contents)
    with pytest.raises(CheckpointError):
        load(tmp_path, IDENTITY)


@pytest.mark.parametrize(
    ("stored", "version"),
    [
        ({"dict": {"epoch": 1, "arrays": []}}, 1),
        ({"format": checkpoints.FORMAT + 1, "state": {}}, checkpoints.FORMAT + 1),
    ],
    ids=["the first format, which did not say so", "a later one"],
)
def test_a_checkpoint_of_another_version_of_the_package_is_refused(tmp_path, stored, version):
    forged(tmp_path, zipped(text=text_of(stored)))
    with pytest.raises(
        CheckpointError, match=rf"written by another version .* format is {version}, .* Give another folder"
    ):
        load(tmp_path, IDENTITY)


# --- damage --------------------------------------------------------------------------------------

DAMAGES = ("one bit", "some bytes", "truncated", "extended", "emptied", "swapped")


def damage(kind, rng, contents, other):
    """Return damaged contents, which differ from the whole ones."""
    damaged = bytearray(contents)
    place = int(rng.integers(len(damaged)))
    if kind == "one bit":
        damaged[place] ^= 1 << int(rng.integers(8))
    elif kind == "some bytes":
        run = rng.integers(0, 256, int(rng.integers(1, 200)), dtype="uint8").tobytes()
        damaged[place : place + len(run)] = run
    elif kind == "truncated":
        del damaged[place:]
    elif kind == "extended":
        damaged += rng.integers(0, 256, int(rng.integers(1, 50)), dtype="uint8").tobytes()
    elif kind == "emptied":
        damaged.clear()
    else:
        damaged[:] = other
    return bytes(damaged)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return [save(folder, state(epoch, value=np.arange(50))) for epoch in (1, 2)]


@pytest.mark.parametrize("seed", range(200))
def test_no_damage_is_silent(pair, tmp_path, seed):
    rng = np.random.default_rng(seed)
    older, newer = [path.read_bytes() for path in pair]
    kind = DAMAGES[seed % len(DAMAGES)]
    both = kind == "swapped" or rng.random() < 0.4
    damaged = damage(kind, rng, newer, older)
    if damaged == newer:
        damaged = newer[:-1]
    (tmp_path / pair[1].name).write_bytes(damaged)
    before = damage(kind, rng, older, newer) if both else older
    (tmp_path / pair[0].name).write_bytes(before)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if before == older:
            assert load(tmp_path, IDENTITY).epoch == 1
        else:
            with pytest.raises(CheckpointError, match=r"damaged \(2 found\)"):
                load(tmp_path, IDENTITY)
    assert f"{pair[1].name} is damaged" in str(caught[0].message)


def test_a_damaged_older_file_does_not_matter(pair, tmp_path):
    (tmp_path / pair[0].name).write_bytes(b"")
    (tmp_path / pair[1].name).write_bytes(pair[1].read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(tmp_path, IDENTITY).epoch == 2


def test_the_last_whole_file_missing_is_an_error(pair, tmp_path):
    (tmp_path / pair[1].name).write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(CheckpointError, match=r"\(1 found\)"):
        load(tmp_path, IDENTITY)
