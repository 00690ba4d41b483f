"""Settings: whatever comes in, a valid layer or one clear sentence comes out, and the sentence's advice works."""

import re
import string
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.layers import KINDS, build
from models.spec import LARGEST, QUERY_DEFAULTS, LayerSpec, SpecError, read_settings, repair
from tests.models.draw import settings_of

QUICK = settings(derandomize=True, suppress_health_check=list(HealthCheck))
NAMES = tuple(f.name for f in fields(LayerSpec) if f.init)
STRANGE = (
    True,
    2.0,
    1.5,
    0,
    -1,
    LARGEST,
    LARGEST + 1,
    -(10**20),
    10**5000,
    "3",
    "same",
    "x" * 10**6,
    b"3",
    float("nan"),
    float("inf"),
    1e308,
    5e-324,
    1j,
    np.int64(3),
    np.uint8(2),
    np.float32(2),
    np.float64(1.5),
    np.bool_(True),
    np.array(3),
    np.array([1, 2]),
    [],
    [1],
    (1, 2),
    (1, 2, 3),
    [None, None],
    [[1], [2]],
    [10**5000, "x" * 10**6],
    {"a": 1},
    {1},
    range(2),
    object(),
    len,
)


def sentence(error: SpecError) -> None:
    assert error.field
    assert error.message.endswith(".")
    assert len(error.message) < 300
    assert "\n" not in error.message


def one_or_the_other(make) -> LayerSpec | None:
    """A layer that is whole, or None and one sentence; nothing else comes out."""
    try:
        spec = make()
    except SpecError as error:
        sentence(error)
        return None
    assert spec == LayerSpec.from_query(spec.to_query())
    assert hash(spec) == hash(spec.change())
    assert all(type(n) is int for n in (spec.dims, spec.in_channels, spec.out_channels, *spec.input_size))
    return spec


@pytest.mark.parametrize("name", NAMES)
def test_strange_values_are_refused_with_a_sentence_or_understood(name):
    for kind in ("conv", "transposed", "causal", "max_pool", "upsample", "pixel_shuffle"):
        for value in STRANGE:
            asked = {"kind": kind, name: value}
            one_or_the_other(lambda asked=asked: LayerSpec(**asked))
            one_or_the_other(lambda asked=asked: LayerSpec().change(**asked))
            one_or_the_other(lambda asked=asked: repair(asked)[0])
            one_or_the_other(lambda asked=asked: LayerSpec().nearest(**asked)[0])


def test_numpy_numbers_are_numbers():
    spec = LayerSpec(dims=np.int64(2), input_size=np.array(5), kernel_size=(np.int8(3), np.uint64(2)))
    assert spec == LayerSpec(input_size=5, kernel_size=(3, 2))
    assert LayerSpec(kind="upsample", scale_factor=np.float32(1.5)).scale_factor == (1.5, 1.5)
    assert {type(n) for n in (*spec.kernel_size, spec.dims)} == {int}


# -- links ------------------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                " ",
                "3",
                "-3",
                "0",
                "+3",
                " 3",
                "3.0",
                "1e9",
                "1_0",
                "0x3",
                "٣",
                "３",
                "²",
                "nan",
                "inf",
                "-inf",
                "1e400",
            ),
            *(
                "None",
                "true",
                "TRUE",
                "True",
                "same",
                "valid",
                "null",
                "9" * 19,
                "9" * 5000,
                "x" * 10**6,
                "\x00",
                "3\n",
            ),
            *KINDS,
            *("reflect", "bilinear", "2.5", "0.0", "-0.0", "1e-300"),
        ]
    ),
    st.text(max_size=8),
    st.integers().map(str),
    st.none(),
    st.integers(),
    st.floats(),
    st.lists(st.text(string.digits, min_size=1, max_size=3), max_size=3),
)
PARAMETERS = st.sampled_from(
    [
        *QUERY_DEFAULTS,
        "per_axis",
        "",
        "unknown",
        *(f"{n}_{a}" for n in ("kernel_size", "padding", "stride") for a in "dhw"),
    ]
)


