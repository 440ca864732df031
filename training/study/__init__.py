"""The comparison of arXiv 2402.09100, done anew: the same masks, data, time and measures for every method."""
