"""tools/address.py: the public address in badges and links."""

import json
from pathlib import Path

import pytest

from tools import address

ROOT = Path(__file__).resolve().parents[2]


BADGES = (
    b"https://mybinder.org/v2/gh/%s/HEAD?urlpath=lab/tree/notebooks/01_concepts.ipynb\n"
    b"https://colab.research.google.com/github/%s/blob/HEAD/notebooks/01_concepts.ipynb\n"
    b"`pip install git+https://github.com/%s` or git clone https://github.com/%s.git\r\n"
    b"Then git clone https://github.com/%s. Unlike https://github.com/keras-team/keras.\n"
)


@pytest.fixture
def published(tmp_path):
    pages = BADGES.replace(b"%s", b"OWNER/old.name")
    notebook = json.dumps({"cells": [{"source": pages.decode(), "outputs": ["0.10000001"]}]})
    (tmp_path / "notebooks" / "text").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\n[project.urls]\nRepository = "https://github.com/new-owner/The.Course"\n', "utf-8"
    )
    (tmp_path / "README.md").write_bytes(pages)
    (tmp_path / "notebooks" / "text" / "01_concepts.py").write_bytes(pages)
    (tmp_path / "notebooks" / "01_concepts.ipynb").write_text(notebook, "utf-8")
    return tmp_path


def test_the_address_is_written_and_nothing_else_changes(published, capsys):
    assert address.main(["--check"], published) == 1
    assert (published / "README.md").read_bytes() == BADGES.replace(b"%s", b"OWNER/old.name")
    capsys.readouterr()
    assert address.main([], published) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    wanted = BADGES.replace(b"%s", b"new-owner/The.Course")
    assert (published / "README.md").read_bytes() == wanted
    assert (published / "notebooks" / "text" / "01_concepts.py").read_bytes() == wanted
    notebook = json.loads((published / "notebooks" / "01_concepts.ipynb").read_text("utf-8"))
    assert notebook == {"cells": [{"source": wanted.decode(), "outputs": ["0.10000001"]}]}
    assert address.main(["--check"], published) == 0
    assert address.main([], published) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "line",
    [
        'Repository = "https://github.com/owner"',
        'Repository = "https://github.com/owner/name/"',
        'Repository = "https://github.com/owner/name.git"',
        'Repository = "http://example.org/owner/name"',
        'Homepage = "https://github.com/owner/name"',
    ],
)
def test_a_bad_address_is_refused_and_nothing_written(published, capsys, line):
    (published / "pyproject.toml").write_text(f"[project]\n[project.urls]\n{line}\n", "utf-8")
    before = (published / "README.md").read_bytes()
    assert address.main([], published) == 1
    assert "must be https://github.com/OWNER/NAME" in capsys.readouterr().err
    assert (published / "README.md").read_bytes() == before


def test_an_unknown_option_is_refused(published, capsys):
    assert address.main(["--chek"], published) == 2
    assert "--chek" in capsys.readouterr().err


def test_the_badges_of_this_repository_are_in_step():
    assert address.files(ROOT)
    assert [path.name for path in address.out_of_step(ROOT)] == []
