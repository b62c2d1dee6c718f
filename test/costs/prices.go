package main

// price is a price in US dollars, as it was read.
type price struct {
	what   string
	amount float64
	unit   string
	read   string // the date of the source, or of its copy
	kind   kind
	source string
}

// kind tells how close a source is to the vendor.
type kind string

const (
	page   kind = "page"   // a stored copy of a page of the vendor
	list   kind = "list"   // a row of the vendor's price list, as others copy it
	copied kind = "copied" // a page of the vendor, as others transcribe it
)

// offers is where AWS publishes its price lists, each version under an address of its own.
const offers = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/"

const (
	cloudWatch = offers + "AmazonCloudWatch/20260831092148/us-east-1/index.json"
	priceBook  = "https://github.com/ocelhq/ocel, docs/research/price-book.md"
)

// The prices of AWS are those of us-east-1, without free tiers.
var (
	gatewayRequest = price{"API Gateway, HTTP API, first 300 million", 1.00, "million requests", "no date", page,
		"https://docs.aws.amazon.com/whitepapers/latest/best-practices-api-gateway-private-apis-integration/cost-optimization.html"}
	lambdaRequest = price{"Lambda, request", 0.20, "million requests", "no date", page,
		"https://docs.aws.amazon.com/whitepapers/latest/how-aws-pricing-works/lambda.html"}
	lambdaSecond = price{"Lambda, arm64, first 7.5 billion", 0.0000133334, "GB-second", "2026-09-06", list,
		"AWSLambda, `Lambda-GB-Second-ARM`, copied in " + priceBook + ". AWS's page has the price of x86, and [its announcement](https://aws.amazon.com/blogs/aws/aws-lambda-functions-powered-by-aws-graviton2-processor-run-your-functions-on-arm-and-get-up-to-34-better-price-performance/) says 20 percent less"}
	writeUnit = price{"DynamoDB on demand, write of up to 1 KB", 0.625, "million", "2026-09-06", list,
		"AmazonDynamoDB, `WriteRequestUnits`, copied in " + priceBook + ". Texts from before November 2024 have twice as much"}
	readUnit = price{"DynamoDB on demand, consistent read of up to 4 KB", 0.125, "million", "2026-09-06", list,
		"AmazonDynamoDB, `ReadRequestUnits`, the same"}
	logGigabyte = price{"CloudWatch Logs, ingestion, class Standard", 0.50, "GB", "2026-08-31", list, cloudWatch + ", SKU S8QGXX5R2BKKMDSJ"}
	logRarely   = price{"CloudWatch Logs, ingestion, class Infrequent Access", 0.25, "GB", "2026-08-09", list,
		"AmazonCloudWatch, `USE1-DataProcessingIA-Bytes`, copied without the version; in no table above"}
	metric    = price{"CloudWatch, metric of one's own, first 10,000", 0.30, "metric and month", "2026-08-31", list, cloudWatch + ", SKU KG586CTNGQ4VRZKZ"}
	alarm     = price{"CloudWatch, alarm, standard resolution", 0.10, "metric of an alarm and month", "2026-08-31", list, cloudWatch + ", SKU EVETVUGEN3MUTMXM"}
	dashboard = price{"CloudWatch, dashboard", 3.00, "dashboard and month", "2026-08-31", list,
		offers + "AmazonCloudWatch/20260831092148/index.json, SKU 8AWBXE5MPQY58BK4"}
	secret = price{"Secrets Manager, secret", 0.40, "secret and month", "2026-08-31", list,
		offers + "AWSSecretsManager/20260831092330/us-east-1/index.json, SKU BJ3PQ9BYGU6P632F; https://aws.amazon.com/secrets-manager/pricing/ of 2026-09-20 agrees, as transcribed by api-evangelist/amazon-secrets-manager"}
	sesMail = price{"SES, plan Essentials, first 10 million", 160, "million mails", "2026-07-22", list,
		offers + "AmazonSES/20260722172054/us-east-1/index.json, `USE1-Essentials-Outbound-Email`, copied by api-evangelist/amazon-ses. The plan of new accounts since 2026-07-21"}
	sesRecipient = price{"SES, without a plan", 100, "million recipients", "2026-07-22", list,
		"the same, `Recipients`. For accounts that have sent since 2025-06-01, or chose it; in no table above"}

	cognitoLite1 = price{"Cognito Lite, from 10,001 to 100,000 users", 0.0055, "user and month", "2026-09-20", copied,
		"https://aws.amazon.com/cognito/pricing/, by api-evangelist/amazon-cognito. Copies of the list AmazonCognito 20260622204707 agree"}
	cognitoLite2      = price{"Cognito Lite, from 100,001 to 1,000,000 users", 0.0046, "user and month", "2026-09-20", copied, "the same page"}
	cognitoEssentials = price{"Cognito Essentials, from 10,001 users on", 0.015, "user and month", "2026-09-20", copied, "the same page and list"}
	cognitoPlus       = price{"Cognito Plus, from the first user on", 0.020, "user and month", "2026-09-20", copied, "the same page and list"}
	auth0             = price{"Auth0 Essentials for consumers: 35 dollars for 500 users, 700 for 10,000, 3500 for 50,000", 35.0 / 500, "user and month", "2026-09-20", copied,
		"https://auth0.com/pricing, by api-evangelist/auth0, for 500 users; others transcribe the larger sizes from https://auth0.com/pricing.md. Above 50,000 users the price is by quote. [Auth0](https://github.com/auth0/agent-skills) bills the next larger size of its list"}
	clerkBase = price{"Clerk Pro, with 50,000 users", 20, "month, paid by the year; 25 by the month", "2026-09-20", copied,
		"https://clerk.com/pricing, by api-evangelist/clerk-com. [Clerk's own article](https://clerk.com/articles/clerk-pricing-explained) of 2026-06 has 25"}
	clerkUser1 = price{"Clerk Pro, from 50,001 to 100,000 users", 0.02, "user and month", "2026-09-20", copied, "the same; the article has 1025 for 100,000 users, which agrees"}
	clerkUser2 = price{"Clerk Pro, from 100,001 to 1,000,000 users", 0.018, "user and month", "2026-09-20", copied, "the same page"}
)

var prices = []price{
	gatewayRequest, lambdaRequest, lambdaSecond, writeUnit, readUnit, logGigabyte, logRarely, metric, alarm, dashboard, secret, sesMail, sesRecipient,
	cognitoLite1, cognitoLite2, cognitoEssentials, cognitoPlus, auth0, clerkBase, clerkUser1, clerkUser2,
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
)

var assumptions = []assumption{
	authorizerTime, sessionTime, loginTime, refreshTime, logoutTime, cacheHits, sampleAllows, instanceRate, revocationShards, opaqueSlides, lineOverhead, accessLine,
	logins, refreshes, requests,
}
