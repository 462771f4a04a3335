"""Panels of a strip of pictures: sizing, details, labels, joining.

`strips.side_by_side` checks what it is given and lays it out with these.
Every panel is float32 RGB in [0, 1], `[H, W, 3]`. Pixels are repeated when a
panel grows, so that nobody takes smoothing for detail, and averaged when it
shrinks. The letters are those that Pillow brings.
"""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 6  # pixels between panels and around the strip
FRAME_COLOR = (1.0, 0.85, 0.0)
MIN_FONT_SIZE = 9

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def with_height(image: np.ndarray, height: int) -> np.ndarray:
    """Resizes to `height`, keeping the shape of things."""
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return resized(image, height, width)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Repeats pixels to grow, averages them to shrink."""
    if height < image.shape[0] or width < image.shape[1]:
        channels = [
            np.asarray(
                Image.fromarray(channel).resize(
                    (width, height), Image.Resampling.BOX
                )
            )
            for channel in np.ascontiguousarray(np.moveaxis(image, -1, 0))
        ]
        return np.stack(channels, -1)
    rows = np.arange(height) * image.shape[0] // height
    columns = np.arange(width) * image.shape[1] // width
    return image[rows[:, None], columns]


def with_detail(
    panel: np.ndarray, image: np.ndarray, crop: tuple[int, int, int, int]
) -> np.ndarray:
    """A panel with a frame around the crop, above the crop itself.

    Args:
        panel: `image` in the size that it is shown in.
        image: what the detail is cut out of.
        crop: (top, left, height, width) in pixels of `image`.

    Returns:
        A panel as wide as `panel`.
    """
    top, left, height, width = crop
    shown_width = panel.shape[1]
    detail = resized(
        image[top : top + height, left : left + width],
        max(1, round(height * shown_width / width)),
        shown_width,
    )
    gap = np.ones((GAP, shown_width, 3), np.float32)
    return np.vstack([_framed(panel, image.shape[0], crop), gap, detail])


def _framed(
    panel: np.ndarray, image_height: int, crop: tuple[int, int, int, int]
) -> np.ndarray:
    top, left, height, width = (
        round(value * panel.shape[0] / image_height) for value in crop
    )
    inside = np.s_[top : top + height, left : left + width]
    thick = max(1, panel.shape[0] // 120)
    framed = panel.copy()
    framed[
        max(0, top - thick) : top + height + thick,
        max(0, left - thick) : left + width + thick,
    ] = FRAME_COLOR
    framed[inside] = panel[inside]
    return framed


def labelled(
    columns: Sequence[np.ndarray], labels: Sequence[str]
) -> list[np.ndarray]:
    """Puts a bar with centred black text above each panel.

    All texts have one size: the largest in which each fits above its panel,
    and never less than `MIN_FONT_SIZE`; what still does not fit is cut.
    """
    widths = [column.shape[1] for column in columns]
    font = _fitting_font(labels, widths)
    height = max(_text_size(label, font)[1] for label in labels) + GAP
    return [
        np.vstack([_text_bar(label, width, height, font), column])
        for label, width, column in zip(labels, widths, columns)
    ]


def _fitting_font(labels: Sequence[str], widths: Sequence[int]) -> _Font:
    size = max(MIN_FONT_SIZE, 12, min(widths) // 16)
    font = ImageFont.load_default(size)
    while size > MIN_FONT_SIZE and any(
        _text_size(label, font)[0] > width
        for label, width in zip(labels, widths)
    ):
        size -= 1
        font = ImageFont.load_default(size)
    return font


def _text_size(text: str, font: _Font) -> tuple[int, int]:
    """Width and height; the height depends on the number of lines only."""
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    # "Ag" reaches from the top of capitals to the foot of small letters.
    full_lines = "\n".join("Ag" for _ in text.split("\n"))
    width = draw.multiline_textbbox((0, 0), text, font)[2]
    height = draw.multiline_textbbox((0, 0), full_lines, font)[3]
    return math.ceil(width), math.ceil(height)


def _text_bar(text: str, width: int, height: int, font: _Font) -> np.ndarray:
    bar = Image.new("RGB", (width, height), "white")
    text_width, text_height = _text_size(text, font)
    corner = (max(0, (width - text_width) // 2), height - text_height - GAP)
    ImageDraw.Draw(bar).multiline_text(
        corner, text, "black", font, align="center"
    )
    return np.asarray(bar, np.float32) / 255


def joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Puts panels of any size next to each other on white, aligned on top."""
    height = max(column.shape[0] for column in columns) + 2 * GAP
    width = sum(column.shape[1] + GAP for column in columns) + GAP
    canvas = np.ones((height, width, 3), np.float32)
    left = GAP
    for column in columns:
        canvas[GAP : GAP + column.shape[0], left : left + column.shape[1]] = (
            column
        )
        left += column.shape[1] + GAP
    return canvas
