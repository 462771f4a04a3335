"""Writes a network as a SavedModel that appears in one step.

    <output_dir>/saved_model.pb, variables/       the graph and its weights
    <output_dir>/assets.extra/                    warm-up requests, description

TensorFlow Serving polls the model's folder and loads a version as soon as a
numbered folder is there. So the SavedModel is written under a hidden name,
checked (it holds only what a server can run, and it equals the network), and
then renamed. A version that exists is never touched.
"""

import json
import os
import pathlib
import shutil
from typing import Any

import numpy as np
import tensorflow as tf

import crossnet_tf
from crossnet_tf.config import SCALES
from crossnet_tf.model import forms
from crossnet_tf.model.base import System

from . import lint, signatures, warmup

DESCRIPTION = pathlib.Path("assets.extra", "crossnet.json")
# Largest difference to the network, by the policy that it computes with.
TOLERANCE = {"float32": 1e-5, "mixed_bfloat16": 0.05, "mixed_float16": 0.01}


def save(
    model: System,
    output_dir: str | os.PathLike,
    max_pixels: int = signatures.MAX_PIXELS,
) -> pathlib.Path:
    """Writes one version of a model.

    Args:
        model: CrossNet, or any other system, with its weights.
        output_dir: ends in the version's number; must not exist.
        max_pixels: HR pixels that a request may have.

    Returns:
        `output_dir`.

    Raises:
        ValueError: `output_dir` does not end in a number.
        FileExistsError: the version exists.
        OSError: it cannot be written.
        RuntimeError: the result is not what it must be; nothing is left.
    """
    output_dir = check_output_dir(output_dir)
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    temporary = output_dir.parent / f".{output_dir.name}.{os.getpid()}.tmp"
    try:
        _write(model, temporary, max_pixels)
        _describe(temporary, model, max_pixels)
        warmup.write(temporary, output_dir.parent.name, model.config.scale)
        _check(temporary, model)
        check_output_dir(output_dir)
        os.rename(temporary, output_dir)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return output_dir


def check_output_dir(output_dir: str | os.PathLike) -> pathlib.Path:
    """Refuses, before any work, a version that could not be written.

    Raises:
        ValueError: it does not end in a number.
        FileExistsError: it exists.
    """
    path = pathlib.Path(output_dir)
    if not (path.name.isascii() and path.name.isdigit() and path.parent.name):
        raise ValueError(
            "`output_dir` must be the model's folder and a version number, "
            f"like models/crossnet/1. Received: output_dir={output_dir}"
        )
    if path.exists():
        raise FileExistsError(
            "`output_dir` must be a new version; a server may be reading "
            f"this one. Received: output_dir={output_dir}"
        )
    return path


def _write(model: System, directory: pathlib.Path, max_pixels: int) -> None:
    # Not the Keras model: only its variables belong into the file.
    root = tf.Module()
    root.weights = [variable.value for variable in model.variables]
    # Not a signature: for converters, which know no checks.
    scale = model.config.scale
    with forms.portable():  # A server's processor may be another one.
        root.network = signatures.network(model)
        functions = signatures.make(root.network, scale, max_pixels)
    try:
        tf.saved_model.save(root, str(directory), signatures=functions)
    except tf.errors.OpError as error:
        raise OSError(f"Cannot write {directory}: {error.message}") from error


def _describe(directory: pathlib.Path, model: System, max_pixels: int) -> None:
    facts = {
        "crossnet_tf": crossnet_tf.__version__,
        "scale": model.config.scale,
        "preset": model.config.preset,
        "precision": model.dtype_policy.name,
        "max_pixels": max_pixels,
    }
    path = directory / DESCRIPTION
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(facts, indent=2) + "\n")


def describe(directory: str | os.PathLike) -> dict[str, Any]:
    """What an exported SavedModel says of itself: scale, preset, ...

    Raises:
        FileNotFoundError: not a SavedModel that `save` wrote.
        ValueError: its description is damaged.
    """
    path = pathlib.Path(directory) / DESCRIPTION
    if not path.is_file():
        raise FileNotFoundError(
            "`saved_model_dir` must be an export of export.saved_model. "
            f"Received: saved_model_dir={directory}"
        )
    facts = json.loads(path.read_text("utf-8"))
    if not isinstance(facts, dict) or facts.get("scale") not in SCALES:
        raise ValueError(f"Cannot use {path}: no known `scale`.")
    return facts


def _check(directory: pathlib.Path, model: System) -> None:
    found = lint.problems(directory)
    if found:
        raise RuntimeError(f"The SavedModel cannot be served: {found}.")
    inputs = warmup.examples(model.config.scale)["serving_default"]
    served = tf.saved_model.load(str(directory)).signatures["serving_default"]
    sr = served(**{k: tf.constant(v) for k, v in inputs.items()})["sr"]
    expected = np.clip(model(inputs, training=False)["sr"], 0.0, 1.0)
    difference = float(np.abs(sr - expected).max())
    tolerance = TOLERANCE[model.dtype_policy.name]
    if not difference <= tolerance:
        raise RuntimeError(
            "The SavedModel must equal the network. Largest difference: "
            f"{difference:.2g}, allowed: {tolerance:.2g}."
        )
