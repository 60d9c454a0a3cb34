"""training.webp: the sample grid of fixed latents as it changed during training."""

import io
from pathlib import Path

from dropgan.serve.atomic import write_bytes

from ..run.directory import RunDirectory

_FRAMES = 60
_EARLY, _AT_LEAST, _APART = (10, 30, 100, 300), 24, 10
_SIDE = 480  # pixels: a file that fits into a mail
_BAND = 14  # pixels for the step
_MILLISECONDS, _LAST = 120, 2000
_QUALITY = 55


def is_frame(step: int, steps: int) -> bool:
    """Return True if a picture is due at a step besides those at scores.

    There are some early ones and two dozen in all, at least ten steps apart.

    Args:
        step: The step.
        steps: Number of steps of the run, from its recipe.
    """
    return step in _EARLY or step % max(_APART, steps // _AT_LEAST) == 0


def write_animation(run: RunDirectory, step: int) -> None:
    """Write an animation of the pictures up to ``step``, the last one shown longer.

    It has at most 60 pictures, the early ones and others evenly spread, at most 480 pixels wide and high. For
    fewer than two pictures nothing is written.

    Raises:
        OutputError: The file cannot be written.
    """
    from PIL import Image, ImageDraw

    files = [path for path in sorted(run.samples_directory.glob("step-*.png")) if _step(path) <= step]
    if len(files) < 2:
        return
    early = [path for path in files[:-1] if _step(path) in _EARLY]
    rest = [path for path in files if path not in early]
    count = min(_FRAMES - len(early), len(rest))
    spread = {rest[round(place * (len(rest) - 1) / max(1, count - 1))] for place in range(count)}
    chosen = sorted({*early, *spread, files[-1]})
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
    durations = [_MILLISECONDS] * (len(chosen) - 1) + [_LAST]
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
