"""What is asked of configurable-http-proxy and of our nginx: one table, and in it every difference that is meant, with its reason."""

import json
from dataclasses import dataclass
from typing import Any

TOKEN = "12" * 32
AUTH = f"token {TOKEN}"
NOTHING = "no answer"


@dataclass(frozen=True)
class Ask:
    """One request. `%HUB%`, `%ADA%`, `%EVE%` and `%DEAD%` in its body are the addresses of the stand-ins behind the proxy."""

    side: str  # "api" or "people"
    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Meant:
    """A difference on purpose: the last answer's status there and here, and why."""

    there: int | str
    here: int | str
    because: str


@dataclass(frozen=True)
class Row:
    name: str
    asks: tuple[Ask, ...]
    meant: Meant | None = None
    body_differs: str = ""  # why only statuses are compared
    host_routing: bool = False


def get(path: str, token: str | None = AUTH) -> Ask:
    return Ask("api", "GET", path, None, (("Authorization", token),) if token else ())


def add(name: str, target: str = "http://%ADA%", token: str | None = AUTH, **data: Any) -> Ask:
    body = json.dumps({**data, "target": target}, ensure_ascii=False).encode()
    return Ask("api", "POST", f"/api/routes{name}", body, (("Authorization", token),) if token else ())


def post(name: str, body: bytes, token: str | None = AUTH) -> Ask:
    return Ask("api", "POST", f"/api/routes{name}", body, (("Authorization", token),) if token else ())


def delete(name: str, token: str | None = AUTH) -> Ask:
    return Ask("api", "DELETE", f"/api/routes{name}", None, (("Authorization", token),) if token else ())


def visit(path: str, *headers: tuple[str, str], method: str = "GET", body: bytes | None = None) -> Ask:
    return Ask("people", method, path, body, headers)


UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "x"))
LIST = get("/api/routes")
ADA = add("/user/ada")
LONG = "n" * 4000

NEVER_FOUND = "such a name would be found by no request here; it is refused when it is told, not when it is missed"
DOTS = (
    "route and backend could take dots differently: there the request is routed as /user/eve and forwarded as it came"
)
ODD = "it is not handed on: many programs take _ and . for -, and what the front door says of addresses would count no more"
TEXT = "the words after 'Body not valid JSON' are the JSON parser's own"

