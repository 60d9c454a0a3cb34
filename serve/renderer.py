"""Turn latents into samples in pieces of a size at which no sample depends on its batch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .classes import Classes, Places, part
from .each import Each
from .kinds import kind_of
from .latents import LatentStream
from .loading import Screened
from .session import Session
from .tiles import CPU_BATCH, Drawn


class Renderer:
    """Draws latents and labels, and runs the model on them.

    Arguments are in range, because `Generator` has checked them.

    Attributes:
        session: The open model.
        shape: Shape of one returned sample.
        dtype: Type of the samples.
        classes: Classes of the model; empty if it is not class-conditional.
    """

    def __init__(self, session: Session, screened: Screened) -> None:
        self.session = session
        card = screened.card
        self.dtype, self.shape = np.dtype(screened.dtype), screened.output_shape
        self._inputs, self._output = (screened.input, screened.labels), screened.output
        self._last_axis = kind_of(card).last_axis(card)
        if self._last_axis is not None:
            sizes = list(self.shape)
            sizes.append(sizes.pop(self._last_axis - 1))
            self.shape = tuple(sizes)
        self.latents = LatentStream(card.latents.dim)
        self.classes = Classes.of(card)

    @property
    def batch(self) -> int:
        """Default number of samples computed at once."""
        return self.session.tile or CPU_BATCH

    def samples(self, start: int, count: int, seed: int, truncation: float, places: Places) -> NDArray[Any]:
        """Draw and render one batch of samples [count, ...]."""
        if self.session.tile is None and truncation == 1:  # the short way, for single samples: no copies
            labels = self.classes.draw(places, count, seed=seed, start=start)
            return self.run(self.latents(count, seed=seed, start=start), labels)
        samples = np.empty((count, *self.shape), dtype=self.dtype)
        self.render(self.draw(start, count, seed, truncation, places), samples)
        return samples

    def each(self, wanted: Each, places: Places) -> NDArray[Any]:
        """Return samples with a seed and an index each, in one batch if the provider allows it."""
        chosen = self.classes.draw_each(places, wanted)
        if self.session.tile is None and len(wanted):
            latents = self.latents.each(wanted.seeds, wanted.indices)
            if any(factor != 1 for factor in wanted.truncations):
                latents *= np.array(wanted.truncations, np.float32)[:, None]
            return self.run(latents, chosen)
        samples = np.empty((len(wanted), *self.shape), dtype=self.dtype)
        of_each = zip(wanted.indices, wanted.seeds, wanted.truncations, strict=True)
        for place, (index, seed, truncation) in enumerate(of_each):
            samples[place] = self.samples(index, 1, seed, truncation, part(chosen, place, 1))[0]
        return samples

    def draw(
        self,
        start: int,
        count: int,
        seed: int,
        truncation: float,
        places: Places,
        buffer: NDArray[np.float32] | None = None,
    ) -> Drawn:
        """Draw latents and labels of some samples, and of the neighbours that share their tiles."""
        labels = self.classes.draw(places, count, seed=seed, start=start)
        tile = self.session.tile or 1
        first = start // tile * tile
        rows = -(-(start + count - first) // tile) * tile  # of whole tiles at fixed places
        latents = self.latents(rows, seed=seed, start=first, out=None if buffer is None else buffer[:rows])
        if truncation != 1:
            np.multiply(latents, np.float32(truncation), out=latents)
        if labels is not None:  # rows around the range are thrown away: any label will do for them
            before = start - first
            labels = np.pad(labels, (before, rows - count - before))
        return Drawn(latents, labels, start - first, count)

    def render(self, drawn: Drawn, samples: NDArray[Any], batch_size: int | None = None) -> None:
        """Render what was drawn into the C-contiguous array ``samples`` [drawn.count, ...]."""
        rows, skip, stop = len(drawn.latents), drawn.skip, drawn.skip + drawn.count
        size = self.session.tile or batch_size or rows
        for place in range(0, rows, size):
            latents = drawn.latents[place : place + size]
            labels = None if drawn.labels is None else drawn.labels[place : place + size]
            first, last = max(place, skip), min(place + len(latents), stop)
            wanted = samples[first - skip : last - skip]
            if len(wanted) == len(latents) and self._last_axis is None:
                self.session.run_into(self._output, self._feed(latents, labels), wanted)
            else:  # the edge of a tile
                wanted[:] = self.run(latents, labels)[first - place : last - place]

    def run(self, latents: NDArray[np.float32], labels: NDArray[np.int64] | None) -> NDArray[Any]:
        """Return samples from latents [n, latent_dim], and from labels [n] if there are classes, in one
        batch.
        """
        result = self.session.run(self._output, self._feed(latents, labels))
        if self._last_axis is None:
            return result
        return np.ascontiguousarray(np.moveaxis(result, self._last_axis, -1))

    def latent_buffer(self, count: int) -> NDArray[np.float32]:
        """Return an array for the latents of any ``count`` samples."""
        tile = self.session.tile or 1
        rows = -(-count // tile) * tile + (tile if tile > 1 else 0)
        return self.session.host_array((rows, self.latents.dim), np.float32)

    def sample_buffer(self, count: int) -> NDArray[Any]:
        """Return an array for ``count`` samples."""
        return self.session.host_array((count, *self.shape), self.dtype)

    def _feed(
        self, latents: NDArray[np.float32], labels: NDArray[np.int64] | None
    ) -> dict[str, NDArray[Any]]:
        feed: dict[str, NDArray[Any]] = {self._inputs[0]: latents}
        if labels is not None:
            feed[self._inputs[1]] = np.ascontiguousarray(labels)
        return feed
