// Package claim holds the names of the claims in our access tokens. The context that an authorizer gives to backends
// uses the same names as its keys.
package claim

// The claims of the profile (RFC 9068, section 2.2), in the order in which tokens are described.
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

// Registered returns the names above. A deployer's own claim must have another name.
func Registered() []string {
	return []string{
		Issuer, Subject, Audience, Expires, NotBefore, IssuedAt, ID, ClientID, SessionID, AuthTime, Scope, Roles, AMR,
	}
}
