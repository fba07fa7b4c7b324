"""A lending library over HTTP: Python's standard library, and `psql` as the way to PostgreSQL.

`library.py migrate` makes the tables, `library.py` serves. Settings come from LIBRARY_* variables.
"""

import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DATABASE = os.environ.get("LIBRARY_DATABASE_URL", "")
TOKEN = os.environ.get("LIBRARY_TOKEN", "")
OVERDUE_AFTER = os.environ.get("LIBRARY_OVERDUE_AFTER", "21 days")

TABLES = """
create table if not exists books (id serial primary key, title text not null);
create table if not exists loans (
    id serial primary key, book int not null references books, reader text not null,
    lent_at timestamptz not null default now(), returned_at timestamptz);
create unique index if not exists one_open_loan on loans (book) where returned_at is null;
"""


class Refused(Exception):
    """The database refused; holds its SQLSTATE."""


def psql(statement, **values):
    """Runs one statement that gives a row of JSON, or nothing. Values stand in it as :'name', which psql quotes."""
    variables = [part for name, value in values.items() for part in ("-v", f"{name}={value}")]
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate", *variables, DATABASE]
    done = subprocess.run(command, input=statement, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode != 0:
        found = re.search(r"ERROR:\s+(\w{5})", done.stderr)
        raise Refused(found.group(1) if found else done.stderr.strip())
    return json.loads(done.stdout) if done.stdout.strip() else None


BOOK = """
select json_build_object('id', b.id, 'title', b.title, 'reader', l.reader)
from books b left join loans l on l.book = b.id and l.returned_at is null where b.id = :'id'::int;
"""


def ready(_):
    psql("select 1;")
    return 200, {"ready": True}


def add(call):
    title = str(call.body.get("title", "")).strip()
    if not title:
        return 400, {"error": "a book has a title"}
    row = psql("insert into books (title) values (:'title') returning json_build_object('id', id);", title=title)
    return 201, psql(BOOK, id=row["id"])


def show(call):
    found = psql(BOOK, id=call.id)
    return (200, found) if found else (404, {"error": "no such book"})


def lend(call):
    reader = str(call.body.get("reader", "")).strip()
    if not reader:
        return 400, {"error": "a loan has a reader"}
    try:
        psql("insert into loans (book, reader) values (:'id'::int, :'reader');", id=call.id, reader=reader)
    except Refused as refused:
        why = {"23505": (409, {"error": "the book is lent already"}), "23503": (404, {"error": "no such book"})}
        return why.get(str(refused)) or (503, {"error": "the database refused"})
    return 200, psql(BOOK, id=call.id)


def take_back(call):
    psql("update loans set returned_at = now() where book = :'id'::int and returned_at is null;", id=call.id)
    return show(call)


def alerts(_):
    rows = psql(
        "select coalesce(json_agg(json_build_object('name', 'OVERDUE', 'book', book, 'reader', reader)), '[]')"
        " from loans where returned_at is null and lent_at <= now() - :'after'::interval;",
        after=OVERDUE_AFTER,
    )
    return 200, {"alerts": rows}


ROUTES = [
    ("GET", r"/readyz", ready),
    ("GET", r"/alerts", alerts),
    ("POST", r"/books", add),
    ("GET", r"/books/(\d+)", show),
    ("POST", r"/books/(\d+)/loan", lend),
    ("DELETE", r"/books/(\d+)/loan", take_back),
]


class Call(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        """Finds the route, checks who asks, and answers."""
        length = int(self.headers.get("content-length") or 0)
        text = self.rfile.read(length)
        try:
            self.body = json.loads(text) if text else {}
            status, said = self.routed() if isinstance(self.body, dict) else (400, {"error": "the body is an object"})
        except ValueError:
            status, said = 400, {"error": "the body is not JSON"}
        except (Refused, subprocess.SubprocessError) as error:
            status, said = 503, {"error": f"the database cannot be asked: {error}"}
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def routed(self):
        """Status and body."""
        for method, pattern, handle in ROUTES:
            found = re.fullmatch(pattern, self.path.split("?")[0])
            if not found or method != self.command:
                continue
            if method != "GET" and self.headers.get("authorization") != f"Bearer {TOKEN}":
                return 401, {"error": "who are you?"}
            self.id = found.group(1) if found.groups() else None
            return handle(self)
        return 404, {"error": "no such page"}

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, format, *args):
        print(json.dumps({"level": "INFO", "message": format % args}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        psql(TABLES)
    else:
        address = (os.environ.get("LIBRARY_HOST", "127.0.0.1"), int(os.environ.get("LIBRARY_PORT", "8000")))
        ThreadingHTTPServer(address, Call).serve_forever()
