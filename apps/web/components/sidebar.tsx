import { useAddress } from "@/hooks/use-address";
import { useLists } from "@/hooks/use-rows";
import { useCounts } from "@/hooks/use-view";
import { at, samePlace, type Place } from "@/lib/places";
import { PlaceLink } from "./place-link";

const PLACES = [
  ["inbox", "Inbox"],
  ["today", "Today"],
  ["upcoming", "Upcoming"],
  ["all", "All"],
  ["done", "Done"],
  ["trash", "Trash"],
] as const;

export function Sidebar({ onClose }: { open: boolean; onClose: () => void }) {
  const { place } = useAddress();
  const lists = useLists();
  const counts = useCounts();
  const link = (to: Place, name: string, count?: number) => (
    <li key={name}>
      <PlaceLink to={at(to)} onGo={onClose} aria-current={samePlace(to, place) ? "page" : undefined}>
        {name} {count || ""}
      </PlaceLink>
    </li>
  );
  return (
    <nav aria-label="Places">
      <ul>{PLACES.map(([kind, name]) => link({ kind }, name))}</ul>
      <ul>{lists.map(({ id, name }) => link({ kind: "list", id }, name, counts.byList.get(id)))}</ul>
    </nav>
  );
}
