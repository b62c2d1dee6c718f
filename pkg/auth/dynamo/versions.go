package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Versions returns the store that raises the token versions of users. Its transactions write the
// tables of users and sessions.
func (db *DB) Versions() session.Versions { return versions{users{db}} }

type versions struct{ users }

// Raise implements [session.Versions].
func (v versions) Raise(ctx context.Context, r session.Raise) (done bool, err error) {
	e := newExpression()
	condition := append([]string{e.readable(), e.compare(attrTokenVersion, "=", num(r.From))}, e.userForms()...)
	set := strings.Join([]string{
		e.name(attrTokenVersion) + " = " + e.value(num(r.To)),
		// A concurrent change of the user requires the old revision, so it cannot undo this write.
		e.name(attrRevision) + " = " + e.name(attrRevision) + " + " + e.value(num(1)),
		e.name(attrUpdated) + " = " + e.value(ms(r.At)),
	}, ", ")
	items := []types.TransactWriteItem{v.change(userKey(r.Key.Subject), e, strings.Join(condition, " AND "), "SET "+set)}
	if r.Update != nil {
		// The transaction does not return the item: if it is refused, the caller reads the session
		// again.
		items = append(items, types.TransactWriteItem{Update: sessions{v.db}.change(r.Key, *r.Update)})
	}
	for _, e := range r.Revokes() {
		items = append(items, v.db.revoke(e))
	}
	done = true
	err = v.transact(ctx, "raising a token version", uuid.NewString(), items, func(reasons []reason) error {
		if reasons[0].failed && reasons[0].item == nil {
			return auth.ErrNotFound
		}
		done = false
		return nil
	})
	return done && err == nil, err
}
