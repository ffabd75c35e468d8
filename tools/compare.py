"""Which notebooks are compared with their stored outputs, how, and as if on which processors.

Runs on a learner's bare Python, as tasks.py does, which calls it.
"""

import json
import os
import platform
from pathlib import Path

# What TensorFlow, its kernels and NumPy's take for the number of threads to compute with.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Stand-ins for other processors: smaller instruction sets, other kernels, another order of summation, and weights that
# begin one unit in the last place aside, as another processor's arithmetic would soon have them.
PROCESSORS: "dict[str, dict[str, str]]" = {
    "AVX2": {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "SSE4.2": {"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "last bits": {"AETUTORIAL_LAST_BITS": "1"},
}


def chosen_notebooks(root: Path, start: str) -> "list[str]":
    """Return the paths of the notebooks with code whose names start so, those that take longest first.

    Args:
        root: The course's folder; the paths are from there.
        start: Such as "03" or "deeper/03"; "" means all. If none starts so, the names that there are are printed.
    """
    folder = root / "notebooks"
    found = [*sorted(folder.glob("*.ipynb")), *sorted((folder / "deeper").glob("*.ipynb"))]
    # A notebook of text only (the reference) has no output to compare.
    paths = [path for path in found if '"cell_type": "code"' in path.read_text(encoding="utf-8")]
    known = {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}
    chosen = [name for name, path in known.items() if name.startswith(start) or path.name.startswith(start)]
    if not chosen:
        names = ", ".join(known) or "none"
        print(f"No notebook's name starts with '{start}'. There are: {names}.")
    times = folder / "run_times.json"
    seconds = json.loads(times.read_text(encoding="utf-8")) if times.exists() else {}
    chosen.sort(key=lambda name: -seconds.get(name, {}).get("seconds", 0))
    return [known[name].relative_to(root).as_posix() for name in chosen]


def options(notebooks: int, at_once: "int | None") -> "list[str]":
    """Return pytest's options for so many notebooks; `at_once` is how many run side by side, None for one per core."""
    # A lesson keeps one core busy whatever it has: most of its time is tracing, compiling and small steps. So as many
    # run at once as there are cores, each on one; four at most, for each may take 1.5 GB.
    workers = min(at_once or min(os.cpu_count() or 1, 4), notebooks)
    return [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=300",
        "--nbval-sanitize-with=tests/nbval_sanitize.cfg",
        f"--numprocesses={workers}",
        "--dist=loadfile",  # the cells of a lesson in one kernel, in order
        "--no-loadscope-reorder",
    ]


def instruction_sets() -> str:
    """Return the processor's vector instructions, as far as the system tells."""
    interesting = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    flags = {flag for line in text.splitlines() if line.startswith(("flags", "Features")) for flag in line.split()}
    return ", ".join(name for name in interesting if name in flags) or platform.machine()