SAME = [
    Row("a list", (LIST,)),
    Row("a list with a slash", (get("/api/routes/"),)),
    Row("a route is added and listed", (ADA, LIST)),
    Row("a route is added with a slash at its end", (add("/user/ada/"), LIST, get("/api/routes/user/ada"))),
    Row("a route is read", (ADA, get("/api/routes/user/ada"), get("/api/routes/user/ada/"))),
    Row("a route that is not there is read", (get("/api/routes/user/ada"),)),
    Row("a route below one is not one", (ADA, get("/api/routes/user/ada/lab"))),
    Row("a route is replaced, data and all", (add("/user/ada", a=1), add("/user/ada", "http://%EVE%", b=2), LIST)),
    Row("a route is removed", (ADA, delete("/user/ada"), LIST, visit("/user/ada/lab"))),
    Row("a route is removed with a slash at its end", (ADA, delete("/user/ada/"), LIST)),
    Row("a route that is not there is removed", (delete("/user/ada"),)),
    Row("the default route is told without a path", (add(""), visit("/hub/home"))),
    Row("the default route is told as a slash", (add("/"), visit("/hub/home"))),
    Row(
        "data of every kind", (add("/x", text='ä "\\ 😀', number=1.5, no=None, empty=[], nested={"a": [{}, []]}), LIST)
    ),
    Row("data that names what the proxy adds", (add("/x", last_activity="never"), LIST)),
    Row("data with white space around it", (post("/x", b' \n{ "target" : "http://%ADA%" , "a" : 1 }\n '), LIST)),
    Row("data as large as half a megabyte", (add("/x", text="x" * 500_000), LIST)),
    Row("a body that is an array", (post("/x", b"[]"),)),
    Row("a body that is a text", (post("/x", b'"x"'),)),
    Row("a body that is null", (post("/x", b"null"),)),
    Row("a body without a target", (post("/x", b'{"a": 1}'),)),
    Row("a target that is a number", (post("/x", b'{"target": 1}'),)),
    Row("a body cut short", (post("/x", b'{"target": "http'),), body_differs=TEXT),
    Row("an empty body", (post("/x", b""),), body_differs=TEXT),
    Row("a body that is no JSON but JavaScript", (post("/x", b'{"target": NaN}'),), body_differs=TEXT),
    Row("no token", (get("/api/routes", None), add("/x", token=None), delete("/x", None), LIST)),
    Row("a wrong token", (get("/api/routes", "token x"), add("/x", token="token x"), delete("/x", "token x"), LIST)),
    Row("half a token", (get("/api/routes", AUTH[:-1]),)),
    Row("a token of another kind", (get("/api/routes", f"Bearer {TOKEN}"),)),
    Row("a token with more space", (get("/api/routes", f"token   {TOKEN}"),)),
    Row("a method that there is not", (Ask("api", "PUT", "/api/routes/x", b"{}", (("Authorization", AUTH),)),)),
    Row("a question about the head", (Ask("api", "HEAD", "/api/routes", None, (("Authorization", AUTH),)),)),
    Row("a place that there is not", (get("/api/proxy"), get("/"), get("/api/routesx"))),
    Row("unused since before there was anything", (ADA, get("/api/routes?inactive_since=2001-02-03T04:05:06Z"))),
    Row("unused since tomorrow", (ADA, get("/api/routes?inactive_since=2101-02-03T04:05:06.5%2B01:00"))),
    Row("unused since a day", (ADA, get("/api/routes?inactiveSince=2101-02-03"))),
    Row("unused since nonsense", (ADA, get("/api/routes?inactive_since=yesterday"))),
    Row("unused since nothing", (ADA, get("/api/routes?inactive_since="))),
    Row("a target with a path is listed", (add("/x", "http://%ADA%/base"), LIST, get("/api/routes/x"))),
    # Where people's requests go. The stand-in answers with its name and with the address that it was sent.
    Row("a lab", (ADA, visit("/user/ada"), visit("/user/ada/"), visit("/user/ada/lab?reset"))),
    Row("a name that another one begins with", (ADA, add("/user/adam", "http://%EVE%"), visit("/user/adam/x"))),
    Row("a name that begins with another one", (ADA, visit("/user/adam"))),
    Row("the longest route counts", (ADA, add("/user/ada/app", "http://%EVE%"), visit("/user/ada/app/x"))),
    Row("the longest route that is one counts", (ADA, add("/user/ada/a/b/c", "http://%EVE%"), visit("/user/ada/a/b"))),
    Row(
        "a target with a path",
        (
            add("/x", "http://%ADA%/base"),
            *(visit(f"/x{rest}") for rest in ("", "/", "/y?a=%20b&c", "//y%2Fz//", "/%C3%A9%25?%3F", "/y/status/503")),
            visit("/x/y", method="POST", body=b"x" * 200_000),
        ),
    ),
    Row("a target with a slash behind its path", (add("/x", "http://%ADA%/a%20b/~c/"), visit("/x"), visit("/x/y"))),
    Row("a target with two slashes behind its path", (add("/x", "http://%ADA%/base//"), visit("/x/y"))),
    Row(
        "a target that is below another one's",
        (add("/x", "http://%ADA%/x"), add("/x/y", "http://%EVE%"), visit("/x/y")),
    ),
    Row("a target with a path that does not answer", (add("/x", "http://%DEAD%/base"), visit("/x/y?z=1"))),
    Row("a target with a path by default", (add("/", "http://%ADA%/base"), visit("/"), visit("/user/ada?x"))),
    Row(
        "a target with a path by host",
        (add("/one.example.org", "http://%ADA%/base"), visit("/x", ("Host", "one.example.org"))),
        None,
        "",
        True,
    ),
    Row("nothing but the default", (visit("/"), visit("/user/ada"), visit("/hub/user/ada?next=%2Fx%20y"))),
    Row(
        "unicode", (add("/user/%C3%A9l%C3%A8ve-%F0%9F%98%80"), LIST, visit("/user/%C3%A9l%C3%A8ve-%F0%9F%98%80/%C3%A9"))
    ),
    Row("a name is the same however it is written", (add("/user/%61da"), LIST, visit("/user/ad%61/%6Cab"))),
    Row(
        "a slash in a name",
        (add("/user/a%2Fb"), LIST, visit("/user/a%2Fb/x"), visit("/user/a/b/x"), delete("/user/a%2Fb")),
    ),
    Row(
        "what JupyterHub does not escape",
        (add("/user/a@b~c"), LIST, visit("/user/a@b~c/x"), visit("/user/a%40b%7Ec/x")),
    ),
    Row(
        "a plus and a space",
        (add("/user/a+b"), add("/user/a%20b", "http://%EVE%"), visit("/user/a+b"), visit("/user/a%20b")),
    ),
    Row("a percent sign", (add("/user/a%25b"), LIST, visit("/user/a%25b/x%25y"))),
    Row("a long name", (add(f"/user/{LONG}"), visit(f"/user/{LONG}/lab"), get(f"/api/routes/user/{LONG}"))),
    Row("case matters", (ADA, visit("/user/Ada"))),
    Row("two slashes in front", (ADA, visit("//user/ada"))),
    Row("two slashes in the middle", (ADA, visit("/user//ada"))),
    Row("two slashes behind", (ADA, visit("/user/ada//x//"))),
    Row("dots in names", (ADA, visit("/user/ada/.hidden/a..b/..."), visit("/user/ada/x."))),
    Row("a body goes along", (ADA, visit("/user/ada/x", method="POST", body=b"x" * 200_000))),
    Row("a lab's own mistake is its own", (ADA, visit("/user/ada/status/503"), visit("/user/ada/status/502"))),
    Row("a lab that does not answer", (add("/user/ada", "http://%DEAD%"), visit("/user/ada/lab?x=1&y=%2F"))),
    Row(
        "a form for a lab that does not answer", (add("/u", "http://%DEAD%"), visit("/u/x", method="POST", body=b"a=1"))
    ),
    Row(
        "hosts",
        (add("/one.example.org"), visit("/x", ("Host", "one.example.org:80")), visit("/x"), LIST),
        None,
        "",
        True,
    ),
    Row("hosts and paths", (add("/one.example.org/a"), visit("/a/b", ("Host", "one.example.org"))), None, "", True),
    Row("another host", (add("/one.example.org"), visit("/", ("Host", "two.example.org"))), None, "", True),
]

