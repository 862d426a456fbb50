import { cookies } from "next/headers";
import Link from "next/link";
import { browserBaseUrl, timeLimit } from "@/lib/server-config";
import { readTheme, THEME_COOKIE } from "@/lib/theme";
import { AuthForm, type AuthMode } from "./auth-form";
import styles from "./auth-page.module.css";
import { Logo } from "./logo";
import { AuthTheme } from "./auth-theme";
import { TryGuest } from "./try-guest";

const TEXTS = {
  "sign-in": { title: "Welcome back", lead: "Sign in to see your tasks.", other: "New here?", link: "Create an account", href: "/sign-up" },
  "sign-up": { title: "Create your account", lead: "All you need is a name, an e-mail address and a password.", other: "Already have an account?", link: "Sign in", href: "/sign-in" },
} as const;

const FOR_GUESTS = {
  "sign-in": { title: "Sign in", lead: "The tasks you added as a guest move to your account." },
  "sign-up": { title: "Keep your tasks", lead: "Create an account, and the tasks you added as a guest come with you." },
} as const;

interface Props {
  mode: AuthMode;
  /** Where the user wanted to go. */
  to: string;
  /** Who is here without an account. */
  guestId: string | undefined;
}

export async function AuthPage({ mode, to, guestId }: Props) {
  const texts = { ...TEXTS[mode], ...(guestId && FOR_GUESTS[mode]) };
  const guest = guestId ? { id: guestId, baseUrl: browserBaseUrl(), timeLimit: timeLimit() + 1000 } : undefined;
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <div className={styles.page}>
      <header className={styles.top}>
        <Logo />
        <AuthTheme initial={theme} />
      </header>
      <main className={styles.main}>
        <div className={styles.card}>
          <h1>{texts.title}</h1>
          <p className={styles.lead}>{texts.lead}</p>
          <AuthForm mode={mode} to={to} guest={guest} />
          {!guest && <TryGuest to={to} />}
          <p className={styles.other}>
            {texts.other} <Link href={to === "/" ? texts.href : `${texts.href}?to=${encodeURIComponent(to)}`}>{texts.link}</Link>
          </p>
          {guest && (
            <p className={styles.back}>
              <a href={to}>Back to your tasks</a>
            </p>
          )}
        </div>
      </main>
      <footer className={styles.foot}>Your tasks, and nobody else’s.</footer>
    </div>
  );
}
