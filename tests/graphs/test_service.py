"""Graphs over HTTP: as matrices, and drawn."""

import asyncio
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropgan.serve import Generator
from dropgan.serve.graphs.drawing import draw
from dropgan.serve.pictures import grid

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi", reason="the extra [server] is not installed")


def test_graphs_have_addresses(graph_model: Path) -> None:
    """A page shows drawings one by one and as a grid; a program gets the matrices of the file."""
    from dropgan.serve.http.app import create_app
    from dropgan.serve.http.limits import Limits
    from dropgan.serve.http.models import Model, Models

    generator = Generator(graph_model, device="cpu")
    model = Model("graphs", generator.digest, generator)
    app = create_app(Models([model]), limits=Limits(picture_pixels=70_000))

    async def asked() -> dict[str, tuple[int, bytes]]:
        paths = ("3.png", "3.json", "0-8.npy", "0-8.png", "0-19.png", "3.png?scale=8")
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            answers = {path: await client.get(f"/{generator.digest}/5/{path}") for path in paths}
        return {path: (answer.status_code, answer.content) for path, answer in answers.items()}

    answers = asyncio.run(asked())
    expected = generator.sample(9, seed=5)
    assert np.array_equal(np.load(io.BytesIO(answers["0-8.npy"][1])), expected)
    assert np.array_equal(np.array(Image.open(io.BytesIO(answers["3.png"][1]))), draw(expected[3:4])[0])
    assert np.array_equal(np.array(Image.open(io.BytesIO(answers["0-8.png"][1]))), grid(draw(expected)))
    assert b'"graph":[[' in answers["3.json"][1]
    for large in ("0-19.png", "3.png?scale=8"):  # of drawings, not of the few types in a matrix
        assert answers[large][0] == 413
