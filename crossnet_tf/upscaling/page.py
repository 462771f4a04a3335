"""One HTML page to look at a result: before and after under a slider.

Beside them REF as it was warped, flow, trust, what was done, and, where the
truth is known, PSNR and SSIM. Everything is inside the file; nothing is
loaded from elsewhere. Names and notes are text to the template: it escapes.
"""

import base64
import dataclasses
import pathlib
from collections.abc import Sequence

import jinja2
import numpy as np

from crossnet_tf import images
from crossnet_tf.drawing.colors import flow_to_rgb
from crossnet_tf.metrics import psnr, ssim
from crossnet_tf.ops.quantization import quantize

_TEMPLATE = pathlib.Path(__file__).parent / "template"
_ABOUT = {
    "LR": "enlarged by bicubic interpolation: what was there before",
    "Upsampler": "what the network makes of LR alone",
    "Result": "what it makes of LR with REF",
    "Warped REF": "REF moved to where LR shows the same",
    "Flow": "from where in REF each pixel came; colours are directions",
    "Trust": "white: REF explains LR here; black: it does not count",
    "Truth": "the sharp picture, as --hr gave it",
}


@dataclasses.dataclass(frozen=True)
class Look:
    """What a page shows of one pair; all `[H, W, 3]` float32 in [0, 1].

    Attributes:
        bicubic: LR, enlarged.
        lr_up: the upsampler's picture.
        sr: the result.
        warped_ref: REF, warped.
        flow: `[H, W, 2]` in pixels.
        trust: `[H, W, 1]` in [0, 1].
        hr: the truth; None: unknown.
        curve: `[N, 3]` in [0, 1]: what matching made of N greys of REF;
            None: its tone was left.
    """

    bicubic: np.ndarray
    lr_up: np.ndarray
    sr: np.ndarray
    warped_ref: np.ndarray
    flow: np.ndarray
    trust: np.ndarray
    hr: np.ndarray | None = None
    curve: np.ndarray | None = None

    def views(self) -> dict[str, np.ndarray]:
        """The pictures by label, in the order of the page."""
        views = {
            "LR": self.bicubic,
            "Upsampler": self.lr_up,
            "Result": self.sr,
            "Warped REF": self.warped_ref,
            "Flow": flow_to_rgb(self.flow),
            "Trust": np.repeat(self.trust, 3, axis=-1),
        }
        return views if self.hr is None else {**views, "Truth": self.hr}


def comparison_page(title: str, look: Look, notes: Sequence[str]) -> str:
    """The page as text.

    Args:
        title: heads it, such as the output's name.
        look: the pictures.
        notes: what was done, a line each.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    views = look.views()
    labels = list(views)
    return environment.get_template("compare.html").render(
        title=title,
        views=[
            {"label": label, "about": _ABOUT[label], "data": _data(picture)}
            for label, picture in views.items()
        ],
        left=labels.index("LR"),
        right=labels.index("Result"),
        scores=_scores(views) if look.hr is not None else [],
        curves=[] if look.curve is None else _curves(look.curve),
        notes=notes or ["REF was taken as it is."],
    )


def _curves(curve: np.ndarray) -> list[dict[str, str]]:
    """A line for each channel, points of a square of 100 x 100."""
    across = np.linspace(0, 100, len(curve))
    return [
        {
            "color": color,
            "points": " ".join(
                f"{x:.1f},{100 - 100 * y:.1f}"
                for x, y in zip(across, curve[:, channel])
            ),
        }
        for channel, color in enumerate(("#d32f2f", "#388e3c", "#1976d2"))
    ]


def _data(picture: np.ndarray) -> str:
    png = images.encode_png(np.clip(picture, 0, 1))
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _scores(views: dict[str, np.ndarray]) -> list[dict]:
    hr = np.asarray(views["Truth"], np.float32)
    return [
        {
            "label": label,
            "psnr": psnr(quantize(views[label]), hr),
            "ssim": ssim(quantize(views[label]), hr)
            if min(hr.shape[:2]) > 11
            else None,
        }
        for label in ("LR", "Upsampler", "Result")
    ]
