"""Stereo pairs of your own, a folder per pair."""
