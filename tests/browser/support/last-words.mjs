// What failed, once more and in few lines, at the very end: a log may be cut to its last lines.

export default class LastWords {
  failures = [];

  onTestEnd(test, { error, retry }) {
    if (!error) return;
    const words = (error.message ?? String(error)).replaceAll(/\u001B\[\d*m/g, "").split("\n").filter((line) => line.trim());
    const title = test.titlePath().filter(Boolean).slice(-1);
    this.failures.push(`${title}${retry ? " (again)" : ""}\n${words.slice(0, 8).map((line) => `    ${line}`).join("\n")}`);
  }

  async onExit() {
    if (this.failures.length) console.log(`\nWhat went wrong:\n${this.failures.join("\n")}`);
  }
}
