"""The answer keys of two suites, checked without the suites' own help.

Code references are run, sums are computed a second way, every reference passes its own machine
check, and a check also has to refuse the wrong answers in `sample_answers.toml`.
"""

from __future__ import annotations

import ast
import cmath
import itertools
import json
import math
import re
import shutil
import sqlite3
import statistics
import subprocess
import tomllib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SUITES = HERE.parents[1] / "prompt_suites"
Table = dict[str, Any]


def read(path: Path) -> Table:
    return tomllib.loads(path.read_text(encoding="utf-8"))


PROMPTS: dict[str, Table] = {
    prompt["id"]: prompt
    for name in ("out_of_domain", "comprehensive")
    for prompt in read(SUITES / f"{name}.toml")["prompt"]
}
CHECKED = [name for name, prompt in PROMPTS.items() if "check" in prompt]
SAMPLES: Table = read(HERE / "sample_answers.toml")


def kind(name: str) -> str:
    return str(PROMPTS[name].get("check", {}).get("kind"))


def asked(name: str) -> str:
    """The prompt's last user turn."""
    prompt = PROMPTS[name]
    return str(prompt["prompt"] if "prompt" in prompt else prompt["messages"][-1]["content"])


def fences(name: str) -> list[tuple[str, str]]:
    """Language and text of each code block in a reference."""
    return re.findall(r"```(\w+)\n(.*?)```", PROMPTS[name].get("reference", ""), re.S)


def code(name: str) -> str:
    [(_, text)] = fences(name)
    return text


# --- the three checks, written a second time -------------------------------------------

NUMBER = re.compile(r"(?<!\d)-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\d)")


def passes(name: str, answer: str) -> bool:
    check = PROMPTS[name]["check"]
    value = str(check["value"])
    if check["kind"] == "numeric":
        found = NUMBER.findall(answer)
        tolerance = float(check.get("tolerance", 0.0))
        return bool(found) and abs(float(found[-1].replace(",", "")) - float(value)) <= tolerance + 1e-9
    if check["kind"] == "regex":
        return re.search(value, answer) is not None
    line = next((line for line in reversed(answer.splitlines()) if line.strip()), "")
    line = re.sub(r"(?i)^\W*answer:", "", line.strip()).strip(" *_`\"'“”‘’").removesuffix(".")
    return line.strip(" *_`\"'“”‘’").casefold() == value.casefold()


def test_every_check_has_a_reference() -> None:
    assert not [name for name in CHECKED if "reference" not in PROMPTS[name]]


@pytest.mark.parametrize("name", CHECKED)
def test_reference_passes_its_check(name: str) -> None:
    assert passes(name, PROMPTS[name]["reference"])


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_check_tells_right_from_wrong(name: str) -> None:
    sample = SAMPLES[name]
    assert [answer for answer in sample.get("right", []) if not passes(name, answer)] == []
    assert [answer for answer in sample["wrong"] if passes(name, answer)] == []


def test_every_pattern_has_a_wrong_answer_to_refuse() -> None:
    assert {name for name in CHECKED if kind(name) == "regex"} <= set(SAMPLES)


# --- code: Python ----------------------------------------------------------------------


def free_slots(free_slots: Callable[..., Any]) -> None:
    assert free_slots([(630, 700), (600, 660)], 540, 720) == [(540, 600), (700, 720)]
    assert free_slots([], 540, 720) == [(540, 720)]
    assert free_slots([(500, 800)], 540, 720) == []
    assert free_slots([(540, 600), (600, 720)], 540, 720) == []
    assert free_slots([(400, 500), (560, 570), (800, 900)], 540, 720) == [(540, 560), (570, 720)]
    assert free_slots([(550, 700), (560, 570)], 540, 720) == [(540, 550), (700, 720)]


def recipe_minutes(minutes: Callable[..., Any]) -> None:
    samples = {"1 h 20 min": 80, "45 min": 45, "2 h": 120, "2h05min": 125}
    assert {text: minutes(text) for text in samples} == samples
    for text in ("", " ", "90", "20 min 1 h", "1.5 h", "soon"):
        with pytest.raises(ValueError):
            minutes(text)


