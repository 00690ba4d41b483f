"""Everything that a page shows is computed on the device that the page names: held against a device that stands in.

The stand-in is a second memory: tensors moved to it say that they live on ``meta``, keep their numbers, and mix with
the CPU's no more than a GPU's do. Work with kernels, windows and matrices that happens outside of it is caught, except
under ``device.reference``.
"""

import threading
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map, tree_map_only

from models import device, lab, learning, networks, transposed, upsampling
from models.effective import effective_receptive_field
from models.layers import KINDS
from models.maps import attribution, equivariance, filters
from models.maps.activations import before_and_after, influence, unit_view
from models.spec import LayerSpec

THERE = torch.device("meta")
WORK = ("convolution", "pool", "upsample", "mm", "relu", "pixel", "softmax", "index_add", "batch_norm", "addcdiv")


class There(torch.Tensor):
    """A tensor on the stand-in."""

    @staticmethod
    def __new__(cls, here: torch.Tensor):
        made = torch.Tensor._make_wrapper_subclass(
            cls, here.size(), strides=here.stride(), dtype=here.dtype, device=THERE, requires_grad=False
        )
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _compute(func, args, kwargs or {}, True)


def _compute(func, args, kwargs, there: bool):
    plain = tree_map_only(There, lambda t: t.here, (args, kwargs))
    kwargs = {k: torch.device("cpu") if k == "device" else v for k, v in plain[1].items()}
    out = func(*plain[0], **kwargs)
    given = {id(t.here): t for t in _tensors((args, kwargs)) if isinstance(t, There)}
    wrap = lambda t: given.get(id(t)) if id(t) in given else There(t)  # noqa: E731
    return tree_map_only(torch.Tensor, wrap, out) if there else out


def _tensors(tree):
    found = []
    tree_map(lambda one: found.append(one) if isinstance(one, torch.Tensor) else None, tree)
    return found


class StandIn(TorchDispatchMode):
    """Moves tensors to the stand-in and back, and notes what works where."""

    def __init__(self):
        super().__init__()
        self.there: set[str] = set()
        self.around: set[str] = set()
        self.visits = 0
        self.exempt = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        with self:  # inference mode shows functions whole
            if (parts := func.decompose(*args, **kwargs)) is not NotImplemented:
                return parts
        name = func._schema.name.removeprefix("aten::")
        held = [t for t in _tensors((args, kwargs)) if isinstance(t, There)]
        asked = kwargs.get("device")
        asked = None if asked is None else torch.device(asked)
        if name == "_to_copy" and asked is not None:
            plain = args[0].here if isinstance(args[0], There) else args[0]
            moved = func(plain, **(kwargs | {"device": torch.device("cpu")}))
            self.visits += asked.type == "meta"
            return There(moved) if asked.type == "meta" else moved
        if held:
            strangers = [t for t in _tensors((args, kwargs)) if not isinstance(t, There) and t.dim()]
            if strangers and name not in ("copy_", "index", "index_put_", "_index_put_impl_"):
                raise RuntimeError(f"{name}: expected all tensors to be on the same device")
            if kwargs.get("generator") is not None:
                raise RuntimeError(f"{name}: expected a generator of this device")
            if name == "copy_" and not isinstance(args[0], There):
                return args[0].copy_(args[1].here)
        where = bool(held) or (asked is not None and asked.type == "meta")
        if any(word in name for word in WORK):
            if where:
                self.there.add(name)
            elif not self.exempt:
                self.around.add(name)
        return _compute(func, args, kwargs, where)


@pytest.fixture
def stand_in(monkeypatch):
    mode, usual = StandIn(), device.reference
    main = threading.get_ident()

    @contextmanager
    def reference():
        mode.exempt += 1
        try:
            with usual():
                yield
        finally:
            mode.exempt -= 1

    monkeypatch.setattr(device, "setup", cache(lambda: THERE))
    monkeypatch.setattr(device, "reference", reference)
    networks.clear()
    lab._kept.cache_clear()
    with mode:
        yield mode
    assert threading.get_ident() == main
    networks.clear()
    lab._kept.cache_clear()


def test_the_stand_in_catches_what_goes_around_it(stand_in):
    layer, x = nn.Conv2d(1, 1, 3), torch.ones(1, 1, 5, 5)
    with torch.no_grad():
        layer(x)
    assert stand_in.around == {"convolution"}
    assert not stand_in.there
    with pytest.raises(RuntimeError, match="same device"):
        layer(x.to(THERE))
    assert torch.equal(device.answer(layer, x), layer(x))
    assert stand_in.there == {"convolution"}


PICTURE = np.random.default_rng(0).integers(0, 255, (24, 24), np.uint8)
X = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def transposed_layer():
    torch.manual_seed(0)
    return nn.ConvTranspose2d(2, 3, 3, 2, padding=1, output_padding=1).double().requires_grad_(False)


