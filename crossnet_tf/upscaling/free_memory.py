"""How much memory is left, before the system ends who takes more."""

import ctypes
import pathlib

import psutil

_GROUPS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
# What the largest preset takes for a pixel of its input, float32.
BYTES_PER_PIXEL = 2500
_SHARE = 0.6
# What smaller presets keep for a pixel of the largest input that they saw.
_KEPT_PER_PIXEL = {"lite": 840, "quick": 480}
# What the network may keep beside a picture so large that it is cut, whose
# own copies take a gigabyte at 24 megapixels.
_TILE_BYTES = 550e6
# Sides of tiles, without margins, below which margins would be most.
_LEAST_SIDE = 512


def free_bytes(groups: pathlib.Path = pathlib.Path("/sys/fs/cgroup")) -> int:
    """Free memory of the machine, or of the container if that has less.

    Args:
        groups: where the kernel tells the container's limits.
    """
    free = psutil.virtual_memory().available
    for limit, used in _GROUPS:
        try:
            most = int((groups / limit).read_text())
            taken = int((groups / used).read_text())
        except (OSError, ValueError):  # no limit is "max", or no file at all
            continue
        free = min(free, max(most - taken, 0))
    return free


def largest_side(free: int) -> int:
    """Side of the largest square input that `free` bytes allow."""
    return int((_SHARE * free / BYTES_PER_PIXEL) ** 0.5)


def tile_input_side(preset: str, margin: int, most: int) -> int:
    """Side of the square inputs that a large picture is cut into.

    Args:
        preset: of the network.
        margin: how far an input reaches beyond its tile.
        most: the largest side, which is that of a picture done at once.
    """
    kept = _KEPT_PER_PIXEL.get(preset, BYTES_PER_PIXEL)
    side = int((_TILE_BYTES / kept) ** 0.5)
    return min(most, max(side, _LEAST_SIDE + 2 * margin))


def give_back() -> None:
    """Gives the system what was freed here and is held for later.

    Steps before the network leave some hundred megabytes, of which it takes
    no notice. Only glibc has a function for it.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
