"""Things that cover a face, rendered with their alpha."""
