"""A generator that runs somewhere else: the same samples from a service of ``dropgan serve``."""

import io
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .card import Card
from .classes import Classes
from .errors import DropganError, InputError, ModelError
from .latents import LatentStream, check_range, check_truncation
from .seeds import seed_number

_BATCH = 4096


class ServiceError(DropganError):
    """A service that does not answer, or that cannot answer now."""


class Client:
    """Samples from a service, with the methods of `Generator` and the same results, byte for byte.

    The latents are made here; samples are asked for by seed and index, so that what lies between
    (a proxy, a CDN) may answer from its cache.

    Attributes:
        card: What the model's file says of itself.
        digest: SHA-256 of the model's file, 64 hex digits.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 60.0) -> None:
        """Ask a service for a model.

        Args:
            url: Address of the service and the model, ``http://host:8000/clothes``; the model is a
                name or a digest. Of a service with one model, its address alone will do.
            key: The bearer key, if the service wants one.
            timeout: Seconds that one answer may take.

        Raises:
            InputError: The address is none, or leaves open which model is meant.
            ServiceError: Nothing answers there.
        """
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise InputError(f"a service's address is like http://host:8000/model, not {url!r}")
        path, _, model = parts.path.rstrip("/").rpartition("/")
        self._key, self._timeout = key, timeout
        self._root = f"{parts.scheme}://{parts.netloc}{path}"
        if not model:
            found = json.loads(self._get("models"))
            if len(found) != 1:
                names = ", ".join(each["name"] for each in found)
                raise InputError(f"say which model is meant, as in {self._root}/{found[0]['name']}: {names}")
            model = found[0]["digest"]
        told = json.loads(self._get(model))
        try:
            self.digest, self.card = str(told["digest"]), Card.from_json(json.dumps(told["card"]))
            self._shape = tuple(map(int, told["sample_shape"]))
        except (KeyError, TypeError, ModelError) as error:
            raise ServiceError(f"{url} is no service of dropgan, or of another version") from error
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
        """Number of classes of a class-conditional model, 0 of any other."""
        return len(self._classes)

    @property
    def class_numbers(self) -> tuple[int, ...]:
        """The data's own numbers of the classes."""
        return self._classes.numbers

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of `class_numbers`; empty where they have none."""
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
        """Samples ``start`` to ``start + count - 1`` of ``seed``; arguments and result as of `Generator`.

        Raises:
            InputError: An argument is out of its range.
            ServiceError: The service does not answer, or is too busy.
        """
        batches = list(self.stream(count, seed=seed, start=start, labels=labels, truncation=truncation))
        if batches:
            return np.concatenate(batches)
        return self.sample(1)[:0]

    def stream(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
    ) -> Iterator[NDArray[Any]]:
        """The samples of `sample`, batch by batch in constant memory.

        Raises:
            InputError: An argument is out of its range (at once, not at the first batch).
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
        """The latents behind samples ``start`` to ``start + count - 1`` of ``seed``, made here."""
        return self._stream(count, seed=seed_number(seed), start=start)

    def labels(
        self, count: int, *, seed: int | str = 0, start: int = 0, labels: ArrayLike | str | None = None
    ) -> NDArray[np.int64]:
        """Numbers of the classes of samples ``start`` to ``start + count - 1``, as of `Generator`."""
        number = seed_number(seed)
        check_range(count, number, start)
        places = self._classes.draw(self._classes.choose(labels, count), count, seed=number, start=start)
        if places is None:
            raise InputError("this model is not class-conditional: it has no labels")
        return self._classes.numbered(places)

    def __call__(self, latents: ArrayLike, labels: ArrayLike | str | None = None) -> NDArray[Any]:
        """Samples from latents of your own; arguments and result as of `Generator`."""
        array = np.asarray(latents, dtype=np.float32)
        if array.ndim != 2 or array.shape[1] != self.card.latents.dim or not len(array):
            raise InputError(f"latents must be numbers of shape [n, {self.card.latents.dim}], n at least 1")
        places = self._classes.choose(labels, len(array))
        if isinstance(places, str):
            raise InputError(f"latents alone are not enough: give labels, {self._classes.known}")
        made = []
        for first in range(0, len(array), _BATCH):
            body: dict[str, Any] = {"latents": array[first : first + _BATCH].astype(float).tolist()}
            if places is not None:
                body["labels"] = self._classes.numbered(places[first : first + _BATCH]).tolist()
            made.append(self._posted(body))
        return np.concatenate(made)

    def _batch(
        self, first: int, count: int, seed: int, start: int, places: Any, truncation: float
    ) -> NDArray[Any]:
        """One part of a range: by its address where one says it all, else by its latents."""
        begin = start + first
        drawn = places is None or (isinstance(places, str) and places == self._classes.default)
        if drawn:
            query = "" if truncation == 1 else f"?truncation={truncation:.9g}"
            if float(f"{truncation:.9g}") == truncation:
                return self._array(f"{self.digest}/{seed}/{begin}-{begin + count - 1}.npy{query}")
        latents = self._stream(count, seed=seed, start=begin)
        if truncation != 1:
            latents = latents * np.float32(truncation)
        if places is None:
            return self(latents)
        if isinstance(places, str):
            part = self._classes.draw(places, count, seed=seed, start=begin)
        else:
            part = places[first : first + count]
        assert part is not None
        return self(latents, self._classes.numbered(part))

    def _array(self, path: str) -> NDArray[Any]:
        return _loaded(self._get(path))

    def _posted(self, body: dict[str, Any]) -> NDArray[Any]:
        headers = {"content-type": "application/json"}
        data = json.dumps(body).encode()
        return _loaded(self._get(f"{self.digest}/samples?format=npy", data, headers))

    def _get(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        url = f"{self._root}/{path}"
        request = urllib.request.Request(url, data=data, headers=headers or {})  # noqa: S310 - http(s) alone
        if self._key is not None:
            request.add_unredirected_header("authorization", f"Bearer {self._key}")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            raise _refusal(url, error) from error
        except (OSError, ValueError) as error:
            raise ServiceError(f"no answer from {url}: {getattr(error, 'reason', error)}") from error


def _refusal(url: str, error: urllib.error.HTTPError) -> DropganError:
    try:
        text = str(json.loads(error.read(10_000))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        text = f"it answered {error.code}"
    kind = InputError if error.code in (404, 413, 422) else ServiceError
    return kind(f"{url}: {text}")


def _loaded(body: bytes) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ServiceError("the service's answer is no array, or was cut off") from error
    return array
