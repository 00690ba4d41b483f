"""Every kind of layer, all sorts of settings: what torch takes, what the real layer measures, what travels as text."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from models import device, lab
from models.layers import KINDS, build
from models.operator import basis_operator, linear_operator
from models.spec import LayerSpec, SpecError
from tests.models.draw import settings_of, torch_answer

EACH = settings(max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))


def numbers(shape, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def same_weights(module: nn.Module, like: nn.Module) -> nn.Module:
    with torch.no_grad():
        for mine, theirs in zip(module.parameters(), like.parameters(), strict=True):
            mine.copy_(theirs)
    return module.double()


def attempt(asked: dict) -> tuple[LayerSpec | None, SpecError | None]:
    try:
        return LayerSpec(**asked), None
    except SpecError as error:
        return None, error


@pytest.mark.parametrize("kind", KINDS)
def test_settings(kind):
    """150 settings of each kind."""
    taken = 0

    @EACH
    @given(settings_of(kind))
    def check(asked):
        nonlocal taken
        answer = torch_answer(asked)
        spec, error = attempt(asked)
        assert (spec is None) == (answer is None), f"torch differs: {error or spec}"
        if error:
            assert error.message.endswith(".")
            assert error.field in (*KINDS[kind].takes, "dims", "input_size", "in_channels")
            return
        taken += 1
        holds(spec, *answer)

    with device.one_thread():
        check()
    assert taken >= 30


def holds(spec: LayerSpec, layer: nn.Module, zero: torch.Tensor) -> None:
    assert tuple(zero.shape) == (1, spec.out_channels, *spec.output_size)
    x = numbers(spec.input_shape).abs() if spec.kind == "lp_pool" else numbers(spec.input_shape)
    module = same_weights(build(spec), layer)
    with torch.no_grad():
        y = layer(x)
        assert torch.equal(module(x), y)

    measured(spec, x, y, module)
    operator(spec, module, x, y, zero)
    travels(spec, layer, x, y)


def measured(spec: LayerSpec, x: torch.Tensor, y: torch.Tensor, module: nn.Module) -> None:
    """Formula = measurement for every number, and the lab runs the very layer that it shows."""
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    found = lab.run(spec, x[0].numpy(), weights)
    assert [c.name for c in found.checks if not c.agrees] == []
    exact = device.setup().type == "cpu"  # a GPU sums in another order
    np.testing.assert_allclose(found.y, y[0].numpy(), rtol=0 if exact else 1e-9, atol=0 if exact else 1e-12)
    assert lab.operator_entries(spec) >= found.operator.nnz
    for stage in found.stages:
        stage_reproduces(stage)
    # A map between two layers is drawn once: it is what the second reads.
    assert all(stage.windows.shape == stage.x.shape[1:] for stage in found.stages[1:])


def stage_reproduces(stage) -> None:
    """What the picture is drawn from, windows, planes and values, makes the layer's own output."""
    windows = stage.windows
    source = np.arange(np.prod(windows.shape)) if windows.source is None else windows.source.reshape(-1)
    image = stage.x.reshape(len(stage.x), -1)
    drawn = np.where(source >= 0, image[:, source], 0.0)
    out = np.zeros((len(stage.y), int(np.prod(windows.positions))))
    for number, (o, i, plane) in enumerate(stage.pairs):
        if stage.values is not None:
            weight = stage.values if stage.values.ndim == 1 else stage.values[number]
        else:
            taps = stage.weight.shape[2:]
            weight = stage.weight.reshape(-1, int(np.prod(taps)))[plane][windows.taps]
        with np.errstate(invalid="ignore"):
            np.add.at(out[o], windows.rows, np.nan_to_num(weight * drawn[i][windows.cols]))
    if stage.bias is not None:
        out += stage.bias[:, None]
    assert np.abs(out - stage.y.reshape(out.shape)).max() < 1e-9


