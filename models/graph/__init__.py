"""A network as nodes and edges: each operation with its shapes and costs, and blocks that can be folded away.

`read_graph` traces a network and measures it; `fold` says what is drawn of it while some of its groups are open.
Nothing here knows how it is laid out or painted.
"""

from models.graph.fold import Drawing, Frame, drawn_as, first_of, fold, names_of, opened_at_first
from models.graph.groups import Group
from models.graph.read import Broken, Edge, Graph, Node, read_graph
from models.graph.stages import ONE, Stage, side_by_side, stages
