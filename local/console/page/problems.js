// Shows problems: the detail, and every validation error at its input.

import { code, element } from "./elements.js";

/** Shows a problem in a box, and its validation errors at the inputs of the form. */
export function showProblem(box, answer, form = null) {
  clearProblem(box, form);
  const body = answer.body ?? {};
  const errors = body.errors ?? [];
  const items = errors.map(({ field, message }) => {
    const input = form && controlOf(form, field);
    if (input) mark(input, message);
    const name = input
      ? element("a", { href: `#${input.id}`, click: (event) => goTo(event, input) }, code(field))
      : code(field);
    return element("li", {}, name, ` ${message}`);
  });
  const small = [answer.status || "no answer", body.code].filter(Boolean).join(" · ");
  box.replaceChildren(
    element("p", { class: "problem-title" }, title(answer)),
    // With a list of errors, the detail would only repeat the field names.
    ...(body.detail && !items.length ? [element("p", {}, body.detail)] : []),
    ...(items.length ? [element("ul", {}, ...items)] : []),
    element("p", { class: "problem-small" }, small, requestId(body.requestId ?? answer.requestId)),
  );
  box.hidden = false;
  box.focus();
}

/** Shows in a box what the user must do first. */
export function showNotice(box, text) {
  box.replaceChildren(element("p", { class: "problem-title" }, text));
  box.hidden = false;
}

/** Removes the last problem. */
export function clearProblem(box, form = null) {
  box.hidden = true;
  box.replaceChildren();
  for (const note of form?.querySelectorAll(".error") ?? []) {
    const control = form.querySelector(`[aria-describedby~="${note.id}"]`);
    if (control) {
      const others = control.getAttribute("aria-describedby").split(" ");
      const kept = others.filter((id) => id !== note.id).join(" ");
      if (kept) control.setAttribute("aria-describedby", kept);
      else control.removeAttribute("aria-describedby");
      control.removeAttribute("aria-invalid");
    }
    note.remove();
  }
}

function title(answer) {
  if (answer.body?.title) return answer.body.title;
  const message = answer.body?.message ?? "The response cannot be read";
  return answer.status === 0 ? message : `${message} (from the gateway, not from the API itself)`;
}

function requestId(id) {
  return id ? element("span", {}, " · request ", code(id)) : null;
}

/** Returns the control for a field such as `token.role` or `participants.<sub>`, or the closest. */
function controlOf(form, field) {
  const controls = [...form.querySelectorAll("[data-member], [data-header], [data-object]")];
  for (let name = field; name; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const wanted = name.toLowerCase();
    const found = controls.find((control) =>
      [control.dataset.member, control.dataset.header, control.dataset.object].some(
        (known) => known?.toLowerCase() === wanted,
      ),
    );
    if (found) return found;
  }
  return null;
}

function mark(control, message) {
  const id = `${control.id}-error`;
  const there = document.getElementById(id);
  if (there) {
    there.append(`; ${message}`);
    return;
  }
  const note = element("p", { class: "error", id }, message);
  if (control.tagName === "FIELDSET") {
    control.querySelector("legend").after(note);
  } else {
    (control.closest(".joined") ?? control).after(note);
    control.setAttribute("aria-invalid", "true");
  }
  const described = control.getAttribute("aria-describedby");
  control.setAttribute("aria-describedby", described ? `${described} ${id}` : id);
  for (let around = control.closest("details"); around; around = around.parentElement.closest("details")) {
    around.open = true;
  }
}

function goTo(event, control) {
  event.preventDefault();
  const first = control.tagName === "FIELDSET" ? control.querySelector("input, select") : control;
  first.focus();
}
