"""The static site of `dropgan package --target web` in real Chromium."""

import hashlib
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
  const opened = await generator();
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
    state: document.getElementById("status").dataset.state,
    provider: opened.provider,
    latents: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    named: (await Generator.load(model, { device: "wasm" })).provider,
    pixels: [...samples.data], shape: samples.shape, times,
    canvas: [...document.getElementById("images").getContext("2d").getImageData(1, 1, 28, 28).data],
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
    found = visit(address, GENERATE, flags=("--disable-gpu",))
    page = found["result"]
    assert page["state"] == "done", page["status"]
    assert page["provider"] == "wasm"
    assert page["status"].startswith("64 images in")
    assert page["status"].endswith("on wasm")
    assert found["violations"] == []
    no_gpu = "No available adapters."  # Chromium's own remark where it is asked for WebGPU in vain
    assert [line for line in found["complaints"] if line != no_gpu] == []
    assert all(url.startswith((address, "data:")) for url in found["requests"])
    assert page["latents"] == expected_latents(100)

    generator = Generator(model_file, device="cpu")
    expected = generator.sample(64, seed=2**63, start=7_000_000)
    pixels = np.array(page["pixels"]).reshape(page["shape"])
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected.astype(int)).max() <= 1
    shown = np.array(page["canvas"]).reshape(28, 28, 4)
    first = generator.sample(1)[0].astype(int)
    assert np.abs(shown[..., :3] - first).max() <= 1
    assert (shown[..., 3] == 255).all()
    assert "Trained onblobs, 200 samples" in page["card"]
    assert sorted(page["times"])[2] < 100, f"64 images took {page['times']} ms"


@pytest.mark.slow
def test_site_on_webgpu(address: str, model_file: Path) -> None:
    """A visitor with WebGPU gets the GPU's build: it must give the same pictures."""
    probe = "async () => (await navigator.gpu?.requestAdapter()) !== null && 'gpu' in navigator"
    if not visit(address, probe, wait="body", flags=SOFTWARE_WEBGPU)["result"]:
        pytest.skip("this Chromium has no WebGPU, not even in software")
    found = visit(address, GENERATE, flags=SOFTWARE_WEBGPU)
    page = found["result"]
    assert (page["provider"], page["named"]) == ("webgpu", "wasm")
    assert page["status"].endswith("on webgpu")
    assert found["violations"] == []
    expected = Generator(model_file, device="cpu").sample(64, seed=2**63, start=7_000_000).astype(int)
    assert np.abs(np.array(page["pixels"]).reshape(expected.shape) - expected).max() <= 1


def test_page_on_a_phone(address: str) -> None:
    """On a narrow screen the page must not scroll sideways; its buttons must move through the samples;
    a seed beyond 64 bits must be answered in words."""
    run = """
    async () => {
      const [start, status] = ["start", "status"].map((id) => document.getElementById(id));
      document.getElementById("next").click();
      document.getElementById("next").click();
      document.getElementById("previous").click();
      const moved = { start: start.value, address: location.hash,
                      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth };
      location.hash = "#seed=18446744073709551616";
      while (status.dataset.state !== "failed") await new Promise((done) => setTimeout(done, 20));
      return { ...moved, said: status.textContent };
    }
    """
    url = f"{address}#seed=18446744073709551615&start=100&count=16"
    page = visit(url, run, size={"width": 390, "height": 844})["result"]
    assert page["start"] == "116"
    assert page["address"] == "#seed=18446744073709551615&start=116&count=16"
    assert page["overflow"] <= 0
    assert "seed must lie between" in page["said"]
