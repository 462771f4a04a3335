"""How much memory the process holds at most, since a moment of one's choice.

Linux keeps the peak of the resident set and lets a process reset its own.
Windows keeps the peak of the whole life of the process, and macOS is asked
for what the process holds now.
"""

import pathlib

import psutil

_RESET = pathlib.Path("/proc/self/clear_refs")
_STATUS = pathlib.Path("/proc/self/status")
_RESET_PEAK = "5"


def reset_peak() -> None:
    """Starts anew, where the system can do that."""
    if _RESET.exists():
        try:
            _RESET.write_text(_RESET_PEAK)
        except OSError:
            return  # forbidden here: the peak is that of the process's life


def peak_mb() -> float:
    """The peak in MB (10**6 bytes)."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    info = psutil.Process().memory_info()
    return getattr(info, "peak_wset", info.rss) / 1e6
