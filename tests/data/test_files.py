"""A learner's own tables and images: from_csv and from_images."""

from __future__ import annotations

import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from aetutorial import data


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("AETUTORIAL_SABOTAGE", raising=False)


# --- from_csv -----------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    """Write a text as a file and return its path."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def flowers(n=40):
    """Two columns that tell the row number, a constant, and labels in the ratio 3 to 1."""
    lines = [f"{i},{-2.5 * i},7,{'iris' if i % 4 else 'aster'}" for i in range(n)]
    return "length,width,pot,kind\n" + "\n".join(lines) + "\n"


def test_csv_without_scaling_keeps_rows_labels_and_names(table):
    dataset = data.from_csv(table(flowers()), target="kind", scaling=None)
    assert dataset.feature_names == ("length", "width", "pot")
    assert dataset.label_names == ("aster", "iris")
    assert dataset.name == "table"
    assert dataset.image_shape is None
    assert dataset.x_train.shape == (32, 3)
    assert dataset.x_train.dtype == np.float32
    assert dataset.y_train.dtype == np.int64
    x = np.concatenate([dataset.x_train, dataset.x_test])
    y = np.concatenate([dataset.y_train, dataset.y_test])
    row = x[:, 0]
    assert sorted(row) == list(range(40))  # each row once, in one part only
    assert np.array_equal(x[:, 1], -2.5 * row)
    assert np.array_equal(y, row % 4 != 0)
    assert list(dataset.x_train[:, 0]) != sorted(dataset.x_train[:, 0])
    assert np.bincount(dataset.y_test).tolist() == [2, 6]  # stratified: a quarter are asters


def test_csv_scales_by_the_training_part_only(table):
    path = table(flowers())
    raw = data.from_csv(path, target="kind", scaling=None)
    mean, std = raw.x_train.mean(axis=0), raw.x_train.std(axis=0)
    low, high = raw.x_train.min(axis=0), raw.x_train.max(axis=0)
    scaled = data.from_csv(path, target="kind")
    squeezed = data.from_csv(path, target="kind", scaling="min-max")
    for part in ("x_train", "x_test"):
        x = getattr(raw, part)[:, :2]
        expected = (x - mean[:2]) / std[:2]
        np.testing.assert_allclose(getattr(scaled, part)[:, :2], expected, atol=1e-5)
        expected = (x - low[:2]) / (high - low)[:2]
        np.testing.assert_allclose(getattr(squeezed, part)[:, :2], expected, atol=1e-5)
        assert not getattr(scaled, part)[:, 2].any()  # the constant column
    assert scaled.x_train.dtype == np.float32


def test_csv_split_depends_on_seed_and_size(table):
    path = table(flowers())
    assert data.from_csv(path, target="kind").checksum == data.from_csv(path, target="kind").checksum
    assert data.from_csv(path, target="kind", seed=1).checksum != (data.from_csv(path, target="kind").checksum)
    assert len(data.from_csv(path, target="kind", test_size=0.5).x_test) == 20
    assert len(data.from_csv(path, target="kind", test_size=0.001).x_test) == 1


def test_csv_without_target_has_no_labels(table):
    dataset = data.from_csv(table("a,b\n1,2\n3,4\n\n5,6\n"))
    assert dataset.y_train is None
    assert dataset.label_names is None
    assert len(dataset.x_train) + len(dataset.x_test) == 3  # the blank line is not a row


def test_csv_integer_labels_are_kept(table):
    dataset = data.from_csv(table("a,k\n1,7\n2,-3\n3,7\n4,-3\n"), target="k", test_size=0.5)
    assert set(dataset.y_train) == {7, -3}
    assert dataset.label_names is None


def test_csv_label_seen_once_is_split_without_strata(table):
    dataset = data.from_csv(table("a,k\n1,x\n2,x\n3,x\n4,y\n"), target="k", test_size=0.5)
    assert sorted([*dataset.y_train, *dataset.y_test]) == [0, 0, 0, 1]


