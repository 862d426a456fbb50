/** In the place of a part that the network did not give: the rest of the page works on. */
export function NotLoaded() {
  return (
    <p className="message" role="alert">
      This part couldn’t be loaded. Check your connection, then reload the page.
    </p>
  );
}
