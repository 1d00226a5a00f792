"""What this process has of the machine: cores and main memory, in a container, too, and among several that share it."""

import ctypes
import os
import sys
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt(3)
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, by cgroups of version 2: microseconds, and of how many
KEPT = 2**30  # bytes; a tile of a large photograph takes 0.4 to 0.7 of it
_sharing = 1  # processes that divide the memory


def keep_memory() -> None:
    """Let the process keep memory that it has freed, up to `KEPT`, for the next layer, image or training step.

    Otherwise each asks the system for the same pages again, which takes up to a third as long as its computing
    (docs/performance.md). Of glibc alone, on Linux; elsewhere nothing changes.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(M_MMAP_MAX, 0)  # large blocks, too, which otherwise go back to the system at once
    mallopt(M_TRIM_THRESHOLD, min(KEPT, free_memory()))


def share_memory(processes: int) -> None:
    """Let this process take its share of the memory for all there is: ``processes`` do the same work at once."""
    global _sharing
    _sharing = processes


def free_memory() -> int:
    """Bytes of main memory that are free for this process; a careful guess where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        free = 2**31
    return free // _sharing


def usable_cores() -> int:
    """Cores that this process may compute on: those of its affinity, within the quota of its container."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
    try:
        quota, period = CPU_QUOTA.read_text().split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no quota, which is called "max"
        return cores
