"""Video files: frames with their times in, frames beside their sound out.

`reading` decodes what players play, `orientation` turns it upright, `writing`
encodes in segments that survive a kill. May import `images` and `atomic`.
"""
