"""The scripts that the lesson on feature maps hands out run as they are and hold what they assert."""

from pathlib import Path

import numpy as np
import pytest

from models import device
from models.maps.code import maps_code, motion_code, reasons_code
from pages.feature_maps import _network as network
from pages.feature_maps._picture import Picture

ROOT = Path(__file__).resolve().parents[2]
OWN = Picture(*[np.zeros((16, 16, 3), np.uint8)] * 2, "mine", colour=False, in_link=False, origin="plain('heart', 256)")
EQUIVARIANCE = "from models.maps.equivariance import circular, equivariance"


def opening(name: str, trained: bool, side: int, *imports: str) -> str:
    which, code = network.opening(OWN, name, trained, side, *imports)
    assert "a picture whose path you write into it" in which
    return code


SCRIPTS = {
    "walk, torchvision": maps_code(opening("squeezenet1_1", False, 96), "features.1", (64, 47, 47), None),
    "reasons, torchvision": reasons_code(opening("squeezenet1_1", False, 96, "import copy"), "features.12", 281, None),
    "shift, borders": motion_code(opening("small", True, 64, EQUIVARIANCE), "pool2", "shift", 3.0, False, None),
    "rotate": motion_code(opening("small", True, 64, EQUIVARIANCE), "relu1", "rotate", 30.0, True, None),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs(name, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    with device.one_thread():
        exec(compile(SCRIPTS[name], name, "exec"), {})
    assert capsys.readouterr().out
