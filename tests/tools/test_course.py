"""tools/course.py: what it measures, what it writes, and that the repository is up to date."""

from __future__ import annotations

import json
import types
from pathlib import Path

import nbformat
import pytest

from tools import cells, course, notebooks, sizes

ROOT = Path(__file__).resolve().parents[2]
OLD = "**Reading** 1 min · **working through** 2 min · **runs in** 3 s<!-- times -->"
HEADER = f"# 5 · A lesson: a story\n\n[Open](a.ipynb)\n\n{OLD}\n\nText."


def markdown(source: str):
    return nbformat.v4.new_markdown_cell(source)


def code(source: str, *outputs, tags=()):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)} if tags else {})


def display(**forms: str):
    return nbformat.v4.new_output("display_data", {name.replace("_", "/"): text for name, text in forms.items()})


def lesson(*more, header: str = HEADER):
    cells = [markdown(header), code("a = 1\n\nb = 2", display(image_png="iVBORw0KGgo=")), *more]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = dict(notebooks.KERNEL)
    return notebook


# --- the repository ------------------------------------------------------------------------------


def test_nothing_that_course_writes_is_out_of_date():
    written = []

    def write_whole(path, contents):
        written.append(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course, "write_whole", write_whole)
        changed = course.write(course.read())
    assert not written, "run `make lessons`"
    assert changed == []


@pytest.mark.parametrize("path", ["README.md", "notebooks/text/00_start_here.py", "notebooks/00_start_here.ipynb"])
def test_readme_and_lesson_0_hold_the_table(path):
    text = (ROOT / path).read_text("utf-8")
    assert text.count("<!-- lessons -->") == text.count("<!-- /lessons -->") == 1
    assert text.count("| the question it answers |") == 1


def test_every_lesson_of_the_repository_has_a_question():
    names = {notebooks.name_of(path) for path in notebooks.texts([])}
    assert {name for name in names if name[:2].isdigit()} == {name for name in course.QUESTIONS if name[:2].isdigit()}


# --- measuring -----------------------------------------------------------------------------------


def test_words_are_those_that_are_read():
    text = (
        "One two, three-four isn't x'y 5.\n\n`code span` $x + y$\n\n```\nfenced words\n```\n\n"
        "[link](https://example.org/long/a.b)<!-- mark -->\n\n"
        "<details><summary>fold</summary>\n\n| a | b |\n| --- | --- |\n</details>"
    )
    # The header: five words in the title, one in the link, and Text; not the line of times.
    assert sizes.measure(lesson(), None).words == 7
    assert sizes.measure(lesson(markdown(text)), None).words == 7 + 6 + 1 + 1 + 2
    assert (
        sizes.measure(lesson(markdown("## References\n\nMany words here."), markdown("Of one section.")), None).words
        == 7
    )
    table = "<!-- lessons -->\n\n| a | b |\n\n<!-- /lessons -->"
    assert sizes.measure(lesson(markdown(table)), None).words == 7


def test_lines_are_those_that_a_reader_sees():
    assert sizes.measure(lesson(), None).lines == 2  # no blank one
    hidden = code("c = 3", tags=["hide-input"])
    exercise = code("from aetutorial.exercises import lesson05"), code("lesson05.a.check(None)")
    assert sizes.measure(lesson(hidden, *exercise), None).lines == 2
    assert sizes.measure(lesson(code("c = 3", tags=["hide-output"])), None).lines == 3


