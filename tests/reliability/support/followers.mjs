// Clients that keep a copy of what the owners of a load have, by following changes.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "./client.mjs";

/** Small pages, so that an outage comes between two of them. */
const LIMIT = 50;

class Follower {
  constructor(client, owner) {
    Object.assign(this, { client, owner, pulls: 0, resets: 0 });
    this.beginAnew();
  }

  beginAnew() {
    this.rows = new Map();
    this.next = undefined;
  }

  /** Pulls one page of changes. Returns whether there may be more. */
  async pull() {
    const since = this.next === undefined ? "" : `&since=${this.next}`;
    const page = await this.client
      .call("GET", `/api/v1/changes?limit=${LIMIT}${since}`, { as: this.owner.token })
      .catch(() => undefined);
    this.pulls += 1;
    if (!page || page.status === 503 || page.status === 504) {
      await sleep(200);
      return true;
    }
    if (page.status === 410) {
      assert.equal(page.data.code, "sync_reset");
      this.resets += 1;
      this.beginAnew();
      return true;
    }
    assert.equal(page.status, 200, JSON.stringify(page.data));
    const { tasks, lists, gone, next, more } = page.data;
    for (const row of [...tasks, ...lists]) this.rows.set(row.id, row);
    for (const { id } of gone) this.rows.delete(id);
    this.next = next;
    return more;
  }

  async follow() {
    while (await this.pull());
  }

  /** Every task of the owner, read with GET /tasks. */
  async all() {
    const rows = new Map();
    for (const trash of [false, true]) {
      for (let path = `/api/v1/tasks?limit=200&trash=${trash}`; path; ) {
        const { status, data, headers } = await this.client.call("GET", path, { as: this.owner.token });
        assert.equal(status, 200, path);
        for (const row of data.items) rows.set(row.id, row);
        path = /^<([^>]+)>/.exec(headers.link ?? "")?.[1];
      }
    }
    return rows;
  }
}

export class Followers {
  constructor({ url, owners }) {
    this.client = new Client(url);
    this.all = owners.map((owner) => new Follower(this.client, owner));
  }

  start() {
    this.isOver = false;
    this.running = this.all.map(async (follower) => {
      while (!this.isOver) {
        await follower.follow();
        await sleep(20);
      }
    });
    // `areInStep` throws the failure. Until then it must not count as unhandled.
    for (const running of this.running) running.catch(() => {});
    return this;
  }

  /** To be called when nobody writes any more. Checks that each copy equals what the server has; returns the number of rows. */
  async areInStep() {
    this.isOver = true;
    await Promise.all(this.running);
    let rows = 0;
    for (const follower of this.all) {
      await follower.follow();
      assert.deepEqual(follower.rows, await follower.all(), follower.owner.name);
      rows += follower.rows.size;
    }
    return rows;
  }

  summary() {
    const sum = (name) => this.all.reduce((sum, follower) => sum + follower[name], 0);
    return { followers: this.all.length, pulls: sum("pulls"), "410": sum("resets") };
  }

  close() {
    this.client.close();
  }
}
