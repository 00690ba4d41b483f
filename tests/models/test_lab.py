"""One layer on the bench: numbers of huge layers without their memory, and the nearest that is drawn."""

import copy
import re
import threading
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models import device, lab
from models.formulas import NUMBERS
from models.layers import KINDS, build
from models.operator import linear_operator
from models.spec import CHOICES, LayerSpec, SpecError, repair

QUICK = settings(derandomize=True, suppress_health_check=list(HealthCheck))


# -- one layer, by hand -----------------------------------------------------------------------------------------------


def test_the_first_worked_example():
    found = lab.run(LayerSpec(bias=False))
    assert found.y.tolist() == [[[122, 148], [126, 134]]]
    assert [c.name for c in found.checks] == list(NUMBERS)
    numbers = {c.name: c.measured for c in found.checks}
    assert numbers == {
        "output_size": (2, 2),
        "parameters": 9,
        "macs": 36,
        "touching": 36,
        "receptive_field": (3, 3),
        "activations": 16,
    }
    assert all(c.agrees for c in found.checks)
    assert all(
        c.title and c.hint and c.how and c.formula.text and c.formula.source[1][:8] == "https://" for c in found.checks
    )
    assert (found.why_not, found.nearest) == ("", None)
    assert found.operator.shape == (4, 16)
    assert found.seconds > 0
    assert "cpu" in found.device or torch.cuda.is_available()


def test_own_numbers_are_used():
    spec = LayerSpec(input_size=3, kernel_size=2, bias=True)
    x = np.arange(9.0).reshape(1, 3, 3)
    found = lab.run(spec, x, {"weight": np.array([[[[1, 0], [0, 2]]]]), "bias": np.array([10])})
    assert found.y.tolist() == [[[18, 21], [27, 30]]]
    assert np.array_equal(found.x, x)
    assert found.module.weight.flatten().tolist() == [1, 0, 0, 2]
    assert not found.module.weight.requires_grad


def test_a_transposed_layer_spends_macs_on_what_padding_cuts_away():
    found = lab.run(LayerSpec(kind="transposed", in_channels=3, input_size=2, kernel_size=2, stride=2))
    assert found.check("macs").measured == 48
    cut = lab.run(LayerSpec(kind="transposed", input_size=3, kernel_size=3, stride=2, padding=1))
    assert cut.check("macs").measured == 81
    assert cut.check("touching").measured == 49


def test_stages_of_a_separable_layer():
    found = lab.run(LayerSpec(kind="depthwise_separable", in_channels=3, out_channels=2))
    assert [stage.name for stage in found.stages] == ["depthwise", "pointwise"]
    assert found.stages[0].pairs[:, :2].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert found.stages[1].pairs[:, :2].tolist() == [[o, i] for o in range(2) for i in range(3)]
    assert np.array_equal(found.stages[0].y, found.stages[1].x)


def test_nothing_that_comes_out_is_an_inference_tensor():
    found = lab.run(LayerSpec(bias=True))
    assert not any(p.is_inference() for p in found.module.parameters())
    x = torch.from_numpy(found.x)[None].requires_grad_(True)
    found.module(x).sum().backward()
    assert x.grad is not None


def test_many_visitors_at_once():
    specs = [
        LayerSpec(),
        LayerSpec(kind="max_pool"),
        LayerSpec(kind="transposed"),
        LayerSpec(kind="upsample", mode="bicubic"),
    ]
    right, wrong = [lab.run(s) for s in specs], []

    def work():
        try:
            for spec, one in zip(specs * 3, right * 3, strict=True):
                found = lab.run(spec)
                same = [(c.name, c.measured) for c in found.checks] == [(c.name, c.measured) for c in one.checks]
                wrong.extend([] if same and np.array_equal(found.y, one.y) else [spec])
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- too large to draw ------------------------------------------------------------------------------------------------


def test_an_operator_of_more_than_two_million_entries_is_left_out():
    small, large, larger = (LayerSpec(input_size=n, padding=1, bias=False) for n in (471, 472, 473))
    assert lab.too_large(small) == ""
    found = lab.run(larger)
    assert found.why_not.startswith(
        "This layer's matrix would have 2\u202f007\u202f889 non-zero entries, more than the 2\u202f000\u202f000"
    )
    assert (found.y, found.operator, found.stages, found.seconds) == (None, None, (), None)
    assert found.nearest == small
    assert all(c.agrees for c in found.checks if c.measured is not None)
    assert found.check("macs").measured == 9 * 473**2
    assert linear_operator(build(larger), larger.input_shape).nnz == 2_007_889
    assert lab.too_large(large).startswith(  # 1 999 396 without the padding
        "This layer's matrix would have 2\u202f005\u202f056 entries with those of its padding, more than"
    )


