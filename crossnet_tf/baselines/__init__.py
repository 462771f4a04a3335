"""The systems that CrossNet is compared with, one file each.

`registry.build_model` makes any of them, CrossNet included; `patches` and
`luma` are what some of them share. May import `model` and `ops`.
"""
