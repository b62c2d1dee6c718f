// Package config reads the configuration of a process from its environment. It knows the name and
// form of every variable, and reports all missing and invalid variables at once.
//
//	e := config.Process()
//	issuer, audience := e.Issuer(), e.Audience()
//	if err := e.Err(); err != nil {
//		log.Fatal(err)
//	}
//
// The packages that use the values define their meaning.
package config

// The variables. Each function reads only its own.
const (
	Issuer              = "EDGEAUTH_ISSUER"
	Audience            = "EDGEAUTH_AUDIENCE"
	JWKS                = "EDGEAUTH_JWKS"
	JWKSFile            = "EDGEAUTH_JWKS_FILE"
	JWKSURL             = "EDGEAUTH_JWKS_URL"
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
	SessionsNotBefore   = "EDGEAUTH_SESSIONS_NOT_BEFORE"
	SessionCheck        = "EDGEAUTH_SESSION_CHECK"
	StackID             = "EDGEAUTH_STACK_ID"
	Metrics             = "EDGEAUTH_METRICS"
	Mailer              = "EDGEAUTH_MAILER"
	MailSender          = "EDGEAUTH_MAIL_SENDER"
	MailFrom            = "EDGEAUTH_MAIL_FROM"
	MailName            = "EDGEAUTH_MAIL_NAME"
	MailReplyTo         = "EDGEAUTH_MAIL_REPLY_TO"
	MailLink            = "EDGEAUTH_MAIL_LINK"
	MailTemplates       = "EDGEAUTH_MAIL_TEMPLATES"
	SMTPPassword        = "EDGEAUTH_SMTP_PASSWORD"
	ConfigurationSet    = "EDGEAUTH_SES_CONFIGURATION_SET"

	// The names of the AWS SDKs. The endpoints point at a local engine or a stand-in; Lambda sets
	// the other variables.
	DynamoDBEndpoint       = "AWS_ENDPOINT_URL_DYNAMODB"
	SecretsManagerEndpoint = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
	LambdaEndpoint         = "AWS_ENDPOINT_URL_LAMBDA"
	SESEndpoint            = "AWS_ENDPOINT_URL_SESV2"
	EmulatorEndpoint       = "AWS_ENDPOINT_URL"
	Region                 = "AWS_REGION"
	AccessKeyID            = "AWS_ACCESS_KEY_ID"
	SecretAccessKey        = "AWS_SECRET_ACCESS_KEY"
	SessionToken           = "AWS_SESSION_TOKEN"
)

// The values of HTTPResponse: the two response formats of an HTTP API 2.0 authorizer.
const (
	ResponseSimple = "simple"
	ResponseIAM    = "iam"
)

// The values of SessionCheck: what the session authorizer reads.
const (
	CheckSession     = "session"     // the session and the user of each token
	CheckRevocations = "revocations" // the recent ends of sessions, every few seconds
)

// The values of Deny: how the authorizer of a REST API refuses a request without a valid token.
const (
	DenyUnauthorized = "unauthorized" // with the error that the gateway answers with 401
	DenyPolicy       = "deny"         // with a policy, which the gateway answers with 403
)
