"""The client gives what `Generator` gives, byte for byte."""

from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Client, Generator, InputError
from dropgan.serve.client import ServiceError

from .conftest import free_port, service


def test_the_same_samples(address: str, model_file: Path) -> None:
    """A program that changes from a file to a service must not see another picture."""
    near, far = Generator(model_file, device="cpu"), Client(f"{address}/blobs")
    assert far.card == near.card
    assert far.sample_shape == near.sample_shape
    for options in ({}, {"seed": "ada", "start": 12}, {"seed": 2**64 - 1, "truncation": 0.7}):
        assert np.array_equal(far.sample(30, **options), near.sample(30, **options))
    long = list(far.stream(5000, seed=3))
    assert [len(batch) for batch in long] == [4096, 904]
    assert np.array_equal(np.concatenate(long), near.sample(5000, seed=3))
    latents = near.latents(5, seed=1)
    assert np.array_equal(far.latents(5, seed=1), latents)
    assert np.array_equal(far(latents), near(latents))
    assert far.sample(0).shape == near.sample(0).shape


def test_the_same_classes(address: str, conditional_model: Path) -> None:
    """By name, by number, one for each, drawn in any of the ways."""
    near, far = Generator(conditional_model, device="cpu"), Client(f"{address}/bars")
    for labels in (None, "left", 2, ["left", "right", "middle"] * 4, "balanced", "uniform"):
        assert np.array_equal(far.sample(12, seed=4, labels=labels), near.sample(12, seed=4, labels=labels))
        if isinstance(labels, str | None):
            assert np.array_equal(far.labels(12, seed=4), near.labels(12, seed=4))
    assert (far.class_names, far.class_numbers) == (near.class_names, near.class_numbers)
    with pytest.raises(InputError, match="no class"):
        far.sample(1, labels="upper")


def test_vectors(address: str, vector_model: Path) -> None:
    """Rows come in their own units."""
    near, far = Generator(vector_model, device="cpu"), Client(f"{address}/rows")
    assert np.array_equal(far.sample(20, seed=9), near.sample(20, seed=9))


def test_what_is_wrong_is_said(address: str) -> None:
    """One line each, of the errors that `Generator` raises too."""
    with pytest.raises(InputError, match="say which model"):
        Client(address)
    with pytest.raises(InputError, match="no model"):
        Client(f"{address}/nothing")
    with pytest.raises(InputError, match="http://host"):
        Client("blobs")
    with pytest.raises(ServiceError, match="no answer"):
        Client(f"http://127.0.0.1:{free_port()}/blobs", timeout=5)
    client = Client(f"{address}/blobs")
    for wrong in ({"count": -1}, {"count": 1, "start": 2**60}, {"count": 1, "truncation": 2}):
        with pytest.raises(InputError):
            client.sample(**wrong)


def test_a_key(model_file: Path) -> None:
    """Of a service with one model the address alone will do, with its key."""
    with service(model_file, "--quiet", key="sesame") as (url, _):
        assert Client(url, key="sesame").sample(2).shape == (2, 28, 28, 1)
        with pytest.raises(ServiceError, match="key"):
            Client(url)
