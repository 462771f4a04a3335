"""From data sets to training batches.

A data set (`base.PairDataset`) lists small elements (encoded view pairs,
paths) and decodes them. From there all of them go the same way, one pair at a
time on parallel threads:

    decode -> turn -> cut (with parallax shift) -> flip -> light, cameras ->
    make LR

LR is made from the augmented crop of HR, as the published protocol makes it
or by other filters (`lr_filters`).
All draws are stateless, from the seed and the sample's number (`order`): so
the batches do not depend on threads, and begin anywhere. A run that goes on
needs no more than the number of samples that it has drawn.
"""

import dataclasses
import os
from typing import NamedTuple

import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import (
    cameras,
    color,
    datasets,
    geometry,
    lr_filters,
    order,
    service,
    wrong_ref,
)

_BEGIN = order.Place()


def train_dataset(
    data: config_lib.DataConfig,
    scale: int,
    seed: int,
    with_flow: bool = False,
    flow_optional: bool = False,
    place: order.Place = _BEGIN,
) -> tf.data.Dataset:
    """Endless batches of augmented crops.

    Args:
        data: which data, and how they are cut and augmented; the batches of
            `place.num_workers` processes together have `batch_size` crops.
        scale: HR size / LR size.
        seed: of order, views, crops and augmentation; the same one gives the
            same batches.
        with_flow: whether to add the flow from HR to REF.
        flow_optional: whether data without flow get weight 0 everywhere, as
            they do in a mix, instead of an error.
        place: at which sample to begin, and which samples are this process's.

    Returns:
        Batches of `({'lr': [B, h, w, 3], 'ref': [B, H, W, 3]},
        hr [B, H, W, 3])` and, if `with_flow`, a third element
        `flow [B, H, W, 3]`: dx, dy in pixels and a weight 0 or 1; float32,
        images in [0, 1].

    Raises:
        ValueError: the settings do not fit the data; a crop is larger than
            an image; flow is wanted but unknown.
        FileNotFoundError: the data are not there; says how to prepare them.
        OSError: a data service does not answer.
    """
    names = [name.strip() for name in data.dataset.split(",")]
    if data.mix and len(data.mix) != len(names):
        raise ValueError(
            "`mix` must have one share per data set. Received: "
            f"mix={data.mix}, dataset={data.dataset!r}."
        )

    def batches(place: order.Place) -> tf.data.Dataset:
        return _batches(data, names, scale, seed, flow, place)

    flow = _Flow(with_flow, flow_optional or len(names) > 1)
    if not data.data_service:
        return batches(place)
    for name in names:
        service.check_kind(name)
    service.check(data.data_service, data.batch_size, place)
    dataset = service.from_services(data.data_service, place, batches)
    return dataset.prefetch(2).with_options(_options())


class _Flow(NamedTuple):
    """Whether flow is asked for, and whether data without it may take part."""

    wanted: bool
    optional: bool


def _batches(
    data: config_lib.DataConfig,
    names: list[str],
    scale: int,
    seed: int,
    flow: _Flow,
    place: order.Place,
) -> tf.data.Dataset:
    """Endless batches of a process's share."""
    shares = data.mix or [1.0] * len(names)
    shares = [share / sum(shares) for share in shares]
    plan = order.Plan(shares, seed, data.batch_size, place)
    parts = [
        _crops(
            dataclasses.replace(data, dataset=name),
            scale,
            seed,
            flow,
            plan.wanted(part),
            plan.first(part),
        )
        for part, name in enumerate(names)
    ]
    dataset = parts[0]
    if len(parts) > 1:
        dataset = tf.data.Dataset.choose_from_datasets(parts, plan.parts())
    local_batch = data.batch_size // place.num_workers
    dataset = dataset.batch(local_batch, drop_remainder=True)
    return dataset.prefetch(2).with_options(_options())


