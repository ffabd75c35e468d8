"""A learner's own tables and images as a `Dataset`. Public as `data.from_csv`, `data.from_images`."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aetutorial import validation
from aetutorial.data import scaling
from aetutorial.data.dataset import Dataset, finish

SCALINGS = {"standardize": scaling.standardize, "min-max": scaling.min_max}
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
LICENCE = "your own data"
FLOAT32_MAX = float(np.finfo(np.float32).max)


def _fraction(test_size: float) -> float:
    if not 0 < validation.real("test_size", test_size) < 1:
        raise ValueError(validation.message("test_size", "a fraction above 0 and below 1", test_size))
    return float(test_size)


def _split(n: int, labels: np.ndarray | None, test_size: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of the training and of the test part, each in random order."""
    from sklearn.model_selection import train_test_split

    n_test = min(max(round(n * test_size), 1), n - 1)
    if labels is not None:
        counts = np.unique(labels, return_counts=True)[1]
        if counts.min() < 2 or len(counts) > min(n_test, n - n_test):
            labels = None  # too few examples for each class to be in both parts
    train, test = train_test_split(np.arange(n), test_size=n_test, stratify=labels, random_state=seed)
    return train, test


def _read_rows(path: Path, delimiter: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the header, the data rows and the line number of each; all have the same length."""
    rows, lines = [], []
    try:
        # utf-8-sig: spreadsheets put a mark before the first name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                if row:
                    rows.append([cell.strip() for cell in row])
                    lines.append(reader.line_num)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be text in the encoding UTF-8. Received: byte {error.start} is no UTF-8. "
            "Save it again as 'CSV UTF-8'."
        ) from error
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as CSV, line {reader.line_num}: {error}.") from error
    if not rows:
        raise ValueError(f"{path} must have a row of column names and rows of data. It is empty.")
    header = rows[0]
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise ValueError(
                f"{path}, line {line}: expected {len(header)} cells, one for each column name. Received: {len(row)}."
            )
    return header, rows[1:], lines[1:]


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if not name:
            raise ValueError(f"{path}: column {header.index('') + 1} has no name in the first row.")
        if header.count(name) > 1:
            raise ValueError(f"{path}: the column name {name!r} stands there twice.")
    # 0, 1, 2, ... are names that pandas gives; other numbers are data.
    if all(map(_is_number, header)) and header != [str(i) for i in range(len(header))]:
        raise ValueError(f"{path} must begin with a row of column names. Received: {header[:5]}.")


def _is_number(cell: str) -> bool:
    """Whether the cell is a number that float32 can hold."""
    try:
        # float() reads "1_000" as Python does; in a table that is a slip.
        return "_" not in cell and abs(float(cell)) <= FLOAT32_MAX
    except ValueError:
        return False


def _codes(cells: list[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Return int64 labels, and what they stand for unless the cells are integers themselves."""
    if all(re.fullmatch(r"[+-]?[0-9]{1,18}", cell) for cell in cells):
        return np.array([int(cell) for cell in cells], np.int64), None
    names, codes = np.unique(np.array(cells), return_inverse=True)
    return codes.astype(np.int64), tuple(str(name) for name in names)


def from_csv(
    path: str | os.PathLike[str],
    *,
    target: str | None = None,
    test_size: float = 0.2,
    scaling: str | None = "standardize",
    seed: int = 0,
    delimiter: str = ",",
) -> Dataset:
    """Read a table of numbers, split it, and scale it by its training part.

    Args:
        path: A CSV file in UTF-8: a row of column names, then rows of numbers.
        target: Name of the column of labels, or None. Integers are kept; other labels become
            0, 1, ... in alphabetical order, and `label_names` says which is which.
        test_size: Fraction held out, above 0 and below 1; at least one row. The split is
            stratified by label where each label can be in both parts.
        scaling: "standardize", "min-max" or None. A column that is constant in the training part
            is 0 there.
        seed: Seed of the split, at least 0.
        delimiter: One character between cells.

    Returns:
        A `Dataset`: float32 of shape (rows, columns), labels int64, `feature_names`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an argument or the table is not as above; the message names line and column.
    """
    path = Path(path)
    scaling = validation.choice("scaling", scaling, (*SCALINGS, None))
    test_size = _fraction(test_size)
    seed = validation.integer("seed", seed, low=0, high=2**32 - 1)
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n ':
        raise ValueError(validation.message("delimiter", "one character, as ',' or ';'", delimiter))
    if not path.is_file():
        raise FileNotFoundError(validation.message("path", "an existing CSV file", str(path)))

    header, rows, lines = _read_rows(path, delimiter)
    _check_header(path, header)
    if len(rows) < 2:
        raise ValueError(f"{path} must have at least 2 rows of data. Received: {len(rows)}.")
    if target is not None:
        validation.choice("target", target, header)
    features = [column for column, name in enumerate(header) if name != target]
    if not features:
        raise ValueError(f"{path} must have a column besides the target {target!r}.")
    for row, line in zip(rows, lines, strict=True):
        for column, cell in enumerate(row):
            wanted = "a label" if header[column] == target else "a finite number"
            if not (cell if header[column] == target else _is_number(cell)):
                hint = "" if len(header) > 1 else f" Is the delimiter {delimiter!r} right?"
                raise ValueError(
                    f"{path}, line {line}, column {header[column]!r}: expected {wanted}. Received: {cell[:40]!r}.{hint}"
                )

    x = np.array([[float(row[column]) for column in features] for row in rows])
    y, label_names = None, None
    if target is not None:
        y, label_names = _codes([row[header.index(target)] for row in rows])
    train, test = _split(len(x), y, test_size, seed)
    x_train, x_test = x[train], x[test]
    if scaling is not None:
        x_train, x_test = SCALINGS[scaling](x_train, x_test)
    return finish(
        {
            "x_train": x_train.astype(np.float32),
            "y_train": None if y is None else y[train],
            "x_test": x_test.astype(np.float32),
            "y_test": None if y is None else y[test],
            "name": path.stem,
            "source": path.name,
            "licence": LICENCE,
            "feature_names": tuple(header[column] for column in features),
            "label_names": label_names,
        }
    )


def _read_image(path: Path, size: tuple[int, int], grey: bool) -> np.ndarray:
    """Return one image as float32 of shape (height, width, 1 or 3) in [0, 1]."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):  # convert() would clip 16 bits to white
            image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        if image.mode in ("I", "F"):
            raise ValueError("its pixels have 32 bits; save it with 8 or 16")
        if image.has_transparency_data:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        image = image.convert("L" if grey else "RGB")
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)  # antialiased by Pillow
    except Exception as error:  # Pillow's decoders raise many kinds for a damaged file
        raise ValueError(f"{path} cannot be read as an image: {error}.") from error
    pixels = np.asarray(image, np.float32) / np.float32(255)
    return pixels[..., None] if grey else pixels


def _find_images(folder: Path) -> tuple[list[Path], list[str] | None]:
    """Return the images' paths, sorted alike on each system, and the sub-folder of each, if any."""
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_ENDINGS and path.is_file()
    )
    found = [name for name in found if not any(part.startswith(".") for part in name.split("/"))]
    if len(found) < 2:
        expected = f"a folder with at least 2 images ({', '.join(IMAGE_ENDINGS)})"
        received = f"{len(found)} in {folder}"
        raise ValueError(validation.message("folder", expected, received))
    in_subfolder = ["/" in name for name in found]
    if any(in_subfolder) and not all(in_subfolder):
        loose = found[in_subfolder.index(False)]
        expected = "a folder with all images in sub-folders (one for each label) or none"
        raise ValueError(validation.message("folder", expected, f"both; {loose} lies outside"))
    labels = [name.split("/")[0] for name in found] if all(in_subfolder) else None
    return [folder / name for name in found], labels


