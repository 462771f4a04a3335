"""Real pairs: REF of any size, zoom, turn, cover and camera.

`align` lays REF over HR's grid, `match` brings it to LR's camera, `prepare`
does both before the network, `SteadyRef` for frames of a video. NumPy in and
out, OpenCV (an extra) inside, no TensorFlow. May import `config`,
`arrays` and `cubic`.
"""

from crossnet_tf.alignment.matching import Matched, match
from crossnet_tf.alignment.preparing import CHOICES, Prepared, prepare
from crossnet_tf.alignment.registration import Alignment, align
from crossnet_tf.alignment.steady import SteadyRef

__all__ = [
    "CHOICES",
    "Alignment",
    "Matched",
    "Prepared",
    "SteadyRef",
    "align",
    "match",
    "prepare",
]
