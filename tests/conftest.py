"""Fixtures that more than one test file uses."""

from __future__ import annotations

import pytest


@pytest.fixture
def strict(monkeypatch):
    """Let the fault of an exercise's check be raised, and stop endless answers soon."""
    from aetutorial.exercises import guard

    monkeypatch.setenv("AETUTORIAL_STRICT", "1")
    monkeypatch.setattr(guard, "STOP_SECONDS", 0.3)
