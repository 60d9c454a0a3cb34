"""Runs: preparing, starting, resuming and reading back; the loop itself."""
