"""Networks measured: against the truth, each other and the clock.

`measure` evaluates a run, `compare` several systems; `records` keeps what was
measured, `published` has the paper's numbers, `tables` writes Markdown, CSV
and LaTeX, `plot` draws PSNR against disparity, `page` makes one HTML file of
all, with crops to look into. May import `pairs`, `upscaling` and `metrics`.
"""
