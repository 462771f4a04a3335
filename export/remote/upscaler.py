"""Super-resolves one pair by a server: cut, ask at once, blend."""

import concurrent.futures
from collections.abc import Callable

import numpy as np

from crossnet_tf.config import MARGIN, MAX_SIDE
from crossnet_tf.upscaling import tiles

from . import photos
from .failures import Kind, RequestError
from .transport import Transport, Value

ENCODED, UINT8, FLOAT = "encoded", "uint8", "serving_default"
_SCALES = (2, 4, 8)
# Three numbers in JSON, as "0.123456789," or "255, "; PNG in base64.
_ANSWER_BYTES = {FLOAT: 78, UINT8: 24}
_ENCODED_BYTES = 5
_NAMES = ("sr", "sr_bytes", "")  # of the output; REST may leave it out


def upscale(
    transport: Transport,
    lr: np.ndarray,
    ref: np.ndarray,
    signature: str = ENCODED,
    max_side: int = MAX_SIDE,
    margin: int = MARGIN,
    concurrency: int = 4,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Asks a server for one picture, in tiles if it is large.

    Args:
        transport: the way to the server.
        lr: `[h, w, 3]` uint8.
        ref: `[s*h, s*w, 3]` uint8.
        signature: of the model. Names other than "uint8" and
            "serving_default" take and give encoded pictures.
        max_side: as `tiles.split`.
        margin: as `tiles.split`.
        concurrency: requests at a time.
        progress: called with the numbers of tiles done and of all tiles.

    Returns:
        `[s*h, s*w, 3]` uint8.

    Raises:
        RequestError: a request failed; the others are dropped.
        ValueError: REF does not fit LR, or `max_side` is too small.
    """
    scale = scale_of(lr, ref)
    height, width = ref.shape[:2]
    cut = tiles.split(height, width, max_side, margin)
    canvas = tiles.Canvas(height, width)

    def work(tile: tiles.Tile) -> tuple[tiles.Tile, np.ndarray]:
        pair = tile.cut(lr, scale), tile.cut(ref)
        return tile, ask(transport, signature, *pair)

    pool = concurrent.futures.ThreadPoolExecutor(concurrency)
    try:
        jobs = [pool.submit(work, tile) for tile in cut]
        done = concurrent.futures.as_completed(jobs)
        for number, job in enumerate(done, 1):
            canvas.add(*job.result())
            progress(number, len(cut))
    finally:
        pool.shutdown(cancel_futures=True)
    return (canvas.picture() + 0.5).astype(np.uint8)


def ask(
    transport: Transport, signature: str, lr: np.ndarray, ref: np.ndarray
) -> np.ndarray:
    """One request for one pair, uint8 in and out.

    Raises:
        RequestError: it failed, or the answer holds no picture.
    """
    inputs: dict[str, Value]
    if signature == UINT8:
        inputs = {"lr": lr[None], "ref": ref[None]}
    elif signature == FLOAT:
        inputs = {
            "lr": np.asarray(lr[None], np.float32) / 255,
            "ref": np.asarray(ref[None], np.float32) / 255,
        }
    else:
        inputs = {
            "lr_bytes": [photos.encode(lr)],
            "ref_bytes": [photos.encode(ref)],
        }
    outputs = transport.predict(signature, inputs)
    try:
        return _picture(_chosen(outputs), *ref.shape[:2])
    except ValueError as error:
        text = f"The answer of signature `{signature}` has no picture: {error}"
        raise RequestError(Kind.WRONG_SIGNATURE, text) from error


def answer_limit(signature: str, num_pixels: int) -> int:
    """Bytes that the answer of a right server has at most, however it comes.

    Args:
        signature: as for `upscale`.
        num_pixels: of the largest picture in one answer.
    """
    per_pixel = _ANSWER_BYTES.get(signature, _ENCODED_BYTES)
    return num_pixels * per_pixel + 2**20


def scale_of(lr: np.ndarray, ref: np.ndarray) -> int:
    """HR size / LR size of a pair.

    Raises:
        ValueError: REF is not 2, 4 or 8 times as large as LR.
    """
    for scale in _SCALES:
        if ref.shape[:2] == (scale * lr.shape[0], scale * lr.shape[1]):
            return scale
    height, width = lr.shape[:2]
    fitting = ", ".join(f"{s * width} x {s * height}" for s in _SCALES)
    raise ValueError(
        f"`ref` must be 2, 4 or 8 times as large as `lr`: {fitting}. "
        f"Received: lr {width} x {height}, "
        f"ref {ref.shape[1]} x {ref.shape[0]}."
    )


def _chosen(outputs: dict[str, Value]) -> Value:
    """The output that is a picture: by its name, or the only one."""
    for name in _NAMES:
        if name in outputs:
            return outputs[name]
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    raise ValueError(f"outputs {sorted(outputs)}")


def _picture(value: Value, height: int, width: int) -> np.ndarray:
    """An answer as `[height, width, 3]` uint8, refused if it is another."""
    if isinstance(value, list):
        if len(value) != 1 or not isinstance(value[0], bytes):
            raise ValueError(f"{len(value)} byte strings")
        return photos.decode(value[0], height, width)
    if value.shape != (1, height, width, 3):
        raise ValueError(
            f"shape {value.shape} instead of {(1, height, width, 3)}"
        )
    low, high = value.min(), value.max()
    if value.dtype.kind == "f":
        if not np.isfinite(value).all():
            raise ValueError("NaN or infinity")
        value = np.clip(value, 0, 1) * 255 + 0.5
    elif low < 0 or high > 255:
        raise ValueError(f"values from {low} to {high} instead of 0 to 255")
    return value[0].astype(np.uint8)
