"""The rows of a comparison: systems by name, and runs of those that learn."""

import dataclasses
import hashlib
import pathlib
import unicodedata
from collections.abc import Sequence

from crossnet_tf.baselines import registry
from crossnet_tf.config import SCALES, ModelConfig
from crossnet_tf.evaluation.file_names import file_name
from crossnet_tf.storage import runs
from crossnet_tf.upscaling import upscaler


@dataclasses.dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
        label: how the table calls it.
        source: what `runs.load_model` takes; empty: a system without weights,
            named without a scale.
        model: the network's settings.
        any_scale: whether it serves every scale, not only that of `model`.
        stamp: changes when the weights do.
    """

    label: str
    source: str
    model: ModelConfig
    any_scale: bool
    stamp: str = ""

    @property
    def entry(self) -> registry.Entry:
        """What the registry says of the system."""
        return registry.REGISTRY[self.model.system]

    @property
    def slug(self) -> str:
        """The label as part of a file's name."""
        return file_name(self.label)

    def serves(self, scale: int) -> bool:
        """Whether it can upscale by `scale`."""
        return self.any_scale or self.model.scale == scale

    def upscaler(self, scale: int, precision: str) -> upscaler.Upscaler:
        """The system, loaded, computing with a Keras policy."""
        settings = dataclasses.replace(self.model, scale=scale)
        if not self.entry.learns:
            return upscaler.Upscaler(runs.build(settings, precision))
        model, _ = runs.load_model(self.source, precision)
        if scale != self.model.scale:
            same_weights = runs.build(settings, precision)
            runs.copy_weights(model, same_weights)
            model = same_weights
        return upscaler.Upscaler(model)


def find_methods(texts: Sequence[str]) -> list[Method]:
    """Methods by name.

    Args:
        texts: each one what `runs.find` takes, the name of a system without
            weights, with or without its scale, or `LABEL=` and one of these.
            What exists as a path is one, whatever `=` it has.

    Raises:
        ValueError: no methods, unknown ones, or two with the same label.
        FileNotFoundError: no such run.
    """
    methods = [_method(text) for text in texts]
    doubles = [
        method.label
        for method in methods
        if sum(_share_a_row(method, other) for other in methods) > 1
    ]
    if doubles or not methods:
        raise ValueError(
            "`weights` must be one or more with labels of their own; "
            f"LABEL=RUN gives one. Received twice: {doubles}."
        )
    return methods


def with_bicubic(methods: Sequence[Method]) -> list[Method]:
    """The methods, after bicubic upscaling to compare them with."""
    if any(method.model.system == "bicubic" for method in methods):
        return list(methods)
    return [*find_methods(["bicubic"]), *methods]


def scales_of(methods: Sequence[Method]) -> list[int]:
    """The scales that methods were trained or named for; x4 if none was."""
    named = [method.model.scale for method in methods if method.source]
    return sorted(set(named)) or [4]


def _share_a_row(one: Method, other: Method) -> bool:
    same = _folded(one.label) == _folded(other.label)
    return same and any(one.serves(s) and other.serves(s) for s in SCALES)


def _folded(label: str) -> str:
    """Labels that look alike, or whose files are one on some systems."""
    return unicodedata.normalize("NFC", label).casefold()


def _method(text: str) -> Method:
    for label, source in _readings(text):
        if source in registry.REGISTRY and not pathlib.Path(source).exists():
            return _system(text, label, source)
        if runs.is_known(source):
            return _known(label, source)
    label, _, source = text.partition("=")
    return _known(label, source or text)  # Says that there is none.


def _readings(text: str) -> list[tuple[str, str]]:
    """Label and source, for each `=` that may part them; none comes first."""
    places = [i for i, char in enumerate(text) if char == "="]
    return [("", text), *((text[:i], text[i + 1 :]) for i in places)]


def _system(text: str, label: str, name: str) -> Method:
    """A system by its name in the registry."""
    entry = registry.REGISTRY[name]
    if entry.learns:
        raise ValueError(
            f"`weights` must name a run for what is learned: "
            f"{entry.title}=RUN_DIR. Received: {text!r}."
        )
    model = ModelConfig(system=name)
    return Method(label or entry.title, "", model, entry.any_scale)


def _known(label: str, source: str) -> Method:
    """A run, a folder of weights, a shipped name, or SYSTEM-xSCALE."""
    model = runs.config_of(source).model
    entry = registry.REGISTRY[model.system]
    label = label or entry.title
    if not entry.learns:
        return Method(label, source, model, any_scale=False)
    stamp = _stamp(runs.find(source))
    return Method(label, source, model, entry.any_scale, stamp)


def _stamp(folder: pathlib.Path) -> str:
    """Names, sizes and times of the files that hold the weights."""
    facts = sorted(
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for pattern in ("weights.*", "best/ckpt*", "checkpoints/ckpt*")
        for path in folder.glob(pattern)
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
