"""Exercises of the lessons: one module per lesson, each with prompts, checks, hints and solutions.

In a lesson: `from aetutorial.exercises import lesson01`. What follows is for those who write them. Three modules help
lessons out: `back_propagation` holds the gradients of lesson 2, `break_even` the last exercise of lesson 4, `patients`
the broken autoencoders of lesson 10.
"""

from aetutorial.exercises.exercise import Exercise
from aetutorial.exercises.expect import (
    close,
    expect_array,
    expect_model,
    expect_number,
    expect_text,
    expect_texts,
    layer_widths,
)
from aetutorial.exercises.guard import NotAttempted, Wrong, call, expect_function
from aetutorial.exercises.mistakes import name_mistake
from aetutorial.exercises.trained import (
    expect_autoencoder,
    held_out_mse,
    outputs,
    run_seeded,
    shares_weights,
    small_problem,
)

__all__ = [
    "Exercise",
    "NotAttempted",
    "Wrong",
    "call",
    "close",
    "expect_array",
    "expect_autoencoder",
    "expect_function",
    "expect_model",
    "expect_number",
    "expect_text",
    "expect_texts",
    "held_out_mse",
    "layer_widths",
    "name_mistake",
    "outputs",
    "run_seeded",
    "shares_weights",
    "small_problem",
]
