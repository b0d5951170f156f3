"""The real server on a real socket."""

from __future__ import annotations

import http.client
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import pytest

from wgreconcile.api.lanes import slow_paths
from wgreconcile.api.request import Request
from wgreconcile.api.route import Route
from wgreconcile.api.routes import ROUTES
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.serve import DEFAULT_LISTEN, Server
from wgreconcile.api.services import Services
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.errors import UsageError

from .dashboard import OK, PASSWORD, USERNAME, answer, refused

WAITING = threading.Semaphore(0)
MEETING = threading.Barrier(4, timeout=20)
CREDENTIALS = json.dumps({"username": USERNAME, "password": PASSWORD}).encode()


class Browser:
    """Keeps cookies from one request to the next."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body, {"Cookie": cookie}, **options)
            response = connection.getresponse()
            content = response.read()
        for header in response.headers.get_all("Set-Cookie") or []:
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(content) if is_json and content else content


@pytest.fixture
def port(app: Any) -> Iterator[int]:
    with serving(app) as port:
        yield port


@contextmanager
def serving(app: Any, slow: tuple[str, ...] = (), **options: int) -> Iterator[int]:
    server = Server(app, "127.0.0.1:0", slow, **{"threads": 4, "quick_threads": 4, **options})
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server.port
    server.close()
    thread.join(10)
    assert not thread.is_alive()


def test_listens_on_this_host_by_default() -> None:
    assert DEFAULT_LISTEN == "127.0.0.1:10086"


def test_sign_in_use_and_sign_out(port: int) -> None:
    browser = Browser(port)
    assert browser.send("GET", "/api/handshake") == (401, refused("Unauthorized access."))
    assert browser.send("POST", "/api/authenticate/", CREDENTIALS) == (200, answer(False, ok=True))
    assert browser.send("GET", "/api/handshake?") == (200, OK)
    assert browser.send("HEAD", "/api/handshake") == (200, b"")
    assert browser.send("GET", "/api/signout") == (200, answer("", ok=True))
    assert browser.send("GET", "/api/handshake")[0] == 401
    status, page = browser.send("GET", "/")
    assert status == 200 and page.startswith(b"<!DOCTYPE html>")


def test_chunked_body(port: int) -> None:
    chunks = iter([CREDENTIALS[:10], CREDENTIALS[10:]])
    sent = Browser(port).send("POST", "/api/authenticate", chunks, encode_chunked=True)
    assert sent == (200, answer(False, ok=True))


def test_large_body_is_refused_in_the_envelope(port: int) -> None:
    message = "The body is larger than 1024 KiB."
    assert Browser(port).send("POST", "/api/authenticate", b"x" * (1024 * 1024 + 1)) == (200, refused(message))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/handshake\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        b"POST /api/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_nonsense_on_the_wire_does_no_harm(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        received = connection.recv(65536)
    assert b"Traceback" not in received and b"200 OK" not in received
    assert Browser(port).send("GET", "/api/getDashboardVersion")[0] == 200


def spoken(port: int, sent: bytes) -> tuple[int, str, Any]:
    """Status, head and body of the one answer to raw bytes, after which the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), json.loads(body)


POST = b"POST /api/authenticate HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (b"nonsense\r\n\r\n", 400, "Start line is invalid."),
        (b"get / HTTP/1.1\r\n\r\n", 400, "Malformed HTTP method."),
        (POST + b"no colon\r\n\r\n", 400, "Invalid header."),
        (POST + b"Cookie: session=secret\rx\r\n\r\n", 400, "Bare CR or LF found in header line."),
        (POST + b"Content-Length: -5\r\n\r\n", 400, "Content-Length is invalid."),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, "Invalid chunk size."),
        (
            POST + b"Content-Length: 9999999\r\nExpect: 100-continue\r\n\r\n",
            413,
            "The body is larger than 1024 KiB.",
        ),
        (POST + b"X: " + b"y" * (65_536 - len(POST) - 3), 431, "The header is larger than 64 KiB."),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, "Transfer-Encoding requested is not supported."),
    ],
)
def test_what_is_no_request_is_answered_in_the_envelope(port: int, sent: bytes, status: int, message: str) -> None:
    found, head, body = spoken(port, sent)
    assert (found, body) == (status, refused(message))
    assert "content-type: application/json\r\n" in head.lower()
    assert "connection: close\r\n" in head.lower()


