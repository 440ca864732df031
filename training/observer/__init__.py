"""The observer's training: landmarks and occluder mask of a face that may be covered."""
