import { Store } from "./store";

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "error";
  action?: { label: string; run: () => void };
  /** Milliseconds; without it the message stays until it is closed. */
  lasts?: number;
}

/** Short messages, newest last. */
export class Toasts extends Store<Toast[]> {
  private next = 1;
  private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();

  constructor() {
    super([]);
  }

  show(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): number {
    const toast: Toast = { id: this.next++, text, tone: "plain", lasts: 5000, ...options };
    this.set([...this.get().filter((other) => other.text !== text || other.action), toast].slice(-4));
    if (toast.lasts) this.timers.set(toast.id, setTimeout(() => this.close(toast.id), toast.lasts));
    return toast.id;
  }

  error(text: string, action?: Toast["action"]) {
    return this.show(text, { tone: "error", action, lasts: action ? undefined : 9000 });
  }

  close(id: number) {
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    this.set(this.get().filter((toast) => toast.id !== id));
  }
}
