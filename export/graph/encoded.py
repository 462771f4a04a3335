"""Decodes PNG and JPEG inside the graph, after reading their headers there.

A megabyte of PNG can fill gigabytes, and a server decodes what strangers
send. So the graph first reads size and kind from the first bytes of every
picture of the request, compares them with the limit and with each other, and
only then lets a decoder see them. What is refused becomes
`tf.errors.InvalidArgumentError` with a reason, INVALID_ARGUMENT on the wire.

PNG has 1 to 16 bits per sample, grey, palette or RGB; alpha if every pixel
is opaque (a palette's transparent entries become opaque). JPEG is grey or
RGB; its EXIF orientation is ignored, as the graph cannot turn pictures: the
client does so.

References: W3C "Portable Network Graphics (PNG) Specification", third
edition, section 11.2; ITU-T T.81 (JPEG), annex B.
"""

import tensorflow as tf

from crossnet_tf.images.headers import (
    JPEG_SIGNATURE,
    MAX_SCANS,
    PNG_SIGNATURE,
)

_PNG = PNG_SIGNATURE + b"\0\0\0\rIHDR"
_SHORTEST = 33  # a PNG's signature and header; no JPEG is as short
_START_OF_SCAN = (0xFF, 0xDA)
_PNG_TOP, _JPEG_TOP = 65535.0, 255.0
_COLOR_TYPE = 25  # where a PNG's header has it
_GREY_ALPHA, _RGB_ALPHA = b"\4", b"\6"


def require(
    condition: tf.Tensor, template: str, *values: object
) -> tf.Operation:
    """Fails at run time with a message unless `condition` holds.

    Args:
        condition: scalar boolean.
        template: the message, with `{}` for each of `values`.
        *values: tensors or numbers shown in it.

    Returns:
        The operation to make what follows depend on.
    """
    text = tf.strings.format(template, values) if values else template
    return tf.debugging.Assert(condition, [text])


def sizes(files: tf.Tensor, name: str, max_pixels: int) -> tf.Tensor:
    """Reads the headers of a batch of pictures that have one size.

    Args:
        files: `[B]` string, PNG or JPEG files.
        name: of the input, for messages.
        max_pixels: refuse larger pictures.

    Returns:
        `[2]` int32: height and width. Depends on all checks.
    """
    count = tf.size(files)
    rule = f"`{name}` must hold at least one picture."
    with tf.control_dependencies([require(count > 0, rule)]):
        files = tf.identity(files)
    every = tf.map_fn(
        lambda file: _size(file, name, max_pixels),
        files,
        fn_output_signature=tf.TensorSpec([2], tf.int32),
        parallel_iterations=1,
    )
    same = tf.reduce_all(every == every[:1])
    rule = f"`{name}`: all pictures of a request must have one size."
    with tf.control_dependencies([require(same, rule)]):
        return tf.identity(every[0])


def decode(files: tf.Tensor, name: str, size: tf.Tensor) -> tf.Tensor:
    """Decodes a batch whose headers `sizes` has accepted.

    Args:
        files: `[B]` string.
        name: of the input, for messages.
        size: what `sizes` returned, so that nothing is decoded before.

    Returns:
        `[B, H, W, 3]` float32 in [0, 1].
    """
    with tf.control_dependencies([size]):
        files = tf.identity(files)
    return tf.map_fn(
        lambda file: _decoded(file, name),
        files,
        fn_output_signature=tf.TensorSpec([None, None, 3], tf.float32),
        parallel_iterations=1,
    )


def _size(file: tf.Tensor, name: str, max_pixels: int) -> tf.Tensor:
    length = tf.strings.length(file)
    is_png, is_jpeg = (
        _starts_with(file, _PNG),
        _starts_with(file, JPEG_SIGNATURE),
    )
    known = (is_png | is_jpeg) & (length >= _SHORTEST)
    rule = f"`{name}` must be a PNG or JPEG file. Received: {{}} other bytes."
    with tf.control_dependencies([require(known, rule, length)]):
        file = tf.identity(file)
    size = tf.cond(
        is_png, lambda: _png_size(file), lambda: _jpeg_size(file, name)
    )
    # Sides are below 2**31, so the product fits into 64 bits.
    pixels = tf.reduce_prod(tf.cast(size, tf.int64))
    fits = tf.reduce_all(size > 0) & (pixels <= max_pixels)
    rule = (
        f"`{name}` must have at most {max_pixels} pixels; send tiles. "
        "Received: height and width {}."
    )
    with tf.control_dependencies([require(fits, rule, size)]):
        return tf.identity(size)


def _starts_with(file: tf.Tensor, prefix: bytes) -> tf.Tensor:
    return tf.equal(tf.strings.substr(file, 0, len(prefix)), prefix)


def _png_size(file: tf.Tensor) -> tf.Tensor:
    fields = tf.strings.substr(file, 16, 8)
    return tf.io.decode_raw(fields, tf.int32, little_endian=False)[::-1]


def _jpeg_size(file: tf.Tensor, name: str) -> tf.Tensor:
    shape = tf.image.extract_jpeg_shape(file)
    plain = (shape[2] == 1) | (shape[2] == 3)
    values = tf.io.decode_raw(file, tf.uint8)
    first, second = _START_OF_SCAN
    scans = (values[:-1] == first) & (values[1:] == second)
    scans = tf.reduce_sum(tf.cast(scans, tf.int32))
    rules = [
        require(plain, f"`{name}` must be grey or RGB, not CMYK."),
        require(
            scans <= MAX_SCANS,
            f"`{name}` must have at most {MAX_SCANS} scans. Received: {{}}.",
            scans,
        ),
    ]
    with tf.control_dependencies(rules):
        return tf.identity(shape[:2])


def _decoded(file: tf.Tensor, name: str) -> tf.Tensor:
    return tf.cond(
        _starts_with(file, JPEG_SIGNATURE),
        lambda: _jpeg(file),
        lambda: _png(file, name),
    )


def _jpeg(file: tf.Tensor) -> tf.Tensor:
    values = tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.cast(values, tf.float32) / _JPEG_TOP


def _png(file: tf.Tensor, name: str) -> tf.Tensor:
    color_type = tf.strings.substr(file, _COLOR_TYPE, 1)
    has_alpha = (color_type == _GREY_ALPHA) | (color_type == _RGB_ALPHA)
    values = tf.cond(
        has_alpha, lambda: _opaque(file, name), lambda: _png_values(file, 3)
    )
    return tf.cast(values, tf.float32) / _PNG_TOP


def _opaque(file: tf.Tensor, name: str) -> tf.Tensor:
    values = _png_values(file, 4)
    opaque = tf.reduce_all(values[..., 3] == int(_PNG_TOP))
    rule = f"`{name}` must not be transparent."
    with tf.control_dependencies([require(opaque, rule)]):
        return tf.identity(values[..., :3])


def _png_values(file: tf.Tensor, channels: int) -> tf.Tensor:
    # 8 bits become 16 as v * 257, and v * 257 / 65535 is v / 255 exactly.
    return tf.io.decode_png(file, channels, tf.uint16)
