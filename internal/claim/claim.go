// Package claim holds the claim names of edgeauth's access tokens. The context that an authorizer
// passes to backends uses the same names as keys.
package claim

// The claims of the profile (RFC 9068, section 2.2), in the usual order.
const (
	Issuer    = "iss"
	Subject   = "sub"
	Audience  = "aud"
	Expires   = "exp"
	NotBefore = "nbf"
	IssuedAt  = "iat"
	ID        = "jti"
	ClientID  = "client_id"
	SessionID = "sid"
	AuthTime  = "auth_time"
	Scope     = "scope"
	Roles     = "roles"
	AMR       = "amr"
)

// TokenVersion is a private claim of edgeauth (RFC 9068, section 2.2.3.1): the token version of the
// session. A user's token version rises if all of the user's sessions end, so the claim tells an
// older token without comparing clocks.
const TokenVersion = "tv"

// The claims of OpenID Connect Core 1.0, section 5.1. Tokens have them if the client is configured
// with email_claims. Without this configuration, a deployer may use the names for private claims.
const (
	Email         = "email"
	EmailVerified = "email_verified"
)

// Registered returns the names above. A private claim of a deployer must have a different name.
func Registered() []string {
	return []string{
		Issuer, Subject, Audience, Expires, NotBefore, IssuedAt, ID, ClientID, SessionID, AuthTime, Scope, Roles, AMR,
		TokenVersion,
	}
}
