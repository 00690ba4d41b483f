"""A prepared run as text."""

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import FileError
from models.prepared import LARGEST_FILE, MOST, Step, pack, read_file, unpack, write_file

PAGES = {"", "playground", "transposed"}

titles = st.text(min_size=1, max_size=100).filter(lambda text: text == text.strip() and text.isprintable())
settings = st.lists(st.builds("{}={}".format, st.sampled_from(["ask", "against"]), st.text("abc129%&=_~")), max_size=3)
pages = st.builds(
    lambda path, said: "?".join([path, *said]),
    st.sampled_from(sorted(PAGES)),
    settings.map("&".join).map(lambda said: [said] if said else []),
)
steps = st.builds(Step, titles, pages)


def read(reader) -> tuple[Step, ...] | str:
    """The run, or why there is none."""
    try:
        return reader()
    except FileError as error:
        return error.message


@given(st.lists(steps, max_size=8))
def test_link_and_file_are_read_back_as_they_were_written(run):
    assert unpack(pack(run), PAGES) == tuple(run)
    assert read_file(write_file(run).encode(), PAGES) == tuple(run)


@given(st.text(max_size=200))
def test_any_text_is_a_run_or_one_sentence(text):
    found = read(lambda: unpack(text, PAGES))
    assert found == () or (isinstance(found, str) and found.endswith(".") and "\n" not in found)


rows = st.dictionaries(st.sampled_from(["title", "page"]), st.none() | st.integers() | st.sampled_from(sorted(PAGES)))
trees = st.none() | st.integers() | st.text(max_size=5) | st.lists(rows | st.lists(st.text(max_size=3)) | st.integers())


@given(trees)
def test_any_tree_is_a_run_or_one_sentence(tree):
    packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(tree).encode())).decode()
    filed = json.dumps({"convscope_run": 1, "steps": tree}).encode()
    for found in (read(lambda: unpack(packed, PAGES)), read(lambda: read_file(filed, PAGES))):
        if isinstance(found, str):
            assert found.endswith(".")
        else:
            assert all(one.title and one.path in PAGES for one in found)


def test_a_small_text_that_unpacks_to_much_is_refused_before_it_is_unpacked():
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" + b" " * 100 * LARGEST_FILE + b"]", 9)).decode()
    with pytest.raises(FileError, match="no prepared run"):
        unpack(bomb, PAGES)


def test_too_many_steps_and_a_page_that_is_not_there():
    with pytest.raises(FileError, match=f"at most {MOST}"):
        unpack(pack([Step("a", "playground")] * (MOST + 1)), PAGES)
    with pytest.raises(FileError, match="Step 2 leads to “nowhere”"):
        unpack(pack([Step("a", "playground"), Step("b", "nowhere?x=1")]), PAGES)
    with pytest.raises(FileError, match="bytes"):
        read_file(b" " * (LARGEST_FILE + 1), PAGES)
