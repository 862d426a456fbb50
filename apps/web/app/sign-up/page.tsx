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
  if (await currentUser()) redirect(to);
  return <AuthPage mode="sign-up" to={to} />;
}
