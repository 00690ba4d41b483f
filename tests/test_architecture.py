"""Promises about imports: one way, no Streamlit in ``models``, no torch on the path to the first text."""

import ast
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pages._lessons import LESSONS

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted(module.name for module in pkgutil.walk_packages([str(ROOT / "models")], "models."))
PAGES = ["_shell.py", "home.py", *(lesson.file for lesson in LESSONS)]


def python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_data_flows_one_way():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_models_works_without_streamlit():
    block = "import sys; sys.modules['streamlit'] = None\n"
    done = python(block + "\n".join(f"import {name}" for name in MODELS))
    assert done.returncode == 0, done.stderr


def module_level_imports(file: Path) -> set[str]:
    """Top-level packages' modules that ``file`` imports when it is loaded, not inside functions."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_title_needs_no_torch():
    """torch takes seconds to import: where it cannot be imported at all, the title of each page still comes."""
    files = ["home.py", *(lesson.file for lesson in LESSONS)]
    done = python(
        "import sys; sys.modules['torch'] = None\n"
        "from streamlit.testing.v1 import AppTest\n"
        "frame = AppTest.from_file('pages/_shell.py', default_timeout=60).run()\n"
        f"bare = [page for page in {files} if not frame.switch_page(page).run().title]\n"
        "assert not bare, bare"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_a_page_keeps_nothing_in_its_own_file(page):
    """Streamlit runs the file anew for each visitor and each choice: what it keeps is empty every time."""
    imported = module_level_imports(ROOT / "pages" / page)
    assert not {one for one in imported if re.search(r"functools\.(lru_)?cache$|cachetools|models\.kept", one)}


def test_every_lesson_has_its_file_and_its_own_address():
    assert [lesson.file for lesson in LESSONS if not (ROOT / "pages" / lesson.file).is_file()] == []
    assert len({lesson.url_path for lesson in LESSONS}) == len(LESSONS)
    assert all(lesson.question.endswith("?") for lesson in LESSONS)
    assert len({lesson.question for lesson in LESSONS}) == len(LESSONS), "each page has its own question"


def test_no_page_imports_another():
    """Pages stand beside each other: what two of them need lies in ``viz`` or in ``pages/_*.py``."""
    pages = {f"pages.{lesson.file.removesuffix('.py').replace('/', '.')}" for lesson in LESSONS} | {"pages.home"}
    for page in PAGES:
        assert not module_level_imports(ROOT / "pages" / page) & pages


def test_components_talk_through_data_and_events_of_their_contract():
    """Not through globals, events of the window, or each other's DOM."""
    reach = re.compile(
        r"globalThis|CustomEvent|dispatchEvent|window\.(?!devicePixelRatio)|document\.querySelector|shadowRoot"
    )
    found = [
        file.relative_to(ROOT / "viz/components").as_posix()
        for file in (ROOT / "viz/components").rglob("*.js")
        if reach.search(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_session_and_link_have_one_owner():
    """Settings, link and session are read and written in one place; nothing else names them."""
    names = ("st.session_state", "st.query_params", 'bind="')
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for folder in ("pages", "rooms", "viz")
        for file in (ROOT / folder).rglob("*.py")
        if file != ROOT / "viz" / "state.py"
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if any(name in line for name in names)
    ]
    assert found == []


def test_what_streamlit_keeps_private_stands_in_one_file():
    private = ("streamlit.runtime", "get_script_run_ctx", "streamlit.proto")
    found = [
        str(file.relative_to(ROOT))
        for folder in ("pages", "rooms", "viz")
        for file in (ROOT / folder).rglob("*.py")
        if any(name in file.read_text(encoding="utf-8") for name in private)
    ]
    assert found == ["viz/private.py"]


def test_a_tap_leaves_no_colour_of_a_pointer_behind():
    """After a tap a browser takes the finger for a pointer that stays there."""
    files = [*(ROOT / "viz" / "components").rglob("*.css")]
    rules = [(file.name, line) for file in files for line in file.read_text("utf-8").splitlines() if ":hover" in line]
    assert len(rules) > 9
    assert [one for one in rules if not one[1].startswith("@media (hover: hover)")] == []
