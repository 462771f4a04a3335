"""Tensors in, tensors out: what has no weights and reads no file.

Warping and resizing, windows, the closed-form steps of matching, the losses.
Each file is one operation with its formula. May import `config`.
"""
