import type { Task } from "todoward-client";

/** Without regard to case and accents. */
export function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase();
}

export function wordsOf(q: string): string[] {
  return folded(q).split(/\s+/u).filter(Boolean);
}

// A row that has changed is another object.
const texts = new WeakMap<Task, string>();

function textOf(task: Task): string {
  let text = texts.get(task);
  if (text === undefined) {
    const tags = task.tags.map((tag) => `#${tag}`);
    text = folded([task.title, task.description ?? "", ...tags].join("\n"));
    texts.set(task, text);
  }
  return text;
}

/** Whether each word stands somewhere in the title, the notes or the tags, in any order; or in the list's name. */
export function matchesWords(task: Task, words: readonly string[], listName = ""): boolean {
  if (words.length === 0) return true;
  const text = textOf(task);
  const name = listName && folded(listName);
  return words.every((word) => text.includes(word) || name.includes(word));
}
