import type { MouseEvent, ReactNode } from "react";
import { type Address, writeAddress } from "@/lib/places";
import { useServices } from "@/lib/services";

interface Props extends Omit<React.AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  to: Address;
  onGo?: () => void;
  children: ReactNode;
}

/** A link within the app: it goes there without loading anything. */
export function PlaceLink({ to, onGo, children, ...rest }: Props) {
  const { navigation } = useServices();
  function go(event: MouseEvent) {
    // Another tab or window was asked for.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    navigation.go(to);
    onGo?.();
  }
  return (
    <a href={writeAddress(to)} onClick={go} {...rest}>
      {children}
    </a>
  );
}
