// Command costs prints the tables of docs/costs.md: what edgeauth costs on AWS, and what others cost
// for as many users. Run it in the root of the repository:
//
//	go run ./test/costs
//
// Every price and every assumption stands in prices.go, and is printed with the result. What a stack
// has of metrics, alarms and secrets is counted in the code and in template.yaml.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"strings"
)

//go:embed calls.json
var callsFile []byte

// calls are the requests to DynamoDB of each operation, by operation. A test counts them.
type calls map[string]map[string]int

func measuredCalls() (c calls) {
	if err := json.Unmarshal(callsFile, &c); err != nil {
		log.Fatalf("calls.json: %v", err)
	}
	return c
}

// lineBytes are the lengths of audit lines with metrics (go test ./internal/audit -run TestBytes -v).
var lineBytes = map[string]float64{"login": 601, "refresh": 621, "logout": 484, "authorization": 452}

const million = 1e6

// store returns the price of a million times these calls. Items of edgeauth have less than 1 KB, and
// a query returns few of them.
func store(c map[string]int) float64 {
	units := map[string]float64{
		"GetItem": readUnit.amount, "Query": readUnit.amount, "TransactGetItems": 4 * readUnit.amount,
		"PutItem": writeUnit.amount, "UpdateItem": writeUnit.amount, "TransactWriteItems": 4 * writeUnit.amount,
	}
	total := 0.0
	for name, n := range c {
		unit, ok := units[name]
		if !ok {
			log.Fatalf("calls.json: %s has no price", name)
		}
		total += float64(n) * unit
	}
	return total
}

// function returns the price of a million calls of a function.
func function(memoryMB, milliseconds float64) float64 {
	return lambdaRequest.amount + million*memoryMB/1024*milliseconds/1000*lambdaSecond.amount
}

// lines returns the price of a million lines of this length.
func lines(bytes float64) float64 {
	return million * (bytes + lineOverhead.value) / 1e9 * logGigabyte.amount
}

// operation is what a million of one operation cost.
type operation struct {
	name                                  string
	gateway, function, store, lines, mail float64
}

func (o operation) total() float64 { return o.gateway + o.function + o.store + o.lines + o.mail }

func operations(c calls) []operation {
	one := lines(lineBytes["authorization"])
	stateless := operation{name: "an authorization, stateless", function: function(256, authorizerTime.value), lines: one}
	sampled := stateless
	sampled.name, sampled.lines = "an authorization, stateless, with a line for one in 20", one/sampleAllows.value
	cached := operation{name: "an authorization, stateless and cached by a REST API", function: stateless.function / cacheHits.value, lines: one / cacheHits.value}
	checked := operation{name: "an authorization with a read of the session", function: function(256, sessionTime.value), store: store(c["session check"]), lines: one}
	reads := million / (instanceRate.value * 5) * revocationShards.value / million * readUnit.amount
	revocations := operation{name: "an authorization with the list of revocations", function: function(256, authorizerTime.value), store: reads, lines: one}
	opaque := operation{name: "an authorization of an opaque token", function: function(256, sessionTime.value), store: store(c["session check"]) + opaqueSlides.value*writeUnit.amount, lines: one}
	own := func(name, what string, memory, time float64) operation {
		return operation{name, gatewayRequest.amount, function(memory, time), store(c[what]), lines(lineBytes[what]) + lines(accessLine.value), 0}
	}
	return []operation{
		{name: "an authorization by the gateway's own JWT authorizer"},
		stateless, sampled, cached, checked, revocations, opaque,
		own("a login", "login", 1024, loginTime.value),
		own("a refresh", "refresh", 512, refreshTime.value),
		own("a logout", "logout", 256, logoutTime.value),
		{name: "a mail of a code by SES, beside the request that asks for it", mail: sesMail.amount},
	}
}

// month returns what a number of users costs in a stack, with one way to authorize.
func month(users float64, s stack, all []operation, way string) float64 {
	total := s.most()
	for _, o := range all {
		switch o.name {
		case "a login":
			total += users * logins.value / million * o.total()
		case "a refresh":
			total += users * refreshes.value / million * o.total()
		case way:
			total += users * requests.value / million * o.total()
		}
	}
	return total
}

func above(users, free float64) float64 { return max(0, users-free) }

// byQuote is the price of what a vendor does not list.
var byQuote = math.NaN()

