"""The report of a comparison: records, tables, a plot and a page.

`records` keeps what was measured, `published` has the paper's numbers,
`tables` writes Markdown, CSV and LaTeX, `plot` draws PSNR against disparity,
`page` makes one HTML file of all, with crops to look into.
"""