def trained():
    layer = filters.layer(filters.kernel("sobel")).requires_grad_(True)
    inputs, targets = filters.task(PICTURE, filters.kernel("box"), size=8, count=2)
    return [step.loss for step in learning.train(layer, inputs, targets, steps=4)], layer.weight.detach().numpy()


def asked(work):
    return lambda: networks.ask("small", work, pretrained=True)[0]


SHOWN = {
    "views": lambda: transposed.agreement(transposed_layer(), torch.ones(1, 2, 4, 4)).results,
    "filter": lambda: filters.respond(PICTURE, filters.kernel("gaussian")).rectified,
    "training": trained,
    "bilinear": lambda: upsampling.bilinear_proof(PICTURE, 2).transposed,
    "compared": lambda: [one.image for one in upsampling.compare(PICTURE, 2)],
    "generator": lambda: upsampling.generate(upsampling.generator("resize", 1), 8, 2).picture,
    "positions": lambda: upsampling.sample_positions(5, 2.0, True).measured,
    "shuffle": lambda: upsampling.shuffle_map(4, (2, 3), 2).measured,
    "received": lambda: upsampling.gradient_of_sum(nn.Conv2d(1, 1, 3, 2).requires_grad_(False), (1, 1, 9, 9)) * 0,
    "effective field": lambda: effective_receptive_field(
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 1, 3, padding=1)),
        (1, 1, 9, 9), n=2, weights="random",
    ).energy,
    "shifts": lambda: equivariance.forgotten_shifts(nn.MaxPool2d(2), X[:, :1], 1).same,
    "places": lambda: equivariance.distinct_positions(nn.MaxPool2d(2), (4, 4)),
    "unpooled": lambda: equivariance.unpool_round_trip(X).unpooled,
    "moved": asked(lambda m: [p.error for p in equivariance.equivariance(m, X, "conv3", [1, 2])]),
    "scores": asked(lambda m: [s.score for s in attribution.scores(m, X)]),
    "occlusion": asked(lambda m: list(attribution.occlusion(m, X, patch=16))[-1].drops),
    "saliency": asked(lambda m: attribution.saliency(m, X)),
    "Grad-CAM": asked(lambda m: attribution.grad_cam(m, X).heat),
    "sanity": asked(lambda m: [s.likeness for s in attribution.sanity_check(m, X, steps=2)]),
    "maps": asked(lambda m: networks.feature_maps(m, X, ["conv3"])["conv3"].cpu().numpy()),
    "layers": asked(lambda m: [list(networks.survey(m, X).shapes.values())]),
    "unit": asked(lambda m: unit_view(m, X, "conv3", 0, (1, 1)).energy),
    "pixel": asked(lambda m: influence(m, X, "conv3", (5, 5)).change),
    "before and after": asked(lambda m: [t.cpu().numpy() for _, t in before_and_after(m, X, "conv2")]),
}  # fmt: skip


def numbers(found) -> np.ndarray:
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return np.concatenate([numbers(one).reshape(-1) for one in found])
    return np.asarray(found, dtype=float)


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_page_shows_comes_from_the_device(name, request):
    here = numbers(SHOWN[name]())
    stand_in = request.getfixturevalue("stand_in")
    there = numbers(SHOWN[name]())
    assert stand_in.around == set()
    assert stand_in.visits
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-6)


def started(kind: str) -> LayerSpec:
    return LayerSpec(**{"kind": kind, "dims": KINDS[kind].dims[0]} | dict(KINDS[kind].start))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_on_the_bench_runs_on_the_device(kind, request):
    spec = started(kind)
    here = lab.run(spec).y
    stand_in = request.getfixturevalue("stand_in")
    found = lab.run(spec)
    assert stand_in.around == set()
    assert stand_in.visits
    np.testing.assert_allclose(found.y, here, rtol=1e-9)


@pytest.fixture
def on_the_cpu(monkeypatch):
    """Everything on the CPU, until the test asks for the real device with what it is given."""
    real = device.setup
    lose = lambda: (networks.clear(), lab._kept.cache_clear())  # noqa: E731
    monkeypatch.setattr(device, "setup", cache(lambda: torch.device("cpu")))
    lose()

    def beside():
        monkeypatch.setattr(device, "setup", real)
        lose()

    yield beside
    lose()


a_real_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@a_real_gpu
@pytest.mark.parametrize("name", SHOWN)
def test_a_real_gpu_finds_the_numbers_of_the_cpu(name, on_the_cpu):
    here = numbers(SHOWN[name]())
    on_the_cpu()
    before = torch.cuda.memory_stats().get("allocation.all.allocated", 0)
    there = numbers(SHOWN[name]())
    assert torch.cuda.memory_stats()["allocation.all.allocated"] > before
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-4 * float(np.abs(here).max()))


@a_real_gpu
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_on_a_real_gpu_gives_what_the_cpu_gives(kind, on_the_cpu):
    spec = started(kind)
    here = lab.run(spec).y
    on_the_cpu()
    found = lab.run(spec)
    assert found.device == torch.cuda.get_device_name()
    np.testing.assert_allclose(found.y, here, rtol=1e-9)
