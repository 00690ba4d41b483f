"""Controls: the layer editor, its numbers, the picture."""
