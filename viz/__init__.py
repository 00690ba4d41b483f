"""Arrays → pictures, and the controls that the lessons share."""
