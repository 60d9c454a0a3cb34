"""How much the validation metric looks at."""

SAMPLES = 2000
"""Generated samples a score."""
MOST_REAL = 10_000
"""Of more real samples as many, evenly spread, are compared with."""
SEED = 2
"""Of the latent stream; not that of `evaluate`, which judges what was chosen by these samples."""
