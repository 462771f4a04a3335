"""One SavedModel of a tiny network, made once for all tests that serve it."""

import atexit
import functools
import io
import pathlib
import shutil
import struct
import tempfile

import numpy as np
import pytest
from PIL import Image

from crossnet_tf import config

SCALE = 4
MAX_PIXELS = 2**18
MODEL_NAME = "crossnet"


def tiny_model_config() -> config.ModelConfig:
    return config.model_config(
        "paper", upsampler="bicubic", flow_width=8, width=8, scale=SCALE
    )


@functools.cache
def tiny_model():
    """The network, with flow that moves pixels."""
    import keras

    from crossnet_tf.storage import runs

    keras.utils.set_random_seed(1)
    model = runs.build(tiny_model_config(), "float32")
    for weight in model.trainable_variables:
        if "flow" in weight.path and weight.path.endswith("bias"):
            weight.assign_add(0.3 * np.ones(weight.shape, np.float32))
    return model


@functools.cache
def exported() -> pathlib.Path:
    """Version 1 of the model; copy it to change it."""
    from crossnet_tf import config
    from crossnet_tf.export import saved_model
    from crossnet_tf.storage import weight_files

    folder = pathlib.Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    weights = folder / "weights"
    run_config = config.Config(model=tiny_model_config())
    weight_files.save_weights(tiny_model(), run_config, weights)
    version = folder / MODEL_NAME / "1"
    argv = [
        "saved_model",
        f"--weights={weights}",
        f"--output_dir={version}",
        f"--max_pixels={MAX_PIXELS}",
    ]
    with pytest.raises(SystemExit) as end:
        saved_model.cli.run(saved_model.main, saved_model.FLAGS, argv)
    assert end.value.code == 0
    return version


def pair(height: int, width: int, batch: int = 1, seed: int = 0):
    """Random LR and REF on the 8-bit grid; sizes are those of LR."""
    rng = np.random.default_rng(seed)
    lr = rng.integers(0, 256, [batch, height, width, 3], np.uint8)
    size = [batch, height * SCALE, width * SCALE, 3]
    return lr, rng.integers(0, 256, size, np.uint8)


def encode(image: np.ndarray, format: str = "PNG", **options) -> bytes:
    """Encodes `[H, W, 3]` uint8 by a codec that is not TensorFlow's."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, **options)
    return buffer.getvalue()


def decode(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def blank(format: str, mode: str, height: int, width: int) -> bytes:
    """A file of one colour: small, however large the picture."""
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, format)
    return buffer.getvalue()


@functools.cache
def bomb() -> bytes:
    """A PNG of a few ten kilobytes that fills 1.2 GB as RGB."""
    return blank("PNG", "1", 20_000, 20_000)


def jpeg_bomb() -> bytes:
    """A JPEG whose frame header claims 20,000 x 20,000 pixels."""
    data = blank("JPEG", "L", 8, 8)
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + 2 * struct.pack(">H", 20_000) + data[place + 4 :]
