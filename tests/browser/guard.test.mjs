import { expect, test } from "./support/test.mjs";
import { visit } from "./support/visitor.mjs";

// All other tests rely on this check, which runs at their end.
test("a violated policy, an uncaught error and a foreign host do not go unseen", async ({ chromium, stack }) => {
  expect(chromium.isConnected()).toBe(true);
  const ada = await visit(stack);
  await ada.start();
  ada.check();
  await ada.page.evaluate(() => {
    document.body.append(Object.assign(new Image(), { src: "http://localhost:1/picture.png" }));
    setTimeout(() => {
      throw new Error("nobody catches this");
    });
  });
  await expect.poll(() => ada.faults.join("\n")).toMatch(/Content Security Policy/);
  await expect.poll(() => ada.faults.join("\n")).toMatch(/uncaught: .*nobody catches this/);
  expect(() => ada.check()).toThrow();
  ada.faults = [];
  ada.hosts.delete("localhost:1");
  ada.check();
  await ada.page.goto("http://localhost:1/").catch(() => {});
  expect(() => ada.check()).toThrow(/localhost:1/);
  await ada.context.close();
});
