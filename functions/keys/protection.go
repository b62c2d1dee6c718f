package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
)

// protector switches on the deletion protection of tables, as [dynamo.DB.Protect] does.
type protector interface {
	Protect(ctx context.Context) error
}

// tablesAt returns a function that opens tables.
func tablesAt(c awsclient.Config) func(dynamo.Tables) protector {
	return func(t dynamo.Tables) protector {
		return dynamo.New(dynamo.Config{
			Region: c.Region, Endpoint: c.Endpoint, Credentials: dynamo.Credentials(c.Credentials), Transport: c.Transport, Tables: t,
		})
	}
}

// protect carries out a Create or Update of the protection: it protects the tables of the stack
// against deletion. The template cannot create a table protected, because the rollback of a failed
// first deployment could not delete the table.
//
// A repeated request changes nothing. protect never switches the protection off.
func (h *handler) protect(ctx context.Context, raw map[string]any) error {
	tables, err := parseTables(raw)
	if err != nil {
		return err
	}
	for until := h.now().Add(patience); ; {
		err := h.tables(tables).Protect(ctx)
		if !errors.Is(err, auth.ErrUnavailable) || !h.now().Before(until) {
			return err
		}
		if h.sleep(ctx, pause); ctx.Err() != nil {
			return fmt.Errorf("the time of this function ran out: %w", err)
		}
	}
}

// parseTables reads the names of the tables from the properties of a request. The error names each
// missing property.
func parseTables(raw map[string]any) (dynamo.Tables, error) {
	var t dynamo.Tables
	var errs []error
	names := map[string]*string{"UsersTable": &t.Users, "SessionsTable": &t.Sessions, "AttemptsTable": &t.Attempts}
	for _, property := range slices.Sorted(maps.Keys(names)) {
		value, ok := raw[property].(string)
		if !ok || value == "" {
			errs = append(errs, fmt.Errorf("%s is not set: it should hold the name of a table", property))
		}
		*names[property] = value
	}
	return t, errors.Join(errs...)
}
