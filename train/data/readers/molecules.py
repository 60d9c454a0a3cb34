"""Read molecules: SMILES and SDF files, a column of a CSV file, and QM9."""

import csv
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dropgan.serve.errors import MissingExtraError
from dropgan.serve.graphs.convert import BONDS, rdkit
from dropgan.serve.reporter import Progress

from ..dataset import DataError
from ..graph_set import GraphSet, UnfitError
from ..graphs import GraphData
from ..molecules import from_molecule, from_smiles
from .reader import Reader, Reading

_SMILES, _TABLES = (".smi", ".smiles"), (".csv", ".tsv")
_TOLD = 5000  # molecules between two reports of progress


class MoleculeReader(Reader):
    """Reads files of molecules: SMILES, SDF, or a column of SMILES in a table (``FILE.csv:COLUMN``)."""

    gives = "a .smi or .sdf file, FILE.csv:COLUMN with SMILES"

    def matches(self, source: str) -> bool:
        path = Path(source)
        return (path.suffix.lower() in (*_SMILES, ".sdf") and path.is_file()) or _column(source) is not None

    def read(self, source: str, how: Reading) -> GraphData:
        chem = rdkit()
        column, path = _column(source), Path(source)
        if column is not None:
            path, name = column
            return _from_texts(chem, _column_texts(path, name), source, path.stem, how)
        if path.suffix.lower() in _SMILES:
            return _from_texts(chem, _lines(path), source, path.stem, how)
        found = GraphSet(source, how.options, how.reporter, edge_types=BONDS)
        try:
            for number, molecule in enumerate(chem.SDMolSupplier(str(path))):
                _add(found, f"molecule {number}", lambda molecule=molecule: _given(chem, molecule))
        except OSError as error:
            raise DataError(f"cannot read {path} as SDF: {error}") from error
        return found.data(path.stem)

    def unchanging_name(self, source: str) -> str:
        column = _column(source)
        return super().unchanging_name(source) if column is None else f"{column[0].resolve()}:{column[1]}"


class QM9Reader(Reader):
    """Reads QM9: 130,831 molecules of up to nine atoms of carbon, nitrogen, oxygen and fluorine.

    Ramakrishnan, Dral, Rupp, von Lilienfeld, "Quantum chemistry structures and properties of 134 kilo
    molecules", 2014, from the package qm9pack.
    """

    gives = "qm9"

    def matches(self, source: str) -> bool:
        return source == "qm9"

    def read(self, source: str, how: Reading) -> GraphData:
        chem = rdkit()
        try:  # its modules import what newer Pythons lack; its files are all that is needed
            package = importlib.metadata.distribution("qm9pack")
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingExtraError("QM9 needs qm9pack: pip install 'dropgan[molecules]'") from error
        files = [Path(str(package.locate_file(f"qm9pack/data/qm9_part{part}.csv"))) for part in (1, 2, 3)]
        texts = (text for file in files for text in _column_texts(file, "SMILES"))
        return _from_texts(chem, texts, source, "qm9", how)

    def unchanging_name(self, source: str) -> str:
        return source


def _from_texts(chem: Any, given: Iterator[str], source: str, name: str, how: Reading) -> GraphData:
    found, texts = GraphSet(source, how.options, how.reporter, edge_types=BONDS), list(given)
    for number, text in enumerate(texts):
        _add(found, f"molecule {number} ({text[:40]})", lambda text=text: from_smiles(chem, text))
        if number % _TOLD == _TOLD - 1:
            how.reporter.progress(Progress("reading molecules", number + 1, len(texts), "molecules"))
    return found.data(name)


def _add(found: GraphSet, name: str, made: Any) -> None:
    try:
        found.add(name, made())
    except UnfitError as error:
        found.unfit(name, str(error))


def _given(chem: Any, molecule: Any) -> Any:
    if molecule is None:
        raise UnfitError("cannot be read")
    return from_molecule(chem, molecule)


def _lines(path: Path) -> Iterator[str]:
    """Yield the first word of each line; the rest of a line is a name."""
    for line in _text(path).splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split()[0]


def _column(source: str) -> tuple[Path, str] | None:
    """Return the table and the column of ``FILE.csv:COLUMN``."""
    file, _, column = source.rpartition(":")
    path = Path(file)
    if not file or not column or path.suffix.lower() not in _TABLES or not path.is_file():
        return None
    return path, column


def _column_texts(path: Path, column: str) -> Iterator[str]:
    csv.field_size_limit(2**24)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            if column not in (rows.fieldnames or ()):
                known = ", ".join(map(str, (rows.fieldnames or ())[:10]))
                raise DataError(f"{path} has no column {column}: it has {known or 'none'}")
            for row in rows:
                yield row[column] or ""
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {' '.join(str(error).split())}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {' '.join(str(error).split())}") from error
