package importer

import (
	"runtime"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// weak estimates the time that an import needs to hash the weak hashes of a file with Argon2id. It
// is safe for concurrent use.
type weak struct {
	mu    sync.Mutex
	takes map[string]time.Duration // form -> the time for one hash; 0 if the form is not weak
	n     int64
	total time.Duration
}

// add counts a hash. It wraps one hash of each weak form, to measure the time.
func (w *weak) add(d *user.Directory, hash auth.Secret) error {
	form, err := password.FormOf(hash)
	if err != nil || d.Wrap == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	takes, known := w.takes[form]
	if !known {
		started := time.Now()
		stored, err := d.Wrap(auth.NewSecret(form))
		if err != nil {
			return err
		}
		if stored.Reveal() != form {
			takes = time.Since(started)
		}
		if w.takes == nil {
			w.takes = map[string]time.Duration{}
		}
		w.takes[form] = takes
	}
	if takes > 0 {
		w.n++
		w.total += takes
	}
	return nil
}

// Weak returns the number of weak hashes that a dry run has found among the users to create, and
// about how long the import will take to hash them on this machine.
func (i *Import) Weak() (n int64, takes time.Duration) {
	i.weak.mu.Lock()
	defer i.weak.mu.Unlock()
	return i.weak.n, i.weak.total / time.Duration(max(1, min(i.Workers, runtime.GOMAXPROCS(0))))
}
