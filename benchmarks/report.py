"""From timings to ratios, verdicts, a table and a figure. Nothing here runs a model."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeGuard

from benchmarks.cases import CASES, Case, Goal

COMPILE_SECONDS = 2.5  # what the engine's compilation may take
LOSS_TOLERANCE = 0.05
CALL_GOALS = {"first": Goal((), 1, 1.5), "new": Goal((), 1, 1.5), "again": Goal((), 2, 3)}


def per_epoch(short: float, long: float, more: int, scale: float = 1.0) -> float:
    """Return the seconds of an epoch from two fits, of which the long one has `more` epochs more."""
    return (long - short) / more * scale


def summary(milliseconds: list[float]) -> dict[str, float]:
    """Return median, smallest and largest of the rounds' times."""
    median = statistics.median(milliseconds)
    return {"median": median, "min": min(milliseconds), "max": max(milliseconds)}


def timed(result: dict[str, Any] | None) -> TypeGuard[dict[str, Any]]:
    """Return whether a contender was timed to the end."""
    return result is not None and result.get("status") == "timed"


def verdict(value: float, goal: Goal) -> str:
    """Return what a ratio comes to: "reached aim", "reached required" or "missed"."""
    sign = -1 if goal.at_most else 1
    if sign * value >= sign * goal.aim:
        return "reached aim"
    return "reached required" if sign * value >= sign * goal.required else "missed"


def ratio(goal: Goal, results: dict[str, Any]) -> dict[str, Any]:
    """Return the engine's ratio to the fastest contender of a goal, with the goal and the verdict.

    The ratio is that of the medians; its range is that of the ratios of single rounds, which ran one after another.
    """
    found: dict[str, Any] = {
        "required": goal.required,
        "aim": goal.aim,
        "at_most": goal.at_most,
        "against": goal.against[0],
        "verdict": "not measured",
    }
    peers = [name for name in goal.against if timed(results.get(name))]
    if not peers or not timed(results.get("engine")):
        return found
    peer = min(peers, key=lambda name: results[name]["milliseconds"]["median"])
    mine, other = results["engine"], results[peer]
    if goal.at_most:
        mine, other = other, mine
    value = other["milliseconds"]["median"] / mine["milliseconds"]["median"]
    rounds = [b / a for a, b in zip(mine["rounds_ms"], other["rounds_ms"], strict=True)]
    return found | {
        "against": peer,
        "ratio": value,
        "min": min(rounds),
        "max": max(rounds),
        "verdict": verdict(value, goal),
    }


def losses_differ(results: dict[str, Any], tolerance: float = LOSS_TOLERANCE) -> list[str]:
    """Return the contenders that did not train as the others did.

    One is named if its loss after the same number of epochs is further from the median than `tolerance`, as a part
    of it, or if its loss fell by less than half as much as the others' did since the first epoch.
    """
    known = {name: result["loss"] for name, result in results.items() if timed(result) and result.get("loss")}
    if not known:
        return []
    last = statistics.median(loss["last"] for loss in known.values())
    fell = statistics.median(loss["first"] - loss["last"] for loss in known.values())
    return [
        name
        for name, loss in known.items()
        if not (abs(loss["last"] - last) <= tolerance * last and loss["first"] - loss["last"] >= fell / 2)
    ]


