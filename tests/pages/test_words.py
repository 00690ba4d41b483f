"""The list of terms: each page links the first mention of each, and the glossary holds them all."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from torch import nn

from pages._lessons import BY_PATH, LESSONS
from tests.pages.support import SHELL, folds, moved, opened, plain, read, sound
from tests.pages.test_questions import EACH
from viz import words
from viz.words import WORDS, defined, mentions

PROSE = ("title", "header", "subheader", "markdown", "caption")
LINKED = re.compile(r"(?:\]\(|href=\")words#([\w-]+)")


def prose(app: AppTest) -> list[str]:
    """The page's text in its order: titles, paragraphs and captions, those among its figures too. Not the lines under
    a setting, which speak of settings: each of those has its help."""

    def walk(block) -> Iterator[str]:
        for one in block.children.values():
            if one.type in PROSE and not re.match(r"<|`\w+`:", one.value):
                yield one.value
            elif one.type == "bidi_component":
                html = json.loads(one.proto.json).get("html", "")
                yield from re.findall(r'<p class="cs-(?:text|agree)[^>]*>(.*?)</p>', html)
            elif hasattr(one, "children"):
                yield from walk(one)

    return list(walk(app.main))


def undefined(app: AppTest) -> list[tuple[str, str]]:
    """Terms that stand in the page's text before or without a link to what they mean."""
    known, found = set(), []
    for text in prose(app):
        known |= set(LINKED.findall(text))
        found += [
            f"{text[begins:ends]!r} in {text!r}" for begins, ends, anchor in mentions(text) if anchor not in known
        ]
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.url_path)
def test_each_term_is_a_link_to_its_meaning_where_a_page_first_mentions_it(lesson):
    app = sound(opened(lesson.file))
    assert undefined(app) == []
    if lesson_folds := folds(lesson.file):
        assert undefined(sound(opened(lesson.file, ask="none", **lesson_folds))) == []
    assert LINKED.search(" ".join(prose(app)))


@pytest.mark.parametrize(("page", "question"), EACH)
def test_so_it_is_while_a_question_waits_and_once_it_is_answered(page, question):
    app = sound(opened(BY_PATH[page].file, ask=question.name))
    assert undefined(app) == []
    app.button(key="reveal").click().run()
    assert undefined(sound(app)) == []


@pytest.mark.parametrize("step", range(1, 7))
def test_so_it_is_in_each_of_the_first_steps(step):
    assert undefined(sound(opened("start/steps.py", step=str(step)))) == []


def test_a_run_of_a_part_of_the_page_links_what_the_whole_run_did():
    app = opened("feature_maps/pooling.py")
    before = prose(app)
    app.run()
    assert prose(app) == before


@pytest.mark.parametrize("presented", [False, True])
def test_every_page_leads_to_the_glossary(presented):
    app = opened("convolution/playground.py", ask="none", **({"present": "1"} if presented else {}))
    pages = app.session_state["_book"].kept["sections"]
    assert list(pages)[-1] == "More"
    assert pages["More"][0].url_path == "words"
    if presented:
        menu = next(one for one in app.get("menu_button") if one.proto.label == "Pages")
        assert menu.proto.options[-1] == "Words"


def test_only_the_first_mention_in_a_run_is_a_link():
    words.begin()
    assert defined("A **Kernel** has `kernel` taps.") == "A **[Kernel](words#kernel)** has `kernel` [taps](words#tap)."
    assert defined("Kernels and biases, the kernel's bias.") == "Kernels and [biases](words#bias), the kernel's bias."
    words.begin()
    assert defined("kernels") == "[kernels](words#kernel)"


def test_code_formulas_links_and_icons_stay_as_they_are():
    words.begin()
    for text in (
        "Click or tap a cell",
        "`stride`",
        "$stride$",
        "[stride 2](playground)",
        ":material/filter:",
        "<b stride=1>",
        "kernel_size",
        "sub-layer",
    ):
        assert defined(text) == text
    assert defined("transposed convolution, then convolution").count("](") == 2


def test_each_term_has_one_entry_one_sentence_and_a_lesson():
    spellings = [spelling for word in WORDS for spelling in word.spellings]
    assert len(spellings) == len(set(spellings))
    assert len({word.anchor for word in WORDS}) == len(WORDS)
    for word in WORDS:
        assert word.lesson in BY_PATH, word.name
        assert re.fullmatch(r"[^a-z]*.*[^.]\.", word.means), word.name
        assert len(word.means) <= 200, word.name
        assert mentions(word.name)[0][2] == word.anchor
        assert word.source is None or word.source[1].startswith("https://")
    assert sum(bool(word.picture) for word in WORDS) > len(WORDS) / 2


