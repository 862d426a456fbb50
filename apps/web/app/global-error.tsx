"use client";

/** Not even the layout could be made. */
export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <main role="alert">
          <h1>This page can’t be shown</h1>
          <p>Something went wrong. Your tasks are safe. Reload the page to try again.</p>
        </main>
      </body>
    </html>
  );
}
