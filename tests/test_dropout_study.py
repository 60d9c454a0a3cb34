"""docs/dropout.md says what the recorded runs say, and nothing that they do not."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import dropout_plan as plan
from benchmarks.dropout_figures import PAGE, TEMPLATE, Study, average, gaps, left_of, page
from benchmarks.dropout_plan import Trial, earlier, quick, rates, whole
from benchmarks.dropout_study import RUNS, merge, read
from dropgan.train import load_recipe
from dropgan.train.networks.settings import DiscriminatorSettings


def test_every_number_of_the_page_is_computed_from_the_runs() -> None:
    """A figure that was typed in, or left from an earlier study, would mislead whoever chooses by it."""
    assert PAGE.read_text("utf-8") == page(Study(read(RUNS))), "run make study"
    outside = re.sub(r"{[{%].*?[%}]}", "", TEMPLATE.read_text("utf-8"), flags=re.DOTALL)
    typed = set(re.findall(r"(?<![\w.])[-+]?\d+\.\d+", outside))
    assert typed <= {"0.2", "0.4", "0.5", "0.6", "0.1", "0.3"}, "rates, targets, a coin; the rest is computed"


def test_runs_are_of_the_plan_and_none_is_twice() -> None:
    """A run of other settings, or one counted twice, would be in a mean that does not say so."""
    rows = read(RUNS)
    keys = [Trial.of(row).key for row in rows]
    assert len(set(keys)) == len(keys)
    planned = {trial.key for trial in (*whole(), *earlier())}
    assert [row for row in rows if Trial.of(row).key not in planned] == []
    assert all(row["distance"] > 0 and 0 <= row["coverage"] <= 1 for row in rows)


def test_the_quick_part_asks_what_the_whole_asks() -> None:
    """Or it could show another direction."""
    assert {json.dumps(trial.settings) for trial in quick()} <= {
        json.dumps(trial.settings) for trial in whole()
    }


def test_the_sentences_of_the_page_hold() -> None:
    """Its numbers are computed, but its words are not: one that the runs no longer bear out must go."""
    study = Study(read(RUNS))
    fixed = {rate: study.at(500, rates(0.0, rate)) for rate in plan.FIXED}
    steered = {name: study.at(500, settings) for name, settings in plan.AUTO.items()}
    best = study.best_fixed(500)
    assert all(len(runs) == 3 for runs in fixed.values())
    assert best == plan.BEST
    assert max(study.apart("distance", fixed[best], fixed[0.0])) < 0
    for what in ("nearer_in_pixels", "knows_training"):
        course = [average(what, fixed[rate]) for rate in plan.FIXED]
        assert course == sorted(course, reverse=True)
    for name in ("auto, target 0.6", "auto, target 0.4"):
        assert average("distance", steered[name]) <= 1.05 * average("distance", fixed[best])
        assert max(study.apart("nearer_in_pixels", steered[name], fixed[0.0])) < 0
    more, most = (study.at(2000, rates(0.0, rate)) for rate in (0.0, 0.5))
    assert min(study.apart("distance", most, more)) > 0
    assert min(study.apart("distance", study.at(2000, rates(0.0, plan.BEST)), more)) > 0
    default = study.at(2000, plan.AUTO[plan.DEFAULT_AUTO])
    best_fixed = study.at(2000, rates(0.0, study.best_fixed(2000)))
    assert average("distance", default) <= average("distance", best_fixed)
    assert plan.AUTO[plan.DEFAULT_AUTO]["discriminator.dropout_target"] == (
        DiscriminatorSettings.model_fields["dropout_target"].default
    )
    leaning = {name: average("nearer_in_pixels", runs) for name, runs in steered.items() if runs}
    assert min(leaning, key=leaning.__getitem__) == "auto, held out, target 0.4"


def test_kinds_and_schedules_are_as_the_page_says() -> None:
    """Someone chooses where and when to drop by it."""
    study = Study(read(RUNS))
    always = study.at(500, rates(0.0, plan.BEST), plan.BESIDE_STEPS)
    kinds = {name: study.at(500, settings, plan.BESIDE_STEPS) for name, settings in plan.KINDS.items()}
    for name in ("late", "behind the last layer"):
        assert max(study.apart("distance", kinds[name], always)) < 0
    assert min(study.apart("distance", kinds["early"], always)) > 0
    for name in ("gaussian", "lognormal"):
        apart = study.apart("distance", kinds[name], always)
        assert min(apart) < 0 < max(apart)
    leaning = {name: average("nearer_in_pixels", runs) for name, runs in kinds.items()}
    assert leaning["late"] < average("nearer_in_pixels", always) + 0.01 < leaning["behind the last layer"]


def test_dropout_beside_other_regularisers() -> None:
    """Someone without a penalty reads here that dropout helps, and with augmentation that it does not."""
    study = Study(read(RUNS))

    def beside(name: str, rate: float) -> Any:
        return study.at(500, plan.joined(rates(0.0, rate), plan.REGULARISERS[name]), plan.BESIDE_STEPS)

    wild, tamed, penalised = beside("no R1", 0.0), beside("no R1", plan.BEST), beside("R1", 0.0)
    assert max(study.apart("distance", tamed, wild)) < 0
    assert max(study.apart("nearer_in_pixels", tamed, wild)) < 0
    assert max(study.apart("distance", penalised, tamed)) < 0
    shifted, both = (beside("R1 and augmentation", rate) for rate in (0.0, plan.BEST))
    assert min(study.apart("distance", both, shifted)) > 0
    assert average("nearer_in_pixels", shifted) < 0.55
    normed, normed_dropped = (beside("spectral norm, no R1", rate) for rate in (0.0, plan.BEST))
    assert max(study.apart("distance", normed, penalised)) < 0
    assert average("nearer_in_pixels", normed) < average("nearer_in_pixels", penalised)
    apart = study.apart("distance", normed_dropped, normed)
    assert min(apart) < 0 < max(apart)
    both_norms = study.apart(
        "distance", beside("R1 and spectral norm", plan.BEST), beside("R1 and spectral norm", 0.0)
    )
    assert min(both_norms) > 0
    smoothed = study.apart("distance", beside("R1 and label smoothing 0.1", 0.0), penalised)
    assert min(smoothed) < 0 < max(smoothed)


def test_the_articles_networks_want_dropout_in_the_discriminator_alone() -> None:
    """The page says so of the article's own recipe."""
    study = Study(read(RUNS))
    plain, one, both = (
        study.at(500, rates(*pair), recipe="seed") for pair in ((0.0, 0.0), (0.0, 0.5), (0.5, 0.5))
    )
    assert len(plain) == len(one) == len(both) == 3
    assert average("distance", one) < average("distance", plain)
    assert min(study.apart("distance", both, one)) > 0


