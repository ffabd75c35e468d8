"""Write the repository's public address into the badges and links that name it.

    python -m tools.address            write it
    python -m tools.address --check    only say what is out of step (exit code 1 if anything is)

The address stands in one place, `project.urls.Repository` of pyproject.toml. It is carried into
README.md, CITATION.cff, the notebooks and their text pairs, wherever one of FORMS occurs. Every
other byte stays as it is, so the outputs of the notebooks are untouched.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"https://github\.com/([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-])")
# What stands before OWNER/NAME where this repository is meant; other links to GitHub do not match.
FORMS = (
    rb"https://mybinder\.org/v2/gh/",
    rb"https://colab\.research\.google\.com/github/",
    rb"git\+https://github\.com/",
    rb"git clone https://github\.com/",
    rb"repository-code: \"https://github\.com/",
)
# A name may hold dots, but neither a closing ".git" nor the full stop of a sentence is part of it.
NAMED = re.compile(rb"(" + rb"|".join(FORMS) + rb")[A-Za-z0-9-]+/[A-Za-z0-9_-]+(?:\.(?!git\b)[A-Za-z0-9_-]+)*")


def repository(root: Path) -> str:
    """Return OWNER/NAME from pyproject.toml.

    Raises:
        ValueError: the address there is missing or is not https://github.com/OWNER/NAME.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Repository")
    match = ADDRESS.fullmatch(str(address))
    if match is None or match[1].endswith(".git"):
        raise ValueError(
            "`project.urls.Repository` in pyproject.toml must be https://github.com/OWNER/NAME"
            f" without a closing slash or .git. Received: {address!r}."
        )
    return match[1]


def files(root: Path) -> list[Path]:
    """Return the files that may name the address."""
    patterns = (
        *("README.md", "CITATION.cff"),
        *("notebooks/*.ipynb", "notebooks/text/*.py"),
        *("notebooks/optional/*.ipynb", "notebooks/optional/text/*.py"),
    )
    return [path for pattern in patterns for path in sorted(root.glob(pattern))]


def out_of_step(root: Path) -> dict[Path, bytes]:
    """Return the files that name another address, each with the content it should have."""
    name = repository(root).encode()
    changed = {}
    for path in files(root):
        content = path.read_bytes()
        wanted = NAMED.sub(lambda match: match[1] + name, content)
        if wanted != content:
            changed[path] = wanted
    return changed


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write the address, or with --check only compare; return the exit code."""
    if arguments not in ([], ["--check"]):
        print(f"Expected no argument or --check. Received: {arguments}.", file=sys.stderr)
        return 2
    try:
        changed = out_of_step(root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path, content in changed.items():
        if not arguments:
            aside = path.with_name(path.name + ".partial")
            aside.write_bytes(content)
            os.replace(aside, path)
        verb = "out of step" if arguments else "address written"
        print(f"{path.relative_to(root).as_posix()}: {verb}")
    return 1 if arguments and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