def _crops(
    data: config_lib.DataConfig,
    scale: int,
    seed: int,
    flow: _Flow,
    wanted: tf.data.Dataset,
    first: int,
) -> tf.data.Dataset:
    """Endless single crops of one data set, those that are wanted."""
    eval = config_lib.EvalConfig()  # Nothing is measured here.
    dataset = datasets.open_dataset(data.dataset, data, eval, scale)
    flow_known = flow.wanted and (not flow.optional or dataset.knows_flow)

    def cut(sample: geometry.Sample, seed: tf.Tensor) -> tuple:
        if flow.wanted and "flow" not in sample:
            sample["flow"] = tf.zeros_like(sample["hr"], tf.float32)
        return _crop(sample, data, scale, seed)

    dataset.check(data.crop_height, data.crop_width, flow_known)
    return dataset.crops(cut, seed, flow_known, wanted, first)


def _crop(
    sample: geometry.Sample,
    data: config_lib.DataConfig,
    scale: int,
    seed: tf.Tensor,
) -> tuple:
    """Cuts and augments one crop of a decoded pair, and makes its LR."""
    height, width = data.crop_height, data.crop_width
    seeds = [tf.random.fold_in(seed, number) for number in range(9)]
    sample = dict(sample)
    name, size = sample.pop("name"), tf.shape(sample["hr"])
    fits = (size[0] >= height) & (size[1] >= width)
    message = f"Crops of {height} x {width} must fit each image. Received:"
    tf.debugging.Assert(fits, [message, name, size])
    quarters = tf.zeros([], tf.int32)
    if data.turn:
        quarters = geometry.random_quarters(seeds[0], size, height, width)
    odd = quarters % 2 == 1
    sample = geometry.random_cut(
        sample,
        seeds[1],
        tf.where(odd, width, height),
        tf.where(odd, height, width),
        data.random_crop,
        data.parallax_shift,
        scale,
    )
    if data.turn:
        sample = geometry.turn(sample, quarters)
    if data.flip:
        sample = geometry.random_flip(sample, seeds[2])
    sample = _as_float(sample, height, width)
    return _inputs_and_targets(_taken(sample, data, scale, seeds), scale)


def _taken(
    sample: geometry.Sample,
    data: config_lib.DataConfig,
    scale: int,
    seeds: list[tf.Tensor],
) -> geometry.Sample:
    """A pair of crops as cameras take it: light, REF's camera, LR."""
    if data.color_jitter:
        sample = color.random_recolor(sample, seeds[3])
    if data.camera_mismatch:
        sample = color.random_mismatch(sample, seeds[4])
    share = data.other_camera
    if share:
        sample = cameras.random_other_camera(sample, seeds[6], share)
    if data.wrong_ref:
        sample = wrong_ref.random_wrong_ref(
            sample, seeds[5], data.wrong_ref, scale
        )
    sample, hr = dict(sample), sample["hr"]
    if "lr" not in sample:
        names = data.lr_filters
        sample["lr"] = lr_filters.random_lr(hr, scale, names, seeds[7])
    if share:
        sample["lr"] = cameras.random_noise(sample["lr"], seeds[8], share)
    return sample


def _as_float(
    sample: geometry.Sample, height: int, width: int
) -> geometry.Sample:
    """Images in [0, 1] as float32, of known size."""
    out = dict(sample)
    for name in ("hr", "ref", "lr"):
        if name in sample and sample[name].dtype == tf.uint8:
            out[name] = tf.cast(sample[name], tf.float32) / 255.0
    for name in ("hr", "ref", "flow"):
        if name in out:
            out[name] = tf.ensure_shape(out[name], [height, width, 3])
    return out


def _inputs_and_targets(sample: geometry.Sample, scale: int) -> tuple:
    height, width = sample["hr"].shape[:2]
    lr = tf.ensure_shape(sample["lr"], [height // scale, width // scale, 3])
    inputs = {"lr": lr, "ref": sample["ref"]}
    if "flow" in sample:
        return inputs, sample["hr"], sample["flow"]
    return inputs, sample["hr"]


def _options() -> tf.data.Options:
    """Same order always, threads as many as processors."""
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = max(2, os.cpu_count() or 2)
    options.threading.max_intra_op_parallelism = 1
    return options
