package keyrings

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Loader reads the text of one ring. A Loader must be safe for concurrent use.
type Loader interface {
	// Load returns an error that wraps auth.ErrNotFound if there is no ring, and ErrExposed if
	// other users could have read the ring. Any other error counts as temporary.
	Load(ctx context.Context) (auth.Secret, error)
}

// Source holds the text of one ring. A Source must be safe for concurrent use, also by several
// processes.
type Source interface {
	Loader
	// Save replaces the ring with its next state, whose serial is one higher. The serial of the
	// first state is 1. For any other serial the error wraps ErrConflict. If two writers change a
	// ring at the same time, one must start again, and no key is lost.
	Save(ctx context.Context, text auth.Secret) error
}

// Open returns the source that a configuration value names: file:<path>, or the JSON of a ring,
// which cannot be saved. Errors do not contain the value, because the value may be a ring.
func Open(value string) (Source, error) {
	path, isFile := strings.CutPrefix(value, "file:")
	switch {
	case isFile && path != "":
		return File(path), nil
	case strings.HasPrefix(value, "{"):
		return Inline(auth.NewSecret(value)), nil
	case strings.HasPrefix(value, "secretsmanager:"):
		return nil, errors.New("a ring in AWS Secrets Manager is opened by package secretsmanager")
	}
	return nil, errors.New("a ring is given as file:<path> or as its JSON")
}

// Inline returns a read-only source with a fixed text.
func Inline(text auth.Secret) Source { return inline{text} }

type inline struct{ text auth.Secret }

func (i inline) Load(context.Context) (auth.Secret, error) { return i.text, nil }

func (inline) Save(context.Context, auth.Secret) error {
	return errors.New("a ring that is given as its JSON cannot be saved")
}

// Save writes the next state of a ring to its source. The error wraps [ErrConflict] if the source
// has changed since the ring was loaded.
func Save(ctx context.Context, to Source, r Ring) error {
	text, err := r.Text()
	if err != nil {
		return err
	}
	return to.Save(ctx, text)
}

// Load reads a ring from its source. The error wraps [ErrMalformed] if the text is not a ring of
// this kind.
func Load(ctx context.Context, from Loader, kind Kind) (Ring, error) {
	text, err := from.Load(ctx)
	if err != nil {
		return Ring{}, fmt.Errorf("%s: %w", kind, err)
	}
	return Parse(kind, text)
}

// Update loads a ring, calls change and saves the result. If a concurrent change was faster, Update
// starts again. If change returns a ring with the same serial, Update saves nothing.
func Update(ctx context.Context, at Source, kind Kind, change func(Ring) (Ring, error)) (Ring, error) {
	for {
		r, err := Load(ctx, at, kind)
		if err != nil {
			return Ring{}, err
		}
		serial := r.Serial
		if r, err = change(r); err != nil {
			return Ring{}, err
		}
		if r.Serial == serial {
			return r, nil
		}
		err = Save(ctx, at, r)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, ErrConflict) || ctx.Err() != nil {
			return Ring{}, err
		}
	}
}

// Follows returns an error that wraps [ErrConflict] unless the text next may replace the text
// stored. stored is empty if there is no ring. Implementations of Save call Follows.
func Follows(stored, next auth.Secret) error {
	var before uint64
	if stored.Reveal() != "" {
		var err error
		if before, err = Serial(stored); err != nil {
			// Never overwrite a stored text that cannot be read: it may hold the last copy of a
			// key.
			return err
		}
	}
	after, err := Serial(next)
	if err != nil {
		return err
	}
	if after != before+1 {
		return fmt.Errorf("%w: serial %d is stored, %d was to be saved", ErrConflict, before, after)
	}
	return nil
}

// Serial returns the serial in the text of a ring and ignores the rest. Implementations of Save
// call Serial.
func Serial(text auth.Secret) (uint64, error) {
	m, err := strictjson.Object([]byte(text.Reveal()))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	n, err := strictjson.Integer(m["serial"])
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%w: serial must be an integer above 0", ErrMalformed)
	}
	return uint64(n), nil
}
