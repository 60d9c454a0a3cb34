"""docs/evaluation.md says how often the verdict is wrong, and how metrics rank, as it was counted."""

import json

from benchmarks import watched_metrics
from benchmarks.evaluate_verdicts import BEGIN, END, FAULTS, HONEST, PAGE, recorded, table
from benchmarks.page import read_between


def test_the_page_has_the_table_of_the_record() -> None:
    """A count that was typed in, or left from earlier rules, would be trusted in vain."""
    lines = recorded()
    made = read_between(PAGE, BEGIN, END)
    assert made == table(lines), "python benchmarks/evaluate_verdicts.py table"
    keys = [tuple(line[key] for key in ("data", "training", "held_out", "case", "draw")) for line in lines]
    assert len(set(keys)) == len(keys)
    assert {key[3] for key in keys} == set(FAULTS)


def test_no_more_than_one_honest_draw_in_twenty_is_accused() -> None:
    """What the page promises."""
    honest: dict[tuple[str, int, int], list[bool]] = {}
    for line in recorded():
        if line["case"] == HONEST:
            size = line["data"], line["training"], line["held_out"]
            honest.setdefault(size, []).append(bool(line["problems"]))
    assert {data for data, _, _ in honest} == {"clothes", "digits", "colour"}
    assert all(sum(hits) <= 0.05 * len(hits) for hits in honest.values())


def test_the_page_has_the_ranking_of_metrics_of_the_record() -> None:
    """Or a metric would be chosen by figures that nobody measured."""
    page = read_between(PAGE, watched_metrics.BEGIN, watched_metrics.END)
    assert page == watched_metrics.table(json.loads(watched_metrics.RECORD.read_text("utf-8")))
