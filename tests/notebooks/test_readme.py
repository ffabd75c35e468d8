"""README says what the stored lessons show: their table and the figure."""

import re
from pathlib import Path

import nbformat

from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]


README = (ROOT / "README.md").read_text("utf-8")


def test_the_table_names_every_notebook():
    # That its times are those measured: tests/tools/test_course.py.
    named = re.findall(r"^\| \[.+\]\(notebooks/(\S+)\.ipynb\) \|", README, flags=re.MULTILINE)
    stored = [notebooks.name_of(path) for folder in notebooks.FOLDERS for path in folder.glob("*.ipynb")]
    assert sorted(named) == sorted(stored)


def test_figure_is_the_one_that_lesson_1_stores():
    stored = nbformat.read(ROOT / "notebooks" / "01_concepts.ipynb", as_version=4)
    assert notebooks.pictures(stored) == [notebooks.PICTURE.read_bytes()]
    assert notebooks.PICTURE.relative_to(ROOT).as_posix() in README


def test_local_links_lead_to_files():
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", README)
    assert len(targets) > 15
    assert [target for target in targets if not (ROOT / target).exists()] == []