def test_what_a_question_asks_is_not_in_the_definition_of_its_term():
    """How many rows and columns a matrix has, and which samples a causal layer reads, are asked."""
    means = {word.name: word.means for word in WORDS}
    assert not re.search(r"\brows?\b|columns|for each", means["matrix"])
    assert not re.search(r"past|future|earlier|later|before|after|depends", means["causal"])


def test_the_glossary_holds_them_all_with_their_lessons():
    app = moved(AppTest.from_file(SHELL, default_timeout=120).run(), "words.py")
    assert read(app.title) == ["Words"]
    html = app.markdown[-1].value
    for word in WORDS:
        entry = html.split(f'<h2 id="{word.anchor}">')[1].split("</section>")[0]
        assert word.means.replace("'", "&#x27;") in entry
        assert f'href="{word.lesson}"' in entry
        assert ("<svg" in entry) == bool(word.picture)
    assert html.count("<h2") == len(WORDS)


def test_the_glossary_finds_a_term_by_its_spellings_and_by_its_sentence():
    app = opened("words.py", find="logits")
    assert re.findall('<h2 id="([^"]*)"', app.markdown[-1].value) == ["score"]
    app.text_input(key="find").set_value("Holes").run()
    assert re.findall('<h2 id="([^"]*)"', sound(app).markdown[-1].value) == ["dilation"]
    app.text_input(key="find").set_value("<b>").run()
    assert "<h2" not in sound(app).markdown[-1].value


def test_the_list_holds_what_the_pages_say():
    """A term that no text of the app mentions is dead weight."""
    files = (path for folder in ("pages", "models", "viz") for path in (SHELL.parents[1] / folder).rglob("*.py"))
    texts = (path.read_text(encoding="utf-8") for path in files if path != Path(words.__file__))
    # Each by itself: what opens in one file would not end before another.
    plain_texts = (text.replace("`", "").replace("<", "").replace("[", "") for text in texts)
    used = {anchor for text in plain_texts for *_, anchor in mentions(text)}
    assert {word.name for word in WORDS if word.anchor not in used} == set()


CLASSES = {name for name in dir(nn) if isinstance(getattr(nn, name), type)}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.url_path)
def test_the_opening_of_a_page_names_no_class(lesson):
    # While its question waits, a page may say nothing under its title.
    title, *said = (plain(text) for text in prose(opened(lesson.file)))
    first = re.split(r"(?<=[.?:])\s", said[0])[0] if said else ""
    assert set(re.findall(r"\w+", f"{title} {first}")) & {"nn", "torch", *CLASSES} == set()


def strings(file: Path) -> Iterator[str]:
    """The texts that stand in Python code, without docstrings and what explains a constant."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_the_matrix_has_one_name_on_all_pages():
    """A matrix that is no other's is called so; not operator, and not by a letter alone where it first stands."""
    root = SHELL.parents[1]
    other = re.compile(r"\boperators?\b|as a matrix|convolution matrix", re.IGNORECASE)
    code = re.compile(r"models\.operator|^operator$|\.operator\b")
    found = [
        (file.name, text)
        for file in (*(root / "pages").rglob("*.py"), *(root / "viz").rglob("*.py"), *(root / "models").glob("*.py"))
        if file.name != "operator.py"  # it speaks to programs
        for text in strings(file)
        if other.search(code.sub("", text))
    ]
    assert found == []
    browser = [
        (file.name, text)
        for file in (*(root / "viz/components").rglob("*.js"), *(root / "viz/components").rglob("*.html"))
        for text in re.findall(r'["`]([^"`]*)["`]', file.read_text(encoding="utf-8"))
        if re.search(r"\bOperator\b|(?<=\s)operator\b(?!\.)", text)
    ]
    assert browser == []


@pytest.mark.parametrize(
    ("page", "titles"),
    [
        ("transposed/matrix.py", {"Matrix C", "Matrix Cᵀ"}),
        ("transposed/views.py", {"Matrix Cᵀ"}),
        ("convolution/playground.py", {"Matrix"}),
    ],
)
def test_a_matrix_on_the_stage_is_called_one(page, titles):
    sent = [json.loads(one.proto.json) for one in opened(page).get("bidi_component")]
    panels = [panel for one in sent for panel in one.get("panels", [one])]
    assert {panel["operator"]["title"] for panel in panels if panel.get("operator")} == titles
