"""What a file's card says of copies: what was compared, how many, and the bound at 95 %."""

from collections.abc import Sequence

from dropgan.serve.card import ScoreCard

from .copies import CopyTest

NAME = "copies_at_most"


def certificate(tests: Sequence[CopyTest], data: str, *, seed: int) -> tuple[ScoreCard, ...]:
    """The bound on the share of samples that repeat a training sample, as a score of the file.

    Args:
        tests: The test for copies in each space. Of those that can tell, the surest speaks if it found
            copies, otherwise the one that would have seen the fewest.
        data: Name of the training data.
        seed: Of the samples.

    Returns:
        One score, or none where no test can tell.
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
