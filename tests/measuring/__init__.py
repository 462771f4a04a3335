"""Measures alignment and matching on pairs that a reader has; not a test.

`python -m tests.measuring.photographs --help` lists the suites. The pairs are
lines of a CSV file `name,hr,ref` with paths relative to it: HR and REF are
photographs of one scene. LR is made of HR, and REF or LR are distorted in
known ways.
"""
