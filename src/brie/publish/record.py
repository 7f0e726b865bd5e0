"""An evaluation as a record of Every Eval Ever, the shared format of evaluation results.

One JSON document an evaluation, by version 0.3.0 of that schema (https://github.com/evaleval).
What a record must say and nobody knows here is `unknown`, as the schema has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import JsonValue

from brie import versions
from brie.publish.quoted import Quoted
from brie.publish.results import counting_seats
from brie.publish.subject import Subject
from brie.records import Provider, kind_of

SCHEMA = "0.3.0"
"""Of Every Eval Ever's documents."""
ENDING = ".every_eval_ever.json"
_Table = dict[str, JsonValue]


def eval_records(subject: Subject) -> dict[str, _Table]:
    """File name -> record, for every finished evaluation that has a win rate."""
    return {
        f"{evaluation.name}{ENDING}": _record(subject, evaluation)
        for evaluation in subject.evaluations
        if evaluation.value("win_rate", "value") is not None
    }


def _record(subject: Subject, evaluation: Quoted) -> _Table:
    made = _seconds(evaluation.said("created"))
    model = subject.repo or subject.name
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{evaluation.name}/{model.replace('/', '_')}/{made}",
        "evaluation_timestamp": _seconds(evaluation.said("sealed")),
        "retrieved_timestamp": made,
        "source_metadata": {
            "source_name": "brie",
            "source_type": "evaluation_run",
            "source_organization_name": subject.repo.partition("/")[0] or "unknown",
            "evaluator_relationship": "first_party" if subject.run is not None else "other",
            "additional_details": {"evaluation": evaluation.name, "plan": evaluation.said("seal")},
        },
        "eval_library": {
            "name": "brie", "version": versions.release_of(evaluation.said("version")) or "unknown",
        },
        "model_info": _model(subject, evaluation),
        "evaluation_results": list(_results(evaluation)),
    }  # fmt: skip


def _seconds(moment: str) -> str:
    """A stored moment as seconds since 1970."""
    read = datetime.fromisoformat(moment)
    return str(int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()))


def _model(subject: Subject, evaluation: Quoted) -> _Table:
    environment = evaluation.under("plan", "environment")
    engine = environment.said("engine")
    version = evaluation.said("versions", engine)
    return {
        "name": subject.name,
        "id": subject.repo or subject.name,
        **({"developer": subject.repo.partition("/")[0]} if subject.repo else {}),
        "inference_engine": {"name": engine, **({"version": version} if version else {})},
        "additional_details": {
            "deployment_type": "self_deployed",
            "model_availability": "unknown",
            "digest": subject.pin.digest,
            "base": str(subject.base),
            "number_format": environment.said("dtype"),
        },
    }


def _results(evaluation: Quoted) -> Iterator[JsonValue]:
    yield _result(
        evaluation, "win_rate", "Win rate",
        "Share of blind comparisons won, ties counting half: a mean over prompts.",
    )  # fmt: skip
    if evaluation.value("length_controlled", "value") is not None:
        yield _result(
            evaluation, "length_controlled", "Length-controlled win rate",
            "The rate that two answers of equal length would have.",
        )  # fmt: skip


def _result(evaluation: Quoted, key: str, name: str, about: str) -> _Table:
    rate, suite = evaluation.under(key), evaluation.under("suite")
    baseline = evaluation.said("baseline", "name")
    kind = "win_rate" if key == "win_rate" else "length_controlled_win_rate"
    return {
        "evaluation_result_id": f"{evaluation.name}/{kind}",
        "evaluation_name": suite.said("name"),
        "source_data": {
            "dataset_name": suite.said("name"),
            "source_type": "other",
            "additional_details": {
                "digest": suite.said("digest"),
                "version": suite.said("version") or "unknown",
                "prompts": str(suite.value("prompts")),
            },
        },
        "metric_config": {
            "evaluation_description": f"{about} Compared with {baseline}.",
            "metric_id": f"brie.{kind}",
            "metric_name": name,
            "metric_kind": "win_rate",
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
            **_judged(evaluation),
        },
        "score_details": {
            "score": rate.value("value"),
            "details": _details(evaluation),
            **_uncertainty(rate),
        },
        "generation_config": _generation(evaluation),
    }


def _details(evaluation: Quoted) -> _Table:
    """What must be read with the number."""
    causes = [reason.said("cause") for reason in evaluation.rows("standing", "reasons")]
    return {
        "verdict": evaluation.said("verdict") or "none that stands by itself",
        "standing": evaluation.said("standing", "state") or "unknown",
        **({"reasons": ", ".join(causes)} if causes else {}),
        **{
            f"checks_{status}": str(evaluation.value("check_counts", status))
            for status in ("fail", "warn", "not_run", "pass")
        },
    }


def _uncertainty(rate: Quoted) -> _Table:
    ends = [rate.value(end) for end in ("low", "high")]
    if None in ends and rate.rows("betting_interval"):
        ends = [rate.value("betting_interval", end) for end in ("0", "1")]
    if None in ends:
        return {}
    held: _Table = {"lower": ends[0], "upper": ends[1], "confidence_level": rate.value("level"),
                    "method": rate.value("method")}  # fmt: skip
    prompts = rate.value("prompts") or rate.value("n")
    return {"uncertainty": {"confidence_interval": held, "num_samples": prompts}}


def _judged(evaluation: Quoted) -> _Table:
    """Who judged: models with their rubric; rules and people by their names."""
    seats = counting_seats(evaluation)
    models = [s for s in seats if kind_of(Provider(s.said("judge", "provider"))) == "model"]
    others = [seat.said("judge", "id") for seat in seats if seat not in models]
    beside: _Table = {"judged by, no model": ", ".join(others)} if others else {}
    if not models:
        return {"additional_details": beside}
    return {
        "llm_scoring": {
            "judges": [_judge(seat) for seat in models],
            "input_prompt": next((s.said("rubric", "text") for s in models if s.table("rubric")), ""),
            "aggregation_method": "average",
        },
        **({"additional_details": beside} if beside else {}),
    }


def _judge(seat: Quoted) -> _Table:
    model, temperature = seat.said("judge", "model"), seat.value("judge", "temperature")
    return {
        "model_info": {
            "name": model,
            "id": model,
            "additional_details": {
                "deployment_type": "unknown",
                "model_availability": "unknown",
                "judge": seat.said("judge", "id"),
                "digest": seat.said("digest"),
            },
        },
        **({"temperature": temperature} if temperature is not None else {}),
    }


def _generation(evaluation: Quoted) -> _Table:
    sampling = evaluation.under("plan", "sampling")
    args: _Table = {
        "temperature": sampling.value("temperature"),
        "top_p": sampling.value("top_p"),
        "top_k": sampling.value("top_k") or None,
        "max_tokens": sampling.value("max_new_tokens"),
        "reasoning": bool(sampling.value("thinking")),
    }
    details: _Table = {
        "seed": str(sampling.value("seed")),
        "samples": str(evaluation.value("plan", "samples")),
    }
    return {"generation_args": args, "additional_details": details}
