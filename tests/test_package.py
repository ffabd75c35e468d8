"""The package as a whole: light to import, its modules at hand, its rooms in order."""

from __future__ import annotations

import ast
import subprocess
import sys
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
    inner = {"__init__", "__pycache__", "engine", "integrity", "runtime", "studies", "trials", "validation"}
    assert set(aetutorial.MODULES) == names - inner
    assert set(aetutorial.MODULES) <= set(dir(aetutorial))


def test_an_unknown_module_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"no attribute 'trainer'; its modules are data, .*training"):
        _ = aetutorial.trainer


def test_modules_are_short_and_the_package_does_not_grow():
    assert {name: count for name, count in LINES.items() if count >= 300} == {}
    plumbing = {name: count for name, count in LINES.items() if not name.startswith("exercises/")}
    # 4,000 is the aim; nothing is added before something has gone.
    assert sum(plumbing.values()) < 4900, sum(plumbing.values())


# A room may import what stands before it in this list, and nothing behind it.
FLOORS = (
    ("validation", "integrity"),
    ("runtime", "engine"),
    ("training", "data", "metrics", "plotting"),
    ("models", "trials", "studies"),
    ("judge", "diagnosis", "estimator", "lesson"),
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
