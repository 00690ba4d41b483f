"""Sentences about what a link held."""

from hypothesis import given
from hypothesis import strategies as st

from models.spec import quoted
from viz.url import literal, near


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
