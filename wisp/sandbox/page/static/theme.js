// Light or dark: as the system says, until the person chooses.

const SYSTEM = window.matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : SYSTEM.matches;
}

export function switchTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

/**
 * Take the theme that was chosen before; `changed` is called when the system's changes.
 * @param {() => void} changed
 */
export function followTheme(changed) {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
  SYSTEM.addEventListener("change", changed);
}
