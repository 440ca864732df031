"""Runs `python -m livefill`."""

from livefill.cli import main

main()