def test_sections_figures_claims_numerals_and_asides_are_counted():
    more = [
        markdown(
            "## One\n\n1, 2.5 and (an aside) here\n\n### No section (core)\n\n## Exercises\n\n## References\n\n(none) 4"
        ),
        markdown("## Two\n\n(as here) (3) [a](b_(c).ipynb)"),
        code(
            "1",
            display(image_svg="<svg>", text_plain="Figure: a"),
            display(text_plain="✓ n (measured 3; must exceed 2)"),
        ),
        code(
            "1",
            nbformat.v4.new_output(
                "stream", text="✓ n (measured 3; must exceed 2)\n✓ Correct. 3\n✓ m (measured 3; must exceed 2)\n"
            ),
        ),
    ]
    more[2].outputs[0].data = {"image/svg+xml": "<svg>", "text/plain": "Figure: a"}
    size = sizes.measure(lesson(*more), 20)
    assert (size.sections, size.figures, size.claims, size.numerals, size.asides) == (2, 2, 3, 3, 2)
    assert size.equations == 0
    formulas = markdown("$$a$$ and\n\n$$\nb = 1\n$$\n\n`$$c$$`\n\n```\n$$d$$\n```")
    assert sizes.measure(lesson(formulas), 20).equations == 2


def test_exercises_are_counted_once_with_their_stars(monkeypatch):
    home = types.SimpleNamespace(
        easy=types.SimpleNamespace(stars=1), hard=types.SimpleNamespace(stars=3), old=types.SimpleNamespace()
    )

    def import_module(name):
        if name != "aetutorial.exercises.lesson77":
            raise ModuleNotFoundError(name)
        return home

    monkeypatch.setattr(sizes.importlib, "import_module", import_module)
    sizes.stars.cache_clear()
    source = "\n".join(
        f"lesson77.{name}.prompt()\nlesson77.{name}.check(1)" for name in ("easy", "hard", "old", "gone")
    )
    source += "\nlesson77.easy.check(2)\nlesson78.a.check(3)\n# lesson77.easy.check(4)"
    assert sizes.measure(lesson(code(source)), 20).exercises == (1, 3, 2, 2, 2)
    sizes.stars.cache_clear()


def test_the_stars_of_a_real_exercise_lie_between_1_and_3():
    assert sizes.stars("lesson05.no_such_exercise") == 2
    texts = {notebooks.name_of(path): notebooks.read_text(path) for path in notebooks.texts(["05"])}
    names = cells.exercises(texts["05_denoising_and_anomalies"])
    assert len(names) >= 3
    assert all(sizes.stars(name) in (1, 2, 3) for name in names)


def size(**changes):
    plain = {"words": 2000, "lines": 250, "sections": 5, "figures": 10, "claims": 4, "numerals": 60, "asides": 7}
    return sizes.Size(**{**plain, "exercises": (1, 2, 3), "seconds": 90.0, **changes})


def test_times_are_computed_from_what_was_measured():
    # 2000 / 150 + 250 / 25 + 0.5 * 10 = 28.3 minutes of reading, and 3 + 8 + 15 of exercises, and 1.5 of computing
    assert (size().reading, size().working) == (30, 55)
    assert (size(words=1874).reading, size(words=1875).reading, size(words=2900).reading) == (25, 30, 35)
    assert (size(equations=2).reading, size(equations=6).reading) == (30, 35)  # 1.5 and 4.5 minutes more
    assert (size(seconds=7 * 60).working, size(exercises=()).working) == (60, 30)
    assert (size(words=0, lines=0, figures=0, exercises=(), seconds=1.0).reading) == 5
    expected = "**Reading** 30 min · **working through** 55 min · **runs in** 90 s<!-- times -->"
    assert course.times_line(size()) == expected
    assert course.TIMES_LINE.search(expected)
    assert course.times_line(size(seconds=None)) is None


@pytest.mark.parametrize(
    ("seconds", "stated"), [(0.3, 5), (7.4, 5), (7.6, 10), (17.5, 20), (24, 20), (25, 30), (136, 140)]
)
def test_run_times_are_stated_coarsely(seconds, stated):
    assert sizes.duration(seconds) == stated


# --- writing -------------------------------------------------------------------------------------


