// Starts the console: session, language and theme.
import { h, render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import htm from "htm";
import { session as sessions } from "./api.js";
import { Ask } from "./ask.js";
import { MESSAGES, translator } from "./messages.js";

const html = htm.bind(h);
const stored = (name, fallback) => localStorage.getItem(`septet.${name}`) ?? fallback;

function SignIn({ t, onSession }) {
  const [error, setError] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    const field = event.currentTarget.elements.key;
    try {
      onSession(await sessions.create(field.value.trim()));
    } catch (failure) {
      setError(t(failure.kind === "e_session" ? "key_refused" : failure.kind ?? "e_other"));
      field.focus();
    }
  };
  return html`<main><form onSubmit=${submit}><h2>${t("sign_in")}</h2><p id="about-key">${t("sign_in_about")}</p>
    <label for="key">${t("key")}</label>
    <input id="key" name="key" type="password" autocomplete="off" required aria-describedby="about-key" />
    ${error && html`<p class="error" role="alert">${error}</p>`}<p><button class="main">${t("sign_in")}</button></p></form></main>`;
}

function Choice({ label, value, options, onChange }) {
  return html`<select aria-label=${label} value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
    ${options.map(([name, text]) => html`<option value=${name} selected=${name === value}>${text}</option>`)}</select>`;
}

function Console() {
  const [language, setLanguage] = useState(stored("language", navigator.language.startsWith("ko") ? "ko" : "en"));
  const [theme, setTheme] = useState(stored("theme", "auto"));
  const [session, setSession] = useState(undefined);
  const t = useMemo(() => translator(MESSAGES[language] ? language : "en"), [language]);
  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("septet.language", language);
    localStorage.setItem("septet.theme", theme);
  }, [language, theme]);
  useEffect(() => { sessions.get().then(setSession, () => setSession(null)); }, []);
  const end = async () => { await sessions.end().catch(() => {}); setSession(null); };
  return html`<div class="shell"><header><h1>${t("title")}</h1>
    <${Choice} label=${t("language")} value=${language} onChange=${setLanguage} options=${[["en", "English"], ["ko", "한국어"]]} />
    <${Choice} label=${t("theme")} value=${theme} onChange=${setTheme} options=${["auto", "light", "dark"].map((name) => [name, t(`theme_${name}`)])} />
    ${session && html`<button onClick=${end}>${t("sign_out")}</button>`}</header>
    ${session === null && html`<${SignIn} t=${t} onSession=${setSession} />`}
    ${session && html`<${Ask} t=${t} session=${session} onSessionEnd=${() => setSession(null)} />`}</div>`;
}

render(html`<${Console} />`, document.querySelector("#console"));
