"""What is wrong with a network is said with its numbers, and each repair that is offered makes it run."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.advice import Advice, Repair, advise
from models.graph import read_graph
from models.measure import measure
from models.parse import ParseError, give_others, parse_network
from models.parse.code import layer_code
from models.parse.faults import refused_settings
from models.receptive_field import receptive_field


def asked(text: str, shape: tuple[int, ...]) -> tuple[Advice, ...]:
    return advise(parse_network(text, device="meta"), shape)


def broken(text: str, shape: tuple[int, ...]) -> Advice:
    (found,) = asked(text, shape)
    assert not found.silent
    return found


def first(advice: Advice) -> Repair:
    assert all(not repair.then for repair in advice.repairs)
    return advice.repairs[0]


def codes(advice: Advice) -> list[str]:
    return [code for repair in advice.repairs for code in repair.code.values()]


def really(text: str, repair: Repair, *, train: bool = False) -> torch.Tensor:
    """The answer of the network with the repair in it, built anew from the repair's own code, with real numbers."""
    network = parse_network(text).train(train)
    for path, code in repair.code.items():
        code = code.replace('float("-inf")', "-1e12")
        new = parse_network(f"[{code}]").train(train)
        network.set_submodule(path, new)
    with torch.no_grad():
        return network(torch.rand(repair.shape))


# A broken layer, its input, and layers that would do in its place: they are offered, nothing else is changed.
CURES = [
    ("nn.Linear(400, 10)", (1, 64, 5, 5), "nn.Flatten(), nn.Linear(1600, 10)"),
    ("nn.Linear(1600, 10)", (1, 64, 5, 5), "nn.Flatten(), nn.Linear(1600, 10)"),
    ("nn.Linear(400, 10)", (1, 1600), "nn.Linear(1600, 10)"),
    ("nn.Conv2d(8, 4, 3)", (1, 3, 8, 8), "nn.Conv2d(3, 4, 3)"),
    ("nn.Conv2d(8, 4, 3, groups=4)", (1, 3, 8, 8), "nn.Conv2d(3, 4, 3, groups=1)"),
    ("nn.Conv2d(8, 4, 3)", (1, 288), "nn.Unflatten(1, (8, 6, 6)), nn.Conv2d(8, 4, 3)"),
    ("nn.Conv2d(3, 4, 3)", (1, 3, 8, 8, 8), "nn.Conv3d(3, 4, 3)"),
    ("nn.Conv2d(3, 4, 3)", (1, 3, 8), "nn.Conv1d(3, 4, 3)"),
    ("nn.Conv2d(3, 4, 7)", (1, 3, 4, 4), "nn.Conv2d(3, 4, 7, padding=2)"),
    ("nn.Conv2d(3, 4, 7)", (1, 3, 4, 4), "nn.Conv2d(3, 4, kernel_size=4)"),
    ("nn.Conv2d(3, 4, 3, dilation=9, padding=1)", (1, 3, 8, 8), "nn.Conv2d(3, 4, 3, dilation=9, padding=6)"),
    (
        "nn.Conv2d(3, 4, 3, dilation=9, padding=1)",
        (1, 3, 8, 8),
        "nn.Conv2d(3, 4, kernel_size=2, dilation=9, padding=1)",
    ),
    ("nn.Conv2d(3, 4, (3, 9))", (1, 3, 8, 5), "nn.Conv2d(3, 4, (3, 9), padding=2)"),
    (
        "nn.Conv2d(3, 4, 9, padding=4, padding_mode='reflect')",
        (1, 3, 4, 9),
        "nn.Conv2d(3, 4, 9, padding=3, padding_mode='reflect')",
    ),
    (
        "nn.Conv2d(3, 4, 9, padding=4, padding_mode='reflect')",
        (1, 3, 4, 9),
        "nn.Conv2d(3, 4, 9, padding=4, padding_mode='replicate')",
    ),
    ("nn.ConvTranspose2d(8, 4, 3)", (1, 3, 8, 8), "nn.ConvTranspose2d(3, 4, 3)"),
    ("nn.ConvTranspose2d(3, 4, 3, output_padding=1)", (1, 3, 8, 8), "nn.ConvTranspose2d(3, 4, 3, output_padding=0)"),
    ("nn.ConvTranspose2d(3, 4, 3, padding=2)", (1, 3, 1, 1), "nn.ConvTranspose2d(3, 4, 3, padding=1)"),
    ("nn.MaxPool2d(5)", (1, 3, 4, 4), "nn.MaxPool2d(kernel_size=4)"),
    ("nn.AvgPool2d(9, padding=1)", (1, 3, 4, 4), "nn.AvgPool2d(kernel_size=4, padding=0)"),
    ("nn.MaxPool2d(2, padding=2)", (1, 3, 4, 4), "nn.MaxPool2d(2, padding=1)"),
    ("nn.MaxPool2d(2)", (1, 3, 8, 8, 8), "nn.MaxPool3d(2)"),
    ("nn.AdaptiveAvgPool2d(2)", (1, 3, 8, 8, 8), "nn.AdaptiveAvgPool3d(2)"),
    ("nn.LPPool2d(2, 5)", (1, 3, 4, 4), "nn.LPPool2d(2, kernel_size=4)"),
    ("nn.BatchNorm2d(8)", (1, 3, 4, 4), "nn.BatchNorm2d(3)"),
    ("nn.BatchNorm1d(3)", (1, 3, 4, 4), "nn.BatchNorm2d(3)"),
    ("nn.InstanceNorm2d(8, affine=True)", (1, 3, 4, 4), "nn.InstanceNorm2d(3, affine=True)"),
    ("nn.GroupNorm(4, 8)", (1, 6, 4, 4), "nn.GroupNorm(num_groups=2, num_channels=6)"),
    ("nn.LayerNorm(8)", (1, 3, 4, 4), "nn.LayerNorm(normalized_shape=(4,))"),
    ("nn.RMSNorm((3, 8, 8))", (1, 3, 4, 4), "nn.RMSNorm(normalized_shape=(3, 4, 4))"),
    ("nn.PReLU(8)", (1, 3, 4, 4), "nn.PReLU(num_parameters=3)"),
    ("nn.PixelUnshuffle(4)", (1, 3, 6, 6), "nn.PixelUnshuffle(downscale_factor=2)"),
    ("nn.ChannelShuffle(4)", (1, 6, 4, 4), "nn.ChannelShuffle(groups=2)"),
    ("nn.ReflectionPad2d(4)", (1, 3, 4, 9), "nn.ReflectionPad2d(padding=3)"),
    ("nn.CircularPad2d(5)", (1, 3, 4, 9), "nn.CircularPad2d(padding=4)"),
    ("nn.Upsample()", (1, 3, 4, 4), "nn.Upsample(scale_factor=2)"),
    ("nn.Upsample(scale_factor=2, mode='bilinear')", (1, 3, 4), "nn.Upsample(scale_factor=2, mode='linear')"),
    ("nn.Softmax(dim=4)", (1, 3, 4, 4), "nn.Softmax(dim=1)"),
    ("nn.GLU(dim=7)", (1, 4, 4, 4), "nn.GLU(dim=1)"),
]