def test_csv_of_spreadsheets_and_pandas(table):
    path = table("größe;b\r\n1;2\r\n3;4\r\n", encoding="utf-8-sig")
    assert data.from_csv(path, delimiter=";").feature_names == ("größe", "b")
    assert data.from_csv(table("0,1\n5,6\n7,8\n")).feature_names == ("0", "1")
    assert data.from_csv(table('"a, really",b\n1,2\n3,4\n')).feature_names == ("a, really", "b")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", r"must have a row of column names and at least 2 rows of data\. Received: 0 rows"),
        ("\n\n", r"Received: 0 rows"),
        ("a,b\n", r"at least 2 rows of data\. Received: 1 rows"),
        ("a,b\n1,2\n", r"at least 2 rows of data\. Received: 2 rows"),
        ("a,b,a\n1,2,3\n4,5,6\n", r"column 1 must have a name of its own\. Received: 'a'"),
        ("a,,c\n1,2,3\n4,5,6\n", r"column 2 must have a name of its own\. Received: ''"),
        ("1.5,2\n1,2\n4,5\n", r"must begin with a row of column names"),
        ("a,b\n1,2\n3\n", r"line 3: expected 2 cells.*Received: 1"),
        ("a,b\n1,2\n3,4,5\n", r"line 3: expected 2 cells.*Received: 3"),
        ("a,b\n1,2\n3,\n", r"line 3, column 'b': expected a finite number\. Received: ''"),
        ("a,b\n1,2\n3,red\n", r"line 3, column 'b': .*'red'"),
        ("a,b\n1,nan\n3,4\n", r"line 2, column 'b': .*'nan'"),
        ("a,b\n1,2\n\n-inf,4\n", r"line 4, column 'a': .*'-inf'"),
        ("a,b\n1,2\n1e39,4\n", r"line 3, column 'a': .*'1e39'"),
        ("a,b\n1,2\n1_000,4\n", r"line 3, column 'a': .*'1_000'"),
        ("a;b\n1;2\n3;4\n", r"'1;2'\. There is one column: is `delimiter` right\?"),
        ('a,b\n1,2\n"3,4\n', r"cannot be read as CSV, line 3"),
    ],
)
def test_csv_errors_say_where(table, text, error):
    with pytest.raises(ValueError, match=error) as caught:
        data.from_csv(table(text))
    assert "table.csv" in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_csv_in_another_encoding(table, encoding):
    with pytest.raises(ValueError, match=r"must be text in the encoding UTF-8"):
        data.from_csv(table("größe,b\n1,2\n3,4\n", encoding))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"target": "color"}, r"`target` must be one of 'length', .*'color'"),
        ({"test_size": 0}, r"`test_size` must be a fraction above 0 and below 1"),
        ({"test_size": 1.0}, r"`test_size` must be a fraction"),
        ({"test_size": float("nan")}, r"`test_size` must be a finite number"),
        ({"scaling": "z"}, r"`scaling` must be one of 'standardize', 'min-max', None"),
        ({"seed": -1}, r"`seed` must be an integer of at least 0"),
        ({"delimiter": ", "}, r"`delimiter` must be one character"),
        ({}, r"line 2, column 'kind': expected a finite number\. Received: 'aster'"),
    ],
)
def test_csv_wrong_arguments(table, arguments, error):
    with pytest.raises(ValueError, match=error):
        data.from_csv(table(flowers()), **arguments)


def test_csv_target_problems(table, tmp_path):
    with pytest.raises(ValueError, match=r"a column besides the target 'k'"):
        data.from_csv(table("k\n1\n2\n"), target="k")
    with pytest.raises(ValueError, match=r"line 3, column 'k': expected a label"):
        data.from_csv(table("a,k\n1,x\n2,\n"), target="k")
    with pytest.raises(FileNotFoundError, match=r"`path` must be an existing CSV file"):
        data.from_csv(tmp_path / "none.csv")
    with pytest.raises(FileNotFoundError, match=r"`path` must be an existing CSV file"):
        data.from_csv(tmp_path)


