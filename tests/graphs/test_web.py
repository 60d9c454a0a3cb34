"""Graphs in browsers: drawn as Python draws them, in the page of a package and by an application."""

import base64
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from dropgan.export.package import Details, package_site, package_wheel
from dropgan.serve import Generator
from dropgan.serve.graphs.drawing import SIDE, draw
from dropgan.serve.pictures import grid

from ..browser_tools import visit, web_server
from ..node_tools import RUNTIME, require_npm, run_module

DRAW = """
import { readFileSync } from "node:fs";
const { Samples } = await import(process.argv[2]);
const asked = JSON.parse(readFileSync(process.argv[3], "utf-8"));
const drawn = asked.map(({ nodes, types }) => {
  const samples = new Samples(Uint8Array.from(types), [types.length / nodes ** 2, nodes, nodes]);
  const all = Array.from({ length: samples.count }, (_, index) => Buffer.from(samples.rgba(index)));
  return { size: samples.pictureSize, bytes: Buffer.concat(all).toString("base64") };
});
console.log(JSON.stringify(drawn));
"""

SHOWN = """
async () => {
  const { sample } = await import("./index.js");
  const pixels = (image) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
  };
  const shown = pixels(document.querySelector('#grid button[data-index="3"] img'));
  const open = async (index) => {
    document.querySelector(`#grid button[data-index="${index}"]`).click();
    const large = document.getElementById("large");
    while (large.alt !== `Sample ${index} of seed 0` || !large.naturalWidth) {
      await new Promise((done) => setTimeout(done, 20));
    }
    document.getElementById("walk").click();
  };
  await open(3); // a walk from here
  const large = document.getElementById("large").naturalWidth;
  await open(5);
  const frame = document.getElementById("frame");
  while (frame.width !== shown.length ** 0.5 / 2) await new Promise((done) => setTimeout(done, 20));
  const samples = await sample(40, { seed: 9 });
  return { types: [...samples.data], shape: samples.shape, shown, large, frame: frame.width,
           state: document.body.dataset.state };
}
"""


def _graphs(nodes: int) -> np.ndarray:
    random = np.random.default_rng(nodes)
    edges = np.triu(random.integers(0, 6, (4, nodes, nodes)), 1)
    types = random.integers(0, 9, (4, nodes))
    edges = (edges + edges.transpose(0, 2, 1)) * (types[:, :, None] > 0) * (types[:, None] > 0)
    return (edges + types[:, :, None] * np.eye(nodes, dtype=np.int64)).astype(np.uint8)


def test_javascript_draws_what_python_draws(tmp_path: Path) -> None:
    """The same graph would look different in a page and in a report."""
    asked = {nodes: _graphs(nodes) for nodes in (2, 3, 7, 9, 16, 33, 64)}
    given = tmp_path / "graphs.json"
    given.write_text(json.dumps([{"nodes": n, "types": some.ravel().tolist()} for n, some in asked.items()]))
    drawn = run_module(tmp_path, DRAW, RUNTIME / "samples.js", given)
    for (nodes, graphs), made in zip(asked.items(), drawn, strict=True):
        pixels = np.frombuffer(base64.b64decode(made["bytes"]), np.uint8).reshape(-1, SIDE, SIDE, 4)
        assert made["size"] == [SIDE, SIDE]
        assert np.array_equal(pixels[..., :3], draw(graphs)), nodes
        assert (pixels[..., 3] == 255).all()


def test_the_page_of_a_package_draws_graphs(graph_model: Path, tmp_path: Path) -> None:
    """Whoever puts the folder on a web server sees Python's graphs, one by one and on a walk."""
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    details = Details.checked("graphs-gan", "MIT", target="web")
    package_site(graph_model, tmp_path / "site", details, onnxruntime_web=web, webgpu=False)
    with web_server(tmp_path) as root:
        found = visit(f"{root}site/", SHOWN, flags=("--disable-gpu",))
    page = found["result"]
    assert (page["state"], found["violations"], found["complaints"]) == ("done", [], [])
    generator = Generator(graph_model, device="cpu")
    assert page["shape"] == [40, 6, 6]
    assert page["types"] == generator.sample(40, seed=9).ravel().tolist()
    shown = np.array(page["shown"]).reshape(SIDE, SIDE, 4)
    assert np.array_equal(shown[..., :3], draw(generator.sample(1, start=3))[0])
    assert (page["large"], page["frame"]) == (7 * SIDE, SIDE)


def test_a_wheel_of_graphs(graph_model: Path, tmp_path: Path) -> None:
    """The package for Python has the model, says what it gives, and shows graphs in its README."""
    wheel, _ = package_wheel(graph_model, tmp_path, Details.checked("graphs-gan", "MIT"))
    with zipfile.ZipFile(wheel) as files:
        code = files.read("graphs_gan/__init__.py").decode()
        picture = Image.open(io.BytesIO(files.read("graphs_gan/samples.png")))
        made = Generator(files.read("graphs_gan/model.onnx"), device="cpu").sample(8, seed=0)
    assert "NDArray[np.uint8]" in code
    assert "uint8 array [count, 6, 6]" in code
    assert np.array_equal(np.array(picture.convert("RGB"))[:SIDE], grid(draw(made), 8)[:SIDE])
