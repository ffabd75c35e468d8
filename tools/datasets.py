"""Make the data that are embedded in the package from their originals.

The same original gives the same arrays, and with the same Python and NumPy the same bytes. Example:

    python -m tools.datasets mnist mnist.npz
    python -m tools.datasets emoji node_modules/emoji-datasource-twitter
    python -m tools.datasets heartbeats heartpy/data/data3.csv
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial.data import catalog
from aetutorial.data.dataset import contents_digest
from aetutorial.integrity import write_whole

MNIST_SEED = 28
MNIST_TRAIN, MNIST_TEST = 10_000, 2_000
EMOJI_SEED = 32
TONE_CODES = ("", "1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF")  # Unicode's modifiers, lightest first; "" is none
MIXED_TONES = 6  # two persons of different tones
PERSONS = {"man", "men", "woman", "women", "person", "people", "boy", "girl", "in", "with", "a"}
NEARLY_EQUAL = 0.002  # mean squared difference of two images, colors in [0, 1]
# Samples between which the pulse is disturbed. Marked by eye on plots of the signal, before a model had seen it.
DISTURBED = (
    (980, 1180), (15520, 15740), (16500, 16760), (16960, 17240), (19400, 19560), (21440, 21600), (22720, 22870),
    (23400, 23620), (24110, 24420), (29520, 29640), (31220, 31860), (33420, 33520), (38740, 39200), (40920, 41060),
    (44620, 44720), (44900, 45100), (45720, 45880), (46360, 46440), (46620, 46760), (49760, 50500), (53400, 53760),
    (57380, 57680), (59640, 59900), (60180, 60460), (60900, 61760), (67760, 68120),
)  # fmt: skip


def proportional_counts(labels: np.ndarray, total: int) -> np.ndarray:
    """Share `total` among the classes as `labels` does, rounded by largest remainder.

    Args:
        labels: Integers from 0, shape (n,).
        total: Examples to share out.

    Returns:
        Integers of shape (classes,) whose sum is `total`.
    """
    exact = np.bincount(labels) * total / len(labels)
    counts = np.floor(exact).astype(int)
    largest = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[largest] += 1
    return counts


def select(labels: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Return `total` different row numbers in random order, stratified by `labels`."""
    rows = [
        rng.choice(np.flatnonzero(labels == label), size=count, replace=False)
        for label, count in enumerate(proportional_counts(labels, total))
    ]
    return rng.permutation(np.concatenate(rows))


def mnist_subset(path: Path) -> dict[str, np.ndarray]:
    """Choose the subset of a full mnist.npz: train from its training set, test from its test set."""
    full = catalog.read_arrays(path, catalog.MNIST_DIGEST)
    rng = np.random.default_rng(MNIST_SEED)
    subset: dict[str, np.ndarray] = {}
    for part, total in (("train", MNIST_TRAIN), ("test", MNIST_TEST)):
        rows = select(full[f"y_{part}"], total, rng)
        subset |= {name: full[name][rows] for name in (f"x_{part}", f"y_{part}")}
    return subset


def emoji_tiles(folder: Path) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Read the emoji and their variants by skin tone from the folder of the package emoji-datasource-twitter.

    Returns:
        A record of each image, and the images on white, uint8, shape (n, 32, 32, 3), 0 to 255.
    """
    from PIL import Image

    records = []
    for emoji in json.loads((folder / "emoji.json").read_text(encoding="utf-8")):
        if emoji["category"] == "Component":  # squares of plain color
            continue
        for tones, place in [("", emoji), *emoji["skin_variations"].items()]:
            tone = {TONE_CODES.index(code) for code in tones.split("-")}
            records.append(
                {
                    "name": emoji["name"].capitalize(),
                    "category": emoji["category"],
                    "subcategory": emoji["subcategory"],
                    "skin_tone": tone.pop() if len(tone) == 1 else MIXED_TONES,
                    "place": (1 + 34 * place["sheet_y"], 1 + 34 * place["sheet_x"]),
                }
            )
    with Image.open(folder / "img" / "twitter" / "sheets-clean" / "32.png") as sheet:
        white = Image.new("RGBA", sheet.size, "white")
        white.alpha_composite(sheet.convert("RGBA"))
    pixels = np.asarray(white.convert("RGB"))
    places = (record["place"] for record in records)
    return records, np.stack([pixels[row : row + 32, column : column + 32] for row, column in places])


def families(records: list[dict[str, Any]], images: np.ndarray) -> np.ndarray:
    """Number the families of near-duplicates, which a split must not part: integers from 0, shape (n,).

    Two images are of one family if they are variants of one emoji, if their names differ only in words such as
    "man" and "woman", if both show families or couples, or if they are nearly equal, pixel by pixel; and so is whatever
    a chain of such pairs joins.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    stems = []
    for record in records:
        words = re.findall(r"[a-z0-9]+", record["name"].lower().replace("facing right", ""))
        kept = [word for word in words if word not in PERSONS] or words
        stems.append("couples" if record["subcategory"] == "family" else " ".join(kept))
    stem = np.unique(stems, return_inverse=True)[1]
    x = images.reshape(len(images), -1).astype(np.float32) / 255
    power = (x**2).sum(axis=1)
    near = (power[:, None] + power - 2 * x @ x.T) / x.shape[1] < NEARLY_EQUAL
    return np.asarray(connected_components(csr_matrix(near | (stem[:, None] == stem)))[1])


