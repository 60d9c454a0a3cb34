"""The commands as a user types them, and what they say when something is wrong."""

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropgan.serve import Generator

from .conftest import Dropgan

SMALL = [
    "--recipe=mlp", "--steps=20", "--device=cpu", "--precision=fp32", "--threads=1",
    "--set", "training.batch_size=8",
    "--set", "generator.hidden=[16,16]", "--set", "discriminator.hidden=[16]",
    "--set", "output.checkpoint_interval=10", "--set", "output.log_interval=5",
]  # fmt: skip


def test_run_does_it_all_and_again_goes_on(dropgan: Dropgan, tmp_path: Path) -> None:
    """The main job: one command from images to a verified file, pictures of it and a score."""
    out = tmp_path / "all"
    answer = dropgan("run", "-o", out, *SMALL, "-n", 9, "--score-samples", 200)
    assert answer.code == 0, answer.err
    assert "free of dropout" in answer.out
    assert "frechet_distance_domain" in answer.out
    generator = Generator(out / "model.onnx", device="cpu")
    assert generator.card.scores[0].value == pytest.approx(
        json.loads((out / "scores.json").read_text())[0]["value"]
    )
    assert generator.card.training.steps == 20
    assert Image.open(out / "samples.png").size[0] > 3 * 28
    before = (out / "checkpoints" / "last.safetensors").read_bytes()
    samples = generator.sample(4)

    (out / "model.onnx").unlink()
    again = dropgan("run", "-o", out, *SMALL, "-n", 9, "--score-samples", 200, "--json", "--quiet")
    assert again.code == 0, again.err
    assert again.err == ""
    assert json.loads(again.out)["card"]["dropout"]["disabled"] is True
    assert (out / "checkpoints" / "last.safetensors").read_bytes() == before
    assert np.array_equal(Generator(out / "model.onnx", device="cpu").sample(4), samples)

    other = dropgan("run", "-o", out, *SMALL, "--generator-dropout", "0.3")
    assert other.code == 1
    assert "generator.dropout was" in other.err


def test_train_export_inspect_sample(dropgan: Dropgan, tmp_path: Path, image_file: Path) -> None:
    """The stages one by one, on data of one's own."""
    run, model = tmp_path / "run", tmp_path / "model.onnx"
    answer = dropgan("train", "--data", image_file, "-o", run, "--discriminator-dropout", 0.25, *SMALL)
    assert answer.code == 0, answer.err
    assert "training 20/20" in answer.err
    assert "0.25 in the discriminator" in answer.err

    answer = dropgan("export", run, "-o", model)
    assert answer.code == 0, answer.err
    assert "inference-only" in answer.out

    answer = dropgan("inspect", model, "--json")
    assert answer.code == 0
    told = json.loads(answer.out)
    assert told["gate"]["passed"] is True
    assert "Dropout" not in told["gate"]["operators"]
    assert told["card"]["dropout"] == {
        "generator": told["card"]["dropout"]["generator"],
        "discriminator": 0.25,
        "disabled": True,
    }
    assert told["card"]["data"]["name"] == "blobs"

    answer = dropgan("sample", model, "-n", 50, "--seed", 3, "--start", 7, "-o", tmp_path / "s.npy")
    assert answer.code == 0, answer.err
    images = np.load(tmp_path / "s.npy")
    assert np.array_equal(images, Generator(model, device="cpu").sample(50, seed=3, start=7))

    assert dropgan("sample", model, "-n", 3, "--start", 5, "-o", tmp_path / "pictures", "--seed", 3).code == 0
    pictures = sorted((tmp_path / "pictures").glob("images-00000000/*.png"))
    assert [int(picture.stem) for picture in pictures] == [5, 6, 7]
    assert np.array_equal(np.asarray(Image.open(pictures[2])), images[0, :, :, 0])

    assert dropgan("sample", model, "-n", 4, "-o", tmp_path / "grid.png").code == 0
    assert Image.open(tmp_path / "grid.png").format == "PNG"


def test_float_output(dropgan: Dropgan, tmp_path: Path, tiny_run: Path) -> None:
    """For tools that want tanh floats, channels first; pictures need pixels and say so."""
    model = tmp_path / "float.onnx"
    assert dropgan("export", tiny_run, "-o", model, "--output", "float").code == 0
    images = Generator(model, device="cpu").sample(8)
    assert images.shape == (8, 1, 28, 28)
    assert images.dtype == np.float32
    assert np.abs(images).max() <= 1
    answer = dropgan("sample", model, "-o", tmp_path / "grid.png")
    assert answer.code == 1
    assert "--output pixels" in answer.err