@pytest.mark.parametrize(("text", "shape", "cure"), CURES)
def test_what_would_do_is_offered_and_does(text, shape, cure):
    advice = broken(text, shape)
    assert "×".join(map(str, shape)) in advice.why
    assert "PyTorch refuses" not in advice.why
    wanted = ", ".join(map(layer_code, parse_network(cure, device="meta")))
    assert wanted in codes(advice)
    for repair in advice.repairs:
        assert tuple(really(text, repair).shape) == repair.gives
        # The words name each setting that is new.
        for setting in set(re.findall(r"\w+=[\w.']+", " ".join(repair.code.values()))):
            known = setting.split("=")[0] in text or setting in [*re.findall(r"\w+=[\w.']+", layer_text(text))]
            assert known or setting in repair.words


def layer_text(text: str) -> str:
    """The layers as they are written back, with the names of their settings."""
    return " ".join(map(layer_code, parse_network(text, device="meta")))


@pytest.mark.parametrize(
    ("text", "shape", "words"),
    [
        ("nn.Conv2d(3, 10, 1)\nnn.PixelShuffle(3)", (1, 3, 4, 4), "set out_channels=9 in layer 0 (Conv2d)"),
        ("nn.PixelShuffle(3)", (1, 10, 4, 4), "give an input of 9 channels: 9×4×4"),
        ("nn.Linear(4, 10)\nnn.Unflatten(1, (4, 4))", (1, 4), "set out_features=16 in layer 0 (Linear)"),
        ("nn.Conv1d(2, 5, 1)\nnn.GLU(1)", (1, 2, 3), "set out_channels=4 in layer 0 (Conv1d)"),
        ("nn.ZeroPad2d(-3)", (1, 3, 4, 4), "set padding=-1"),
        ("nn.Flatten(3, 2)", (1, 3, 4, 4), "use nn.Flatten()"),
        ("nn.Flatten()\nnn.Conv2d(3, 4, 3)", (1, 3, 8, 8), "drop layer 0 (Flatten): maps must arrive here"),
        ("nn.Flatten()\nnn.PixelShuffle(2)", (1, 4, 8, 8), "drop layer 0 (Flatten): maps must arrive here"),
        (
            "nn.Conv2d(3, 8, 3)\nnn.BatchNorm2d(8)\nnn.Conv2d(16, 8, 3)",
            (1, 3, 8, 8),
            "set out_channels=16 in layer 0 (Conv2d), and layer 1 (BatchNorm2d) follows",
        ),
        ("nn.Conv2d(3, 4, 3)", (1, 1, 28, 28), "repeat the one channel: give 3×28×28, with x.expand(-1, 3, -1, -1)"),
        ("nn.Conv2d(3, 4, 3)", (1, 4, 28, 28), "drop the fourth channel, transparency: give 3×28×28, with x[:, :3]"),
        ("nn.Conv2d(3, 4, 3)", (1, 1, 3, 9, 9), "the batch axis stands there twice: leave the first 1 out, 3×9×9"),
        ("nn.Conv2d(3, 4, 3)", (1, 28, 28), "give channels × height × width, such as 3×28×28"),
        ("nn.Conv3d(1, 4, 3)", (1, 28), "give channels × depth × height × width, such as 1×28×28×28"),
        ("nn.BatchNorm1d(3, track_running_stats=False)", (1, 3), "set track_running_stats=True"),
        ("nn.Linear(40, 5)", (1, 40, 81), "the axes are swapped: give features last, 81×40 instead of 40×81"),
    ],
)  # fmt: skip
def test_other_repairs(text, shape, words):
    found = [repair for repair in broken(text, shape).repairs if repair.words.startswith(words)]
    assert len(found) == 1
    assert tuple(really(text, found[0]).shape) == found[0].gives


def test_a_layer_without_a_rule_says_what_pytorch_says():
    assert "PyTorch refuses" in broken("nn.Fold((4, 5), 3)", (1, 3, 4)).why


@pytest.mark.parametrize(("channels", "said"), [(1, "is 1 channel,"), (2, "is 2 channels,")])
def test_channels_are_counted_in_english(channels, said):
    assert said in broken("nn.Conv2d(3, 8, 3)", (1, channels, 8, 8)).why


# --- kinds of faults that people have asked about ------------------------------------------------------------------


def test_swapped_axes():
    one, two, *_ = broken("nn.Conv1d(40, 64, 3)", (1, 81, 40)).repairs
    assert one.words.startswith("the axes are swapped: give channels first, 40×81 instead of 81×40")
    assert one.shape == (1, 40, 81)
    assert two.words == "set in_channels=81"
    picture = first(broken("nn.Conv2d(3, 8, 3)", (1, 224, 224, 3)))
    assert (picture.shape, "x.permute(0, 3, 1, 2)" in picture.words) == ((1, 3, 224, 224), True)


def test_a_batch_that_arrived_as_channels():
    one, two = broken("nn.Conv2d(1, 16, (2, 3))", (1, 1000, 2, 128)).repairs
    assert one.words == "the batch arrived as channels: 1000 examples of 1×2×128 each, with x.unsqueeze(1)"
    assert one.shape == (1, 1, 2, 128)
    assert two.words == "set in_channels=1000"


VGG = (
    "widths = [(3, 64, 2), (64, 128, 2), (128, 256, 4), (256, 512, 4)]\n"
    "net = nn.Sequential("
    + ", ".join(
        f"nn.Conv2d({a if not i else b}, {b}, 3, padding=1), nn.ReLU()" + (", nn.MaxPool2d(2)" if i == n - 1 else "")
        for a, b, n in ((3, 64, 2), (64, 128, 2), (128, 256, 4), (256, 512, 4))
        for i in range(n)
    )
    + ", nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Linear(4096, 1000))"
)


def test_a_halving_that_is_missing():
    """VGG-19 without its last block."""
    one, adaptive, smaller, wide = broken(VGG, (1, 3, 224, 224)).repairs
    assert "one halving is missing: 25 088 = 512·7·7, but 100 352 = 512·14·14 arrive" in one.words.replace(
        "\u202f", " "
    )
    assert "nn.MaxPool2d(2) before layer 28 (Flatten)" in one.words
    assert one.gives == (1, 1000)
    assert adaptive.code == {"28": "nn.AdaptiveAvgPool2d(7), nn.Flatten()"}
    assert smaller.shape == (1, 3, 112, 112)
    assert wide.words == "set in_features=100352"
    assert wide.weights == 100_352 * 4096 + 4096 == 411_045_888
    assert wide.parameters - one.parameters == (100_352 - 25_088) * 4096


