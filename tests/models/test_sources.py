"""Inputs, weights, and the tables that people paste."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from models import lab
from models.layers import KINDS
from models.sources import (
    A1_INPUT,
    A1_KERNEL,
    INPUTS,
    LARGEST_TABLE,
    WEIGHTS,
    TableError,
    read_numbers,
    read_table,
    write_numbers,
)
from models.spec import LayerSpec

QUICK = settings(derandomize=True, suppress_health_check=list(HealthCheck))
SHAPES = [
    (1, 1),
    (2, 7),
    (1, 300),
    (1, 1, 1),
    (1, 4, 4),
    (3, 5, 8),
    (4, 1, 9),
    (2, 2, 2),
    (1, 1, 1, 1),
    (3, 2, 3, 4),
    (1, 6, 5, 7),
]
KERNELS = [
    *[(2, 3, k) for k in (1, 2, 3, 4, 7)],
    (1, 1, 3, 3),
    (4, 2, 1, 5),
    (3, 1, 2, 4),
    (2, 2, 3, 3, 3),
    (1, 4, 1, 2, 5),
]


# -- inputs and weights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_input_fills_every_shape(name, shape):
    found = INPUTS[name].make(shape, 5)
    assert found.shape == shape
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert np.array_equal(found, INPUTS[name].make(shape, 5))
    if name == "random" and found.size > 1:
        assert not np.array_equal(found, INPUTS[name].make(shape, 6))
    found[:] = 0
    assert INPUTS[name].make(shape, 5).shape == shape


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("shape", KERNELS, ids=str)
def test_every_weight_fills_every_shape(name, shape):
    found = WEIGHTS[name].make(shape, 5)
    assert found.shape == shape
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert found.any() or name in ("laplacian", "sobel", "random", "example")
    if name == "random":
        assert not np.array_equal(found, WEIGHTS[name].make(shape, 6))
    found[:] = 0
    assert WEIGHTS[name].make(shape, 5).any() or not found.any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_source_runs_in_every_kind(kind):
    for dims in KINDS[kind].dims:
        spec = LayerSpec(**{"kind": kind, "dims": dims} | dict(KINDS[kind].start))
        for name in INPUTS:
            assert lab.make_input(spec, name).shape == spec.input_shape[1:]
        for name in WEIGHTS:
            made = lab.make_weights(spec, name)
            assert {n: w.shape for n, w in made.items()} == lab.weight_shapes(spec)


def test_the_worked_example_is_the_corner_of_every_larger_image():
    assert np.array_equal(INPUTS["example"].make((1, 4, 4), 0)[0], A1_INPUT)
    large = INPUTS["example"].make((3, 20, 20), 0)
    assert np.array_equal(large[0, :4, :4], A1_INPUT)
    assert np.array_equal(large[:, :9, :9], INPUTS["example"].make((3, 9, 9), 0))
    assert np.array_equal(INPUTS["example"].make((1, 2, 2), 0)[0], [[2, 1], [4, 4]])
    assert np.array_equal(INPUTS["example"].make((1, 6), 0)[0, :4], A1_INPUT[0])
    assert large.min() >= 0
    assert large.max() <= 9
    assert np.array_equal(WEIGHTS["example"].make((1, 1, 3, 3), 0)[0, 0], A1_KERNEL)


def test_known_kernels():
    make = lambda name, *shape: WEIGHTS[name].make(shape, 0)[0, 0].tolist()  # noqa: E731
    assert make("sobel", 1, 1, 3, 3) == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert make("laplacian", 1, 1, 3, 3) == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert make("gaussian", 1, 1, 3, 3) == [
        [1 / 16, 2 / 16, 1 / 16],
        [2 / 16, 4 / 16, 2 / 16],
        [1 / 16, 2 / 16, 1 / 16],
    ]
    assert make("gaussian", 1, 1, 5) == [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]
    assert make("box", 1, 1, 2, 2) == [[0.25, 0.25], [0.25, 0.25]]
    assert make("identity", 1, 1, 3, 3) == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("size", [29, 30, 31, 32, 1200, 20_000])
def test_long_kernels_stay_finite(size):
    row = WEIGHTS["gaussian"].make((1, 1, size), 0)[0, 0]
    assert row.sum() == pytest.approx(1)
    assert np.allclose(row, row[::-1], rtol=1e-6)
    assert row.argmax() in (size // 2, (size - 1) // 2)
    # A binomial distribution of n = size − 1 fair coins has the variance n/4.
    assert (row * (np.arange(size) - (size - 1) / 2) ** 2).sum() == pytest.approx((size - 1) / 4, rel=1e-6)
    assert np.isfinite(WEIGHTS["sobel"].make((1, 1, size), 0)).all()


def test_identity_weights_return_the_input():
    x = torch.from_numpy(INPUTS["random"].make((3, 6, 6), 1))[None]
    layer = nn.Conv2d(3, 3, 3, padding=1, bias=False).double()
    layer.weight.data = torch.from_numpy(WEIGHTS["identity"].make((3, 3, 3, 3), 0))
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_bilinear_weights_interpolate(stride):
    """Long et al. 2015: kernel 2S − S mod 2, stride S, and the right padding make bilinear upsampling."""
    kernel = 2 * stride - stride % 2
    layer = nn.ConvTranspose2d(1, 1, kernel, stride, padding=(kernel - stride) // 2, bias=False).double()
    layer.weight.data = torch.from_numpy(WEIGHTS["bilinear"].make((1, 1, kernel, kernel), 0))
    x = torch.from_numpy(INPUTS["random"].make((1, 6, 6), 1))[None]
    up = nn.functional.interpolate(x, scale_factor=stride, mode="bilinear")
    inner = slice(stride, -stride)
    assert torch.allclose(layer(x)[..., inner, inner], up[..., inner, inner])


# -- pasted tables ----------------------------------------------------------------------------------------------------

GRID = [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "1 2\n3 4",
        "1,2\n3,4\n",
        "1\t2\r\n3\t4\r\n",
        "1 2; 3 4",
        "1,2; 3,4",
        "1,2;\n3,4;",
        " [[1, 2], [3, 4]] ",
        "[[1, 2], [3, 4],]",
        "((1, 2), (3, 4))",
        "[[1., 2.], [3., 4.]]",
        "[[1 2]\n [3 4]]",
        "[[1. 2.]\n [3. 4.]]",
        "[1, 2], [3, 4]",
        "{1, 2}\n{3, 4}",
        "\n\n1 2\n3 4\n\n",
        "array([[1, 2],\n       [3, 4]])",
        "np.array([[1., 2.], [3., 4.]], dtype=float32)",
        "tensor([[1., 2.],\n        [3., 4.]], dtype=torch.float64)",
        "+1 2e0\n.3e1 4",
    ],
)  # fmt: skip
def test_tables_as_people_paste_them(text):
    assert read_table(text).tolist() == GRID


def test_one_row_and_stacks():
    assert read_table("1 2 3").tolist() == [1, 2, 3]
    assert read_table("5").tolist() == [5]
    assert read_table("−1 2").tolist() == [-1, 2]
    assert read_table("1 2\n3 4\n\n5 6\n7 8").tolist() == [GRID, [[5, 6], [7, 8]]]
    assert read_table("[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]").tolist() == [GRID, [[5, 6], [7, 8]]]
    assert read_table("[[[1. 2.]\n  [3. 4.]]\n\n [[5. 6.]\n  [7. 8.]]]").tolist() == [GRID, [[5, 6], [7, 8]]]


BAD = {
    "": "There are no numbers in it",
    " \n\t ": "There are no numbers in it",
    "[]": "There are no numbers in it",
    "[[]]": "There are no numbers in it",
    "[[], [1]]": "The lists are nested unevenly",
    "()": "There are no numbers in it",
    "[[[]]]": "There are no numbers in it",
    "one two": "“one” in line 1 is not a number",
    "1,5\t2,5": "“1,5” in line 1 has a comma inside",
    "1;2\n3,5;4": "“3,5” in line 2 has a comma inside",
    "1 2\n3 x": "“x” in line 2 is not a number",
    "1 2\n3": "Row 2 has 1 number and the first has 2: give each row 2.",
    "[[1, 2], [3]]": "Row 2 has 1 number and the first has 2",
    "[[1, 2], 3]": "Row 2 has 1 number",
    "[1, [2, 3]]": "The lists are nested unevenly",
    "1 2\n\n1 2\n3 4": "The blocks have 1, 2 rows",
    "1 nan": "“nan” in line 1 is not a finite number",
    "[1, NaN]": "“nan” in line 1 is not a finite number",
    "1 -inf": "“-inf” in line 1 is not a finite number",
    "1e400": "“1e400” in line 1 is not a finite number",
    "9" * 400: "is not a finite number",
    "1e10": "“1e10” in line 1 is too large",
    "1_000": "“1_000” in line 1 is not a number",
    "١٢": "is not a number",
    "0x10": "“0x10” in line 1 is not a number",
    "[true, null]": "“True” in line 1 is not a number",
    '["a"]': "“a” in line 1 is not a number",
    '[{"a": 1}]': "is not a number",
    "[" * 60_000: "There are no numbers in it",
    "[" * 500 + "1" + "]" * 500: "nested 500 deep",
    "[[[[1]]]]": "The lists are nested 4 deep",
    " ".join(["1"] * 10_000): "There are more than 4\u202f096 numbers",
    json.dumps([[1] * 100] * 100): "There are more than 4\u202f096 numbers",
    "1 " * 500_000: "That is 1\u202f000\u202f000 characters: paste at most 4\u202f096 numbers.",
    "\x00": "There are no numbers in it",
    "🙂 🙂": "There are no numbers in it",
    "🙂 1": "“🙂” in line 1 is not a number",
    "<script>alert(1)</script>": "is not a number",
    "=SUM(A1:A3)": "is not a number",
}


@pytest.mark.parametrize(("text", "message"), BAD.items(), ids=[repr(t[:20]) for t in BAD])
def test_bad_tables_get_one_sentence(text, message):
    with pytest.raises(TableError) as caught:
        read_table(text)
    assert message in caught.value.message
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 200


@settings(QUICK, max_examples=300)
@given(st.one_of(st.text(max_size=60), st.text("[](){},;. \n\t-+e0123456789naif_", max_size=60)))
def test_any_text_is_a_table_or_a_sentence(text):
    found = table_or_sentence(text)
    if isinstance(found, str):
        assert found.endswith(".")
    else:
        assert found.size > 0
        assert found.ndim in (1, 2, 3)
        assert np.isfinite(found).all()


def table_or_sentence(text: str) -> np.ndarray | str:
    try:
        return read_table(text)
    except TableError as error:
        return error.message


def test_the_largest_table_is_read():
    assert read_table(" ".join(["7"] * LARGEST_TABLE)).shape == (LARGEST_TABLE,)


TABLES = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=4),
    elements=st.floats(-1e9, 1e9, allow_subnormal=True),
)


@settings(QUICK, max_examples=200)
@given(TABLES)
def test_numbers_survive_the_link_and_the_clipboard(values):
    text = write_numbers(values)
    assert set(text) <= set("0123456789._-e")
    assert np.array_equal(read_numbers(text, values.shape), values)
    pasted = str(values.tolist())
    assert np.array_equal(read_table(pasted).reshape(values.shape), values)


def test_numbers_are_as_short_as_they_can_be():
    assert write_numbers(np.array([4, -5, 0.25, 1e-7, -0.0, 3])) == "4_-5_0.25_1e-07_0_3"
    assert write_numbers(np.array([[1, 2]], dtype=np.int64)) == "1_2"


@pytest.mark.parametrize(
    "text", ["", "1_2", "1_2_3_4_5", "1_2_3_x", "1_2_3_nan", "1_2_3_1e99", "1" * 10**6, "1_2_3_4\n5"]
)
def test_bad_numbers_in_a_link_get_one_sentence(text):
    with pytest.raises(TableError) as caught:
        read_numbers(text, (2, 2))
    assert caught.value.message.endswith(".")