def shared_default(add_guest: Callable[..., Any]) -> None:
    assert add_guest("  mara ") == ["Mara"]
    assert add_guest("JUN") == ["Jun"]
    mine = ["Ada"]
    assert add_guest("bo", mine) == ["Ada", "Bo"]
    assert mine == ["Ada"]


def flatten_settings(flatten: Callable[..., Any]) -> None:
    [(_, pasted)] = re.findall(r"```(json)\n(.*?)```", asked("code-flatten-settings"), re.S)
    assert flatten(json.loads(pasted)) == {
        "zone.north.temp": 19,
        "zone.north.vents.0": 10,
        "zone.north.vents.1": 40,
        "zone.south.temp": 22,
        "zone.south.vents": [],
        "alarm": None,
    }
    assert flatten({"a": {}, "b": 0}) == {"a": {}, "b": 0}


def leap_year(is_leap: Callable[..., Any]) -> None:
    years = range(1583, 2501)
    assert [year for year in years if is_leap(year)] == [
        year for year in years if (date(year, 3, 1) - timedelta(days=1)).day == 29
    ]
    assert is_leap(2000) is True
    tree = ast.parse(code("code-leap-year-golf"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.If | ast.IfExp | ast.Call)]
    assert max(map(len, code("code-leap-year-golf").splitlines())) <= 70


def word_counts(word_counts: Callable[..., Any]) -> None:
    assert word_counts("The cat, the 'cat'. Don't! don’t don't") == {
        "the": 2, "cat": 2, "don't": 2, "don’t": 1,
    }  # fmt: skip
    assert word_counts("Zoë saw 3 of zoë's snake_s") == {
        "zoë": 1, "saw": 1, "of": 1, "zoë's": 1, "snake": 1, "s": 1,
    }  # fmt: skip


def choir(missing: Callable[..., Any]) -> None:
    text = "1;Wanda, Piet ,Oumar,Lu\n2;Piet,Oumar,Lu\n\n3;Oumar, Piet\n4;Piet\n5;Piet,\n"
    assert missing(text) == ["Lu", "Wanda"]
    assert missing("1;Ada\n2;Bo") == []


def moving_average(moving_average: Callable[..., Any]) -> None:
    assert moving_average([3, 5, 7, 9], 2) == [4.0, 6.0, 8.0]
    assert moving_average([3, 5], 2) == [4.0]
    assert moving_average([3, 5], 3) == []
    for width in (0, -1):
        with pytest.raises(ValueError):
            moving_average([3, 5], width)


def initials(initials: Callable[..., Any]) -> None:
    samples = {"Ludwig van Beethoven": "L.B.", "ursula": "", "  Åsa   de  Wit ": "Å.W.", "": ""}
    assert {name: initials(name) for name in samples} == samples
    assert max(map(len, code("task-initials").splitlines())) < 80


def seat_labels(seat_labels: Callable[..., Any]) -> None:
    assert seat_labels(2, 3) == ["A1", "A2", "A3", "B1", "B2", "B3"]
    assert seat_labels(9, 1)[-2:] == ["H1", "J1"]
    assert seat_labels(1, 3, {"A2"}) == ["A1", "A3"]
    assert seat_labels(25, 1)[-1] == "Z1"
    with pytest.raises(ValueError):
        seat_labels(26, 1)


PYTHON: dict[str, Callable[[Callable[..., Any]], None]] = {
    "code-free-slots": free_slots,
    "code-recipe-minutes": recipe_minutes,
    "code-shared-default": shared_default,
    "code-flatten-settings": flatten_settings,
    "code-leap-year-golf": leap_year,
    "code-word-count-again": word_counts,
    "code-choir-absences": choir,
    "task-moving-average": moving_average,
    "task-initials": initials,
    "task-seat-labels": seat_labels,
}


@pytest.mark.parametrize("name", PYTHON)
def test_python_reference(name: str) -> None:
    namespace: Table = {}
    exec(compile(code(name), name, "exec"), namespace)
    [function] = [value for value in namespace.values() if type(value).__name__ == "function"]
    PYTHON[name](function)


# --- code: SQL, shell, regular expressions ---------------------------------------------