def test_maps_that_are_not_pooled_to_one_place():
    text = "[nn.Conv2d(3, 512, 3, stride=74), nn.AvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]"
    advice = broken(text, (1, 3, 224, 224))
    assert "1×4608" in advice.why
    assert first(advice).code == {"2": "nn.AdaptiveAvgPool2d(1), nn.Flatten()"}
    assert "keeps the layer" in first(advice).words
    assert "set in_features=4608" in [repair.words for repair in advice.repairs]


@pytest.mark.parametrize("flat", ["nn.Flatten()", "functional"])
def test_maps_that_no_halving_leads_to_get_a_layer_for_them_first(flat):
    """400 = 16·5·5 where 16·13·13 arrive: another input, not a pooling that was forgotten."""
    if flat == "functional":
        text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 4)
        self.fc = nn.Linear(400, 10)
    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x), 1))
"""
    else:
        text = f"[nn.Conv2d(3, 16, 4), {flat}, nn.Linear(400, 10)]"
    words = [repair.words for repair in broken(text, (1, 3, 16, 16)).repairs]
    assert words[0] == "set in_features=2704"
    assert "pool2d" in words[1].lower()
    # With one halving it is the pooling that was forgotten.
    words = [repair.words for repair in broken(text, (1, 3, 13, 13)).repairs]
    assert "pool2d" in words[0].lower()


def test_a_batch_that_is_swallowed():
    (advice,) = asked("[nn.Conv2d(3, 8, 3), nn.Flatten(start_dim=0), nn.Linear(7200, 10)]", (1, 3, 32, 32))
    assert advice.silent
    assert advice.why == (
        "layer 1 (Flatten) swallows the batch axis: 2 examples, 2×8×30×30, become 14400, and layer 2 (Linear) refuses."
    )
    assert first(advice).code == {"1": "nn.Flatten()"}
    assert (first(advice).shape, first(advice).gives) == ((2, 3, 32, 32), (2, 10))


def test_a_batch_norm_that_needs_two_examples():
    text = "[nn.Conv2d(3, 8, 32), nn.BatchNorm2d(8)]"
    (advice,) = asked(text, (1, 3, 32, 32))
    assert advice.silent
    assert "8×1×1: in training it needs two examples or more" in advice.why
    for repair in advice.repairs:
        assert really(text, repair, train=True).shape == repair.gives
    assert asked("[nn.Conv2d(3, 8, 31), nn.BatchNorm2d(8)]", (1, 3, 32, 32)) == ()


def test_an_instance_norm_of_one_number():
    advice = broken("[nn.Conv2d(3, 8, 32), nn.InstanceNorm2d(8)]", (1, 3, 32, 32))
    assert [repair.words for repair in advice.repairs] == ["leave it out", "use nn.GroupNorm(1, 8) over all channels"]
    # With statistics that it has kept it takes one number, and sees no more than the layer before it.
    kept = "[nn.Conv2d(3, 8, {}), nn.InstanceNorm2d(8, track_running_stats=True)]"
    assert asked(kept.format(32), (1, 3, 32, 32)) == ()
    field = receptive_field(parse_network(kept.format(3), device="meta").eval(), (1, 3, 32, 32))
    assert (field.size, field.sees_everything, field.notes) == ((3, 3), False, ())


def test_units_of_many_kinds_are_not_counted():
    network = parse_network("[nn.Conv2d(3, 8, 3), nn.Upsample(scale_factor=0.1234)]", device="meta")
    (note,) = receptive_field(network, (1, 3, 5000, 5000)).notes
    assert "617" not in note
    assert note.startswith("Units have different fields")


def test_padding_that_keeps_a_size_with_a_stride():
    said = refused_settings(
        "Conv2d", {"in_channels": 3, "out_channels": 8, "kernel_size": 7, "stride": 2, "padding": "same"}
    )
    assert "nn.ZeroPad2d((2, 3, 2, 3))" in said
    assert "padding=3" in said
    x = torch.rand(1, 3, 224, 224)
    for layers in ([nn.ZeroPad2d((2, 3, 2, 3)), nn.Conv2d(3, 8, 7, 2)], [nn.Conv2d(3, 8, 7, 2, padding=3)]):
        assert nn.Sequential(*layers)(x).shape == (1, 8, 112, 112)


def test_a_dilated_pool_that_pads_more_than_half_its_kernel():
    one, less = broken("nn.MaxPool2d(3, 1, padding=2, dilation=2)", (1, 4, 16, 16)).repairs
    assert 'nn.ConstantPad2d(2, float("-inf"))' in one.words
    assert one.gives == (1, 4, 16, 16)
    assert (less.words, less.gives) == ("set padding=1", (1, 4, 14, 14))


def test_groups_that_do_not_divide():
    settings = {"in_channels": 69, "out_channels": 69, "kernel_size": 3, "groups": 4}
    assert refused_settings("Conv2d", settings) == (
        "nn.Conv2d has groups=4, which do not divide in_channels=69 and out_channels=69: set groups to 1, 3, 23 or 69"
    )
    assert refused_settings("Conv2d", settings | {"groups": 23}) is None


def test_a_sound_that_is_too_short():
    """The seven layers of wav2vec 2.0."""
    layers = [(1, 10, 5), (8, 3, 2), (8, 3, 2), (8, 3, 2), (8, 3, 2), (8, 2, 2), (8, 2, 2)]
    text = ", ".join(f"nn.Conv1d({i}, 8, {k}, stride={s})" for i, k, s in layers)
    assert first(broken(text, (1, 1, 399))).words == "give an input of at least 1×400"
    assert asked(text, (1, 1, 400)) == ()


def test_an_autoencoder_that_comes_back_smaller():
    down = ", ".join(f"nn.Conv2d({i}, 8, 3, stride=2, padding=1)" for i in (1, 8, 8, 8))
    up = ", ".join(f"nn.ConvTranspose2d(8, {o}, 3, stride=2, padding=1)" for o in (8, 8, 8, 1))
    text = f"[{down}, {up}]"
    (advice,) = asked(text, (1, 1, 25, 25))
    assert advice.silent
    assert "25×25 comes back as 17×17" in advice.why
    assert first(advice).words.startswith("set output_padding to 1, 0, 0, 0 in layers 4, 5, 6 and 7")
    assert really(text, first(advice)).shape == (1, 1, 25, 25)
    # 32 halves without a rest, and each layer undoes another one by output_padding=1.
    assert first(asked(text, (1, 1, 32, 32))[0]).words.startswith("set output_padding to 1 in layers 4, 5, 6 and 7, so")


def test_an_even_kernel_that_shall_keep_the_length():
    text = "nn.ConvTranspose1d(8, 4, 4, padding=1, output_padding=1)"
    odd, cut, plain = broken(text, (1, 8, 20)).repairs
    assert odd.words == "to keep the length, set kernel_size=3, padding=1 and output_padding=0"
    assert "cut one with nn.ZeroPad1d((0, -1))" in cut.words
    assert odd.gives == cut.gives == (1, 4, 20)
    assert (plain.words, plain.gives) == ("set output_padding=0", (1, 4, 21))


# --- classes ---------------------------------------------------------------------------------------------------------


class Views(nn.Module):
    """As PyTorch's tutorial has it, for pictures of 32 pixels."""

    def __init__(self, told: int = 400):
        super().__init__()
        self.told = told
        self.conv1, self.conv2, self.pool = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)
        self.fc = nn.Linear(400, 10)

    def forward(self, x):
        x = self.pool(self.conv2(self.pool(self.conv1(x).relu())).relu())
        return self.fc(x.view(-1, self.told))


