"""Lessons on receptive fields."""
