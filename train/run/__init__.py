"""Runs: preparing, starting, resuming, the loop, and reading back."""
