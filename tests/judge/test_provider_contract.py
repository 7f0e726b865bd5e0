"""What every provider of the table has to do, and what one that is added gets without asking."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import brie
from brie.errors import UsageError
from brie.evaluation.plan import panel_judge
from brie.judge.prices import batch_share, host_of, is_local, is_paid
from brie.judge.providers import open_judge, opener
from brie.judge.providers.remote import RemoteJudge
from brie.judge.settings import key_variable
from brie.records import PROVIDERS, JudgeSpec, PanelJudge, Provider, ProviderInfo, Status
from tests.fakes.judge_servers import JudgeServer, letter_b
from tests.fakes.judge_wire import Act, Seen
from tests.flow.bench import CANARY, PRICE, SECRET, Bench, Said, bench, models  # noqa: F401  - fixtures
from tests.judge.arena import RUBRIC, arena, judge
from tests.judge.reward_models import build_reward_model

REMOTE = [name for name, info in PROVIDERS.items() if info.remote]
LOCAL = [name for name, info in PROVIDERS.items() if not info.remote and info.open]
API = {
    Provider.ANTHROPIC: "anthropic",
    Provider.OPENAI: "gpt",
    Provider.OPENAI_COMPATIBLE: "openai",
    Provider.OPENAI_RESPONSES: "responses",
    Provider.AZURE_OPENAI: "azure",
}
"""What the arena calls a remote provider's judge. A provider that is added is added here."""

_connected: list[str] = []
sys.addaudithook(
    lambda event, given: _connected.append(str(given[1])) if event == "socket.connect" else None
)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on this machine decides what a test finds."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


# --- the table -------------------------------------------------------------------------


def test_every_provider_has_an_entry_and_every_remote_one_is_tried_here() -> None:
    assert set(PROVIDERS) == set(Provider)
    assert set(API) == set(REMOTE)


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_opens_a_providers_judges_is_there(name: Provider) -> None:
    where = PROVIDERS[name].open
    if where is not None:
        assert callable(opener(where))
        return
    with pytest.raises(UsageError, match="not available here; available: anthropic, openai"):
        open_judge(panel_judge(JudgeSpec(id="x", provider=name, model="m"), None))


@pytest.mark.parametrize("name", REMOTE)
def test_batches_are_in_the_table_exactly_where_the_wire_has_them(name: Provider) -> None:
    with JudgeServer() as server:
        opened = open_judge(judge(server, API[name]))
    assert isinstance(opened, RemoteJudge)
    assert (opened.adapter.batches() is not None) == (PROVIDERS[name].batches is not None)
    assert batch_share(opened.spec) == (0.5 if PROVIDERS[name].batches else 1.0)


def test_an_entry_that_says_nothing_is_remote_and_paid() -> None:
    least = ProviderInfo(open="somewhere:open_judge")
    assert least.remote
    assert least.kind == "model"
    assert not least.free_here
    assert not least.weights
    assert least.batches is None


@pytest.mark.parametrize("name", PROVIDERS)
def test_only_what_is_said_to_be_local_is_free_without_an_address(name: Provider) -> None:
    spec = JudgeSpec(id="x", provider=name, model="m")
    assert is_local(spec) == (not PROVIDERS[name].remote)
    assert is_paid(spec) == PROVIDERS[name].remote
    assert (host_of(spec) is not None) == PROVIDERS[name].remote


# --- remote providers ------------------------------------------------------------------


@pytest.fixture
def write(bench: Bench) -> Callable[..., str]:  # noqa: F811
    """Writes the judge file of a remote provider, at the bench's server unless told otherwise."""

    def written(name: Provider, address: str | None = "", price: str = PRICE) -> str:
        server = bench.anthropic.anthropic if API[name] == "anthropic" else bench.openai.openai
        lines = [f'provider = "{name}"', 'model = "a-model"', 'output = "text"']
        if address is not None:
            lines += [f'base_url = "{address or server}"', 'endpoint = "there"']
        text = "\n".join([*lines, 'api_key_env = "CANARY_KEY"', price])
        (bench.folder / "judges" / "tried.toml").write_text(text)
        return "tried"

    return written


def seen(bench: Bench) -> list[Seen]:  # noqa: F811
    """Every request the servers got."""
    return [*bench.openai.seen, *bench.anthropic.seen]


