"""What the tests of the exercises share: a dummy exercise, a hostile object, and how a guard refuses."""

from __future__ import annotations

import numpy as np
import pytest

from aetutorial.exercises import Exercise, Wrong

X = np.arange(12.0).reshape(3, 4)


class Hostile:
    """Fails at whatever Python may ask of it."""

    def _fail(self, *args: object, **kwargs: object) -> None:
        raise RuntimeError("hostile")

    __eq__ = __repr__ = __str__ = __len__ = __array__ = __float__ = __iter__ = __bool__ = _fail
    __hash__ = __getattr__ = __call__ = __index__ = _fail


def exercise(check=lambda answer: None, **changes) -> Exercise:
    texts = {
        "name": "dummy",
        "title": "A dummy",
        "kind": "fill in",
        "prompt": "Do it.",
        "check": check,
        "hints": ("Look.", "Look again."),
        "solution": "answer = 1",
        "why": "It is one.",
    }
    return Exercise(**(texts | changes))


def refused(function, *args, **kwargs) -> str:
    """Return the one sentence with which a guard refuses."""
    with pytest.raises(Wrong) as caught:
        function(*args, **kwargs)
    sentence = str(caught.value)
    assert sentence[0].isupper()
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    return sentence
