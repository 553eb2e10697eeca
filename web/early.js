// Runs before the page is drawn, so that it never flashes in the wrong theme.
(() => {
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.theme = kept("caravan.theme") ?? (dark.matches ? "dark" : "light");
  };
  dark.addEventListener("change", apply);
  apply();
})();
