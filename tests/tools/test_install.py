"""tools/install.py: whether the course can be installed, and when it is."""

import ast
import os
from pathlib import Path

import pytest

from tools import install

ROOT = Path(__file__).resolve().parents[2]


LINUX = install.Machine(python=(3, 12), system="Linux", architecture="x86_64")


# --- what an old Python reads ---------------------------------------------------------------


@pytest.mark.parametrize(("name", "least"), [("install.py", 20), ("tasks.py", 20), ("compare.py", 7)])
def test_an_old_python_gets_as_far_as_its_sentence(name, least):
    tree = ast.parse((ROOT / "tools" / name).read_text("utf-8"), feature_version=(3, 6))
    future = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    assert not future  # 3.6 knows no `annotations` there
    annotations = [
        annotation
        for node in ast.walk(tree)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
    ]
    assert len(annotations) > least
    for annotation in annotations:  # list[str] must be quoted: 3.8 would evaluate it and fail
        plain = isinstance(annotation, ast.Name)
        assert plain or isinstance(annotation, ast.Constant), ast.unparse(annotation)


# --- can it be installed here ---------------------------------------------------------------


@pytest.mark.parametrize(
    "machine",
    [
        LINUX,
        LINUX._replace(architecture="aarch64", python=(3, 13)),
        LINUX._replace(system="Darwin", architecture="arm64", python=(3, 11)),
        LINUX._replace(system="Windows", architecture="amd64"),
    ],
)
def test_a_supported_machine_has_no_problem(machine):
    assert install.problem(machine) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"python": (3, 10)}, "3.10"),
        ({"python": (3, 14)}, "3.14"),
        ({"system": "Darwin"}, "Intel Macs"),
        ({"bits": 32}, "64-bit"),
        ({"standard_build": False}, "free-threaded"),
        ({"musl": True}, "musl"),
        ({"architecture": "riscv64"}, "riscv64"),
        ({"system": "Windows", "architecture": "arm64"}, "arm64"),
        ({"makes_venv": False}, "python3.12-venv"),
    ],
)
def test_each_problem_is_one_sentence_that_names_it(change, said):
    sentence = install.problem(LINUX._replace(**change))
    assert said in sentence
    assert "\n" not in sentence


def test_this_machine_is_described_as_one_that_runs_the_tests():
    assert install.problem(install.this_machine()._replace(makes_venv=True)) is None


def test_too_little_disk_names_the_folder(tmp_path, monkeypatch):
    temp = tmp_path / "temp"
    monkeypatch.setattr(install.tempfile, "gettempdir", lambda: str(temp))
    plenty, little = 100 * install.GB, 10**8
    assert install.disk_problem(tmp_path, {tmp_path: plenty, temp: plenty}) is None
    for small in (tmp_path, temp):
        sentence = install.disk_problem(tmp_path, {tmp_path: plenty, temp: plenty, small: little})
        assert f"in {small} and finds 0.1 GB" in sentence


# --- when it is installed -------------------------------------------------------------------


class Runner:
    """Stands in for `install.run`: notes the commands, and makes what `python -m venv` makes."""

    def __init__(self, root):
        self.root, self.commands, self.fail_at = root, [], None

    def __call__(self, command, variables=None):
        kind = "venv" if "venv" in command else "package" if "-e" in command else "pinned"
        if "install.py" in command[-1]:
            kind = "other"
        self.commands.append((kind, command))
        if kind == self.fail_at:
            return 3
        if kind == "venv":
            python = install.venv_python(self.root)
            python.parent.mkdir(parents=True)
            python.touch()
            version = ".".join(str(part) for part in install.RUNNING)
            config = f"home = {self.root}\nversion = {version}.7\n"
            (self.root / ".venv" / "pyvenv.cfg").write_text(config, "utf-8")
        return 0

    def kinds(self):
        kinds = [kind for kind, _ in self.commands]
        self.commands = []
        return kinds


@pytest.fixture
def root(tmp_path):
    # A blank in the path: learners have them.
    root = tmp_path / "my course"
    for name in install.DEFINING:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, "utf-8")
    return root


@pytest.fixture
def runner(root, monkeypatch):
    runner = Runner(root)
    monkeypatch.setattr(install, "run", runner)
    monkeypatch.setattr(install, "RUNNING", (3, 12))
    monkeypatch.setattr(install, "this_machine", lambda: LINUX._replace(python=install.RUNNING))
    monkeypatch.setattr(install, "disk_problem", lambda root: None)
    return runner


EVERYTHING = ["venv", "pinned", "package"]


