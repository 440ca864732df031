"""The training of what weighs the evidence that a pixel of a face is covered."""
