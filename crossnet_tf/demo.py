r"""Super-resolves a real stereo pair and shows what the reference was worth.

    python -m crossnet_tf.demo --weights=crossnet-lite-x4 \
        --output_dir=runs/demo

The pair is the one that scikit-image installs, two photographs of a garage
with up to 60 pixels between them. The left one is shrunk and brought back
with the help of the right one. The folder gets `lr.png`, `ref.png`, `sr.png`,
`hr.png` and `demo.png`, all of them side by side; the gain over bicubic
upscaling is printed. Nothing is downloaded.
"""

import pathlib

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags()
WEIGHTS = flags.DEFINE_string(
    "weights",
    "crossnet-lite-x4",
    "Run directory, folder of weights, name of shipped weights, or "
    "SYSTEM-xSCALE.",
    flag_values=FLAGS,
)
cli.define_alias("run_dir", "weights", FLAGS)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "runs/demo", "Folder for the pictures.", flag_values=FLAGS
)
# Top, left, height and width of the detail shown: the motorcycle's tank.
DETAIL = (216, 264, 96, 144)
PANEL_HEIGHT = 220


def main() -> None:
    """Runs the demonstration as the flags say."""
    from crossnet_tf import images
    from crossnet_tf.config import DataConfig, EvalConfig
    from crossnet_tf.drawing.strips import side_by_side
    from crossnet_tf.evaluation.measure import truth_of
    from crossnet_tf.metrics import psnr
    from crossnet_tf.ops.quantization import quantize
    from crossnet_tf.ops.resizing import upscale_cubic
    from crossnet_tf.pairs.datasets import test_pairs
    from crossnet_tf.storage import runs  # TensorFlow: flags are right
    from crossnet_tf.upscaling import upscaler

    model, config = runs.load_model(WEIGHTS.value)
    scale = config.model.scale
    folder = pathlib.Path(OUTPUT_DIR.value)
    folder.mkdir(parents=True, exist_ok=True)
    data = DataConfig(dataset="motorcycle")
    pair = next(test_pairs(data, EvalConfig(), scale))
    sr = quantize(upscaler.Upscaler(model)(pair.lr, pair.ref)["sr"])
    hr = truth_of(pair)
    cubic = quantize(upscale_cubic(pair.lr, scale).numpy())
    strip = side_by_side(
        [pair.lr, pair.ref, cubic, sr, hr],
        ["LR", "REF", "bicubic", "SR", "ground truth"],
        crop=DETAIL,
        height=PANEL_HEIGHT,
    )
    pictures = {"lr": pair.lr, "ref": pair.ref, "sr": sr, "hr": hr}
    for name, picture in {**pictures, "demo": strip}.items():
        images.write_image(folder / f"{name}.png", picture)
    ours, theirs = psnr(sr, hr), psnr(cubic, hr)
    print(
        f"x{scale}: {ours:.2f} dB with the reference, {theirs:.2f} dB "
        f"bicubic: {ours - theirs:+.2f} dB. Look at {folder / 'demo.png'}."
    )


if __name__ == "__main__":
    cli.run(main, FLAGS)
