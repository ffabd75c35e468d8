"""Every notebook keeps the rules of lesson_rules.py; and every rule notices what it is there for."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import lesson_rules
import nbformat
import pytest
from lesson_rules import RULES, Lesson, course, pairs, sizes

FOLDERS = pairs.FOLDERS
NOTEBOOKS = [path for folder in FOLDERS for path in sorted(folder.glob("*.ipynb"))]
PICTURE = "iVBORw0KGgo="


# --- the notebooks -------------------------------------------------------------------------------


def test_there_are_notebooks():
    assert NOTEBOOKS, "no notebook was found, so the tests below would say nothing"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_notebook_has_a_text_pair(folder):
    assert not lesson_rules.folder_faults(folder)


def test_run_times_are_those_of_the_notebooks():
    times = set(lesson_rules.read_times())
    run = [path for path in NOTEBOOKS if pairs.has_code(nbformat.read(path, as_version=4))]
    assert times == {pairs.name_of(path) for path in run}, "run `make notebooks`"


def test_no_notebook_is_left_in_a_folder_that_nothing_reads():
    found = {path.parent for path in (pairs.ROOT / "notebooks").rglob("*.ipynb")}
    assert {folder for folder in found if folder.name != ".ipynb_checkpoints"} == set(FOLDERS)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=pairs.name_of)
def lesson(request) -> Lesson:
    return lesson_rules.load(request.param)


@pytest.mark.parametrize("rule", RULES)
def test_notebook(lesson, rule):
    faults = list(RULES[rule](lesson))
    assert not faults, f"{lesson.name}:\n" + "\n".join(faults)


# --- the rules, on a notebook that breaks each ---------------------------------------------------

HEADER = """# 5 · A lesson

**Reading** 5 min · **working through** 25 min · **runs in** 20 s<!-- times -->