def test_a_view_of_another_number():
    flat, sized = advise(Views(), (1, 1, 28, 28))[0].repairs
    assert flat.words == "flatten each example, with x.flatten(1), and set in_features=256 in layer fc (Linear)"
    assert (sized.words, sized.shape) == ("give an input of 1×32×32", (1, 1, 32, 32))
    assert advise(Views(), (1, 1, 32, 32)) == ()


def test_a_view_that_makes_examples():
    (advice,) = advise(Views(), (1, 1, 52, 52))  # 16·10·10 = 4·400
    assert advice.why == "the call view() swallows the batch axis: 2 examples, 2×16×10×10, become 8×400."
    assert "set in_features=1600" in first(advice).words
    assert first(advice).gives == (2, 10)


class Skips(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)])
        self.deep = nn.Conv2d(16, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList([nn.ConvTranspose2d(16, 16, 2, stride=2), nn.ConvTranspose2d(32, 8, 2, stride=2)])
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        kept = []
        for layer in self.down:
            kept.append(layer(x).relu())
            x = self.pool(kept[-1])
        x = self.deep(x)
        for layer in self.up:
            x = torch.cat([layer(x), kept.pop()], 1)
        return self.out(x)


def test_branches_that_do_not_meet():
    (advice,) = advise(Skips(), (1, 3, 50, 50))
    told = "the call torch.cat() does not take 1×16×24×24 and 1×16×25×25: "
    told += "24 and 25 along axis 2 and 24 and 25 along axis 3."
    assert advice.why == told
    # What changes the code takes each size then, and stands before another input.
    undone, padded, cropped, up = advice.repairs
    assert padded.words == "pad the smaller before it, with F.pad(x, (0, 1, 0, 1)), which gives 25×25"
    assert cropped.words.startswith("crop the larger before it, with x[:, :, :-1, :-1], which gives 24×24")
    assert (up.shape, up.gives) == ((1, 3, 52, 52), (1, 1, 52, 52))
    assert up.words.startswith("give an input whose sides 4 divides")
    assert undone.words == "set output_padding to 1 in layer up.0, so that it undoes layer pool_1"
    assert undone.gives == (1, 1, 50, 50)


PASTED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 400)
        return self.fc2(F.relu(self.fc1(x)))
"""
BLOCKS = """
class Block(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(),
            nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout))
        self.down = nn.Identity()

    def forward(self, x):
        out = self.body(x)
        out += self.down(x)
        return F.relu(out)

net = nn.Sequential(Block(3, 3), Block(3, 16, STRIDE), Block(16, 32, STRIDE), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Linear(32, 10))
"""
PROJECTED = (
    "nn.Identity() if cin == cout else nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))"
)
BRANCHES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 16, 1)
        self.b = nn.Conv2d(3, 16, 3)
        self.c = nn.Conv2d(3, 16, 5, padding=2)

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x), self.c(x)], 1)
"""
RESIDUAL = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.conv = nn.Conv2d(8, 8, 3, dilation=2)

    def forward(self, x):
        x = self.stem(x)
        return x + self.conv(x)
"""
EXCITED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8, 8)

    def forward(self, x):
        x = self.conv(x)
        w = torch.sigmoid(self.fc(x.mean((2, 3))))
        return x * w
"""
PYRAMID = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)
        self.l1, self.l2 = nn.Conv2d(8, 4, 1), nn.Conv2d(16, 4, 1)

    def forward(self, x):
        a = self.c1(x)
        return self.l1(a) + self.l2(self.c2(a))
"""


CHAIN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.MaxPool2d(2))
        self.b = nn.Sequential(nn.Conv2d(32, 16, 3, padding=1), nn.MaxPool2d(2))
        self.fc = nn.Linear(800, 10)

    def forward(self, x):
        return self.fc(self.b(self.a(x)).flatten(1))
"""
ASPP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 4, 3, dilation=r) for r in (18, 12, 6)])

    def forward(self, x):
        return torch.cat([conv(x) for conv in self.convs], 1)
"""
HEARD = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.gru = nn.GRU(4 * 4, 8, batch_first=True)

    def forward(self, x):
        return self.gru(self.conv(x).permute(0, 3, 1, 2).flatten(2))[0]
"""


