"""What a server runs: a SavedModel's functions, with their checks."""
