"""The shape of the source: who may import whom."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]
STAGES = ("cli", "evaluate", "export", "serve", "sweep", "train")
MAY_IMPORT = {
    "serve": set(),
    "train": {"serve"},
    "export": {"train", "serve"},
    "evaluate": {"export", "train", "serve"},
    "sweep": {"evaluate", "train", "serve"},
    "cli": {"evaluate", "export", "serve", "sweep", "train"},
}
"""The table of docs/design.md. Every stage may also use what lies in dropgan/ itself, but serve."""

PART_OF = {"pydantic_core": ["pydantic"], "starlette": ["fastapi"]}
"""Packages that never come without the one that dropgan names."""
HEAVY = {"torch", "onnx", "typer", "pydantic", "rich", "safetensors", "torchmetrics", "matplotlib"}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module by its absolute name, and whether it was written relative.

    Imports for type checkers alone count too: they say what a part knows of.
    """
    package = ["dropgan", *path.relative_to(REPOSITORY).parent.parts]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if node.module is None or module == "dropgan":
                yield from ((f"{module}.{alias.name}", bool(node.level)) for alias in node.names)
            else:
                yield module, bool(node.level)


def modules(stage: str) -> list[Path]:
    found = sorted((REPOSITORY / stage).rglob("*.py"))
    assert found
    return found


def stage_of(module: str) -> str | None:
    """The stage of ``dropgan.STAGE...``; None of anything else."""
    parts = module.split(".")
    return parts[1] if parts[0] == "dropgan" and len(parts) > 1 and parts[1] in STAGES else None


@pytest.mark.parametrize("stage", STAGES)
def test_data_flows_one_way(stage: str) -> None:
    """A stage that knew the ones behind it could not be installed or changed without them."""
    wrong = [
        f"{path.relative_to(REPOSITORY)} imports {module}"
        for path in modules(stage)
        for module, _ in imports(path)
        if (other := stage_of(module)) not in (None, stage) and other not in MAY_IMPORT[stage]
    ]
    assert not wrong


@pytest.mark.parametrize("stage", STAGES)
def test_imports_are_absolute_between_stages_and_relative_inside(stage: str) -> None:
    """So that a reader sees from the line alone where a stage ends."""
    wrong = [
        f"{path.relative_to(REPOSITORY)} imports {module}"
        for path in modules(stage)
        for module, relative in imports(path)
        if stage_of(module) is not None and relative != (stage_of(module) == stage)
    ]
    assert not wrong


def test_the_runtime_names_nothing_heavy() -> None:
    """Not even inside a function: a light install would fail when it got there.

    The HTTP service is an extra of its own, and FastAPI brings pydantic.
    """
    wrong = [
        f"{path.relative_to(REPOSITORY)} imports {module}"
        for path in modules("serve")
        for module, _ in imports(path)
        if module.partition(".")[0] in HEAVY - ({"pydantic"} if path.parent.name == "http" else set())
    ]
    assert not wrong


def test_every_import_is_of_something_that_an_install_brings() -> None:
    """What only the tools of this repository bring is missing where dropgan is used: `dropgan run` ended with
    "No module named 'scipy'" after all of its training."""
    about = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extras = about["optional-dependencies"]
    wanted = [*about["dependencies"], *(line for name in extras if name != "dev" for line in extras[name])]
    brought = {canonicalize_name(Requirement(line).name) for line in wanted}
    homes = packages_distributions()
    wrong = [
        f"{path.relative_to(REPOSITORY)} imports {module}"
        for stage in STAGES
        for path in modules(stage)
        for module, relative in imports(path)
        if (name := module.partition(".")[0]) not in sys.stdlib_module_names | {"dropgan"}
        and not relative
        and not brought & {canonicalize_name(home) for home in PART_OF.get(name, homes.get(name, [name]))}
    ]
    assert not wrong


def test_modules_have_no_circles() -> None:
    """Two modules that import one another are one idea in two files, and neither can be read first."""
    files = {path for stage in STAGES for path in modules(stage)}
    edges: dict[Path, set[Path]] = {}
    for path in files:
        for module, _ in imports(path):
            target = REPOSITORY.joinpath(*module.split(".")[1:])
            found = next(
                (file for file in (target / "__init__.py", target.with_suffix(".py")) if file in files), None
            )
            if stage_of(module) is not None and found not in (None, path):
                edges.setdefault(path, set()).add(found)
    circle = _circle(edges)
    assert circle is None, " imports ".join(path.relative_to(REPOSITORY).as_posix() for path in circle)


def _circle(edges: dict[Path, set[Path]]) -> list[Path] | None:
    done: set[Path] = set()

    def visit(path: Path, way: list[Path]) -> list[Path] | None:
        if path in way:
            return [*way[way.index(path) :], path]
        if path not in done:
            for other in sorted(edges.get(path, ())):
                if found := visit(other, [*way, path]):
                    return found
            done.add(path)
        return None

    return next((found for path in sorted(edges) if (found := visit(path, []))), None)
