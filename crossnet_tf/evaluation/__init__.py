"""Networks measured: against the truth, each other and the clock.

`compare` measures several systems, or one against bicubic upscaling, a `job`
at a time; `methods` finds them. `measure` scores one output, `records` keeps
each result, `averages` takes means. `report` writes all files: `tables`
(beside the `published` ones), `plot` (PSNR against disparity), and `page`,
one HTML file with crops to look into (`page_crops`, `template/`), made of
`outputs` that were kept. `timing` and `memory` watch the clock.
May import `pairs`, `upscaling` and `metrics`.
"""
