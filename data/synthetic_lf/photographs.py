"""The photographs that textures are cut from: packages install them.

Training scenes and test scenes use different ones, so a test scene shows
nothing that training has seen. README.md lists their licences. The stereo
pair `motorcycle` is left out: it is another test's input.
"""

import functools
import pathlib

import numpy as np
import PIL.Image

TRAIN = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coins.png",
    "flower.jpg",
    "grass.png",
    "ihc.png",
    "rocket.jpg",
    "text.png",
)
TEST = ("china.jpg", "coffee.png", "gravel.png")
_SCIKIT_LEARN = ("china.jpg", "flower.jpg")


@functools.cache
def photograph(name: str) -> np.ndarray:
    """A photograph that scikit-image or scikit-learn installs.

    Args:
        name: one of `TRAIN` or `TEST`.

    Returns:
        `[H, W, 3]` float32 in [0, 1], read only; grey ones have equal
        channels.

    Raises:
        ValueError: `name` is none of these.
    """
    if name not in TRAIN + TEST:
        raise ValueError(
            f"`name` must be one of {TRAIN + TEST}. Received: name={name!r}."
        )
    if name in _SCIKIT_LEARN:
        import sklearn.datasets

        folder = pathlib.Path(sklearn.datasets.__file__).parent / "images"
    else:
        import skimage.data

        folder = pathlib.Path(skimage.data.__file__).parent
    with PIL.Image.open(folder / name) as image:
        array = np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
    array.setflags(write=False)
    return array
