"""Makes every test start alike: devices, seeds, logs, small settings.

TensorFlow takes seconds to load, so nothing here imports it. The first import
of it, by a test or by what is tested, splits the CPU into two logical devices:
that can only be done before the first op runs, and with two devices
`MirroredStrategy` really mirrors. Warnings are errors (pyproject.toml).
"""

import dataclasses
import importlib.abc
import importlib.util
import os
import pathlib
import random
import sys
import tempfile
from collections.abc import Iterator

import numpy as np
import pytest

from crossnet_tf import config as config_lib

SEED = 20180910
NUM_DEVICES = 2

# Set before TensorFlow loads; subprocesses started by tests inherit them.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each of two workers
    for _kind in ("INTRAOP", "INTEROP"):
        os.environ.setdefault(f"TF_NUM_{_kind}_THREADS", "1")
os.environ["NO_GCE_CHECK"] = "true"  # TFDS: no search for Google's cloud


class _SplitCpuOnImport(importlib.abc.MetaPathFinder):
    """Hands `import tensorflow` on, then splits the CPU."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("tensorflow")
        load = spec.loader.exec_module

        def load_and_split(module):
            load(module)
            _split_cpu(module)

        spec.loader.exec_module = load_and_split
        return spec


def _split_cpu(tf) -> None:
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * NUM_DEVICES,
    )
    tf.random.set_seed(SEED)


if "tensorflow" in sys.modules:
    _split_cpu(sys.modules["tensorflow"])
else:
    sys.meta_path.insert(0, _SplitCpuOnImport())

_no_data = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_configure(config: pytest.Config) -> None:
    """Hides the data sets that the user has prepared from the tests."""
    config.stash[_no_data] = tempfile.TemporaryDirectory()
    os.environ["TFDS_DATA_DIR"] = config.stash[_no_data].name


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_no_data].cleanup()


@pytest.fixture(autouse=True)
def _alike() -> Iterator[None]:
    """Fixed seeds before, float32 after each test."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  (code under test may use either)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(SEED)
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(SEED)


@pytest.fixture
def tiny_config() -> config_lib.Config:
    """A whole configuration that trains in seconds.

    All parts of the paper's network at width 8 with the bicubic upsampler;
    crops are 32 high and 48 wide, so that swapped axes show.
    """
    return config_lib.Config(
        model=config_lib.model_config(
            "paper", upsampler="bicubic", flow_width=8, width=8
        ),
        data=config_lib.DataConfig(
            batch_size=2, crop_height=32, crop_width=48, shuffle_buffer=4
        ),
        train=config_lib.TrainConfig(
            num_steps=4,
            decay_steps=(3,),
            log_every=1,
            picture_every=2,
            eval_every=2,
            checkpoint_every=2,
        ),
        eval=config_lib.EvalConfig(lr_views=(1,), num_eval_images=1),
    )


@dataclasses.dataclass(frozen=True)
class TinyPair:
    """One pair with known flow; float32 in [0, 1], batch size 1.

    `hr(x, y) == ref(x + 3, y - 2)` wherever that lies inside the image, so
    `flow` is (3, -2) everywhere. `lr` has the mean of each 4x4 block of `hr`.
    """

    lr: np.ndarray  # [1, 8, 12, 3]
    ref: np.ndarray  # [1, 32, 48, 3]
    hr: np.ndarray  # [1, 32, 48, 3]
    flow: np.ndarray  # [1, 32, 48, 2]

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """What the network takes."""
        return {"lr": self.lr, "ref": self.ref}


@pytest.fixture
def tiny_pair() -> TinyPair:
    """A smooth picture seen from two places, for scale 4."""
    y, x = np.mgrid[:32, :48].astype(np.float32)[..., None]
    phase = np.array([0.0, 1.0, 2.0], np.float32)

    def picture(x, y):
        waves = np.sin(0.7 * x + phase) * np.cos(0.5 * y - phase)
        return (0.5 + 0.4 * waves)[None].astype(np.float32)

    hr = picture(x, y)
    return TinyPair(
        lr=hr.reshape(1, 8, 4, 12, 4, 3).mean((2, 4)),
        ref=picture(x - 3, y + 2),
        hr=hr,
        flow=np.broadcast_to(np.float32([3, -2]), (1, 32, 48, 2)).copy(),
    )


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The checkout."""
    return pathlib.Path(__file__).resolve().parent.parent
