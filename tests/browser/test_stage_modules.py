"""The modules of the stage that need no page: structure, equation, layout, numbers as text. In the browser itself."""

import numpy as np
import pytest

from models import lab
from models.share import Scene
from models.spec import LayerSpec
from tests.browser.stage_harness import NAMES, conv_scene, scene
from tests.browser.support import new_context
from viz.components.files import FILES
from viz.components.stage import enc
from viz.scenes.four_views import four_views, matrices

SUMS = """({Scene}, data) => {
    const scene = new Scene(data), y = scene.last, found = [];
    for (let ch = 0; ch < y.C; ch++) for (let cell = 0; cell < y.n; cell++) {
        const [{link, groups}] = scene.terms(y, ch, cell);
        let sum = link.bias?.[ch] ?? 0;
        for (const {terms} of groups) for (const {x, w} of terms) sum += x * w;
        found.push([sum, y.values[ch * y.n + cell]]);
    }
    return found;
}"""
"""The number of each output cell, from its terms and as it is drawn."""

ORIGIN = "http://stage.test"
SCENES = [name for name in NAMES if name not in ("photo", "huge")]


@pytest.fixture(scope="module")
def js(browser):
    """``js("scene", "({decode}, x) => decode(x)", x)`` calls a function with what a module exports and an argument."""
    context = new_context(browser)
    page = context.new_page()

    def answer(route):
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        kind = "text/javascript" if name.endswith(".js") else "text/html"
        route.fulfill(body=FILES.get(name, b""), content_type=kind)

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/")

    def call(module, function, argument=None):
        return page.evaluate(
            f"async (argument) => ({function})(await import('/stage/{module}.js'), argument)", argument
        )

    yield call
    context.close()


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, -2, 0]),
        np.arange(64),
        np.arange(64) * 1000 - 5,
        np.linspace(-1, 1, 100),
        np.array([np.nan, np.inf, -np.inf] * 3),
        np.random.default_rng(0).normal(size=20_001),
        np.zeros(0),
    ],
    ids=["list", "u2", "i4", "f8", "odd", "f4", "empty"],
)
def test_what_python_encodes_is_decoded(js, array):
    found = js("scene", "({decode}, v) => Array.from(decode(v), String)", enc(array))
    exact = array.astype("f4").astype(float) if array.size > 20_000 else array
    np.testing.assert_array_equal(np.array(found, dtype=float), exact)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular", "replicate"])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (2, 3)])
def test_the_terms_of_a_cell_make_its_number(js, mode, stride, dilation):
    """Every output number is the sum over the terms that the structure names, plus the bias."""
    rng = np.random.default_rng(3)
    x, kernel = rng.integers(-4, 5, (2, 9, 8)), rng.integers(-3, 4, (6, 3, 2))
    data = conv_scene(x, kernel, bias=[1, 2, 3], stride=stride, dilation=dilation, pads=[(2, 1), (1, 2)], mode=mode)
    sums, shown = np.array(js("scene", SUMS, data)).T
    np.testing.assert_array_equal(sums, shown)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_terms_of_a_transposed_layer_make_its_numbers_in_every_view(js, dims):
    """Windows go to the browser axis by axis, weights and padded images by their index."""
    spec = LayerSpec(
        "transposed", dims, (5, 4, 3)[:dims], 4, 6, kernel_size=(3, 4, 2)[:dims], stride=2, padding=1, groups=2
    )
    found = lab.of(Scene(spec))
    shown = [*four_views(found)["panels"], *matrices(found, numbers=True, flat=False, colour="tap")["panels"]]
    assert sum("axes" in panel["links"][0] for panel in shown) == 5
    for panel in shown:
        sums, values = np.array(js("scene", SUMS, panel)).T
        np.testing.assert_allclose(sums, values, atol=1e-12)


