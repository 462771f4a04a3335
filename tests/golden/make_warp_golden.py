"""Writes `warp.npz`: what TensorFlow Addons' warp makes of small inputs.

`tfa.image.dense_image_warp` is the independent witness of our
`backward_warp`. It needs TensorFlow 2.15 and Keras 2, so it runs here, in an
environment of its own (`make warp-golden`), and the tests read the file.

The file keeps OUR convention: flow is (dx, dy) and added. TF Addons takes
(dy, dx) and subtracts, so the flow is turned and negated on the way in, and
its gradient on the way out. Both clamp: outside the image the nearest border
pixel counts, and the gradient with respect to that part of the flow is 0.

Each case NAME gives five float32 arrays:

| key | shape | meaning |
| --- | --- | --- |
| NAME/image | [B, H, W, C] | in [0, 1], multiples of 1/256 |
| NAME/flow | [B, H, W, 2] | (dx, dy), odd multiples of 1/128: between pixels |
| NAME/warped | [B, H, W, C] | the warped image |
| NAME/image_gradient | [B, H, W, C] | of sum(warped**2) / 2 |
| NAME/flow_gradient | [B, H, W, 2] | the same, as (dx, dy) |

Flow between pixels only: on a pixel the bilinear weights have a kink, and any
slope between left and right is right. The inputs are exact in binary, so that
a few rounding errors of the sums are all that may differ.
"""

import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

PATH = pathlib.Path(__file__).with_name("warp.npz")
# name: shape of the image, largest flow in pixels
CASES = {
    "inside": ((1, 5, 7, 1), 1.5),
    "odd_sizes": ((1, 9, 6, 3), 4.0),
    "batch": ((3, 4, 6, 2), 3.0),
    "channels": ((2, 6, 5, 5), 3.0),
    "outside": ((2, 6, 9, 3), 25.0),
    "two_by_two": ((1, 2, 2, 1), 2.0),
}


def main() -> None:
    """Computes all cases and writes the file."""
    tf.get_logger().setLevel("ERROR")  # each shape is traced anew: wanted
    arrays = {}
    for seed, (name, (shape, max_flow)) in enumerate(CASES.items()):
        image, flow = random_inputs(seed, shape, max_flow)
        results = warp_with_gradients(image, flow)
        for key, value in {"image": image, "flow": flow, **results}.items():
            arrays[f"{name}/{key}"] = value
    np.savez_compressed(PATH, **arrays)
    print(f"{PATH.name}: {len(CASES)} cases, {PATH.stat().st_size} bytes")


def random_inputs(
    seed: int, shape: tuple[int, int, int, int], max_flow: float
) -> tuple[np.ndarray, np.ndarray]:
    """An image and a flow in our convention, exact in binary."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 257, shape) / 256
    limit = int(max_flow * 64)
    flow = (2 * rng.integers(-limit, limit, (*shape[:3], 2)) + 1) / 128
    return image.astype(np.float32), flow.astype(np.float32)


def warp_with_gradients(
    image: np.ndarray, flow: np.ndarray
) -> dict[str, np.ndarray]:
    """TF Addons' warp and its gradients, in our convention."""
    image = tf.constant(image)
    tfa_flow = tf.constant(-flow[..., ::-1])
    with tf.GradientTape() as tape:
        tape.watch([image, tfa_flow])
        warped = tfa.image.dense_image_warp(image, tfa_flow)
        energy = tf.reduce_sum(warped**2) / 2
    image_gradient, flow_gradient = tape.gradient(energy, [image, tfa_flow])
    return {
        "warped": warped.numpy(),
        "image_gradient": tf.convert_to_tensor(image_gradient).numpy(),
        "flow_gradient": -flow_gradient.numpy()[..., ::-1],
    }


if __name__ == "__main__":
    main()
