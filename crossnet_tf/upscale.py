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

from crossnet_tf import cli, config, terminal

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
SKIP_EXISTING = flags.DEFINE_bool(
    "skip_existing", False, "Leave existing outputs.", flag_values=FLAGS
)
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
SCALE = flags.DEFINE_float(
    "scale",
    0.0,
    "Output size / LR size, by resizing after the network; 0: the network's.",
    lower_bound=0.0,
    flag_values=FLAGS,
)
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
ALIGN = flags.DEFINE_enum(
    "align",
    "auto",
    ["auto", "none"],
    "Lay REF over LR, whatever its size, zoom and turn; none: REF fits.",
    flag_values=FLAGS,
)
MATCH = flags.DEFINE_enum(
    "match",
    "auto",
    ["auto", "none"],
    "Match tone, colour, noise and blur of the cameras, where it helps.",
    flag_values=FLAGS,
)
MAX_SIDE = flags.DEFINE_integer(
    "max_side",
    config.MAX_SIDE,
    "Side in HR pixels of the largest input computed at once; larger "
    "pictures are done in tiles. 0: never tile.",
    lower_bound=0,
    flag_values=FLAGS,
)
MARGIN = flags.DEFINE_integer(
    "margin",
    config.MARGIN,
    "HR pixels that a tile looks beyond its edges; at least the largest "
    "displacement between LR and REF.",
    lower_bound=0,
    flag_values=FLAGS,
)
MAX_PIXELS = flags.DEFINE_integer(
    "max_pixels",
    config.MAX_PIXELS,
    "Refuse pictures with more pixels.",
    lower_bound=1,
    flag_values=FLAGS,
)
PRECISION = flags.DEFINE_enum(
    "precision",
    config.PRECISIONS[0],
    config.PRECISIONS,
    "Keras precision policy to compute with.",
    flag_values=FLAGS,
)


def main() -> None:
    """Upscales as the flags say."""
    if not WEIGHTS.value:
        raise flags.Error("Give one of --run_dir and --weights.")
    from crossnet_tf.upscaling.files import upscale  # TensorFlow
    from crossnet_tf.upscaling.options import Options

    options = Options(
        precision=PRECISION.value,
        max_side=MAX_SIDE.value,
        margin=MARGIN.value,
        max_pixels=MAX_PIXELS.value,
        skip_existing=SKIP_EXISTING.value,
        debug_dir=DEBUG_DIR.value or "",
        compare=COMPARE.value or "",
        hr=HR.value or "",
        recursive=RECURSIVE.value,
        suffix=SUFFIX.value,
        format=FORMAT.value,
        scale=SCALE.value,
        width=WIDTH.value,
        height=HEIGHT.value,
        align=ALIGN.value,
        match=MATCH.value,
    )
    files = LR.value, REF.value, OUTPUT.value
    summary = upscale(WEIGHTS.value, *files, options)
    terminal.tell(summary)
    for problem in summary.problems:
        terminal.complain(problem)
    if summary.problems:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main, FLAGS)
