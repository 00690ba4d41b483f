"""What is wrong with a network, and which changes would mend it: each of them tried before it is offered.

`advise` reads the network's graph, asks the tables of `models.advice.rules` for changes, makes each on a copy, and
sends the shape through that copy on the meta device. What does not run is not offered.
"""

from models.advice.rules import FAULTS, SILENT, advise, usual_size
from models.advice.trial import Advice, Repair
