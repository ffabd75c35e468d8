"""Make `.venv` and install the course into it; where that is done already, do nothing.

Runs on a learner's bare Python: standard library only. An old Python must get far enough to say
that it is too old, so this file, tasks.py and compare.py keep to a syntax that Python 3.6 parses.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RUNNING = sys.version_info[:2]
SUPPORTED = ((3, 11), (3, 12), (3, 13))
# These files say what the environment holds: when one changes, it is installed again.
DEFINING = ("pyproject.toml", "requirements.txt", "tools/install.py")
STAMP = "course-installed.txt"
GB = 10**9
# Measured on Linux: 2.3 GB installed, 0.5 GB of downloads, which pip keeps once more in its cache.
DISK_NEEDED = 4 * GB
TEMP_NEEDED = 1 * GB

ANOTHER_WAY = "open the course on Binder or Colab, or use another machine (see README.md)."
FAILED = (
    "The installation did not finish; what pip said stands above. The first installation needs the"
    " network (behind a proxy, set HTTPS_PROXY). Then run the same command again: finished"
    " downloads are kept."
)


class Machine(NamedTuple):
    """What decides whether the course can be installed here."""

    python: "tuple[int, int]"
    system: str  # "Linux", "Darwin" or "Windows"
    architecture: str  # of this Python, not of the processor: "x86_64", "arm64", ...
    bits: int = 64
    musl: bool = False
    standard_build: bool = True  # CPython, with its global lock
    makes_venv: bool = True


def this_machine() -> Machine:
    """Describe the running Python and the machine it runs on."""
    architecture = platform.machine()
    if os.name == "nt":  # where platform.machine() tells of the processor, emulation or not
        architecture = sysconfig.get_platform().replace("win-", "")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401

        makes_venv = True
    except ImportError:
        makes_venv = False
    return Machine(
        python=RUNNING,
        system=platform.system(),
        architecture=architecture.lower(),
        bits=64 if sys.maxsize > 2**32 else 32,
        musl="musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")),
        standard_build=platform.python_implementation() == "CPython"
        and not sysconfig.get_config_var("Py_GIL_DISABLED"),
        makes_venv=makes_venv,
    )


def problem(machine: Machine) -> "str | None":
    """Say in one sentence why the course cannot be installed on `machine`; None if it can."""
    version = ".".join(str(part) for part in machine.python)
    wheels = {"Linux": ("x86_64", "aarch64"), "Darwin": ("arm64",), "Windows": ("amd64",)}
    if machine.python not in SUPPORTED:
        return (
            f"The course needs Python 3.11, 3.12 or 3.13 and this is Python {version}: install one of"
            " them, or set the environment variable PYTHON to the path of one."
        )
    if machine.bits != 64 or not machine.standard_build:
        return (
            "The course needs the ordinary 64-bit build of Python (CPython, not free-threaded):"
            " TensorFlow has no other; install it from python.org or your system."
        )
    if machine.system == "Darwin" and machine.architecture == "x86_64":
        return (
            "TensorFlow is no longer built for Intel Macs nor for an Intel Python on Apple"
            " silicon: on Apple silicon install an arm64 Python, otherwise " + ANOTHER_WAY
        )
    if machine.musl or machine.architecture not in wheels.get(machine.system, ()):
        libc = " with musl" if machine.musl else ""
        where = f"{machine.system} on {machine.architecture}{libc}"
        return f"TensorFlow is not built for {where}: {ANOTHER_WAY}"
    if not machine.makes_venv:
        return (
            "This Python cannot make virtual environments: on Debian or Ubuntu run"
            f" 'sudo apt install python{version}-venv', elsewhere install the whole of Python."
        )
    return None


def disk_problem(root: Path, free: "dict[Path, int] | None" = None) -> "str | None":
    """Say in one sentence where the disk is too small; None if there is room.

    Args:
        root: The repository's folder.
        free: Free bytes per folder, to stand in for the real ones.
    """
    for folder, needed in ((root, DISK_NEEDED), (Path(tempfile.gettempdir()), TEMP_NEEDED)):
        available = shutil.disk_usage(str(folder)).free if free is None else free[folder]
        if available < needed:
            return (
                f"The installation needs {needed / GB:.0f} GB of free disk in {folder} and finds"
                f" {available / GB:.1f} GB: make room, then run the same command again."
            )
    return None


def run(command: "list[str]", variables: "dict[str, str] | None" = None) -> int:
    """Run a command in the repository and return its exit code.

    Ctrl-C reaches the command too: it is given the time to end in its own way.
    """
    # Without a flush, what is printed here could come after what the command prints.
    sys.stdout.flush()
    environment = dict(os.environ, **(variables or {}))
    process = subprocess.Popen(command, cwd=str(ROOT), env=environment)
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        return code if code >= 0 else 128 - code  # ended by a signal: as a shell says it


def venv_python(root: Path) -> Path:
    """Return where the Python of the environment lies."""
    windows = os.name == "nt"
    return root / ".venv" / ("Scripts/python.exe" if windows else "bin/python")


def venv_version(root: Path) -> "tuple[int, ...] | None":
    """Return the environment's Python version, (3, 12) say; None if it has none that runs."""
    try:
        lines = (root / ".venv" / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    config = dict(line.split(" = ", 1) for line in lines if " = " in line)
    if not venv_python(root).exists() or not os.path.isdir(config.get("home", "")):
        return None
    return tuple(int(part) for part in config.get("version", "0.0").split(".")[:2])


def expected_stamp(root: Path, version: "tuple[int, ...]") -> str:
    """Return what the stamp of an up-to-date environment says: Python, folder, files' SHA-256."""
    digest = hashlib.sha256()
    for name in DEFINING:
        digest.update(hashlib.sha256((root / name).read_bytes()).digest())
    python = ".".join(str(part) for part in version)
    # The folder, because scripts of an environment that was moved with it no longer run.
    return f"Python {python}\n{root}\n{digest.hexdigest()}\n"


def read_stamp(root: Path) -> str:
    """Return the environment's stamp, empty if it has none: its installation did not finish."""
    try:
        return (root / ".venv" / STAMP).read_text(encoding="utf-8")
    except OSError:
        return ""


def write_whole(path: Path, contents: bytes) -> None:
    """Write a file to the side and rename it: an interruption leaves the old one."""
    aside = path.with_name(path.name + ".partial")
    aside.write_bytes(contents)
    os.replace(str(aside), str(path))


def remove_venv(root: Path) -> None:
    """Delete `.venv` if it is a virtual environment.

    Raises:
        OSError: it is something else, or in use.
    """
    venv, aside = root / ".venv", root / ".venv-removed"
    if aside.exists():  # a removal that was interrupted
        shutil.rmtree(str(aside))
    if not venv.exists():
        return
    if not (venv / "pyvenv.cfg").is_file() and any(venv.iterdir()):
        raise OSError("it is not a virtual environment")
    os.replace(str(venv), str(aside))
    shutil.rmtree(str(aside))


def other_python() -> "list[str] | None":
    """Return the command of a supported Python of this machine that really runs, or None."""
    commands = [["python3.12"], ["python3.11"], ["python3.13"]]
    if os.name == "nt":
        commands += [["py", "-3.12"], ["py", "-3.11"], ["py", "-3.13"]]
    probe = f"import sys; sys.exit(sys.version_info[:2] not in {SUPPORTED})"
    quiet = subprocess.DEVNULL
    for command in commands:
        try:
            if subprocess.call([*command, "-c", probe], stdout=quiet, stderr=quiet) == 0:
                return command
        except OSError:  # there is no such program
            continue
    return None


def install(root: Path, version: "tuple[int, int]") -> int:
    """Make the environment, or bring it up to date; return 0, or a failed step's exit code."""
    stamp = expected_stamp(root, version)
    old = read_stamp(root)
    fresh = venv_version(root) != version or old.splitlines()[:2] != stamp.splitlines()[:2]
    # The environment may be the one that runs this: then the Python beneath it makes the new one.
    inside = Path(sys.prefix) == root / ".venv"
    python = getattr(sys, "_base_executable", sys.executable) if inside else sys.executable
    pip = [str(venv_python(root)), "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stdout.isatty():
        pip.append("--quiet")
    # Wheels only: a source archive would be built with tools that no hash vouches for.
    pinned = ["--only-binary", ":all:", "--require-hashes", "-r", str(root / "requirements.txt")]
    package = ["--no-deps", "--no-build-isolation", "-e", str(root)]
    steps = [pip + pinned, pip + package]
    if fresh:
        lacking = disk_problem(root)
        if lacking:
            print(lacking, file=sys.stderr)
            return 1
        try:
            remove_venv(root)
        except OSError as error:
            print(
                "Cannot replace {}: {}. Close what uses it, move it away and run the same command again.".format(
                    root / ".venv", error
                ),
                file=sys.stderr,
            )
            return 1
        steps.insert(0, [python, "-m", "venv", str(root / ".venv")])
        print("Installing the course into .venv: 2 GB, a few minutes, only once.")
    else:
        (root / ".venv" / STAMP).unlink()
        print("Bringing .venv up to date.")
    for step in steps:
        # A user's own pip setting of --user would be refused inside a virtual environment.
        code = run(step, {"PIP_USER": "0"})
        if code:
            print(FAILED, file=sys.stderr)
            return code
    write_whole(root / ".venv" / STAMP, stamp.encode("utf-8"))
    return 0


def ensure(root: Path = ROOT) -> int:
    """See to it that `.venv` holds the course; return 0, or the exit code of a failure."""
    there = venv_version(root)
    wanted = RUNNING if RUNNING in SUPPORTED else there
    if wanted and wanted == there and read_stamp(root) == expected_stamp(root, wanted):
        return 0
    if RUNNING not in SUPPORTED:
        other = other_python()
        if other:
            return run([*other, str(root / "tools" / "install.py")])
    reason = problem(this_machine())
    if reason:
        print(reason, file=sys.stderr)
        return 1
    return install(root, RUNNING)


if __name__ == "__main__":
    try:
        sys.exit(ensure())
    except KeyboardInterrupt:
        sys.exit(130)
