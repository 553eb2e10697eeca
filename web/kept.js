// What outlives a reload: preferences only (never the conversation), and only where the browser allows it.

export function kept(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

export function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* Private windows may refuse; the page works without. */ }
}
