"""Who gets in: the page that livefill served, and nobody else; and nothing that anybody sends is an error of ours."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import synthetic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from livefill.errors import ConfigError
from livefill.panel.board import Board
from livefill.panel.guard import HEADERS
from livefill.panel.messages import Message, SetMask
from livefill.panel.server import Server, hosts_for
from livefill.profile import save_profile


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


class Client:
    """Speaks to a real server; paths go out as they are."""

    def __init__(self, server: Server) -> None:
        _, _, self.host, self.token, _ = server.url.split("/")
        self.ours = {"Origin": f"http://{self.host}"}

    def ask(
        self, path: str, method: str = "GET", *, body: bytes = b"", root: str | None = None, **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            connection.putrequest(method, (f"/{self.token}/" if root is None else root) + path, skip_host=True)
            for name, value in {"Host": self.host, "Content-Length": str(len(body)), **headers}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def talk(self, origin: str | None) -> ClientConnection:
        return connect(f"ws://{self.host}/{self.token}/ws", origin=origin)  # type: ignore[arg-type]


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def client(board: Board, home: Path) -> Iterator[Client]:
    server = Server(board)
    yield Client(server)
    server.close()


def test_the_page_and_its_parts_are_served_with_strict_headers(client: Client) -> None:
    page = client.ask("")
    assert page.status == 200
    assert b"<h1" in page.body
    assert {name: page.headers[name] for name in HEADERS} == HEADERS
    assert "'unsafe" not in page.headers["content-security-policy"]
    for name in ("panel.js", "panel.css"):
        assert client.ask(name).status == 200


PATHS_OUTSIDE = ["/", "/panel.js", "/ws", "/wrong-token/", "/{token}x/", "//", "/%00/", "/{short}/"]
HOSTS = ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1:{port}.evil.example"]


@pytest.mark.parametrize("path", PATHS_OUTSIDE)
def test_without_the_token_nothing_is_served(client: Client, path: str) -> None:
    answer = client.ask(path.format(token=client.token, short=client.token[:-1]), root="")
    assert answer.status == 403
    assert "Open the address" in answer.error


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_for_this_machine_is_refused(client: Client, host: str) -> None:
    assert client.ask("", Host=host.format(port=client.host.split(":")[1])).status == 403


@pytest.mark.parametrize("host", ["localhost:{port}", "LocalHost:{port}", "[::1]:{port}"])
def test_its_own_names_are_taken_however_they_are_written(client: Client, host: str) -> None:
    assert client.ask("", Host=host.format(port=client.host.split(":")[1])).status == 200


def test_a_name_with_capitals_is_opened_as_browsers_write_it(board: Board, home: Path) -> None:
    server = Server(board, host="LocalHost")
    try:
        client = Client(server)
        ours = f"localhost:{client.host.split(':')[1]}"
        assert client.ask("", Host=ours).status == 200
        assert client.ask("mask", "DELETE", Host=ours, Origin=f"http://{ours}").status == 204
    finally:
        server.close()


def test_on_port_80_the_port_may_be_left_out() -> None:
    assert sorted(hosts_for("studio", 80)) == ["studio", "studio:80"]
    assert hosts_for("studio", 8080) == ["studio:8080"]
    assert set(hosts_for("127.0.0.1", 80)) >= {"127.0.0.1", "127.0.0.1:80", "localhost", "[::1]"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0:0::0"])
def test_a_host_that_no_browser_can_open_is_refused(board: Board, host: str) -> None:
    with pytest.raises(ConfigError, match="give the machine's own address"):
        Server(board, host=host)


@pytest.mark.parametrize("host", ["", "a..b", "x" * 70, "caf\udce9", "\u2488com"])
def test_a_host_that_is_no_name_is_an_error_of_ours(board: Board, host: str) -> None:
    with pytest.raises(ConfigError, match="the panel cannot listen on"):
        Server(board, host=host)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8765", "http://127.0.0.1:9"])
def test_another_site_is_refused(client: Client, board: Board, origin: str) -> None:
    assert client.ask("", Origin=origin).status == 403
    assert client.ask("mask", "PUT", body=b"x", Origin=origin).status == 403
    with pytest.raises(InvalidStatus, match="403"):
        client.talk(origin)
    assert board.take() == []


def test_what_changes_something_needs_an_origin(client: Client, board: Board) -> None:
    assert client.ask("mask", "DELETE").status == 403
    assert board.take() == []
    assert client.ask("mask", "DELETE", **client.ours).status == 204
    assert board.take() == [SetMask(None)]
    with pytest.raises(InvalidStatus, match="403"):
        client.talk(None)


def test_a_profile_is_shown_and_no_other_file(client: Client) -> None:
    save_profile(synthetic.person("ada"))
    found = client.ask("profiles/ada.jpg")
    assert found.headers["content-type"] == "image/jpeg"
    assert found.body[:2] == b"\xff\xd8"
    for name in ("grace", "..%2f..%2fetc%2fpasswd", "%2e%2e", "ada%00"):
        assert client.ask(f"profiles/{name}.jpg").status == 404
    assert "no profile 'grace'" in client.ask("profiles/grace.jpg").error
    assert client.ask("pending.jpg").status == 404


def test_a_mask_that_is_too_large_is_not_read_to_its_end(client: Client, board: Board) -> None:
    assert client.ask("mask", "PUT", body=b"x" * 1_100_000, **client.ours).status == 413
    assert "has to be a PNG" in client.ask("mask", "PUT", body=b"x", **client.ours).error
    assert board.take() == []


def test_commands_arrive_as_they_were_meant(client: Client, board: Board) -> None:
    with client.talk(client.ours["Origin"]) as page:
        for text in ({"do": "pause", "on": True}, {"do": "calibrate"}, {"do": "set", "key": "feather", "value": 2}):
            page.send(json.dumps(text))
        page.send('{"do":"set","key":"mask","value":"/etc/passwd"}')
        refused = json.loads(page.recv(5))
    assert refused["kind"] == "error"
    assert "Invalid enum value 'mask'" in refused["text"]
    assert [type(message).__name__ for message in board.take()] == ["Pause", "Calibrate", "Change"]


PATHS = st.one_of(
    st.sampled_from(["", "ws", "devices", "mask", "pending.jpg", "profiles/a.jpg", "panel.js"]),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace").decode("latin-1")),
)
MESSAGES = st.one_of(
    st.text(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    ).map(json.dumps),
    st.builds(
        lambda do, key, value: json.dumps({"do": do, "key": key, "value": value}),
        st.sampled_from(["set", "pause", "ready", "record", "calibrate", "boom"]),
        st.sampled_from(["camera", "fps", "size", "badge", "profile", "mask", "__class__"]),
        st.none() | st.floats() | st.booleans() | st.text(max_size=12),
    ),
)
FUZZ = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


METHODS = st.sampled_from(["GET", "PUT", "DELETE", "POST", "HEAD", "OPTIONS"])


@FUZZ
@given(path=PATHS, method=METHODS, body=st.binary(max_size=60))
def test_no_request_is_an_error_of_ours(client: Client, path: str, method: str, body: bytes) -> None:
    assert client.ask(quote(path, safe="/"), method, body=body, **client.ours).status < 500


@FUZZ
@given(texts=st.lists(MESSAGES, min_size=1, max_size=4))
def test_no_message_is_an_error_of_ours(client: Client, board: Board, texts: list[str]) -> None:
    with client.talk(client.ours["Origin"]) as page:
        for text in texts:
            page.send(text.encode("utf-8", "replace").decode())
        page.send('{"do":"set","key":"the last","value":0}')
        told: list[dict[str, Any]] = []
        while not told or "'the last'" not in told[-1]["text"]:
            told.append(json.loads(page.recv(5)))
    assert {message["kind"] for message in told} == {"error"}
    taken: list[Message | SetMask] = board.take()
    assert not any(isinstance(message, SetMask) for message in taken)
