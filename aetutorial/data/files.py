"""A learner's own tables and images as a `Dataset`. Public as `data.from_csv`, `data.from_images`."""

from __future__ import annotations

import csv
import os
import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aetutorial import validation
from aetutorial.data import scaling
from aetutorial.data.dataset import Dataset, finish, split, units_of

SCALINGS = {"standardize": scaling.standardize, "min-max": scaling.min_max}
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp")
LICENSE = "your own data"
FLOAT32_MAX = float(np.finfo(np.float32).max)
Row = tuple[int, list[str]]  # the number of its line in the file, and its cells


def _check_split(test_size: float, seed: int) -> tuple[float, int]:
    if not 0 < validation.real("test_size", test_size) < 1:
        raise ValueError(validation.message("test_size", "a fraction above 0 and below 1", test_size))
    return float(test_size), validation.integer("seed", seed, low=0, high=2**32 - 1)


def _coded(labels: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels as int64 0, 1, ... in alphabetical order, and what each number stands for."""
    names, codes = np.unique(np.array(labels), return_inverse=True)
    return codes.astype(np.int64), tuple(map(str, names))


def _read_rows(path: Path, delimiter: str) -> Iterator[Row]:
    """Yield the number of its line in the file, and the cells, of each row that is not empty."""
    try:
        # utf-8-sig: spreadsheets put a mark before the first name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            yield from ((reader.line_num, [cell.strip() for cell in row]) for row in reader if row)
    except UnicodeDecodeError as error:
        expected = "text in the encoding UTF-8; save it again as 'CSV UTF-8'"
        raise ValueError(f"{path} must be {expected}. Received: byte {error.start} is not UTF-8.") from error
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as CSV, line {reader.line_num}: {error}.") from error


def _check_names(path: Path, names: list[str]) -> None:
    for column, name in enumerate(names, start=1):
        if not name or names.count(name) > 1:
            raise ValueError(f"{path}, first row: column {column} must have a name of its own. Received: {name!r}.")
    # 0, 1, 2, ... are names that pandas gives; other numbers are data.
    if None not in map(_number, names) and names != [str(column) for column in range(len(names))]:
        raise ValueError(f"{path} must begin with a row of column names. Received: {names[:5]}.")


def _number(cell: str) -> float | None:
    """Return the cell as a number that float32 can hold, or None if it is not one."""
    try:
        # float() reads "1_000" as Python does; in a table that is a slip.
        number = float("nan" if "_" in cell else cell)
    except ValueError:
        return None
    return number if abs(number) <= FLOAT32_MAX else None


def _read_table(path: Path, delimiter: str, target: str | None) -> tuple[list[str], np.ndarray, list[str]]:
    """Return the column names, the numbers, float64 of shape (rows, columns without the target), and the labels.

    The text of a row is given up once its numbers are read: a table takes some times as much memory as its numbers.
    """
    numbers = array("d")
    names: list[str] = []
    labels: list[str] = []
    count = 0
    for line, cells in _read_rows(path, delimiter):
        if not names:
            names = cells
            _check_names(path, names)
            if target is not None:
                validation.choice("target", target, names)
            if names == [target]:
                raise ValueError(f"{path} must have a column besides the target {target!r}.")
            continue
        count += 1
        if len(cells) != len(names):
            expected = f"{len(names)} cells, one for each column name"
            raise ValueError(f"{path}, line {line}: expected {expected}. Received: {len(cells)}.")
        for name, cell in zip(names, cells, strict=True):
            value: Any = (cell or None) if name == target else _number(cell)
            if value is None:
                expected = "a label" if name == target else "a finite number"
                hint = "" if len(names) > 1 else " There is one column: is `delimiter` right?"
                where = f"{path}, line {line}, column {name!r}"
                raise ValueError(f"{where}: expected {expected}. Received: {cell[:40]!r}.{hint}")
            if name == target:
                labels.append(sys.intern(value))  # many rows have the same
            else:
                numbers.append(value)
    if count < 2:
        expected = "a row of column names and at least 2 rows of data"
        raise ValueError(f"{path} must have {expected}. Received: {count + bool(names)} rows in all.")
    return names, np.frombuffer(numbers).reshape(count, -1), labels


def _targets(labels: list[str]) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """Return the column of a target and what its numbers stand for, if they stand for labels.

    Integers are kept as int64, other numbers as float64; anything else is coded.
    """
    if not labels:
        return None, None
    if all(re.fullmatch(r"[+-]?[0-9]{1,18}", label) for label in labels):
        return np.array([int(label) for label in labels], np.int64), None
    numbers = [_number(label) for label in labels]
    return _coded(labels) if None in numbers else (np.array(numbers, np.float64), None)


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
        target: Name of the column of labels or of numbers to predict, or None. Integers are kept, and so are other
            numbers (float64). Labels become 0, 1, ... in alphabetical order, and `label_names` says which is which.
        test_size: Fraction held out, above 0 and below 1; at least one row. The split is stratified by label if each
            label can be in both parts.
        scaling: "standardize", "min-max" or None. A column that is constant in the training part is 0 there.
        seed: Seed of the split, at least 0.
        delimiter: One character between cells.

    Returns:
        A `Dataset`: float32 of shape (rows, columns), labels int64, `feature_names`. Its `in_units` undoes the scaling.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an argument or the table is not as above; the message names line and column.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from aetutorial import data
        >>> path = tempfile.mkdtemp() + "/trees.csv"
        >>> np.savetxt(path, [[8, 2], [9, 3], [7, 2], [12, 4]], delimiter=",", header="height,girth", comments="")
        >>> trees = data.from_csv(path)
        >>> trees.feature_names, trees.x_train.shape, trees.x_test.shape
        (('height', 'girth'), (3, 2), (1, 2))
    """
    path = Path(path)
    validation.choice("scaling", scaling, (*SCALINGS, None))
    test_size, seed = _check_split(test_size, seed)
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n ':
        raise ValueError(validation.message("delimiter", "one character, as ',' or ';'", delimiter))
    if not path.is_file():
        raise FileNotFoundError(validation.message("path", "an existing CSV file", str(path)))

    names, x, labels = _read_table(path, delimiter, target)
    y, label_names = _targets(labels)
    fields = split(x, y, test_size, seed)
    if scaling is not None:
        unscaled = fields["x_train"]
        fields["x_train"], fields["x_test"] = SCALINGS[scaling](unscaled, fields["x_test"])
        fields["units"] = units_of(unscaled, fields["x_train"])
    fields |= {name: fields[name].astype(np.float32) for name in ("x_train", "x_test")}
    about = {"name": path.stem, "source": path.name, "license": LICENSE, "label_names": label_names}
    return finish({**fields, **about, "feature_names": tuple(name for name in names if name != target)})


def _read_image(path: Path, size: tuple[int, int], gray: bool) -> np.ndarray:
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
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if gray else "RGB")
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)  # antialiased by Pillow
    except Exception as error:  # Pillow's decoders raise many kinds for a damaged file
        raise ValueError(f"{path} cannot be read as an image: {error}.") from error
    pixels = np.asarray(image, np.float32) / np.float32(255)
    return pixels[..., None] if gray else pixels


