// From a form to a request. Nothing is checked here: what is wrong, the API has to say.

/** The body that a form describes; what is empty is not sent. */
export function bodyOf(form) {
  const body = {};
  for (const object of form.querySelectorAll("[data-object]:not(:disabled)")) {
    body[object.dataset.object] = {};
  }
  for (const control of form.querySelectorAll("[data-member]")) {
    if (control.matches(":disabled")) continue;
    const value = READERS[control.dataset.kind ?? "text"](control);
    if (value === undefined) continue;
    const path = control.dataset.member.split(".");
    const last = path.pop();
    path.reduce((object, name) => (object[name] ??= {}), body)[last] = value;
  }
  return body;
}

/** The headers that a form describes. */
export function headersOf(form) {
  const headers = {};
  for (const control of form.querySelectorAll("[data-header]")) {
    // Browsers send Latin-1 at most, and throw for the rest.
    const value = control.value.replace(/[^\x20-\xff]/g, "?");
    if (value) headers[control.dataset.header] = value;
  }
  return headers;
}

/** Checkboxes with `data-opens` show and hide what they name. */
export function openable(form) {
  for (const box of form.querySelectorAll("[data-opens]")) {
    const part = document.getElementById(box.dataset.opens);
    const follow = () => (part.hidden = part.disabled = !box.checked);
    box.setAttribute("aria-controls", part.id);
    box.addEventListener("change", follow);
    form.addEventListener("reset", () => queueMicrotask(follow));
    follow();
  }
}

const READERS = {
  text: ({ value }) => value || undefined,
  // A number as a number; anything else as it was written, for the API to refuse.
  integer: ({ value }) => (/^-?\d+$/.test(value.trim()) ? Number(value) : value || undefined),
  flag: ({ checked }) => checked || undefined,
  words: ({ value }) => (value.trim() ? value.trim().split(/[\s,]+/) : undefined),
  instant: ({ value }) => (value ? new Date(value).toISOString() : undefined),
  choices: (group) => {
    const chosen = [...group.querySelectorAll("input:checked")].map(({ value }) => value);
    return chosen.length ? chosen : undefined;
  },
  participants: (group) => {
    const listed = {};
    for (const select of group.querySelectorAll("select[data-sub]")) {
      if (select.value) listed[select.dataset.sub] = select.value;
    }
    for (const line of group.querySelector("textarea").value.split("\n")) {
      const [sub, role = ""] = line.trim().split(/\s+/);
      if (sub) listed[sub] = role;
    }
    return listed;
  },
};
