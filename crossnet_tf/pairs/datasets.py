"""Opens the data that a user names: light fields, a folder, the stereo pair.

folder:PATH      a user's own pictures (`folders`)
warps:PATH       pairs made of a user's photographs, to train on (`warps`)
motorcycle       the pair that scikit-image installs (`motorcycle`)
anything else    prepared light fields (`light_field_pairs`)
"""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import folders, light_field_pairs, motorcycle, warps
from crossnet_tf.pairs.base import PairDataset
from crossnet_tf.pairs.pair import Pair


def open_dataset(
    name: str,
    data: config_lib.DataConfig,
    eval: config_lib.EvalConfig,
    scale: int,
) -> PairDataset:
    """The data set of that name; no picture is read yet.

    Args:
        name: as `--dataset` takes it, of a single data set.
        data: how training pairs are drawn, and where prepared data are.
        eval: which pairs are measured on, and how many.
        scale: HR size / LR size.

    Raises:
        ValueError: the name is none, or the data are of another form.
        FileNotFoundError: the data are not there; says how to prepare them.
    """
    if name == motorcycle.NAME:
        return motorcycle.Motorcycle(data, scale)
    if name.startswith(folders.PREFIX):
        return folders.Folder(name, data, eval, scale)
    if name.startswith(warps.PREFIX):
        return warps.Warps(name, data)
    return light_field_pairs.LightFields(name, data, eval, scale)


def test_pairs(
    data: config_lib.DataConfig,
    eval: config_lib.EvalConfig,
    scale: int,
    problems: list[str] | None = None,
) -> Iterator[Pair]:
    """Whole pairs to measure on, in a fixed order.

    Args:
        data: where prepared data are, and which if `eval` names none.
        eval: which data, split and views, and how many light fields.
        scale: HR size / LR size.
        problems: gets one line for each pair that cannot be used, which is
            then left out; None: such a pair is an error.

    Returns:
        An iterator of pairs. HR is cut to a multiple of `scale` and LR made
        from it, unless the data have their own LR.

    Raises:
        ValueError: the settings do not fit the data, name several data sets,
            or an image cannot be read.
        FileNotFoundError: the data are not there; says how to prepare them.
    """
    name = _measured(data, eval)
    return open_dataset(name, data, eval, scale).test_pairs(problems)


@contextlib.contextmanager
def damage_named(
    data: config_lib.DataConfig, eval: config_lib.EvalConfig
) -> Iterator[None]:
    """Names the file where TensorFlow finds a record that is damaged.

    Raises:
        ValueError: instead of a `DataLossError` of one of these data sets.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        names = f"{data.dataset},{eval.eval_dataset}".split(",")
        for name in filter(None, map(str.strip, names)):
            path = open_dataset(name, data, eval, scale=1).damaged_file()
            if path:
                raise ValueError(
                    f"`{path}` must be as it was made. Received: a record "
                    "that does not fit its checksum. Prepare the data set "
                    f"`{name}` anew."
                ) from error
        raise


def count_pairs(
    data: config_lib.DataConfig, eval: config_lib.EvalConfig
) -> int:
    """How many pairs `test_pairs` yields; raises what it raises."""
    name = _measured(data, eval)
    return open_dataset(name, data, eval, scale=1).count()


def _measured(data: config_lib.DataConfig, eval: config_lib.EvalConfig) -> str:
    """The name of the data set to measure on."""
    name = eval.eval_dataset or data.dataset
    if not eval.eval_dataset and "," in name:
        raise ValueError(
            "`eval_dataset` must name one data set to measure on if `dataset` "
            f"mixes several. Received: dataset={name!r}, eval_dataset=''."
        )
    return name