def versions(results: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return each library's version, or versions where environments differ."""
    found: dict[str, set[str]] = {}
    for result in results:
        for name, version in result.get("versions", {}).items():
            found.setdefault(name, set()).add(version)
    return {name: " and ".join(sorted(each)) for name, each in sorted(found.items())}


def number(value: float) -> str:
    """Return a number with three digits that count, without an exponent."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def table(lines: list[list[str]]) -> str:
    """Return a Markdown table; the first line is its head, the first column is text."""
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [lines[0], rule, *lines[1:]])


def times_table(case: Case, results: dict[str, Any]) -> str:
    """Return a model's table: what an epoch, a compilation and a second model take, and the loss."""
    head = ["", "ms per epoch", "min–max", "time ÷ training.fit's", "compile, s", "again, s", "loss"]
    lines = [head]
    engine = results.get("engine")
    for result in results.values():
        title = result["title"]
        if not timed(result):
            lines.append([title, f"{result['status']}: {result['why']}", *[""] * 5])
            continue
        times = result["milliseconds"]
        share = times["median"] / engine["milliseconds"]["median"] if timed(engine) else None
        compiling, loss = result.get("compile_seconds"), result.get("loss")
        lines.append(
            [
                title + " \\*" * bool(result.get("rows")),
                number(times["median"]),
                f"{number(times['min'])}–{number(times['max'])}",
                number(share) if share else "",
                number(compiling["first"]) if compiling else "",
                number(compiling["second"]) if compiling else "",
                f"{loss['last']:.4g}" if loss else "",
            ]
        )
    text = f"## {case.title}\n\n{table(lines)}\n"
    scaled = {result["rows"] for result in results.values() if result.get("rows")}
    if scaled:
        text += f"\n\\* Timed on {max(scaled)} rows and scaled up to {case.rows:,}; no loss.\n"
    return text


def goals_table(document: dict[str, Any]) -> str:
    """Return the table of what is asked and what was measured."""
    lines = [["", "measured", "single rounds", "required", "aim", "verdict"]]
    for name, model in document["models"].items():
        for found in model["ratios"]:
            peer = model["contenders"].get(found["against"], {}).get("title", found["against"])
            what = "time in terms of" if found["at_most"] else "times as fast as"
            sign = "≤ " if found["at_most"] else "≥ "
            measured = "ratio" in found
            lines.append(
                [
                    f"{name}: {what} {peer}",
                    number(found["ratio"]) if measured else "",
                    f"{number(found['min'])}–{number(found['max'])}" if measured else "",
                    f"{sign}{found['required']:g}",
                    f"{sign}{found['aim']:g}",
                    found["verdict"],
                ]
            )
        compiling = model.get("compiling")
        if compiling:
            limit = f"≤ {COMPILE_SECONDS:g}"
            cells = [number(compiling["seconds"]), "", limit, limit, compiling["verdict"]]
            lines.append([f"{name}: seconds of compilation", *cells])
    return table(lines)


def calls_table(calls: dict[str, Any]) -> str:
    """Return the table of whole calls: seconds by training.fit and by Keras, and how many times as fast."""
    lines = [["", "epochs", "call", "training.fit, s", "Keras fit, s", "times as fast", "single rounds", "required"]]
    for name, by_epochs in calls.items():
        for epochs, seconds in by_epochs.items():
            pairs = list(zip(seconds["engine"], seconds["keras-tensorflow"], strict=True))
            for call, goal in CALL_GOALS.items():
                ours, theirs = ([each[i][call] for each in pairs] for i in range(2))
                ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
                value = statistics.median(theirs) / statistics.median(ours)
                lines.append(
                    [
                        *(name, epochs, call, number(statistics.median(ours)), number(statistics.median(theirs))),
                        number(value),
                        f"{number(min(ratios))}–{number(max(ratios))}",
                        f"≥ {goal.required:g}, aim {goal.aim:g}: {verdict(value, goal)}",
                    ]
                )
    return table(lines)


def compiling(results: dict[str, Any]) -> dict[str, Any] | None:
    """Return the engine's seconds of compilation and the verdict, or None."""
    engine = results.get("engine")
    if not timed(engine) or not engine.get("compile_seconds"):
        return None
    seconds = engine["compile_seconds"]["first"]
    goal = Goal((), COMPILE_SECONDS, COMPILE_SECONDS, at_most=True)
    return {"seconds": seconds, "verdict": verdict(seconds, goal)}


def markdown(document: dict[str, Any]) -> str:
    """Return the text of RESULTS.md."""
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    rounds = document["rounds"]
    parts = [
        "# What an epoch takes\n",
        f"Measured on {document['date']}: {machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; {versions}. Median of {rounds} round{'s' * (rounds > 1)}; in a round each "
        "contender has its turn. How it is timed: README.md; every single timing: results.json.\n",
        "![Milliseconds per epoch of every contender, one panel per model, on logarithmic axes](results.png)\n",
        "## What is asked of training.fit\n",
        goals_table(document) + "\n",
    ]
    if document["calls"]:
        parts += [
            "## From the call to the trained model\n",
            calls_table(document["calls"]) + "\n",
            "first: the first call in a new process, without its imports; new: a new model like the first, in that "
            "process; again: that model once more. Median; each round has new processes, which take turns.\n",
        ]
    for name, model in document["models"].items():
        parts.append(times_table(CASES[name], model["contenders"]))
        if model["losses_differ"]:
            titles = (model["contenders"][one]["title"] for one in model["losses_differ"])
            parts.append(f"**These did not train as the others did: {', '.join(titles)}.**\n")
    parts.append(
        "compile: the first epoch in a new process less a median epoch; again: the same for a second, equal model in "
        "that process. loss: mean over the last of the epochs after which losses are compared.\n"
    )
    return "\n".join(parts)


def figure(document: dict[str, Any], path: Path) -> None:
    """Draw milliseconds per epoch, a panel per model, a dot per contender, into a PNG file."""
    import matplotlib as mpl

    mpl.use("agg")
    import numpy as np
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D

    import aetutorial

    style = Path(aetutorial.__file__).with_name("aetutorial.mplstyle")
    models = document["models"]
    titles: dict[str, str] = {}
    for model in models.values():
        titles |= {name: result["title"] for name, result in model["contenders"].items()}
    places = {name: place for place, name in enumerate(titles)}
    columns = min(2, len(models))
    lines = -(-len(models) // columns)
    with plt.style.context(style):
        size = 2.6 + 3.6 * columns, 0.5 + lines * (0.75 + 0.24 * len(titles))
        fig, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, sharey=True)
        for ax, (name, model) in zip(axes.flat, models.items(), strict=False):
            low, high = 1.0, 1.0
            values = []
            for contender, result in model["contenders"].items():
                place = places[contender]
                if not timed(result):
                    ax.text(0.02, place, result["status"], va="center", transform=_across(ax), size=8)
                    continue
                mine, bound = contender.startswith("engine"), contender.startswith("limit")
                color = "C1" if mine else "0.45" if bound else "C0"
                times = result["milliseconds"]
                values += [times["min"], times["max"]]
                ax.plot([times["min"], times["max"]], [place] * 2, color=color, ls="-", lw=2, alpha=0.5)
                ax.plot(times["median"], place, "D" if mine else "o", color=color, ms=5)
            if values:
                low, high = min(values) / 1.1, max(values) * 1.1
            ax.set_xscale("log")
            ax.set_xlim(10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(high)))
            ax.xaxis.set_major_formatter("{x:,g}")
            ax.set_title(CASES[name].title, fontsize=8.5)
            ax.set_yticks(range(len(titles)), list(titles.values()), fontsize=8)
            ax.set_ylim(len(titles) - 0.5, -0.5)
            ax.set_xlabel("ms per epoch", fontsize=8)
            ax.tick_params(axis="x", labelsize=8)
        for ax in list(axes.flat)[len(models) :]:
            ax.set_axis_off()
        marks = {"training.fit": ("D", "C1"), "peers": ("o", "C0"), "limit": ("o", "0.45")}
        handles = [
            Line2D([], [], marker=mark, color=color, ls="", label=label) for label, (mark, color) in marks.items()
        ]
        if len(models) < lines * columns:
            list(axes.flat)[-1].legend(handles=handles, loc="upper left")
        aside = path.with_suffix(".png.partial")
        fig.savefig(aside, format="png", dpi=110, metadata={"Software": None})
        plt.close(fig)
    aside.replace(path)


def _across(ax: Any) -> Any:
    """Return a transform: part of the width, place on the y axis."""
    return ax.get_yaxis_transform()
