"""Blocks: published numbers, torchvision's own with the same weights, and closed forms against measurement."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import fx, nn
from torchvision.models import convnext, densenet, mobilenetv2, mobilenetv3, resnet, squeezenet
from torchvision.models.googlenet import Inception
from torchvision.ops import SqueezeExcitation

from models.blocks import BLOCKS, FORMS, build, join_both, share_weights, weights
from models.measure import measure
from models.receptive_field import receptive_field
from tests.models.test_formulas import worth

QUICK = settings(derandomize=True, max_examples=20)


def shaken(module):
    """The module in evaluation mode and float64, no parameter and no running statistic at its neutral value."""
    drawn = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(0.2 + 0.6 * torch.rand(tensor.shape, generator=drawn))
                # signs, but not for variances and the scales of norms
                if tensor.dim() > 1:
                    tensor.mul_(torch.randn(tensor.shape, generator=drawn))
    return module.double().eval()


def image(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def on_paper(name, **given):
    """A block without memory, what was measured on it, and its closed forms."""
    with torch.device("meta"):
        module = build(name, **given)
    found = measure(module, BLOCKS[name].input_shape(**given))
    return module, found, {form: f.value for form, f in BLOCKS[name].formulas(**given).items()}


@pytest.mark.parametrize(
    ("name", "asked", "count", "total", "macs"),
    [
        # He et al. 2015, figure 5; Xie et al. 2016, figure 1: about 70 thousand each.
        ("bottleneck", {"in_channels": 256, "width": 64, "out_channels": 256}, 69_632, 70_400, 69_632 * 56**2),
        ("bottleneck", {"norm": False}, 69_632, 69_632, 69_632 * 56**2),
        ("resnext", {"in_channels": 256, "width": 128, "out_channels": 256, "cardinality": 32}, 70_144, 71_168, 70_144 * 56**2),  # noqa: E501
        # Iandola et al. 2016, table 1: fire2 and fire4.
        ("fire", {"in_channels": 96, "squeeze": 16, "expand1x1": 64, "expand3x3": 64}, 11_776, 11_920, 11_776 * 55**2),
        ("fire", {"in_channels": 128, "squeeze": 32, "expand1x1": 128, "expand3x3": 128}, 45_056, 45_344, 45_056 * 55**2),  # noqa: E501
        # Szegedy et al. 2014, table 1, inception (3a): 159 K (of 1,024) parameters, 128 M operations.
        ("inception", {}, 163_328, 164_064, 128_049_152),
        ("inception", {"norm": False}, 163_328, 163_696, 128_049_152),
        # Dosovitskiy et al. 2020.
        ("patch_embedding", {"image_size": 224, "patch_size": 16, "embed_dim": 768}, 589_824, 590_592, 196 * 589_824),
        ("squeeze_excite", {"channels": 64, "reduction": 16}, 512, 580, 512),
        # Howard et al. 2017, tables 1, 6 and 7: 4.2, 2.6, 1.3 and 0.5 million; 569, 325, 149 and 41 million.
        ("mobilenet_v1", {"alpha": 1.0}, 4_209_088, 4_231_976, 568_740_352),
    ],
)  # fmt: skip
def test_published_counts(name, asked, count, total, macs):
    module, found, forms = on_paper(name, **asked)
    assert (weights(module), found.parameters, found.macs) == (count, total, macs)
    assert forms == {"weights": count, "parameters": total, "macs": macs}
    assert not found.uncounted


@pytest.mark.parametrize(
    ("asked", "millions", "multiply_adds"),
    [
        ({}, 4.2, 569),
        ({"alpha": 0.75}, 2.6, 325),
        ({"alpha": 0.5}, 1.3, 149),
        ({"alpha": 0.25}, 0.5, 41),
        ({"rho": 0.857}, 4.2, 418),
        ({"rho": 0.714}, 4.2, 290),
        ({"rho": 0.571}, 4.2, 186),
    ],
)
def test_mobilenet_v1_as_in_the_paper(asked, millions, multiply_adds):
    _, found, forms = on_paper("mobilenet_v1", **asked)
    assert round(found.parameters / 1e6, 1) == millions
    # The paper rounds 289.6 up and cuts 418.8 and 186.2 off.
    assert abs(found.macs / 1e6 - multiply_adds) < 1
    assert found.macs == forms["macs"]


def test_mobilenet_v1_has_28_layers():
    layers = [m for m in build("mobilenet_v1").modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 28
    assert sum(isinstance(m, nn.Conv2d) and m.groups > 1 for m in layers) == 13


def test_unet_from_a_picture_to_a_map():
    with torch.device("meta"):
        net = build("unet")
    rows = {row.name: row.output_shape[1:] for row in measure(net, (1, 3, 128, 128)).layers}
    sizes = [rows[f"down{i}.relu2"] for i in (1, 2, 3, 4)]
    assert sizes == [(16, 128, 128), (32, 64, 64), (64, 32, 32), (128, 16, 16)]
    assert rows["latent.relu2"] == (256, 8, 8)
    assert [rows[f"rise{i}"] for i in (4, 3, 2, 1)] == sizes[::-1] == [rows[f"up{i}.relu2"] for i in (4, 3, 2, 1)]
    assert rows["head"] == (1, 128, 128)


def test_unet_without_padding_shrinks_as_in_the_paper():
    """Ronneberger et al. 2015, figure 1: 572 pixels become 388, and each skip is cropped to what comes up to it."""
    asked = {"padding": "valid", "width": 64, "in_channels": 1, "out_channels": 2}
    block = BLOCKS["unet"]
    assert block.input_shape(**asked) == (1, 1, 572, 572)
    with torch.device("meta"):
        net, x = build("unet", **asked), torch.empty(block.input_shape(**asked))
        sides = {}
        for name, part in net.named_children():
            part.register_forward_hook(lambda _, __, out, name=name: sides.__setitem__(name, out.shape[-1]))
        assert net(x).shape == (1, 2, 388, 388)
    assert [sides[f"down{i}"] for i in (1, 2, 3, 4)] == [568, 280, 136, 64]
    assert sides["latent"] == 28
    assert [sides[f"crop{i}"] for i in (1, 2, 3, 4)] == [392, 200, 104, 56]
    assert [sides[f"up{i}"] for i in (1, 2, 3, 4)] == [388, 196, 100, 52]
    # As many weights as with padding, and the smallest picture that leaves anything.
    assert weights(net) == block.formulas(**{**asked, "padding": "same"})["weights"].value
    for depth in (1, 2, 3):
        small = {"padding": "valid", "depth": depth, "width": 2}
        assert shaken(build("unet", **small))(image(1, 3, 12 * 2**depth - 4, 12 * 2**depth - 4)).shape[-1] == 4


def test_a_pre_activated_bottleneck_holds_what_a_bottleneck_holds():
    asked = {"in_channels": 256, "width": 64, "out_channels": 256}
    assert on_paper("preactivation", form="bottleneck", **asked)[2]["weights"] == 69_632
    block = build("preactivation", form="bottleneck", **asked)
    names = ["conv1", "bn2", "relu2", "conv2", "bn3", "relu3", "conv3"]
    assert [name for name, _ in block.branch.named_children()] == names
    assert block.branch.conv2.kernel_size == (3, 3)


def test_unet_of_the_paper():
    # Ronneberger et al. 2015, figure 1: 64 to 1024 channels, one in, two out, 23 convolutional layers.
    steps = [(1, 64, 9), (64, 64, 9), (64, 2, 1)]
    for n in (64, 128, 256, 512):
        steps += [(n, 2 * n, 9), (2 * n, 2 * n, 9), (2 * n, n, 4), (2 * n, n, 9), (n, n, 9)]
    module, found, forms = on_paper("unet", width=64, in_channels=1, out_channels=2)
    assert len(steps) == 23 == sum(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in module.modules())
    assert found.parameters == forms["parameters"] == sum(a * b * taps + b for a, b, taps in steps)


# -- torchvision ------------------------------------------------------------------------------------------------------


def _v3(c_in, kernel, wide, c_out, excite, act, stride):
    """A block of MobileNet v3 as torchvision's networks build it."""
    config = mobilenetv3.InvertedResidualConfig(c_in, kernel, wide, c_out, excite, act, stride, 1, 1.0)
    return mobilenetv3.InvertedResidual(config, lambda channels: nn.BatchNorm2d(channels, eps=0.001))


