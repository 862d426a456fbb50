// Open-loop load that knows what each answer must be, and what must be stored in
// the end: requests begin by the clock, whether or not earlier ones have ended.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, token } from "./client.mjs";

/** The kinds of twenty requests, in their shares. */
const MIX = [
  ...Array(6).fill("create"),
  ...Array(6).fill("read"),
  ...Array(3).fill("list"),
  ...Array(3).fill("patch"),
  ...Array(2).fill("complete"),
];

/** The statuses after which a client may repeat: see docs/API.md. */
const PASSING = new Set([503, 504]);

export class Load {
  /**
   * - `url`: where to
   * - `rate`: requests a second
   * - `retries`: repeat what an outage refuses, as a client should; else every
   *   answer but the right one is unexpected
   * - `most`: requests under way, beyond which none is begun
   */
  constructor({ url, rate, retries = false, most = 2000, owners = 16, tasks = 2000 }) {
    Object.assign(this, { rate, retries, most, limit: tasks });
    this.client = new Client(url);
    const run = randomUUID().slice(0, 8);
    this.owners = Array.from({ length: owners }, (_, at) => {
      const name = `owner-${run}-${at}`;
      return { name, token: token(name) };
    });
    this.tasks = [];
    this.free = [];
    this.answers = {};
    this.unexpected = [];
    this.times = [];
    this.passing = 0;
    this.skipped = 0;
    this.under_way = new Set();
    this.lastGood = performance.now();
    this.longestGap = 0;
  }

  start() {
    this.begun = performance.now();
    let given = 0;
    let turn = 0;
    const tick = () => {
      const due = ((performance.now() - this.begun) / 1000) * this.rate;
      for (; given < due; given += 1) {
        if (this.under_way.size >= this.most) this.skipped += 1;
        else this.begin(MIX[(turn++ * 7) % MIX.length]);
      }
    };
    this.timer = setInterval(tick, 2);
    return this;
  }

