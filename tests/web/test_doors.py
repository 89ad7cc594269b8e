"""Who gets in: headers, hosts, origins and tokens, over real HTTP.

Every door is tried where the app listens on loopback, and where it listens on all addresses of a
container: it is then reached through one that loopback's server has not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from rag.assistant import Assistant

from .conftest import Site, start

ANOTHER_ADDRESS = "127.0.0.2"
"""An address of this machine at which a server of 127.0.0.1 alone does not answer."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module", params=["127.0.0.1", "0.0.0.0"])
def site(request: pytest.FixtureRequest, samples: Assistant) -> Iterator[Site]:
    bind = ["--bind", request.param]
    site = start(samples.settings.home, "--engine", "embedded", *bind)
    yield site if request.param == "127.0.0.1" else replace(site, reached_at=ANOTHER_ADDRESS)
    site.stop()


def foreign_hosts(site: Site) -> list[str]:
    return [
        "vouch",
        f"vouch:{site.port}",
        f"0.0.0.0:{site.port}",
        f"{ANOTHER_ADDRESS}:{site.port}",
        "evil.test",
        f"evil.test:{site.port}",
        f"127.0.0.1.evil.test:{site.port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "",
    ]


def foreign_origins(site: Site) -> list[str]:
    return [
        "http://evil.test",
        "null",
        "http://127.0.0.1:1",
        "http://localhost:8501",
        f"https://{site.own}",
        f"http://localhost:{site.port}",
        f"http://{site.own}.evil.test",
    ]


def test_every_answer_carries_the_security_headers_refusals_included(site: Site) -> None:
    answers = [
        site.ask("/", site.cookie),
        site.ask("/_stcore/health", site.cookie),
        site.ask("/"),
        site.ask("/", {"Host": "evil.test"}),
        site.ask("/", {"Origin": "null"}),
    ]
    assert [a.status for a in answers] == [200, 200, 401, 421, 403]
    for answer in answers:
        assert HEADERS.items() <= {k.lower(): v for k, v in answer.getheaders()}.items()
        assert answer.headers["content-security-policy"]


def test_the_policy_names_no_outside_host_and_no_unsafe_script(site: Site) -> None:
    policy = site.ask("/").headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert "http" not in policy
    assert "*" not in policy
    assert "unsafe" not in directives["script-src"]
    assert directives["connect-src"] == "'self'"
    assert directives["default-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"


def test_a_foreign_host_is_refused_even_with_the_cookie(site: Site) -> None:
    for host in foreign_hosts(site):
        assert site.ask("/", {"Host": host, **site.cookie}).status == 421, host
        assert site.knock({"Host": host, **site.cookie}) == 403, host


def test_two_hosts_are_refused(site: Site) -> None:
    assert site.ask("/", {"host": site.own, "Host": site.own, **site.cookie}).status in (400, 421)


def test_a_foreign_origin_is_refused_even_with_the_cookie(site: Site) -> None:
    for origin in foreign_origins(site):
        assert site.ask("/", {"Origin": origin, **site.cookie}).status == 403, origin
        assert site.knock({"Origin": origin, **site.cookie}) == 403, origin


def test_our_own_page_gets_in_under_each_of_our_names(site: Site) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        own = {"Host": f"{name}:{site.port}", "Origin": f"http://{name}:{site.port}"}
        assert site.ask("/", {**own, **site.cookie}).status == 200
    assert site.knock({"Origin": f"http://{site.own}", **site.cookie}) == 101


@pytest.mark.parametrize(
    "path", ["/", "/documents", "/_stcore/health", "/_stcore/metrics", "/_stcore/host-config",
             "/_stcore/agent/openapi.json", "/static/js/index.js", "/media/x", "/?token=wrong",
             "/?token=", "/?token=%C3%A9"]
)  # fmt: skip
def test_without_the_token_nothing_answers(site: Site, path: str) -> None:
    assert site.ask(path).status == 401
    assert site.ask(path, {"Cookie": f"vouch-{site.port}=wrong"}).status == 401


def test_without_the_token_the_websocket_stays_closed(site: Site) -> None:
    assert site.knock({}) == 403
    assert site.knock({"Origin": f"http://{site.own}"}) == 403
    token = site.address.partition("?")[2]
    assert site.ask(f"/_stcore/stream?{token}", {"Upgrade": "websocket"}).status != 101


def test_the_token_is_traded_for_a_cookie_that_scripts_and_other_sites_cannot_use(
    site: Site,
) -> None:
    answer = site.ask(site.address.removeprefix(f"http://{site.own}"))
    assert answer.status == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"vouch-{site.port}=")
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert site.ask("/", {"Cookie": cookie.partition(";")[0]}).status == 200


def test_signing_in_never_leads_to_another_site(site: Site) -> None:
    token = site.address.partition("?")[2]
    for path in ("//evil.test/", "/\\evil.test/", "///evil.test"):
        location = site.ask(f"{path}?{token}").headers["location"]
        assert location.startswith("/"), path
        assert not location.startswith(("//", "/\\")), path


def test_streamlits_agent_api_is_off(site: Site) -> None:
    own = {"Content-Type": "application/json", "Content-Length": "0", **site.cookie}
    assert site.ask("/_stcore/agent/interact", own, "POST").status >= 400


def test_people_are_told_loopbacks_address_wherever_it_listens(site: Site) -> None:
    assert site.address.startswith(f"http://127.0.0.1:{site.port}/?token=")


def test_it_listens_on_loopback_only_unless_it_is_told_to(
    site: Site, request: pytest.FixtureRequest
) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(site.process.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [request.node.callspec.params["site"]]