def said_entries(spec: LayerSpec, monkeypatch) -> int:
    """The count in the sentence, asked for a layer that is small enough to be measured."""
    monkeypatch.setattr(lab, "LARGEST_OPERATOR", 10)
    found = re.match(
        r"This layer's matrix would have ([\d\u202f]+) non-zero entries, more than the 10 ", lab.too_large(spec)
    )
    return int(found[1].replace("\u202f", ""))


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_count_of_a_matrix_that_is_left_out_is_that_of_the_matrix(kind, monkeypatch):
    wanted = {"kernel_size": 3, "padding": 1, "stride": 2}
    asked = {name: value for name, value in wanted.items() if name in KINDS[kind].takes}
    spec, _ = repair({"kind": kind, "in_channels": 4, "input_size": 8} | asked)
    found = lab.run(spec, weights=ones(spec))
    assert said_entries(spec, monkeypatch) == found.operator.nnz == found.operator.places


def ones(spec: LayerSpec) -> dict[str, np.ndarray]:
    """Weights of which none is 0 and no two cancel."""
    return {name: np.ones(shape) for name, shape in lab.weight_shapes(spec).items()}


@pytest.mark.parametrize(("mode", "places"), [("zeros", 100), ("reflect", 100), ("replicate", 100), ("circular", 144)])
def test_copies_in_the_padding_share_an_element_of_the_matrix(mode, places):
    """Four taps of a corner of replicate padding read the corner pixel: entries of the operator, one place."""
    spec = LayerSpec(input_size=4, padding=1, padding_mode=mode)
    operator = lab.run(spec, weights=ones(spec)).operator
    assert operator.places == (operator.matrix != 0).sum() == places
    assert operator.nnz == (100 if mode == "zeros" else 144)


def test_a_layer_of_more_than_one_gibibyte_is_left_out():
    found = lab.run(LayerSpec(kind="pointwise", input_size=2, in_channels=20_000, out_channels=20_000))
    assert found.why_not.startswith("This layer needs 3.0 GiB in the 64-bit floats of the measurement")
    assert found.check("parameters").measured == 400_020_000
    assert found.nearest.input_size == (2, 2)
    assert lab.run(LayerSpec(input_size=5)).nearest is None


PICK = st.sampled_from((1, 2, 3, 7, 64, 1000, 99_999, 10**6))


@st.composite
def huge(draw):
    kind = draw(st.sampled_from(list(KINDS)))
    values = dict.fromkeys(("out_channels", "kernel_size", "stride", "dilation", "upscale_factor"), PICK)
    values |= {
        "padding": st.sampled_from((0, 1, 1000, 10**6)),
        "groups": st.sampled_from((1, 1, 2, 64)),
        "output_padding": st.sampled_from((0, 0, 1, 999)),
        "scale_factor": st.sampled_from((0.2, 0.3333, 1 / 3, 1.7, 2.0, 1000.0, 1e6)),
        "norm_type": st.just(2.0),
    }
    values |= {name: st.sampled_from(choices) for name, choices in CHOICES.items()}
    asked = {"kind": kind, "dims": draw(st.sampled_from(KINDS[kind].dims)), "input_size": draw(PICK)}
    asked["in_channels"] = draw(st.sampled_from((1, 1, 4, 64, 1000, 10**6)))
    return asked | {name: draw(values.get(name, st.booleans())) for name in KINDS[kind].takes}


@settings(QUICK, max_examples=150)
@given(huge())
@example({"kind": "conv", "dims": 3, "input_size": 10**6, "kernel_size": 10**6, "padding": 10**6})
@example({"kind": "conv", "dims": 1, "input_size": 10**6, "kernel_size": 10**6})
@example({"kind": "conv", "dims": 2, "input_size": 22, "in_channels": 512, "kernel_size": 3})
@example({"kind": "upsample", "dims": 1, "input_size": 10**6, "scale_factor": 1e6, "mode": "linear"})
@example({"kind": "upsample", "dims": 3, "input_size": 1000, "scale_factor": 1000.0, "mode": "trilinear"})
@example({"kind": "transposed", "dims": 1, "input_size": 10**6, "kernel_size": 10**6, "stride": 10**6})
@example({"kind": "tensorflow_same", "dims": 3, "input_size": 7, "kernel_size": 480_937, "dilation": 7})
@example({"kind": "causal", "dims": 1, "input_size": 99_999, "in_channels": 1000, "kernel_size": 1})
@example({"kind": "pixel_shuffle", "dims": 2, "input_size": 4, "in_channels": 4096, "upscale_factor": 64})
@example({"kind": "max_pool", "dims": 2, "input_size": 1000, "kernel_size": 2, "dilation": 999, "in_channels": 1000})
@example({"kind": "lp_pool", "dims": 1, "input_size": 5000, "kernel_size": 5000, "stride": 1})
def test_whatever_its_size_a_layer_shows_its_numbers(asked):
    """Valid settings of any size: the numbers agree, nothing large is allocated, and the nearest layer is drawn."""
    spec, _ = repair(asked)
    text = [(f.value, f.text, f.filled) for f in lab.formulas.formulas_of(spec).values()]
    assert all(len(line) < 600 and len(latex) < 900 for _, line, latex in text)
    if not lab.too_large(spec):
        assert prod(spec.output_size) * spec.out_channels <= 2**27
        return
    found = lab.run(spec)
    assert found.why_not.endswith(".")
    assert [c.name for c in found.checks if c.agrees is False] == []
    assert all(c.agrees for c in found.checks if c.name in ("output_size", "parameters", "macs", "activations"))
    assert found.nearest.kind == spec.kind
    assert lab.too_large(found.nearest) == ""


