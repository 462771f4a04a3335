"""Pictures in files, their size and their 8-bit grid.

Inside the package a picture is RGB float32 in [0, 1]; this is where it comes
from and where it goes:

- `read_image`, `write_image`: PNG and JPEG. A file is hostile until its header
  has been checked, and is replaced in one step or not at all.
- `make_lr`, `downscale`, `upscale_cubic`: how LR is made from HR, and the
  bicubic baseline.
- `quantize`, `to_uint8`: what 8 bits leave of a picture.
- `check_pair`: whether REF fits LR.
"""

from crossnet_tf.images.headers import MAX_PIXELS, ImageInfo
from crossnet_tf.images.quantization import quantize, to_uint8
from crossnet_tf.images.reading import (
    decode_image,
    read_image,
    read_image_with_info,
)
from crossnet_tf.images.resizing import (
    check_pair,
    downscale,
    make_lr,
    upscale_cubic,
)
from crossnet_tf.images.writing import (
    check_output_path,
    encode_jpeg,
    encode_png,
    write_image,
)

__all__ = [
    "MAX_PIXELS",
    "ImageInfo",
    "check_output_path",
    "check_pair",
    "decode_image",
    "downscale",
    "encode_jpeg",
    "encode_png",
    "make_lr",
    "quantize",
    "read_image",
    "read_image_with_info",
    "to_uint8",
    "upscale_cubic",
    "write_image",
]
