// The Node client of `cargo xtask record`: client.js WHAT URL. Prints what it got, one exchange a line, in JSON.
"use strict";
const crypto = require("crypto");
const http = require("http");
const net = require("net");
const { Readable } = require("stream");

const sha256 = (bytes) => crypto.createHash("sha256").update(bytes).digest("hex");
const tell = (method, target, status, body, sent) =>
  console.log(
    JSON.stringify({
      method,
      target,
      status,
      cut: body === null,
      ...(body === null ? {} : { sha256: sha256(body) }),
      ...(sent === undefined ? {} : { sent: sha256(sent) }),
    }),
  );
const NOISE = Buffer.concat(Array.from({ length: 300 }, (_, number) => crypto.createHash("sha256").update(`${number}`).digest()));

const got = async (url, target, options = {}, sent) => {
  const response = await fetch(url + target, options);
  tell(options.method ?? "GET", target, response.status, Buffer.from(await response.arrayBuffer()), sent);
};

// One request of the http module; its body as it came.
const ask = (url, target, options = {}) =>
  new Promise((resolve, reject) => {
    const request = http.request(url + target, options, (response) => {
      const pieces = [];
      response.on("data", (bytes) => pieces.push(bytes));
      response.on("end", () => {
        tell(options.method ?? "GET", target, response.statusCode, Buffer.concat(pieces));
        resolve();
      });
    });
    request.on("error", reject);
    request.end();
  });

const WHAT = {
  // fetch, which keeps its connections, with every coding it knows.
  async codings(url) {
    for (const coding of ["gzip", "deflate", "br"]) await got(url, `/coded/${coding}`);
    await got(url, "/chunks/gzip");
  },

  // A body in chunks, and a form in parts.
  async uploads(url) {
    const pieces = [NOISE.subarray(0, 900), NOISE.subarray(900, 1500)];
    const options = { method: "POST", body: Readable.toWeb(Readable.from(pieces)), duplex: "half" };
    await got(url, "/digest", options, Buffer.concat(pieces));
    const form = new FormData();
    form.set("name", "heron");
    form.set("picture", new Blob([NOISE.subarray(0, 2000)]), "heron.bin");
    await got(url, "/form", { method: "POST", body: form });
  },

  // An agent that keeps one connection, which three requests wait for.
  async agent(url) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await Promise.all(["/", "/chunks", "/hints"].map((target) => ask(url, target, { agent })));
    await ask(url, "/", { agent, method: "HEAD" });
    await ask(url, "/nothing", { agent, method: "DELETE" });
    await ask(url, "/events", { agent });
    await ask(url, "/poll", { agent });
    agent.destroy();
  },

  // An upgrade to WebSocket, one frame each way, and the close.
  async channel(url) {
    const { host, hostname, port } = new URL(url);
    const socket = net.connect(Number(port), hostname);
    socket.write(
      `GET /socket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: aGVyb25zIGFuZCBlZ3JldHM=\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    const frame = (first, text) => {
      const mask = Buffer.from([1, 2, 3, 4]);
      const data = Buffer.from(text).map((byte, at) => byte ^ mask[at % 4]);
      return Buffer.concat([Buffer.from([first, 0x80 | data.length]), mask, data]);
    };
    let step = 0;
    await new Promise((resolve) => {
      socket.on("data", () => {
        step += 1;
        if (step === 1) socket.write(frame(0x81, "hello heron"));
        if (step === 2) socket.write(frame(0x88, ""));
      });
      socket.on("close", resolve);
    });
    tell("GET", "/socket", 101, "");
  },

  // A download that is given up.
  async aborted(url) {
    const stop = new AbortController();
    const response = await fetch(url + "/endless", { signal: stop.signal });
    await response.body.getReader().read();
    stop.abort();
    tell("GET", "/endless", response.status, null);
  },

  // Eight MiB there and back.
  async big(url) {
    await got(url, `/noise?size=${8 << 20}`);
    const body = Buffer.alloc(8 << 20, NOISE);
    await got(url, "/digest", { method: "PUT", body }, body);
  },
};

WHAT[process.argv[2]](process.argv[3]).then(() => process.exit(0));
