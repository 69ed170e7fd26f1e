// The list of chosen filters with their parameters, made from the catalogue.
export class Chain {
  constructor(list, select, help, empty) {
    Object.assign(this, { list, select, help, empty, filters: new Map() });
    select.addEventListener("change", () => {
      if (select.value) this.add(select.value);
      select.value = "";
    });
  }

  fill(filters) {
    for (const filter of filters) {
      this.filters.set(filter.name, filter);
      this.select.append(new Option(filter.name, filter.name));
    }
  }

  add(name) {
    const filter = this.filters.get(name);
    const item = document.createElement("li");
    item.dataset.name = name;
    const title = document.createElement("strong");
    title.textContent = name;
    title.title = this.help.textContent = filter.help;
    const tools = document.createElement("span");
    tools.className = "tools";
    tools.append(
      this.tool(item, "↑", `move ${name} up`, () => item.previousElementSibling?.before(item)),
      this.tool(item, "↓", `move ${name} down`, () => item.nextElementSibling?.after(item)),
      this.tool(item, "×", `remove ${name}`, () => item.remove()),
    );
    item.append(title, ...filter.parameters.map(parameterInput), tools);
    this.list.append(item);
    this.empty.hidden = true;
  }

  tool(item, sign, label, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => {
      const next = item.nextElementSibling ?? item.previousElementSibling;
      act();
      // Moved, a button loses the focus; removed, it is gone.
      (item.isConnected ? button : next?.querySelector(".tools button") ?? this.select).focus();
      this.empty.hidden = this.list.childElementCount > 0;
    });
    return button;
  }

  // The chain as the API writes it: blur:sigma=4,grayscale
  text() {
    const steps = [...this.list.children].map((item) => {
      const values = [...item.querySelectorAll("[name]")]
        .filter((input) => input.value !== input.dataset.default)
        .map((input) => `:${input.name}=${input.value}`);
      return item.dataset.name + values.join("");
    });
    return steps.join(",") || "none";
  }
}

function parameterInput(parameter) {
  const label = document.createElement("label");
  label.title = parameter.help ?? "";
  let input;
  if (parameter.choices?.length) {
    input = document.createElement("select");
    input.append(...parameter.choices.map((choice) => new Option(choice, choice)));
  } else {
    input = document.createElement("input");
    input.type = ["integer", "int", "number", "float"].includes(parameter.type) ? "number" : "text";
    if (parameter.minimum != null) input.min = parameter.minimum;
    if (parameter.maximum != null) input.max = parameter.maximum;
    input.step = ["integer", "int"].includes(parameter.type) ? 1 : "any";
    input.required = true;
  }
  input.name = parameter.name;
  input.value = input.dataset.default = `${parameter.default}`;
  label.append(`${parameter.name} `, input);
  return label;
}