SMUGGLED = b"0\r\n\r\nGET /api/getDashboardVersion HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5", "Both Content-Length and Transfer-Encoding."),
        (POST + b"CONTENT-LENGTH:5\r\ntransfer-encoding:chunked", "Both Content-Length and Transfer-Encoding."),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding:", "Both Content-Length and Transfer-Encoding."),
        (POST + b"Content-Length: 5\r\nContent-Length: 60", "Content-Length is invalid."),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked", "Transfer-Encoding needs HTTP/1.1."),
    ],
)
def test_a_body_that_two_readers_could_end_at_two_places_is_refused(port: int, head: bytes, message: str) -> None:
    assert spoken(port, head + b"\r\nExpect: 100-continue\r\n\r\n" + SMUGGLED)[::2] == (400, refused(message))


def test_an_error_of_the_server_itself_is_in_the_envelope(caplog: pytest.LogCaptureFixture) -> None:
    def application(*_: Any) -> Any:
        raise ValueError("of nobody's concern")

    with serving(application) as port:
        assert Browser(port).send("GET", "/") == (500, refused("Internal server error."))


ODD_HEADERS = [
    *(
        b"Origin: \xff\xfe",
        b"Origin: " + b"a" * 50_000,
        b"Origin: null",
        b"Referer: \xff",
        b"Sec-Fetch-Site: \xff",
    ),
    *(
        b"Host: \xff",
        b"Host: a b",
        b"Host: ",
        b"X-Forwarded-For: " + b"1.1.1.1," * 5_000,
        b"X-Forwarded-Proto: \xff",
    ),
    *(b"Cookie: session=\xff; authToken=\xe9; =x; ;;; a=b=c", b"Cookie: " + b"session=1; " * 3_000),
    *(
        b"wg-dashboard-apikey: \xff\xe9",
        b"wg-dashboard-apikey: " + b"x" * 50_000,
        b"Content-Type: \xff;charset=\xff",
    ),
    *(b"If-None-Match: \xff", b"Range: bytes=9-1", b"Expect: \xff", b"Upgrade: websocket", b"Accept: \xff"),
    b"Access-Control-Request-Method: \xff\r\nAccess-Control-Request-Headers: \xff\r\nOrigin: http://x",
]


@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"POST", b"TRACE"])
@pytest.mark.parametrize("header", ODD_HEADERS, ids=lambda header: repr(header[:30]))
def test_odd_headers_do_no_harm(port: int, header: bytes, method: bytes) -> None:
    host = b"" if header.startswith(b"Host") else b"Host: 127.0.0.1\r\n"
    head = method + b" /api/authenticate HTTP/1.1\r\nConnection: close\r\n" + host + header
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head + b"\r\nContent-Length: 2\r\n\r\n{}")
        received = connection.makefile("rb").read()
    status, _, body = received.rpartition(b"\r\n\r\n")
    assert status.split(b" ")[1] in (b"200", b"401", b"405"), received
    assert set(json.loads(body)) == {"data", "message", "status"}


def meet(_services: Services, request: Request) -> str:
    MEETING.wait()
    return request.query["who"]


def test_handlers_run_side_by_side(make_app: Any, app: Any) -> None:
    answers: list[Any] = []

    def visit(port: int, who: str) -> None:
        answers.append(Browser(port).send("GET", f"/api/meet?who={who}")[1]["data"])

    with serving(make_app(routes=[Route("GET", "/api/meet", meet, "Meet.", public=True)])) as port:
        threads = [threading.Thread(target=visit, args=(port, who)) for who in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answers) == ["a", "b", "c", "d"]


def wait_long(_services: Services, _request: Request) -> None:
    WAITING.acquire()


LONG = Route("GET", "/api/long/{who}", wait_long, "Wait for others.", public=False, may_wait=True)


@pytest.mark.parametrize("path", ["/api/long/x", "//api/long/x", "/api/%6cong/x", "/api%2flong/x"])
def test_who_waits_long_holds_up_nobody_else(
    make_app: Any, app: Any, settings: DashboardSettings, path: str
) -> None:
    settings.set("server.auth_required", False)
    routes = [LONG, Route("GET", "/api/quick", lambda *_: "quick", "Be quick.")]
    threads = []
    with serving(make_app(routes=routes), slow_paths("", routes), threads=2, quick_threads=1) as port:
        for _ in range(6):
            threads.append(threading.Thread(target=Browser(port).send, args=("GET", path)))
            threads[-1].start()
        try:
            assert Browser(port).send("GET", "/api/quick") == (200, answer(data="quick", ok=True))
            assert all(each.is_alive() for each in threads)
        finally:
            WAITING.release(len(threads))
            for thread in threads:
                thread.join()


