export default function NotFound() {
  return (
    <main className="message">
      <h1>There’s nothing here</h1>
      <p>
        <a href="/">Go to your tasks</a>
      </p>
    </main>
  );
}
