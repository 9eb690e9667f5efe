"""The edge to the terminal: each command is a few calls into the other packages."""

from f1graph.cli.app import main

__all__ = ["main"]
