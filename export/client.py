r"""Super-resolves pictures by a TensorFlow Serving server.

    python -m export.client --server=localhost:8500 \
        --lr=small.png --ref=reference.png --output=large.png

`--server=host:port` is gRPC, `--server=http://host:port` (or https) is REST.
REF is 2, 4 or 8 times as large as LR, as the model wants. Large pictures go
in overlapping tiles, several at a time. TensorFlow is not loaded.

    python -m export.client --server=localhost:8500 --benchmark --requests=100

sends a load (random pictures, or --lr and --ref) and prints requests per
second and percentiles of the latency.
"""

import contextlib
import sys

from absl import flags

from crossnet_tf import cli, config

FLAGS = cli.define_flags()


def _text(name: str, default: str | None, help: str) -> flags.FlagHolder:
    return flags.DEFINE_string(name, default, help, flag_values=FLAGS)


def _number(
    name: str, default: int, help: str, lowest: int = 1
) -> flags.FlagHolder:
    return flags.DEFINE_integer(
        name, default, help, lower_bound=lowest, flag_values=FLAGS
    )


def _switch(name: str, help: str) -> flags.FlagHolder:
    return flags.DEFINE_bool(name, False, help, flag_values=FLAGS)


SERVER = _text("server", "localhost:8500", "host:port, or http(s)://host:port.")
MODEL = _text("model", "crossnet", "Name of the model on the server.")
VERSION = _number("version", 0, "Version to ask; 0: the latest.", 0)
LABEL = _text("label", "", "Label of a version to ask, like stable.")
SIGNATURE = _text("signature", "encoded", "encoded, uint8 or serving_default.")
LR = _text("lr", None, "Low-resolution picture, PNG or JPEG.")
REF = _text("ref", None, "Reference, PNG or JPEG.")
OUTPUT = _text("output", None, "Result to write, .png or .jpg.")
MAX_SIDE = _number(
    "max_side",
    config.MAX_SIDE,
    "Side in HR pixels of the largest request; 0: any.",
    0,
)
MARGIN = _number(
    "margin",
    config.MARGIN,
    "HR pixels that a tile looks beyond its edges; at least the largest "
    "displacement between LR and REF.",
    0,
)
CONCURRENCY = _number("concurrency", 4, "Requests at a time.")
TIMEOUT = flags.DEFINE_float(
    "timeout",
    60.0,
    "Seconds per attempt, the whole answer included.",
    lower_bound=0.001,
    flag_values=FLAGS,
)
RETRIES = _number("retries", 5, "Attempts more if no server answers.", 0)
TLS = _switch("tls", "Encrypt gRPC.")
ROOT_CERTIFICATES = _text(
    "root_certificates", "", "PEM file to trust instead of the system's."
)
HEADER_FILE = _text(
    "header_file",
    "",
    "File of headers to send, one a line, like `Authorization: Bearer ...`.",
)
BENCHMARK = _switch("benchmark", "Send a load and measure it.")
REQUESTS = _number("requests", 100, "Requests of --benchmark.")
SIDE = _number("side", 256, "Side of --benchmark's random REF.", 16)
SCALE = _number("scale", 4, "REF size / LR size of --benchmark's pair.", 2)


def main() -> None:
    """Asks as the flags say."""
    (_benchmark if BENCHMARK.value else _upscale)()


def _connect(ref):
    """The way to the server, for pictures as large as REF, or tiles."""
    from .remote import connecting, transport, upscaler

    num_pixels = ref.shape[0] * ref.shape[1]
    if MAX_SIDE.value and not BENCHMARK.value:
        num_pixels = min(num_pixels, MAX_SIDE.value**2)
    target = transport.Target(
        server=SERVER.value,
        model=MODEL.value,
        version=VERSION.value,
        label=LABEL.value,
        timeout=TIMEOUT.value,
        retries=RETRIES.value,
        tls=TLS.value,
        root_certificates=ROOT_CERTIFICATES.value,
        header_file=HEADER_FILE.value,
        max_answer=upscaler.answer_limit(SIGNATURE.value, num_pixels),
    )
    return contextlib.closing(connecting.connect(target))


def _upscale() -> None:
    from .remote import photos, upscaler

    for flag in (LR, REF, OUTPUT):
        if not flag.value:
            raise flags.Error(f"`--{flag.name}` is required; see --help.")
    output = photos.check_output(OUTPUT.value, [LR.value, REF.value])
    lr, ref = _read_pair()
    with _connect(ref) as way, _ProgressBar("tile") as progress:
        sr = upscaler.upscale(
            way,
            lr,
            ref,
            signature=SIGNATURE.value,
            max_side=MAX_SIDE.value,
            margin=MARGIN.value,
            concurrency=CONCURRENCY.value,
            progress=progress,
        )
    photos.write(output, sr)


def _read_pair() -> tuple:
    """LR and REF, uint8; says so if that loses something."""
    from .remote import photos

    pair = photos.read(LR.value), photos.read(REF.value)
    if photos.has_16_bits(LR.value):
        print(
            f"{LR.value} has 16 bits per channel; a server's picture has 8. "
            "`crossnet_tf.upscale` keeps 16.",
            file=sys.stderr,
        )
    return pair


def _benchmark() -> None:
    import numpy as np

    from .remote import benchmark, upscaler

    if LR.value and REF.value:
        lr, ref = _read_pair()
        upscaler.scale_of(lr, ref)
    else:
        rng, small = np.random.default_rng(0), SIDE.value // SCALE.value
        lr, ref = (
            rng.integers(0, 256, [side, side, 3], np.uint8)
            for side in (small, small * SCALE.value)
        )
    with _connect(ref) as way, _ProgressBar("request") as progress:

        def call() -> None:
            upscaler.ask(way, SIGNATURE.value, lr, ref)

        call()  # connects, and ends here if the server cannot answer at all
        report = benchmark.run(
            call, REQUESTS.value, CONCURRENCY.value, progress
        )
    print(report)
    if report.errors:
        sys.exit(1)


class _ProgressBar:
    """A progress bar as a callable; shown on terminals only."""

    def __init__(self, unit: str):
        import tqdm

        self._bar = tqdm.tqdm(unit=unit, disable=None, leave=False)

    def __enter__(self):
        return self

    def __call__(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __exit__(self, *error) -> None:
        self._bar.close()


if __name__ == "__main__":
    cli.run(main, FLAGS)
