"""CrossNet: reference-based super-resolution in TensorFlow and Keras.

Given a low-resolution image (LR) and a sharp reference (REF) of nearly the
same view, the network returns LR at `scale` times the resolution, with the
detail of REF moved to where it belongs (Zheng et al., "CrossNet: An
End-to-end Reference-based Super Resolution Network using Cross-scale
Warping", ECCV 2018, arXiv 1807.10547).

Conventions, kept by every file of the package:

1. Flow is `(dx, dy)`, float32 always, in pixels of its own level, from the
   output grid to the reference: `out(x, y) = ref(x + dx, y + dy)`. Resizing a
   flow by k multiplies its values by k.
2. Pyramids are lists, finest first: level 0 is full size and level i has
   `1 / 2**i` of it. `scale` only ever means HR size / LR size.
3. Images are RGB float32 in [0, 1], `[B, H, W, 3]`. Integers appear only in
   files and on the wire. Values are clipped only in metrics and at the output
   of export and upscale, never in the loss.
4. Sampling is bilinear with integer pixel centres and clamped borders.
   Downscaling is antialiased Keys cubic (a = -0.5, half-pixel centres),
   rounded to 8 bits, as in the published protocol.
5. The ground truth `hr` never enters `model(inputs)`: a data set yields
   `({'lr', 'ref'}, hr)`.

Names: `lr`, `lr_up`, `ref`, `hr`, `sr`, `flow(s)`, `warped`, `features`,
`level`, `scale`; `learning_rate` is never `lr`. Shapes are written `B, H, W,
C` for batch, height, width and channels; `h, w` is the size of LR.

From Python:

    >>> import crossnet_tf
    >>> up = crossnet_tf.load("crossnet-lite-x4")  # doctest: +SKIP
    >>> sr = up("small.png", "sharp.png")  # doctest: +SKIP
"""

import os
import typing

import lazy_loader

from crossnet_tf import processor

__version__ = "0.1.0"

# In a wheel `data`, `export` and `flags` are inside this package; in a
# checkout they stand beside it, and are crossnet_tf.data and so on as well.
_BESIDE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isfile(os.path.join(_BESIDE, "flags", "quickstart.cfg")):
    __path__.append(_BESIDE)

# TensorFlow reads this when it is first imported.
processor.prefer_onednn()

# Names load what they need when they are first used: importing the package
# alone takes no time, and no TensorFlow.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "alignment": ["align"],
        "api": ["Explanation", "SuperResolver", "list_weights", "load"],
        "config": ["Config"],
        "images": ["read_image", "write_image"],
        "model.crossnet": ["CrossNet"],
    },
)

if typing.TYPE_CHECKING:
    from crossnet_tf.alignment import align as align
    from crossnet_tf.api import Explanation as Explanation
    from crossnet_tf.api import SuperResolver as SuperResolver
    from crossnet_tf.api import list_weights as list_weights
    from crossnet_tf.api import load as load
    from crossnet_tf.config import Config as Config
    from crossnet_tf.images import read_image as read_image
    from crossnet_tf.images import write_image as write_image
    from crossnet_tf.model.crossnet import CrossNet as CrossNet
