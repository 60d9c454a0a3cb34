"""The number of samples that the validation metric uses."""

SAMPLES = 2000
"""Generated samples a score."""
MOST_REAL = 10_000
"""Real samples to compare with; of more, as many are taken, evenly spread."""
SEED = 2
"""Seed of the latent stream; not that of `evaluate`, which judges what was chosen by these samples."""
