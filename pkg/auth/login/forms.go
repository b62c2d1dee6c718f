package login

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
)

const (
	// formsAge is the time after which the record of the forms of hashes is read again. An import
	// waits twice as long before it creates users with hashes of a new form.
	formsAge = time.Minute
	// formsRetry is the time after which a failed read is repeated.
	formsRetry = 5 * time.Second
	// measureAtMost is the time after which a login leaves further measurements to the next login.
	measureAtMost = time.Second
)

// forms knows how long the hashes of the users take on this machine. Imported hashes were made on
// other machines, and this machine may be slower. A function is faster while it initializes than
// while it handles a request, so the forms are measured during a login.
type forms struct {
	users  Users
	hasher Hasher
	now    func() time.Time
	own    string // the form of new hashes; "" if the hasher has no method Form

	mu       sync.Mutex // guards the fields below
	known    bool       // the record was read
	due      time.Time  // of the next read
	last     time.Time  // of the last read
	unnoted  bool       // the record lacks own
	slowest  []string   // candidates for the slowest form, the likeliest first; nil if own is the only form
	measured map[string]time.Duration
	longer   [64]time.Duration // the last hashes that took longer than measured
	next     int               // index of the next entry of longer

	measuring sync.Mutex // held during a measurement
}

func newForms(c Config) *forms {
	f := &forms{users: c.Users, hasher: c.Hasher, now: c.Now, measured: map[string]time.Duration{}}
	if own, ok := c.Hasher.(interface{ Form() string }); ok {
		f.own = own.Form()
	}
	return f
}

// start reports whether the caller must read the record now. If so, the next read is due in a
// minute, so that parallel logins read it once. Until the record is known, every login reads it.
//
// The monotonic clock may stand still while a function is frozen, so the wall clock counts.
func (f *forms) start() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.now().Round(0)
	if f.known && at.Before(f.due) && !at.Before(f.last) {
		return false
	}
	f.last, f.due = at, at.Add(formsAge)
	return true
}

// read reads the record. A failed read keeps what is known. The error is nil if a record is known:
// without any record a refusal could reveal that an account exists.
func (f *forms) read(ctx context.Context) error {
	record, err := f.users.Forms(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.due = f.last.Add(formsRetry)
		if f.known {
			return nil
		}
		return fmt.Errorf("read the forms of hashes: %w", err)
	}
	f.known, f.slowest = true, nil
	f.unnoted = f.own != "" && len(record.Lacks([]string{f.own})) > 0
	for _, form := range record.Recorded {
		if form != f.own {
			f.slowest = password.Slowest(append([]string{f.own}, record.Recorded...))
			break
		}
	}
	return nil
}

// unmeasured returns the forms that are not measured yet.
func (f *forms) unmeasured() (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, form := range f.slowest {
		if _, ok := f.measured[form]; !ok {
			list = append(list, form)
		}
	}
	return list
}

// measure computes one hash of each form that is not measured yet. After measureAtMost it leaves
// the remaining forms to the next login. Parallel logins wait for the result.
func (f *forms) measure() {
	f.measuring.Lock()
	defer f.measuring.Unlock()
	began := time.Now()
	for _, form := range f.unmeasured() {
		started := time.Now()
		if started.Sub(began) >= measureAtMost {
			return
		}
		_, _ = f.hasher.Verify(auth.NewSecret(form), auth.NewSecret("a measurement"))
		took := time.Since(started)
		f.mu.Lock()
		f.measured[form] = took
		f.mu.Unlock()
	}
}

// floor returns how long a refused login takes from the beginning of its hash. It is a quarter more
// than the slowest form in the measurement, to cover a hash that takes a little longer than usual.
// On a machine that has become busy, it is as long as the slowest of the last hashes, but at most
// twice the measurement.
func (f *forms) floor() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	most := f.most()
	return min(max(most+most/4, slices.Max(f.longer[:])), 2*most)
}

// most returns the time of the slowest form in the measurement, or 0 if nothing is measured.
func (f *forms) most() (most time.Duration) {
	for _, form := range f.slowest {
		most = max(most, f.measured[form])
	}
	return most
}

// observe records how long the hash of a password took.
func (f *forms) observe(took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if took > f.most() {
		f.longer[f.next] = took
		f.next = (f.next + 1) % len(f.longer)
	}
}

// takeUnnoted reports once after each read whether the record lacks the form of new hashes.
func (f *forms) takeUnnoted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	unnoted := f.unnoted
	f.unnoted = false
	return unnoted
}

// Prepare reads the forms of the users' hashes before the first login. If Prepare fails, the first
// login reads them. A function calls Prepare while it initializes.
func (a *Authenticator) Prepare(ctx context.Context) {
	if !a.forms.start() {
		return
	}
	if err := a.forms.read(ctx); err == nil {
		a.noteForm(ctx)
	}
}

// noteForm records the form of new hashes. Without the record, a later change of the cost would
// reveal the users whose hashes still have this form. noteForm ignores an error: it is called again
// after the next read.
func (a *Authenticator) noteForm(ctx context.Context) {
	if a.passwords != nil && a.forms.takeUnnoted() {
		_, _ = a.passwords.RecordForms(ctx, []string{a.forms.own}, time.Time{})
	}
}

// measureForms measures the forms of hashes that are not measured yet, under the hashing semaphore.
// It returns the time that it took.
func (a *Authenticator) measureForms(ctx context.Context) (time.Duration, error) {
	if len(a.forms.unmeasured()) == 0 {
		return 0, nil
	}
	began := time.Now()
	err := a.inTurn(ctx, func() error {
		a.forms.measure()
		return nil
	})
	return time.Since(began), err
}