def _downsample(c_in, c_out, stride):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))


THEIRS = {
    "basic": lambda: resnet.BasicBlock(64, 64),
    "basic, down": lambda: resnet.BasicBlock(64, 128, 2, _downsample(64, 128, 2)),
    "bottleneck": lambda: resnet.Bottleneck(256, 64),
    "bottleneck, down": lambda: resnet.Bottleneck(256, 128, 2, _downsample(256, 512, 2)),
    "bottleneck, projected": lambda: resnet.Bottleneck(256, 64, 1, _downsample(256, 256, 1)),
    "resnext": lambda: resnet.Bottleneck(256, 64, groups=32, base_width=4),
    "inception": lambda: Inception(192, 64, 96, 128, 16, 32, 32),
    "dense": lambda: densenet._DenseBlock(6, 64, 4, 32, 0),
    "dense, one layer": lambda: densenet._DenseBlock(1, 64, 4, 32, 0),
    "fire": lambda: squeezenet.Fire(96, 16, 64, 64),
    "squeeze_excite": lambda: SqueezeExcitation(64, 4),
    "inverted_residual": lambda: mobilenetv2.InvertedResidual(24, 24, 1, 6),
    "inverted_residual, down": lambda: mobilenetv2.InvertedResidual(24, 32, 2, 6),
    "inverted_residual, 1": lambda: mobilenetv2.InvertedResidual(32, 16, 1, 1),
    "inverted_residual, v3": lambda: _v3(40, 5, 120, 40, True, "RE", 1),
    "inverted_residual, v3 down": lambda: _v3(24, 5, 72, 40, True, "RE", 2),
    "inverted_residual, v3 h-swish": lambda: _v3(80, 3, 480, 112, True, "HS", 1),
    "inverted_residual, v3 plain": lambda: _v3(40, 3, 240, 80, False, "HS", 2),
    "convnext": lambda: convnext.CNBlock(96, 1e-6, 0.0),
}
OURS = {
    "basic, down": {"out_channels": 128, "stride": 2},
    "bottleneck, down": {"width": 128, "out_channels": 512, "stride": 2},
    "bottleneck, projected": {"projection": True},
    # torchvision's third branch has a window of 3 where the paper has 5.
    "inception": {"kernel_size": 3},
    "dense, one layer": {"layers": 1},
    "inverted_residual, down": {"out_channels": 32, "stride": 2},
    "inverted_residual, 1": {"in_channels": 32, "out_channels": 16, "expand_ratio": 1},
    "inverted_residual, v3": {
        "in_channels": 40, "out_channels": 40, "expand_ratio": 3, "kernel_size": 5,
        "squeeze_excite": True, "activation": "ReLU"
    },
    "inverted_residual, v3 down": {
        "out_channels": 40, "expand_ratio": 3, "kernel_size": 5,
        "squeeze_excite": True, "activation": "ReLU", "stride": 2
    },
    "inverted_residual, v3 h-swish": {
        "in_channels": 80, "out_channels": 112, "squeeze_excite": True, "activation": "h-swish"
    },
    "inverted_residual, v3 plain": {
        "in_channels": 40, "out_channels": 80, "activation": "h-swish", "stride": 2
    },
}  # fmt: skip