# --- from_images --------------------------------------------------------------------------------


def save(path, value, size=(20, 30), **options):
    """Save an image of one gray value or color; `size` is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "RGB" if isinstance(value, tuple) else "L"
    Image.new(mode, size, value).save(path, **options)


def values(dataset):
    """Return the gray value of each image, both parts, rounded to 0..255, and the labels."""
    x = np.concatenate([dataset.x_train, dataset.x_test])
    assert np.ptp(x, axis=(1, 2)).max() < 0.02  # one value per image
    y = None if dataset.y_train is None else np.concatenate([dataset.y_train, dataset.y_test])
    return np.rint(x.mean(axis=(1, 2)) * 255).astype(int), y


def test_images_of_every_kind(tmp_path):
    endings = ("png", "jpg", "JPEG", "bmp", "gif", "tif", "tiff", "webp")
    for number, ending in enumerate(endings):
        save(tmp_path / f"{number}.{ending}", 20 * number)
    (tmp_path / "notes.txt").write_text("no image")
    save(tmp_path / ".hidden.png", 255)
    dataset = data.from_images(tmp_path, size=(12, 16))
    assert dataset.image_shape == (12, 16, 1)
    assert dataset.x_train.dtype == np.float32
    assert dataset.y_train is None
    gray, _ = values(dataset)
    assert np.abs(np.sort(gray[:, 0]) - 20 * np.arange(8)).max() <= 2  # JPEG and WebP lose some


def test_images_in_folders_are_labeled(tmp_path):
    for number in range(10):
        save(tmp_path / "zebra" / f"{number}.png", 200 + number)
        save(tmp_path / "ant" / "deep" / f"{number}.png", number)
    dataset = data.from_images(tmp_path, size=(4, 4))
    assert dataset.label_names == ("ant", "zebra")
    assert dataset.y_train.dtype == np.int64
    gray, labels = values(dataset)
    assert np.array_equal(labels, gray[:, 0] > 100)
    assert np.bincount(dataset.y_test).tolist() == [2, 2]
    assert dataset.checksum == data.from_images(tmp_path, size=(4, 4)).checksum
    assert dataset.checksum != data.from_images(tmp_path, size=(4, 4), seed=1).checksum


def test_images_in_color_and_gray(tmp_path):
    save(tmp_path / "a.png", (200, 100, 50))
    save(tmp_path / "b.png", (200, 100, 50))
    color, _ = values(data.from_images(tmp_path, gray=False))
    assert color.tolist() == [[200, 100, 50]] * 2
    luma = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    gray, _ = values(data.from_images(tmp_path))
    assert np.abs(gray - luma).max() <= 1


def test_images_size_is_height_then_width(tmp_path):
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8), (30, 1))  # 30 high, 20 wide
    for name in ("a.png", "b.png"):
        Image.fromarray(ramp).save(tmp_path / name)
    x = data.from_images(tmp_path, size=(15, 20)).x_train
    np.testing.assert_allclose(x[0, :, :, 0] * 255, ramp[:15], atol=1e-3)


def test_images_resize_is_antialiased(tmp_path):
    stripes = np.zeros((60, 60), np.uint8)
    stripes[:, ::2] = 255  # finer than a target pixel: the average is 1/2
    for name in ("a.png", "b.png"):
        Image.fromarray(stripes).save(tmp_path / name)
    x = data.from_images(tmp_path, size=(10, 10)).x_train
    np.testing.assert_allclose(x[:, 1:-1, 1:-1], 0.5, atol=0.02)


def test_images_orientation_transparency_and_depth(tmp_path):
    half = np.zeros((8, 8), np.uint8)
    half[:4] = 255  # bright above; the camera says: turn by a quarter
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF orientation: rotate by 90 degrees clockwise to view
    Image.fromarray(half).save(tmp_path / "turned.png", exif=exif)
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 4, 8))  # black ink on the left, nothing on the right
    clear.save(tmp_path / "ink.png")
    deep = np.full((8, 8), 65535, np.uint16)
    deep[:, :4] = 257 * 51
    Image.fromarray(deep).save(tmp_path / "deep.png")
    dataset = data.from_images(tmp_path, size=(8, 8))
    x = np.concatenate([dataset.x_train, dataset.x_test])[..., 0]
    left_right = {tuple(np.round(image[0, [0, -1]], 3).tolist()) for image in x.astype(float)}
    assert left_right == {(0, 1), (0.2, 1)}
    # All three are uniform along a column: the bright half of "turned" is on the right.
    assert np.ptp(x, axis=1).max() == 0


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tif", "webp"])
def test_a_damaged_image_is_named(tmp_path, ending):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8))
    noise.save(tmp_path / "good.png")
    noise.save(tmp_path / f"short.{ending}")
    path = tmp_path / f"short.{ending}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"short\.{ending} cannot be read as an image"):
        data.from_images(tmp_path)
    path.write_text("<html>not an image</html>")
    with pytest.raises(ValueError, match=rf"short\.{ending} cannot be read as an image"):
        data.from_images(tmp_path)


def test_images_of_32_bits_are_refused(tmp_path):
    save(tmp_path / "a.png", 1)
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "b.tif")
    with pytest.raises(ValueError, match=r"b\.tif cannot be read .* 32 bits"):
        data.from_images(tmp_path)


def test_images_wrong_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`folder` must be an existing folder"):
        data.from_images(tmp_path / "none")
    with pytest.raises(ValueError, match=r"at least 2 images \(\.png, .*\)\. Received: 0 in"):
        data.from_images(tmp_path)
    save(tmp_path / "loose.png", 1)
    save(tmp_path / "cat" / "a.png", 1)
    with pytest.raises(ValueError, match=r"sub-folders .* loose\.png lies outside"):
        data.from_images(tmp_path)


def save_all(folder, *names):
    for name in names:
        save(folder / name, 1)
    return folder


def test_classes_one_folder_deeper_are_refused_with_the_right_folder(tmp_path):
    folder = save_all(tmp_path / "pets", *(f"Images/{kind}/{i}.png" for kind in ("Cat", "Dog") for i in range(2)))
    with pytest.raises(ValueError, match=r"`folder` must be .* two or more folders down, in Images.Cat; give .*Images"):
        data.from_images(folder)
    assert data.from_images(folder / "Images").label_names == ("Cat", "Dog")


def test_training_and_test_folders_are_not_taken_for_labels(tmp_path):
    folder = save_all(tmp_path, *(f"{part}/Cat/{i}.png" for part in ("train", "test") for i in range(2)))
    with pytest.raises(ValueError, match=r"two or more folders down, in test.Cat\.$"):
        data.from_images(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="making links takes rights there")
def test_a_linked_folder_is_not_left_out_in_silence(tmp_path):
    elsewhere = save_all(tmp_path / "elsewhere", "0.png", "1.png")
    folder = save_all(tmp_path / "folder", "Cat/0.png", "Cat/1.png")
    (folder / "Dog").symlink_to(elsewhere)
    with pytest.raises(ValueError, match=r"`folder` must be a folder without links.*the link Dog"):
        data.from_images(folder)


def test_jfif_is_another_ending_of_jpeg(tmp_path):
    save_all(tmp_path, "a.png", "b.jpg")
    (tmp_path / "b.jpg").rename(tmp_path / "b.jfif")
    loaded = data.from_images(tmp_path)
    assert len(loaded.x_train) + len(loaded.x_test) == 2


@pytest.mark.parametrize(
    ("arguments", "kind", "error"),
    [
        ({"size": 28}, ValueError, r"`size` must be two integers"),
        ({"size": (28, 28, 1)}, ValueError, r"`size` must be two integers"),
        ({"size": (28, 0)}, ValueError, r"`size` must be an integer of at least 1"),
        ({"size": (28, 2.5)}, TypeError, r"`size` must be an integer"),
        ({"test_size": 2}, ValueError, r"`test_size` must be a fraction"),
        ({"seed": 1.5}, TypeError, r"`seed` must be an integer"),
    ],
)
def test_images_wrong_arguments(tmp_path, arguments, kind, error):
    with pytest.raises(kind, match=error):
        data.from_images(tmp_path, **arguments)


def test_own_data_can_be_sabotaged(tmp_path, table, monkeypatch):
    path = table(flowers())
    plain = data.from_csv(path, target="kind")
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-labels")
    assert not np.array_equal(data.from_csv(path, target="kind").y_train, plain.y_train)
    for name in ("a.png", "b.png"):
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / name)
    monkeypatch.delenv("AETUTORIAL_SABOTAGE")
    plain = data.from_images(tmp_path, size=(8, 8)).x_train
    monkeypatch.setenv("AETUTORIAL_SABOTAGE", "shuffled-pixels")
    spoiled = data.from_images(tmp_path, size=(8, 8)).x_train
    assert not np.array_equal(spoiled, plain)
    assert np.array_equal(np.sort(spoiled, axis=None), np.sort(plain, axis=None))


# --- targets, units, memory ----------------------------------------------------------------------


def written(path, rows):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def test_a_target_of_numbers_stays_numbers(tmp_path):
    rng = np.random.default_rng(0)
    rows = [[f"{a:.6f}", f"{3 * a + 0.5:.6f}"] for a in rng.normal(size=40)]
    read = data.from_csv(written(tmp_path / "a.csv", [["a", "b"], *rows]), target="b", scaling=None)
    assert read.y_train.dtype == np.float64
    assert read.label_names is None
    np.testing.assert_allclose(read.y_train, 3 * read.x_train[:, 0] + 0.5, atol=1e-5)
    assert f"targets from {read.y_train.min():.3g} to" in repr(read)


@pytest.mark.parametrize("scaling", ["standardize", "min-max", None])
def test_examples_are_given_back_in_their_units(tmp_path, scaling):
    rng = np.random.default_rng(0)
    rows = [[f"{a:.3f}", f"{1000 + 50 * b:.3f}", "7"] for a, b in rng.normal(size=(40, 2))]
    path = written(tmp_path / "a.csv", [["a", "b", "c"], *rows])
    raw, read = data.from_csv(path, scaling=None), data.from_csv(path, scaling=scaling)
    np.testing.assert_allclose(read.in_units(read.x_test), raw.x_test, rtol=1e-5)
    moved = read.x_test.copy()
    moved[:, 1] += 1  # one of its own units
    step = {"standardize": raw.x_train[:, 1].std(), "min-max": np.ptp(raw.x_train[:, 1]), None: 1}[scaling]
    np.testing.assert_allclose((read.in_units(moved) - raw.x_test)[:, 1], step, rtol=1e-3)
    with pytest.raises(ValueError, match=r"`x` must be an array of examples of shape \(3,\)"):
        read.in_units(read.x_test[:, :2])


def test_a_large_table_takes_a_few_times_the_memory_of_its_numbers(tmp_path):
    """Its text, held as cells, took thirty times as much."""
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write(",".join(f"c{i}" for i in range(20)) + ",label\n")
        file.writelines(",".join(f"{i * j % 97}.5" for j in range(20)) + f",kind {i % 3}\n" for i in range(20_000))
    tracemalloc.start()
    read = data.from_csv(path, target="label")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read.label_names == ("kind 0", "kind 1", "kind 2")
    assert peak < 8 * (20_000 * 20 * 8)
