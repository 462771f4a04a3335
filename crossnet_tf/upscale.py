r"""Super-resolves a picture with the help of a sharp reference.

    python -m crossnet_tf.upscale --weights=runs/quickstart \
        --lr=small.png --ref=reference.png --output=large.png

REF shows the same scene, at any size, zoom or turn, by any camera: it is laid
over LR (--align) and brought to LR's tone (--match) first. PNG, JPEG, TIFF,
WebP and BMP are read and written, AVIF and HEIC read. The result keeps what
LR has: 16 bits (PNG, TIFF), grey, alpha, colour profile, EXIF (not in TIFF),
dpi. With folders or patterns, files that have the same name up to the suffix
belong together; one REF serves all:

    python -m crossnet_tf.upscale --weights=NAME \
        --lr=small/ --ref=references/ --output=large/ --skip_existing
    python -m crossnet_tf.upscale --weights=NAME \
        --lr='shots/*.jpg' --ref=sharp.png --output=large/ --format=same

A video is upscaled with a picture, with stills whose names end in a frame's
number (`wide_0015.png`) or second (`wide_2.5s.png`), or with another video as
REF; sound and subtitles are copied, interlaced frames are made progressive,
and a killed run goes on:

    python -m crossnet_tf.upscale --weights=NAME \
        --lr=clip.mp4 --ref=stills/ --output=large.mp4

Large pictures are done in overlapping tiles. If LR and REF are further apart
than --margin, make it larger. Look at --debug_dir if the result is doubtful:
it shows what the network took from where.
"""

import sys

from absl import flags

from crossnet_tf import cli, processor, terminal

FLAGS = cli.define_flags()


def _text(name: str, help: str, required: bool = False) -> flags.FlagHolder:
    return flags.DEFINE_string(
        name, None, help, required=required, flag_values=FLAGS
    )


WEIGHTS = _text(
    "weights",
    "Run directory, folder of weights, name of shipped weights, or "
    "SYSTEM-xSCALE.",
)
cli.define_alias("run_dir", "weights", FLAGS)
LR = _text("lr", "Low-resolution picture, a folder, a pattern, a video.", True)
REF = _text(
    "ref",
    "Reference, a folder or a pattern. Empty: the upsampler alone.",
    True,
)
OUTPUT = _text(
    "output", "Result to write (.png, .jpg, .tif, .webp), or a folder.", True
)
DEBUG_DIR = _text(
    "debug_dir", "Folder for pictures of flow, warped REF and upscaled LR."
)
COMPARE = _text(
    "compare",
    "HTML page to write of a single pair: before and after under a slider, "
    "warped REF, flow, trust, what was done.",
)
HR = _text("hr", "The truth, for the page's PSNR and SSIM.")
RECURSIVE = flags.DEFINE_bool(
    "recursive", False, "Look into folders of folders.", flag_values=FLAGS
)
SUFFIX = flags.DEFINE_string(
    "suffix",
    "",
    "What follows LR's name in an output folder, such as _x4.",
    flag_values=FLAGS,
)
FORMAT = flags.DEFINE_enum(
    "format",
    "png",
    ["png", "jpg", "tif", "webp", "bmp", "same"],
    "Format of results in an output folder; `same`: as LR.",
    flag_values=FLAGS,
)
HOW = cli.define_upscaling(FLAGS)
WIDTH = flags.DEFINE_integer(
    "width",
    0,
    "Width of the result in pixels; 0: as --height or --scale say.",
    lower_bound=0,
    flag_values=FLAGS,
)
HEIGHT = flags.DEFINE_integer(
    "height",
    0,
    "Height of the result in pixels; 0: as --width or --scale say.",
    lower_bound=0,
    flag_values=FLAGS,
)


def main() -> None:
    """Upscales as the flags say."""
    if not WEIGHTS.value:
        raise flags.Error("Give one of --run_dir and --weights.")
    from crossnet_tf.upscaling.files import upscale  # TensorFlow
    from crossnet_tf.upscaling.options import Options

    options = Options(
        **{name: flag.value for name, flag in HOW.items()},
        debug_dir=DEBUG_DIR.value or "",
        compare=COMPARE.value or "",
        hr=HR.value or "",
        recursive=RECURSIVE.value,
        suffix=SUFFIX.value,
        format=FORMAT.value,
        width=WIDTH.value,
        height=HEIGHT.value,
    )
    if advice := processor.advice(options.precision):
        print(advice, file=sys.stderr)
    files = LR.value, REF.value, OUTPUT.value
    summary = upscale(WEIGHTS.value, *files, options)
    terminal.tell(summary)
    for problem in summary.problems:
        terminal.complain(problem)
    if summary.problems:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main, FLAGS)
