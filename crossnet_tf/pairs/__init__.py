"""From data to pairs: what is trained on, and what is measured on.

`datasets` opens what a user names; `pair` makes whole pairs to measure on;
`crops` cuts training batches, turned and coloured by `geometry`, `color` and
`wrong_ref`. May import `images` and `ops`.
"""
