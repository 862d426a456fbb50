import { useSyncExternalStore } from "react";

/** A value outside of React that components can watch. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();
  private value: T;
  /** What the server rendered, which hydration must find again. */
  private readonly rendered: T;

  constructor(value: T, rendered = value) {
    this.value = value;
    this.rendered = rendered;
  }

  get = () => this.value;

  getRendered = () => this.rendered;

  set(value: T) {
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, store.getRendered);
}
