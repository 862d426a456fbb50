import { useAddress } from "@/hooks/use-address";
import { useView } from "@/hooks/use-view";
import { Composer } from "./composer";
import { TaskRow } from "./task-row";

export function PlaceView() {
  const { place } = useAddress();
  const view = useView();
  return (
    <>
      <h1>{place.kind}</h1>
      <Composer />
      {view.groups.map(({ key, title, rows }) => (
        <section key={key}>
          {title && <h2>{title}</h2>}
          <ul>
            {rows.map((row) => (
              <TaskRow key={row.task.id} row={row} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
