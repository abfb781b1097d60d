"""The Python server of `cargo xtask record`: server.py PORT. Answers on 127.0.0.1 until it is ended."""

import asyncio
import gzip
import hashlib
import json
import sys
import zlib

import brotli
import zstandard
from aiohttp import WSMsgType, web

BIRDS = json.dumps([{"name": "Egretta garzetta", "seen": number} for number in range(60)]).encode()
# The same bytes at every run, and none of them compress.
NOISE = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(1 << 15))

CODE = {
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


async def coded(request):
    coding = request.match_info["coding"]
    body = BIRDS
    for name in coding.split("+"):
        body = CODE[name](body)
    headers = {"Content-Encoding": ", ".join(coding.split("+"))}
    return web.Response(body=body, content_type="application/json", headers=headers)


async def coded_in_chunks(request):
    response = web.StreamResponse(headers={"Content-Encoding": request.match_info["coding"]})
    response.enable_chunked_encoding()
    await response.prepare(request)
    body = CODE[request.match_info["coding"]](BIRDS)
    for start in range(0, len(body), 50):
        await response.write(body[start : start + 50])
    await response.write_eof()
    return response


async def digest(request):
    body = await request.read()
    return web.json_response({"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})


async def form(request):
    sizes = {}
    async for part in await request.multipart():
        sizes[part.name] = len(await part.read())
    return web.json_response(sizes, status=201)


async def events(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    for number in range(5):
        await response.write(f"id: {number}\nevent: bird\ndata: egret {number}\n\n".encode())
        await asyncio.sleep(0.02)
    await response.write_eof()
    return response


async def poll(request):
    await asyncio.sleep(0.3)
    return web.json_response({"arrived": "heron"})


async def socket(request):
    channel = web.WebSocketResponse()
    await channel.prepare(request)
    async for message in channel:
        if message.type == WSMsgType.TEXT:
            await channel.send_str(message.data.upper())
        elif message.type == WSMsgType.BINARY:
            await channel.send_bytes(message.data[::-1])
    return channel


async def noise(request):
    size = int(request.query["size"])
    return web.Response(body=(NOISE * (size // len(NOISE) + 1))[:size])


async def endless(request):
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(NOISE[:500])
            await asyncio.sleep(0.01)
    except ConnectionError:
        return response


application = web.Application(client_max_size=1 << 24)
application.add_routes(
    [
        web.get("/coded/{coding}", coded),
        web.get("/chunks/{coding}", coded_in_chunks),
        web.post("/digest", digest),
        web.put("/digest", digest),
        web.post("/form", form),
        web.get("/events", events),
        web.get("/poll", poll),
        web.get("/socket", socket),
        web.get("/noise", noise),
        web.get("/endless", endless),
        web.get("/", lambda request: web.Response(text="hello\n")),
    ]
)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, handle_signals=False)