@pytest.mark.parametrize(
    ("text", "shape", "words", "edits"),
    [
        (
            BLOCKS.replace("STRIDE", "2"),
            (2, 3, 32, 32),
            "put nn.Conv2d(3, 16, kernel_size=1, stride=2, bias=False) and nn.BatchNorm2d(16) on the shortcut",
            {"nn.Identity()": PROJECTED},
        ),
        (
            BLOCKS.replace("STRIDE", "1"),
            (2, 3, 32, 32),
            "put nn.Conv2d(3, 16, kernel_size=1, bias=False) and nn.BatchNorm2d(16) on the shortcut",
            {"nn.Identity()": PROJECTED},
        ),
        (
            BLOCKS.replace("STRIDE", "2").replace("nn.Identity()", PROJECTED.replace("1, stride", "1")),
            (2, 3, 32, 32),
            "set stride=2 in layer 1.down.0 (Conv2d), and the like in 2.down.0",
            {"nn.Conv2d(cin, cout, 1, bias": "nn.Conv2d(cin, cout, 1, stride, bias"},
        ),
        (BRANCHES, (1, 3, 32, 32), "set padding=1 in layer b (Conv2d)", {"16, 3)": "16, 3, padding=1)"}),
        (BRANCHES, (1, 3, 32, 32), "crop the larger before it, with x[:, :, 1:-1, 1:-1], which gives 30×30",
         {"self.a(x)": "self.a(x)[:, :, 1:-1, 1:-1]", "self.c(x)": "self.c(x)[:, :, 1:-1, 1:-1]"}),
        (BRANCHES, (1, 3, 32, 32), "pad the smaller before it, with F.pad(x, (1, 1, 1, 1)), which gives 32×32",
         {"self.b(x)": "F.pad(self.b(x), (1, 1, 1, 1))"}),
        (BRANCHES.replace("], 1)", "])").replace("16, 3)", "8, 3, padding=1)"), (1, 3, 32, 32),
         "join along axis 1, with torch.cat(..., dim=1)", {"self.c(x)])": "self.c(x)], 1)"}),
        (RESIDUAL, (1, 3, 20, 20), "set padding=2 in layer conv (Conv2d)", {"dilation": "padding=2, dilation"}),
        (RESIDUAL, (1, 3, 20, 20), "crop the larger before it, with x[:, :, 2:-2, 2:-2]",
         {"x + ": "x[:, :, 2:-2, 2:-2] + "}),
        (RESIDUAL.replace("8, 8, 3, dil", "8, 16, 3, padding=2, dil"), (1, 3, 20, 20),
         "put nn.Conv2d(8, 16, kernel_size=1) on the shortcut",
         {"8, 8, 3": "8, 16, 3", "x + self": "self.skip(x) + self",
          "        self.stem": "        self.skip = nn.Conv2d(8, 16, 1)\n        self.stem"}),
        (RESIDUAL.replace("8, 8, 3, dil", "8, 16, 3, padding=2, dil"), (1, 3, 20, 20),
         "set out_channels=8 in layer conv (Conv2d)", {"8, 16, 3": "8, 8, 3"}),
        (EXCITED, (1, 3, 20, 20), "give 1×8 its axes back, with w[:, :, None, None]",
         {"x * w": "x * w[:, :, None, None]"}),
        (PASTED, (1, 3, 28, 28),
         "set in_channels=3; then flatten each example, with x.flatten(1), and set in_features=256 in layer fc1",
         {"Conv2d(1, 6": "Conv2d(3, 6", "view(-1, 400)": "flatten(1)", "Linear(400": "Linear(256"}),
        (PASTED, (1, 1, 36, 36), "400 = 16·5·5, but 16·6·6 arrive; put F.adaptive_avg_pool2d(x, 5) before view()",
         {"x = x.view": "x = F.adaptive_avg_pool2d(x, 5).view"}),
        (PASTED.replace("view(-1, 400)", "flatten(1)"), (1, 1, 36, 36),
         "400 = 16·5·5, but 576 = 16·6·6 arrive; put F.adaptive_avg_pool2d(x, 5) before flatten()",
         {"x = x.flatten": "x = F.adaptive_avg_pool2d(x, 5).flatten"}),
        (CHAIN, (1, 3, 32, 32), "set in_channels=16; then set in_features=1024 in layer fc (Linear)",
         {"Conv2d(32, ": "Conv2d(16, ", "Linear(800": "Linear(1024"}),
        (ASPP, (1, 3, 33, 33), "set the padding that keeps the size in layers convs.0, convs.1 and convs.2 (Conv2d)",
         {"dilation=r": "padding=r, dilation=r"}),
        (HEARD, (1, 1, 8, 20), "set input_size=32", {"4 * 4": "4 * 8"}),
        (PYRAMID, (1, 3, 64, 64), "enlarge the smaller first, with F.interpolate(x, size=(32, 32))",
         {"self.l2(self.c2(a))": "F.interpolate(self.l2(self.c2(a)), size=(32, 32))"}),
    ],
)  # fmt: skip
def test_branches_that_do_not_meet_are_mended_as_python_is(text, shape, words, edits):
    """What a repair says is done to the text by hand: shape, parameters and MACs are those that the repair tells."""
    (repair,) = [repair for repair in broken(text, shape).repairs if repair.words.startswith(words)]
    for old, new in edits.items():
        text = text.replace(old, new)
    names: dict = {}
    exec("import torch\nfrom torch import nn\nimport torch.nn.functional as F\n" + text, names)
    own = (names["net"] if "net" in names else names["Net"]()).eval()
    made = measure(own, shape)
    assert (repair.then, repair.gives) == ("", made.output_shape)
    assert (repair.parameters, repair.macs) == (made.parameters, made.macs)


def test_places_that_are_learned_ask_for_their_own_size():
    text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.place = nn.Parameter(torch.zeros(1, 65, 8))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        return x + self.place
"""
    (repair,) = broken(text, (1, 3, 40, 40)).repairs
    assert repair.words == "give an input of 3×32×32, for which the learned numbers were made"
    assert parse_network(text)(torch.rand(repair.shape)).shape == repair.gives == (1, 65, 8)


def test_a_pool_with_its_own_stride_is_told():
    text = BRANCHES.replace("nn.Conv2d(3, 16, 3)", "nn.MaxPool2d(3, padding=1)")
    repair = first(broken(text, (1, 3, 28, 28)))
    assert repair.words == "set stride=1 in layer b (MaxPool2d)"
    assert parse_network(text.replace("(3, padding", "(3, 1, padding"))(torch.rand(1, 3, 28, 28)).shape == repair.gives


def test_a_join_along_the_batch_is_told():
    (advice,) = asked(BRANCHES.replace("], 1)", "])").replace("16, 3)", "16, 3, padding=1)"), (1, 3, 32, 32))
    assert advice.silent
    assert advice.why == "the call torch.cat() swallows the batch axis: 2 examples, 2×16×32×32, become 6×16×32×32."
    assert first(advice).words == "join along axis 1, with torch.cat(..., dim=1)"
    assert first(advice).gives == (2, 48, 32, 32)


def test_no_repair_is_offered_twice():
    text = PASTED.replace("x.view(-1, 400)", "torch.flatten(x)")
    for shape in ((1, 1, 32, 32), (1, 1, 28, 28)):
        for advice in asked(text, shape):
            told = [(one.words, one.gives) for one in advice.repairs]
            does = [(one.shape, one.gives, one.parameters, one.macs) for one in advice.repairs]
            assert (len(set(told)), len(set(does))) == (len(told), len(does))


def test_a_picture_without_its_channel_axis():
    (advice,) = asked("nn.Conv2d(1, 4, 3)", (1, 28, 28))
    assert advice.silent
    assert first(advice).shape == (1, 1, 28, 28)


def test_nothing_is_said_of_networks_that_are_right():
    for network, shape in ((Skips(), (1, 3, 48, 48)), (Views(), (1, 1, 32, 32))):
        before = {name: id(p) for name, p in network.named_parameters()}
        assert advise(network, shape) == ()
        assert {name: id(p) for name, p in network.named_parameters()} == before
        assert network.training


# --- whatever is drawn -----------------------------------------------------------------------------------------------

SMALL = st.integers(1, 5)
LAYER = st.one_of(
    st.builds("nn.Conv2d({}, {}, {}, stride={}, padding={})".format, SMALL, SMALL, SMALL, SMALL, st.integers(0, 2)),
    st.builds("nn.ConvTranspose2d({}, {}, {}, stride={})".format, SMALL, SMALL, SMALL, SMALL),
    st.builds("nn.{}Pool2d({})".format, st.sampled_from(["Max", "Avg"]), SMALL),
    st.builds("nn.{}Norm2d({})".format, st.sampled_from(["Batch", "Instance"]), SMALL),
    st.builds("nn.Linear({}, {})".format, st.integers(1, 60), SMALL),
    st.builds("nn.{}({})".format, st.sampled_from(["PixelShuffle", "PixelUnshuffle", "ReflectionPad2d"]), SMALL),
    st.sampled_from(["nn.Flatten()", "nn.Flatten(0)", "nn.ReLU()", "nn.Identity()"]),
)


@settings(max_examples=150)
@given(st.lists(LAYER, min_size=1, max_size=5), st.tuples(SMALL, st.integers(1, 12), st.integers(1, 12)))
def test_each_repair_that_is_offered_makes_the_network_run(layers, size):
    text, shape = "\n".join(layers), (1, *size)
    try:
        network = parse_network(text, device="meta")
    except ParseError:
        return
    graph = read_graph(network, shape)
    for advice in advise(network, shape, graph):
        assert advice.silent == (graph.broken is None)
        assert advice.why.endswith(".")
        for repair in advice.repairs:
            if repair.then:
                with pytest.raises((RuntimeError, ValueError, AssertionError, IndexError)):
                    really(text, repair)
            else:
                assert tuple(really(text, repair).shape) == repair.gives


@settings(max_examples=60)
@given(SMALL, SMALL, SMALL, st.integers(4, 12))
def test_a_wrong_number_of_channels_always_has_a_repair(got, wanted, kernel, side):
    advice = asked(f"nn.Conv2d({wanted}, 4, {min(kernel, side)})", (1, got, side, side))
    assert bool(advice) == (got != wanted)
    assert all(one.repairs for one in advice)


@pytest.mark.parametrize(("side", "features", "silent"), [(28, 256, False), (44, 1024, False), (52, 1600, True)])
def test_a_pasted_class_is_mended_too(side, features, silent):
    """A forward is followed no farther than the operation that refuses: the repair is tried on one that is not."""
    (advice,) = asked(PASTED, (1, 1, side, side))
    assert advice.silent == silent
    words = f"flatten each example, with x.flatten(1), and set in_features={features} in layer fc1 (Linear)"
    assert first(advice).words == words
    assert first(advice).gives[1:] == (10,)
    mended = PASTED.replace("view(-1, 400)", "flatten(1)").replace("Linear(400", f"Linear({features}")
    assert parse_network(mended)(torch.rand(first(advice).shape)).shape == first(advice).gives


def test_settings_that_torch_refuses_are_told_with_what_would_do():
    for text, said in (
        ("nn.Conv2d(69, 69, 3, groups=4)", "set groups to 1, 3, 23 or 69"),
        ('nn.Conv2d(3, 64, 7, stride=2, padding="same")', "nn.ZeroPad2d((2, 3, 2, 3))"),
    ):
        with pytest.raises(ParseError, match=r"nn\.Conv2d") as refused:
            parse_network(text)
        assert said in refused.value.message


FIXED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 5)
        self.fc = nn.Linear(8 * 28 * 28, 10)

    def forward(self, x):
        return self.fc(self.conv(x).view(4, -1))
"""


