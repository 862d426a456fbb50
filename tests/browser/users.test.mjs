
test("whoever signs out leaves nothing on the device", async ({ visitor }) => {
  const ada = await visitor();
  const { page, todo } = ada;
  await ada.start();
  await todo.add("Only for Ada");
  await todo.shows("Only for Ada");
  const other = await ada.newTab();
  await other.open();
  await expect.poll(() => ada.titles()).toEqual(["Only for Ada"]);
  await todo.signOut();
  expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).not.toContain("Only for Ada");
  // The other tab has it no more, either.
  await expect(other.rows).toHaveCount(0);
});
