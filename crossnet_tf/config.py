"""Everything that can be set, written once: one field is one flag.

`Config` holds four frozen dataclasses. A field carries its type, default,
help and limits, so that command-line flags, checks and `config.json` all
come from here; `cli.py` turns the fields into absl flags and nothing below
it knows about flags. Presets of the network are data: `PRESETS` maps a name
to a `ModelConfig`.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

SCALES = (2, 4, 8)
SYSTEMS = (
    "bicubic",
    "srcnn",
    "vdsr",
    "mdsr",
    "patchmatch",
    "dis",
    "ss_net",
    "crossnet",
    "crossnet_iw",
    "crossnet_iw_p",
    "flownet_s",
    "crossnet_pp",
    "quick",
)
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
PHASES = ("all", "coarse_flow", "flow", "hold", "picture")
LR_FILTERS = ("cubic", "box", "lanczos", "gaussian", "linear", "jpeg")
MAX_PIXELS = 100_000_000
"""Of a picture that is decoded, unless a command is told otherwise."""
MAX_SIDE, MARGIN = 1024, 128
"""Of a tile's input, and what of it lies around the tile; in HR pixels."""


def setting(default: Any, help: str, **limits: Any) -> Any:
    """A dataclass field with help and limits.

    Args:
        default: the default value; its type is the field's annotation.
        help: one sentence for `--help`.
        **limits: any of `choices` (a tuple), `minimum`, `maximum`,
            `multiple_of`.
    """
    metadata = {"help": help, **limits}
    if isinstance(default, list):
        raise TypeError("`default` must be immutable. Received: a list.")
    return dataclasses.field(default=default, metadata=metadata)


def _check(field: dataclasses.Field, value: Any) -> None:
    name, limits = field.name, field.metadata
    rule = ""
    if "choices" in limits and value not in limits["choices"]:
        rule = f"be one of {list(limits['choices'])}"
    elif "minimum" in limits and not value >= limits["minimum"]:
        rule = f"be at least {limits['minimum']}"
    elif "maximum" in limits and not value <= limits["maximum"]:
        rule = f"be at most {limits['maximum']}"
    elif "multiple_of" in limits and value % limits["multiple_of"]:
        rule = f"be a multiple of {limits['multiple_of']}"
    if rule:
        raise ValueError(f"`{name}` must {rule}. Received: {name}={value!r}.")


