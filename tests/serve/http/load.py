"""Clients that load a service: bare sockets, so that the client costs little beside the service."""

import asyncio
import re
import time
from dataclasses import dataclass, field

_HOST = "127.0.0.1"


@dataclass
class Seen:
    """What clients got."""

    answers: list[tuple[int, float, float]] = field(default_factory=list)
    """Status, seconds, and when it came."""
    wrong: list[str] = field(default_factory=list)
    """What no client should see."""

    def accepted(self) -> list[float]:
        """Seconds of the requests that were answered, sorted."""
        return sorted(seconds for status, seconds, _ in self.answers if status == 200)

    def refused(self) -> int:
        """Number of the others."""
        return sum(status != 200 for status, _, _ in self.answers)

    def p99(self) -> float:
        """Seconds that 99 of 100 accepted ones stay below."""
        accepted = self.accepted()
        return accepted[int(len(accepted) * 0.99)]


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> tuple[int, bytes]:
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length, head
    await reader.readexactly(int(length[1]))
    return int(head[9:12]), head


async def _client(port: int, base: str, number: int, stop: float, seen: Seen) -> None:
    reader, writer = await asyncio.open_connection(_HOST, port)
    place = number * 1_000_003
    try:
        while (began := time.monotonic()) < stop:
            place += 1
            async with asyncio.timeout(20):  # longer is hanging
                status, head = await _ask(reader, writer, f"{base}/{place}.png")
            now = time.monotonic()
            seen.answers.append((status, now - began, now))
            if status not in (200, 503):
                seen.wrong.append(f"status {status}")
            elif status == 503 and b"\r\nretry-after: " not in head:
                seen.wrong.append("503 without Retry-After")
    except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        seen.wrong.append(f"{type(error).__name__} after {time.monotonic() - began:.1f} s")
    finally:
        writer.close()


def load(port: int, base: str, connections: int, seconds: float, first: int = 0) -> Seen:
    """Ask for one new picture after the other over so many connections at once.

    Other calls at the same time have other pictures with another ``first``.
    """
    seen = Seen()

    async def all_of_them() -> None:
        stop = time.monotonic() + seconds
        await asyncio.gather(
            *(_client(port, base, each, stop, seen) for each in range(first, first + connections))
        )

    asyncio.run(all_of_them())
    return seen
