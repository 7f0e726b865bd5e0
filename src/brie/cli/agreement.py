"""`brie agreement`: how far the judges agree, and what each of them rewards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from brie.cli import screen

_COEFFICIENTS = {
    "percent": "percent agreement",
    "kappa": "Cohen's kappa",
    "alpha": "Krippendorff's alpha, nominal",
    "alpha_ordinal": "Krippendorff's alpha, ordinal",
    "ac1": "Gwet's AC1",
}


@click.command(
    epilog="""\b
Examples:
  brie agreement eval-in-domain-3f9a12cd
  brie agreement EVAL EVAL --json
"""
)
@click.argument("names", metavar="EVAL...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def command(names: tuple[str, ...], as_json: bool) -> None:
    """Report how the judges of one or more evaluations agree, with intervals over prompts.

    Agreement is not validity: judges that share an error agree perfectly about it.
    """
    from brie.pipeline import find_evaluation
    from brie.store import Store
    from brie.studies import agreement

    project = screen.project()
    manifests = [find_evaluation(name, project).manifest for name in names]
    with Store.open(project.store, read_only=True) as store:
        found = agreement(manifests, store)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo("\n".join(lines(found)))


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The report for a terminal, at most 80 columns."""
    yield f"{len(found['judges'])} judges on {found['prompts']} prompts"
    for pair in found["agreement"]["pairs"]:
        yield ""
        yield f"{pair['judges'][0]} and {pair['judges'][1]}: {pair['n']} comparisons"
        for key, label in _COEFFICIENTS.items():
            yield f"  {label:<32} {estimate(pair[key])}"
        shares = ", ".join(
            f"{name}: " + " ".join(f"{outcome} {share:.0%}" for outcome, share in of.items())
            for name, of in pair["marginals"].items()
        )
        yield f"  base rates: {shares}"
    panel = found["agreement"]["panel"]
    yield ""
    yield f"the whole panel: alpha {estimate(panel['alpha'])}, unanimous {panel['unanimous']:.0%}"
    gain = panel.get("precision_gain")
    if gain:
        yield f"  it narrows the interval like {gain['value']:.2f} judges would: precision, not validity"
    yield "  effective number of judges: not identified without human labels"
    yield from _rewards(found["by_judge"])
    worst = found["agreement"].get("disagreements") or []
    if worst:
        yield ""
        names = list(dict.fromkeys(str(row["prompt"]) for row in worst))[:6]
        yield "they disagree most on: " + ", ".join(names)


def _rewards(judges: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "what each judge rewards: points of win rate for one standard deviation more"
    for name, entry in judges.items():
        rewards = entry.get("rewards") or {}
        parts = [
            f"{what} {100 * r['effect']:+.0f} [{100 * r['low']:+.0f}, {100 * r['high']:+.0f}]"
            for kind in ("text", "criteria")
            for what, r in (rewards.get(kind) or {}).items()
        ]
        yield f"  {name}: {', '.join(parts) or 'nothing measurable'}"


def estimate(value: Mapping[str, Any] | None) -> str:
    """A value with its interval, or that there is none."""
    if not value or value.get("value") is None:
        return "not defined here"
    if value.get("low") is None:
        return f"{value['value']:.2f}"
    return f"{value['value']:.2f}  [{value['low']:.2f}, {value['high']:.2f}]"
