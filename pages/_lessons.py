"""The one list of lessons: the navigation and the home page both read it.

A new lesson is one file in this folder and one entry here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """One page of the app."""

    file: str
    """The page's file, relative to this folder."""
    url_path: str
    """Where it lives: ``/<url_path>``. Part of every link that was ever shared, so it never changes."""
    title: str
    """What the navigation calls it."""
    question: str
    """The question that the page answers."""
    icon: str
    """A Material symbol; the font ships with Streamlit."""


LESSONS: tuple[Lesson, ...] = (
    Lesson(
        file="convolution/playground.py",
        url_path="playground",
        title="Playground",
        question="What is one output number made of?",
        icon=":material/grid_on:",
    ),
    Lesson(
        file="transposed/_page.py",
        url_path="transposed",
        title="Transposed",
        question="How do we go from 2×2 back to 4×4?",
        icon=":material/zoom_out_map:",
    ),
    Lesson(
        file="receptive_field/_page.py",
        url_path="receptive-field",
        title="Receptive fields",
        question="How much of the picture does this unit see?",
        icon=":material/filter_center_focus:",
    ),
    Lesson(
        file="feature_maps/_page.py",
        url_path="feature-maps",
        title="Feature maps",
        question="What did this filter find?",
        icon=":material/filter_b_and_w:",
    ),
)
