"""Visits a site with http.client: everything over one connection.

usage: with_http_client.py URL DIR CODED_URL
"""

import gzip
import http.client
import pathlib
import sys
import urllib.parse

url, root, coded_url = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
host = urllib.parse.urlsplit(url).netloc
connection = http.client.HTTPConnection(host, timeout=20)
connection.connect()
socket = connection.sock


def ask(method, path, status, body=None, **fields):
    """Sends a request and reads the answer, which must have a status and keep the connection."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == status, (method, path, answer.status)
    assert connection.sock is socket, (method, path, "the connection ended")
    return answer, content


files = [path for path in root.rglob("*") if path.is_file()]
assert len(files) > 50
for path in files:
    target = "/" + urllib.parse.quote(str(path.relative_to(root)))
    expected = path.read_bytes()
    answer, content = ask("GET", target, 200)
    assert content == expected, target
    head, nothing = ask("HEAD", target, 200)
    assert nothing == b"" and head.getheader("Content-Length") == str(len(expected)), target
    tag = answer.getheader("ETag")
    assert tag == head.getheader("ETag"), target
    ask("GET", target, 304, If_None_Match=tag)
    if len(expected) > 20:
        _, part = ask("GET", target, 206, Range="bytes=5-14", If_Range=tag)
        assert part == expected[5:15], target

redirect, _ = ask("GET", "/pages?a=b", 301)
assert redirect.getheader("Location") == "/pages/?a=b"
_, page = ask("GET", "/none", 404)
assert page == (root / "404.html").read_bytes()
refused, text = ask("POST", "/", 405, body=b"a=b" * 1000)
assert refused.getheader("Allow") == "GET, HEAD, OPTIONS" and text
# An iterable is sent in chunks.
ask("PUT", "/", 405, body=iter([b"one", b"two" * 5000, b"three"]))
_, content = ask("GET", "/", 200)
assert content == (root / "index.html").read_bytes()

connection.request("GET", "/", headers={"Connection": "close"})
answer = connection.getresponse()
assert answer.read() == content and answer.will_close and connection.sock is None

coded = http.client.HTTPConnection(urllib.parse.urlsplit(coded_url).netloc, timeout=20)
coded.request("GET", "/")
plain = coded.getresponse().read()
coded.request("GET", "/", headers={"Accept-Encoding": "gzip"})
answer = coded.getresponse()
assert answer.getheader("Content-Encoding") == "gzip"
assert gzip.decompress(answer.read()) == plain
coded.close()

print("done")
