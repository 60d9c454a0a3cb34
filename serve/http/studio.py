"""The studio: the page at ``/``, for people."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

PAGE = Path(__file__).parent / "page"
_RUNTIME = Path(__file__).parents[1] / "js"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
_HEADERS = {
    # nothing is loaded from other hosts, and nothing in a card or a name can become a script
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def studio_page(*, title: str, heading: str, noscript: str, policy: str = "", more: str = "") -> str:
    """Return the page's HTML, for a service or for a web package made from the same parts.

    Args:
        title: Title of the window, as HTML.
        heading: Heading at the top of the page, as HTML.
        noscript: Content for browsers without JavaScript.
        policy: Additional lines of the head.
        more: Additional controls.
    """
    text = (PAGE / "index.html").read_text("utf-8")
    fields = {"title": title, "heading": heading, "noscript": noscript, "policy": policy, "more": more}
    for name, value in fields.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def add_studio(app: "FastAPI") -> None:
    """Add the page and its parts to a FastAPI application."""
    from fastapi import Response

    files = {f"studio/{path.name}": path for path in sorted(PAGE.iterdir()) if path.suffix in (".js", ".css")}
    files |= {f"studio/runtime/{path.name}": path for path in _RUNTIME.glob("*.js")}
    loaded = {name: (path.read_bytes(), _TYPES[path.suffix]) for name, path in files.items()}
    page = studio_page(
        title="dropgan studio",
        heading="dropgan <span>studio</span>",
        noscript="The studio is a page of JavaScript: please allow it. Without it, addresses such as"
        " /MODEL/SEED/0-63.png show samples.",
    ).encode()

    @app.get("/", include_in_schema=False)
    async def studio() -> Response:
        return Response(page, media_type=_TYPES[".html"], headers=_HEADERS)

    @app.get("/studio/{name:path}", include_in_schema=False)
    async def part(name: str) -> Response:
        found = loaded.get(f"studio/{name}")
        if found is None:
            return Response('{"error":"there is no such page"}', 404, media_type="application/json")
        return Response(found[0], media_type=found[1], headers=_HEADERS)
