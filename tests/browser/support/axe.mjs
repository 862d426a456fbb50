// axe-core in the page. Playwright evaluates it by the debugger, past the page's own policy.

import { expect } from "@playwright/test";
import axe from "axe-core";

/** There is nothing to report, of whatever weight, once the page stands still. */
export async function accessible(page, what) {
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))));
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }));
  const found = violations
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html} ${any.map(({ message }) => message).join(" ")}`).join("\n")}`);
  expect(found, what).toEqual([]);
}
