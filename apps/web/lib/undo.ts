import { Store } from "./store.ts";

interface Undoable {
  id: number;
  /** What was done, as it stands in the message: "Completed “Pay rent”". */
  label: string;
  /** False: another device has changed it since, and nothing was done. */
  revert: () => boolean | void;
  /** One undo takes back all that follow each other under one key, as the letters of a title. */
  key?: string;
}

const MOST = 100;

/** What can be taken back, newest last. */
export class Undo extends Store<readonly Undoable[]> {
  private next = 1;

  constructor() {
    super([]);
  }

  push(label: string, revert: () => boolean | void, key?: string): number {
    const last = this.get().at(-1);
    // The first revert leads back to where all of them began.
    if (key !== undefined && last?.key === key) return last.id;
    const id = this.next++;
    this.set([...this.get(), { id, label, revert, key }].slice(-MOST));
    return id;
  }

  /** Takes back one, or the last one. Gives what it was, and whether it could be taken back. */
  undo(id?: number): (Undoable & { done: boolean }) | undefined {
    const one = id === undefined ? this.get().at(-1) : this.get().find((other) => other.id === id);
    if (!one) return undefined;
    this.set(this.get().filter((other) => other !== one));
    return { ...one, done: one.revert() !== false };
  }
}
