import { useEffect, useMemo, useRef, useState } from "react";
import { useLists, useTags } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { customs } from "@/lib/language/customs";
import type { Part, Understood } from "@/lib/language/quick-add";
import { idle } from "@/lib/idle";
import { useServices } from "@/lib/services";
import { zoneOf } from "@/lib/settings";
import { useStore } from "@/lib/store";

type Language = typeof import("@/lib/language/quick-add");

/** A line of quick add: its text, what was understood, and which of its words are to be taken as they are. */
export function useQuickAdd(key: string) {
  const { storage } = useServices();
  const [text, setText] = useState("");
  const [literal, setLiteral] = useState<readonly string[]>([]);
  const language = useLanguage();
  const context = useContextOfUser();

  // A reload must not lose it.
  useEffect(() => setText(storage.read(key, "")), [storage, key]);

  const found = useMemo(
    () => (language && text.trim() ? language.understand(text, { ...context(), literal }) : plain(text)),
    [language, text, literal, context],
  );

  function type(now: string) {
    setText(now);
    storage.write(key, now || undefined);
    // What was said of words that are gone is forgotten with them.
    setLiteral((all) => all.filter((words) => now.toLowerCase().includes(words.toLowerCase())));
  }

  return {
    text,
    found,
    type,
    clear() {
      type("");
      setLiteral([]);
    },
    /** Takes the words of parts as they are. */
    keepWords: (parts: Part[]) => setLiteral((all) => [...all, ...parts.map(({ from, to }) => text.slice(from, to).trim())]),
    /** What is to be added; also if the language has not been loaded until now. */
    read(): Understood | Promise<Understood> {
      const understand = (loaded: Language) => loaded.understand(text, { ...context(), literal });
      if (language) return understand(language);
      // If it cannot be loaded, the line is added as it is, rather than not at all.
      return loadLanguage().then(understand, () => plain(text));
    },
  };
}

const plain = (text: string): Understood => ({ fields: { title: text.trim() }, parts: [] });

const loadLanguage = () => import("@/lib/language/quick-add");

/** Loaded when the page has nothing more urgent to do: the first look at the tasks does not wait for it. */
function useLanguage(): Language | undefined {
  const [language, setLanguage] = useState<Language>();
  const loading = useRef(false);
  useEffect(() => {
    if (loading.current) return;
    loading.current = true;
    // Without it, a line is a title.
    void idle(1500).then(loadLanguage).then(setLanguage, () => (loading.current = false));
  }, []);
  return language;
}

/** What the meaning of a line depends on, at the moment of the call. */
function useContextOfUser() {
  const { settings } = useServices();
  const chosen = useStore(settings);
  const tags = useTags();
  const lists = useLists();
  const today = useToday();
  return useMemo(
    () => () => ({
      now: new Date(),
      zone: zoneOf(chosen),
      weekStart: chosen.weekStart,
      tags: tags.map(({ name }) => name),
      lists: lists.filter(({ archived }) => !archived).map(({ id, name }) => ({ id, name })),
      ...customs(),
    }),
    // A new day changes what "tomorrow" is.
    [chosen, tags, lists, today],
  );
}