// others are the prices of services that bill by monthly active users.
var others = []struct {
	name string
	cost func(users float64) float64
}{
	{"Cognito Lite", func(n float64) float64 {
		return min(above(n, 10_000), 90_000)*cognitoLite1.amount + above(n, 100_000)*cognitoLite2.amount
	}},
	{"Cognito Essentials", func(n float64) float64 { return above(n, 10_000) * cognitoEssentials.amount }},
	{"Cognito Plus", func(n float64) float64 { return n * cognitoPlus.amount }},
	{"Auth0 Essentials", func(n float64) float64 {
		if n > 50_000 {
			return byQuote
		}
		return n * auth0.amount
	}},
	{"Clerk Pro", func(n float64) float64 {
		return clerkBase.amount + min(above(n, 50_000), 50_000)*clerkUser1.amount + above(n, 100_000)*clerkUser2.amount
	}},
}

var userCounts = []float64{10_000, 100_000, 1_000_000}

// write writes the tables of a product.
func write(w io.Writer, counted product) {
	c := measuredCalls()
	all := operations(c)
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	p("### A million of each\n")
	p("US dollars, without the free tiers of AWS. The gateway of your own API is not in it: you have it anyway.\n")
	p("| a million times | gateway | function | store | log | mail | in all |")
	p("| --- | --- | --- | --- | --- | --- | --- |")
	for _, o := range all {
		p("| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |", o.name, o.gateway, o.function, o.store, o.lines, o.mail, o.total())
	}
	stacks := counted.stacks()
	p("\n### A stack\n")
	p("US dollars in a month, with one client, the dashboard and `Monitoring=alarms`. The numbers are counted in the")
	p("code and in `template.yaml`. A metric costs something only in the hours in which it gets a value, so a stack")
	p("costs between the last two columns.\n")
	p("| a stack | secrets | metrics of alarms | metrics | without a request | with every metric in every hour |")
	p("| --- | --- | --- | --- | --- | --- |")
	for _, s := range stacks {
		p("| %s | %d | %d | %d | %.2f | %.2f |", s.name, s.secrets, s.alarms, s.metrics, s.idle(), s.most())
	}
	p("\n### A month\n")
	p("US dollars, with the stack %s, and every metric in every hour.\n", stacks[0].name)
	p("| users in a month | 10,000 | 100,000 | 1,000,000 |")
	p("| --- | --- | --- | --- |")
	row := func(name string, cost func(users float64) float64) {
		cells := []string{name}
		for _, n := range userCounts {
			if x := cost(n); math.IsNaN(x) {
				cells = append(cells, "by quote")
			} else {
				cells = append(cells, fmt.Sprintf("%.0f", x))
			}
		}
		p("| %s |", strings.Join(cells, " | "))
	}
	for _, o := range all {
		if way, is := strings.CutPrefix(o.name, "an authorization"); is {
			row("edgeauth, "+strings.TrimLeft(way, ", "), func(n float64) float64 { return month(n, stacks[0], all, o.name) })
		}
	}
	for _, o := range others {
		row(o.name, o.cost)
	}
	p("\n### Calls of the store\n")
	p("As a test counts them, against DynamoDB Local.\n")
	p("| operation | requests to DynamoDB |")
	p("| --- | --- |")
	for _, name := range []string{"login", "refresh", "logout", "session check"} {
		text, _ := json.Marshal(c[name])
		p("| %s | %s |", name, strings.NewReplacer("{", "", "}", "", `"`, "", ":", " ", ",", ", ").Replace(string(text)))
	}
	p("\n### Prices\n")
	p("No account and no live page was at hand: each source was read in a copy. `page` is a stored copy of the vendor's")
	p("own page, and a page without a date says so. `list` is a row of AWS's price list, as public repositories copy it;")
	p("the address is that of the list. `copied` is the vendor's page as others transcribe it.\n")
	p("| what | US dollars | for | date | source | where |")
	p("| --- | --- | --- | --- | --- | --- |")
	for _, x := range prices {
		p("| %s | %s | %s | %s | %s | %s |", x.what, strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.10f", x.amount), "0"), "."), x.unit, x.read, x.kind, x.source)
	}
	p("\n### Assumptions\n")
	p("| assumption | value | why |")
	p("| --- | --- | --- |")
	for _, a := range assumptions {
		p("| %s | %g | %s |", a.what, a.value, a.why)
	}
}

func main() {
	counted, err := readProduct(".")
	if err != nil {
		log.Fatal(err)
	}
	write(os.Stdout, counted)
}