@settings(QUICK, max_examples=400)
@given(st.dictionaries(PARAMETERS, VALUES, max_size=8))
@example({"kind": ["conv", "conv"]})
@example({"kernel_size": 10**5000})
def test_any_link_gives_a_layer_and_sentences(query):
    asked, errors = read_settings(query)
    for error in errors:
        sentence(error)
    one_or_the_other(lambda: LayerSpec.from_query(query))
    spec, more = repair(asked)
    for error in more:
        sentence(error)
    assert one_or_the_other(lambda: spec) == spec


def test_an_axis_that_the_layer_has_not_is_told():
    asked, errors = read_settings({"dims": "1", "kernel_size_h": "2", "kernel_size_w": "3", "per_axis": "true"})
    assert asked["kernel_size"] == (3,)
    assert [(one.field, one.message) for one in errors] == [
        ("kernel_size_h", "a 1-D layer has no such axis: it is left out.")
    ]


def test_a_bad_value_loses_nothing_else():
    asked, errors = read_settings({"kernel_size": "5", "stride": "fast", "padding": "2", "input_size": ["9", "9"]})
    assert (asked["kernel_size"], asked["padding"], asked["stride"], asked["input_size"]) == (5, 2, 1, 4)
    assert [e.field for e in errors] == ["input_size", "stride"]
    spec, _ = repair(asked)
    assert spec == LayerSpec(kernel_size=5, padding=2, bias=False)


@pytest.mark.parametrize(
    ("query", "size"), [({"input_size": "0"}, 4), ({"input_size_h": "-3", "input_size": "9"}, (4, 9))]
)
def test_a_size_that_is_too_small_says_what_would_do(query, size):
    asked, (error,) = read_settings(query)
    (name, text), *_ = query.items()
    assert (asked["input_size"], error.field) == (size, name)
    assert error.message == f"{text} is too small: use 1 or more."


# -- the nearest layer that works -------------------------------------------------------------------------------------


@settings(QUICK, max_examples=300)
@given(st.sampled_from(list(KINDS)).flatmap(settings_of))
def test_repair_keeps_what_is_valid_and_always_ends(asked):
    spec, errors = repair(asked)
    assert one_or_the_other(lambda: spec) == spec
    assert (spec.kind, spec.dims) == (asked["kind"], asked["dims"])
    try:
        assert spec == LayerSpec(**asked)
        assert errors == []
    except SpecError:
        assert errors


@settings(QUICK, max_examples=200)
@given(st.sampled_from(list(KINDS)).flatmap(settings_of), st.sampled_from(list(KINDS)), st.sampled_from((1, 2, 3)))
def test_any_layer_becomes_any_other_kind(asked, kind, dims):
    spec, _ = repair(asked)
    changed, _ = spec.nearest(kind=kind, dims=dims)
    assert changed.kind == kind
    assert changed.dims == dims or dims not in KINDS[kind].dims
    for name in ("kernel_size", "stride", "dilation"):
        if name in KINDS[kind].takes and name in KINDS[spec.kind].takes and "pool" not in kind + spec.kind:
            assert set(getattr(changed, name)) & set(getattr(spec, name)) or changed.output_size


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_starts_in_each_of_its_dimensions(kind):
    for dims in KINDS[kind].dims:
        spec = LayerSpec(**{"kind": kind, "dims": dims} | dict(KINDS[kind].start))
        assert (
            repair({"kind": kind, "dims": dims, "input_size": "x", "kernel_size": None, "in_channels": -1})[0].kind
            == kind
        )
        assert tuple(build(spec)(torch.zeros(spec.input_shape)).shape[2:]) == spec.output_size


@settings(QUICK, max_examples=300)
@given(st.data())
def test_a_changed_layer_is_the_one_that_the_constructor_makes(data):
    """What stays is not read again: the same layer, or the same sentence, must come out."""
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    spec, other = (repair(data.draw(settings_of(kind)))[0] for _ in range(2))
    own = {"input_size": other.input_size, "in_channels": other.in_channels, **other.settings()}
    if spec.dims == other.dims:
        names = data.draw(st.sets(st.sampled_from(sorted(own)), min_size=1))
        changes = {name: own[name] for name in names}
    else:
        changes = {name: data.draw(st.integers(-1, 9)) for name in ("input_size", "in_channels")}
    whole = {"kind": kind, "dims": spec.dims, "input_size": spec.input_size, "in_channels": spec.in_channels}

    def answer(make):
        try:
            return make()
        except SpecError as error:
            return error.field, error.message

    changed = answer(lambda: spec.change(**changes))
    made = answer(lambda: LayerSpec(**whole | spec.settings() | changes))
    assert changed == made
    if isinstance(made, LayerSpec):
        assert vars(changed) == vars(made)


