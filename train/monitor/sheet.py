"""A contact sheet: training pictures in a grid, with one labelled row per class."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dropgan.serve.pictures import encode_png
from dropgan.serve.printable import printable

from ..data import ImageData
from ..recipes.auto import ClassCount

_ACROSS, _DOWN = 12, 20
_CELL = 64  # pixels of a picture's longer side at least: small ones are enlarged by whole factors
_GAP, _EDGE, _TITLE, _TEXT = 4, 24, 22, 15
_PAPER, _INK, _FAINT = (255, 255, 255), (24, 24, 27), (113, 113, 122)
_LONGEST = 22  # letters of a name


def contact_sheet(data: ImageData, classes: Sequence[ClassCount], title: str) -> bytes:
    """Return a PNG file of pictures from all parts of the data, or one row per class.

    Args:
        data: The pictures.
        classes: Classes that have samples, in the order of the labels; empty for a plain grid. At most 20
            are shown.
        title: Heading of the sheet.
    """
    rows = _rows(data, classes)
    height, width = data.shape[:2]
    scale = max(1, round(_CELL / max(height, width)))
    cell = (width * scale + _GAP, height * scale + _GAP)
    names = [(_shortened(one.name), f"{one.count:,}") for one in classes[: len(rows)]]
    margin = max((max(_font(_TEXT).getlength(text) for text in pair) for pair in names), default=-_EDGE)
    left, top = int(margin) + 2 * _EDGE, _EDGE + _TITLE + 16
    across = max(len(row) for row in rows)
    title = printable(title)
    size = (
        max(left + across * cell[0] - _GAP, _EDGE + int(_font(_TITLE).getlength(title))) + _EDGE,
        top + len(rows) * cell[1] - _GAP + _EDGE,
    )
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_EDGE, _EDGE), title, _INK, _font(_TITLE), anchor="lt")
    for down, row in enumerate(rows):
        y = top + down * cell[1]
        for across, place in enumerate(row):
            sheet.paste(_picture(data.images[place], scale), (left + across * cell[0], y))
        if names:
            name, count = names[down]
            middle = y + (cell[1] - _GAP) // 2
            draw.text((left - _EDGE // 2, middle - 1), name, _INK, _font(_TEXT), anchor="rb")
            draw.text((left - _EDGE // 2, middle + 3), count, _FAINT, _font(_TEXT), anchor="rt")
    return encode_png(np.asarray(sheet))


def _rows(data: ImageData, classes: Sequence[ClassCount]) -> list[NDArray[np.int64]]:
    """Return the indices of the pictures in each row, evenly spaced."""
    if not classes or data.labels is None:
        places = _spaced(np.arange(len(data)), _ACROSS * _ACROSS)
        return [places[start : start + _ACROSS] for start in range(0, len(places), _ACROSS)]
    labels = np.unique(data.labels)[:_DOWN]
    return [_spaced(np.flatnonzero(data.labels == label), _ACROSS) for label in labels]


def _spaced(places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return places[np.linspace(0, len(places) - 1, min(count, len(places))).astype(np.int64)]


def _picture(pixels: NDArray[np.uint8], scale: int) -> Image.Image:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def _shortened(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's own font, which has the letters of most European languages."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
