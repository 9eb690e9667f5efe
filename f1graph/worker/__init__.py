"""The edge to arq: each job is one call into weekends."""
