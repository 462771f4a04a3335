"""The paper's claims as one comparison: every system that there is.

CrossNet is said to beat single-image networks, patch matching and its own
variants: the picture warped instead of features, FlowNetS in place of
FlowNetS+. Systems without weights always take part; one that learns does if
its run lies in the runs' folder as SYSTEM_xSCALE, such as `runs/vdsr_x4`, or
weights of it ship; so do the shipped weights of CrossNet itself. What is
missing is said, not left out in silence.
"""

import os
import pathlib
from collections.abc import Sequence

from crossnet_tf.baselines import registry
from crossnet_tf.config import ModelConfig
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
        The methods, CrossNet's shipped weights last, and a line for each
        system that has neither run nor weights at a scale: how to train it.
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
            elif ready := _compared(name, scale):
                texts.append(f"{entry.title}={ready}")
            else:
                missing.append(_hint(name, scale, run))
    texts += [
        f"{name}={name}"
        for name, model in _shipped().items()
        if model.system == "crossnet" and model.scale in scales
    ]
    return find_methods(texts), missing


def _shipped() -> dict[str, ModelConfig]:
    return {name: runs.config_of(name).model for name in runs.shipped()}


def _compared(system: str, scale: int) -> str:
    """Shipped weights of a system that CrossNet is compared with, or ""."""
    if system == "crossnet":  # Has rows of its own, by name.
        return ""
    any_scale = registry.REGISTRY[system].any_scale
    for name, model in _shipped().items():
        if model.system == system and (any_scale or model.scale == scale):
            return name
    return ""


def _hint(name: str, scale: int, run: pathlib.Path) -> str:
    return (
        f"{registry.REGISTRY[name].title} x{scale} has no run: python -m "
        "crossnet_tf.train --flagfile=flags/claims.cfg "
        f"--system={name} --scale={scale} --run_dir={run}"
    )
