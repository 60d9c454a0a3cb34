"""The kinds of data: one object of the runtime, one of training and evaluation, of the same name."""

import pytest

from dropgan.export.kinds import DEPLOYMENTS, deployment
from dropgan.serve import ModelError
from dropgan.serve.card import Card
from dropgan.serve.kinds import KINDS, kind_of
from dropgan.serve.kinds.images import Images as RuntimeImages
from dropgan.serve.write import SHOWN
from dropgan.train import DataError
from dropgan.train.kind import load
from dropgan.train.kinds import KINDS as TRAINING_KINDS
from dropgan.train.kinds import training_kind


def test_each_kind_has_both_sides() -> None:
    """Data could be trained on that no runtime can sample, or a file opened that nothing explains."""
    assert KINDS.names == TRAINING_KINDS.names == DEPLOYMENTS.names == ("graphs", "images", "vectors")


@pytest.mark.parametrize("name", KINDS.names)
def test_what_a_kind_names_is_there(name: str) -> None:
    """A metric or an evaluation that was moved would be missed only after hours of training."""
    kind, runtime = training_kind(name), KINDS.get(name)
    assert runtime is not None
    assert kind.name == runtime.name == name
    for reference in (kind.metric, kind.evaluation):
        assert callable(load(reference))
    if kind.file_scorer:
        assert callable(load(kind.file_scorer))
    tolerances = deployment(name).tolerances
    assert {output for _, output in tolerances} == set(runtime.outputs)
    assert runtime.shown_as in SHOWN
    assert runtime.outputs


@pytest.mark.parametrize("name", ["meshes", "", "__init__", "os", "images.images", "../images", "x" * 10**6])
def test_a_strangers_kind_reaches_nothing(name: str) -> None:
    """A card's kind would import whatever its maker wrote there."""
    assert KINDS.get(name) is None
    with pytest.raises(DataError, match="there is no kind of data"):
        training_kind(name)


def test_an_unknown_kind_says_to_upgrade(model_card: Card) -> None:
    """A file of a later dropgan's would end in a traceback."""
    import dataclasses

    strange = dataclasses.replace(model_card, data=dataclasses.replace(model_card.data, kind="meshes"))
    with pytest.raises(ModelError, match=r"samples of kind 'meshes': upgrade dropgan"):
        kind_of(strange)


def test_a_kind_is_there_once() -> None:
    """A second one of the same name would silently change what files mean."""
    with pytest.raises(ValueError, match="already a images"):
        KINDS.register(RuntimeImages())


@pytest.fixture
def model_card(model_file: str) -> Card:
    from dropgan.serve import Generator

    return Generator(model_file, device="cpu").card
