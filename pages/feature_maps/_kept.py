"""What these lessons keep for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

from models.kept import Kept
from models.maps.activations import UnitView
from models.maps.equivariance import Outline, Still

REASONS: Kept[tuple[str, str]] = Kept(8 << 20, lambda shown: len(shown[0]))
"""The pictures of what speaks for a class, by gradient and by Grad-CAM, and the layer of the latter."""
COVERED: Kept[str] = Kept(8 << 20, len)
"""The picture of what covering place after place has shown."""
SANITY: Kept[dict] = Kept(8)
"""Pictures of each method while weights are drawn anew."""
CURVES: Kept[dict] = Kept(96)
"""Errors of a layer, and scores, motion by motion."""
OUTLINES: Kept[Outline] = Kept(32)
"""Shapes and receptive fields of networks, by the size of the picture."""
STANDING: Kept[Still] = Kept(24 << 20, lambda still: sum(one.nbytes for one in still.maps.values()))
"""Maps of a layer before the picture moves."""
MOVED: Kept[tuple[str, float]] = Kept(8 << 20, lambda shown: len(shown[0]))
"""What is shown of a motion, and the error."""
UNITS: Kept[UnitView] = Kept(8 << 20, lambda seen: seen.energy.nbytes)
"""What units saw."""
STEPS: Kept[tuple[str, list, str]] = Kept(8 << 20, lambda shown: len(shown[0]))
"""What is shown of a layer's answer, step by step."""