@pytest.mark.parametrize("case", THEIRS)
def test_the_same_as_torchvision_with_its_weights(case):
    theirs, name = shaken(THEIRS[case]()), case.split(",")[0]
    ours = build(name, **OURS.get(case, {})).double().eval()
    offered, taken = theirs.state_dict(), ours.state_dict()
    assert [tuple(t.shape) for t in offered.values()] == [tuple(t.shape) for t in taken.values()]
    ours.load_state_dict(dict(zip(taken, offered.values(), strict=True)))
    # How much a norm adds to the variance is no weight, and v3's paper does not say it.
    for mine, other in zip(_norms(ours), _norms(theirs), strict=True):
        assert mine.eps == other.eps or "v3" in case
        mine.eps = other.eps
    x = image(2, *BLOCKS[name].input_shape(9, **OURS.get(case, {}))[1:])
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)


def _norms(module):
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d | nn.LayerNorm)]


def test_torchvisions_names_of_resnet_and_resnext_weights_are_ours():
    for name, theirs in (("bottleneck", "resnet50"), ("resnext", "resnext50_32x4d")):
        with torch.device("meta"):
            net = getattr(resnet, theirs)()
            asked = {"stride": 2, "width": 128 if name == "bottleneck" else 256, "out_channels": 512}
            assert list(build(name, **asked).state_dict()) == list(net.layer2[0].state_dict())


