"""One route that generates, in a FastAPI application that has routes of its own.

MODEL=model.onnx uvicorn app:app      then http://localhost:8000/avatars/alice.png
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Path, Request, Response

from dropgan.serve import Generator, encode_png


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the model before the first request, once for the whole process."""
    app.state.generator = Generator(os.environ["MODEL"], device="cpu", threads=1)
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
def home() -> dict[str, str]:
    """The application's own route."""
    return {"avatars": "/avatars/NAME.png"}


# def, not async def: FastAPI runs it in a thread, and threads may share a Generator
@app.get("/avatars/{name}.png")
def avatar(request: Request, name: str = Path(max_length=100)) -> Response:
    """The picture that belongs to a name, the same for ever."""
    generator: Generator = request.app.state.generator
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    (image,) = generator.sample(1, seed=seed)
    return Response(
        encode_png(image), media_type="image/png", headers={"Cache-Control": "public, max-age=86400"}
    )
