"""The network that the parts on networks look into: which one, with which weights, at which size; and its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from math import prod
from typing import TypeVar

import numpy as np
import streamlit as st
from torch import Tensor, nn

from models import device, networks
from models.errors import does_not_run
from models.kept import Kept
from models.maps.attribution import Score, scores
from models.maps.code import project_opening, torchvision_opening
from models.networks import Survey, skeleton
from models.receptive_field import ReceptiveField, ReceptiveFieldError, receptive_field
from pages.feature_maps._picture import Picture
from viz import state
from viz.figures.cells import framed, image
from viz.state import Choice

T = TypeVar("T")

NETWORKS = {
    "small": ("Our small network", "relu1"),
    "small_antialiased": ("Our small network, anti-aliased", "relu1"),
    "alexnet": ("AlexNet", "features.1"),
    "vgg16": ("VGG-16", "features.1"),
    "resnet18": ("ResNet-18", "relu"),
    "resnet50": ("ResNet-50", "relu"),
    "squeezenet1_1": ("SqueezeNet 1.1", "features.1"),
    "inception_v3": ("Inception v3", "Conv2d_1a_3x3.bn"),
    "densenet121": ("DenseNet-121", "features.relu0"),
    "mobilenet_v2": ("MobileNet v2", "features.0.2"),
    "mobilenet_v3_small": ("MobileNet v3, small", "features.0.2"),
    "mobilenet_v3_large": ("MobileNet v3, large", "features.0.2"),
    "efficientnet_b0": ("EfficientNet-B0", "features.0.2"),
    "convnext_tiny": ("ConvNeXt, tiny", "features.0.0"),
}
"""Networks in the order in which they were published, ours first: how each is called, and the layer at which a walk
begins: what the first convolution found, after its activation where that is a layer."""
OFFERED = {name: title for name, (title, _) in NETWORKS.items()}
FIRST = {name: layer for name, (_, layer) in NETWORKS.items()}
OWN = ("small", "small_antialiased")
TRAINED, RANDOM = "Trained", "Random"
USUAL = "Usual"
SIDES = (USUAL, "32", "64", "96", "128", "160", "224", "299")
"""Pixels of the shorter side, as the network gets the picture."""

BESIDE = 16 << 20
"""Bytes of maps around the chosen layer that are kept from its pass, so that a step to the next one needs none."""

NETWORK = Choice("fm_network", "small", "Network", None, OFFERED)
WEIGHTS = Choice(
    "fm_weights", TRAINED, "Weights",
    "Random: as drawn before the first step of training. What you see then, the architecture does alone.",
    (TRAINED, RANDOM), "segmented_control",
)  # fmt: skip
SIDE = Choice("fm_shorter", USUAL, "Shorter side, pixels", None, SIDES, "select_slider")
SETTINGS = (NETWORK, WEIGHTS, SIDE)


@dataclass(eq=False)
class Network:
    """A network that looks at a picture.

    trained: whether its weights are. x: `(1, 3, H, W)`, what goes in. pixels: `(H, W, 3)` uint8, the same picture.
    key: for caches. said: sentences about the device, each to be told once.
    """

    name: str
    trained: bool
    x: Tensor
    pixels: np.ndarray
    key: tuple
    said: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return OFFERED[self.name]

    @property
    def weights(self) -> str:
        """In words."""
        return "trained weights" if self.trained else "random weights"

    def ask(self, work: Callable[[nn.Module], T]) -> T:
        """What `work(network)` returns, on the best device. Raises what it raises."""
        # a small network is done before a second thread has woken up
        with device.one_thread() if self.name in OWN else nullcontext():
            answer, told = networks.ask(self.name, work, self.trained)
        if told and told not in self.said:
            self.said.append(told)
        return answer

    def tell(self) -> None:
        """Show what was said about the device."""
        for sentence in self.said:
            st.info(sentence, icon=":material/memory:")
        self.said.clear()

    def survey(self, layer: str) -> Survey:
        """All shapes, and the maps `(C, H, W)` of one layer and of those beside it, from one pass; kept.

        Raises ``NetworkError``.
        """
        found = PASSES.get(self.key)
        if found is None or layer not in found.maps:
            more = beside(self.name, layer, found.shapes if found else {})
            return PASSES.put(self.key, self.ask(lambda module: _surveyed(module, self.x, [layer], more, found)))
        return found

    def scores(self) -> list[Score]:
        """Classes by score, highest first; kept. Raises ``AttributionError``."""
        return SCORES.made(
            self.key, lambda: self.ask(lambda module: scores(module, self.x, networks.class_names(self.name)))
        )

    def fields(self) -> ReceptiveField | str:
        """The receptive fields of all layers, or why there are none."""
        return _fields(self.name, tuple(self.x.shape))


PASSES: Kept[Survey] = Kept(64 << 20, lambda found: sum(map(bytes_of, (one.shape for one in found.maps.values()))))
"""The last passes of networks over pictures."""
SCORES: Kept[list[Score]] = Kept(32)
"""What networks said of pictures."""


def _surveyed(
    module: nn.Module, x: Tensor, layers: Sequence[str], more: Sequence[str], before: Survey | None
) -> Survey:
    found = networks.survey(module, x, layers, more, before)
    return found._replace(maps={name: answer[0].float().cpu() for name, answer in found.maps.items()})


def beside(name: str, layer: str, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Layers near one, nearest first, as many as ``BESIDE`` holds of maps of these shapes; before they are known, two
    by the order in which the network names them."""
    if layer not in shapes:
        named = list(kinds(name))
        leaves = [n for n, child in zip(named, (*named[1:], ""), strict=True) if not child.startswith(f"{n}.")]
        return nearest(leaves, layer)[:2] if layer in leaves else []
    return held(nearest(list(shapes), layer), shapes)


