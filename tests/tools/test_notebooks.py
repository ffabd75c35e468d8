"""tools/notebooks.py and tools/claims.py, on lessons made here; one of them is run in a real kernel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import types
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tools import claims, notebooks

ROOT = Path(__file__).resolve().parents[2]

TEXT = """# %% [markdown]
# # 5 · A lesson
#
# Text with $x$ and ü.

# %%
from aetutorial import lesson

# %% tags=["parameters"]
learning_rate = 0.5


# %%
def double(x):
    return 2 * x


print(double(2))
lesson.claim("The double is large enough", double(2), above=3, fails_under="math")
print("So", end="\\r")
print("It is", end=" ", flush=True)
print("so.")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty course; what a run puts into the environment is taken out again."""
    (tmp_path / "notebooks" / "text").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "jupytext.toml", tmp_path / "notebooks")
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "FOLDERS", (tmp_path / "notebooks", tmp_path / "notebooks" / "deeper"))
    monkeypatch.setattr(notebooks, "TIMES", tmp_path / "notebooks" / "run_times.json")
    for name in ("AETUTORIAL_SABOTAGE", "AETUTORIAL_CLAIM_LOG", "AETUTORIAL_STUDIES"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    yield tmp_path / "notebooks"
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def lesson(folder) -> Path:
    path = folder / "text" / "05_lesson.py"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def no_kernel(monkeypatch):
    """Replace the execution by one that gives each cell of code a count; return what was asked for."""
    asked = []

    def execute(notebook, where, environment=None):
        asked.append((where, environment))
        for i, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
            cell.execution_count = i + 1
            if "raise" in cell.source:
                raise CellExecutionError("traceback", "KeyError", "x")
        return {"seconds": 1.5, "slowest_cell_seconds": 1.0, "peak_megabytes": 90}

    monkeypatch.setattr(notebooks, "execute", execute)
    return asked


def counts(path: Path) -> list[int | None]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.execution_count for cell in cells if cell.cell_type == "code"]


# --- a real run ----------------------------------------------------------------------------------


def test_a_lesson_is_executed_and_stored(folder, lesson, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebooks.main(["run", "05"])
    path = folder / "05_lesson.ipynb"
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    assert counts(path) == [1, 2, 3]
    assert notebooks.sources(stored) == notebooks.sources(notebooks.read_text(lesson))
    printed, claim, after = stored.cells[-1].outputs
    assert (printed.text, after.text) == ("4\n", "It is so.\n")
    assert claim.data["text/plain"] == "✓ The double is large enough (measured 4; must exceed 3)"
    assert claims.stated(lesson) == {"The double is large enough"}
    assert stored.metadata.kernelspec.name == "python3"
    assert not any("execution" in cell.metadata for cell in stored.cells)  # no times of the day

    times = json.loads((folder / "run_times.json").read_text("utf-8"))["05_lesson"]
    assert 0 <= times["slowest_cell_seconds"] <= times["seconds"]
    assert 10 < times["peak_megabytes"] < 2000
    assert capsys.readouterr().out.startswith("05_lesson ... ")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["05_lesson.ipynb", "jupytext.toml", "run_times.json", "text"]


# --- finding and reading text pairs --------------------------------------------------------------


def test_texts_are_found_by_the_start_of_their_names(folder, lesson):
    other = folder / "text" / "06_other.py"
    more = folder / "deeper" / "text" / "05_more.py"
    more.parent.mkdir(parents=True)
    for path in (other, more):
        path.write_text(TEXT, encoding="utf-8")
    assert notebooks.texts([]) == [lesson, other, more]
    assert notebooks.texts(["06"]) == [other]
    assert notebooks.texts(["05"]) == [lesson, more]
    assert notebooks.texts(["deeper/05"]) == notebooks.texts(["deeper"]) == [more]
    assert notebooks.notebook_of(more) == folder / "deeper" / "05_more.ipynb"
    names = ["05_lesson", "deeper/05_more", "deeper/05_more"]
    assert [notebooks.name_of(path) for path in (lesson, more, notebooks.notebook_of(more))] == names
    with pytest.raises(SystemExit, match=r"starts with 07 or 08\. There are: 05_lesson, 06_other, deeper/05_more"):
        notebooks.texts(["07", "08"])


def test_text_is_read_as_a_notebook(lesson):
    notebook = notebooks.read_text(lesson)
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "code"]
    assert notebook.cells[0].source == "# 5 · A lesson\n\nText with $x$ and ü."
    assert notebook.cells[2].metadata.tags == ["parameters"]
    assert len({cell.id for cell in notebook.cells}) == 4
    assert notebook == notebooks.read_text(lesson)  # the same cell ids each time


def test_tags_fold_code_and_outputs(lesson, folder, no_kernel):
    cells = '# %% tags=["hide-input"]\n1\n\n# %% tags=["nbval-ignore-output", "hide-output"]\n2\n\n'
    lesson.write_text(TEXT + "\n" + cells + '# %% [markdown] tags=["hide-input"]\n# Text.\n', encoding="utf-8")
    notebooks.run(["05"])
    stored = nbformat.read(folder / "05_lesson.ipynb", as_version=4)
    nbformat.validate(stored)
    folded = [cell.metadata.get("jupyter") for cell in stored.cells]
    assert folded == [None] * 4 + [{"source_hidden": True}, {"outputs_hidden": True}, None]


def test_what_a_reader_folded_does_not_come_back(folder, lesson, no_kernel):
    lesson.write_text(TEXT + '\n# %% tags=["hide-input"]\n1\n', encoding="utf-8")
    notebooks.run(["05"])
    path = folder / "05_lesson.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].metadata["jupyter"] = {"source_hidden": False}
    notebook.cells[1].metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
    notebook.cells[0].source += " More."
    nbformat.write(notebook, path)
    notebooks.to_text(["05"])
    text = lesson.read_text("utf-8")
    assert "More." in text
    assert "hidden" not in text
    assert '# %% tags=["hide-input"]\n' in text
    again = notebooks.read_text(lesson)
    folded = [cell.metadata.get("jupyter") for cell in again.cells]
    assert folded == [None] * 4 + [{"source_hidden": True}]
    # Nor from a text pair in which it was written by another tool.
    lesson.write_text('# %% jupyter={"source_hidden": true}\n1\n', encoding="utf-8")
    assert "jupyter" not in notebooks.read_text(lesson).cells[0].metadata


def test_sources_see_kind_text_and_tags_only(lesson):
    plain = notebooks.read_text(lesson)
    for change, same in (
        (lambda cell: cell.update(execution_count=3), True),
        (lambda cell: cell.update(outputs=[1]), True),
        (lambda cell: cell.metadata.update(editable=False), True),
        (lambda cell: cell.metadata.update(tags=[]), False),
        (lambda cell: cell.update(source="learning_rate = 1"), False),
        (lambda cell: cell.update(cell_type="raw"), False),
    ):
        changed = notebooks.read_text(lesson)
        change(changed.cells[2])
        assert (notebooks.sources(changed) == notebooks.sources(plain)) is same


# --- run, without a kernel -----------------------------------------------------------------------


def test_run_does_all_lessons_in_their_folders(folder, lesson, no_kernel):
    (folder / "deeper" / "text").mkdir(parents=True)
    (folder / "deeper" / "text" / "05_lesson.py").write_text(TEXT, encoding="utf-8")
    notebooks.run([])
    assert no_kernel == [(folder, None), (folder / "deeper", None)]
    assert set(json.loads(notebooks.TIMES.read_text("utf-8"))) == {"05_lesson", "deeper/05_lesson"}


def test_a_notebook_of_text_only_is_stored_and_not_timed(folder, lesson, no_kernel, capsys):
    (folder / "text" / "reference.py").write_text("# %% [markdown]\n# # Words\n", encoding="utf-8")
    notebooks.run([])
    assert nbformat.read(folder / "reference.ipynb", as_version=4).cells[0].source == "# Words"
    assert no_kernel == [(folder, None)]
    assert set(json.loads(notebooks.TIMES.read_text("utf-8"))) == {"05_lesson"}
    assert "reference ... text only" in capsys.readouterr().out


def test_a_failing_lesson_leaves_the_stored_one(folder, lesson, no_kernel):
    notebooks.run(["05"])
    path = folder / "05_lesson.ipynb"
    before = path.read_bytes()
    lesson.write_text(TEXT + "\n# %%\nraise KeyError('x')\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"failed; 05_lesson.ipynb is left as it was"):
        notebooks.run(["05"])
    assert path.read_bytes() == before


def edit(path: Path, source: str, seconds_later: float) -> None:
    """Edit the notebook's last cell, as a learner's editor would, at a time after the text's."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source = source
    nbformat.write(notebook, path)
    text = path.parent / "text" / f"{path.stem}.py"
    moment = text.stat().st_mtime + seconds_later
    os.utime(path, (moment, moment))


