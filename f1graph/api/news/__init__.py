"""News as it happens: one reader of what is published, and the ways in which it is sent to subscribers."""