def test_the_gap_is_closed_as_the_page_says() -> None:
    """Someone with dropout in the generator takes a remedy from the page."""
    study = Study(read(RUNS))
    before = study.at(500, plan.GAP, plan.BESIDE_STEPS)
    remedies = {name: study.at(500, settings, plan.BESIDE_STEPS) for name, settings in plan.REMEDIES.items()}
    assert max(gaps(before)) < -5
    assert gaps(remedies["linear to 0"]) == gaps(remedies["early"]) == [0.0] * 3
    assert max(study.apart("distance", remedies["early"], remedies["linear to 0"])) < 0
    assert int(left_of(remedies["a share of 0.5"], before).removesuffix(" %")) <= 33
    for runs in remedies.values():
        assert max(study.apart("distance", runs, before)) < 0
    without = study.at(500, rates(0.0, 0.0), plan.BESIDE_STEPS)
    assert all(average("distance", without) < average("distance", runs) for runs in remedies.values())
    assert min(gaps(study.at(500, plan.EARLIER_GAP, plan.EARLIER_STEPS))) > 0


def test_dropout_in_the_generator_costs_quality() -> None:
    """The page says to leave it out, at any rate of the discriminator."""
    study = Study(read(RUNS))
    bare = study.at(500, rates(0.0, 0.0), plan.BESIDE_STEPS)
    for generator in plan.GENERATOR[1:]:
        for rate in plan.DISCRIMINATOR:
            runs = study.at(500, rates(generator, rate), plan.BESIDE_STEPS)
            assert min(study.apart("distance", runs, bare)) > 0


