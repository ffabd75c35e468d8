"""Files written whole, and digests of arrays."""

from __future__ import annotations

import errno
import hashlib
import os
import stat

import numpy as np
import pytest

from aetutorial.integrity import array_digest, arrays_digest, write_whole


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(("contents", "stored"), [("ü\n", b"\xc3\xbc\n"), (b"\0\r\n", b"\0\r\n")])
def test_a_file_is_written_as_it_is(tmp_path, contents, stored, forced):
    path = tmp_path / "a.txt"
    write_whole(path, contents, forced=forced)
    assert path.read_bytes() == stored
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_an_interruption_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, step, forced):
    path = tmp_path / "a.txt"
    write_whole(path, "one")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, step, fail)
    if step == "fsync" and not forced:
        return
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, "two", forced=forced)
    assert path.read_text() == "one"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_digest_is_that_of_labels_and_bytes():
    x = np.arange(6, dtype="<f4").reshape(2, 3)
    wanted = hashlib.sha256(b"<f4(2, 3)" + x.tobytes()).hexdigest()
    assert array_digest(x) == array_digest(np.asfortranarray(x)) == array_digest(x[:, ::-1][:, ::-1]) == wanted
    assert arrays_digest([("a", None), ("b", x)]) == hashlib.sha256(b"ab" + x.tobytes()).hexdigest()


def test_dtype_shape_and_values_enter_the_digest():
    x = np.arange(6.0)
    others = (x.astype("float32"), x.reshape(2, 3), x[::-1], x.astype(">f8"))
    assert len({array_digest(x), *map(array_digest, others)}) == 5


def test_a_mount_that_cannot_force_a_folder_does_not_stop_a_forced_file(tmp_path, monkeypatch):
    force = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "refused")
        force(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(tmp_path / "a", "text", forced=True)
    assert (tmp_path / "a").read_text() == "text"