def emoji(folder: Path) -> dict[str, np.ndarray]:
    """Make the arrays of "emoji": colors in 32 levels, a fifth of each category held out by whole families."""
    records, images = emoji_tiles(folder)
    family = families(records, images)
    names, number = np.unique([record["name"] for record in records], return_inverse=True)
    categories, category = np.unique([record["category"] for record in records], return_inverse=True)
    held_out = np.zeros(len(records), bool)
    rng = np.random.default_rng(EMOJI_SEED)
    of_family = {index: category[np.flatnonzero(family == index)[0]] for index in np.unique(family)}
    for label in range(len(categories)):
        missing = np.sum(category == label) // 5
        for index in rng.permutation([index for index, its in of_family.items() if its == label]):
            members = family == index
            if members.sum() <= missing:  # a family that is too large stays with the training images
                held_out |= members
                missing -= members.sum()
    order = rng.permutation(len(records))
    order = order[np.argsort(number[order], kind="stable")]  # variants side by side compress well
    return {
        "images": ((images.astype(np.int64) * 31 + 127) // 255).astype(np.uint8)[order],
        "category": category.astype(np.uint8)[order],
        "emoji": number.astype(np.uint16)[order],
        "skin_tone": np.array([record["skin_tone"] for record in records], np.uint8)[order],
        "family": family.astype(np.uint16)[order],
        "held_out": held_out[order],
        "names": names,
        "categories": categories,
    }


def heartbeats(path: Path) -> dict[str, np.ndarray]:
    """Make the arrays of "heartbeats": the pulse as the sensor gave it, and where it was disturbed."""
    pulse = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1)
    return {"pulse": pulse.astype(np.uint16), "disturbed": np.array(DISTURBED, np.int32)}


# For each data set: what makes its arrays from the original, what the original is, and where the arrays go.
MADE = {
    "mnist": (mnist_subset, "a full mnist.npz as Keras stores it", catalog.MNIST_SUBSET),
    "emoji": (emoji, "the folder of the npm package emoji-datasource-twitter 16.0.0", catalog.EMOJI),
    "heartbeats": (heartbeats, "data3.csv of the Python package heartpy 1.2.7", catalog.HEARTBEATS),
}


def packed(arrays: dict[str, np.ndarray], smallest: bool) -> bytes:
    """Return an npz file of the arrays; the smallest takes longer to read, and its files need zipfile's LZMA."""
    buffer = io.BytesIO()
    if not smallest:
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as file:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_LZMA)
    return buffer.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser("python -m tools.datasets", description="Make the data that the course embeds.")
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, (_, original, output) in MADE.items():
        command = commands.add_parser(name, help=f"from {original}")
        command.add_argument("original", type=Path, help=original)
        command.add_argument("--output", type=Path, default=output, help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    try:
        arrays = MADE[chosen.name][0](chosen.original)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    write_whole(chosen.output, packed(arrays, smallest=chosen.name != "mnist"))
    print(f"{chosen.output.name}: {chosen.output.stat().st_size:,} bytes")
    print(f"SHA-256 of the contents: {contents_digest(arrays)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
