"""What predicts: torch and numpy; no database, no clock, no network."""
