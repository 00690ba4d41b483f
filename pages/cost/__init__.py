"""Lessons on what a convolution costs, and on the blocks that are built to cost less."""
