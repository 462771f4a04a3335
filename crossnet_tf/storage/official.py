"""Turns a checkpoint of the released PyTorch code into preset `official`.

The names are those of the released code's modules; kernels lie there as
[out, in, height, width], transposed ones as [in, out, height, width], and
here as [height, width, in, out] and [height, width, out, in]: both are the
same turn of axes. The second post-fusion convolution was computed and never
used, so it is left out. LR is upsampled by bicubic, since the released
checkpoints have no MDSR.
"""

import os

import numpy as np

from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import Config, model_config
from crossnet_tf.storage import torch_files, weight_files

_MAX_LISTED = 8
_UNUSED = "UNet_decoder_2.post_fusion2.0"
_CONTRACTING = ("1", "2", "3", "3_1", "4", "4_1", "5", "5_1", "6", "6_1")


def convert(
    path: str | os.PathLike,
    directory: str | os.PathLike,
    scale: int,
    dtype: str = "float32",
    entry: str = "",
) -> tuple[int, str]:
    """Makes a folder of weights from a PyTorch checkpoint.

    Args:
        path: the checkpoint (`CP*.pth`).
        directory: the folder to make; must not exist.
        scale: HR size / LR size that the checkpoint was trained for.
        dtype: as `weight_files.save_weights`.
        entry: of a training's checkpoint, which to take, such as "params_ema".

    Returns:
        How many arrays were converted, and of which entry; "": the file
        holds nothing else.

    Raises:
        FileNotFoundError: there is no checkpoint.
        FileExistsError: `directory` exists.
        ValueError: not readable, or names and shapes do not fit (listed).
    """
    if os.path.exists(directory):
        raise FileExistsError(
            f"`output` must be new. Received: output={directory}"
        )
    found, state = torch_files.read_state_dict(path, entry)
    config = model_config("official", upsampler="bicubic", scale=scale)
    model = build_model(config)
    weights = weight_files.by_name(model)
    expected = {name: tuple(w.shape) for name, w in weights.items()}
    for name, array in renamed(state, expected).items():
        weights[name].assign(array)
    weight_files.save_weights(model, Config(model=config), directory, dtype)
    return len(weights), found


def renamed(
    state: dict[str, np.ndarray], expected: dict[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Our names and axes for the released code's arrays.

    Args:
        state: arrays by the released code's names.
        expected: shapes by our names.

    Raises:
        ValueError: lists what is missing, unknown or of another shape.
    """
    theirs = {
        f"{layer}.{kind}": f"{ours}/{ours_kind}"
        for layer, ours in layer_names().items()
        for kind, ours_kind in (("weight", "kernel"), ("bias", "bias"))
    }
    known = {*theirs, f"{_UNUSED}.weight", f"{_UNUSED}.bias"}
    state = _without_prefix(state)
    unknown = sorted({*state} - known)
    problems = [f"{n} is missing" for n in theirs if n not in state]
    # Whole numbers are counters, as of batches or averages.
    problems += [
        f"{n[:80]} is unknown" for n in unknown if state[n].dtype.kind == "f"
    ]
    arrays = {}
    for name in theirs.keys() & state.keys():
        array = state[name]
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        arrays[theirs[name]] = array
        wanted = expected[theirs[name]]
        if array.shape != wanted:
            problems.append(f"{name} gives {array.shape}, not {wanted}")
        elif array.dtype.kind != "f":
            problems.append(f"{name} is {array.dtype}, not a float")
    if problems:
        more = len(problems) - _MAX_LISTED
        listed = "; ".join(problems[:_MAX_LISTED])
        raise ValueError(
            "The checkpoint does not fit preset `official`: "
            f"{listed}{f'; and {more} more' if more > 0 else ''}."
        )
    return arrays


def _without_prefix(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Names as they were before the network became a part of another."""
    first = "FlowNet.conv1.0.weight"
    longer = [name for name in state if name.endswith(f".{first}")]
    prefix = longer[0].removesuffix(first) if len(longer) == 1 else ""
    return {name.removeprefix(prefix): array for name, array in state.items()}


def layer_names() -> dict[str, str]:
    """The released code's layers and ours."""
    names = {
        f"FlowNet.conv{number}.0": f"flow_estimator/conv{number}"
        for number in _CONTRACTING
    }
    for level in range(6):
        step = f"flow_estimator/up{level}"
        names[f"FlowNet.flow{level + 1}.0"] = f"{step}/flow"
        names[f"FlowNet.flow{level + 1}_up"] = f"{step}/flow_up"
        names[f"FlowNet.deconv{level}.0"] = f"{step}/deconvolution"
    for number in (1, 2):
        names[f"FlowNet.concat0_conv{number}.0"] = (
            f"flow_estimator/full_size_{number}"
        )
    names["FlowNet.flow_12.0"] = "flow_estimator/flow0"
    names["Encoder.layer_f.0"] = "ref_encoder/stem"
    for level in range(4):
        names[f"Encoder.conv{level + 1}.0"] = f"ref_encoder/level{level}"
    for level in (3, 2, 1):
        names[f"UNet_decoder_2.warp_deconv{level + 1}.0"] = (
            f"decoder/from_level{level}"
        )
    names["UNet_decoder_2.post_fusion1.0"] = "post_fusion/fusion1"
    names["UNet_decoder_2.final.0"] = "post_fusion/picture"
    return names
