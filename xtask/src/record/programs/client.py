"""The Python client of `cargo xtask record`: client.py WHAT URL. Prints what it got, one exchange a line, in JSON."""

import asyncio
import gzip
import hashlib
import http.client
import json
import socket
import sys
import threading
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests

NOISE = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(1 << 15))


def tell(method, target, status, body=b"", sent=None, cut=False):
    line = {"method": method, "target": target, "status": status, "cut": cut}
    if not cut:
        line["sha256"] = hashlib.sha256(body).hexdigest()
    if sent is not None:
        line["sent"] = hashlib.sha256(sent).hexdigest()
    print(json.dumps(line), flush=True)


def target_of(response):
    url = urlsplit(str(response.request.url))
    return url.path + (f"?{url.query}" if url.query else "")


def told(response, sent=None):
    request = response.request
    tell(request.method, target_of(response), response.status_code, response.content, sent)


def pool(url):
    """Two threads that share a session with a pool of two connections."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=2))
    lock = threading.Lock()

    def work(paths):
        for path in paths:
            response = session.get(url + path)
            with lock:
                told(response)

    threads = [threading.Thread(target=work, args=(paths,)) for paths in (
        ["/index.html", "/birds.json", "/poem.txt", "/missing"],
        ["/poem.txt", "/index.html", "/birds.json", "/list/one.txt"],
    )]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told(session.head(url + "/birds.json"))


def codings(url):
    """Each coding, sized and in chunks, over one connection."""
    with httpx.Client() as client:
        for path in ["/coded/gzip", "/coded/deflate", "/coded/br", "/coded/zstd", "/chunks/gzip", "/chunks/br",
                     "/chunks/zstd", "/coded/gzip+br"]:
            told(client.get(url + path))


def uploads(url):
    """A form in parts, a body in chunks, a body of known length."""
    with requests.Session() as session:
        files = {"picture": ("egret.bin", NOISE[:3000], "application/octet-stream"), "name": (None, "egret")}
        told(session.post(url + "/form", files=files))
        pieces = [NOISE[:700], NOISE[700:1000], NOISE[1000:1001]]
        told(session.post(url + "/digest", data=iter(pieces)), b"".join(pieces))
        told(session.put(url + "/digest", data=NOISE[:2500]), NOISE[:2500])


def events(url):
    """Server-sent events, then a long poll, over one connection."""
    with httpx.Client() as client:
        with client.stream("GET", url + "/events") as response:
            body = b"".join(response.iter_raw())
        tell("GET", "/events", response.status_code, body)
        told(client.get(url + "/poll"))


def channel(url):
    """A WebSocket: text, bytes, close."""

    async def talk():
        async with aiohttp.ClientSession() as session, session.ws_connect(url + "/socket") as socket:
            await socket.send_str("hello egret")
            assert (await socket.receive()).data == "HELLO EGRET"
            await socket.send_bytes(NOISE[:200])
            assert (await socket.receive()).data == NOISE[:200][::-1]
        tell("GET", "/socket", 101)

    asyncio.run(talk())


class Shared:
    """A socket of which several responses are read, one behind the other."""

    def __init__(self, connection):
        self.file = connection.makefile("rb")
        self.file.close = lambda: None

    def makefile(self, *_, **__):
        return self.file


def pipelined(url):
    """Twelve requests at once, and their answers as they come."""
    place = urlsplit(url)
    asked = [("GET", "/"), ("GET", "/chunks"), ("HEAD", "/"), ("GET", "/nothing"), ("GET", "/coded/gzip"),
             ("GET", "/missing")] * 2
    with socket.create_connection((place.hostname, place.port)) as connection:
        head = f" HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n"
        connection.sendall("".join(f"{method} {path}{head}" for method, path in asked).encode())
        shared = Shared(connection)
        for method, path in asked:
            response = http.client.HTTPResponse(shared, method=method)
            response.begin()
            body = response.read()
            if response.getheader("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            tell(method, path, response.status, body)


def aborted(url):
    """Downloads that are given up: at once, and behind some bytes."""
    for size in (1, 6000):
        response = requests.get(url + "/endless", stream=True)
        response.raw.read(size)
        tell("GET", "/endless", response.status_code, cut=True)
        response.close()


def big(url):
    """Eight MiB there and back."""
    with requests.Session() as session:
        told(session.get(url + f"/noise?size={8 << 20}"))
        body = (NOISE * 9)[1 : (8 << 20) + 1]
        told(session.post(url + "/digest", data=body), body)
        told(session.post(url + "/digest", data=(body[at : at + 65536] for at in range(0, len(body), 65536))), body)


WHAT = {function.__name__: function for function in
        (pool, codings, uploads, events, channel, pipelined, aborted, big)}
WHAT[sys.argv[1]](sys.argv[2])
