"""A championship that never was, with known truth: to try the service without data, and to judge models."""

from f1graph.sources.invented.championship import InventedChampionship, InventedSource, championship
from f1graph.sources.invented.truth import RaceTruth, TrueProbabilities, Truth

__all__ = [
    "InventedChampionship",
    "InventedSource",
    "RaceTruth",
    "TrueProbabilities",
    "Truth",
    "championship",
]
