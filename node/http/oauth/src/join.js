// Ticks off the rules of a password while it is typed, and shows it when asked. What counts is decided by the server.
(() => {
  const form = document.getElementById("join");
  const password = document.getElementById("password");
  const rules = document.getElementById("rules");
  const show = document.getElementById("show");
  const typed = (id) => document.getElementById(id)?.value.toLowerCase() ?? "";
  const words = () => {
    const address = typed("address") || typed("given");
    const parts = [typed("name"), address, address.split("@")[0]].join(" ").split(/[\s.@_+-]+/);
    return parts.filter((part) => part.length >= (/^[\x00-\x7f]*$/.test(part) ? 4 : 2));
  };
  const count = () => [...password.value].length;
  const checks = {
    "too-short": () => count() >= Number(rules.dataset.min),
    "too-long": () => count() <= Number(rules.dataset.max),
    space: () => !/\s/.test(password.value),
    mixed: () => /\p{Lu}/u.test(password.value) && /\p{Ll}/u.test(password.value) && /\p{N}/u.test(password.value),
    "of-account": () => !words().some((word) => password.value.toLowerCase().includes(word)),
  };
  const look = () => {
    for (const line of rules.children) {
      const check = checks[line.dataset.rule];
      line.className = check && password.value && check() ? "yes" : "";
    }
  };
  form.addEventListener("input", look);
  const label = show.textContent;
  show.hidden = false;
  show.addEventListener("click", () => {
    const hidden = password.type === "password";
    password.type = hidden ? "text" : "password";
    show.textContent = hidden ? show.dataset.hide : label;
  });
  form.addEventListener("submit", () => {
    password.type = "password";
    form.querySelector("button.p").disabled = true;
  });
})();
