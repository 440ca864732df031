"""Clips to train the generator on: synthetic people before a webcam, covered, as livefill's own tracker sees them."""
