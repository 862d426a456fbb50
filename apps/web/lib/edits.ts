import { isProblem, type Task } from "todoward-client";
import type { Changes } from "./changes";
import { type FieldName, type Fields, changed, fieldsOf, patchBetween } from "./fields";
import { inOneLine } from "./messages";
import type { UserStorage } from "./storage";
import { Store } from "./store";
import type { Connection } from "./todoward";

export interface Edit {
  /** The task as it was when the user began. */
  base: Task;
  fields: Fields;
  saving?: boolean;
  /** What is to be saved after that. */
  queued?: Fields;
  /** Why it could not be saved. */
  error?: string;
  refused?: Record<string, string>;
  /** The task as somebody else has changed it meanwhile. */
  theirs?: Task;
  /** It was deleted meanwhile. */
  gone?: boolean;
}

interface State {
  /** The task whose editor is open. */
  open: string | null;
  /** The task whose conflict is shown. */
  conflict: string | null;
  all: Record<string, Edit>;
}

/** What the user has typed into tasks and the server has not taken yet. Survives a reload. */
export class Edits extends Store<State> {
  constructor(
    private readonly connection: Connection,
    private readonly changes: Changes,
    private readonly storage: UserStorage,
  ) {
    const kept = storage.read<State>("edits", { open: null, conflict: null, all: {} });
    // Whether a save that the reload interrupted has arrived will show when it is repeated.
    for (const edit of Object.values(kept.all)) {
      edit.saving = false;
      edit.queued = undefined;
    }
    super(kept);
  }

  /** What was to be saved and is not; a draft that is still being typed is not among it. */
  unsaved(): Edit[] {
    return Object.values(this.get().all).filter(({ saving, error, gone }) => saving || error || gone);
  }

  /** Opens the editor of a task. One that was open keeps what was typed. */
  open(task: Task) {
    const { all, open } = this.get();
    const edit = all[task.id] ?? { base: task, fields: fieldsOf(task) };
    if (open && open !== task.id) this.close(open);
    this.keep({ ...this.get(), open: task.id, all: { ...this.get().all, [task.id]: edit } });
  }

  /** Closes the editor; drops the draft only if there is nothing in it. */
  close(id: string) {
    const edit = this.get().all[id];
    if (edit && changed(fieldsOf(edit.base), edit.fields).length === 0) this.discard(id);
    else if (this.get().open === id) this.keep({ ...this.get(), open: null });
  }

  type(id: string, fields: Fields) {
    const { refused } = this.get().all[id] ?? {};
    this.change(id, { fields, error: undefined, refused: refused && stillWrong(this.get().all[id], fields) });
  }

  discard(id: string) {
    const { [id]: _, ...all } = this.get().all;
    const { open, conflict } = this.get();
    this.keep({ open: open === id ? null : open, conflict: conflict === id ? null : conflict, all });
  }

  restore(edit: Edit) {
    const { id } = edit.base;
    this.keep({ ...this.get(), open: id, all: { ...this.get().all, [id]: { ...edit, saving: false, queued: undefined } } });
  }

  showConflict(id: string | null) {
    this.keep({ ...this.get(), conflict: id });
  }

  /** Settles a conflict by taking each field from one side, and saves. */
  resolve(id: string, choices: Partial<Record<FieldName, "mine" | "theirs">>) {
    const edit = this.get().all[id];
    if (!edit?.theirs) return;
    const theirs = fieldsOf(edit.theirs);
    const taken = Object.keys(choices).filter((name) => choices[name as FieldName] === "theirs");
    const fields = { ...edit.fields, ...Object.fromEntries(taken.map((name) => [name, theirs[name as FieldName]])) };
    this.changes.put(edit.theirs);
    this.change(id, { base: edit.theirs, fields, theirs: undefined });
    this.showConflict(null);
    void this.save(id);
  }

  async save(id: string): Promise<void> {
    const edit = this.get().all[id];
    if (!edit) return;
    if (this.get().open === id) this.keep({ ...this.get(), open: null });
    if (edit.saving) this.change(id, { queued: edit.fields });
    else await this.send(id, edit.fields);
  }

  private async send(id: string, fields: Fields): Promise<void> {
    const edit = this.get().all[id];
    if (!edit) return;
    const patch = patchBetween(fieldsOf(edit.base), fields);
    if (Object.keys(patch).length === 0) return this.saved(id, fields, edit.base);
    this.change(id, { saving: true, error: undefined, refused: undefined });
    try {
      this.saved(id, fields, await this.changes.run({ id, patch, base: edit.base }));
    } catch (error) {
      await this.failed(id, error);
    }
  }

  /** What was typed while a change was on its way is an edit of the task that it has made. */
  private saved(id: string, sent: Fields, task: Task) {
    const { open, all } = this.get();
    const edit = all[id];
    if (!edit) return;
    const { fields, queued } = edit;
    if (open !== id && !queued && changed(sent, fields).length === 0) return this.discard(id);
    const since = (typed: Fields): Fields => {
      const names = changed(sent, typed);
      return { ...fieldsOf(task), ...Object.fromEntries(names.map((name) => [name, typed[name]])) };
    };
    this.change(id, { base: task, fields: since(fields), saving: false, queued: undefined });
    if (queued) void this.send(id, since(queued));
  }

  private async failed(id: string, error: unknown): Promise<void> {
    const failure: Partial<Edit> = { saving: false, queued: undefined, error: inOneLine(error, this.connection.baseUrl) };
    const { open, conflict } = this.get();
    if (isProblem(error, "version_mismatch")) {
      try {
        const theirs = await this.connection.client.readTask(id);
        if (this.isSaved(id, theirs)) return;
        failure.theirs = theirs;
        if (!conflict) this.showConflict(id);
      } catch (second) {
        return this.failed(id, second);
      }
    } else if (isProblem(error, "task_not_found")) {
      failure.gone = true;
    } else if (isProblem(error) && error.status === 422) {
      failure.refused = error.fieldErrors();
      if (!open) this.keep({ ...this.get(), open: id });
    }
    this.change(id, failure);
  }

  /** The server has just what was typed: saved before a reload that hid the answer, or by both sides. */
  private isSaved(id: string, theirs: Task): boolean {
    const edit = this.get().all[id];
    if (!edit || changed(fieldsOf(theirs), edit.fields).length > 0) return false;
    this.changes.put(theirs);
    this.discard(id);
    return true;
  }

  private change(id: string, change: Partial<Edit>) {
    const edit = this.get().all[id];
    if (edit) this.keep({ ...this.get(), all: { ...this.get().all, [id]: { ...edit, ...change } } });
  }

  private keep(state: State) {
    this.set(state);
    this.storage.write("edits", Object.keys(state.all).length ? state : undefined);
  }
}

/** Objections to fields that have not been touched since. */
function stillWrong(edit: Edit | undefined, fields: Fields) {
  const touched = edit ? changed(edit.fields, fields) : [];
  return Object.fromEntries(Object.entries(edit?.refused ?? {}).filter(([name]) => !touched.includes(name as FieldName)));
}
