"""Select the precision of matrix products on any device."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

_KINDS = {"fp32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return a context in which matrix products run in bf16 or fp16; it does nothing for other precisions.

    Args:
        device: Device of the networks.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
    """
    if not torch.amp.is_autocast_available(device.type):  # torch's "meta" device, which computes nothing
        return nullcontext()
    kind = _KINDS[precision]
    return torch.autocast(device.type, kind or torch.bfloat16, enabled=kind is not None)


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which products are in float32, whatever the surrounding precision."""
    return autocast(device, "fp32")
