import { Store } from "./store.ts";

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "error";
  action?: { label: string; run: () => void };
  /** Milliseconds; without it the message stays until it is closed. */
  lasts?: number;
  /** What its action takes back, by the id of undo. */
  undoes?: number;
}

const MOST = 3;

/** Short messages, newest last. */
export class Toasts extends Store<Toast[]> {
  private next = 1;
  private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();

  constructor() {
    super([]);
  }

  show(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): number {
    const toast: Toast = { id: this.next++, text, tone: "plain", lasts: 5000, ...options };
    // Of what can be undone only the last one is offered; the keyboard and the palette know the others.
    const replaced = (other: Toast) => (other.text === text && !other.action) || (toast.tone === "plain" && other.tone === "plain");
    for (const other of this.get().filter(replaced)) this.stop(other.id);
    this.set([...this.get().filter((other) => !replaced(other)), toast].slice(-MOST));
    this.start(toast);
    return toast.id;
  }

  error(text: string, action?: Toast["action"]) {
    return this.show(text, { tone: "error", action, lasts: action ? undefined : 9000 });
  }

  close(id: number) {
    this.stop(id);
    this.set(this.get().filter((toast) => toast.id !== id));
  }

  /** What its action would take back is taken back already. */
  closeUndo(id: number) {
    for (const toast of this.get()) if (toast.undoes === id) this.close(toast.id);
  }

  /** Nothing goes while somebody reads it, or is about to press its button. */
  hold(held: boolean) {
    for (const toast of this.get()) {
      if (held) this.stop(toast.id);
      else this.start(toast);
    }
  }

  private start(toast: Toast) {
    this.stop(toast.id);
    if (toast.lasts) this.timers.set(toast.id, setTimeout(() => this.close(toast.id), toast.lasts));
  }

  private stop(id: number) {
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
  }
}
