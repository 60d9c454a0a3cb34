"""What is kept is checked: a cache that changed gives the right pixels or none."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropgan.train import DataError, load_images

from .arena import attack, require_civil
from .conftest import SMALL, Cases, Chance, Figures, Good
from .test_files import spoil


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pictures, and a cache of its own that knows them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    random = np.random.default_rng(1)
    for number in range(10):
        path = tmp_path / "pictures" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(path)
    return tmp_path / "pictures"


@pytest.mark.share(0.05)
def test_a_changed_cache_gives_the_right_pixels(
    pictures: Path, tmp_path: Path, chance: Chance, cases: Cases, figures: Figures
) -> None:
    """One flipped byte trained silently, an empty file ended every later run."""
    right = np.array(load_images(str(pictures)).images)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / "cache", kept)
    for number in cases(300):
        draw = chance(f"cache {number}")
        shutil.rmtree(tmp_path / "cache")
        shutil.copytree(kept, tmp_path / "cache")
        files = sorted(path for path in (tmp_path / "cache").rglob("*") if path.is_file())
        assert files
        victim = draw.choice(files)
        if draw.random() < 0.2:
            victim.unlink()
        else:
            victim.write_bytes(spoil(victim.read_bytes(), draw))
        assert np.array_equal(load_images(str(pictures)).images, right), f"case {number}, {victim}"
        figures.count("caches", "changed files")


def test_other_pictures_under_the_same_names(pictures: Path, tmp_path: Path, figures: Figures) -> None:
    """Same names, sizes and times: the second folder got the first one's pixels."""
    load_images(str(pictures))
    for shift in (1, 128):
        other = tmp_path / f"other{shift}"
        shutil.copytree(pictures, other)
        for path in other.iterdir():
            image = np.asarray(Image.open(pictures / path.name))
            about = (pictures / path.name).stat()
            Image.fromarray(((image.astype(int) + shift) % 256).astype(np.uint8)).save(path)
            with path.open("ab") as file:  # a PNG may be longer than what it holds
                file.write(bytes(max(0, about.st_size - path.stat().st_size)))
            os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
        expected = (np.array(load_images(str(pictures)).images, int) + shift) % 256
        assert np.array_equal(load_images(str(other)).images, expected)
        figures.count("caches", "folders under the same names")


@pytest.mark.parametrize("cache", ["file", "link", "read-only", "full"])
def test_a_cache_that_cannot_be_used(pictures: Path, tmp_path: Path, figures: Figures, cache: str) -> None:
    """No cache is one line that names the variable, or no cache at all."""
    place = tmp_path / "no cache"
    if cache == "file":
        place.write_text("x")
    elif cache == "link":
        place.symlink_to(tmp_path / "nowhere" / "deep")
    elif cache == "read-only":
        place = Path("/proc/self/fdinfo")
    else:
        place = Path("/dev/full")
    outcome = attack(
        "train", "--data", pictures, "-o", "run", "--no-score", *SMALL,
        folder=tmp_path, environment={"XDG_CACHE_HOME": str(place)},
    )  # fmt: skip
    require_civil(outcome)
    assert outcome.code == 0 or "XDG_CACHE_HOME" in outcome.err, outcome
    figures.count("caches", "caches that cannot be used")


@pytest.mark.share(0.02)
def test_features_of_real_images_are_checked(
    good: Good, tmp_path: Path, chance: Chance, cases: Cases, figures: Figures
) -> None:
    """Scores are made of kept features: changed ones must not change a score."""
    evaluate = [
        "evaluate",
        good.model,
        "--data",
        good.archive,
        "--features",
        good.features,
        "-n",
        20,
        "--json",
    ]
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = attack(*evaluate, folder=tmp_path, environment=environment)
    assert first.code == 0, first
    files = sorted(path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    if not files:
        pytest.skip("no features are kept for data this small")
    for number in cases(12):
        draw = chance(f"features {number}")
        victim = draw.choice(files)
        before = victim.read_bytes()
        victim.write_bytes(spoil(before, draw))
        outcome = attack(*evaluate, folder=tmp_path, environment=environment)
        require_civil(outcome)
        assert outcome.code != 0 or _scores(outcome.out) == _scores(first.out), (
            f"case {number}, {victim}: {outcome}"
        )
        victim.write_bytes(before)
        figures.count("caches", "changed files of features")


def _scores(text: str) -> dict[str, object]:
    """What an evaluation says, but for how long it took."""
    told: dict[str, object] = json.loads(text)
    return {name: value for name, value in told.items() if "seconds" not in name}


def test_a_picture_that_changes_is_seen(pictures: Path, figures: Figures) -> None:
    """Pictures are edited in place, and the time of change may be the same."""
    before = np.array(load_images(str(pictures)).images)
    victim = pictures / "3.png"
    about = victim.stat()
    Image.fromarray(255 - np.asarray(Image.open(victim))).save(victim)
    os.utime(victim, ns=(about.st_atime_ns, about.st_mtime_ns))
    try:
        after = load_images(str(pictures)).images
    except DataError:
        return
    assert not np.array_equal(before[3], after[3])
    figures.count("caches", "pictures changed in place")