def test_fill_replaces_what_is_marked_and_nothing_else():
    text = "a\n\n**Reading** 9 min, by hand<!-- times -->\n\n<!-- lessons -->\nold\n<!-- /lessons -->\n\nb"
    filled = course.fill(text, line="NEW<!-- times -->", tables={"lessons": "| a |\n| b |"})
    assert filled == "a\n\nNEW<!-- times -->\n\n<!-- lessons -->\n\n| a |\n| b |\n\n<!-- /lessons -->\n\nb"
    assert course.fill(filled, line="NEW<!-- times -->", tables={"lessons": "| a |\n| b |"}) == filled
    assert course.fill(text) == text
    unmarked = "The comment `<!-- times -->` ends a line: `<!-- times -->`\n<!-- lessons -->\n"
    assert course.fill(unmarked, line="NEW", tables={"lessons": "NEW"}) == unmarked


def test_fill_in_a_text_pair():
    text = "# a\n# OLD<!-- times -->\n#\n# <!-- lessons -->\n# <!-- /lessons -->\n\n# %%\nx = 1\n"
    filled = course.fill(text, line="NEW<!-- times -->", tables={"lessons": "| a |"}, prefix="# ")
    block = "# <!-- lessons -->\n#\n# | a |\n#\n# <!-- /lessons -->"
    assert filled == f"# a\n# NEW<!-- times -->\n#\n{block}\n\n# %%\nx = 1\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course of a start, a lesson, a deeper one and a reference; all executed but the last."""
    home = tmp_path / "notebooks"
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "FOLDERS", (home, home / "deeper"))
    monkeypatch.setattr(notebooks, "TIMES", home / "run_times.json")
    table = "## Way\n\n<!-- lessons -->\n<!-- /lessons -->\n\nAfter."
    parts = {
        "00_start_here": lesson(markdown(table)),
        "05_denoising_and_anomalies": lesson(),
        "deeper/05_more": lesson(header=HEADER.replace("5 · A lesson: a", "5, deeper · Scores: a")),
        "reference": nbformat.v4.new_notebook(cells=[markdown("# Reference: notation and glossary")]),
    }
    for name, notebook in parts.items():
        path = home / f"{name}.ipynb"
        (path.parent / "text").mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        notebooks.jupytext.write(notebook, path.parent / "text" / f"{path.stem}.py", fmt="py:percent")
    times = {"00_start_here": 7, "05_denoising_and_anomalies": 100, "deeper/05_more": 31}
    notebooks.TIMES.write_text(json.dumps({name: {"seconds": seconds} for name, seconds in times.items()}))
    (tmp_path / "README.md").write_text("# Course\n\n<!-- lessons -->\n<!-- /lessons -->\n\nEnd.\n", encoding="utf-8")
    return home


def test_write_fills_notebooks_text_pairs_and_readme(folder):
    before = {path: nbformat.read(path, as_version=4) for path in folder.rglob("*.ipynb")}
    changed = course.write(course.read())
    names = ["00_start_here", "05_denoising_and_anomalies", "deeper/05_more"]
    pairs = [folder / f"{name}.ipynb" for name in names]
    pairs += [path.parent / "text" / f"{path.stem}.py" for path in pairs]
    assert sorted(changed) == sorted([*pairs, folder.parent / "README.md"])

    for path, old in before.items():
        new = nbformat.read(path, as_version=4)
        text = notebooks.read_text(path.parent / "text" / f"{path.stem}.py")
        assert notebooks.sources(new) == notebooks.sources(text)
        assert [cell.get("outputs") for cell in new.cells] == [cell.get("outputs") for cell in old.cells]
        assert [cell.id for cell in new.cells] == [cell.id for cell in old.cells]
        if path.stem != "reference":
            assert "**runs in** 3 s" not in new.cells[0].source
            assert new.cells[0].source.endswith("<!-- times -->\n\nText.")
    lesson_5 = nbformat.read(pairs[1], as_version=4).cells[0].source
    assert "**Reading** 5 min · **working through** 5 min · **runs in** 100 s<!-- times -->" in lesson_5

    first, question = (course.QUESTIONS[name] for name in names[:2])
    rows = [
        "| lesson | the question it answers | reading | working through | runs in |",
        "| --- | --- | --- | --- | --- |",
        f"| [0 Start here](notebooks/00_start_here.ipynb) | {first} | 5 min | 5 min | 5 s |",
        "| [5 Denoising and anomalies](notebooks/05_denoising_and_anomalies.ipynb) "
        f"| {question} | 5 min | 5 min | 100 s |",
        "| [5, deeper: Scores](notebooks/deeper/05_more.ipynb) | A story | 5 min | 5 min | 30 s |",
        "| [Reference](notebooks/reference.ipynb) | Notation and glossary | – | – | – |",
    ]
    readme = (folder.parent / "README.md").read_text("utf-8")
    assert readme == "\n".join(["# Course\n\n<!-- lessons -->\n", *rows, "\n<!-- /lessons -->\n\nEnd.\n"])
    own = [row.replace("notebooks/", "") for row in rows if "start_here" not in row]
    start = nbformat.read(pairs[0], as_version=4).cells[-1].source
    assert start == "\n".join(["## Way\n\n<!-- lessons -->\n", *own, "\n<!-- /lessons -->\n\nAfter."])


