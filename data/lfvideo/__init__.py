"""Frames of light-field videos (Wang et al. 2017), 8x8 views."""