def from_images(
    folder: str | os.PathLike[str],
    *,
    size: Sequence[int] = (28, 28),
    grey: bool = True,
    test_size: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """Read a folder of images, bring them to one size, and split them.

    Args:
        folder: Holds PNG, JPEG, BMP, GIF, TIFF or WebP files. If they lie in sub-folders, these
            are the labels: 0, 1, ... in alphabetical order, named by `label_names`.
        size: (height, width) in pixels. Images are stretched to it, antialiased.
        grey: One channel (True) or three (False). Transparent parts become white.
        test_size: Fraction held out, above 0 and below 1; at least one image. The split is
            stratified by label where each label can be in both parts.
        seed: Seed of the split, at least 0.

    Returns:
        A `Dataset`: float32 of shape (images, height, width, 1 or 3) in [0, 1], labels int64 or
        None. Of a file with several pictures the first counts; a camera's orientation is applied.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: too few images, an image that cannot be read, or a wrong argument.
    """
    folder = Path(folder)
    if not isinstance(size, Sequence) or len(size) != 2:
        raise ValueError(validation.message("size", "two integers (height, width)", size))
    height, width = (validation.integer("size", length, low=1) for length in size)
    test_size = _fraction(test_size)
    seed = validation.integer("seed", seed, low=0, high=2**32 - 1)
    if not folder.is_dir():
        raise FileNotFoundError(validation.message("folder", "an existing folder", str(folder)))

    paths, subfolders = _find_images(folder)
    x = np.stack([_read_image(path, (height, width), grey) for path in paths])
    y, label_names = None, None
    if subfolders is not None:
        label_names = tuple(sorted(set(subfolders)))
        y = np.array([label_names.index(name) for name in subfolders], np.int64)
    train, test = _split(len(x), y, test_size, seed)
    return finish(
        {
            "x_train": x[train],
            "y_train": None if y is None else y[train],
            "x_test": x[test],
            "y_test": None if y is None else y[test],
            "name": folder.resolve().name,
            "source": f"{len(x)} images in {folder.resolve().name}",
            "licence": LICENCE,
            "label_names": label_names,
        }
    )
