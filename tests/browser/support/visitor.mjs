// Somebody with a browser of their own, and what must not happen in it.

import { expect } from "@playwright/test";
import { launch } from "./browser.mjs";
import { TodoPage } from "./todo-page.mjs";

export const PASSWORD = "correct horse battery";

let browser;
let visitors = 0;

export async function openBrowser() {
  browser = await launch();
  return browser;
}

/**
 * Opens a browser context. Options:
 * - `name`: of the account
 * - `allowed`: errors in the console that the test is about. Chromium itself reports every
 *   answer of 400 and above: "Failed to load resource: the server responded with a status of …"
 * - `context`: Playwright's options of a context
 * - `behindProxy`: false: without an IP address of its own, by which sign-ins are limited
 */
export async function visit(stack, { name = "Ada Lovelace", allowed, context: options, behindProxy = true } = {}) {
  visitors += 1;
  const context = await browser.newContext({
    baseURL: stack.appUrl,
    locale: "en-GB",
    viewport: { width: 1280, height: 800 },
    ...options,
    ...(behindProxy ? { extraHTTPHeaders: { "x-forwarded-for": address() } } : {}),
  });
  const visitor = new Visitor(stack, context, name, allowed);
  await visitor.newTab();
  return visitor;
}

function address() {
  const number = process.pid * 64 + visitors;
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

export class Visitor {
  faults = [];
  hosts = new Set();
  /** Writes that were sent, as "PUT https://…". */
  #sent = new Set();
  /** URLs of writes that were sent more than once. */
  #repeated = new Set();

  constructor(stack, context, name, allowed) {
    Object.assign(this, { stack, context, name, allowed });
    this.email = `ada-${process.pid}-${visitors}@example.com`;
    context.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol.startsWith("http")) this.hosts.add(host);
      const write = `${request.method()} ${request.url()}`;
      if (request.method() === "GET") return;
      // A page that was closed before the response repeats the write. It gets a 412 or 404 if that was done: the id exists, or the row is gone.
      if (this.#sent.has(write)) this.#repeated.add(request.url());
      this.#sent.add(write);
    });
    context.on("weberror", (fault) => this.faults.push(`uncaught: ${fault.error()}`));
    context.on("console", (message) => {
      if (message.type() !== "error") return;
      const text = message.text();
      if (this.allowed?.test(text)) return;
      // A page was closed while its service worker was being fetched. The tests of the shell see whether there is one.
      if (text === "An unknown error occurred when fetching the script." && !message.location().url) return;
      if (/status of 4(04|12)/.test(text) && this.#repeated.has(message.location().url)) return;
      this.faults.push(`${text} (${message.location().url})`);
    });
  }

  async newTab() {
    const page = await this.context.newPage();
    this.page ??= page;
    this.todo ??= new TodoPage(page);
    return new TodoPage(page);
  }

  /** An account and a session, without clicking for them. */
  async signUp() {
    const { name, email } = this;
    await this.auth("POST", "/sign-up/email", { name, email, password: PASSWORD });
    return this;
  }

  /** Opens the list; signs up before that. */
  async start(path = "/all") {
    await this.signUp();
    await this.todo.open(path);
    return this.todo;
  }

  async auth(method, path, data) {
    const headers = { origin: this.stack.appUrl };
    // An idle connection may be closed while it is used again; only that (ECONNRESET) is tried again.
    const options = { method, data, headers, maxRetries: 2 };
    const answer = await this.context.request.fetch(`/api/auth${path}`, options);
    expect(answer.status(), `${method} ${path}`).toBe(200);
    return answer.json();
  }

  /** A request to Todoward in the name of this user, as another program of theirs would make it. */
  async api(method, path, body, headers = {}) {
    this.token ??= (await this.auth("GET", "/token")).token;
    const response = await fetch(`${this.stack.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, data: text ? JSON.parse(text) : undefined };
  }

  async create(body) {
    const { status, data } = await this.api("POST", "/tasks", typeof body === "string" ? { title: body } : body);
    expect(status).toBe(201);
    return data;
  }

  /** The titles of all tasks that the server has, in the order of their creation. */
  async titles() {
    const { data } = await this.api("GET", "/tasks?sort=created_at&limit=100");
    return data.items.map(({ title }) => title);
  }

  /** Fails if there was an error that the test did not allow, or if something was loaded from elsewhere. */
  check() {
    expect(this.faults).toEqual([]);
    const strangers = [...this.hosts].filter((host) => !this.stack.hosts.includes(host));
    expect(strangers).toEqual([]);
  }
}
