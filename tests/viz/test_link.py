"""Sentences about what a link held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import quoted
from viz.state import literal, near, whole


def test_a_slip_is_near_its_name_and_other_words_are_near_none():
    names = ("dims", "kernel_size", "in_channels", "out_channels", "padding", "stride")
    for slip, meant in {"ndim": "dims", "kernal": "kernel_size", "pad": "padding", "strides": "stride"}.items():
        assert near(slip, names) == [meant]
    assert near("channels", names) == ["in_channels", "out_channels"]
    assert near("utm_source", names) == near("", names) == near("_", names) == near("x", ()) == []


def test_quoted_text_is_no_markup():
    assert literal("“__class__” is none of `a`: it is left out.") == r"“\_\_class\_\_” is none of `a`: it is left out."
    assert literal('the name "__import__" is not allowed') == r'the name "\_\_import\_\_" is not allowed'


@given(st.text(max_size=60))
def test_foreign_text_stays_on_one_line(text):
    assert quoted(text).isprintable()
    assert len(quoted(text)) <= 42


@given(st.text(max_size=40) | st.integers().map(str), st.integers(-50, 50), st.integers(0, 100))
def test_any_text_gives_a_whole_number_or_a_sentence_that_quotes_it(text, low, span):
    read, told = whole(low, low + span), ""
    try:
        value = read(text)
    except ValueError as error:
        value, told = None, str(error)
    assert told.startswith(quoted(text)) if value is None else low <= value == int(text) <= low + span


@pytest.mark.parametrize("text", ["--5", "1e9", "٣", "²", "+1", "1_000", " 1", "", "9" * 40])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ValueError, match="is not a whole number from 1 to 9"):
        whole(1, 9)(text)
