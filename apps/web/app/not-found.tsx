import Link from "next/link";

export default function NotFound() {
  return (
    <main className="message">
      <h1>There’s nothing here</h1>
      <p>
        <Link href="/">Go to your tasks</Link>
      </p>
    </main>
  );
}
