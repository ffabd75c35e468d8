"""The exercise of lesson 4 on bytes: when does a way to send images pay for its model? Lesson 4 hands it on."""

from __future__ import annotations

import functools
from collections.abc import Callable

from aetutorial.exercises import Exercise, NotAttempted, Wrong, call, expect_function, expect_number


def _or_none(function: Callable[..., object]) -> Callable[..., tuple[str, object]]:
    """Return the function with its result in a pair.

    Here None is an answer like another, but `call` takes a bare None for an unfilled stub.
    """

    @functools.wraps(function)
    def paired(*args: object) -> tuple[str, object]:
        return "result", function(*args)

    return paired


def _check_break_even(answer: object) -> str:
    function = expect_function(answer, ("per_image", "model", "per_image_other", "model_other"))
    try:
        call(function, 11.5, 1000, 14.25, 0)
    except NotAttempted:
        never = call(_or_none(function), 14, 300, 10, 100)[1]
        if never is None or never is Ellipsis:  # it never returns a number, so it is the stub
            raise
        raise Wrong(
            "It returns None where the first needs fewer bytes per image, and a number where it needs more: "
            "is a difference the wrong way round?"
        ) from None
    for bytes_, needed in (
        ((11.5, 1000, 14.25, 0), 364),
        ((8, 1000, 11, 300), 234),
        ((10, 1000, 14, 200), 201),  # for 200 images the two are equal
        ((11, 1_000_000, 31.5, 0), 48_781),
        ((10, 100, 14, 300), 1),
        ((10, 100, 10, 300), 1),
        ((14, 100, 10, 300), 1),  # the first is ahead for 1 to 49 images only
    ):
        _compare(call(_or_none(function), *bytes_)[1], bytes_, needed)
    for bytes_, sentence in (
        (
            (14, 300, 10, 100),
            "Where the first needs more bytes per image and the larger model, it never needs fewer: return None.",
        ),
        ((10, 300, 10, 100), "With equal bytes per image, a larger model is never paid for: return None."),
        ((10, 300, 10, 300), "Two equal methods: neither ever needs fewer bytes, so return None."),
        ((14, 100, 10, 104), "Equal for 1 image and more from 2 on is never strictly fewer: return None."),
    ):
        if call(_or_none(function), *bytes_)[1] is not None:
            raise Wrong(sentence)
    return "It counts the models, and knows when they are never paid for."


def _compare(given: object, bytes_: tuple[float, ...], needed: int) -> None:
    """Compare the number of images that a learner's function gave with the right one.

    Args:
        given: What the function returned: anything.
        bytes_: The four arguments it was called with: bytes per image and for the model, of both ways. Whole numbers,
            halves or quarters, so that all totals are exact.
        needed: The right number of images, at least 1.

    Raises:
        Wrong: `given` is not `needed`.
    """
    a, m, b, other = bytes_
    asked = f"For {a:,.10g} and {m:,.10g} bytes against {b:,.10g} and {other:,.10g}"
    if given is None:
        raise Wrong(f"{asked}, it returned None, though there is such a number: {needed}.")
    value = expect_number(given, "a whole number of images, such as 500")
    if value != round(value):
        raise Wrong(f"{asked}, it returned {value:.6g}: give a whole number of images.")
    n = int(value)
    if n < 1:
        raise Wrong(f"{asked}, it returned {n}: the number of images is at least 1.")
    mine, theirs = m + n * a, other + n * b
    totals = f"{asked}, the totals for n = {n} are {mine:,.10g} and {theirs:,.10g} bytes"
    if mine == theirs:
        raise Wrong(f"{totals}: the first must need strictly fewer.")
    if mine > theirs:
        raise Wrong(f"{totals}: that is not fewer.")
    if n != needed:
        raise Wrong(f"{totals}, but n = {needed} is enough: find the smallest number.")


break_even = Exercise(
    name="break_even",
    lesson="lesson04",
    title="When does a decoder pay",
    kind="build",
    prompt="""
        Two ways to send images: each needs some bytes for every image, and some once, for its model (the decoder).
        Write

            def break_even(per_image, model, per_image_other, model_other)

        which returns the smallest whole number of images, at least 1, for which the first way (`per_image`, `model`)
        needs strictly fewer bytes in total than the other one. Return None if there is no such number. The arguments
        are not negative; they need not be whole numbers.
        """,
    check=_check_break_even,
    hints=(
        "Write down both totals for n images. When is 1 image enough? When does no n help?",
        "If the first is not ahead at 1 image, it must save bytes on each image to catch up. It is ahead as soon as n "
        "is larger than the difference of the models divided by what an image saves.",
    ),
    solution="""
        import math


        def answer(per_image, model, per_image_other, model_other):
            if per_image + model < per_image_other + model_other:
                return 1
            saved = per_image_other - per_image
            if saved <= 0:
                return None
            return math.floor((model - model_other) / saved) + 1
        """,
    why="""
        The totals are two straight lines. If the first is not lower at 1 image, it becomes lower only if it rises less
        steeply, just after the lines cross.
        """,
)
