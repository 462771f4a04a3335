"""Pictures in files: `headers` before pixels, `reading`, `writing`.

Inside the package a picture is RGB float32 in [0, 1]; this is where it comes
from and where it goes. `listing` finds files in folders, `formats` tells them
apart, `headers` checks what they claim, `decoding` and `encoding` turn bytes
(JPEG, PNG, ...) into pixels and back, `profiles` knows what numbers mean in
colours. A file is hostile until its header has been checked, and is replaced
in one step or not at all. Needs no TensorFlow. May import `ops`, `config` and
`atomic`.
"""

from crossnet_tf.config import MAX_PIXELS
from crossnet_tf.images.headers import ImageInfo
from crossnet_tf.images.picture import Picture
from crossnet_tf.images.reading import (
    decode_image,
    decode_picture,
    read_image,
    read_image_with_info,
    read_info,
    read_picture,
)
from crossnet_tf.images.writing import (
    check_output_path,
    encode_jpeg,
    encode_png,
    write_image,
    write_picture,
)

__all__ = [
    "MAX_PIXELS",
    "ImageInfo",
    "Picture",
    "check_output_path",
    "decode_image",
    "decode_picture",
    "encode_jpeg",
    "encode_png",
    "read_image",
    "read_image_with_info",
    "read_info",
    "read_picture",
    "write_image",
    "write_picture",
]
