"""Other output sizes than the network's own."""

import dataclasses

import numpy as np
import pyvips


@dataclasses.dataclass(frozen=True)
class OutputSize:
    """The size that a user wants; zeros: the network's own.

    Attributes:
        scale: output size / LR size.
        width: pixels; with `height` 0, the height follows.
        height: likewise.
    """

    scale: float = 0.0
    width: int = 0
    height: int = 0

    def __post_init__(self) -> None:
        if self.scale and (self.width or self.height):
            raise ValueError(
                "Give `scale`, or `width` and `height`, not both. Received: "
                f"scale={self.scale}, width={self.width}, "
                f"height={self.height}."
            )

    def of(self, lr: tuple[int, ...], network_scale: int) -> tuple[int, int]:
        """(Rows, columns) for an LR of a shape."""
        rows, columns = lr[:2]
        if self.width or self.height:
            width = self.width or round(self.height * columns / rows)
            height = self.height or round(self.width * rows / columns)
            return max(height, 1), max(width, 1)
        scale = self.scale or network_scale
        return max(round(rows * scale), 1), max(round(columns * scale), 1)


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Antialiased cubic resizing.

    Args:
        pixels: `[H, W, C]` float32.
        size: rows and columns.

    Returns:
        `[*size, C]` float32; may leave [0, 1] beside edges.
    """
    if pixels.shape[:2] == tuple(size):
        return pixels
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    image = image.resize(
        size[1] / image.width, vscale=size[0] / image.height, kernel="cubic"
    )
    result = image.numpy().reshape(*image.numpy().shape[:2], -1)
    return np.asarray(_fitted(result, size), np.float32)


def _fitted(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Libvips rounds sizes: at most one row or column more or less."""
    pads = [(0, max(want - have, 0)) for want, have in zip(size, pixels.shape)]
    padded = np.pad(pixels, (*pads, (0, 0)), mode="edge")
    return padded[: size[0], : size[1]]
