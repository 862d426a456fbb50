// Notes are plain text. Links, bullets and check items are shown as such; nothing in a note is ever HTML.

export type Inline = { text: string; href?: string };

export type Block =
  | { kind: "paragraph"; lines: Inline[][] }
  | { kind: "bullets"; items: Inline[][] }
  | { kind: "numbers"; start: number; items: Inline[][] }
  | { kind: "checks"; items: { done: boolean; line: number; content: Inline[] }[] };

const CHECK = /^\s*(?:[-*+•]\s+)?\[(?<mark>[ xX]?)\]\s+(?<rest>.*)$/;
const BULLET = /^\s*[-*+•–]\s+(?<rest>\S.*)$/;
const NUMBER = /^\s*(?<number>\d{1,9})[.)]\s+(?<rest>\S.*)$/;
/** Only schemes that cannot run anything. */
const LINK = /\[(?<label>[^[\]\n]{1,500})\]\((?<target>(?:https?:\/\/|mailto:)[^\s)]+)\)|(?<url>(?:https?:\/\/|mailto:|www\.)[^\s<>"“”]+)|(?<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,9})/gi;

/** The blocks of a note, in its order; empty lines separate paragraphs. */
export function blocks(note: string): Block[] {
  const all: Block[] = [];
  let previous: Block | undefined;
  const add = <B extends Block>(block: B): B => {
    all.push(block);
    previous = block;
    return block;
  };
  for (const [line, text] of note.split(/\r\n|\r|\n/).entries()) {
    const check = CHECK.exec(text)?.groups;
    const bullet = BULLET.exec(text)?.groups;
    const number = NUMBER.exec(text)?.groups;
    if (check) {
      const item = { done: /x/i.test(check["mark"] ?? ""), line, content: inline(check["rest"] ?? "") };
      if (previous?.kind === "checks") previous.items.push(item);
      else add({ kind: "checks", items: [item] });
    } else if (bullet) {
      const item = inline(bullet["rest"] ?? "");
      if (previous?.kind === "bullets") previous.items.push(item);
      else add({ kind: "bullets", items: [item] });
    } else if (number) {
      const item = inline(number["rest"] ?? "");
      if (previous?.kind === "numbers") previous.items.push(item);
      else add({ kind: "numbers", start: Number(number["number"]), items: [item] });
    } else if (!text.trim()) previous = undefined;
    else if (previous?.kind === "paragraph") previous.lines.push(inline(text));
    else add({ kind: "paragraph", lines: [inline(text)] });
  }
  return all;
}

/** Whether there is more in a note than plain words. */
export function isRich(note: string): boolean {
  return blocks(note).some((block) => block.kind !== "paragraph" || block.lines.flat().some(({ href }) => href));
}

/** The note with the check item of that line ticked, or not; unchanged if there is none. */
export function withCheck(note: string, line: number, done: boolean): string {
  // The separators are kept as they are.
  const pieces = note.split(/(\r\n|\r|\n)/);
  const text = pieces[line * 2];
  if (text === undefined || !CHECK.test(text)) return note;
  pieces[line * 2] = text.replace(/\[[ xX]?\]/, done ? "[x]" : "[ ]");
  return pieces.join("");
}

/** How many check items there are, and how many are done. */
export function checkCounts(note: string): { done: number; total: number } {
  const items = blocks(note).flatMap((block) => (block.kind === "checks" ? block.items : []));
  return { done: items.filter(({ done }) => done).length, total: items.length };
}

/** Text and links of a line. */
export function inline(text: string): Inline[] {
  const all: Inline[] = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const { label, target, url, mail } = match.groups ?? {};
    // A full stop or a closing bracket behind a link is the sentence's.
    const shown = label ?? mail ?? trimmed(url ?? "");
    const href = safe(target ?? (mail ? `mailto:${mail}` : /^www\./i.test(shown) ? `https://${shown}` : shown));
    if (!href) continue;
    const to = match.index + (label === undefined ? shown.length : match[0].length);
    if (match.index > at) all.push({ text: text.slice(at, match.index) });
    all.push({ text: shown, href });
    at = to;
  }
  if (at < text.length || !all.length) all.push({ text: text.slice(at) });
  return all;
}

function trimmed(url: string): string {
  let open = count(url, "(") - count(url, ")");
  let end = url.length;
  for (; end > 0; end -= 1) {
    const last = url[end - 1] ?? "";
    if (last === ")" && open < 0) open += 1;
    else if (!/[.,;:!?'’*_]/.test(last)) break;
  }
  return url.slice(0, end);
}

const count = (text: string, character: string) => text.split(character).length - 1;

function safe(target: string): string | undefined {
  if (!URL.canParse(target)) return undefined;
  const { protocol, href, username, password } = new URL(target);
  // "https://bank.example@evil.example" does not lead where it seems to.
  return /^(?:https?|mailto):$/.test(protocol) && !username && !password ? href : undefined;
}