SQL: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "code-overdue-loans": (
        """
        CREATE TABLE members(id, name); CREATE TABLE loans(id, member_id, title, due, returned);
        INSERT INTO members VALUES (1, 'Ada'), (2, 'Boris'), (3, 'Cleo'), (4, 'Abe'), (5, 'Dan');
        INSERT INTO loans VALUES
          (1, 1, 'a', '2024-01-10', NULL), (2, 1, 'b', '2024-02-29', NULL),
          (3, 2, 'c', '2024-01-10', '2024-02-20'), (4, 3, 'd', '2024-01-01', NULL),
          (5, 3, 'e', '2024-03-01', NULL), (6, 4, 'f', '2023-12-01', NULL);
        """,
        [("Ada", 2), ("Abe", 1), ("Cleo", 1)],
    ),
    "code-vanishing-shops": (
        """
        CREATE TABLE shops(id, name); CREATE TABLE sales(shop_id, amount, sold_on);
        INSERT INTO shops VALUES (1, 'Dock'), (2, 'Mill'), (3, 'Arch');
        INSERT INTO sales VALUES (1, 10, '2024-05-01'), (1, 5, '2024-05-31'), (1, 7, '2024-06-01'),
          (2, 9, '2024-04-30');
        """,
        [("Arch", 0), ("Dock", 15), ("Mill", 0)],
    ),
    "code-latest-reading": (
        """
        CREATE TABLE readings(sensor, taken_at, celsius);
        INSERT INTO readings VALUES ('b', '10:00', 7.5), ('a', '09:00', 30.0), ('a', '10:00', 4.0),
          ('b', '08:00', 9.0), ('a', '08:00', 4.0);
        """,
        [("a", "10:00", 4.0), ("b", "10:00", 7.5)],
    ),
    "task-not-in-null": (
        """
        CREATE TABLE plots(number); CREATE TABLE members(name, plot);
        INSERT INTO plots VALUES (1), (2), (3);
        INSERT INTO members VALUES ('a', 2), ('b', NULL);
        """,
        [(1,), (3,)],
    ),
}


@pytest.mark.parametrize("name", SQL)
def test_sql_reference(name: str) -> None:
    tables, rows = SQL[name]
    with sqlite3.connect(":memory:") as database:
        database.executescript(tables)
        assert database.execute(code(name)).fetchall() == rows


@pytest.mark.parametrize("name", ["code-vanishing-shops", "task-not-in-null"])
def test_sql_as_pasted_shows_the_fault(name: str) -> None:
    tables, rows = SQL[name]
    [pasted] = re.findall(r"```sql\n(.*?)```", asked(name), re.S)
    with sqlite3.connect(":memory:") as database:
        database.executescript(tables)
        assert database.execute(pasted).fetchall() != rows


def shell(command: str, folder: Path) -> str:
    command = f"unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE; {command}"
    done = subprocess.run(["sh", "-ec", command], cwd=folder, capture_output=True, text=True, timeout=99)
    assert done.returncode == 0, done.stderr
    return done.stdout


def server_errors(folder: Path) -> None:
    log = re.findall(r"^ {4}(\S+ (?:GET|POST) .+)$", asked("code-server-errors"), re.M)
    (folder / "access.log").write_text("\n".join(log) + "\n")
    lines = [line.split() for line in shell(code("code-server-errors"), folder).splitlines()]
    assert len(log) == 5
    assert lines == [["2", "/pay"], ["1", "/tickets"]]


