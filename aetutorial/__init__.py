"""Helpers for the autoencoder course: data, checked claims, training, plots and exercises.

Importing this package is light: its modules are imported when they are first named, as in `aetutorial.training.fit`,
and TensorFlow and Keras by the modules that need them, when they need them.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__version__ = "0.1.0"

MODULES = (
    *("data", "diagnosis", "estimator", "exercises", "judge"),
    *("lesson", "metrics", "models", "plotting", "tables", "training"),
)


def __getattr__(name: str) -> ModuleType:
    """Import a module of the package when it is first named."""
    if name not in MODULES:
        raise AttributeError(f"module 'aetutorial' has no attribute {name!r}; its modules are {', '.join(MODULES)}")
    return importlib.import_module(f"aetutorial.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES})
