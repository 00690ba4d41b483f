"""The lessons: one file each, read from top to bottom as the lesson runs."""
