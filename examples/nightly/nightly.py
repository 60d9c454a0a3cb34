"""A scheduled job: every day its own samples, made once however often the job is started.

python nightly.py model.onnx /srv/samples [--per-day 1000] [--date 2026-11-23]

Day d has the samples from d * per_day on: no two days share one, and a day that was missed is made
later, or on another machine, with the same bytes.
"""

import argparse
import datetime
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from dropgan.serve import DropganError, Generator, atomic_file, write_text

SEED = 1


def make_day(model: Path, folder: Path, day: datetime.date, per_day: int) -> Path:
    """Write DAY.npy and, when it is complete, its receipt DAY.json; nothing if they are there."""
    array, receipt = folder / f"{day}.npy", folder / f"{day}.json"
    if receipt.exists():
        return array
    generator = Generator(model)
    start = day.toordinal() * per_day
    with atomic_file(array) as file:
        np.save(file, generator.sample(per_day, seed=SEED, start=start))
    facts = {
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "seed": SEED,
        "start": start,
        "count": per_day,
        "sha256": hashlib.sha256(array.read_bytes()).hexdigest(),
    }
    write_text(receipt, json.dumps(facts, indent=1) + "\n")
    return array


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-day", type=int, default=1000)
    parser.add_argument("--date", type=datetime.date.fromisoformat, default=None)
    arguments = parser.parse_args()
    day = arguments.date or datetime.datetime.now(datetime.UTC).date()
    try:
        print(make_day(arguments.model, arguments.folder, day, arguments.per_day))
    except DropganError as error:
        sys.exit(f"nightly: {error}")


if __name__ == "__main__":
    main()
