import { Store } from "./store";

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "error";
  action?: { label: string; run: () => void };
  /** Milliseconds; without it the message stays until it is closed. */
  lasts?: number;
}

const MOST = 4;

/** Short messages, newest last. */
export class Toasts extends Store<Toast[]> {
  private next = 1;
  private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();

  constructor() {
    super([]);
  }

  show(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): number {
    const toast: Toast = { id: this.next++, text, tone: "plain", lasts: 5000, ...options };
    this.set(fit([...this.get().filter((other) => other.text !== text || other.action), toast]));
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

/** Room for four. What offers an action goes last, and never for a message that goes by itself. */
function fit(all: Toast[]): Toast[] {
  if (all.length <= MOST) return all;
  const newest = all.at(-1);
  const spare = all.find((toast) => !toast.action && toast !== newest) ?? (newest?.action && all[0]);
  return all.filter((toast) => toast !== spare);
}