# -- what each block is -----------------------------------------------------------------------------------------------


@QUICK
@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from((1, 2)), st.booleans()
)
def test_the_three_forms_of_resnext_are_one_function(paths, narrow, c_in, c_out, stride, norm):
    asked = {
        "cardinality": paths,
        "width": paths * narrow,
        "in_channels": c_in,
        "out_channels": c_out,
        "stride": stride,
        "norm": norm,
    }
    grouped = shaken(build("resnext", **asked))
    x = image(2, c_in, 6, 5)
    for form in FORMS:
        other = build("resnext", form=form, **asked).double().eval()
        share_weights(grouped, other)
        assert weights(other) == weights(grouped)
        with torch.no_grad():
            torch.testing.assert_close(other(x), grouped(x), rtol=1e-10, atol=1e-10)


def test_the_forms_of_resnext_have_the_same_price():
    counts = {form: on_paper("resnext", form=form)[1] for form in FORMS}
    assert {(c.parameters, c.macs) for c in counts.values()} == {(71_168, 70_144 * 56**2)}


def test_without_1x1_inception_pays_for_every_channel():
    _, naive, forms = on_paper("inception", reduce=False)
    _, reduced, _ = on_paper("inception")
    assert naive.output_shape[1] == 64 + 128 + 32 + 192
    assert naive.macs == forms["macs"] == 784 * 192 * (64 + 9 * 128 + 25 * 32)
    assert naive.macs > 2 * reduced.macs


def test_a_dense_block_keeps_what_came_in():
    block, x = shaken(build("dense", in_channels=5, growth_rate=3, layers=4)), image(1, 5, 6, 6)
    with torch.no_grad():
        out = block(x)
    assert out.shape == (1, 5 + 4 * 3, 6, 6)
    assert torch.equal(out[:, :5], x)


@pytest.mark.parametrize("name", ["basic", "bottleneck", "preactivation", "resnext", "inverted_residual", "convnext"])
def test_what_came_in_is_added(name):
    block = shaken(build(name))
    # A branch whose last layer is zero adds nothing.
    last = [m for m in block.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.BatchNorm2d)][-1]
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
    if isinstance(last, nn.BatchNorm2d):
        nn.init.zeros_(last.running_mean)
    x = image(*BLOCKS[name].input_shape(4)).abs()
    with torch.no_grad():
        torch.testing.assert_close(block(x), x)


def test_pre_activation_leaves_the_shortcut_alone():
    after, before, narrow = build("basic"), build("preactivation"), build("preactivation", form="bottleneck")
    for block, survives in ((after, False), (before, True), (narrow, True)):
        for m in block.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.zeros_(m.weight)
        x = -image(1, 64, 4, 4).abs().float()
        assert torch.equal(block.eval()(x), x) == survives


def test_a_bypass_is_added():
    asked = {"in_channels": 16, "squeeze": 4, "expand1x1": 8, "expand3x3": 8}
    plain = shaken(build("fire", **asked))
    simple = build("fire", bypass="simple", **asked).double().eval()
    simple.load_state_dict(plain.state_dict())
    x = image(1, 16, 5, 5)
    with torch.no_grad():
        torch.testing.assert_close(simple(x), plain(x) + x)
        whole = shaken(build("fire", bypass="complex", **asked))
        inner = build("fire", **asked).double().eval()
        inner.load_state_dict({k: v for k, v in whole.state_dict().items() if not k.startswith("downsample")})
        torch.testing.assert_close(whole(x), inner(x) + whole.downsample(x))


