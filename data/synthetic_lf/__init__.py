"""Rendered light fields with ground-truth disparity; see README.md."""
