"""Where computing is done, and what becomes of memory."""

import platform
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from agerestore.device import fastest, send

FAULTS = """
import resource, torch
from agerestore import machine
if {keep}:
    machine.keep_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        torch.full(({size} << 20,), 1, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
@pytest.mark.parametrize("size", [8, pytest.param(80, marks=pytest.mark.slow)])
def test_memory_that_is_kept_is_not_asked_for_again(size):
    script = partial(FAULTS.format, size=size)
    asked, kept = (
        int(subprocess.run([sys.executable, "-c", script(keep=keep)], capture_output=True, check=True).stdout)
        for keep in (False, True)
    )
    pages = 50 * (size << 20) // 4096
    assert kept < pages / 100
    assert kept <= asked


def test_what_goes_to_a_gpu_goes_from_pinned_memory(monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor)
    with FakeTensorMode():
        tensor = torch.empty(3)
        assert send(tensor, torch.device("cuda")).device.type == "cuda"
        assert send(tensor, torch.device("cpu")) is tensor
    assert len(pinned) == 1


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_a_gpu_that_only_emulates_bf16_computes_in_fp32(capability, precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert fastest(torch.device("cuda")) == precision
    assert fastest(torch.device("mps")) == "fp32"
