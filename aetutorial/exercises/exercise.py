"""Exercises: a prompt, a check, hints and a solution."""

from __future__ import annotations

import itertools
import os
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from aetutorial import validation
from aetutorial.exercises.guard import NotAttempted, Wrong, unfilled
from aetutorial.exercises.wording import error_text

KINDS = ("predict", "fill in", "change", "build", "transfer")
STRICT_VARIABLE = "AETUTORIAL_STRICT"  # tests set it: the fault of a check is then raised
WIDTH = 88
POINTER = "Put your answer in place of the `None` or `...`, or ask for a hint with .hint()."


def layout(text: str) -> str:
    """Wrap prose at 88 columns; keep blank lines, list items ("- ") and code indented by four."""
    lines: list[str] = []
    prose: list[str] = []

    def flush() -> None:
        indent = "  " if prose and prose[0].startswith("- ") else ""
        wrapper = textwrap.TextWrapper(WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        lines.extend(wrapper.wrap(" ".join(prose)))
        prose.clear()

    for line in text.splitlines():
        if not line.strip() or line.startswith("    "):
            flush()
            lines.append(line.rstrip())
        else:
            if line.startswith("- "):
                flush()
            prose.append(line.strip())
    flush()
    return "\n".join(lines)


def _text(argument: str, text: str, code: bool = False) -> str:
    """Return the text of an exercise without its common indentation, if it has the right form."""
    text = textwrap.dedent(text).strip("\n").rstrip()
    if not text:
        raise ValueError(validation.message(argument, "a text that is not blank", text))
    lines = [] if code else text.splitlines()
    for before, line in itertools.pairwise(lines):
        if line.startswith("    ") and before.strip() and not before.startswith("    "):
            raise ValueError(validation.message(argument, "a text with a blank line before indented code", line))
    return text


class Exercise:
    """One exercise. A lesson's cells call `prompt`, `check`, `hint` and `solution`.

    Args:
        name: The variable that holds it in its module.
        title: A few words.
        kind: One of "predict", "fill in", "change", "build", "transfer".
        prompt: What to do. Indent code by four more than the prose, after a blank line; and begin
            a text in triple quotes on a line of its own. So for hints and `why`.
        check: Takes the answer; raises `Wrong` with one sentence that names the mistake, or
            returns None or a sentence that says what was measured.
        hints: At least one; from a nudge to nearly the answer.
        solution: Source code that binds `answer` when it is executed.
        why: A sentence on why the solution is right.

    Raises:
        ValueError: a text is blank or indented as it must not be, there is no hint, or `kind` is
            unknown.
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        kind: str,
        prompt: str,
        check: Callable[[object], str | None],
        hints: Sequence[str],
        solution: str,
        why: str,
    ) -> None:
        if isinstance(hints, str) or not hints:
            raise ValueError(validation.message("hints", "at least one text, in a tuple", hints))
        self.name, self.title = _text("name", name), _text("title", title)
        self.kind = str(validation.choice("kind", kind, KINDS))
        self.hints = tuple(_text("hints", hint) for hint in hints)
        self.source = _text("solution", solution, code=True) + "\n"
        self._prompt, self._why = _text("prompt", prompt), _text("why", why)
        self._check = check
        self._hints_given = 0
        self._outcome = "not attempted"

    def __repr__(self) -> str:
        return f"Exercise {self.title!r}: .prompt(), .check(answer), .hint(), .solution()"

    @property
    def outcome(self) -> str:
        """What the last check found: "not attempted", "correct" or "not yet"."""
        return self._outcome

    def prompt(self) -> None:
        """Print what to do."""
        print(f"{self.title} ({self.kind})\n\n{layout(self._prompt)}")

    def check(self, answer: object = None) -> None:
        """Print whether `answer` is right, and if it is not, what is wrong with it."""
        self._outcome, sentence = self.judge(answer)
        heading = {"correct": "Correct.", "not yet": "Not yet.", "not attempted": ""}
        print(layout(f"{heading[self._outcome]} {sentence}"))

    def judge(self, answer: object) -> tuple[str, str]:
        """Return the outcome of checking `answer`, and the sentence that goes with it.

        Raises:
            Exception: the check itself failed, and AETUTORIAL_STRICT is set.
        """
        try:
            if unfilled(answer):
                raise NotAttempted
            return "correct", self._check(answer) or ""
        except NotAttempted as stub:
            return "not attempted", " ".join(f"Not attempted yet. {stub} {POINTER}".split())
        except Wrong as mistake:
            return "not yet", str(mistake)
        except (Exception, SystemExit) as error:
            if os.environ.get(STRICT_VARIABLE):
                raise
            return "not yet", f"The check could not read your answer ({error_text(error)})."

    def hint(self, number: int | None = None) -> None:
        """Print the next hint, or the hint of that number, counted from 1."""
        total = len(self.hints)
        if number is None:
            last = "That was the last hint. " if self._hints_given == total else ""
            self._hints_given = min(self._hints_given + 1, total)
            number = self._hints_given
        elif type(number) is int and 1 <= number <= total:
            last = ""
        else:
            print(f"The hints are numbered from 1 to {total}.")
            return
        print(layout(f"{last}Hint {number} of {total}. {self.hints[number - 1]}"))

    def solution(self) -> None:
        """Print the reference solution and why it is right."""
        code = textwrap.indent(self.source, "    ")
        print(f"One solution:\n\n{code}\n{layout(self._why)}")

    def reference(self, **names: Any) -> Any:
        """Execute the solution, with `names` defined, and return the `answer` that it binds."""
        exec(compile(self.source, f"<solution of {self.name}>", "exec"), names)
        return names["answer"]
