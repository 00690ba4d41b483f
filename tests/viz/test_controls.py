"""What the controls offer is what the layer takes: nothing else, and nothing less among small values."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from models.layers import KINDS
from models.spec import FLAGS, LayerSpec, SpecError
from viz.controls.layer import OFFERED, allowed, parameters_of, value_of


@st.composite
def specs(draw) -> LayerSpec:
    kind = draw(st.sampled_from(sorted(KINDS)))
    dims = draw(st.sampled_from(KINDS[kind].dims))
    sizes = {
        "input_size": draw(st.integers(1, 12)),
        "in_channels": draw(st.integers(1, 8)),
        "out_channels": draw(st.integers(1, 8)),
        "kernel_size": draw(st.integers(1, 5)),
        "stride": draw(st.integers(1, 3)),
        "padding": draw(st.integers(0, 3)),
        "dilation": draw(st.integers(1, 3)),
        "groups": draw(st.integers(1, 4)),
        "upscale_factor": draw(st.integers(1, 3)),
        "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
    }
    taken = {n: v for n, v in sizes.items() if n in ("input_size", "in_channels", *KINDS[kind].takes)}
    try:
        return LayerSpec(kind=kind, dims=dims, **taken)
    except SpecError:
        assume(False)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), derandomize=True)
@given(specs())
def test_what_is_offered_is_taken_and_small_values_are_not_missed(spec):
    for name, axis in parameters_of(spec, per_axis=False).values():
        if name in FLAGS or name in ("padding_mode", "mode"):
            continue
        offered = allowed(spec, name, axis)
        now = value_of(spec, name, axis)
        assert now in offered
        for value in [*list(offered)[:40], offered[-1]]:
            assert spec.allows(name, value, axis), (spec, name, value)
        if name in OFFERED:
            small = [v for v in range(17) if v <= OFFERED[name] and spec.allows(name, v, axis)]
            assert set(small) <= set(offered), (spec, name)


@pytest.mark.parametrize("name", KINDS)
def test_a_visitor_who_changes_the_kind_gets_a_layer(name):
    for other in KINDS.values():
        start = LayerSpec(kind=other.name, **dict(other.start.items()))
        moved, _ = start.nearest(kind=name, dims=start.dims if start.dims in KINDS[name].dims else KINDS[name].dims[0])
        assert moved.kind == name
