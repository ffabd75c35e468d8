"""tools/prose.py: numbers in prose that differ from what the run recorded are found, and only those."""

from __future__ import annotations

import math

import jupytext
import nbformat
import pytest
from markdown_it import MarkdownIt

from tools import notebooks, prose

RECORDED = {
    "pca": 0.015328,
    "autoencoder": 0.00958,
    "share": 0.4049,
    "params": 217_360.0,
    "change": -0.31,
    "hot": 36.6,
    "seconds": 1.53e-4,
}
REFERENCES = "## References\n\n- Burda, Grosse, Salakhutdinov, 2016, arXiv:1509.00519, 33 pages, 0.77.\n"
CODE = "x = load(784, 60_000)\nrate = 2e-3\nkeep = 0.25\nlimit = 1e3\n"


def notebook(*prose_cells: str, code: str = CODE, numbers=RECORDED, parameters: str = "latent_dim = 32\nbeta = -0.5"):
    """Return a notebook that records numbers, one output each, with these texts before its references."""
    outputs = [
        nbformat.v4.new_output("display_data", {"text/html": ""}, metadata={"numbers": {name: value}})
        for name, value in numbers.items()
    ]
    cell = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    cells = [cell, nbformat.v4.new_code_cell(code, outputs=outputs)]
    cells += [nbformat.v4.new_markdown_cell(text) for text in (*prose_cells, REFERENCES)]
    return nbformat.v4.new_notebook(cells=cells)


def found(text: str, **options) -> list[str]:
    return list(prose.faults(notebook(text, **options), complete=True))


TRUE = """# A lesson with 99 in its title

PCA's error is 0.0153<!-- pca -->, 1.6<!-- pca / autoencoder --> times the other. It keeps 40 %<!-- 100 * share -->,
nearly half<!-- 0.35 < share < 0.5 -->. **1.60**<!-- pca / autoencoder --> is bold, **40 %**<!-- 100 * share --> too,
1.6 ×<!-- pca / autoencoder --> the other, 36.6°<!-- hot -->.

| model | error |
| --- | --- |
| PCA | 0.0153<!-- pca --> |

<details><summary>The fine print</summary>

- It has 217,360<!-- params --> weights, about 217,000<!-- round(params, -3) -->, and changed by −0.31<!-- change -->.
- It takes 1.5e-4<!-- seconds --> s; others had 88.70<!-- source: Burda -->.
- Both are small<!-- pca < 0.02 and autoencoder < 0.01 -->, as a root is 0.124<!-- sqrt(pca) -->.
</details>
"""


def test_true_numbers_have_no_fault():
    assert found(TRUE) == []


