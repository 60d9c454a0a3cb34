"""The template environment of self-contained pages: styles, pictures, and escaped text."""

import base64

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from dropgan.serve.printable import printable

from .pictures import Picture


def page_environment(package: str) -> Environment:
    """Return an environment with the templates of a package and ``style.css``, which all pages share."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "."), PackageLoader("dropgan.evaluate", ".")]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = _inline
    return environment


def _shown(value: object) -> object:
    """Return a value as a page shows it, so that untrusted names cannot reverse text."""
    return printable(value) if isinstance(value, str) else value


def _inline(picture: Picture) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.png).decode()
