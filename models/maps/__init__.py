"""What a network makes of a picture: maps of activations, filters, what decides, and what a shift changes."""
