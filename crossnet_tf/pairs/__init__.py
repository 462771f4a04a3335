"""From data to pairs: what is trained on, and what is measured on.

`datasets` opens what a user names, one class per kind (`light_field_pairs`,
`folders`, `motorcycle`, and `warps` of `layers`; `base` is what all are);
`pair` is a whole pair; `crops` makes training batches, which `geometry` cuts,
flips and turns, `color` recolours, and `wrong_ref` spoils. May import
`images` and `ops`.
"""
