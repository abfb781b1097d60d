// The Node server of `cargo xtask record`: server.js PORT. Answers on 127.0.0.1 until it is ended.
"use strict";
const crypto = require("crypto");
const http = require("http");
const zlib = require("zlib");

const BIRDS = JSON.stringify(Array.from({ length: 60 }, (_, seen) => ({ name: "Ardea cinerea", seen })));
// The same bytes at every run, and none of them compress.
const NOISE = Buffer.concat(
  Array.from({ length: 1 << 15 }, (_, number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return crypto.createHash("sha256").update(bytes).digest();
  }),
);
const CODE = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, raw: zlib.deflateRawSync, br: zlib.brotliCompressSync };

const digest = (request, response) => {
  const hash = crypto.createHash("sha256");
  let size = 0;
  request.on("data", (bytes) => (hash.update(bytes), (size += bytes.length)));
  request.on("end", () => {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ size, sha256: hash.digest("hex") }));
  });
};

const PATHS = {
  "/": (_, response) => response.end("hello\n"),
  "/chunks": (_, response) => {
    response.writeHead(200, { "Content-Type": "text/plain", Trailer: "X-Lines" });
    ["one\n", "two\n", "three\n"].forEach((line) => response.write(line));
    response.addTrailers({ "X-Lines": "3" });
    response.end();
  },
  "/nothing": (_, response) => response.writeHead(204).end(),
  "/hints": (_, response) => {
    response.writeEarlyHints({ link: "</egret.css>; rel=preload; as=style" });
    setTimeout(() => response.end("hinted\n"), 20);
  },
  "/events": (_, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    let number = 0;
    const next = () => {
      response.write(`id: ${number}\ndata: heron ${number}\n\n`);
      number += 1;
      if (number < 5) setTimeout(next, 20);
      else response.end();
    };
    next();
  },
  "/poll": (_, response) => setTimeout(() => response.end("arrived\n"), 300),
  "/digest": digest,
  "/endless": (request, response) => {
    const timer = setInterval(() => response.write(NOISE.subarray(0, 500)), 10);
    request.on("close", () => clearInterval(timer));
    response.on("error", () => clearInterval(timer));
  },
};

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname.startsWith("/coded/")) {
    const coding = url.pathname.slice(7);
    response.setHeader("Content-Encoding", coding === "raw" ? "deflate" : coding);
    response.setHeader("Content-Type", "application/json");
    response.end(CODE[coding](BIRDS));
  } else if (url.pathname === "/noise") {
    const size = Number(url.searchParams.get("size"));
    for (let left = size; left > 0; left -= NOISE.length) response.write(NOISE.subarray(0, Math.min(left, NOISE.length)));
    response.end();
  } else if (PATHS[url.pathname]) {
    PATHS[url.pathname](request, response);
  } else {
    response.writeHead(404, { "Content-Length": 5 });
    response.end("gone\n");
  }
});

// A WebSocket that echoes short frames, without their masks.
server.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = crypto.createHash("sha1").update(key).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("data", (frame) => {
    const length = frame[1] & 0x7f;
    const mask = frame.subarray(2, 6);
    const data = frame.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]);
    socket.write(Buffer.concat([Buffer.from([frame[0], length]), data]));
    if ((frame[0] & 0x0f) === 8) socket.end();
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
