"""What a study's function depends on: what changes its fingerprint, and what does not."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import linecache
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from aetutorial import data
from aetutorial.studies import fingerprint as fingerprint_module
from aetutorial.studies import syntax
from aetutorial.studies.fingerprint import fingerprint

LESSON = '''
import functools
import numpy as np
from collections import OrderedDict
from aetutorial import metrics
from aetutorial.metrics import mse
from scipy.special import expit
import tensorflow as tf

width = 3
rates = {"low": 0.1, "high": 0.5}
unused = 1
shift = 0
x = np.arange(6.0)
limit = np.float32(1.5)
nothing = None
table = {"square": lambda a: a * a, "bound": np.tanh}
held = [np.ones(2), "a text"]
Value = list[float] | float  # only annotations name it
encoder = object()  # a global that is only named as an attribute below


def helper(a):
    """Say what it does."""
    # a remark

    return a + width  # another remark


class Base:
    size = width

    def forward(self, a: Value) -> Value:
        b: Value = helper(a)
        return b


class Net(Base):
    """Text."""

    scale = shift

    @property
    def half(self):
        return [self.part(v) for v in (1, 2)]

    @staticmethod
    def part(v):
        return v / rates["low"]


def mark(function):
    @functools.wraps(function)
    def marked(*args):
        return function(*args)

    return marked


@mark
def decorated(a):
    return a


@tf.function
def compiled(a):
    return a * limit


add_one = functools.partial(np.add, 1)


def make(power):
    def curve(a):
        return a**power + helper(0)

    return curve


cubic = make(3)


def run(seed, rate=rates["high"]):
    """Docstring
    of two lines."""
    model = Net().forward(seed)
    encoder = model  # a local of the same name
    def inner(a):
        return decorated(a) + compiled(a)
    total = mse(x, x) + metrics.mse(x, x) + expit(x).sum() + add_one(1) + cubic(2)
    text = f"{total:.{width}f} # no remark"
    return {"error": inner(total) + table["square"](2) + held[0] + encoder.encoder(nothing), "t": text}
'''
numbers = itertools.count()


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """Return a function that makes a lesson's module, with some of its text replaced."""

    def make(*replacements: tuple[str, str], source: str = LESSON) -> types.ModuleType:
        for old, new in replacements:
            assert old in source
            source = source.replace(old, new)
        path = tmp_path / f"lesson{next(numbers)}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location("a_lesson", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "a_lesson", module)
        spec.loader.exec_module(module)
        return module

    return make


