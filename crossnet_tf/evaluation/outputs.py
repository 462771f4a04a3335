"""Pictures that a comparison keeps for its page.

    <report_dir>/pictures/<data set>/x<scale>/<name>_<view>/
        _hr.png _ref.png _lr.png _flow.png      the pair
        <method>.png <method>_flow_<level>.png  what each method made of it

All flows of a pair are drawn in one measure, in full-size pixels, so that
their colours compare.
"""

import pathlib

import numpy as np

from crossnet_tf import images
from crossnet_tf.drawing.colors import flow_to_rgb
from crossnet_tf.evaluation.file_names import file_name
from crossnet_tf.evaluation.measure import truth_of
from crossnet_tf.evaluation.records import Record
from crossnet_tf.pairs.pair import Pair

FOLDER = "pictures"


def folder_of(
    report_dir: pathlib.Path, dataset: str, scale: int, pair: Pair | Record
) -> pathlib.Path:
    """Where the outputs of one pair are kept.

    Args:
        report_dir: of the report.
        dataset: its name.
        scale: HR size / LR size.
        pair: has `name` and `view`.
    """
    parts = (dataset, f"x{scale}", f"{pair.name}_{pair.view}".strip("_"))
    return pathlib.Path(report_dir, FOLDER, *map(file_name, parts))


def write(
    folder: pathlib.Path,
    slug: str,
    pair: Pair,
    outputs: dict[str, np.ndarray],
) -> None:
    """Keeps one method's outputs of a pair, and the pair.

    Args:
        folder: as `folder_of` says; made if missing.
        slug: how the method's files begin.
        pair: with `hr`.
        outputs: "sr" and "flow_0" to "flow_3", as far as there are such.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {"_hr": truth_of(pair), "_ref": pair.ref, "_lr": pair.lr}
    flows = {
        f"{slug}_{name}": value * 2.0 ** int(name[-1])
        for name, value in outputs.items()
        if name.startswith("flow")
    }
    longest = flows.get(f"{slug}_flow_0", 0.0)
    if pair.flow is not None:
        known = pair.flow[..., 2:] > 0
        flows["_flow"] = np.where(known, pair.flow[..., :2], np.nan)
        longest = np.where(known, pair.flow[..., :2], 0.0)
    longest = max(1.0, float(np.abs(longest).max()))
    for name, flow in flows.items():
        drawn[name] = flow_to_rgb(flow, longest)
    drawn[slug] = outputs["sr"]
    for name, picture in drawn.items():
        path = folder / f"{name}.png"
        images.write_image(path, np.clip(picture, 0.0, 1.0))
