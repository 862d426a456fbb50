import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { AuthPage } from "@/components/auth-page";
import { returnPath } from "@/lib/return-path";
import { currentUser } from "@/lib/session";

export const metadata: Metadata = { title: "Create an account" };

interface Props {
  searchParams: Promise<{ to?: string | string[] }>;
}

export default async function SignUp({ searchParams }: Props) {
  const to = returnPath((await searchParams).to);
  const user = await currentUser();
  if (user && !user.isAnonymous) redirect(to);
  return <AuthPage mode="sign-up" to={to} guestId={user?.id} />;
}
