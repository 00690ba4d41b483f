"""All terms of the pages, each with its sentence, its picture, and the lesson that teaches it."""

from html import escape

import streamlit as st

from pages._lessons import BY_PATH
from viz import state
from viz.state import Text
from viz.words import WORDS, Word, drawn

FIND = Text("find", "", "Find", "A term, or a word of what it means.")

# With the entries, not in the style of all pages: the browser goes to a term as soon as it is there, and nothing above
# may change its height after that.
STYLE = """<style>
.glossary { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1.25rem 2rem;
  max-width: calc(100vw - 2rem); }
.glossary h2 { padding: 0 0 0.2rem; font-size: 1.15rem; }
.glossary p { margin: 0 0 0.4rem; }
.glossary svg { max-width: 100%; }
</style>"""


def entry(word: Word) -> str:
    """HTML of one term. Its heading is where a link to it leads."""
    lesson = BY_PATH[word.lesson]
    source = f' · <a href="{word.source[1]}">{escape(word.source[0])}</a>' if word.source else ""
    picture = drawn(word.picture) if word.picture else ""
    return (
        f'<section><h2 id="{word.anchor}">{escape(word.name)}</h2><p>{escape(word.means)}</p>{picture}'
        f'<p><small><a href="{lesson.url_path}">{escape(lesson.title)}</a>{source}</small></p></section>'
    )


state.take(FIND)
st.title("Words", anchor=False)
st.markdown("What the pages call it, in one sentence each, with the lesson that shows it.")
asked = FIND.draw(width=300).strip().lower()
found = [word for word in WORDS if any(asked in text for text in (*word.spellings, word.means.lower()))]
entries = "".join(entry(word) for word in sorted(found, key=lambda one: one.name.lower()))
if not found:
    st.markdown("None of them says that.")
st.markdown(f'{STYLE}<div class="glossary">{entries}</div>', unsafe_allow_html=True)
