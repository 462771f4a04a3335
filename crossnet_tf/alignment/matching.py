"""REF as LR's camera would have taken it, and LR as the network wants it.

The network was trained on LR and REF of one camera, with LR the antialiased
cubic of HR. What differs from that is undone before: noise in REF (`noise`),
another tone and colour of it (`tone`), averages of light instead of values
(`light`), a soft lens of LR (`blur`). Each is done only if it explains pixels
better, to which it was not fitted where it has many parameters.
"""

import dataclasses

import numpy as np

from crossnet_tf import arrays
from crossnet_tf.alignment import blur, colored_noise, light, noise, sampling
from crossnet_tf.alignment.denoising import denoised
from crossnet_tf.alignment.matches import find_matches, places
from crossnet_tf.alignment.overlay import Overlay
from crossnet_tf.alignment.registration import Alignment, laid_over
from crossnet_tf.alignment.tone import (
    Tone,
    find_tone,
)

# The first tone is found with matches of a wrong one.
_ROUNDS = 2
# What the tone is shown by.
_GREYS = np.linspace(0, 1, 33, dtype=np.float32)[:, None].repeat(3, axis=1)
# Level read as white, over that of a spectrum's brightness, that explains it.
_WHITE = 0.7


@dataclasses.dataclass(frozen=True)
class Matched:
    """A pair whose pictures could be of one camera.

    Attributes:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1].
        notes: what was done, a few words each.
        linear: whether both are in linear light; `light.from_light` brings
            the result back.
        curve: `[N, 3]`: what REF's tone makes of N greys from 0 to 1; None:
            its tone was left.
        softness: of LR, as `blur.find_softness`; it was sharpened so.
    """

    lr: np.ndarray
    ref: np.ndarray
    notes: tuple[str, ...]
    linear: bool = False
    curve: np.ndarray | None = None
    softness: float = 0.0


@dataclasses.dataclass(frozen=True)
class Cameras:
    """What the cameras of LR and REF differ by.

    Attributes:
        tone: of REF; None: it is left.
        linear: whether LR's pixels are averages of light.
        softness: of LR, as `blur.find_softness`.
    """

    tone: Tone | None
    linear: bool
    softness: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done, a few words each."""
        said = (
            (self.tone is not None, "tone"),
            (self.linear, "averages of light"),
            (self.softness > 0.0, "blur of LR"),
        )
        return tuple(words for done, words in said if done)

    def of_lr(self, lr: np.ndarray) -> np.ndarray:
        """LR `[h, w, 3]` float32 in [0, 1] for the network."""
        return blur.sharpened(self.lit(lr), self.softness)

    def of_ref(self, ref: np.ndarray) -> np.ndarray:
        """REF `[s*h, s*w, 3]` float32 in [0, 1] for the network."""
        return self.lit(ref if self.tone is None else self.tone(ref))

    def lit(self, picture: np.ndarray) -> np.ndarray:
        """A picture in the light that the network works in."""
        return light.to_light(picture) if self.linear else picture


def without_noise(
    ref: np.ndarray, laid: Alignment, overlay: Overlay
) -> Overlay:
    """`overlay` of REF without its noise, or itself where there is none.

    Noise is white only before it is resampled.

    Args:
        ref: `[H, W, 3]` float32 in [0, 1], of any size.
        laid: how it lies on HR's grid; nothing is done where it was refused.
        overlay: of LR and REF, laid so.
    """
    if laid.homography is None:
        return overlay
    size = laid.ref.shape[:2]
    finer = max(sampling.magnification(laid.homography, *size), 1.0)
    level = _noise_of(ref, finer, overlay)
    if level is None:
        return overlay
    clean = laid_over(denoised(ref, level), laid.homography, size)[0]
    return Overlay(overlay.lr, clean, overlay.cover)


def _noise_of(
    ref: np.ndarray, finer: float, overlay: Overlay
) -> float | np.ndarray | None:
    """Strength as `denoised` takes it; None: there is none, or LR's own.

    Args:
        ref: `[H, W, 3]` float32 in [0, 1].
        finer: how many of its pixels lie on one of HR's grid, along a line.
        overlay: of LR and REF.
    """
    white = noise.noise_level(ref)
    on_grid = white / finer
    is_white = on_grid >= noise.LEAST and not noise.shows_in(
        overlay.lr, overlay.moved, on_grid / overlay.scale
    )
    pair = overlay.lr, overlay.moved
    if colored_noise.is_beyond_lr(*pair, overlay.inside):
        spectrum = colored_noise.noise_spectrum(ref)
        if not is_white or white < _WHITE * colored_noise.finest(spectrum):
            return spectrum
    return white if is_white else None


def match(
    lr: np.ndarray,
    ref: np.ndarray,
    cover: np.ndarray,
    follows_tone: bool = False,
) -> Matched:
    """Makes a pair of one camera, where that is sure to help.

    Args:
        lr: `[h, w, 3]`, or grey, of uint8, uint16 or float in [0, 1].
        ref: likewise, `s` times as large, aligned.
        cover: `[s*h, s*w]` bool: where REF shows something.
        follows_tone: whether the network finds tone curves itself: then a
            curve that leaves light uneven is left to it.

    Raises:
        ValueError: a picture is of another shape, kind or range.
    """
    lr, ref = arrays.rgb("lr", lr), arrays.rgb("ref", ref)
    overlay = Overlay(lr, ref, np.asarray(cover, bool))
    return match_over(overlay, follows_tone)[0]


def match_over(
    overlay: Overlay, follows_tone: bool = False
) -> tuple[Matched, Cameras]:
    """As `match`, of a pair some of whose matches may be known.

    Returns:
        The pair, and what its cameras differ by, for other pairs of them.
    """
    best = overlay.best
    softness = blur.find_softness(best.lr, best.expected, best.matches.certain)
    sharp = blur.sharpened(overlay.lr, softness)
    clear = Overlay(sharp, overlay.ref, overlay.cover) if softness else overlay
    tone = _tone(clear, follows_tone)
    if tone is not None:
        clear = Overlay(clear.lr, tone(clear.ref), clear.cover)
    linear = _is_linear(clear)
    cameras = Cameras(tone, linear, softness)
    lr, ref = cameras.of_lr(overlay.lr), cameras.lit(clear.ref)
    curve = None if tone is None else tone(_GREYS)
    matched = Matched(lr, ref, cameras.notes, linear, curve, softness)
    return matched, cameras


def _tone(overlay: Overlay, only_even: bool) -> Tone | None:
    lr, seen = overlay.lr, overlay.seen
    matches, moved = overlay.matches, overlay.moved
    tone = None
    for _ in range(_ROUNDS):
        if tone is not None:
            matches = find_matches(lr, tone(seen), overlay.inside)
            moved = sampling.sampled(seen, *places(matches.flow))
        better = find_tone(lr, moved, matches.certain, only_even)
        if better is None:
            break
        tone = better
    return tone


def _is_linear(overlay: Overlay) -> bool:
    best = overlay.best
    ours, theirs = sampling.grey(best.lr), sampling.grey(best.expected)
    certain, flow = best.matches.certain, best.matches.flow
    varied = sampling.variance(sampling.grey(best.ref), overlay.scale)
    varied = sampling.moved(varied, *places(flow))
    if not light.may_be_mean_of_light(ours, theirs, varied, certain):
        return False
    averaged = blur.moved_and_shrunk(
        light.to_light(best.ref), flow, overlay.scale
    )
    of_light = light.from_light(averaged)
    return light.is_mean_of_light(best.lr, best.expected, of_light, certain)