def test_evaluate(dropgan: Dropgan, model_file: Path) -> None:
    """A score names its features, its reference and how many samples are behind it."""
    answer = dropgan("evaluate", model_file, "--data", "fashion-mnist-10k", "-n", 500, "--json", "--quiet")
    assert answer.code == 0, answer.err
    score = json.loads(answer.out)["scores"][0]
    assert score["name"] == "frechet_distance_domain"
    assert score["samples"] == 500
    assert score["value"] > 10  # blobs are no clothes


def test_recipes_are_shown(dropgan: Dropgan) -> None:
    """What there is to choose from, and what would be trained."""
    lines = dropgan("train", "--list-recipes").out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("mlp", "seed"))] == ["mlp", "seed"]
    assert all(len(line.split()) > 5 and line.endswith(".") for line in lines)
    described = json.loads(dropgan("train", "--list-recipes", "--json").out)
    assert described["seed"].startswith("The networks and settings of the article")
    shown = dropgan("train", "--show-recipe", "--recipe", "seed", "--generator-dropout", "0.125").out
    assert "dropout = 0.125" in shown
    assert 'dropout_layers = "all"' in shown


def test_a_shown_recipe_can_be_given_back(dropgan: Dropgan, tmp_path: Path) -> None:
    """Saved, changed in an editor, used; a slip in it is named with its line, in one line."""
    path = tmp_path / "mine.toml"
    path.write_text(dropgan("train", "--show-recipe", "--set", "training.loss=hinge").out)
    assert dropgan("train", "--show-recipe", "--recipe", str(path)).out == path.read_text()
    text = path.read_text().replace("beta1 =", "beta_1 =")
    path.write_text(text)
    line = next(i for i, one in enumerate(text.splitlines(), 1) if one.startswith("beta_1"))
    answer = dropgan("train", "--recipe", str(path), "-o", str(tmp_path / "run"))
    assert answer.code == 2
    assert (
        f"mine.toml, line {line}: there is no setting training.beta_1; did you mean training.beta1?"
        in answer.err
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sample", "absent.onnx", "-o", "x.npy"], 1, "there is no model file absent.onnx"),
        (["sample", "{model}", "-o", "x.npy", "--device", "gpu"], 1, "device must be"),
        (["sample", "{model}", "-o", "x.npy", "-n", "0"], 2, "is not in the range"),
        (["sample", "{model}"], 2, "-o OUT"),
        (["sample", "{model}", "-o", "x", "--format", "jpg"], 2, "png, sdf, smiles, tar or raw"),
        (["sample", "{model}", "-o", "{file}/x.npy"], 1, "cannot write"),
        (["sample", "{model}", "-o", "{file}", "--format", "png"], 1, "is a file"),
        (["sample", "{model}", "-o", "g.png", "-n", "9999"], 1, "a grid shows 1 to 4096"),
        (["inspect", "{file}"], 1, "cannot be loaded"),
        (["export", "absent", "-o", "m.onnx"], 1, "is not a run"),
        (["export", "{run}", "-o", "m.onnx", "--opset", "3"], 2, "not in the range 18<=x<=25"),
        (["export", "{run}", "-o", "m.onnx", "--output", "jpeg"], 2, "'pixels', 'float', 'vectors'"),
        (["export", "{run}", "-o", "m.onnx", "--precision", "auto"], 2, "--precision auto --target cpu"),
        (["export", "{run}", "-o", "m.onnx", "--target", "cpu"], 2, "--precision auto --target cpu"),
        (["export", "{run}", "-o", "."], 1, "it is a directory"),
        (["inspect", "{model}", "--seed", "18446744073709551616"], 2, "not a seed"),
        (["inspect", "{model}", "-n", "10000000000000", "--against", "{model}"], 2, "is not in the range"),
        (["package", "{model}", "-o", "{file}", "--name", "x", "--license", "MIT"], 1, "not a directory"),
        (["package", "{model}", "-o", "{file}/x", "--name", "x", "--license", "MIT"], 1, "cannot write"),
        (["package", "{model}", "-o", "x", "--name", "x", "--target", "zip"], 2, "'wheel', 'web'"),
        (["export", "{run}", "-o", "{file}/m.onnx"], 1, "cannot write"),
        (["train"], 2, "-o RUN"),
        (["train", "-o", "{run}"], 1, "and the same settings, which then exports and scores"),
        (["train", "-o", "new", "--recipe", "nothing"], 2, "there is no recipe nothing"),
        (["train", "-o", "new", "--set", "x"], 2, "KEY=VALUE"),
        (["train", "-o", "new", "--set", "x=1"], 2, "no setting x"),
        (["train", "-o", "new", "--generator-dropout", "1.5"], 2, "probability"),
        (["train", "-o", "new", "--data", "absent"], 1, "there is no data absent"),
        (["train", "-o", "new", "--data", "{file}"], 1, "cannot be trained on"),
        (["train", "-o", "new", "--device", "cuda:99"], 1, "does not work"),
        (["train", "-o", "new", "--device", "tpu"], 1, "device must be"),
        (["train", "-o", "new", "--precision", "fp8"], 2, "is not one of 'auto'"),
        (["train", "-o", "new", "--threads", "100000"], 2, "is not in the range"),
        (["train", "-o", "new", "--set", f"training.steps={'9' * 5000}"], 2, "valid integer"),
        (["train", "-o", "new", "--steps", "9" * 5000], 2, "is not a valid int"),
        (["train", "-o", "new", "--minutes", "nan"], 2, "number of minutes"),
        (["train", "-o", "new", "--minutes", "-1"], 2, "number of minutes"),
        (["train", "-o", "new", "--minutes", "inf"], 2, "number of minutes"),
        (["train", "-o", "new", "--generator-dropout", "nan"], 2, "probability"),
        (["train", "-o", "new", "--resume"], 1, "is not a run"),
        (["train", "-o", "{run}", "--resume", "--seed", "5"], 2, "training.seed was 0, now 5"),
        (["train", "-o", "{run}", "--resume", "--threads", "3"], 2, "threads was 1, now 3"),
        (["export", "{run}", "-o", "m.onnx", "--checkpoint", "best"], 1, "nothing was scored in training"),
        (["export", "{run}", "-o", "m.onnx", "--checkpoint", "first"], 2, "'auto', 'best', 'last'"),
        (["train", "-o", "{run}", "--resume", "--recipe", "seed"], 2, "keeps its settings"),
        (["evaluate", "{model}", "--data", "absent"], 1, "there is no data absent"),
        (["fly"], 2, "No such command"),
        (["sample", "--fly"], 2, "No such option"),
    ],
)
def test_mistakes(
    dropgan: Dropgan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model_file: Path,
    tiny_run: Path,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    """One clear line, the right exit code, no traceback, nothing written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file")
    places = {"model": model_file, "run": tiny_run, "file": tmp_path / "file"}
    answer = dropgan(*(argument.format(**places) for argument in arguments))
    assert answer.code == code, answer.err
    assert message in " ".join(answer.err.split())
    assert "Traceback" not in answer.err
    assert len([line for line in answer.err.splitlines() if line.startswith("error: ")]) == 1
    assert len(answer.err) < 1200, "a value that fills the screen hides what is wrong with it"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_debug_shows_the_traceback(dropgan: Dropgan) -> None:
    """--debug works wherever it stands."""
    from dropgan.serve import ModelError

    with pytest.raises(ModelError):
        dropgan("sample", "absent.onnx", "-o", "x.npy", "--debug")


def test_missing_extra_names_its_install(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a light install, training says what to install instead of a traceback."""
    monkeypatch.delitem(sys.modules, "dropgan.train", raising=False)
    for name in [name for name in sys.modules if name.startswith(("dropgan.train", "torch"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = dropgan("train", "-o", "new")
    assert answer.code == 1
    assert "pip install 'dropgan[train]'" in answer.err


def _script() -> str:
    return str(Path(sys.executable).parent / "dropgan")


def test_help_is_fast() -> None:
    """Under 0.3 s: nothing heavy is imported before a command needs it."""
    seconds = []
    for _ in range(3):
        before = _cpu_seconds_of_children()
        answer = subprocess.run([_script(), "--help"], capture_output=True, text=True, check=True)
        seconds.append(_cpu_seconds_of_children() - before)
    assert "Train, export, evaluate and sample" in " ".join(answer.stdout.split())
    heavy = {"torch", "onnxruntime", "numpy", "pydantic"}
    code = f"import sys, dropgan.cli.main; print({heavy!r} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "set()"
    assert min(seconds) < 0.5  # 0.15 to 0.3 here; processor time, since the machine may be busy


def _cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_saves_and_says_how_to_go_on(
    dropgan: Dropgan, tmp_path: Path, image_file: Path, number: int
) -> None:
    """Ctrl-C in the middle, then the same directory with --resume."""
    out = tmp_path / "run"
    command = [_script(), "train", "--data", str(image_file), "-o", str(out), *SMALL, "--steps=100000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while not (out / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert f"dropgan train --resume -o {out}" in err
    assert "Traceback" not in err
    step = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    done = dropgan("train", "--resume", "-o", out, "--steps", step + 10, "--json")
    assert json.loads(done.out)["step"] == step + 10