class Slowly:
    """Answers when it is let to, and counts how often."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun, self.gate = threading.Semaphore(0), threading.Event()

    def __call__(self, _services: Services, request: Request) -> str:
        self.asked.append(request.query["what"])
        self.begun.release()
        assert self.gate.wait(20)
        if request.query["what"] == "nothing":
            raise UsageError("there is nothing")
        return request.query["what"] * 1_000_000


def test_who_comes_together_shares_a_large_answer(make_app: Any, app: Any, settings: DashboardSettings) -> None:
    settings.set("server.auth_required", False)
    slowly, answers = Slowly(), list[Any]()
    routes = [Route("GET", "/api/large", slowly, "Be large.", is_shared=True)]

    def visit(port: int, what: str) -> None:
        answers.append((what, Browser(port).send("GET", f"/api/large?what={what}")[1]))

    with serving(make_app(routes=routes), quick_threads=8) as port:
        threads = [threading.Thread(target=visit, args=(port, what)) for what in ("a", *"aaabb", "nothing")]
        threads[0].start()
        assert slowly.begun.acquire(timeout=20)
        for thread in threads[1:]:
            thread.start()
        time.sleep(0.5)  # until they wait
        slowly.gate.set()
        for thread in threads:
            thread.join()
    assert sorted(slowly.asked) == ["a", "a", "b", "nothing"], (
        "once for the first, and once for all who came later"
    )
    expected = {each: answer(data=each * 1_000_000, ok=True) for each in "ab"}
    assert len(answers) == 7
    assert all(found == expected.get(what, refused("there is nothing")) for what, found in answers)


def test_a_large_answer_is_written_nowhere(
    make_app: Any, app: Any, settings: DashboardSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[Any] = []
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *arguments: files.append(arguments))
    settings.set("server.auth_required", False)
    routes = [Route("GET", "/api/large", lambda *_: "x" * 5_000_000, "Be large.")]
    with serving(make_app(routes=routes)) as port:
        assert Browser(port).send("GET", "/api/large")[1]["data"] == "x" * 5_000_000
        assert Browser(port).send("HEAD", "/api/large") == (200, b"")
    assert files == [], "keys in a file of the web server"


def test_what_waits() -> None:
    slow = slow_paths("/wgd", ROUTES)
    assert {"/wgd/api/addPeers", "/wgd/api/toggleWireguardConfiguration", "/wgd/api/ping/execute"} <= set(slow)
    quick = ("handshake", "authenticate", "signout", "getWireguardConfigurations", "getAvailableIPs/wg0")
    assert not [each for each in quick if f"/wgd/api/{each}".startswith(slow)]


def test_there_is_room_for_one_more_connection(app: Any) -> None:
    with serving(app, most_connections=20) as port, ExitStack() as stack:
        held = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=20)))
            for _ in range(30)
        ]
        for each in held:
            with suppress(OSError):
                each.sendall(b"GET /api/handshake HTTP/1.1\r\nHost: x\r\n")  # and no end of it
        assert Browser(port).send("GET", "/api/getDashboardVersion")[0] == 200
        assert held[0].recv(1) == b"", "the oldest one went"
        held[-1].sendall(b"\r\n")
        assert held[-1].recv(100).startswith(b"HTTP/1.1 401"), "and others go on"


def test_an_address_that_is_taken_is_named(port: int, app: Any) -> None:
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use; end what"):
        Server(app, f"127.0.0.1:{port}")


def test_a_name_that_stands_for_two_addresses(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def both(host: str, *arguments: Any, **options: Any) -> Any:
        names = ["127.0.0.1", "127.0.0.2"] if host == "localhost" else [host]
        return [each for name in names for each in look_up(name, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    server = Server(app, "localhost:0")
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert Browser(server.port).send("GET", "/api/getDashboardVersion")[0] == 200
    server.close()
    thread.join(10)
    assert not thread.is_alive()


def test_many_clients_sign_in_at_once(port: int, runtime: Runtime) -> None:
    results: list[Any] = []

    def visit() -> None:
        browser = Browser(port)
        results.append(browser.send("POST", "/api/authenticate", CREDENTIALS)[1])
        results.extend(browser.send("GET", "/api/handshake")[1] for _ in range(5))
        results.append(browser.send("GET", "/api/signout")[1])

    threads = [threading.Thread(target=visit) for _ in range(6)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 60
    statuses = [each["status"] for each in results]
    assert statuses == [True] * 42, results


def test_closed_while_the_server_is_awake_for_another_reason(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(app, "127.0.0.1:0", threads=1, quick_threads=1)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    pull = server._wake._physical_pull

    def pull_late() -> None:
        pull()  # an answer is ready, say
        time.sleep(0.2)
        pull()

    monkeypatch.setattr(server._wake, "_physical_pull", pull_late)
    server.close()
    thread.join(10)
    assert not thread.is_alive()
