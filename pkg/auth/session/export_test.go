package session

// Config returns the settings of m, which a test may change while m is not in use.
func (m *Manager) Config() *Config { return &m.c }

// Terminal reports whether the refresh token will never work again.
func (o Outcome) Terminal() bool { return o.terminal() }

// Size returns the numbers of sessions and users in the list.
func (l *RevocationList) Size() (sessions, users int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.sessions), len(l.users)
}
