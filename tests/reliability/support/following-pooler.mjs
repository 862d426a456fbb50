// A pooler in transaction mode that follows prepared statements, as PgBouncer does from 1.21 on (Debian's is older) and
// as hosted pooled addresses do: each text has one name for all clients, and is prepared where it is missing.

import { createServer, connect } from "node:net";
import { atEnd } from "./programs.mjs";

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;

/** Starts a pooler with so many sessions before a cluster. It ends with the test. */
export async function followingPooler(t, cluster, { sessions = 3, roundRobin = false } = {}) {
  const pool = new Pool(cluster.port, sessions, roundRobin);
  await pool.open();
  const clients = new Set();
  const listener = createServer({ noDelay: true }, (socket) => {
    const client = new Client(socket, pool);
    clients.add(client);
    socket.on("close", () => clients.delete(client));
  });
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  atEnd(t, () => {
    clients.forEach(({ socket }) => socket.destroy());
    pool.close();
    return new Promise((done) => listener.close(done));
  });
  return {
    url: `postgres://postgres@127.0.0.1:${listener.address().port}/postgres`,
    /** The statements that were run under a name of the pooler's. */
    followed: () => pool.texts(),
  };
}

/** Cuts a stream into messages: `[type, whole message]`. */
class Messages {
  #rest = Buffer.alloc(0);

