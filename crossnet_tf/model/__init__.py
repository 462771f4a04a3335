"""The network, one file per box of the paper's figure.

Reading order: `resampling`, `convolution`, `warp`, `flow_estimator` (and
`pyramid_flow`, the small one of preset `lite`), `encoder`, `decoder`,
`upsampler`, `crossnet`.
"""