@dataclasses.dataclass(frozen=True)
class _Section:
    """Checks every field against its limits on construction."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))
            for item in value if isinstance(value, (list, tuple)) else [value]:
                _check(field, item)


@dataclasses.dataclass(frozen=True)
class ModelConfig(_Section):
    """The network; defaults are preset `paper`."""

    preset: str = setting("paper", "Name of the settings that these began as.")
    system: str = setting(
        "crossnet",
        "Which system is built with these settings (`crossnet_tf/baselines/` "
        "describes each; those that have no use for a setting ignore it).",
        choices=SYSTEMS,
    )
    scale: int = setting(4, "HR size / LR size.", choices=SCALES)
    upsampler: str = setting(
        "mdsr",
        "How LR is brought to full size before the encoder: `mdsr` (the "
        "paper's), `subpixel` (a small residual network), `bicubic`.",
        choices=("bicubic", "mdsr", "subpixel"),
    )
    flow_upsampler: str = setting(
        "same",
        "How LR is brought to full size before the flow estimator; `same`: "
        "the result of `upsampler`.",
        choices=("same", "bicubic"),
    )
    upsampler_blocks: int = setting(
        16, "Residual blocks of a learned upsampler.", minimum=1, maximum=80
    )
    upsampler_width: int = setting(
        64, "Channels of a learned upsampler.", minimum=4, maximum=256
    )
    flow_estimator: str = setting(
        "flownet_s_plus",
        "`flownet_s_plus`: four learned levels (the paper's); `flownet_s`: "
        "full size by x4 bilinear; `pyramid`: correlation and residual flow "
        "from level to level (preset `lite`).",
        choices=("flownet_s_plus", "flownet_s", "pyramid"),
    )
    flow_width: int = setting(
        64,
        "Channels of the flow estimator's first layer; the others keep the "
        "paper's ratios to it.",
        minimum=8,
        maximum=128,
        multiple_of=4,
    )
    flow_passes: int = setting(
        1,
        "How often FlowNetS or FlowNetS+ looks; from the second time on at "
        "REF as warped by what it found before. 1 in the paper.",
        minimum=1,
        maximum=4,
    )
    flow_steps: int = setting(
        3,
        "Learned steps at half size, of preset `quick`.",
        minimum=1,
        maximum=8,
    )
    width: int = setting(
        64,
        "Channels of encoders and decoder.",
        minimum=8,
        maximum=256,
        multiple_of=4,
    )
    activation: str = setting(
        "relu",
        "Activation of encoders and decoder.",
        choices=("relu", "selu", "leaky_relu"),
    )
    shared_encoder: bool = setting(
        False, "One encoder for LR and REF instead of two."
    )
    encoder_stem: bool = setting(
        True, "A 5x5 stem convolution before the encoder's first level."
    )
    post_fusion_convs: int = setting(
        3,
        "5x5 convolutions after the decoder, the last one to RGB.",
        minimum=2,
        maximum=4,
    )
    global_residual: bool = setting(
        False, "Let the network predict the difference to upsampled LR."
    )
    detail_gate: bool = setting(
        False,
        "Warp REF's detail as a picture, too, and mix it in by a learned "
        "gate (preset `lite`).",
    )
    ref_trust: bool = setting(
        False,
        "Outside training, take upsampled LR where REF, warped, does not "
        "explain what LR shows: in closed form, without weights. Preset "
        "`lite` always does.",
    )
    back_projection: bool = setting(
        False,
        "Hold the result to what LR shows, inside the network: one step of "
        "back-projection, less of it where LR seems noisy or compressed "
        "(preset `quick`).",
    )


@dataclasses.dataclass(frozen=True)
class DataConfig(_Section):
    """What is trained on and how pairs are cut out of it."""

    dataset: str = setting(
        "synthetic_lf",
        "A prepared TFDS data set's name, `motorcycle` (the stereo pair that "
        "scikit-image installs), or `folder:PATH` with `hr/` and `ref/` "
        "(LR is made from HR), or `lr/`, `ref/` and optionally `hr/`. "
        "`warps:PATH` makes pairs with true flow out of photographs. "
        "Training can mix several, separated by commas.",
    )
    mix: tuple[float, ...] = setting(
        (), "Share of each data set; empty: equal shares.", minimum=0
    )
    data_dir: str = setting(
        "",
        "Where prepared data sets are; empty: TFDS's own place "
        "($TFDS_DATA_DIR or ~/tensorflow_datasets).",
    )
    data_service: tuple[str, ...] = setting(
        (),
        "HOST:PORT of `crossnet data_service`, which decodes and cuts crops "
        "there instead of here; several share the work.",
    )
    train_split: str = setting("train", "TFDS split to train on.")
    batch_size: int = setting(
        2, "Pairs per step over all devices.", minimum=1, maximum=4096
    )
    crop_height: int = setting(
        320, "HR crop height in pixels.", minimum=16, multiple_of=8
    )
    crop_width: int = setting(
        512, "HR crop width in pixels.", minimum=16, multiple_of=8
    )
    random_crop: bool = setting(
        False, "Cut crops anywhere instead of top left."
    )
    parallax_shift: int = setting(
        0,
        "Shift REF by up to so many pixels on both axes (the paper's "
        "generalisation run: 15).",
        minimum=0,
        maximum=128,
    )
    flip: bool = setting(False, "Mirror left-right and up-down at random.")
    turn: bool = setting(False, "Turn by multiples of 90 degrees at random.")
    color_jitter: bool = setting(
        True, "Brightness, gain and contrast changes, alike for all images."
    )
    camera_mismatch: bool = setting(
        False, "Small gain, gamma and blur differences on REF only."
    )
    other_camera: float = setting(
        0.0,
        "Share of pairs whose REF is as from quite another camera (exposure "
        "by up to 1 EV, white balance, tone curve, sharpening, noise, JPEG) "
        "and whose LR may be noisy.",
        minimum=0,
        maximum=1,
    )
    lr_filters: tuple[str, ...] = setting(
        ("cubic",),
        "How LR is made from HR in training, drawn for each crop: `cubic` "
        "(the published protocol), `box`, `lanczos`, `gaussian` (soft, then "
        "cubic), `linear` (light), `jpeg`. One may stand there twice.",
        choices=LR_FILTERS,
    )
    wrong_ref: float = setting(
        0.0,
        "Share of pairs whose REF is replaced by a useless one (black, "
        "noise, another picture), so that the network learns to doubt.",
        minimum=0,
        maximum=1,
    )
    skip_bad_examples: bool = setting(
        False,
        "Name pictures of `folder:PATH` and `warps:PATH` that cannot be read, "
        "and train without them, at most 1 %, instead of ending.",
    )
    min_disparity: float = setting(
        0.0, "Smallest view distance of a training pair, in views.", minimum=0
    )
    max_disparity: float = setting(
        0.0,
        "Largest view distance of a training pair, in views; 0: no limit.",
        minimum=0,
    )
    motion: float = setting(
        12.0,
        "Largest displacement in `warps:PATH`, in pixels.",
        minimum=0.5,
        maximum=48,
    )
    first_motion: float = setting(
        4.0,
        "Largest displacement of the first pairs of `warps:PATH`, in pixels; "
        "it grows to `motion`.",
        minimum=0.5,
        maximum=48,
    )
    motion_pairs: int = setting(
        0,
        "Crops of `warps:PATH` over which the displacement grows; 0: it is "
        "`motion` from the start.",
        minimum=0,
    )
    shuffle_buffer: int = setting(
        64, "Encoded view pairs held for shuffling.", minimum=1
    )
    pairs_per_scene: int = setting(
        1,
        "Pairs cut from a light field each time it is read.",
        minimum=1,
        maximum=256,
    )


@dataclasses.dataclass(frozen=True)
class TrainConfig(_Section):
    """Schedule, optimiser, loss and bookkeeping."""

    num_steps: int = setting(200_000, "Training steps.", minimum=1)
    phases: tuple[str, ...] = setting(
        ("all",),
        "What learns, one after another: `coarse_flow` (the flow estimator "
        "up to 1/4 size, on flow alone), `flow` (all of it, on flow alone), "
        "`picture` (all but the flow estimator), `hold` (of preset `quick`, "
        "only how far results are held to LR), `all`.",
        choices=PHASES,
    )
    phase_steps: tuple[int, ...] = setting(
        (), "Steps at which the second, third, ... phase begins.", minimum=1
    )
    phase_factors: tuple[float, ...] = setting(
        (),
        "Learning rate of each phase, as a share of `learning_rate`; empty: "
        "the same in all.",
        minimum=0,
    )
    start: str = setting(
        "random",
        "Weights to begin with: `random`; `matching`: random ones that "
        "already compare LR with REF, add flow from level to level and hand "
        "LR through to the result (preset `crossnet`).",
        choices=("random", "matching"),
    )
    learning_rate: float = setting(1e-4, "Adam's step size.", minimum=0)
    decay_steps: tuple[int, ...] = setting(
        (150_000,), "Steps at which the learning rate drops."
    )
    decay_factors: tuple[float, ...] = setting(
        (0.1,),
        "Learning rate from each decay step on, as a share of the first.",
    )
    schedule: str = setting(
        "step",
        "`step`: drops at `decay_steps`; `cosine`: to 1/100 at the end.",
        choices=("step", "cosine"),
    )
    warmup_steps: int = setting(0, "Steps of linear warm-up.", minimum=0)
    weight_decay: float = setting(
        0.0, "Decoupled weight decay (AdamW).", minimum=0
    )
    clip_norm: float = setting(
        0.0, "Clip gradients to this global norm; 0: never.", minimum=0
    )
    ema_decay: float = setting(
        0.0,
        "Average weights over steps; evaluated and exported if > 0.",
        minimum=0,
        maximum=0.99999,
    )
    warp_loss_weight: float = setting(
        0.0,
        "Weight of the warping loss at each level: REF warped by the flow "
        "against HR.",
        minimum=0,
    )
    flow_loss_weight: float = setting(
        0.0,
        "Weight of log(1 + end-point error) where the flow is known.",
        minimum=0,
    )
    flow_penalty: str = setting(
        "log",
        "What the flow loss sums: `log`, log(1 + end-point error); "
        "`end_point`, the error itself.",
        choices=("log", "end_point"),
    )
    flow_from_hr: bool = setting(
        False,
        "Where data have no flow, match HR with REF and learn from that.",
    )
    upsampler_loss_weight: float = setting(
        0.0,
        "Weight of Charbonnier on upsampled LR, for a learned `upsampler`.",
        minimum=0,
    )
    auxiliary_steps: int = setting(
        0,
        "Steps over which warping and flow loss fade out; 0: they stay.",
        minimum=0,
    )
    grad_accumulation: int = setting(
        1,
        "Parts that each device computes its share of a batch in, one after "
        "another: the same step with less memory.",
        minimum=1,
        maximum=4096,
    )
    strategy: str = setting(
        "auto",
        "Where it trains: `one_device` (the first GPU, or the CPU), "
        "`mirrored` (all GPUs of this machine), `multi_worker` (the "
        "processes that TF_CONFIG names); `auto`: the last one if TF_CONFIG "
        "names several, else `mirrored`.",
        choices=("auto", "one_device", "mirrored", "multi_worker"),
    )
    wait_for_workers: float = setting(
        600.0,
        "Seconds until a worker gives up waiting for the others to start.",
        minimum=1,
    )
    precision: str = setting(
        "float32",
        "Keras precision policy; flow is float32 in each.",
        choices=PRECISIONS,
    )
    recompute: bool = setting(
        False,
        "Compute the parts of CrossNet a second time for their gradients "
        "instead of keeping what these need, and give freed memory back: a "
        "quarter less memory, half more time.",
    )
    seed: int = setting(
        0, "Seed of weights, crops and augmentation.", minimum=0
    )
    init_from: str = setting(
        "", "Weights to begin with: a run directory or a shipped name."
    )
    init_parts: tuple[str, ...] = setting(
        (),
        "Layers of `init_from` to take, such as `flow_estimator`; empty: the "
        "whole network.",
    )
    init_fitting: bool = setting(
        False,
        "Take of `init_from`, which may be another system, what fits by name "
        "and shape; the rest begins as without it.",
    )
    log_every: int = setting(20, "Steps between scalars.", minimum=1)
    picture_every: int = setting(500, "Steps between pictures.", minimum=1)
    eval_every: int = setting(
        2000, "Steps between evaluations on the test split.", minimum=1
    )
    checkpoint_every: int = setting(
        500, "Steps between checkpoints.", minimum=1
    )
    keep_checkpoints: int = setting(
        3, "Newest checkpoints kept besides the best.", minimum=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.decay_steps) != len(self.decay_factors):
            raise ValueError(
                "`decay_factors` must have one value per entry of "
                f"`decay_steps`. Received: decay_steps={self.decay_steps}, "
                f"decay_factors={self.decay_factors}."
            )
        for name in ("decay_steps", "phase_steps"):
            steps = getattr(self, name)
            if list(steps) != sorted(set(steps)):
                raise ValueError(
                    f"`{name}` must increase. Received: {name}={steps}."
                )
        self._check_phases()

    def _check_phases(self) -> None:
        if len(self.phase_steps) != len(self.phases) - 1:
            raise ValueError(
                "`phase_steps` must have one value per phase but the first. "
                f"Received: phases={self.phases}, "
                f"phase_steps={self.phase_steps}."
            )
        if len(self.phase_factors) not in (0, len(self.phases)):
            raise ValueError(
                "`phase_factors` must have one value per phase, or none. "
                f"Received: phases={self.phases}, "
                f"phase_factors={self.phase_factors}."
            )
        if self.phase_steps and self.phase_steps[-1] >= self.num_steps:
            raise ValueError(
                "`phase_steps` must be less than `num_steps`. Received: "
                f"phase_steps={self.phase_steps}, num_steps={self.num_steps}."
            )
        if not self.flow_loss_weight and set(self.phases) & {
            "flow",
            "coarse_flow",
        }:
            raise ValueError(
                "`flow_loss_weight` must be more than 0 where a phase learns "
                f"flow alone. Received: phases={self.phases}."
            )


@dataclasses.dataclass(frozen=True)
class EvalConfig(_Section):
    """What is measured, and how."""

    eval_dataset: str = setting(
        "", "Data set to evaluate on; empty: `dataset`."
    )
    test_split: str = setting("test", "TFDS split to evaluate on.")
    ref_view: tuple[int, ...] = setting(
        (0, 0), "Row and column of REF in evaluation."
    )
    lr_views: tuple[int, ...] = setting(
        (1, 7),
        "Evaluate LR at views (i, i) for each i given; at (0, i) where the "
        "views are one row.",
    )
    num_eval_images: int = setting(
        0, "Evaluate at most so many light fields; 0: all.", minimum=0
    )
    border: int = setting(
        0, "Pixels left out at each border by the metrics.", minimum=0
    )
    channel: str = setting(
        "rgb", "PSNR over RGB samples or on BT.601 luma.", choices=("rgb", "y")
    )
    protocol: str = setting(
        "usual",
        "`usual`: SSIM as scikit-image defines it (Gaussian windows, grey); "
        "`paper`: pictures of 384 pixels and more are thinned out before.",
        choices=("usual", "paper"),
    )
    max_pixels: int = setting(
        MAX_PIXELS, "Refuse images with more pixels.", minimum=1
    )


@dataclasses.dataclass(frozen=True)
class Config:
    """All settings of a run; saved as `<run_dir>/config.json`.

    Example:
        >>> import crossnet_tf
        >>> crossnet_tf.Config().model.scale
        4
        >>> crossnet_tf.Config.from_dict({"model": {"scale": 8}}).model.scale
        8
    """

    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Nested plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping[str, Any]]) -> "Config":
        """The inverse of `to_dict`, for values that may come from outside.

        Raises:
            ValueError: an unknown section or field, a wrong type, a value
                outside its limits.
        """
        sections = typing.get_type_hints(cls)
        unknown = sorted(set(values) - set(sections))
        if unknown:
            raise ValueError(f"Unknown section(s) in the config: {unknown}.")
        return cls(
            **{
                name: section_from_dict(sections[name], fields)
                for name, fields in values.items()
            }
        )


def section_from_dict(section: type, values: Mapping[str, Any]) -> Any:
    """Builds one section from plain values, checking names and types."""
    if not isinstance(values, Mapping):
        raise ValueError(
            f"A config section must be a mapping. Received: {values!r}."
        )
    hints = typing.get_type_hints(section)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ValueError(f"Unknown field(s) for {section.__name__}: {unknown}.")
    return section(
        **{
            name: _as_type(name, hints[name], value)
            for name, value in values.items()
        }
    )


PRESETS = {
    "paper": ModelConfig(),
    "official": ModelConfig(
        preset="official",
        flow_upsampler="bicubic",
        activation="selu",
        shared_encoder=True,
        post_fusion_convs=2,
    ),
    # The paper's network, as narrow as two processor cores can train in
    # hours: half of the width is a quarter of the work. MDSR is half of the
    # paper's time and has little to do with aligning, so that LR is enlarged
    # by the small network of `lite`; the flow reads cubic LR, because flow
    # that was learned first must not change when the upsampler learns. A
    # network of that size, trained for hours, believes some wrong references:
    # what it makes of REF is checked against LR afterwards, and its flow, which
    # reaches a few pixels, is estimated again from where it points.
    "crossnet": ModelConfig(
        preset="crossnet",
        upsampler="subpixel",
        flow_upsampler="bicubic",
        upsampler_blocks=4,
        upsampler_width=32,
        flow_width=32,
        flow_passes=4,
        width=32,
        ref_trust=True,
    ),
    "lite": ModelConfig(
        preset="lite",
        upsampler="subpixel",
        flow_upsampler="bicubic",
        upsampler_blocks=4,
        upsampler_width=32,
        flow_estimator="pyramid",
        flow_width=16,
        width=16,
        activation="leaky_relu",
        encoder_stem=False,
        post_fusion_convs=2,
        global_residual=True,
        detail_gate=True,
    ),
    "quick": ModelConfig(
        preset="quick",
        system="quick",
        upsampler="subpixel",
        upsampler_blocks=4,
        upsampler_width=32,
        flow_width=16,
        width=24,
        back_projection=True,
    ),
}


def model_config(preset: str, **changes: Any) -> ModelConfig:
    """A preset with some fields changed.

    Raises:
        ValueError: unknown preset, or a value outside its limits.
    """
    if preset not in PRESETS:
        raise ValueError(
            f"`preset` must be one of {sorted(PRESETS)}. "
            f"Received: preset={preset!r}."
        )
    return dataclasses.replace(PRESETS[preset], **changes)


def _as_type(name: str, hint: Any, value: Any) -> Any:
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(
                f"`{name}` must be a list. Received: {name}={value!r}."
            )
        item_type = typing.get_args(hint)[0]
        return tuple(_as_type(name, item_type, item) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(
            f"`{name}` must be of type {hint.__name__}. "
            f"Received: {name}={value!r}."
        )
    return value
