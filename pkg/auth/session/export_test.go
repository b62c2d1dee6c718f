package session

// Config returns the settings of m, which a test may change while m is not in use.
func (m *Manager) Config() *Config { return &m.c }

// Terminal reports whether the refresh token will never work again.
func (o Outcome) Terminal() bool { return o.terminal() }