@pytest.mark.parametrize("name", REMOTE)
def test_a_remote_judge_reads_a_verdict_and_tries_again_when_the_server_is_busy(
    tmp_path: Path, name: Provider
) -> None:
    def busy_at_first(request: Seen) -> Act:
        return Act(status=429, headers={"retry-after": "0"}) if request.number == 0 else Act()

    before = len(_connected)
    with (
        JudgeServer(mind=letter_b, script=busy_at_first) as server,
        arena(tmp_path, [judge(server, API[name])], prompts=2) as found,
    ):
        found.run()
        verdicts = found.verdicts()
        assert [v.letter for v in verdicts] == ["B"] * 4
        assert len(server.seen) == 5
    assert sum(v.usage.attempts for v in verdicts) == 5
    assert all(v.usage.input_tokens > 0 and v.served for v in verdicts)
    assert len(_connected) > before


@pytest.mark.parametrize("name", REMOTE)
def test_without_consent_nothing_is_sent(
    bench: Bench,  # noqa: F811
    write: Callable[..., str],
    name: Provider,
) -> None:
    said = bench.eval("--budget", "5", judges=(write(name),))
    assert said.code == 2
    assert "verdicts to ask for: about $" in said.err
    assert "--yes" in said.err
    assert seen(bench) == []


@pytest.mark.parametrize("name", REMOTE)
def test_the_quote_names_the_host(
    bench: Bench,  # noqa: F811
    write: Callable[..., str],
    name: Provider,
) -> None:
    said = bench.eval(judges=(write(name, "https://judge.example.org/v1"),))
    assert said.code == 2
    assert "prompts and answers go to judge.example.org" in said.err
    own = PROVIDERS[name].address
    said = bench.eval(judges=(write(name, None),))
    assert said.code == 2
    expected = f"prompts and answers go to {urlsplit(own).hostname}" if own else "needs base_url"
    assert expected in said.err


@pytest.mark.parametrize("name", REMOTE)
def test_the_cap_is_kept(bench: Bench, write: Callable[..., str], name: Provider) -> None:  # noqa: F811
    for server in (bench.openai, bench.anthropic):
        server.price = (3.0, 15.0)
    said = bench.eval("--yes", "--budget", "0.08", judges=(write(name),))
    assert said.code == 3, said.err
    assert "the budget is reached" in said.err
    assert 0 < bench.openai.billed + bench.anthropic.billed <= 0.08
    assert {one.key for one in seen(bench)} == {CANARY}


