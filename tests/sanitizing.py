"""The outputs of a cell, and what nbval makes of them: the real patterns, applied as nbval applies them."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbval.plugin import get_sanitize_patterns
from traitlets.config import Config

PATTERNS = dict(get_sanitize_patterns(Path(__file__).with_name("nbval_sanitize.cfg").read_text("ascii")))


def compared(output: str) -> str:
    """Return what of an output is compared."""
    for pattern, replacement in PATTERNS.items():
        output = re.sub(pattern, replacement, output)
    return output


def outputs(call: Callable[..., object], *arguments: Any, **named: Any) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Call a function within IPython and return what it displays: data and metadata of each output."""
    main = sys.modules["__main__"]
    InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        with capture_output() as captured:
            call(*arguments, **named)
    finally:
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main  # the shell puts its own there
    assert captured.stdout == ""
    return [(output.data, output.metadata) for output in captured.outputs]


def words(rich: str) -> str:
    """Return what a page shows of HTML."""
    return html.unescape(re.sub(r"<[^<>]*>", "", rich))
