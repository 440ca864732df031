"""Training of the settler: where what is hidden lies."""