def test_a_change_of_kind_keeps_what_it_can():
    spec = LayerSpec(input_size=9, kernel_size=5, stride=2, dilation=1, bias=False)
    causal, _ = spec.nearest(kind="causal")
    assert (causal.dims, causal.input_size, causal.kernel_size, causal.stride) == (1, (9,), (5,), (2,))
    assert spec.nearest(kind="tensorflow_same")[0].kernel_size == (5, 5)
    assert LayerSpec(padding="same", kernel_size=5, input_size=9).nearest(stride=2)[0].padding == (2, 2)
    assert LayerSpec(input_size=9).nearest(kernel_size=500)[0].kernel_size == (500, 500)


def test_far_values_come_back_to_the_closest_that_works():
    assert repair({"input_size": 100, "kernel_size": 1000})[0].kernel_size == (100, 100)
    kept, _ = repair({"input_size": 5, "kernel_size": 1001}, keep=("kernel_size",))
    assert (kept.kernel_size, kept.padding) == ((1001, 1001), (498, 498))
    spec, errors = repair({"kind": "transposed", "input_size": 4, "output_padding": 700, "stride": 2})
    assert (spec.output_padding, spec.stride) == ((1, 1), (2, 2))
    assert [e.field for e in errors] == ["output_padding"]


# -- advice -----------------------------------------------------------------------------------------------------------

LEAST, MOST = re.compile(r"use ([\d,]+) or more"), re.compile(r"use ([\d,]+)( or less|, a larger|, or a larger|\.$)")
ONE_OF = re.compile(r"use ([\d, or…]+)\.$")
ADVISED = ("kernel_size", "stride", "padding", "dilation", "groups", "output_padding", "in_channels", "out_channels")


