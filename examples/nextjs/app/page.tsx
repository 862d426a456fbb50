import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { TodoLoader } from "@/components/todo-loader";
import { browserBaseUrl } from "@/lib/server-config";
import { currentUser } from "@/lib/session";
import { readTheme, THEME_COOKIE } from "@/lib/theme";

export default async function Page() {
  const user = await currentUser();
  if (!user) redirect("/sign-in");
  const { id, name, email } = user;
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  return <TodoLoader key={id} user={{ id, name, email }} baseUrl={browserBaseUrl()} theme={theme} />;
}
