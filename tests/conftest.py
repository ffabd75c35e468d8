"""Fixtures that more than one test file uses."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items):
    """Put what takes long first, so that no process waits for it at the end, and measure coverage where it is cheap.

    Measuring slows Python down by a third, and tracing a model is all Python. So of a test of the engine only the first
    case counts, and files that train one small model after the other don't count at all (`no_cover`).
    """
    items.sort(key=lambda item: not item.get_closest_marker("slow"))
    seen = set()
    for item in items:
        if item.path.parent.name == "engine" and item.function in seen:
            item.add_marker(pytest.mark.no_cover)
        seen.add(item.function)


@pytest.fixture
def strict(monkeypatch):
    """Let the fault of an exercise's check be raised, and stop endless answers soon."""
    from aetutorial.exercises import guard

    monkeypatch.setenv("AETUTORIAL_STRICT", "1")
    monkeypatch.setattr(guard, "STOPPING_SECONDS", 0.3)