@settings(QUICK, max_examples=30)
@given(huge())
@example({"kind": "conv", "dims": 1, "input_size": 1, "kernel_size": 99_999, "padding": 10**6, "dilation": 64})
def test_the_nearest_layer_is_drawn_and_agrees(asked):
    spec, _ = repair(asked)
    nearest = lab.nearest_drawn(spec) if lab.too_large(spec) else spec
    if lab.operator_entries(nearest) > 50_000:
        return
    found = lab.run(nearest)
    assert all(c.agrees for c in found.checks)
    assert found.operator.nnz <= lab.operator_entries(nearest)


def test_the_nearest_layer_keeps_what_it_can():
    spec = LayerSpec(
        kind="grouped", input_size=56, in_channels=64, out_channels=64, groups=32, kernel_size=3, padding=1
    )
    nearest = lab.nearest_drawn(spec)
    assert (nearest.kernel_size, nearest.groups, nearest.padding) == (spec.kernel_size, spec.groups, spec.padding)
    assert nearest.in_channels % 32 == 0
    vgg = lab.nearest_drawn(LayerSpec(input_size=224, in_channels=3, out_channels=64, padding=1))
    assert (vgg.in_channels, vgg.out_channels) == (3, 64)
    assert vgg.input_size[0] > 30


def test_one_pass_on_the_best_device():
    y, where = device.run(torch.nn.Conv2d(1, 2, 3), torch.zeros(1, 1, 5, 5))
    assert (tuple(y.shape), y.device.type) == ((1, 2, 3, 3), "cpu")
    assert where == device.setup()
    assert device.describe(torch.device("cpu")).startswith("cpu, ")
    seconds, _ = device.forward_time(torch.nn.Conv2d(1, 2, 3), torch.zeros(1, 1, 5, 5))
    assert seconds > 0


def test_when_the_gpu_is_full_the_cpu_does_it(monkeypatch):
    class Full(torch.nn.Module):
        def to(self, where):
            if torch.device(where).type == "cuda":
                raise torch.OutOfMemoryError("full")
            return self

        def forward(self, x):
            return x + 1

    monkeypatch.setattr(device, "setup", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    y, where = device.run(Full(), torch.zeros(1))
    assert (y.item(), where.type) == (1, "cpu")


def test_weights_of_another_shape_are_an_error_of_the_caller():
    with pytest.raises((ValueError, SpecError)):
        lab.run(LayerSpec(), np.zeros((1, 3, 3)))


@pytest.mark.parametrize(
    ("settings", "entries"),
    [
        ({"padding": 1, "padding_mode": "reflect"}, 100),
        ({"padding": 1, "padding_mode": "replicate"}, 100),
        ({"padding": 1, "padding_mode": "circular"}, 144),
        ({"input_size": 3, "kernel_size": 5, "padding": 2, "padding_mode": "circular"}, 81),
        (
            {"input_size": 7, "in_channels": 4, "out_channels": 4, "kernel_size": 5, "stride": 2, "padding": 1,
             "groups": 2, "padding_mode": "reflect", "bias": True},
            1352,
        ),
    ],
)  # fmt: skip
def test_taps_that_meet_on_one_cell_are_one_entry(settings, entries):
    """Counted in torch's own Jacobian, of a layer whose weights are all positive."""
    found = lab.run(LayerSpec(**settings))
    layer = copy.deepcopy(found.module)
    for parameter in layer.parameters():
        torch.nn.init.ones_(parameter)
    jacobian = torch.autograd.functional.jacobian(layer, torch.zeros(1, *found.x.shape, dtype=torch.float64))
    check = found.check("touching")
    assert check.measured == check.formula.value == int((jacobian != 0).sum()) == entries
    assert found.operator.places == entries, "what the picture says"


def test_what_is_counted_in_two_matrices_is_not_called_the_matrix():
    """The picture counts the entries of the one matrix that both layers make together."""
    found = lab.run(LayerSpec("depthwise_separable", in_channels=3, out_channels=2))
    assert found.check("touching").title == "Entries of its two matrices"
    assert found.check("touching").measured != found.operator.places
    assert lab.run(LayerSpec()).check("touching").title == "Matrix entries"
