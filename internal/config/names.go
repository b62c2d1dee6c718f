// Package config reads the environment of a process. It knows every variable's name and form, collects whatever is
// wrong, and reports all of it at once. What the values mean is the business of the packages that use them.
package config

// The variables. Each function reads its own and no others.
const (
	Issuer              = "EDGEAUTH_ISSUER"
	Audience            = "EDGEAUTH_AUDIENCE"
	JWKS                = "EDGEAUTH_JWKS"
	JWKSFile            = "EDGEAUTH_JWKS_FILE"
	SigningRing         = "EDGEAUTH_SIGNING_RING"
	RefreshKeys         = "EDGEAUTH_REFRESH_KEYS"
	LoginRing           = "EDGEAUTH_LOGIN_RING"
	KeyVersion          = "EDGEAUTH_KEY_VERSION"
	Store               = "EDGEAUTH_STORE"
	UsersTable          = "EDGEAUTH_USERS_TABLE"
	SessionsTable       = "EDGEAUTH_SESSIONS_TABLE"
	AttemptsTable       = "EDGEAUTH_ATTEMPTS_TABLE"
	Profile             = "EDGEAUTH_PROFILE"
	AccessTokenLifetime = "EDGEAUTH_ACCESS_TOKEN_LIFETIME"
	IdleTimeout         = "EDGEAUTH_IDLE_TIMEOUT"
	AbsoluteTimeout     = "EDGEAUTH_ABSOLUTE_TIMEOUT"
	HTTPResponse        = "EDGEAUTH_HTTP_RESPONSE"
	Deny                = "EDGEAUTH_DENY"
	Config              = "EDGEAUTH_CONFIG"
	RestoredUntil       = "EDGEAUTH_RESTORED_UNTIL"
	StackID             = "EDGEAUTH_STACK_ID"

	// The AWS SDKs' own names. The endpoints point at a local engine and a stand-in; Lambda sets the others.
	DynamoDBEndpoint       = "AWS_ENDPOINT_URL_DYNAMODB"
	SecretsManagerEndpoint = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
	EmulatorEndpoint       = "AWS_ENDPOINT_URL"
	Region                 = "AWS_REGION"
	AccessKeyID            = "AWS_ACCESS_KEY_ID"
	SecretAccessKey        = "AWS_SECRET_ACCESS_KEY"
	SessionToken           = "AWS_SESSION_TOKEN"
)

// The values of HTTPResponse: the two forms in which an HTTP API 2.0 authorizer may answer.
const (
	ResponseSimple = "simple"
	ResponseIAM    = "iam"
)

// The values of Deny: how a REST API's authorizer refuses who has no good token.
const (
	DenyUnauthorized = "unauthorized" // by the error that the gateway answers with 401
	DenyPolicy       = "deny"         // by a policy, and 403
)
