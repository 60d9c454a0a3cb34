"""Images from an exported generator: the one class that an application needs."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .binding import host_array, run_bound
from .errors import InputError, ModelError
from .labels import LabelStream, choose_labels, part
from .latents import LatentStream, check_range
from .loading import screen
from .providers import load_onnxruntime, open_session
from .tiles import CPU_BATCH, Drawn, tile_for


class Generator:
    """An exported generator, ready to sample.

    Sample *i* of seed *s* depends on nothing but the model, *s* and *i*: the batch size, how a range
    is cut into calls, the number of threads and restarts do not change a pixel on one machine and
    provider.

    One object may be shared between threads; it may be pickled, and used in a forked child (the
    session is opened anew there).

    Attributes:
        card: What the file says of itself.
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
            model: Path of the file, or its bytes.
            device: ``auto`` (CUDA where it works, else the CPU, said once), ``cpu``, ``cuda`` or
                ``cuda:N``. ``cuda`` never falls back.
            threads: CPU threads for one batch; None leaves it to onnxruntime (one a core).

        Raises:
            ModelError: The file is missing, damaged, not dropgan's, changed since its export, or
                holds what no generator needs; it is refused before onnxruntime sees it.
            DeviceError: CUDA was asked for and does not really run.
            InputError: ``device`` or ``threads`` makes no sense.
            RuntimeMissingError: onnxruntime is not installed.
        """
        if threads is not None and threads < 1:
            raise InputError(f"threads must be at least 1, not {threads}")
        self._name = "the model" if isinstance(model, bytes) else str(Path(model))
        self._bytes, screened = screen(model)
        self.card = screened.card
        self._input, self._labels_input, self._outputs = screened.input, screened.labels, [screened.output]
        self._dtype = np.dtype(screened.dtype)
        self._shape = screened.output_shape
        # pixels are shown and stored with the channels last, whatever layout other tools asked for
        self._channels_last = self.card.export.output == "pixels" and self.card.layout != "nhwc"
        if self._channels_last:
            self._shape = (*self._shape[1:], self._shape[0])
        self._device = device
        self._threads = threads
        self._lock = threading.Lock()
        self._stream = LatentStream(self.card.latents.dim)
        self._label_stream = LabelStream(self.classes) if self.classes else None
        self._open()

    def __repr__(self) -> str:
        return f"Generator({self._name!r}, provider={self.provider!r})"

    @property
    def provider(self) -> str:
        """Name of the onnxruntime execution provider that runs the model."""
        return str(self._session.get_providers()[0])

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample as `sample` gives it, e.g. (28, 28, 1), or (columns,) for vectors."""
        return self._shape

    @property
    def classes(self) -> int:
        """Number of classes of a class-conditional model, 0 of any other; labels are below it."""
        return self.card.labels.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, by label; empty where they have none."""
        return self.card.class_names

    @property
    def model_bytes(self) -> bytes:
        """The model file, as it was read."""
        return self._bytes

    @property
    def runtime_version(self) -> str:
        """Version of the onnxruntime that runs it."""
        return str(load_onnxruntime().__version__)

    def sample(
        self,
        count: int,
        *,
        seed: int = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        batch_size: int | None = None,
        truncation: float = 1.0,
    ) -> NDArray[Any]:
        """Samples ``start`` to ``start + count - 1`` of ``seed``.

        Args:
            count: How many, 0 or more.
            seed: 0 to 2**64 - 1.
            start: Index of the first.
            labels: Only of a class-conditional model: a label or class name for all, or one for each
                sample; None takes those of the label stream, see `labels`.
            batch_size: Samples computed at once; changes the speed, never a pixel.
            truncation: Factor of the latents; below 1, samples are more alike.

        Returns:
            uint8 array [count, height, width, channels] (from a file exported with float output:
            float32, -1 to 1, in the file's own layout). From a model of vectors float32 [count,
            columns], in the columns' own units; ``card.data.columns`` has their names.

        Raises:
            InputError: An argument is out of its range.
            ModelError: onnxruntime could not run the file, for want of memory perhaps.
        """
        if batch_size is None and truncation == 1 and 0 < count <= (self._tile or CPU_BATCH):  # no copy
            return self._range(start, count, seed, truncation, self._chosen(labels, count))
        check_range(count, seed, start)
        size, chosen = self._batch(batch_size, truncation), self._chosen(labels, count)
        out = np.empty((count, *self._shape), dtype=self._dtype)
        for first in range(0, count, size):
            images = out[first : first + size]
            part = None if chosen is None else chosen[first : first + size]
            drawn = self.draw(len(images), seed=seed, start=start + first, labels=part, truncation=truncation)
            self.render(drawn, images)
        return out

    def stream(
        self,
        count: int,
        *,
        seed: int = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        batch_size: int | None = None,
        truncation: float = 1.0,
    ) -> Iterator[NDArray[Any]]:
        """The samples of `sample`, batch by batch in constant memory.

        Args:
            count: How many in all.
            seed: 0 to 2**64 - 1.
            start: Index of the first.
            labels: Only of a class-conditional model: a label or class name for all, or one for each
                sample; None takes those of the label stream, see `labels`.
            batch_size: Samples in each array but the last; changes the speed, never a pixel.
            truncation: Factor of the latents; below 1, samples are more alike.

        Yields:
            Arrays as `sample` returns them.

        Raises:
            InputError: An argument is out of its range (at once, not at the first batch).
        """
        check_range(count, seed, start)
        size, chosen = self._batch(batch_size, truncation), self._chosen(labels, count)
        return (
            self._range(start + first, min(size, count - first), seed, truncation, part(chosen, first, size))
            for first in range(0, count, size)
        )

    def latents(self, count: int, *, seed: int = 0, start: int = 0) -> NDArray[np.float32]:
        """The latents behind samples ``start`` to ``start + count - 1`` of ``seed``.

        Returns:
            float32 array [count, latent_dim], standard normal.

        Raises:
            InputError: An argument is out of its range.
        """
        return self._stream(count, seed=seed, start=start)

    def labels(self, count: int, *, seed: int = 0, start: int = 0) -> NDArray[np.int64]:
        """The labels of samples ``start`` to ``start + count - 1`` of ``seed`` where none are chosen.

        Returns:
            int64 array [count], all classes equally likely.

        Raises:
            InputError: An argument is out of its range, or the model is not class-conditional.
        """
        if self._label_stream is None:
            raise InputError(f"{self._name} is not class-conditional: it has no labels")
        return self._label_stream(count, seed=seed, start=start)

    def __call__(self, latents: ArrayLike, labels: ArrayLike | str | None = None) -> NDArray[Any]:
        """Samples from latents of your own (an interpolation, say).

        Args:
            latents: float32 [n, latent_dim]; float64 is converted.
            labels: Only of a class-conditional model, which needs them: a label or class name for
                all, or one for each latent.

        Returns:
            Array as `sample` returns it, one sample a latent, computed in one batch.

        Raises:
            InputError: The array has another shape or holds no numbers, or the labels do not fit.
        """
        array = np.ascontiguousarray(latents)
        if array.ndim != 2 or array.shape[1] != self._stream.dim or array.dtype.kind not in "fiu":
            raise InputError(
                f"latents must be numbers of shape [n, {self._stream.dim}],"
                f" not {array.dtype} of shape {list(array.shape)}"
            )
        if labels is None and self.classes:
            raise InputError(f"latents alone are not enough: give labels, 0 to {self.classes - 1}")
        return self._run(array.astype(np.float32, copy=False), self._chosen(labels, len(array)))

    def draw(
        self,
        count: int,
        *,
        seed: int = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
        buffer: NDArray[np.float32] | None = None,
    ) -> Drawn:
        """The first half of `sample`: what `render` needs for ``start`` to ``start + count - 1``.

        A program that draws the next batch in one thread while another renders keeps a GPU busy.

        Args:
            count: How many, 1 or more.
            seed: 0 to 2**64 - 1.
            start: Index of the first.
            labels: As for `sample`.
            truncation: Factor of the latents, above 0 and at most 1.
            buffer: Rows of `latent_buffer` to write the latents into; None for a new array.

        Raises:
            InputError: An argument is out of its range.
        """
        chosen = self._chosen(labels, count)
        if chosen is None and self._label_stream is not None:
            chosen = self._label_stream(count, seed=seed, start=start)
        tile = self._tile or 1
        first = start // tile * tile
        rows = -(-(start + count - first) // tile) * tile  # of whole tiles at fixed places
        latents = self._stream(rows, seed=seed, start=first, out=None if buffer is None else buffer[:rows])
        if truncation != 1:
            np.multiply(latents, np.float32(truncation), out=latents)
        if chosen is not None:  # rows around the range are thrown away: any label will do for them
            before = start - first
            chosen = np.pad(chosen, (before, rows - count - before))
        return Drawn(latents, chosen, start - first, count)

    def render(self, drawn: Drawn, images: NDArray[Any], *, batch_size: int | None = None) -> None:
        """The second half of `sample`: write the samples into an array that is there.

        Args:
            drawn: From `draw` of this generator.
            images: C-contiguous array of `sample`'s type [drawn.count, ...]; one of `sample_buffer` lets
                a GPU write into it directly.
            batch_size: Samples computed at once; None for all of them (on some providers it is fixed).

        Raises:
            ModelError: onnxruntime could not run the file, for want of memory perhaps.
        """
        rows, skip, stop = len(drawn.latents), drawn.skip, drawn.skip + drawn.count
        size = self._tile or batch_size or rows
        for place in range(0, rows, size):
            latents = drawn.latents[place : place + size]
            labels = part(drawn.labels, place, size)
            first, last = max(place, skip), min(place + len(latents), stop)
            wanted = images[first - skip : last - skip]
            if len(wanted) == len(latents) and not self._channels_last:
                self._into(latents, labels, wanted)
            else:  # the edge of a tile
                wanted[:] = self._run(latents, labels)[first - place : last - place]

    def latent_buffer(self, count: int) -> NDArray[np.float32]:
        """An array for the latents of any ``count`` samples, page-locked where the device is CUDA."""
        tile = self._tile or 1
        rows = -(-count // tile) * tile + (tile if tile > 1 else 0)
        return host_array((rows, self._stream.dim), np.float32, self._session)

    def sample_buffer(self, count: int) -> NDArray[Any]:
        """An array for ``count`` samples, page-locked where the device is CUDA."""
        return host_array((count, *self._shape), self._dtype, self._session)

    def _batch(self, batch_size: int | None, truncation: float) -> int:
        """Samples computed at once."""
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size must be at least 1, not {batch_size}")
        if not 0 < truncation <= 1:
            raise InputError(f"truncation must be above 0 and at most 1, not {truncation}")
        return batch_size or self._tile or CPU_BATCH

    def _chosen(self, labels: ArrayLike | str | None, count: int) -> NDArray[np.int64] | None:
        """The labels that were asked for, checked; None where none were."""
        if labels is None:
            return None
        if not self.classes:
            raise InputError(f"{self._name} is not class-conditional: it takes no labels")
        return choose_labels(labels, count, self.classes, self.class_names)

    def _range(
        self, start: int, count: int, seed: int, truncation: float, labels: NDArray[np.int64] | None
    ) -> NDArray[Any]:
        """One batch."""
        if self._tile is None and truncation == 1:  # the short way, for single samples
            if labels is None and self._label_stream is not None:
                labels = self._label_stream(count, seed=seed, start=start)
            return self._run(self._stream(count, seed=seed, start=start), labels)
        images = np.empty((count, *self._shape), dtype=self._dtype)
        drawn = self.draw(count, seed=seed, start=start, labels=labels, truncation=truncation)
        self.render(drawn, images)
        return images

    def _feed(
        self, latents: NDArray[np.float32], labels: NDArray[np.int64] | None
    ) -> dict[str, NDArray[Any]]:
        feed: dict[str, NDArray[Any]] = {self._input: latents}
        if labels is not None:
            feed[self._labels_input] = np.ascontiguousarray(labels)
        return feed

    def _run(self, latents: NDArray[np.float32], labels: NDArray[np.int64] | None) -> NDArray[Any]:
        feed = self._feed(latents, labels)
        result: NDArray[Any] = self._guarded(lambda: self._session.run(self._outputs, feed)[0])
        return np.ascontiguousarray(np.moveaxis(result, 1, 3)) if self._channels_last else result

    def _into(
        self, latents: NDArray[np.float32], labels: NDArray[np.int64] | None, images: NDArray[Any]
    ) -> None:
        feed = self._feed(latents, labels)
        self._guarded(lambda: run_bound(self._session, feed, self._outputs[0], images))

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """Call onnxruntime, in the process that opened the session, and say plainly what it raises."""
        if self._process != os.getpid():  # forked: the session's threads stayed in the parent
            with self._lock:
                if self._process != os.getpid():
                    self._open()
        try:
            return call()
        except Exception as error:  # with I/O binding onnxruntime raises plain RuntimeErrors
            if isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime"):
                raise ModelError(f"{self._name} cannot be run: {_first_line(error)}") from error
            raise

    def _open(self) -> None:
        onnxruntime = load_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised; onnxruntime need not print it too
        if self._threads is not None:
            options.intra_op_num_threads = self._threads
        try:
            self._session = open_session(self._bytes, self._device, options)
        except (RuntimeError, ValueError, NotImplementedError) as error:
            if isinstance(error, InputError):
                raise
            raise ModelError(f"{self._name} cannot be loaded: {_first_line(error)}") from error
        except Exception as error:
            if type(error).__module__.startswith("onnxruntime"):
                raise ModelError(f"{self._name} cannot be loaded: {_first_line(error)}") from error
            raise
        self._tile = tile_for(self.provider)
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for transient in ("_session", "_lock", "_process"):
            del state[transient]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
        self._open()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
