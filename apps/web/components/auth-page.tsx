import { cookies } from "next/headers";
import Link from "next/link";
import { readTheme, THEME_COOKIE } from "@/lib/theme";
import { AuthForm, type AuthMode } from "./auth-form";
import styles from "./auth-page.module.css";
import { Logo } from "./logo";
import { AuthTheme } from "./auth-theme";

const TEXTS = {
  "sign-in": { title: "Welcome back", lead: "Sign in to see your tasks.", other: "New here?", link: "Create an account", href: "/sign-up" },
  "sign-up": { title: "Create your account", lead: "All you need is a name, an e-mail address and a password.", other: "Already have an account?", link: "Sign in", href: "/sign-in" },
} as const;

/** `to`: where the user wanted to go. */
export async function AuthPage({ mode, to }: { mode: AuthMode; to: string }) {
  const texts = TEXTS[mode];
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
          <AuthForm mode={mode} to={to} />
          <p className={styles.other}>
            {texts.other} <Link href={to === "/" ? texts.href : `${texts.href}?to=${encodeURIComponent(to)}`}>{texts.link}</Link>
          </p>
        </div>
      </main>
      <footer className={styles.foot}>Your tasks, and nobody else’s.</footer>
    </div>
  );
}
