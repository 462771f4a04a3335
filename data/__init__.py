"""Builders that prepare data sets: one folder each, in TFDS's own layout."""