# What is planted, the numeral or mark that the message must name, and what else it must say.
PLANTED = {
    "a decimal": (
        "PCA's error is 0.0153<!-- pca -->,",
        "PCA's error is 0.0171<!-- pca -->,",
        "says 0.0171",
        "0.0153 (pca)",
    ),
    "a ratio": (
        "1.6<!-- pca / autoencoder --> times",
        "1.7<!-- pca / autoencoder --> times",
        "says 1.7",
        "recorded 1.6 (",
    ),
    "a share": ("40 %<!-- 100 * share -->,\n", "41 %<!-- 100 * share -->,\n", "says 41", "recorded 40 (100 * share)"),
    "words": (
        "<!-- 0.35 < share < 0.5 -->",
        "<!-- 0.45 < share < 0.5 -->",
        "is marked",
        "does not hold: share is 0.4049",
    ),
    "bold, one digit more": ("**1.60**", "**1.61**", "says 1.61", "recorded 1.60"),
    "a table": ("| PCA | 0.0153<!--", "| PCA | 0.0163<!--", "says 0.0163", "0.0153 (pca)"),
    "thousands": ("217,360<!--", "271,360<!--", "says 271,360", "recorded 217,360 (params)"),
    "a sign": ("−0.31<!--", "0.31<!--", "says 0.31", "recorded -0.31 (change)"),
    "a power of ten": ("1.5e-4<!--", "1.5e-3<!--", "says 1.5e-3", "recorded 1.5e-04 (seconds)"),
    "a citation": ("source: Burda", "source: Kingma", "cites 'Kingma'", "References does not name"),
    "unmarked, a decimal": ("as a root is", "as 0.016 has the root", "says 0.016:", "no run recorded it (mark it"),
    "unmarked, an integer": ("Both are", "All 33 are", "says 33:", "no run recorded it (mark it"),
    "an unknown name": (
        "<!-- hot -->",
        "<!-- cold -->",
        "says 36.6;",
        "recorded cold (in the mark 'cold'). Recorded: auto",
    ),
    "a bad expression": (
        "<!-- sqrt(pca) -->",
        "<!-- sqrt(pca -->",
        "says 0.124;",
        "'sqrt(pca' can't be computed: '(' was",
    ),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_number_is_found_by_sentence_and_value(kind):
    old, new, *said = PLANTED[kind]
    assert TRUE.count(old) == 1
    (fault,) = found(TRUE.replace(old, new))
    assert all(part in fault for part in said), fault
    sentence = fault[1 : fault.index('"', 1)]
    plain = " ".join(prose.COMMENT.sub("", TRUE.replace(old, new)).split())
    assert sentence in plain
    assert "<!--" not in fault


def test_all_that_are_planted_at_once_are_all_found():
    text = TRUE
    for old, new, *_ in PLANTED.values():
        text = text.replace(old, new)
    faults = found(text)
    assert len(faults) == len(PLANTED)
    for _, _, said, _ in PLANTED.values():
        assert sum(said in fault for fault in faults) == 1, said


def test_the_message_in_full():
    assert found("So. PCA's error is 0.0171<!-- pca --> here. And on.") == [
        '"PCA\'s error is 0.0171 here." says 0.0171; the run recorded 0.0153 (pca)'
    ]
    assert found("So:\n- It has 33 weights.\n- More.") == [
        '"It has 33 weights." says 33: no run recorded it (mark it, or take it away)'
    ]
    assert found("| a | Is it? |\n| --- | --- |\n| b | Is it? Yes: 0.3 |") == [
        '"| b | Is it? Yes: 0.3 |" says 0.3: no run recorded it (mark it, or take it away)'
    ]


# --- which numerals need a mark ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "All 784 pixels of 60,000 images, 12 pixels each way",
        "784 × 784 or 784×32",
        "0 to 12, −3 and (-12)",
        "In 1986 and 2016",
        "A rate of 0.25, or 2e-3, of 1000",
        "float32, L2, MNIST-100, x64_y, layer99, a 3D map, 128x",
        "`0.77`, ``a ` 0.77``, $0.77$, $$\n0.77\n$$",
        "```\n0.77\n```\n\n~~~ python\n33\n~~~",
        "[a](https://example.org/33/0.77) and <https://example.org/0.77> and https://example.org/0.77",
        "[Lesson 13](05_lesson.ipynb) and lesson 14",
        "Version 3.11.2 of it",
        "## The first 33\n\n### And 0.77",
        "| a | b |\n| ---: | :---: |\n| 3 | 4 |",
        "**Reading** 20 min · **working through** 50 min · **runs in** 40 s<!-- times -->",
        "<!-- lessons -->\n\n| 1 | 40 min |\n\n<!-- /lessons -->",
        "A&#160;space, <br/>",
    ],
)
def test_what_needs_no_mark(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It is 13.", ["13"]),
        ("It is 13.\n\nRead 20 min<!-- times -->\n\nIt is 14.", ["13", "14"]),
        ("It is 1899 or 2101.", ["1899", "2101"]),
        ("It is 2,000.", ["2,000"]),
        ("It is 0.250.", ["0.250"]),
        ("It is .77.", [".77"]),
        ("It is 1.6x or 1.6× as much", ["1.6", "1.6"]),
        ("It is 28 × 28.", ["28", "28"]),
        ("It is 0.4–0.6.", ["0.4", "0.6"]),
        ("A [33](https://example.org)", ["33"]),
        ("<details><summary>33</summary>\n\n34\n</details>", ["33", "34"]),
        ("**33** or *34* or (35)", ["33", "34", "35"]),
        ("It is 5e-3.", ["5e-3"]),
    ],
)
def test_what_needs_one(text, said):
    faults = found(text)
    assert [fault.partition(" says ")[2].partition(":")[0] for fault in faults] == said


