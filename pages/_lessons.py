"""The one list of lessons: the navigation, the home page and the frame around each lesson read it.

A new lesson is one file in a topic's folder and one entry here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """One page of the app."""

    file: str
    """The page's file, relative to this folder."""
    url_path: str
    """Where it lives: ``/<url_path>``. Part of every link that was ever shared, so it never changes."""
    section: str
    """The topic: its place in the navigation. The lessons of one topic stand beside each other."""
    title: str
    """What the navigation calls it."""
    question: str
    """The question that the page answers: its title."""
    icon: str
    """A Material symbol; the font ships with Streamlit."""
    line: str = ""
    """One line under the question: what there is to see."""
    hard: bool = False
    """Whether it asks for more than the other lessons of its topic."""

    @property
    def full(self) -> str:
        """Its title with its topic, of which the first steps are one themselves."""
        return self.title if self.title == self.section else f"{self.section}: {self.title}"


START = "Start here"
CONVOLUTION, TRANSPOSED, FIELDS, MAPS = "Convolution", "Transposed", "Receptive fields", "Feature maps"
COST = "Cost and blocks"

LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "start/steps.py",
        "start",
        START,
        "Start here",
        "What is a convolution?",
        ":material/flag:",
    ),
    Lesson(
        "convolution/playground.py",
        "playground",
        CONVOLUTION,
        "Playground",
        "What is one output number made of?",
        ":material/grid_on:",
    ),
    Lesson(
        "feature_maps/filters.py",
        "feature-maps",
        MAPS,
        "Filter bank",
        "What did this filter find?",
        ":material/filter_b_and_w:",
        "A map tells where in the picture, and how strongly.",
    ),
    Lesson(
        "feature_maps/walk.py",
        "feature-maps-walk",
        MAPS,
        "Walk through a network",
        "What does each layer make of the picture?",
        ":material/footprint:",
        "A network is a row of filter banks. Pick a layer, see all that it answers, and ask any unit what it saw.",
    ),
    Lesson(
        "feature_maps/decides.py",
        "feature-maps-decides",
        MAPS,
        "What decides",
        "Which pixels does the answer hang on?",
        ":material/target:",
        "A network gives each class a score. Three methods paint what speaks for one of them, and a check shows "
        "whether to believe the painting.",
        hard=True,
    ),
    Lesson(
        "feature_maps/pooling.py",
        "feature-maps-pooling",
        MAPS,
        "Pooling",
        "What does pooling keep, and what does it forget?",
        ":material/compress:",
    ),
    Lesson(
        "feature_maps/equivariance.py",
        "feature-maps-equivariance",
        MAPS,
        "Equivariance",
        "When the picture moves, does the map move with it?",
        ":material/open_with:",
        "If it does, the layer is *equivariant*. If an answer does not change at all, it is *invariant*: that is what "
        "the class should be.",
        hard=True,
    ),
    Lesson(
        "feature_maps/learn.py",
        "feature-maps-learn",
        MAPS,
        "Learn a kernel",
        "Can a layer find a filter from pictures alone?",
        ":material/school:",
    ),
    Lesson(
        "receptive_field/build.py",
        "receptive-field",
        FIELDS,
        "Build a stack",
        "How much of the picture does this unit see?",
        ":material/filter_center_focus:",
        "Every box here is traced from the layers, and measured on the real gradient.",
    ),
    Lesson(
        "receptive_field/effective.py",
        "receptive-field-effective",
        FIELDS,
        "What it really uses",
        "How much of its field does a unit really use?",
        ":material/blur_on:",
        hard=True,
    ),
    Lesson(
        "receptive_field/growth.py",
        "receptive-field-growth",
        FIELDS,
        "Ways to grow it",
        "What does a larger field cost?",
        ":material/open_in_full:",
    ),
    Lesson(
        "receptive_field/networks.py",
        "receptive-field-networks",
        FIELDS,
        "Real networks",
        "How far does a unit of a real network see?",
        ":material/account_tree:",
    ),
    Lesson(
        "receptive_field/your_network.py",
        "your-network",
        FIELDS,
        "Your network",
        "Do the layers of your network fit, and what do they see?",
        ":material/code_blocks:",
    ),
    Lesson(
        "cost/ways.py",
        "cost",
        COST,
        "Same job, other layers",
        "What else could do this layer's work, and for less?",
        ":material/balance:",
    ),
    Lesson(
        "cost/kernel.py",
        "cost-kernel",
        COST,
        "Column times row",
        "Can this kernel be split?",
        ":material/call_split:",
    ),
    Lesson(
        "cost/groups.py",
        "cost-groups",
        COST,
        "Groups",
        "What does a layer in groups no longer see?",
        ":material/workspaces:",
    ),
    Lesson(
        "cost/pointwise.py",
        "cost-pointwise",
        COST,
        "1×1",
        "What can a 1×1 kernel do at all?",
        ":material/filter_1:",
    ),
    Lesson(
        "cost/separable.py",
        "cost-separable",
        COST,
        "Depthwise separable",
        "Why is a MobileNet cheap, and what does it give up?",
        ":material/layers:",
    ),
    Lesson(
        "cost/mlp.py",
        "cost-mlp",
        COST,
        "MLP or convolution?",
        "Why not a dense layer?",
        ":material/apps:",
    ),
    Lesson(
        "cost/blocks.py",
        "blocks",
        COST,
        "Blocks",
        "What are networks built from, and what does each part cost?",
        ":material/schema:",
    ),
    Lesson(
        "cost/networks.py",
        "network-costs",
        COST,
        "Whole networks",
        "Where in a network are its weights, and where is its work?",
        ":material/account_tree:",
    ),
    Lesson(
        "transposed/views.py",
        "transposed",
        TRANSPOSED,
        "Four views",
        "What does a transposed convolution do?",
        ":material/zoom_out_map:",
    ),
    Lesson(
        "transposed/matrix.py",
        "transposed-matrix",
        TRANSPOSED,
        "Matrix",
        "What does the matrix of a transposed convolution look like?",
        ":material/table:",
        hard=True,
    ),
    Lesson(
        "transposed/sizes.py",
        "transposed-sizes",
        TRANSPOSED,
        "Output size",
        "Which of the sizes that meet was meant?",
        ":material/straighten:",
    ),
    Lesson(
        "transposed/checkerboard.py",
        "transposed-checkerboard",
        TRANSPOSED,
        "Checkerboard",
        "Why do some pixels get more than others?",
        ":material/background_grid_small:",
    ),
    Lesson(
        "transposed/compare.py",
        "transposed-compare",
        TRANSPOSED,
        "Compared",
        "Which way to enlarge a picture comes closest?",
        ":material/compare:",
    ),
    Lesson(
        "transposed/learn.py",
        "transposed-learn",
        TRANSPOSED,
        "Watch it learn",
        "Can a transposed convolution learn to enlarge?",
        ":material/model_training:",
        hard=True,
    ),
)
"""Topic by topic, in an order that a newcomer can follow."""

BY_PATH = {lesson.url_path: lesson for lesson in LESSONS}


def course() -> dict[str, list[Lesson]]:
    """Topic -> its lessons, all in an order that a newcomer can follow: in each topic the hard ones come last."""
    found: dict[str, list[Lesson]] = {one.section: [] for one in LESSONS}
    for lesson in sorted(LESSONS, key=lambda one: one.hard):
        found[lesson.section].append(lesson)
    return found


def topic(lesson: Lesson) -> list[Lesson]:
    """The lesson and its neighbours, in their order; the first has the topic's oldest address."""
    return [one for one in LESSONS if one.section == lesson.section]


def once_a_part(first: Lesson, name: str) -> Lesson | None:
    """The lesson that an old link calls a part of another one, ``/transposed?part=Matrix``; by its title or its file's
    name. Such links led to the first lesson of the topic."""
    spelled = {key: one for one in topic(first) for key in (one.title, one.file.split("/")[1].removesuffix(".py"))}
    return spelled.get(name)
