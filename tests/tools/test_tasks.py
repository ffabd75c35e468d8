"""tools/tasks.py: the commands, and how they are run."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tools import install, tasks

ROOT = Path(__file__).resolve().parents[2]


posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


# --- running commands -----------------------------------------------------------------------


def test_a_command_runs_in_the_repository_and_its_exit_code_is_passed_on(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    here = f"import os, sys; sys.exit(5 if os.path.samefile(os.getcwd(), {str(ROOT)!r}) else 6)"
    assert install.run([sys.executable, "-c", here]) == 5
    variable = "import os, sys; sys.exit(int(os.environ['COURSE_TEST']))"
    assert install.run([sys.executable, "-c", variable], {"COURSE_TEST": "9"}) == 9


@posix
def test_a_command_that_a_signal_ended_fails(monkeypatch):
    assert install.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"]) == 128 + 15


@posix
def test_ctrl_c_lets_the_command_end_in_its_own_way():
    child = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.3), print('tidy'), sys.exit(7)))\n"
        "print('ready', flush=True); time.sleep(20)"
    )
    parent = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tools import install\n"
        f"sys.exit(install.run([sys.executable, '-c', {child!r}]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("tidy\n", "", 7)


# --- the commands ---------------------------------------------------------------------------


class Calls:
    """Stands in for `install.run` in tasks.py: notes commands without their program."""

    def __init__(self):
        self.commands, self.variables, self.codes = [], [], {}

    def __call__(self, command, variables=None):
        self.commands.append(command[1:])
        self.variables.append(variables or {})
        return self.codes.get(" ".join(command[1:]), 0)

    def lines(self):
        return [" ".join(command) for command in self.commands]


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """Note what the commands would run in a repository with three notebooks, and one of text only."""
    code = json.dumps({"cells": [{"cell_type": "code"}]}, indent=1)
    files = dict.fromkeys(("01_a.ipynb", "03_c.ipynb", "deeper/03_c.ipynb", "text/03_c.py"), code)
    for name, content in {**files, "reference.ipynb": code.replace("code", "markdown")}.items():
        path = tmp_path / "notebooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    calls = Calls()
    monkeypatch.setattr(tasks, "run", calls)
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    monkeypatch.setattr(install, "ensure", lambda: 0)
    times = {"01_a": {"seconds": 5}, "03_c": {"seconds": 9}}
    (tmp_path / "notebooks" / "run_times.json").write_text(json.dumps(times), encoding="utf-8")
    for name in ("LESSON", "MODEL", "OPTIONS", "PROCESSOR", "UPGRADE"):
        monkeypatch.setenv(name, "")
    return calls


def test_test_checks_style_types_package_and_notebooks(calls):
    assert tasks.main(["test"]) == 0
    *unit, nbval = calls.lines()
    assert unit == [
        "-m ruff check .",
        "-m ruff format --check .",
        "-m mypy",
        "-m pytest -p no:nbval --numprocesses=2 --dist=worksteal --cov=aetutorial --cov-fail-under=95 tests",
    ]
    options = nbval.split()
    assert options[:4] == ["-m", "pytest", "--nbval", "--nbval-current-env"]
    assert {"--nbval-sanitize-with=tests/nbval_sanitize.cfg", "--dist=loadfile"} <= set(options)
    # The longest first; one that was never timed comes last.
    files = ["notebooks/03_c.ipynb", "notebooks/01_a.ipynb", "notebooks/deeper/03_c.ipynb"]
    assert [part for part in options if part.endswith(".ipynb")] == files


def test_lessons_run_side_by_side_on_one_thread_each(calls, monkeypatch):
    for cores, workers in ((1, 1), (2, 2), (64, 3)):  # there are three lessons
        monkeypatch.setattr(tasks.os, "cpu_count", lambda cores=cores: cores)
        tasks.main(["test"])
        assert f"--numprocesses={workers}" in calls.commands[-1]
        assert calls.variables[-1] == {**dict.fromkeys(tasks.THREADS, "1"), "AETUTORIAL_HOLD": "1"}


def test_the_first_failure_stops_and_is_passed_on(calls):
    calls.codes["-m mypy"] = 4
    assert tasks.main(["test"]) == 4
    assert calls.lines()[-1] == "-m mypy"


def test_a_failed_installation_stops_before_anything_runs(calls, monkeypatch):
    monkeypatch.setattr(install, "ensure", lambda: 1)
    assert tasks.main(["test"]) == 1
    assert calls.lines() == []


def test_lesson_narrows_the_notebooks(calls, capsys):
    assert tasks.main(["test-portable", "LESSON=03"]) == 0
    assert len(calls.commands) == len(tasks.PROCESSORS) + 1
    for command in calls.commands:
        names = [part for part in command if part.endswith(".ipynb")]
        assert names == ["notebooks/03_c.ipynb", "notebooks/deeper/03_c.ipynb"]
    assert tasks.main(["test-portable", "LESSON=deeper/03", "PROCESSOR=AVX2"]) == 0
    assert [part for part in calls.commands[-1] if part.endswith(".ipynb")] == ["notebooks/deeper/03_c.ipynb"]
    assert tasks.main(["test-portable", "LESSON=99", "PROCESSOR="]) == 1
    assert "'99'. There are: 01_a, 03_c, deeper/03_c." in capsys.readouterr().out


def test_portable_stands_in_for_other_processors(calls, capsys):
    assert tasks.main(["test-portable"]) == 0
    *smaller, all_threads = calls.variables
    for variables, (name, wanted) in zip(smaller, tasks.PROCESSORS.items(), strict=True):
        assert variables == {**dict.fromkeys(tasks.THREADS, "1"), "AETUTORIAL_HOLD": "1", **wanted}, name
    assert all_threads == {"AETUTORIAL_HOLD": "1"}
    assert "--numprocesses=1" in calls.commands[-1]
    said = capsys.readouterr().out
    assert f"This machine has: {tasks.instruction_sets()}." in said
    assert "The outputs are the same everywhere." in said


def test_portable_goes_on_after_a_difference_and_names_it(monkeypatch, capsys):
    ran = []

    def compare(**variables):
        ran.append(variables)
        return int("SSE4_2" in variables.get("XLA_FLAGS", ""))

    monkeypatch.setattr(tasks, "compare_notebooks", compare)
    monkeypatch.setenv("PROCESSOR", "")
    assert tasks.main(["test-portable"]) == 1
    assert len(ran) == len(tasks.PROCESSORS) + 1
    assert "The outputs differ as if on: SSE4.2." in capsys.readouterr().out


def test_portable_on_one_processor(calls, capsys):
    assert tasks.main(["test-portable", "PROCESSOR=AVX2"]) == 0
    assert [variables["ONEDNN_MAX_CPU_ISA"] for variables in calls.variables] == ["AVX2"]
    assert tasks.main(["test-portable", "PROCESSOR=Z80"]) == 2
    assert "'Z80'. There are: AVX2, SSE4.2, no oneDNN, last bits, all threads." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("text", "-m tools.notebooks text"),
        ("studies", "-m tools.notebooks studies"),
        ("test-claims", "-m tools.claims"),
    ],
)
def test_lesson_is_handed_on(calls, name, command):
    assert tasks.main([name]) == 0
    assert tasks.main([name, "LESSON=03"]) == 0
    assert calls.lines() == [command, command + " 03"]


def test_a_run_of_lessons_ends_with_their_times(calls):
    assert tasks.main(["notebooks", "LESSON=03"]) == 0
    assert calls.lines() == ["-m tools.notebooks run 03", "-m tools.course --quiet"]
    calls.codes["-m tools.notebooks run 03"] = 1
    assert tasks.main(["notebooks", "LESSON=03"]) == 1
    assert calls.lines()[2:] == ["-m tools.notebooks run 03"]


def test_lessons_are_measured(calls):
    assert tasks.main(["lessons"]) == 0
    assert calls.lines() == ["-m tools.course"]


def test_requirements_do_not_depend_on_the_running_python(calls):
    assert tasks.main(["requirements"]) == 0
    assert tasks.main(["requirements", "UPGRADE=1"]) == 0
    plain, upgraded = [line for line in calls.lines() if line.startswith("pip compile")]
    options = ("--python-version 3.11", "--universal", "--generate-hashes", "--no-strip-extras")
    for option in options:
        assert option in plain
    assert "--no-emit-index-url" in plain
    assert ("--upgrade" in plain, "--upgrade" in upgraded) == (False, True)


def test_clean_deletes_what_the_commands_make_and_nothing_else(tmp_path, monkeypatch):
    root = tmp_path / "my course"
    monkeypatch.setattr(tasks, "ROOT", root)
    made = [".venv/pyvenv.cfg", ".venv-tools/a", "aetutorial/__pycache__/a.pyc", ".ruff_cache/a"]
    kept = ["aetutorial/data.py", "notebooks/01_a.ipynb", "studies/a.json", ".git/config"]
    for name in made + kept:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert tasks.main(["clean"]) == 0
    assert [name for name in made if (root / name).parent.exists()] == []
    assert [name for name in kept if not (root / name).exists()] == []


def test_an_unknown_command_lists_the_known_ones(capsys):
    assert tasks.main(["tset"]) == 2
    captured = capsys.readouterr()
    assert "no command 'tset'" in captured.err
    assert "test-claims" in captured.out


def test_the_makefile_has_every_command(capsys):
    assert tasks.main([]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    text = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    targets = re.search(r"^TARGETS := (.*)$", text, re.MULTILINE)[1].split()
    assert set(targets) == listed == set(tasks.TASKS)
    assert len(targets) == len(listed)


def test_lab_is_for_this_machine_only_and_quiet(calls):
    assert tasks.main(["lab", "OPTIONS=--no-browser --ServerApp.port=9000"]) == 0
    command = calls.commands[0]
    assert command[:2] == ["-m", "jupyterlab"]
    assert command[-3:] == ["--no-browser", "--ServerApp.port=9000", tasks.START]
    assert "--ServerApp.ip=127.0.0.1" in command
    assert "--LabApp.news_url=None" in command
    assert not any("token" in part or "password" in part for part in command)


def answer(url):
    """Return the status of a page; 0 while nothing listens there."""
    try:
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url).status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0


def written(folder):
    """Return what the server has written so far about how it is reached."""
    return "".join(path.read_text("utf-8") for path in folder.glob("jpserver-*.json")).rstrip()


def test_lab_really_starts_asks_for_the_token_and_steps_over_a_taken_port(calls, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "ROOT", ROOT)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tasks.main(["lab", f"OPTIONS=--no-browser --ServerApp.port={port}"])
        runtime = {"JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
        server = subprocess.Popen(
            [sys.executable, *calls.commands[0]],
            cwd=ROOT,
            env={**os.environ, **runtime},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            end = time.monotonic() + 120
            while not (text := written(tmp_path)).endswith("}"):
                assert server.poll() is None, "the server stopped"
                assert time.monotonic() < end, "the server did not start"
                time.sleep(0.1)
            note = json.loads(text)
            pages = f"http://127.0.0.1:{note['port']}/api/contents/{tasks.START}"
            while (refused := answer(pages)) == 0 and time.monotonic() < end:
                time.sleep(0.1)
            allowed = answer(f"{pages}?content=0&token={note['token']}")
        finally:
            server.terminate()
            server.wait(timeout=60)
    assert note["port"] != port
    assert note["url"].startswith("http://127.0.0.1:")
    assert len(note["token"]) >= 32
    assert (refused, allowed) == (403, 200)


# --- the public address -----------------------------------------------------------------------


def test_the_address_changes_everywhere_and_nothing_else_does(monkeypatch, tmp_path, capsys):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    page = b"https://mybinder.org/v2/gh/OWNER/old.name/HEAD\r\nhttps://github.com/OWNER/oldXname\n"
    for name in ("README.md", "notebooks/01.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(page)
    (tmp_path / "left.md").write_text("no address")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    assert tasks.main(["address", "FROM=OWNER/old.name", "TO=me/The.Course"]) == 0
    assert capsys.readouterr().out.split() == ["README.md", "notebooks/01.ipynb"]
    for name in ("README.md", "notebooks/01.ipynb"):
        assert (tmp_path / name).read_bytes() == page.replace(b"OWNER/old.name", b"me/The.Course")
    assert tasks.main(["address", "FROM=OWNER/old.name", "TO=me/The.Course"]) == 1  # there is none left


@pytest.mark.parametrize("given", ["", "me", "https://github.com/me/course", "me/course/", "/course"])
def test_a_bad_address_is_refused(monkeypatch, capsys, given):
    monkeypatch.setenv("FROM", "OWNER/old")
    monkeypatch.setenv("TO", given)
    assert tasks.main(["address"]) == 2
    assert f"as OWNER/NAME. Received: FROM='OWNER/old' TO={given!r}." in capsys.readouterr().err


def test_badges_and_links_name_the_address_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    name = project["urls"]["Repository"].removeprefix("https://github.com/")
    forms = (
        r"mybinder\.org/v2/gh/([\w-]+/[\w.-]+)/HEAD",
        r"colab\.research\.google\.com/github/([\w-]+/[\w.-]+)/blob",
        r"git(?:\+| clone )https://github\.com/([\w-]+/[\w.-]*[\w-])",
    )
    pages = [ROOT / "README.md", *sorted((ROOT / "notebooks").rglob("*.ipynb"))]
    text = "\n".join(path.read_text("utf-8") for path in pages if ".ipynb_checkpoints" not in path.parts)
    for form in forms:
        assert set(re.findall(form, text)) == {name}, form
    assert f'repository-code: "https://github.com/{name}"' in (ROOT / "CITATION.cff").read_text("utf-8")
