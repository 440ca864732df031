"""Runs the command, and `python -m livefill`."""

from livefill.interrupt import stoppable

__all__ = ["main"]


def main() -> None:
    """Run the command. It can be interrupted from here on, while it is loaded too."""
    with stoppable():
        from livefill import cli

        cli.main()


if __name__ == "__main__":
    main()
