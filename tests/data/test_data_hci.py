"""The sign of the benchmark's disparity, on scenes seen by pinhole cameras.

The geometry is the benchmark's, from its evaluation toolkit (file
source/utils/point_cloud.py of lightfield-analysis/evaluation-toolkit): depth
is z = b f F m / (d F s + b f m) with baseline b, focal length f, distance of
focus F, m pixels along a sensor of size s. Nothing here knows of the
project's own sign.
"""

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds
import tiny_light_fields

from crossnet_tf.data.hci_lf import hci_lf_dataset_builder as hci
from crossnet_tf.pairs import light_fields

SIZE, BASELINE, FOCAL, FOCUS, SENSOR = 48, 200.0, 100.0, 8000.0, 35.0
BACK, FRONT = 11000.0, 6200.0  # depth of two planes, mm
SQUARE = 500.0  # half the side of the front plane, mm


def _disparity(depth):
    """The toolkit's formula, solved for d."""
    scaled = BASELINE * FOCAL * SIZE
    return (scaled * FOCUS / depth - scaled) / (FOCUS * SENSOR)


def _paint(x, y, phase):
    """A smooth texture of a plane, by millimetres on it."""
    angles = np.stack([x / 170 + phase, y / 190 - phase, (x + y) / 260], -1)
    return np.sin(angles)


def _see(row, col):
    """View and disparity of a camera; it looks along z, y points down."""
    center_x, center_y = BASELINE * (col - 4), BASELINE * (row - 4)
    pixel = (np.arange(SIZE) - (SIZE - 1) / 2) * SENSOR / SIZE / FOCAL
    # All cameras are shifted so that the plane of focus stays in place.
    ray_x = pixel[None, :] - center_x / FOCUS
    ray_y = pixel[:, None] - center_y / FOCUS
    seen = {}
    for depth in (BACK, FRONT):
        x, y = np.broadcast_arrays(
            center_x + depth * ray_x, center_y + depth * ray_y
        )
        seen[depth] = x, y
    x, y = seen[FRONT]
    front = (np.abs(x) < SQUARE) & (np.abs(y) < SQUARE)
    view = np.where(
        front[..., None], _paint(x, y, 1.0), _paint(*seen[BACK], 0.0)
    )
    disparity = np.where(front, _disparity(FRONT), _disparity(BACK))
    return np.rint(127.5 + 110 * view).astype(np.uint8), disparity


def _write_scene(folder):
    folder.mkdir(parents=True)
    for number, name in enumerate(hci.VIEWS):
        view, disparity = _see(*divmod(number, hci.COLS))
        PIL.Image.fromarray(view).save(folder / name)
        pixels = disparity[::-1].astype("<f4").tobytes()
        header = f"Pf\n{SIZE} {SIZE}\n-1\n".encode()
        (folder / hci.MAPS[number]).write_bytes(header + pixels)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hci")
    _write_scene(folder / "in" / "planes")
    builder = hci.Builder(data_dir=str(folder), config="disparity")
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(folder / "in")
        )
    )
    (record,) = builder.as_dataset(
        split="train",
        decoders={
            "views": tfds.decode.SkipDecoding(),
            "disparity": tfds.decode.SkipDecoding(),
        },
    )
    return record


@pytest.mark.parametrize(
    "pair", [((4, 4), (4, 8)), ((4, 4), (0, 4)), ((8, 0), (1, 6))]
)
def test_flow_takes_ref_to_hr(example, pair):
    numbers = [[row * hci.COLS + col for row, col in pair]]
    chosen = light_fields.select_views(example, np.array(numbers, np.int32))
    pair = light_fields.decode_views({k: v[0] for k, v in chosen.items()})
    hr, ref = (pair[k].numpy() / 255 for k in ("hr", "ref"))
    flow = pair["flow"].numpy()
    seen = flow[..., 2] > 0
    assert 0.5 < seen.mean() < 1
    assert np.abs(flow[..., :2]).max() > 3
    before = tiny_light_fields.psnr(ref, hr, seen)
    after = tiny_light_fields.psnr(
        tiny_light_fields.warp(ref, flow[..., :2]), hr, seen
    )
    wrong = tiny_light_fields.psnr(
        tiny_light_fields.warp(ref, -flow[..., :2]), hr, seen
    )
    assert after > before + 10
    assert after > wrong + 10
    assert after > 30
