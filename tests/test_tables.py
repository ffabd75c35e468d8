"""tables.show: what a page and a terminal show of the same rows, and what of it is compared."""

from __future__ import annotations

import html
import math
import re

import numpy as np
import pytest
from sanitizing import compared, outputs, words

from aetutorial import tables

ROWS = [
    ("the mean", 0, 0.067),
    ("PCA", 32, 0.01783),
    ("autoencoder", 32, (0.015321, 0.00041)),
    ("VAE", 16, tables.Measured(0.02, math.nan)),
    ("not run", None, None),
]
COLUMNS = ("model", "code size", "error (mse)")


def both(columns=COLUMNS, rows=ROWS, **named) -> tuple[str, str]:
    """Return the HTML and the text of a table."""
    ((data, metadata),) = outputs(tables.show, columns, rows, **named)
    assert (set(data), metadata) == ({"text/html", "text/plain"}, {})
    return data["text/html"], data["text/plain"]


def cells(rich: str) -> list[list[str]]:
    """Return the cells of an HTML table as a page shows them, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", rich)
    return [[words(cell) for cell in re.findall(r"<t[hd].*?>.*?</t[hd]>", row)] for row in rows]


def test_the_text_is_aligned_and_reads_well():
    _, plain = both(caption="Held-out error", best={"error (mse)": "min"}, note="5 seeds; all 5 runs are stored")
    assert plain.splitlines() == [
        "Held-out error",
        "model        code size       error (mse)",
        "────────────────────────────────────────",
        "the mean             0  0.0670",
        "PCA                 32  0.0178",
        "autoencoder         32  0.0153 ± 0.0004*",
        "VAE                 16  0.0200",
        "not run              –       –",
        "5 seeds; all 5 runs are stored",
        "* best of its column",
    ]


@pytest.mark.parametrize("live", [(), ("error (mse)", "code size")])
def test_page_and_text_hold_the_same_cells(live):
    rich, plain = both(best={"error (mse)": "min"}, live=live)
    head, *rows = cells(rich)
    assert head == list(COLUMNS)
    lines = plain.replace("~", " ").replace("*", " ").splitlines()
    assert [re.split(r"\s{2,}", line.strip()) for line in (lines[0], *lines[2:7])] == [head, *rows]


def test_a_page_has_numbers_to_the_right_and_texts_to_the_left_on_any_ground():
    rich, _ = both(caption="Held-out error", note="5 seeds", live=("error (mse)",), best={"error (mse)": "min"})
    sides = re.findall(r'<td align="(\w+)" style="text-align:(\w+);', rich)
    assert sides == [(side, side) for _ in ROWS for side in ("left", "right", "right")]
    assert re.search(r"<caption[^>]*>Held-out error</caption><thead>", rich)
    assert re.search(r'</table><div style="[^"]*font-size:\.85em[^"]*">5 seeds</div>$', rich)
    assert not re.search(r"color|background|#[0-9a-f]{3}", rich)
    assert "<small>± 0.0004</small>" in rich
    assert both()[0].count("<caption") == both()[0].count("<div") == 0


def test_what_is_quoted_is_escaped():
    hostile = "<b>&amp; x < y"
    rich, plain = both((hostile, "n"), [(hostile, 1)], caption=hostile, note=hostile)
    assert rich.count(html.escape(hostile, quote=False)) == 4
    assert "<b>" not in rich
    assert plain.count(hostile) == 4


@pytest.mark.parametrize(
    ("values", "aim", "best"),
    [
        ((3.0, 1.0, 2.0), "min", [1]),
        ((3.0, 1.0, 2.0), "max", [0]),
        ((3.001, 3.002, 9.0), "min", [0, 1]),  # alike as shown
        (((3.0, 0.1), (1.0, 5.0), 2.0), "min", [1]),
        ((np.nan, -1.0, np.inf), "max", [1]),
        ((None, "failed", 7), "max", [2]),
        ((-5, -3, -4), "max", [1]),
    ],
)
def test_the_best_value_is_bold_and_has_a_star(values, aim, best):
    rows = [(str(i), value) for i, value in enumerate(values)]
    rich, plain = both(("row", "value"), rows, best={"value": aim}, digits={"value": 1})
    body = re.findall(r"<tr>(.*?)</tr>", rich)[1:]
    assert [i for i, row in enumerate(body) if "<strong>" in row] == best
    assert [i for i, line in enumerate(plain.splitlines()[2:5]) if line.endswith("*")] == best


@pytest.mark.parametrize(
    ("values", "digits", "shown"),
    [
        ((0.0153, 0.0671), None, ["0.0153", "0.0671"]),
        ((103.0, 1.58), None, ["103.0", "1.6"]),
        ((0.5, 0.25), None, ["0.500", "0.250"]),
        ((5418.2, 12345.0), None, ["5,418", "12,345"]),
        ((1e-9, 2.0), None, ["1.00e-09", "2"]),  # no decimals suit both
        ((3, 1_000_000), None, ["3", "1,000,000"]),
        ((np.int64(3), np.float32(0.25)), None, ["3", "0.250"]),
        ((0.0, 0.0), None, ["0.00", "0.00"]),
        ((np.nan, np.inf), None, ["nan", "inf"]),
        ((12.3456, -0.5), 2, ["12.35", "-0.50"]),
        ((12.3456, 1), 0, ["12", "1"]),
        (((91.23, 0.04), (90.0, 2.0)), None, ["91.23 ± 0.04", "90.00 ± 2.00"]),
        (((91.23, 0.04), 90.0), 1, ["91.2 ± 0.0", "90.0"]),
        (((3, 0.5), 4), None, ["3 ± 0.50", "4"]),
    ],
)
def test_numbers_get_the_decimals_of_their_column(values, digits, shown):
    rich, _ = both(("value",), [(v,) for v in values], digits=None if digits is None else {"value": digits})
    assert [row[0] for row in cells(rich)[1:]] == shown


def test_measured_is_mean_and_standard_deviation():
    values = np.array([1.0, 2.0, 6.0])
    assert tables.Measured.of(values) == (values.mean(), pytest.approx(math.sqrt(7)))
    one = tables.Measured.of([4])
    assert one.mean == 4
    assert math.isnan(one.spread)
    with pytest.raises(ValueError, match="`values` must be an array with 1 dimensions"):
        tables.Measured.of([[1.0]])


def test_hats_take_no_room_and_chinese_letters_two():
    _, plain = both(("word", "n"), [("x\u0302", 1), ("自编码器", 2), ("code", 3)])
    assert plain.splitlines()[2:] == ["x\u0302" + " " * 9 + "1", "自编码器  2", "code" + " " * 6 + "3"]


# --- what is compared ----------------------------------------------------------------------------


def seen(error, seconds, *, live=("seconds",), **named) -> list[str]:
    rows = [("PCA", error, seconds, "fast"), ("autoencoder", 0.5, (seconds, 0.25), "slow"), ("none", 0.25, None, "")]
    columns = ("model", "error", "seconds", "remark")
    return [compared(form) for form in both(columns, rows, live=live, **named)]


def test_a_comparison_masks_live_columns_whatever_their_width():
    first = seen(0.75, 1.25)
    for other in (1.5, 123.45, 98765.4, 0.0001234, 3e-9, 1e12, -4.5):
        assert seen(0.75, other) == first
    rich, plain = first
    assert "1.25" not in rich + plain


def test_a_comparison_sees_everything_else():
    for first, other in zip(seen(0.75, 1.25), seen(0.76, 1.25), strict=True):
        assert first != other  # a stored number
    forms = [both(("s",), [(1.5,), (cell,)], live=("s",)) for cell in (2.5, None, "failed")]
    for form in zip(*forms, strict=True):
        assert len(set(map(compared, form))) == 3  # a number, none, and a word
    for first, other in zip(seen(0.75, 1.25, live=()), seen(0.75, 1.5, live=()), strict=True):
        assert first != other
    for first, other in zip(seen(0.75, 1.25, note="3 seeds"), seen(0.75, 1.25, note="5 seeds"), strict=True):
        assert first != other


def test_a_comparison_sees_another_winner_among_live_numbers():
    rows = [("a", 1.0, 0.0), ("b", 2.0, 0.0)]
    first, other = (both(("m", "s", "n"), rows, live=("s",), best={"s": aim})[1] for aim in ("min", "max"))
    assert compared(first) != compared(other)


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"columns": "abc"}, TypeError, "`columns` must be texts. Received: 'abc'"),
        ({"columns": ("a", 1, "b")}, TypeError, "`columns` must be texts"),
        ({"columns": ("a", "b", "a")}, ValueError, "`columns` must be headings that differ"),
        ({"columns": (), "rows": [()]}, ValueError, "`columns` must be headings .* at least one"),
        ({"rows": []}, TypeError, "`rows` must be a list of rows, at least one. Received: \\[\\]"),
        ({"rows": "abc"}, TypeError, "`rows` must be a list of rows"),
        (
            {"rows": [("a", 1, 2), ("b", 1)]},
            ValueError,
            "`rows` must be sequences of 3 cells each. Received: \\('b', 1\\)",
        ),
        ({"rows": ["abc"]}, ValueError, "`rows` must be sequences of 3 cells"),
        ({"rows": [5]}, ValueError, "`rows` must be sequences of 3 cells"),
        ({"rows": [("a", True, 1)]}, TypeError, "`rows` must be rows of texts, numbers, .* Received: True"),
        ({"rows": [("a", (1, 2, 3), 1)]}, TypeError, "`rows` must be rows of texts"),
        ({"rows": [("a", (1, "b"), 1)]}, TypeError, "`rows` must be rows of texts"),
        ({"rows": [("a", 1j, 1)]}, TypeError, "`rows` must be rows of texts"),
        ({"best": {"mse": "min"}}, ValueError, "`best` must be one of 'model', .* Received: 'mse'"),
        ({"best": {"code size": "least"}}, ValueError, "`best` must be one of 'min', 'max'"),
        (
            {"best": {"model": "min"}},
            ValueError,
            "`best` must be columns of numbers. Received: 'model', which has none",
        ),
        ({"digits": {"mse": 2}}, ValueError, "`digits` must be one of 'model'"),
        ({"digits": {"code size": 13}}, ValueError, "`digits` must be an integer .* at most 12"),
        ({"digits": {"code size": "2"}}, TypeError, "`digits` must be an integer"),
        ({"live": "code size"}, TypeError, "`live` must be texts"),
        ({"live": ("mse",)}, ValueError, "`live` must be one of 'model'"),
        ({"caption": 3}, TypeError, "`caption and note` must be texts"),
        ({"note": None}, TypeError, "`caption and note` must be texts"),
        ({"rows": [("a" * 90, 1, 2)]}, ValueError, "A table's text is 114 columns wide; at most 100 fit"),
    ],
)
def test_show_refuses(capsys, changes, error, said):
    with pytest.raises(error, match=said):
        tables.show(**({"columns": COLUMNS, "rows": ROWS} | changes))
    assert capsys.readouterr().out == ""


def test_a_table_may_be_a_hundred_columns_wide_and_long_words_around_it_are_wrapped():
    wide = "a" * (100 - len("  code size  error (mse)"))
    _, plain = both(rows=[(wide, 1, 2)], caption="word " * 50, note="word " * 50)
    assert max(map(len, plain.splitlines())) == 100
