// Creates and finds elements. Text is always inserted as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** Returns a new element. Null and false attributes are omitted; functions are listeners. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Returns the pairs of a definition list, except those with the value null or undefined. */
export function facts(list, pairs) {
  list.replaceChildren(
    ...pairs
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([term, value]) =>
        element("div", {}, element("dt", {}, term), element("dd", {}, value)),
      ),
  );
}

/** Returns a text in the monospace typeface. */
export const code = (text) => element("span", { class: "code" }, text);

/** Announces a text to screen readers. */
export function say(text) {
  const said = byId("said");
  // The same text twice would not be announced.
  said.textContent = said.textContent === text ? `${text}\u00a0` : text;
}

/** Disables a button while its action runs, and shows the progress. */
export async function once(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Copies a text and confirms it on the button. */
export async function copy(button, text) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    say("Copied.");
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => (button.textContent = label), 2000);
}