def test_an_edit_made_in_the_notebook_is_not_lost(folder, lesson, no_kernel):
    notebooks.run(["05"])
    path = folder / "05_lesson.ipynb"
    edit(path, "print('mine')", 60)
    with pytest.raises(SystemExit) as refusal:
        notebooks.run(["05"])
    assert "05_lesson.ipynb was edited after its text pair. `make text` carries" in str(refusal)
    assert "notebooks/05_lesson.ipynb` drops it" in str(refusal)

    notebooks.to_text(["05"])
    assert notebooks.read_text(lesson).cells[-1].source == "print('mine')"
    notebooks.run(["05"])
    assert nbformat.read(path, as_version=4).cells[-1].source == "print('mine')"


def test_an_older_notebook_gives_way_to_its_text(folder, lesson, no_kernel):
    notebooks.run(["05"])
    path = folder / "05_lesson.ipynb"
    edit(path, "print('old')", -60)
    notebooks.run(["05"])
    assert "print('old')" not in path.read_text("utf-8")


# --- text ----------------------------------------------------------------------------------------


def test_to_text_keeps_everything_that_a_reviewer_needs(folder, lesson, no_kernel, capsys):
    notebooks.run(["05"])
    path = folder / "05_lesson.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\n- more ü"
    notebook.cells[1].metadata["collapsed"] = True
    notebook.cells[2].metadata["tags"] = ["parameters", "nbval-ignore-output"]
    notebook.cells.append(nbformat.v4.new_code_cell("%matplotlib inline\n1 + 1"))
    nbformat.write(notebook, path)
    capsys.readouterr()
    notebooks.main(["text", "05"])
    assert notebooks.sources(notebooks.read_text(lesson)) == notebooks.sources(notebook)
    assert "collapsed" not in lesson.read_text("utf-8")

    assert not list(lesson.parent.glob("*.ipynb"))

    unchanged = lesson.read_bytes()
    notebooks.to_text(["05"])
    assert lesson.read_bytes() == unchanged


