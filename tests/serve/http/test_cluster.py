"""The service on a Ray cluster: a replica dies under load, and no wrong byte comes out."""

import hashlib
import os
import runpy
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from dropgan.serve import Generator, InputError
from dropgan.serve.http.cluster import deployment
from dropgan.serve.http.encoders import png

from ...node_tools import REPOSITORY
from .conftest import free_port

_BOUND = 15  # seconds after a death in which requests may fail


def test_what_is_wrong_is_said_before_anything_is_deployed(model_file: Path, tmp_path: Path) -> None:
    """A mistake in a file name must not become a cluster of replicas that die."""
    pytest.importorskip("ray.serve", reason="needs ray[serve]")
    with pytest.raises(InputError, match="replicas"):
        deployment([model_file], replicas=0)
    with pytest.raises(InputError, match=r"holds no \.onnx file"):
        deployment([tmp_path])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_replica_dies_under_load(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests fail for a moment at most; every picture is the one that `Generator` draws."""
    for patience in ("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S"):
        monkeypatch.setenv(patience, "60")  # a busy machine starts Ray's proxy slowly
    ray = pytest.importorskip("ray", reason="needs ray[serve]")
    serve = pytest.importorskip("ray.serve", reason="needs ray[serve]")
    generator = Generator(model_file, device="cpu")
    expected = [png(image) for image in generator.sample(64, seed="ada")]
    port = free_port()
    base = f"http://127.0.0.1:{port}/{hashlib.sha256(model_file.read_bytes()).hexdigest()}/ada"
    good: list[float] = []
    bad: list[tuple[float, str]] = []
    wrong: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            place = 0
            while not stop.is_set():
                place = (place + 1) % len(expected)
                try:
                    answer = client.get(f"{base}/{place}.png")
                except httpx.TransportError as error:
                    bad.append((time.monotonic(), repr(error)))
                    continue
                if answer.status_code != 200:
                    bad.append((time.monotonic(), str(answer.status_code)))
                elif answer.content == expected[place]:
                    good.append(time.monotonic())
                else:
                    wrong.append(place)

    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        example = runpy.run_path(str(REPOSITORY / "examples" / "ray_serve" / "app.py"))
        serve.run(example["build"]({"models": str(model_file), "replicas": "2"}))
        end = time.monotonic() + 60
        while True:
            try:
                assert httpx.get(f"{base}/0.png", timeout=30).status_code == 200
                break
            except (httpx.TransportError, AssertionError):
                assert time.monotonic() < end
                time.sleep(0.5)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(5)
        (victim, *_) = replicas()
        os.kill(victim, signal.SIGKILL)
        died = time.monotonic()
        time.sleep(_BOUND + 10)
        stop.set()
        for thread in threads:
            thread.join(60)
        end = time.monotonic() + 120
        while len(replicas()) < 2 or victim in replicas():  # Ray puts another in its place
            assert time.monotonic() < end
            time.sleep(1)
    finally:
        stop.set()
        serve.shutdown()
        ray.shutdown()
    print(f"\n{len(good)} pictures, {len(bad)} requests failed, the last {failed_for(bad, died):.1f} s after")
    assert wrong == []
    assert all(died <= when <= died + _BOUND for when, _ in bad), bad
    assert sum(when > died + _BOUND for when in good) > 50


def failed_for(bad: list[tuple[float, str]], died: float) -> float:
    return max((when - died for when, _ in bad), default=0.0)


def replicas() -> list[int]:
    """Process ids of the replicas, which Ray gives titles."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            title = (process / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if process.name.isdigit() and title.startswith(b"ray::ServeReplica:default:dropgan"):
            found.append(int(process.name))
    return found
