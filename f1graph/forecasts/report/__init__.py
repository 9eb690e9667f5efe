"""A back-test as a page for people: every number is computed here from the file and the results."""
