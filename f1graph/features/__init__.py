"""What a model sees: pure functions from a Past to named numbers, with a fingerprint."""
