"""tools/evidence.py: are the studies found on which a claim rests, and only those?"""

from __future__ import annotations

import pytest

from tools import evidence

STUDIES = 'a = lesson.study("a", run, grid, [])\nb = lesson.study("b", run, grid, [])\n'


@pytest.mark.parametrize(
    ("code", "value", "studies"),
    [
        ("", "a.mean('x')", "a"),
        ("", "a.mean('x') - b.mean('x')", "ab"),
        ("", "3", ""),
        ("", 'lesson.study("c", run, grid, []).mean("x")', "c"),
        ("best = a.mean('x')\nother = best + 1", "other", "a"),
        ("low, (high, *rest) = a.mean('x'), b.mean('x')", "rest", "ab"),
        ("best = a.mean('x')\nbest = 3", "best", ""),  # a name used again
        ("best = a.mean('x')\nbest += b.mean('x')", "best", "ab"),
        ("best: float = a.mean('x')", "best", "a"),
        ("rows = {}\nrows['one'] = a.mean('x')\nrows['two'] = 3", "rows", "a"),
        ("box.rows = a.mean('x')", "box", "a"),
        ("rows = []\nrows.append(a.mean('x'))", "rows", "a"),
        ("rows = []\nprint(a.mean('x'))", "rows", ""),
        ("def gap(n):\n    a = n\n    return b.mean('x') + a", "gap(1)", "b"),
        ("def gap(b):\n    return b.mean('x')", "gap(a)", "a"),
        ("def gap():\n    return c\nc = a.mean('x')", "gap()", "a"),
        ("def gap():\n    return c\ndef more():\n    return gap()\nc = b", "more()", "b"),
        ("def gap():\n    return a\ngap = b", "gap", "b"),
        ("class Gap:\n    size = a.mean('x')", "Gap.size", "a"),
        ("for ax, rate in zip(axes, rates):\n    ax.plot(a.mean('x'))", "rate", ""),
        ("for rate in a.values('x'):\n    best = rate", "best", "a"),
        # Two passes: the second one carries on what the first one stored.
        ("new = old = 0\nfor n in (1, 2):\n    new = old\n    old = a", "new", "a"),
        ("new = old = 0\nwhile old:\n    new = old\n    old = a", "new", "a"),
        ("if x:\n    best = a\nelse:\n    worst = b", "best, worst", "ab"),
        ("with opened(a) as file:\n    text = file", "text", "a"),
        ("try:\n    x = a\nexcept E:\n    y = b\nfinally:\n    z = a", "x, y, z", "ab"),
    ],
)
def test_a_value_is_followed_to_its_studies(code, value, studies):
    source = f'{STUDIES}{code}\nlesson.claim("it is so", ({value}), above=0, fails_under="math")\n'
    assert evidence.studies_behind(source) == [("math", frozenset(studies))]


def test_claims_come_in_order_with_their_sabotage():
    source = (
        STUDIES + 'lesson.claim("one", a, above=0, fails_under="no-training")\n'
        'for kind in kinds:\n    lesson.claim("two", b, above=0, fails_under=kind)\n'
    )
    first, *others = evidence.studies_behind(source)
    assert first == ("no-training", {"a"})
    assert set(others) == {(None, frozenset("b"))}


@pytest.mark.parametrize("arguments", ["name, run, grid, []", "3, run", "", "name='a'"])
def test_a_study_without_a_literal_name_is_refused(arguments):
    with pytest.raises(ValueError, match=r"line 2: expected a study's name, a literal, .*; got"):
        evidence.studies_behind(f"x = 3\ny = lesson.study({arguments})\n")