def test_squeeze_excite_scales_each_channel_by_one_number():
    block, x = shaken(build("squeeze_excite", channels=8, reduction=4)), image(1, 8, 4, 4)
    with torch.no_grad():
        scale = block(x) / x
    torch.testing.assert_close(scale, scale[:, :, :1, :1].expand_as(scale))
    assert ((scale > 0) & (scale < 1)).all()


def test_addition_keeps_the_channels_and_concatenation_costs_the_next_layer():
    found = {join: on_paper("join", join=join)[1] for join in ("add", "concatenate")}
    assert found["add"].parameters == 2 * 9 * 64**2
    assert found["concatenate"].parameters == 3 * 9 * 64**2
    assert on_paper("unet", join="add")[1].parameters < on_paper("unet")[1].parameters


@pytest.mark.parametrize(("channels", "out"), [(64, 64), (3, 5)])
def test_a_sum_sends_the_same_gradient_to_both_images_and_concatenation_to_each_its_own(channels, out):
    found = join_both(channels, out)
    add, concat = found["add"], found["concatenate"]
    assert (add.channels, concat.channels) == (channels, 2 * channels)
    assert (add.parameters, concat.parameters) == (9 * channels * out, 18 * channels * out)
    assert concat.macs == 2 * add.macs == 56 * 56 * concat.parameters
    assert add.difference == 0
    assert add.alike == pytest.approx(1)
    assert concat.difference > 0.1
    assert abs(concat.alike) < 0.5
    # The kernels for image 1 are the same in both.
    np.testing.assert_allclose(add.gradients[0], concat.gradients[0])


def test_concatenation_with_equal_weights_for_both_images_is_addition():
    found = join_both(6, 4, tied=True)
    np.testing.assert_allclose(found["concatenate"].output, found["add"].output)
    assert found["concatenate"].difference == pytest.approx(0, abs=1e-12)


def test_a_token_is_a_dense_layer_on_its_patch():
    block = shaken(build("patch_embedding", image_size=12, patch_size=4, embed_dim=5))
    x = image(1, 3, 12, 12)
    patches = nn.functional.unfold(x, 4, stride=4).transpose(1, 2)
    with torch.no_grad():
        torch.testing.assert_close(
            block(x), nn.functional.linear(patches, block.proj.weight.flatten(1), block.proj.bias)
        )
    assert build("patch_embedding").eval()(torch.zeros(1, 3, 224, 224)).shape == (1, 196, 768)


# -- every entry ------------------------------------------------------------------------------------------------------


def _values(setting):
    if isinstance(setting.default, bool):
        return st.booleans()
    if setting.choices:
        return st.sampled_from(setting.choices)
    if isinstance(setting.default, float):
        return st.sampled_from(setting.steps) | st.floats(0.25, 1.5)
    return st.integers(int(setting.least), min(int(setting.most), 40))


@pytest.mark.parametrize("name", BLOCKS)
@QUICK
@given(data=st.data())
def test_formula_is_measurement_at_random_settings(name, data):
    block = BLOCKS[name]
    asked = {s.name: data.draw(_values(s), s.name) for s in block.settings}
    if name == "mobilenet_v1":
        # 13 blocks: their widths need no further draws
        asked = {"alpha": asked["alpha"], "rho": asked["rho"]}
    elif "cardinality" in asked:
        asked["width"] *= asked["cardinality"]
    elif "reduction" in asked:
        asked["channels"] *= asked["reduction"]
    elif "patch_size" in asked:
        asked["patch_size"] = min(asked["patch_size"], 32)
        asked["image_size"] = asked["patch_size"] * data.draw(st.integers(1, 5))
    try:
        found = block.settle(**asked)
    except ValueError:
        assume(False)
    side = None if name == "mobilenet_v1" else block.sides(found)[data.draw(st.integers(0, 11), "side")]
    with torch.device("meta"):
        module = build(name, **asked)
    measured = measure(module, block.input_shape(side, **asked))
    forms = block.formulas(side, **asked)
    for form in forms.values():
        for shown in (form.filled, form.text):
            if "…" not in shown and r"\dots" not in shown:
                assert worth(shown.rpartition(" = ")[0]) == form.value
    assert forms["parameters"].value == measured.parameters
    assert forms["macs"].value == measured.macs
    assert forms["weights"].value == weights(module)
    assert not measured.uncounted


