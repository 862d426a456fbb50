// TEMPORARY
export type Priority = "none" | "low" | "medium" | "high";
export interface Task { id: string; owner_id: string; title: string; description: string | null; completed: boolean; completed_at: string | null; priority: Priority; due_date: string | null; tags: string[]; version: number; created_at: string; updated_at: string }
export interface TaskFields { title: string; description?: string | null; completed?: boolean; priority?: Priority; due_date?: string | null; tags?: string[] }
export type TaskPatch = Partial<TaskFields>;
export interface ListQuery { completed?: boolean; priority?: Priority | Priority[]; tag?: string | string[]; due_before?: string; due_after?: string; q?: string; sort?: string; limit?: number; cursor?: string }
export interface TaskPage { items: Task[]; next_cursor: string | null }
export class TodowardProblem extends Error {
  status = 0; code = ""; detail = ""; errors: { pointer?: string; parameter?: string; detail: string }[] = []; retryAfter?: number; requestId = ""; outcomeUnknown = false;
  fieldErrors(): Record<string, string> {
    return Object.fromEntries(this.errors.map((e) => [(e.pointer ?? "").split("/")[1] ?? "", e.detail]));
  }
}
export class TodowardUnreachable extends Error { url = "" }
export class SignedOut extends Error {}
export function isProblem(error: unknown, code?: string): error is TodowardProblem { return error instanceof TodowardProblem && (!code || error.code === code); }
type Opt = { signal?: AbortSignal; ifMatch?: Task | number | "seen" | "*"; idempotencyKey?: string };
export class Todoward {
  constructor(private o: { baseUrl: string; token: (a: { refresh: boolean }) => Promise<string | null | undefined>; fetch?: typeof fetch; maxRetries?: number; maxRetryDelay?: number; onRetry?: (info: { delay: number }) => void }) {}
  async call(method: string, path: string, body?: unknown, opt: Opt = {}, refresh = false): Promise<Response> {
    const token = await this.o.token({ refresh });
    if (!token) throw new SignedOut("signed out");
    const headers = new Headers({ authorization: `Bearer ${token}` });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (opt.ifMatch) headers.set("if-match", `"${typeof opt.ifMatch === "object" ? opt.ifMatch.version : opt.ifMatch}"`);
    if (opt.idempotencyKey) headers.set("idempotency-key", opt.idempotencyKey);
    let r: Response;
    try { r = await (this.o.fetch ?? fetch)(`${this.o.baseUrl}/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: opt.signal }); }
    catch (cause) { if (opt.signal?.aborted) throw cause; throw Object.assign(new TodowardUnreachable("no connection", { cause }), { url: this.o.baseUrl }); }
    if (r.status === 401 && !refresh) return this.call(method, path, body, opt, true);
    if (!r.ok) {
      if (!r.headers.get("content-type")?.includes("problem+json")) throw Object.assign(new TodowardUnreachable(`answer ${r.status} is not Todoward's`), { url: this.o.baseUrl });
      const p = await r.json();
      throw Object.assign(new TodowardProblem(p.detail), p, { retryAfter: Number(r.headers.get("retry-after")) || undefined });
    }
    return r;
  }
  async listTasks(query: ListQuery = {}, opt: Opt = {}): Promise<TaskPage> {
    const s = new URLSearchParams();
    for (const [k, v] of Object.entries(query)) for (const one of Array.isArray(v) ? v : [v]) if (one !== undefined) s.append(k, String(one));
    return (await this.call("GET", `/tasks?${s}`, undefined, opt)).json();
  }
  async createTask(f: TaskFields, opt: Opt = {}): Promise<Task> { return (await this.call("POST", "/tasks", f, opt)).json(); }
  async readTask(id: string, opt: Opt = {}): Promise<Task> { return (await this.call("GET", `/tasks/${id}`, undefined, opt)).json(); }
  async updateTask(id: string, p: TaskPatch, opt: Opt = {}): Promise<Task> { return (await this.call("PATCH", `/tasks/${id}`, p, opt)).json(); }
  async completeTask(id: string, completed?: boolean, opt: Opt = {}): Promise<Task> { return (await this.call("PATCH", `/tasks/${id}/complete`, completed === undefined ? undefined : { completed }, opt)).json(); }
  async deleteTask(id: string, opt: Opt = {}): Promise<void> { await this.call("DELETE", `/tasks/${id}`, undefined, opt); }
  async clearCompleted(opt: Opt = {}): Promise<number> { return (await (await this.call("DELETE", "/tasks?completed=true", undefined, opt)).json()).deleted; }
  forget() {}
}
