"""The rows of a comparison: systems by name, and runs of those that learn."""

import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Sequence

from crossnet_tf.baselines import registry
from crossnet_tf.config import ModelConfig
from crossnet_tf.storage import runs
from crossnet_tf.upscaling import upscaler


@dataclasses.dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
        label: how the table calls it.
        source: a run as `runs.load_model` takes it; empty: nothing learned.
        model: the network's settings.
        stamp: changes when the weights do.
    """

    label: str
    source: str
    model: ModelConfig
    stamp: str = ""

    @property
    def entry(self) -> registry.Entry:
        """What the registry says of the system."""
        return registry.REGISTRY[self.model.system]

    @property
    def slug(self) -> str:
        """The label as part of a file's name."""
        return re.sub(r"[^A-Za-z0-9+.-]+", "_", self.label)

    def serves(self, scale: int) -> bool:
        """Whether it can upscale by `scale`."""
        return self.entry.any_scale or self.model.scale == scale

    def upscaler(self, scale: int, precision: str) -> upscaler.Upscaler:
        """The system, loaded."""
        settings = dataclasses.replace(self.model, scale=scale)
        if not self.source:
            return upscaler.Upscaler(registry.build_model(settings))
        model, _ = runs.load_model(self.source, precision)
        if scale != self.model.scale:
            same_weights = registry.build_model(settings)
            runs.copy_weights(model, same_weights)
            model = same_weights
        return upscaler.Upscaler(model)


def find_methods(texts: Sequence[str]) -> list[Method]:
    """Methods by name.

    Args:
        texts: each one the name of a system without weights, a run, or
            `LABEL=RUN`, where a run is what `runs.find` takes.

    Raises:
        ValueError: no methods, unknown ones, or two with the same label.
        FileNotFoundError: no such run.
    """
    methods = [_method(text) for text in texts]
    names = [(m.slug, m.model.scale if m.source else 0) for m in methods]
    doubles = [m.label for m, n in zip(methods, names) if names.count(n) > 1]
    if doubles or not methods:
        raise ValueError(
            "`methods` must be one or more with labels of their own; "
            f"LABEL=RUN gives one. Received twice: {doubles}."
        )
    return methods


def _method(text: str) -> Method:
    label, _, source = text.rpartition("=")
    entry = registry.REGISTRY.get(source)
    if entry is not None and not entry.learns:
        return Method(label or entry.title, "", ModelConfig(system=source))
    if entry is not None and not pathlib.Path(source).exists():
        raise ValueError(
            f"`methods` must name a run for what is learned: "
            f"{entry.title}=RUN_DIR. Received: {text!r}."
        )
    folder = runs.find(source)
    model = runs.load_config(folder).model
    title = registry.REGISTRY[model.system].title
    return Method(label or title, source, model, _stamp(folder))


def _stamp(folder: pathlib.Path) -> str:
    """Names, sizes and times of the files that hold the weights."""
    facts = sorted(
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for pattern in ("weights.*", "best/ckpt*", "checkpoints/ckpt*")
        for path in folder.glob(pattern)
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
