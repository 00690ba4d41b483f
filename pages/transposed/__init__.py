"""The lessons on transposed convolutions."""
