"""Sample from an exported generator: the one class that an application needs."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classes import part
from .cores import require_threads
from .each import Each
from .errors import InputError
from .latents import check_range, check_truncation
from .loading import screen
from .providers import load_onnxruntime
from .renderer import Renderer
from .seeds import seed_number
from .session import Session
from .tiles import Drawn


class Generator:
    """An exported generator, ready to sample.

    Sample *i* of seed *s* depends only on the model, *s* and *i*. The batch size, how a range
    is cut into calls, the number of threads, and restarts do not change a pixel on one machine and
    provider.

    You can share one object between threads, pickle it, and use it in a forked child (which
    opens the session again).

    Attributes:
        card: The card of the model file.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes,
        *,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        """Open a model file that ``dropgan export`` wrote.

        Args:
            model: Path of the file, or its bytes. ``clothes`` opens the model that comes with dropgan,
                unless a file has that name.
            device: ``auto`` (CUDA if it works, otherwise the CPU, reported once), ``cpu``, ``cuda`` or
                ``cuda:N``. ``cuda`` never falls back.
            threads: CPU threads for one batch; None leaves it to onnxruntime (one per core).

        Raises:
            MissingModelError: The file is not there; this is a ModelError and a FileNotFoundError.
            ModelError: The file is damaged, not dropgan's, changed since its export, or
                contains something that no generator needs. It is refused before onnxruntime sees it.
            DeviceError: CUDA was requested but does not work.
            InputError: ``device`` or ``threads`` is out of range.
            RuntimeMissingError: onnxruntime is not installed.
        """
        require_threads(threads)
        name = "the model" if isinstance(model, bytes) else str(Path(model))
        data, screened = screen(model)
        self.card = screened.card
        self._session = Session(data, name, device=device, threads=threads)
        self._renderer = Renderer(self._session, screened)

    def __repr__(self) -> str:
        return f"Generator({self._session.name!r}, provider={self.provider!r})"

    @property
    def provider(self) -> str:
        """Name of the onnxruntime execution provider that runs the model."""
        return self._session.provider

    @property
    def any_batch(self) -> bool:
        """True if samples of any seeds and indices can share a batch without changing a pixel."""
        return self._session.tile is None

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample as `sample` returns it, such as (28, 28, 1), or (columns,) for vectors."""
        return self._renderer.shape

    @property
    def sample_dtype(self) -> np.dtype[Any]:
        """Type of the samples: uint8 for pixels and graphs, else float32."""
        return self._renderer.dtype

    @property
    def classes(self) -> int:
        """Number of classes of a class-conditional model, otherwise 0."""
        return len(self._renderer.classes)

    @property
    def class_numbers(self) -> tuple[int, ...]:
        """The classes' numbers, which labels use. They are the data's own, in the order of the places."""
        return self._renderer.classes.numbers

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of `class_numbers`; empty if there are none."""
        return self._renderer.classes.names

    @property
    def digest(self) -> str:
        """SHA-256 of the model file, 64 hex digits."""
        return hashlib.sha256(self._session.model).hexdigest()

    @property
    def model_bytes(self) -> bytes:
        """The bytes of the model file."""
        return self._session.model

    @property
    def runtime_version(self) -> str:
        """Version of the onnxruntime that runs it."""
        return str(load_onnxruntime().__version__)

    def sample(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        batch_size: int | None = None,
        truncation: float = 1.0,
    ) -> NDArray[Any]:
        """Return samples ``start`` to ``start + count - 1`` of ``seed``.

        Args:
            count: Number of samples, 0 or more.
            seed: 0 to 2**64 - 1, or any text.
            start: Index of the first.
            labels: For class-conditional models: the number or name of a class for all samples, or one for
                each; or how to draw them, see `labels`. None uses the default.
            batch_size: Samples to compute at once. It changes the speed, never a pixel.
            truncation: Factor for the latents; below 1, samples are more alike.

        Returns:
            uint8 array [count, height, width, channels] (from a file exported with float output:
            float32, -1 to 1, in the file's own layout). From a model of vectors float32 [count,
            columns], in the columns' own units; ``card.data.columns`` has their names.

        Raises:
            InputError: An argument is out of range.
            ModelError: onnxruntime could not run the file, perhaps for lack of memory.
        """
        renderer, seed = self._renderer, seed_number(seed)
        check_range(count, seed, start)
        if batch_size is None and truncation == 1 and 0 < count <= renderer.batch:  # the usual few: no copy
            return renderer.samples(start, count, seed, truncation, renderer.classes.choose(labels, count))
        size, chosen = self._batch(batch_size, truncation), renderer.classes.choose(labels, count)
        out = np.empty((count, *renderer.shape), dtype=renderer.dtype)
        for first in range(0, count, size):
            samples = out[first : first + size]
            some = part(chosen, first, size)
            renderer.render(renderer.draw(start + first, len(samples), seed, truncation, some), samples)
        return out

    def sample_each(
        self,
        seeds: Sequence[int | str],
        indices: Sequence[int] | int = 0,
        *,
        labels: ArrayLike | str | None = None,
        truncation: Sequence[float] | float = 1.0,
    ) -> NDArray[Any]:
        """Return one sample for each seed: sample ``indices[i]`` of ``seeds[i]``, such as a picture per user.

        They are computed in one batch, and are those that `sample` gives one by one.

        Args:
            seeds: Each 0 to 2**64 - 1, or any text.
            indices: The index of each sample, or one for all.
            labels: As for `sample`.
            truncation: Factor for the latents of each sample, or one for all.

        Returns:
            The array of `sample`, with one sample for each seed.

        Raises:
            InputError: An argument is out of range, or there are not as many of them as seeds.
            ModelError: onnxruntime could not run the file, perhaps for lack of memory.
        """
        wanted = Each.of(seeds, indices, truncation)
        chosen = self._renderer.classes.choose(labels, len(wanted))
        return self._renderer.each(wanted, chosen)

    def stream(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        batch_size: int | None = None,
        truncation: float = 1.0,
    ) -> Iterator[NDArray[Any]]:
        """Yield the samples of `sample` in batches, in constant memory.

        Args:
            count: Total number of samples.
            seed: 0 to 2**64 - 1, or any text.
            start: Index of the first.
            labels: For class-conditional models: the number or name of a class for all samples, or one for
                each; or how to draw them, see `labels`. None uses the default.
            batch_size: Samples in each array except the last. It changes the speed, never a pixel.
            truncation: Factor for the latents; below 1, samples are more alike.

        Yields:
            Arrays as `sample` returns them.

        Raises:
            InputError: An argument is out of range. It is raised at once, not at the first batch.
        """
        number = seed_number(seed)
        check_range(count, number, start)
        size, chosen = self._batch(batch_size, truncation), self._renderer.classes.choose(labels, count)
        return (
            self._renderer.samples(
                start + first, min(size, count - first), number, truncation, part(chosen, first, size)
            )
            for first in range(0, count, size)
        )

    def latents(self, count: int, *, seed: int | str = 0, start: int = 0) -> NDArray[np.float32]:
        """Return the latents of samples ``start`` to ``start + count - 1`` of ``seed``.

        Returns:
            float32 array [count, latent_dim], standard normal.

        Raises:
            InputError: An argument is out of range.
        """
        return self._renderer.latents(count, seed=seed_number(seed), start=start)

    def labels(
        self, count: int, *, seed: int | str = 0, start: int = 0, labels: ArrayLike | str | None = None
    ) -> NDArray[np.int64]:
        """Return the class numbers of samples ``start`` to ``start + count - 1`` of ``seed``.

        Args:
            count: Number of samples, 0 or more.
            seed: 0 to 2**64 - 1, or any text.
            start: Index of the first.
            labels: As for `sample`. ``uniform`` draws all classes equally often, ``data`` as often
                as in the training data, ``balanced`` takes them in turn. None means ``uniform``, or
                ``data`` for vectors.

        Returns:
            int64 array [count] with values of `class_numbers`.

        Raises:
            InputError: An argument is out of range, or the model is not class-conditional.
        """
        seed = seed_number(seed)
        check_range(count, seed, start)
        classes = self._renderer.classes
        places = classes.draw(classes.choose(labels, count), count, seed=seed, start=start)
        if places is None:
            raise InputError(f"{self._session.name} is not class-conditional: it has no labels")
        return classes.numbered(places)

    def labels_each(
        self,
        seeds: Sequence[int | str],
        indices: Sequence[int] | int = 0,
        *,
        labels: ArrayLike | str | None = None,
    ) -> NDArray[np.int64]:
        """Return the class numbers of the samples of `sample_each`.

        Args:
            seeds: Each 0 to 2**64 - 1, or any text.
            indices: The index of each sample, or one for all.
            labels: As for `labels`.

        Returns:
            int64 array [len(seeds)] with values of `class_numbers`.

        Raises:
            InputError: An argument is out of range, or the model is not class-conditional.
        """
        wanted, classes = Each.of(seeds, indices), self._renderer.classes
        places = classes.draw_each(classes.choose(labels, len(wanted)), wanted)
        if places is None:
            raise InputError(f"{self._session.name} is not class-conditional: it has no labels")
        return classes.numbered(places)

    def __call__(self, latents: ArrayLike, labels: ArrayLike | str | None = None) -> NDArray[Any]:
        """Return samples from your own latents, such as an interpolation.

        Args:
            latents: float32 [n, latent_dim]; float64 is converted.
            labels: Required by class-conditional models: the number or name of a class for
                all samples, or one for each latent.

        Returns:
            Array as `sample` returns it, one sample for each latent, computed in one batch.

        Raises:
            InputError: The array has the wrong shape or type, or the labels do not fit.
        """
        array = np.ascontiguousarray(latents)
        dim = self.card.latents.dim
        if array.ndim != 2 or array.shape[1] != dim or array.dtype.kind not in "fiu":
            raise InputError(
                f"latents must be numbers of shape [n, {dim}], not {array.dtype} of shape {list(array.shape)}"
            )
        places = self._renderer.classes.choose(labels, len(array))
        if isinstance(places, str):
            raise InputError(
                f"a class-conditional model needs labels with its latents: {self._renderer.classes.known}"
            )
        return self._renderer.run(array.astype(np.float32, copy=False), places)

    def draw(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
        buffer: NDArray[np.float32] | None = None,
    ) -> Drawn:
        """Do the first half of `sample`: prepare what `render` needs for ``start`` to ``start + count - 1``.

        A program that draws the next batch in one thread while another renders keeps a GPU busy.

        Args:
            count: Number of samples, 1 or more.
            seed: 0 to 2**64 - 1, or any text.
            start: Index of the first.
            labels: As for `sample`.
            truncation: Factor for the latents, above 0 and at most 1.
            buffer: Rows of `latent_buffer` to write the latents into; None for a new array.

        Raises:
            InputError: An argument is out of range.
        """
        seed = seed_number(seed)
        check_range(count, seed, start)
        check_truncation(truncation)
        return self._renderer.draw(
            start, count, seed, truncation, self._renderer.classes.choose(labels, count), buffer
        )

    def render(self, drawn: Drawn, samples: NDArray[Any], *, batch_size: int | None = None) -> None:
        """Do the second half of `sample`: write the samples into an existing array.

        Args:
            drawn: The result of `draw` of this generator.
            samples: C-contiguous array of `sample`'s type [drawn.count, ...]. One from `sample_buffer` lets
                a GPU write into it directly.
            batch_size: Samples to compute at once; None for all of them. Some providers fix it.

        Raises:
            ModelError: onnxruntime could not run the file, perhaps for lack of memory.
        """
        self._renderer.render(drawn, samples, batch_size)

    def latent_buffer(self, count: int) -> NDArray[np.float32]:
        """Return an array for the latents of any ``count`` samples, page-locked if the device is CUDA."""
        return self._renderer.latent_buffer(count)

    def sample_buffer(self, count: int) -> NDArray[Any]:
        """Return an array for ``count`` samples, page-locked if the device is CUDA."""
        return self._renderer.sample_buffer(count)

    def _batch(self, batch_size: int | None, truncation: float) -> int:
        """Return the number of samples computed at once."""
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size must be at least 1, not {batch_size}")
        check_truncation(truncation)
        return batch_size or self._renderer.batch
