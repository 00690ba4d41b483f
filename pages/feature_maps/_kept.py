"""What these lessons keep for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

from models.kept import Kept

REASONS: Kept[dict] = Kept(8)
"""What speaks for a class, by gradient and by Grad-CAM."""
COVERED: Kept[tuple] = Kept(8)
"""What covering place after place has shown."""
SANITY: Kept[dict] = Kept(8)
"""Pictures of each method while weights are drawn anew."""
CURVES: Kept[dict] = Kept(24)
"""Errors of a layer, and scores, motion by motion."""
