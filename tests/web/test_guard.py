"""Nobody gets a page who should not: token, host, origin, and the headers of every answer."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from brie.project import Project
from brie.records import Manifest
from brie.web.app import create_app
from brie.web.guard import LARGEST_BODY, Access
from tests.web.conftest import Client

BASE = "http://127.0.0.1:8321"


def bare(world: tuple[Project, Manifest], access: Access, **headers: str) -> TestClient:
    return TestClient(create_app(world[0], access), base_url=BASE, headers=headers)


@pytest.mark.parametrize("path", ["/", "/vote", "/static/style.css", "/eval/x", "/nothing"])
def test_without_a_token_there_is_nothing(
    path: str, world: tuple[Project, Manifest], access: Access
) -> None:
    assert bare(world, access).get(path).status_code == 403
    assert bare(world, access).get(f"{path}?token=guess").status_code == 403


def test_the_token_moves_from_the_address_to_a_cookie(
    world: tuple[Project, Manifest], access: Access
) -> None:
    answer = bare(world, access).get(f"/?x=1&token={access.viewer}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?x=1"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_the_redirection_stays_on_this_host(world: tuple[Project, Manifest], access: Access) -> None:
    answer = bare(world, access).get(f"//evil.example/?token={access.viewer}", follow_redirects=False)
    assert not answer.headers.get("location", "/").startswith(("//", "http"))


@pytest.mark.parametrize(
    "host", ["evil.example:8321", "127.0.0.1", "127.0.0.1:9", "127.0.0.1.evil.example:8321"]
)
def test_another_host_name_is_refused(host: str, client: Client) -> None:
    assert client("viewer").get("/", headers={"host": host}).status_code == 403


def test_localhost_is_the_same_machine(client: Client) -> None:
    assert client("viewer").get("/", headers={"host": "localhost:8321"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8321", "http://127.0.0.1:1"]
)
def test_a_form_of_another_page_is_refused(
    origin: str, client: Client, world: tuple[Project, Manifest]
) -> None:
    path = f"/vote/{world[1].id}/name"
    answer = client("viewer").post(path, data={"name": "Eve"}, headers={"origin": origin})
    assert answer.status_code == 403


def test_a_form_without_origin_is_refused(world: tuple[Project, Manifest], access: Access) -> None:
    made = bare(world, access)
    made.get(access.url("viewer"))
    assert made.post(f"/vote/{world[1].id}/name", data={"name": "Eve"}).status_code == 403


def test_a_voter_cannot_open_the_viewer(client: Client, world: tuple[Project, Manifest]) -> None:
    voter = client("voter")
    name = world[1].id
    for path in (
        "/",
        f"/eval/{name}",
        f"/eval/{name}/report",
        "/static/style.css",
        "/run/letters",
        "/voters",
    ):
        assert voter.get(path).status_code == 403, path
    assert voter.get(f"/vote/{name}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/vote", "/static/viewer.js", "/nothing"])
def test_every_answer_carries_the_strict_headers(path: str, client: Client) -> None:
    headers = client("viewer").get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_the_report_allows_its_own_style_sheet_and_its_own_script_alone(
    client: Client, world: tuple[Project, Manifest]
) -> None:
    answer = client("viewer").get(f"/eval/{world[1].id}/report")
    assert "script-src 'sha256-" in answer.headers["content-security-policy"]
    assert "'self'" not in answer.headers["content-security-policy"]
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]


def test_a_huge_body_is_not_read(client: Client, world: tuple[Project, Manifest]) -> None:
    answer = client("viewer").post(
        f"/vote/{world[1].id}/name", content=b"name=" + b"x" * (20 * LARGEST_BODY)
    )
    assert answer.status_code == 400


def test_an_address_must_be_asked_for_to_be_reached_by_name() -> None:
    local, open_ = Access(port=80), Access(port=80, host="0.0.0.0")
    assert not local.knows("192.168.0.7:80")
    assert open_.knows("192.168.0.7:80")
    assert not open_.knows("rebound.example:80")
    assert Access(port=80, host="box.local").knows("box.local:80")


def test_the_printed_address_carries_the_token() -> None:
    access = Access(port=80, host="0.0.0.0")
    assert access.url("viewer") == f"http://127.0.0.1:80/?token={access.viewer}"
    assert access.viewer != access.voter
    assert Access(port=80).viewer != Access(port=80).viewer