def test_what_is_found(lesson):
    found = fingerprint(lesson().run)
    assert found.parameters == {
        "width": 3,
        "rates": {"low": 0.1, "high": 0.5},
        "shift": 0,
        "limit": 1.5,
        "power": 3,
        "add_one[1]": [1],
        "add_one[2]": {},
        "held[1]": "a text",
    }
    assert set(found.data) == {"x", "held[0]"}
    assert found == fingerprint(lesson().run)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a remark", "# quite another"),
        ("  # another remark", ""),
        ("    # a remark\n\n", ""),
        ('"""Say what it does."""', '"""It\n\n    adds."""'),
        ('"""Docstring\n    of two lines."""', '"""One line."""'),
        ('    """Text."""\n', ""),
        ("unused = 1", "unused = 2"),
        ("helper", "renamed"),  # wherever it stands
        ("def helper(a)", "def helper(a: int) -> Value"),
        ("    return a + width", "    if a is None:\n        raise ValueError('a')\n    return a + width"),
        ("    return a + width", "    return np.asarray(a) + width"),
        ("    b: Value = helper", "    b = helper"),
        ("encoder = object()", "encoder = [object()]"),
        ("\n\ndef helper", "\n\n\n\n\ndef another(): ...\n\n\ndef helper"),
    ],
)
def test_what_changes_nothing(lesson, old, new):
    assert fingerprint(lesson().run) == fingerprint(lesson((old, new)).run)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("return a + width", "return a - width", "code_digest"),
        ("# no remark", "# no  remark", "code_digest"),  # within a string
        ("= helper(a)", "= helper(-a)", "code_digest"),
        ("v / rates", "v * rates", "code_digest"),
        ("class Net(Base)", "class Net(Base, OrderedDict)", "code_digest"),
        ("a**power", "a*power", "code_digest"),
        ("lambda a: a * a", "lambda a: a + a", "code_digest"),
        ("@mark\n", "", "code_digest"),
        ("return function(*args)", "return -function(*args)", "code_digest"),
        ("a * limit", "a + limit", "code_digest"),
        ("width = 3", "width = 4", "parameters"),
        ("shift = 0", "shift = 1", "parameters"),  # read in the body of a class
        ('"high": 0.5', '"high": 0.6', "parameters"),  # read in a default value
        ("cubic = make(3)", "cubic = make(4)", "parameters"),
        ("nothing = None", "nothing = 0", "parameters"),
        ("limit = np.float32(1.5)", "limit = 1.25", "parameters"),
        ("np.arange(6.0)", "np.arange(6.0)[::-1]", "data"),
        ("np.arange(6.0)", 'np.arange(6.0, dtype="float32")', "data"),
        ("np.arange(6.0)", "np.arange(6.0).reshape(2, 3)", "data"),
        ("np.ones(2)", "np.zeros(2)", "data"),
    ],
)
def test_what_changes_one_part(lesson, old, new, part):
    before, after = fingerprint(lesson().run), fingerprint(lesson((old, new)).run)
    changed = [name for name in ("code_digest", "parameters", "data") if getattr(before, name) != getattr(after, name)]
    assert changed == [part]


def test_the_package_is_followed_but_not_its_engine_nor_libraries(lesson, monkeypatch):
    run = lesson(
        source="import numpy as np\nfrom aetutorial import lesson, metrics, plotting, tables\n\n"
        "def run(seed):\n    plotting.bars({})\n    tables.show([])\n    lesson.claim('a', 1)\n"
        "    return {'a': metrics.mse(np.mean(1), 2)}\n"
    ).run
    followed = []
    real = syntax._source
    monkeypatch.setattr(syntax, "_source", lambda item: followed.append(item.__qualname__) or real(item))
    fingerprint(run)
    assert {"run", "mse", "squared_error", "_pair"} <= set(followed)
    assert not {"bars", "show", "claim", "mean", "array", "message"} & set(followed)


