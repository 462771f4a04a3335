"""Pictures of results: flow in colours, error maps, strips, panels.

NumPy in, NumPy or Pillow pictures out. May import nothing of the package.
"""
