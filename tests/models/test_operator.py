"""The operator: one matrix, measured in two ways, equal to the layer and to its transpose, product and repetition."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from models import device
from models.operator import (
    Operator,
    OperatorError,
    basis_operator,
    linear_operator,
    source_map,
)
from tests.models.draw import input_shape, settings_of, torch_answer

QUICK = settings(max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _alone():
    torch.manual_seed(0)
    with device.one_thread():
        yield


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def agree(a: Operator, b: Operator) -> bool:
    return a.shape == b.shape and np.abs(a.matrix - b.matrix).max() < 1e-9


# -- what it is -------------------------------------------------------------------------------------------------------


def test_a_convolution_small_enough_to_write_down():
    layer = nn.Conv1d(1, 1, 2, bias=True)
    layer.weight.data[:] = torch.tensor([[[3.0, 5.0]]])
    found = linear_operator(layer, (1, 1, 3))
    assert found.matrix.tolist() == [[3, 5, 0], [0, 3, 5]]
    assert found.rows.tolist() == [0, 0, 1, 1]
    assert found.taps.tolist() == [0, 1, 0, 1]
    assert (found.shape, found.nnz, len(found)) == ((2, 3), 4, 4)
    assert (found.input_shape, found.output_shape) == ((1, 1, 3), (1, 1, 2))
    assert [part.tolist() for part in found.row(1)] == [[1, 2], [3, 5], [0, 1]]
    assert [part.tolist() for part in found.row((0, 1))] == [[1, 2], [3, 5], [0, 1]]
    assert [part.tolist() for part in found.column((0, 0, 1))] == [[0, 1], [5, 3], [1, 0]]
    assert found.T.matrix.tolist() == [[3, 0], [5, 3], [0, 5]]


@pytest.mark.parametrize("make", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize("how", [{}, {"stride": (2, 3), "padding": (3, 1), "dilation": (1, 2), "groups": 2}])
def test_a_kernel_of_many_taps_is_placed_as_it_is_pushed(make, how, monkeypatch):
    layer = make(4, 2, (9, 8), **how).double().requires_grad_(False)
    found = linear_operator(layer, (1, 4, 12, 17))
    assert agree(found, basis_operator(layer, (1, 4, 12, 17)))
    monkeypatch.setattr("models.operator.MOST_PLACED", 0)
    pushed = linear_operator(layer, (1, 4, 12, 17))
    for name in ("rows", "cols", "taps", "values"):
        assert np.array_equal(getattr(found, name), getattr(pushed, name))


def test_an_entry_exists_where_a_tap_reaches_even_if_its_weight_is_zero():
    layer = nn.Conv2d(2, 3, 3, padding=1)
    layer.weight.data.zero_()
    found = linear_operator(layer, (1, 2, 4, 4))
    assert found.nnz == 6 * 10 * 10
    assert not found.values.any()
    assert found.sparse.shape == (48, 32)


def test_several_taps_that_read_the_same_cell_stay_apart():
    found = linear_operator(nn.Conv1d(1, 1, 3, padding=1, padding_mode="replicate"), (1, 1, 1))
    assert found.cols.tolist() == [0, 0, 0]
    assert found.taps.tolist() == [0, 1, 2]


def test_positions_outside_are_refused():
    found = linear_operator(nn.Conv2d(1, 1, 3), (1, 1, 4, 4))
    for index in (4, -1, (0, 2, 0), (0, 0, 0, 2)):
        with pytest.raises((IndexError, ValueError)):
            found.row(index)


def test_what_does_not_fit_is_refused():
    layer = nn.Conv2d(3, 1, 3)
    for shape in ((1, 2, 4, 4), (1, 3, 4), (1, 3, 4, 4, 4)):
        with pytest.raises(OperatorError, match="does not fit"):
            linear_operator(layer, shape)
    with pytest.raises(OperatorError, match="the layers do not fit"):
        linear_operator(nn.Conv1d(1, 1, 2), (1, 1, 5)) @ linear_operator(nn.Conv1d(1, 1, 2), (1, 1, 5))
    with pytest.raises(OperatorError, match="2³¹"):
        linear_operator(nn.Conv2d(256, 256, 3, padding=1), (1, 256, 128, 128))


def test_few_entries_between_many_places_are_found():
    layer = nn.ConvTranspose3d(1, 1, 20, dilation=4, bias=False).double()
    found = linear_operator(layer, (1, 1, 1, 1, 1))
    assert found.nnz == 20**3
    cell = (1.5 * torch.ones(1, 1, 1, 1, 1)).double()
    assert torch.equal(layer(cell).flatten().nonzero().flatten(), torch.from_numpy(np.sort(found.rows)).long())


def test_layers_that_are_not_linear_need_an_input():
    for layer in (nn.MaxPool2d(2), nn.LPPool2d(2, 2), nn.ReLU(), nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sigmoid())):
        with pytest.raises(OperatorError, match=r"is not linear: give the input, at=x"):
            linear_operator(layer, (1, 1, 4, 4))


def test_the_module_is_left_as_it_was():
    layer = nn.Conv2d(2, 2, 3, padding=1).float().train()
    pool = nn.MaxPool2d(2, return_indices=True)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    linear_operator(layer, (1, 2, 5, 5))
    basis_operator(layer, (1, 2, 5, 5))
    linear_operator(pool, (1, 1, 4, 4), numbers(1, 1, 4, 4))
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())
    assert layer.training
    assert layer.weight.requires_grad
    assert layer.weight.dtype == torch.float32
    assert pool.return_indices


def test_no_inference_tensor_leaks_and_inference_mode_is_no_obstacle():
    layer = nn.Conv2d(1, 2, 3)
    pool = nn.LPPool2d(2, 2)
    with torch.inference_mode():
        x = torch.rand(1, 1, 6, 6)
        inside = linear_operator(layer, (1, 1, 6, 6)), linear_operator(pool, (1, 1, 6, 6), x)
    assert agree(inside[0], basis_operator(layer, (1, 1, 6, 6)))
    assert agree(inside[1], linear_operator(pool, (1, 1, 6, 6), x.clone()))
    assert not layer.weight.is_inference()
    layer(torch.rand(1, 1, 6, 6)).sum().backward()


def test_what_wraps_a_weight_is_measured_as_it_acts():
    wrapped = nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 2, 3).double())
    assert agree(linear_operator(wrapped, (1, 2, 4, 4)), basis_operator(wrapped, (1, 2, 4, 4)))

    class Doubled(nn.Conv2d):
        def forward(self, x):
            return self._conv_forward(x, 2 * self.weight, self.bias)

    odd = Doubled(1, 1, 3)
    assert agree(linear_operator(odd, (1, 1, 4, 4)), basis_operator(odd, (1, 1, 4, 4)))


# -- properties -------------------------------------------------------------------------------------------------------


@QUICK
@given(settings_of("transposed"))
def test_a_transposed_layer_is_the_transpose(asked):
    """The convolution with the same weights goes the other way; output_padding only says which way back."""
    answer = torch_answer(asked | {"bias": False})
    if answer is None:
        return
    layer, out = answer
    dims = asked["dims"]
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1](
        layer.out_channels,
        layer.in_channels,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
        bias=False,
        dtype=torch.float64,
    )
    with torch.no_grad():
        conv.weight.copy_(layer.weight)
    forth = linear_operator(conv, tuple(out.shape))
    if forth.output_shape != input_shape(asked):
        # output_padding of a whole stride (allowed under dilation) makes room for another window.
        assert any(extra >= stride for extra, stride in zip(layer.output_padding, layer.stride, strict=True))
        return
    back = linear_operator(layer, forth.output_shape)
    assert agree(back, forth.T)
    assert agree(forth.T.T, forth)
    assert entries(forth.T) == entries(back)


def entries(found: Operator) -> set[tuple[int, int, int, float]]:
    return set(zip(*(part.tolist() for part in (found.rows, found.cols, found.taps, found.values)), strict=True))


SMALL = st.sampled_from(
    [
        lambda c: nn.Conv2d(c, 2, 3, padding=1, padding_mode="reflect"),
        lambda c: nn.Conv2d(c, 3, 2, stride=2, bias=False),
        lambda c: nn.ConvTranspose2d(c, 2, 2, stride=2),
        lambda c: nn.AvgPool2d(2, stride=1),
        lambda c: nn.Upsample(scale_factor=2, mode="bilinear"),
        lambda c: nn.BatchNorm2d(c),
        lambda c: nn.ZeroPad2d((1, 0, 2, 1)),
        lambda c: nn.ConstantPad2d(1, 3.5),
        lambda c: nn.CircularPad2d(1),
        lambda c: nn.Identity(),
        lambda c: nn.PixelUnshuffle(1),
        lambda c: nn.Dropout(0.5),
    ]
)


@QUICK
@given(st.lists(SMALL, min_size=1, max_size=4))
def test_the_product_of_operators_is_the_operator_of_the_sequence(makers):
    layers, shape = [], (1, 2, 5, 4)
    for make in makers:
        layer = make(shape[1]).eval()
        try:
            shape = tuple(layer(torch.zeros(shape)).shape)
        except (RuntimeError, AssertionError):
            return
        layers.append(layer)
    whole = nn.Sequential(*layers).double().eval()
    shape, product = (1, 2, 5, 4), None
    for layer in layers:
        one = linear_operator(layer, shape)
        product, shape = one if product is None else one @ product, one.output_shape
    found = linear_operator(whole, (1, 2, 5, 4))
    assert agree(found, product)
    assert agree(found, basis_operator(whole, (1, 2, 5, 4)))
    x = numbers(1, 2, 5, 4)
    with torch.no_grad():
        right = whole(x) - whole(torch.zeros_like(x))
    assert np.abs(found @ x - right.numpy()).max() < 1e-9
    assert np.abs(found @ x.reshape(-1).numpy() - right.reshape(-1).numpy()).max() < 1e-9
    assert np.abs(found @ np.eye(40) - found.matrix).max() < 1e-12


@pytest.mark.parametrize(
    "layer",
    [
        nn.MaxPool2d(3, 2, 1),
        nn.MaxPool2d(2, return_indices=True),
        nn.LPPool2d(2, 2),
        nn.LeakyReLU(),
        nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Sequential(nn.Tanh(), nn.AvgPool2d(2)), nn.Conv2d(2, 1, 1)),
    ],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_layers_that_are_not_linear_have_their_jacobian(layer, batch):
    x = numbers(batch, 2, 4, 4)
    first = lambda v: out[0] if isinstance(out := layer.double()(v), tuple) else out  # noqa: E731
    right = torch.autograd.functional.jacobian(first, x)
    found = linear_operator(layer, x.shape, x)
    assert np.abs(found.matrix - right.reshape(found.shape).numpy()).max() < 1e-9


def test_a_batch_is_the_same_block_again():
    layer = nn.Conv2d(2, 1, 2).double()
    found, one = linear_operator(layer, (3, 2, 4, 4)), linear_operator(layer, (1, 2, 4, 4))
    assert np.array_equal(found.matrix, np.kron(np.eye(3), one.matrix))
    x = numbers(3, 2, 4, 4)
    assert np.abs(found @ x - (layer(x) - layer.bias.reshape(1, 1, 1, 1)).detach().numpy()).max() < 1e-9
    assert agree(found, basis_operator(layer, (3, 2, 4, 4)))


@pytest.mark.parametrize("shape", [(1, 64, 6, 6), (1, 300, 3, 3)])
def test_many_channels(shape):
    layer = nn.Conv2d(shape[1], 4, 3, padding=1, groups=2)
    found = linear_operator(layer, shape)
    x = numbers(*shape)
    with torch.no_grad():
        right = layer.double()(x) - layer(torch.zeros_like(x))
    assert np.abs(found @ x - right.numpy()).max() < 1e-9


def test_large_images_keep_every_index_exact():
    layer = nn.Conv1d(1, 1, 3, dilation=5, padding=7)
    found = linear_operator(layer, (1, 1, 300_000))
    position = np.arange(300_004)
    for tap in range(3):
        cells = position - 7 + 5 * tap
        inside = (cells >= 0) & (cells < 300_000)
        assert np.array_equal(found.cols[found.taps == tap], cells[inside])
        assert np.array_equal(found.rows[found.taps == tap], position[inside])


# -- padding ----------------------------------------------------------------------------------------------------------


def test_where_padding_cells_come_from():
    row = lambda mode: source_map((4,), [(2, 1)], mode).tolist()  # noqa: E731
    assert row("zeros") == [-1, -1, 0, 1, 2, 3, -1]
    assert row("reflect") == [2, 1, 0, 1, 2, 3, 2]
    assert row("replicate") == [0, 0, 0, 1, 2, 3, 3]
    assert row("circular") == [2, 3, 0, 1, 2, 3, 0]


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_cells_agree_with_numpy(mode):
    image = np.arange(24).reshape(4, 6)
    pads = [(1, 2), (3, 0)]
    same = {"zeros": "constant", "replicate": "edge", "circular": "wrap"}.get(mode, mode)
    right = np.pad(image, pads, same, **({"constant_values": -1} if mode == "zeros" else {}))
    assert np.array_equal(source_map((4, 6), pads, mode), right)


# -- many visitors at once --------------------------------------------------------------------------------------------


def test_threads_do_not_disturb_each_other():
    layer = nn.Conv2d(2, 3, 3, padding=1, groups=1)
    pool, x = nn.MaxPool2d(2), numbers(1, 2, 6, 6)
    right = linear_operator(layer, (1, 2, 6, 6)), linear_operator(pool, x.shape, x)
    wrong = []

    def work():
        for _ in range(15):
            found = linear_operator(layer, (1, 2, 6, 6)), linear_operator(pool, x.shape, x)
            wrong.extend(1 for a, b in zip(found, right, strict=True) if not np.array_equal(a.matrix, b.matrix))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_number_of_threads_comes_back():
    counts = []

    def work():
        torch.set_num_threads(2)
        with device.one_thread():
            counts.append(torch.get_num_threads())
            with device.one_thread():
                pass
            counts.append(torch.get_num_threads())
        counts.append(torch.get_num_threads() > 1 or device.setup.cache_info().currsize)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert counts[:2] == [1, 1]
    assert counts[2]
