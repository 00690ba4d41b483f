"""The command line: any layer as a file, and one sentence where that cannot be."""

import ast
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from PIL import Image

from models.layers import KINDS
from models.presets import POOLED
from models.share import Scene
from models.spec import QUERY_DEFAULTS, LayerSpec
from models.text import big
from pages._lessons import BY_PATH
from tests.pages.support import opened
from viz import state
from viz.controls.layer import LayerEditor
from viz.export.__main__ import (
    BESIDES,
    PAGES,
    format_of,
    main,
    parser,
    scene_of,
    settings_of_link,
    settings_of_page,
    taken_of_link,
)
from viz.export.engine import Look, Picture
from viz.export.formats import FORMATS

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).parents[2]


def test_the_command_of_the_readme(tmp_path, capsys):
    out = tmp_path / "out.gif"
    asked = "--kind transposed --input-size 3 --kernel-size 3 --stride 2 --padding 1 --width 480"
    assert main([*asked.split(), str(out)]) == 0
    assert Image.open(out).n_frames == 25
    assert f"{out}: {big(out.stat().st_size)} bytes" in capsys.readouterr().err


def test_every_setting_of_a_layer_and_every_option_is_a_flag():
    flags = {flag for action in parser()._actions for flag in action.option_strings}
    for name in [*QUERY_DEFAULTS, *(option.name for one in FORMATS.values() for option in one.options)]:
        assert f"--{name.replace('_', '-')}" in flags


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("out.gif --kernel-size 9", "kernel_size: a kernel that spans 9 cells does not fit"),
        ("out.gif --kernel-size three", "kernel_size: “three” is not a value for it."),
        ("out.gif --kernel-size 2,3,4", "kernel_size: 3 values for 2 axes; give one, or one for each axis."),
        ("out.gif --kernel-size 3,3,3", "kernel_size: 3 values for 2 axes"),
        ("out.gif --dims 1 --kernel-size 2,3", "kernel_size: 2 values for 1 axis; give one"),
        ("out.gif --dims 2 --stride 2,1,1", "stride: 3 values for 2 axes"),
        ("out.gif --dims 3 --kernel-size 2,3", "kernel_size: 2 values for 3 axes"),
        ("out.gif --dims 3 --kernel-size 1,2,3,4", "kernel_size: 4 values for 3 axes"),
        ("--out there x.png", "out: it is the folder for a batch; name a single file with its folder"),
        ("--batch configs.csv --out there foo.png", "The table of a batch names its files: leave out foo.png."),
        ("--nonsense 3 x.png", "Unrecognized arguments: --nonsense.\n"),
        ("x.png --kind conv --mode bilinear", "mode: Convolution does not take it: leave it out."),
        ("x.png --input own", "input: numbers of your own come with a link"),
        ("x.png --weights own", "weights: numbers of your own come with a link"),
        ("out.gif --kind dense", "kind: “dense” is none of conv, transposed,"),
        ("out.gif --kind pixel_shuffle --dims 3", "dims: Pixel shuffle has no 3-D form."),
        ("out.gif --link http://x/receptive-field?layers=q", "Layer 1: “q” cannot be read"),
        ("out.gif --link http://x/receptive-field?size=big", "size: “big” is not a whole number"),
        ("out.gof", "out.gof: its ending is none of"),
        ("out.gif --speed 3", "speed: “3” is none of"),
        ("out.gif --steps 9999", "steps: “9999” is not a whole number from 0 to 600"),
        ("out.gif --matrix perhaps", "matrix: “perhaps” is neither yes nor no"),
        ("out.gif --input paint", "input: “paint” is none of"),
        ("out.gif --seed one", "seed: “one” is not a whole number from 0 to 9999"),
        ("out.gif --side a", "side: two layers are compared by a link alone"),
        ("out.gif --side c", "invalid choice: 'c'"),
        ("out.gif --side a --link http://x/playground", "side: this link does not compare two layers."),
        ("out.gif --link http://x/receptive-field --stride 2", "stride: this link is to no single layer"),
        ("out.gif --link http://x/playground --kernel-size 9", "kernel_size: a kernel that spans 9 cells does not fit"),
        ("out.gif --link http://x/playground --stride two", "stride: “two” is not a value for it."),
        ("out.gif --link http://x/playground --mode bilinear", "mode: Convolution does not take it: leave it out."),
        ("out.gif --link http://x/playground --seed one", "seed: “one” is not a whole number from 0 to 9999"),
        ("out.gif --link http://x/feature-maps-pooling?fm_example=Min", "fm_example: “Min” is none of Max 2×2"),
        ("out.gif --link http://x/receptive-field?channels=0", "channels: “0” is not a whole number from 1 to 512"),
        ("out.gif --view zeros", "view: a transposed layer as an ordinary one"),
        ("out.gif --walk layers", "This stage cannot be walked layer by layer"),
        ("out.gif --input-size 4000", "entries"),
        ("out.gif --link http://[::1", "link: “http://[::1” is not an address."),
        ("out.gif --link http://x/cost", "is no link to a page on one layer"),
        ("--batch missing.csv", "missing.csv: No such file"),
        ("out.gif --bogus 1", "Unrecognized arguments: --bogus"),
        ("", "No file is named"),
    ],
)
def test_errors_are_one_sentence(asked, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(asked.split())
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr().err
    assert code == 2
    assert told in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_link_brings_its_layer_and_its_numbers():
    spec = LayerSpec("conv", 2, (4, 6), 2, kernel_size=(3, 2), padding=1)
    link = "https://somewhere/base/playground?" + "&".join(f"{k}={v}" for k, v in spec.to_query().items())
    assert scene_of(settings_of_link(link + "&input=Checkerboard&seed=3")) == Scene(spec, "checkerboard", seed=3)
    own = scene_of(settings_of_link("/playground?input_size=2&kernel_size=1&x=1.2.2~1_2_3_4"))
    assert own.own_input.tolist() == [[[1, 2], [3, 4]]]
    assert scene_of(settings_of_link("/transposed-matrix?ct_stride=2")).spec.kind == "transposed"


@pytest.mark.parametrize(
    ("link", "panels"),
    [
        ("/playground", []),
        ("/playground?against=kernel_size%3D2&input_size=5", ["A", "B"]),
        ("/transposed", ["Stamp and add", "Insert zeros, then convolve", "Multiply by the matrix Cᵀ",
                         "Gradient of a convolution"]),
        ("/transposed?against=kind%3Dtransposed", ["A", "B"]),
        ("/transposed-sizes", []),
        ("/transposed-matrix", ["Cᵀ", "C"]),
        ("/receptive-field", []),
    ],
)  # fmt: skip
def test_a_link_is_drawn_as_its_page_shows_it(link, panels):
    drawn = taken_of_link(f"http://x{link}")
    assert drawn.link == f"http://x{link}"
    titles = [one["title"] for one in drawn.drawing.get("panels", [])]
    assert len(titles) == len(panels)
    assert all(shown in title for shown, title in zip(panels, titles, strict=True))
    if panels == ["A", "B"]:
        assert drawn.drawing["numbers"][0] == ["Number", "A", "B", "B ÷ A"]


@pytest.mark.parametrize(
    ("link", "grid", "channel", "cell", "told"),
    [
        ("/playground?cell=output.0.1.1&padding=1", "output", 0, 5, "122 ="),
        ("/playground?cell=input.0.0.0&padding=1", "input", 0, 7, "4 reaches"),
        ("/transposed?cell=output.0.1.2", "output", 0, 6, "30 ="),
    ],
)
def test_the_cell_that_a_link_pins_is_the_one_that_is_marked(link, grid, channel, cell, told):
    taken = taken_of_link(f"http://x{link}")
    panel = taken.stages[0]
    assert [panel["selected"][name] for name in ("grid", "channel", "cell")] == [grid, channel, cell]
    root = ET.fromstring(FORMATS["svg"].make(taken, {"width": 1280}))
    equation = next(g for g in root.iter(f"{SVG}g") if (g.get("class") or "").endswith("equation"))
    assert "".join(equation.itertext()).startswith(told)


@pytest.mark.parametrize(("view", "there"), [("matrix", True), ("layer", False), ("views", False)])
def test_matrices_are_shown_where_they_are_what_is_looked_at(view, there):
    page = taken_of_link("http://x/transposed", view=view)
    assert (b"base-operator" in FORMATS["moving_svg"].make(page, {"steps": 1})) == there


def test_large_maps_are_as_sharp_in_browsers_as_in_the_other_formats():
    drawn = FORMATS["svg"].make(
        taken_of_link("http://x/playground?input_size=24&padding=1&in_channels=3"), {"width": 640}
    )
    assert b'image-rendering="optimizeSpeed" style="image-rendering:pixelated"' in drawn


@pytest.mark.parametrize("page", ["playground", "transposed", "transposed-matrix"])
def test_of_two_layers_one_can_be_chosen(page):
    prefix = "" if page == "playground" else "ct_"
    kind = "conv" if page == "playground" else "transposed"
    link = f"http://x/{page}?{prefix}input_size=5&{prefix}against=kind%3D{kind}%26kernel_size%3D2%26input_size%3D4"
    for side, size, kernel in (("a", 4, 2), ("b", 5, 3)):
        spec = taken_of_link(link, side=side).scene.spec
        assert (spec.kind, spec.input_size, spec.kernel_size) == (kind, (size, size), (kernel, kernel))


@pytest.mark.parametrize(
    ("link", "asked", "spec"),
    [
        ("padding=1&kernel_size=2", "--kernel-size 3", LayerSpec(kernel_size=3, padding=1, bias=False)),
        ("kernel_size_h=2", "--kernel-size 1", LayerSpec(kernel_size=1, bias=False)),
        ("kernel_size_h=2", "--stride 2,1", LayerSpec(kernel_size=(2, 3), stride=(2, 1), bias=False)),
        (
            "padding_mode=reflect&padding=1",
            "--kind max_pool",
            LayerSpec("max_pool", kernel_size=3, stride=1, padding=1),
        ),
        ("against=kernel_size%3D2", "--input-size 6 --side a", LayerSpec(input_size=6, kernel_size=2, bias=False)),
        ("against=kernel_size%3D2", "--input-size 6 --side b", LayerSpec(input_size=6, kernel_size=3, bias=False)),
    ],
)
def test_settings_beside_a_link_change_its_layer(link, asked, spec, tmp_path):
    assert main(["--link", f"http://x/playground?{link}", *asked.split(), str(tmp_path / "out.ipynb")]) == 0
    told = (tmp_path / "out.ipynb").read_text()
    assert spec.to_code() in told
    assert "http://x" not in told


def test_numbers_beside_a_link_are_taken_in_place_of_its_own():
    scene = taken_of_link("/playground?x=1.2.2~1_2_3_4&seed=3", own={"input": "checkerboard"}).scene
    assert (scene.input, scene.seed) == ("checkerboard", 3)


@pytest.mark.parametrize(("name", "spec"), POOLED.items())
def test_a_link_to_the_lesson_on_pooling_brings_its_worked_example(name, spec):
    taken = taken_of_link("http://x/feature-maps-pooling?" + urlencode({"fm_example": name}))
    assert taken.scene == Scene(spec)
    assert taken.height == 380


def test_a_link_to_a_stack_brings_its_layers_and_its_unit():
    drawn = taken_of_link("http://x/receptive-field?dims=1-D&layers=c2+c3s2&size=11&unit=1.4")
    assert [one["shape"] for one in drawn.drawing["grids"]] == [[1, 11], [1, 10], [1, 4]]
    assert drawn.drawing["selected"] == {"grid": "map1", "channel": 0, "cell": 4}
    assert "nn.Conv1d(16, 16, kernel_size=3, stride=2" in drawn.script()[1]


def test_help_lists_what_a_setting_takes(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    for words in (", ".join(KINDS), "nearest, nearest-exact, linear", "zeros, reflect, replicate", "yes, no; default"):
        assert words in told
    assert all(f"{one.name}: {one.label}, .{one.ending}" in told for one in FORMATS.values())
    assert "transparent (svg, png, webp, moving_svg, apng, frames), auto (html)" in told


def test_what_a_bare_link_means_is_what_the_page_shows():
    from pages import _lessons
    from pages.transposed import _shared

    page = ast.parse((ROOT / "pages" / "cost" / "separable.py").read_text())
    bare = next(ast.literal_eval(n.value) for n in page.body if isinstance(n, ast.Assign) and n.targets[0].id == "BARE")
    editors = {"transposed": _shared.EDITOR.layer, "cost-separable": LayerEditor("ds_", "depthwise_separable", bare)}
    for path, (prefix, _) in PAGES.items():
        assert path in _lessons.BY_PATH
        editor = editors.get(path, LayerEditor())
        assert scene_of(settings_of_link(f"/{path}")).spec == editor.of_link({})[0]
        assert prefix == editor.prefix


def test_a_batch_makes_what_it_can(tmp_path, capsys):
    table = tmp_path / "configs.csv"
    table.write_text('file,kernel-size,input_size,theme\na.gif,2,3,dark\nb.svg,"1,2","2,3",\nc.gif,9,4,\n')
    assert main(["--batch", str(table), "--out", str(tmp_path / "out")]) == 2
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["a.gif", "b.svg"]
    told = capsys.readouterr().err.splitlines()
    assert [re.match(r"\d of 3: \w\.\w+", one)[0] for one in told] == [
        "1 of 3: a.gif",
        "2 of 3: b.svg",
        "3 of 3: c.gif",
    ]
    assert "does not fit" in told[2]
    dark = Image.open(io.BytesIO((tmp_path / "out" / "a.gif").read_bytes())).convert("RGB")
    assert dark.getpixel((2, 2)) == (17, 21, 28)


def test_a_batch_keeps_folders_and_reads_semicolons(tmp_path):
    table = tmp_path / "configs.csv"
    table.write_text("file;kernel-size\none/a.svg;1\ntwo/a.svg;2,2\n")
    assert main(["--batch", str(table), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/one/a.svg").read_bytes() != (tmp_path / "out/two/a.svg").read_bytes()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (b"file\na.svg\nb/../a.svg\n", "rows 1 and 2 name the same file"),
        (b"file\na.svg\n../b.svg\n", "row 2 leads out of the folder"),
        (b"file,seed\na.svg,1\n,2\n", "row 2 names no file"),
        (b"file,title\na.svg,Gr\xf6\xdfe\n", "configs.csv is not written in UTF-8"),
    ],
)
def test_a_batch_that_would_lose_a_row_makes_nothing(rows, told, tmp_path, capsys):
    table = tmp_path / "configs.csv"
    table.write_bytes(rows)
    assert main(["--batch", str(table), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_of_a_link_that_does_not_fit_the_nearest_layer_is_drawn(tmp_path, capsys):
    out = tmp_path / "a.svg"
    assert main(["--link", "/playground?kernel_size=5", str(out)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("kernel_size: ")
    assert said[0].endswith("The nearest layer is taken.")
    assert taken_of_link("/playground?kernel_size=5").scene.spec == LayerEditor().of_link({"kernel_size": ["5"]})[0]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("/playground?cell=output.0.9.9", "cell: “output.0.9.9” is no cell of this layer: it is left out; write"),
        ("/transposed?cell=7", "cell: “7” is no cell of this layer: it is left out; write"),
        ("/receptive-field?unit=9.1.1", "unit: “9.1.1” names no unit of this stack: the middle one is selected."),
    ],
)
def test_a_cell_that_a_link_names_and_the_layer_has_not_is_left_out_as_on_the_page(link, told, capsys):
    drawn = taken_of_link(link).drawing
    assert capsys.readouterr().err.startswith(told)
    assert drawn == taken_of_link(link.partition("?")[0]).drawing


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("receptive-field?stack=c3-c3-c3&algebra=true", "“stack” is not a setting of this page: it is left out."),
        (
            "playground?kernel=2&present=1&ask=none&against=",
            "“kernel” is not a setting of this page: it is left out. "
            "Perhaps you mean “kernel_size” or “kernel_size_d”.",
        ),
    ],
)
def test_what_is_no_setting_of_a_links_page_is_told_as_there(link, told, capsys, tmp_path):
    assert main(["--link", f"https://x/{link}", str(tmp_path / "a.svg")]) == 0
    assert capsys.readouterr().err.splitlines()[0] == told
    path, _, query = link.partition("?")
    app = opened(BY_PATH[path].file, **dict(parse_qsl(query, keep_blank_values=True)))
    assert [one.value for one in app.warning] == [state.literal(told)]


@pytest.mark.parametrize("page", BESIDES)
def test_the_settings_of_a_links_page_are_those_that_it_declares(page):
    book = opened(BY_PATH[page].file, ask="none").session_state["_book"]
    assert sorted(settings_of_page(page)) == sorted(name for one in book.settings for name in one.names)


def test_a_title_is_text_whatever_stands_in_it(tmp_path):
    assert main(["--title", "\0\x1b[31m<b>&", str(tmp_path / "a.svg")]) == 0
    assert ET.parse(tmp_path / "a.svg").getroot().find(f"{SVG}title").text == "[31m<b>&"


@pytest.mark.parametrize("link", ["/playground", "/playground?against=kernel_size%3D2"])
def test_documents_have_the_title_that_is_asked_for(link, tmp_path):
    for name in ("sheet.html", "formulas.tex"):
        form = ["--format", "worksheet"] if name == "sheet.html" else []
        assert main(["--link", link, "--title", "Week 3 & 4", *form, str(tmp_path / name)]) == 0
    assert "<h1>Week 3 &amp; 4" in (tmp_path / "sheet.html").read_text()
    assert r"\subsection*{Week 3 \& 4}" in (tmp_path / "formulas.tex").read_text()


def test_an_empty_link_is_refused(tmp_path, capsys):
    assert main(["--link", "", str(tmp_path / "a.svg")]) == 2
    assert capsys.readouterr().err == "link: it is empty: give the link that was shared.\n"


def test_the_first_format_of_an_ending_is_meant(tmp_path):
    assert format_of(tmp_path / "x.SVG", None).name == "svg"
    assert format_of(tmp_path / "x.svg", "moving_svg").name == "moving_svg"


def test_a_file_of_another_ending_is_not_written_over_it(tmp_path):
    with pytest.raises(ValueError, match=r"^y\.png: a file of the format gif ends in \.gif\.$"):
        format_of(tmp_path / "y.png", "gif")


def test_a_narrow_stack_has_its_titles_inside(tmp_path):
    out = tmp_path / "stack.svg"
    assert main(["--link", "/receptive-field?layers=c3s2p1+c3p1+t4s2p1&size=11", "--width", "640", str(out)]) == 0
    root = ET.fromstring(out.read_bytes())
    titles = {g.get("class"): g for g in root.iter(f"{SVG}g") if (g.get("class") or "").startswith("title-map")}
    assert len(titles) == 4
    last = titles["title-map3"]
    left = float(re.search(r"translate\(([\d.]+)", last.get("transform"))[1])
    words = ["".join(text.itertext()) for text in last.iter(f"{SVG}text")]
    assert words == ["3 (transposed 4×4, ×2)", "12×12"]
    letters = json.loads((ROOT / "viz" / "export" / "font" / "metrics.json").read_text())["600"]
    assert left + sum(letters[c] for c in words[0]) * 14 / 1000 <= 640


def test_the_field_grows_layer_by_layer(tmp_path):
    drawn = Picture(taken_of_link("/receptive-field?layers=c3+c3+c3&size=11").drawing, Look())
    assert drawn.walk("layers", 9) == 3
    told = []
    for step in range(3):
        drawn.go(step)
        root = ET.fromstring(drawn.svg())
        equation = next(g for g in root.iter(f"{SVG}g") if g.get("class") == "equation")
        told.append("".join(equation.itertext()))
    assert [int(re.search(r"(\d+)(?: cells)? of Input", one)[1]) for one in told] == [9, 25, 49]


def test_documents_of_two_layers_hold_both(tmp_path, capsys):
    link = "https://example.org/playground?input_size=6&against=input_size%3D5"
    for ending in ("ipynb", "tex"):
        assert main(["--link", link, str(tmp_path / f"both.{ending}")]) == 0
        told = (tmp_path / f"both.{ending}").read_text()
        assert told.index("to 1 channel of 9 cells") < told.index("to 1 channel of 16 cells")
    assert main(["--link", link, str(tmp_path / "both.csv")]) == 2
    assert "Two layers are compared: take one of them, A or B." in capsys.readouterr().err
    assert main(["--link", link, "--side", "a", str(tmp_path / "a.csv")]) == 0
