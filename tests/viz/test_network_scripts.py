"""The scripts that the lesson on feature maps hands out run as they are and hold what they assert."""

import subprocess
import sys
from pathlib import Path

import pytest

from viz.feature_parts import network

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "assets" / "pictures" / "cat.png"
SCRIPTS = {
    "walk": network.script("small", True, 64, "relu2", (32, 32, 32)),
    "reasons": network.reasons_script("small", True, 64, "relu4", 3),
    "reasons, torchvision": network.reasons_script("squeezenet1_1", False, 96, "features.12", 281),
    "shift": network.motion_script("small_antialiased", True, 64, "pool2", "shift", 3.0, True),
    "shift, borders": network.motion_script("small", True, 64, "pool2", "shift", 3.0, False),
    "rotate": network.motion_script("small", True, 64, "relu1", "rotate", 30.0, True),
    "scale": network.motion_script("small", True, 64, "relu1", "scale", 1.3, True),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs(name, tmp_path):
    told, code = SCRIPTS[name]
    assert told.endswith(".")
    script = tmp_path / "layer.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, PICTURE], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout
