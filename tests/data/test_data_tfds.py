"""TFDS's own test case for every builder, on small files made here."""

import pathlib
import tempfile
from unittest import mock

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds
import tiny_light_fields

from crossnet_tf.data.flower import flower_dataset_builder as flower
from crossnet_tf.data.hci_lf import hci_lf_dataset_builder as hci_lf
from crossnet_tf.data.lfvideo import lfvideo_dataset_builder as lfvideo
from crossnet_tf.data.light_field_folder import (
    light_field_folder_dataset_builder as light_field_folder,
)
from crossnet_tf.data.scene_lf import scene_lf_dataset_builder as scene_lf
from crossnet_tf.data.stanford_lf import (
    stanford_lf_dataset_builder as stanford_lf,
)
from crossnet_tf.data.stereo_folder import (
    stereo_folder_dataset_builder as stereo_folder,
)
from crossnet_tf.data.synthetic_lf import (
    synthetic_lf_dataset_builder as synthetic_lf,
)
from crossnet_tf.data.video_folder import (
    video_folder_dataset_builder as video_folder,
)

HEIGHT, WIDTH = 4, 6


class _OnDummyData:
    """Makes the dummy data; shrinks what the source fixes to large sizes."""

    FILES: tuple[str, ...] = ()
    SHAPE = (HEIGHT, WIDTH, 3)
    SMALLER: dict[str, object] = {}  # noqa: RUF012
    MODULE = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._folder = tempfile.TemporaryDirectory()
        cls.EXAMPLE_DIR = cls._folder.name
        rng = np.random.default_rng(0)
        for name in cls.FILES:
            cls._make(pathlib.Path(cls.EXAMPLE_DIR, name), rng)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()
        super().tearDownClass()

    @classmethod
    def _make(cls, path, rng):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".pfm":
            pixels = rng.normal(size=cls.SHAPE[:2]).astype("<f4").tobytes()
            header = f"Pf\n{cls.SHAPE[1]} {cls.SHAPE[0]}\n-1\n".encode()
            path.write_bytes(header + pixels)
        else:
            pixels = rng.integers(0, 256, cls.SHAPE, np.uint8)
            PIL.Image.fromarray(pixels).save(path)

    def setUp(self):
        super().setUp()
        if self.SMALLER:
            patch = mock.patch.multiple(self.MODULE, **self.SMALLER)
            patch.start()
            self.addCleanup(patch.stop)


class FlowerTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS, MODULE = flower.Builder, flower
    FILES = tuple(f"IMG_{n}_eslf.png" for n in range(4))
    SHAPE = (14 * HEIGHT, 14 * WIDTH, 3)
    SMALLER = {  # noqa: RUF012
        "HEIGHT": HEIGHT,
        "WIDTH": WIDTH,
        "CROP_HEIGHT": HEIGHT - 1,
        "CROP_WIDTH": WIDTH - 2,
        "COUNT": 4,
        "test_numbers": lambda: {1},
    }
    BUILDER_CONFIG_NAMES_TO_TEST = ("paper", "partial")
    SPLITS = {"train": 3, "test": 1}  # noqa: RUF012


class LfvideoTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS, MODULE = lfvideo.Builder, lfvideo
    FILES = tuple(f"cats/lightfield/frame_{n:04d}.png" for n in range(4))
    SHAPE = (8 * HEIGHT, 8 * WIDTH, 3)
    SMALLER = {  # noqa: RUF012
        "CROP_HEIGHT": HEIGHT - 1,
        "CROP_WIDTH": WIDTH - 2,
        "TRAIN": 3,
        "TEST": 1,
    }
    BUILDER_CONFIG_NAMES_TO_TEST = ("paper", "partial")
    SPLITS = {"train": 3, "test": 1}  # noqa: RUF012


class HciLfTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = hci_lf.Builder
    FILES = tuple(
        f"training/{scene}/{name}"
        for scene in ("boxes", "cotton")
        for name in (*hci_lf.VIEWS, *hci_lf.MAPS)
    )
    BUILDER_CONFIG_NAMES_TO_TEST = ("views", "disparity")
    SPLITS = {"train": 1, "test": 1}  # noqa: RUF012


class StanfordLfTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = stanford_lf.Builder
    FILES = tuple(
        f"{scene}/rectified/out_{r:02d}_{c:02d}_{r / 3:.6f}_{c / 3:.6f}_.png"
        for scene in ("bunny", "chess")
        for r in range(17)
        for c in range(17)
    )
    SPLITS = {"train": 1, "test": 1}  # noqa: RUF012


class SceneLfTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = scene_lf.Builder
    FILES = tuple(
        f"{scene}/{scene}_{n:03d}.jpg"
        for scene in ("church", "couch")
        for n in range(20)
    )
    SPLITS = {"train": 2, "test": 2}  # noqa: RUF012


class LightFieldFolderTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = light_field_folder.Builder
    FILES = tuple(
        f"{scene}/view_{r:02d}_{c:02d}.png"
        for scene in ("one", "two")
        for r in range(2)
        for c in range(3)
    )
    SPLITS = {"train": 1, "test": 1}  # noqa: RUF012


class LightFieldInOneImageTest(
    _OnDummyData, tfds.testing.DatasetBuilderTestCase
):
    DATASET_CLASS = light_field_folder.Builder
    FILES = ("one.png", "two.png")
    SHAPE = (8 * HEIGHT, 8 * WIDTH, 3)
    BUILDER_CONFIG_NAMES_TO_TEST = ("mosaic", "interleaved")
    SPLITS = {"train": 1, "test": 1}  # noqa: RUF012


class StereoFolderTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = stereo_folder.Builder
    FILES = ("one/left.png", "one/right.png", "two/im0.jpg", "two/im1.jpg")
    SPLITS = {"train": 1, "test": 1}  # noqa: RUF012


class VideoFolderTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = video_folder.Builder
    FILES = tuple(f"{v}/t{n}.png" for v in ("walk", "run") for n in range(17))
    SPLITS = {"train": 2, "test": 2}  # noqa: RUF012


class SyntheticLfTest(_OnDummyData, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = synthetic_lf.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = (tiny_light_fields.CONFIG,)
    # It asks `os` for the number of processors, and for nothing else.
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False
    SPLITS = {  # noqa: RUF012
        "train": tiny_light_fields.TRAIN_SCENES,
        "test": tiny_light_fields.TEST_SCENES,
    }


def test_every_builder_has_a_case(root):
    folders = {p.parent.name for p in root.glob("data/*/*_builder.py")}
    cases = {
        value.DATASET_CLASS.name
        for value in globals().values()
        if isinstance(value, type) and issubclass(value, _OnDummyData)
        if value is not _OnDummyData
    }
    assert cases == folders


@pytest.mark.parametrize("file", ["README.md", "CITATIONS.bib", "TAGS.txt"])
def test_every_builder_has_its_files(root, file):
    for path in root.glob("data/*/*_builder.py"):
        assert (path.parent / file).read_text().strip()
