import { TriangleAlert } from "lucide-react";
import type { ListPatch, TaskFields } from "todoward-client";
import { useSnapshot } from "@/hooks/use-rows";
import { quoted } from "@/lib/actions";
import { useServices } from "@/lib/services";
import type { Refusal } from "@/lib/undecided";
import styles from "./notices.module.css";
import ui from "./ui.module.css";

const REASONS: Record<string, string> = {
  quota_exceeded: "you’ve reached the limit for your account. Delete something and empty the trash",
  task_not_found: "the task was deleted on another device",
  list_not_found: "the list was deleted on another device",
  not_owner: "it belongs to someone else",
  body_too_large: "the text is too long",
};

/** What the server refused: what, why, and what can be done. */
export function RefusalNotice({ refusal }: { refusal: Refusal }) {
  const { refusals, actions, toasts } = useServices();
  const { byId, listById } = useSnapshot();
  const { key, kind, id, action, problem } = refusal;
  const fields = action.type === "create" ? action.fields : action.type === "update" ? action.patch : {};
  const given = fields as Partial<TaskFields> & { name?: string };
  const title = given.title ?? given.name ?? refusal.title ?? (kind === "task" ? "A task" : "A list");
  const there = kind === "task" ? byId.has(id) : listById.has(id);
  const field = problem.errors[0];
  const reason = REASONS[problem.code] ?? (field?.pointer ? `${field.pointer.slice(1).replaceAll("_", " ")} ${field.detail}` : problem.detail);
  const text = Object.values(fields).filter((value) => typeof value === "string").join("\n");

  function retry() {
    refusals.remove(key);
    if (kind === "list") {
      if (there && action.type === "update") actions.updateList(id, action.patch as ListPatch);
      else actions.addList({ ...(fields as object), name: title });
      return;
    }
    if (there && action.type === "update") return actions.update(id, action.patch as object);
    if (there && action.type === "complete") return actions.complete(id, action.completed);
    actions.add({ ...given, parent_id: byId.has(given.parent_id ?? "") ? given.parent_id : null, list_id: listById.has(given.list_id ?? "") ? given.list_id : null, title });
  }

  async function copy() {
    await navigator.clipboard.writeText(text || title);
    toasts.show("Copied.");
  }

  return (
    <div className={styles.notice} data-tone="danger" role="alert">
      <TriangleAlert size={16} aria-hidden="true" />
      <p title={`${problem.status} ${problem.code}: ${problem.detail}`}>
        {quoted(title)} couldn’t be saved: {reason.replace(/\.$/, "")}.
      </p>
      {(text || there) && (
        <button type="button" className={ui.link} onClick={retry}>
          {there || action.type === "create" ? "Try again" : "Save as new"}
        </button>
      )}
      <button type="button" className={ui.link} onClick={() => void copy()}>
        Copy text
      </button>
      <button type="button" className={ui.link} onClick={() => refusals.remove(key)}>
        Dismiss
      </button>
    </div>
  );
}
