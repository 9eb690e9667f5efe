"""Memory: the tables, and every question asked of them as a named function that returns records."""
