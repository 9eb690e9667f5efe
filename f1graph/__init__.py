"""f1graph: Formula 1 facts, probabilistic forecasts and their scores as one GraphQL API."""

__version__ = "0.1.0"
