"""The network, one file per box of the paper's figure.

`base` is what every system is, `inputs` what it gets. The figure: `upsampler`,
`flownet` (or `pyramid_flow` and `observed_flow`, those of preset `lite`),
`encoder`, `decoder`; then `detail` and `trust`, how far REF is believed; all
of it put together in `crossnet`. `quick` is the second small network, made of
`grid_flow` (with `grid_steps`, on the `grid`) and `half_fusion`. May import
`ops`.
"""
