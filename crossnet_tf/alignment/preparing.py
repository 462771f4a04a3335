"""A pair as people have it, made into one that the network was trained on."""

import dataclasses

import numpy as np

from crossnet_tf import arrays
from crossnet_tf.alignment import belief, consistency, light, sizes
from crossnet_tf.alignment.filling import filled
from crossnet_tf.alignment.matching import match_over, without_noise
from crossnet_tf.alignment.registration import Alignment, align, as_it_is

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
        shown: `[h, w, 3]` float32: LR as it was given, in the same light,
            which the result must show; None: it need not.
        softness: of `shown`, as `blur.find_softness`; `lr` was sharpened so.
        noisy: whether noise was found in REF; None: nothing was asked of REF,
            or LR is too noisy to ask, and all that it adds is believed.
        means: `blur.means` of `ref`, if they are known.
    """

    lr: np.ndarray
    ref: np.ndarray
    cover: np.ndarray | None
    notes: tuple[str, ...]
    linear: bool = False
    curve: np.ndarray | None = None
    shown: np.ndarray | None = None
    softness: float = 0.0
    noisy: bool | None = None
    means: np.ndarray | None = None

    def finished(self, picture: np.ndarray) -> np.ndarray:
        """A picture `[s*h, s*w, 3]` of the network in the files' values."""
        return light.from_light(picture) if self.linear else picture

    def result(self, sr: np.ndarray) -> np.ndarray:
        """The network's `sr`, true to LR, in the files' values."""
        if self.shown is not None:
            sr = consistency.consistent(sr, self.shown, self.softness)
        return self.finished(sr)

    def believed(
        self, lr: np.ndarray, ref: np.ndarray, flow: np.ndarray
    ) -> np.ndarray | None:
        """The share of what REF adds that is believed; None: all of it.

        Args:
            lr: `lr`, or what a tile sees of it.
            ref: likewise.
            flow: `[s*h, s*w, 2]` float32, what the network finds for them.
        """
        if self.noisy is None:
            return None
        means = self.means if ref is self.ref else None
        pair = self.finished(lr), self.finished(ref)
        return belief.believed(*pair, flow, self.noisy, means)


def prepare(
    lr: np.ndarray,
    ref: np.ndarray,
    scale: int,
    alignment: str = "auto",
    matching: str = "auto",
    follows_tone: bool = False,
    held: bool = False,
) -> Prepared:
    """Aligns REF and matches the cameras.

    Args:
        lr: `[h, w, 3]`, or grey, of uint8, uint16 or float in [0, 1].
        ref: likewise, of any size.
        scale: HR size / LR size.
        alignment: "auto", or "none": REF is `[s*h, s*w, 3]`.
        matching: "auto", or "none".
        follows_tone: as `matching.match`; such a network finds LR's softness
            itself, too, and its result is held to LR.
        held: the network holds its result to the LR that it gets, so that
            only a softer one is left to hold it to.

    Raises:
        ValueError: REF does not fit, or does not show what LR shows, or a
            picture is of another shape, kind or range.
    """
    lr, ref = arrays.rgb("lr", lr), arrays.rgb("ref", ref)
    notes, matched, given, noisy = [], None, None, None
    if alignment == "auto":
        found = aligned(lr, ref, scale)
        said = sizes.describe_sizes(lr.shape, ref.shape, scale)
        if found.verdict == "aligned" or said:
            notes.append("; ".join(filter(None, (said, found.reason))))
    else:
        found = as_it_is(ref)
    laid, cover = found.ref, found.cover
    if matching == "auto":
        overlay = found.over(lr)
        clean = without_noise(ref, found, overlay)
        matched, cameras = match_over(clean, follows_tone)
        noisy = clean is not overlay
        done = ("noise of REF",) * noisy + matched.notes
        if done:
            notes.append("matched to LR's camera: " + ", ".join(done))
        if not consistency.is_clean(lr):
            noisy = None
        elif follows_tone and not (held and matched.softness == 0.0):
            given = cameras.lit(lr)
        lr, laid = matched.lr, matched.ref
    covered = None if cover.all() else cover
    laid = laid if covered is None else filled(laid, cover, lr)
    result = Prepared(lr, laid, covered, tuple(notes), shown=given)
    if matched is None:
        return result
    return dataclasses.replace(
        result,
        linear=matched.linear,
        curve=matched.curve,
        softness=matched.softness,
        noisy=noisy,
        means=clean.means if result.ref is clean.ref else None,
    )


def aligned(lr: np.ndarray, ref: np.ndarray, scale: int) -> Alignment:
    """As `align`.

    Raises:
        ValueError: REF does not fit, or does not show what LR shows.
    """
    found = align(lr, ref, scale)
    if found.verdict == "refused":
        raise ValueError(
            sizes.refusal(lr.shape, ref.shape, scale, found.reason)
        )
    return found
