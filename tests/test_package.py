"""The package as a whole: light to import, its modules at hand, its rooms in order."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import aetutorial

ROOT = Path(aetutorial.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
LINES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8").count("\n") for path in SOURCES}


def test_importing_the_package_imports_no_framework_and_its_modules_follow_when_named():
    code = (
        "import sys, aetutorial\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "aetutorial.training.fit, aetutorial.data.load\n"
        "print(heavy, {'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set() set()"


def test_every_public_module_is_listed():
    names = {path.stem if path.is_file() else path.name for path in ROOT.iterdir() if path.suffix in ("", ".py")}
    inner = {
        *("__init__", "__pycache__", "claims", "display", "engine"),
        *("integrity", "pretrained", "runtime", "studies", "trials", "validation"),
    }
    assert set(aetutorial.MODULES) == names - inner
    assert set(aetutorial.MODULES) <= set(dir(aetutorial))


def test_an_unknown_module_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"no attribute 'trainer'; its modules are data, .*training"):
        _ = aetutorial.trainer


def lines_of_code(path: Path) -> int:
    """Return the number of lines that are not empty, a comment or part of a docstring."""
    text = path.read_text("utf-8")
    marks = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in marks]
    lines = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node):
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def test_modules_are_short_and_so_is_the_package():
    assert {name: count for name, count in LINES.items() if count >= 300} == {}
    plumbing = [path for path in SOURCES if "exercises" not in path.parts]
    count = sum(map(lines_of_code, plumbing))
    assert 2500 < count < 4950, count  # with docstrings and comments it is two thirds more


# A room may import what stands before it in this list, and nothing behind it.
FLOORS = (
    ("validation", "integrity"),
    ("runtime", "engine", "display"),
    ("training", "data", "metrics", "plotting", "tables"),
    ("models", "trials", "studies"),
    ("judge", "diagnosis", "estimator", "claims"),
    ("lesson",),
    ("exercises",),
)


def test_imports_point_one_way():
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    faults = []
    for path in SOURCES:
        here = path.relative_to(ROOT).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("aetutorial"):
                continue
            _, *inside = node.module.split(".")
            for room in inside[:1] or [alias.name for alias in node.names]:
                if here != "__init__" and room != here and floor[room] >= floor[here]:
                    faults.append(f"{path.relative_to(ROOT)} imports {room}")
    assert faults == []
