"""A static web server and a visit to it in Chromium, for tests."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .node_tools import REPOSITORY, require_chromium, require_node, require_npm

DONE = "[data-state=done], [data-state=failed]"


class _Quiet(SimpleHTTPRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a page that is closed early hangs up
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """A plain static server of ``folder``; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def visit(url: str, run: str, *, wait: str = DONE, flags: tuple[str, ...] = (), **more: Any) -> Any:
    """Open a page, wait for a selector, run a function in it: its ``result``, and what the page
    complained of, which policy it broke and what it asked the network for."""
    require_npm("playwright-core")
    asked = {"browser": require_chromium(), "url": url, "wait": wait, "run": run, "flags": flags, **more}
    done = subprocess.run(
        [require_node(), str(REPOSITORY / "tests/js/visit.mjs"), json.dumps(asked)],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
