"""Time the web package in Chromium and the npm package in Node: loading, then 64 images.

    python benchmarks/embedding_browser.py MODEL [--rounds 9]

Needs Chromium, Node and tests/js/node_modules (ONNXRUNTIME_NODE_INSTALL=skip npm ci --prefix tests/js).
Each round uses a fresh browser. The results are medians in milliseconds.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dropgan.export.package import Details, package_site
from tests.browser_tools import visit, web_server
from tests.node_tools import NPM, project, require_node

MEASURE = """
async () => {
  const { Generator, model } = await import("./index.js");
  const times = [performance.now()];
  const generator = await Generator.load(model, DEVICE);
  times.push(performance.now());
  for (let round = 0; round < 10; round++) {
    await generator.sample(64, { seed: 5, start: 64 * round });
    times.push(performance.now());
  }
  return times;
}
"""
NODE = """
import { Generator } from "dropgan";
const times = [performance.now()];
const generator = await Generator.load(process.argv[2]);
times.push(performance.now());
for (let round = 0; round < 10; round++) {
  await generator.sample(64, { seed: 5, start: 64 * round });
  times.push(performance.now());
}
console.log(JSON.stringify(times));
"""
BLANK = "<!doctype html><title>blank</title>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = package_site(
            arguments.model, Path(folder) / "site", Details.checked("measured", "MIT", target="web"),
            onnxruntime_web=NPM / "onnxruntime-web",
        )  # fmt: skip
        (site / "blank.html").write_text(BLANK)
        with web_server(site) as address:
            run = MEASURE.replace("DEVICE", '{ device: "wasm" }')
            visits = [
                visit(f"{address}blank.html", run, wait="title", state="attached")
                for _ in range(arguments.rounds)
            ]
        show("Chromium, WebAssembly", [found["result"] for found in visits])
        app = project(Path(folder) / "app", "onnxruntime-node")
        (app / "measure.mjs").write_text(NODE)
        command = [require_node(), "measure.mjs", str(arguments.model.resolve())]
        texts = [
            subprocess.run(command, cwd=app, check=True, capture_output=True, text=True).stdout
            for _ in range(arguments.rounds)
        ]
        show("Node", [json.loads(text) for text in texts])


def show(name: str, rounds: list[list[float]]) -> None:
    load = statistics.median(times[1] - times[0] for times in rounds)
    first = statistics.median(times[2] - times[1] for times in rounds)
    later = statistics.median(b - a for times in rounds for a, b in itertools.pairwise(times[2:]))
    print(f"{name:<24} load {load:7.1f}   first 64 images {first:6.1f}   64 more {later:6.1f}")


if __name__ == "__main__":
    main()
