"""Real pairs: REF of any size, zoom, turn, cover and camera.

`align` lays REF over HR's grid, `match` brings it to LR's camera, `prepare`
does both before the network. NumPy in and out, OpenCV (an extra) inside, no
TensorFlow. May import `config`.
"""

from crossnet_tf.alignment.matching import Matched, match
from crossnet_tf.alignment.preparing import CHOICES, Prepared, prepare
from crossnet_tf.alignment.registration import Alignment, align

__all__ = [
    "CHOICES",
    "Alignment",
    "Matched",
    "Prepared",
    "align",
    "match",
    "prepare",
]
