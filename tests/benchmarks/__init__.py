"""What `make bench` measures: each number beside something else, measured in the same run."""