@pytest.mark.parametrize("name", REMOTE)
def test_a_missing_key_is_named(
    bench: Bench,  # noqa: F811
    write: Callable[..., str],
    name: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CANARY_KEY")
    said = bench.eval("--yes", judges=(write(name),))
    assert said.code == 2
    assert "set CANARY_KEY" in said.err
    assert seen(bench) == []
    away = {"base_url": "https://judge.example/v1", "endpoint": "y"}
    hosts = PROVIDERS[name].hosts or ("judge.example",)
    at_home = {"base_url": f"https://mine.{hosts[0]}", "endpoint": "y"}
    where = {} if PROVIDERS[name].address else at_home
    own = JudgeSpec(id="x", provider=name, model="m", output="text", **where)
    assert key_variable(own) == PROVIDERS[name].key_variable
    assert key_variable(own.model_copy(update=away)) is None
    if variable := PROVIDERS[name].key_variable:
        with pytest.raises(UsageError, match=f"set {variable}"):
            open_judge(panel_judge(own, RUBRIC))


# --- local providers -------------------------------------------------------------------


def local_seat(name: Provider, models: Path) -> PanelJudge:  # noqa: F811
    """A judge on this machine."""
    if PROVIDERS[name].kind == "rule":
        return panel_judge(JudgeSpec(id="here", provider=name, model="longer", output="rule"), None)
    if PROVIDERS[name].scores:
        folder = build_reward_model(models / "scores", steps=0)
        return panel_judge(JudgeSpec(id="here", provider=name, model="t", location=str(folder)), None)
    spec = JudgeSpec(
        id="here", provider=name, model="tiny", output="logprobs", location=str(models / "judge")
    )
    return panel_judge(spec, RUBRIC)


@pytest.mark.parametrize("name", LOCAL)
def test_a_local_judge_reads_verdicts_and_sends_nothing(
    tmp_path: Path,
    models: Path,  # noqa: F811
    name: Provider,
) -> None:
    before = list(_connected)
    with arena(tmp_path, [local_seat(name, models)], prompts=2) as found:
        found.run()
        assert [v.status for v in found.verdicts()] == [Status.OK] * 4
        assert found.spent == 0.0
    assert _connected == before


@pytest.mark.parametrize("judge_name", ["here", "longer"])
def test_a_local_judge_needs_no_consent(bench: Bench, judge_name: str) -> None:  # noqa: F811
    if judge_name == "here":
        assert bench.score(judge_name).code == 0
    said = bench.eval("--budget", "0", judges=(judge_name,))
    assert said.code == 0, said.err
    assert bench.analysis()["cost"]["usd"] == 0
    assert seen(bench) == []


# --- a provider that is added ----------------------------------------------------------

Brie = Callable[..., Said]


@contextmanager
def edited(path: Path) -> Iterator[list[str]]:
    """The lines of a file, written back."""
    lines = path.read_text().splitlines()
    yield lines
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def newcomer(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Brie:  # noqa: F811
    """brie with one more provider: one new file, and the table edited with what it cannot do without."""
    root = tmp_path_factory.mktemp("added")
    package = root / "src" / "brie"
    shutil.copytree(Path(brie.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "judges").symlink_to(Path(__file__).parents[2] / "judges")
    shutil.copy(Path(__file__).parents[1] / "fakes" / "newcomer.py", package / "judge" / "providers")
    with edited(package / "records" / "providers.py") as lines:
        lines.insert(lines.index('    HUMAN = "human"'), '    NEWCOMER = "newcomer"')
        entry = 'ProviderInfo(open="brie.judge.providers.newcomer:open_judge")'
        start = lines.index("PROVIDERS: dict[Provider, ProviderInfo] = {")
        lines.insert(start + 1, f"    Provider.NEWCOMER: {entry},")

    def call(*arguments: str) -> Said:
        done = subprocess.run(
            [
                sys.executable, "-m", "brie", "eval", "--suite", "small.toml", "--candidate", SECRET,
                "--samples", "1", "--controls", "0", "--judge", "new", *arguments,
            ],
            cwd=bench.folder, env={**os.environ, "PYTHONPATH": str(root / "src")},
            capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    return call


def newcomer_file(bench: Bench, *, address: str | None = "", price: str = PRICE) -> None:  # noqa: F811
    """The judge file of the added provider."""
    lines = ['provider = "newcomer"', 'model = "a-model"', 'output = "text"', "max_tokens = 200"]
    if address is not None:
        lines += [f'base_url = "{address or bench.openai.openai}"', 'endpoint = "there"']
    text = "\n".join([*lines, 'api_key_env = "CANARY_KEY"', price])
    (bench.folder / "judges" / "new.toml").write_text(text)


@pytest.mark.slow
def test_an_added_provider_is_asked_for_nothing_before_its_price_is_agreed_to(
    bench: Bench,  # noqa: F811
    newcomer: Brie,
) -> None:
    newcomer_file(bench)
    said = newcomer("--budget", "0.0001")
    assert said.code == 2, said.err
    assert "verdicts to ask for: about $" in said.err
    assert "cap $0.00" in said.err
    assert "--yes" in said.err

    newcomer_file(bench, price="")
    said = newcomer("--yes")
    assert said.code == 2, said.err
    assert "the price of new is not known" in said.err

    newcomer_file(bench, address=None)
    said = newcomer("--yes")
    assert said.code == 2, said.err
    assert "provider newcomer needs base_url" in said.err

    newcomer_file(bench, address="https://new.example.org/v1")
    said = newcomer()
    assert said.code == 2, said.err
    assert "prompts and answers go to new.example.org" in said.err
    assert bench.openai.seen == []


@pytest.mark.slow
def test_an_added_provider_judges_within_its_cap_and_tries_again_when_the_server_is_busy(
    bench: Bench,  # noqa: F811
    newcomer: Brie,
) -> None:
    newcomer_file(bench)
    bench.openai.price = (3.0, 15.0)
    bench.openai.script = lambda one: Act(status=429) if one.number == 0 else Act()
    said = newcomer("--yes", "--budget", "0.06")
    assert said.code == 3, said.err
    assert "the budget is reached" in said.err
    assert 0 < bench.openai.billed <= 0.06

    said = newcomer("--yes", "--budget", "5")
    assert said.code == 0, said.err
    (path,) = bench.folder.glob("runs/eval-*/analysis.json")
    numbers = json.loads(path.read_text())
    assert numbers["counts"]["ok"] == 16
    assert numbers["by_judge"]["new"]["provider"] == "newcomer"
    assert len(bench.openai.seen) == 17
    assert {one.key for one in bench.openai.seen} == {CANARY}
