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