  begin(kind) {
    const running = this.run(kind).catch((error) => this.unexpected.push(`${kind}: ${error.message}`));
    this.under_way.add(running);
    running.finally(() => this.under_way.delete(running));
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop() {
    clearInterval(this.timer);
    this.seconds = (performance.now() - this.begun) / 1000;
    await Promise.all(this.under_way);
  }

  /** Takes a task that no other request is using. */
  take() {
    if (!this.free.length) return undefined;
    const at = Math.floor(Math.random() * this.free.length);
    const task = this.free[at];
    this.free[at] = this.free.at(-1);
    this.free.pop();
    return task;
  }

  async run(kind) {
    const task = kind === "create" || kind === "list" ? undefined : this.take();
    if (kind === "list") return this.list();
    if (!task) return this.create();
    try {
      await { read: () => this.read(task), patch: () => this.patch(task), complete: () => this.complete(task) }[kind]();
    } finally {
      this.free.push(task);
    }
  }

  /** Sends a request, and repeats it where that is allowed. Says whether an earlier try may have had its effect. */
  async send(kind, method, path, request) {
    const end = performance.now() + 60_000;
    let unknown = false;
    for (;;) {
      const sent = performance.now();
      let answer;
      try {
        answer = await this.client.call(method, path, request);
        this.count(kind, answer.status);
      } catch (error) {
        this.count(kind, error.code ?? error.message);
        if (!this.retries) throw error;
      }
      if (answer && !PASSING.has(answer.status)) {
        this.times.push(performance.now() - sent);
        if (answer.status < 500) this.good();
        return { ...answer, unknown };
      }
      const detail = answer?.data?.detail ?? "";
      if (!this.retries) throw new Error(`${answer.status} ${detail}`);
      this.passing += 1;
      if (!answer || answer.status === 504 || detail.includes("unknown")) unknown = true;
      if (performance.now() > end) throw new Error("no answer after a minute of trying");
      await sleep(200);
    }
  }

  good() {
    const now = performance.now();
    this.longestGap = Math.max(this.longestGap, now - this.lastGood);
    this.lastGood = now;
  }

  count(kind, what) {
    const answers = (this.answers[kind] ??= {});
    answers[what] = (answers[what] ?? 0) + 1;
  }

  must(condition, what) {
    if (!condition) throw new Error(what);
  }

  async create() {
    const owner = this.owners[Math.floor(Math.random() * this.owners.length)];
    const key = randomUUID();
    const body = { title: `${key} at first`, description: key };
    this.sent = (this.sent ?? 0) + 1;
    const request = { as: owner.token, headers: { "idempotency-key": key }, body };
    const { status, data } = await this.send("create", "POST", "/api/v1/tasks", request);
    this.must(status === 201, `${status} ${JSON.stringify(data)}`);
    this.must(data.version === 1 && data.title === body.title, `another task: ${JSON.stringify(data)}`);
    const task = { owner, key, id: data.id, version: 1, title: body.title, completed: false };
    this.tasks.push(task);
    // Only some are changed later: most are checked as they were created.
    if (this.free.length < this.limit) this.free.push(task);
  }

  async read(task) {
    const { status, data } = await this.send("read", "GET", `/api/v1/tasks/${task.id}`, {
      as: task.owner.token,
    });
    this.must(status === 200, `${status} for a task that is there: ${JSON.stringify(data)}`);
    this.mustEqual(task, data);
  }

  async list() {
    const owner = this.owners[Math.floor(Math.random() * this.owners.length)];
    const { status, data } = await this.send("list", "GET", "/api/v1/tasks?limit=20", { as: owner.token });
    this.must(status === 200 && Array.isArray(data.items), `${status} ${JSON.stringify(data)}`);
    this.must(data.items.every((item) => item.owner_id === owner.name), "somebody else's task");
  }

  patch(task) {
    const title = `${task.key} in version ${task.version + 1}`;
    return this.change("patch", task, `/api/v1/tasks/${task.id}`, { title });
  }

  complete(task) {
    const completed = !task.completed;
    return this.change("complete", task, `/api/v1/tasks/${task.id}/complete`, { completed });
  }

  async change(kind, task, path, body) {
    const headers = { "if-match": `"${task.version}"` };
    let answer = await this.send(kind, "PATCH", path, { as: task.owner.token, headers, body });
    // The first try had its effect, and its answer was lost: read what is there.
    if (answer.status === 412 && answer.unknown) {
      answer = await this.send("read", "GET", `/api/v1/tasks/${task.id}`, { as: task.owner.token });
    }
    this.must(answer.status === 200, `${answer.status} ${JSON.stringify(answer.data)}`);
    Object.assign(task, body, { version: task.version + 1 });
    this.mustEqual(task, answer.data);
  }

  mustEqual(task, found) {
    for (const name of ["id", "version", "title", "completed"]) {
      this.must(found[name] === task[name], `${name} is ${found[name]}, not ${task[name]}, of ${task.key}`);
    }
  }

  /** Every acknowledged write is there, and nothing twice. Throws what is wrong. */
  async verify(url) {
    const client = url ? new Client(url) : this.client;
    const found = new Map();
    for (const owner of this.owners) {
      for (let path = "/api/v1/tasks?limit=200"; path; ) {
        const { status, data, headers } = await client.call("GET", path, { as: owner.token });
        this.must(status === 200, `${path}: ${status}`);
        for (const item of data.items) {
          this.must(!found.has(item.description), `${item.description} is there twice`);
          found.set(item.description, item);
        }
        path = /^<([^>]+)>/.exec(headers.link ?? "")?.[1];
      }
    }
    for (const task of this.tasks) {
      const item = found.get(task.key);
      this.must(item, `${task.key} was acknowledged and is gone`);
      this.mustEqual(task, item);
    }
    this.must(found.size <= this.sent, `${found.size} tasks of ${this.sent} creates`);
    return found.size;
  }

  /** The figures of a run. */
  summary() {
    const times = this.times.sort((a, b) => a - b);
    const at = (share) => `${(times[Math.floor(times.length * share)] ?? 0).toFixed(1)} ms`;
    const requests = Object.values(this.answers).flatMap(Object.values).reduce((a, b) => a + b, 0);
    return {
      requests,
      "a second": Math.round(requests / this.seconds),
      p50: at(0.5),
      p99: at(0.99),
      "acknowledged creates": this.tasks.length,
      unexpected: this.unexpected.length,
    };
  }
}
