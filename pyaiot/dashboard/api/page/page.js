// SPDX-License-Identifier: BSD-3-Clause
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const LONGEST = 200_000;

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An example of what a schema allows. */
function example(schema, all, depth = 0) {
  if (depth > 6) return null;
  if (schema.$ref) return example(all[schema.$ref.split("/").pop()] ?? {}, all, depth + 1);
  if ("default" in schema) return schema.default;
  if (schema.enum) return schema.enum[0];
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return example(either[0], all, depth + 1);
  if (schema.type === "object" && schema.properties) {
    const needed = schema.required?.length ? schema.required : Object.keys(schema.properties);
    return Object.fromEntries(
      needed.map((name) => [name, example(schema.properties[name], all, depth + 1)]),
    );
  }
  return { object: {}, array: [], integer: 0, number: 0, boolean: false, string: "" }[schema.type] ?? null;
}

function address(path, parameters, values) {
  let place = path.slice(1);
  const query = new URLSearchParams();
  for (const each of parameters) {
    const value = values.get(each.name).trim();
    if (each.in === "path") place = place.replace(`{${each.name}}`, encodeURIComponent(value));
    else if (value !== "") query.set(each.name, value);
  }
  const text = query.toString();
  return text === "" ? place : `${place}?${text}`;
}

/** The answer as far as it comes; a stream of events has no end. */
async function read(answer, show, ending) {
  const decoder = new TextDecoder();
  let text = "";
  const reader = answer.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    show(text);
    if (text.length > LONGEST) {
      ending.abort();
      show(`${text}\n…`);
      return;
    }
  }
  if ((answer.headers.get("content-type") ?? "").includes("json")) {
    try {
      show(JSON.stringify(JSON.parse(text), null, 2));
    } catch {
      show(text);
    }
  }
}

function attempt(method, path, operation, all) {
  const form = element("form");
  const parameters = (operation.parameters ?? []).filter((each) => each.in !== "header");
  for (const each of parameters) {
    const input = element("input", { name: each.name, autocomplete: "off" });
    input.required = Boolean(each.required);
    const words = each.schema.default === undefined ? "" : ` (${each.schema.default} by default)`;
    form.append(element("label", {}, `${each.name}${words}`, input));
  }
  const schema = operation.requestBody?.content["application/json"].schema;
  if (schema) {
    const body = element("textarea", { name: "body", spellcheck: "false" });
    body.value = JSON.stringify(example(schema, all), null, 2);
    form.append(element("label", {}, "Body", body));
  }
  const stop = element("button", { type: "button" }, "Stop");
  stop.hidden = true;
  const status = element("p", { role: "status" });
  const output = element("pre", { tabindex: "0", "aria-label": "Answer" });
  output.hidden = true;
  form.append(element("button", { type: "submit" }, "Send"), " ", stop, status, output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = new FormData(form);
    const headers = { "Pyaiot-Request": "1" };
    const token = document.getElementById("token").value.trim();
    if (token !== "") headers.Authorization = `Bearer ${token}`;
    if (schema) headers["Content-Type"] = "application/json";
    const ending = new AbortController();
    stop.onclick = () => ending.abort();
    stop.hidden = false;
    status.className = "";
    status.textContent = "Waiting";
    try {
      const answer = await fetch(address(path, parameters, values), {
        method: method.toUpperCase(),
        headers,
        body: schema ? values.get("body") : undefined,
        signal: ending.signal,
      });
      status.className = answer.ok ? "" : "bad";
      status.textContent = `${answer.status} ${answer.statusText}`;
      output.hidden = false;
      output.textContent = "";
      await read(answer, (text) => (output.textContent = text), ending);
    } catch (error) {
      if (ending.signal.aborted) {
        status.textContent += ", stopped";
      } else {
        status.className = "bad";
        status.textContent = String(error);
      }
    } finally {
      stop.hidden = true;
    }
  });
  return form;
}

function entry(method, path, operation, all) {
  const words = `${method} ${path} ${operation.summary}`;
  const details = element(
    "details",
    { "data-words": words.toLowerCase() },
    element(
      "summary",
      {},
      element("span", { class: "method" }, method.toUpperCase()),
      element("code", {}, path),
      " ",
      element("span", { class: "what" }, operation.summary),
    ),
  );
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const inside = element("div");
    if (operation.description) inside.append(element("p", {}, operation.description));
    inside.append(attempt(method, path, operation, all), element("h3", {}, "Answers"));
    const rows = Object.entries(operation.responses).map(([status, { description }]) =>
      element("tr", {}, element("td", {}, status), element("td", {}, description)),
    );
    inside.append(element("table", {}, element("tbody", {}, ...rows)));
    details.append(inside);
  });
  return details;
}

function narrow(main, text) {
  const words = text.toLowerCase().split(/\s+/);
  for (const section of main.children) {
    let any = false;
    for (const each of section.querySelectorAll("details")) {
      each.hidden = !words.every((word) => each.dataset.words.includes(word));
      any ||= !each.hidden;
    }
    section.hidden = !any;
  }
}

async function begin() {
  const main = document.getElementById("operations");
  try {
    const description = await (await fetch("openapi.json")).json();
    const all = description.components.schemas;
    const sections = new Map();
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const method of METHODS.filter((each) => each in methods)) {
        const tag = methods[method].tags[0];
        if (!sections.has(tag)) {
          sections.set(tag, element("section", { "aria-label": tag }, element("h2", {}, tag)));
        }
        sections.get(tag).append(entry(method, path, methods[method], all));
      }
    }
    main.replaceChildren(...sections.values());
  } catch (error) {
    main.replaceChildren(element("p", { class: "bad" }, `The description cannot be read: ${error}`));
  }
  // Both take effect as they are: there is nothing to send.
  document.getElementById("settings").addEventListener("submit", (event) => event.preventDefault());
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => narrow(main, filter.value.trim()));
}

void begin();
