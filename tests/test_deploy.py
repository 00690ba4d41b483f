"""What is shipped, and what hosts install from it."""

import hashlib
import http.server
import json
import re
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.browser.support import ROOT

CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def test_the_licence_is_there_and_named():
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License")
    assert re.search(r"^Copyright \(c\) 20\d\d the ConvScope authors$", text, re.M)
    assert "](LICENSE)" in (ROOT / "README.md").read_text()
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "MIT"


def test_every_shipped_picture_has_its_own_licence():
    """Each picture is named in the table of licences."""
    table = (ROOT / "assets/pictures/LICENCES.md").read_text()
    pictures = sorted(file.name for file in (ROOT / "assets/pictures").glob("*.png"))
    assert pictures
    assert [name for name in pictures if f"| {name} |" not in table] == []


def test_a_class_is_served_without_a_watcher_and_without_a_collection_after_each_run():
    """Both stop all visitors after every run of any of them. ``make bench`` measures what that costs."""
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["fileWatcherType"] == "none"
    assert settings["runner"]["postScriptGC"] is False


def test_the_container_gets_every_package_and_its_replicas_share_their_rooms():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    copied = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    assert [name for name in packages if f"COPY {name} {name}" not in copied] == []
    compose = (ROOT / "deploy/compose.yml").read_text()
    assert re.search(r"CONVSCOPE_REDIS_URL: redis://redis:6379/0$", compose, re.M)
    assert re.search(r"^  redis:$", compose, re.M)


# -- Streamlit Community Cloud ----------------------------------------------------------------------------------------


def fake_wheel(folder: Path, name: str, version: str, needs: tuple[str, ...] = ()) -> None:
    """An empty package that any Python on any machine takes, listed in a simple index at ``folder``."""
    stem = f"{name.replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)]
    files = {
        "METADATA": "\n".join(lines) + "\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    page = folder / name
    page.mkdir(parents=True, exist_ok=True)
    wheel = page / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        for file, text in files.items():
            made.writestr(f"{stem}.dist-info/{file}", text)
        made.writestr(f"{stem}.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    link = f'<a href="{wheel.name.replace("+", "%2B")}#sha256={digest}">{wheel.name}</a><br>\n'
    with (page / "index.html").open("a") as index:
        index.write(link)


def requirements(file: Path) -> list[Requirement]:
    lines = [line.split("#")[0].strip() for line in file.read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Iterator[str]:
    """The address of two small indexes on this machine: ``/pypi``, where torch needs CUDA, and ``/cpu``."""
    root = tmp_path_factory.mktemp("index")
    for need in requirements(ROOT / "requirements.txt"):
        if not need.name.startswith("torch"):
            fake_wheel(
                root / "pypi", need.name, str(max(Version(s.version) for s in need.specifier if ">" in s.operator))
            )
    fake_wheel(root / "pypi", "nvidia-cublas", "13.0")
    for version, vision in (("2.14.0", "0.29.0"), ("2.14.1", "0.29.1")):
        fake_wheel(root / "pypi", "torch", version, ("nvidia-cublas",))
        fake_wheel(root / "pypi", "torchvision", vision, (f"torch=={version}",))
        fake_wheel(root / "cpu", "torch", f"{version}+cpu")
        fake_wheel(root / "cpu", "torchvision", f"{vision}+cpu", (f"torch=={version}",))
    handler = partial(QuietHandler, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args) -> None:
        pass


def chosen(installer: str, file: Path, index: str, empty: Path) -> dict[str, str]:
    """What ``installer`` ("uv" or "pip") would install from ``file`` into an empty place: versions by package."""
    common = ["--index-url", f"{index}/pypi", "--dry-run", "-r", str(file)]
    if installer == "uv":
        uv = str(Path(sys.executable).with_name("uv"))
        command = [
            uv,
            "pip",
            "install",
            "--no-config",
            "--no-cache",
            "--python",
            sys.executable,
            "--target",
            str(empty),
        ]
    else:
        command = [sys.executable, "-m", "pip", "install", "--isolated", "--ignore-installed", "--no-cache-dir"]
        command += ["--report", str(empty / "report.json")]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(empty)}
    done = subprocess.run(command + common, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    if installer == "uv":
        return dict(re.findall(r"^ \+ ([\w-]+)==(\S+)$", done.stdout + done.stderr, re.M))
    found = json.loads((empty / "report.json").read_text())["install"]
    return {part["metadata"]["name"]: part["metadata"]["version"] for part in found}


def at(index: str, folder: Path) -> Path:
    """A copy of both files of requirements below ``folder`` that asks ``index`` in place of PyTorch's; Cloud's."""
    for name in ("requirements.txt", "deploy/streamlit_cloud/requirements.txt"):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / name).read_text().replace(CPU_INDEX, f"{index}/cpu"))
    return folder / "deploy/streamlit_cloud/requirements.txt"


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_streamlit_cloud_gets_the_small_build_of_pytorch(installer, index, tmp_path):
    assert CPU_INDEX in (ROOT / "deploy/streamlit_cloud/requirements.txt").read_text()
    found = chosen(installer, at(index, tmp_path), index, tmp_path)
    assert (found["torch"], found["torchvision"]) == ("2.14.1+cpu", "0.29.1+cpu")
    assert not [name for name in found if name.startswith("nvidia")]
    assert found.keys() == {need.name for need in requirements(ROOT / "requirements.txt")}


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_without_the_cpu_index_cuda_comes_along(installer, index, tmp_path):
    """The local index offers both builds: what the test above sees is a choice."""
    at(index, tmp_path)
    found = chosen(installer, tmp_path / "requirements.txt", index, tmp_path)
    assert (found["torch"], found["nvidia-cublas"]) == ("2.14.1", "13.0")
