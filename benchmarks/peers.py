"""The libraries that the engine is compared with, in an environment of their own: `.venv-bench`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
VENV = ROOT / ".venv-bench"
VARIABLE = "AETUTORIAL_BENCH_PYTHON"  # names another Python that has the peers


def pins(text: str) -> list[str]:
    """Return the requirements of a file, without its comments."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def stamp(requirements: bytes) -> str:
    """Return what an environment that is up to date says of itself."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"Python {version}\n{ROOT}\n{hashlib.sha256(requirements).hexdigest()}\n"


def ensure() -> tuple[str, list[str]]:
    """Return the peers' Python, after installing what is not there, and the requirements that can't be installed.

    An installation that is not complete is tried again the next time.
    """
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE], []
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark, wanted = VENV / "bench-installed.txt", stamp(REQUIREMENTS.read_bytes())
    if python.exists() and mark.exists() and mark.read_text("utf-8") == wanted:
        return str(python), []
    shutil.rmtree(VENV, ignore_errors=True)
    print("Installing the libraries to compare with into .venv-bench, once.", flush=True)
    all_pins = pins(REQUIREMENTS.read_text("utf-8"))
    if subprocess.call([sys.executable, "-m", "venv", str(VENV)]):
        return str(python), all_pins
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--only-binary", ":all:", "-c", str(REQUIREMENTS)]
    variables = {**os.environ, "PIP_USER": "0"}
    if subprocess.call([*pip, *all_pins], env=variables) == 0:
        aside = mark.with_suffix(".partial")
        aside.write_text(wanted, "utf-8")
        os.replace(aside, mark)
        return str(python), []
    # One that is missing here must not cost the others.
    return str(python), [pin for pin in all_pins if subprocess.call([*pip, pin], env=variables)]
