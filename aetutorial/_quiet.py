"""Keep what C++ code writes to the standard error stream out of a notebook while it imports."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send file descriptor 2 to a temporary file; replay the file if the block raises.

    TensorFlow's start-up lines come from C++ and bypass `sys.stderr`, so the descriptor itself is redirected.
    """
    try:
        saved = os.dup(2)
    except OSError:  # no descriptor 2, as under pythonw: nothing to keep quiet
        yield
        return
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except BaseException:
            _restore(saved)
            captured.seek(0)
            os.write(2, captured.read())
            raise
        else:
            _restore(saved)


def _restore(saved: int) -> None:
    os.dup2(saved, 2)
    os.close(saved)