@settings(QUICK, max_examples=600)
@given(
    st.sampled_from(list(KINDS)).flatmap(settings_of),
    st.sampled_from((*ADVISED, "input_size", "upscale_factor", "mode", "padding_mode")),
    st.one_of(
        st.integers(-3, 12), st.sampled_from((10**6, 10**6 + 1, 10**9, "same", "reflect", "circular", "trilinear"))
    ),
)
def test_the_advice_works(asked, name, value):
    """From a layer that works, one setting is moved too far; the number in the sentence is one that works."""
    spec, _ = repair(asked)
    error = spec.refusal(name, value)
    if error is None:
        assert spec.change(**{name: value})
        return
    sentence(error)
    if error.field != name:
        return
    numbers = (
        [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\d|\d", m[1])] if (m := advice(error.message)) else []
    )
    for number in numbers:
        assert spec.allows(name, number), f"{spec} {name}={value}: {error.message}"


def test_an_answer_that_is_kept_is_that_of_its_own_value_and_holds_on_to_nothing():
    """1, 1.0 and True are equal, and not the same setting."""
    spec = LayerSpec(kernel_size=1)
    for _ in range(2):
        assert spec.allows("stride", 1)
        assert not spec.allows("stride", 1.0)
        assert not spec.allows("stride", True)
        assert not spec.allows("stride", (1.0, 1.0))
        assert spec.allows("stride", (1, 1))
        assert spec.allows("bias", True)
        assert not spec.allows("bias", 1)
    refused = spec.refusal("stride", 1.0)
    assert refused is spec.refusal("stride", 1.0)
    assert refused.__traceback__ is None


def advice(message: str):
    if found := LEAST.search(message):
        # "0 or more" is the bound of the setting alone.
        return None if found else found
    if "too large" in message:
        return None
    return MOST.search(message) or ONE_OF.search(message)


SENTENCES = {
    ("kind", "convolution"): "'convolution' is not a kind of layer: use conv, transposed, pointwise",
    ("dims", 4): "4 is not a number of dimensions: use 1, 2 or 3.",
    ("kernel_size", 0): "0 is too small: use 1 or more.",
    ("kernel_size", 9): "a kernel that spans 9 cells does not fit into 4, padding included: "
    "use a smaller kernel or dilation, more padding or a larger input.",
    ("stride", (1, 2, 3)): "(1, 2, 3) has 3 values for 2 axes: give 2.",
    ("padding_mode", "mirror"): "'mirror' is not one of zeros, reflect, replicate or circular.",
    ("padding", "full"): "'full' is not a padding for this layer: use a number, 'same' or 'valid'.",
    ("padding", -1): "-1 is too small: use 0 or more.",
    ("bias", 1): "1 is neither True nor False.",
    ("in_channels", 10**7): "10000000 is too large: use 1\u202f000\u202f000 or less.",
    ("scale_factor", 2.0): "Convolution has no scale_factor: leave it out.",
}


@pytest.mark.parametrize(("name", "value"), SENTENCES)
def test_sentences(name, value):
    with pytest.raises(SpecError) as caught:
        LayerSpec(**{name: value})
    assert caught.value.field == name
    assert caught.value.message.startswith(SENTENCES[name, value])


RULES = [
    (
        {"in_channels": 4, "out_channels": 6, "groups": 3},
        "groups",
        "in_channels 4 cannot be split into 3 equal groups: use 1 or 2.",
    ),
    (
        {"padding": "same", "stride": 2},
        "padding",
        "'same' needs stride 1 in PyTorch: set stride to 1, or give the padding as a number.",
    ),
    (
        {"padding": 4, "padding_mode": "reflect"},
        "padding",
        "reflect cannot reach 4 cells into an input of 4: use 3 or less, a larger input, or another padding_mode.",
    ),
    (
        {"input_size": 1, "padding": 1, "kernel_size": 1, "padding_mode": "reflect"},
        "padding",
        "reflect cannot reach 1 cells into an input of 1: use 0, a larger input, or another padding_mode.",
    ),
    ({"kind": "pointwise", "kernel_size": 3}, "kernel_size", "Pointwise (1×1) holds kernel_size at 1: leave it out."),
    ({"kind": "pixel_shuffle", "in_channels": 5}, "in_channels", "5 is not a multiple of 2² = 4: use 8."),
    ({"kind": "causal", "dims": 2}, "dims", "Causal convolution exists in 1-D, not 2-D."),
    (
        {"kind": "max_pool", "kernel_size": 2, "padding": 2},
        "padding",
        "2 is more than half of the window's 2 cells: use 1 or less.",
    ),
    (
        {"kind": "transposed", "output_padding": 1},
        "output_padding",
        "1 must be smaller than stride 1 or dilation 1: use 0.",
    ),
    (
        {"kind": "lp_pool", "kernel_size": 5},
        "kernel_size",
        "a kernel that spans 5 cells does not fit into an input of 4: use a smaller kernel or a larger input.",
    ),
]


@pytest.mark.parametrize(("asked", "field", "message"), RULES)
def test_sentences_of_rules(asked, field, message):
    with pytest.raises(SpecError) as caught:
        LayerSpec(**asked)
    assert (caught.value.field, caught.value.message) == (field, message)


def test_a_plain_value_in_a_link_stands_for_the_axes_that_it_does_not_name():
    query = {"input_size": "8", "kernel_size": "5", "kernel_size_w": "1", "stride_h": "2"}
    for extra in ({}, {"per_axis": "true"}):
        asked, errors = read_settings(query | extra)
        assert not errors
        assert set(np.ravel(asked["input_size"])) == {8}
        assert (asked["kernel_size"], asked["stride"]) == ((5, 1), (2, 1))


def test_the_output_size_is_a_declared_field_that_nobody_gives():
    declared = {f.name: f for f in fields(LayerSpec)}["output_size"]
    assert not declared.init
    spec = LayerSpec(input_size=7, stride=2)
    assert spec.output_size == (3, 3)
    assert replace(spec, input_size=9).output_size == (4, 4)
    assert spec == LayerSpec(input_size=7, stride=2)
    assert hash(spec) == hash(LayerSpec(input_size=7, stride=2))
    with pytest.raises(TypeError):
        LayerSpec(output_size=(3, 3))