def test_a_batch_size_that_a_view_holds_is_kept():
    repairs = broken(FIXED, (1, 3, 32, 32)).repairs
    assert (repairs[0].shape, repairs[0].gives) == ((4, 3, 32, 32), (4, 10))
    assert repairs[0].words == "4 is written into view(4, …) as the batch size: give 4×3×32×32"
    assert [repair.words for repair in repairs[1:]] == ["flatten each example, with x.flatten(1)"]
    (found,) = asked(FIXED, (4, 3, 32, 32))
    assert found.silent
    assert found.why.startswith("4 is written into view(4, …) as the batch size: with another batch size, such as 8, ")


def test_a_generator_is_offered_its_latent_vector():
    repair = first(broken("nn.Sequential(nn.ConvTranspose2d(100, 8, 4), nn.Tanh())", (1, 3, 32, 32)))
    assert repair.words == "give it a latent vector, 100×1×1"
    assert repair.gives == (1, 8, 4, 4)
    rows = broken("nn.Sequential(nn.Linear(100, 64), nn.ReLU())", (1, 3, 32, 32)).repairs
    assert "give each example as a row of 100 numbers" in [one.words for one in rows]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("nn.Sequential(nn.Conv1d(1, 8, 80, 16), nn.MaxPool1d(4), nn.Conv1d(8, 8, 9))", (1, 1, 1024)),
        ("nn.Sequential(nn.Conv1d(6, 16, 5), nn.Flatten(), nn.Linear(16 * 196, 2))", (1, 6, 200)),
    ],
)
def test_a_sequence_is_offered_where_a_picture_came(text, shape):
    repair = next(one for one in broken(text, (1, 1, 32, 32)).repairs if one.shape == shape)
    assert repair.words == f"give channels × length, such as {shape[1]}×{shape[2]}"
    assert not repair.then


@pytest.mark.parametrize(
    ("layer", "taken"),
    [
        ("GRU", "out[:, -1]"),
        ("LSTM", "out[:, -1]"),
        ("GRU", "h[-1]"),
        ("GRU", "h.squeeze(0)"),
        ("RNN", "out.flatten(1)"),
    ],
)
def test_hidden_units_are_not_pooled(layer, taken):
    text = f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.{layer}(16, 128, batch_first=True)
        self.fc = nn.Linear(64, 5)

    def forward(self, x):
        out, h = self.rnn(x)
        return self.fc({taken})
"""
    assert [one.words for one in broken(text, (1, 1, 16)).repairs] == ["set in_features=128"]


def test_a_size_that_is_missing_is_told_first():
    repairs = broken("nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())", (1, 3, 32)).repairs
    assert repairs[0].words == "a size is missing: write channels × height × width, such as 3×32×32"
    assert [repair.shape for repair in repairs].count((1, 3, 32, 32)) == 1


def test_a_layer_that_is_set_in_two_steps_is_named_once():
    text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.e1 = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.e2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.d1 = nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1)
        self.d2 = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1)

    def forward(self, x):
        a = self.e1(x)
        return torch.cat([self.d2(self.d1(self.e2(a)) + a), x], 1)
"""
    found = broken(text, (1, 1, 32, 32))
    assert found.why.startswith("the operator + does not take 1×8×15×15 and 1×8×16×16")
    words = "set output_padding to 1 in layers d1 and d2, so that they undo layers e2 and e1"
    assert found.repairs[0].words == words
    assert found.repairs[0].gives == (1, 5, 32, 32)


def test_what_stands_around_an_addition_on_its_line_is_left_alone():
    text = """
class Block(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride=2, padding=1)
    def forward(self, x):
        return F.relu(self.conv(x) + x)
"""
    module = parse_network(text, device="meta", arguments={"cin": "4", "cout": "8"})
    shape = (1, 4, 8, 8)
    (wrong,) = advise(module, shape, read_graph(module, shape))
    assert wrong.repairs[0].words.startswith("put nn.Conv2d(4, 8, kernel_size=1, stride=2) on the shortcut")
    assert wrong.repairs[0].gives == (1, 8, 4, 4)