def committed(folder):
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        subprocess.run([*git, *command], check=True)


@pytest.fixture
def both(folder, lesson, no_kernel):
    """The paths of a notebook and its text pair, committed."""
    notebooks.run(["05"])
    committed(folder)
    return folder / "05_lesson.ipynb", lesson


@pytest.mark.parametrize("seconds_later", [-60, 60])
def test_the_edited_notebook_counts_whatever_the_times_of_the_files(both, seconds_later):
    edit(both[0], "print('new')", seconds_later)
    notebooks.to_text(["05"])
    assert "print('new')" in both[1].read_text("utf-8")


@pytest.mark.parametrize("seconds_later", [-60, 60])
def test_a_newer_text_is_not_overwritten(both, seconds_later, capsys):
    notebook, text = both
    text.write_text(TEXT.replace("2 * x", "x + x"), encoding="utf-8")
    moment = text.stat().st_mtime + seconds_later
    os.utime(notebook, (moment, moment))
    before = notebook.read_bytes(), text.read_bytes()
    notebooks.to_text(["05"])
    assert (notebook.read_bytes(), text.read_bytes()) == before
    assert "05_lesson.py is newer than its notebook: run `make notebooks`" in capsys.readouterr().out


def test_a_text_that_was_committed_and_not_run_is_not_overwritten(both, capsys):
    notebook, text = both
    text.write_text(TEXT.replace("2 * x", "x + x"), encoding="utf-8")
    committed(text.parent.parent)
    before = notebook.read_bytes(), text.read_bytes()
    notebooks.to_text(["05"])
    assert (notebook.read_bytes(), text.read_bytes()) == before
    assert "05_lesson.py is newer than its notebook: run `make notebooks`" in capsys.readouterr().out


def test_where_both_were_edited_neither_is_overwritten(both):
    notebook, text = both
    text.write_text(TEXT.replace("2 * x", "x + x"), encoding="utf-8")
    edit(notebook, "print('new')", 60)
    before = notebook.read_bytes(), text.read_bytes()
    with pytest.raises(SystemExit, match=r"05_lesson\.ipynb and .*05_lesson\.py were both edited"):
        notebooks.to_text(["05"])
    assert (notebook.read_bytes(), text.read_bytes()) == before


def test_to_text_without_a_notebook(lesson, capsys):
    notebooks.to_text([])
    assert "05_lesson.ipynb does not exist yet: run `make notebooks`" in capsys.readouterr().out


# --- studies -------------------------------------------------------------------------------------


