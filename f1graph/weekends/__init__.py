"""Running a season: what is due, fetch it, forecast it, score it. Knows no queue."""
