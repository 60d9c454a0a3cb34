"""The proxy of examples/proxy, with Debian's nginx: a picture is made once."""

import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from .conftest import free_port, service
from .test_service import digest

CONFIG = Path(__file__).parents[3] / "examples" / "proxy" / "nginx.conf"


def test_the_second_request_does_not_reach_the_service(tmp_path: Path, model_file: Path) -> None:
    """A picture that everybody looks at must cost the service one inference in all."""
    nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if nginx is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    with service(model_file, "--quiet") as (url, process):
        text = CONFIG.read_text("utf-8").replace("127.0.0.1:8000", url.removeprefix("http://"))
        (tmp_path / "nginx.conf").write_text(text.replace("listen 8080", f"listen 127.0.0.1:{port}"))
        proxy = subprocess.Popen(
            [nginx, "-p", str(tmp_path), "-c", "nginx.conf", "-g", "daemon off; user root;"],
            stderr=subprocess.PIPE,
        )
        try:
            path = f"http://127.0.0.1:{port}/{digest(model_file)}/ada/3.png"
            end = time.monotonic() + 30
            while True:
                try:
                    first = httpx.get(path)
                    break
                except httpx.TransportError:
                    assert time.monotonic() < end
                    time.sleep(0.1)
            assert (first.status_code, first.headers["x-cache"]) == (200, "MISS")
            assert httpx.get(path).headers["x-cache"] == "HIT"
            process.kill()
            process.wait()
            again = httpx.get(path)
            assert (again.status_code, again.content) == (200, first.content)
            assert httpx.get(f"http://127.0.0.1:{port}/models").status_code == 502
        finally:
            proxy.terminate()
            proxy.wait()
