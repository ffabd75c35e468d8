"""The warm-up exercise of lesson 0."""

from __future__ import annotations

from aetutorial.exercises import Exercise, Wrong, close, expect_number, name_mistake


def _check_warm_up(answer: object) -> str:
    value = expect_number(answer, "a number, such as 7")
    mistakes = (
        (64, "64 is the number of pixels of one picture; the code is smaller."),
        (8, "8 is the size of one code; there are 1000 pictures."),
        (64 * 1000, "That counts the pixels; the numbers in the codes are asked for."),
    )
    name_mistake(value, mistakes)
    if not close(value, 8 * 1000, rtol=1e-9):
        raise Wrong("Multiply the numbers in one code by the number of pictures.")
    return "From 64,000 numbers to 8,000."


warm_up = Exercise(
    name="warm_up",
    title="Counting",
    kind="predict",
    prompt="""
        1000 pictures of 64 pixels are stored as codes of 8 numbers each. How many numbers are there in all
        codes together?
        """,
    check=_check_warm_up,
    hints=("How many numbers does one picture need after encoding?", "8 for each of the 1000."),
    solution="answer = 1000 * 8",
    why="Each picture is replaced by its code.",
)
