package main

// price is a price in US dollars, as it was read.
type price struct {
	what   string
	amount float64
	unit   string
	read   string // the date on which the source says that it held
	source string
}

// The prices of AWS are those of us-east-1, without free tiers.
var (
	gatewayRequest = price{"API Gateway, HTTP API, first 300 million", 1.00, "million requests", "2026", "https://go-cloud.io/aws-api-gateway-pricing, second-hand"}
	lambdaRequest  = price{"Lambda, request", 0.20, "million requests", "2026-05", "https://git.mcrn.ar/mariano/lambda_local_runner, second-hand"}
	lambdaSecond   = price{"Lambda, arm64", 0.0000133334, "GB-second", "2026-05", "the same"}
	writeUnit      = price{"DynamoDB on demand, write of up to 1 KB", 0.625, "million", "2025-07", "https://airbyte.com/data-engineering-resources/dynamodb-pricing, second-hand"}
	readUnit       = price{"DynamoDB on demand, consistent read of up to 4 KB", 0.125, "million", "2025-07", "the same"}
	logGigabyte    = price{"CloudWatch Logs, ingestion", 0.50, "GB", "2026-06", "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, second-hand"}
	metric         = price{"CloudWatch, metric of one's own, first 10,000", 0.30, "metric and month", "2026-02", "https://signoz.io/guides/cloudwatch-pricing, second-hand"}
	alarm          = price{"CloudWatch, alarm", 0.10, "alarm and month", "not verified", "from memory; see https://aws.amazon.com/cloudwatch/pricing/"}
	dashboard      = price{"CloudWatch, dashboard", 3.00, "dashboard and month", "2026-06", "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, second-hand"}
	secret         = price{"Secrets Manager, secret", 0.40, "secret and month", "not verified", "from memory; see https://aws.amazon.com/secrets-manager/pricing/"}

	cognitoLite1      = price{"Cognito Lite, from 10,001 to 100,000 users", 0.0055, "user and month", "2026-09-20", "https://aws.amazon.com/cognito/pricing/, as transcribed by api-evangelist/amazon-cognito"}
	cognitoLite2      = price{"Cognito Lite, from 100,001 to 1,000,000 users", 0.0046, "user and month", "2026-09-20", "the same"}
	cognitoEssentials = price{"Cognito Essentials, from 10,001 users on", 0.015, "user and month", "2026-09-20", "the same"}
	cognitoPlus       = price{"Cognito Plus, from the first user on", 0.020, "user and month", "2026-09-20", "the same"}
	auth0             = price{"Auth0 Essentials, 35 dollars for 500 users", 35.0 / 500, "user and month", "2026-09-20", "https://auth0.com/pricing, as transcribed by api-evangelist/auth0; the prices of more users are not in its text"}
	clerkBase         = price{"Clerk Pro, with 50,000 users", 20, "month, paid by the year", "2026-03-09", "https://owostack.com/pricing-templates/clerk-mau-pricing, second-hand"}
	clerkUser         = price{"Clerk Pro, from 50,001 users on", 0.02, "user and month", "2026-03-09", "the same; discounts for many users are not in it"}
)

var prices = []price{
	gatewayRequest, lambdaRequest, lambdaSecond, writeUnit, readUnit, logGigabyte, metric, alarm, dashboard, secret,
	cognitoLite1, cognitoLite2, cognitoEssentials, cognitoPlus, auth0, clerkBase, clerkUser,
}

// assumption is a number that depends on the deployment, so that a reader can put another in its
// place.
type assumption struct {
	what  string
	value float64
	why   string
}

var (
	authorizerTime   = assumption{"ms of a stateless authorizer, billed", 2, "a decision takes less than 1 ms here; Lambda bills whole ms and its own part. Not measured in an account"}
	sessionTime      = assumption{"ms of a session authorizer that reads", 8, "one round trip to DynamoDB. Not measured in an account"}
	loginTime        = assumption{"ms of a login", 150, "one Argon2id hash with 1 GB of memory, and three round trips. Not measured in an account"}
	refreshTime      = assumption{"ms of a refresh", 15, "one round trip and a signature. Not measured in an account"}
	logoutTime       = assumption{"ms of a logout", 15, "two round trips. Not measured in an account"}
	cacheHits        = assumption{"requests that one cached answer of an authorizer serves", 20, "a TTL of 5 minutes and a request every 15 seconds"}
	sampleAllows     = assumption{"allowed requests of which one has a line, in the row that says so", 20, "audit.sample_allows"}
	instanceRate     = assumption{"requests a second that an instance of an authorizer serves", 10, "with the mode revocations it reads the list at most every 5 seconds"}
	revocationShards = assumption{"queries of one read of the list of revocations", 4, "the number of its shards"}
	opaqueSlides     = assumption{"share of opaque requests that write", 0.1, "a session slides at most once in 60 seconds"}
	lineOverhead     = assumption{"bytes that CloudWatch adds to each line", 26, "as PutLogEvents counts"}
	accessLine       = assumption{"bytes of a line of the API's access log", 380, "as the format of template.yaml fills"}
	logins           = assumption{"logins of a user in a month", 2, "sessions live for 14 idle days"}
	refreshes        = assumption{"refreshes of a user in a month", 80, "20 days with an hour of use, and access tokens of 15 minutes"}
	requests         = assumption{"requests of a user in a month that an authorizer decides", 2000, "100 on each of these days"}
	metricCount      = assumption{"metrics that get a value", 36, "23 without dimensions, and those of one client, in a deployment without mails"}
	alarmCount       = assumption{"alarms", 9, "those of template.yaml; MailSender adds five, and Rollout two"}
	secretCount      = assumption{"secrets", 3, "the three rings"}
)

var assumptions = []assumption{
	authorizerTime, sessionTime, loginTime, refreshTime, logoutTime, cacheHits, sampleAllows, instanceRate, revocationShards, opaqueSlides, lineOverhead, accessLine,
	logins, refreshes, requests, metricCount, alarmCount, secretCount,
}
