"""Finds the weights among all that a training checkpoint holds.

Trainings save their weights beside an optimiser, a number of epochs and much
else, under names such as `state_dict`, `model_state_dict`, `params` or
`params_ema`, or as the first of a tuple. An entry is named by its path:
`params_ema`, `model/state_dict`, or `0` for the first of a tuple.
"""

from collections.abc import Iterator
from typing import Any

from crossnet_tf.storage.torch_pickles import Foreign, Tensor

_MAX_DEPTH = 2
_MAX_SHOWN = 8
# What wrappers put before all names: DataParallel, torch.compile.
_WRAPPERS = ("module.", "_orig_mod.")


def find(value: Any, entry: str = "") -> tuple[str, dict[str, Tensor]]:
    """The weights in what a checkpoint's pickle holds.

    Args:
        value: what `torch_pickles.load` gave.
        entry: which to take; "": the only one, or of several the one whose
            name ends in `_ema` (a training's averaged weights).

    Returns:
        The entry's path and its tensors by name; what else lies there is
        left out.

    Raises:
        ValueError: there is none, or several; the message names them.
    """
    found = _candidates(value)
    if entry:
        if entry not in found:
            raise ValueError(f"it has no entry {entry!r}{_listed(found)}")
        name = entry
    elif not found:
        raise ValueError(
            f"it does not hold a dict of tensors{_why(value)}. Save "
            "`network.state_dict()`."
        )
    else:
        averaged = [name for name in found if name.endswith("_ema")]
        names = averaged if len(averaged) == 1 else list(found)
        if len(names) > 1:
            raise ValueError(f"`entry` must say which to take{_listed(found)}")
        (name,) = names
    return name, {_unwrapped(n): t for n, t in found[name].items()}


def _candidates(root: Any) -> dict[str, dict[str, Tensor]]:
    """Dicts of tensors by their paths; of nothing else, if there are such."""
    pure: dict[str, dict[str, Tensor]] = {}
    mixed: dict[str, dict[str, Tensor]] = {}
    seen: set[int] = set()
    level = [("", root)]
    for _ in range(_MAX_DEPTH + 1):
        children = []
        for path, value in level:
            if id(value) in seen:
                continue
            seen.add(id(value))
            items = list(_items(value))
            tensors = {n: v for n, v in items if isinstance(v, Tensor)}
            if tensors and isinstance(value, dict):
                whole = len(tensors) == len(value)
                (pure if whole else mixed)[path] = tensors
            prefix = path and f"{path}/"
            children += [(f"{prefix}{name[:80]}", v) for name, v in items]
        level = children
    return pure or mixed


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """What lies in a dict under texts, or in a list or tuple."""
    if isinstance(value, dict):
        yield from ((n, v) for n, v in value.items() if isinstance(n, str))
    elif isinstance(value, list | tuple) and not isinstance(value, Tensor):
        yield from ((str(number), v) for number, v in enumerate(value))


def _unwrapped(name: str) -> str:
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
    return name


def _listed(found: dict[str, Any]) -> str:
    names = [repr(name or "(the whole)") for name in found]
    more = len(names) - _MAX_SHOWN
    text = ", ".join(names[:_MAX_SHOWN]) or "none"
    return f". There are: {text}{f' and {more} more' if more > 0 else ''}."


def _why(value: Any) -> str:
    """What stands there instead, if it has a name."""
    values = [value, *(v for _, v in _items(value))]
    foreign = [v.name[:80] for v in values if isinstance(v, Foreign)]
    return f", but {foreign[0]!r}" if foreign else ""
