"""Read Markdown: its words, its numerals, its sentences, its section of references; every position stays as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCED = re.compile(r"^ *(```|~~~).*?^ *\1`*", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(`+).+?\1", re.DOTALL)
MATH = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
# What tools/course.py writes: the line of times, and tables.
GENERATED = re.compile(
    r"^[^\n]*<!-- times -->$|<!-- (?P<mark>lessons|data|models) -->.*?<!-- /(?P=mark) -->", re.MULTILINE | re.DOTALL
)
# A link's target, an address, a tag, an entity: what is between brackets or letters and is not read.
UNREAD = re.compile(r"(?<=\])\((?:[^()\s]|\([^()\s]*\))+\)|<?https?://[^\s)>]+>?|</?\w[^<>]*>|&#?\w+;")
NUMERAL = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?(?:e[-+]?[0-9]+(?!\w))?|(?<!\w)\.[0-9]+"
VERSION = r"[0-9]+(?:\.[0-9]+){2,}"  # three parts or more are no number
NUMERALS = re.compile(rf"{VERSION}|(?P<numeral>{NUMERAL})")
SENTENCE_END = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+|]|\d+\.)\s)|(?<=[.!?])[\"”’)*_]*\s+(?=\S)")


def blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace what matches by as many blanks, so that positions stay; line ends stay, too."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def without_code(source: str) -> str:
    """Return Markdown in which code and mathematics are blank, every position as before."""
    for pattern in (FENCED, CODE_SPAN, MATH):
        source = blank(pattern, source)
    return source


def without_fences(source: str) -> str:
    """Return Markdown in which fenced code and code in a line are blank, every position as before."""
    return blank(CODE_SPAN, blank(FENCED, source))


def readable(source: str) -> str:
    """Return the words of Markdown: no code, mathematics, comments, tags, link targets and generated pieces."""
    text = without_code(source)
    for pattern in (GENERATED, COMMENT, UNREAD):
        text = blank(pattern, text)
    return text


def split_references(cells: list[str]) -> tuple[list[str], str]:
    """Return Markdown cells with their sections "References" blank, and the text of these.

    A section ends with the next heading that is not below its own.
    """
    level = 0  # of the heading "References" that is open
    body, references = [], []
    for source in cells:
        kept = []
        for line, shown in zip(source.split("\n"), without_code(source).split("\n"), strict=True):
            heading = HEADING.match(shown)
            if heading and (not level or len(heading[1]) <= level):
                level = len(heading[1]) if heading[2] == "References" else 0
            if level:
                references.append(line)
            kept.append(" " * len(line) if level else line)
        body.append("\n".join(kept))
    return body, "\n".join(references)


def sentence_at(source: str, position: int) -> str:
    """Return the sentence, the item or the row of a table in which a position lies, without comments."""
    line = source[source.rfind("\n", 0, position) + 1 :].partition("\n")[0]
    if line.startswith("|"):
        return COMMENT.sub("", line).strip()
    start = 0
    for found in SENTENCE_END.finditer(source):
        if found.end() > position:
            end = found.start()
            break
        start = found.end()
    else:
        end = len(source)
    tail = re.match(r"[\"”’)*_]*", source[end:])  # what closes the sentence
    sentence = COMMENT.sub("", source[start : end + len(tail[0] if tail else "")])
    return " ".join(sentence.split()).removeprefix("- ")


@dataclass(frozen=True)
class Numeral:
    """A number as prose shows it."""

    shown: str
    start: int

    @property
    def is_decimal(self) -> bool:
        return "." in self.shown or "e" in self.shown

    @property
    def value(self) -> float:
        return float(self.shown.replace(",", "").replace("−", "-"))

    @property
    def decimals(self) -> int:
        """Decimals that the numeral shows; less than 0 for a power of ten."""
        mantissa, _, exponent = self.shown.partition("e")
        return len(mantissa.partition(".")[2]) - int(exponent or 0)

    def rounded(self, value: float) -> str:
        """Return a measured value as the numeral would show it."""
        if "e" in self.shown:
            return f"{value:.{max(len(self.shown.partition('e')[0].partition('.')[2]), 0)}e}"
        return f"{value:,.{self.decimals}f}" if "," in self.shown or abs(value) >= 1e4 else f"{value:.{self.decimals}f}"

    def agrees(self, value: float) -> bool:
        """Tell whether a measured value rounds to the numeral; a tie may be rounded either way."""
        half = 0.5 * 10.0**-self.decimals
        return abs(value - self.value) <= half * (1 + 1e-9) + 1e-12 * abs(value)


def signed(text: str, start: int, shown: str) -> Numeral:
    """Return the numeral at a place, with the sign before it; a dash between two numerals is none."""
    if start and text[start - 1] in "-−" and (start == 1 or text[start - 2] in " \n(|*~≈<>="):
        return Numeral(text[start - 1] + shown, start)
    return Numeral(shown, start)


def numerals(text: str) -> Iterator[Numeral]:
    """Yield the numerals of readable Markdown; not what is glued to the letters before it, such as float32."""
    for found in NUMERALS.finditer(text):
        before = text[: found.start()]
        if found["numeral"] and not re.search(r"[^\W\d]$", before):
            yield signed(text, found.start(), found["numeral"])