@pytest.mark.parametrize(
    ("text", "shape", "wanted"),
    [
        ("nn.Sequential(nn.Conv3d(1, 8, 3), nn.ReLU(), nn.Conv3d(8, 8, 3))", (1, 1, 32, 32), (1, 1, 32, 32, 32)),
        ("nn.Sequential(nn.Conv3d(1, 8, 3), nn.ReLU(), nn.Conv3d(8, 8, 3))", (1, 3, 32, 32), (1, 1, 16, 64, 64)),
        ("nn.Sequential(nn.Conv3d(3, 8, 3), nn.ReLU(), nn.Conv3d(8, 8, 3))", (1, 3, 32, 32), (1, 3, 32, 32, 32)),
        ("nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))", (1, 1, 32), (1, 1, 32, 32)),
    ],
)
def test_where_a_size_is_missing_only_sizes_are_offered_and_the_sentence_says_which(text, shape, wanted):
    (advice,) = advise(parse_network(text, device="meta"), shape)
    assert advice.repairs[0].shape == wanted
    axes = "channels × depth × height × width" if len(wanted) == 5 else "channels × height × width"
    assert axes in advice.repairs[0].words
    assert not any(repair.code for repair in advice.repairs)
    for repair in advice.repairs:
        assert parse_network(text)(torch.rand(repair.shape)).shape == repair.gives


TEXT_CNN = """
class TextCNN(nn.Module):
    def __init__(self, vocab=1000, dim=50, n=100, sizes=(3, 4, 5)):
        super().__init__()
        self.embedding = nn.Embedding(vocab, dim)
        self.convs = nn.ModuleList([nn.Conv2d(1, n, (k, dim)) for k in sizes])
        self.fc = nn.Linear(len(sizes) * n, 2)
    def forward(self, x):
        x = self.embedding(x).unsqueeze(1)
        x = [F.relu(conv(x)).squeeze(3) for conv in self.convs]
        x = [F.max_pool1d(one, one.size(2)).squeeze(2) for one in x]
        return self.fc(torch.cat(x, 1))
"""
TEXT_CNN_1D = TEXT_CNN.replace("Conv2d(1, n, (k, dim))", "Conv1d(dim, n, k)").replace(".squeeze(3)", "")
TEXT_CNN_1D = TEXT_CNN_1D.replace(".unsqueeze(1)", ".transpose(1, 2)")


@pytest.mark.parametrize("text", [TEXT_CNN, TEXT_CNN_1D])
@pytest.mark.parametrize("length", [1, 4])
def test_a_text_shorter_than_the_largest_window_is_told_how_many_tokens_it_needs(text, length):
    (advice,) = advise(parse_network(text, device="meta"), (1, length))
    assert advice.repairs[0].words == "give at least 5 tokens in each example"
    assert (advice.repairs[0].shape, advice.repairs[0].gives) == ((1, 5), (1, 2))
    assert not any("Expected" in repair.then + advice.why for repair in advice.repairs)
    assert parse_network(text)(torch.zeros(1, 5, dtype=torch.long)).shape == (1, 2)


def test_lines_without_a_forward_get_no_repair_which_forward_might_not_need():
    text = "self.conv1 = nn.Conv2d(1, 32, 3)\nself.conv2 = nn.Conv2d(32, 64, 3)\nself.fc1 = nn.Linear(9216, 128)"
    (advice,) = advise(parse_network(text, device="meta"), (1, 1, 28, 28))
    # Its forward pools and flattens: 64·12·12 = 9216, which in_features=36864 would spoil.
    assert "got 1×64×24×24 = 36864 features per example, but in_features=9216" in advice.why
    assert advice.why.endswith("paste forward too.")
    assert advice.repairs == ()
    forward = "def forward(self, x):\n    return self.fc1(F.max_pool2d(self.conv2(self.conv1(x)), 2).flatten(1))"
    assert parse_network(f"{text}\n{forward}")(torch.rand(1, 1, 28, 28)).shape == (1, 128)


def test_a_batch_on_another_axis_is_not_lost():
    text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
        self.rnn = nn.LSTM(8, 4, bidirectional=True)
        self.fc = nn.Linear(8, 5)
    def forward(self, x):
        steps, _ = self.rnn(self.conv(x).squeeze(2).permute(2, 0, 1))
        t, b, h = steps.size()
        return self.fc(steps.view(t * b, h)).view(t, b, -1)
"""
    network = parse_network(text)
    assert network(torch.rand(2, 1, 3, 28)).shape == (26, 2, 5)
    assert advise(network, (1, 1, 3, 28)) == ()


PAIR = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.code = nn.Linear(100, {})
    def forward(self, x, z):
        return self.conv(x) + self.code(z)[:, :, None, None]
"""


def test_where_a_later_input_has_the_wrong_shape_no_layer_is_to_blame():
    network = parse_network(PAIR.format(8), device="meta")
    (advice,) = advise(network, (1, 3, 32, 32))
    assert advice.repairs == ()
    told = "Forward asks for x and z: each is given this input; where theirs differ, write one for each"
    assert advice.why.endswith(f"{told}, as 3x32x32; 100.")
    for z, example in (
        ("nn.Conv2d(1, 8, 3, padding=1)", ", as 3x32x32; 1x32x32."),
        (
            "nn.Sequential(nn.Flatten(), nn.Linear(100, 8), nn.Unflatten(1, (8, 1, 1)))",
            ", with a semicolon between them.",
        ),
    ):
        text = PAIR.replace("nn.Linear(100, {})", z).replace("[:, :, None, None]", "")
        (advice,) = advise(parse_network(text, device="meta"), (1, 3, 32, 32))
        assert advice.why.endswith(told + example)
    give_others(network, [(1, 100)])
    assert advise(network, (1, 3, 32, 32)) == ()
    # No setting of a layer mends batches that differ.
    network = parse_network(PAIR.replace("Linear(100, {})", "Conv2d(1, 8, 1)").replace("[:, :, None, None]", ""))
    give_others(network, [(3, 1, 32, 32)])
    (advice,) = advise(network, (2, 3, 32, 32))
    assert (advice.why.endswith("2 and 3 along axis 0."), advice.repairs) == (True, ())
    # What the first input does not fit is the layer's, whatever the second is.
    (advice,) = advise(parse_network(PAIR.format(8), device="meta"), (1, 4, 32, 32))
    assert "set in_channels=4" in [repair.words.partition(";")[0] for repair in advice.repairs]


MAP_OF_A_VECTOR = """
class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Linear(10, 1024)
        self.c = nn.Conv2d(4, 8, 3)
    def forward(self, img, y):
        b = {}
        m = self.emb(y).reshape({}, 1, 32, 32)
        return self.c(torch.cat([img, m], 1))
"""


@pytest.mark.parametrize("count", ["y.shape[0]", "img.size(0)", "len(y)"])
def test_all_inputs_of_a_network_get_the_second_example(count):
    network = parse_network(MAP_OF_A_VECTOR.format(count, "b"), device="meta")
    give_others(network, [(1, 10)])
    assert advise(network, (1, 3, 32, 32)) == ()
    assert network._others == ((1, 10),)