def _list_images(folder: Path) -> list[Path]:
    """Return the paths of the images, relative to the folder, in the same order on each system; hidden ones are not."""
    found = sorted(folder.rglob("*"))
    paths = [path.relative_to(folder) for path in found if path.suffix.lower() in IMAGE_ENDINGS]
    paths = [path for path in paths if (folder / path).is_file() and not any(p.startswith(".") for p in path.parts)]
    if len(paths) < 2:
        expected = f"a folder with at least 2 images ({', '.join(IMAGE_ENDINGS)})"
        raise ValueError(validation.message("folder", expected, f"{len(paths)} in {folder}"))
    linked = next((path for path in found if path.is_symlink() and path.is_dir()), None)
    if linked:
        expected = "a folder without links to folders, whose images would be left out"
        raise ValueError(validation.message("folder", expected, f"the link {linked.relative_to(folder)}"))
    paths.sort(key=Path.as_posix)
    deep = {path.parts[:-1] for path in paths}
    if all(len(parts) > 1 for parts in deep):  # no image lies where a label's would
        top = sorted({parts[0] for parts in deep})
        expected = "a folder with images, or with a sub-folder for each label that holds its images"
        received = f"images two or more folders down, in {Path(*min(deep))}"
        if len(top) == 1:
            received += f"; give {folder / top[0]} instead"
        raise ValueError(validation.message("folder", expected, received))
    loose = [path for path in paths if len(path.parts) == 1]
    if loose and len(loose) < len(paths):
        expected = "a folder with all images in sub-folders (one for each label) or none"
        raise ValueError(validation.message("folder", expected, f"both; {loose[0]} lies outside"))
    return paths


def from_images(
    folder: str | os.PathLike[str],
    *,
    size: Sequence[int] = (28, 28),
    gray: bool = True,
    test_size: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """Read a folder of images, bring them to one size, and split them.

    Args:
        folder: Holds PNG, JPEG, BMP, GIF, TIFF or WebP files. If they are in sub-folders, these are the labels:
            0, 1, ... in alphabetical order, named by `label_names`. No links to folders, which would be left out.
        size: (height, width) in pixels. Images are stretched to it, antialiased.
        gray: One channel (True) or three (False). Transparent parts become white.
        test_size: Fraction held out, above 0 and below 1; at least one image. The split is stratified as in `from_csv`.
        seed: Seed of the split, at least 0.

    Returns:
        A `Dataset`: float32 of shape (images, height, width, 1 or 3) in [0, 1], labels int64 or None. Of a file with
        several pictures the first counts; a camera's orientation is applied.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: too few images, an image that cannot be read, a wrong argument, or labels that lie deeper.
    """
    folder = Path(folder)
    if not isinstance(size, Sequence) or len(size) != 2:
        raise ValueError(validation.message("size", "two integers (height, width)", size))
    height, width = (validation.integer("size", length, low=1) for length in size)
    test_size, seed = _check_split(test_size, seed)
    if not folder.is_dir():
        raise FileNotFoundError(validation.message("folder", "an existing folder", str(folder)))

    paths = _list_images(folder)
    x = np.stack([_read_image(folder / path, (height, width), gray) for path in paths])
    y, label_names = None, None
    if len(paths[0].parts) > 1:
        y, label_names = _coded([path.parts[0] for path in paths])
    fields = split(x, y, test_size, seed)
    name = folder.resolve().name
    about = {"name": name, "source": f"{len(x)} images in {name}", "license": LICENSE, "label_names": label_names}
    return finish({**fields, **about})