def undo_commit(folder: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    settings = "-c user.name=t -c user.email=t@example.org -c commit.gpgsign=false"
    commit = f"git add a; git {settings} commit -qm x"
    shell(f"git init -q .; echo 1 > a; {commit}; echo 2 > a; {commit}", folder)
    shell(code("code-undo-commit"), folder)
    state = shell("git rev-list --count HEAD; git diff --cached --name-only; cat a", folder)
    assert state.split() == ["1", "a", "2"]


def count_wav(folder: Path) -> None:
    for path in ("tapes/a.wav", "tapes/b c/d.wav", "tapes/b c/d.mp3", "e.wav"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    assert shell(code("task-count-wav"), folder).strip() == "2"


SHELL: dict[str, Callable[[Path], None]] = {
    "code-server-errors": server_errors,
    "code-undo-commit": undo_commit,
    "task-count-wav": count_wav,
}


@pytest.mark.parametrize("name", SHELL)
def test_shell_reference(name: str, tmp_path: Path) -> None:
    SHELL[name](tmp_path)


def test_clock_regex() -> None:
    pattern = code("code-clock-regex").strip()
    every = [f"{hour:02}:{minute:02}" for hour in range(100) for minute in range(100)]
    good = [text for text in every if re.fullmatch(pattern, text)]
    assert good == [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]
    bad = ("7:45", "07:45 ", "0745", "x07:45", "07:455")
    assert not [text for text in bad if re.search(pattern, text)]


def test_no_code_reference_is_left_out() -> None:
    assert {name for name in PROMPTS if fences(name)} == {*PYTHON, *SQL, *SHELL, "code-clock-regex"}


# --- sums ------------------------------------------------------------------------------


def run_pasted(name: str) -> float:
    """What the Python in a prompt prints, or the expression in backticks evaluates to."""
    text = asked(name)
    printed: list[float] = []
    found = re.search(r"```python\n(.*?)```|`(print\(.*?\))`", text, re.S)
    assert found
    exec(found[1] or found[2], {"print": printed.append})
    return printed[-1]


def angles(corners: int) -> float:
    """Sum of the interior angles of a regular polygon, measured corner by corner."""
    points = [cmath.rect(1, math.tau * k / corners) for k in range(corners)]
    turns = [
        (points[k - 1] - points[k]) / (points[(k + 1) % corners] - points[k]) for k in range(corners)
    ]
    return math.degrees(sum(abs(cmath.phase(turn)) for turn in turns))


def snail() -> int:
    height, day = Fraction(0), 1
    while height + 4 < 14:
        height, day = height + 4 - Fraction(3, 2), day + 1
    return day


def pedalling() -> int:
    """Turns a minute on the 20-tooth sprocket that give the speed of 80 on the 16-tooth one."""
    speed = Fraction(80 * 44, 16)
    return next(rate for rate in range(1, 300) if Fraction(rate * 44, 20) == speed)


def library_fee() -> float:
    def fee(returned: date) -> float:
        late = max(0, (returned - date(2023, 5, 2)).days - 21)
        return min(12.0, 0.40 * max(0, late - 3))

    return (fee(date(2023, 5, 30)) + fee(date(2023, 7, 15))) / 2


def electricity() -> float:
    energy = sum(0.28 if unit < 100 else 0.34 for unit in range(265))
    return energy * 0.95 + 9.80


def four_rolls() -> float:
    rolls = list(itertools.product(range(1, 7), repeat=4))
    return sum(6 in roll for roll in rolls) / len(rolls)


def diamond() -> float:
    def operation(a: int, b: int) -> int:
        return a * b - a - b + 2

    assert (operation(3, 4), operation(2, 5)) == (7, 5)
    [x] = [n for n in range(1, 100) if operation(n, n) == 50]
    [e] = [n for n in range(-99, 100) if all(operation(n, b) == b for b in range(-9, 10))]
    return x + e


def compound_gap() -> float:
    money = 1000.0
    for _ in range(4):
        money += money * 0.05
    return money - (1000 + 4 * 50)


def handshakes() -> int:
    people = ["host", *"abc", *range(9)]
    return sum(not {*pair} <= {*"abc"} for pair in itertools.combinations(people, 2))


def slope(x: float) -> float:
    step = 1e-6
    return ((x + step) ** 2 * math.log(x + step) - (x - step) ** 2 * math.log(x - step)) / (2 * step)


def extra_root() -> float:
    return sum(x for x in range(-7, 1000) if math.sqrt(x + 7) == x - 5)


SUMS: dict[str, Callable[[], float]] = {
    "code-rounding-halves": lambda: run_pasted("code-rounding-halves"),
    "code-repeated-row": lambda: run_pasted("code-repeated-row"),
    "math-rent-split": lambda: 1380 * (11 + 33 / 2) / (16 + 11 + 33),
    "math-vinegar-dilution": lambda: next(w for w in range(5000) if 4 * (750 + w) == 75 * 100),
    "math-gcd": lambda: math.gcd(1001, 1309),
    "math-slope-at-e": lambda: slope(math.e),
    "math-diamond-operation": diamond,
    "math-extra-root": extra_root,
    "math-four-rolls": four_rolls,
    "math-market-stall": lambda: statistics.fmean([4.5] * 12 + [7.0] * 8 + [3.8] * 15 + [4.2] * 5),
    "math-rare-disease": lambda: 100 * (0.95 / 500) / (0.95 / 500 + 0.04 * 499 / 500),
    "math-handshakes-on": handshakes,
    "math-lidded-kettle": lambda: next(lid for lid in range(1300) if 1300 - lid == lid + 1000),
    "math-slipping-snail": snail,
    "math-two-fences": lambda: len(range(0, 61, 4)) + len(range(0, 60, 4)),
    "math-brick-steps": lambda: -sum(range(2, 25, 2)) % 50,
    "math-bicycle-gears": pedalling,
    "math-pizza-value": lambda: 100 * ((2 * 14**2 / 14) / (20**2 / 16) - 1),
    "practical-course-savings": lambda: 2140 - sum((820, 95, 48, 160, 390)) - 2400 / 6,
    "practical-train-or-car": lambda: 6 * 34.50 * 0.8 - (2 * 412 * 6.8 / 100 * 1.75 + 18),
    "task-twelve-gon": lambda: angles(12),
    "task-electricity-bill": electricity,
    "task-library-rules": library_fee,
    "task-per-cent-points": lambda: 100 * (30 / 24 - 1),
    "task-church-clock": lambda: (12 - 1) * 5 / (6 - 1),
    "task-band-tour": lambda: (350 + 280 + 0.85 * 420 - 4 * 64 - 190 - 3 * 60) / 4,
    "talk-leap-year-1900": lambda: (date(1900, 3, 1) - date(1900, 2, 1)).days,
    "explain-compound-interest-three": compound_gap,
}


@pytest.mark.parametrize("name", SUMS)
def test_sum(name: str) -> None:
    """Equal within the check's tolerance, or within what its rounding asks for."""
    check = PROMPTS[name]["check"]
    assert abs(SUMS[name]() - float(check["value"])) <= check.get("tolerance", 0.0) + 1e-6


def test_no_sum_is_left_out() -> None:
    assert {name for name in CHECKED if kind(name) == "numeric"} == set(SUMS)


# --- answers that follow from the prompt itself -----------------------------------------


def meeting() -> str:
    """The one start of ninety minutes, on a half-hour grid, that suits all four diaries."""
    evening = (17.0, 21.0)
    free: dict[str, dict[str, tuple[float, float]]] = {
        "Ines": {"Monday": evening, "Wednesday": (18.0, 21.0), "Thursday": evening},
        "Bao": dict.fromkeys(("Tuesday", "Wednesday", "Thursday"), (18.5, 21.0)),
        "Greta": {"Tuesday": (17.0, 19.0), "Thursday": evening, "Friday": evening},
        "Sol": dict.fromkeys(("Monday", "Tuesday", "Thursday", "Friday"), (17.0, 20.0)),
    }
    found = [
        (day, start)
        for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
        for start in (17 + half / 2 for half in range(8))
        if all(
            slots.get(day, (0.0, 0.0))[0] <= start and start + 1.5 <= slots.get(day, (0.0, 0.0))[1]
            for slots in free.values()
        )
    ]
    [(day, start)] = found
    return f"{day} {int(start)}:{int(start % 1 * 60):02}"


def fasting() -> str:
    operation = datetime(2024, 6, 12, 11, 15)
    arrival = operation - timedelta(minutes=90)
    times = (arrival - timedelta(hours=6), arrival - timedelta(hours=2), arrival)
    return r"[\s\S]*".join(f"{time.hour}:{time.minute:02}" for time in times)


def planets() -> str:
    names = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
    return " > ".join(f"{name} ({len(name)})" for name in names)


def third_words() -> str:
    lines = re.findall(r"^ {4}(.+)$", asked("follow-third-words"), re.M)
    return " ".join(line.split()[2] for line in lines).capitalize() + "."


def alphabetical() -> str:
    [listed] = re.findall(r"its place: (.*?)\.", asked("follow-almost-alphabetical"))
    words = listed.split(", ")
    assert words != sorted(words)
    return ", ".join(sorted(words))


def shouted() -> str:
    quoted = asked("follow-shouted-words").split('"')[1]
    return "-".join(word for word in re.findall(r"\b[A-Z]{2,}\b", quoted) if word != "NATO")


def shopping() -> str:
    words = asked("task-sorted-shopping").split(":")[0].split(", ")
    return json.dumps(sorted(words, key=lambda word: (len(word), word)))


def flan() -> str:
    def to_five(grams: int) -> int:
        return 5 * round(grams * 10 / 6 / 5)

    eggs, pods = math.ceil(40 / 6), math.ceil(10 / 6)
    return rf"{eggs} eggs\n{to_five(500)} ml milk\n{to_five(120)} g sugar\n{pods} vanilla"


def iso_dates() -> str:
    days = [date(2004, 7, 9), date(2016, 2, 29), date(1987, 10, 31)]
    return "\n".join(day.isoformat() for day in sorted(days))


def prime() -> str:
    return "No" if any(51 % n == 0 for n in range(2, 51)) else "Yes"


def countdown() -> str:
    words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    lines = r"[^\n]*\n".join(rf"[^\n]*\b{word}\b" for word in reversed(words.split()))
    return rf"(?i)\A{lines}[^\n]*\s*\Z"


DERIVED: dict[str, Callable[[], str]] = {
    "practical-four-diaries": lambda: re.escape(meeting()),
    "practical-fasting-letter": fasting,
    "practical-flan-for-ten": flan,
    "facts-planets-counted": lambda: re.escape(planets()),
    "follow-third-words": lambda: re.escape(third_words()),
    "follow-almost-alphabetical": lambda: re.escape(alphabetical()),
    "follow-shouted-words": lambda: re.escape(shouted()),
    "follow-iso-dates": lambda: re.escape(iso_dates()),
    "follow-record-json": lambda: rf'"year": {1983 + 2}, "tracks": 12',
    "follow-numbers-in-words": lambda: {20: "twenty"}[2 * 8 + 4],
    "follow-one-word-oracle": prime,
    "creative-countdown-poem": countdown,
    "task-sorted-shopping": lambda: re.escape(shopping()),
    "task-kilograms-only": lambda: re.escape(f"{(3 * 14 + 5) * 0.45359237:.1f}"),
    "task-ten-tenths": lambda: str(0.1 + 0.2 == 0.3) + r"$",
}
"""Prompt id to a pattern for the reference, computed from the prompt or from first principles."""


@pytest.mark.parametrize("name", DERIVED)
def test_derived_answer(name: str) -> None:
    assert re.search(DERIVED[name](), PROMPTS[name]["reference"])


# --- lengths that a prompt demands ------------------------------------------------------

WORDS: dict[str, tuple[str, int, int]] = {
    "facts-honey-card": (r"[\s\S]+", 1, 70),
    "facts-reference-desk": (r"[\s\S]+", 1, 80),
    "facts-telephone-entry": (r"\A[^\n]+", 60, 90),
    "creative-kettle-ghost": (r"[\s\S]+", 60, 130),
    "follow-twenty-words-compost": (r"[\s\S]+", 20, 20),
    "follow-winter-lipogram": (r"[\s\S]+", 10, 15),
    "rewrite-two-witnesses": (r"[\s\S]+", 60, 100),
    "talk-only-questions": (r"[\s\S]+", 4, 25),
}
"""The part of the reference that counts, and the fewest and most words it may have."""


@pytest.mark.parametrize("name", WORDS)
def test_reference_keeps_its_length(name: str) -> None:
    part, least, most = WORDS[name]
    found = re.search(part, PROMPTS[name]["reference"])
    assert found
    assert least <= len(found[0].split()) <= most


def test_summaries_have_the_lengths_they_announce() -> None:
    parts = re.findall(r"^(\d+): (.+)$", PROMPTS["rewrite-hundred-forty-twelve"]["reference"], re.M)
    assert [(int(count), len(text.split())) for count, text in parts] == [(60, 60), (30, 30), (12, 12)]


def test_judge_is_answered_within_her_limit() -> None:
    assert 150 <= len(PROMPTS["explain-significant-judge"]["reference"].split()) <= 200
