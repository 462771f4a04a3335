"""The paper's claims as one comparison: every system that there is.

CrossNet is said to beat single-image networks, patch matching and its own
variants: the picture warped instead of features, FlowNetS in place of
FlowNetS+. Systems without weights always take part; one that learns does if
its run lies in the runs' folder as SYSTEM_xSCALE, such as `runs/vdsr_x4`, and
so do the shipped weights. What is missing is said, not left out in silence.
"""

import os
import pathlib
from collections.abc import Sequence

from crossnet_tf.baselines import registry
from crossnet_tf.evaluation.methods import Method, find_methods
from crossnet_tf.storage import runs

PREFIX = "claims:"


def find_claims(
    runs_dir: str | os.PathLike, scales: Sequence[int]
) -> tuple[list[Method], list[str]]:
    """All systems that can be compared, in the registry's order.

    Args:
        runs_dir: the folder of runs named SYSTEM_xSCALE; may lack any.
        scales: which scales are compared.

    Returns:
        The methods, shipped weights last, and a line for each system that
        has no run at a scale: how to train it.
    """
    folder = pathlib.Path(runs_dir).expanduser()
    texts, missing = [], []
    for name, entry in registry.REGISTRY.items():
        if not entry.learns:
            texts.append(name)
            continue
        # A network for any scale is trained once.
        for scale in scales[:1] if entry.any_scale else scales:
            run = folder / f"{name}_x{scale}"
            if run.is_dir():
                texts.append(f"{entry.title}={run}")
            else:
                missing.append(_hint(name, scale, run))
    texts += [f"{name}={name}" for name in _shipped(scales)]
    return find_methods(texts), missing


def _shipped(scales: Sequence[int]) -> list[str]:
    """Names of shipped weights that serve one of the scales."""
    return [
        name
        for name in runs.shipped()
        if runs.config_of(name).model.scale in scales
    ]


def _hint(name: str, scale: int, run: pathlib.Path) -> str:
    return (
        f"{registry.REGISTRY[name].title} x{scale} has no run: python -m "
        "crossnet_tf.train --flagfile=flags/claims.cfg "
        f"--system={name} --scale={scale} --run_dir={run}"
    )
