"""What a cell shows: HTML beside its plain twin, and numbers written as a reader wants them."""

from __future__ import annotations

import html
import math
import sys
from collections.abc import Mapping
from typing import Any


def shell() -> Any:
    """Return the running IPython shell, or None in plain Python."""
    ipython = sys.modules.get("IPython")  # where it runs, it is imported
    return None if ipython is None else ipython.get_ipython()


def show(rich: str, plain: str, metadata: Mapping[str, Any] | None = None) -> None:
    """Show one output that has two forms; in plain Python, print the plain one.

    Args:
        rich: HTML, escaped where it quotes a text.
        plain: The same in words, for a terminal, a comparison and readers of the file.
        metadata: What is stored with the output and not seen, as JSON can hold it.
    """
    bundle({"text/html": rich, "text/plain": plain}, metadata)


def bundle(forms: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
    """Show one output that has several forms; in plain Python, print the plain one.

    Args:
        forms: MIME type to content; with "text/plain" among them.
        metadata: What is stored with the output and not seen.
    """
    if shell() is None:
        print(forms["text/plain"])
        return
    from IPython.display import display

    display(dict(forms), raw=True, metadata=dict(metadata or {}))


def escape(text: str) -> str:
    """Return a text as it must stand in HTML between tags."""
    return html.escape(text, quote=False)


def significant(value: float, digits: int = 3) -> str:
    """Return a number with `digits` significant digits, a comma between thousands, and no exponent where it can be.

    Args:
        value: Any real number, NaN and infinity too. What is whole and has no more digits keeps no decimals.
        digits: At least 1.

    Returns:
        The text; with an exponent below 0.0001 and from a million on.

    Example:
        >>> from aetutorial import display
        >>> [display.significant(v) for v in (0.01532871, 1.5, 103.4, 5418, 2, 1e-12)]
        ['0.0153', '1.50', '103', '5,420', '2', '1.00e-12']
    """
    if not math.isfinite(value):
        return str(float(value))
    scientific = f"{value:.{digits - 1}e}"
    rounded, exponent = float(scientific), int(scientific.partition("e")[2])
    if rounded == value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    if not -4 <= exponent < 6:
        return scientific
    return f"{rounded:,.{max(digits - 1 - exponent, 0)}f}"


def exact(value: float) -> str:
    """Return a number that somebody chose, such as a bound, without losing a digit.

    Example:
        >>> from aetutorial import display
        >>> [display.exact(v) for v in (1.3, 1000, 1e-9, 0.9999999)]
        ['1.3', '1,000', '1e-09', '0.9999999']
    """
    short = f"{value:,g}"
    return short if float(short.replace(",", "")) == value else f"{value:,}"
