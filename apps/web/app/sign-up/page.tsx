import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { AuthPage } from "@/components/auth-page";
import { currentUser } from "@/lib/session";

export const metadata: Metadata = { title: "Create an account" };

export default async function SignUp() {
  if (await currentUser()) redirect("/");
  return <AuthPage mode="sign-up" />;
}