def operator(spec: LayerSpec, module: nn.Module, x: torch.Tensor, y: torch.Tensor, zero: torch.Tensor) -> None:
    linear = KINDS[spec.kind].linear
    found = linear_operator(module, spec.input_shape, None if linear else x)
    assert found.shape == (y.numel(), x.numel())
    assert found.rows.dtype == found.cols.dtype == found.taps.dtype == np.int32
    assert (np.diff(found.rows) >= 0).all()
    assert np.abs(found @ x - (y - zero if linear else y).detach().numpy()).max() < 1e-9
    by_basis = basis_operator(module, spec.input_shape, None if linear else x).matrix
    assert np.abs(found.matrix - by_basis).max() < 1e-9
    if isinstance(
        module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
    ):
        weight = module.weight.detach().numpy().reshape(-1)
        assert np.array_equal(weight[found.taps], found.values)
    field = lab.formulas.formulas_of(spec)["receptive_field"].value
    # A window that wraps reads both ends of the image.
    wraps = spec.padding_mode == "circular" and any(map(any, spec.pads))
    assert wraps or all(a <= b for a, b in zip(reach(found, spec), field, strict=True))


def reach(found, spec: LayerSpec) -> list[int]:
    """Cells from the first to the last that one output reads inside the image."""
    places = np.unravel_index(found.cols % int(np.prod(spec.input_size)), spec.input_size)
    start = np.flatnonzero(np.diff(found.rows, prepend=-1))
    spans = (
        [np.maximum.reduceat(p, start) - np.minimum.reduceat(p, start) for p in places]
        if len(start)
        else [[-1]] * len(places)
    )
    return [int(max(span)) + 1 for span in spans]


def travels(spec: LayerSpec, layer: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """spec → query → spec and spec → code → run are identities."""
    query = spec.to_query()
    assert all(isinstance(v, str) for v in query.values())
    assert LayerSpec.from_query(query) == spec
    assert spec.change() == spec
    assert spec.nearest() == (spec, [])
    run = same_weights(eval(spec.to_code(), {"nn": nn}), layer)
    with torch.no_grad():
        assert torch.equal(run(x), y)


# -- what a setting is said to mean -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_help_is_that_of_the_kind(kind):
    for name in ("input_size", "in_channels", *kind.takes):
        assert kind.help(name).endswith(".")
    if "padding" not in kind.takes:
        return
    said = kind.help("padding")
    assert ("'same'" in said) == ("'valid'" in said) == LayerSpec(kind.name).allows("padding", "valid")
    small, wide = (LayerSpec(kind.name, kernel_size=4, stride=2, input_size=8, padding=p).output_size for p in (0, 1))
    assert ("cut off" in said) == (wide < small)


def test_padding_of_a_max_pool_is_never_the_largest():
    """What its help says: even where every number is negative, no padding cell wins."""
    layer = build(LayerSpec("max_pool", kernel_size=2, stride=2, padding=1, input_size=4))
    assert "no maximum is taken" in KINDS["max_pool"].help("padding")
    assert (layer(-torch.ones(1, 1, 4, 4)) == -1).all()


def test_unpooling_as_in_the_documentation():
    """The examples of torch's page on MaxUnpool2d, and what its page on MaxUnpool1d says of odd sizes."""
    layer = build(LayerSpec("max_unpool", kernel_size=2))
    x = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    assert layer(x)[0, 0].tolist() == [[0, 0, 0, 0], [0, 6, 0, 8], [0, 0, 0, 0], [0, 14, 0, 16]]
    x = torch.arange(1.0, 21).reshape(1, 1, 4, 5)
    assert layer(x)[0, 0].tolist() == [[0, 0, 0, 0, 0], [0, 7, 0, 9, 0], [0, 0, 0, 0, 0], [0, 17, 0, 19, 0]]
    assert build(LayerSpec("max_unpool", dims=1, kernel_size=2))(x[:, :, 0]).tolist() == [[[0, 2, 0, 4, 0]]]


def test_a_maximum_of_several_windows_counts_once():
    """torch's own gradient counts it once for each window, so it is no measure of the operator."""
    spec = LayerSpec("max_unpool", dims=1, input_size=3, kernel_size=2, stride=1)
    x = np.array([[1.0, 3, 2]])
    found = lab.run(spec, x)
    assert found.y.tolist() == [[0, 3, 0]]
    assert found.operator.matrix.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert found.operator.nnz == 7, "the outer cells share one window, the middle one shares both"


def test_a_sequential_with_a_forward_of_its_own_is_not_a_product_of_its_parts():
    class Twice(nn.Sequential):
        def forward(self, x):
            return super().forward(x) + x

    found = linear_operator(Twice(nn.AvgPool1d(1)), (1, 1, 3))
    assert found.matrix.tolist() == (2 * np.eye(3)).tolist()
