"""Every command of the course, defined once: `python3 -m tools.tasks NAME [VARIABLE=value]`.

Makefile and make.bat hand their targets on to this file, so that all systems have the same names.
A command that needs the course's environment first sees to it that `.venv` holds it (install.py).
Commands return exit codes: 0 is success, so `first() or second()` stops at the first failure.

Runs on a learner's bare Python: see install.py for what that asks of this file.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable

from tools import install
from tools.compare import PROCESSORS, THREADS, chosen_notebooks, instruction_sets, options
from tools.install import ROOT, run

START = "notebooks/00_start_here.ipynb"
UV = "uv==0.13.9"
TASKS: "dict[str, Callable[[], int]]" = {}


def task(function: "Callable[[], int]") -> "Callable[[], int]":
    """Register a command: `test_unit` becomes test-unit; its help is the docstring."""
    TASKS[function.__name__.strip("_").replace("_", "-")] = function
    return function


def python(*arguments: str, **variables: str) -> int:
    """Run the environment's Python, which is installed first where it need be."""
    return install.ensure() or run([str(install.venv_python(ROOT)), *arguments], variables)


def module(*arguments: str, **variables: str) -> int:
    """Run a module of the environment, as `python -m` does."""
    return python("-m", *arguments, **variables)


def lesson() -> "list[str]":
    """Return the start of the lessons' names that the variable LESSON gives; empty means all."""
    return [os.environ["LESSON"]] if os.environ.get("LESSON") else []


def compare_notebooks(*, at_once: "int | None" = None, threads: "int | None" = 1, **variables: str) -> int:
    """Run the lessons and compare every output with the stored one, and the recorded numbers with the stored ones.

    Args:
        at_once: How many lessons run side by side; None for one per core, four at most.
        threads: Threads that a lesson computes with; None for all cores.
        variables: Environment variables of the run.
    """
    names = chosen_notebooks(ROOT, "".join(lesson()))
    if not names:
        return 1
    counts = dict.fromkeys(THREADS, str(threads)) if threads else {}
    return module("pytest", *options(len(names), at_once), *names, **{**counts, "AETUTORIAL_HOLD": "1", **variables})


@task
def lab() -> int:
    """Open the course in JupyterLab (OPTIONS=--no-browser hands options on)."""
    options = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={ROOT}",
        "--ServerApp.port_retries=50",  # a port that is taken is stepped over
        f"--LabApp.default_url=/lab/tree/{START}",  # where the address that it prints leads
        # The course works offline: no look for news or new versions, and no question about it.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # root, as in a container: Jupyter would refuse
    return module("jupyterlab", *options, *shlex.split(os.environ.get("OPTIONS", "")), START)


@task
def test() -> int:
    """Check everything: style, types, unit tests, every stored output."""
    return test_unit() or compare_notebooks()


@task
def notebooks() -> int:
    """Execute the lessons anew, store outputs and times (LESSON=03: only those; LESSON=deeper/03)."""
    return module("tools.notebooks", "run", *lesson()) or module("tools.course", "--quiet")


@task
def lessons() -> int:
    """Write the times and tables of lessons anew, and print how long and how dense they are."""
    return module("tools.course")


@task
def text() -> int:
    """Carry an edit made in a notebook over to its text pair (LESSON=03)."""
    return module("tools.notebooks", "text", *lesson())


@task
def studies() -> int:
    """Run the sweeps whose stored results the lessons show (LESSON=03)."""
    return module("tools.notebooks", "studies", *lesson())


@task
def lint() -> int:
    """Check style (ruff) and types (mypy)."""
    return module("ruff", "check", ".") or module("ruff", "format", "--check", ".") or module("mypy")


@task
def test_unit() -> int:
    """Check style, types and unit tests; run no lesson."""
    # Each process that loads nbval takes five seconds over it.
    options = ["-p", "no:nbval", "--numprocesses=2", "--dist=worksteal", "--cov=aetutorial", "--cov-fail-under=95"]
    return lint() or module("pytest", *options, "tests")


@task
def test_portable() -> int:
    """Compare the lessons' outputs as if on other processors (LESSON=03; PROCESSOR=AVX2: only so)."""
    wanted = os.environ.get("PROCESSOR", "")
    known = [*PROCESSORS, "all threads"]
    if wanted not in ("", *known):
        print(f"There is no processor '{wanted}'. There are: {', '.join(known)}.")
        return 2
    print(f"This machine has: {instruction_sets()}.")
    codes = {}
    for name in [wanted] if wanted else known:
        print(f"As if on another processor: {name}.", flush=True)
        if name == "all threads":
            codes[name] = compare_notebooks(at_once=1, threads=None)
        else:
            codes[name] = compare_notebooks(at_once=None, threads=1, **PROCESSORS[name])
    failed = [name for name, code in codes.items() if code]
    print(f"The outputs differ as if on: {', '.join(failed)}." if failed else "The outputs are the same everywhere.")
    return max(codes.values())


