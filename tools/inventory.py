"""What comes with the course, as tables for the reference page: its data sets and its trained models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from aetutorial import data

CARDS = Path(data.__file__).parents[1] / "pretrained" / "cards.json"
# Of the sets that are downloaded: examples to train on and held out, shape of one, and terms of use.
DOWNLOADED = {
    "mnist-full": ("60,000 + 10,000", "28 × 28 × 1", "0 to 1", "CC BY-SA 3.0", "all of MNIST; downloaded once"),
    "fashion-mnist": (
        "60,000 + 10,000",
        "28 × 28 × 1",
        "0 to 1",
        "MIT",
        "clothes (Xiao, Rasul and Vollgraf 2017); downloaded once",
    ),
}


def data_table() -> str:
    """Return a row for each data set: examples, shape, range, license and source."""
    lines = [
        "| `data.load(…)` | examples, train + test | shape of one | range in training | license | source |",
        "| --- " * 6 + "|",
    ]
    for name in data.NAMES:
        if name in DOWNLOADED:
            count, shape, values, license_, source = DOWNLOADED[name]
        else:
            dataset = data.load(name)
            count = f"{len(dataset.x_train):,} + {len(dataset.x_test):,}"
            shape = " × ".join(map(str, dataset.x_train.shape[1:]))
            low, high = (
                np.format_float_positional(bound(dataset.x_train), precision=3, trim="-") for bound in (np.min, np.max)
            )
            values, license_, source = f"{low} to {high}", dataset.license, dataset.source
        lines.append(f"| `{name}` | {count} | {shape} | {values} | {license_} | {source} |")
    return "\n".join(lines)


def models_table() -> str:
    """Return a row for each trained model, from its card."""
    lines = ["| `models.load(…)` | what it is | trained on | weights | measured on held-out data |", "| --- " * 5 + "|"]
    for name, card in json.loads(CARDS.read_text(encoding="utf-8")).items():
        scores = "; ".join(f"{score}: {value:.3g}" for score, value in card["scores"].items())
        trained = (
            f"{card['data'].replace('the ', '', 1)}; {card['epochs']} epochs, {card['minutes']:.0f} min of two cores"
        )
        lines.append(f"| `{name}` | {card['what']} | {trained} | {card['weights']:,} | {scores} |")
    return "\n".join(lines)


def tables() -> dict[str, str]:
    """Return the tables by the word in the marks that they stand between."""
    return {"data": data_table(), "models": models_table()}
