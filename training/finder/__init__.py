"""The finder's training: where in the whole picture there are faces, covered or not."""
