"""A user's pictures through a network: tiles, files, folders.

`upscaler` does one pair in bounded memory, `files` reads and writes. May
import `storage`, `images` and `drawing`.
"""
