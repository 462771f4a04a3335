"""Puts page, network and runtime into one folder for any static server."""

import json
import os
import pathlib
import shutil

from crossnet_tf.app.examples import example_pairs

from ..formats import writing

_HERE = pathlib.Path(__file__).parent
_PACKAGE = "onnxruntime-web"
RUNTIME = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)
"""What the page needs of the runtime's folder."""
_FACTS = "model.json"


def build(
    onnx: str | os.PathLike,
    runtime_dir: str | os.PathLike,
    output_dir: str | os.PathLike,
    name: str,
) -> None:
    """Writes the folder, replacing what an earlier call wrote.

    Args:
        onnx: written by `export.onnx`, for any size.
        runtime_dir: the folder of the npm package `onnxruntime-web`.
        output_dir: the folder.
        name: of the network, for the page.

    Raises:
        FileNotFoundError: a file or the runtime is missing.
        ValueError: the file is none of ours or for one size, the runtime is
            of another version, or the folder is someone else's.
    """
    onnx, runtime = pathlib.Path(onnx), pathlib.Path(runtime_dir)
    output = pathlib.Path(output_dir)
    if not onnx.is_file():
        raise FileNotFoundError(
            f"`onnx` must be a file that exists. Received: {onnx}"
        )
    content = onnx.read_bytes()
    facts = writing.read_onnx_metadata(content)
    if facts["lr_height"]:
        raise ValueError(
            "`onnx` must be for any size: export it without --height and "
            f"--width. Received: lr_height={facts['lr_height']}."
        )
    _check_runtime(runtime)
    _check_output(output)
    parts = output.with_name(f".{output.name}.parts")
    shutil.rmtree(parts, ignore_errors=True)
    shutil.copytree(_HERE / "page", parts)
    (parts / "runtime").mkdir()
    for file in RUNTIME:
        shutil.copy(runtime / "dist" / file, parts / "runtime" / file)
    (parts / "model.onnx").write_bytes(content)
    lr, ref = example_pairs()[0]
    for picture in (lr, ref):
        shutil.copy(picture, parts / picture.name)
    about = {
        "name": name,
        "scale": facts["scale"],
        "example": {"lr": lr.name, "ref": ref.name},
    }
    (parts / _FACTS).write_text(json.dumps(about, indent=1))
    shutil.rmtree(output, ignore_errors=True)
    parts.rename(output)


def _check_runtime(runtime: pathlib.Path) -> None:
    wanted = json.loads((_HERE / "package.json").read_text())["dependencies"]
    try:
        found = json.loads((runtime / "package.json").read_text())["version"]
    except FileNotFoundError:
        raise FileNotFoundError(
            f"`runtime_dir` must be npm's folder of {_PACKAGE}; `make "
            f"web-demo` gets it. Received: {runtime}"
        ) from None
    if found != wanted[_PACKAGE]:
        raise ValueError(
            f"`runtime_dir` must have {_PACKAGE} {wanted[_PACKAGE]}. "
            f"Received: {found}."
        )


def _check_output(output: pathlib.Path) -> None:
    """Nothing but an earlier page may be replaced."""
    if not output.exists() or (output / _FACTS).is_file():
        return
    if not output.is_dir() or any(output.iterdir()):
        raise ValueError(
            "`output_dir` must be new, empty or an earlier page. Received: "
            f"{output}"
        )
