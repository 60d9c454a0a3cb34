"""The report in a real browser: pictures painted, nothing cut off, nothing on top of anything else."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dropgan.evaluate import Evaluation, evaluate, load_features
from dropgan.evaluate.pictures import slerp
from dropgan.evaluate.report import write_report
from dropgan.serve import Generator
from dropgan.serve.errors import OutputError
from dropgan.train import ImageData, load_images

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)

# Run by the browser when the page is laid out: what is where, in its own numbers.
_LOOK = """
<script>window.addEventListener('load', () => {
  const box = (r) => [r.left, r.top, r.right, r.bottom].map(Math.round);
  const text = (e) => {
    const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect(); };
  const overlaps = [];
  for (const row of document.querySelectorAll('tr, dl, .labelled')) {
    const cells = [...row.children].filter(c => c.textContent.trim()).map(text);
    cells.forEach((a, i) => cells.slice(i + 1).forEach(b => {
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
        overlaps.push(row.textContent.trim().slice(0, 60)); }));
  }
  const out = [...document.body.querySelectorAll('*')].filter(e => {
    const r = e.getBoundingClientRect(); return r.width && (r.right > innerWidth + 1 || r.left < -1); });
  const seen = { width: innerWidth, scroll: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight, overlaps, out: out.map(e => e.outerHTML.slice(0, 80)),
    images: [...document.images].map(i => (
      {ok: i.complete && i.naturalWidth > 0, box: box(i.getBoundingClientRect())})) };
  parent.postMessage(JSON.stringify(seen), '*');
});</script>
"""

# A window of Chromium is never narrower than 500 pixels; a frame in it is as narrow as a phone.
_FRAME = """<!doctype html><body style="margin:0"><pre id="seen" hidden></pre><script>
addEventListener('message', (e) => {{ document.getElementById('seen').textContent = e.data; }});
</script><iframe src="{page}" style="border:0;display:block;width:{width}px;height:{height}px"></iframe>
"""


@pytest.fixture(scope="session")
def evaluation(fashion_run: Path) -> Evaluation:
    whole = load_images("fashion-mnist-10k")
    return evaluate(
        Generator(fashion_run / "model.onnx", device="cpu"),
        ImageData(whole.images[::10], "clothes"),
        held_out=ImageData(whole.images[1::10], "unseen"),
        features=load_features(),
        samples=300,
        run=fashion_run,
        name="a-run-with-a-rather-long-name-that-somebody-chose",
    )


@pytest.fixture(scope="session")
def report(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(evaluation, path)
    return path


def browse(page: Path, folder: Path, width: int, height: int, *more: str) -> str:
    """One run of headless Chromium; gives what it wrote on stdout."""
    assert CHROMIUM is not None
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return subprocess.run(
        [
            CHROMIUM, "--headless", *sandbox, "--disable-gpu", "--disable-background-networking",
            "--no-first-run", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}", *more, page.as_uri(),
        ],
        capture_output=True, text=True, timeout=300, check=True,
    ).stdout  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_report_stands_in_a_real_browser(report: Path, tmp_path: Path, width: int) -> None:
    """On a phone and on a desk: no missing picture, no overflow, no text over text."""
    look = tmp_path / "look.html"
    look.write_text(report.read_text("utf-8").replace("</body>", _LOOK + "</body>"), "utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(_FRAME.format(page=look.name, width=width, height=1000), "utf-8")
    dom = browse(frame, tmp_path, 1400, 1000, "--dump-dom")
    found = re.search(r'<pre id="seen" hidden="">(.*?)</pre>', dom, re.DOTALL)
    assert found is not None
    seen: dict[str, Any] = json.loads(html.unescape(found[1]))
    assert seen["width"] == width
    assert seen["scroll"] <= width
    assert seen["out"] == []
    assert seen["overlaps"] == []
    assert len(seen["images"]) >= 9
    assert all(image["ok"] for image in seen["images"])

    shot = tmp_path / "shot.png"
    frame.write_text(_FRAME.format(page=look.name, width=width, height=seen["height"]), "utf-8")
    browse(frame, tmp_path, 1400, seen["height"], f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("L"))[:, :width]
    for image in seen["images"]:
        left, top, right, bottom = image["box"]
        assert right - left > 200
        assert pixels[top:bottom, left:right].std() > 10, f"nothing painted at {image['box']}"


def test_the_report_needs_nothing_beside_it(report: Path) -> None:
    """It is mailed, archived and opened offline: no address to fetch anything from."""
    text = report.read_text("utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "url(" not in text
    assert report.stat().st_size < 5e6


def test_the_report_escapes_names(evaluation: Evaluation, tmp_path: Path) -> None:
    """The name of a run or of a data set must not become markup."""
    import dataclasses

    path = tmp_path / "report.html"
    write_report(dataclasses.replace(evaluation, model="<script>alert(1)</script>"), path)
    assert "<script>" not in path.read_text("utf-8")


def test_a_report_that_cannot_be_written_says_so(evaluation: Evaluation, tmp_path: Path) -> None:
    """And leaves nothing half written."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_report(evaluation, tmp_path / "file" / "report.html")


def test_an_evaluation_is_complete_and_plain_json(evaluation: Evaluation) -> None:
    """What a program reads with --json: everything measured, nothing that JSON cannot hold."""
    read = json.loads(json.dumps(evaluation.as_json()))
    assert read["left_out"] == {}
    assert read["recovery"]["images"] == 50
    assert {test["space"] for test in read["neighbours"]} == {"domain features", "pixels"}
    assert {(attack["method"], attack["images"]) for attack in read["attacks"]} == {
        (method, images) for method in ("fgsm", "pgd") for images in ("real", "generated")
    }
    assert read["train_mode_scores"][0]["mode"] == "train"
    assert read["scores"][0]["split"] == "training"
    assert "quality" in read["verdict"]  # sixty steps make no good generator


def test_an_evaluation_repeats_itself(evaluation: Evaluation, fashion_run: Path) -> None:
    """The same file, data and seed give the same scores, or nobody can check a claim."""
    whole = load_images("fashion-mnist-10k")
    again = evaluate(
        Generator(fashion_run / "model.onnx", device="cpu"),
        ImageData(whole.images[::10], "clothes"),
        held_out=None,
        features=load_features(),
        samples=300,
    )
    # C_T alone needs the held-out images
    assert again.scores == tuple(score for score in evaluation.scores if score.name != "c_t_domain")
    assert len(again.scores) == len(evaluation.scores) - 1
    assert set(again.left_out) == {"held-out images", "networks"}


def test_slerp_keeps_the_length() -> None:
    """Half way between two latents a straight line would be short of the sphere that samples lie on."""
    start, end = np.eye(2, 50, dtype=np.float32) * 7
    assert np.linalg.norm(slerp(start, end, 0.5)) == pytest.approx(7, rel=1e-5)
    assert slerp(start, end, 0.0) == pytest.approx(start)
    assert slerp(start, end, 1.0) == pytest.approx(end, abs=1e-5)
    assert slerp(start, start, 0.3) == pytest.approx(start)
