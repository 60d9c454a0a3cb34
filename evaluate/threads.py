"""Fewer threads where more of them only wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """One CPU thread for PyTorch while entered.

    Scores and gradient tests are many small products; on a machine shared with other work, two
    threads took five times the CPU time of one for them, spinning. Looking at images, which is
    large convolutions, is left to as many threads as there are.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
