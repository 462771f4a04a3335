"""What the sizes of LR and REF say about how they were meant."""

from collections.abc import Sequence

from crossnet_tf import config


def describe_sizes(
    lr_shape: Sequence[int], ref_shape: Sequence[int], scale: int
) -> str:
    """How REF's size differs from `scale` times LR's; empty if it does not.

    Args:
        lr_shape: `[h, w, ...]`.
        ref_shape: `[H, W, ...]`.
        scale: the network's.
    """
    (height, width), (ref_height, ref_width) = lr_shape[:2], ref_shape[:2]
    wanted = scale * height, scale * width
    if (ref_height, ref_width) == wanted:
        return ""
    said = f"REF is {ref_width}x{ref_height}, not {wanted[1]}x{wanted[0]}"
    if (height, width) == (ref_height, ref_width):
        return f"LR and REF both are {width}x{height}"
    if height >= 2 * ref_height and width >= 2 * ref_width:
        return f"{said}: LR and REF may be swapped"
    for other in config.SCALES:
        if (ref_height, ref_width) == (other * height, other * width):
            return f"{said}: both fit a network of scale {other}"
    return said


def refusal(
    lr_shape: Sequence[int], ref_shape: Sequence[int], scale: int, reason: str
) -> str:
    """The message for a REF that is of no use.

    Args:
        lr_shape: `[h, w, ...]`.
        ref_shape: `[H, W, ...]`.
        scale: the network's.
        reason: what was found.
    """
    said = describe_sizes(lr_shape, ref_shape, scale)
    height, width = lr_shape[:2]
    return (
        "REF must show what LR shows, in more detail. Received: "
        f"scale={scale}, LR {width}x{height}, REF {ref_shape[1]}x"
        f"{ref_shape[0]} (width x height); {said}; {reason}. A REF of "
        f"{scale * width}x{scale * height} would fit as it is."
    )
