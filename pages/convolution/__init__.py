"""Lessons on one layer."""
