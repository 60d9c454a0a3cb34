"""Use fewer threads where more of them only wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one CPU thread of PyTorch for the block.

    Scores and gradient tests are many small products. On a machine shared with other work, two threads took
    five times the CPU time of one for them, spinning. Feature networks, which are large convolutions, keep
    all threads.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
