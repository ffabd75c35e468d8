"""The texts of an exercise: Markdown for a notebook, and its plain twin for a terminal, from one source.

A text is Markdown of a simple kind: paragraphs, list items that begin with "- " or "1. ", and code, either indented by
four after a blank line or between fences. Mathematics stands in `$…$`.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from typing import NamedTuple

from aetutorial import display, validation

WIDTH = 88
FENCE = "```"
ITEM = re.compile(r"(- |\d\. )")
CODE = re.compile(r"(def|class|import|from|@)\b|@")  # how Python begins, where the language is not given


class Block(NamedTuple):
    """A run of lines that is code, or is not."""

    lines: list[str]
    language: str | None = None  # None for prose; "" for code of no language


def checked(argument: str, text: str, code: bool = False) -> str:
    """Return the text of an exercise without its common indentation, if it has the right form.

    Args:
        argument: What the text is given for, for the error message.
        text: The text.
        code: Whether all of it is code.

    Raises:
        ValueError: it is blank, a fence is not closed, or code is indented without a blank line before it.
    """
    text = textwrap.dedent(text).strip("\n").rstrip()
    if not text:
        raise ValueError(validation.message(argument, "a text that is not blank", text))
    if code:
        return text
    if sum(line.startswith(FENCE) for line in text.splitlines()) % 2:
        raise ValueError(validation.message(argument, f"a text in which each {FENCE} is closed", text))
    for block in blocks(text):
        for before, line in itertools.pairwise(block.lines if block.language is None else ()):
            if line.startswith("    ") and before.strip():
                raise ValueError(validation.message(argument, "a text with a blank line before indented code", line))
    return text


def blocks(text: str) -> list[Block]:
    """Cut a text into prose and code; code comes without its fences or its indentation by four."""
    found: list[Block] = []
    fenced = False
    for line in text.splitlines():
        last = found[-1] if found else Block([])
        if line.startswith(FENCE):
            fenced = not fenced
            found.append(Block([], line[len(FENCE) :].strip()) if fenced else Block([]))
        elif fenced:
            last.lines.append(line.rstrip())
        elif line.startswith("    ") and last.language is not None:
            last.lines.append(line[4:].rstrip())
        elif line.startswith("    ") and not (last.lines and last.lines[-1].strip()):
            found.append(Block([line[4:].rstrip()], "python" if CODE.match(line[4:]) else ""))
        elif last.language is not None and not line.strip():
            last.lines.append("")  # perhaps the code goes on after it
        elif last.language is not None or not found:
            found.append(Block([line.rstrip()]))
        else:
            last.lines.append(line.rstrip())
    return [block for block in map(_trimmed, found) if block.lines]


def _trimmed(block: Block) -> Block:
    """Return a block without the blank lines at its ends."""
    lines = "\n".join(block.lines).strip("\n")
    return Block(lines.splitlines(), block.language)


def markdown(text: str) -> str:
    """Return a text as Markdown in which all code is fenced, so that none is taken for a part of a list."""
    parts = []
    for lines, language in blocks(text):
        whole = "\n".join(lines)
        parts.append(whole if language is None else f"{FENCE}{language}\n{whole}\n{FENCE}")
    return "\n\n".join(parts)


def layout(text: str) -> str:
    """Return a text for a terminal: prose wrapped at 88 columns, code indented by four."""
    parts = []
    for lines, language in blocks(text):
        if language is None:
            parts.append("\n".join(_wrapped(lines)))
        else:
            parts.append(textwrap.indent("\n".join(lines), "    "))
    return "\n\n".join(parts)


def _wrapped(prose: list[str]) -> list[str]:
    """Wrap paragraphs and list items; blank lines stay."""
    lines: list[str] = []
    for blank, run in itertools.groupby(prose, key=lambda line: not line.strip()):
        if blank:
            lines += run
            continue
        items: list[list[str]] = []
        for line in run:
            if ITEM.match(line) or not items:
                items.append([])
            items[-1].append(line.strip())
        for item in items:
            mark = ITEM.match(item[0])
            wrapper = textwrap.TextWrapper(
                WIDTH,
                subsequent_indent=" " * len(mark[0]) if mark else "",
                break_long_words=False,
                break_on_hyphens=False,
            )
            lines += wrapper.wrap(" ".join(item))
    return lines


def show(rich: str, plain: str) -> None:
    """Display Markdown together with its plain twin; where no notebook or IPython is, print the plain one.

    Args:
        rich: The Markdown.
        plain: The same for a terminal.
    """
    display.bundle({"text/markdown": rich, "text/plain": plain})