Read [the other](06_other.ipynb#The-first-(core)) first, then [below](#An-idea-(core)), and [this](https://example.org/a_(b)).
<details><summary>More</summary>

`<div>` and $a<b$ or $b>c$ are no HTML, nor is <https://example.org>.

```
# no heading
<table>
```
</details>"""


def stream(text: str, name: str = "stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def display(**metadata):
    """Return an output that shows text in the forms given, "html" for "text/html"."""
    forms = {name: metadata.pop(name) for name in ("plain", "html", "markdown") if name in metadata}
    bundle = {f"text/{name}": text for name, text in forms.items()}
    return nbformat.v4.new_output("display_data", bundle, metadata=metadata)


def figure(alt: str | None = "A line that falls from left to right.", kind: str = "image/png"):
    metadata = {kind: {"alt": alt}} if alt is not None else {}
    return nbformat.v4.new_output("display_data", {kind: PICTURE}, metadata=metadata)


def markdown(source: str):
    return nbformat.v4.new_markdown_cell(source)


def code(source: str, *outputs, tags=()):
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


DONE = display(plain="✓ n (measured 3; must exceed 0)", html="<span>✓</span>")


def exercises(count: int = 3, module: str = "lesson05"):
    return [code(f"{module}.task{i}.check(None)", stream("○ Not attempted yet.\n")) for i in range(count)]


def cells():
    """The cells of a small lesson that keeps every rule; the tests change one thing each."""
    return [
        markdown(HEADER),
        code("from aetutorial import lesson\nlesson.begin(5)", stream("Lesson 5.\n")),
        code("n = 3", tags=["parameters"]),
        markdown("## An idea (core)\n\nText."),
        code("def f(x):\n    print(x)\n    return lambda: print(x)"),
        code("print(n)\nlesson.claim('n', n, above=2)", stream("3\n"), DONE),
        markdown("Look."),
        code("%matplotlib inline\nplotting.show(fig, 'alt')", figure()),
        markdown("## Exercises"),
        code("from aetutorial.exercises import lesson05"),
        *exercises(),
    ]


def made(folder: Path, changed, name: str = "05_lesson") -> Lesson:
    """Return a lesson of these cells, executed in order unless a cell says otherwise."""
    folder.mkdir(exist_ok=True)
    other = nbformat.v4.new_notebook(cells=[markdown("# 6\n\n## The first (core)")])
    nbformat.write(other, folder / "06_other.ipynb")
    notebook = nbformat.v4.new_notebook(cells=changed)
    notebook.metadata["kernelspec"] = dict(pairs.KERNEL)
    for i, cell in enumerate((c for c in changed if c.cell_type == "code"), 1):
        cell.execution_count = cell.execution_count or i
    return Lesson(
        path=folder / f"{name}.ipynb",
        notebook=notebook,
        text=copy.deepcopy(notebook),
        times={"seconds": 19.0, "slowest_cell_seconds": 5.0, "peak_megabytes": 800.0},
        size=5000,
    )


def all_faults(lesson: Lesson) -> dict[str, str]:
    found = {name: "\n".join(function(lesson)) for name, function in RULES.items()}
    return {name: text for name, text in found.items() if text}


def test_claims_add_no_lines_to_a_cell_of_the_first_edition(tmp_path):
    long = [f"a{i} = {i}" for i in range(24)]
    claim = "lesson.claim(\n    'n',\n    3,\n    above=2,\n)"
    cell = code("\n".join([*long, f"print(3)\n{claim}"]), stream("3\n"), DONE)
    only = code(claim, DONE)
    assert all_faults(made(tmp_path, insert(cell, only)(cells()))) == {}
    cell.source = f"b = 0\n{cell.source}"
    assert "26 lines" in all_faults(made(tmp_path, insert(cell)(cells())))["cells_are_short"]


@pytest.mark.parametrize("name", ["05_lesson", "03_lesson"])
def test_a_good_lesson_keeps_every_rule(tmp_path, name):
    changed = cells()
    changed[-3:] = exercises(module=f"lesson{name[:2]}")
    assert all_faults(made(tmp_path, changed, name)) == {}


def insert(*new):
    """Put cells, with prose before them, ahead of the exercises."""
    return lambda changed: [*changed[:8], markdown("Text."), *new, *changed[8:]]


def replace(index: int, new):
    return lambda changed: [*changed[:index], new, *changed[index + 1 :]]


def header(old: str, new: str):
    return replace(0, markdown(HEADER.replace(old, new)))


def stated(lesson):
    """Let the first cell say what course.py would write."""
    line = course.times_line(sizes.measure(lesson.notebook, lesson.times["seconds"]))
    lesson.notebook.cells[0].source = course.fill(lesson.notebook.cells[0].source, line=line)
    lesson.text = copy.deepcopy(lesson.notebook)
    return lesson


def times(**changes):
    def change(lesson):
        lesson.times |= changes
        stated(lesson)

    return change


def unexecuted(count: int | None):
    def change(lesson):
        lesson.notebook.cells[4].execution_count = count

    return change


def ignored(source: str):
    return code(source, stream("3\n"), DONE, tags=["nbval-ignore-output"])


CLAIM = "lesson.claim('n', 3, above=2)"
ERROR = nbformat.v4.new_output("error", ename="KeyError", evalue="", traceback=[])
LISTING = nbformat.v4.new_output("execute_result", {"text/plain": "'C:\\\\Users\\\\me'"})
LONG = "\n".join(f"a{i} = {i}" for i in range(26))
MODEL = "keras.Sequential([])\n" + "\n".join(f"a{i} = {i}" for i in range(40))

# Rule, what its message says, and the change to the cells above that breaks it.
BAD_CELLS = [
    ("outputs_stored", "`print`", insert(code("print(1)"))),
    ("outputs_stored", "`print`", insert(code("for i in f():\n    print(i)"))),
    ("outputs_stored", "`plotting.show`", insert(code("plotting.show(fig, 'a')", stream("a")))),
    ("outputs_stored", "`lesson.claim`", insert(code(CLAIM, stream("another\n")))),
    ("outputs_stored", "`lesson05.task9.check`", insert(code("lesson05.task9.check(1)"))),
    ("outputs_stored", "`lesson05.task9.prompt`", insert(code("lesson05.task9.prompt()"))),
    ("no_stored_errors", "stored traceback of KeyError", insert(code("1", ERROR))),
    ("no_stored_errors", "standard error 'oneDNN", insert(code("1", stream("oneDNN", "stderr")))),
    ("figures_have_words", "alternative text ''", insert(code("1", figure(None)))),
    ("figures_have_words", "alternative text 'A line.'", insert(code("1", figure("A line.")))),
    ("figures_have_words", "image without", insert(markdown("![](https://example.org/a.png)"))),
    ("lines_fit", "a printed line of 101 characters", insert(code("1", stream("ab\n" + "-" * 101)))),
    *[
        ("no_local_paths", f"'/{top}'", insert(cell))
        for top in ("home", "Users", "work", "root", "tmp")
        for cell in (
            markdown(f"See file:///{top}/me."),
            code(f"p = '/{top}/me/data'"),
            code("1", stream(f"/{top}/me/4.py:1")),
        )
    ],
    ("no_local_paths", "Users'", insert(code("1", LISTING))),
    ("no_local_paths", "'site-packages'", insert(code("1", stream("lib/site-packages/a.py")))),
    ("nothing_defeats_nbval", "trailing `;`", insert(code("ax.plot(x);  # quiet"))),
    ("nothing_defeats_nbval", "replaces another", insert(code("display.clear_output()"))),
    ("nothing_defeats_nbval", "nbval comment", insert(code("# NBVAL_IGNORE_OUTPUT\na = 1"))),
    ("nothing_defeats_nbval", "'nbval-skip'", insert(code("a = 1", tags=["nbval-skip"]))),
    ("nothing_defeats_nbval", "'raises-ex", insert(code("a = 1", tags=["raises-exception"]))),
    (
        "few_outputs_ignored",
        "2 of 8 outputs are not compared",
        insert(ignored("1"), ignored("2"), markdown("So:"), code(CLAIM)),
    ),
    ("few_outputs_ignored", "a claim that is not compared", insert(ignored(CLAIM))),
    ("few_outputs_ignored", "no claim follows", insert(ignored("1"))),
    ("claims_made", "claims nothing", replace(5, code("print(n)", stream("3\n")))),
    ("exercises_counted", "2 exercises", lambda changed: changed[:-1]),
    ("exercises_counted", "6 exercises", lambda changed: [*changed[:-3], *exercises(6)]),
    ("exercises_counted", "another lesson", lambda changed: [*changed, *exercises(1, "lesson04")]),
    ("cells_are_short", "26 lines, where 1 to 25", insert(code(LONG))),
    ("cells_are_short", "41 lines, where 1 to 40", insert(code(MODEL))),
    ("cells_are_short", "0 lines", insert(code(""))),
    ("few_cells", "45 cells of code", insert(*[cell for i in range(40) for cell in (markdown("So."), code("1"))])),
    ("prose_before_code", "first cell is no text", lambda changed: changed[1:]),
    ("prose_before_code", "a third cell", insert(code("1"), code("2"), code("z = 3"))),
    ("plain_markdown", "'<img src=x>'", insert(markdown("A <img src=x>"))),
    ("plain_markdown", "'</div>'", insert(markdown("A</div>"))),
    ("plain_markdown", "'<!--'", insert(markdown("<!-- hidden -->"))),
    ("plain_markdown", "'<!--'", insert(markdown("A word <!-- 0 < 1 -->"))),
    ("headings_in_form", "2 titles", insert(markdown("# Another title"))),
    ("headings_in_form", "0 titles", header("# 5 · A lesson", "A lesson")),
    ("headings_in_form", "'Aside' is marked neither", insert(markdown("## Aside"))),
    ("times_stated", "no line of times", header("<!-- times -->", "")),
    ("times_stated", "no line of times", header("5 min", "five minutes")),
    ("times_stated", "runs in** 40 s<!-- times -->'; by now", header("20 s", "40 s")),
    ("times_stated", "by now they are '**Reading** 15 min", insert(markdown("word " * 2000))),
    ("numbers_held", "has a mark; no run recorded pca", insert(markdown("Small<!-- pca < 1 -->."))),
    ("links_lead_somewhere", "'07.ipynb' leads to a file", insert(markdown("[a](07.ipynb)"))),
    ("links_lead_somewhere", "'#Nowhere' leads to a head", insert(markdown("[a](#Nowhere)"))),
    ("links_lead_somewhere", "'06_other.ipynb#A' leads to a head", insert(markdown("[a](06_other.ipynb#A)"))),
]


@pytest.mark.parametrize(("rule", "said", "change"), BAD_CELLS, ids=[f"{r}-{s}" for r, s, _ in BAD_CELLS])
def test_a_rule_notices_bad_cells(tmp_path, rule, said, change):
    faults = all_faults(made(tmp_path, change(copy.deepcopy(cells()))))
    assert said in faults.get(rule, ""), faults


# Rule, what its message says, and the change to what lies around the cells.
BAD_LESSONS = [
    ("run_in_order", "code cell 3 has execution count None", unexecuted(None)),
    ("run_in_order", "code cell 3 has execution count 7", unexecuted(7)),
    ("python_kernel", "'venv'", lambda it: it.notebook.metadata.kernelspec.update(name="venv")),
    ("python_kernel", "None", lambda it: it.notebook.metadata.pop("kernelspec")),
    ("small_file", "1.6 MB", lambda it: setattr(it, "size", 1_600_000)),
    ("text_pair", "no text pair", lambda it: setattr(it, "text", None)),
    ("text_pair", "first in cell 4", lambda it: it.text.cells[3].update(source="## Other (core)")),
    ("text_pair", "first in cell 3", lambda it: it.text.cells[2].metadata.update(tags=[])),
    ("text_pair", "first in cell 13", lambda it: it.text.cells.pop()),
    ("within_limits", "no entry '05_lesson'", lambda it: setattr(it, "times", None)),
    ("within_limits", "seconds is 180; less than 180", times(seconds=180)),
    ("within_limits", "slowest_cell_seconds is 31", times(slowest_cell_seconds=31)),
    ("within_limits", "peak_megabytes is 1500", times(peak_megabytes=1500)),
]


@pytest.mark.parametrize(("rule", "said", "change"), BAD_LESSONS, ids=[f"{r}-{s}" for r, s, _ in BAD_LESSONS])
def test_a_rule_notices_a_bad_lesson(tmp_path, rule, said, change):
    lesson = made(tmp_path, cells())
    change(lesson)
    faults = all_faults(lesson)
    assert said in faults.pop(rule, ""), faults
    assert not faults  # one change breaks one rule


# --- the second edition --------------------------------------------------------------------------

SECOND_HEADER = """# 1 · Concepts: a question

[Open in Binder](https://example.org/a) · [Open in Colab](https://example.org/b)

**Reading** 5 min · **working through** 25 min · **runs in** 20 s<!-- times -->

Read [the other](06_other.ipynb) first, and [below](#An-idea) again."""
CLAIMS = "\n".join(f"lesson.claim('n', {i}, above=0)" for i in range(3))


def bench(source: str, *outputs):
    return code(source, *outputs, tags=["hide-input"])


def second():
    """The cells of a small lesson in the second edition's form."""
    checked = [code(f"lesson01.task{i}.check(None)", stream("○ Not attempted yet.\n")) for i in range(3)]
    return [
        markdown(SECOND_HEADER),
        code("from aetutorial import lesson\nlesson.begin(1)", stream("Lesson 1.\n")),
        code("n = 3", tags=["parameters"]),
        markdown("## An idea\n\nThe error is 0.0153<!-- pca -->, of 784 pixels, n 3."),
        code("autoencoder = keras.Sequential([keras.layers.Dense(784)])\nautoencoder.compile('adam')"),
        bench(
            "plotting.show(fig, 'a')", figure(kind="image/svg+xml"), display(markdown="*Look.*", plain="Caption: Look.")
        ),
        bench(
            "print(n)\nlesson.record(pca=a)\n" + CLAIMS, stream("3\n"), display(html="", numbers={"pca": 0.01532}), DONE
        ),
        bench("tables.show(a, b)", display(html="<table>", plain="a b")),
        code(
            "from aetutorial.exercises import lesson01\nlesson01.task0.prompt()", display(markdown="**A**", plain="A")
        ),
        *checked,
        markdown("## Another\n\nText."),
        code("z = encoder(x)"),
    ]


def test_a_good_lesson_of_the_second_edition_keeps_every_rule(tmp_path):
    lesson = made(tmp_path, second(), "01_concepts")
    assert lesson.second_edition
    assert all_faults(lesson) == {}
    # Elsewhere the same cells are judged as before.
    assert "headings_in_form" in all_faults(made(tmp_path, second(), "05_lesson"))


def add(*new):
    return lambda changed: [*changed, markdown("Text."), *new]


IDEA = "\n".join(f"a{i} = {i}" for i in range(21))
FOLDED = "\n".join(f"a{i} = {i}" for i in range(61))
BAD_SECOND = [
    ("cells_are_short", "21 lines, where 1 to 20", add(code(IDEA))),
    ("cells_are_short", "61 lines, where 1 to 60", add(bench(FOLDED))),
    *[
        ("ideas_and_bench_apart", f"`{call}` in a cell without the tag `hide-input`", add(code(f"{call}(1)", DONE)))
        for call in (
            *("plotting.show", "tables.show", "plt.plot", "fig.savefig", "ax.plot", "axes[0].set", "ax2.plot"),
            *("lesson.claim", "lesson.record", "lesson.study", "print"),
        )
    ],
    ("ideas_and_bench_apart", "`print` in a cell", add(code("def f():\n    print(1)"))),
    *[
        ("ideas_and_bench_apart", f"`{name}` in a cell that is folded", add(bench(source)))
        for name, source in (
            ("keras.layers.Dense", "a = keras.layers.Dense(3)"),
            ("layers.Dense", "a = f(layers.Dense)"),
            ("keras.Sequential", "a = keras.Sequential()"),
            ("keras.Model", "def f():\n    return keras.Model(a, b)"),
            ("keras.Model", "class A(keras.Model):\n    pass"),
            ("model.compile", "model.compile('adam')"),
        )
    ],
    ("claims_made", "claims 6 things; 3 to 5", add(bench(CLAIMS, DONE))),
    ("claims_made", "claims nothing", lambda changed: [*changed[:6], *changed[7:]]),
    ("claims_made", "claims 1 things", lambda changed: [*changed[:6], bench(CLAIM, DONE), *changed[7:]]),
    ("outputs_stored", "`lesson.claim`", add(bench(CLAIM, display(plain="✗ n (measured 1; must exceed 2)")))),
    ("outputs_stored", "`lesson.claim`", add(bench(CLAIM, stream("Claim holds: n\n")))),
    ("outputs_stored", "`lesson01.task9.check`", add(code("lesson01.task9.check(1)", stream("Correct.\n")))),
    ("outputs_stored", "`lesson.record`", add(bench("lesson.record(a=1)", display(html="")))),
    ("outputs_stored", "`tables.show`", add(bench("tables.show(a, b)", figure()))),
    ("outputs_stored", "`plotting.show`", add(bench("plotting.show(a, b)", display(markdown="*Look.*")))),
    ("outputs_stored", "`lesson01.task9.prompt`", add(code("lesson01.task9.prompt()", display(plain="a")))),
    ("figures_have_words", "text ''", add(bench("1", figure(None, "image/svg+xml")))),
    ("prose_before_code", "a third cell", add(code("1"), bench("2"), code("3"), bench("4"), code("5"))),
    ("numbers_held", "says 0.0171; the run recorded 0.0153 (pca)", add(markdown("It is 0.0171<!-- pca --> here."))),
    ("numbers_held", '"It is 33 here." says 33: no run recorded it', add(markdown("It is 33 here."))),
    (
        "works_offline_and_elsewhere",
        "'https://example.org/a.svg' is not there",
        add(markdown("![Badge](https://example.org/a.svg)")),
    ),
    (
        "works_offline_and_elsewhere",
        "'06_other.ipynb#The-first-(core)' names",
        add(markdown("[a](06_other.ipynb#The-first-(core))")),
    ),
    ("headings_in_form", "2 titles", add(markdown("# Another"))),
]


@pytest.mark.parametrize(("rule", "said", "change"), BAD_SECOND, ids=[f"{r}-{s}" for r, s, _ in BAD_SECOND])
def test_a_rule_notices_bad_cells_of_the_second_edition(tmp_path, rule, said, change):
    faults = all_faults(made(tmp_path, change(second()), "01_concepts"))
    assert said in faults.get(rule, ""), faults


@pytest.mark.parametrize(
    "source",
    ["re.compile('a')", "isinstance(a, keras.Model)", "autoencoder.layers[0].get_weights()", "axis_mean.sum()"],
)
def test_what_a_folded_cell_may_do(tmp_path, source):
    assert not list(RULES["ideas_and_bench_apart"](made(tmp_path, add(bench(source))(second()), "01_concepts")))


def test_an_idea_cell_may_call_what_only_looks_like_a_figure(tmp_path):
    sources = "axis_mean.sum()\nfigures_of(3)\nplotted.sum()\nlesson.stored('a')\nprinted(3)"
    assert not list(RULES["ideas_and_bench_apart"](made(tmp_path, add(code(sources))(second()), "01_concepts")))


def test_the_reference_is_text_only(tmp_path):
    changed = [markdown("# Reference: words\n\nText."), markdown("## Glossary\n\nIn 16 bits.")]
    reference = made(tmp_path, changed, "reference")
    reference.times = None
    assert all_faults(reference) == {}
    changed[1].source = "It is 0.0153."
    assert set(all_faults(reference)) == {"numbers_held", "text_pair"}


def test_every_rule_is_tested():
    assert {rule for rule, _, _ in BAD_CELLS + BAD_LESSONS + BAD_SECOND} == set(RULES)


def test_the_first_four_lessons_are_shorter(tmp_path):
    for name, limit in (("00_a", 90), ("03_a", 90), ("04_a", 180), ("11_a", 300), ("12_a", 180), ("more", 180)):
        lesson = made(tmp_path, cells(), name)
        times(seconds=limit - 1)(lesson)
        assert not list(RULES["within_limits"](lesson))
        times(seconds=limit)(lesson)
        assert list(RULES["within_limits"](lesson)) == [f"seconds is {limit}; less than {limit} is expected"]


def test_what_lesson_0_and_deeper_ones_need_not_have(tmp_path):
    changed = [*cells()[:-3], markdown("## How to read")]
    broken = {"exercises_counted", "headings_in_form"}
    assert set(all_faults(stated(made(tmp_path, changed)))) == broken
    assert set(all_faults(stated(made(tmp_path, changed, "00_start")))) == set()
    deeper = stated(made(tmp_path / "deeper", changed, "11_hybrids"))
    assert (deeper.name, deeper.number) == ("deeper/11_hybrids", None)
    assert set(all_faults(deeper)) == {"headings_in_form"}


def test_load_reads_notebook_text_and_times(tmp_path, monkeypatch):
    lesson = made(tmp_path, cells())
    monkeypatch.setattr(pairs, "TIMES", tmp_path / "run_times.json")
    nbformat.write(lesson.notebook, lesson.path)
    found = lesson_rules.load(lesson.path)
    assert (found.text, found.times) == (None, None)
    assert found.size == lesson.path.stat().st_size

    pairs.TIMES.write_text('{"05_lesson": {"seconds": 3}}')
    (tmp_path / "text").mkdir()
    pairs.jupytext.write(lesson.notebook, tmp_path / "text" / "05_lesson.py", fmt="py:percent")
    found = lesson_rules.load(lesson.path)
    assert found.times == {"seconds": 3}
    assert pairs.sources(found.text) == pairs.sources(found.notebook)
    assert not list(RULES["text_pair"](found))


def test_a_folder_of_pairs(tmp_path):
    (tmp_path / "text").mkdir()
    for name in ("01_a.ipynb", "text/01_a.py", "text/02_b.py", "03_c.ipynb", "03_d.ipynb"):
        (tmp_path / name).touch()
    deeper = tmp_path / "deeper"
    deeper.mkdir()
    for name in ("11_a.ipynb", "11_b.ipynb"):
        (deeper / name).touch()
    assert lesson_rules.folder_faults(deeper) == ["11_a.ipynb has no text pair", "11_b.ipynb has no text pair"]
    assert lesson_rules.folder_faults(tmp_path) == [
        "03_c.ipynb has no text pair",
        "03_d.ipynb has no text pair",
        "text/02_b.py has no notebook",
        "two notebooks 03",
    ]


@pytest.mark.parametrize("innocent", ["https://example.org/tmp/a", "homework/tmp", "a/rootless", "~/data", "/users"])
def test_innocent_paths(innocent):
    assert not re.search(lesson_rules.LOCAL, innocent)
