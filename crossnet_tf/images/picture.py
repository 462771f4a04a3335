"""A picture with everything that a file says beside its pixels."""

import dataclasses

import numpy as np

from crossnet_tf.images.headers import ImageInfo


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture as a file holds it, upright.

    Attributes:
        rgb: `[H, W, 3]` float32 in [0, 1], in the colours of `profile`; grey
            pictures have three equal channels.
        info: what the header said.
        alpha: `[H, W]` float32 in [0, 1], 0 is transparent; None: opaque.
        grey: the file has a single channel beside alpha.
        profile: the ICC profile of `rgb`; empty: sRGB.
        exif: the EXIF block, as JPEG holds it; empty: none.
        xmp: the XMP block; empty: none.
        dpi: pixels per inch across and down; None: the file does not say.
        notes: what a user should know of how it was read, a line each.
    """

    rgb: np.ndarray
    info: ImageInfo
    alpha: np.ndarray | None = None
    grey: bool = False
    profile: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def bit_depth(self) -> int:
        """16 if the file has more than 8 bits per channel, else 8."""
        return 16 if self.info.bit_depth > 8 else 8

    def like(
        self, rgb: np.ndarray, alpha: np.ndarray | None = None
    ) -> "Picture":
        """Other pixels in this picture's colours, with its metadata."""
        return dataclasses.replace(self, rgb=rgb, alpha=alpha)