CHECKED = """
import numpy as np
from aetutorial import validation
from aetutorial.metrics import mse


def half(x):
    x = validation.array("x", x, ndim=1)
    n = validation.integer("n", len(x), low=1)
    if n % 2:
        expected = "an even number of values"
        raise ValueError(validation.message("x", expected, x))
    return x[: n // 2]


def run(seed):
    return {"a": mse(half(np.ones(4)), np.zeros(2))}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("an even number of values", "as many as it likes, if even"),
        ('        expected = "an even number of values"\n', "        expected, other = 'even', 1\n"),
        ('validation.message("x", expected, x)', "'an error in other words'"),
        ('    x = validation.array("x", x, ndim=1)\n', ""),
        ('validation.integer("n", len(x), low=1)', "len(x)"),
        ("    if n % 2:", '    validation.real("x", x[0])\n    if n % 2:'),
        ("    if n % 2:", "    if n % 2 or n > 1000:"),
        ("mse", "metrics.mse"),
        ("mse", "squared"),
    ],
)
def test_the_words_of_errors_the_checks_and_the_place_of_code_change_nothing(lesson, old, new):
    other = CHECKED.replace(old, new)
    other = other.replace("metrics import metrics.mse", "metrics import mse\nfrom aetutorial import metrics")
    other = other.replace("import squared", "import mse as squared")
    assert other != CHECKED
    assert fingerprint(lesson(source=CHECKED).run) == fingerprint(lesson(source=other).run)


def test_numbers_that_a_check_was_given_and_attributes_of_inner_classes_count(lesson):
    source = "def run(seed):\n    class A:\n        size = 3\n    return {'a': A().size}\n"
    found = {
        fingerprint(lesson(source=text).run).code_digest
        for text in (
            CHECKED,
            CHECKED.replace("len(x), low", "len(x) + 1, low"),
            CHECKED.replace("np.ones(4)", "np.ones(6)"),
            CHECKED.replace("mse(half", "-mse(half"),
            source,
            source.replace("size = 3", "size = 4"),
        )
    }
    assert len(found) == 6


def test_code_that_calls_itself_is_read_once(lesson):
    source = "def run(seed):\n    return {'a': run(seed - 1)['a'] + other(seed)}\n"
    source += "def other(n):\n    return run(n)\n"
    changed = source.replace("return run(n)", "return run(-n)")
    first, second = (fingerprint(lesson(source=text).run) for text in (source, changed))
    assert first != second


def test_a_data_set_is_known_by_its_checksum(lesson):
    module = lesson(source="def run(seed):\n    return {'a': digits.x_train.mean()}\n")
    module.digits = data.load("digits")
    assert fingerprint(module.run).data == {"digits": module.digits.checksum}


@pytest.mark.parametrize("value", [object(), np.random.default_rng(0), {1, 2}, [object()], 1j])
def test_hidden_state_is_refused(lesson, value):
    module = lesson(source="def run(seed):\n    return {'a': thing}\n")
    module.thing = value
    with pytest.raises(TypeError, match=r"reads the global `thing(\[0\])?`, a \w+\. It may read"):
        fingerprint(module.run)


def test_a_model_is_refused(lesson):
    import keras

    module = lesson(source="def run(seed):\n    return {'a': autoencoder.count_params()}\n")
    module.autoencoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(TypeError, match=r"`autoencoder`, a Sequential. .* built inside it"):
        fingerprint(module.run)


def test_code_without_a_source_is_refused():
    scope = {"__name__": "nowhere"}
    exec("def run(seed): return seed", scope)
    with pytest.raises(TypeError, match=r"finds none for `nowhere\.run`\. Write it as a `def`"):
        fingerprint(scope["run"])
    with pytest.raises(TypeError, match="finds none for "):
        fingerprint(functools.partial(max, 1).func)


def test_a_class_of_a_notebook_is_found_in_its_cells(monkeypatch):
    """`inspect` finds no source there; the cells that were run are in `In`, the latest last."""
    cells = ["class Net:\n    depth = 1", "x = 1\n\n@mark\nclass Net:\n    depth = 2  # now deeper\n\ny = 2", "Net()"]
    main = types.ModuleType("a_notebook")
    main.In, main.mark = cells, lambda thing: thing
    for cell in cells:
        exec(cell, vars(main))
    monkeypatch.setitem(sys.modules, "a_notebook", main)
    assert syntax._source(main.Net) == "@mark\nclass Net:\n    depth = 2  # now deeper"
    main.In = cells[2:]
    with pytest.raises((OSError, TypeError)):
        syntax._source(main.Net)


def test_a_class_of_a_cell_outside_the_history_is_found(monkeypatch):
    """A checker of notebooks runs cells without storing them in `In`; Python's line cache has them."""
    cell = "z = 0\n\nclass Net:\n    def call(self, x):\n        return 2 * x\n"
    main = types.ModuleType("a_notebook")
    main.In = []
    linecache.cache["<cell 7>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell 7>")
    exec(compile(cell, "<cell 7>", "exec"), vars(main))
    monkeypatch.setitem(sys.modules, "a_notebook", main)
    assert syntax._source(main.Net) == cell.split("\n\n")[1].rstrip()


def test_another_process_finds_the_same(tmp_path):
    path = tmp_path / "a_lesson.py"
    path.write_text(LESSON.replace("import tensorflow as tf", "").replace("@tf.function", ""))
    code = "import a_lesson; from aetutorial.studies.fingerprint import fingerprint; print(fingerprint(a_lesson.run))"
    root = str(Path(fingerprint_module.__file__).parents[2])
    said = [
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:0] = [{root!r}]; {code}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert "code_digest='" in said[0]
