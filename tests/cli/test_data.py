"""`dropgan data` and `--dry-run`: what was understood of data, before an hour is spent on them."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropgan.train import load_recipe
from dropgan.train.run import survey

from .conftest import Dropgan

FIXED = ("--device", "cpu", "--precision", "fp32", "--threads", 1)
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training steps are timed in tests/train/test_minutes.py."""
    monkeypatch.setattr(survey, "seconds_per_step", lambda *_: 0.0125)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures as people have them: three sizes, transparency, 16 bits, a small class, a broken file."""
    folder = tmp_path_factory.mktemp("own") / "holiday pictures"
    for name, count, colour in (("beach", 120, (230, 200, 90)), ("storm", 5, (60, 60, 90))):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.full(((40, 30), (64, 64), (90, 120))[i % 3] + (3,), colour, np.uint8)
            pixels[: 8 + i % 7, :10] = RANDOM.integers(0, 256, 3)
            image = Image.fromarray(pixels)
            if i % 4 == 0:
                image.putalpha(Image.new("L", image.size, 128))
            image.save(folder / name / f"{i:03}.png")
    Image.fromarray(RANDOM.integers(0, 65536, (64, 64)).astype(np.uint16)).save(folder / "storm" / "9.png")
    (folder / "beach" / "broken.png").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("x")
    return folder


def test_a_folder_of_ones_own(dropgan: Dropgan, tmp_path: Path, photos: Path) -> None:
    """What is left out, cut, enlarged or too small would be found out from the samples, an hour later."""
    sheet = tmp_path / "sheet.png"
    answer = dropgan("data", photos, "-o", sheet, *FIXED)
    assert answer.code == 0, answer.err
    lines = dict(line.split(maxsplit=1) for line in answer.out.splitlines() if not line.startswith(" "))
    assert lines["data"] == "holiday pictures: 126 colour pictures of 64x64"
    assert lines["sizes"] == "3 sizes, 30x40 to 120x90; 64x64 is the commonest (43 pictures)"
    assert lines["modes"] == (
        "125 colour, 1 grey, 32 with transparency, laid on white, 1 of 16 bits a channel, scaled to 8"
    )
    assert lines["resized"] == (
        "to 64x64: 83 cut to the middle square, 41 made smaller, 42 made larger, which adds no detail"
    )
    assert lines["classes"] == "2: beach (120), storm (6)"
    assert "skipped files that are not pictures: .txt (1)" in answer.out
    assert "beach/broken.png (not a picture of a known format): left out" in answer.out
    assert "need --size: 64 is assumed here" in lines["size"]
    assert "class storm has 6 of the 100 pictures that each class needs" in lines["recipe"]
    minutes = 12.5 * load_recipe("conv").training.steps / 1000 / 60
    assert lines["time"].startswith(
        f"12.5 seconds for 1,000 steps here (cpu, fp32, 1 thread): about {minutes:.1f} minutes"
    )
    assert lines["next"] == f"dropgan run --data '{photos}' --size 64 -o holiday-pictures-gan"
    assert lines["sheet"] == str(sheet)
    with Image.open(sheet) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    height, width = pixels.shape[:2]
    assert width > 12 * 64
    assert height > 2 * 64
    for colour in ((230, 200, 90), (60, 60, 90)):  # each class has a row
        rows = np.flatnonzero((np.abs(pixels - colour).max(-1) < 3).sum(1) > 100)
        assert 30 < np.ptp(rows) < 64


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_it_reads_well_at_80_columns(photos: Path) -> None:
    """Long lines would be cut anywhere, through words and numbers."""
    import fcntl
    import pty
    import struct
    import subprocess
    import sys
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "dropgan.cli", "data", photos, *map(str, FIXED)]
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # Linux says so at the end
        pass
    assert process.wait() == 0
    lines = shown.decode().split("\r\n")
    assert max(map(len, lines)) <= 80
    assert all(line[:11].strip() == "" or line[10:11] == " " for line in lines if line)


def test_for_programs(dropgan: Dropgan, tmp_path: Path) -> None:
    """A program would have to take sentences apart."""
    labels = np.arange(300) % 3
    path = tmp_path / "toys.npz"
    np.savez(path, images=RANDOM.integers(0, 256, (300, 8, 8), dtype=np.uint8), labels=labels)
    found = json.loads(dropgan("data", path, "--json", *FIXED).out)
    assert found["classes"] == {"0": 100, "1": 100, "2": 100}
    assert (found["kind"], found["samples"], found["height"], found["channels"]) == ("images", 300, 8, 1)
    assert (found["recipe"], found["conditional"], found["steps"]) == (
        "conv",
        True,
        load_recipe("conv").training.steps,
    )
    assert found["seconds_per_thousand_steps"] == 12.5
    assert found["why"].startswith("recipe conv with labels, chosen for 300 grey pictures of 8x8")
    assert found["proposed_size"] is found["origins"] is None


def test_a_table(dropgan: Dropgan, tmp_path: Path) -> None:
    """Whether a column was read as meant is seen by its range, and by what is common in it."""
    rows = [f"{i % 70},{(i % 4 == 0) * (i + 0.5)},{i % 2}" for i in range(200)]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["age,rain,label", *rows]) + "\n")
    answer = dropgan("data", path, "--label-column", "label", *FIXED)
    assert answer.code == 0, answer.err
    assert "data       people: 200 rows of 2 columns\n" in answer.out
    assert "columns    age   0 to 69, whole numbers\n" in answer.out
    assert "           rain  0 to 196.5, 75% are 0\n" in answer.out
    assert "column label" in answer.out
    assert "classes    2 of 100 each: 0, 1\n" in answer.out
    assert "recipe     mlp, chosen for 200 rows of 2 columns" in answer.out
    assert f"next       dropgan run --data {path} --label-column label -o people-gan\n" in answer.out
    (age, rain) = json.loads(dropgan("data", path, "--label-column", "label", "--json", *FIXED).out)[
        "columns"
    ]
    assert (age["whole"], age["low"], age["high"], age["point_mass"]) == (True, 0, 69, None)
    assert (rain["point_mass"], rain["point_mass_share"]) == (0, 0.75)
    refused = dropgan("data", path, "--label-column", "label", "-o", tmp_path / "sheet.png", *FIXED)
    assert refused.code == 1
    assert "a contact sheet shows pictures" in refused.err
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize("command", ["run", "train"])
def test_a_dry_run_says_it_and_writes_nothing(
    dropgan: Dropgan, tmp_path: Path, photos: Path, command: str
) -> None:
    """It is for looking before an hour is spent: what a run would refuse, it refuses too."""
    out = ("--dry-run", "-o", tmp_path / "run", *FIXED)
    answer = dropgan(command, "--data", photos, "--size", 16, "--minutes", 10, *out)
    assert answer.code == 0, answer.err
    assert "126 colour pictures of 16x16" in answer.out
    assert "about 48,000 steps fit into 10 minutes" in answer.out
    refused = dropgan(command, "--data", photos, *out)
    assert refused.code == 1
    assert "differ in size" in refused.err.splitlines()[-1]
    wrong = dropgan(command, "--data", photos, "--set", "generator.dropot=1", *out)
    assert wrong.code == 2
    assert not (tmp_path / "run").exists()
    assert dropgan(command, "--like", tmp_path, *out).code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["absent"], 1, "there is no data absent"),
        (["fashion-mnist-10k", "-o", "sheet.jpg"], 2, "a contact sheet is a .png file, not sheet.jpg"),
        (["fashion-mnist-10k", "-o", "{file}/sheet.png"], 1, "sheet.png"),
        (["fashion-mnist-10k", "--recipe", "nonesuch"], 2, "nonesuch"),
        (["fashion-mnist-10k", "--set", "discriminator.texture_weight=1"], 2, "was chosen by the data"),
    ],
)
def test_bad_input_is_one_line(
    dropgan: Dropgan, image_file: Path, arguments: list[str], code: int, said: str
) -> None:
    """A traceback, or a success that is none."""
    answer = dropgan("data", *(argument.format(file=image_file) for argument in arguments))
    assert answer.code == code
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert not answer.out


def test_many_classes_are_summed_up(dropgan: Dropgan, tmp_path: Path) -> None:
    """A thousand classes would fill screens, and the small ones would not be found among them."""
    labels = np.repeat(np.arange(40), np.arange(2, 42))
    path = tmp_path / "many.npz"
    np.savez(path, images=RANDOM.integers(0, 256, (len(labels), 8, 8), dtype=np.uint8), labels=labels)
    out = dropgan("data", path, *FIXED).out
    assert "classes    40, the largest 39 (41), 38 (40)," in out
    assert "           the smallest 0 (2), 1 (3)," in out


def test_what_files_were_like_is_counted_before_they_are_reduced(dropgan: Dropgan, tmp_path: Path) -> None:
    """A JPEG is decoded at a fraction of its size, and turned by its EXIF orientation."""
    folder = tmp_path / "jpeg"
    folder.mkdir()
    for i in range(3):
        image = Image.fromarray(RANDOM.integers(0, 256, (400, 800, 3), dtype=np.uint8))
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a quarter
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", exif=exif)
        (folder / f"{i}.jpg").write_bytes(buffer.getvalue())
    for _ in range(2):  # decoded, and from the cache
        found = json.loads(dropgan("data", folder, "--size", 16, "--json", *FIXED).out)["origins"]
        assert (found["commonest"], found["alike"], found["cut"], found["reduced"]) == ([400, 800], 3, 3, 3)
