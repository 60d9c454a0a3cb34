"""The copy test's entry in a file's card: what was compared, how many, and the 95 % bound."""

from collections.abc import Sequence

from dropgan.serve.card import ScoreCard

from .copies import CopyTest

NAME = "copies_at_most"


def certificate(tests: Sequence[CopyTest], data: str, *, seed: int) -> tuple[ScoreCard, ...]:
    """Return the bound on the share of samples that repeat a training sample, as a score of the file.

    Args:
        tests: The copy test in each space. Of the tests that have enough power, the one with the
            strongest evidence is used if it found copies, otherwise the most sensitive one.
        data: Name of the training data.
        seed: Seed of the samples.

    Returns:
        One score, or none if no test has enough power.
    """
    able = [test for test in tests if test.can_tell]
    if not able:
        return ()
    test = min(able, key=lambda test: (min(test.p_value, 0.05), test.detectable))
    return (
        ScoreCard(
            name=NAME,
            value=test.at_most,
            samples=test.samples,
            reference=f"{test.training:,} of {data}",
            reference_samples=test.training,
            features=test.space,
            split="training",
            mode="deployed",
            seed=seed,
            spread_of="upper bound at 95 %",
        ),
    )