def test_thousands_of_images_need_no_dropout() -> None:
    """Someone with a large set would pay for it."""
    study = Study(read(RUNS))
    for images in plan.SIZES[1:]:
        none, some = (study.at(images, rates(0.0, rate), plan.BESIDE_STEPS) for rate in (0.0, plan.BEST))
        assert len(none) == len(some) == 3
        assert min(study.apart("distance", some, none)) > 0
        assert max(study.apart("coverage", some, none)) < 0
        assert average("knows_training", none) < 0.55
    normed, penalised = (
        study.at(plan.SIZES[1], settings, plan.BESIDE_STEPS) for settings in (plan.NORMED, rates(0.0, 0.0))
    )
    assert max(study.apart("distance", normed, penalised)) < 0


def test_networks_of_convolutions_want_little() -> None:
    """The page says that a tenth is enough, and that the recipe chooses the rate by itself."""
    study = Study(read(RUNS))
    none, some, more = (
        study.at(500, rates(0.0, rate), plan.CONVOLUTION_STEPS, recipe="conv") for rate in plan.CONVOLUTIONS
    )
    assert len(none) == len(some) == len(more) == 3
    assert load_recipe("conv").discriminator.dropout == "auto"
    assert max(study.apart("distance", some, none)) < 0
    assert max(study.apart("nearer_in_pixels", some, none)) < 0


def test_differences_are_taken_seed_by_seed() -> None:
    """Luck that both runs of a seed share must not widen the interval, nor a seed that only one has count,
    nor what one machine makes otherwise than another."""
    rows = [
        {**vars(Trial("", 9, seed, 1, rates(0.0, p))), "distance": luck + 10 * p, "gpu": "", "processor": "A"}
        for seed, luck in ((0, 1.0), (1, 5.0), (2, 9.0))
        for p in (0.0, 0.5)
    ]

    def difference(rows: list[dict[str, Any]]) -> str:
        study = Study(rows)
        return study.difference("distance", study.at(9, rates(0.0, 0.5), 1), study.at(9, rates(0.0, 0.0), 1))

    assert difference(rows[:-1]) == "+5.00 ± 0.00"
    assert difference(rows[::2]) == "not run"
    assert difference([*rows[:-1], rows[-1] | {"processor": "B"}]) == "+5.00 ± 0.00"
    study = Study(rows)
    assert study.mean("distance", study.at(9, rates(0.0, 0.0), 1)) == "5.00 (1.00 to 9.00)"
    one = [
        row | {"distance": row["distance"] + row["seed"] * row["settings"]["discriminator.dropout"]}
        for row in rows
    ]
    half = float(difference(one).split("± ")[1])
    assert half == pytest.approx(4.303 * 0.5 / 3**0.5, abs=0.01)


def test_lines_of_other_machines_are_merged_once_and_in_the_order_of_the_plan(tmp_path: Path) -> None:
    """A run that two machines made must not count twice, and one that nobody planned not at all."""
    first, second, third = list(whole())[:3]

    def line(trial: Trial, distance: float) -> str:
        return json.dumps({**vars(trial), "distance": distance}) + "\n"

    out, ones, others = (tmp_path / name for name in ("runs", "ones", "others"))
    out.write_text(line(second, 1.0))
    ones.write_text(line(third, 2.0) + line(second, 9.0))
    others.write_text(line(first, 3.0) + line(third, 9.0) + line(replace(first, steps=7), 9.0))
    assert merge(out, [ones, others]) == 2
    assert [row["distance"] for row in read(out)] == [3.0, 1.0, 2.0]
    assert merge(out, [ones, others]) == 0


def test_make_study_is_there() -> None:
    """The page names the command."""
    text = (Path(__file__).parents[1] / "Makefile").read_text()
    assert "\nstudy:" in text
    assert "\nstudy-run:" in text
