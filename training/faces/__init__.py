"""Synthetic people: pictures of adults who do not exist, and the moves that keep them who they are."""
