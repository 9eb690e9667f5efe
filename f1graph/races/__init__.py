"""The vocabulary of the sport: plain records and rules. Imports nothing of ours but errors."""
