"""The present run: where the repository lies, which sabotage it is under, and a start without noise.

`make test-claims` runs the lessons sabotaged to see that their claims can fail: see CONTRIBUTING.md.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aetutorial import validation

# False after `lesson.begin(..., strict=False)`: failed claims and outdated studies are reported, not raised.
strict = True

SABOTAGES = ("no-training", "shuffled-pixels", "shuffled-labels")
SABOTAGE_VARIABLE = "AETUTORIAL_SABOTAGE"


def sabotage() -> str | None:
    """Return the sabotage named by the environment, or None in an ordinary run.

    Raises:
        ValueError: the environment variable AETUTORIAL_SABOTAGE names an unknown one.
    """
    name = os.environ.get(SABOTAGE_VARIABLE, "")
    if not name:
        return None
    return str(validation.choice(SABOTAGE_VARIABLE, name, SABOTAGES))


def repository_root() -> Path:
    """Return the folder that holds the package folder (of a checkout: the repository's root)."""
    return Path(__file__).resolve().parent.parent


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
