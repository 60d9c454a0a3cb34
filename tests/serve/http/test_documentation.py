"""Every curl line of docs/serving.md gives what it says."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from dropgan.serve import Generator
from dropgan.train import change_recipe, load_recipe, train

from .conftest import service
from .test_service import digest

PAGE = Path(__file__).parents[3] / "docs" / "serving.md"


@pytest.fixture(scope="module")
def clothes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class-conditional model of clothes that has learned nothing, under the name that the page uses."""
    from dropgan.export import export

    folder = tmp_path_factory.mktemp("page") / "clothes"
    widths = {"generator.hidden": [16], "discriminator.hidden": [16]}
    recipe = change_recipe(load_recipe("mlp"), {"conditional": True, "training.steps": 2, **widths})
    train(folder, recipe, data="fashion-mnist-10k", device="cpu", precision="fp32", threads=1)
    export(folder, folder / "model.onnx")
    return folder / "model.onnx"


def test_every_curl_line(clothes: Path, tmp_path: Path) -> None:
    """A reader copies them; one that fails loses the reader."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = "\n".join(blocks).replace("\\\n", " ")
    commands = re.split(r"(?m)^(?=curl )", text)[1:]
    assert len(commands) >= 12
    with service(clothes, "--quiet") as (url, _):
        for written in commands:
            command = written.replace("http://127.0.0.1:8000", url).replace("$DIGEST", digest(clothes))
            answer = subprocess.run(
                [*shlex.split(command), "--silent", "--show-error", "--fail"],
                cwd=tmp_path, capture_output=True, check=False,
            )  # fmt: skip
            assert answer.returncode == 0, (command, answer.stderr, answer.stdout)
    assert (tmp_path / "ada.png").read_bytes() == (tmp_path / "same.png").read_bytes()
    assert Generator(clothes, device="cpu").classes == 10