@pytest.mark.parametrize("name", SCENES)
def test_who_reads_a_cell_is_who_says_to_read_it(js, name):
    """Both ways through a link name the same triples of position, source and tap."""
    there, back = js(
        "scene",
        """({Scene}, data) => {
            const scene = new Scene(data), there = [], back = [];
            scene.links.forEach((link, at) => {
                const into = (list, ...entry) => list.push([at, ...entry].join());
                for (let p = 0; p < link.L; p++) link.each(p, (s, t, e) => into(there, p, s, t, e));
                for (let s = 0; s < link.from.n; s++) link.eachInverse(s, (p, t, e) => into(back, p, s, t, e));
            });
            return [there.sort(), back.sort()];
        }""",
        scene(name),
    )
    assert there
    assert there == back


def test_drawn_and_real_cells(js):
    data = conv_scene(np.arange(12).reshape(1, 3, 4), np.ones((1, 2, 2), int), pads=[(1, 2), (2, 1)])
    drawn, back, padding = js(
        "scene",
        """({Scene, realToDrawn, realIndex, isPadding}, data) => {
            const g = new Scene(data).byId.input, drawn = [...Array(g.nreal).keys()].map((r) => realToDrawn(g, r));
            const padding = [...Array(g.n).keys()].filter((cell) => isPadding(g, cell));
            return [drawn, drawn.map((cell) => realIndex(g, cell)), padding];
        }""",
        data,
    )
    rows, columns = np.divmod(np.arange(12), 4)
    assert drawn == list((rows + 1) * 7 + columns + 2)
    assert back == list(range(12))
    assert padding == sorted(set(range(6 * 7)) - set(drawn))


EQUATION = """async ({equation}, [data, cell, options]) => {
    const {Scene} = await import("/stage/scene.js");
    const room = {terms: 12, chars: 190}, scene = new Scene(data);
    const said = equation(scene, {grid: "output", ch: 0, cell}, {channel: 0, tap: null, room, reads: "", ...options});
    const {body} = new DOMParser().parseFromString(`<p>${said.main}</p><p>${said.sub}</p>`, "text/html");
    return [...body.children].map((line) => line.textContent.replace(/\\s+/g, " ").trim());
}"""


def said(js, data, cell, **options):
    return js("equation", EQUATION, [data, cell, options])


def test_an_equation_names_every_term(js):
    main, sub = said(js, scene("a1"), 0)
    assert main == "122 = 4·1 + 5·4 + 8·1 + 1·1 + 8·4 + 8·3 + 3·3 + 6·3 + 6·1"
    assert sub == ""


def test_a_followed_term_gives_the_running_sum(js):
    assert said(js, scene("a1"), 0, tap=2)[1] == "24 + 8·1 = 32 after 3 of 9 terms"


def test_a_rounded_number_is_not_said_to_be_equal(js):
    assert " ≈ " in said(js, scene("floats"), 0)[0]


def test_a_number_that_is_not_its_sum_is_marked(js):
    data = scene("a1")
    data["grids"][2]["values"][0] = 121
    assert said(js, data, 0)[0].startswith("121 ≠ 4·1")


def test_what_has_no_room_is_counted(js):
    main, _ = said(js, scene("a1"), 0, room={"terms": 4, "chars": 190})
    assert main.endswith("… 5 more terms")
    assert main.count("·") == 4


@pytest.mark.parametrize(
    ("cell", "terms", "end"),
    [
        (0, 6, "= 4·4 + 5·3 + 1·3 + 8·1 + … 5 more are 0"),
        (0, 2, "= 4·4 + 5·3 + … 7 more, 5 are 0"),
        (5, 4, "= 4·1 + 5·4 + 8·1 + 1·1 + … 5 more terms"),
    ],
)
def test_zeros_of_padding_give_way(js, cell, terms, end):
    assert said(js, scene("zeros"), cell, room={"terms": terms, "chars": 190})[0].endswith(end)


def test_where_all_is_padding_its_zeros_are_told(js):
    data = conv_scene([[[5]]], [[[1, 2, 3]]], pads=[(0, 0), (3, 3)])
    assert said(js, data, 0, room={"terms": 1, "chars": 190})[0] == "0 = 0·1 + … 2 more are 0"


