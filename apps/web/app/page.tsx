import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { TodoLoader } from "@/components/todo-loader";
import { browserBaseUrl, timeLimit } from "@/lib/server-config";
import { currentUser } from "@/lib/session";
import { readTheme, THEME_COOKIE } from "@/lib/theme";

export default async function Page() {
  const user = await currentUser();
  if (!user) redirect("/sign-in");
  const { id, name, email } = user;
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  // A little longer than app/backend waits, whose answer says more.
  const server = { baseUrl: browserBaseUrl(), timeLimit: timeLimit() + 1000 };
  return <TodoLoader key={id} user={{ id, name, email }} server={server} theme={theme} />;
}