def test_a_mark_may_name_another_notebook():
    stored = {"deeper/03_example": prose.facts(notebook(numbers={"fresh": 0.8124, "saved": 0.004}))}

    def elsewhere(name):
        if name not in stored:
            raise FileNotFoundError(name)
        return stored[name]

    def faults(text):
        return list(prose.faults(notebook(text), complete=True, elsewhere=elsewhere))

    right = "It is 0.81<!-- deeper/03_example: fresh -->, hardly more<!-- deeper/03_example: saved < 0.01 -->."
    assert faults(right) == []
    assert faults("So 0.82<!-- deeper/03_example: fresh -->.") == [
        '"So 0.82." says 0.82; the run recorded 0.81 (fresh)'
    ]
    (unknown,) = faults("So 0.02<!-- deeper/03_example: pca -->.")  # recorded here, not there
    assert "no run recorded pca" in unknown
    assert faults("So 0.02<!-- deeper/04_example: pca -->.") == [
        "\"So 0.02.\" names the notebook 'deeper/04_example', and there is none"
    ]
    assert faults("Much<!-- deeper/03_example: saved > 1 -->.")


def test_another_notebook_is_read_as_it_is_stored():
    assert prose.stored_facts("deeper/03_keras_example").numbers["fresh_test"] == pytest.approx(0.81, abs=0.01)
    with pytest.raises(FileNotFoundError):
        prose.stored_facts("99_none")


def test_the_references_end_with_the_next_heading():
    text = "## References\n\nPages 33.\n\n### Books\n\nPages 34."
    assert found(text) == []
    assert len(found(text + "\n\n## Next\n\nAgain 35 and 36.")) == 2
    book = notebook(text, "Pages 37, in a cell of the section.", "# Next\n\nAgain 35.")
    assert len(list(prose.faults(book, complete=True))) == 1


def test_a_citation_is_looked_for_in_the_references_only():
    assert "cites 'Kingma'" in found("Kingma has 0.7<!-- source: Kingma -->.")[0]
    assert "cites 'Burd'" in found("Burd has 0.7<!-- source: Burd -->.")[0]
    assert "cites ''" in found("Burd has 0.7<!-- source: -->.")[0]
    assert found("They have 0.7<!-- source: Burda, Grosse -->.") == []


def test_where_marks_are_not_required_those_that_stand_are_judged():
    text = "It is 0.77 and 33, PCA's 0.0171<!-- pca -->."
    assert len(list(prose.faults(notebook(text), complete=False))) == 1
    assert len(found(text)) == 3


def test_without_code_only_decimals_need_a_mark():
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("In 16 bits, 0.5 of 32.")])
    (fault,) = prose.faults(book, complete=True)
    assert "says 0.5:" in fault


# --- the form of a mark --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It is 0.0153 <!-- pca -->.", "stands apart: put 'pca' directly after"),
        ("<!-- pca -->", "stands apart"),
        ("It is 0.0153<!-- pca\n-->.", "broken over lines: 'pca'"),
        ("It is small<!-- pca -->.", "after words, which gives 0.01533; a comparison is expected"),
        ("It is 0.0153 squared<!-- pca -->.", "after words"),
        ("It is 12<!-- share < 0.2 -->.", "says 12; share < 0.2 does not hold: share is 0.4049"),
    ],
)
def test_a_mark_of_the_wrong_form(text, said):
    assert any(said in fault for fault in found(text)), found(text)


def test_marks_in_code_are_none():
    assert found("Write `0.0171<!-- pca -->`, or\n\n```\n0.0171<!-- pca -->\n```") == []


def test_a_name_that_was_recorded_twice():
    book = notebook("Text.", numbers={"pca": 0.5})
    book.cells[1].outputs.append(book.cells[1].outputs[0].copy())
    assert list(prose.faults(book, complete=True)) == []
    book.cells[1].outputs[-1] = nbformat.from_dict({**book.cells[1].outputs[0], "metadata": {"numbers": {"pca": 0.6}}})
    assert list(prose.faults(book, complete=True)) == ["'pca' was recorded twice, with different values"]


