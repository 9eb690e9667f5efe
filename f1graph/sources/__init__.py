"""The outside world: the only code that knows FastF1, pandas, HTTP or F1DB's files."""
