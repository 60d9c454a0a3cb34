"""The processes that train one model: their ranks, and the values that they agree on."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from dropgan.serve.errors import DropganError, InputError

_TIMEOUT = timedelta(minutes=30)  # one process may read data or save while the others wait
T = TypeVar("T")


class ProcessError(DropganError):
    """Another process of the run has ended."""

    leave_at_once = True


@dataclass(frozen=True)
class Ranks:
    """The processes that train one model, and the rank of this one.

    Attributes:
        rank: Rank of this process, from 0.
        count: Number of processes on all machines.
        local_rank: Rank of this process on its machine.
        local_count: Number of processes on this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def leader(self) -> bool:
        """True in the process that writes and reports for all."""
        return self.rank == 0

    def part(self, whole: Tensor) -> Tensor:
        """Return this process's rows of a tensor that all processes draw alike, [n, ...] to [n /
        count, ...].
        """
        size = len(whole) // self.count
        return whole[self.rank * size : (self.rank + 1) * size]

    def require_even(self, batch_size: int) -> None:
        """Refuse a batch that cannot be split into equal parts.

        Raises:
            InputError: The batch size is not a multiple of the number of processes.
        """
        if batch_size % self.count:
            raise InputError(
                f"training.batch_size = {batch_size} does not divide into {self.count} equal parts, one for"
                " each process"
            )

    def sum(self, numbers: Tensor) -> Tensor:
        """Return the elementwise sum over all processes, on each of them."""
        if self.count > 1:
            dist.all_reduce(numbers)
        return numbers

    def largest(self, numbers: Sequence[int]) -> list[int]:
        """Return the elementwise maximum over all processes, on each of them, without waiting for a GPU."""
        if self.count == 1:
            return list(numbers)
        tensor = torch.tensor(numbers, dtype=torch.int64)
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
        found: list[int] = tensor.tolist()
        return found

    def share(self, make: Callable[[], bytes]) -> bytes:
        """Return what ``make`` returns in the leader, on every process. Other processes do not call it."""
        if self.count == 1:
            return make()
        data = make() if self.leader else b""
        (size,) = self.largest([len(data)])
        tensor = torch.zeros(size, dtype=torch.uint8)
        if self.leader:
            tensor.copy_(torch.from_numpy(np.frombuffer(data, np.uint8).copy()))
        dist.broadcast(tensor, 0)
        return tensor.numpy().tobytes()

    def require_same(self, value: str, what: str) -> None:
        """Refuse to continue if processes differ in a value that all must share.

        Raises:
            InputError: They differ. It is raised on every process.
        """
        leaders = self.share(value.encode).decode()
        (differ,) = self.largest([int(value != leaders)])
        if differ:
            raise InputError(
                f"{what} differs between the {self.count} processes: give all of them the same files"
            )

    def read(self, load: Callable[[], T]) -> T:
        """Call ``load`` on each process, first on the first one of each machine, which fills the cache."""
        if self.count == 1:
            return load()
        if self.local_rank:
            dist.barrier()
        found = load()
        if not self.local_rank:
            dist.barrier()
        return found


ALONE = Ranks()


def started_processes() -> int:
    """Return how many processes torchrun started to train one model; 1 without it."""
    count = os.environ.get("WORLD_SIZE", "1")
    return int(count) if count.isdecimal() else 1


def current_ranks() -> Ranks:
    """Return the processes of torch.distributed's default group, or this process alone."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return ALONE
    local_rank, local_count = (int(os.environ.get(name, "0")) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    return Ranks(dist.get_rank(), dist.get_world_size(), local_rank, local_count or 1)


@contextmanager
def together() -> Iterator[Ranks]:
    """Initialise the process group of torchrun for the block; without torchrun do nothing.

    After an error the group is not destroyed, because its threads may abort a process that destroys it alone.
    These errors have `leave_at_once`, and whoever reports them ends by ``os._exit``.

    Raises:
        ProcessError: Another process has ended, so this one cannot continue.
    """
    wanted = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    if not all(name in os.environ for name in wanted) or os.environ["WORLD_SIZE"] == "1":
        yield ALONE
        return
    # two backends in one group: small agreements go by the CPU and never wait for a GPU
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=_TIMEOUT)
    ranks = current_ranks()
    if torch.cuda.is_available():
        torch.cuda.set_device(ranks.local_rank % torch.cuda.device_count())
    try:
        yield ranks
        dist.barrier()  # a group that one process tears down while another uses it may abort either
        dist.destroy_process_group()
    except DropganError as error:
        error.leave_at_once = True  # the others may be anywhere: the group is left as it is
        raise
    except (RuntimeError, dist.DistError) as error:
        if not _is_of_connection(error):
            raise
        raise ProcessError(
            f"process {ranks.rank} of {ranks.count} stops, because another one has ended: what that one said"
            " tells why; everything up to the last checkpoint is kept"
        ) from error


def _is_of_connection(error: Exception) -> bool:
    text = str(error).lower()
    words = ("connection", "gloo", "nccl", "socket", "recv", "peer", "timed out")
    return isinstance(error, dist.DistError) or any(word in text for word in words)
