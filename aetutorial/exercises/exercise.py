"""Exercises: a prompt, a check, hints and a solution."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from aetutorial import validation
from aetutorial.exercises.guard import NotAttempted, Wrong, unfilled
from aetutorial.exercises.texts import FENCE, checked, layout, markdown, show
from aetutorial.exercises.wording import error_text

STARS = {"predict": 1, "fill in": 2, "change": 2, "mend": 2, "build": 3, "train": 3, "transfer": 3}
VERDICTS = {"correct": "✓ Correct.", "not yet": "✗ Not yet.", "not attempted": "○ Not attempted yet."}
STRICT_VARIABLE = "AETUTORIAL_STRICT"  # tests set it: the fault of a check is then raised


class Exercise:
    """One exercise. A lesson's cells call `prompt`, `check`, `hint` and `solution`.

    Args:
        name: The variable that holds it in its module.
        title: A few words.
        kind: One of "predict", "fill in", "change", "build", "transfer", "train" (a model, to a
            score) and "mend" (code that the prompt shows broken).
        prompt: What to do, in Markdown; mathematics in `$…$`, names of code in backticks. Fence code,
            or indent it by four more than the prose, after a blank line; and begin a text in triple
            quotes on a line of its own. So for hints and `why`.
        check: Takes the answer; raises `Wrong` with one sentence that names the mistake, or
            returns None or a sentence that says what was measured. These are plain text.
        hints: At least one; from a nudge to nearly the answer.
        solution: Source code that binds `answer` when it is executed.
        why: A sentence on why the solution is right.
        stars: How hard it is, from 1 to 3; None for what is usual for its kind.
        lesson: The module from which a notebook takes it, such as "lesson04"; None for that of `check`.

    Raises:
        ValueError: a text is blank or indented as it must not be, there is no hint, `kind` is
            unknown, or `stars` are not from 1 to 3.
        TypeError: `stars` is no integer.
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
        stars: int | None = None,
        lesson: str | None = None,
    ) -> None:
        if isinstance(hints, str) or not hints:
            raise ValueError(validation.message("hints", "at least one text, in a tuple", hints))
        self.name, self.title = checked("name", name), checked("title", title)
        self.kind = validation.choice("kind", kind, tuple(STARS))
        self.stars = STARS[self.kind] if stars is None else validation.integer("stars", stars, low=1, high=3)
        self.hints = tuple(checked("hints", hint) for hint in hints)
        self.source = checked("solution", solution, code=True) + "\n"
        self._prompt, self._why = checked("prompt", prompt), checked("why", why)
        self._check = check
        self._lesson = lesson or str(getattr(check, "__module__", "")).rpartition(".")[2]
        self._hints_given = 0
        self._outcome = "not attempted"

    def __repr__(self) -> str:
        return f"Exercise {self.title!r}: .prompt(), .check(answer), .hint(), .solution()"

    @property
    def outcome(self) -> str:
        """What the last check found: "not attempted", "correct" or "not yet"."""
        return self._outcome

    def prompt(self) -> None:
        """Show what to do."""
        heading = f"{self.title} · {self.kind} {'★' * self.stars}"
        show(f"#### {heading}\n\n{markdown(self._prompt)}", f"{heading}\n\n{layout(self._prompt)}")

    def check(self, answer: object = None) -> None:
        """Print whether `answer` is right, and if it is not, what is wrong with it."""
        self._outcome, sentence = self.judge(answer)
        print(layout(f"{VERDICTS[self._outcome]} {sentence}"))

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
            return "not attempted", f"{stub} For help: {self._lesson}.{self.name}.hint()".strip()
        except Wrong as mistake:
            return "not yet", str(mistake)
        except (Exception, SystemExit) as error:
            if os.environ.get(STRICT_VARIABLE):
                raise
            return "not yet", f"The check could not read your answer ({error_text(error)})."

    def hint(self, number: int | None = None) -> None:
        """Show the next hint, or the hint of that number, counted from 1."""
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
        heading, text = f"Hint {number} of {total}.", self.hints[number - 1]
        text = ("\n\n" if text.startswith((FENCE, "- ", "1. ")) else " ") + text
        show(markdown(f"{last}**{heading}**{text}"), layout(f"{last}{heading}{text}"))

    def solution(self) -> None:
        """Show the reference solution and why it is right."""
        text = f"One solution:\n\n```python\n{self.source}```\n\n{self._why}"
        show(markdown(text), layout(text))

    def reference(self, **names: Any) -> Any:
        """Execute the solution, with `names` defined, and return the `answer` that it binds."""
        exec(compile(self.source, f"<solution of {self.name}>", "exec"), names)
        return names["answer"]
