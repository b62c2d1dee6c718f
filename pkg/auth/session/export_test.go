package session

// Config returns the settings of m, which a test may change while m is not in use.
func (m *Manager) Config() *Config { return &m.c }
