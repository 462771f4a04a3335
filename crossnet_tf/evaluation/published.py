"""The paper's Table 1: PSNR / SSIM / IFC, REF at view (0,0).

Zheng et al., "CrossNet: An End-to-end Reference-based Super Resolution
Network using Cross-scale Warping", ECCV 2018. SS-Net has no x4 row.
"""

DATASETS = {"flower": "Flower", "lfvideo": "LFVideo"}
VIEWS = ("(1,1)", "(7,7)")

_COLUMNS = [(dataset, view) for dataset in DATASETS for view in VIEWS]
_ROWS = """
srcnn      4 32.76 0.89 2.46 32.96 0.90 2.49 32.98 0.86 2.07 33.27 0.86 2.08
vdsr       4 33.34 0.90 2.73 33.58 0.91 2.76 33.58 0.87 2.29 33.87 0.88 2.30
mdsr       4 34.40 0.92 3.04 34.65 0.92 3.07 34.62 0.89 2.62 34.91 0.90 2.63
patchmatch 4 38.03 0.97 5.11 35.23 0.94 3.85 38.22 0.95 4.60 37.08 0.94 3.99
crossnet   4 42.09 0.98 6.70 38.49 0.97 5.02 42.21 0.98 5.96 39.03 0.96 4.61
srcnn      8 28.17 0.77 0.98 28.25 0.77 1.00 29.43 0.75 0.82 29.63 0.76 0.82
vdsr       8 28.58 0.78 1.04 28.68 0.78 1.06 29.83 0.77 0.89 30.04 0.77 0.89
mdsr       8 29.15 0.79 1.17 29.26 0.80 1.19 30.43 0.78 1.04 30.65 0.79 1.05
patchmatch 8 35.26 0.95 4.00 30.41 0.85 2.07 36.72 0.94 3.81 34.48 0.91 2.84
ss_net     8 37.46 0.97 4.72 32.42 0.91 2.95 37.93 0.95 4.06 35.81 0.93 3.30
crossnet   8 40.31 0.98 5.74 34.37 0.93 3.45 41.26 0.97 5.22 36.48 0.93 3.43
"""


def _parsed() -> dict[tuple[str, int, str, str], tuple[float, float, float]]:
    values = {}
    for row in _ROWS.split("\n")[1:-1]:
        system, scale, *numbers = row.split()
        for i, (dataset, view) in enumerate(_COLUMNS):
            psnr, ssim, ifc = map(float, numbers[3 * i : 3 * i + 3])
            values[system, int(scale), dataset, view] = psnr, ssim, ifc
    return values


TABLE = _parsed()
"""(system, scale, data set, view) -> (PSNR, SSIM, IFC)."""


def columns(dataset: str) -> list[tuple[str, str]]:
    """Data set and view of the published columns to show beside a table.

    Args:
        dataset: what was measured; if the paper has it, its columns only.
    """
    same = [column for column in _COLUMNS if column[0] == dataset]
    return same or _COLUMNS
