// Making and finding elements. Text always goes in as text: nothing that was answered is markup.

export const byId = (id) => document.getElementById(id);

/** An element; attributes that are null or false are left out, functions are listeners. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The pairs of a definition list; a pair whose value is null or undefined is left out. */
export function facts(list, pairs) {
  list.replaceChildren(
    ...pairs
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([term, value]) =>
        element("div", {}, element("dt", {}, term), element("dd", {}, value)),
      ),
  );
}

/** A text in the console's typeface for what programs read. */
export const code = (text) => element("span", { class: "code" }, text);

/** Tell people who listen to the page rather than see it. */
export function say(text) {
  const said = byId("said");
  // The same words twice would not be noticed as a change.
  said.textContent = said.textContent === text ? `${text}\u00a0` : text;
}

/** Keep a second press from doing it twice, and show that something is under way. */
export async function once(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Copy a text, and say so on the button. */
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