@task
def test_claims() -> int:
    """Sabotage the lessons: each claim must fail under the sabotage it names (LESSON=03)."""
    return module("tools.claims", *lesson())


@task
def pretrained() -> int:
    """Train the models in aetutorial/pretrained again (MODEL=mnist-ae-30: only that one)."""
    return module("tools.pretrained", *shlex.split(os.environ.get("MODEL", "")))


@task
def bench() -> int:
    """Time the training engine against its peers (OPTIONS=--quick: a trial)."""
    return module("benchmarks.run", *shlex.split(os.environ.get("OPTIONS", "")))


@task
def requirements() -> int:
    """Compile requirements.txt from pyproject.toml (UPGRADE=1 renews what is not pinned there)."""
    # uv has a small folder of its own: it is no part of what a learner installs.
    # Extras stay: pip would take the newest release for "coverage[toml]" and refuse it for want of a hash.
    folder = ROOT / ".venv-tools"
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    options = [
        *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
        *("--generate-hashes", "--no-emit-index-url", "--no-strip-extras"),
        *("--extra", "lab", "--extra", "check"),
        *("--custom-compile-command", "make requirements", "--output-file", "requirements.txt"),
        *(["--upgrade"] if os.environ.get("UPGRADE") else []),
    ]
    return (
        run([sys.executable, "-m", "venv", "--clear", str(folder)])
        or run([str(scripts / "python"), "-m", "pip", "install", "--quiet", UV])
        or run([str(scripts / "uv"), "pip", "compile", "--quiet", *options, "pyproject.toml"])
    )


@task
def address() -> int:
    """Move to another public address: FROM=OWNER/autoencoder-course TO=me/my-course."""
    old, new = os.environ.get("FROM", ""), os.environ.get("TO", "")
    if not all(len(name.strip("/").split("/")) == 2 == len(name.split("/")) for name in (old, new)):
        print(f"Give FROM and TO as OWNER/NAME. Received: FROM={old!r} TO={new!r}.", file=sys.stderr)
        return 2
    listed = subprocess.run(["git", "grep", "-lz", "--fixed-strings", old], cwd=str(ROOT), stdout=subprocess.PIPE)
    for name in filter(None, listed.stdout.decode().split("\0")):
        install.write_whole(ROOT / name, (ROOT / name).read_bytes().replace(old.encode(), new.encode()))
        print(name)
    return listed.returncode


@task
def install_() -> int:
    """Install or update the environment in .venv (the other commands do it themselves)."""
    return install.ensure()


@task
def clean() -> int:
    """Delete the environment and what the checks leave behind."""
    caches = [ROOT / name for name in (".venv-tools", ".venv-bench", ".mypy_cache", ".ruff_cache", ".claims")]
    caches += ROOT.glob("*.egg-info")
    for folder in ("aetutorial", "benchmarks", "notebooks", "tests", "tools"):
        for name in ("__pycache__", ".ipynb_checkpoints"):
            caches += (ROOT / folder).rglob(name)
    try:
        install.remove_venv(ROOT)
        for cache in caches:
            if cache.is_dir():
                shutil.rmtree(str(cache))
        if (ROOT / ".coverage").exists():
            (ROOT / ".coverage").unlink()
    except OSError as error:
        print(f"Cannot delete everything: {error}.", file=sys.stderr)
        return 1
    return 0


@task
def help_() -> int:
    """Show this list."""
    for name, function in TASKS.items():
        print(f"  {name:14}{(function.__doc__ or '').splitlines()[0]}")
    return 0


def main(arguments: "list[str]") -> int:
    """Run the named command; VARIABLE=value sets an environment variable, as make does."""
    names = []
    for argument in arguments:
        variable, equals, value = argument.partition("=")
        if equals:
            os.environ[variable] = value
        else:
            names.append(argument)
    name = names[0] if names else "help"
    if len(names) > 1 or name not in TASKS:
        print(f"There is no command '{' '.join(names)}'. There are:", file=sys.stderr)
        help_()
        return 2
    return TASKS[name]()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
