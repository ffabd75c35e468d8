"""The texts of exercises, as Markdown and as plain text: prose, lists, code."""

from __future__ import annotations

import subprocess
import sys

import pytest
from markdown_it import MarkdownIt

from aetutorial.exercises.texts import blocks, checked, layout, markdown

INDENTED = "Write\n\n    def f(x):\n        y = x\n\n        return y\n\nfor\n\n    a  b\n      1"
FENCED = "Write\n```python\ndef f(x):\n    y = x\n\n    return y\n```\nfor\n```\na  b\n  1\n```"


def code(source: str) -> list[tuple[str, str]]:
    """Return language and content of all that a Markdown parser takes for code."""
    tokens = MarkdownIt().parse(source)
    return [(token.info, token.content) for token in tokens if token.type in ("fence", "code_block")]


@pytest.mark.parametrize("text", [INDENTED, FENCED])
def test_code_may_be_indented_or_fenced(text):
    expected = [("python", "def f(x):\n    y = x\n\n    return y\n"), ("", "a  b\n  1\n")]
    assert code(markdown(text)) == expected
    assert layout(text) == INDENTED
    assert [block.language for block in blocks(text)] == [None, "python", None, ""]
    assert markdown(layout(text)) == markdown(text)  # the plain twin says the same


@pytest.mark.parametrize("mark", ["- ", "2. "])
def test_code_after_a_list_is_not_a_part_of_its_last_item(mark):
    text = f"Either\n\n{mark}one\n\n    x = 1"
    assert code(text) != [("", "x = 1\n")]  # Markdown takes what is indented after an item for its second paragraph
    assert code(markdown(text)) == [("", "x = 1\n")]


@pytest.mark.parametrize(("mark", "indent"), [("- ", "  "), ("1. ", "   ")])
def test_items_hang(mark, indent):
    lines = layout(f"Say:\n\n{mark}{'word ' * 30}\n{mark}short").splitlines()
    assert [line[: len(mark)] for line in lines[2:]] == [mark, indent[: len(mark)], mark]
    assert lines[3].startswith(indent + "word")
    assert max(map(len, lines)) <= 88


def test_layout_leaves_long_words_whole():
    word = "x" * 100
    assert layout(f"{word} {word} a b") == f"{word}\n{word}\na b"


def test_a_text_loses_its_common_indentation_and_keeps_the_rest():
    assert checked("prompt", "\n        Write\n\n            x = 1\n        ") == "Write\n\n    x = 1"
    assert checked("solution", "\n    if x:\n        y\n", code=True) == "if x:\n    y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n \n", "a text that is not blank"),
        ("Write\n    x = 1", "a text with a blank line before indented code. Received:     x = 1"),
        ("Write\n```\nx = 1", "a text in which each ``` is closed"),
    ],
)
def test_a_text_of_the_wrong_form_is_refused(text, expected):
    with pytest.raises(ValueError, match="`why` must be ") as caught:
        checked("why", text)
    assert expected in str(caught.value)


def test_fenced_code_may_be_indented_as_it_likes():
    text = "Mend\n\n```python\ndef f(x):\n    return x\n```"
    assert checked("prompt", text) == text


def test_outside_ipython_nothing_of_it_is_imported():
    code = "import sys; from aetutorial.exercises.texts import show; show('rich', 'plain')"
    code += "; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "plain\nFalse\n"
