package bolt_test

import "flag"

// "make generated" plays more cases and more refreshes.
var (
	sessionCases  = flag.Int("cases", 3000, "the number of session cases: all cases at the boundaries of the rules, and random cases")
	endsRefreshes = flag.Int("refreshes", 500, "the number of refreshes that race with each end of sessions")
)
