"""The scripts that the lesson on feature maps hands out run as they are and hold what they assert."""

from pathlib import Path

import numpy as np
import pytest

from models import device
from pages.feature_maps import _network as network
from pages.feature_maps._picture import Picture

ROOT = Path(__file__).resolve().parents[2]
OWN = Picture(*[np.zeros((16, 16, 3), np.uint8)] * 2, "mine", colour=False, in_link=False, origin="plain('heart', 256)")
SCRIPTS = {
    "walk, torchvision": network.script(OWN, "squeezenet1_1", False, 96, "features.1", (64, 47, 47), {3: 1.0}),
    "reasons, torchvision": network.reasons_script(OWN, "squeezenet1_1", False, 96, "features.12", 281, 1.0, 0.1),
    "shift, borders": network.motion_script(OWN, "small", True, 64, "pool2", "shift", 3.0, False, 0.1),
    "rotate": network.motion_script(OWN, "small", True, 64, "relu1", "rotate", 30.0, True, 0.1),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs(name, monkeypatch, capsys):
    told, code = SCRIPTS[name]
    assert told.endswith(".")
    monkeypatch.chdir(ROOT)
    with device.one_thread():
        exec(compile(code, name, "exec"), {})
    assert capsys.readouterr().out