def test_parameters_are_names_too():
    assert found("It has 64<!-- 2 * latent_dim --> and −0.50<!-- beta --> each.") == []
    assert len(found("It has 65<!-- 2 * latent_dim --> each.")) == 1
    odd = "seeds = range(3)\na, b = 1, 2\nname = 'x'\nflag = True\nn = m = 4\n"
    assert prose.facts(notebook(parameters=odd, numbers={})).numbers == {}


def test_a_mark_survives_the_round_trip_and_is_not_seen(tmp_path):
    path = tmp_path / "05_lesson.py"
    jupytext.write(notebook(TRUE), path, fmt="py:percent")
    assert notebooks.read_text(path).cells[2].source == TRUE
    page = MarkdownIt().enable("table").render(TRUE)
    seen = prose.COMMENT.sub("", page)  # what a browser shows
    assert "0.0153, 1.6 times" in seen
    assert "<td>0.0153</td>" in seen
    assert "<strong>40 %</strong> too" in seen
    assert not any(trace in seen for trace in ("&lt;!--", "--&gt;", "autoencoder -", "share"))


# --- rounding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "value", "agrees"),
    [
        ("0.0153", 0.01534999, True),
        ("0.0153", 0.0153501, False),
        ("0.5", 0.45, True),  # a tie may go either way
        ("0.4", 0.45, True),
        ("40", 40.5, True),
        ("40", 40.51, False),
        ("10,000", 10_000.4, True),
        ("10,000", 10_001, False),
        ("1.50", 1.5, True),
        ("-3", -3.2, True),
        ("−3", 3.0, False),
        ("2e-3", 0.0024, True),
        ("2e-3", 0.0026, False),
    ],
)
def test_a_value_is_rounded_to_the_decimals_that_are_shown(shown, value, agrees):
    assert prose.Numeral(shown, 0).agrees(value) is agrees


# --- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4 - 6 / 3", 12),
        ("-a ** 2", -9),
        ("(a + 1) ** 0.5", 2),
        ("round(a / 7, 2)", 0.43),
        ("round(12345, -2)", 12300),
        ("max(a, 5, 1) - min(a, 5) + abs(-1)", 3),
        ("sqrt(16) + log(exp(a))", 7),
        ("1 < a <= 3", True),
        ("1 < a < 3", False),
        ("a > 1 and a < 2", False),
        ("a == 3 and a != 4 and a >= 3", True),
    ],
)
def test_an_expression_has_the_value_that_it_should(expression, value):
    result = prose.evaluate(expression, {"a": 3.0})
    assert isinstance(result, bool) is isinstance(value, bool)
    assert math.isclose(result, value, rel_tol=1e-12)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "a.real",
        "a[0]",
        "__import__('os')",
        "open('x')",
        "print",
        "(lambda: 1)()",
        "[1][0]",
        "'a'",
        "True",
        "not a",
        "a or 1",
        "a and 1",
        "(a < 2) + 1",
        "1 < (a < 2)",
        "a if a else 1",
        "a % 2",
        "a // 2",
        "+a",
        "1j",
        "a in (1, 2)",
        "a is a",
        "1 / 0",
        "(-1) ** 0.5",
        "9 ** 9 ** 9 ** 9",
        "1e999",
        "log(0)",
        "sqrt(-1)",
        "round()",
        "round(a, ndigits=2)",
        "min(a)",
        "max(*a)",
        "exp(a, a)",
        "a; a",
        "a = 1",
        "(a := 2)",
        "1 + " * 60 + "1",
        "f'{a}'",
        "\0",
    ],
)
def test_an_expression_of_another_form_is_refused(expression):
    with pytest.raises(ValueError, match=r".+"):
        prose.evaluate(expression, {"a": 3.0})


def test_an_unknown_name_is_told_from_a_bad_form():
    with pytest.raises(prose.UnknownName, match=r"^b$"):
        prose.evaluate("a + b", {"a": 1.0})
