import { authClient } from "./auth-client";

export interface Credentials {
  name: string;
  email: string;
  password: string;
}

/** What was wrong, and at which field if it is one's. */
export interface AuthFault {
  field?: keyof Credentials;
  text: string;
}

export const EXISTS: AuthFault = { field: "email", text: "There’s already an account with this e-mail address. Sign in instead." };

const BY_CODE: Record<string, AuthFault> = {
  INVALID_EMAIL_OR_PASSWORD: { field: "password", text: "The e-mail address or password isn’t right." },
  INVALID_EMAIL: { field: "email", text: "This isn’t an e-mail address." },
  PASSWORD_TOO_SHORT: { field: "password", text: "Use at least 8 characters." },
  TASKS_NOT_ADOPTED: { text: "Your tasks couldn’t be moved to your account because Todoward can’t be reached. They’re still here. Try again in a moment." },
  PASSWORD_TOO_LONG: { field: "password", text: "Use at most 128 characters." },
  USER_ALREADY_EXISTS: EXISTS,
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: EXISTS,
};

/** Signs in, or up. Answers the user's id, or what was wrong. */
export async function authenticate(mode: "sign-in" | "sign-up", given: Credentials): Promise<string | AuthFault> {
  const { name, email, password } = given;
  try {
    const { data, error } =
      mode === "sign-up"
        ? await authClient.signUp.email({ name, email, password })
        : await authClient.signIn.email({ email, password });
    if (data) return data.user.id;
    if (error.status === 429) return { text: "Too many attempts. Wait a few seconds and try again." };
    // A sign-up says so as "VALIDATION_ERROR" and "[body.email] Invalid email address".
    const code = error.message?.startsWith("[body.email]") ? "INVALID_EMAIL" : (error.code ?? "");
    return BY_CODE[code] ?? { text: error.message ?? `The sign-in server responded with ${error.status}. Try again.` };
  } catch {
    return { text: "The sign-in server isn’t responding. Check your connection and try again." };
  }
}
