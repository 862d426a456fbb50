import { getAuth } from "@/lib/auth";

async function handler(request: Request) {
  const auth = await getAuth();
  const response = await auth.handler(request);
  if (response.status < 500) return response;
  // A guest whose tasks could not be taken along stays who they are: the new account's cookie would take them away.
  const headers = new Headers(response.headers);
  headers.delete("set-cookie");
  return new Response(response.body, { status: response.status, headers });
}

export { handler as GET, handler as POST };
