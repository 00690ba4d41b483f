"""Which input pixels a unit sees: traced through a network's graph, and measured from its gradient.

The graph comes from `torch.fx`. Nothing is run: each node is read with the arithmetic of `axis`, one axis of
the image at a time, so a network may live on the meta device and an image may be as large as one likes. What cannot be
followed (attention whose tokens leave the grid, an unknown operation) is *unavailable*, with the reason, never a guess.

Sizes and jumps follow Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill
2019 (https://distill.pub/2019/computing-receptive-fields); transposed layers, unequal phases and exact borders go
beyond it.
"""

from models.errors import ReceptiveFieldError
from models.receptive_field.field import LayerField, LocalField, ReceptiveField
from models.receptive_field.probe import measure_field
from models.receptive_field.published import PUBLISHED, PublishedField
from models.receptive_field.trace import receptive_field, subnetwork
