"""Compares a converted file with the SavedModel that it was made from.

A converter that says it has converted has proved nothing: some conversions
of this network ran and returned noise. So a file is only called done when its
pictures on real pairs, none of which calibrated it, are near enough to those
of the SavedModel and no worse against the ground truth.
"""

import dataclasses
import os
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from . import pairs

# Least PSNR in dB between the file's picture and the SavedModel's.
LEAST_AGREEMENT = {
    "float32": 80.0,
    "float16": 60.0,
    "dynamic": 40.0,
    "int8": 40.0,
    "onnx": 80.0,
}
# Most dB that a file may lose against the ground truth.
MOST_LOSS = 0.3
_REPEATS = 3
_COUNT = 3


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What the real pairs showed.

    Attributes:
        agreement: PSNR in dB between both pictures; the lowest of the pairs.
        loss: mean PSNR of the SavedModel against the ground truth minus that
            of the file.
        quality: mean PSNR of the file against the ground truth.
        seconds: of one call, the file, the median.
        reference_seconds: of one call, SavedModel, the median.
        size: LR height and width.
    """

    agreement: float
    loss: float
    quality: float
    seconds: float
    reference_seconds: float
    size: tuple[int, int]

    def __str__(self) -> str:
        height, width = self.size
        return (
            f"PSNR to the SavedModel {self.agreement:.1f} dB, to the ground "
            f"truth {self.quality:.2f} dB ({-self.loss:+.2f} dB); LR {width} "
            f"x {height}: {self.seconds * 1000:.0f} ms, SavedModel "
            f"{self.reference_seconds * 1000:.0f} ms"
        )

    def problem(self, kind: str) -> str:
        """Why a conversion of this kind must not be used; empty: it may."""
        least = LEAST_AGREEMENT[kind]
        if not self.agreement >= least:
            return (
                f"its pictures are only within {self.agreement:.1f} dB of the "
                f"SavedModel's, {least:.0f} dB are needed"
            )
        if not self.loss <= MOST_LOSS:
            return (
                f"it loses {self.loss:.2f} dB against the ground truth, at "
                f"most {MOST_LOSS} dB are allowed"
            )
        return ""


def compare(
    program: Callable[[np.ndarray, np.ndarray], np.ndarray],
    saved_model_dir: str | os.PathLike,
    scale: int,
    height: int,
    width: int,
) -> Comparison:
    """Runs both on held-out real pairs.

    Args:
        program: the file as a callable, `Lite` or `Onnx`.
        saved_model_dir: what it was made from.
        scale: HR size / LR size.
        height: of LR.
        width: of LR.
    """
    loaded = tf.saved_model.load(str(saved_model_dir))
    served = loaded.signatures["serving_default"]

    def reference(lr: np.ndarray, ref: np.ndarray) -> np.ndarray:
        return served(lr=tf.constant(lr), ref=tf.constant(ref))["sr"].numpy()

    agreement, qualities, times = [], [], []
    for pair in pairs.real_pairs(height, width, scale, _COUNT, held_out=True):
        ours, our_time = _timed(program, pair)
        theirs, their_time = _timed(reference, pair)
        agreement.append(_psnr(ours, theirs))
        qualities.append((_psnr(ours, pair.hr), _psnr(theirs, pair.hr)))
        times.append((our_time, their_time))
    quality, reference_quality = np.mean(qualities, axis=0)
    seconds, reference_seconds = np.median(times, axis=0)
    return Comparison(
        agreement=float(min(agreement)),
        loss=float(reference_quality - quality),
        quality=float(quality),
        seconds=float(seconds),
        reference_seconds=float(reference_seconds),
        size=(height, width),
    )


class Lite:
    """A TF-Lite file as a callable `(lr, ref) -> sr`.

    Args:
        content: of the file.
        num_threads: for its kernels.
    """

    def __init__(self, content: bytes, num_threads: int | None = None):
        threads = num_threads or len(os.sched_getaffinity(0))
        self._interpreter = Interpreter(
            model_content=content, num_threads=threads
        )

    def __call__(self, lr: np.ndarray, ref: np.ndarray) -> np.ndarray:
        """Super-resolves `[B, h, w, 3]` by `[B, s*h, s*w, 3]`.

        Raises:
            RuntimeError, ValueError: the sizes are not the file's.
        """
        runner = self._interpreter.get_signature_runner()
        return np.array(runner(lr=lr, ref=ref)["sr"])


class Onnx:
    """An ONNX file as a callable `(lr, ref) -> sr`.

    Args:
        content: of the file.
    """

    def __init__(self, content: bytes):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors; it warns of each Reshape
        self._session = onnxruntime.InferenceSession(content, options)

    def __call__(self, lr: np.ndarray, ref: np.ndarray) -> np.ndarray:
        """Super-resolves `[B, h, w, 3]` by `[B, s*h, s*w, 3]`."""
        return self._session.run(["sr"], {"lr": lr, "ref": ref})[0]


def _timed(call, pair: pairs.RealPair) -> tuple[np.ndarray, float]:
    """The result, and the median time of the calls after the first."""
    result, times = call(**pair.inputs), []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        call(**pair.inputs)
        times.append(time.perf_counter() - begin)
    return result, float(np.median(times))


def _psnr(x: np.ndarray, y: np.ndarray) -> float:
    """For [0, 1], at most 120 dB; minus infinity if a value is not finite."""
    if not (np.isfinite(x).all() and x.shape == y.shape):
        return -np.inf
    error = float(np.mean(np.square(np.float64(x) - y)))
    return float(-10 * np.log10(max(error, 1e-12)))