def test_a_second_time_nothing_is_written(folder, capsys):
    course.main([])
    first = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    assert "written: README.md\n" in capsys.readouterr().out
    course.main(["--quiet"])
    assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == first
    assert capsys.readouterr().out == ""


def test_a_lesson_that_was_never_run_keeps_its_line(folder):
    notebooks.TIMES.unlink()
    course.write(course.read())
    assert OLD in (folder / "05_denoising_and_anomalies.ipynb").read_text("utf-8")
    assert OLD in (folder / "text" / "05_denoising_and_anomalies.py").read_text("utf-8")


def test_an_edit_that_was_not_run_yet_is_kept(folder):
    text = folder / "text" / "05_denoising_and_anomalies.py"
    text.write_text(text.read_text("utf-8").replace("a = 1", "a = 7"), encoding="utf-8")
    course.write(course.read())
    assert "a = 7" in text.read_text("utf-8")
    assert OLD not in text.read_text("utf-8")
    assert "a = 1" in (folder / "05_denoising_and_anomalies.ipynb").read_text("utf-8")


def test_a_lesson_without_a_question_is_an_error(folder):
    (folder / "05_denoising_and_anomalies.ipynb").rename(folder / "05_new.ipynb")
    with pytest.raises(SystemExit, match=r"Which question does 05_new answer\? Add it to QUESTIONS"):
        course.write(course.read())


# --- the mirror ----------------------------------------------------------------------------------


def test_the_mirror_has_a_row_for_each_lesson_and_one_for_the_aims():
    long = size(words=12_345, lines=1_234, figures=0, numerals=1_235, asides=123, seconds=1234.0)
    names = ("01_concepts", "deeper/04_dimensionality_reduction", "reference")
    shown = sizes.mirror(dict(zip(names, (size(), long, size(seconds=None)), strict=True))).splitlines()
    assert max(map(len, shown)) <= 110
    assert [line.split()[0] for line in shown[2:]] == ["01_concepts", "deeper/04_dimensionality_re", "reference", "aim"]
    assert shown[2].split()[1:] == ["2000", "250", "5", "10", "200", "4", "3.0", "7", "55", "90", "s"]
    assert shown[3].split()[4:6] == ["0", "-"]
    assert shown[-1].split()[1:] == ["2500", "250", "4-6", "400", "3-5", "45-60"]
    # Each aim stands below what it is about.
    head = shown[1]
    for name, aim in (("words", "2500"), ("sections", "4-6"), ("figure", "400"), ("claims", "3-5"), ("min", "45-60")):
        end = head.index(f" {name} ") + 1 + len(name) if name != "figure" else head.rindex("figure") + len("figure")
        assert shown[-1][:end].endswith(aim), name
