package keyrings

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Loader reads the text of one ring. It must be safe for concurrent use.
type Loader interface {
	// Load returns an error that wraps auth.ErrNotFound if there is no ring yet, and ErrExposed if
	// other users could have read it. Any other error counts as temporary.
	Load(ctx context.Context) (auth.Secret, error)
}

// Source holds the text of one ring. It must be safe for concurrent use, also by several processes.
type Source interface {
	Loader
	// Save replaces the ring by its next state: one whose serial is one higher, or 1 where there is none yet. It
	// wraps ErrConflict for any other, so that of two who change a ring at once one has to begin again, and neither
	// loses a key.
	Save(ctx context.Context, text auth.Secret) error
}

// Open returns the source that a value of configuration names: file:<path>, or the ring's JSON itself, which cannot
// be saved. Errors do not repeat the value, which may be a ring.
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

// Inline returns a source that holds this text for ever.
func Inline(text auth.Secret) Source { return inline{text} }

type inline struct{ text auth.Secret }

func (i inline) Load(context.Context) (auth.Secret, error) { return i.text, nil }

func (inline) Save(context.Context, auth.Secret) error {
	return errors.New("a ring that is given as its JSON cannot be saved")
}

// Save writes a ring's next state to its source.
func Save(ctx context.Context, to Source, r Ring) error {
	text, err := r.Text()
	if err != nil {
		return err
	}
	return to.Save(ctx, text)
}

// Load reads the ring of a source.
func Load(ctx context.Context, from Loader, kind Kind) (Ring, error) {
	text, err := from.Load(ctx)
	if err != nil {
		return Ring{}, fmt.Errorf("%s: %w", kind, err)
	}
	return Parse(kind, text)
}

// Update changes the ring of a source, and begins again while another change was faster. A change that returns the
// ring as it is, by its serial, saves nothing.
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

// Follows returns an error that wraps ErrConflict unless the text next may be saved over the text stored, which is
// empty if there is none. It is for implementations of Save.
func Follows(stored, next auth.Secret) error {
	var before uint64
	if stored.Reveal() != "" {
		var err error
		if before, err = Serial(stored); err != nil {
			return err // what is stored may be all that is left of a key: nothing is written over it
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

// Serial returns the serial in the text of a ring, and looks at nothing else. It is for implementations of Save.
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
