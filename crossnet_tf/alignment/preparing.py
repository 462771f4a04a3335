"""A pair as people have it, made into one that the network was trained on."""

import dataclasses

import numpy as np

from crossnet_tf.alignment import light, sizes
from crossnet_tf.alignment.filling import filled
from crossnet_tf.alignment.matching import match_over, without_noise
from crossnet_tf.alignment.overlay import Overlay
from crossnet_tf.alignment.registration import Alignment, align

CHOICES = ("auto", "none")


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What the network gets, and what was done to get there.

    Attributes:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1].
        cover: `[s*h, s*w]` bool: where REF shows something; None: everywhere.
        notes: what was done, one line each.
        linear: whether `lr` and `ref` are in linear light.
        curve: as `matching.Matched`.
    """

    lr: np.ndarray
    ref: np.ndarray
    cover: np.ndarray | None
    notes: tuple[str, ...]
    linear: bool = False
    curve: np.ndarray | None = None

    def finished(self, sr: np.ndarray) -> np.ndarray:
        """The network's result `[s*h, s*w, 3]` in the files' values."""
        return light.from_light(sr) if self.linear else sr


def prepare(
    lr: np.ndarray,
    ref: np.ndarray,
    scale: int,
    alignment: str = "auto",
    matching: str = "auto",
    follows_tone: bool = False,
) -> Prepared:
    """Aligns REF and matches the cameras.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[H, W, 3]` float32 in [0, 1].
        scale: HR size / LR size.
        alignment: "auto", or "none": REF is `[s*h, s*w, 3]`.
        matching: "auto", or "none".
        follows_tone: as `matching.match`.

    Raises:
        ValueError: REF does not fit, or does not show what LR shows.
    """
    notes, linear, curve = [], False, None
    if alignment == "auto":
        found = _aligned(lr, ref, scale)
        said = sizes.describe_sizes(lr.shape, ref.shape, scale)
        if found.verdict == "aligned" or said:
            notes.append("; ".join(filter(None, (said, found.reason))))
    else:
        found = _as_it_is(ref)
    laid, cover = found.ref, found.cover
    if matching == "auto":
        clean = without_noise(lr, ref, found)
        overlay = found.overlay if clean is None else None
        laid = laid if clean is None else clean
        matched = match_over(overlay or Overlay(lr, laid, cover), follows_tone)
        done = ("noise of REF",) * (clean is not None) + matched.notes
        if done:
            notes.append("matched to LR's camera: " + ", ".join(done))
        lr, laid, linear = matched.lr, matched.ref, matched.linear
        curve = matched.curve
    if cover.all():
        return Prepared(lr, laid, None, tuple(notes), linear, curve)
    laid = filled(laid, cover, lr)
    return Prepared(lr, laid, cover, tuple(notes), linear, curve)


def _as_it_is(ref: np.ndarray) -> Alignment:
    cover = np.ones(ref.shape[:2], bool)
    return Alignment(ref, cover, np.eye(3), "kept", "")


def _aligned(lr: np.ndarray, ref: np.ndarray, scale: int) -> Alignment:
    found = align(lr, ref, scale)
    if found.verdict == "refused":
        raise ValueError(
            sizes.refusal(lr.shape, ref.shape, scale, found.reason)
        )
    return found
