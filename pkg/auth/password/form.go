package password

// form is one way in which passwords are stored. Implementations are stateless and safe for concurrent use.
type form interface {
	// owns tells by the prefix alone whether stored is of this form. No two forms own the same text.
	owns(stored string) bool
	// verify reports whether stored was made from password, and whether Hash would store it differently today. It
	// compares in constant time. It bounds the work that stored asks for before doing any of it, and does none
	// where it returns an error, which wraps ErrMalformed and does not repeat stored.
	verify(stored, password string) (Result, error)
}

// forms are all that Verify knows.
var forms = []form{
	argon2id{},
}

func formOf(stored string) (form, error) {
	for _, f := range forms {
		if f.owns(stored) {
			return f, nil
		}
	}
	return nil, ErrMalformed
}
