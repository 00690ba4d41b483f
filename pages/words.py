"""All terms of the pages, each with its sentence, its picture, and the lesson that teaches it."""

from html import escape

import streamlit as st

from pages._lessons import BY_PATH
from viz.words import WORDS, Word, drawn


def entry(word: Word) -> str:
    """HTML of one term. Its heading is where a link to it leads."""
    lesson = BY_PATH[word.lesson]
    source = f' · <a href="{word.source[1]}">{escape(word.source[0])}</a>' if word.source else ""
    picture = drawn(word.picture) if word.picture else ""
    return (
        f'<section><h2 id="{word.anchor}">{escape(word.name)}</h2><p>{escape(word.means)}</p>{picture}'
        f'<p><small><a href="{lesson.url_path}">{escape(lesson.title)}</a>{source}</small></p></section>'
    )


st.title("Words", anchor=False)
st.markdown("What the pages call it, in one sentence each, with the lesson that shows it.")
entries = "".join(entry(word) for word in sorted(WORDS, key=lambda one: one.name.lower()))
st.markdown(f'<div class="glossary">{entries}</div>', unsafe_allow_html=True)
