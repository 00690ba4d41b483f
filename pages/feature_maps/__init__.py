"""The lessons on feature maps: what filters, layers and whole networks find in a picture."""
