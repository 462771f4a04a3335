r"""Measures alignment and matching on a list of pairs.

    python -m tests.measuring.photographs --pairs=near.csv --suite=transforms
    python -m tests.measuring.photographs --pairs=near.csv --suite=wrong
    python -m tests.measuring.photographs --pairs=two_cameras.csv \
        --suite=match --weights=crossnet-lite-x8

Prints a line for each kind of pair: how many are aligned, and PSNR of the
upsampler, with REF as it is, and with default flags.
"""

import argparse
import pathlib
from collections.abc import Sequence

import numpy as np

import crossnet_tf
from crossnet_tf import alignment
from crossnet_tf.alignment import registration, sampling
from crossnet_tf.alignment.preparing import prepare
from crossnet_tf.api import SuperResolver
from crossnet_tf.baselines.registry import REGISTRY
from tests.measuring import distortions, transforms, wrong
from tests.measuring.scenes import Scene, cut, psnr, read_scenes


def _transforms(
    scenes: Sequence[Scene],
    network: SuperResolver | None,
    scale: int,
    side: int,
) -> None:
    for name in transforms.NAMES:
        found, rows = 0, []
        for seed, scene in enumerate(scenes):
            pair = transforms.moved(scene, name, scale, seed, side)
            homography, _ = registration.over_hr(pair.lr, pair.ref, scale)
            off = np.inf
            if homography is not None:
                off = transforms.distance(homography, pair)
            found += off < 1.0
            where = pair.covered if name == "tele" else None
            if network:
                rows.append(
                    _measured(network, scale, pair.lr, pair.ref, pair.hr, where)
                )
        print(f"{name}: {found} of {len(scenes)} within a pixel of LR", end="")
        print(_said(rows), flush=True)


def _wrong(
    scenes: Sequence[Scene],
    network: SuperResolver | None,
    scale: int,
    count: int,
) -> None:
    accepted = []
    for name, hr, ref in wrong.wrong_pairs(scenes, scale, count):
        lr = distortions.DISTORTIONS["plain"](hr, ref, scale)[0]
        if alignment.align(lr, ref, scale).verdict == "aligned":
            accepted.append(name)
            if network:
                name += _said([_measured(network, scale, lr, ref, hr, None)])
            print(f"accepted: {name}", flush=True)
    print(f"{len(accepted)} of {count} other pictures accepted")


def _match(
    scenes: Sequence[Scene], network: SuperResolver, scale: int, names: str
) -> None:
    for name in names.split(",") if names else distortions.DISTORTIONS:
        rows = []
        for scene in scenes:
            hr = cut(scene.hr, 2 * scale)
            ref = scene.ref
            if ref.shape == scene.hr.shape:
                ref = ref[: hr.shape[0], : hr.shape[1]]
            pair = distortions.DISTORTIONS[name](hr, ref, scale)
            rows.append(_measured(network, scale, *pair, hr, None))
            print(f"  {scene.name} {np.round(rows[-1], 2)}", flush=True)
        print(f"{name}{_said(rows)}", flush=True)


def _measured(
    network: SuperResolver,
    scale: int,
    lr: np.ndarray,
    ref: np.ndarray,
    hr: np.ndarray,
    where: np.ndarray | None,
) -> tuple[float, float, float]:
    """PSNR of the upsampler, with REF as it is, with default flags."""
    plain = ref
    if ref.shape != hr.shape:
        plain = np.clip(sampling.resized(ref, *hr.shape[:2]), 0.0, 1.0)
    run = network._upscaler
    before = run(lr, plain, ("sr", "lr_up"))
    config = network.config.model
    ready = prepare(
        lr,
        ref,
        scale,
        follows_tone=REGISTRY[config.system].follows_tone,
        held=config.back_projection,
    )
    sr = run(ready.lr, ready.ref, ("sr",), ready.cover)["sr"]
    results = before["lr_up"], before["sr"], ready.result(sr)
    return tuple(psnr(result, hr, where) for result in results)


def _said(rows: Sequence[tuple[float, float, float]]) -> str:
    if not rows:
        return ""
    table = np.array(rows)
    up, plain, done = table.mean(0)
    return (
        f": upsampler {up:.2f}, REF as it is {plain:.2f}, default {done:.2f} dB"
        f"; worst {(table[:, 2] - table[:, 0]).min():+.2f} over the upsampler, "
        f"{(table[:, 2] - table[:, 1]).min():+.2f} over REF as it is"
    )


def main() -> None:
    """Measures what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=pathlib.Path, required=True)
    parser.add_argument(
        "--suite", choices=["transforms", "wrong", "match"], required=True
    )
    parser.add_argument("--weights", default="crossnet-lite-x4")
    parser.add_argument("--only", default="", help="part of the pairs' names")
    parser.add_argument("--names", default="", help="distortions, by comma")
    parser.add_argument("--side", type=int, default=0, help="LR's longer side")
    parser.add_argument("--count", type=int, default=200, help="wrong pairs")
    parser.add_argument(
        "--psnr", action=argparse.BooleanOptionalAction, default=True
    )
    args = parser.parse_args()
    scenes = read_scenes(args.pairs, args.only)
    scale = 8 if args.weights.endswith("x8") else 4
    network = None
    if args.psnr or args.suite == "match":
        network = crossnet_tf.load(args.weights)
    if args.suite == "transforms":
        _transforms(scenes, network, scale, args.side)
    elif args.suite == "wrong":
        _wrong(scenes, network, scale, args.count)
    else:
        _match(scenes, network, scale, args.names)


if __name__ == "__main__":
    main()
