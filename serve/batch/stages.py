"""Overlapping stages: run an iterator ahead in its own thread, by a bounded number of items."""

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Iterate over ``source`` while a thread computes the next ``depth`` items.

    An exception from ``source`` is raised after the items before it. ``close``, or leaving a ``with`` block,
    stops the thread and closes ``source``.
    """

    def __init__(self, source: Iterator[T], depth: int) -> None:
        self._source = source
        self._queue: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Ahead[T]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "Ahead[T]":
        return self

    def __next__(self) -> T:
        if self._stop.is_set():
            raise StopIteration
        item = self._queue.get()
        if isinstance(item, tuple):
            return item[0]
        self._stop.set()
        if item is not None:
            raise item
        raise StopIteration

    def close(self) -> None:
        """Stop the thread and wait for it."""
        self._stop.set()
        while self._thread.is_alive():  # it may wait for room
            try:
                self._queue.get(timeout=0.02)
            except queue.Empty:
                continue
        self._thread.join()

    def _work(self) -> None:
        end: BaseException | None = None
        try:
            for item in self._source:
                self._queue.put((item,))
                if self._stop.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - raised again where the items are consumed
            end = error
        finally:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()
        if not self._stop.is_set():
            self._queue.put(end)
