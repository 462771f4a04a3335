"""Tensors in, tensors out: what has no weights and reads no file.

Each file is one operation with its formula. Pictures: `warp` and `cubic_warp`,
`resizing` (how LR is made), `resampling` (the same as convolutions),
`pyramids`, `windows`, `quantization`. Matching in closed form: `global_match`,
`lucas_kanade`, `epipolar`, `propagation`; what keeps it from being fooled:
`brightness`, `tone`, `softness`. `losses`; and `subgraph`, for pieces that
occur many times. May import `config`.
"""