@pytest.mark.parametrize("name", BLOCKS)
def test_every_entry_is_complete(name):
    block = BLOCKS[name]
    module = build(name)
    graph = fx.symbolic_trace(module.eval())
    side = None if name == "patch_embedding" else 32
    x = torch.randn(block.input_shape(side))
    with torch.no_grad():
        torch.testing.assert_close(graph(x), module(x))
    assert receptive_field(module, tuple(x.shape)).size
    assert block.title
    assert block.teaches.endswith(".")
    assert block.paper.url.startswith(("https://arxiv.org/abs/", "https://doi.org/"))
    assert len({s.name for s in block.settings}) == len(block.settings)
    for setting in block.settings:
        assert setting.read(setting.default) == setting.default
        assert all(setting.read(step) == step for step in setting.steps)
        assert setting.help.endswith(".")
        assert setting.label
    for formula in block.formulas().values():
        assert formula.source == block.paper.source
        assert f"{formula.value:,}".replace(",", "\u202f") in formula.text
        assert formula.symbols.count("{") == formula.symbols.count("}")
        assert formula.filled.count("{") == formula.filled.count("}")


def test_a_formula_reads_as_the_paper_has_it():
    line = lambda name, form, **asked: BLOCKS[name].formulas(**asked)[form].text  # noqa: E731
    assert line("bottleneck", "weights") == "256·64 + 64·64·3² + 64·256 = 69\u202f632"
    assert line("resnext", "weights") == "256·128 + 128·128/32·3² + 128·256 = 70\u202f144"
    assert line("mobilenet_v1_block", "macs") == "3²·32·112² + 32·64·112² = 29\u202f302\u202f784"
    assert "89·16·16·(4⁴ − 1)/3" in line("unet", "weights")
    assert BLOCKS["mobilenet_v1_block"].formulas()["macs"].symbols == (
        r"\prod D_K \cdot \alpha M \cdot \prod D_F + \alpha M \cdot \alpha N \cdot \prod D_F"
    )


@pytest.mark.parametrize(
    ("name", "asked", "says"),
    [
        ("botleneck", {}, "there is no block called 'botleneck': use basic, bottleneck"),
        ("bottleneck", {"widht": 3}, "has no such setting: it takes in_channels, width"),
        ("bottleneck", {"width": 0}, "0 does not fit: use a whole number from 1 to 1024"),
        ("bottleneck", {"width": 2.5}, "use a whole number"),
        ("bottleneck", {"width": True}, "use a whole number"),
        ("bottleneck", {"width": "64"}, "use a whole number"),
        ("bottleneck", {"stride": 3}, "use 1 or 2"),
        ("bottleneck", {"stride": 1.0}, "use 1 or 2"),
        ("bottleneck", {"norm": 1}, "use one of them"),
        ("mobilenet_v1", {"alpha": float("nan")}, "use a number from 0.1 to 2"),
        ("resnext", {"width": 100}, "does not divide into 32 equal paths: use a cardinality of 25, or a width of 128"),
        ("resnext", {"form": "d"}, "use grouped, concatenated or paths"),
        ("fire", {"squeeze": 128}, "use at most 127"),
        ("fire", {"bypass": "simple"}, "use complex"),
        ("squeeze_excite", {"channels": 40}, "use a reduction of 10"),
        ("patch_embedding", {"image_size": 225}, "225 pixels do not divide into patches of 16: use 224"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(name, asked, says):
    with pytest.raises(ValueError, match=r"\.$") as refused:
        build(name, **asked)
    assert says in str(refused.value)


def test_an_image_that_does_not_fit_is_told():
    with pytest.raises(ValueError, match="100 pixels do not fit these settings: use a multiple of 16, such as 96"):
        BLOCKS["unet"].input_shape(100)
    with pytest.raises(ValueError, match="570 pixels do not fit these settings: use 572, or another in steps of 16"):
        BLOCKS["unet"].input_shape(570, padding="valid")
