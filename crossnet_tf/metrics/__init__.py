"""How close a picture is to the truth.

Each metric takes two NumPy pictures, `[H, W, 3]` or grey `[H, W]`, uint8 or
float in [0, 1], and returns a float. The protocol of the paper's tables:

- outputs are clipped and rounded to 8 bits, and no border is left out;
- PSNR is over all RGB samples, SSIM and IFC are on grey;
- large pictures are thinned out before SSIM (`ssim(..., thin_out=True)`; the
  usual SSIM, which tables show if nothing else is asked for, does not);
- a table shows the mean of the values per image.

Flow is measured by `end_point_error`, which has arguments of its own.

Float pictures are clipped. SSIM and IFC are defined on 8-bit grey and round
them, too; PSNR does not: give it `quantization.quantize(sr)` for published
numbers. May import nothing of the package.
"""

from crossnet_tf.metrics.end_point import end_point_error
from crossnet_tf.metrics.ifc import MIN_SIZE as IFC_MIN_SIZE
from crossnet_tf.metrics.ifc import ifc
from crossnet_tf.metrics.psnr import psnr
from crossnet_tf.metrics.ssim import MIN_SIZE as SSIM_MIN_SIZE
from crossnet_tf.metrics.ssim import ssim

__all__ = [
    "IFC_MIN_SIZE",
    "SSIM_MIN_SIZE",
    "end_point_error",
    "ifc",
    "psnr",
    "ssim",
]
