"""The files that define the environment agree: pyproject.toml, requirements.txt, conda, Binder, CI."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools import install, tasks

ROOT = Path(__file__).resolve().parents[2]


PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
LINES = PROJECT["dependencies"] + EXTRAS["lab"] + EXTRAS["check"]
DIRECT = [Requirement(line) for line in LINES]
PINNED = (ROOT / "requirements.txt").read_text("utf-8")
VERSIONS = [f"3.{minor}" for _, minor in install.SUPPORTED]

# Where the course runs: what decides there which packages are meant.
MACHINES = {
    "Linux x86-64": {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    "Linux aarch64": {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix"},
    "macOS arm64": {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix"},
    "Windows": {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt"},
}


def pinned():
    """Return the requirements of requirements.txt with the options that follow each."""
    entries = []
    for block in re.split(r"^(?=[A-Za-z])", PINNED, flags=re.MULTILINE)[1:]:
        lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
        joined = " ".join(line.rstrip("\\").strip() for line in lines)
        requirement, *options = joined.split(" --")
        entries.append((Requirement(requirement.strip()), [f"--{o}".strip() for o in options]))
    return entries


def on(requirement, machine, python):
    """Say whether a requirement is meant on this machine with this Python."""
    where = {**MACHINES[machine], "python_version": python, "python_full_version": f"{python}.1"}
    return requirement.marker is None or requirement.marker.evaluate(where)


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_every_direct_requirement_is_pinned_in_pyproject(requirement):
    assert re.fullmatch(r"==\d[\w.]*", str(requirement.specifier))


def test_requirements_txt_holds_every_direct_requirement_as_pinned_there():
    compiled = {(entry.name, str(entry.specifier)) for entry, _ in pinned()}
    assert {(r.name, str(r.specifier)) for r in DIRECT} - compiled == set()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", VERSIONS)
def test_requirements_txt_means_the_same_packages_on_every_machine(machine, python):
    wanted = {r.name for r in DIRECT if on(r, machine, python)}
    compiled = [entry.name for entry, _ in pinned() if on(entry, machine, python)]
    assert len(compiled) == len(set(compiled))  # one version of each
    assert wanted <= set(compiled)
    tensorflow = {name for name in compiled if name in ("tensorflow", "tensorflow-cpu")}
    cpu_build = machine in ("Linux x86-64", "Windows")
    assert tensorflow == {"tensorflow-cpu" if cpu_build else "tensorflow"}


def test_requirements_txt_is_pinned_hashed_and_free_of_places():
    entries = pinned()
    assert len(entries) > 100
    for entry, options in entries:
        assert re.fullmatch(r"==\d[\w.]*", str(entry.specifier)), entry
        assert entry.url is None
        assert options, entry
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", o) for o in options), entry
    # No index address, no option that would name one, no folder of the machine that compiled it.
    assert "/" not in PINNED
    assert not re.search(r"^-|\\(?!\n)", PINNED, re.MULTILINE)
    assert "make requirements" in PINNED.splitlines()[1]


def test_the_build_backend_is_pinned_among_the_rest():
    backend = {str(Requirement(line)) for line in PYPROJECT["build-system"]["requires"]}
    assert backend <= {f"{entry.name}{entry.specifier}" for entry, _ in pinned()}
    assert backend <= set(EXTRAS["check"])


def conda(path):
    """Return the conda packages and the pip packages of an environment file."""
    dependencies = yaml.safe_load((ROOT / path).read_text("utf-8"))["dependencies"]
    packages = [entry for entry in dependencies if isinstance(entry, str)]
    sections = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    return packages, [package for section in sections for package in section]


def test_conda_gets_the_direct_requirements_then_the_package():
    packages, with_pip = conda("environment.yml")
    assert packages == ["python=3.12", "pip"]
    assert with_pip == [*LINES, "-e ."]


def test_binder_gets_the_python_that_it_asks_for():
    packages, with_pip = conda("binder/environment.yml")
    assert packages == ["python=3.12", "pip"]
    assert with_pip == []
    # repo2docker reads the version with this expression; a range leaves nothing to read.
    versions = [re.match(r"python\s*=+\s*([\d.]*)", package) for package in packages]
    assert [match[1] for match in versions if match] == ["3.12"]
    assert (3, 12) in install.SUPPORTED
    # These would take part in the build too, or come before environment.yml.
    others = ("runtime.txt", "requirements.txt", "Pipfile", "setup.py", "Dockerfile")
    assert [name for name in others if (ROOT / "binder" / name).exists()] == []


def test_binder_installs_what_everybody_else_does(monkeypatch):
    ran = []
    monkeypatch.setattr(install, "run", lambda command, *_: ran.append(command) or 0)
    monkeypatch.setattr(install, "disk_problem", lambda root: None)
    monkeypatch.setattr(install, "remove_venv", lambda root: None)
    monkeypatch.setattr(install, "write_whole", lambda path, contents: None)
    monkeypatch.setattr(install, "venv_version", lambda root: None)
    install.install(ROOT, (3, 12))
    here = ("--disable-pip-version-check", "--quiet")
    wanted = []
    for command in ran:
        if "pip" in command:
            options = [part for part in command[command.index("install") + 1 :] if part not in here]
            wanted.append(" ".join(options).replace(f"{ROOT}{os.sep}", "").replace(str(ROOT), "."))
    script = (ROOT / "binder" / "postBuild").read_text("utf-8")
    assert re.findall(r"pip install --no-cache-dir (.*)", script) == wanted
    assert len(wanted) == 2


@pytest.mark.parametrize("path", ["binder/postBuild", ".ci/run"])
def test_a_script_is_executable_and_stops_at_the_first_failure(path):
    script = (ROOT / path).read_bytes()
    assert script.startswith(b"#!/usr/bin/env bash\n")
    assert b"\nset -euo pipefail\n" in script
    assert b"\r" not in script
    assert os.access(ROOT / path, os.X_OK)


def test_binder_opens_on_the_first_lesson():
    settings = json.loads((ROOT / "binder" / "jupyter_server_config.json").read_text("utf-8"))
    for app in ("ServerApp", "LabApp"):
        assert settings[app]["default_url"] == f"/lab/tree/{tasks.START}"
    assert "binder/jupyter_server_config.json" in (ROOT / "binder" / "postBuild").read_text("utf-8")


def test_the_supported_pythons_are_the_same_everywhere():
    supported = SpecifierSet(PROJECT["requires-python"])
    marker = Marker(PYPROJECT["tool"]["uv"]["environments"][0])
    for minor in range(8, 20):
        expected = (3, minor) in install.SUPPORTED
        assert supported.contains(f"3.{minor}.1") == expected
        assert marker.evaluate({"python_full_version": f"3.{minor}.1"}) == expected
    assert PYPROJECT["tool"]["mypy"]["python_version"] == VERSIONS[0]
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + VERSIONS[0].replace(".", "")
    source = (ROOT / "tools" / "tasks.py").read_text("utf-8")
    assert f'"--python-version", "{VERSIONS[0]}"' in source
    assert f"{VERSIONS[0]}, {VERSIONS[1]} or {VERSIONS[2]}" in install.problem(
        install.Machine((3, 10), "Linux", "x86_64")
    )
    readme = ROOT / "README.md"
    if readme.exists():
        text = readme.read_text("utf-8")
        assert VERSIONS[0] in text
        assert VERSIONS[-1] in text


def test_ci_runs_what_readme_says_on_every_supported_python():
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    commands = [line for line in script if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    matrix = jobs["unit"]["strategy"]["matrix"]["include"]
    machines = {(entry["os"].split("-")[0], entry["python"]) for entry in matrix}
    others = {("macos", "3.12"), ("windows", "3.12")}
    assert machines == {("ubuntu", "3.11"), ("ubuntu", "3.13")} | others
    assert {python for _, python in machines} == set(VERSIONS)
    runs = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    targets = {re.fullmatch(r"make(?:\.bat)? (.*)", run)[1] for run in runs}
    slow = jobs["slow"]["strategy"]["matrix"]["target"]
    assert targets == {"test", "test-unit", "${{ matrix.target }}"}
    assert {"test", "test-unit", *slow} <= set(tasks.TASKS)
    assert slow == ["test-portable", "test-claims"]


def test_the_licenses_and_the_citation_are_those_of_the_project():
    for name in PROJECT["license-files"]:
        assert (ROOT / name).is_file()
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    assert " AND ".join(citation["license"]) == PROJECT["license"]