def held(layers: Iterable[str], shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The first of these layers, as many as ``BESIDE`` holds of their maps."""
    room, found = BESIDE, []
    for layer in layers:
        room -= bytes_of(shapes[layer])
        if room < 0:
            break
        found.append(layer)
    return found


def bytes_of(shape: tuple[int, ...]) -> int:
    """What maps of this shape take."""
    return 4 * prod(shape)


def nearest(layers: Sequence[str], layer: str) -> list[str]:
    """All others: the next one, the one before, the next but one ..."""
    at = layers.index(layer) + 0.5
    return [layers[n] for n in sorted(range(len(layers)), key=lambda n: abs(n - at)) if layers[n] != layer]


@st.cache_data(max_entries=16, show_spinner=False)
def kinds(name: str) -> dict[str, str]:
    """What kind of layer each name stands for, as ``viz.components.strip`` wants it."""
    return {layer: _kind(type(module).__name__.lower()) for layer, module in skeleton(name).named_modules()}


def _kind(name: str) -> str:
    if "conv" in name:
        return "conv"
    if "norm" in name:
        return "norm"
    if "pool" in name:
        return "pool"
    acts = ("relu", "gelu", "silu", "swish", "sigmoid", "tanh", "elu", "mish")
    return "act" if any(one in name for one in acts) else "other"


@st.cache_resource(max_entries=32, show_spinner=False)
def _fields(name: str, shape: tuple[int, ...]) -> ReceptiveField | str:
    try:
        return receptive_field(skeleton(name), shape)
    except ReceptiveFieldError as error:
        return str(error)


def choose_weights() -> tuple[str, bool]:
    """Draw the choice of the network and of its weights, which say what the pictures mean: on a phone they stand above.

    Returns its name, and whether its weights are trained ones.
    """
    name = NETWORK.draw()
    place = st.container()
    wanted = WEIGHTS.value == TRAINED
    trained = wanted and _at_hand(name)
    try:
        if trained:
            with st.spinner(f"Loading {OFFERED[name]} …"):
                networks.load(name, pretrained=True)
    except networks.NetworkError as error:
        st.error(str(error), icon=":material/block:")
        trained = False
    with place:
        if wanted and not trained:
            # What is wished for stays, for the next network; what is highlighted is what is shown.
            st.segmented_control(
                WEIGHTS.label, (TRAINED, RANDOM), default=RANDOM, disabled=True, key="fm_weights_shown"
            )
        else:
            WEIGHTS.draw()
    return name, trained


def choose(picture: Picture, name: str, trained: bool) -> Network | None:
    """Draw the choice of the size, and return the network with the picture before it; ``None`` after a sentence why
    not."""
    side = SIDE.draw(help=f"Usual: {networks.usual_side(name)}, what {OFFERED[name]} was made for.")
    try:
        source = picture.source if picture.colour else picture.at(*picture.source.shape[:2])
        ready = networks.prepare(name, source, None if side == USUAL else int(side), crop=False)
    except networks.NetworkError as error:
        st.error(str(error), icon=":material/block:")
        return None
    return Network(name, trained, ready.x, ready.picture, (name, trained, side, _digest(ready.picture)))


def _digest(pixels: np.ndarray) -> str:
    return blake2b(pixels.tobytes() + repr(pixels.shape).encode(), digest_size=12).hexdigest()


def given(net: Network, picture: Picture) -> str:
    """The picture as the network gets it; HTML."""
    return framed("What the network gets", image(net.pixels, f"The picture: {picture.name}", 250))


def _at_hand(name: str) -> bool:
    """Whether trained weights are on this server; where not, how to get them, and that they are not shown."""
    if networks.weights_at_hand(name):
        return True
    size = networks.weights_bytes(name)
    weight = f" ({size / 2**20:.0f} MB)" if size else ""
    st.warning(
        f"**Random weights are shown:** this server has no trained ones of {OFFERED[name]} yet.",
        icon=":material/casino:",
    )
    if not st.button(f"Load pretrained weights{weight}", icon=":material/download:", key="fm_fetch"):
        return False
    bar = st.progress(0.0, "Asking torchvision's hub …")
    try:
        for done, total in networks.fetch_weights(name):
            part = min(done / total, 1.0) if total else 0.0
            whole = f" of {total / 2**20:.0f}" if total else ""
            bar.progress(part, f"{done / 2**20:.0f}{whole} MB")
    except networks.NetworkError as error:
        bar.empty()
        st.error(str(error), icon=":material/cloud_off:")
        return False
    bar.empty()
    return True


def opening(picture: Picture, name: str, trained: bool, side: int, *imports: str) -> tuple[str, str]:
    """Of which picture a script is, and its lines that load a network and prepare the picture for it."""
    if name not in OWN and not picture.in_link:
        told = "a drawn disc, or a picture whose path you write into it"
        return told, torchvision_opening(name, trained, side, *imports)
    ours = picture.code("import torch", "from models import networks", *imports)
    return f"{picture.told}, in a copy of this project", project_opening(ours, name, trained, side, name not in OWN)


def on_screen(key: str, what: str) -> tuple:
    """What a lesson remembers of its network for a script: name, whether it is trained, side, layer, and more."""
    shown = state.recall(key)
    if shown is None:
        raise ValueError(f"there is no {what} on the screen yet")
    return shown


def refused(error: Exception) -> str:
    """What torch says of a picture that does not run through, and what to do; other sentences as they are."""
    told = str(error)
    if not does_not_run(error):
        return told
    return f"{told.rstrip('.')}. Choose a larger picture (“Shorter side”) or another network."
