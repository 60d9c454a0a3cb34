"""The static site of `dropgan package --target web` in real Chromium."""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dropgan.export.package import Details, package_site
from dropgan.serve import Generator

from ..browser_tools import visit, web_server
from ..node_tools import REPOSITORY, require_npm

GOLDEN = REPOSITORY / "tests" / "golden"
SUB_PATH = "apps/of mine/site"
SOFTWARE_WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]

GENERATE = """
async () => {
  const { Generator, generator, model } = await import("./index.js");
  const opened = await generator(%s);
  const shown = (image) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
  };
  const range = { seed: 2n ** 63n, start: 7000000 };
  const latents = opened.latents(64, range);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", latents));
  await opened.sample(64, range);
  const times = [];
  let samples;
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    samples = await opened.sample(64, range);
    times.push(performance.now() - began);
  }
  return {
    status: document.getElementById("status").textContent,
    state: document.body.dataset.state,
    opened: Number(document.body.dataset.opened),
    provider: opened.provider,
    latents: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    named: (await Generator.load(model, { device: "wasm" })).provider,
    pixels: [...samples.data], shape: samples.shape, times,
    shown: shown(document.querySelector('#grid button[data-index="3"] img')),
    card: document.getElementById("card").textContent,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    """The folder that a web server serves; the site lies deeper in it."""
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    root = tmp_path_factory.mktemp("www")
    package_site(
        model_file, root / SUB_PATH, Details.checked("blob-gan", "MIT", target="web"), onnxruntime_web=web
    )
    return root


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Address of the site on a plain static server."""
    with web_server(site) as root:
        yield f"{root}{SUB_PATH.replace(' ', '%20')}/"


def expected_latents(dim: int) -> str:
    """SHA-256 of the same latents by the plain Python definition, rounded to float32."""
    sys.path.insert(0, str(GOLDEN))
    try:
        from make_latents import latent  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(GOLDEN))
    values = [latent(2**63, 7_000_000 + place, dim) for place in range(64)]
    return hashlib.sha256(np.array(values).astype("<f4").tobytes()).hexdigest()


def test_site_generates_what_python_does(address: str, model_file: Path) -> None:
    """Someone who puts the folder on a web server must see Python's pictures, from any path, under
    the page's own policy, without a request to anywhere else."""
    found = visit(address, GENERATE % '{ device: "wasm" }', flags=("--disable-gpu",))
    page = found["result"]
    assert page["state"] == "done", page["status"]
    assert page["provider"] == "wasm"
    assert found["violations"] == []
    assert found["complaints"] == []
    assert all(url.startswith((address, "data:")) for url in found["requests"])
    assert not [url for url in found["requests"] if "webgpu" in url or "asyncify" in url]  # unasked: 27 MB
    assert page["latents"] == expected_latents(100)

    generator = Generator(model_file, device="cpu")
    expected = generator.sample(64, seed=2**63, start=7_000_000)
    pixels = np.array(page["pixels"]).reshape(page["shape"])
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected.astype(int)).max() <= 1
    shown = np.array(page["shown"]).reshape(28, 28, 4)
    third = generator.sample(1, start=3)[0].astype(int)  # in Python's order by default
    assert np.abs(shown[..., :3] - third).max() <= 1
    assert (shown[..., 3] == 255).all()
    assert "Trained onblobs, 200 samples" in page["card"]
    assert sorted(page["times"])[2] < 100, f"64 images took {page['times']} ms"


@pytest.mark.slow
def test_site_on_webgpu(address: str, model_file: Path) -> None:
    """A visitor with WebGPU gets the GPU's build: it must give the same pictures."""
    probe = "async () => (await navigator.gpu?.requestAdapter()) !== null && 'gpu' in navigator"
    if not visit(address, probe, wait="body", flags=SOFTWARE_WEBGPU)["result"]:
        pytest.skip("this Chromium has no WebGPU, not even in software")
    chosen = """
    async () => {
      const [button, status] = ["gpu", "status"].map((id) => document.getElementById(id));
      button.click();
      while (button.textContent !== "On WebGPU") {
        if (button.disabled === false) throw new Error(status.textContent);
        await new Promise((done) => setTimeout(done, 50));
      }
      return true;
    }
    """
    found = visit(address, chosen, flags=SOFTWARE_WEBGPU)
    assert found["result"]
    assert [url for url in found["requests"] if "asyncify" in url]
    found = visit(address, GENERATE % "", flags=SOFTWARE_WEBGPU)
    page = found["result"]
    assert (page["provider"], page["named"]) == ("webgpu", "wasm")
    assert found["violations"] == []
    expected = Generator(model_file, device="cpu").sample(64, seed=2**63, start=7_000_000).astype(int)
    assert np.abs(np.array(page["pixels"]).reshape(expected.shape) - expected).max() <= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_page_at_every_size(address: str, width: int, scheme: str) -> None:
    """Nothing sticks out, controls stand in lines, and a word and the keyboard are enough to use it."""
    run = """
    async () => {
      const element = (id) => document.getElementById(id);
      const until = async (found) => {
        while (!found()) await new Promise((done) => setTimeout(done, 20));
      };
      const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
      const bottoms = [...document.querySelectorAll("#controls input, #controls select, #controls button")]
        .filter((each) => each.offsetParent !== null)
        .map((each) => Math.round(each.getBoundingClientRect().bottom));
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
      const focused = document.activeElement.id;
      document.querySelector('#grid button[data-index="3"]').click();
      await until(() => element("detail").open && element("where").textContent.includes("number"));
      element("detail").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
      await until(() => element("detail-title").textContent === "Sample 4");
      const wide = Math.max(over(), element("detail").scrollWidth - element("detail").clientWidth);
      element("surprise").click();
      return { over: wide, rows: new Set(bottoms).size, focused, seed: element("seed").value,
               address: location.hash, background: getComputedStyle(document.body).backgroundColor,
               hidden: element("address-row").hidden, code: element("code").textContent };
    }
    """
    size = {"width": width, "height": 844}
    page = visit(f"{address}#seed=ada", run, size=size, scheme=scheme)["result"]
    assert page["over"] <= 0
    assert page["rows"] <= (3 if width == 390 else 1)
    assert page["focused"] == "seed"
    assert page["seed"] not in ("", "ada")
    assert page["address"].startswith("#model=blob-gan&seed=")
    assert page["background"] == {"light": "rgb(250, 250, 248)", "dark": "rgb(20, 20, 19)"}[scheme]
    assert page["hidden"]
    assert 'seed="ada", start=4' in page["code"]


def test_the_parts_are_the_studio_s(site: Path) -> None:
    """A fault that is mended in one of the two pages must not live on in the other."""
    from dropgan.serve.http.studio import PAGE

    own = site / SUB_PATH / "studio"
    for path in PAGE.iterdir():
        if path.name not in ("source.js", "index.html"):
            assert (own / path.name).read_bytes() == path.read_bytes()
    exported = re.compile(r"^export (?:async )?(?:function|const) (\w+)", re.MULTILINE)
    asked = set(exported.findall((PAGE / "source.js").read_text()))
    assert asked - {"table"} <= set(exported.findall((own / "source.js").read_text()))