def test_a_script_in_a_title_stays_text(js):
    data = scene("channels")
    data["grids"][0]["planes"] = ["<img src=x>"] * 3
    assert "<img src=x>" in said(js, data, 0)[1]


LAID = """async ({Layout}, [data, width, height, phone, options]) => {
    const {Scene} = await import("/stage/scene.js");
    const scene = new Scene(data), layout = new Layout(scene, options);
    const room = layout.place(width, height, phone);
    const grids = scene.grids.map(({lay, count, D}) => ({...lay, d: count.d, D}));
    return {...room, flat: layout.flat, grids};
}"""


def laid(js, name, width=1000, height=500, phone=False, **options):
    return js("layout", LAID, [scene(name), width, height, phone, options])


@pytest.mark.parametrize("width", [700, 1000, 1400])
@pytest.mark.parametrize("name", SCENES)
def test_everything_has_room(js, name, width):
    found = laid(js, name, width)
    widths, heights = [g["w"] for g in found["grids"]], [g["h"] for g in found["grids"]]
    assert all(g["cell"] > 0 for g in found["grids"])
    if found["flat"]:
        assert max(widths) <= found["W"]
        assert sum(heights) <= found["wellH"]
    else:
        assert sum(widths) <= found["W"]
        assert max(heights) <= found["wellH"]


@pytest.mark.parametrize("name", SCENES)
def test_on_a_phone_nothing_is_wider_than_it(js, name):
    found = laid(js, name, 360, phone=True)
    assert max(g["w"] for g in found["grids"]) <= found["W"]


def test_more_room_never_makes_cells_smaller(js):
    for name in ("a1", "pad6", "mid", "causal", "lines"):
        least = [min(g["cell"] for g in laid(js, name, width)["grids"]) for width in range(640, 1500, 60)]
        assert least == sorted(least), name


def test_cells_of_one_scene_have_one_size_where_they_can(js):
    assert len({g["cell"] for g in laid(js, "a1")["grids"]}) == 1


def test_a_narrow_frame_shows_fewer_planes_and_larger_cells(js):
    wide, narrow = laid(js, "volume", 500), laid(js, "volume", 500, narrow=True, gaps=[24, 8], chrome=88)
    assert all(g["d"] == g["D"] for g in wide["grids"])
    assert min(g["cell"] for g in narrow["grids"]) > min(g["cell"] for g in wide["grids"])


@pytest.mark.parametrize(("width", "phone"), [(1000, False), (360, True)])
def test_lines_of_several_channels_are_named_beside_them_and_stay_aligned(js, width, phone):
    leads = {g["lead"] for g in laid(js, "lines", width, phone=phone)["grids"]}
    assert len(leads) == 1
    assert 30 < leads.pop() < (60 if phone else 90)
    assert {g["lead"] for g in laid(js, "causal", width, phone=phone)["grids"]} == {0}


def test_planes_that_are_not_shown_get_steppers(js):
    found = js(
        "layout",
        "({steppers}, grids) => grids.map((g) => steppers(g).join(''))",
        [{"C": 3, "D": 2, "count": {"c": c, "d": d}} for c, d in ((3, 2), (1, 2), (3, 1), (1, 1))],
    )
    assert found == ["", "c", "d", "cd"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-3, "−3"), (0.999, "0.999"), (0.9999, "1.0"), (1234.5, "1235"), (1e7, "1.0e7"), (-0.0004, "−4.0e-4")],
)
def test_numbers_as_text(js, value, text):
    assert js("words", "({number}, v) => number(v)", value) == text


@pytest.mark.parametrize(("value", "text"), [("NaN", "NaN"), ("Infinity", "∞"), ("-Infinity", "−∞")])
def test_what_is_no_number_as_text(js, value, text):
    assert js("words", "({number}, v) => number(Number(v))", value) == text
