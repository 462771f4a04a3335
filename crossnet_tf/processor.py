"""What this machine's processor can do, told without TensorFlow.

Convolutions have equal forms that differ in speed from processor to
processor (`model/forms.py`), and TensorFlow leaves oneDNN's convolutions off
on x86 processors that have only AVX2: there its own ones make a column of
every window, which takes several times the memory.
"""

import os
import pathlib
import platform
import re

INSTRUCTION_SETS = ("amx", "avx512_bf16", "avx512", "avx2", "other")
"""From the most to the least; `other` is all that is not x86 with AVX2."""

_CPUINFO = pathlib.Path("/proc/cpuinfo")
_SWITCH = "TF_ENABLE_ONEDNN_OPTS"
_FLAG = {
    "amx": "amx_bf16",
    "avx512_bf16": "avx512_bf16",
    "avx512": "avx512f",
    "avx2": "avx2",
}
# The levels of oneDNN's dispatcher that lie below one of ours.
_LIMITS = {
    "AVX512_CORE_BF16": "avx512_bf16",
    "AVX512_CORE_FP16": "avx512_bf16",
    "AVX512_CORE": "avx512",
    "AVX512_CORE_VNNI": "avx512",
    "AVX2": "avx2",
    "AVX2_VNNI": "avx2",
    "AVX2_VNNI_2": "avx2",
    "AVX": "other",
    "SSE41": "other",
}


def instruction_set() -> str:
    """The best of `INSTRUCTION_SETS` that there is, and that oneDNN may use.

    `ONEDNN_MAX_CPU_ISA` limits it, as it limits oneDNN.
    """
    flags = _flags()
    found = next((n for n, flag in _FLAG.items() if flag in flags), "other")
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    limit = _LIMITS.get(limit, INSTRUCTION_SETS[0])
    return max(found, limit, key=INSTRUCTION_SETS.index)


def has_bfloat16() -> bool:
    """Whether products of bfloat16 are one instruction here.

    Known of x86 on Linux; elsewhere it is taken for granted.
    """
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    if not is_x86 or not _flags():
        return True
    return instruction_set() in ("amx", "avx512_bf16")


def advice(precision: str) -> str:
    """One line on a precision that does not pay here; empty if it does."""
    if precision != "mixed_bfloat16" or has_bfloat16():
        return ""
    return (
        "This processor has no instructions for bfloat16: "
        "--precision=float32 is as fast or faster here, and exact."
    )


def describe() -> str:
    """Name, instruction set and number of threads, in one line."""
    name = platform.processor() or platform.machine()
    if _CPUINFO.is_file():
        found = re.search(r"model name\s*: (.*)", _CPUINFO.read_text())
        name = found.group(1) if found else name
    best = instruction_set()
    kind = {"avx512_bf16": "AVX-512 with bfloat16", "avx512": "AVX-512"}.get(
        best, best.upper()
    )
    return f"{name}, {kind if best != 'other' else 'no AVX2'}, {_threads()}"


def prefer_onednn() -> None:
    """Turns oneDNN's convolutions on, unless the user has said otherwise.

    Works only before TensorFlow is imported. With AVX-512's instructions for
    networks TensorFlow does so itself.
    """
    if instruction_set() != "other":
        os.environ.setdefault(_SWITCH, "1")


def uses_onednn() -> bool:
    """Whether nobody has told TensorFlow to do without it."""
    return os.environ.get(_SWITCH, "1").lower() not in ("0", "false")


def _threads() -> str:
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such thing
        count = os.cpu_count() or 1
    return f"{count} thread{'s' * (count > 1)}"


def _flags() -> set[str]:
    if not _CPUINFO.is_file():
        return set()
    found = re.search(r"^flags\s*:(.*)$", _CPUINFO.read_text(), re.M)
    return set(found.group(1).split()) if found else set()