def test_studies_runs_the_lessons_that_hold_one(folder, lesson, no_kernel):
    (folder / "text" / "06_other.py").write_text("# %%\nlesson.study('a', run, [], [])\n")
    (folder / "text" / "07_prose.py").write_text("# %% [markdown]\n# `lesson.study(` is a call.\n")
    notebooks.studies([])
    assert no_kernel == [(folder, {"AETUTORIAL_STUDIES": "run"})]
    assert list(folder.glob("*.ipynb")) == []  # a study run stores no notebook


def test_studies_ends_with_the_last_study(folder, no_kernel):
    text = "# %%\nlesson.study('a', run, [], [])\n\n# %%\nlesson.study('b', run, [], [])\n"
    (folder / "text" / "06_other.py").write_text(text + "\n# %%\nraise KeyError\n")
    notebooks.studies([])
    assert len(no_kernel) == 1


def test_a_study_that_fails_says_so(folder, no_kernel):
    (folder / "text" / "06_other.py").write_text("# %%\nlesson.study('a', run)\nraise KeyError\n")
    with pytest.raises(SystemExit, match="failed; what was run so far is kept"):
        notebooks.main(["studies"])


# --- execution details ---------------------------------------------------------------------------


class Client:
    """Stand in for nbclient: records what it was given."""

    def __init__(self, notebook, **options):
        Client.options, self.notebook = options, notebook
        self.km = types.SimpleNamespace(provisioner=types.SimpleNamespace(pid=os.getpid()))

    def execute(self):
        Client.environment = dict(os.environ)
        stamps = (
            ("2026-01-01T00:00:01.000000Z", "2026-01-01T00:00:03.500000Z"),
            ("2026-01-01T00:00:04.000000Z", "2026-01-01T00:00:05.000000Z"),
        )
        code = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        for cell, (begin, end) in zip(code, stamps, strict=False):
            cell.metadata["execution"] = {"iopub.execute_input": begin, "shell.execute_reply": end}


def test_execute_measures_and_cleans_up(folder, lesson, monkeypatch):
    monkeypatch.setattr(notebooks, "NotebookClient", Client)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    notebook = notebooks.read_text(lesson)
    found = notebooks.execute(notebook, folder)
    assert found["slowest_cell_seconds"] == 2.5  # a cell without stamps counts 0
    assert set(found) == {"seconds", "slowest_cell_seconds", "peak_megabytes"}
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    assert Client.options["resources"] == {"metadata": {"path": str(folder)}}
    assert Client.options["timeout"] == 300
    assert "TF_CPP_MIN_LOG_LEVEL" not in Client.environment  # as in a learner's kernel

    notebooks.execute(notebook, folder, {"AETUTORIAL_STUDIES": "run"})
    assert Client.options["timeout"] == 60 * 60
    assert Client.environment["AETUTORIAL_STUDIES"] == "run"


def stream(text: str, name: str = "stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def test_what_is_printed_in_a_row_is_joined_and_a_rewritten_line_keeps_its_last_state():
    figure = nbformat.v4.new_output("display_data", data={"text/plain": "Figure"})
    blanks = "\r" + " " * 78 + "\r"
    lines = [f"{blanks}epoch 1/2: loss 0.5, 3 s left", f"{blanks}epoch 2/2: loss 0.4\n", "done\r\n"]
    assert notebooks.joined([]) == []
    assert notebooks.joined([stream("a"), *map(stream, lines), figure, stream("b\n"), stream("c\n")]) == [
        stream("epoch 2/2: loss 0.4\ndone\r\n"),
        figure,
        stream("b\nc\n"),
    ]
    mixed = [stream("w", "stderr"), stream("a"), stream("x", "stderr"), stream("b"), figure]
    assert notebooks.joined(mixed) == [stream("ab"), stream("wx", "stderr"), figure]


def test_the_meter_waits_for_the_kernel_and_survives_its_end(monkeypatch):
    client = Client(None)
    client.km = None  # not started yet
    meter = notebooks.Meter(client)
    moments = iter([False, False, False, True])

    def wait(seconds):
        if next(moments):
            return True
        if meter.peak == 0 and client.km is None:
            Client.__init__(client, None)
        else:
            client.km.provisioner.pid = None
        return False

    meter.done = types.SimpleNamespace(wait=wait)
    meter.run()
    assert meter.peak > 1e6


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit):
        notebooks.main(["bake"])
    assert "invalid choice: 'bake'" in capsys.readouterr().err
