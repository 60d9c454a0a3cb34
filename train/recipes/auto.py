"""Recipe ``auto``: choose a recipe for the data, and decide if their labels are used.

`TABLE` defines all of it. For a new architecture, add a row and a test in tests/train/test_auto.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..networks import SampleSpec

AUTO = "auto"
ENOUGH = 100
"""Images that every class must have for labels to be used unasked: see `labels_used`."""
CLUSTER = 300
"""Pictures in a cluster, where clusters are used unasked."""
MOST_CLUSTERS = 16
FINEST = 8
"""Channels of the generator's layer at full resolution, where grey pictures are learned in clusters."""
_LONGEST = 8  # of a side over the other: a network of convolutions begins with 8 cells along the longer one


@dataclass(frozen=True)
class ClassCount:
    """A class of the data, and its number of samples."""

    name: str
    count: int


@dataclass(frozen=True)
class Seen:
    """The facts about data that the choice may depend on."""

    spec: SampleSpec
    """Specification of the samples."""
    count: int
    """Number of samples."""
    classes: tuple[ClassCount, ...] = ()
    """Classes that have samples; empty without labels."""
    unusable: str = ""
    """Why the labels cannot be learned, if they cannot."""
    device: str = "cpu"
    """``cpu`` or ``cuda``."""
    architecture: str = ""
    """The architecture of the run that training starts from, so that its weights fit; empty for none."""
    finest: int | None = None
    """Channels at full resolution of the generator that training starts from; None for a new one."""

    @property
    def described(self) -> str:
        """Return the data as text: ``10,000 grey pictures of 28x28``."""
        return f"{self.count:,} {self.spec.described}"


@dataclass(frozen=True)
class Row:
    """A recipe, and the data that it suits."""

    recipe: str
    architecture: str
    """The recipe's."""
    why: str
    """Reason for the row, as it follows "since"."""
    fits: Callable[[Seen], bool]
    """Returns True if the row suits the data."""
    against: Callable[[Seen], str] = lambda seen: ""
    """Returns why it does not suit these data, although it suits their kind; empty if nothing is against
    it."""


@dataclass(frozen=True)
class Chosen:
    """The choice that was made; recipe.toml records it in ``[run.auto]``."""

    recipe: str = ""
    """Name of the recipe; empty in a run whose recipe was named."""
    conditional: bool = False
    """True if labels are used."""
    clusters: int = 0
    """Clusters that are learned in place of labels; 0 for none."""
    finest: int = 0
    """Channels of the generator's layer at full resolution; 0 for none."""
    why: str = ""
    """One line."""


def _strip(seen: Seen) -> str:
    _, height, width = seen.spec.shape
    if max(height, width) <= _LONGEST * min(height, width):
        return ""
    return f"strips of {width}x{height} are mostly cut off from the grids of convolutions"


TABLE = (
    Row("conv", "conv", "convolutions learn pictures best", lambda seen: seen.spec.on_grid, _strip),
    Row(
        "molecules",
        "molgan",
        "types of nodes and edges hang together, which its generator learns sooner",
        lambda seen: seen.spec.graphs is not None and seen.spec.graphs.edge_types > 1,
    ),
    Row(
        "graphs",
        "molgan",
        "graph convolutions do not depend on the order of nodes",
        lambda seen: seen.spec.graphs is not None,
    ),
    Row("mlp", "mlp", "dense layers take vectors", lambda seen: seen.spec.graphs is None),
)
"""Rows in order. The first one that suits the data is used."""


def choose(seen: Seen, conditional: bool | None = None, clusters: int | None = None) -> Chosen:
    """Return the recipe for data, and if it learns their labels or clusters in their place.

    Args:
        seen: Facts about the data.
        conditional: The user's choice to use labels or not, or None.
        clusters: The user's choice of a number of clusters, or None.
    """
    rows = [row for row in TABLE if row.fits(seen)]
    kin = [row for row in rows if row.architecture == seen.architecture]
    passed = [] if kin else [row for row in rows if row.against(seen)]
    row = next(row for row in kin or rows if row not in passed)
    reason = f"{row.why} (it begins from a run of them)" if kin else row.why
    for other in passed:
        reason = f"{other.against(seen)}; {reason}"
    use, labels = labels_used(seen) if conditional is None else (conditional, "")
    if clusters is None:
        clusters = clusters_used(seen, row) if conditional is None and not use else 0
    kind = f"{row.recipe} with clusters" if clusters else f"{row.recipe} with labels" if use else row.recipe
    likes = f"{clusters} clusters of like pictures stand in for labels" if clusters else ""
    finest = finest_used(seen, row, clusters)
    fine = "a layer at full resolution draws finer detail" if finest else ""
    why = f"recipe {kind}, chosen for {seen.described}, since {reason}"
    use = use or (clusters > 0 and conditional is None)
    why = "; ".join(part for part in (why, labels, likes, fine) if part)
    return Chosen(row.recipe, use, clusters, finest, why)


def clusters_used(seen: Seen, row: Row) -> int:
    """Return how many clusters are learned where no labels are, if the user does not choose; 0 for none.

    On 10,000 pictures without labels, 16 clusters make the distance far smaller, and 32 no smaller still
    (docs/results.md). The number of pictures that a cluster needs was not measured.
    """
    count = min(MOST_CLUSTERS, seen.count // CLUSTER)
    return count if row.architecture == "conv" and count > 1 else 0


def finest_used(seen: Seen, row: Row, clusters: int) -> int:
    """Return the channels of the generator's layer at full resolution; 0 for none.

    In clusters it makes the distance of grey pictures a fifth smaller, with labels no smaller, and sampling
    takes up to twice the time. In colour it brings the checkerboard back (docs/results.md). Where training
    starts from a generator, that one's weights have to fit.
    """
    if row.architecture != "conv":
        return 0
    if seen.finest is not None:
        return seen.finest
    return FINEST if clusters and seen.spec.shape[0] == 1 else 0


def labels_used(seen: Seen) -> tuple[bool, str]:
    """Return if labels are used when the user does not choose, and why.

    With labels, a network learns each class from that class's images alone. With 1,000 images per class they
    nearly halve the distance (docs/results.md). With a few images per class, a discriminator memorises them,
    and yet users can ask for the class, and it is drawn as often as any other. The threshold between the two
    was not measured: `ENOUGH` is a cautious value, and ``benchmarks/labels_needed.py`` measures it on
    Fashion-MNIST.

    In a table no column is used as labels by default, so labels of tables are never used by default either.
    """
    if not seen.spec.on_grid or not (seen.classes or seen.unusable):
        return False, ""
    if seen.unusable:
        return False, f"without labels: {seen.unusable}"
    if len(seen.classes) < 2:
        return False, ""
    counts = [one.count for one in seen.classes]
    least, most = min(counts), max(counts)
    if least < ENOUGH:
        name = next(one.name for one in seen.classes if one.count == least)
        few = sum(count < ENOUGH for count in counts)
        others = f", and {few - 1} more are as small" if few > 1 else ""
        needs = f"class {name} has {least:,} of the {ENOUGH} pictures that each class needs{others}"
        return False, f"without labels: {needs} (--conditional uses them)"
    each = f"{least:,} each" if least == most else f"{least:,} to {most:,} pictures"
    return True, f"{len(counts)} classes of {each}"
