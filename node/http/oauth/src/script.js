// Signs with a passkey and sends the form along with the answer. Without it, or in browsers without passkeys, the button stays hidden.
(() => {
  const form = document.querySelector("form[data-passkey]");
  const button = document.getElementById("use-passkey");
  if (!form || !button || !window.PublicKeyCredential) return;
  button.hidden = false;
  const read = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (octet) => octet.charCodeAt(0));
  const write = (octets) =>
    btoa(String.fromCharCode(...new Uint8Array(octets)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  button.addEventListener("click", async () => {
    const asked = JSON.parse(form.dataset.passkey);
    asked.challenge = read(asked.challenge);
    for (const known of asked.allowCredentials) known.id = read(known.id);
    let used;
    try {
      used = await navigator.credentials.get({ publicKey: asked });
    } catch {
      return; // The person has thought better of it, or has no passkey here.
    }
    const { clientDataJSON, authenticatorData, signature, userHandle } = used.response;
    form.elements.namedItem("passkey").value = JSON.stringify({
      id: used.id,
      response: {
        clientDataJSON: write(clientDataJSON),
        authenticatorData: write(authenticatorData),
        signature: write(signature),
        userHandle: userHandle ? write(userHandle) : null,
      },
    });
    const step = document.createElement("input");
    step.type = "hidden";
    step.name = "step";
    step.value = form.dataset.step;
    form.append(step);
    form.submit();
  });
})();
