import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { AuthPage } from "@/components/auth-page";
import { currentUser } from "@/lib/session";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignIn() {
  if (await currentUser()) redirect("/");
  return <AuthPage mode="sign-in" />;
}