def test_a_batch_size_that_is_written_down_is_told_where_there_are_two_inputs():
    network = parse_network(MAP_OF_A_VECTOR.format("1", "1"), device="meta")
    give_others(network, [(1, 10)])
    (advice,) = advise(network, (1, 3, 32, 32))
    assert advice.silent
    assert advice.why == (
        "With 2 examples the call reshape() does not take 2×1024: shape '[1, 1, 32, 32]' is invalid for input of size "
        "2048."
    )
    assert advice.repairs == ()


TWO_BRANCHES = """
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.b = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.head = nn.Conv2d(16, 4, 1)
        self.fc = nn.Linear(4 * 8 * 8, 10)
    def forward(self, image, depth):
        x = torch.cat([self.a(image), self.b(depth)], dim=1)
        x = self.head(x)
        return self.fc(torch.flatten(x, 1))
"""


def test_a_repairs_macs_hold_the_branch_of_the_second_input():
    network = parse_network(TWO_BRANCHES, device="meta")
    give_others(network, [(1, 1, 32, 32)])
    (advice,) = advise(network, (1, 3, 32, 32))
    # a, b, head, and the dense layer after a pooling to 8 x 8, or for the 16 x 16 that come.
    before = 3 * 8 * 9 * 32**2 + 8 * 9 * 16**2 + 16 * 4 * 16**2
    assert [one.macs for one in advice.repairs] == [before + 256 * 10, before + 1024 * 10]


FORGETS_AXES = """
class SE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc = nn.Linear(c, c)
    def forward(self, x):
        b, c, _, _ = x.shape
        y = torch.sigmoid(self.fc(x.mean((2, 3))))
        return x * y

nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), SE(64), nn.Conv2d(64, 64, 3, stride=2, padding=1, groups=64),
              nn.Conv2d(64, 128, 1))
"""


def test_an_input_that_fits_by_accident_is_no_repair():
    advice = broken(FORGETS_AXES, (1, 3, 32, 32))
    assert [(r.words, r.shape, r.gives) for r in advice.repairs] == [
        ("give 1×64 its axes back, with y[:, :, None, None]", (1, 3, 32, 32), (1, 128, 16, 16))
    ]
    # At 64×64 one example runs, and two do not.
    (silent,) = asked(FORGETS_AXES, (1, 3, 64, 64))
    assert silent.silent
    assert [(r.words, r.gives) for r in silent.repairs] == [
        ("give 2×64 its axes back, with y[:, :, None, None]", (2, 128, 32, 32))
    ]


@pytest.mark.parametrize(("given", "fits"), [((224, 224), (32, 32)), ((64, 64), (32, 32)), ((90, 100), (57, 63))])
def test_an_input_that_is_too_large_gets_the_usual_size_or_the_nearest(given, fits):
    blocks = ", ".join(
        f"nn.Conv2d({a}, {b}, 3, padding=1), nn.MaxPool2d(2)"
        for a, b in ((3, 8), (8, 16), (16, 32), (32, 64), (64, 512))
    )
    advice = broken(f"[{blocks}, nn.Flatten(), nn.Linear(512, 10)]", (1, 3, *given))
    (smaller,) = [repair for repair in advice.repairs if repair.shape != (1, 3, *given)]
    assert (smaller.words, smaller.shape) == (f"give an input of 3×{fits[0]}×{fits[1]}", (1, 3, *fits))
    assert smaller.gives == (1, 10)


ODD = """
class U(nn.Module):
    def __init__(self):
        super().__init__()
        self.d1 = nn.Conv2d(3, 8, 3, padding=1)
        self.d2 = nn.Conv2d(8, 16, 3, padding=1)
        self.d3 = nn.Conv2d(16, 32, 3, padding=1)
        self.p = nn.MaxPool2d(2)
        self.u2 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.c2 = nn.Conv2d(32, 16, 3, padding=1)
        self.u1 = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.c1 = nn.Conv2d(16, 8, 3, padding=1)
    def forward(self, x):
        a = self.d1(x)
        b = self.d2(self.p(a))
        c = self.d3(self.p(b))
        y = self.c2(torch.cat([b, self.u2(c)], 1))
        return self.c1(torch.cat([a, self.u1(y)], 1))
"""


def test_each_place_of_an_odd_size_is_told_with_its_own_change():
    pad, crop, *sizes = broken(ODD, (1, 3, 101, 75)).repairs
    assert pad.words == (
        "pad the smaller before it, with F.pad(x, (0, 1, 0, 0)), which gives 50×37, and before cat_1 "
        "F.pad(x, (0, 1, 0, 1))"
    )
    assert crop.words.endswith("with x[:, :, :, :-1], which gives 50×36, and before cat_1 x[:, :, :-1, 1:-2]")
    assert [repair.shape[2:] for repair in sizes] == [(104, 76), (100, 72)]
    padded = [(f"self.{up}]", f"F.pad(self.{up}, (0, 1, 0, {more}))]") for up, more in (("u2(c)", 0), ("u1(y)", 1))]
    cropped = [("[b,", "[b[:, :, :, :-1],"), ("[a,", "[a[:, :, :-1, 1:-2],")]
    for repair, edits in ((pad, padded), (crop, cropped)):
        text = ODD
        for old, new in edits:
            text = text.replace(old, new)
        assert tuple(parse_network(text)(torch.rand(1, 3, 101, 75)).shape) == repair.gives


SEVERAL = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.code = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1))
        self.back = nn.Sequential(nn.ConvTranspose2d(16, 8, 3, 2, 1), nn.ConvTranspose2d(8, 1, 3, 2, 1))

    def forward(self, x):
        z = self.code(x)
        return {}
"""


def test_of_several_outputs_that_which_comes_back_is_looked_at():
    for returned, gives in (("z, self.back(z)", 1), ("self.back(z), z", 0)):
        (advice,) = asked(SEVERAL.format(returned), (1, 1, 28, 28))
        assert advice.why.startswith("What comes in as 28×28 comes back as 25×25")
        (repair, *_) = advice.repairs
        shapes = (repair.gives, *repair.more)
        assert (shapes[gives], shapes[1 - gives]) == ((1, 1, 28, 28), (1, 16, 7, 7))


def test_the_batch_is_lost_in_any_output_but_not_by_a_number_that_no_example_changes():
    (advice,) = asked(SEVERAL.format("z, x.view(-1, 28)"), (1, 1, 28, 28))
    assert advice.why.startswith("the call view() swallows the batch axis: 2 examples, 2×1×28×28, become 56×28")
    (repair, *_) = advice.repairs
    assert (repair.words, repair.gives, repair.more) == (
        "flatten each example, with x.flatten(1)", (2, 16, 7, 7), ((2, 784),)
    )  # fmt: skip
    assert asked(SEVERAL.format("z, z.pow(2).mean()"), (1, 1, 28, 28)) == ()
