"""The score of an exported file: its samples against the run's own data."""

from os import PathLike

from dropgan.export import Scorer
from dropgan.serve.errors import DropganError
from dropgan.serve.reporter import Reporter
from dropgan.train import RunDirectory
from dropgan.train.kind import load
from dropgan.train.kinds import training_kind


def file_scorer(run: str | PathLike[str], reporter: Reporter) -> Scorer | None:
    """Return the score for files of a run's kind of data; report and return None if there is none.

    Raises:
        RunError: ``run`` is not a run.
    """
    directory = RunDirectory(run)
    _, facts = directory.read_recipe()
    try:
        data = directory.read_data(reporter)
    except DropganError as error:
        reporter.note(f"not scored: {error}")
        return None
    if data.fingerprint != facts.fingerprint:
        reporter.note(f"not scored: {facts.data} has changed since the training")
        return None
    kind = training_kind(data.kind)
    if not kind.file_scorer:
        return None
    scorer: Scorer = load(kind.file_scorer)(data, reporter)
    return scorer
