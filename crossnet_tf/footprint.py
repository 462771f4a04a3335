"""What a process holds beside its tensors, and how it comes to hold less.

*   *Libraries that Keras asks for* and does without: pandas, scikit-learn,
    Matplotlib. A program of ours needs none of them through Keras; where
    they are installed they take 150 MB and 2 seconds of each start.
*   *Freed tensors*: TensorFlow's allocators keep what they have had, to be
    fast. The C library returns large pieces at once if it is told to.
*   *Libraries' pages*: an import touches all of TensorFlow, a step a few of
    its functions. Pages of a file that nobody writes to can go; who needs
    one later reads it from the system's cache again.

Nothing here imports TensorFlow. The last two are known of Linux alone, and
elsewhere nothing happens.
"""

import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import os
import pathlib
import re
import sys
import types
from collections.abc import Iterator, Sequence

_SPARED = {"pandas", "sklearn", "matplotlib"}
_IMPORT_SYSTEM = "<frozen importlib"
_SMAPS = pathlib.Path("/proc/self/smaps")
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+\s*(.*)")
# Of malloc.h and mman.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MADV_DONTNEED = 4
# Measured in docs/performance.md: less takes more time, more takes more memory.
_LARGE, _KEPT = 6 * 2**20, 2**26


def spare_imports() -> None:
    """Keras finds none of the libraries that it can do without.

    Whoever else asks finds them. For programs, not for the package: a user's
    Keras shall be whole. Works only before Keras is imported.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _Spared(importlib.abc.MetaPathFinder):
    """Says to Keras that a module is not there."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """As any finder; never finds one."""
        if fullname in _SPARED and _asking().startswith("keras."):
            raise ModuleNotFoundError(
                f"No module named {fullname!r} is needed here.", name=fullname
            )
        return None


_FINDER = _Spared()


def _asking() -> str:
    """The module that has the import statement."""
    frame: types.FrameType | None = sys._getframe(2)
    while frame and frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame else ""


def keep_freed() -> None:
    """What TensorFlow frees is kept. Works only before it is imported.

    Large tensors on the CPU then reuse memory instead of fetching it from
    the system, page by page, each time. Preset `paper` at 512x512: a forward
    pass takes 20 % less time and 27 % more memory.
    """
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")


def return_freed() -> None:
    """What TensorFlow frees goes back to the system, large pieces at once.

    Takes the place of what keeps freed memory, for the time it takes to
    fetch each page again. Works only before the first tensor is made.
    """
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "false"
    os.environ["TF_ONEDNN_USE_SYSTEM_ALLOCATOR"] = "true"
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            library = ctypes.CDLL(None)
            library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
            library.mallopt(_M_TRIM_THRESHOLD, _KEPT)
            library.mallopt(_M_ARENA_MAX, 1)


def let_go_of_libraries() -> None:
    """Pages of libraries leave memory until they are needed again."""
    if sys.platform != "linux" or not _SMAPS.exists():
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for begin, end in _unwritten(_SMAPS.read_text().splitlines()):
        advise(begin, end - begin, _MADV_DONTNEED)


def _unwritten(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where libraries lie of which no page differs from the file.

    Args:
        lines: of `/proc/self/smaps`.

    Yields:
        The first address and that behind the last.
    """
    place: tuple[int, int] | None = None
    private = 0
    for line in [*lines, "0-0 ---p 0 0 0"]:
        found = _MAPPING.fullmatch(line)
        if found:
            if place and not private:
                yield place
            begin, end, rights, file = found.groups()
            is_library = file.startswith("/") and ".so" in file
            usable = is_library and "w" not in rights
            place = (int(begin, 16), int(end, 16)) if usable else None
            private = 0
        elif line.startswith(("Anonymous:", "Swap:", "Locked:")):
            private += int(line.split()[1])