  *of(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 5) {
      const length = 1 + this.#rest.readUInt32BE(1);
      if (this.#rest.length < length) return;
      yield [String.fromCharCode(this.#rest[0]), this.#rest.subarray(0, length)];
      this.#rest = this.#rest.subarray(length);
    }
  }
}

function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** The text that begins at an offset, and what follows it. */
function cut(bytes, at) {
  const end = bytes.indexOf(0, at);
  return [bytes.toString("utf8", at, end), bytes.subarray(end + 1)];
}

class Pool {
  sessions = [];
  #free = [];
  #waiting = [];
  #names = new Map();

  constructor(port, count, roundRobin) {
    this.port = port;
    this.count = count;
    this.roundRobin = roundRobin;
  }

  async open() {
    while (this.sessions.length < this.count) {
      const session = new Session(this);
      await session.ready;
      this.sessions.push(session);
      this.#free.push(session);
    }
  }

  close() {
    this.sessions.forEach(({ socket }) => socket.destroy());
  }

  /** The name of a text, for all clients. */
  name(text) {
    const key = text.toString("latin1");
    if (!this.#names.has(key)) this.#names.set(key, `FOLLOWED_${this.#names.size}`);
    return this.#names.get(key);
  }

  texts() {
    return [...this.#names.keys()].map((text) => text.split("\0")[0]);
  }

  take(client) {
    const session = this.roundRobin ? this.#free.shift() : this.#free.pop();
    if (session) client.begin(session);
    else this.#waiting.push(client);
  }

  give(session) {
    const next = this.#waiting.shift();
    if (next) next.begin(session);
    else this.#free.push(session);
  }

  async replace(session) {
    session.socket.destroy();
    this.sessions.splice(this.sessions.indexOf(session), 1);
    const other = new Session(this);
    await other.ready;
    this.sessions.push(other);
    this.give(other);
  }
}

/** A session of PostgreSQL. */
class Session {
  /** The names that are prepared here. */
  known = new Set();
  parameters = [];
  client = undefined;
  /** Requests whose responses are to come. */
  #underWay = [];

  constructor(pool) {
    this.pool = pool;
    this.socket = connect({ port: pool.port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", () => {});
    const parameters = Buffer.from("user\0postgres\0database\0postgres\0\0");
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + parameters.length, 0);
    head.writeUInt32BE(196608, 4);
    this.socket.write(Buffer.concat([head, parameters]));
    const messages = new Messages();
    this.ready = new Promise((done) => {
      this.socket.on("data", (bytes) => {
        for (const [type, whole] of messages.of(bytes)) {
          if (this.client) this.#respond(type, whole);
          else if (type === "S") this.parameters.push(whole);
          else if (type === "Z") done();
        }
      });
    });
  }

  /** Sends what a client has asked at once, with the pooler's own names of statements. */
  send(asked) {
    const request = { expected: [], missing: [] };
    const out = [];
    const prepared = (name) => {
      const text = this.client.statements.get(name);
      if (!text) return name;
      const global = this.pool.name(text);
      if (!this.known.has(global)) {
        this.known.add(global);
        request.missing.push(global);
        request.expected.push("ours");
        out.push(message("P", global, text));
      }
      return global;
    };
    for (const [type, whole] of asked) {
      if (type === "P") {
        const [name, text] = cut(whole, 5);
        if (name) this.client.statements.set(name, Buffer.from(text));
        // Parsed under no name: only the response is needed, and goes to the client.
        request.expected.push("theirs");
        out.push(message("P", "", text));
      } else if (type === "B") {
        const [portal, rest] = cut(whole, 5);
        const [name, values] = cut(rest, 0);
        const known = prepared(name);
        out.push(message("B", portal, known, values));
      } else if (type === "D" && whole[5] === 0x53) {
        const [name] = cut(whole, 6);
        const known = prepared(name);
        out.push(message("D", Buffer.from("S"), known));
      } else if (type === "C" && whole[5] === 0x53) {
        const [name] = cut(whole, 6);
        this.client.statements.delete(name);
        out.push(message("C", Buffer.from("S"), "nobody has this name"));
      } else {
        out.push(whole);
      }
    }
    this.#underWay.push(request);
    this.socket.write(Buffer.concat(out));
  }

  #respond(type, whole) {
    const [request] = this.#underWay;
    if (type === "1" && request?.expected.shift() === "ours") {
      request.missing.shift();
      return;
    }
    this.client.socket.write(whole);
    if (type !== "Z") return;
    // Statements that were not prepared because of an error are not known to this session.
    request.missing.forEach((name) => this.known.delete(name));
    this.#underWay.shift();
    if (whole[5] === 0x49 && this.#underWay.length === 0) this.client.end();
  }
}

class Client {
  /** The texts of its statements, by its names. */
  statements = new Map();
  #session = undefined;
  #waits = false;
  #asked = [];
  #requests = [];

  constructor(socket, pool) {
    this.socket = socket;
    this.pool = pool;
    const messages = new Messages();
    let greeted = false;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (greeted) return this.#receive(messages.of(bytes));
      const kind = bytes.readUInt32BE(4);
      if (kind === SSL_REQUEST || kind === GSS_REQUEST) return socket.write("N");
      if (kind === CANCEL_REQUEST) return socket.destroy();
      greeted = true;
      const key = message("K", Buffer.alloc(8));
      socket.write(Buffer.concat([message("R", Buffer.alloc(4)), ...pool.sessions[0].parameters, key, message("Z", Buffer.from("I"))]));
    });
    socket.on("close", () => this.#session && pool.replace(this.#session));
  }

  #receive(messages) {
    for (const [type, whole] of messages) {
      if (type === "X") return this.socket.end();
      this.#asked.push([type, Buffer.from(whole)]);
      if (type !== "S" && type !== "Q") continue;
      this.#requests.push(this.#asked);
      this.#asked = [];
    }
    this.#go();
  }

  #go() {
    if (!this.#requests.length) return;
    if (this.#session) this.#requests.splice(0).forEach((request) => this.#session.send(request));
    else if (!this.#waits) {
      this.#waits = true;
      this.pool.take(this);
    }
  }

  begin(session) {
    this.#waits = false;
    if (this.socket.destroyed) return this.pool.give(session);
    this.#session = session;
    session.client = this;
    this.#go();
  }

  /** Gives the session back: the transaction has ended, and nothing else was asked. */
  end() {
    const session = this.#session;
    this.#session = undefined;
    this.pool.give(session);
  }
}
