package bolt_test

import "flag"

// "make generated" plays more of them.
var (
	sessionCases  = flag.Int("cases", 3000, "the number of generated session cases; the cases at the boundaries of the rules are 1,257 of them")
	endsRefreshes = flag.Int("refreshes", 500, "the number of refreshes that race with each end of sessions")
)
