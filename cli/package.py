"""dropgan package"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from . import options
from .output import result, result_json

_DETAILS = "Details of the package"


def package(
    model: options.Model,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Directory for the wheels, or for the web page.",
            callback=options.output,
            rich_help_panel=options.OUTPUT,
        ),
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of the package, such as clothes-gan.",
            rich_help_panel=_DETAILS,
        ),
    ],
    target: Annotated[
        Literal["wheel", "web"],
        typer.Option("--target", help="Make a Python wheel, or a web page and npm package."),
    ] = "wheel",
    version: Annotated[
        str,
        typer.Option(
            "--version", metavar="VERSION", help="Version of the package.", rich_help_panel=_DETAILS
        ),
    ] = "1.0.0",
    license_: Annotated[
        str | None,
        typer.Option(
            "--license",
            metavar="SPDX",
            help="Licence of the package, an SPDX expression such as MIT.  [default: asked on a terminal]",
            rich_help_panel=_DETAILS,
        ),
    ] = None,
    license_file: Annotated[
        Path | None,
        typer.Option(
            "--license-file", metavar="FILE", help="File with the licence's text.", rich_help_panel=_DETAILS
        ),
    ] = None,
    author: Annotated[
        str | None,
        typer.Option("--author", metavar="TEXT", help="Name of the author.", rich_help_panel=_DETAILS),
    ] = None,
    summary: Annotated[
        str | None,
        typer.Option(
            "--summary",
            metavar="TEXT",
            help="Summary in one line.  [default: from the card]",
            rich_help_panel=_DETAILS,
        ),
    ] = None,
    runtime: Annotated[
        Literal["cpu", "gpu", "none"],
        typer.Option(
            "--runtime", help="onnxruntime that the wheel depends on.", rich_help_panel=options.MACHINE
        ),
    ] = "cpu",
    onnxruntime_web: Annotated[
        Path | None,
        typer.Option(
            "--onnxruntime-web",
            metavar="DIR",
            help="Folder of the npm package onnxruntime-web.  [default: node_modules here or above, otherwise"
            " fetched by npm]",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    webgpu: Annotated[
        bool,
        typer.Option(
            "--webgpu/--no-webgpu",
            help="Include WebGPU in the web page (27 MB).",
            rich_help_panel=options.MACHINE,
        ),
    ] = True,
    json: options.Json = False,
) -> None:
    """Make a package that contains the generator, as a Python wheel or as a web page and npm package."""
    from dropgan.export.package import Details, PackageError, package_site, package_wheel
    from dropgan.serve.ordinary import read_text
    from dropgan.serve.outputs import require_writable

    require_writable(out if target == "wheel" else out.parent, directory=True)  # a site is put in place whole
    try:
        text = read_text(license_file) if license_file else None
    except (OSError, UnicodeDecodeError) as error:
        raise PackageError(f"cannot read the licence {license_file}: {error}") from error
    details = Details.checked(
        name,
        license_ or _ask_for_license(),
        target=target,
        version=version,
        license_text=text,
        author=author,
        summary=summary,
    )
    if target == "wheel":
        wheel, light = package_wheel(model, out, details, runtime=runtime)
        if json:
            result_json({"target": target, "wheel": str(wheel), "runtime": str(light)})
            return
        _say_version(version, details.version)
        result(f"wheel      {wheel} ({wheel.stat().st_size / 1e6:.2f} MB)")
        result(f"runtime    {light} ({light.stat().st_size / 1e6:.2f} MB)")
        result(f"next       pip install --find-links {out} {details.name}")
        result(f"           python -c 'import {details.module}; print({details.module}.sample(16).shape)'")
        return
    site = package_site(model, out, details, onnxruntime_web=onnxruntime_web, webgpu=webgpu)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    if json:
        result_json({"target": target, "site": str(site), "bytes": size})
        return
    _say_version(version, details.version)
    result(f"site       {site} ({size / 1e6:.1f} MB)")
    result(f"next       python -m http.server --directory {site}, then http://localhost:8000")
    result(f"           or in an app of yours: npm pack {site}, and npm install the file")


def _say_version(typed: str, spelled: str) -> None:
    if spelled != typed:
        result(f"version    {spelled}, the registry's spelling of {typed}")


def _ask_for_license() -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter("--license is needed: an SPDX expression like MIT or LicenseRef-Proprietary")
    return str(typer.prompt("Licence of the package (SPDX expression, e.g. MIT, LicenseRef-Proprietary)"))
