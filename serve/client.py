"""A client of ``dropgan serve`` that returns the same samples as a local generator."""

import http.client
import io
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .card import Card
from .classes import Classes, part
from .each import Each
from .errors import DropganError, InputError, ModelError
from .latents import LatentStream, check_range, check_truncation
from .seeds import seed_number

KEY_VARIABLE = "DROPGAN_API_KEY"
"""The environment variable with the key of a service."""
_BATCH = 4096
_LONGEST_WAIT = 5.0  # seconds before a service that is busy is asked again


class ServiceError(DropganError):
    """The service does not answer, or cannot answer now."""


class _BusyService(ServiceError):
    """The service is busy and says when to retry."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass(frozen=True)
class Wanted:
    """The samples that `Client.draw` asks `Client.render` to request."""

    count: int
    seed: int
    start: int
    labels: NDArray[np.int64] | None
    """Numbers of classes, one for each."""
    truncation: float


def is_address(text: str) -> bool:
    """Return True if a text is a service's address rather than a path."""
    return re.match(r"https?://", text, re.IGNORECASE) is not None


class Client:
    """Gets samples from a service. It has the methods of `Generator` and the same results, byte for byte.

    Latents are computed locally. Samples are requested by seed and index, so that a proxy or
    CDN on the way can answer from its cache.

    Attributes:
        card: The card of the model file.
        digest: SHA-256 of the model's file, 64 hex digits.
        provider: Name of the onnxruntime execution provider that the service uses.
        runtime_version: Version of the onnxruntime that the service uses.
        sample_dtype: Type of the samples, as of `Generator`.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 60.0) -> None:
        """Connect to a model of a service.

        Args:
            url: Address of the service and the model, ``http://host:8000/clothes``; the model is a
                name or a digest. For a service with one model, the address of the service is enough.
            key: The bearer key, if the service wants one.
            timeout: Seconds allowed for one answer, including waits for a busy service.

        Raises:
            InputError: The address is invalid, or does not say which model of several.
            ServiceError: The service does not answer.
        """
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise InputError(f"a service's address is like http://host:8000/model, not {url!r}")
        path, _, model = parts.path.rstrip("/").rpartition("/")
        self._key, self._timeout = key, timeout
        self._root = f"{parts.scheme}://{parts.netloc}{path}"
        try:
            if not model:
                found = json.loads(self._get("models"))
                if len(found) != 1:
                    names = [str(each["name"]) for each in found]
                    raise InputError(f"name a model, as in {self._root}/{names[0]}: {', '.join(names)}")
                model = found[0]["digest"]
            told = json.loads(self._get(model))
            self.digest, self.card = str(told["digest"]), Card.from_json(json.dumps(told["card"]))
            self._shape = tuple(map(int, told["sample_shape"]))
            self.sample_dtype: np.dtype[Any] = np.dtype(str(told["sample_dtype"]))
            self.provider = str(told["runtime"]["provider"])
            self.runtime_version = str(told["runtime"]["onnxruntime"])
        except InputError:
            raise
        except (LookupError, TypeError, ValueError, ModelError) as error:
            raise ServiceError(f"{url} is not a dropgan service, or has another version") from error
        self._classes = Classes.of(self.card)
        self._stream = LatentStream(self.card.latents.dim)

    def __repr__(self) -> str:
        return f"Client({f'{self._root}/{self.digest[:12]}'!r})"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample, as of `Generator`."""
        return self._shape

    @property
    def classes(self) -> int:
        """Number of classes of a class-conditional model, otherwise 0."""
        return len(self._classes)

    @property
    def class_numbers(self) -> tuple[int, ...]:
        """The data's own numbers of the classes."""
        return self._classes.numbers

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of `class_numbers`; empty if there are none."""
        return self._classes.names

    def sample(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
    ) -> NDArray[Any]:
        """Samples ``start`` to ``start + count - 1`` of ``seed``, as `Generator` does.

        Raises:
            InputError: An argument is out of range.
            ServiceError: The service does not answer, or is too busy.
        """
        batches = list(self.stream(count, seed=seed, start=start, labels=labels, truncation=truncation))
        if batches:
            return np.concatenate(batches)
        return np.empty((0, *self._shape), dtype=self.sample_dtype)

    def sample_each(
        self,
        seeds: Sequence[int | str],
        indices: Sequence[int] | int = 0,
        *,
        labels: ArrayLike | str | None = None,
        truncation: Sequence[float] | float = 1.0,
    ) -> NDArray[Any]:
        """One sample for each seed, as `Generator` does; a request each, which caches can answer.

        Raises:
            InputError: An argument is out of range, or there are not as many of them as seeds.
            ServiceError: As for `sample`.
        """
        wanted = Each.of(seeds, indices, truncation)
        places = self._classes.draw_each(self._classes.choose(labels, len(wanted)), wanted)
        made = np.empty((len(wanted), *self._shape), dtype=self.sample_dtype)
        of_each = zip(wanted.seeds, wanted.indices, wanted.truncations, strict=True)
        for place, (seed, index, factor) in enumerate(of_each):
            made[place] = self._batch(0, 1, seed, index, part(places, place, 1), factor)[0]
        return made

    def stream(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
    ) -> Iterator[NDArray[Any]]:
        """Yield the samples of `sample` in batches, in constant memory.

        Raises:
            InputError: An argument is out of range. It is raised at once, not at the first batch.
            ServiceError: As for `sample`.
        """
        number = seed_number(seed)
        check_range(count, number, start)
        check_truncation(truncation)
        chosen = self._classes.choose(labels, count)
        return (
            self._batch(first, min(_BATCH, count - first), number, start, chosen, truncation)
            for first in range(0, count, _BATCH)
        )

    def latents(self, count: int, *, seed: int | str = 0, start: int = 0) -> NDArray[np.float32]:
        """Return the latents of samples ``start`` to ``start + count - 1`` of ``seed``, computed locally."""
        return self._stream(count, seed=seed_number(seed), start=start)

    def labels(
        self, count: int, *, seed: int | str = 0, start: int = 0, labels: ArrayLike | str | None = None
    ) -> NDArray[np.int64]:
        """Return the class numbers of samples ``start`` to ``start + count - 1``, as `Generator` does."""
        number = seed_number(seed)
        check_range(count, number, start)
        places = self._classes.draw(self._classes.choose(labels, count), count, seed=number, start=start)
        if places is None:
            raise InputError("this model is not class-conditional: it has no labels")
        return self._classes.numbered(places)

    def labels_each(
        self,
        seeds: Sequence[int | str],
        indices: Sequence[int] | int = 0,
        *,
        labels: ArrayLike | str | None = None,
    ) -> NDArray[np.int64]:
        """Return the class numbers of the samples of `sample_each`, as `Generator` does."""
        wanted = Each.of(seeds, indices)
        places = self._classes.draw_each(self._classes.choose(labels, len(wanted)), wanted)
        if places is None:
            raise InputError("this model is not class-conditional: it has no labels")
        return self._classes.numbered(places)

    def __call__(self, latents: ArrayLike, labels: ArrayLike | str | None = None) -> NDArray[Any]:
        """Return samples from your own latents, as `Generator` does."""
        array = np.asarray(latents, dtype=np.float32)
        if array.ndim != 2 or array.shape[1] != self.card.latents.dim or not len(array):
            raise InputError(f"latents must be numbers of shape [n, {self.card.latents.dim}], n at least 1")
        places = self._classes.choose(labels, len(array))
        if isinstance(places, str):
            raise InputError(
                f"a class-conditional model needs labels with its latents: {self._classes.known}"
            )
        made = []
        for first in range(0, len(array), _BATCH):
            body: dict[str, Any] = {"latents": array[first : first + _BATCH].astype(float).tolist()}
            if places is not None:
                body["labels"] = self._classes.numbered(places[first : first + _BATCH]).tolist()
            made.append(self._posted(body, len(body["latents"])))
        return np.concatenate(made)

    def draw(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
        buffer: NDArray[np.float32] | None = None,
    ) -> Wanted:
        """Do the first half of `sample`, as `Generator` does. It sends no request yet.

        Raises:
            InputError: An argument is out of range.
        """
        number = seed_number(seed)
        check_range(count, number, start)
        check_truncation(truncation)
        places = self._classes.draw(self._classes.choose(labels, count), count, seed=number, start=start)
        numbers = None if places is None else self._classes.numbered(places)
        return Wanted(count, number, start, numbers, truncation)

    def render(self, drawn: Wanted, samples: NDArray[Any], *, batch_size: int | None = None) -> None:
        """Do the second half of `sample`: request what was drawn, and write it into an existing array.

        Raises:
            ServiceError: As for `sample`.
        """
        done = 0
        for batch in self.stream(
            drawn.count, seed=drawn.seed, start=drawn.start, labels=drawn.labels, truncation=drawn.truncation
        ):
            samples[done : done + len(batch)] = batch
            done += len(batch)

    def latent_buffer(self, count: int) -> NDArray[np.float32]:
        """Return an empty array, because the service draws the latents."""
        return np.empty((0, self.card.latents.dim), dtype=np.float32)

    def sample_buffer(self, count: int) -> NDArray[Any]:
        """Return an array for ``count`` samples."""
        return np.empty((count, *self._shape), dtype=self.sample_dtype)

    def _batch(
        self, first: int, count: int, seed: int, start: int, places: Any, truncation: float
    ) -> NDArray[Any]:
        """Request one part of a range, by its address if that suffices, otherwise by labels or latents."""
        begin, part = start + first, places
        if isinstance(places, str):
            part = self._classes.draw(places, count, seed=seed, start=begin)
        elif places is not None:
            part = places[first : first + count]
        query = self._query(part, count, seed, begin, truncation)
        if query is not None:
            address = f"{self.digest}/{seed}/{begin}-{begin + count - 1}.npy{query and '?' + query}"
            return self._checked(self._get(address), count)
        if part is None:
            return self(self._stream(count, seed=seed, start=begin) * np.float32(truncation))
        labels = self._classes.numbered(part).tolist()
        return self._posted({"seed": seed, "start": begin, "labels": labels, "truncation": truncation}, count)

    def _query(self, places: Any, count: int, seed: int, start: int, truncation: float) -> str | None:
        """Return the query string of these samples' address, or None if no address describes them."""
        said = []
        if places is not None:
            drawn = self._classes.draw(self._classes.default, count, seed=seed, start=start)
            if drawn is None or not np.array_equal(places, drawn):
                if (places != places[0]).any():
                    return None
                said.append(f"label={self._classes.numbered(places[:1])[0]}")
        if truncation != 1:
            text = f"{truncation:.9f}".rstrip("0")
            if float(text) != truncation:
                return None
            said.append(f"truncation={text}")
        return "&".join(said)

    def _posted(self, body: dict[str, Any], count: int) -> NDArray[Any]:
        headers = {"content-type": "application/json"}
        data = json.dumps(body).encode()
        return self._checked(self._get(f"{self.digest}/samples?format=npy", data, headers), count)

    def _checked(self, body: bytes, count: int) -> NDArray[Any]:
        try:
            array: NDArray[Any] = np.load(io.BytesIO(body), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ServiceError("the service's answer is not an array, or was cut off") from error
        if array.shape != (count, *self._shape) or array.dtype != self.sample_dtype:
            raise ServiceError(f"the service sent {array.dtype} {list(array.shape)} for {count} samples")
        return array

    def _get(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        """Return the body of an answer. If the service is busy, retry when it says."""
        url, end = f"{self._root}/{path}", time.monotonic() + self._timeout
        while True:
            try:
                return self._asked(url, data, headers)
            except _BusyService as error:
                if time.monotonic() + error.seconds > end:
                    raise
                time.sleep(error.seconds)

    def _asked(self, url: str, data: bytes | None, headers: dict[str, str] | None) -> bytes:
        request = urllib.request.Request(url, data=data, headers=headers or {})  # noqa: S310 - http(s) alone
        if self._key is not None:
            request.add_unredirected_header("authorization", f"Bearer {self._key}")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            raise _refusal(url, error) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ServiceError(f"no answer from {url}: {getattr(error, 'reason', error)}") from error


def _refusal(url: str, error: urllib.error.HTTPError) -> DropganError:
    try:
        text = str(json.loads(error.read(10_000))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        text = f"it answered {error.code}"
    if error.code == 503:
        after = error.headers.get("retry-after", "")
        seconds = float(after) if re.fullmatch(r"[0-9]{1,3}", after) else 1.0
        return _BusyService(f"{url}: {text}", min(seconds, _LONGEST_WAIT))
    kind = InputError if error.code in (404, 413, 422) else ServiceError
    return kind(f"{url}: {text}")
