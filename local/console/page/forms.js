// Converts a form to a request. Validation is left to the API.

/** Returns the body of a form, without empty fields. */
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

/** Returns the headers of a form. */
export function headersOf(form) {
  const headers = {};
  for (const control of form.querySelectorAll("[data-header]")) {
    // Browsers send only Latin-1 and throw for other characters.
    const value = control.value.replace(/[^\x20-\xff]/g, "?");
    if (value) headers[control.dataset.header] = value;
  }
  return headers;
}

/** Shows and hides the elements that checkboxes name in `data-opens`. */
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
  // A number as a number; any other text unchanged, for the API to reject.
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
