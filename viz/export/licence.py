"""What each file that is taken away says of itself."""

MADE = "Made with ConvScope. Free for any use, no attribution needed."
