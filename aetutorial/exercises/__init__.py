"""Exercises of the lessons: one module per lesson, each with prompts, checks, hints and solutions.

In a lesson: `from aetutorial.exercises import lesson01`. What follows is for those who write them.
"""

from aetutorial.exercises.exercise import Exercise
from aetutorial.exercises.expect import close, expect_array, expect_model, expect_number, expect_text, expect_texts
from aetutorial.exercises.guard import NotAttempted, Wrong, call, expect_function

__all__ = [
    "Exercise",
    "NotAttempted",
    "Wrong",
    "call",
    "close",
    "expect_array",
    "expect_function",
    "expect_model",
    "expect_number",
    "expect_text",
    "expect_texts",
]
