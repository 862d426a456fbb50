import { Archive, ArchiveRestore, ArrowDown, ArrowUp, Pencil, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import type { List } from "todoward-client";
import { at } from "@/lib/places";
import { useServices } from "@/lib/services";
import ui from "./ui.module.css";

interface Props {
  list: List;
  first: boolean;
  last: boolean;
  /** It is the place that is shown. */
  here: boolean;
  close: () => void;
  onEdit: () => void;
  onStep: (by: 1 | -1) => void;
}

/** What can be done with a list. */
export function ListMenu({ list, first, last, here, close, onEdit, onStep }: Props) {
  const { actions, navigation } = useServices();
  const { archived } = list;
  const item = (label: string, icon: ReactNode, run: () => void, { disabled = false, danger = false } = {}) => (
    <button
      type="button"
      className={ui.item}
      disabled={disabled}
      data-danger={danger}
      onClick={() => {
        close();
        run();
      }}
    >
      {icon}
      {label}
    </button>
  );
  return (
    <>
      {item("Rename or change colour", <Pencil size={16} />, onEdit)}
      {item("Move up", <ArrowUp size={16} />, () => onStep(-1), { disabled: first })}
      {item("Move down", <ArrowDown size={16} />, () => onStep(1), { disabled: last })}
      {item(archived ? "Unarchive" : "Archive", archived ? <ArchiveRestore size={16} /> : <Archive size={16} />, () => actions.archiveList(list, !archived))}
      {item("Delete list", <Trash2 size={16} />, () => {
        if (here) navigation.go(at({ kind: "inbox" }), { replace: true });
        actions.removeList(list);
      }, { danger: true })}
    </>
  );
}