def test_the_first_run_installs_and_the_second_is_silent(root, runner, capsys):
    assert install.ensure(root) == 0
    (_, venv), (_, pinned), (_, package) = runner.commands
    assert runner.kinds() == EVERYTHING
    assert venv[-1] == str(root / ".venv")
    assert pinned[-3:] == ["--require-hashes", "-r", str(root / "requirements.txt")]
    assert package[-4:] == ["--no-deps", "--no-build-isolation", "-e", str(root)]
    assert pinned[0] == package[0] == str(install.venv_python(root))
    capsys.readouterr()
    assert install.ensure(root) == 0
    assert runner.kinds() == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", install.DEFINING)
def test_a_changed_file_brings_the_environment_up_to_date(root, runner, name):
    install.ensure(root)
    runner.kinds()
    (root / name).write_text("changed", "utf-8")
    assert install.ensure(root) == 0
    assert runner.kinds() == ["pinned", "package"]
    assert install.ensure(root) == 0
    assert runner.kinds() == []


@pytest.mark.parametrize("step", EVERYTHING)
def test_a_failed_step_ends_with_its_code_and_is_taken_up_again(root, runner, capsys, step):
    runner.fail_at = step
    assert install.ensure(root) == 3
    assert capsys.readouterr().err.strip() == install.FAILED
    assert runner.kinds()[-1] == step
    runner.fail_at = None
    assert install.ensure(root) == 0
    assert runner.kinds() == EVERYTHING  # nothing half installed is kept


def test_an_update_that_failed_is_not_taken_for_a_finished_one(root, runner):
    install.ensure(root)
    (root / "requirements.txt").write_text("changed", "utf-8")
    runner.fail_at = "pinned"
    install.ensure(root)
    (root / "requirements.txt").write_text("requirements.txt", "utf-8")  # as it was before
    runner.fail_at = None
    runner.kinds()
    assert install.ensure(root) == 0
    assert runner.kinds() == EVERYTHING


def test_an_environment_of_another_python_is_made_anew(root, runner, monkeypatch):
    install.ensure(root)
    runner.kinds()
    monkeypatch.setattr(install, "RUNNING", (3, 13))
    assert install.ensure(root) == 0
    assert runner.kinds() == EVERYTHING
    assert install.venv_version(root) == (3, 13)


def test_an_environment_whose_python_is_gone_is_made_anew(root, runner):
    install.ensure(root)
    runner.kinds()
    install.venv_python(root).unlink()
    assert install.ensure(root) == 0
    assert runner.kinds() == EVERYTHING


def test_an_environment_that_was_moved_is_made_anew(root, runner):
    install.ensure(root)
    moved = root.with_name("moved")
    root.rename(moved)
    root.mkdir()  # where `home` points: the Python beneath the environment is still there
    runner.root = moved
    runner.kinds()
    assert install.ensure(moved) == 0
    assert runner.kinds() == EVERYTHING


def test_a_folder_that_is_no_environment_is_not_deleted(root, runner, capsys):
    (root / ".venv").mkdir()
    (root / ".venv" / "thesis.txt").write_text("years of work", "utf-8")
    assert install.ensure(root) == 1
    assert "not a virtual environment" in capsys.readouterr().err
    assert (root / ".venv" / "thesis.txt").read_text("utf-8") == "years of work"
    assert runner.kinds() == []


def test_an_interrupted_removal_is_finished(root, runner):
    (root / ".venv-removed" / "lib").mkdir(parents=True)
    assert install.ensure(root) == 0
    assert not (root / ".venv-removed").exists()


def test_without_room_nothing_is_made(root, runner, monkeypatch, capsys):
    monkeypatch.setattr(install, "disk_problem", lambda root: "No room.")
    assert install.ensure(root) == 1
    assert capsys.readouterr().err == "No room.\n"
    assert runner.kinds() == []


def test_an_unsupported_python_hands_over_to_a_supported_one(root, runner, monkeypatch, capsys):
    monkeypatch.setattr(install, "RUNNING", (3, 10))
    monkeypatch.setattr(install, "other_python", lambda: None)
    assert install.ensure(root) == 1
    assert "this is Python 3.10" in capsys.readouterr().err
    assert runner.kinds() == []
    monkeypatch.setattr(install, "other_python", lambda: ["python3.12"])
    assert install.ensure(root) == 0
    assert runner.commands == [("other", ["python3.12", str(root / "tools" / "install.py")])]


def test_an_unsupported_python_uses_the_environment_that_is_there(root, runner, monkeypatch):
    install.ensure(root)
    runner.kinds()
    monkeypatch.setattr(install, "RUNNING", (3, 14))
    monkeypatch.setattr(install, "other_python", lambda: pytest.fail("searched for nothing"))
    assert install.ensure(root) == 0
    assert runner.kinds() == []


@pytest.mark.skipif(os.name == "nt", reason="programs are shell scripts here")
def test_another_python_is_one_that_really_runs(tmp_path, monkeypatch):
    for name, code in (("python3.12", 127), ("python3.11", 1), ("python3.13", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install.other_python() == ["python3.13"]
    (tmp_path / "python3.13").unlink()
    assert install.other_python() is None
