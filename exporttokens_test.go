package authtrip

// Kept counts what a Manager keeps of tokens that are not a client's own:
// entries, those listed for other scopes, logins, and how often entries are
// pinned.
func Kept(m *Manager) (entries, scoped, logins, pins int) {
	m.tokens.mu.Lock()
	defer m.tokens.mu.Unlock()
	m.tokens.entries.each(func(_ uint64, e *entry) {
		entries++
		pins += int(e.pins.Load())
	})
	for _, list := range m.tokens.scoped {
		scoped += len(list)
	}
	return entries, scoped, len(m.tokens.logins), pins
}