DIFFERENT = [
    Row(
        "a stranger's body",
        (post("/x", b"{", None),),
        Meant(400, 403, "the token is looked at before the body is read"),
    ),
    Row(
        "five megabytes",
        (add("/x", text="x" * 5_000_000),),
        Meant(201, 413, "a route is small; the table is shared memory"),
    ),
    Row(
        "a route over the hub",
        (add("/hub/login", "http://%EVE%"),),
        Meant(201, 400, "/hub is the hub's whoever has the token"),
    ),
    Row(
        "the hub's own path", (add("/hub", "http://%EVE%"),), Meant(201, 400, "/hub is the hub's whoever has the token")
    ),
    Row(
        "an https target",
        (add("/x", "https://%ADA%"),),
        Meant(201, 400, "no lab speaks TLS; refused when told, not when used"),
    ),
    Row(
        "a target with dots in its path",
        (add("/x", "http://%ADA%/base/../x"),),
        Meant(201, 400, "there they are resolved; refused when told"),
    ),
    Row(
        "a target with a query",
        (add("/x", "http://%ADA%/base?a=1"),),
        Meant(201, 400, "there it is added to each request's; refused when told"),
    ),
    Row(
        "a target with a character that is none of an address",
        (add("/x", "http://%ADA%/a b"),),
        Meant(201, 400, "there it is escaped; refused when told"),
    ),
    Row("a target that is no address", (add("/x", "nonsense"),), Meant(201, 400, "refused when told, not when used")),
    Row("dots in a route", (add("/user/../x"),), Meant(201, 400, DOTS)),
    Row("an empty segment in a route", (add("/user//x"),), Meant(201, 400, NEVER_FOUND)),
    Row("two slashes at the end of a route", (add("/x//"),), Meant(201, 400, NEVER_FOUND)),
    Row("a route that is no text", (add("/%C3%28"),), Meant(NOTHING, 400, "there the request hangs for ever")),
    Row(
        "data that is no text",
        (post("/x", b'{"target": "http://%ADA%", "a": "\xc3\x28"}'),),
        Meant(201, 400, "JSON is UTF-8"),
    ),
    Row(
        "nothing is removed by name",
        (delete(""),),
        Meant(NOTHING, 204, "there the request hangs; here it is the default route"),
    ),
    Row(
        "a date in words",
        (get("/api/routes?inactive_since=Mon,%2001%20Jan%202024"),),
        Meant(200, 400, "only ISO 8601 is documented"),
    ),
    Row("a climb into another lab", (add("/user/eve"), visit("/user/ada/../eve/x")), Meant(200, 400, DOTS)),
    Row("a climb with escapes", (ADA, visit("/user/ada/%2e%2E/eve/x")), Meant(200, 400, DOTS)),
    Row("a climb with an escaped slash", (ADA, visit("/user/ada/..%2Feve/x")), Meant(200, 400, DOTS)),
    Row("a dot alone", (ADA, visit("/user/./ada")), Meant(200, 400, DOTS)),
    Row("a climb with parameters", (ADA, visit("/user/ada/..;x=1/eve/x")), Meant(200, 400, DOTS)),
    Row("a climb with escaped parameters", (ADA, visit("/user/ada/%2e%2e%3B/eve/x")), Meant(200, 400, DOTS)),
    Row("a climb with backslashes", (ADA, visit("/user/ada/x%5C..\\eve")), Meant(200, 400, DOTS)),
    Row("a header with an underscore", (ADA, visit("/user/ada", ("X_Forwarded_For", "192.0.2.7"))), body_differs=ODD),
    Row("a header with a dot", (ADA, visit("/user/ada", ("X.Forwarded.For", "192.0.2.7"))), body_differs=ODD),
    Row("a null", (ADA, visit("/user/ada/%00")), Meant(200, 400, "nginx refuses it before anybody looks")),
    Row("an escape that is none", (ADA, visit("/user/ada/%zz")), Meant(500, 400, "a mistake of the client")),
    Row("a path that is no text", (ADA, visit("/user/ada/%C3%28")), Meant(500, 200, "the backend decides")),
    Row("a name out of JavaScript", (ADA, visit("/constructor/x")), Meant(500, 200, "a flaw there")),
    Row(
        "a socket of a dead lab",
        (add("/u", "http://%DEAD%"), visit("/u/x", *UPGRADE)),
        body_differs="an empty body there, the page here",
    ),
    Row(
        "no route at all",
        (delete("/"), visit("/user/ada")),
        Meant(404, 503, "here it means that the hub has not filled the table yet"),
    ),
    Row(
        "its own health",
        (visit("/_chp_healthz"),),
        body_differs="people's port has no path of the proxy's own: the hub answers",
    ),
]

ROWS = [*SAME, *DIFFERENT]
