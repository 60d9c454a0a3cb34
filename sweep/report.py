"""A sweep's report.html, one self-contained file."""

from dropgan.evaluate.page import page_environment
from dropgan.serve.atomic import write_text

from .axes import shown, shown_axis
from .charts import make_charts
from .results import Group, Results


def write_report(results: Results) -> None:
    """Write the report as one self-contained HTML file, DIR/report.html.

    Raises:
        OutputError: The file cannot be written.
    """
    ranked = results.ranked
    groups = [*ranked, *(group for group in results.groups if group.mean is None)]
    page = (
        page_environment("dropgan.sweep")
        .get_template("report.html.j2")
        .render(
            results=results,
            question=results.question,
            axes={key: shown_axis(axis) for key, axis in results.question.axes.items()},
            groups=groups,
            against=[_against(group, results.best) for group in groups],
            charts=make_charts(results),
            trials=results.trials,
            shown=shown,
        )
    )
    write_text(results.report_file, page)


def _against(group: Group, best: Group | None) -> str:
    """Return the difference from the best, seed by seed, as text."""
    found = None if best is None or group is best else group.against(best)
    if found is None:
        return ""
    mean, deviation = found
    return f"{mean:+.3g}" + ("" if deviation is None else f" ± {deviation:.2g}")
