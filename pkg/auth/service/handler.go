package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint/discovery"
)

// Handler returns the handler of one function: login, refresh, sessions or account. Login and
// account require Settings.LoginRing.
func (x *Service) Handler(function string) (http.Handler, error) {
	if (function == "login" || function == "account") && x.authenticator == nil {
		return nil, fmt.Errorf("service: Settings.LoginRing is missing (the %s function needs the login keys)", function)
	}
	switch function {
	case "login":
		return endpoint.Login(x.responder, x.authenticator, x.sessions, x.Clients())
	case "refresh":
		return endpoint.Refresh(x.responder, x.sessions)
	case "sessions":
		if x.settings.Stores.Versions == nil {
			return nil, errors.New("service: Settings.Stores.Versions is missing (the sessions function needs it; OpenBolt returns one)")
		}
		return endpoint.Sessions(endpoint.SessionsConfig{
			Sessions: x.sessions, Access: x.access, Origins: x.settings.Origins, Log: x.settings.Log, Now: x.settings.Now,
		})
	case "account":
		if x.settings.Stores.Flows == nil {
			return nil, errors.New("service: Settings.Stores.Flows is missing (the account function needs it; OpenBolt returns one)")
		}
		return endpoint.Account(endpoint.AccountConfig{
			Responder: x.responder, Login: x.authenticator, Access: x.access, Sessions: x.sessions, Clients: x.Clients(),
			Flows: x.flows, Messages: x.settings.Messages,
		})
	}
	return nil, fmt.Errorf("service: unknown function %q (want login, refresh, sessions or account)", function)
}

// Handlers returns the handlers of all functions, for a program that serves every path: login,
// refresh, sessions, account and discovery. Without Settings.LoginRing, login and account are left
// out: the program identifies its users by itself. It returns an error if the signing ring cannot
// be read.
func (x *Service) Handlers(ctx context.Context) (map[string]http.Handler, error) {
	keys, err := x.PublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	published, err := discovery.New(x.settings.Issuer, keys)
	if err != nil {
		return nil, err
	}
	all := map[string]http.Handler{"discovery": published}
	functions := []string{"refresh", "sessions"}
	if x.authenticator != nil {
		functions = append(functions, "login", "account")
	}
	for _, function := range functions {
		if all[function], err = x.Handler(function); err != nil {
			return nil, err
		}
	}
	return all, nil
}
