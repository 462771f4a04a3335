"""Pictures of results, for people.

`colors` turns flow and errors into colours, `strips` puts labelled pictures
side by side, `panels` has the layout of that. NumPy in, NumPy or Pillow
pictures out. May import nothing of the package.
"""
