"""Measurements → what the stage draws."""
