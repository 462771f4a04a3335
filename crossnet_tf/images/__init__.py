"""Pictures in files: `headers` before pixels, `reading`, `writing`.

Inside the package a picture is RGB float32 in [0, 1]; this is where it comes
from and where it goes. A file is hostile until its header has been checked,
and is replaced in one step or not at all. May import `ops` and `atomic`.
"""

from crossnet_tf.images.headers import MAX_PIXELS, ImageInfo
from crossnet_tf.images.reading import (
    decode_image,
    read_image,
    read_image_with_info,
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
    "decode_image",
    "encode_jpeg",
    "encode_png",
    "read_image",
    "read_image_with_info",
    "write_image",
]
