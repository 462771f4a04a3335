"""The network, one file per box of the paper's figure.

Reading order: `convolution`, `upsampler`, `flownet` (or `pyramid_flow` and
`observed_flow`, those of preset `lite`), `encoder`, `decoder`, `crossnet`.
May import `ops`.
"""
