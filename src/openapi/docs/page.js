// The token stays in this page's memory: not in storage, not in an address.
"use strict";

const field = document.getElementById("token");
const state = document.getElementById("token-state");

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});

/** Who a token is of and how long it lives, as it says itself; only for the eye. */
function describe(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0));
    const { sub, exp } = JSON.parse(new TextDecoder().decode(bytes));
    const minutes = Math.round((exp * 1000 - Date.now()) / 60000);
    const rest = minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
    const life = minutes < 0 ? "which has expired" : `for another ${rest}`;
    return `Sent with every call: a token of “${sub}”, ${life}.`;
  } catch {
    return "Sent with every call. It does not look like a JWT.";
  }
}

document.getElementById("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = field.value.trim().replace(/^Bearer\s+/i, "");
  ui.preauthorizeApiKey("bearerAuth", token);
  field.value = "";
  state.textContent = token ? describe(token) : "No token is sent.";
});
