"""The server without a browser: it answers, says how it is, sends its headers, and works from any folder."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browser.support import ROOT, running
from viz.components import files


@pytest.fixture(scope="module")
def server():
    """One that imports torch as soon as it answers."""
    with running(CONVSCOPE_WARM_UP_DELAY="0") as one:
        yield one


def test_health_answers_before_torch_is_loaded(server):
    status, body = server.get("/health")
    assert (status, json.loads(body)["status"]) == (200, "ok")


def test_health_names_the_device_once_torch_is_warm(server):
    deadline = time.monotonic() + 60
    while (device := json.loads(server.get("/health")[1])["device"]) is None and time.monotonic() < deadline:
        time.sleep(0.2)
    assert device, server.log.read_text()


def test_what_a_diagram_needs_is_loaded_before_the_first_visitor():
    code = """
import sys
import app
app.warm_up()
before = set(sys.modules)
from models.blocks import BLOCKS, build
from models.graph import read_graph
read_graph(build("bottleneck"), BLOCKS["bottleneck"].input_shape())
print(sum(name.startswith("torch.") for name in set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 20


@pytest.mark.parametrize("path", ["/", "/health", "/_stcore/health", "/playground"])
def test_every_answer_carries_the_headers(server, path):
    with urllib.request.urlopen(server.url + path, timeout=5) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_components_are_files_that_never_change(server):
    url = f"{server.url}/{files.FOLDER}/stage/stage.js"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.read() == Path(ROOT, "viz/components/stage/stage.js").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        *("stage/__init__.py", "files.py", "_mount.js", "stage", "", "../../app.py", "stage/../../../app.py"),
        *("%2e%2e/%2e%2e/app.py", "/etc/passwd", "stage/stage.js/", "stage%2fstage.js%00"),
    ],
)
def test_nothing_else_is_served(server, path):
    status, body = server.get(f"/{files.FOLDER}/{path}")
    assert status >= 400, body


def test_another_version_is_not_served(server):
    assert server.get("/components/000000000000/stage/stage.js")[0] == 404


def test_it_prints_where_it_is(server):
    assert f"ConvScope is at  {server.url}/" in server.log.read_text()


def test_it_starts_from_another_folder(tmp_path):
    with running(ROOT / "app.py", cwd=tmp_path) as elsewhere:
        assert elsewhere.get("/health")[0] == 200


def test_a_taken_port_is_named_in_one_line():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"Port {port} is not available" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_requirements_install_where_there_is_no_desktop():
    needed = Path(ROOT, "requirements.txt").read_text()
    assert "opencv-python-headless" in needed
    assert "\nopencv-python>" not in needed
