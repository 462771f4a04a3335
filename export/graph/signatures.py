"""The functions that a SavedModel offers, with their checks in the graph.

| signature | inputs | outputs |
| --- | --- | --- |
| `serving_default` | `lr`, `ref` float32 in [0, 1] | `sr` float32 in [0, 1] |
| `uint8` | `lr`, `ref` uint8 | `sr` uint8 |
| `encoded` | `lr_bytes`, `ref_bytes`: PNG or JPEG files | `sr_bytes`: PNG |
| `flow` | `lr`, `ref` float32 | `flow_0` to `flow_3`, `warped_ref` |

Batch and sizes are free: `lr` is `[B, h, w, 3]`, `ref` `[B, s*h, s*w, 3]`,
files are `[B]` strings. TensorFlow Serving's REST interface sends strings in
base64 where the name ends in `_bytes`. A server has no Python to check
anything, so what does not fit, NaN included, fails inside the graph with
`tf.errors.InvalidArgumentError` and the reason.
"""

import tensorflow as tf

from crossnet_tf.model.base import System, named
from crossnet_tf.model.inputs import MIN_SIZE
from crossnet_tf.ops.warp import backward_warp

from . import encoded
from .encoded import require

# Full HD; a request of this size takes a few GB.
MAX_PIXELS = 2**21
# Float pictures that were resampled reach a little beyond [0, 1].
_LOWEST, _HIGHEST = -0.5, 1.5
_PNG_LEVEL = 1  # level 6 takes five times as long for 10 % smaller files


def make(
    network: tf.types.experimental.ConcreteFunction,
    scale: int,
    max_pixels: int = MAX_PIXELS,
) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """The signatures around a network.

    Args:
        network: what `network` returned.
        scale: HR size / LR size.
        max_pixels: HR pixels of a request, all its pictures together.
    """
    served = _Served(network, scale, max_pixels)
    floats, bytes_ = _image_specs(tf.float32), _image_specs(tf.uint8)
    files = {
        name: tf.TensorSpec([None], tf.string, name)
        for name in ("lr_bytes", "ref_bytes")
    }
    specs = {
        "serving_default": (served.super_resolve, floats),
        "uint8": (served.super_resolve_uint8, bytes_),
        "encoded": (served.super_resolve_files, files),
        "flow": (served.estimate_flow, floats),
    }
    return {
        name: tf.function(call).get_concrete_function(**arguments)
        for name, (call, arguments) in specs.items()
    }


def network(
    model: System,
) -> tf.types.experimental.ConcreteFunction:
    """The network as one graph for all sizes, without checks.

    Args:
        model: a built `CrossNet`.

    Returns:
        `(lr, ref)` to all outputs, by name.
    """

    def call(lr, ref):
        return named(model({"lr": lr, "ref": ref}, training=False))

    # Concrete: a polymorphic one would be traced, and stored, twice.
    function = tf.function(call, autograph=False)
    return function.get_concrete_function(**_image_specs(tf.float32))


def _image_specs(dtype: tf.DType) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec([None, None, None, 3], dtype, name)
        for name in ("lr", "ref")
    }


class _Served:
    """The network behind its checks."""

    def __init__(self, network, scale: int, max_pixels: int):
        self._network, self._scale = network, scale
        self._max_pixels = max_pixels

    def super_resolve(self, lr, ref):
        """Signature `serving_default`."""
        return {"sr": self._sr(lr, ref)}

    def super_resolve_uint8(self, lr, ref):
        """Signature `uint8`."""
        lr, ref = (tf.cast(image, tf.float32) / 255.0 for image in (lr, ref))
        return {"sr": _to_uint8(self._sr(lr, ref))}

    def super_resolve_files(self, lr_bytes, ref_bytes):
        """Signature `encoded`."""
        lr_bytes, ref_bytes = _vector(lr_bytes), _vector(ref_bytes)
        lr_size = encoded.sizes(lr_bytes, "lr_bytes", self._max_pixels)
        ref_size = encoded.sizes(ref_bytes, "ref_bytes", self._max_pixels)
        lr_shape = tf.concat([[tf.size(lr_bytes)], lr_size], axis=0)
        ref_shape = tf.concat([[tf.size(ref_bytes)], ref_size], axis=0)
        with tf.control_dependencies(self._fit(lr_shape, ref_shape)):
            lr_size, ref_size = tf.identity(lr_size), tf.identity(ref_size)
        lr = encoded.decode(lr_bytes, "lr_bytes", lr_size)
        ref = encoded.decode(ref_bytes, "ref_bytes", ref_size)
        sr = _to_uint8(self._sr(lr, ref))
        return {"sr_bytes": tf.io.encode_png(sr, _PNG_LEVEL)}

    def estimate_flow(self, lr, ref):
        """Signature `flow`."""
        lr, ref = self._checked(lr, ref)
        outputs = self._network(lr, ref)
        flows = {f"flow_{i}": outputs[f"flow_{i}"] for i in range(4)}
        warped = backward_warp(ref, flows["flow_0"])
        return {**flows, "warped_ref": tf.clip_by_value(warped, 0.0, 1.0)}

    def _sr(self, lr: tf.Tensor, ref: tf.Tensor) -> tf.Tensor:
        lr, ref = self._checked(lr, ref)
        outputs = self._network(lr, ref)
        return tf.clip_by_value(outputs["sr"], 0.0, 1.0)

    def _checked(
        self, lr: tf.Tensor, ref: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        lr, ref = (tf.ensure_shape(x, [None, None, None, 3]) for x in (lr, ref))
        rules = self._fit(tf.shape(lr)[:3], tf.shape(ref)[:3])
        for name, image in (("lr", lr), ("ref", ref)):
            # NaN is neither.
            inside = tf.reduce_all((image >= _LOWEST) & (image <= _HIGHEST))
            rule = (
                f"`{name}` must be in [0, 1], without NaN. "
                "Received: values from {} to {}."
            )
            span = tf.reduce_min(image), tf.reduce_max(image)
            rules.append(require(inside, rule, *span))
        with tf.control_dependencies(rules):
            return tf.identity(lr), tf.identity(ref)

    def _fit(self, lr: tf.Tensor, ref: tf.Tensor) -> list[tf.Operation]:
        """Checks two shapes `[3]`: batch, height, width."""
        scale = self._scale
        pixels = tf.reduce_prod(tf.cast(ref, tf.int64))
        received = "Received: lr {}, ref {} (batch, height, width)."
        fits = tf.reduce_all(ref == lr * [1, scale, scale])
        small = MIN_SIZE // scale
        return [
            require(
                fits,
                f"`ref` must be {scale} times as large as `lr`, with the "
                f"same batch. For this lr, ref must be {{}}. {received}",
                lr * [1, scale, scale],
                lr,
                ref,
            ),
            require(
                tf.reduce_all(lr >= [1, small, small]),
                f"`lr` must be at least {small} pixels high and wide and "
                f"the batch at least 1. {received}",
                lr,
                ref,
            ),
            require(
                pixels <= self._max_pixels,
                f"`ref` must have at most {self._max_pixels} pixels in all "
                f"its pictures; send tiles. {received}",
                lr,
                ref,
            ),
        ]


def _vector(files: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(files, [None])


def _to_uint8(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.floor(images * 255.0 + 0.5), tf.uint8)
