"""The processor's instructions for products of bytes."""

import platform
import sys
from pathlib import Path

_KNOWN = (
    ("avx512_vnni", "AVX-512 with VNNI"),
    ("avx_vnni", "AVX2 with VNNI"),
    ("avx512bw", "AVX-512 without VNNI"),
    ("avx2", "AVX2 without VNNI"),
    ("i8mm", "Arm with int8 matrix products"),
    ("asimddp", "Arm with dot products"),
    ("asimd", "Arm without dot products"),
)
"""The kernel's names of instructions, the fastest first, and words for them."""


def processor_kind(cpuinfo: str | None = None) -> str:
    """Return the instructions that decide the speed of int8 here, such as "AVX2 without VNNI".

    Args:
        cpuinfo: Text of Linux's ``/proc/cpuinfo``; None reads it. Other systems show instructions only to
            administrators, so the result is the architecture's name alone.
    """
    if cpuinfo is None:
        cpuinfo = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    for line in cpuinfo.splitlines():
        key, _, values = line.partition(":")
        if key.strip() in ("flags", "Features"):
            flags = set(values.split())
            return next((words for flag, words in _KNOWN if flag in flags), platform.machine())
    return platform.machine()
