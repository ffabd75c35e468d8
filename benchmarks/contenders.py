"""Who is timed: every way of training that the benchmark knows, and the process that does it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 900.0  # seconds that an answer may take


@dataclass(frozen=True)
class Contender:
    """A way of training.

    Attributes:
        name: Short name, as for `--contenders`.
        title: What stands in tables and figures.
        module, function: Where in benchmarks/ its `prepare` is.
        options: Further arguments of that function.
        environment: Environment variables of its process.
        peer: Whether it needs the peers' environment.
        trains: Whether it has a loss; the limit has none.
    """

    name: str
    title: str
    module: str
    function: str = "prepare"
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    peer: bool = False
    trains: bool = True


def contenders(cores: int) -> dict[str, Contender]:
    """Return all contenders by name, the engine first.

    Args:
        cores: How many processor cores there are: what depends on threads is timed with one and with all.
    """
    found = [
        Contender("engine", "training.fit", "keras_models", "prepare_engine", {"jit": "auto"}),
        Contender("engine-xla", "training.fit, jit=True", "keras_models", "prepare_engine", {"jit": True}),
        Contender("engine-graph", "training.fit, jit=False", "keras_models", "prepare_engine", {"jit": False}),
        Contender("keras-tensorflow", "Keras fit, TensorFlow", "keras_models"),
        Contender("keras-jax", "Keras fit, JAX", "keras_models", environment={"KERAS_BACKEND": "jax"}, peer=True),
    ]
    threads = {"1": 1, "all": cores} if cores > 1 else {"1": 1}
    for name, count in threads.items():
        plural = f"{count} thread" + "s" * (count > 1)
        found.append(
            Contender(f"torch-{name}", f"PyTorch eager, {plural}", "torch_loop", options={"threads": count}, peer=True)
        )
    found.append(Contender("jax-scan", "JAX lax.scan", "jax_scan", peer=True))
    for name, count in threads.items():
        plural = f"{count} thread" + "s" * (count > 1)
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        variables = dict.fromkeys(names, str(count))
        found.append(
            Contender(f"limit-{name}", f"limit: products only, {plural}", "limit", environment=variables, trains=False)
        )
    return {contender.name: contender for contender in found}


class WorkerError(Exception):
    """A contender can't be timed; `status` is "not installed" or "failed"."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


class Worker:
    """A contender's process with one model, idle except between a question and its answer.

    Args:
        contender: The contender.
        case: Name of the model.
        data: The file of the examples.
        python: The Python that runs it.
        rows: On how many rows it trains; None means all.

    Attributes:
        scale: By what its seconds per epoch are multiplied.
        versions: Versions of its libraries.

    Raises:
        WorkerError: a library is missing, or the process failed.
    """

    def __init__(self, contender: Contender, case: str, data: Path, python: str, rows: int | None = None) -> None:
        job = {
            "module": f"benchmarks.{contender.module}",
            "function": contender.function,
            "options": contender.options,
            "case": case,
            "data": str(data),
            "rows": rows,
        }
        # KERAS_BACKEND may be set where the benchmark is started; here each contender has its own.
        inherited = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", json.dumps(job)],
            cwd=ROOT,
            env=inherited | quiet | contender.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )
        try:
            ready = self._answer()
        except BaseException:
            self.close()
            raise
        self.scale, self.versions = float(ready["scale"]), dict(ready["versions"])

    def fit(self, epochs: int) -> tuple[float, float | None]:
        """Train for some epochs; return the seconds that took and the last epoch's loss."""
        answer = self._ask(f"fit {epochs}")
        return answer["seconds"], answer["loss"]

    def new(self) -> None:
        """Put a new model with the same initial weights in place of the present one."""
        self._ask("new")

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(OSError):  # a command that it did not live to read
                    stream.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _ask(self, command: str) -> dict[str, Any]:
        with contextlib.suppress(OSError):  # it has ended: the answer says how
            print(command, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace").split("\n")
            last = next((text for text in reversed(said) if text.strip()), "it ended")
            raise WorkerError("failed", without_paths(last))
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise WorkerError("not installed", without_paths(answer["missing"]))
        if "failed" in answer:
            raise WorkerError("failed", without_paths(answer["failed"]))
        return answer


def without_paths(text: str) -> str:
    """Return the first line of a message, with no folder of this machine in it."""
    line = text.strip().split("\n")[0]
    return " ".join("(path)" if word.count("/") > 1 else word for word in line.split())[:200]
