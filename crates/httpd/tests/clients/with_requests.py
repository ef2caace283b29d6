"""Visits a site with requests: a session that keeps its connections and follows redirects.

usage: with_requests.py URL DIR CODED_URL
"""

import pathlib
import sys
import urllib.parse

import requests

url, root, coded_url = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]


def connections(session, url):
    """How many connections the session has made to a server."""
    return session.get_adapter(url).poolmanager.connection_from_url(url).num_connections


with requests.Session() as session:
    session.trust_env = False
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) > 50
    for path in files:
        address = url + urllib.parse.quote(str(path.relative_to(root)))
        answer = session.get(address, timeout=20)
        assert answer.status_code == 200, address
        assert answer.content == path.read_bytes(), address
        again = session.get(address, timeout=20, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304 and not again.content, address

    answer = session.get(url + "pages?a=b", timeout=20)
    assert [step.status_code for step in answer.history] == [301]
    assert answer.url == url + "pages/?a=b"
    assert answer.content == (root / "pages/index.html").read_bytes()

    answer = session.get(url + "none", timeout=20)
    assert answer.status_code == 404
    assert answer.content == (root / "404.html").read_bytes()
    head = session.head(url + "megabyte.bin", headers={"Accept-Encoding": "identity"}, timeout=20)
    assert head.headers["Content-Length"] == "1048576"
    assert session.post(url, data=b"x" * 100_000, timeout=20).status_code == 405
    assert session.options(url, timeout=20).headers["Allow"] == "GET, HEAD, OPTIONS"
    part = session.get(url + "megabyte.bin", headers={"Range": "bytes=-1000"}, timeout=20)
    assert part.status_code == 206
    assert part.content == (root / "megabyte.bin").read_bytes()[-1000:]
    with session.get(url + "megabyte.bin", stream=True, timeout=20) as answer:
        pieces = list(answer.iter_content(10_000))
        assert b"".join(pieces) == (root / "megabyte.bin").read_bytes()
    assert connections(session, url) == 1

    # A body that is not read to its end costs the connection, and no more.
    with session.get(url + "megabyte.bin", stream=True, timeout=20) as answer:
        next(answer.iter_content(10))
    assert session.get(url, timeout=20).content == (root / "index.html").read_bytes()

    coded = session.get(coded_url, timeout=20)
    assert coded.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in coded.headers["Vary"]
    plain = session.get(coded_url, headers={"Accept-Encoding": "identity"}, timeout=20)
    assert "Content-Encoding" not in plain.headers
    assert coded.content == plain.content

print("done")
