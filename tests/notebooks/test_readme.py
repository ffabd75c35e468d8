"""README says what the stored lessons show: their run times and the figure."""

import re
from pathlib import Path

import lesson_rules as rules
import nbformat

from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]


README = (ROOT / "README.md").read_text("utf-8")


def test_run_times_in_the_table_are_those_measured():
    stated = dict(re.findall(r"notebooks/(\w+)\.ipynb\).*\| (\d+) s \|", README))
    measured = rules.read_times()
    main = {name for name in measured if (ROOT / "notebooks" / f"{name}.ipynb").exists()}
    assert set(stated) == main
    for name, seconds in stated.items():
        assert 0.5 < float(seconds) / measured[name]["seconds"] < 2, name


def test_figure_is_the_one_that_lesson_1_stores():
    stored = nbformat.read(ROOT / "notebooks" / "01_concepts.ipynb", as_version=4)
    assert notebooks.pictures(stored) == [notebooks.PICTURE.read_bytes()]
    assert notebooks.PICTURE.relative_to(ROOT).as_posix() in README


def test_local_links_lead_to_files():
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", README)
    assert len(targets) > 15
    assert [target for target in targets if not (ROOT / target).exists()] == []
