"""Tables that are taken away, read back and held against the layer."""

import csv
import io
import zipfile

import numpy as np
import pytest

from models import lab
from models.errors import ExportError
from models.share import Scene
from models.spec import LayerSpec
from tests.viz.export.scenes import LARGE, SCENES
from viz.export import tables
from viz.export.licence import MADE


def read(file: zipfile.ZipFile, name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.read(f"{name}.csv").decode())))


def array_of(rows: list[list[str]], shape: tuple[int, ...]) -> np.ndarray:
    """What `tables.cells` wrote, every row at the place that it names."""
    found = np.full(shape, np.nan)
    for row in rows[1:]:
        place = tuple(map(int, row[: len(shape) - 1]))
        found[place] = [float(cell) for cell in row[len(shape) - 1 :]]
    return found


@pytest.mark.parametrize("name", SCENES)
def test_every_number_is_read_back_as_the_same_number(name):
    scene = SCENES[name]
    found, whole = lab.of(scene), zipfile.ZipFile(io.BytesIO(tables.archive({"": scene})))
    arrays = {"input": found.x, "output": found.y} | found.weights
    for table, values in arrays.items():
        assert np.array_equal(array_of(read(whole, table), values.shape), values), table
    assert np.array_equal(np.array(read(whole, "matrix"), float), found.operator.matrix)
    shown = {row[0]: row for row in read(whole, "numbers")[1:]}
    for check in found.checks:
        row = shown[check.title]
        values = check.measured if isinstance(check.measured, tuple) else (check.measured,)
        assert tuple(map(float, row[1].split(" × "))) == values
        assert row[1] == row[2]
        assert row[3] == "True"
        assert row[4] == check.formula.text


def test_a_large_matrix_is_written_as_its_entries():
    scene = Scene(LayerSpec(input_size=40), weights="sobel")
    operator = lab.of(scene).operator
    rows = list(csv.reader(io.StringIO(tables.matrix_csv(scene))))
    assert rows[0] == ["row", "column", "value"]
    row, column, value = np.array(rows[1:], float).T
    made = np.zeros(operator.shape)
    made[row.astype(int), column.astype(int)] = value
    assert np.array_equal(made, operator.matrix)
    assert len(rows) - 1 == operator.places


@pytest.mark.parametrize(
    ("size", "says"), [(300, "more than the 500\u202f000"), (1000, "more than the 2\u202f000\u202f000")]
)
def test_a_matrix_that_is_too_large_says_so_in_a_sentence(size, says):
    scene = Scene(LayerSpec(input_size=size, kernel_size=3))
    with pytest.raises(ExportError, match=says):
        tables.matrix_csv(scene)
    whole = zipfile.ZipFile(io.BytesIO(tables.archive({"": scene})))
    assert "matrix.csv" not in whole.namelist()
    assert says in whole.read("README.txt").decode()


def test_a_layer_that_is_not_run_has_its_numbers():
    whole = zipfile.ZipFile(io.BytesIO(tables.archive({"": LARGE})))
    assert sorted(whole.namelist()) == ["README.txt", "numbers.csv"]
    assert read(whole, "numbers")[2][1:4] == ["1792", "1792", "True"]


def test_numbers_are_as_short_as_their_type_allows():
    written = tables.csv_text([[np.float32(0.1), 0.1, 1 / 3, 3.0, -0.5, True, None, "a, b"]])
    assert written == '0.1,0.1,0.3333333333333333,3,-0.5,True,,"a, b"\r\n'


def test_tables_of_the_page_come_along_and_the_licence_stands_in_the_file():
    whole = zipfile.ZipFile(
        io.BytesIO(tables.archive({"": SCENES["padded"]}, {"cost": [["ms"], [0.25]]}, "https://a.b/?c=d"))
    )
    assert read(whole, "cost") == [["ms"], ["0.25"]]
    assert whole.comment.decode() == MADE
    told = whole.read("README.txt").decode()
    assert MADE in told
    assert "https://a.b/?c=d" in told
    assert "kernel size 3 × 3, stride 2, padding 1" in told


def test_two_layers_have_their_tables_in_one_file():
    pair = {"A": SCENES["padded"], "B": LARGE}
    made = zipfile.ZipFile(io.BytesIO(tables.archive(pair, {"Numbers side by side": [["Number", "A", "B"]]})))
    assert {"A numbers.csv", "A matrix.csv", "B numbers.csv", "Numbers side by side.csv"} < set(made.namelist())
    alone = zipfile.ZipFile(io.BytesIO(tables.archive({"": SCENES["padded"]})))
    assert made.read("A output.csv") == alone.read("output.csv")
    told = made.read("README.txt").decode()
    assert "A: " in told
    assert "B: " in told
