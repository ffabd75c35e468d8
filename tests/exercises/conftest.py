"""A notebook that is none: what would be displayed in it is kept."""

from __future__ import annotations

import IPython
import IPython.display
import pytest


@pytest.fixture
def bundles(monkeypatch):
    """The display bundles that a test causes, in their order; without a kernel they would be printed as text."""
    kept = []

    def display(bundle, *, raw, metadata):
        assert raw
        kept.append(bundle)

    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(IPython.display, "display", display)
    return kept
