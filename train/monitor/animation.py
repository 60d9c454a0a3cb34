"""training.webp: the grid of fixed latents, from the first picture to the last."""

import io
from pathlib import Path

from dropgan.serve.atomic import write_bytes

from ..run.directory import RunDirectory

_FRAMES = 60
_SIDE = 480  # pixels: a file that fits into a mail
_BAND = 14  # pixels for the step
_MILLISECONDS, _LAST = 120, 2000
_QUALITY = 55


def write_animation(run: RunDirectory, step: int) -> None:
    """Draw the pictures up to ``step`` one after the other, the last one for longer.

    At most 60 of them, evenly spread, at most 480 pixels wide and high. Nothing is written for fewer
    than two.

    Raises:
        OutputError: The file cannot be written.
    """
    from PIL import Image, ImageDraw

    files = [path for path in sorted(run.samples_directory.glob("step-*.png")) if _step(path) <= step]
    if len(files) < 2:
        return
    count = min(_FRAMES, len(files))
    chosen = [files[round(place * (len(files) - 1) / (count - 1))] for place in range(count)]
    frames = []
    for path in chosen:
        with Image.open(path, formats=("PNG",)) as picture:
            frame = picture.convert("RGB")
        frame.thumbnail((_SIDE, _SIDE))
        band = Image.new("RGB", (frame.width, frame.height + _BAND), "white")
        band.paste(frame, (0, _BAND))
        ImageDraw.Draw(band).text((2, 1), f"step {_step(path):,}", fill="black")
        frames.append(band)
    buffer = io.BytesIO()
    durations = [_MILLISECONDS] * (count - 1) + [_LAST]
    frames[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=_QUALITY,
        method=2,  # the slower ones save a tenth of the size for several times the time
    )
    write_bytes(run.animation_file, buffer.getvalue())


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))
