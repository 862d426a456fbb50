"use client";

/** The server could not make the page: most often Better Auth's database is out of reach. */
export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className="message" role="alert">
      <h1>This page can’t be shown</h1>
      <p>Something went wrong on the server{error.digest && ` (error ${error.digest})`}. Your tasks are safe.</p>
      <button type="button" onClick={reset}>
        Try again
      </button>
    </main>
  );
}
