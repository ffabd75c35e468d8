"""Where the repository lies, and which sabotage, if any, the present run is under.

`make test-claims` runs the lessons sabotaged to see that their claims can fail: see CONTRIBUTING.md.
"""

from __future__ import annotations

import os
from pathlib import Path

from aetutorial import _validate

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
    return str(_validate.choice(SABOTAGE_VARIABLE, name, SABOTAGES))


def repository_root() -> Path:
    """Return the folder that holds the package folder (of a checkout: the repository's root)."""
    return Path(__file__).resolve().parent.parent
