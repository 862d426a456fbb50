import type { UserStorage } from "./storage";
import { Store } from "./store";

/** A short list that all tabs of a user share, and that outlives them. */
export class SharedList<Item extends { key: string }> extends Store<readonly Item[]> {
  private readonly storage: UserStorage;
  private readonly name: string;

  constructor(storage: UserStorage, name: string) {
    const rendered: Item[] = [];
    super(storage.read<Item[]>(name, rendered), rendered);
    this.storage = storage;
    this.name = name;
  }

  /** Begins to follow the other tabs; gives the function that ends it. */
  start(): () => void {
    const heard = (event: StorageEvent) => {
      if (event.key === null || event.key === this.storage.key(this.name)) this.set(this.storage.read<Item[]>(this.name, []));
    };
    window.addEventListener("storage", heard);
    return () => window.removeEventListener("storage", heard);
  }

  add(item: Item) {
    this.save([...this.latest().filter(({ key }) => key !== item.key), item]);
  }

  remove(key: string) {
    this.save(this.latest().filter((item) => item.key !== key));
  }

  clear() {
    this.save([]);
  }

  private latest() {
    return this.storage.read<readonly Item[]>(this.name, this.get());
  }

  private save(items: readonly Item[]) {
    this.storage.write(this.name, items.length ? items : undefined);
    this.set(items);
  }
}
