"""What a generated script says in its first lines."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from models.script import PROJECT, in_groups, with_needs


def test_imports_stand_in_three_groups_and_once():
    lines = ["from models.picture import decode", "import torch", "import math", "import torch", "from torch import nn"]
    assert in_groups(lines) == (
        "import math\n\nimport torch\nfrom torch import nn\n\nfrom models.picture import decode\n"
    )


def test_a_script_that_stands_alone_names_its_packages():
    code = "import math\nimport cv2\nfrom PIL import Image\n\nfrom torch.nn import functional as F\n"
    first, _, rest = with_needs(code).partition("\n")
    assert first == "# Needs opencv-python, pillow and torch: pip install opencv-python pillow torch"
    assert rest == code


def test_a_script_that_needs_nothing_begins_as_it_is():
    assert with_needs("import math\n\nprint(math.pi)\n") == "import math\n\nprint(math.pi)\n"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("from models import networks", "models.networks"),
        ("from models.upsampling import compare, pair", "models.upsampling"),
        ("import models.picture", "models.picture"),
    ],
)
def test_a_script_that_imports_the_project_says_so_first(line, named):
    made = with_needs(f"import torch\n\n{line}\n", "mine.py")
    first, how, modules, *_ = made.splitlines()
    assert first == f"# {PROJECT}:"
    assert how == "#     .venv/bin/python mine.py"
    assert modules == f"# It imports {named} from there."
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(f"import torch\n\n{line}\n"))


def test_beside_app_py_it_runs_and_elsewhere_its_first_line_says_why_not(tmp_path):
    """What the first lines promise, done: a folder with `models` and `app.py` in it, and one without."""
    script = with_needs("from models import script\n\nprint(script.PROJECT)\n")
    home, away = tmp_path / "home", tmp_path / "away"
    for folder in (home, away):
        folder.mkdir()
        (folder / "layer.py").write_text(script)
    (home / "models").symlink_to(Path(__file__).resolve().parents[2] / "models")
    done = [subprocess.run([sys.executable, "layer.py"], cwd=f, capture_output=True, text=True) for f in (home, away)]
    assert done[0].stdout == f"{PROJECT}\n"
    assert "No module named 'models'" in done[1].stderr
