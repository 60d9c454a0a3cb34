"""Read graphs: networkx's atlas, and files of graphs."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dropgan.serve.graphs.convert import library

from ..dataset import DataError
from ..graph_set import GraphSet, UnfitError, from_networkx, networkx_data
from ..graphs import GraphData
from ..parts import natural_key
from .reader import Reader, Reading

_ATLAS = re.compile(r"atlas(?::([2-7]))?")
_BROKEN = (ValueError, KeyError, TypeError, OSError, IndexError, AttributeError, SyntaxError, RecursionError)


class AtlasReader(Reader):
    """Reads networkx's atlas of graphs.

    Read and Wilson, "An atlas of graphs", 1998: every graph of up to 7 nodes, each once.
    """

    gives = "atlas or atlas:N (connected graphs of N nodes)"

    def matches(self, source: str) -> bool:
        return _ATLAS.fullmatch(source) is not None

    def read(self, source: str, how: Reading) -> GraphData:
        networkx = library()
        match = _ATLAS.fullmatch(source)
        graphs = networkx.graph_atlas_g()[1:]  # the first has no nodes
        if match and match[1]:
            size = int(match[1])
            graphs = [one for one in graphs if len(one) == size and networkx.is_connected(one)]
        return networkx_data(graphs, source.replace(":", "-"), how.options, how.reporter, source)

    def unchanging_name(self, source: str) -> str:
        return source


class GraphFileReader(Reader):
    """Reads a file of graphs (graph6), a file of one graph, or a folder of such files."""

    gives = "a .g6 file, or a folder of .graphml, .gml or .edgelist files"

    def matches(self, source: str) -> bool:
        return bool(_files(Path(source)))

    def read(self, source: str, how: Reading) -> GraphData:
        networkx, path = library(), Path(source)
        found = GraphSet(source, how.options, how.reporter)
        for file in _files(path):
            several = file.suffix.lower() in _GRAPH6
            for number, one in enumerate(_graphs(networkx, file)):
                name = f"{file.name}, graph {number}" if several else file.name
                if isinstance(one, UnfitError):
                    found.unfit(name, str(one))
                    continue
                try:
                    found.add(name, from_networkx(one))
                except UnfitError as error:
                    found.unfit(name, str(error))
        return found.data(path.stem if path.is_file() else path.resolve().name)


_GRAPH6 = (".g6", ".graph6")
_ONE: dict[str, Callable[[Any, Path], Any]] = {
    ".graphml": lambda networkx, path: networkx.read_graphml(path),
    ".gml": lambda networkx, path: networkx.read_gml(path, label="id"),
    ".edgelist": lambda networkx, path: networkx.read_edgelist(path),
}
"""Files that hold one graph, by suffix."""


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = [file for file in path.iterdir() if file.name[0] != "." and file.is_file()]
        found = [file for file in inside if file.suffix.lower() in (*_ONE, *_GRAPH6)]
        return sorted(found, key=lambda file: natural_key(file.name))
    return [path] if path.suffix.lower() in (*_ONE, *_GRAPH6) and path.is_file() else []


def _graphs(networkx: Any, file: Path) -> Iterator[Any]:
    """Yield the graphs of a file. For one that cannot be read, yield the reason instead."""
    if file.suffix.lower() not in _GRAPH6:
        try:
            yield _ONE[file.suffix.lower()](networkx, file)
        except (*_BROKEN, networkx.NetworkXException) as error:
            yield UnfitError(f"cannot be read ({_reason(error)})")
        return
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror or error}") from error
    for line in lines:
        code = line.strip().removeprefix(b">>graph6<<")
        if not code:
            continue
        try:
            yield networkx.from_graph6_bytes(code)
        except (*_BROKEN, networkx.NetworkXException) as error:
            yield UnfitError(f"cannot be read ({_reason(error)})")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:100]
    return text or type(error).__name__
